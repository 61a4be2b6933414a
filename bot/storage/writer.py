"""One thread that does every job on the database, and commits what waits in one go.

A job is `(connection) -> result`. It takes what is waiting, urgent jobs first, each in a savepoint of its own; commits;
and only then answers those who wait: what was answered survives a crash. A job may be done more than once until it is
committed: where another process was in the way, or the database server went. What it logs is held back until then.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from queue import SimpleQueue
from time import monotonic
from typing import Any, TypeVar, cast

import sqlalchemy as sa

from bot.logs import Event, Told, event, tell, withheld
from bot.storage.erasing import Truncating
from bot.storage.locks import SHARED, Held, collided
from bot.storage.statement import Statement
from bot.storage.transactions import Transaction, became, lost

T = TypeVar("T")

BATCH_JOBS = 256  # at most, before a commit
BATCH_SECONDS = 0.020  # the same, so that nobody waits long for those behind
STEP_ASIDE = 0.003  # seconds until what another process held is tried again
DATABASE_AGAIN = 1.0  # seconds until a database that couldn't is asked again
AWAY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)  # until a server that went is asked again

_SAVE = Statement("SAVEPOINT job")
_KEEP = Statement("RELEASE job")
_UNDO = Statement("ROLLBACK TO job")
_NEXT = Statement("RELEASE job; SAVEPOINT job")  # for a server: one way there and back
_SAVE_PART = Statement("SAVEPOINT part")
_KEEP_PART = Statement("RELEASE part")
_UNDO_PART = Statement("ROLLBACK TO part")


@dataclass(slots=True, eq=False)
class _Waiting:
    job: Callable[[sa.Connection], Any]
    answer: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    urgent: bool
    result: Any = None
    error: Exception | None = None
    again: bool = False
    told: Sequence[Told] = ()  # what the job has logged


class Writer:
    """The only writer. `after_commit` runs before anyone is answered, with no transaction open."""

    def __init__(self, engine: sa.Engine, after_commit: Callable[[sa.Connection], None] | None = None) -> None:
        self._engine = engine
        self._after_commit = after_commit or Truncating()
        self._urgent: deque[_Waiting] = deque()
        self._other: deque[_Waiting] = deque()
        self._tokens: SimpleQueue[None] = SimpleQueue()  # one for each time that jobs came, and one to end
        self._called = self._running = self._away = False  # away: the server
        self._ending = threading.Event()
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    @property
    def shares(self) -> bool:
        """Whether other processes may use this database, too."""
        return self._engine.dialect.name == SHARED

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._urgent) + len(self._other)

    def start(self) -> None:
        """Begin to take jobs."""
        self._running = True
        self._thread.start()

    async def stop(self) -> None:
        """Do what is waiting, commit it, and end."""
        self._running = False
        self._ending.set()
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
        (self._urgent if urgent else self._other).append(_Waiting(job, answer, loop, urgent))
        self._call_soon(loop)
        return await answer

    async def insist(self, job: Callable[[sa.Connection], T], *, urgent: bool = False) -> T:
        """Do a job as soon as the database can, as `do` does: for what has happened outside and is told only once.

        While a disk is full it is tried again and again. Raises as `do`, but nothing that is the database's own.
        """
        driver, told = cast("Any", self._engine.dialect).dbapi, False
        its_own = (sa.exc.OperationalError, sa.exc.InternalError, driver.OperationalError, driver.InternalError)
        while True:
            try:
                return await self.do(job, urgent=urgent)
            except (*its_own, ConnectionError) as error:
                if not told:
                    event(Event.ROUND_FAILED, error=error)
                told = True
            await asyncio.sleep(DATABASE_AGAIN)

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
            while self._wait():
                self._serve()
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
            self._fail(error)

    def _serve(self) -> None:
        """Take jobs on one connection, until there will be none or the server has gone."""
        with self._connected() as conn:
            while self._wait():
                if not self._batch(conn):
                    conn.invalidate()
                    return

    def _connected(self) -> sa.Connection:
        """Return a connection, as soon as there is one: a server may be away for a while, a file may not."""
        for pause in chain(AWAY_SECONDS, repeat(AWAY_SECONDS[-1])):
            try:
                conn = self._engine.connect()
                self._note(away=False)
            except sa.exc.OperationalError:
                self._note(away=self.shares)
                if not self.shares or self._ending.wait(pause):
                    raise
            else:
                return conn
        raise AssertionError  # the pauses never end

    def _note(self, *, away: bool) -> None:
        """Let an operator hear, once each time, that the server has gone, and that it is back."""
        if away != self._away:
            event(Event.DATABASE_AWAY if away else Event.DATABASE_BACK)
        self._away = away

    def _wait(self) -> bool:
        """Wait for a job; False when there will be none."""
        while not (self._urgent or self._other):
            if not self._running:
                return False
            self._tokens.get()
        return True

    def _batch(self, conn: sa.Connection) -> bool:
        """Do what waits in one transaction; False: the server has gone."""
        done: list[_Waiting] = []
        transaction = Transaction(conn)
        try:
            with conn.begin():
                self._do_waiting(conn, done)
                transaction.ends()
            self._after_commit(conn)
        except Exception as error:  # noqa: BLE001 - a failed commit is every caller's
            if lost(conn, error):
                self._lost(transaction, done, error)
                return False
            done = done or list(iter(self._next, None))  # nothing could begin: each hears of it, and may try again
            for waiting in done:
                waiting.error, waiting.again = error, collided(error)
        self._answer(done)
        return True

    def _lost(self, transaction: Transaction, done: list[_Waiting], error: Exception) -> None:
        """Answer what was committed before the server went; do the rest again on the next connection."""
        self._note(away=True)
        committed = became(transaction, self._connected, self._ending)
        if not committed:
            for waiting in done:
                waiting.again, waiting.error = committed is False, error
        self._answer(done)

    def _do_waiting(self, conn: sa.Connection, done: list[_Waiting]) -> None:
        until = monotonic() + BATCH_SECONDS
        _SAVE(conn)
        while len(done) < BATCH_JOBS and (waiting := self._next()):
            done.append(waiting)
            _do_one(conn, waiting)
            if monotonic() > until:
                break

    def _answer(self, done: list[_Waiting]) -> None:
        """Answer those whose jobs are done; what must be done again waits before all others, as before."""
        again = [waiting for waiting in done if waiting.again]
        tell(one for waiting in done if not (waiting.again or waiting.error) for one in waiting.told)
        for waiting in reversed(again):
            waiting.again, waiting.error = False, None
            (self._urgent if waiting.urgent else self._other).appendleft(waiting)
        _answer_all([waiting for waiting in done if waiting not in again] if again else done)
        if again and len(again) == len(done):
            self._ending.wait(STEP_ASIDE)

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
    """Do it in the savepoint that is there, and leave one for the next."""
    try:
        with withheld() as waiting.told:
            waiting.result = waiting.job(conn)
    except Exception as error:  # noqa: BLE001 - it is the caller's, whatever it is
        waiting.error, waiting.again = error, collided(error)
        _UNDO(conn)
    if conn.dialect.name == SHARED:
        _NEXT(conn)
    else:
        _KEEP(conn)
        _SAVE(conn)


def apart(conn: sa.Connection, job: Callable[[sa.Connection], object]) -> Exception | None:
    """Run a part of a job that is undone alone if it fails; return what it raised.

    Raises what the database itself raises, and Held: then the whole job fails, or is done again.
    """
    _SAVE_PART(conn)
    try:
        with withheld() as told:
            job(conn)
    except (_broken(conn), Held):
        raise
    except Exception as error:  # noqa: BLE001 - one message's fault is nobody else's
        _UNDO_PART(conn)
        _KEEP_PART(conn)
        return error
    _KEEP_PART(conn)
    tell(told)
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
