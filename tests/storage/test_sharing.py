"""Several processes on one database server: what each does counts once, whoever is in the way and whatever goes."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, LiteralString

import pytest
import sqlalchemy as sa
from fakes_postgres import Postgres, postgres

from bot.storage.locks import Held, Leases, hold
from bot.storage.roles import Roles
from bot.storage.schema import migrate
from bot.storage.statement import Statement
from bot.storage.tables import open_engine
from bot.storage.transactions import Transaction, forget
from bot.storage.writer import Writer, apart

READ = Statement("SELECT value FROM state WHERE name = :name")
KEEP = Statement(
    "INSERT INTO state (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
TIMES = 40
WITHIN = 60  # seconds


@pytest.fixture
def url(postgresql: Postgres, migrated: str) -> Iterator[str]:
    url = postgresql.fresh(migrated)
    yield url
    postgresql.drop(url)


@asynccontextmanager
async def writing(url: str) -> AsyncIterator[Writer]:
    """A process of its own, as far as the database can tell."""
    engine = open_engine(url)
    writer = Writer(engine)
    writer.start()
    try:
        yield writer
    finally:
        await writer.stop()
        engine.dispose()


def one_more(conn: sa.Connection, names: Sequence[str]) -> None:
    """Read and write each of these, as a turn does with a talk."""
    for name in names:
        hold(conn, name.encode())
        row = READ(conn, name=name).fetchone()
        KEEP(conn, name=name, value=row[0] + 1 if row else 1)


def unguarded(conn: sa.Connection, names: Sequence[str]) -> None:
    """Change the same rows without asking for them first, so that the server finds a deadlock or a wait."""
    for name in names:
        KEEP(conn, name=name, value=1)


def value(conn: sa.Connection, name: str) -> int:
    row = READ(conn, name=name).fetchone()
    return int(row[0]) if row else 0


def ana_then_ben(conn: sa.Connection) -> None:
    one_more(conn, ("ana", "ben"))


def ben_then_ana(conn: sa.Connection) -> None:
    one_more(conn, ("ben", "ana"))


async def test_what_two_processes_change_at_once_is_changed_by_both(url: str) -> None:
    async with writing(url) as one, writing(url) as two, asyncio.timeout(WITHIN):
        await asyncio.gather(
            *(one.do(ana_then_ben) for _ in range(TIMES)), *(two.do(ben_then_ana) for _ in range(TIMES))
        )
        assert [await one.do(partial(value, name=name)) for name in ("ana", "ben")] == [2 * TIMES, 2 * TIMES]


async def test_processes_that_stand_in_one_anothers_way_go_on(url: str) -> None:
    """Without asking first: the server breaks the circle, and what was undone is done again."""
    async with writing(url) as one, writing(url) as two, asyncio.timeout(WITHIN):
        forth, back = (partial(unguarded, names=names) for names in (("ana", "ben"), ("ben", "ana")))
        await asyncio.gather(*(one.do(forth) for _ in range(TIMES)), *(two.do(back) for _ in range(TIMES)))
        assert await one.do(partial(value, name="ben")) == 1


async def test_a_part_of_a_job_that_finds_somebody_at_it_lets_the_whole_job_be_done_again(url: str) -> None:
    parts: list[Exception | None] = []

    def job(conn: sa.Connection) -> None:
        parts.append(apart(conn, partial(one_more, names=("ana",))))

    async with writing(url) as writer, asyncio.timeout(WITHIN):
        other = open_engine(url)
        with other.connect() as conn:
            hold(conn, b"ana")
            asked = asyncio.ensure_future(writer.do(job))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(asked), 0.1)
            conn.rollback()
        await asked
        other.dispose()
        assert parts == [None]
        assert await writer.do(partial(value, name="ana")) == 1


async def test_whoever_finds_somebody_at_it_holds_up_nobody_else(url: str) -> None:
    async with writing(url) as writer, asyncio.timeout(WITHIN):
        other = open_engine(url)
        with other.connect() as conn:
            hold(conn, b"ana")
            asked = asyncio.ensure_future(writer.do(partial(one_more, names=("ana",))))
            await writer.do(partial(one_more, names=("ben",)))
            assert not asked.done()
            with pytest.raises(Held), other.connect() as third:
                hold(third, b"ana")
            conn.rollback()
        await asked
        other.dispose()


def test_a_lease_is_one_process_alone_and_ends_with_its_connection(url: str) -> None:
    engine, mine, theirs = open_engine(url), Leases(), Leases()
    with engine.connect() as ours, engine.connect() as other:
        assert mine.take(ours, b"ana") and mine.take(ours, b"ana") and mine.take(ours, b"ben")
        assert not theirs.take(other, b"ana")
        mine.keep(ours, {b"ben"})
        assert theirs.take(other, b"ana") and not theirs.take(other, b"ben") and not mine.take(ours, b"ana")
        ours.invalidate()
        other.rollback()
        ours.rollback()
        deadline = time.monotonic() + WITHIN  # a moment goes by until the server has noticed
        while not theirs.take(other, b"ben"):
            assert time.monotonic() < deadline, "whoever has lost the connection has lost the lease"
        with engine.connect() as again:
            assert not mine.take(again, b"ben"), "what was held by the old connection is asked for again"
    engine.dispose()


async def test_a_role_moves_when_its_holder_is_gone(url: str) -> None:
    async with writing(url) as one, asyncio.timeout(WITHIN):
        other = Roles(one, look=0.01)
        async with writing(url) as two:
            first = Roles(two, look=0.01)
            assert await first.has("rounds") and await first.has("rounds") and not await other.has("rounds")
            assert await other.has("mailbox"), "another role is free"
        await other.wait_for("rounds")
        assert await other.has("rounds")


async def test_a_room_runs_in_one_process_until_that_one_is_gone(url: str) -> None:
    running: asyncio.Queue[str] = asyncio.Queue()

    async def room(name: str) -> None:
        running.put_nowait(name)
        await asyncio.Event().wait()

    async with writing(url) as one, asyncio.timeout(WITHIN):
        async with writing(url) as two:
            second = asyncio.ensure_future(Roles(two, look=0.01).play("mailbox", partial(room, "two")))
            assert await running.get() == "two"
            first = asyncio.ensure_future(Roles(one, look=0.01).play("mailbox", partial(room, "one")))
            assert not await Roles(one).has("mailbox")
            assert running.empty()
            second.cancel()
            await asyncio.gather(second, return_exceptions=True)
        assert await running.get() == "one"
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


# ── the server goes ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def own_server() -> Iterator[Postgres]:
    """One that may be killed; what it has committed stands on the disk."""
    with postgres(durable=True) as server:
        yield server


@pytest.fixture
def own_url(own_server: Postgres) -> str:
    url = own_server.fresh()
    migrate(open_engine(url))
    return url


@pytest.mark.parametrize("how", ["cut", "stopped", "killed"])
async def test_jobs_are_done_once_each_while_the_server_goes_and_comes(
    how: str, own_server: Postgres, own_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "postigo")
    async with writing(own_url) as writer, asyncio.timeout(WITHIN):
        asked = []
        for number in range(6):
            asked += [asyncio.ensure_future(writer.do(partial(one_more, names=("ana",)))) for _ in range(TIMES)]
            await asked[-1 if number % 2 else -TIMES]  # while some wait, or none
            await asyncio.to_thread(goes_and_comes, own_server, own_url, how)
        await asyncio.gather(*asked)
        assert await writer.do(partial(value, name="ana")) == len(asked)
    told = [record.msg.shown["event"] for record in caplog.records if hasattr(record.msg, "shown")]
    assert told == ["database_away", "database_back"] * (len(told) // 2)  # in turn, and back in the end
    assert told != []


def goes_and_comes(server: Postgres, url: str, how: str) -> None:
    if how == "cut":
        server.disconnect(url)
        return
    (server.kill if how == "killed" else server.stop)()
    server.start()


def meeting_another_once() -> Callable[[sa.Connection], str]:
    """Return a job that another process is in the way of, the first time."""
    held = iter([True])

    def job(_: sa.Connection) -> str:
        if next(held, False):
            raise Held
        return "done"

    return job


@pytest.mark.parametrize("goes_again", [False, True])
async def test_a_commit_whose_answer_is_lost_is_asked_for_and_not_done_again(
    own_server: Postgres, own_url: str, goes_again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut: list[int] = []
    told: list[bool | None] = []
    ask = Transaction.committed

    def committed_but_nobody_hears(conn: sa.Connection) -> None:
        if not cut:
            driver: Any = conn.connection.dbapi_connection
            driver.commit()
            driver.execute("SELECT 1")
            cut.append(own_server.disconnect(own_url))

    def asked(transaction: Transaction, connected: Callable[[], sa.Connection]) -> bool | None:
        def again() -> sa.Connection:
            conn = connected()
            if goes_again and len(cut) == 1:
                cut.append(own_server.disconnect(own_url))
            return conn

        told.append(ask(transaction, again))
        return told[-1]

    monkeypatch.setattr(Transaction, "committed", asked)
    engine = open_engine(own_url)
    sa.event.listen(engine, "commit", committed_but_nobody_hears)
    writer = Writer(engine)
    writer.start()
    async with asyncio.timeout(WITHIN):
        both = await asyncio.gather(writer.do(partial(one_more, names=("ana",))), writer.do(meeting_another_once()))
        assert both[1] == "done"  # what had to be done again is, though what stood beside it was committed
        await writer.do(partial(one_more, names=("ana",)))
        assert await writer.do(partial(value, name="ana")) == 2
    await writer.stop()
    engine.dispose()
    assert cut == [1] * (2 if goes_again else 1)
    assert told == [True]


async def test_whoever_waits_is_told_where_the_database_will_not_say_what_became_of_a_commit(
    own_server: Postgres, own_url: str
) -> None:
    engine, other = open_engine(own_url), open_engine(own_url)
    renamed: list[str] = []

    def rename(*words: LiteralString) -> None:
        with other.begin() as conn:
            conn.exec_driver_sql("ALTER TABLE {} RENAME TO {}".format(*words))

    def committed_but_nobody_hears(conn: sa.Connection) -> None:
        if not renamed:
            driver: Any = conn.connection.dbapi_connection
            driver.commit()
            rename("state", "elsewhere")
            renamed.append("state")
            driver.execute("SELECT 1")
            other.dispose()
            own_server.disconnect(own_url)

    sa.event.listen(engine, "commit", committed_but_nobody_hears)
    writer = Writer(engine)
    writer.start()
    async with asyncio.timeout(WITHIN):
        with pytest.raises(sa.exc.OperationalError):
            await writer.do(partial(one_more, names=("ana",)))
        rename("elsewhere", "state")
        assert await writer.do(partial(value, name="ana")) == 1
    await writer.stop()
    for one in (engine, other):
        one.dispose()


@pytest.mark.parametrize("others", [0, 1, 40])
@pytest.mark.parametrize("before", [0, 1])
def test_what_a_killed_server_forgot_was_not_committed_though_its_number_is_given_again(
    own_server: Postgres, own_url: str, before: int, others: int
) -> None:
    """Of a transaction that was in memory alone the server knows nothing more, and begins to count where it was."""
    engine = open_engine(own_url)
    with engine.connect() as conn:
        for _ in range(before):
            committed(conn, "ana")
        conn.begin()
        one_more(conn, ["ana"])
        transaction = Transaction(conn)
        transaction.ends()
        own_server.kill()
        conn.invalidate()
    own_server.start()
    for _ in range(others):
        with engine.begin() as conn:
            one_more(conn, ["ben"])
    told = transaction.committed(engine.connect)
    assert told is False if before else not told  # of the first of a connection there may be nobody who can say


def test_what_was_committed_stays_so_when_the_server_is_killed_or_is_nobody_s_to_say(
    own_server: Postgres, own_url: str
) -> None:
    engine = open_engine(own_url)
    with engine.connect() as conn:
        transaction = committed(conn, "ana")
        own_server.kill()
        conn.invalidate()
    own_server.start()
    assert transaction.committed(engine.connect) is True
    with engine.begin() as conn:
        forget(conn, after=-1)
    assert transaction.committed(engine.connect) is None


def test_a_server_that_follows_another_does_not_say_that_something_was_not_committed(
    own_server: Postgres, own_url: str
) -> None:
    """It may not know of it yet."""
    own_server.stop()
    data, earlier, later = (own_server.home / name for name in ("data", "earlier", "later"))
    subprocess.run(["cp", "-a", data, earlier], check=True)
    own_server.start()
    engine = open_engine(own_url)
    with engine.connect() as conn:
        transaction = committed(conn, "ana")
    engine.dispose()
    own_server.stop()
    data.rename(later)
    earlier.rename(data)
    (data / "standby.signal").touch()
    own_server.start()
    assert transaction.committed(engine.connect) is None
    engine.dispose()
    own_server.stop()
    shutil.rmtree(data)
    later.rename(data)
    own_server.start()
    assert transaction.committed(engine.connect) is True
    engine.dispose()


def committed(conn: sa.Connection, name: str) -> Transaction:
    """A transaction that came to its end, as the writer's do."""
    with conn.begin():
        one_more(conn, [name])
        transaction = Transaction(conn)
        transaction.ends()
    return transaction


