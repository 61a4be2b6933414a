"""Who may change what while several processes share a database: PostgreSQL's advisory locks. SQLite has one writer.

Nobody waits for a lock inside a batch: two that wait for one another would stand still. Whoever finds one held by
another process lets the whole job be done again with the next batch.
"""

from collections.abc import Collection
from hashlib import sha256

import sqlalchemy as sa

from bot.storage.statement import Statement

SHARED = "postgresql"  # the dialect under which several processes may share one database

_PATIENT = sa.text("SET LOCAL lock_timeout = '60s'")
_WAIT = sa.text("SELECT pg_advisory_xact_lock(:key)")
_TRY = Statement("SELECT pg_try_advisory_xact_lock(:key)")
_LEASE = Statement("SELECT pg_try_advisory_lock(:key)")
_RETURN = Statement("SELECT pg_advisory_unlock(:key)")
_COLLIDED = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock timeout (PostgreSQL, appendix A)


class Held(Exception):  # noqa: N818 - named by what the caller learns
    """Another process has what this job needs: it is undone, and done again with the next batch."""


def free(conn: sa.Connection, name: bytes) -> bool:
    """Let no other process change what goes by this name until this transaction is over; False: one is at it."""
    return conn.dialect.name != SHARED or _granted(_TRY, conn, name)


def hold(conn: sa.Connection, name: bytes) -> bool:
    """Do as `free`; return whether another process may have been at it until now. Raises Held."""
    if not free(conn, name):
        raise Held
    return conn.dialect.name == SHARED


def wait_for(conn: sa.Connection, name: bytes) -> None:
    """Do as `free`, and wait until it is, for a minute at most: for once at start, never in a batch.

    Raises sa.exc.OperationalError: it still isn't.
    """
    if conn.dialect.name == SHARED:
        conn.execute(_PATIENT)
        conn.execute(_WAIT, {"key": _number(name)})


def collided(error: BaseException) -> bool:
    """Whether two processes were in one another's way: what was undone may be done again."""
    return isinstance(error, Held) or getattr(error, "sqlstate", None) in _COLLIDED


class Leases:
    """What this process has taken upon itself and others leave alone: people whose words it carries, and its roles.

    They end when given back, and with the connection: when a process dies, another one may have them at once.
    """

    def __init__(self) -> None:
        self._taken: set[bytes] = set()
        self._by: object = None  # the connection that holds them

    def take(self, conn: sa.Connection, name: bytes) -> bool:
        """Take something, or find it taken by this process already; False: another process has it."""
        if conn.dialect.name != SHARED:
            return True
        self._know(conn)
        if name not in self._taken and _granted(_LEASE, conn, name):
            self._taken.add(name)
        return name in self._taken

    def keep(self, conn: sa.Connection, names: Collection[bytes]) -> None:
        """Give back everything but these."""
        self._know(conn)
        for name in self._taken.difference(names):
            _RETURN(conn, key=_number(name))
            self._taken.discard(name)

    def _know(self, conn: sa.Connection) -> None:
        driver = conn.connection.dbapi_connection
        if driver is not self._by:
            self._by, self._taken = driver, set()


def _granted(statement: Statement, conn: sa.Connection, name: bytes) -> bool:
    row = statement(conn, key=_number(name)).fetchone()
    return bool(row and row[0])


def _number(name: bytes) -> int:
    """Return the 64 bits that stand for a name; two names that share them only wait for one another."""
    return int.from_bytes(sha256(name).digest()[:8], "big", signed=True)
