"""What the person is told of things that happen outside, and when: truthfully, once, and only as they chose.

Pure. Events come from the courier and the rounds; a status that has been told is not told again.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta

from bot.conversation.asking import Rulebook, hour, languages, text, waits
from bot.conversation.events import (
    Accepted,
    Acknowledged,
    Bounced,
    Closed,
    Delivered,
    Due,
    Event,
    Levelled,
    Placed,
    Refused,
    Relayed,
    Sealed,
    Trying,
)
from bot.conversation.handing import hand_on
from bot.conversation.model import Conversation, Effect, Handed, Line, Outcome, Say, Timer, Wake, Way, Weight
from bot.conversation.tracing import clear_in_time, cleared, traced

SAFE_HOURS: Mapping[str, tuple[int, int]] = {"day": (9, 18), "evening": (18, 22)}  # the mission's clock


def report(book: Rulebook, conversation: Conversation, event: Event, now: datetime) -> Outcome:
    """Decide what follows from something that happened outside. `now`: aware, in the mission's zone."""
    return _REPORTS[type(event)](book, conversation, event, now)


def _delivered(book: Rulebook, talk: Conversation, event: Delivered, now: datetime) -> Outcome:  # noqa: ARG001 - the table's shape
    if waits(talk, event.serial):
        second = waits(talk, talk.doubted) and event.serial > talk.doubted
        if event.sure or second:  # of two that may have come, one is taken to have
            talk = replace(talk, seen_at=min(talk.seen_at or event.at, event.at))  # when it came first
        elif not waits(talk, talk.doubted):
            talk = replace(talk, doubted=event.serial)
    return traced(Outcome(talk), event.ids, now)


def _way(book: Rulebook, talk: Conversation, event: Sealed | Trying | Placed | Refused, now: datetime) -> Outcome:
    """Note how far a mail has come. What has left stays left; what was given up can still leave."""
    handed = _handed(talk, event.number)
    if handed is None or handed.way in (_ON_THEIR_WAY if isinstance(event, Placed) else _SETTLED):
        return Outcome(talk)
    waits_anew = _waits_anew(book, talk, handed, now) if isinstance(event, Placed) else ()
    return Outcome(_with(talk, replace(handed, way=_WAYS[type(event)])), waits_anew)


def _accepted(book: Rulebook, talk: Conversation, event: Accepted, now: datetime) -> Outcome:
    handed = _handed(talk, event.number)
    if handed is None or handed.way is Way.LEFT:
        return Outcome(talk)
    at = event.at.astimezone(now.tzinfo)
    name = "left_late" if handed.late or handed.way in _LOST else "left"
    name = "left_added" if handed.number else name
    told = _with(talk, replace(handed, way=Way.LEFT, left_at=at))
    said = () if _is_read(talk, handed.number) else _status(book, told, text(book, talk, name, time=hour(at)), now)
    return Outcome(told, (*said, *_waits_anew(book, talk, handed, now)))


def _is_read(talk: Conversation, number: int) -> bool:
    """Whether an officer has said to have read the alert: then nothing is said of how it came to them any more."""
    return not number and talk.case is not None and talk.case.read_at is not None


def _waits_anew(book: Rulebook, talk: Conversation, handed: Handed, now: datetime) -> tuple[Wake, ...]:
    """What was told as lost has left after all: the first wait for an officer begins now."""
    wait = book.first_wait.get(talk.case.level) if talk.case and handed.way in _LOST else None
    return (Wake(Timer.UNREAD, now + wait, handed.number),) if wait else ()


def _due(book: Rulebook, talk: Conversation, event: Due, now: datetime) -> Outcome:
    return _TIMERS[event.timer](book, talk, event, now)


def _cleared_in_time(book: Rulebook, talk: Conversation, event: Due, now: datetime) -> Outcome:  # noqa: ARG001 - the table's shape
    return clear_in_time(talk, now)


def _open(talk: Conversation, number: int) -> Handed | None:
    """Return a handoff of which nothing final is known, neither of its mail nor of whoever reads it."""
    handed = _handed(talk, number)
    return handed if handed and handed.way not in _SETTLED and not _is_read(talk, number) else None


def _late_due(book: Rulebook, talk: Conversation, event: Due, now: datetime) -> Outcome:
    handed = _open(talk, event.number)
    return _late(book, talk, handed, now) if handed else Outcome(talk)


def _day_over(book: Rulebook, talk: Conversation, event: Due, now: datetime) -> Outcome:
    handed = _open(talk, event.number)
    outcome = _given_up(book, talk, handed, now) if handed else Outcome(talk)
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


