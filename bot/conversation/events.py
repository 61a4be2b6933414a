"""What happens outside, reported as an input like a message: a mail sealed, accepted or refused, a timer due."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.conversation.model import Timer


@dataclass(frozen=True, slots=True)
class Delivered:
    """Words reached the person: those of the question with this serial, or (0) of none."""

    serial: int
    at: datetime
    ids: tuple[str, ...] = field(default=(), repr=False)  # what of it can be deleted there later


@dataclass(frozen=True, slots=True)
class Sealed:
    """The mails of handoff `number` are sealed and stored; the answers are gone."""

    number: int


@dataclass(frozen=True, slots=True)
class Trying:
    """A mail of handoff `number` goes on the wire now."""

    number: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """A server took a mail of handoff `number`: 250."""

    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Placed:
    """A mail of handoff `number` lies in the folder that the mission empties; whether it is sent, we never learn."""

    number: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A try of handoff `number` failed before the mail could have left."""

    number: int


@dataclass(frozen=True, slots=True)
class Due:
    """A timer set by an earlier outcome has come."""

    timer: Timer
    number: int


Event = Delivered | Sealed | Trying | Accepted | Placed | Refused | Due
