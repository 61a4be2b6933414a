"""Stands between a program and one of its neighbours on loopback, and does to their lines what a bad network does.

async with proxy("127.0.0.1", server.port) as between:
    ...  # the program finds the server at between.port
    between.suffers(Trouble(Kind.MUTE, after=80))
    between.suffers(None)

A trouble holds for the lines that are open and for those that come, until another one takes its place. What became of
a line stays so: whoever waits at a line that is half open waits until they give up by themselves.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from itertools import count

from fakes_lines import closed

HOST = "127.0.0.1"
PIECE = 65536  # bytes that are carried at once
PIECES = 6  # in which a slow line carries what came at once
NOISE = 32  # bytes
_LINGER = struct.pack("ii", 1, 0)  # on, for no time: closing resets
_CLOSED = (OSError, RuntimeError)  # what asyncio raises of a transport that is gone


def drawn(*what: object, below: int) -> int:
    """Chance that is the same in every run."""
    return int.from_bytes(sha256(repr(("postigo", *what)).encode()).digest()[:8], "big") % below


class Kind(StrEnum):
    """What may happen to a line."""

    REFUSE = "refuse"  # nobody listens, and every line is reset: the server is down
    RESET = "reset"
    CLOSE = "close"  # both sides read to the end, in the middle of something
    SLOW = "slow"  # bytes dribble
    SWALLOW = "swallow"  # the line stands, and nothing passes any more
    DEAF = "deaf"  # nothing that the program says passes any more
    MUTE = "mute"  # nothing that the neighbour says passes any more
    GARBAGE = "garbage"  # bytes that are no text in UTF-8, nor good TLS, then the end
    IMPOSTOR = "impostor"  # a new line meets another authority's certificate


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happens to a line once `after` more bytes have passed on it.

    `share`: of a hundred lines, how many suffer; which ones, and what noise they hear, is drawn with `salt`. `pause`:
    seconds between two pieces on a slow line.
    """

    kind: Kind
    after: int = 0
    share: int = 100
    pause: float = 0.02
    salt: str = ""

    def hits(self, line: int) -> bool:
        """Whether the so-manieth line suffers."""
        return drawn("share", self.salt, line, below=100) < self.share

    def noise(self, line: int) -> bytes:
        """What nobody has said."""
        return bytes(0x80 + drawn("noise", self.salt, line, place, below=0x80) for place in range(NOISE))


_LOST: Mapping[Kind, set[bool]] = {Kind.SWALLOW: {True, False}, Kind.DEAF: {False}, Kind.MUTE: {True}}


@dataclass(eq=False)
class _Line:
    """A connection of the program's, and ours to the neighbour."""

    number: int
    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    passed: int = 0  # bytes, in both directions, since the trouble began
    lost: set[bool] = field(default_factory=set)  # the directions in which nothing passes; True: to the program

    def end(self) -> None:
        for writer in (self.near, self.far):
            writer.close()

    def reset(self) -> None:
        for writer in (self.near, self.far):
            _reset(writer)


