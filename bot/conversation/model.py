"""The values that pass between rooms: messages in, conversations kept, effects out.

Frozen and without behaviour beyond reading themselves. What a person wrote or is carries `repr=False`,
so that no log, assertion or traceback shows it. No rendered words here: effects hold names and values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Words(Protocol):
    """One language: looks a text up and fills its places in."""

    def __call__(self, context: str, msgid: str, values: Mapping[str, str] | None = None) -> str:
        """Return the words for `msgid` as said at `context`, with {places} filled from `values`."""


@dataclass(frozen=True, slots=True)
class Sender:
    """The channel address of a person; secret."""

    channel: str
    address: str = field(repr=False)


class Kind(StrEnum):
    """What a message is made of. Only text and taps are read; the rest is refused unfetched."""

    TEXT = "text"
    TAP = "tap"
    PHOTO = "photo"
    VOICE = "voice"
    VIDEO = "video"
    FILE = "file"
    STICKER = "sticker"
    LOCATION = "location"
    CONTACT = "contact"
    OTHER = "other"
    DELETED = "deleted"  # the person has deleted the earlier message that `edits` names


@dataclass(frozen=True, slots=True)
class Queued:
    """A place in a platform's queue: what stands before one that was taken is never taken again."""

    queue: str  # one for each account of ours
    place: int


@dataclass(frozen=True, slots=True)
class Message:
    """One inbound text, tap or event."""

    sender: Sender
    id: str = field(repr=False)  # unique within the sender's channel
    at: datetime  # aware; when it was written, by the platform's clock
    text: str = field(default="", repr=False)
    kind: Kind = Kind.TEXT
    hint: str = ""  # language tag the platform tells, never an answer
    question: int | None = None  # serial of the question a tap belongs to
    edits: str = field(default="", repr=False)  # id of the earlier message this one corrects
    queued: Queued | None = None  # None: known by its id
    removable: bool = False  # the platform lets us delete it there later


@dataclass(frozen=True, slots=True)
class Answer:
    """What was kept of one answer: choices by name, or the person's own words."""

    step: str
    choices: tuple[str, ...] = ()
    words: str = field(default="", repr=False)
    language: str = ""  # of the words
    message: str = field(default="", repr=False)  # id of the message that gave it


class ConsentKind(StrEnum):
    """The two consents; neither has a default."""

    SEND = "send"
    ACT = "act"


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's yes: to what, in which words (flow version), when."""

    kind: ConsentKind
    choice: str
    version: str
    at: datetime


class Way(StrEnum):
    """How far a handoff (the alert, or an addition to it) has come."""

    SEALING = "sealing"  # the answers wait to be sealed
    WAITING = "waiting"  # sealed mails wait to leave
    TRYING = "trying"  # a mail is on the wire now, or was when we stopped
    PLACED = "placed"  # left in a folder that the mission empties: nobody says when
    LEFT = "left"  # a server said 250
    GIVEN_UP = "given_up"  # 24 hours of tries are over
    BOUNCED = "bounced"  # it came back from every officer that it had left for
    IN_DOUBT = "in_doubt"  # the same, but one of the tries may have arrived


@dataclass(frozen=True, slots=True)
class Handed:
    """One handoff of a case: 0 is the alert, 1 and on are additions."""

    number: int
    way: Way = Way.SEALING
    left_at: datetime | None = None
    late: bool = False  # the person was told NOT sent yet


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """What stays here of a case after its answers have gone: nothing that the person told."""

    reference: str
    level: int
    check: str = field(repr=False)
    reply: str  # the choice of how to be answered; "" when not asked
    opened_at: datetime
    consents: tuple[Consent, ...]
    handed: tuple[Handed, ...]
    read_at: datetime | None = None  # an officer has acknowledged it
    unread: bool = False  # the person was told that nobody has read it yet
    relayed: bool = False  # words of the mission have come to the person


