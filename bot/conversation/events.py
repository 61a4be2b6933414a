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
    sure: bool = True  # False: they may have, and more nobody can say


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
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A mail of handoff `number` lies in the folder that the mission empties; whether it is sent, we never learn."""

    number: int
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A try of handoff `number` failed before the mail could have left."""

    number: int


@dataclass(frozen=True, slots=True)
class Bounced:
    """Every mail of handoff `number` that had left came back."""

    number: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An officer has read the case."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Relayed:
    """An officer's words for the person."""

    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Levelled:
    """An officer has given the case another triage level."""

    level: int


@dataclass(frozen=True, slots=True)
class Closed:
    """An officer has closed the case."""


@dataclass(frozen=True, slots=True)
class Due:
    """A timer set by an earlier outcome has come."""

    timer: Timer
    number: int


FromMission = Bounced | Acknowledged | Relayed | Levelled | Closed
Event = Delivered | Sealed | Trying | Accepted | Placed | Refused | Due | FromMission
