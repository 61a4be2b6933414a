"""What a waiting row says, when it is open: the effect with its person, written as JSON and read again."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec

from bot.conversation.model import Clear, Effect, HandOff, Say, Sender, Wake
from bot.errors import SealingError
from bot.storage.work import encoded

Kind = Literal["say", "hand_off", "mail", "clear", "wake"]


@dataclass(frozen=True, slots=True)
class Mail:
    """One sealed mail to one person of the mission; from here on the bot can't read it."""

    number: int  # of the handoff: 0 the alert, 1 and on additions
    reference: str
    recipient: str = field(repr=False)
    message_id: str
    body: bytes = field(repr=False)
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to do, as the courier sees it."""

    id: bytes
    who: bytes
    kind: Kind
    sender: Sender
    effect: Effect | Mail = field(repr=False)
    serial: int  # the order within a person
    lane: int
    attempts: int  # how often it was tried
    trying: bool  # a try began and nobody told how it ended: it may have arrived
    due: datetime
    expires: datetime


KINDS: dict[type, Kind] = {Say: "say", HandOff: "hand_off", Mail: "mail", Clear: "clear", Wake: "wake"}

_READERS: dict[str, msgspec.json.Decoder[tuple[Sender, Any]]] = {
    kind: msgspec.json.Decoder(tuple[Sender, effect])  # type: ignore[valid-type]  # a type made from a table
    for effect, kind in KINDS.items()
}


def written(sender: Sender, effect: Effect | Mail) -> bytes:
    """Return the letter. Raises SealingError: a text in it isn't Unicode."""
    return encoded((sender, effect))


def read(kind: Kind, letter: bytes) -> tuple[Sender, Effect | Mail]:
    """Return what was written. Raises SealingError: another version of the bot wrote it."""
    try:
        return _READERS[kind].decode(letter)
    except msgspec.DecodeError:
        raise SealingError("a waiting row was written by another version and is not understood") from None
