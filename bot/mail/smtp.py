"""Carrying sealed mails to a mail server, or to a directory, and telling what may be tried again from what may not.

Bytes in, bytes out, unchanged: nothing is composed or sealed here, and nothing travels without verified TLS.
"""

import asyncio
import hashlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Literal, Protocol

import aiosmtplib

from bot.errors import DeliveryError, SettingsError, Undeliverable, UnsureDelivery
from bot.mail.tls import verifying

GOODBYE = 5.0  # seconds that a server may take to answer QUIT; the mail has been accepted by then


class TlsRefused(DeliveryError):  # noqa: N818 - named by what the caller learns
    """The server isn't who it should be, or offers no TLS: nothing was sent; try again, and tell the operator."""


class Post(Protocol):
    """A way for sealed mails to leave."""

    @property
    def confirms(self) -> bool:
        """Whether `send` returning means that somebody has taken the mail; a folder tells nothing."""
        ...

    async def send(self, mail: bytes, recipient: str) -> None:
        """Send one mail to one recipient; returning means that it was accepted.

        Raises:
            Undeliverable: it never will be accepted.
            DeliveryError: not this time (`UnsureDelivery`: perhaps it was; send the same bytes again).
        """
        ...


class _Client(aiosmtplib.SMTP):
    """One session, whose line is gone once it is closed."""

    def close(self) -> None:
        """Say goodbye to TLS and don't wait for the server's own: for that a line would stand open for half a minute.

        RFC 8446, section 6.1: whoever has said it may leave.
        """
        line = self.transport
        super().close()
        if isinstance(line, asyncio.WriteTransport):
            line.abort()


@dataclass(slots=True)
class SmtpPost:
    """A mail server, one session and one recipient a mail.

    `timeout`: seconds for each answer of the server. `ca_file` None: the system's certificates.

    Raises:
        SettingsError: `tls`, `sender` or `ca_file` is wrong.
    """

    host: str
    port: int
    tls: Literal["starttls", "implicit"]
    sender: str
    ca_file: Path | None = None
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    timeout: float = 30.0
    confirms: bool = field(default=True, init=False)
    _context: ssl.SSLContext = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.tls not in ("starttls", "implicit"):
            raise SettingsError('mail.tls: expected "starttls" or "implicit"')
        if not _is_address(self.sender):
            raise SettingsError("mail.sender: expected an address such as bot@example.org")
        try:
            self._context = verifying(self.ca_file)
        except (OSError, ValueError):
            raise SettingsError(f"mail.ca_file: {self.ca_file} holds no certificates that can be read") from None

    async def send(self, mail: bytes, recipient: str) -> None:
        """See `Post.send`. A 5xx to AUTH, MAIL, RCPT or DATA is final; everything else passes."""
        if not _is_address(recipient):
            raise Undeliverable("the recipient's address can't be sent to")
        client = self._client()
        try:
            await self._open(client)
            await self._transact(client, mail, recipient)
            await self._leave(client)
        finally:
            client.close()

    async def greet(self) -> None:
        """Connect, prove who the server is and log in as for a mail, and leave without one. Raises as `Post.send`."""
        client = self._client()
        try:
            await self._open(client)
            await self._leave(client)
        finally:
            client.close()

    def _client(self) -> _Client:
        return _Client(
            hostname=self.host,
            port=self.port,
            local_hostname=self.sender.rpartition("@")[2],  # the default would tell the relay our machine's name
            timeout=self.timeout,
            use_tls=self.tls == "implicit",
            start_tls=False,  # the default, None, goes on in clear where the server offers no TLS
            tls_context=self._context,
        )

    async def _open(self, client: aiosmtplib.SMTP) -> None:
        with _told("the connection"):
            await client.connect()
        if self.tls == "starttls":
            with _told("EHLO"):
                await client.ehlo()
            if not client.supports_extension("starttls"):
                raise TlsRefused("the mail server offers no STARTTLS")
            with _told("STARTTLS"):
                await client.starttls()
        if self.username:
            with _told("AUTH", final=True):
                await client.login(self.username, self.password)

    async def _leave(self, client: aiosmtplib.SMTP) -> None:
        with suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=min(GOODBYE, self.timeout))

    async def _transact(self, client: aiosmtplib.SMTP, mail: bytes, recipient: str) -> None:
        with _told("MAIL", final=True):
            await client.mail(self.sender)
        with _told("RCPT", final=True):
            await client.rcpt(recipient)
        with _told("DATA", final=True, unsure=True):
            await client.data(mail)


@dataclass(frozen=True, slots=True)
class DirectoryPost:
    """Leaves each mail as a file in a directory; the same Message-ID is the same file, so a repeat changes nothing."""

    directory: Path
    confirms: bool = field(default=False, init=False)

    async def send(self, mail: bytes, recipient: str) -> None:  # noqa: ARG002 - the mail names its recipient
        """See `Post.send`; returning means that the file is on the disk."""
        try:
            await asyncio.to_thread(_keep, self.directory / _file_name(mail), mail)
        except OSError as error:
            raise DeliveryError(f"{self.directory}: the mail could not be written: {error.strerror}") from None


def _is_address(text: str) -> bool:
    """Whether it can be sent as it stands: `aiosmtplib` would make something of a name with an address, or of two."""
    name, _, domain = text.rpartition("@")
    return bool(name and domain) and text.isascii() and text.isprintable() and not set(text) & set(" <>,")


@contextmanager
def _told(stage: str, *, final: bool = False, unsure: bool = False) -> Iterator[None]:
    """Name what went wrong at `stage` without the server's words, which may quote addresses."""
    try:
        yield
    except aiosmtplib.SMTPResponseException as error:
        raise _refusal(error.code, stage, final=final, unsure=unsure) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        raise _failure(error, stage, unsure=unsure) from None


def _refusal(code: int, stage: str, *, final: bool, unsure: bool) -> DeliveryError:
    text = f"the mail server answered {code} to {stage}"
    if 500 <= code <= 599 and final:  # noqa: PLR2004 - RFC 5321, section 4.2.1: permanent negative
        return Undeliverable(text)
    if unsure and not 400 <= code <= 599:  # noqa: PLR2004 - neither yes nor no
        return UnsureDelivery(text)
    return DeliveryError(text)


def _failure(error: Exception, stage: str, *, unsure: bool) -> DeliveryError:
    reason = error.__cause__ if isinstance(error, aiosmtplib.SMTPConnectError) else error
    if isinstance(reason, ssl.SSLError):
        return TlsRefused(f"TLS with the mail server failed: {reason.reason or type(reason).__name__}")
    slow = isinstance(error, aiosmtplib.SMTPTimeoutError)
    text = f"the mail server {'did not answer' if slow else 'broke off or could not be reached'} at {stage}"
    return UnsureDelivery(text) if unsure else DeliveryError(text)


def _file_name(mail: bytes) -> str:
    name = str(BytesHeaderParser().parsebytes(mail).get("Message-ID", ""))
    return hashlib.sha256(name.encode()).hexdigest()[:40] + ".eml"


def _keep(path: Path, mail: bytes) -> None:
    """Write beside the place, flush, rename: whoever looks sees a whole mail or none."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(mail)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    _flush_directory(path.parent)


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
