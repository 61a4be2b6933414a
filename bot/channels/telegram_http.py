"""Calls to the Bot API over one HTTP session, which is opened when it is needed; errors say whether a call left.

Addresses hold the token: no error here carries one, nor the exception that might.
"""

from functools import lru_cache

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    InvalidURL,
    TCPConnector,
)

CONNECTED_WITHIN = 10.0  # seconds, the wait for a free connection included
READING = 20.0  # seconds that a long answer may take beyond the silence that is allowed before it
CONNECTIONS = 64
KEPT = 30.0  # seconds that an idle connection is kept: a new one costs several round trips

_JSON = {"Content-Type": "application/json"}
_NEVER_LEFT = (ClientConnectorError, ConnectionTimeoutError, InvalidURL)


class NotSent(Exception):  # noqa: N818 - named by what the caller learns
    """The call never left."""


class NoAnswer(Exception):  # noqa: N818 - named by what the caller learns
    """The call may have arrived, or not."""


class Http:
    """One session for all calls. After `close` it lives only as long as calls are on their way."""

    def __init__(self) -> None:
        self._session: ClientSession | None = None
        self._calls = 0
        self._closed = False

    async def post(self, url: str, body: bytes, silence: float) -> tuple[int, bytes]:
        """Return status and body. `silence`: seconds without a byte after which nothing more is expected.

        Raises:
            NotSent, NoAnswer: without their causes, which tell the address.

        """
        self._calls += 1
        try:
            post = self._opened().post(url, data=body, headers=_JSON, timeout=_timeout(silence), allow_redirects=False)
            async with post as answer:
                return answer.status, await answer.read()
        except _NEVER_LEFT:
            failure: Exception = NotSent()
        except (ClientError, TimeoutError, OSError):
            failure = NoAnswer()
        finally:
            self._calls -= 1
            if self._closed:
                await self._close_unused()
        raise failure

    def open(self) -> None:
        """Keep the session between calls, from now on."""
        self._closed = False

    async def close(self) -> None:
        """Close the session, as soon as nothing is on its way."""
        self._closed = True
        await self._close_unused()

    def _opened(self) -> ClientSession:
        if self._session is None:
            connector = TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEPT)
            self._session = ClientSession(connector=connector, cookie_jar=DummyCookieJar())
        return self._session

    async def _close_unused(self) -> None:
        if not self._calls and self._session is not None:
            session, self._session = self._session, None
            await session.close()


@lru_cache(8)
def _timeout(silence: float) -> ClientTimeout:
    return ClientTimeout(CONNECTED_WITHIN + silence + READING, CONNECTED_WITHIN, silence, CONNECTED_WITHIN)
