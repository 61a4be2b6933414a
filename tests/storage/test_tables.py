"""The schema says no more in clear than it must, and the file is its owner's alone."""

import re
import sqlite3
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from storage.canaries import forms
from storage.databases import Database, on_a_file

from bot.errors import SettingsError
from bot.storage.envelope import Envelope
from bot.storage.keyring import Keyring
from bot.storage.schema import HEAD, migrate
from bot.storage.statement import Statement
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


def test_the_database_has_these_columns_and_no_others(conn: sa.Connection) -> None:
    found = sa.inspect(conn)
    names = set(found.get_table_names()) - {"alembic_version"}  # which holds the number of the schema
    assert {name: [column["name"] for column in found.get_columns(name)] for name in names} == COLUMNS


def test_every_column_is_explained_and_none_that_does_not_exist() -> None:
    page = Path(__file__).parents[2].joinpath("config", "README.md").read_text(encoding="utf-8")
    _, _, stored = page.partition("## What is stored")
    told = set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| \S.* \| \S.* \|$", stored, re.MULTILINE))
    assert told == {f"{table}.{column}" for table, columns in COLUMNS.items() for column in columns}


# What tells how each table and index is made, and what changes as soon as one is touched.
_OURS = "table_schema = 'public' AND table_name <> 'alembic_version'"
MADE = {
    "sqlite": ("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'",),
    "postgresql": (
        f"SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns WHERE {_OURS}",  # noqa: S608 - from above
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
    ),
}
TOUCHED = {
    "sqlite": "PRAGMA schema_version",
    "postgresql": "SELECT relname, relfilenode, xmin FROM pg_class WHERE relnamespace = 'public'::regnamespace",
}


def made(database: Database, kind: str) -> list[str]:
    return sorted(" ".join(" ".join(map(str, row)).split()) for sql in MADE[kind] for row in database.read(sql))


def test_the_steps_lead_to_the_schema_in_the_code(database: Database, empty: Database, kind: str) -> None:
    with open_engine(empty.url).begin() as conn:
        metadata.create_all(conn)
    with database.engine().connect() as conn:
        assert MigrationContext.configure(conn).get_current_revision() == HEAD
    assert made(database, kind) == made(empty, kind)
    assert len(made(database, kind)) > len(COLUMNS)


def test_an_empty_database_is_brought_to_the_newest_schema_and_then_left_alone(empty: Database, kind: str) -> None:
    engine = empty.engine()
    before = empty.read(TOUCHED[kind])
    migrate(engine)
    assert sorted(map(str, empty.read(TOUCHED[kind]))) == sorted(map(str, before))
    assert len(made(empty, kind)) > len(COLUMNS)


def test_a_database_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"not a database, but long enough to be looked at" * 50)
    with pytest.raises(SettingsError, match=r"^storage\.url: expected a database that can be opened: file is not"):
        migrate(open_engine(f"sqlite:///{tmp_path}/other"))


NO_FILES = [
    ("note/rows.db", "Not a directory"),
    ("note/deeper/rows.db", "Not a directory"),
    (".", "Is a directory"),
    ("../../../../../../../../../../../proc/rows.db", "No such file or directory"),
]


@pytest.mark.parametrize(("name", "why"), NO_FILES)
def test_a_file_that_can_not_be_made_is_one_line_with_its_key(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "note").write_text("")
    place = tmp_path / name
    with pytest.raises(SettingsError) as refused:
        open_engine(f"sqlite:///{place}")
    expected = f"expected a file that can be made or opened, and {place} can't: {why}"
    assert str(refused.value) == f"storage.url: {expected}"
    assert [path.name for path in tmp_path.iterdir()] == ["note"]


def test_a_database_of_a_newer_version_is_one_line_and_stays_as_it_is(database: Database) -> None:
    engine = database.engine()
    with engine.begin() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match=r"^storage\.url: expected a database of this version or an older one"):
        migrate(engine)
    assert database.read("SELECT version_num FROM alembic_version") == [("9999",)]


@on_a_file  # PostgreSQL tells the whole row that it refuses: as it would be stored, which is what the next test is for
def test_an_error_shows_no_value(conn: sa.Connection) -> None:
    with pytest.raises(sa.exc.DBAPIError) as caught:
        conn.exec_driver_sql("INSERT INTO state (name, value) VALUES (?, ?)", ("canary", None))
    assert "canary" not in str(caught.value)


def test_an_error_shows_nothing_that_a_person_wrote(engine: sa.Engine, keyring: Keyring, who: bytes) -> None:
    refused = Statement("INSERT INTO talk (who, wrapped, sealed) VALUES (:who, :wrapped, :sealed)")
    wrapped, sealed = Envelope(keyring, "talk").close(who, b"canary")
    with engine.connect() as conn, pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError)) as caught:
        refused(conn, who=who, wrapped=wrapped, sealed=sealed)
    assert [form for form in forms("canary") if form.decode("latin-1") in str(caught.value)] == []


def test_a_minute_is_the_one_it_lies_in(now: datetime) -> None:
    assert minute(now) * 60 == int(now.timestamp()) - 30


_START = """
import sys
from bot.storage.schema import migrate
from bot.storage.tables import open_engine
migrate(open_engine(sys.argv[1]))
print("alembic" in sys.modules)
"""


def test_a_database_that_is_up_to_date_needs_nothing_that_takes_schema_steps(tmp_path: Path) -> None:
    start = [sys.executable, "-c", _START, f"sqlite:///{tmp_path}/postigo.db"]
    loaded = [subprocess.run(start, capture_output=True, text=True, check=True).stdout.strip() for _ in range(2)]
    assert loaded == ["True", "False"]
