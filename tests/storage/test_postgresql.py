"""What is PostgreSQL's own: a server that dies, is away or asks for a password, and what it leaves on its disks."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes_postgres import GUARDED, MISSING, PASSWORD, Postgres, postgres
from sqlalchemy import make_url
from storage.canaries import hits
from storage.databases import OnServer, contents
from storage.homes import NOON, Home, home_in, sealed_of

from bot.conversation.model import Sender
from bot.errors import SealingError, SettingsError
from bot.storage import locks
from bot.storage.erasing import erase
from bot.storage.schema import migrate
from bot.storage.statement import Statement
from bot.storage.tables import open_engine
from bot.storage.writer import Writer

PUT = Statement("INSERT INTO state (name, value) VALUES (:name, 0)")
DAY = timedelta(days=1)
SECONDS = 60  # that a busy machine may take
_LONGEST_WRAPPED = 200  # bytes; what is sealed under the wrapped key is longer


@pytest.fixture
def home(postgresql: Postgres, migrated: str, tmp_path: Path) -> Iterator[Home]:
    database = OnServer(postgresql, migrated)
    yield home_in(tmp_path, database)
    postgresql.drop(database.url)


@pytest.fixture(scope="module")
def mortal() -> Iterator[Postgres]:
    """A server that nobody else uses, and that waits for the disk."""
    with postgres(durable=True) as server:
        yield server


# ── a server that goes ─────────────────────────────────────────────────────────────────────────────────


def killed(server: Postgres, _url: str) -> None:
    server.kill()
    server.start()


def stopped(server: Postgres, _url: str) -> None:
    server.stop()
    server.start()


def cut(server: Postgres, url: str) -> None:
    assert server.disconnect(url) > 0


@pytest.mark.parametrize("goes", [killed, stopped, cut])
async def test_what_was_asked_before_the_server_went_is_done_once_and_what_was_answered_stays(
    mortal: Postgres, goes: Callable[[Postgres, str], None]
) -> None:
    url = mortal.fresh()
    engine = open_engine(url)
    migrate(engine)
    writer, told = Writer(engine), asyncio.Event()
    writer.start()

    async def ask(lane: int) -> None:
        for number in range(60):
            await writer.do(lambda conn: PUT(conn, name=f"{lane}-{number}"))  # noqa: B023 - done before the next one
            if number == 20:
                told.set()

    asked = asyncio.gather(*map(ask, range(8)))
    await asyncio.wait_for(told.wait(), SECONDS)
    await asyncio.to_thread(goes, mortal, url)
    await asyncio.wait_for(asked, SECONDS)
    await writer.stop()
    written = "SELECT name FROM state WHERE NOT starts_with(name, 'commit ')"
    stored = {str(name) for (name,) in mortal.rows(url, written)}
    assert stored == {f"{lane}-{number}" for lane in range(8) for number in range(60)}
    mortal.drop(url)


def test_a_server_that_is_away_is_one_line(mortal: Postgres) -> None:
    url = mortal.fresh()
    mortal.stop()
    with pytest.raises(
        SettingsError, match=r"^storage\.url: expected a database that can be opened: connection [^\n]+$"
    ):
        migrate(open_engine(url))
    mortal.start()
    migrate(open_engine(url))
    mortal.drop(url)


def test_a_start_that_waits_for_another_one_too_long_is_one_line(
    postgresql: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "_PATIENT", sa.text("SET LOCAL lock_timeout = '50ms'"))
    url = postgresql.fresh()
    with open_engine(url).begin() as conn:
        locks.wait_for(conn, b"schema")
        with pytest.raises(SettingsError, match=r"^[^\n]+ canceling statement due to lock timeout$"):
            migrate(open_engine(url))
    postgresql.drop(url)


def test_a_database_that_was_never_made_is_one_line(postgresql: Postgres) -> None:
    with pytest.raises(SettingsError, match=r"^storage\.url: .* database \"never_made\" does not exist$"):
        migrate(open_engine(postgresql.url("never_made")))


# ── a server that asks for a password ──────────────────────────────────────────────────────────────────


def test_a_password_opens_the_database_and_stands_in_no_address(postgresql: Postgres) -> None:
    url = postgresql.fresh()
    engine = open_engine(postgresql.url(make_url(url).database or "", GUARDED), PASSWORD)
    with engine.connect() as conn:
        assert conn.exec_driver_sql("SELECT session_user").scalar_one() == GUARDED
    assert PASSWORD not in repr(engine) + repr(engine.url)
    postgresql.drop(url)


@pytest.mark.parametrize("password", ["", "another"])
def test_a_wrong_password_is_one_line_that_does_not_show_it(postgresql: Postgres, password: str) -> None:
    engine = open_engine(postgresql.url("postgres", GUARDED), password)
    with pytest.raises(SettingsError, match=r"^storage\.password_file: expected the password that [^\n]+$") as caught:
        migrate(engine)
    assert not password or password not in str(caught.value)


# ── what it leaves ─────────────────────────────────────────────────────────────────────────────────────


def test_what_an_erased_person_leaves_on_the_disk_opens_with_no_key_once_its_day_is_over(home: Home) -> None:
    """A server doesn't overwrite what it deletes: its tables and its journal keep it for a while, sealed."""
    word, left = "kanarienvögel-qwertzuiop", set[bytes]()
    for number in range(5):
        with home.engine.begin() as conn:
            who = home.live(conn, Sender("signal", f"{word}{number}"), f"{word}{number}")
            left |= sealed_of(conn, who)
        with home.engine.begin() as conn:
            erase(conn, who)
    files = home.files()
    assert hits([word], files) == []
    content = b"".join(contents(files))
    found = [blob for blob in left if blob[:64] in content]
    assert found  # the search looked where rows were
    wrapped = [blob for blob in found if len(blob) < _LONGEST_WRAPPED]
    assert wrapped and {blob[:4] for blob in wrapped} == {home.keyring.today(NOON).to_bytes(4, "big")}
    home.keyring.destroy_expired(NOON + 2 * DAY)
    for blob in wrapped:
        with pytest.raises(SealingError, match="the key of that day is destroyed"):
            home.keyring.unwrap(blob, b"")


