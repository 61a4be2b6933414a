"""Statements read the same on both databases."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bot.storage.statement import Statement


def test_values_stand_in_the_order_of_their_places(conn: sa.Connection) -> None:
    assert Statement("SELECT :b, :a, :b")(conn, a=1, b="two").fetchone() == ("two", 1, "two")
    assert Statement("SELECT :a")(conn, a=b"one").fetchall() == [(b"one",)]
    assert list(Statement("SELECT 1")(conn, unused=3)) == [(1,)]


def test_each_dialect_gets_places_of_its_own() -> None:
    statement = Statement("SELECT :b, :a")
    statement._compile(sqlite.dialect())
    assert (statement._sql, statement._fill({"a": 1, "b": 2})) == ("SELECT ?, ?", (2, 1))
    statement._compile(postgresql.psycopg.dialect())  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    assert (statement._sql, statement._fill({"a": 1, "b": 2})) == ("SELECT %(b)s, %(a)s", {"a": 1, "b": 2})
