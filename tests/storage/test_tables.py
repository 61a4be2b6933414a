"""The schema says no more in clear than it must, and the file is its owner's alone."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext

from bot.errors import SettingsError
from bot.storage.schema import HEAD, migrate
from bot.storage.tables import metadata, minute, open_engine

# What stands in clear, or is a keyed hash, or is sealed: nothing else may be kept.
COLUMNS = {
    "talk": ["who", "expires", "wrapped", "sealed"],
    "outbox": [
        *("id", "kind", "lane", "next_try", "expires", "attempts", "trying", "channel", "wrapped", "sealed"),
    ],
    "notice": ["reference", "who", "expires", "wrapped", "sealed"],
    "way_back": ["code", "who", "expires"],
    "seen": ["hash", "expires"],
    "docket": ["reference", "who", "expires", "wrapped", "sealed"],
    "mark": ["hash", "reference", "expires"],
    "draft": ["officer", "expires", "wrapped", "sealed"],
    "counts": ["week", "level", "language", "number"],
    "state": ["name", "value"],
}


def one(conn: sa.Connection, sql: str) -> Any:  # noqa: ANN401 - whatever SQLite says
    return conn.exec_driver_sql(sql).scalar_one()


def test_the_database_has_these_columns_and_no_others(conn: sa.Connection) -> None:
    found = sa.inspect(conn)
    names = set(found.get_table_names()) - {"alembic_version"}  # which holds the number of the schema
    assert {name: [column["name"] for column in found.get_columns(name)] for name in names} == COLUMNS


def test_every_column_is_explained_and_none_that_does_not_exist() -> None:
    page = Path(__file__).parents[2].joinpath("config", "README.md").read_text(encoding="utf-8")
    _, _, stored = page.partition("## What is stored")
    told = set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| \S.* \| \S.* \|$", stored, re.MULTILINE))
    assert told == {f"{table}.{column}" for table, columns in COLUMNS.items() for column in columns}


def made(conn: sa.Connection) -> dict[str, str]:
    """Return the SQL that each table and index was made by."""
    found = conn.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
    return {name: " ".join(sql.split()) for name, sql in found if name != "alembic_version"}


def test_the_steps_lead_to_the_schema_in_the_code(conn: sa.Connection, tmp_path: Path) -> None:
    with open_engine(f"sqlite:///{tmp_path}/from_code.db").begin() as other:
        metadata.create_all(other)
        assert made(conn) == made(other)
    assert MigrationContext.configure(conn).get_current_revision() == HEAD


def test_a_page_holds_no_two_sealed_rows(conn: sa.Connection) -> None:
    """With pages of 8,192 bytes, moved rows left copies that secure_delete did not overwrite."""
    assert one(conn, "PRAGMA page_size") == 4096


def test_no_table_of_ours_numbers_its_rows(conn: sa.Connection) -> None:
    tables = {name: sql for name, sql in made(conn).items() if sql.startswith("CREATE TABLE")}
    assert len(tables) == len(COLUMNS)
    assert all("WITHOUT ROWID" in sql for sql in tables.values())


def test_migrating_twice_changes_nothing(engine: sa.Engine, database: Path) -> None:
    with engine.connect() as conn:
        before = one(conn, "PRAGMA schema_version")
    migrate(engine)
    with engine.connect() as conn:
        assert one(conn, "PRAGMA schema_version") == before
    assert database.exists()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("secure_delete", 1), ("auto_vacuum", 1), ("temp_store", 2)],
)
def test_each_connection_is_durable_and_overwrites(engine: sa.Engine, pragma: str, value: object) -> None:
    with engine.connect() as conn:
        assert one(conn, f"PRAGMA {pragma}") == value


def test_the_files_are_readable_by_their_owner_alone(engine: sa.Engine, database: Path) -> None:
    with engine.begin() as conn:
        conn.exec_driver_sql("INSERT INTO state (name, value) VALUES ('a', 1)")
        modes = {path.name: path.stat().st_mode & 0o777 for path in database.parent.iterdir()}
    assert modes == {"postigo.db": 0o600, "postigo.db-wal": 0o600, "postigo.db-shm": 0o600}
    assert database.parent.stat().st_mode & 0o777 == 0o700


def test_a_database_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"not a database, but long enough to be looked at" * 50)
    with pytest.raises(SettingsError, match=r"\[storage\] url: the database can't be opened"):
        migrate(open_engine(f"sqlite:///{tmp_path}/other"))


def test_an_error_shows_no_value(conn: sa.Connection) -> None:
    with pytest.raises(sa.exc.DBAPIError) as caught:
        conn.exec_driver_sql("INSERT INTO state (name, value) VALUES (?, ?)", ("canary", None))
    assert "canary" not in str(caught.value)


def test_a_minute_is_the_one_it_lies_in(now: datetime) -> None:
    assert minute(now) * 60 == int(now.timestamp()) - 30
