"""The bot's mailbox: what officers and mail servers answer is taken from it, one mail at a time, and then is gone.

The only file that knows imapclient, which waits where it stands: it has a thread of its own, one for each mailbox.
What a mail means is replies.py's. Nothing travels without verified TLS, and nothing of a mail is logged.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

from imapclient import IMAPClient, SocketTimeout, exceptions  # type: ignore[import-untyped]  # it brings no types

from bot.errors import NotNow, SettingsError
from bot.logs import Event, event
from bot.mail.mailbox_findings import Clear, NoFolder, Refused, told
from bot.mail.replies import LARGEST
from bot.mail.tls import verifying

FETCHED = LARGEST + 1  # bytes of a mail that are fetched: what is larger is seen to be, and isn't fetched whole
MOST_TRIES = 5  # of a mail that can't be taken, one look after the other; then it waits for long between two
LEFT_FOR = 3600.0  # seconds that such a mail is left there
PUT_OFF = 60.0  # seconds that a mail is left there which is to be brought again later
WAIT = 60.0  # seconds until we look without being told; RFC 2177 asks for less than 29 minutes
CONNECTING = 15.0  # seconds
ANSWERING = 30.0  # seconds
SHORTEST, LONGEST = 1.0, 60.0  # seconds between attempts to connect
REFUSED_WAIT = 300.0  # seconds after a refused login: servers lock out those who go on trying

_PARTIAL = f"BODY.PEEK[]<0.{FETCHED}>"
_BODY = b"BODY[]<0>"

Take = Callable[[bytes], Awaitable[None]]
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(slots=True)
class Mailbox:
    """One folder on an IMAP server.

    `ca_file` None: the system's certificates. `wait`: seconds until it is looked at without a sign from the server.

    Raises:
        SettingsError: `tls` or `ca_file` is wrong.
    """

    host: str
    port: int
    tls: Literal["implicit", "starttls"]
    username: str = field(repr=False)
    password: str = field(repr=False)
    ca_file: Path | None = None
    folder: str = "INBOX"
    wait: float = WAIT
    shortest: float = SHORTEST
    _context: ssl.SSLContext = field(init=False, repr=False)
    _tries: dict[tuple[int, int], int] = field(init=False, repr=False, default_factory=dict)
    _waits: dict[tuple[int, int], float] = field(init=False, repr=False, default_factory=dict)  # until when
    _taken: set[tuple[int, int]] = field(init=False, repr=False, default_factory=set)

    def __post_init__(self) -> None:
        if self.tls not in ("starttls", "implicit"):
            raise SettingsError('mailbox.tls: expected "starttls" or "implicit"')
        try:
            self._context = verifying(self.ca_file)
        except (OSError, ValueError):
            raise SettingsError(f"mailbox.ca_file: {self.ca_file} holds no certificates that can be read") from None

    async def listen(self, take: Take) -> None:
        """Give each mail that is or comes there to `take`; when `take` has returned, the mail is deleted.

        Runs until it is cancelled. What `take` gets is at most FETCHED bytes. If it raises, the mail stays and comes
        again: at each look, and after MOST_TRIES of them each hour; after NotNow each minute, as often as that is
        raised. A mail may come once more if we end between `take` and the deletion.
        """
        failed = 0
        while True:
            line = _Line(self)
            try:
                await self._attend(line, take)
            except Exception as error:  # noqa: BLE001 - whatever a server does, the next one or the next try may not
                failed = 1 if line.was_up else failed + 1
                pause = self._pause(error, failed)
            finally:
                line.cut()
            await asyncio.sleep(pause)

    async def findings(self) -> list[str]:
        """Return what is wrong with the mailbox, a sentence each; none means that it can be listened to."""
        line = _Line(self)
        try:
            await line.run(line.open)
        except Exception as error:  # noqa: BLE001 - each kind has its sentence
            return [f"the mailbox on {self.host}: {told(error, self.folder)}"]
        finally:
            line.cut()
        return []

    async def _attend(self, line: "_Line", take: Take) -> None:
        await line.run(line.open)
        event(Event.MAILBOX_UP)
        await line.run(line.sweep)
        while True:
            for uid in await line.run(line.look):
                await self._pass_on(line, (line.validity, uid), take)
            await line.run(line.await_news)

    async def _pass_on(self, line: "_Line", name: tuple[int, int], take: Take) -> None:
        """`name`: with the folder's validity, by which a UID stays the same mail (RFC 3501, section 2.3.1.1)."""
        if self._waits.get(name, 0.0) > asyncio.get_running_loop().time():
            return
        if name not in self._taken:
            mail = await line.run(line.fetch, name[1])
            if mail is None or not await self._is_taken(mail, name, take):
                return
            self._taken.add(name)
        await line.run(line.drop, name[1])
        self._taken.discard(name)
        self._tries.pop(name, None)
        self._waits.pop(name, None)

    async def _is_taken(self, mail: bytes, name: tuple[int, int], take: Take) -> bool:
        try:
            await take(mail)
        except NotNow:
            self._leave(name, PUT_OFF)
            return False
        except Exception as error:  # noqa: BLE001 - the mails behind it must be read
            self._tries[name] = self._tries.get(name, 0) + 1
            event(Event.MAILBOX_STUCK, attempts=self._tries[name], error=error)
            if self._tries[name] >= MOST_TRIES:
                self._leave(name, LEFT_FOR)
            return False
        return True

    def _leave(self, name: tuple[int, int], seconds: float) -> None:
        self._waits[name] = asyncio.get_running_loop().time() + seconds

    def _pause(self, error: Exception, failed: int) -> float:
        """Log what happened and return the seconds until the next attempt."""
        if isinstance(error, Refused):
            event(Event.MAILBOX_REFUSED, attempts=failed, seconds=int(REFUSED_WAIT))
            return REFUSED_WAIT
        pause = min(LONGEST, self.shortest * 2.0 ** min(failed - 1, 10))
        event(Event.MAILBOX_DOWN, attempts=failed, seconds=int(pause), error=error)
        return pause


