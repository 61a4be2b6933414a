"""One writer: in order, urgent first, all or nothing per job, and never answered before it is on the disk."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from storage.databases import Database, OnFile, on_a_file

from bot.logs import Event, event
from bot.storage.statement import Statement
from bot.storage.tables import open_engine
from bot.storage.writer import BATCH_JOBS, Writer, apart

PUT = Statement("INSERT INTO state (name, value) VALUES (:name, :value)")


def put(conn: sa.Connection, name: str, value: int = 0) -> str:
    PUT(conn, name=name, value=value)
    return name


def stored(database: Database) -> list[str]:
    named = (name for (name,) in database.read("SELECT name FROM state ORDER BY value, name"))
    return [name for name in named if not name.startswith("commit ")]


class Gate:
    """A job that holds the writer until it is opened: what is asked meanwhile waits together."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, _conn: sa.Connection) -> None:
        self.reached.set()
        assert self.opened.wait(30)


async def behind_a_gate(writer: Writer, *asks: Callable[[], "asyncio.Future[object]"]) -> list[object]:
    """Ask for all while the writer is held, then let it go on; return results or exceptions."""
    gate = Gate()
    held = asyncio.ensure_future(writer.do(gate))
    await asyncio.to_thread(gate.reached.wait, 30)
    asked = [ask() for ask in asks]
    opener = asyncio.get_running_loop().create_task(_open(gate))  # runs after all that was asked before it
    answers = await asyncio.gather(*asked, return_exceptions=True)
    await asyncio.gather(held, opener, return_exceptions=True)
    return answers


async def _open(gate: Gate) -> None:
    gate.opened.set()


def asking(
    writer: Writer, job: Callable[[sa.Connection], object], *, urgent: bool = False
) -> Callable[[], "asyncio.Future[object]"]:
    return lambda: asyncio.ensure_future(writer.do(job, urgent=urgent))


async def test_a_job_gives_its_result_once_it_can_be_read_elsewhere(writer: Writer, database: Database) -> None:
    assert await writer.do(partial(put, name="a")) == "a"
    assert stored(database) == ["a"]


async def test_urgent_jobs_go_first_and_each_lane_keeps_its_order(writer: Writer) -> None:
    done: list[str] = []

    def note(name: str, _conn: sa.Connection) -> None:
        done.append(name)

    await behind_a_gate(
        writer,
        asking(writer, partial(note, "first")),
        asking(writer, partial(note, "second")),
        asking(writer, partial(note, "urgent first"), urgent=True),
        asking(writer, partial(note, "urgent second"), urgent=True),
    )
    assert done == ["urgent first", "urgent second", "first", "second"]


async def test_a_failing_job_is_undone_alone_and_heard_by_its_caller_alone(writer: Writer, database: Database) -> None:
    def fail(conn: sa.Connection) -> None:
        put(conn, "undone")
        raise KeyError

    answers = await behind_a_gate(
        writer, asking(writer, partial(put, name="a")), asking(writer, fail), asking(writer, partial(put, name="b"))
    )
    assert answers[0] == "a"
    assert isinstance(answers[1], KeyError)
    assert answers[2] == "b"
    assert stored(database) == ["a", "b"]


async def test_a_part_that_fails_is_undone_alone_and_the_job_goes_on(writer: Writer, database: Database) -> None:
    def poisoned(conn: sa.Connection) -> None:
        put(conn, "undone")
        raise KeyError("half a character")

    def job(conn: sa.Connection) -> list[Exception | None]:
        parts: list[Callable[[sa.Connection], object]] = [
            partial(put, name="a"),
            poisoned,
            partial(put, name="b"),
            poisoned,
            partial(put, name="c"),
        ]
        return [apart(conn, part) for part in parts]

    assert [type(error) for error in await writer.do(job)] == [type(None), KeyError, type(None), KeyError, type(None)]
    assert stored(database) == ["a", "b", "c"]


def logged(caplog: pytest.LogCaptureFixture) -> list[object]:
    return [record.msg.shown.get("rows") for record in caplog.records if hasattr(record.msg, "shown")]


