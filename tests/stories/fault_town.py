"""The neighbours of a bot whose network, disk and clock can't be relied on: two messengers, mail out and in, officers.

Everything that they say to the bot, or it to them, goes through a proxy of its own (`fakes_proxy`).
"""

import asyncio
import json
import sqlite3
import ssl
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

from aiohttp import web
from fakes_dovecot import PASSWORD, USER, Dovecot, dovecot
from fakes_gpg import Gpg
from fakes_postgres import USER as USER_THERE
from fakes_postgres import Postgres
from fakes_proxy import Proxy, drawn, proxy
from fakes_replies import clearsigned, mail, part
from fakes_signal import SignalServer, signal_server
from fakes_signal_wire import ACCOUNT
from fakes_smtp import Authority, MailServer, Taken, mail_server
from fakes_telegram import TOKEN, TelegramServer
from stories.fault_crowd import Crowd, Phone, Talker, script
from stories.fault_mix import SERVER, Database, jumps
from stories.officers_town import token_in
from stories.program import mission_file, settings_file
from stories.sizes import Size

from bot import clock
from bot.mail.openpgp import open_mail

SENDER = "postigo@example.org"
NAMES = ("officer", "second")  # told at once, and when an hour has passed
POSTGRESQL_PORT = 5432  # the name of a socket
WAITING = "SELECT COUNT(*) FROM outbox WHERE kind NOT IN ('clear', 'wake') AND (kind <> 'mail' OR next_try <= {})"
EVERY = 12  # of so many cases, one is acknowledged by mail
AT_ONCE = 16  # people who talk at the same time
HOST = "127.0.0.1"


class SecureTelegram(TelegramServer):
    """A Telegram behind TLS, as the real one is."""

    def __init__(self, secure: ssl.SSLContext) -> None:
        super().__init__()
        self._secure = secure

    async def comes_back(self) -> None:
        loop = asyncio.get_running_loop()
        self._web = web.Server(self._meet, access_log=None)
        self._listening = await loop.create_server(self._web, HOST, self.port, ssl=self._secure, reuse_address=True)
        self.port = self._listening.sockets[0].getsockname()[1]


@asynccontextmanager
async def secure_telegram(secure: ssl.SSLContext) -> AsyncIterator[TelegramServer]:
    """Run such a server."""
    server = SecureTelegram(secure)
    await server.comes_back()
    try:
        yield server
    finally:
        server.heals()
        await server.updates.close()
        await server.goes_away()


class Officer:
    """Somebody who opens the sealed mails; their key was made days ago, as keys are."""

    def __init__(self, folder: Path, gpg: Gpg, name: str) -> None:
        ago = f"{clock.now(UTC) - timedelta(days=3):%Y%m%dT%H%M%S}"
        self.address = f"{name}@example.org"
        self.fingerprint = gpg.new_key(name, at=ago).lower()
        self.file = folder / f"{name}.asc"
        self.file.write_bytes(gpg.exported(name))
        self._secret = gpg.must("--armor", "--export-secret-keys", f"={name}")
        self._gpg, self._name = gpg, name

    def opened(self, mail: bytes) -> tuple[str, dict[str, Any]]:
        """Text and case."""
        _, text, case = open_mail(mail, self._secret)
        return text, json.loads(case)

    def acknowledges(self, text: str) -> bytes:
        """A mail that says that the case of this text was read."""
        return mail(part(clearsigned(self._gpg, self._name, f"{token_in(text)}\n").decode()))


@dataclass
class Cases:
    """What has arrived, by its Message-ID: who got it, and every body under which it came."""

    bodies: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    to: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    texts: dict[str, str] = field(default_factory=dict)
    cases: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of(self, address: str) -> Iterator[dict[str, Any]]:
        """Each case that an officer has got, once for each Message-ID."""
        return (case for name, case in self.cases.items() if self.to[name] == {address})

    @property
    def references(self) -> set[str]:
        return {case["reference"] for case in self.cases.values()}


class Kept:
    """Where the bot keeps things: a file, or a database of its own on a server."""

    def __init__(self, file: Path, server: Postgres | None = None) -> None:
        self._file, self._server = file, server
        self.url = server.fresh() if server else ""
        self.name = self.url.partition("@/")[2].partition("?")[0]

    @property
    def database(self) -> Database:
        return Database(self._server, self.url)

    def waiting(self) -> int:
        """How many rows wait that are due."""
        return int(self._read(WAITING.format("%s" if self._server else "?"), _minute())[0][0])

    def longest_wait(self) -> int:
        """In how many minutes the last mail is due."""
        (last,) = self._read("SELECT COALESCE(MAX(next_try), 0) FROM outbox WHERE kind = 'mail'")
        return int(last[0]) - _minute()

    def rows(self) -> list[str]:
        """What waits: each row's kind, how often it was tried, and in how many minutes it is due."""
        read = self._read("SELECT kind, attempts, trying, next_try FROM outbox ORDER BY next_try")
        return [
            f"{kind}, {attempts} tries{', trying' * trying}: in {due - _minute()} min"
            for kind, attempts, trying, due in read
        ]

    def _read(self, query: str, *values: int) -> list[tuple[Any, ...]]:
        if self._server:
            return self._server.rows(self.url, query, *values)
        with closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)) as conn:
            return conn.execute(query, values).fetchall()