@dataclass(frozen=True, slots=True)
class Conversation:
    """How far one person has come. Everything in it is sealed when kept."""

    sender: Sender
    flow: str = ""  # version of the flow it was led by
    language: str = ""  # "" until known
    step: str = ""  # the question that waits for an answer
    serial: int = 0  # grows by one with each question asked
    offered: tuple[tuple[int, str], ...] = ()  # the numbers shown with the waiting question
    page: int = 0
    wording: str = field(default="", repr=False)  # of a waiting consent, in short: what it says, lists and offers
    copies: int = 0  # of the waiting consent, put just before it
    doubted: int = 0  # which of these may have come, and nobody can say: the first
    seen_at: datetime | None = None  # when the waiting question, or such a copy, reached the person
    answers: tuple[Answer, ...] = field(default=(), repr=False)
    consents: tuple[Consent, ...] = ()
    trail: tuple[str, ...] = ()  # steps answered, oldest first, for `back`
    misses: int = 0  # messages in a row that were not understood
    urgent: bool = False  # SOS or danger "now"
    heard_at: datetime | None = None  # the person's last message
    draft: str = field(default="", repr=False)  # own words that wait for a second look
    resume: str = ""  # the step to come back to after a change of language
    found: tuple[str, ...] = ()  # topics of the guide that a word has led to
    note: tuple[Answer, ...] = field(default=(), repr=False)  # for a note to take along; never sent
    private: tuple[str, ...] = ()  # messages whose corrections are never passed on: for a note, in the guide, a crisis
    carried_to: str = ""  # where a talk from another channel goes on once that is confirmed
    gathering: int = 0  # the number of the newest GATHER timer
    picked: tuple[str, ...] = ()  # of a choice of several, before more kinds were shown
    traces: tuple[tuple[str, int], ...] = field(default=(), repr=False)  # messages to clear: id, minute since 1970
    clearing: bool = False  # a CLEAR timer runs
    case: CaseRecord | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One text to be said: the name of a text in the flows, and what goes into its places."""

    name: str
    values: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """The choices that close a message, with the numbers they are shown under."""

    step: str
    serial: int
    offered: tuple[tuple[int, str], ...]
    consent: bool = False
    several: bool = False  # more than one may be chosen
    first: bool = False  # of a talk
    copies: int = 0  # of this consent, put just before


class Weight(StrEnum):
    """What a lost or doubled text would cost; the courier decides by it after a crash."""

    QUESTION = "question"
    STATUS = "status"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class Say:
    """Words for the person, as names; rendered in each of `languages` at delivery."""

    lines: tuple[Line, ...]
    languages: tuple[str, ...]
    question: Question | None = None
    shown: tuple[Answer, ...] = field(default=(), repr=False)  # answers to list for review
    tail: tuple[Line, ...] = ()  # said after the choices
    weight: Weight = Weight.QUESTION
    not_before: datetime | None = None  # the person's safe hours
    final: bool = False  # holds codes: may be copied, vanishes


@dataclass(frozen=True, slots=True)
class Spoken:
    """A Say in words."""

    text: str = field(repr=False)  # whole; without the choices that are buttons
    buttons: tuple[tuple[int, str], ...] = field(default=(), repr=False)  # number and label, where there are buttons
    done: str = field(default="", repr=False)  # label of the button that ends a choice of several; "": each one answers
    copyable: bool = False  # holds contacts or codes, which people must be able to copy


@dataclass(frozen=True, slots=True)
class HandOff:
    """A case, or an addition to it, on its way to be sealed. The only place of the answers from here on."""

    reference: str
    number: int  # 0: the alert; 1 and on: additions
    level: int
    raised_from: int | None  # an addition that raised the level
    reasons: tuple[str, ...]  # names of the triage rules that decided
    check: str = field(repr=False)
    language: str = ""
    channel: str = ""
    answers: tuple[Answer, ...] = field(default=(), repr=False)
    consents: tuple[Consent, ...] = ()
    at: datetime | None = None
    not_before: datetime | None = None  # level 3 and 4 leave at a random minute
    return_code: str = field(default="", repr=False)  # kept as a keyed hash only; never in a mail
    closed: bool = False  # the person wrote STOP, and has not said since how to be answered


@dataclass(frozen=True, slots=True)
class Clear:
    """Delete these messages in the messenger."""

    ids: tuple[str, ...] = field(repr=False)
    not_before: datetime | None = None  # closing words can be read for a while


class Timer(StrEnum):
    """What comes due when nothing else happens."""

    LATE = "late"  # level 1 and 2: no 250 within five minutes
    GIVE_UP = "give_up"  # 24 hours of tries
    GATHER = "gather"  # ten minutes after the last addition
    UNREAD = "unread"  # the first wait for an officer has passed
    GONE = "gone"  # a case that only the bot held is held no longer
    CLEAR = "clear"  # the messenger keeps what it shows; soon it no longer lets us delete it


@dataclass(frozen=True, slots=True)
class Wake:
    """Report `timer` at `at`, with the number it was set for."""

    timer: Timer
    at: datetime
    number: int


Effect = Say | HandOff | Clear | Wake


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one turn or report gives. `conversation` None: nothing of it is kept any more."""

    conversation: Conversation | None
    effects: tuple[Effect, ...] = ()
    erase: bool = False  # withdraw every waiting word and mail of this person
    code: str = field(default="", repr=False)  # lets the talk be carried to another channel, once, for a while


@dataclass(frozen=True, slots=True)
class Assessment:
    """A triage level (1 immediate danger … 4 information) and the names of the rules that gave it."""

    level: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chance:
    """What one turn may need that can't be computed: drawn outside, so that a turn can be repeated."""

    reference: str
    return_code: str = field(repr=False)
    check: str = field(repr=False)
    fraction: float  # 0 ≤ x < 1: where in its window a case of level 3 or 4 leaves
    carry: str = field(default="", repr=False)  # the code that carries a talk to another channel