async def test_what_a_job_logs_is_told_once_it_is_committed_and_never_of_what_was_undone(
    writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    def logs(rows: int, _conn: sa.Connection) -> None:
        event(Event.EXPIRED, rows=rows)

    def undone(conn: sa.Connection) -> None:
        logs(99, conn)
        raise KeyError

    def job(conn: sa.Connection) -> None:
        logs(1, conn)
        apart(conn, partial(logs, 2))
        apart(conn, undone)
        logs(3, conn)
        assert logged(caplog) == []

    caplog.set_level("INFO", "postigo")
    answers = await behind_a_gate(writer, asking(writer, job), asking(writer, undone), asking(writer, partial(logs, 4)))
    assert [type(one) for one in answers] == [type(None), KeyError, type(None)]
    assert logged(caplog) == [1, 2, 3, 4]


async def test_what_jobs_log_is_never_told_when_their_commit_fails(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_conn: sa.Connection) -> None:
        if refusals:
            raise refusals.pop()

    caplog.set_level("INFO", "postigo")
    refusals, writer = [OSError()], Writer(engine, after_commit=refuse)
    writer.start()
    with pytest.raises(OSError):  # noqa: PT011 - whatever it was, its type is all that a caller learns
        await writer.do(lambda _conn: event(Event.EXPIRED, rows=1))
    await writer.do(lambda _conn: event(Event.EXPIRED, rows=2))
    await writer.stop()
    assert logged(caplog) == [2]


async def test_a_job_that_fails_takes_its_parts_with_it(writer: Writer, database: Database) -> None:
    def job(conn: sa.Connection) -> None:
        assert apart(conn, partial(put, name="part")) is None
        raise KeyError

    with pytest.raises(KeyError):
        await writer.do(job)
    assert await writer.do(partial(put, name="after")) == "after"
    assert stored(database) == ["after"]


async def test_what_the_database_itself_raises_in_a_part_is_the_whole_job_s(writer: Writer, database: Database) -> None:
    def twice(conn: sa.Connection) -> None:
        put(conn, "a")

    def job(conn: sa.Connection) -> None:
        put(conn, "before")
        apart(conn, twice)
        apart(conn, twice)  # a constraint: whatever the database refuses, nobody takes for one message's fault

    with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError)):
        await writer.do(job)
    assert stored(database) == []


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no batch end because the machine is busy."""
    monkeypatch.setattr("bot.storage.writer.BATCH_SECONDS", 60)


@pytest.mark.usefixtures("unhurried")
async def test_what_waits_is_committed_together(engine: sa.Engine) -> None:
    commits: list[int] = []
    writer = Writer(engine, after_commit=lambda _conn: commits.append(1))
    writer.start()
    await behind_a_gate(writer, *(asking(writer, partial(put, name=str(n))) for n in range(BATCH_JOBS)))
    assert len(commits) <= 2  # a full batch, and the one that the gate took the place of
    await writer.stop()


async def test_nobody_is_answered_before_the_commit_and_what_follows_it(engine: sa.Engine, database: Database) -> None:
    seen: list[list[str]] = []
    writer = Writer(engine, after_commit=lambda _conn: seen.append(stored(database)))
    writer.start()
    await writer.do(partial(put, name="a"))
    assert seen == [["a"]]
    await writer.stop()


@pytest.mark.usefixtures("unhurried")
async def test_a_failed_commit_is_heard_by_everybody_in_it_and_the_writer_goes_on(
    writer: Writer, database: Database
) -> None:
    def spoil(conn: sa.Connection) -> None:
        conn.exec_driver_sql("ROLLBACK")  # as SQLite does by itself when the disk is full

    answers = await behind_a_gate(writer, asking(writer, partial(put, name="a")), asking(writer, spoil))
    assert all(isinstance(answer, Exception) for answer in answers)
    assert stored(database) == []
    assert await writer.do(partial(put, name="b")) == "b"


async def test_stopping_does_what_waits_first(engine: sa.Engine, database: Database) -> None:
    writer = Writer(engine)
    writer.start()
    asked = [asyncio.ensure_future(writer.do(partial(put, name=name))) for name in "abc"]
    stop = asyncio.ensure_future(writer.stop())
    assert await asyncio.gather(*asked) == ["a", "b", "c"]
    await stop
    assert stored(database) == ["a", "b", "c"]


async def test_a_writer_that_does_not_run_says_so(engine: sa.Engine) -> None:
    writer = Writer(engine)
    with pytest.raises(RuntimeError, match="not running"):
        await writer.do(partial(put, name="a"))
    writer.start()
    await writer.stop()
    with pytest.raises(RuntimeError, match="not running"):
        await writer.do(partial(put, name="a"))
    await Writer(engine).stop()


async def test_a_database_that_cannot_be_reached_is_heard_by_whoever_asks(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/x.db")
    (tmp_path / "x.db").unlink()
    (tmp_path / "x.db").mkdir()
    writer = Writer(engine)
    writer.start()
    with pytest.raises((sa.exc.OperationalError, RuntimeError)):
        await writer.do(partial(put, name="a"))
    with pytest.raises(RuntimeError):
        await writer.do(partial(put, name="b"))
    await writer.stop()


async def test_a_caller_that_went_away_before_its_turn_leaves_nothing(writer: Writer, database: Database) -> None:
    def left() -> "asyncio.Future[object]":
        task: asyncio.Future[object] = asyncio.ensure_future(writer.do(partial(put, name="left")))
        asyncio.get_running_loop().call_soon(task.cancel)  # after it has asked
        return task

    answers = await behind_a_gate(writer, left, asking(writer, partial(put, name="stayed")))
    assert isinstance(answers[0], asyncio.CancelledError)
    assert answers[1] == "stayed"
    assert stored(database) == ["stayed"]


KILLED = """
import asyncio, sys
from functools import partial
from bot.storage.statement import Statement
from bot.storage.tables import open_engine
from bot.storage.writer import Writer
PUT = Statement("INSERT INTO state (name, value) VALUES (:name, 0)")
async def ask(writer, lane, start):
    for n in range(start, start + 10**6):
        await writer.do(lambda conn: PUT(conn, name=f"{lane}-{n}"))
        print(f"{lane}-{n}", flush=True)
