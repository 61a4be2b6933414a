"""What SQLite alone can promise: deleted rows are overwritten, its journal is emptied, and it reads no whole table."""

from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from storage.canaries import hits
from storage.databases import OnFile
from storage.homes import HOUR, NOON, Home, count, home_in, sealed_of

from bot.conversation.model import Sender
from bot.storage.erasing import Truncating, checkpoint, erase, expire
from bot.storage.statement import Statement
from bot.storage.tables import metadata, of
from bot.storage.writer import Writer

_FORGET = Statement("DELETE FROM outbox WHERE id >= :who AND id < :after")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_in(tmp_path, OnFile(tmp_path))


def journal(home: Home) -> int:
    """How many bytes the journal holds."""
    return (home.directory / "kept" / "postigo.db-wal").stat().st_size


# ── what is overwritten ────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=25, deadline=None)
@given(
    people=st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=12),
    word=st.text(alphabet="qwertzuiopäöλж", min_size=16, max_size=24),
)
def test_erase_leaves_nothing_of_anybody_in_any_file(
    tmp_path_factory: pytest.TempPathFactory, people: list[tuple[int, bool]], word: str
) -> None:
    """Whoever lived and was erased, in whatever order: no words, and no bytes that were sealed for her."""
    folder = tmp_path_factory.mktemp("law")
    home = home_in(folder, OnFile(folder))
    left: set[bytes] = set()
    with home.engine.connect() as conn:
        empty_journal = Truncating()
        for number, erased in people:
            with conn.begin():
                who = home.live(conn, Sender("signal", f"{word}{number}"), word)
                left |= sealed_of(conn, who) if erased else set()
                if erased:
                    erase(conn, who)
                    _FORGET(conn, **of(who))  # and the wish to clear, which would outlive her
            empty_journal(conn)
        files = home.files()
        assert {path.name for path in files} >= {"postigo.db", "postigo.db-wal", "postigo.db-shm"}
        assert hits([word], files) == []
        content = b"".join(path.read_bytes() for path in files)
        assert [blob for blob in left if blob[:64] in content] == []


async def test_the_journal_is_empty_before_an_erase_is_answered(home: Home) -> None:
    writer = Writer(home.engine)
    writer.start()
    who = await writer.do(lambda conn: home.live(conn, Sender("signal", "ana"), "canarycanarycanary"))
    assert journal(home) > 0
    await writer.do(lambda conn: erase(conn, who))
    assert journal(home) == 0
    await writer.stop()


def test_a_reader_that_holds_the_journal_only_delays_its_emptying(home: Home) -> None:
    empty_journal = Truncating()
    with home.engine.connect() as conn:
        with conn.begin():
            who = home.live(conn, Sender("signal", "ana"), "canary")
        with home.engine.begin() as reader:
            reader.exec_driver_sql("COMMIT")
            reader.exec_driver_sql("BEGIN")
            count(reader, "talk")
            with conn.begin():
                erase(conn, who)
            empty_journal(conn)
            assert journal(home) > 0
            assert not checkpoint(home.engine)
        empty_journal(conn)
        assert journal(home) == 0
    assert checkpoint(home.engine)


def test_the_journal_is_emptied_now_and_then_without_an_erase(home: Home) -> None:
    with home.engine.connect() as conn:
        with conn.begin():
            home.live(conn, Sender("signal", "ana"), "canary")
        Truncating()(conn)
        assert journal(home) > 0
        Truncating(seconds=-1)(conn)
        assert journal(home) == 0


def test_an_answer_that_is_still_being_read_only_delays_the_emptying(home: Home) -> None:
    with home.engine.connect() as conn:
        with conn.begin():
            who = home.live(conn, Sender("signal", "ana"), "canary")
            erase(conn, who)
            unread = Statement("SELECT 1 FROM alembic_version UNION ALL SELECT 2")(conn)
            assert unread.fetchone() == (1,)
        empty_journal = Truncating()
        empty_journal(conn)
        assert journal(home) > 0
        assert unread.fetchall() == [(2,)]
        empty_journal(conn)
        assert journal(home) == 0


async def test_what_expired_leaves_the_journal_too(home: Home) -> None:
    writer = Writer(home.engine)
    writer.start()
    await writer.do(lambda conn: home.live(conn, Sender("signal", "ana"), "canary"))
    assert await writer.do(partial(expire, now=NOON + 100 * HOUR, limit=100)) == 8
    assert journal(home) == 0
    await writer.stop()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT who FROM talk WHERE substr(wrapped, 1, 4) = x'00' AND expires <= 1 LIMIT 1",
        "SELECT MIN(substr(wrapped, 1, 4)) FROM talk WHERE substr(wrapped, 1, 4) > x'00'",
        "SELECT id FROM outbox WHERE lane = 0 AND next_try <= 1 ORDER BY next_try",
        "SELECT code FROM way_back WHERE expires <= 1 LIMIT 1",
        "SELECT hash FROM seen WHERE expires <= 1 LIMIT 1",
        "SELECT reference FROM docket WHERE expires <= 1 LIMIT 1",
        "SELECT hash FROM mark WHERE expires <= 1 LIMIT 1",
    ],
)
def test_no_round_reads_a_whole_table(home: Home, sql: str) -> None:
    with home.engine.connect() as conn:
        plan = " ".join(row[-1] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}"))
    assert "SEARCH" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan


def test_what_waits_expires_by_reading_one_small_index(home: Home) -> None:
    with home.engine.connect() as conn:
        plan = conn.exec_driver_sql("EXPLAIN QUERY PLAN SELECT id FROM outbox WHERE expires <= 1 LIMIT 1").all()
    assert [row[-1] for row in plan] == ["SCAN outbox USING COVERING INDEX outbox_next"]


# ── the file ───────────────────────────────────────────────────────────────────────────────────────────


def one(conn: sa.Connection, sql: str) -> object:
    return conn.exec_driver_sql(sql).scalar_one()


def test_a_page_holds_no_two_sealed_rows(home: Home) -> None:
    """With pages of 8,192 bytes, moved rows left copies that secure_delete did not overwrite."""
    with home.engine.connect() as conn:
        assert one(conn, "PRAGMA page_size") == 4096


def test_no_table_of_ours_numbers_its_rows(home: Home) -> None:
    sql = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name <> 'alembic_version'"
    tables = dict(map(tuple, home.database.read(sql)))
    assert set(tables) == set(metadata.tables)
    assert all("WITHOUT ROWID" in made for made in tables.values())


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("secure_delete", 1), ("auto_vacuum", 1), ("temp_store", 2)],
)
def test_each_connection_is_durable_and_overwrites(home: Home, pragma: str, value: object) -> None:
    with home.engine.connect() as conn:
        assert one(conn, f"PRAGMA {pragma}") == value


def test_the_files_are_readable_by_their_owner_alone(home: Home) -> None:
    with home.engine.begin() as conn:
        conn.exec_driver_sql("INSERT INTO state (name, value) VALUES ('a', 1)")
        modes = {path.name: path.stat().st_mode & 0o777 for path in home.database.files()}
    assert modes == {"postigo.db": 0o600, "postigo.db-wal": 0o600, "postigo.db-shm": 0o600}
    assert (home.directory / "kept").stat().st_mode & 0o777 == 0o700
