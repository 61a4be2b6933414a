"""A database server that hangs, or whose line does: nobody waits for it for ever, and nothing is done twice."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import sqlalchemy as sa
from fakes_postgres import USER, Postgres
from fakes_proxy import Kind, Proxy, Trouble, proxy
from psycopg import OperationalError

from bot.errors import SettingsError
from bot.storage import tables
from bot.storage.schema import migrate
from bot.storage.tables import open_engine
from bot.storage.writer import Writer

SECONDS = 0.5  # instead of half a minute
HANGS = (Kind.SWALLOW, Kind.DEAF, Kind.MUTE)
BREAKS = (Kind.RESET, Kind.CLOSE, Kind.GARBAGE, Kind.REFUSE)


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ANSWERING", SECONDS)


@asynccontextmanager
async def reached(server: Postgres, like: str = "") -> AsyncIterator[tuple[Proxy, sa.Engine]]:
    """A database behind a proxy."""
    url = sa.make_url(server.fresh(like))
    async with proxy(str(url.query["host"]), 5432) as between:
        engine = open_engine(f"postgresql+psycopg://{USER}@127.0.0.1:{between.port}/{url.database}?sslmode=disable")
        yield between, engine
        engine.dispose()
    server.drop(url.render_as_string())


@asynccontextmanager
async def counting(engine: sa.Engine) -> AsyncIterator[Writer]:
    writer = Writer(engine)
    writer.start()
    await writer.do(lambda conn: conn.exec_driver_sql("CREATE TABLE done (number integer)"))
    yield writer
    await writer.stop()


def counted(conn: sa.Connection) -> int:
    return int(conn.exec_driver_sql("SELECT count(*) FROM done").scalar_one())


def count(conn: sa.Connection) -> None:
    conn.exec_driver_sql("INSERT INTO done VALUES (1)")


@pytest.mark.parametrize("after", [0, 120, 250, 500])  # bytes; some time before, within and behind the commit
@pytest.mark.parametrize("kind", [*HANGS, *BREAKS])
async def test_whatever_becomes_of_the_line_a_job_is_done_once(
    postgresql: Postgres, migrated: str, kind: Kind, after: int
) -> None:
    async with reached(postgresql, migrated) as (between, engine), counting(engine) as writer:
        await writer.do(count)
        await between.suffers(Trouble(kind, after=after))
        waiting = asyncio.create_task(writer.do(count))
        done, _ = await asyncio.wait({waiting}, timeout=SECONDS / 2)
        await between.suffers(None)
        began = time.monotonic()
        async with asyncio.timeout(15):
            await waiting
            assert await writer.do(counted) == 2
        assert done or time.monotonic() - began < 8 * SECONDS


async def test_a_line_that_breaks_within_a_command_is_given_up_and_the_job_done_again(
    postgresql: Postgres, migrated: str
) -> None:
    """The driver may tell so without taking the connection for closed: nothing can be asked on it any more."""
    breaks = iter([True])

    def broken() -> Iterator[None]:
        raise OperationalError("connection socket closed")
        yield

    def half_asked(conn: sa.Connection) -> None:
        if next(breaks, False):
            driver: Any = conn.connection.dbapi_connection
            driver.pgconn.send_query(b"SELECT 1")
            driver.wait(broken())
        count(conn)

    async with reached(postgresql, migrated) as (_, engine), counting(engine) as writer, asyncio.timeout(15):
        await writer.do(half_asked)
        assert await writer.do(counted) == 1


@pytest.mark.parametrize("kind", BREAKS)
async def test_a_start_goes_well_or_is_refused_wherever_its_line_breaks(
    postgresql: Postgres, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reached(postgresql) as (between, engine):
        refused = 0
        for after in range(0, 2600, 260):
            await between.suffers(Trouble(kind, after=after, salt=str(after)))
            with suppress(SettingsError):
                await asyncio.to_thread(migrate, engine)
                continue
            refused += 1
        await between.suffers(None)
        monkeypatch.undo()  # on a busy machine half a second isn't enough for it
        await asyncio.to_thread(migrate, engine)
    assert refused > 0


async def test_an_operator_says_how_long_a_connection_may_take(postgresql: Postgres) -> None:
    async with reached(postgresql) as (between, engine):
        await between.suffers(Trouble(Kind.SWALLOW))
        hurried = engine.url.update_query_dict({"connect_timeout": "2"})
        began = time.monotonic()
        with pytest.raises(sa.exc.OperationalError):
            await asyncio.to_thread(open_engine(hurried.render_as_string()).connect)
        assert 2 <= time.monotonic() - began < tables._LINE["connect_timeout"]
