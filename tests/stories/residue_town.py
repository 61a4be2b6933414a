"""A bot that is watched, on Signal and Telegram at once, killed and begun anew: all that it writes is searched.

async with town(home, authority, database) as here:
    await here.lives()
    ...
    await here.dies()
    assert here.hits == []

What may stand nowhere is what the people of `crowd` say of themselves and write (`residue_crowd`), and the names of the
mission. Nobody talks here, and what follows from a hit is the story's.
"""

import asyncio
import os
import re
import signal as signals
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from fakes_signal import SignalServer, signal_server
from fakes_signal_wire import ACCOUNT
from fakes_smtp import Authority, MailServer, mail_server
from fakes_telegram import TOKEN, TelegramServer, telegram_server
from residue import Hit, Search, canary, files_under
from storage.databases import Database, OnServer, contents
from stories.lives import begin, nursery
from stories.program import mission_file, server_lines, settings_file
from stories.residue_crowd import Writer
from stories.residue_lines import Line, SignalLine, TelegramLine
from stories.stage import Inbox

from bot.storage.envelope import Envelope
from bot.storage.keyring import Keyring

PROGRAM = Path(__file__).with_name("residue_bot.py")
OFFICER = "0ff1ce00-0000-4000-8000-000000000001"
DAY = 24 * 3600
SEALED = {"talk": "who", "outbox": "id", "docket": "reference", "draft": "officer", "notice": "reference"}
TABLES = (*SEALED, "way_back", "mark")
NOT_A_FILE = ("/dev/", "/proc/")
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
WRAPPED = re.compile(rb"[\x83\x85-\xff](\x00\x00[\x40-\x70].)\x01", re.DOTALL)


class Row(NamedTuple):
    """What a sealed row was at some moment."""

    table: str
    key: bytes
    wrapped: bytes
    sealed: bytes

    def opened(self, keys: Keyring) -> bytes:
        """The letter, in clear. Raises SealingError: these keys don't open it."""
        return Envelope(keys, self.table).open(self.key, self.wrapped, self.sealed)


@dataclass
class Town:
    """A bot that is watched, everybody who writes to it, and all that must stand nowhere."""

    home: Path
    settings: Path
    signal: SignalServer
    telegram: TelegramServer
    mails: MailServer
    database: Database
    ahead: float = 0.0
    crowd: dict[str, list[Writer]] = field(default_factory=dict)
    search: Search = field(default_factory=lambda: Search(()))
    kept: set[Row] = field(default_factory=set)  # every row that was seen, as it was
    hits: list[Hit] = field(default_factory=list)
    looks: int = 0
    life: int = 0
    _before: frozenset[Path] = frozenset()
    _looked: int = 0  # at the server's files: when
    _process: asyncio.subprocess.Process | None = None

    def passes(self, seconds: float) -> None:
        """Let time pass, for everybody."""
        self.ahead += seconds
        beside = self.home / "ahead.new"
        beside.write_text(str(self.ahead))
        beside.replace(self.home / "ahead")

    async def lives(self) -> None:
        connections = self.signal.connections
        assert self._process
        self.life = await begin(self._process)
        await self.signal.listening(connections + 1)

    async def dies(self, *, last: bool = False) -> None:
        """Kill the bot where it stands, and look at what it leaves; the `last` time at everything once more."""
        self.look_inside()
        self.killed()
        await self.signal.deaf()
        self.look(whole=last)

    def killed(self) -> None:
        if self.life:
            os.kill(self.life, signals.SIGKILL)
        self.life = 0

    def look_inside(self) -> None:
        """Search what is held open now, and remember what is sealed."""
        self._seek()
        self.hits += self.search.open_files(self.life)
        for process in self._serving():
            with suppress(FileNotFoundError):  # it has ended meanwhile
                self.hits += self.search.open_files(process, deleted=True)  # the others are read by their names

    def look(self, *, whole: bool = False) -> None:
        """Search everything that was written; if not the `whole`, what came since the last look."""
        if whole:
            self._looked = 0
            self.search.afresh()
        self._seek()
        self.hits += self.search.files([*self.files, *self.written()])
        self.looks += 1

    def _seek(self) -> None:
        self.search.add(secret for one in self.everybody for secret in one.secrets)
        self.kept |= set(self.rows())

    @property
    def files(self) -> list[Path]:
        """Every file that has come since the bot first began: its own, what it logged, and what it removed."""
        return [path for path in files_under(self.home) if path not in self._before]

    def written(self) -> list[Path]:
        """The server's files, those that were written since the last look: tables, journal, log."""
        if not isinstance(self.database, OnServer):
            return []
        since, self._looked = self._looked, self.database.server.moment()
        return [path for path in self.database.files() if path.stat().st_mtime_ns >= since]

    def rows(self) -> Iterator[Row]:
        """What is sealed now."""
        for table, key in SEALED.items():
            read = self.database.read(f"SELECT {key}, wrapped, sealed FROM {table}")  # noqa: S608 - names from above
            yield from (Row(table, *map(bytes, row)) for row in read)

    def count(self, *tables: str) -> int:
        """How many rows stand in these tables."""
        return sum(int(self.database.read(f"SELECT count(*) FROM {one}")[0][0]) for one in tables)  # noqa: S608 - the same

    async def settled(self, *tables: str, most: int) -> None:
        """Wait until no more than so many rows stand in these tables."""
        while self.count(*tables) > most:  # noqa: ASYNC110 - another program's state
            await asyncio.sleep(0.05)

    def keys(self, folder: str = "keys") -> Keyring:
        """The keys that lie there, or in a copy, while no bot lives."""
        return Keyring.open(self.home / folder, LONG_AGO)

    def found(self) -> Counter[int]:
        """How often a key that is wrapped under a day's stands in the server's files, by the day; dead rows included.

        A short value of PostgreSQL begins with its length, an odd octet; what is wrapped with its day, four, then one.
        """
        pieces = (found[1] for file in contents(self.database.files()) for found in WRAPPED.finditer(file))
        return Counter(int.from_bytes(piece, "big") for piece in pieces)

    def _serving(self) -> Iterator[int]:
        """The processes of the database's server."""
        if isinstance(self.database, OnServer):
            first = self.database.server.process
            yield first
            yield from map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())

    @property
    def everybody(self) -> list[Writer]:
        return [one for writers in self.crowd.values() for one in writers]