class _Line:
    """One connection. Its methods wait, and run in the thread that `run` gives them; `cut` is called from outside."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.validity = 0
        self.was_up = False
        self._mailbox = mailbox
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mailbox")
        self._client: Any = None
        self._lock = threading.Lock()
        self._is_cut = False

    async def run(self, step: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run one step in the line's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: step(*args, **kwargs))

    def cut(self) -> None:
        """End the line at once, whatever it waits for; its thread ends by itself."""
        with self._lock:
            self._is_cut = True
            if self._client is not None:
                _shut(self._client)
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    def open(self) -> None:
        """Connect, prove who the server is, log in, open the folder."""
        mailbox, implicit = self._mailbox, self._mailbox.tls == "implicit"
        client = IMAPClient(
            mailbox.host,
            mailbox.port,
            ssl=implicit,
            ssl_context=mailbox._context,  # noqa: SLF001 - ours
            timeout=SocketTimeout(CONNECTING, ANSWERING),
        )
        with self._lock:
            self._client = client
            if self._is_cut:
                _shut(client)
        if not implicit:
            _secure(client, mailbox._context)  # noqa: SLF001 - ours
        _log_in(client, mailbox.username, mailbox.password)
        self.validity = _select(client, mailbox.folder)
        self.was_up = True

    def sweep(self) -> None:
        """Remove what an earlier line deleted and could no longer remove."""
        self._client.expunge()

    def look(self) -> list[int]:
        """Return the UIDs of all that is there, the oldest first."""
        self._told_of_more()  # what was told before this is found now
        return sorted(self._client.search("UNDELETED"))

    def fetch(self, uid: int) -> bytes | None:
        """Return the mail, of a large one its beginning; None if it is no longer there. It isn't marked as read."""
        found = self._client.fetch([uid], [_PARTIAL]).get(uid, {}).get(_BODY)
        return found[:FETCHED] if isinstance(found, bytes) else None

    def drop(self, uid: int) -> None:
        """Delete the mail for good; where the server can (RFC 4315), only this one."""
        self._client.delete_messages([uid], silent=True)
        if self._client.has_capability("UIDPLUS"):
            self._client.uid_expunge([uid])
        else:
            self._client.expunge()

    def await_news(self) -> None:
        """Return when the server tells of something (RFC 2177), or when it is time to look anyhow."""
        if _lies_here(self._client) is not None:
            self._client.noop()  # reads it
        if self._told_of_more():
            return
        if not self._client.has_capability("IDLE"):
            with _at_most(self._mailbox.wait, self._client.socket()), suppress(TimeoutError):
                socket.socket.recv(self._client.socket(), 1, socket.MSG_PEEK)  # wakes when the line is cut, too
            self._client.noop()
            return
        self._client.idle()
        told = _lies_here(self._client)
        if told is None or (told and b"EXISTS" not in told.upper()):
            self._client.idle_check(timeout=self._mailbox.wait)
        self._client.idle_done()

    def _told_of_more(self) -> bool:
        """Tell whether the server has said so since the last call: with any answer (RFC 3501, 7.3.1), and only once."""
        told: list[bytes | None] = self._client._imap.response("EXISTS")[1]  # noqa: SLF001 - the library passes none on
        return told != [None]

    def _close(self) -> None:
        if self._client is not None:
            with suppress(OSError, exceptions.IMAPClientError):
                self._client.shutdown()


def _shut(client: Any) -> None:  # noqa: ANN401 - the library brings no types
    """Wake the thread that waits for this socket; its TLS is left as it is, so nothing can follow in clear."""
    with suppress(OSError):
        socket.socket.shutdown(client.socket(), socket.SHUT_RDWR)


def _secure(client: Any, context: ssl.SSLContext) -> None:  # noqa: ANN401 - the same
    if not client.has_capability("STARTTLS"):
        raise Clear
    client.starttls(context)


def _log_in(client: Any, username: str, password: str) -> None:  # noqa: ANN401 - the same
    try:
        if client.has_capability("AUTH=PLAIN"):
            client.plain_login(username, password)  # any script, which LOGIN can't say
        else:
            client.login(username, password)
    except exceptions.LoginError as error:
        if isinstance(error.__context__, exceptions.IMAPClientAbortError) or "[UNAVAILABLE]" in str(error).upper():
            raise  # the line broke, or the server can't ask who we are (RFC 5530)
        raise Refused from None
    except UnicodeError:
        raise Refused from None


def _select(client: Any, folder: str) -> int:  # noqa: ANN401 - the same
    try:
        return int(client.select_folder(folder).get(b"UIDVALIDITY", 0))
    except exceptions.IMAPClientAbortError as error:
        if "writable" in str(error):
            raise NoFolder from None
        raise
    except exceptions.IMAPClientError:
        raise NoFolder from None


def _lies_here(client: Any) -> bytes | None:  # noqa: ANN401 - the same
    """Return what was said and not read yet, b"": that it ends. The library asks the socket alone, which may be dry."""
    with _at_most(0, client.socket()), suppress(BlockingIOError, ssl.SSLWantReadError):
        return bytes(client._imap.file.peek(1))  # noqa: SLF001 - the library doesn't ask
    return None


@contextmanager
def _at_most(seconds: float, connection: socket.socket) -> Iterator[None]:
    before = connection.gettimeout()
    connection.settimeout(seconds)
    yield  # where this raises the line is given up
    connection.settimeout(before)
