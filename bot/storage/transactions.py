"""What became of a transaction whose server went while it was open or being committed.

A server that was killed forgets transactions of which nothing had come to its disk, and gives their numbers again, to
others. So a transaction also leaves a mark that no other can leave.
"""

import secrets
from collections.abc import Callable
from threading import Event
from typing import Any, cast

import sqlalchemy as sa

from bot.storage.locks import SHARED
from bot.storage.statement import Statement

AGAIN = 0.1  # seconds until a server that went while it was asked is asked again
MOST_ASKED = 300  # times about one that it holds open: a process of it that hangs can't be ended
LATER = 10_000  # transactions after which a mark is nobody's: each commit of a connection renews its own

_LEAVE = Statement(
    "INSERT INTO state (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value "
    "RETURNING pg_current_xact_id()::text"
)
_FATE = Statement(  # PostgreSQL 13 and later; a server that follows another doesn't know yet
    "SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_xact_status(CAST(:number AS xid8)) END"
)
_BREAK_OFF = Statement(  # whoever has this number now, and our own database
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE backend_xid = xid(CAST(:number AS xid8)) AND datname = current_database()"
)
_LEFT = Statement(
    "SELECT pg_visible_in_snapshot(CAST(:number AS xid8), pg_current_snapshot()), "
    "(SELECT value FROM state WHERE name = :name)"
)
_FORGET = Statement(
    "DELETE FROM state WHERE name IN (SELECT name FROM state "
    "WHERE starts_with(name, 'commit ') AND age(xmin) > :after FOR UPDATE SKIP LOCKED)"
)


class StillOpen(Exception):  # noqa: N818 - named by what the caller learns
    """The server didn't know that its line to us has gone, and held the transaction open; it is told to end it."""


class Transaction:
    """One transaction; on a server it can be asked what became of it when the answer to COMMIT was lost."""

    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn
        self._number = self._name = ""
        self._value = secrets.randbits(62)
        self.driver: Any = cast("Any", conn.dialect).dbapi
        self._ending = False

    def ends(self) -> None:
        """Call as the last thing before the commit."""
        if self._conn.dialect.name == SHARED:
            # A connection has a mark of its own: what is left open on a lost one is in nobody's way.
            self._name = self._conn.info.setdefault("mark", f"commit {secrets.token_hex(8)}")
            row = _LEAVE(self._conn, name=self._name, value=self._value).fetchone()
            self._number = str(row[0]) if row else ""
        self._ending = True

    def committed(self, connected: Callable[[], sa.Connection]) -> bool | None:
        """Ask, on a new connection, whether it was committed. None: nobody can say.

        Raises:
            StillOpen: it wasn't until now, and soon will never be; ask again.
            driver.OperationalError: the server went meanwhile.
        """
        if not self._ending:
            return False
        with connected() as conn:
            try:
                row = _FATE(conn, number=self._number).fetchone()
            except self.driver.DataError:  # a number that the server hasn't come to again
                return False
            fate = str(row[0]) if row else ""
            if fate == "in progress":
                _BREAK_OFF(conn, number=self._number)
                raise StillOpen
            told = {"committed": True, "aborted": False}.get(fate)
            return told and self._left(conn)

    def _left(self, conn: sa.Connection) -> bool | None:
        """Return whether the one with this number is this one; None: its mark can't be seen, or is dropped."""
        row = _LEFT(conn, number=self._number, name=self._name).fetchone()
        visible, value = row or (False, None)
        return value == self._value if visible and value is not None else None


def became(transaction: Transaction, connected: Callable[[], sa.Connection], ending: Event) -> bool | None:
    """Ask whether it was committed, as often as the server goes meanwhile; None: nobody can say, or we are to end."""
    left = MOST_ASKED
    while left:
        try:
            return transaction.committed(connected)
        except transaction.driver.OperationalError:
            pass
        except StillOpen:
            left -= 1
        except Exception:  # noqa: BLE001 - whatever it is, they who wait must be told; also: we are to end before it is back
            return None
        if ending.wait(AGAIN):
            return None
    return None


def forget(conn: sa.Connection, after: int = LATER) -> None:
    """Drop the marks of connections that are gone."""
    if conn.dialect.name == SHARED:
        _FORGET(conn, after=after)


def lost(conn: sa.Connection, error: BaseException) -> bool:
    """Whether the server has gone, and this connection with it."""
    driver = cast("Any", conn.connection.dbapi_connection) if not conn.invalidated else None
    return conn.dialect.name == SHARED and (driver is None or driver.closed or isinstance(error, ConnectionError))
