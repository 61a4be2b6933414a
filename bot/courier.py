"""Carries out what was committed: words to people, cases to the mission; in order, again if it failed; and reports.

A row is marked before it is tried. What happened goes back in the same way as a message: through a job for the
writer that also settles the row. Nothing is decided here about what a person is told.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from bot.channels.base import Channel
from bot.conversation.events import Accepted, Delivered, Due, Event, Placed, Refused, Sealed, Trying
from bot.conversation.model import Clear, HandOff, Say, Wake, Weight
from bot.errors import DeliveryError, FlowError, Undeliverable
from bot.logs import Event as Logged
from bot.logs import event
from bot.mail.smtp import Post, TlsRefused, UnsureDelivery
from bot.storage.outbox import Mail, Outbox, Row
from bot.storage.writer import Writer

AT_ONCE = 64  # rows carried at the same time
MAILS_AT_ONCE = 8
BACKOFF = (15.0, 60.0, 300.0, 900.0, 1800.0)  # seconds after the first, second … failed try, then the last
AFTER_REFUSAL = 6 * 3600.0  # a 5xx seldom changes, but an operator may mend it
JITTER = 0.2  # of the wait: many who failed together don't come back together
LONGEST_SLEEP = 30.0  # seconds; another process may have put rows there

Report = Callable[[sa.Connection, bytes, Event], None]
Seal = Callable[[HandOff, datetime], Sequence[Mail]]


@dataclass(slots=True)
class Courier:
    """Carries effects out until stopped. `report` and `seal` are the desk's and the mission's."""

    writer: Writer
    outbox: Outbox
    report: Report
    channels: Mapping[str, Channel]
    render: Callable[[Say], str]
    seal: Seal
    post: Post
    now: Callable[[], datetime]
    fraction: Callable[[], float]
    _carried: set[bytes] = field(default_factory=set)  # rows being carried that are no mails
    _mailing: set[bytes] = field(default_factory=set)  # mails being carried
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _work: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Look for work now: something was committed."""
        self._idle.clear()
        self._work.set()

    async def settled(self) -> None:
        """Return when nothing is due and nothing is being carried."""
        await self._idle.wait()

    async def run(self) -> None:
        """Carry until cancelled; what is on its way then is finished by `finish`."""
        while True:
            self._work.clear()
            claimed = await self._claim()
            for row in claimed:
                self._start(row)
            if not claimed:
                await self._rest()

    async def finish(self, seconds: float) -> None:
        """Let what is being carried arrive, for so many seconds at most."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()

    # ── claiming ───────────────────────────────────────────────────────────────────────────────────────

    async def _claim(self) -> list[Row]:
        if len(self._carried) >= AT_ONCE:
            return []
        unreadable = len(self.outbox.unreadable)
        busy, room = frozenset(self._carried | self._mailing), MAILS_AT_ONCE - len(self._mailing)
        claimed = await self.writer.do(partial(self._mark, busy=busy, room=room), urgent=True)
        if len(self.outbox.unreadable) > unreadable:
            event(Logged.EFFECT_UNREADABLE, rows=len(self.outbox.unreadable))
        return claimed

    def _mark(self, conn: sa.Connection, busy: frozenset[bytes], room: int) -> list[Row]:
        """Mark what is tried next: one message a person at a time, few mails at once, the rest as it is due."""
        now = self.now()
        found = self.outbox.claimable(conn, now, AT_ONCE, busy, mails=False)
        if room > 0:
            found += self.outbox.claimable(conn, now, room, busy, mails=True)
        claimed = [row for row in _one_word_each(found) if self.outbox.mark_trying(conn, row.id)]
        for row in claimed:
            if isinstance(row.effect, Mail):
                self._tell(conn, row.who, Trying(row.effect.number))
        return claimed

    def _tell(self, conn: sa.Connection, who: bytes, happened: Event) -> None:
        """Report what happened; a report that fails is the operator's to hear of, and stops nobody else's mail."""
        try:
            self.report(conn, who, happened)
        except Exception as error:  # noqa: BLE001 - whatever it is: one person's row may not end the courier
            event(Logged.REPORT_FAILED, error=error)

    def _start(self, row: Row) -> None:
        (self._mailing if row.kind == "mail" else self._carried).add(row.id)
        task = asyncio.create_task(self._carry(row), name="carry")
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, row.id))

    def _ended(self, row: bytes, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._carried.discard(row)
        self._mailing.discard(row)
        self._work.set()
        if not task.cancelled() and task.exception() is not None:
            event(Logged.REPORT_FAILED, error=task.exception())

    async def _rest(self) -> None:
        """Wait for work: a commit, the end of a carriage, or the next row's hour."""
        if not self._carried and not self._mailing and not self._work.is_set():
            self._idle.set()
        wait = LONGEST_SLEEP
        if len(self._carried) < AT_ONCE:
            now = self.now()
            due = await self.writer.do(partial(self.outbox.next_due, after=now))
            wait = min(wait, (due - now).total_seconds()) if due else wait
        try:
            await asyncio.wait_for(self._work.wait(), max(wait, 0.0) + 0.01)
        except TimeoutError:
            self._idle.clear()

    # ── carrying ───────────────────────────────────────────────────────────────────────────────────────

    async def _carry(self, row: Row) -> None:
        carriers: Mapping[str, Callable[[Row], Coroutine[Any, Any, None]]] = {
            "say": self._say,
            "clear": self._clear,
            "wake": self._wake,
            "hand_off": self._hand_off,
            "mail": self._mail,
        }
        try:
            await carriers[row.kind](row)
        except DeliveryError as error:
            await self._failed(row, error)
        except FlowError as error:  # words that the present flows no longer have: the question is put again anyway
            event(Logged.EFFECT_UNREADABLE, error=error)
            await self._settle(row)
        except Exception as error:  # noqa: BLE001 - whatever it is, the row waits and nothing is lost
            event(Logged.FAULT, error=error)
            await self._failed(row, DeliveryError("a fault of ours"))

    async def _say(self, row: Row) -> None:
        say, channel = row.effect, self.channels.get(row.sender.channel)
        if not isinstance(say, Say):
            raise TypeError("a row of words holds something else")
        if channel is None:
            raise DeliveryError("the channel of this row is not configured now")
        if row.trying and say.weight is Weight.QUESTION and not channel.repeats_questions:
            await self._settle(row)
            return
        at = await channel.send(row.sender, self.render(say), say)
        seen = say.question is not None and say.question.consent
        await self._settle(row, Delivered(say.question.serial, at) if say.question and seen else None)

    async def _clear(self, row: Row) -> None:
        channel = self.channels.get(row.sender.channel)
        if channel is not None and isinstance(row.effect, Clear):
            await channel.clear(row.sender, row.effect.ids)
        await self._settle(row)

    async def _wake(self, row: Row) -> None:
        wake = row.effect
        await self._settle(row, Due(wake.timer, wake.number) if isinstance(wake, Wake) else None)

    async def _hand_off(self, row: Row) -> None:
        """Seal the mails in a thread; then one job stores them and deletes the answers."""
        told = row.effect
        if not isinstance(told, HandOff):
            raise TypeError("a row of a case holds something else")
        mails = await asyncio.to_thread(self.seal, told, self.now())
        if not mails:
            event(Logged.SEALING_FAILED, reference=told.reference)
            raise DeliveryError("there is nobody to seal this to")
        await self.writer.do(partial(self._stored, row=row, told=told, mails=mails), urgent=True)
        event(Logged.CASE_SEALED, reference=told.reference, mails=len(mails))
        self.wake()

    def _stored(self, conn: sa.Connection, row: Row, told: HandOff, mails: Sequence[Mail]) -> None:
        if self.outbox.replace(conn, row.id, row.who, mails, self.now(), expires=row.expires):
            self._tell(conn, row.who, Sealed(told.number))

    async def _mail(self, row: Row) -> None:
        mail = row.effect
        if not isinstance(mail, Mail):
            raise TypeError("a row of a mail holds something else")
        await self.post.send(mail.body, mail.recipient)
        event(Logged.MAIL_ACCEPTED, reference=mail.reference, attempts=row.attempts)
        taken = Accepted(mail.number, self.now()) if self.post.confirms else Placed(mail.number)
        await self._settle(row, taken)

    # ── afterwards ─────────────────────────────────────────────────────────────────────────────────────

    async def _settle(self, row: Row, happened: Event | None = None) -> None:
        """In one job: the row is done, and what happened is reported."""
        await self.writer.do(partial(self._settled, row=row, happened=happened), urgent=not row.lane)
        self.wake()

    def _settled(self, conn: sa.Connection, row: Row, happened: Event | None) -> None:
        self.outbox.done(conn, row.id)
        if happened is not None:
            self._tell(conn, row.who, happened)

    async def _failed(self, row: Row, error: DeliveryError) -> None:
        """Try again later, or never; an operator hears of it, the person through what is reported."""
        _log_failure(row, error)
        if isinstance(error, Undeliverable) and row.kind != "mail":
            await self._settle(row)
            return
        due = self.now() + timedelta(seconds=self._wait(row, error))
        await self.writer.do(partial(self._put_back, row=row, due=due, unsure=isinstance(error, UnsureDelivery)))

    def _put_back(self, conn: sa.Connection, row: Row, due: datetime, unsure: bool) -> None:
        self.outbox.again(conn, row.id, due, unsure=unsure or row.trying)  # what may have arrived once, may for ever
        if isinstance(row.effect, Mail) and not self.outbox.in_doubt(conn, row.who):
            self._tell(conn, row.who, Refused(row.effect.number))

    def _wait(self, row: Row, error: DeliveryError) -> float:
        if isinstance(error, Undeliverable):
            return AFTER_REFUSAL
        wait = error.retry_after or BACKOFF[min(row.attempts, len(BACKOFF) - 1)]
        return wait * (1 + JITTER * self.fraction())


