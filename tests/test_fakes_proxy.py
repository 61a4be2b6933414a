"""What a program meets at a line that a proxy troubles, kind by kind."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from fakes_proxy import HOST, Kind, Proxy, Trouble, proxy
from fakes_smtp import Authority

PATIENCE = 0.2  # seconds after which nothing more is expected on this machine


@asynccontextmanager
async def echo() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A neighbour that says every line again; its port, and what it has heard."""
    heard: list[bytes] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            while line := await reader.readline():
                heard.append(line)
                writer.write(line)

    server = await asyncio.start_server(meet, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()


async def met(between: Proxy, *, troubled: Trouble | None = None) -> str:
    """Say a line, then another one in trouble; tell what came of that."""
    try:
        reader, writer = await asyncio.open_connection(HOST, between.port)
        with closing(writer):
            writer.write(b"one\n")
            assert await reader.readline() == b"one\n"
            await between.suffers(troubled)
            writer.write(b"two\n")
            return (await asyncio.wait_for(reader.read(100), PATIENCE)).decode("ascii", "replace")
    except (OSError, TimeoutError) as error:
        return type(error).__name__


WHAT = [
    (None, "two\n", 2),
    (Trouble(Kind.REFUSE), "ConnectionResetError", 1),
    (Trouble(Kind.RESET), "ConnectionResetError", 1),
    (Trouble(Kind.RESET, after=1), "ConnectionResetError", 1),
    (Trouble(Kind.CLOSE), "", 1),
    (Trouble(Kind.SLOW, pause=0.0), "t", 2),
    (Trouble(Kind.SWALLOW), "TimeoutError", 1),
    (Trouble(Kind.DEAF), "TimeoutError", 1),
    (Trouble(Kind.MUTE), "TimeoutError", 2),
    (Trouble(Kind.GARBAGE), "\ufffd" * 32, 2),
    (Trouble(Kind.IMPOSTOR), "two\n", 2),
    (Trouble(Kind.MUTE, share=0), "two\n", 2),
    (Trouble(Kind.MUTE, after=100), "two\n", 2),
]


@pytest.mark.parametrize(("trouble", "seen", "arrived"), WHAT)
async def test_a_line_in_trouble(trouble: Trouble | None, seen: str, arrived: int) -> None:
    async with echo() as (port, heard), proxy(HOST, port) as between:
        assert (await met(between, troubled=trouble))[: len(seen) or None] == seen
        assert len(heard) == arrived


async def test_nobody_listens_until_the_trouble_is_over() -> None:
    async with echo() as (port, _), proxy(HOST, port) as between:
        await between.suffers(Trouble(Kind.REFUSE))
        assert await met(between) == "ConnectionRefusedError"
        await between.suffers(None)
        assert await met(between) == "two\n"


async def test_a_line_that_is_half_open_stays_so_when_others_are_well_again() -> None:
    async with echo() as (port, _), proxy(HOST, port) as between:
        reader, writer = await asyncio.open_connection(HOST, between.port)
        with closing(writer):
            await between.suffers(Trouble(Kind.SWALLOW))
            writer.write(b"one\n")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.readline(), PATIENCE)
            await between.suffers(None)
            assert await met(between) == "two\n"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.readline(), PATIENCE)


async def test_a_new_line_meets_an_impostor(tmp_path: Path) -> None:
    trusting = ssl.create_default_context()
    async with echo() as (port, heard), proxy(HOST, port, Authority(tmp_path).server()) as between:
        await between.suffers(Trouble(Kind.IMPOSTOR))
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection(HOST, between.port, ssl=trusting, server_hostname="localhost")
        assert heard == []


def test_the_same_salt_hits_the_same_lines_with_the_same_noise() -> None:
    one, same, other = (Trouble(Kind.GARBAGE, share=50, salt=salt) for salt in ("a", "a", "b"))
    assert [one.hits(n) for n in range(99)] == [same.hits(n) for n in range(99)]
    assert one.noise(3) == same.noise(3) != other.noise(3)
    assert 20 < sum(one.hits(n) for n in range(99)) < 80
