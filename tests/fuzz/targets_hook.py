"""Posts to the webhook as they come over the wire: nothing is taken without the secret, and nothing breaks."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import cache, partial

from aiohttp.http_exceptions import HttpProcessingError
from channels.test_telegram_hook import WORD, webhook
from fakes_smtp import closed_port
from fuzz.chance import Chance
from fuzz.mutators import spoiled
from fuzz.target import Fuzzed
from fuzz.targets_channels import updates

from bot.channels.telegram_hook import SECRET, Hook

ANSWERED_WITHIN = 10.0  # seconds, of a request that is whole
ANSWERS_START = 0.02  # seconds: one that isn't is never answered


class Door:
    """The endpoint, listening on loopback in a loop of its own, and what it took."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.taken: list[object] = []
        self.wrong: list[object] = []  # what the loop or the library says of errors that nobody caught
        self.loop.set_exception_handler(lambda _, told: self.wrong.append(told.get("message")))
        self.hook = Hook(webhook(closed_port()), self._take)
        self.serving = self.hook.serving()
        self.loop.run_until_complete(self.serving.__aenter__())
        heard = logging.Handler(logging.ERROR)
        heard.emit = self._logged  # type: ignore[method-assign]  # the shortest handler
        logging.getLogger("aiohttp.server").addHandler(heard)

    async def _take(self, updates: Sequence[object]) -> None:
        self.taken += updates

    def _logged(self, record: logging.LogRecord) -> None:
        """Note an error of the library's, unless it is about a request that is no HTTP, or never ends."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError | ConnectionError):
            self.wrong.append(f"{record.name}: {record.getMessage()}: {error!r}")

    def answers(self, request: bytes, within: float = ANSWERED_WITHIN) -> bytes:
        """Send these octets; return what comes back until the line is closed, or nothing has come for so long."""
        return self.loop.run_until_complete(self._answers(request, within))

    async def _answers(self, request: bytes, within: float) -> bytes:
        reader, writer = await asyncio.open_connection(*self.hook.webhook.address)
        answer = b""
        with suppress(TimeoutError, ConnectionError):
            writer.write(request)
            while more := await asyncio.wait_for(reader.read(2**16), within):
                answer += more
        writer.close()
        return answer


def posted(body: bytes, secret: str = WORD) -> bytes:
    head = f"POST /telegram HTTP/1.1\r\nHost: 127.0.0.1\r\n{SECRET}: {secret}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\nContent-Type: application/json\r\n\r\n".encode() + body


@cache
def door() -> Door:
    """One for each process: a loop isn't shared."""
    return Door()


def hook() -> Fuzzed:
    real = updates()
    chunked = posted(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n"
    seeds = [*(posted(one) for one in real[:12]), posted(real[0], WORD[:-1]), chunked]
    return Fuzzed(partial(_made, seeds=seeds), _hook)


def _made(chance: Chance, seeds: Sequence[bytes]) -> bytes:
    return spoiled(chance, seeds, 4)


def _hook(octets: bytes) -> None:
    here = door()
    here.taken.clear()
    here.wrong.clear()
    answer = here.answers(octets, ANSWERS_START)
    assert answer == b"" or answer.startswith(b"HTTP/")
    assert not here.taken or WORD.encode() in octets, "an update was taken from somebody who doesn't know the secret"
    assert WORD.encode() not in answer or WORD.encode() in octets
    assert here.wrong == []
    if not sum(octets) % 16:  # now and then: whoever knows the secret is still heard
        here.taken.clear()
        assert here.answers(posted(b'{"update_id":7}')).startswith(b"HTTP/1.1 200")
        assert here.taken == [{"update_id": 7}]