def _one_word_each(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the rows without a person's second text and later ones: each waits until the one before it was said."""
    spoken: set[bytes] = set()
    for row in rows:
        if row.kind != "say":
            yield row
        elif row.who not in spoken:
            spoken.add(row.who)
            yield row


def _log_failure(row: Row, error: DeliveryError) -> None:
    names = _MAIL_FAILURES if row.kind == "mail" else _WORD_FAILURES
    name = next(name for kind, name in names if isinstance(error, kind))
    if row.kind == "mail" and isinstance(row.effect, Mail):
        event(name, error=error, reference=row.effect.reference, attempts=row.attempts + 1)
    elif row.kind == "say":
        event(name, error=error, channel=row.sender.channel, attempts=row.attempts + 1)


_MAIL_FAILURES: tuple[tuple[type[DeliveryError], Logged], ...] = (
    (Undeliverable, Logged.MAIL_REFUSED),
    (TlsRefused, Logged.TLS_REFUSED),
    (UnsureDelivery, Logged.MAIL_UNSURE),
    (DeliveryError, Logged.MAIL_DELAYED),
)
_WORD_FAILURES: tuple[tuple[type[DeliveryError], Logged], ...] = (
    (Undeliverable, Logged.WORDS_UNDELIVERABLE),
    (DeliveryError, Logged.WORDS_DELAYED),
)
