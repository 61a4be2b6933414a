"""What the courier needs of others, and its rules that hold no state: which rows go out together, what is reported."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from bot.channels.base import Arrived, Channel
from bot.conversation.events import Delivered, Event
from bot.conversation.model import HandOff, Say, Sender, Spoken
from bot.storage.outbox import SEALED, SENT, WORDS, Mail, Note, Outbox, Ping, Row

AT_ONCE = 64  # rows carried at the same time
MAILS_AT_ONCE = 8
SEALED_AT_ONCE = 4  # more threads would only fight over the interpreter with whoever answers people
KEPT = 4  # one place in so many waits for what is urgent


class Report(Protocol):
    """Takes in what happened outside, inside a writer's job."""

    def __call__(self, conn: sa.Connection, who: bytes, sender: Sender, happened: Event) -> None:
        """`who`: by their keyed hash."""


class Speak(Protocol):
    """Puts a Say into words."""

    def __call__(self, say: Say, *, buttons: bool, covered: bool) -> Spoken:
        """Return the words, for a channel with buttons or without, that may show on a locked screen or not."""


class Mission(Protocol):
    """What is done for the mission: cases and notes are sealed, and what was sealed for whom is noted."""

    def audience(
        self, conn: sa.Connection, who: bytes, told: HandOff, now: datetime, *, count: bool
    ) -> tuple[str, frozenset[str]]:
        """Return which officer has read this person's case, "" for none, and whom this handoff doesn't wake.

        Nobody is woken singly where very many come; `count` it, if it is a first try.
        """

    def seal(self, told: HandOff, now: datetime, reader: str, unwoken: frozenset[str]) -> Sequence[Mail | Ping]:
        """Return the mails and pings of a handoff. In a thread."""

    def sealed(
        self, conn: sa.Connection, who: bytes, told: HandOff, letters: Sequence[Mail | Ping], now: datetime
    ) -> None:
        """Note that they are stored."""

    def seal_note(self, note: Note, now: datetime) -> Mail | None:
        """Return the mail of a note; None if it can't be written to this officer. In a thread."""


def one_word_each(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows without a person's second text and later ones: each waits until the one before it was said."""
    spoken: set[bytes] = set()
    for row in rows:
        if row.kind != "say":
            yield row
        elif row.who not in spoken:
            spoken.add(row.who)
            yield row


@dataclass(frozen=True, slots=True)
class OnTheirWay:
    """The ids of rows that are being carried, by what carrying them takes."""

    words: set[bytes] = field(default_factory=set)  # and whatever is none of the others
    sealed: set[bytes] = field(default_factory=set)  # cases and notes: each in a thread
    mails: set[bytes] = field(default_factory=set)

    def of(self, kind: str) -> set[bytes]:
        """Return where a row of this kind belongs."""
        return {"mail": self.mails, "hand_off": self.sealed, "note": self.sealed}.get(kind, self.words)

    def everything(self) -> frozenset[bytes]:
        """Return all of them."""
        return frozenset(self.words | self.sealed | self.mails)


@dataclass(frozen=True, slots=True)
class Resting:
    """People to whom nothing more is said for a moment: a messenger takes few messages a second for one of them."""

    people: set[bytes] = field(default_factory=set)

    def begin(self, who: bytes, seconds: float, after: Callable[[], object]) -> None:
        """Let somebody rest for so long, and call `after` then."""
        if seconds:
            self.people.add(who)
            asyncio.get_running_loop().call_later(seconds, self._ends, who, after)

    def _ends(self, who: bytes, after: Callable[[], object]) -> None:
        self.people.discard(who)
        after()


@dataclass(slots=True)
class Room:
    """How many more messages a channel takes now, and how many of these places are for urgent ones alone."""

    free: int
    kept: int

    def takes(self, lane: int) -> bool:
        """Take one of the places, if there is one for a message of this lane."""
        if self.free <= (self.kept if lane else 0):
            return False
        self.free -= 1
        return True


def rooms_of(channels: Mapping[str, Channel], saying: Mapping[str, int]) -> dict[str, Room]:
    """Return the room of each channel, which carries so many messages now; a quarter is kept for what is urgent."""
    return {
        name: Room(max(channel.at_once - saying.get(name, 0), 0), channel.at_once // KEPT)
        for name, channel in channels.items()
    }


def claimable(  # noqa: PLR0913, PLR0917 - one look
    outbox: Outbox, conn: sa.Connection, now: datetime, rooms: Mapping[str, Room], way: OnTheirWay, resting: set[bytes]
) -> list[Row]:
    """Return what may be carried next. `resting`: people whose messenger takes no second message yet."""
    full = frozenset(name for name, room in rooms.items() if not room.free)
    crowded = frozenset(name for name, room in rooms.items() if room.free <= room.kept)
    free = max(sum(room.free for room in rooms.values()), 1)
    rows: list[Row] = []
    for sought, carried, most in (
        (WORDS, way.words, AT_ONCE),
        (SEALED, way.sealed, SEALED_AT_ONCE),
        (SENT, way.mails, MAILS_AT_ONCE),
    ):
        left = most - len(carried)
        limit = min(left, free) if sought == WORDS else left
        busy = way.everything() | resting if sought == WORDS else way.everything()
        kept = max(most // KEPT - (left - limit), 0)
        if limit > 0:
            rows += outbox.claimable(conn, now, limit, busy, sought=sought, full=full, crowded=crowded, kept=kept)
    return rows


def that_fit(rows: Iterable[Row], rooms: Mapping[str, Room]) -> Iterator[Row]:
    """Yield the rows that a channel takes now; those that no channel carries always fit."""
    for row in rows:
        room = rooms.get(row.sender.channel) if row.kind in BY_MESSENGER else None
        if room is None or room.takes(row.lane):
            yield row


def delivered(say: Say, arrived: Arrived) -> Delivered | None:
    """Return what is worth a report: when a consent was seen, and what can be deleted there later."""
    consent = say.question.serial if say.question and say.question.consent else 0
    return Delivered(consent, arrived.at, arrived.ids) if consent or arrived.ids else None


def sooner(letters: Sequence[Mail | Ping], span: timedelta) -> Sequence[Mail | Ping]:
    """Return letters whose hours come that much earlier: their case had to, by clock or danger, while it was sealed."""
    return [replace(one, not_before=one.not_before - span) if one.not_before else one for one in letters]


BY_MESSENGER = frozenset({"say", "clear"})  # the kinds of rows that a channel carries
