"""What is kept of a case for the officers: how far it is and who was told when, never what the case is about.

Pure: each function gives the docket as it is after something has happened.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

UNANSWERED = 5  # answers that are passed on within a day without a word from the writer
HELD_FOR = timedelta(hours=72)  # a case that only the bot holds, for officers without a key
_DAY = timedelta(days=1)


class State(StrEnum):
    """How far one mail to one officer has come."""

    WAITING = "waiting"
    LEFT = "left"
    BOUNCED = "bounced"


@dataclass(frozen=True, slots=True)
class Told:
    """One mail of a handoff to one officer. `place` in the chain: 0 is told at once."""

    number: int  # of the handoff
    officer: str  # the address in the profile
    place: int
    at: datetime  # when it is due; once it has left, when it did
    message_id: str
    state: State = State.WAITING


@dataclass(frozen=True, slots=True)
class Docket:
    """One case, as officers may hear of it on Signal."""

    reference: str
    level: int
    language: str
    opened_at: datetime
    told: tuple[Told, ...] = ()
    reader: str = ""  # who has acknowledged it, by address
    read_at: datetime | None = None
    passed: tuple[datetime, ...] = ()  # answers passed on since the writer's last word
    answered: bool = False  # one was passed on at some time
    waiting: tuple[str, ...] = field(default=(), repr=False)  # words for a writer who comes back by a code
    shut: bool = False  # the writer has closed the way back
    held: tuple[int, ...] = ()  # handoffs that lie here, sealed to the bot, for officers without a key


@dataclass(frozen=True, slots=True)
class Draft:
    """An officer's words that wait for the word SEND."""

    reference: str
    words: str = field(repr=False)
    at: datetime


def filed(docket: Docket, level: int, told: Sequence[Told], *, raised: bool, held: int | None) -> Docket:
    """Return the docket after one handoff was sealed to these officers; one that raised the level waits anew.

    `held`: its number, where it lies here for officers without a key.
    """
    number = told[0].number if told else 0
    others = tuple(one for one in docket.told if one.number != number)
    reader, read_at = ("", None) if raised else (docket.reader, docket.read_at)
    passed = () if number else docket.passed  # an addition is a word of the writer's
    kept = docket.held if held is None else tuple(sorted({*docket.held, held}))
    told = (*others, *told)
    return replace(docket, level=level, told=told, reader=reader, read_at=read_at, passed=passed, held=kept)


def left(docket: Docket, message_id: str, at: datetime) -> Docket:
    """Return the docket after a server took the mail."""
    return replace(docket, told=tuple(_left(one, at) if one.message_id == message_id else one for one in docket.told))


def came_back(docket: Docket, message_ids: Collection[str]) -> tuple[Docket, tuple[int, ...]]:
    """Return the docket after these mails came back, and the handoffs that by now have reached nobody."""
    told = tuple(replace(one, state=State.BOUNCED) if one.message_id in message_ids else one for one in docket.told)
    numbers = {one.number for one in told if one.message_id in message_ids}
    lost = (number for number in sorted(numbers) if not any(one.number == number and _arrived(one) for one in told))
    return replace(docket, told=told), tuple(lost)


def acknowledged(docket: Docket, officer: str, at: datetime) -> Docket:
    """Return the docket after an officer has read the case: nobody further is told."""
    told = tuple(one for one in docket.told if not (one.place and one.state is State.WAITING))
    return replace(docket, reader=officer, read_at=at, told=told)


def may_pass_on(docket: Docket, now: datetime) -> bool:
    """Tell whether one more answer may go to the writer, who hasn't written since the last ones."""
    return sum(now - at < _DAY for at in docket.passed) < UNANSWERED


def passed_on(docket: Docket, now: datetime, waiting: str = "") -> Docket:
    """Return the docket after an answer; `waiting`: its words, where they wait for the writer to come back."""
    lately = tuple(at for at in docket.passed if now - at < _DAY)
    words = (*docket.waiting, waiting) if waiting else docket.waiting
    return replace(docket, passed=(*lately, now), answered=True, waiting=words)


def status(docket: Docket) -> str:
    """Return how far the case is, in one word: read, left, bounced or waiting."""
    if docket.reader:
        return "read"
    states = {one.state for one in docket.told}
    return next((state.value for state in (State.LEFT, State.BOUNCED) if state in states), State.WAITING.value)


def heard_of_it(docket: Docket) -> tuple[str, ...]:
    """Return the officers whom a mail about this case has reached, in the order of the chain."""
    return tuple(dict.fromkeys(one.officer for one in docket.told if _arrived(one)))


def _left(told: Told, at: datetime) -> Told:
    return told if told.state is State.BOUNCED else replace(told, state=State.LEFT, at=at)


def _arrived(told: Told) -> bool:
    return told.state is State.LEFT
