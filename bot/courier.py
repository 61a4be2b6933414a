"""Carries out what was committed: words to people, cases to the mission; in order, again if it failed; and reports.

A row is marked before it is tried. What happened goes back in the same way as a message: through a job for the
writer that also settles the row. Nothing is decided here about what a person is told.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from bot.carriage import (
    AT_ONCE,
    BY_MESSENGER,
    Mission,
    OnTheirWay,
    Report,
    Resting,
    Room,
    Speak,
    claimable,
    delivered,
    one_word_each,
    rooms_of,
    sooner,
    that_fit,
)
from bot.channels.base import Channel, Outgoing
from bot.conversation.events import Accepted, Due, Event, Placed, Refused, Sealed, Trying
from bot.conversation.model import Clear, HandOff, Say, Sender, Wake, Weight
from bot.errors import DeliveryError, FlowError, Unreachable, UnsureDelivery
from bot.failures import is_over, log_failure, perhaps, said_again, tried, wait
from bot.logs import Event as Logged
from bot.logs import event
from bot.mail.smtp import Post
from bot.officers.telling import SIGNAL
from bot.storage.locks import hold
from bot.storage.outbox import Mail, Note, Outbox, Ping, Row
from bot.storage.writer import Writer, apart

LONGEST_SLEEP = 5.0  # seconds; another process may have put rows there, and died


@dataclass(slots=True)
class Courier:
    """Carries effects out until stopped. `report` is the desk's."""

    writer: Writer
    outbox: Outbox
    report: Report
    channels: Mapping[str, Channel]
    speak: Speak
    mission: Mission
    post: Post
    now: Callable[[], datetime]
    fraction: Callable[[], float]
    _way: OnTheirWay = field(default_factory=OnTheirWay)
    _saying: Counter[str] = field(default_factory=Counter)  # messages being carried, by channel
    _resting: Resting = field(default_factory=Resting)
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
            await tried(self._round)

    async def _round(self) -> None:
        self._work.clear()
        for row in (claimed := await self._claim()):
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
        unreadable = len(self.outbox.unreadable)
        rooms = rooms_of(self.channels, self._saying)
        claimed = await self.writer.do(partial(self._mark, rooms), urgent=True)
        if len(self.outbox.unreadable) > unreadable:
            event(Logged.EFFECT_UNREADABLE, rows=len(self.outbox.unreadable))
        return claimed

    def _mark(self, rooms: Mapping[str, Room], conn: sa.Connection) -> list[Row]:
        """Mark what is tried next: one message a person at a time, few mails at once, the rest as it is due."""
        self.outbox.give_back(conn, self._way.everything() | self._resting.people)
        found = claimable(self.outbox, conn, self.now(), rooms, self._way, self._resting.people)
        fitting = that_fit(one_word_each(self.outbox.without_old(conn, found)), rooms)
        claimed = [row for row in fitting if self.outbox.mark_trying(conn, row.id)]
        for row in claimed:
            if isinstance(row.effect, Mail):
                self._tell(conn, row, Trying(row.effect.number))
        return claimed

    def _tell(self, conn: sa.Connection, row: Row, happened: Event) -> None:
        """Report what happened; a report that fails is the operator's to hear of, and stops nobody else's mail."""
        error = apart(conn, partial(self.report, who=row.who, sender=row.sender, happened=happened))
        if error is not None:
            event(Logged.REPORT_FAILED, error=error)

    def _start(self, row: Row) -> None:
        self._way.of(row.kind).add(row.id)
        self._saying[row.sender.channel] += row.kind in BY_MESSENGER
        task = asyncio.create_task(self._carry(row), name="carry")
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, row))

    def _ended(self, row: Row, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._way.of(row.kind).discard(row.id)
        self._saying[row.sender.channel] -= row.kind in BY_MESSENGER
        self._work.set()
        if not task.cancelled() and task.exception() is not None:
            event(Logged.REPORT_FAILED, error=task.exception())

    async def _rest(self) -> None:
        """Wait for work: a commit, the end of a carriage, or the next row's hour."""
        if not (self._way.everything() or self._resting.people or self._work.is_set()):
            self._idle.set()
        wait = LONGEST_SLEEP
        if len(self._way.words) < AT_ONCE:
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
            "ping": self._ping,
            "note": self._note,
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
            self._resting.begin(row.who, channel.pause, self._work.set)
        await self._settle(row, delivered(say, arrived))

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
        asked = await self.writer.do(partial(self._asked, row=row, told=told), urgent=True)
        letters = await asyncio.to_thread(self.mission.seal, told, *asked)
        if not letters:
            event(Logged.SEALING_FAILED, reference=told.reference)
            raise DeliveryError("there is nobody to seal this to")
        await self.writer.do(partial(self._stored, row=row, told=told, letters=letters), urgent=True)
        mails = sum(isinstance(one, Mail) for one in letters)
        event(Logged.CASE_SEALED, reference=told.reference, mails=mails)
        self.wake()

    def _asked(self, conn: sa.Connection, row: Row, told: HandOff) -> tuple[datetime, str, frozenset[str]]:
        """Return the time, never before the row's own (the clock may have been set back), and what the mission says."""
        now = max(self.now(), row.due)
        return now, *self.mission.audience(conn, row.who, told, now, count=not row.attempts)

    def _stored(self, conn: sa.Connection, row: Row, told: HandOff, letters: Sequence[Mail | Ping]) -> None:
        hold(conn, row.who)
        now, letters = self.now(), sooner(letters, row.due - self.outbox.due(conn, row))
        if self.outbox.replace(conn, row, letters, now):
            self.mission.sealed(conn, row.who, told, letters, now)
            self._tell(conn, row, Sealed(told.number))

    async def _note(self, row: Row) -> None:
        """Seal a note to an officer; its mail takes the place of the row."""
        note = row.effect
        mail = await asyncio.to_thread(self.mission.seal_note, note, self.now()) if isinstance(note, Note) else None
        mails = [mail] if mail else []
        await self.writer.do(lambda conn: self.outbox.replace(conn, row, mails, self.now()))
        self.wake()

    async def _ping(self, row: Row) -> None:
        """Say a word to an officer on Signal; what may have arrived isn't said again."""
        ping, channel = row.effect, self.channels.get(SIGNAL)
        if isinstance(ping, Ping) and channel is not None and not row.trying:
            say = Say((ping.line,), (ping.language,), weight=Weight.STATUS)
            spoken = self.speak(say, buttons=channel.has_buttons, covered=channel.notifies)
            await channel.send(Outgoing(Sender(SIGNAL, ping.account), spoken, say, urgent=ping.urgent))
        await self._settle(row)

    async def _mail(self, row: Row) -> None:
        mail = row.effect
        if not isinstance(mail, Mail):
            raise TypeError("a row of a mail holds something else")
        await self.post.send(mail.body, mail.recipient)
        event(Logged.MAIL_ACCEPTED, reference=mail.reference, attempts=row.attempts)
        named = mail.message_id
        taken = Accepted(mail.number, self.now(), named) if self.post.confirms else Placed(mail.number, named)
        await self._settle(row, taken)

    # ── afterwards ─────────────────────────────────────────────────────────────────────────────────────

    async def _settle(self, row: Row, happened: Event | None = None) -> None:
        """In one job: the row is done, and what happened is reported.

        Raises UnsureDelivery: it was carried out, and that can't be noted; RuntimeError: nobody writes any more.
        """
        try:
            await self.writer.insist(partial(self._settled, row=row, happened=happened), urgent=not row.lane)
        except RuntimeError:
            raise
        except Exception as error:
            event(Logged.FAULT, error=error)
            raise UnsureDelivery("what became of it can't be noted") from error
        self.wake()

    def _settled(self, conn: sa.Connection, row: Row, happened: Event | None) -> None:
        hold(conn, row.who)
        self.outbox.done(conn, row.id)
        if happened is not None:
            self._tell(conn, row, happened)

    async def _failed(self, row: Row, error: DeliveryError) -> None:
        """Try again later, or never; an operator hears of it, the person through what is reported."""
        log_failure(row, error)
        if isinstance(error, Unreachable) and row.kind in BY_MESSENGER:
            await self.writer.insist(partial(self._unreachable, row=row))
            self.wake()
            return
        if is_over(row, error, self.channels.get(row.sender.channel)):
            await self._settle(row, perhaps(row, error, self.now()))
            return
        pause, unsure = timedelta(seconds=wait(row, error, self.fraction())), isinstance(error, UnsureDelivery)
        await self.writer.insist(partial(self._put_back, row=row, pause=pause, unsure=unsure))

    def _unreachable(self, conn: sa.Connection, row: Row) -> None:
        hold(conn, row.who)
        self.outbox.drop_words(conn, row.who)

    def _put_back(self, conn: sa.Connection, row: Row, pause: timedelta, unsure: bool) -> None:
        hold(conn, row.who)
        self.outbox.again(conn, row.id, self.now(), pause, unsure=unsure or row.trying)  # may have arrived: for ever
        if isinstance(row.effect, Mail) and not self.outbox.in_doubt(conn, row.who):
            self._tell(conn, row, Refused(row.effect.number))