# ── what the mission does ────────────────────────────────────────────────────────────────────────────────


def _unread(book: Rulebook, talk: Conversation, event: Due, now: datetime) -> Outcome:
    """The first wait is over: say once that nobody has read it yet; what hasn't left is told as that until then."""
    case, handed = talk.case, _handed(talk, event.number)
    if case is None or handed is None or case.read_at or case.unread or handed.way in _LOST:
        return Outcome(talk)
    at = say_at(book, talk, now)
    if handed.way not in _ON_THEIR_WAY:
        at = now + _LOOK_AGAIN
    if at is None:
        return Outcome(talk)
    if at > now:
        return Outcome(talk, (Wake(Timer.UNREAD, at, event.number),))
    told = replace(talk, case=replace(case, unread=True))
    return Outcome(told, _status(book, told, text(book, told, "unread"), now, Weight.EMERGENCY))


def _gone(book: Rulebook, talk: Conversation, event: Due, now: datetime) -> Outcome:  # noqa: ARG001 - the table's shape
    """Nobody has read a case that lay here alone, and its time is over: the person is told, and can begin anew."""
    if talk.case is None or talk.case.read_at:
        return Outcome(talk)
    words = _status(book, talk, text(book, talk, "gone"), now, Weight.EMERGENCY)
    return Outcome(None, (*words, *cleared(talk)))


def _acknowledged(book: Rulebook, talk: Conversation, event: Acknowledged, now: datetime) -> Outcome:
    case = talk.case
    if case is None or case.read_at:
        return Outcome(talk)
    at = event.at.astimezone(now.tzinfo)
    told = replace(talk, case=replace(case, read_at=at))
    return Outcome(told, _status(book, told, text(book, told, "read", time=hour(at)), now))


def _bounced(book: Rulebook, talk: Conversation, event: Bounced, now: datetime) -> Outcome:
    """What had left has come back from everybody: it is told as not sent, until it has left for somebody else."""
    handed = _handed(talk, event.number)
    if handed is None or handed.way is Way.BOUNCED or _is_read(talk, event.number):
        return Outcome(talk)
    told = _with(talk, replace(handed, way=Way.BOUNCED))
    name = "bounced_added" if handed.number else "bounced"
    return Outcome(told, _status(book, told, text(book, told, name), now, Weight.EMERGENCY))


def _relayed(book: Rulebook, talk: Conversation, event: Relayed, now: datetime) -> Outcome:
    """Pass an officer's words on; no effect where the person is not to be written to."""
    if talk.case is None:
        return Outcome(talk)
    told = replace(talk, case=replace(talk.case, relayed=True))
    said = _status(book, told, text(book, told, "relayed", words=event.words), now)
    return Outcome(told if said else talk, said)


def _levelled(book: Rulebook, talk: Conversation, event: Levelled, now: datetime) -> Outcome:  # noqa: ARG001 - the table's shape
    return Outcome(replace(talk, case=replace(talk.case, level=event.level)) if talk.case else talk)


def _closed(book: Rulebook, talk: Conversation, event: Closed, now: datetime) -> Outcome:  # noqa: ARG001 - the table's shape
    """The mission has closed the case: the person is told, and nothing of it is kept."""
    return Outcome(None, (*_status(book, talk, text(book, talk, "closed"), now), *cleared(talk)))


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


_ON_THEIR_WAY = frozenset({Way.PLACED, Way.LEFT})
_LOST = frozenset({Way.GIVEN_UP, Way.IN_DOUBT, Way.BOUNCED})
_SETTLED = _ON_THEIR_WAY | _LOST
_LOOK_AGAIN = timedelta(minutes=5)  # whether it has left by now

_WAYS: Mapping[type, Way] = {
    Sealed: Way.WAITING,
    Trying: Way.TRYING,
    Refused: Way.WAITING,
    Placed: Way.PLACED,
}

_TIMERS: Mapping[Timer, Callable[[Rulebook, Conversation, Due, datetime], Outcome]] = {
    Timer.LATE: _late_due,
    Timer.GIVE_UP: _day_over,
    Timer.UNREAD: _unread,
    Timer.GONE: _gone,
    Timer.GATHER: _gather,
    Timer.CLEAR: _cleared_in_time,
}

_REPORTS: Mapping[type, Callable[..., Outcome]] = {
    Delivered: _delivered,
    Sealed: _way,
    Trying: _way,
    Refused: _way,
    Placed: _way,
    Accepted: _accepted,
    Bounced: _bounced,
    Acknowledged: _acknowledged,
    Relayed: _relayed,
    Levelled: _levelled,
    Closed: _closed,
    Due: _due,
}
