"""What a waiting row says, when it is open: the effect with its person, written as JSON and read again."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from bot.conversation.model import Clear, Effect, HandOff, Line, Say, Sender, Wake, Weight
from bot.errors import SealingError
from bot.storage.work import encoded

Kind = Literal["say", "hand_off", "mail", "clear", "wake", "ping", "note"]


@dataclass(frozen=True, slots=True)
class Mail:
    """One sealed mail to one person of the mission; from here on the bot can't read it."""

    number: int  # of the handoff: 0 the alert, 1 and on additions
    reference: str
    recipient: str = field(repr=False)
    message_id: str
    body: bytes = field(repr=False)
    not_before: datetime | None = None
    officer: str = field(default="", repr=False)  # by the address in the profile
    place: int = 0  # in the chain; the first is told at once
    token: bytes = field(default=b"", repr=False)  # the keyed hash of what acknowledges the case by mail, if anything


@dataclass(frozen=True, slots=True)
class Ping:
    """A word without content to one officer, on Signal, beside a mail."""

    account: str = field(repr=False)
    language: str
    line: Line
    urgent: bool
    place: int
    not_before: datetime | None = None
    number: int = 0  # as its mail's


@dataclass(frozen=True, slots=True)
class Note:
    """A mail without content to one officer, still to be sealed. `lines`: texts by name."""

    officer: str = field(repr=False)  # by the address in the profile
    name: str  # of what it tells: the same twice is one mail
    subject: Line
    lines: tuple[Line, ...]
    urgent: bool = False  # to the officer's address for what is urgent, if there is one


Letter = Effect | Mail | Ping | Note


class Found(NamedTuple):
    """A row of one person as stored, its note read."""

    serial: int
    due: datetime
    id: bytes
    kind: Kind
    lane: int
    attempts: int
    trying: int
    expires: int
    wrapped: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to do, as the courier sees it."""

    id: bytes
    who: bytes
    kind: Kind
    sender: Sender
    effect: Letter = field(repr=False)
    serial: int  # the order within a person
    lane: int
    attempts: int  # how often it was tried
    trying: bool  # a try began and nobody told how it ended: it may have arrived
    due: datetime
    expires: datetime


KINDS: dict[type, Kind] = {
    Say: "say",
    HandOff: "hand_off",
    Mail: "mail",
    Clear: "clear",
    Wake: "wake",
    Ping: "ping",
    Note: "note",
}

_READERS: dict[str, msgspec.json.Decoder[tuple[Sender, Any]]] = {
    kind: msgspec.json.Decoder(tuple[Sender, effect])  # type: ignore[valid-type]  # a type made from a table
    for effect, kind in KINDS.items()
}


def written(sender: Sender, effect: Letter) -> bytes:
    """Return the letter. Raises SealingError: a text in it isn't Unicode."""
    return encoded((sender, effect))


def read(kind: Kind, letter: bytes) -> tuple[Sender, Letter]:
    """Return what was written. Raises SealingError: another version of the bot wrote it."""
    try:
        return _READERS[kind].decode(letter)
    except msgspec.DecodeError:
        raise SealingError("a waiting row was written by another version and is not understood") from None


def left_of(row: Row, behind: Sequence[Row]) -> Letter | None:
    """Return what of a row is still to be done, None: nothing. `behind`: the rows after it.

    Of a question behind which the same person's next one waits, only that is said which isn't said there: whoever
    writes five times while nothing goes out reads one question, and answers no old one. The first one of a talk stays:
    the time after which words disappear goes with it. So does an urgent one before one that isn't.
    """
    say = row.effect
    if row.trying or not isinstance(say, Say) or say.question is None or say.question.first:
        return say
    says = [one.effect for one in behind if one.who == row.who and isinstance(one.effect, Say)]
    newer = [one for one in says if one.question and say.weight in {Weight.QUESTION, one.weight}]
    if not newer:
        return say
    told = {line for one in newer for line in one.lines}
    lines = tuple(line for line in say.lines[:-1] if line not in told)
    return replace(say, lines=lines, question=None, shown=(), tail=()) if lines else None
