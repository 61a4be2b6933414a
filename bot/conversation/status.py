"""What the person is told of things that happen outside, and when: truthfully, once, and only as they chose.

Pure. Events come from the courier and the rounds; a status that has been told is not told again.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta

from bot.conversation.asking import Rulebook, hour, languages, text
from bot.conversation.events import Accepted, Delivered, Due, Event, Placed, Refused, Sealed, Trying
from bot.conversation.handing import hand_on
from bot.conversation.model import Conversation, Effect, Handed, Line, Outcome, Say, Timer, Wake, Way, Weight
from bot.conversation.tracing import clear_in_time, cleared, traced

SAFE_HOURS: Mapping[str, tuple[int, int]] = {"day": (9, 18), "evening": (18, 22)}  # the mission's clock


def report(book: Rulebook, conversation: Conversation, event: Event, now: datetime) -> Outcome:
    """Decide what follows from something that happened outside. `now`: aware, in the mission's zone."""
    return _REPORTS[type(event)](book, conversation, event, now)


def _delivered(book: Rulebook, talk: Conversation, event: Delivered, now: datetime) -> Outcome:  # noqa: ARG001 - the table's shape
    if event.serial == talk.serial:
        talk = replace(talk, seen_at=talk.seen_at or event.at)  # when it came first, should it come twice
    return traced(Outcome(talk), event.ids, now)


def _way(
    book: Rulebook,  # noqa: ARG001 - the table's shape
    talk: Conversation,
    event: Sealed | Trying | Placed | Refused,
    now: datetime,  # noqa: ARG001 - the table's shape
) -> Outcome:
    """Note how far a mail has come. What has left stays left; what was given up can still leave."""
    handed = _handed(talk, event.number)
    if handed is None or handed.way in _SETTLED:
        return Outcome(talk)
    return Outcome(_with(talk, replace(handed, way=_WAYS[type(event)])))


def _accepted(book: Rulebook, talk: Conversation, event: Accepted, now: datetime) -> Outcome:
    handed = _handed(talk, event.number)
    if handed is None or handed.way is Way.LEFT:
        return Outcome(talk)
    at = event.at.astimezone(now.tzinfo)
    name = "left_late" if handed.late or handed.way in {Way.GIVEN_UP, Way.IN_DOUBT} else "left"
    name = "left_added" if handed.number else name
    told = _with(talk, replace(handed, way=Way.LEFT, left_at=at))
    return Outcome(told, _status(book, told, text(book, talk, name, time=hour(at)), now))


def _due(book: Rulebook, talk: Conversation, event: Due, now: datetime) -> Outcome:
    if event.timer is Timer.GATHER:
        return _gather(book, talk, event, now)
    if event.timer is Timer.CLEAR:
        return clear_in_time(talk, now)
    handed = _handed(talk, event.number)
    waits = handed if handed and handed.way not in _SETTLED else None
    if event.timer is Timer.LATE:
        return _late(book, talk, waits, now) if waits else Outcome(talk)
    outcome = _given_up(book, talk, waits, now) if waits else Outcome(talk)
    kept = outcome.conversation or talk
    forgotten = _forgetful(kept)
    if forgotten is kept:
        return outcome
    return Outcome(forgotten, (*outcome.effects, *cleared(kept)))


def _late(book: Rulebook, talk: Conversation, handed: Handed, now: datetime) -> Outcome:
    """Five minutes without a 250. Where the person can be told only later, look again then: it may have left."""
    at = say_at(book, talk, now)
    if at is None or handed.late:
        return Outcome(talk)
    if at > now:
        return Outcome(talk, (Wake(Timer.LATE, at, handed.number),))
    line = text(book, talk, "late_added" if handed.number else "late")
    return Outcome(_with(talk, replace(handed, late=True)), _status(book, talk, line, now, Weight.EMERGENCY))


def _given_up(book: Rulebook, talk: Conversation, handed: Handed, now: datetime) -> Outcome:
    """24 hours of tries are over. A try that nobody saw end may have arrived: that is said too."""
    way, name = (Way.IN_DOUBT, "in_doubt") if handed.way is Way.TRYING else (Way.GIVEN_UP, "given_up")
    named = f"{name}_added" if handed.number else name
    line = text(book, talk, named)
    return Outcome(_with(talk, replace(handed, way=way)), _status(book, talk, line, now, Weight.EMERGENCY))


def _forgetful(talk: Conversation) -> Conversation:
    """A day after a handoff the address goes, unless the person wants to be answered here."""
    reply = talk.case.reply if talk.case else ""
    if reply == "here" or reply in SAFE_HOURS:
        return talk
    return replace(talk, sender=replace(talk.sender, address=""), traces=(), clearing=False)


def _gather(book: Rulebook, talk: Conversation, event: Due, now: datetime) -> Outcome:
    """Ten minutes after the last addition: what was gathered goes as one mail."""
    if talk.gathering != event.number:
        return Outcome(talk)
    return Outcome(*hand_on(book, talk, now))


def _handed(talk: Conversation, number: int) -> Handed | None:
    handed = talk.case.handed if talk.case else ()
    return next((one for one in handed if one.number == number), None)


def _with(talk: Conversation, changed: Handed) -> Conversation:
    case = talk.case
    handed = tuple(changed if one.number == changed.number else one for one in case.handed) if case else ()
    return replace(talk, case=replace(case, handed=handed) if case else None)


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
    somebody else may hold the phone. After SOS, before they were asked, at once. Without an address, never.
    """
    if not talk.sender.address:
        return None
    reply = talk.case.reply if talk.case else ""
    writing = talk.heard_at is not None and now - talk.heard_at <= book.intake_lives
    if writing or reply == "here" or (talk.urgent and not reply):
        return now
    return _next_safe(now, SAFE_HOURS[reply]) if reply in SAFE_HOURS else None


def _next_safe(now: datetime, hours: tuple[int, int]) -> datetime:
    if hours[0] <= now.hour < hours[1]:
        return now
    day = now.date() if now.hour < hours[0] else now.date() + timedelta(days=1)
    return datetime.combine(day, time(hours[0]), now.tzinfo)


_SETTLED = frozenset({Way.PLACED, Way.LEFT, Way.GIVEN_UP, Way.IN_DOUBT})

_WAYS: Mapping[type, Way] = {
    Sealed: Way.WAITING,
    Trying: Way.TRYING,
    Refused: Way.WAITING,
    Placed: Way.PLACED,
}

_REPORTS: Mapping[type, Callable[..., Outcome]] = {
    Delivered: _delivered,
    Sealed: _way,
    Trying: _way,
    Refused: _way,
    Placed: _way,
    Accepted: _accepted,
    Due: _due,
}
