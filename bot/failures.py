"""What a failed try means: how long to wait, whether it was the last, and what an operator hears of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from bot.channels.base import Channel
from bot.conversation.events import Delivered
from bot.conversation.model import Conversation, Say, Way, Weight
from bot.errors import DeliveryError, Undeliverable, Unreachable, UnsureDelivery
from bot.logs import Event as Logged
from bot.logs import event
from bot.mail.smtp import TlsRefused
from bot.storage.outbox import Mail, Row
from bot.storage.tables import URGENT
from bot.storage.writer import DATABASE_AGAIN

BACKOFF = (15.0, 60.0, 300.0, 900.0, 1800.0)  # seconds after the first, second … failed try, then the last
URGENT_BACKOFF = (5.0, 10.0, 20.0, 30.0)  # the same for words to somebody in danger
AFTER_REFUSAL = 6 * 3600.0  # a 5xx seldom changes, but an operator may mend it
FINAL_TRIES = 8  # of words that may have arrived and that nobody can ask for again: some two hours
JITTER = 0.2  # of the wait: many who failed together don't come back together


async def tried(work: Callable[[], Awaitable[None]]) -> None:
    """Do something with the database; if that can't now (a full disk, a file that fails), wait until it may again.

    Raises RuntimeError: nobody writes any more.
    """
    try:
        await work()
    except RuntimeError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing was begun
        event(Logged.ROUND_FAILED, error=error)
        await asyncio.sleep(DATABASE_AGAIN)


def wait(row: Row, error: DeliveryError, fraction: float) -> float:
    """Return the seconds until the next try; `fraction`: drawn, 0 to 1."""
    if isinstance(error, Undeliverable):
        return AFTER_REFUSAL
    waits = URGENT_BACKOFF if row.kind == "say" and row.lane == URGENT else BACKOFF
    seconds = error.retry_after or waits[min(row.attempts, len(waits) - 1)]
    return seconds * (1 + JITTER * fraction)


def is_over(row: Row, error: DeliveryError, channel: Channel | None) -> bool:
    """Whether this failure was the last: words that may have arrived are sent once more at most.

    Codes and the mission's words can't be asked for again: they are sent more often, since lost is worse than doubled.
    """
    if row.kind == "mail":
        return False
    if row.kind == "ping":
        return isinstance(error, UnsureDelivery | Undeliverable)
    if isinstance(error, UnsureDelivery) and isinstance(row.effect, Say) and row.effect.final:
        return row.attempts + 1 >= FINAL_TRIES
    if isinstance(error, UnsureDelivery) and isinstance(row.effect, Say) and channel:
        return row.trying or not said_again(row.effect, channel)
    return isinstance(error, Undeliverable)


def perhaps(row: Row, error: DeliveryError, now: datetime) -> Delivered | None:
    """Return what is worth a report where words are given up that may have come: that a consent may have been seen."""
    question = row.effect.question if isinstance(row.effect, Say) else None
    if question is None or not question.consent or not (isinstance(error, UnsureDelivery) and error.whole):
        return None
    return Delivered(question.serial, now, sure=False)


def said_again(say: Say, channel: Channel) -> bool:
    """Whether words that may have arrived are sent once more: a status always, a question as the channel has it."""
    return say.weight is not Weight.QUESTION or channel.repeats_questions


def log_failure(row: Row, error: DeliveryError) -> None:
    """Let an operator hear of a failed try, without anything of the person."""
    names = _MAIL_FAILURES if row.kind == "mail" else _WORD_FAILURES
    name = next(name for kind, name in names if isinstance(error, kind))
    if row.kind == "mail" and isinstance(row.effect, Mail):
        event(name, error=error, reference=row.effect.reference, attempts=row.attempts + 1)
    elif row.kind == "say":
        event(name, error=error, channel=row.sender.channel, attempts=row.attempts + 1)


def log_given_up(before: Conversation, after: Conversation | None) -> None:
    """Let an operator know of each handoff that is given up: nobody else can mend it."""
    for case in (after.case,) if after and after.case else ():
        old = before.case.handed if before.case else ()
        for one in case.handed:
            if one.way is Way.GIVEN_UP and one not in old:
                event(Logged.MAIL_GIVEN_UP, reference=case.reference, number=one.number)


_MAIL_FAILURES: tuple[tuple[type[DeliveryError], Logged], ...] = (
    (Undeliverable, Logged.MAIL_REFUSED),
    (TlsRefused, Logged.TLS_REFUSED),
    (UnsureDelivery, Logged.MAIL_UNSURE),
    (DeliveryError, Logged.MAIL_DELAYED),
)
_WORD_FAILURES: tuple[tuple[type[DeliveryError], Logged], ...] = (
    (Unreachable, Logged.PERSON_UNREACHABLE),
    (Undeliverable, Logged.WORDS_UNDELIVERABLE),
    (UnsureDelivery, Logged.WORDS_UNSURE),
    (DeliveryError, Logged.WORDS_DELAYED),
)