def _minute() -> int:
    return int(time.time()) // 60


@dataclass
class FaultTown:
    """All of them, and where the bot lives."""

    home: Path
    settings: Path
    authority: Authority
    telegram: TelegramServer
    signal: SignalServer
    mails: MailServer
    box: Dovecot
    officers: tuple[Officer, ...]
    proxies: Mapping[str, Proxy]
    crowd: Crowd
    answers: bool  # whether officers acknowledge cases
    kept: Kept
    arrived: Cases = field(default_factory=Cases)
    acknowledged: set[str] = field(default_factory=set)  # references
    _read: int = 0

    async def opens(self) -> None:
        """Open what has arrived until now, and acknowledge some of it."""
        new, self._read = self.mails.accepted[self._read :], len(self.mails.accepted)
        for taken in new:
            await self._opens(taken)

    async def _opens(self, taken: Taken) -> None:
        found, (recipient,) = message_from_bytes(taken.mail)["Message-ID"], taken.recipients
        known = taken.mail in self.arrived.bodies[found]
        self.arrived.bodies[found].add(taken.mail)
        self.arrived.to[found].add(recipient)
        if known:
            return
        officer = next(one for one in self.officers if one.address == recipient)
        text, case = officer.opened(taken.mail)
        if not case:  # a note: how many write, and nothing of anybody
            return
        self.arrived.cases[found] = case
        reference = case["reference"]
        if self.answers and drawn("ack", reference, below=EVERY) == 0 and reference not in self.acknowledged:
            self.acknowledged.add(reference)
            await asyncio.to_thread(lambda: self.box.deliver(officer.acknowledges(text)))


@asynccontextmanager
async def fault_town(
    home: Path, officers: tuple[Officer, ...], size: Size, seed: int, server: Postgres | None = None
) -> AsyncIterator[FaultTown]:
    """Neighbours, with a proxy before each, and people who have not yet begun to write.

    `server`: on which the bot has its database.
    """
    authority, stranger = Authority(home), _stranger(home)
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(secure_telegram(authority.server()))
        signal = await stack.enter_async_context(signal_server(keeps=False))
        mails = await stack.enter_async_context(mail_server(authority.server(), "implicit"))
        box = stack.enter_context(dovecot(authority._ca))
        ports = {"telegram": telegram.port, "signal": signal.port, "smtp": mails.port, "imap": box.port}
        proxies = {
            name: await stack.enter_async_context(proxy(HOST, port, stranger, both_ways=name != "signal"))
            for name, port in ports.items()
        }
        kept = Kept(home / "kept/postigo.db", server)
        if server:
            proxies[SERVER] = await stack.enter_async_context(proxy(str(server.home), POSTGRESQL_PORT))
            way = f"postgresql+psycopg://{USER_THERE}@{HOST}:{proxies[SERVER].port}/{kept.name}"
            (home / "database").write_text(f"{way}?sslmode=disable&connect_timeout=2")
            stack.callback(server.drop, kept.url)
        settings = configured(home, officers, authority, {name: one.port for name, one in proxies.items()})
        crowd = Crowd([_talker(seed, number, telegram, signal) for number in range(size.people)], AT_ONCE)
        yield FaultTown(
            home, settings, authority, telegram, signal, mails, box, officers, proxies, crowd, not jumps(seed), kept
        )


def _stranger(home: Path) -> ssl.SSLContext:
    """A server's side of TLS, by an authority that nobody trusts."""
    folder = home / "stranger"
    folder.mkdir()
    return Authority(folder).server()


def _talker(seed: int, number: int, telegram: TelegramServer, signal: SignalServer) -> Talker:
    person = telegram.person(f"P{number}") if number % 2 else signal.person()
    return Talker(number, Phone(person), script(seed, number), cries=number % 8 < 6)


def configured(home: Path, officers: tuple[Officer, ...], authority: Authority, ports: Mapping[str, int]) -> Path:
    """Settings for a bot that finds everybody at these ports."""
    first, second = officers
    mission = mission_file(home, str(first.file), first.fingerprint)
    more = f'\n[[contact]]\naddress = "{second.address}"\nopenpgp = "{second.file}"\n'
    more += f'fingerprint = "{second.fingerprint}"\n'
    mission.write_text(mission.read_text("utf-8") + more, "utf-8")
    for name, secret in (("token", TOKEN), ("password", PASSWORD)):
        (home / name).write_text(secret, "utf-8")
        (home / name).chmod(0o600)
    mail = f'host = "localhost"\nport = {ports["smtp"]}\ntls = "implicit"\nsender = "{SENDER}"\n'
    tables = f"""
[mailbox]
host = "localhost"
port = {ports["imap"]}
username = "{USER}"
password_file = "password"
ca_file = "{authority.file}"
[telegram]
token_file = "token"
api = "https://localhost:{ports["telegram"]}"
[signal]
service = "{HOST}:{ports["signal"]}"
number = "{ACCOUNT}"
"""
    mail += f'ca_file = "{authority.file}"\n'
    return settings_file(home, mail, tables, "info")


@contextmanager
def replayed(seed: int, test: str) -> Iterator[None]:
    """Say with which seed a mix has failed."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"seed={seed}; to play it again: POSTIGO_SEED={seed} pytest {test}")
        raise
