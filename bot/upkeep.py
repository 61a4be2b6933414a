"""The rounds: what is past its time goes, what lives longer is wrapped under today's key, old keys are destroyed.

Every minute, and once at start before anyone is heard. In this order: expire, rewrap, destroy; a key is only
destroyed when nothing that is still in its time needs it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial

import sqlalchemy as sa

from bot.logs import Event, event
from bot.storage.clockwork import Watched, set_back
from bot.storage.erasing import expire, rewrap
from bot.storage.keyring import Keyring
from bot.storage.outbox import Outbox
from bot.storage.restoring import advance_generation, notice_restored
from bot.storage.transactions import forget
from bot.storage.writer import Writer

ROUND_SECONDS = 60.0
TALKS_A_JOB = 100  # each is opened: what it left in the messenger is cleared
ROWS_A_JOB = 500  # so that a round never holds up a person's turn for long


@dataclass(slots=True)
class Upkeep:
    """Keeps storage to its promises. `daily` is called at start and on each new day: certificates, profile."""

    writer: Writer
    keyring: Keyring
    outbox: Outbox
    now: Callable[[], datetime]
    daily: Callable[[datetime], None]
    expire_talks: Callable[[sa.Connection, datetime, int], int]
    morning: Callable[[sa.Connection, datetime], None]  # what is done once a day for each officer, at their hour
    told: Callable[[], None]  # there may be work
    leads: Callable[[], Awaitable[bool]]  # whether this process goes the rounds, of those that share the database
    _looked: float | None = field(default=None)  # when the clock was looked at, by one that nobody sets
    _been: timedelta = field(default=timedelta(0))  # how far it has been ahead since
    _day: date | None = field(default=None)

    async def begin(self) -> dict[str, int]:
        """Do once, before anyone is heard: notice a restored database, and the first round, whose counts it returns."""
        if await notice_restored(self.writer, self.keyring):
            event(Event.DATABASE_RESTORED)
        return await self.round()

    async def run(self) -> None:
        """Go round every minute until cancelled. A round that fails is logged, and the next one comes."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                await self.round()
            except Exception as error:  # noqa: BLE001 - the rounds go on
                event(Event.ROUND_FAILED, error=error)

    async def round(self) -> dict[str, int]:
        """Expire, rewrap, destroy, then what is done once a day; return how many of each.

        Where another process goes the rounds, only what is this one's own: its keys, certificates and profile.
        """
        if not await self.leads():
            now, _ = self._look()
            self._looked, self._been, self.outbox.looked = None, timedelta(0), now  # by whoever leads
            await asyncio.to_thread(self.keyring.refresh)
            await self._once_a_day(now, leads=False)
            return {}
        now = await self._clock()
        expired = await self._all(lambda conn: self.expire_talks(conn, now, TALKS_A_JOB))
        expired += await self._all(partial(expire, now=now, limit=ROWS_A_JOB))
        rewrapped = await self._all(partial(rewrap, keyring=self.keyring, now=now, limit=ROWS_A_JOB))
        destroyed = await asyncio.to_thread(self.keyring.destroy_expired, now)
        for name, rows in ((Event.EXPIRED, expired), (Event.REWRAPPED, rewrapped)):
            if rows:
                event(name, rows=rows)
        if destroyed:
            event(Event.KEYS_DESTROYED, keys=destroyed)
        await self._once_a_day(now, leads=True)
        await self.writer.do(lambda conn: self.morning(conn, now))
        self.told()
        return {"expired": expired, "rewrapped": rewrapped, "keys destroyed": destroyed}

    async def end(self) -> None:
        """Do once, after the last turn: every copy of the database made until now is an old one."""
        await advance_generation(self.writer, self.keyring)

    async def _clock(self) -> datetime:
        """Let what waits for its hour come earlier, if the clock was set back; return the time."""
        at = asyncio.get_running_loop().time()
        passed = timedelta(seconds=at - self._looked) if self._looked is not None else timedelta(0)
        now, been = self._look()
        self._been = max(self._been, been)
        look = partial(set_back, outbox=self.outbox, now=now, passed=passed, been_ahead=self._been)
        back = await self.writer.do(look)  # if that fails, the next look is at all of it
        self._looked, self._been, self.outbox.looked = at, timedelta(0), now
        if back:
            event(Event.CLOCK_SET_BACK)
        return now

    def _look(self) -> tuple[datetime, timedelta]:
        """Return the time, and how far ahead of it the clock was at most since this was called last."""
        return self.now.look() if isinstance(self.now, Watched) else (self.now(), timedelta(0))

    async def _all(self, job: Callable[..., int]) -> int:
        """Run a job until there is nothing left for it; return how many rows it changed."""
        total = 0
        while rows := await self.writer.do(job):
            total += rows
        return total

    async def _once_a_day(self, now: datetime, *, leads: bool) -> None:
        if self._day == now.date():
            return
        self._day = now.date()
        if leads:
            await advance_generation(self.writer, self.keyring)
            await self.writer.do(forget)
        await asyncio.to_thread(self.daily, now)
