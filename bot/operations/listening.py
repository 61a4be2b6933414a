"""Pages for an operator's programs, over HTTP on this machine alone: GET, a few fixed paths, one answer a connection.

Nothing of a request is kept or logged. What stands on the pages is told elsewhere.
"""

import asyncio
import errno
import os
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from http import HTTPStatus
from typing import NamedTuple

from bot import clock
from bot.errors import Unplaced
from bot.logs import Event, event

LARGEST_HEAD = 8192  # bytes of a request's line and headers
PATIENCE = 10.0  # seconds for a request and its answer
AT_ONCE = 8  # connections

_HOST = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_LINE = re.compile(r"([A-Z]+) (\S+) HTTP/1\.[01]")  # RFC 9112, section 3


class Page(NamedTuple):
    """What is answered."""

    status: HTTPStatus
    body: bytes
    kind: str = "text/plain; charset=utf-8"


Pages = Mapping[str, Callable[[], Awaitable[Page]]]


@dataclass(slots=True)
class Listening:
    """Serves `pages`, by path. `listen`: a loopback address and a port, which is 0 for any."""

    listen: str
    pages: Pages
    port: int = 0  # while it serves
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen meanwhile. Raises Unplaced: it can't listen there."""
        host, port = _place(self.listen)
        try:
            server = await asyncio.start_server(self._connected, host, port, limit=LARGEST_HEAD)
        except OSError as error:
            raise Unplaced(_taken(self.listen, error)) from None
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        try:
            if task is not None and len(self._open) < AT_ONCE:
                self._open.add(task)
                task.add_done_callback(self._open.discard)
                await self._talk(reader, writer)
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request and answer it; whoever is slow, or goes, hears nothing."""
        try:
            async with asyncio.timeout(PATIENCE):
                page = await self._page(await _head(reader))
                writer.write(_written(page))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, OSError):
            return

    async def _page(self, head: bytes) -> Page:
        line, *headers = head.decode("latin-1").split("\r\n")
        asked = _LINE.fullmatch(line)
        if refused := _refused(asked[1] if asked else "", headers):
            return Page(refused, f"{refused.phrase}\n".encode())
        page = self.pages.get(asked[2] if asked else "")
        if page is None:
            return Page(HTTPStatus.NOT_FOUND, b"Not Found\n")
        try:
            return await page()
        except Exception as error:  # noqa: BLE001 - whatever it is: the bot goes on, and the operator hears of it
            event(Event.FAULT, error=error)
            return Page(HTTPStatus.INTERNAL_SERVER_ERROR, b"Internal Server Error\n")


def findings(listen: str) -> list[str]:
    """Return what would keep `Listening` from this address now, a sentence; nothing is heard there meanwhile."""
    host, port = _place(listen)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as asyncio does: a bot has just ended there
        try:
            probe.bind((host, port))
        except OSError as error:
            return [_taken(listen, error)]
    return []


def _place(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    return {"localhost": "127.0.0.1"}.get(host, host.strip("[]")), int(port)


def _taken(listen: str, error: OSError) -> str:
    told = os.strerror(error.errno or errno.EADDRNOTAVAIL)  # the error's own words tell the address again
    return f"operations.listen: expected an address that is free, and {listen} isn't: {told}"


async def _head(reader: asyncio.StreamReader) -> bytes:
    """Return what stands before the empty line; nothing of it if it is too long."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return b""


def _refused(method: str, headers: list[str]) -> HTTPStatus | None:
    """Return why this is answered with no page, if so; a page of the web may not ask by a name that leads here."""
    fields = [name_value.partition(":") for name_value in headers]
    hosts = [value.strip() for name, _, value in fields if name.lower() == "host"]
    if not method or len(hosts) != 1:  # RFC 9112, section 3.2
        return HTTPStatus.BAD_REQUEST
    if not _HOST.fullmatch(hosts[0]):
        return HTTPStatus.MISDIRECTED_REQUEST
    return None if method == "GET" else HTTPStatus.METHOD_NOT_ALLOWED


def _written(page: Page) -> bytes:
    head = (
        f"HTTP/1.1 {page.status.value} {page.status.phrase}",
        f"Date: {format_datetime(clock.now(), usegmt=True)}",
        f"Content-Type: {page.kind}",
        f"Content-Length: {len(page.body)}",
        *(("Allow: GET",) if page.status is HTTPStatus.METHOD_NOT_ALLOWED else ()),
        "X-Content-Type-Options: nosniff",
        "Cache-Control: no-store",
        "Connection: close",
    )
    return "\r\n".join((*head, "", "")).encode() + page.body
