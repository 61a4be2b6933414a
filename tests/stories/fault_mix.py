"""A mix of faults, all drawn from one seed: what happens between the bot and its neighbours, to its disk and its clock.

A mix is a row of periods. In each, some neighbours are in trouble, or the bot is killed, its disk is full, its clock
is wrong; a short calm comes behind it. The same seed gives the same periods, however quick the machine is.
"""

import asyncio
import os
import re
import resource
import signal as signals
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from fakes_postgres import Postgres
from fakes_proxy import Kind, Proxy, Trouble, drawn
from stories.lives import begin, nursery

PROGRAM = Path(__file__).with_name("fault_bot.py")
NEIGHBOURS = ("telegram", "signal", "smtp", "imap")
SERVER = "postgresql"  # one more, in a mix whose database is on a server
MINUTE, HOUR = 60, 3600
# Seconds. One of two minutes would be tolerated, and be waited for.
JUMPS = (-3 * HOUR, -HOUR, -20 * MINUTE, -5 * MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR, 3 * HOUR)
STARTING = 60.0  # seconds, on a machine that does other things
SAYING = 5.0  # seconds until what was said has been written down, the same
CALM = 0.15  # seconds behind each period
# How a start without its database ends, and nothing else does.
REFUSED = re.compile(r"postigo: .*storage\.url: expected a database that can be opened: ")
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
WRITTEN = 4096  # bytes: no file grows beyond them on a disk that is full


@dataclass(frozen=True, slots=True)
class Period:
    """What is wrong for so many seconds. `killed`: before; `down`: the next life begins only afterwards."""

    seconds: float
    troubles: Mapping[str, Trouble] = field(default_factory=dict)
    killed: bool = False
    down: bool = False
    full: bool = False
    jump: int = 0
    server: str = ""  # what becomes of the database server: killed, stopped, or all its sessions cut

    def __str__(self) -> str:
        words = [f"{name} {one.kind} after {one.after}, {one.share} %" for name, one in self.troubles.items()]
        words += ["killed"] * self.killed + ["down"] * self.down + ["disk full"] * self.full
        words += [f"server {self.server}"] * bool(self.server)
        return f"{self.seconds:.2f} s: {', '.join(words + [f'clock {self.jump:+} s'] * bool(self.jump))}"


def jumps(seed: int) -> bool:
    """Whether the clock is wrong at times; if so, what an officer signs may be of another time than the bot's."""
    return seed % 2 == 0


def on_server(seed: int) -> bool:
    """Whether the database of a mix is PostgreSQL."""
    return seed % 8 == 7


def rests(seed: int, number: int) -> bool:
    """Whether people hear something behind the so-manieth period; else the next one comes at once."""
    return drawn(seed, number, "rests", below=4) > 0


def period(seed: int, number: int) -> Period:
    """What the so-manieth period of a mix brings."""

    def chance(what: str, below: int) -> int:
        return drawn(seed, number, what, below=below)

    what, seconds = chance("what", 100), 0.2 + chance("seconds", 800) / 1000
    some = 1 + chance("how many", 100) // 70
    if what < 55 or (what >= 88 and not jumps(seed)):
        return Period(seconds, _troubles(seed, number, some + chance("more", 2)))
    if what < 75:
        return Period(seconds, _troubles(seed, number, some - 1), killed=True, down=bool(chance("down", 2)))
    if what < 88 and on_server(seed):
        server = ("killed", "stopped", "cut")[chance("server", 3)]
        return Period(seconds, _troubles(seed, number, some - 1), server=server, killed=not chance("killed", 4))
    if what < 88:
        return Period(seconds, _troubles(seed, number, some - 1), full=True, killed=not chance("killed", 4))
    return Period(seconds, _troubles(seed, number, some - 1), jump=JUMPS[chance("jump", len(JUMPS))])


def _troubles(seed: int, number: int, some: int) -> dict[str, Trouble]:
    known = (*NEIGHBOURS, SERVER) if on_server(seed) else NEIGHBOURS
    first = drawn(seed, number, "first", below=len(known))
    names = (known * 2)[first : first + min(some, len(known))]
    return {name: _trouble(f"{seed}/{number}/{name}", tls=name not in {"signal", SERVER}) for name in names}


def _trouble(salt: str, *, tls: bool) -> Trouble:
    kinds = [kind for kind in Kind if tls or kind is not Kind.IMPOSTOR]
    kind = kinds[drawn(salt, "kind", below=len(kinds))]
    after = drawn(salt, "after", below=3000) * drawn(salt, "at once", below=2)
    return Trouble(kind, after, (100, 100, 50)[drawn(salt, "share", below=3)], salt=salt)


