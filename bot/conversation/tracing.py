"""What a talk leaves in the messenger: the ids of messages that can be deleted there, and when that is done.

Pure. Telegram lets a bot delete what is less than 48 hours old; so a timer of 22 hours runs while anything is left,
and what was written in the last hour waits for the next one. Whoever asks to be forgotten is cleared at once.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.conversation.model import Clear, Conversation, Effect, Outcome, Timer, Wake

CLEARED_EVERY = timedelta(hours=22)
STILL_READ = timedelta(hours=1)  # a talk that goes on isn't deleted under the person's eyes
SHOWN_AFTER_END = timedelta(minutes=30)  # closing words, before they are cleared too

_MINUTE = timedelta(minutes=1)


def traced(outcome: Outcome, ids: Iterable[str], now: datetime) -> Outcome:
    """Keep the ids of messages that came or went with this outcome; of a talk that is over, they go with the rest."""
    talk = outcome.conversation
    if talk is None or not talk.sender.address:
        return _with_last(outcome, tuple(ids))
    known = {one for one, _ in talk.traces}
    new = tuple((one, _minute(now)) for one in ids if one not in known)
    if not new:
        return outcome
    talk = replace(talk, traces=(*talk.traces, *new))
    if talk.clearing:
        return replace(outcome, conversation=talk)
    return replace(outcome, conversation=replace(talk, clearing=True), effects=(*outcome.effects, _next_time(now)))


def cleared(talk: Conversation, not_before: datetime | None = None) -> tuple[Effect, ...]:
    """Return the wish to delete all that this talk has left."""
    return (Clear(tuple(one for one, _ in talk.traces), not_before),) if talk.traces else ()


def clear_in_time(talk: Conversation, now: datetime) -> Outcome:
    """Delete what is older than an hour while the platform lets us, and look again if anything is left."""
    old = tuple(one for one, at in talk.traces if at <= _minute(now - STILL_READ))
    left = tuple(trace for trace in talk.traces if trace[0] not in old)
    talk = replace(talk, traces=left, clearing=bool(left))
    return Outcome(talk, (*((Clear(old),) if old else ()), *((_next_time(now),) if left else ())))


def _with_last(outcome: Outcome, ids: tuple[str, ...]) -> Outcome:
    """Let the person's last message be deleted with what the talk has left: it may be the word ERASE."""
    if not ids or not outcome.effects:
        return outcome
    left = next((effect for effect in outcome.effects if isinstance(effect, Clear)), Clear(()))
    others = tuple(effect for effect in outcome.effects if effect is not left)
    return replace(outcome, effects=(*others, replace(left, ids=(*left.ids, *ids))))


def _next_time(now: datetime) -> Wake:
    return Wake(Timer.CLEAR, now + CLEARED_EVERY, 0)


def _minute(at: datetime) -> int:
    return int(at.timestamp() // _MINUTE.total_seconds())
