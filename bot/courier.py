"""Carries out what was committed: words to people, cases to the mission; in order, again if it failed; and reports.

A row is marked before it is tried. What happened goes back in the same way as a message: through a job for the
writer that also settles the row. Nothing is decided here about what a person is told.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

import sqlalchemy as sa

from bot.channels.base import Arrived, Channel, Outgoing
from bot.conversation.events import Accepted, Delivered, Due, Event, Placed, Refused, Sealed, Trying
from bot.conversation.model import Clear, HandOff, Say, Sender, Spoken, Wake
from bot.errors import DeliveryError, FlowError, Unreachable, UnsureDelivery
from bot.failures import is_over, log_failure, said_again, wait
from bot.logs import Event as Logged
from bot.logs import event
from bot.mail.smtp import Post
from bot.storage.outbox import Mail, Outbox, Row
from bot.storage.writer import Writer

AT_ONCE = 64  # rows carried at the same time
MAILS_AT_ONCE = 8
LONGEST_SLEEP = 30.0  # seconds; another process may have put rows there

Report = Callable[[sa.Connection, bytes, Sender, Event], None]
Seal = Callable[[HandOff, datetime], Sequence[Mail]]


class Speak(Protocol):
    """Puts a Say into words."""

    def __call__(self, say: Say, *, buttons: bool, covered: bool) -> Spoken:
        """Return the words, for a channel with buttons or without, that may show on a locked screen or not."""


@dataclass(slots=True)
class Courier:
    """Carries effects out until stopped. `report` and `seal` are the desk's and the mission's."""

    writer: Writer
    outbox: Outbox
    report: Report
    channels: Mapping[str, Channel]
    speak: Speak
    seal: Seal
    post: Post
    now: Callable[[], datetime]
    fraction: Callable[[], float]
    _carried: set[bytes] = field(default_factory=set)  # rows being carried that are no mails
    _mailing: set[bytes] = field(default_factory=set)  # mails being carried
    _saying: Counter[str] = field(default_factory=Counter)  # messages being carried, by channel
    _resting: set[bytes] = field(default_factory=set)  # people whose messenger takes no second message yet
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
        claimed = await self.writer.do(partial(self._mark, self._rooms()), urgent=True)
        if len(self.outbox.unreadable) > unreadable:
            event(Logged.EFFECT_UNREADABLE, rows=len(self.outbox.unreadable))
        return claimed

    def _rooms(self) -> dict[str, int]:
        """Return how many more messages each channel takes now."""
        return {name: max(channel.at_once - self._saying[name], 0) for name, channel in self.channels.items()}

    def _mark(self, rooms: Mapping[str, int], conn: sa.Connection) -> list[Row]:
        """Mark what is tried next: one message a person at a time, few mails at once, the rest as it is due."""
        now, busy = self.now(), frozenset(self._carried | self._mailing)
        full = frozenset(name for name, room in rooms.items() if not room)
        limit = min(AT_ONCE - len(self._carried), max(sum(rooms.values()), 1))
        found = self.outbox.claimable(conn, now, limit, busy | self._resting, mails=False, full=full)
        room = MAILS_AT_ONCE - len(self._mailing)
        if room > 0:
            found += self.outbox.claimable(conn, now, room, busy, mails=True)
        fitting = _that_fit(_one_word_each(found), dict(rooms))
        claimed = [row for row in fitting if self.outbox.mark_trying(conn, row.id)]
        for row in claimed:
            if isinstance(row.effect, Mail):
                self._tell(conn, row, Trying(row.effect.number))
        return claimed

    def _tell(self, conn: sa.Connection, row: Row, happened: Event) -> None:
        """Report what happened; a report that fails is the operator's to hear of, and stops nobody else's mail."""
        try:
            self.report(conn, row.who, row.sender, happened)
        except Exception as error:  # noqa: BLE001 - whatever it is: one person's row may not end the courier
            event(Logged.REPORT_FAILED, error=error)

    def _start(self, row: Row) -> None:
        (self._mailing if row.kind == "mail" else self._carried).add(row.id)
        self._saying[row.sender.channel] += row.kind in _BY_MESSENGER
        task = asyncio.create_task(self._carry(row), name="carry")
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, row))

    def _ended(self, row: Row, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._carried.discard(row.id)
        self._mailing.discard(row.id)
        self._saying[row.sender.channel] -= row.kind in _BY_MESSENGER
        self._work.set()
        if not task.cancelled() and task.exception() is not None:
            event(Logged.REPORT_FAILED, error=task.exception())

    def _let_rest(self, who: bytes, seconds: float) -> None:
        """Say nothing more to this person for a moment: a messenger takes few messages a second for one of them."""
        if seconds:
            self._resting.add(who)
            asyncio.get_running_loop().call_later(seconds, self._rested, who)

    def _rested(self, who: bytes) -> None:
        self._resting.discard(who)
        self._work.set()

    async def _rest(self) -> None:
        """Wait for work: a commit, the end of a carriage, or the next row's hour."""
        if not (self._carried or self._mailing or self._resting or self._work.is_set()):
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
        if row.trying and not said_again(say, channel):
            await self._settle(row)
            return
        spoken = self.speak(say, buttons=channel.has_buttons, covered=channel.notifies)
        try:
            arrived = await channel.send(Outgoing(row.sender, spoken, say, urgent=not row.lane))
        finally:
            self._let_rest(row.who, channel.pause)
        await self._settle(row, _delivered(say, arrived))

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
            self._tell(conn, row, Sealed(told.number))

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
            self._tell(conn, row, happened)

    async def _failed(self, row: Row, error: DeliveryError) -> None:
        """Try again later, or never; an operator hears of it, the person through what is reported."""
        log_failure(row, error)
        if isinstance(error, Unreachable) and row.kind != "mail":
            await self.writer.do(partial(self.outbox.drop_words, who=row.who))
            self.wake()
            return
        if is_over(row, error, self.channels.get(row.sender.channel)):
            await self._settle(row)
            return
        due = self.now() + timedelta(seconds=wait(row, error, self.fraction()))
        await self.writer.do(partial(self._put_back, row=row, due=due, unsure=isinstance(error, UnsureDelivery)))

    def _put_back(self, conn: sa.Connection, row: Row, due: datetime, unsure: bool) -> None:
        self.outbox.again(conn, row.id, due, unsure=unsure or row.trying)  # what may have arrived once, may for ever
        if isinstance(row.effect, Mail) and not self.outbox.in_doubt(conn, row.who):
            self._tell(conn, row, Refused(row.effect.number))


def _one_word_each(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the rows without a person's second text and later ones: each waits until the one before it was said."""
    spoken: set[bytes] = set()
    for row in rows:
        if row.kind != "say":
            yield row
        elif row.who not in spoken:
            spoken.add(row.who)
            yield row


def _that_fit(rows: Iterable[Row], rooms: dict[str, int]) -> Iterator[Row]:
    """Yield the rows that a channel takes now; those that no channel carries always fit."""
    for row in rows:
        name = row.sender.channel
        if row.kind in _BY_MESSENGER and name in rooms:
            rooms[name] -= 1
            if rooms[name] < 0:
                continue
        yield row


def _delivered(say: Say, arrived: Arrived) -> Delivered | None:
    """Return what is worth a report: when a consent was seen, and what can be deleted there later."""
    consent = say.question.serial if say.question and say.question.consent else 0
    return Delivered(consent, arrived.at, arrived.ids) if consent or arrived.ids else None


_BY_MESSENGER = frozenset({"say", "clear"})  # the kinds of rows that a channel carries
