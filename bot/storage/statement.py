"""One SQL statement with named places, compiled once per dialect and run without SQLAlchemy's per-call cost.

A turn runs half a dozen of these; through `Connection.execute` they would cost more than the disk does.
"""

from collections.abc import Iterator
from typing import Any, Protocol, cast

import sqlalchemy as sa


class Rows(Protocol):
    """What of a driver's cursor is used here."""

    rowcount: int

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row, or None."""
        ...

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all rows that are left."""
        ...

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows that are left, read as they are asked for."""
        ...


class Statement:
    """SQL with `:named` places, in what SQLite and PostgreSQL both read; values are int, str and bytes."""

    def __init__(self, sql: str) -> None:
        self._clause = sa.text(sql)
        self._dialect = ""
        self._sql = ""
        self._places: list[str] | None = None

    def __call__(self, conn: sa.Connection, **values: int | str | bytes) -> Rows:
        """Run it in the transaction that `conn` is in."""
        if conn.dialect.name != self._dialect:
            self._compile(conn.dialect)
        driver = cast("Any", conn.connection.dbapi_connection)
        if self._places is None:
            return cast("Rows", driver.execute(self._sql, values))
        return cast("Rows", driver.execute(self._sql, [values[place] for place in self._places]))

    def _compile(self, dialect: sa.Dialect) -> None:
        compiled = self._clause.compile(dialect=dialect)
        self._sql = str(compiled)
        self._places = list(compiled.positiontup or ()) if compiled.positional else None
        self._dialect = dialect.name
