"""Asks what an operator's programs ask: one request a connection, to the byte."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: str


@asynccontextmanager
async def connected(port: int, sent: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which these bytes were sent."""
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent.encode("latin-1"))
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def asked(port: int, request: str) -> Answer:
    """The answer to these bytes."""
    async with connected(port, request) as (reader, _):
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    line, *fields = head.split("\r\n")
    found = re.fullmatch(r"HTTP/1\.1 (\d{3}) [A-Za-z ]+", line)
    assert found, line
    return Answer(int(found[1]), dict(one.split(": ", 1) for one in fields), body)


async def page(port: int, path: str) -> Answer:
    """One page, as a program on this machine asks for it."""
    return await asked(port, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")


def numbers(text: str) -> dict[str, float]:
    """Every sample of a page of metrics, by its name with labels."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