async def main():
    writer = Writer(open_engine(sys.argv[1]))
    writer.start()
    await asyncio.gather(*(ask(writer, lane, int(sys.argv[2])) for lane in range(8)))
asyncio.run(main())
"""


@on_a_file
async def test_where_no_job_can_begin_each_hears_of_it_at_once(engine: sa.Engine) -> None:
    """A disk that was made readable alone, say: nobody waits for ever, and nothing turns in circles."""
    writer = Writer(engine)
    writer.start()
    await writer.do(lambda conn: conn.exec_driver_sql("PRAGMA query_only = ON"))
    async with asyncio.timeout(20):
        heard = await asyncio.gather(*(writer.do(partial(put, name=name)) for name in "abc"), return_exceptions=True)
    await writer.stop()
    assert [type(one) for one in heard] == [sa.exc.OperationalError] * 3


@pytest.mark.parametrize(("kind", "answers"), [("sqlite", 1), ("sqlite", 300), ("postgresql", 300)], indirect=["kind"])
def test_what_was_answered_survives_kill_9(engine: sa.Engine, database: Database, answers: int) -> None:
    told: list[str] = []
    for start in (0, 10**6, 2 * 10**6):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(engine.url), str(start)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            told += [child.stdout.readline().strip() for _ in range(answers)]
            os.kill(child.pid, signal.SIGKILL)
            told += [line.strip() for line in child.stdout if line.endswith("\n")]
    assert len(told) >= 3 * answers
    assert set(told) <= set(stored(database))
    if isinstance(database, OnFile):
        assert database.read("PRAGMA integrity_check") == [("ok",)]
