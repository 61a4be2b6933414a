"""One thread that does every job on the database, and commits what waits in one go.

A job is `(connection) -> result`. It takes what is waiting, urgent jobs first, each in a savepoint of its
own; commits; and only then answers those who wait: what was answered survives a crash. What jobs do is
told elsewhere.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from time import monotonic
from typing import Any, TypeVar, cast

import sqlalchemy as sa

from bot.storage.erasing import Truncating
from bot.storage.statement import Statement

T = TypeVar("T")

BATCH_JOBS = 256  # at most, before a commit
BATCH_SECONDS = 0.020  # the same, so that nobody waits long for those behind

_SAVE = Statement("SAVEPOINT job")
_KEEP = Statement("RELEASE job")
_UNDO = Statement("ROLLBACK TO job")
_SAVE_PART = Statement("SAVEPOINT part")
_KEEP_PART = Statement("RELEASE part")
_UNDO_PART = Statement("ROLLBACK TO part")


@dataclass(slots=True, eq=False)
class _Waiting:
    job: Callable[[sa.Connection], Any]
    answer: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    result: Any = None
    error: Exception | None = None


class Writer:
    """The only writer. `after_commit` runs before anyone is answered, with no transaction open."""

    def __init__(self, engine: sa.Engine, after_commit: Callable[[sa.Connection], None] | None = None) -> None:
        self._engine = engine
        self._after_commit = after_commit or Truncating()
        self._urgent: deque[_Waiting] = deque()
        self._other: deque[_Waiting] = deque()
        self._tokens: SimpleQueue[None] = SimpleQueue()  # one for each time that jobs came, and one to end
        self._called = False
        self._running = False
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Begin to take jobs."""
        self._running = True
        self._thread.start()

    async def stop(self) -> None:
        """Do what is waiting, commit it, and end."""
        self._running = False
        self._tokens.put(None)
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join)

    async def do(self, job: Callable[[sa.Connection], T], *, urgent: bool = False) -> T:
        """Return what `job` returns, once it is committed; a job that raises is undone alone.

        Raises what the job raised; RuntimeError: the writer isn't running.
        """
        if not self._running:
            raise RuntimeError("the writer is not running") from self._failed
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        (self._urgent if urgent else self._other).append(_Waiting(job, answer, loop))
        self._call_soon(loop)
        return await answer

    def _call_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake the thread when everybody who is ready has asked: one batch, and no fight over the interpreter."""
        if not self._called:
            self._called = True
            loop.call_soon(self._call)

    def _call(self) -> None:
        self._called = False
        self._tokens.put(None)
        if self._failed:
            self._fail(self._failed)  # the thread has ended: nobody else will answer

    # ── in the thread ──────────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        try:
            with self._engine.connect() as conn:
                while self._wait():
                    self._batch(conn)
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
            self._fail(error)

    def _wait(self) -> bool:
        """Wait for a job; False when there will be none."""
        while not (self._urgent or self._other):
            if not self._running:
                return False
            self._tokens.get()
        return True

    def _batch(self, conn: sa.Connection) -> None:
        done: list[_Waiting] = []
        try:
            with conn.begin():
                self._do_waiting(conn, done)
            self._after_commit(conn)
        except Exception as error:  # noqa: BLE001 - a failed commit is every caller's
            for waiting in done:
                waiting.error = error
        _answer_all(done)

    def _do_waiting(self, conn: sa.Connection, done: list[_Waiting]) -> None:
        until = monotonic() + BATCH_SECONDS
        while len(done) < BATCH_JOBS and (waiting := self._next()):
            done.append(waiting)
            _do_one(conn, waiting)
            if monotonic() > until:
                break

    def _next(self) -> _Waiting | None:
        for lane in (self._urgent, self._other):
            while lane:
                waiting = lane.popleft()
                if not waiting.answer.cancelled():
                    return waiting
        return None

    def _fail(self, error: Exception) -> None:
        """Answer everybody with `error`."""
        self._failed = error
        self._running = False
        left = list(iter(self._next, None))
        for waiting in left:
            waiting.error = error
        _answer_all(left)


def _do_one(conn: sa.Connection, waiting: _Waiting) -> None:
    _SAVE(conn)
    try:
        waiting.result = waiting.job(conn)
    except Exception as error:  # noqa: BLE001 - it is the caller's, whatever it is
        waiting.error = error
        _UNDO(conn)
    _KEEP(conn)


def apart(conn: sa.Connection, job: Callable[[sa.Connection], object]) -> Exception | None:
    """Run a part of a job that is undone alone if it fails; return what it raised.

    Raises what the database itself raises: then the whole job fails.
    """
    _SAVE_PART(conn)
    try:
        job(conn)
    except _broken(conn):
        raise
    except Exception as error:  # noqa: BLE001 - one message's fault is nobody else's
        _UNDO_PART(conn)
        _KEEP_PART(conn)
        return error
    _KEEP_PART(conn)
    return None


def _broken(conn: sa.Connection) -> type[Exception]:
    """Return what a driver raises when the database itself can't: disk full, connection gone."""
    return cast("type[Exception]", cast("Any", conn.dialect).dbapi.Error)


def _answer_all(done: list[_Waiting]) -> None:
    for loop in {waiting.loop for waiting in done}:
        if not loop.is_closed():
            loop.call_soon_threadsafe(_answer, [waiting for waiting in done if waiting.loop is loop])


def _answer(done: list[_Waiting]) -> None:
    for waiting in done:
        if waiting.answer.done():
            continue
        if waiting.error is None:
            waiting.answer.set_result(waiting.result)
        else:
            waiting.answer.set_exception(waiting.error)
