"""Erased, expired and outlived rows leave nothing behind in any file; what must stay, stays."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from storage.canaries import files_under, hits

from bot.conversation.model import Answer, Clear, Conversation, HandOff, Line, Say, Sender, Timer, Wake
from bot.handoff.docket import Docket, Draft
from bot.storage.dockets import Dockets
from bot.storage.erasing import Truncating, checkpoint, erase, expire, rewrap
from bot.storage.keyring import Keyring
from bot.storage.outbox import Mail, Outbox
from bot.storage.schema import migrate
from bot.storage.statement import Statement
from bot.storage.tables import OTHER, minute, open_engine
from bot.storage.work import Shelf
from bot.storage.writer import Writer

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOON = datetime.fromisoformat("2026-11-21T12:00:00+00:00")
TABLES = ("talk", "outbox", "way_back", "seen")
OFFICERS = ("docket", "mark", "draft")


@dataclass(frozen=True)
class Home:
    """All that a person can leave a trace in."""

    directory: Path
    engine: sa.Engine
    keyring: Keyring
    shelf: Shelf
    outbox: Outbox

    def live(self, conn: sa.Connection, sender: Sender, words: str, *, lives: timedelta = HOUR) -> bytes:
        """Leave `words` in every field of every table that holds any; return who it was."""
        who, until = self.shelf.who(sender), NOON + lives
        answer = Answer("detained", ("now",), words, message=words)
        self.shelf.keep(conn, who, Conversation(sender, step=words, answers=(answer,)), until)
        self.shelf.seen_before(conn, sender, words, NOON)
        self.shelf.remember_code(conn, words, who, until)
        effects = (
            Say((Line("a", (("place", words),)),), ("en",), shown=(answer,)),
            HandOff("K7Q2FX", 0, 1, None, ("detained",), words, answers=(answer,), return_code=words),
            Mail(0, "K7Q2FX", words, words, words.encode()),
            Wake(Timer.LATE, NOON, 0),
            Clear((words,)),
        )
        self.outbox.put(conn, who, sender, effects, NOON, lane=OTHER, expires=until)
        return who


def home_in(directory: Path) -> Home:
    engine = open_engine(f"sqlite:///{directory}/kept/postigo.db")
    migrate(engine)
    keyring = Keyring.open(directory / "keys", NOON)
    return Home(directory, engine, keyring, Shelf(keyring), Outbox(keyring))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_in(tmp_path)


def count(conn: sa.Connection, table: str) -> int:
    return int(conn.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608 - a name from above


def rows_of(home: Home, conn: sa.Connection, who: bytes) -> list[str]:
    found = home.outbox.claimable(conn, NOON, 100, ())
    return [row.kind for row in found if row.who == who]


# ── erase ──────────────────────────────────────────────────────────────────────────────────────────────


def test_erase_deletes_a_person_whole_but_the_wish_to_clear(home: Home) -> None:
    with home.engine.begin() as conn:
        ana = home.live(conn, Sender("signal", "ana"), "anacanary")
        ben = home.live(conn, Sender("signal", "ben"), "bencanary")
        erase(conn, ana)
        assert rows_of(home, conn, ana) == ["clear"]
        assert home.shelf.load(conn, ana) is None
        assert home.shelf.who_returns(conn, "anacanary") is None
        assert not home.shelf.seen_before(conn, Sender("signal", "ana"), "anacanary", NOON)
        assert rows_of(home, conn, ben) == ["say", "hand_off", "mail", "wake", "clear"]
        assert home.shelf.load(conn, ben) is not None
        assert home.shelf.who_returns(conn, "bencanary") == ben
        assert home.shelf.seen_before(conn, Sender("signal", "ben"), "bencanary", NOON)


@settings(max_examples=25, deadline=None)
@given(
    people=st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=12),
    word=st.text(alphabet="qwertzuiopäöλж", min_size=16, max_size=24),
)
def test_erase_leaves_nothing_of_anybody_in_any_file(
    tmp_path_factory: pytest.TempPathFactory, people: list[tuple[int, bool]], word: str
) -> None:
    """Whoever lived and was erased, in whatever order: no words, and no bytes that were sealed for her."""
    home = home_in(tmp_path_factory.mktemp("law"))
    left: set[bytes] = set()
    with home.engine.connect() as conn:
        empty_journal = Truncating()
        for number, erased in people:
            with conn.begin():
                who = home.live(conn, Sender("signal", f"{word}{number}"), word)
                left |= sealed_of(conn, who) if erased else set()
                if erased:
                    erase(conn, who)
                    conn.exec_driver_sql("DELETE FROM outbox WHERE id >= ? AND id < ?", (who, who + b"\xff" * 32))
            empty_journal(conn)
        files = files_under(home.directory)
        assert {path.name for path in files} >= {"postigo.db", "postigo.db-wal", "postigo.db-shm"}
        assert hits([word], files) == []
        content = b"".join(path.read_bytes() for path in files)
        assert [blob for blob in left if blob[:64] in content] == []


def sealed_of(conn: sa.Connection, who: bytes) -> set[bytes]:
    rows = [*conn.exec_driver_sql("SELECT wrapped, sealed FROM talk WHERE who = ?", (who,)).all()]
    rows += conn.exec_driver_sql("SELECT wrapped, sealed FROM outbox WHERE substr(id, 1, 16) = ?", (who,)).all()
    assert len(rows) >= 6
    return {blob for row in rows for blob in row}


async def test_the_journal_is_empty_before_an_erase_is_answered(home: Home) -> None:
    writer = Writer(home.engine)
    writer.start()
    who = await writer.do(lambda conn: home.live(conn, Sender("signal", "ana"), "canarycanarycanary"))
    journal = home.directory / "kept" / "postigo.db-wal"
    assert journal.stat().st_size > 0
    await writer.do(lambda conn: erase(conn, who))
    assert journal.stat().st_size == 0
    await writer.stop()


def test_a_reader_that_holds_the_journal_only_delays_its_emptying(home: Home) -> None:
    journal = home.directory / "kept" / "postigo.db-wal"
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
            assert journal.stat().st_size > 0
            assert not checkpoint(home.engine)
        empty_journal(conn)
        assert journal.stat().st_size == 0
    assert checkpoint(home.engine)


def test_the_journal_is_emptied_now_and_then_without_an_erase(home: Home) -> None:
    journal = home.directory / "kept" / "postigo.db-wal"
    with home.engine.connect() as conn:
        with conn.begin():
            home.live(conn, Sender("signal", "ana"), "canary")
        Truncating()(conn)
        assert journal.stat().st_size > 0
        Truncating(seconds=-1)(conn)
        assert journal.stat().st_size == 0


def test_an_answer_that_is_still_being_read_only_delays_the_emptying(home: Home) -> None:
    with home.engine.connect() as conn:
        with conn.begin():
            who = home.live(conn, Sender("signal", "ana"), "canary")
            erase(conn, who)
            unread = Statement("SELECT 1 FROM alembic_version UNION ALL SELECT 2")(conn)
            assert unread.fetchone() == (1,)
        empty_journal = Truncating()
        empty_journal(conn)
        assert (home.directory / "kept" / "postigo.db-wal").stat().st_size > 0
        assert unread.fetchall() == [(2,)]
        empty_journal(conn)
        assert (home.directory / "kept" / "postigo.db-wal").stat().st_size == 0


# ── what is kept for officers ──────────────────────────────────────────────────────────────────────────


def file(home: Home, conn: sa.Connection, sender: Sender, words: str, *, lives: timedelta = 14 * DAY) -> bytes:
    """Leave a docket, a mark and a draft with these words; return whose the case is."""
    dockets, who = Dockets(home.keyring), home.shelf.who(sender)
    dockets.keep(conn, who, Docket(words, 1, "es", NOON, waiting=(words,)), minute(NOON + lives))
    dockets.mark(conn, dockets.hashed("token", words), words, minute(NOON + lives))
    dockets.hold(conn, words, Draft(words, words, NOON), NOON + lives)
    return who


def test_erase_deletes_the_docket_of_a_person_and_what_leads_to_it(home: Home) -> None:
    dockets = Dockets(home.keyring)
    with home.engine.begin() as conn:
        ana = file(home, conn, Sender("signal", "ana"), "anacanary")
        ben = file(home, conn, Sender("signal", "ben"), "bencanary")
        erase(conn, ana)
        assert [count(conn, table) for table in OFFICERS] == [1, 1, 2]  # a draft is its officer's, for a quarter hour
        assert (dockets.of(conn, ana), dockets.marked(conn, "token", "anacanary", NOON)) == ([], None)
        assert [one.docket.reference for one in dockets.of(conn, ben)] == ["bencanary"]
        assert dockets.marked(conn, "token", "bencanary", NOON) is not None


def test_a_case_that_was_closed_or_is_over_leaves_nothing_in_any_file(home: Home) -> None:
    dockets, words = Dockets(home.keyring), ["closedcanarycanary", "overcanarycanary"]
    empty_journal = Truncating()
    with home.engine.connect() as conn:
        with conn.begin():
            closed = file(home, conn, Sender("signal", "ana"), words[0], lives=HOUR)
            file(home, conn, Sender("signal", "ben"), words[1], lives=HOUR)
            kept = [bytes(row[0]) for row in conn.exec_driver_sql("SELECT sealed FROM docket").all()]
            kept += [bytes(row[0]) for row in conn.exec_driver_sql("SELECT sealed FROM draft").all()]
        with conn.begin():
            dockets.drop(conn, closed)
            assert expire(conn, NOON + HOUR + timedelta(minutes=1), 100) == 4  # and the drafts of both
        empty_journal(conn)
        assert [count(conn, table) for table in OFFICERS] == [0, 0, 0]
        content = b"".join(path.read_bytes() for path in files_under(home.directory))
    assert len(kept) == 4
    assert [blob for blob in kept if blob[:64] in content] == []
    assert hits(words, files_under(home.directory)) == []


def test_dockets_and_drafts_live_through_their_days_by_rewrapping(home: Home) -> None:
    with home.engine.begin() as conn:
        who = file(home, conn, Sender("signal", "ana"), "words")
        for day in range(1, 14):
            assert rewrap(conn, home.keyring, NOON + day * DAY) == 2
            home.keyring.destroy_expired(NOON + day * DAY)
        dockets = Dockets(home.keyring)
        assert [one.docket.reference for one in dockets.of(conn, who)] == ["words"]
        assert dockets.let_go(conn, "words") == Draft("words", "words", NOON)


def test_a_docket_that_cannot_be_rewrapped_is_deleted(home: Home) -> None:
    with home.engine.begin() as conn:
        file(home, conn, Sender("signal", "ana"), "words")
        conn.exec_driver_sql("UPDATE docket SET wrapped = substr(wrapped, 1, 40)")
        conn.exec_driver_sql("UPDATE draft SET wrapped = substr(wrapped, 1, 40)")
        assert rewrap(conn, home.keyring, NOON + DAY) == 2
        assert [count(conn, table) for table in OFFICERS] == [0, 1, 0]


# ── expire ─────────────────────────────────────────────────────────────────────────────────────────────


def test_everything_past_its_minute_expires_and_nothing_else(home: Home) -> None:
    with home.engine.begin() as conn:
        home.live(conn, Sender("signal", "short"), "short", lives=HOUR)
        home.live(conn, Sender("signal", "long"), "long", lives=2 * HOUR)
        assert expire(conn, NOON + HOUR - timedelta(seconds=1), 100) == 0
        assert expire(conn, NOON + HOUR, 100) == 7
        assert [count(conn, table) for table in TABLES] == [1, 5, 1, 2]
        assert expire(conn, NOON + 72 * HOUR, 100) == 9
        assert [count(conn, table) for table in TABLES] == [0, 0, 0, 0]


def test_expiry_finds_talks_of_every_day(home: Home) -> None:
    with home.engine.begin() as conn:
        for day in range(4):
            home.keyring.today(NOON + day * DAY)
            home.live(conn, Sender("signal", str(day)), "words", lives=5 * DAY)
        assert expire(conn, NOON + 5 * DAY, 1000) > 0
        assert count(conn, "talk") == 0


def test_no_more_than_the_limit_expires_at_once(home: Home) -> None:
    with home.engine.begin() as conn:
        for number in range(5):
            home.live(conn, Sender("signal", str(number)), f"words{number}")
        steps = [expire(conn, NOON + 100 * HOUR, 17) for _ in range(4)]
        assert steps == [17, 17, 6, 0]


async def test_what_expired_leaves_the_journal_too(home: Home) -> None:
    writer = Writer(home.engine)
    writer.start()
    await writer.do(lambda conn: home.live(conn, Sender("signal", "ana"), "canary"))
    assert await writer.do(partial(expire, now=NOON + 100 * HOUR, limit=100)) == 8
    assert (home.directory / "kept" / "postigo.db-wal").stat().st_size == 0
    await writer.stop()


# ── rewrap ─────────────────────────────────────────────────────────────────────────────────────────────


def test_what_outlives_its_day_key_is_rewrapped_and_the_rest_is_not(home: Home) -> None:
    with home.engine.begin() as conn:
        short = home.live(conn, Sender("signal", "short"), "short", lives=DAY)
        long = home.live(conn, Sender("signal", "long"), "long", lives=14 * DAY)
        before = sealed_of(conn, short)
        assert rewrap(conn, home.keyring, NOON) == 0
        assert rewrap(conn, home.keyring, NOON + DAY) == 6  # the talk and five rows that wait
        assert rewrap(conn, home.keyring, NOON + DAY) == 0
        assert sealed_of(conn, short) == before
        assert home.keyring.destroy_expired(NOON + 2 * DAY) == 1
        assert home.shelf.load(conn, short) is None
        assert home.shelf.load(conn, long) is not None
        assert rows_of(home, conn, long) == ["say", "hand_off", "mail", "wake", "clear"]


def test_a_long_talk_lives_through_its_days_by_rewrapping_alone(home: Home) -> None:
    with home.engine.begin() as conn:
        who = home.live(conn, Sender("signal", "long"), "long", lives=14 * DAY)
        for day in range(1, 14):
            assert rewrap(conn, home.keyring, NOON + day * DAY) == 6
            home.keyring.destroy_expired(NOON + day * DAY)
            assert len(home.keyring.days()) <= 2
        assert home.shelf.load(conn, who) is not None


def test_after_days_of_standing_still_what_is_in_its_time_is_saved(home: Home) -> None:
    with home.engine.begin() as conn:
        short = home.live(conn, Sender("signal", "short"), "short", lives=DAY)
        long = home.live(conn, Sender("signal", "long"), "long", lives=14 * DAY)
    again = Keyring.open(home.directory / "keys", NOON + 9 * DAY)
    with home.engine.begin() as conn:
        assert expire(conn, NOON + 9 * DAY, 100) > 0
        assert rewrap(conn, again, NOON + 9 * DAY) == 6
        assert again.destroy_expired(NOON + 9 * DAY) == 1
        assert Shelf(again).load(conn, long) is not None
        assert Shelf(again).load(conn, short) is None


def test_no_more_than_the_limit_is_rewrapped_at_once(home: Home) -> None:
    with home.engine.begin() as conn:
        for number in range(5):
            home.live(conn, Sender("signal", str(number)), "words", lives=9 * DAY)
        assert [rewrap(conn, home.keyring, NOON + DAY, 13) for _ in range(4)] == [13, 13, 4, 0]


def test_a_row_that_cannot_be_rewrapped_is_deleted(home: Home) -> None:
    with home.engine.begin() as conn:
        home.live(conn, Sender("signal", "ana"), "words", lives=9 * DAY)
        conn.exec_driver_sql("UPDATE talk SET wrapped = substr(wrapped, 1, 40)")
        assert rewrap(conn, home.keyring, NOON + DAY) == 6
        assert count(conn, "talk") == 0
        assert count(conn, "outbox") == 5


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
