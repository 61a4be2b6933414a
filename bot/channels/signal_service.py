"""Talks with the server that runs signal-cli: one HTTP session, one kind of failure for each thing that can be done.

The only file that knows aiohttp. An error's body is read, a redirect isn't followed, no proxy of the machine's is
asked, and whatever fails says nothing of what was sent.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp

from bot.errors import DeliveryError, UnsureDelivery

ANSWERED_WITHIN = 30.0  # seconds; when signal-cli restarts in the middle, a request is never answered
CONNECTED_WITHIN = 5.0
LARGEST_FRAME = 64 * 2**20  # bytes; Signal's own messages stay far below
SUCCESS = range(200, 300)
GONE = 404
TOO_MANY = 429

# Before anything was written: the request can't have had an effect.
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
_BROKEN = (aiohttp.ClientError, OSError, TimeoutError)
_TEXT = (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)
_ENDED = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered, good or bad."""

    status: int
    body: bytes = field(default=b"", repr=False)

    @property
    def good(self) -> bool:
        """Whether the server did what was asked."""
        return self.status in SUCCESS

    def told(self) -> Any:  # noqa: ANN401 - JSON of any shape
        """Return what the body holds; None if it isn't JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def error(self) -> str:
        """Return the server's own words for what went wrong, or ""."""
        told = self.told()
        words = told.get("error") if isinstance(told, dict) else None
        return words if isinstance(words, str) else ""


class Socket:
    """What the server tells as it comes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def next(self) -> str | bytes | None:
        """Return the next frame, "" for a sign of life without words; None: closed, for whatever reason."""
        message = await self._socket.receive()
        if message.type in _TEXT:
            frame: str | bytes = message.data
            return frame
        if message.type in _ENDED:
            return None
        if message.type is aiohttp.WSMsgType.PING:
            await self._socket.pong(message.data)
        return ""

    async def ping(self) -> None:
        """Ask for a sign of life."""
        await self._socket.ping()

    async def close(self) -> None:
        """Close; whoever waits for the next frame hears of it."""
        await self._socket.close()


class Service:
    """One signal-cli-rest-api server. `address`: "host:port", or that with http:// or https://."""

    def __init__(self, address: str, *, within: float = ANSWERED_WITHIN) -> None:
        scheme, _, host = address.rstrip("/").rpartition("://")
        self.secure = scheme == "https"
        self.host = host
        self._within = within
        self._session: aiohttp.ClientSession | None = None
        self._busy = 0  # requests on their way, and open sockets
        self._leaving = True

    @property
    def url(self) -> str:
        """Where paths begin."""
        return f"http{'s' * self.secure}://{self.host}"

    async def ask(self, verb: str, path: str, content: object = None) -> Answer:
        """Ask for something; `content` goes as JSON. Raises as `ask_raw`."""
        return await self.ask_raw(verb, self.url + path, None if content is None else json.dumps(content))

    async def ask_raw(self, verb: str, url: str, content: str | None = None) -> Answer:
        """Ask for something with a body that is JSON already.

        Raises:
            UnsureDelivery: it was written, and no answer came: it may have been done.
            DeliveryError: nobody can have heard it.

        """
        async with self._opened() as session:
            try:
                async with session.request(
                    verb, url, data=content, headers={"Content-Type": "application/json"}, allow_redirects=False
                ) as answer:
                    return Answer(answer.status, await answer.read())
            except _NOT_SENT:
                raise DeliveryError("Signal's server can't be reached") from None
            except _BROKEN:
                raise UnsureDelivery("Signal's server didn't answer") from None

    @asynccontextmanager
    async def listen(self, number: str) -> AsyncIterator[Socket]:
        """Hear what is sent to `number`.

        Raises DeliveryError: not now.
        """
        url = f"ws{'s' * self.secure}://{self.host}/v1/receive/{quote(number, safe='+')}"
        patience = aiohttp.ClientWSTimeout(ws_close=1.0)
        async with self._opened() as session:
            try:
                async with asyncio.timeout(CONNECTED_WITHIN):
                    socket = await session.ws_connect(
                        url, autoping=False, max_msg_size=LARGEST_FRAME, timeout=patience, compress=0
                    )
            except _BROKEN:
                raise DeliveryError("Signal's server can't be listened to") from None
            try:
                yield Socket(socket)
            finally:
                await socket.close()

    def stay(self) -> None:
        """Keep connections open between requests."""
        self._leaving = False

    async def leave(self) -> None:
        """Let go of every connection once nothing is on its way, as before `stay`."""
        self._leaving = True
        await self._close_if_idle()

    async def _close_if_idle(self) -> None:
        if self._leaving and not self._busy and self._session is not None:
            session, self._session = self._session, None
            await session.close()

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[aiohttp.ClientSession]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._within, sock_connect=CONNECTED_WITHIN),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        self._busy += 1
        try:
            yield self._session
        finally:
            self._busy -= 1
            await self._close_if_idle()
