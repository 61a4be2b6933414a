"""Erased, expired and outlived rows leave nothing behind in any file; what must stay, stays."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from storage.canaries import hits
from storage.databases import Database, OnFile, contents
from storage.homes import HOUR, NOON, Home, count, home_in, rows_of, sealed_of

from bot.conversation.model import Sender
from bot.handoff.docket import Docket, Draft
from bot.storage.dockets import Dockets
from bot.storage.erasing import Truncating, erase, expire, rewrap
from bot.storage.keyring import Keyring
from bot.storage.tables import minute
from bot.storage.work import Shelf

DAY = timedelta(days=1)
TABLES = ("talk", "outbox", "way_back", "seen")
OFFICERS = ("docket", "mark", "draft")


@pytest.fixture
def home(tmp_path: Path, database: Database) -> Home:
    return home_in(tmp_path, database)


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
        assert hits(words, home.files()) == []
    assert len(kept) == 4
    if isinstance(home.database, OnFile):  # what a server leaves dies with its key: test_postgresql.py
        content = b"".join(contents(home.files()))
        assert [blob for blob in kept if blob[:64] in content] == []


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
