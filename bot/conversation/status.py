"""What the person is told of things that happen outside, and when: truthfully, once, and only as they chose.

Pure. Events come from the courier and the rounds; a status that has been told is not told again.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta

from bot.conversation.asking import Rulebook, hour, languages, text
from bot.conversation.handing import hand_on
from bot.conversation.model import (
    Accepted,
    Conversation,
    Delivered,
    Due,
    Effect,
    Event,
    Handed,
    Line,
    Outcome,
    Placed,
    Refused,
    Say,
    Sealed,
    Timer,
    Trying,
    Way,
    Weight,
)

SAFE_HOURS: Mapping[str, tuple[int, int]] = {"day": (9, 18), "evening": (18, 22)}  # the mission's clock


def report(book: Rulebook, conversation: Conversation, event: Event, now: datetime) -> Outcome:
    """Decide what follows from something that happened outside. `now`: aware, in the mission's zone."""
    return _REPORTS[type(event)](book, conversation, event, now)


def _delivered(book: Rulebook, talk: Conversation, event: Event, now: datetime) -> Outcome:  # noqa: ARG001 - the table's shape
    if isinstance(event, Delivered) and event.serial == talk.serial:
        return Outcome(replace(talk, seen_at=event.at))
    return Outcome(talk)


def _way(book: Rulebook, talk: Conversation, event: Event, now: datetime) -> Outcome:  # noqa: ARG001 - the table's shape
    """Note how far a mail has come. What has left stays left; what was given up can still leave."""
    way = _WAYS[type(event)]
    handed = _handed(talk, event)
    if handed is None or handed.way in _SETTLED:
        return Outcome(talk)
    return Outcome(_with(talk, replace(handed, way=way)))


def _accepted(book: Rulebook, talk: Conversation, event: Event, now: datetime) -> Outcome:
    handed = _handed(talk, event)
    if not isinstance(event, Accepted) or handed is None or handed.way is Way.LEFT:
        return Outcome(talk)
    at = event.at.astimezone(now.tzinfo)
    name = "left_late" if handed.late or handed.way is Way.GIVEN_UP else "left"
    name = "left_added" if handed.number else name
    told = _with(talk, replace(handed, way=Way.LEFT, left_at=at))
    return Outcome(told, _status(book, told, text(book, talk, name, time=hour(at)), now))


def _due(book: Rulebook, talk: Conversation, event: Event, now: datetime) -> Outcome:
    if not isinstance(event, Due):
        return Outcome(talk)
    if event.timer is Timer.GATHER:
        return _gather(book, talk, event, now)
    handed = _handed(talk, event)
    if handed is None or handed.way in _SETTLED:
        return Outcome(talk)
    changed, name = _DUE[event.timer](handed)
    line = text(book, talk, f"{name}_added" if handed.number else name)
    return Outcome(_with(talk, changed), _status(book, talk, line, now, Weight.EMERGENCY))


def _gather(book: Rulebook, talk: Conversation, event: Due, now: datetime) -> Outcome:
    """Ten minutes after the last addition: what was gathered goes as one mail."""
    if talk.gathering != event.number:
        return Outcome(talk)
    return Outcome(*hand_on(book, talk, now))


def _handed(talk: Conversation, event: Event) -> Handed | None:
    number = getattr(event, "number", None)
    handed = talk.case.handed if talk.case else ()
    return next((one for one in handed if one.number == number), None)


def _with(talk: Conversation, changed: Handed) -> Conversation:
    if talk.case is None:  # for the type checker: `changed` was found in it
        raise AssertionError
    handed = tuple(changed if one.number == changed.number else one for one in talk.case.handed)
    return replace(talk, case=replace(talk.case, handed=handed))


# ── when the person may be written to ────────────────────────────────────────────────────────────────────


def _status(
    book: Rulebook, talk: Conversation, line: Line, now: datetime, weight: Weight = Weight.STATUS
) -> tuple[Effect, ...]:
    """Return the words to say, at the time the person chose, or nothing where they chose silence."""
    at = say_at(book, talk, now)
    if at is None:
        return ()
    return (Say((line,), languages(book, talk), weight=weight, not_before=None if at <= now else at),)


def say_at(book: Rulebook, talk: Conversation, now: datetime) -> datetime | None:
    """Return when a status may be told: now, at the next safe hour, or never.

    While the person is writing, at once. Later only as they chose: half an hour after they stopped,
    somebody else may hold the phone. After SOS, before they were asked, at once.
    """
    reply = talk.case.reply if talk.case else ""
    if reply == "stopped":
        return None
    writing = talk.heard_at is not None and now - talk.heard_at <= book.intake_lives
    if writing or reply == "here" or (talk.urgent and not reply):
        return now
    return _next_safe(now, SAFE_HOURS[reply]) if reply in SAFE_HOURS else None


def _next_safe(now: datetime, hours: tuple[int, int]) -> datetime:
    if hours[0] <= now.hour < hours[1]:
        return now
    day = now.date() if now.hour < hours[0] else now.date() + timedelta(days=1)
    return datetime.combine(day, time(hours[0]), now.tzinfo)


_SETTLED = frozenset({Way.PLACED, Way.LEFT, Way.GIVEN_UP})

_WAYS: Mapping[type, Way] = {
    Sealed: Way.WAITING,
    Trying: Way.TRYING,
    Refused: Way.WAITING,
    Placed: Way.PLACED,
}

_DUE: Mapping[Timer, Callable[[Handed], tuple[Handed, str]]] = {
    Timer.LATE: lambda handed: (replace(handed, late=True), "late"),
    Timer.GIVE_UP: lambda handed: (replace(handed, way=Way.GIVEN_UP), "given_up"),
}

_REPORTS: Mapping[type, Callable[[Rulebook, Conversation, Event, datetime], Outcome]] = {
    Delivered: _delivered,
    Sealed: _way,
    Trying: _way,
    Refused: _way,
    Placed: _way,
    Accepted: _accepted,
    Due: _due,
}