@asynccontextmanager
async def town(home: Path, authority: Authority, database: Database, leaks: Sequence[str] = ()) -> AsyncIterator[Town]:
    """A mission with one officer, two messengers whose time is the story's, and a nursery of watched lives.

    `leaks`: the defects they are begun with.
    """
    inbox = Inbox(home, signal=OFFICER)
    secret = home / "token"
    secret.write_text(TOKEN)
    secret.chmod(0o600)
    (home / "witness").mkdir()
    async with signal_server() as signal, telegram_server() as telegram, mail_server(authority.server()) as mails:
        made = Town(home, home / "settings.toml", signal, telegram, mails, database)
        signal.now = lambda: int((time.time() + made.ahead) * 1000)
        telegram.world.now = lambda: time.time() + made.ahead
        configured(made, inbox, authority)
        made.passes(0)
        made._before = frozenset(files_under(home))
        words: tuple[Path | str, ...] = (made.settings, home / "ahead", home / "witness", *leaks)
        async with nursery(home, PROGRAM, *words) as process:
            made._process = process
            try:
                yield made
            finally:
                made.killed()  # else a story that fails would wait for it


def configured(town: Town, inbox: Inbox, authority: Authority) -> None:
    """Settings and mission: an officer who writes on Signal, and is mailed to."""
    mission = mission_file(town.home, inbox.contact.openpgp or "", inbox.contact.fingerprint)
    text = mission.read_text("utf-8").replace('"officer@example.org"', f'"officer@example.org"\nsignal = "{OFFICER}"')
    mission.write_text(text, "utf-8")
    api = town.telegram.base_url.removesuffix("/bot")
    channels = f'[signal]\nservice = "{town.signal.address}"\nnumber = "{ACCOUNT}"\n'
    channels += f'[telegram]\ntoken_file = "token"\napi = "{api}"\n'
    settings_file(town.home, server_lines(town.mails, authority), channels, "debug", town.database.url)
    town.search.add([TOKEN, ACCOUNT, OFFICER, "officer@example.org"])


def line(town: Town, number: int, channel: str) -> Line:
    """Somebody new, of whom every field is a canary."""
    name = canary(channel, number, "name")
    if channel == "signal":
        uuid = f"5ca1ab1e-0000-4000-8000-{number:012d}"
        return SignalLine(town.signal.person(uuid, number=f"+5215548{number:06d}", name=name))
    person = town.telegram.person(name, person_id=7_123_400_000_000 + number * 7919)
    person.user |= {"last_name": canary(number, "last"), "username": canary(number, "username")}
    return TelegramLine(person)


def elsewhere(home: Path, *, to: str) -> list[Path]:
    """What a watched bot opened to write outside of its folder, where nobody would search. `to`: what it did open."""
    written = {Path(told) for told in (home / "witness/written").read_text().splitlines()}
    assert any(path.name == to for path in written), "it was watched"
    ours = (path for path in written if not path.is_relative_to(home) and "__pycache__" not in path.parts)
    return [path for path in ours if not str(path).startswith(NOT_A_FILE)]
