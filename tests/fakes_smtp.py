"""Mail servers on loopback for the whole suite: real SMTP and TLS, told beforehand where to refuse, stall or break.

authority = Authority(tmp_path)
async with mail_server(authority.server(), replies={"RCPT": ["451 later"]}) as server:
    ...  # server.host, server.port, authority.file
    await server.arrived(1)
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword, Session
from aiosmtpd.smtp import Envelope as Transaction
from fakes_lines import closed

HOST = "localhost"
DROP = "drop"  # as a reply: break the connection off
STALL = "stall"  # as a reply: say nothing more

logging.getLogger("mail.log").setLevel(logging.CRITICAL)

Tls = Literal["starttls", "implicit", "none"]


class Authority:
    """A certificate authority made for one test; `file` is what a client trusts."""

    def __init__(self, directory: Path) -> None:
        self._ca = trustme.CA()
        self.file = directory / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def server(self, name: str = HOST, *, until: datetime | None = None) -> ssl.SSLContext:
        """A server's side of TLS, with a certificate for `name`, good until then."""
        began = None if until is None else until.replace(year=until.year - 1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(name, not_before=began, not_after=until).configure_cert(context)
        return context

    def expired(self) -> ssl.SSLContext:
        """A server whose certificate was good once."""
        return self.server(until=datetime(2024, 5, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Taken:
    """One mail that was offered up to its last byte, and what the server answered."""

    sender: str
    recipients: tuple[str, ...]
    mail: bytes
    reply: str
    tls: bool
    helo: str
    login: str

    @property
    def accepted(self) -> bool:
        return self.reply.startswith("250")


@dataclass
class MailServer:
    """A running server. `taken`: every mail so far; `accepted`: those that it answered with 250."""

    replies: dict[str, Iterator[str]] = field(default_factory=dict)
    host: str = HOST
    port: int = 0
    taken: list[Taken] = field(default_factory=list)
    sessions: int = 0
    _open: list[SMTP] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _ending: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def accepted(self) -> list[Taken]:
        return [taken for taken in self.taken if taken.accepted]

    async def arrived(self, count: int, *, within: float = 30) -> None:
        """Wait until so many mails have been accepted."""
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: len(self.accepted) >= count)

    async def offered(self, count: int, *, within: float = 30) -> None:
        """Wait until so many mails have been sent to their last byte, whatever they were answered."""
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: len(self.taken) >= count)

    def hang_up(self) -> None:
        """Break off every session, as a server does that is restarted."""
        for session in self._open:
            _abort(session)

    def go_deaf(self) -> None:
        """Read nothing more in any session, not even the end of TLS; what was asked before is still answered."""
        for session in self._open:
            if isinstance(session.transport, asyncio.ReadTransport):
                session.transport.pause_reading()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's hook
        self, server: SMTP, _: Session, transaction: Transaction, address: str, options: list[str]
    ) -> str:
        transaction.mail_from = address
        transaction.mail_options.extend(options)
        return await self._reply("MAIL", server)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's hook
        self, server: SMTP, _: Session, transaction: Transaction, address: str, __: list[str]
    ) -> str:
        reply = await self._reply("RCPT", server)
        if reply.startswith("250"):
            transaction.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, transaction: Transaction) -> str:  # noqa: N802 - a hook
        reply = next(self.replies.get("DATA", iter(())), "250 OK")
        content = transaction.original_content or b""
        login = session.auth_data.login.decode() if isinstance(session.auth_data, LoginPassword) else ""
        taken = Taken(
            transaction.mail_from or "",
            tuple(transaction.rcpt_tos),
            content,
            reply,
            server.transport is not None and server.transport.get_extra_info("ssl_object") is not None,
            session.host_name or "",
            login,
        )
        async with self._news:
            self.taken.append(taken)
            self._news.notify_all()
        return await self._act(reply, server)

    async def _reply(self, stage: str, server: SMTP) -> str:
        return await self._act(next(self.replies.get(stage, iter(())), "250 OK"), server)

    async def _act(self, reply: str, server: SMTP) -> str:
        if reply == DROP:
            _abort(server)
        if reply in (DROP, STALL):
            await self._ending.wait()
        return reply

    def authenticate(self, login: tuple[str, str] | None, given: object) -> AuthResult:
        refusal = next(self.replies.get("AUTH", iter(())), "")
        good = isinstance(given, LoginPassword) and (given.login.decode(), given.password.decode()) == login
        if good and not refusal:
            return AuthResult(success=True, auth_data=given)
        return AuthResult(success=False, handled=False, message=refusal or None)


@asynccontextmanager
async def mail_server(
    context: ssl.SSLContext | None,
    tls: Tls = "starttls",
    *,
    replies: Mapping[str, Iterable[str]] | None = None,
    login: tuple[str, str] | None = None,
) -> AsyncIterator[MailServer]:
    """Run a mail server.

    `replies`: for the stages AUTH, MAIL, RCPT and DATA (after the last byte), what is answered first, second, ...;
    when they run out, the mail is accepted. DROP and STALL stand for no answer.
    """
    ours = MailServer({stage: iter(said) for stage, said in (replies or {}).items()})
    sessions = ours._open

    def session() -> SMTP:
        ours.sessions += 1
        sessions.append(
            SMTP(
                ours,
                hostname="relay.example",
                tls_context=context if tls == "starttls" else None,
                require_starttls=tls == "starttls",
                auth_require_tls=tls == "starttls",
                authenticator=lambda *told: ours.authenticate(login, told[-1]),
                loop=asyncio.get_running_loop(),
            )
        )
        return sessions[-1]

    secure = context if tls == "implicit" else None
    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0, ssl=secure)
    ours.port = server.sockets[0].getsockname()[1]
    try:
        yield ours
    finally:
        ours._ending.set()
        await closed(server)
        await _end(sessions)


def _abort(session: SMTP) -> None:
    if session.transport is not None:
        with suppress(AttributeError):  # early CPython 3.11: a TLS transport that is closed has no socket to abort
            session.transport.abort()  # type: ignore[attr-defined]  # a socket's transport can


async def _end(sessions: Iterable[SMTP]) -> None:
    for session in sessions:
        _abort(session)
    tasks = [session._handler_coroutine for session in sessions if session._handler_coroutine is not None]
    for task in tasks:
        task.cancel()  # after a failed handshake nothing else would end it
    await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def raw_server(greeting: bytes = b"") -> AsyncIterator[int]:
    """A server that says `greeting` and then nothing more, whatever comes; gives its port."""
    ending = asyncio.Event()

    async def meet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await ending.wait()
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        ending.set()
        await closed(server)


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
