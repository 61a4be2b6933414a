"""A database is looked at as a start would find it: what would keep a bot out is one line, and nothing is changed."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fakes_postgres import GUARDED, PASSWORD, Postgres
from sqlalchemy import make_url
from storage.canaries import files_under
from storage.databases import Database, OnFile, OnServer, on_a_file, on_a_server

from bot.storage.looking import findings

NEWER = "storage.url: expected a database of this version or an older one, and a newer postigo has been here"
OWNED_BY_ANOTHER = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I OWNER TO CURRENT_USER', current_database()); END $$"
NOBODY = 65534
OPENED = "storage.url: expected a database that can be opened: "


def as_they_are(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in files_under(folder)}


def test_one_that_is_up_to_date_and_one_that_was_never_begun_have_nothing_wrong(
    database: Database, empty: Database
) -> None:
    database.engine()
    assert (findings(database.url), findings(empty.url)) == ([], [])


def test_one_of_a_newer_version_is_told(database: Database) -> None:
    with database.engine().begin() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert findings(database.url) == [NEWER]


# ── a file ───────────────────────────────────────────────────────────────────────────────────────────────


def test_where_a_file_will_be_made_nothing_is(tmp_path: Path) -> None:
    assert findings(f"sqlite:///{tmp_path}/to come/rows.db") == []
    assert list(tmp_path.iterdir()) == []


@on_a_file
def test_a_file_that_nobody_has_open_is_left_as_it_is(database: OnFile) -> None:
    database.engine().dispose()
    before = as_they_are(database.path.parent)
    assert findings(database.url) == []
    assert as_they_are(database.path.parent) == before


@on_a_file
def test_a_file_in_use_is_read_with_what_is_not_yet_in_it_and_left_as_it_is(database: OnFile) -> None:
    with database.engine().connect() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        conn.commit()
        assert database.journal.stat().st_size > 0
        before = {path: path.read_bytes() for path in (database.path, database.journal)}
        files = sorted(database.path.parent.iterdir())
        assert findings(database.url) == [NEWER]
        assert {path: path.read_bytes() for path in before} == before
        assert sorted(database.path.parent.iterdir()) == files


def folder(path: Path) -> None:
    path.mkdir()


def text(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be looked at" * 50)


def beneath_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_bytes(b"")


@pytest.mark.parametrize("path", ["/proc/rows.db", "/proc/kept/rows.db"])
def test_where_root_may_write_and_nothing_can_be_made_is_told(path: str) -> None:
    expected = "expected a place where the file can be made, and /proc is no folder that we can write to"
    assert findings(f"sqlite:///{path}") == [f"storage.url: {expected}"]


def test_a_file_system_without_a_size_may_hold_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unsized = os.statvfs("/proc")
    assert unsized.f_blocks == 0
    monkeypatch.setattr("os.statvfs", lambda _: unsized)
    assert findings(f"sqlite:///{tmp_path}/rows.db") == []
    assert list(tmp_path.iterdir()) == []


FILES = [
    (folder, "storage.url: expected a file, and {path} is none"),
    (text, OPENED + "file is not a database"),
    (
        beneath_a_file,
        "storage.url: expected a place where the file can be made, and {path.parent} is no folder that we can write to",
    ),
]


@pytest.mark.parametrize(("made", "told"), FILES)
def test_what_is_no_database_is_told_by_its_key(tmp_path: Path, made: Callable[[Path], None], told: str) -> None:
    path = tmp_path / "kept" / "rows.db"
    path.parent.mkdir()
    made(path)
    assert findings(f"sqlite:///{path}") == [told.format(path=path)]


@pytest.fixture
def somebody() -> Iterator[None]:
    """Root may write everywhere: be somebody who may not."""
    if os.geteuid():
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    yield
    os.seteuid(0)
    os.setegid(0)


@pytest.mark.parametrize(
    ("there", "told"),
    [
        (False, "expected a place where the file can be made, and {folder} is no folder that we can write to"),
        (True, "expected a file that we can read and write, in such a folder: {folder}/rows.db"),
    ],
)
def test_a_folder_that_can_not_be_written_is_told(somebody: None, there: bool, told: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if there:
            (folder / "rows.db").touch()
        folder.chmod(0o500)
        assert findings(f"sqlite:///{folder}/rows.db") == ["storage.url: " + told.format(folder=folder)]
        folder.chmod(0o700)


# ── a server ─────────────────────────────────────────────────────────────────────────────────────────────


@on_a_server
def test_a_database_that_is_not_there_is_told(postgresql: Postgres, kind: str) -> None:
    (told,) = findings(postgresql.url("never_made"))
    assert told.startswith(OPENED) and told.endswith('database "never_made" does not exist')


@on_a_server
@pytest.mark.parametrize("password", ["", "another"])
def test_a_wrong_password_is_told_by_the_key_of_its_file_and_not_shown(
    postgresql: Postgres, kind: str, password: str
) -> None:
    (told,) = findings(postgresql.url("postgres", GUARDED), password)
    assert told.startswith("storage.password_file: expected the password that the database asks for: ")
    assert not password or password not in told


@on_a_server
def test_a_database_in_which_the_user_may_make_no_tables_is_told_before_the_first_start(empty: OnServer) -> None:
    name = make_url(empty.url).database or ""
    empty.server.rows(empty.url, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    empty.server.rows(empty.url, OWNED_BY_ANOTHER)
    told = findings(empty.server.url(name, GUARDED), PASSWORD)
    assert told == ["storage.url: expected a database in which the user may make tables, as its owner may"]


@on_a_server
def test_a_look_leaves_no_table(empty: OnServer) -> None:
    assert findings(empty.url) == []
    tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
    assert empty.server.rows(empty.url, tables) == [(0,)]


@on_a_server
@pytest.mark.parametrize(
    ("question", "answer", "told"),
    [
        ("SHOW server_version_num", 120_022, "storage.url: expected PostgreSQL 13 or later, and this is 12"),
        ("SELECT pg_is_in_recovery()", True, "storage.url: expected a server that takes rows, and this is a standby"),
    ],
)
def test_a_server_that_is_too_old_or_takes_no_rows_is_told(
    database: OnServer, monkeypatch: pytest.MonkeyPatch, question: str, answer: object, told: str
) -> None:
    """Neither is at hand: the answer to one question is put in the place of the server's."""
    asked = sa.Connection.exec_driver_sql

    def answered(conn: sa.Connection, statement: str, *more: Any) -> Any:  # noqa: ANN401 - as the library has it
        return asked(conn, f"SELECT {answer}" if statement == question else statement, *more)

    monkeypatch.setattr(sa.Connection, "exec_driver_sql", answered)
    assert findings(database.url) == [told]
