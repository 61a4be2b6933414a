"""Whether the bot does its work: what is wrong, each by a name and a sentence of a fixed table.

No number of anybody, no text of anything and no exception is told here: whoever reads it may be a program.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.logbook import Event

ANSWERS_WITHIN = 2.0  # seconds that the database has
OVERDUE = 300  # seconds that something urgent may wait

Queues = Mapping[tuple[str, str], tuple[int, int]]  # by kind and lane: how many rows, and how many seconds overdue


class Wrong(StrEnum):
    """Everything that can be wrong, by name."""

    NOT_RUNNING = "not_running"
    WRITER = "writer"
    COURIER = "courier"
    CHANNEL = "channel"
    OVERDUE = "overdue"
    ALERTS = "alerts"


SENTENCES: Mapping[Wrong, str] = {
    Wrong.NOT_RUNNING: "the bot is beginning, or ending",
    Wrong.WRITER: "the database did not answer within 2 seconds",
    Wrong.COURIER: "nobody carries out what is committed",
    Wrong.CHANNEL: "a channel hears nobody",
    Wrong.OVERDUE: "something urgent has waited for more than 5 minutes",
    Wrong.ALERTS: "an urgent alert has not left for more than 5 minutes",
}

_HEARING = {
    Event.CHANNEL_UP: True,
    Event.CHANNEL_DOWN: False,
    Event.CHANNEL_DEAF: False,
    Event.CHANNEL_STOPPED: False,
}
_RUNNING = {Event.READY: True, Event.STOPPING: False, Event.STOPPED: False}
_ALERTS = ("hand_off", "mail")


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted in the database."""

    talks: int
    cases: int
    queues: Queues


@dataclass(frozen=True, slots=True)
class Seen:
    """What is there at one moment. `counted` None: the database did not answer in time."""

    carrying: bool
    waiting: int  # jobs for the writer
    keys: int  # of days
    counted: Counted | None


@dataclass(slots=True)
class Told:
    """What events have told until now. `hears`: by channel; one hears until an event says that it doesn't."""

    hears: dict[str, bool]
    now: Callable[[], datetime]
    running: bool = False
    accepted: datetime | None = None  # when a mail was taken the last time

    def noted(self, name: Event, channel: object) -> None:
        """Take in one event; a channel that isn't ours is nobody's."""
        self.running = _RUNNING.get(name, self.running)
        if name in _HEARING and isinstance(channel, str) and channel in self.hears:
            self.hears[channel] = _HEARING[name]
        if name is Event.MAIL_ACCEPTED:
            self.accepted = self.now()


def wrong(seen: Seen, told: Told) -> Iterator[tuple[Wrong, str]]:
    """Yield everything that is wrong, in the order of the table, with the channel that it is wrong with or ""."""
    if not told.running:
        yield Wrong.NOT_RUNNING, ""
    if seen.counted is None:
        yield Wrong.WRITER, ""
    if not seen.carrying:
        yield Wrong.COURIER, ""
    yield from ((Wrong.CHANNEL, channel) for channel, hears in sorted(told.hears.items()) if not hears)
    yield from ((one, "") for one in _late(seen.counted.queues if seen.counted else {}))


def _late(queues: Queues) -> list[Wrong]:
    late = [kind for (kind, lane), (rows, seconds) in queues.items() if lane == "urgent" and rows and seconds > OVERDUE]
    return sorted({Wrong.ALERTS if kind in _ALERTS else Wrong.OVERDUE for kind in late}, reverse=True)


def sentence(one: Wrong, channel: str) -> str:
    """Return one line on what is wrong."""
    return f"{one}: {SENTENCES[one]}" + (f": {channel}" if channel else "")
