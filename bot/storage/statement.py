"""One SQL statement with named places, compiled once per dialect and run without SQLAlchemy's per-call cost.

A turn runs half a dozen of these; through `Connection.execute` they would cost more than the disk does.
"""

from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import Any, Protocol, cast

import sqlalchemy as sa

Values = Mapping[str, int | str | bytes]


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

    __slots__ = ("_clause", "_dialect", "_fill", "_sql")

    def __init__(self, sql: str) -> None:
        self._clause = sa.text(sql)
        self._dialect: sa.Dialect | None = None
        self._sql = ""
        self._fill: Callable[[Values], Any] = dict

    def __call__(self, conn: sa.Connection, **values: int | str | bytes) -> Rows:
        """Run it in the transaction that `conn` is in; values without a place are ignored."""
        if conn.dialect is not self._dialect:
            self._compile(conn.dialect)
        driver: Any = conn.connection.dbapi_connection
        filled = self._fill(values)  # none: then a server takes several statements at once
        return cast("Rows", driver.execute(self._sql, filled) if filled else driver.execute(self._sql))

    def _compile(self, dialect: sa.Dialect) -> None:
        compiled = self._clause.compile(dialect=dialect)
        self._sql = str(compiled)
        self._fill = _in_order(compiled.positiontup or []) if compiled.positional else dict
        self._dialect = dialect


def _in_order(places: list[str]) -> Callable[[Values], Any]:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda values: [values[place] for place in places]