class Database:
    """What becomes of where the bot keeps things, if that is a server."""

    def __init__(self, server: Postgres | None = None, url: str = "") -> None:
        self._server, self._url = server, url
        self._ended = False

    async def suffers(self, what: str) -> None:
        """Let the server be killed, stopped, or cut its sessions."""
        if self._server and what:
            done = {"killed": self._server.kill, "stopped": self._server.stop, "cut": self._cuts}
            self._ended = what != "cut"
            await asyncio.to_thread(done[what])

    async def recovers(self) -> None:
        """Let it run again."""
        if self._server and self._ended:
            self._ended = False
            await asyncio.to_thread(self._server.start)

    def _cuts(self) -> None:
        assert self._server
        self._server.disconnect(self._url)


def last_line(log: Path) -> str:
    return "".join(log.read_text("utf-8", errors="replace").splitlines()[-1:])


@dataclass
class Life:
    """The bot's lives, one after the other, and what is done to them."""

    process: asyncio.subprocess.Process
    home: Path
    proxies: Mapping[str, Proxy]
    database: Database
    pid: int = 0
    lives: int = 0
    ended: list[str] = field(default_factory=list)  # lives that nobody ended, by what was going on
    _full: bool = False
    _lines: int = 0  # to Telegram, when the present life began
    _away: bool = False  # the database server, or the way to it
    _hindered: bool = False  # at any time of the present life: no database, or no room

    async def begins(self) -> None:
        self._hindered, self._lines = self._full or self._away, self.proxies["telegram"].lines
        self.pid = await begin(self.process)
        self.lives += 1

    async def is_up(self) -> None:
        """Wait until the present life listens to people; one that ends instead is begun again."""
        async with asyncio.timeout(STARTING):
            while self.proxies["telegram"].lines == self._lines:
                await asyncio.sleep(0.05)  # another program's state
                await self.watched("at its start")

    @property
    def lives_now(self) -> bool:
        with suppress(ProcessLookupError):
            os.kill(self.pid, 0)
            return True
        return False

    async def watched(self, during: str) -> None:
        """Begin again what has ended by itself, as its supervisor does.

        Only a start without a database may: with one line that says so. Any other end is noted.
        """
        if not self.lives_now:
            if not (self._hindered and await self._refused()):
                self.ended.append(during)
            await self.begins()

    async def _refused(self) -> bool:
        """Whether the last that was said is that there was no database."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SAYING):
                while not REFUSED.match(last_line(self.home / "stderr")):  # noqa: ASYNC110 - other programs' state
                    await asyncio.sleep(0.02)
                return True
        return False

    def dies(self) -> None:
        os.kill(self.pid, signals.SIGKILL)

    async def suffers(self, what: Period) -> None:
        """Let a period begin."""
        await self.watched(f"before {what}")
        if what.full and not what.killed:
            await self.is_up()
        self.fills(full=what.full)
        self.shifts(what.jump)
        self._away = bool(what.server) or SERVER in what.troubles
        self._hindered |= self._full or self._away
        await self.database.suffers(what.server)
        for name, between in self.proxies.items():
            await between.suffers(what.troubles.get(name))
        if what.killed:
            self.dies()
            if not what.down:
                await self.begins()

    async def recovers(self, what: Period | None = None) -> None:
        """Let nothing be wrong any more."""
        self.fills(full=False)
        self.shifts(0)
        for between in self.proxies.values():
            await between.suffers(None)
        await self.database.recovers()
        self._away = False
        if what and what.down:
            await self.begins()
        await self.watched(f"after {what}")

    def fills(self, *, full: bool) -> None:
        """Let no file of the bot's grow, nor of the lives that begin now, or let them grow again."""
        self._full = full
        for pid in (self.process.pid, self.pid):
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (WRITTEN, UNLIMITED[1]) if full else UNLIMITED)

    def shifts(self, seconds: int) -> None:
        """Let the bot's clock be so wrong; it never reads half of it."""
        descriptor = os.open(self.home / "clock", os.O_WRONLY | os.O_CREAT)
        try:
            os.pwrite(descriptor, f"{seconds:+032d}".encode(), 0)
        finally:
            os.close(descriptor)


@asynccontextmanager
async def living(
    home: Path, settings: Path, trusted: Path, proxies: Mapping[str, Proxy], database: Database
) -> AsyncIterator[Life]:
    """Let the bot live behind these proxies until the block ends."""
    clock = home / "clock"
    async with AsyncExitStack() as stack:
        clock.write_text(f"{0:+032d}")
        process = await stack.enter_async_context(nursery(home, PROGRAM, settings, clock, trusted))
        life = Life(process, home, proxies, database)
        await life.begins()
        try:
            yield life
        finally:
            with suppress(ProcessLookupError):
                life.dies()