async def test_whoever_holds_a_mark_holds_up_a_commit_and_loses_none(own_server: Postgres, own_url: str) -> None:
    async with writing(own_url) as writer, asyncio.timeout(WITHIN):
        await writer.do(partial(one_more, names=("ana",)))
        with open_engine(own_url).connect() as other:
            other.exec_driver_sql("DELETE FROM state WHERE starts_with(name, 'commit ')")
            asked = asyncio.ensure_future(writer.do(partial(one_more, names=("ana",))))
            done, _ = await asyncio.wait({asked}, timeout=0.7)  # longer than it waits for a lock
            other.rollback()
        assert not done
        await asked
        assert await writer.do(partial(value, name="ana")) == 2


async def test_of_those_who_are_gone_no_mark_stays(own_server: Postgres, own_url: str) -> None:
    marks: LiteralString = "SELECT name FROM state WHERE starts_with(name, 'commit ')"
    async with writing(own_url) as writer:
        await writer.do(partial(one_more, names=("ana",)))
    gone = own_server.rows(own_url, marks)
    assert len(gone) == 1
    async with writing(own_url) as writer:
        for _ in range(3):
            await writer.do(partial(forget, after=3))
    assert gone[0] not in own_server.rows(own_url, marks)
    assert len(own_server.rows(own_url, marks)) == 1


async def test_whoever_stops_while_the_server_is_away_is_answered(own_server: Postgres, own_url: str) -> None:
    async with writing(own_url) as writer, asyncio.timeout(WITHIN):
        await writer.do(partial(one_more, names=("ana",)))
        own_server.stop()
        try:
            asked = asyncio.ensure_future(writer.do(partial(one_more, names=("ana",))))
            await asyncio.sleep(0)
            await writer.stop()
            with pytest.raises(sa.exc.OperationalError):
                await asked
        finally:
            own_server.start()