# ── what it reads ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "sql",
    [
        r"SELECT who FROM talk WHERE substr(wrapped, 1, 4) = '\x00'::bytea AND expires <= 1 LIMIT 1",
        r"SELECT 1 FROM talk WHERE substr(wrapped, 1, 4) > '\x00'::bytea ORDER BY substr(wrapped, 1, 4) LIMIT 1",
        "SELECT id FROM outbox WHERE lane = 0 AND next_try <= 1 ORDER BY next_try",
        r"SELECT id FROM outbox WHERE id >= '\x00'::bytea AND id < '\x01'::bytea",
        "SELECT code FROM way_back WHERE expires <= 1 LIMIT 1",
        "SELECT hash FROM seen WHERE expires <= 1 LIMIT 1",
        "SELECT reference FROM docket WHERE expires <= 1 LIMIT 1",
        "SELECT hash FROM mark WHERE expires <= 1 LIMIT 1",
    ],
)
def test_no_round_reads_a_whole_table(home: Home, sql: str) -> None:
    with home.engine.connect() as conn:
        conn.exec_driver_sql("SET LOCAL enable_seqscan = off")  # which a table of no rows is read by otherwise
        conn.exec_driver_sql("SET LOCAL enable_sort = off")
        plan = " ".join(row[0] for row in conn.exec_driver_sql(f"EXPLAIN {sql}"))
    assert "Index" in plan
    assert "Seq Scan" not in plan and "Sort" not in plan


# ── where there is none ────────────────────────────────────────────────────────────────────────────────


def test_without_its_programs_the_tests_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fakes_postgres.found_programs", lambda: None)
    with pytest.raises(pytest.skip.Exception, match="apt-get install postgresql"), postgres():
        pytest.fail(MISSING)
