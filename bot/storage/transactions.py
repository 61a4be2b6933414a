"""What became of a transaction whose server went while it was open or being committed."""

from collections.abc import Callable
from typing import Any, cast

import sqlalchemy as sa

from bot.storage.locks import SHARED
from bot.storage.statement import Statement

_NAME = Statement("SELECT pg_current_xact_id()::text")
_FATE = Statement("SELECT pg_xact_status(CAST(:name AS xid8))")  # PostgreSQL 13 and later


class Transaction:
    """One transaction, known by its number on a database server, so that a lost answer to COMMIT can be asked for."""

    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn
        self._name = ""
        self._ending = False

    def ends(self) -> None:
        """Call as the last thing before the commit."""
        if self._conn.dialect.name == SHARED:
            row = _NAME(self._conn).fetchone()
            self._name = str(row[0]) if row else ""
        self._ending = True

    def committed(self, connected: Callable[[], sa.Connection]) -> bool | None:
        """Ask, on a new connection, whether it was committed. None: nobody can say."""
        if not self._ending:
            return False
        with connected() as conn:
            row = _FATE(conn, name=self._name).fetchone()
            conn.rollback()
        return {"committed": True, "aborted": False}.get(row[0]) if row else None


def lost(conn: sa.Connection, error: BaseException) -> bool:
    """Whether the server has gone, and this connection with it."""
    driver = cast("Any", conn.connection.dbapi_connection) if not conn.invalidated else None
    return conn.dialect.name == SHARED and (driver is None or driver.closed or isinstance(error, ConnectionError))