class Proxy:
    """Carries lines between a program and a neighbour. `both_ways`: noise is heard by the neighbour, too."""

    def __init__(
        self, host: str, port: int, impostor: ssl.SSLContext | None = None, *, both_ways: bool = False
    ) -> None:
        self.port = 0
        self.lines = 0  # so far
        self._target = (host, port)
        self._impostor = impostor
        self._both_ways = both_ways
        self._trouble: Trouble | None = None
        self._open: set[_Line] = set()
        self._meetings: set[asyncio.Task[None]] = set()
        self._numbers = count(1)
        self._holder: socket.socket | None = None  # keeps the port while nobody listens
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen, on any free port."""
        self._holder = _bound(0)
        self.port = self._holder.getsockname()[1]
        await self._listen()

    async def stop(self) -> None:
        """Break everything off."""
        await self._refuse()
        for meeting in self._meetings:
            meeting.cancel()
        await asyncio.gather(*self._meetings, return_exceptions=True)
        assert self._holder is not None
        self._holder.close()

    async def suffers(self, trouble: Trouble | None) -> None:
        """Let this happen from now on, None for nothing."""
        self._trouble = trouble
        for line in self._open:
            line.passed = 0
        if trouble and trouble.kind is Kind.REFUSE:
            await self._refuse()
            return
        if self._server is None:
            await self._listen()
        for line in tuple(self._open):
            if trouble and trouble.kind is Kind.RESET and not trouble.after and trouble.hits(line.number):
                line.reset()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accepted, sock=_bound(self.port))

    async def _refuse(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await closed(server)
        for line in tuple(self._open):
            line.reset()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        meeting = asyncio.current_task()
        assert meeting is not None
        self._meetings.add(meeting)
        self.lines += 1
        try:
            with suppress(*_CLOSED):
                await self._meet(next(self._numbers), reader, writer)
        except asyncio.CancelledError:  # by `stop` alone
            pass
        finally:
            writer.close()
            self._meetings.discard(meeting)

    async def _meet(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        trouble = self._trouble if self._trouble and self._trouble.hits(number) else None
        if trouble and trouble.kind is Kind.IMPOSTOR and self._impostor:
            await writer.start_tls(self._impostor, ssl_handshake_timeout=5.0)
            return
        if trouble and trouble.kind is Kind.RESET and not trouble.after:
            _reset(writer)
            return
        answers, far = await self._reached()
        line = _Line(number, writer, far)
        self._open.add(line)
        answering = asyncio.create_task(self._answers(line, answers))
        try:
            await self._carries(line, reader, far, inward=False)
        finally:
            self._open.discard(line)
            line.end()
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    async def _reached(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._target
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _answers(self, line: _Line, reader: asyncio.StreamReader) -> None:
        with suppress(*_CLOSED):
            await self._carries(line, reader, line.near, inward=True)
        if not line.lost:  # else the program hears of no end either
            line.end()

    async def _carries(
        self, line: _Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, inward: bool
    ) -> None:
        while piece := await reader.read(PIECE):
            trouble = self._trouble
            if inward in line.lost:
                continue
            if trouble is None or not trouble.hits(line.number) or self._spares(trouble.kind, inward=inward):
                writer.write(piece)
                await writer.drain()
                continue
            allowed = max(trouble.after - line.passed, 0)
            line.passed += len(piece)
            if trouble.kind is Kind.SLOW:
                await _dribble(writer, piece, trouble.pause)
            elif len(piece) <= allowed:
                writer.write(piece)
            else:
                self._breaks(line, trouble, writer, piece[:allowed])

    def _spares(self, kind: Kind, *, inward: bool) -> bool:
        """Whether this direction of a line that stands is left alone."""
        spared = {Kind.DEAF: {True}, Kind.MUTE: {False}, Kind.IMPOSTOR: {True, False}}
        spared[Kind.GARBAGE] = set() if self._both_ways else {False}
        return inward in spared.get(kind, ())

    def _breaks(self, line: _Line, trouble: Trouble, writer: asyncio.StreamWriter, last: bytes) -> None:
        """Let the trouble happen. `last`: what still passes."""
        line.lost |= _LOST.get(trouble.kind, set())
        writer.write(last + (trouble.noise(line.number) if trouble.kind is Kind.GARBAGE else b""))
        if trouble.kind is Kind.RESET:
            line.reset()
        elif not line.lost:
            line.end()


@asynccontextmanager
async def proxy(
    host: str, port: int, impostor: ssl.SSLContext | None = None, *, both_ways: bool = False
) -> AsyncIterator[Proxy]:
    """Stand between a program and the server at this address until the block ends.

    A `host` that is a folder holds the socket of a PostgreSQL, as its own programs have it.
    """
    between = Proxy(host, port, impostor, both_ways=both_ways)
    await between.start()
    try:
        yield between
    finally:
        await between.stop()


async def _dribble(writer: asyncio.StreamWriter, piece: bytes, pause: float) -> None:
    size = -(-len(piece) // PIECES)
    for start in range(0, len(piece), size):
        writer.write(piece[start : start + size])
        await asyncio.sleep(pause)


def _bound(port: int) -> socket.socket:
    """A socket with this port, which others of ours may have too; who doesn't listen there is no obstacle."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((HOST, port))
    bound.setblocking(False)
    return bound


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other side reads no end, but that the line was reset."""
    connection = writer.get_extra_info("socket")
    with suppress(*_CLOSED):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    writer.transport.abort()
