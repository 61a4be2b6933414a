"""Conversations come back as they were kept, for their person alone, and for nobody else to read."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from storage.canaries import files_under, hits
from storage.strategies_storage import values_of

from bot.conversation.model import Answer, Conversation, Sender
from bot.errors import SealingError
from bot.storage.envelope import Envelope
from bot.storage.keyring import Keyring
from bot.storage.schema import migrate
from bot.storage.statement import Statement
from bot.storage.tables import open_engine
from bot.storage.work import Shelf, encoded

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
TALK = Statement("SELECT expires, wrapped, sealed FROM talk WHERE who = :who")
SWAP = Statement("UPDATE talk SET wrapped = :wrapped, sealed = :sealed WHERE who = :who")


@pytest.fixture(scope="module")
def kept_long(tmp_path_factory: pytest.TempPathFactory) -> tuple[sa.Engine, Shelf]:
    """One database for all examples of a law."""
    directory = tmp_path_factory.mktemp("law")
    engine = open_engine(f"sqlite:///{directory}/x.db")
    migrate(engine)
    return engine, Shelf(Keyring.open(directory / "keys", NOON))


@settings(deadline=None)
@given(conversation=values_of(Conversation))
def test_any_conversation_comes_back_as_it_was_kept(
    kept_long: tuple[sa.Engine, Shelf], conversation: Conversation
) -> None:
    engine, shelf = kept_long
    with engine.begin() as conn:
        who = shelf.who(conversation.sender)
        shelf.keep(conn, who, conversation, NOON)
        assert shelf.load(conn, who) == conversation


def test_a_later_one_takes_the_place_of_an_earlier(
    conn: sa.Connection, shelf: Shelf, who: bytes, sender: Sender, now: datetime
) -> None:
    shelf.keep(conn, who, Conversation(sender, step="one"), now + HALF_HOUR)
    first = TALK(conn, who=who).fetchone()
    shelf.keep(conn, who, Conversation(sender, step="two"), now + 2 * HALF_HOUR)
    second = TALK(conn, who=who).fetchone()
    assert shelf.load(conn, who) == Conversation(sender, step="two")
    assert first is not None
    assert second is not None
    assert second[0] - first[0] == 30
    assert second[1] != first[1]  # a key of its own for each write


def test_what_was_dropped_or_never_kept_is_none(
    conn: sa.Connection, shelf: Shelf, who: bytes, sender: Sender, now: datetime
) -> None:
    assert shelf.load(conn, who) is None
    shelf.keep(conn, who, Conversation(sender), now)
    shelf.drop(conn, who)
    assert shelf.load(conn, who) is None


def test_people_are_told_apart_by_channel_and_address(shelf: Shelf) -> None:
    people = [Sender("signal", "1"), Sender("telegram", "1"), Sender("telegram", "11"), Sender("telegram1", "1")]
    assert len({shelf.who(sender) for sender in people}) == 4
    assert {len(shelf.who(sender)) for sender in people} == {16}


def test_a_sealed_length_says_only_how_many_buckets(
    conn: sa.Connection, shelf: Shelf, who: bytes, sender: Sender, now: datetime
) -> None:
    lengths = set()
    for count in range(0, 600, 50):
        shelf.keep(conn, who, Conversation(sender, answers=(Answer("a", words="x" * count),)), now)
        row = TALK(conn, who=who).fetchone()
        assert row is not None
        lengths.add(len(row[2]) - 29)  # algorithm, nonce, tag
    assert lengths == {1024}


def test_rows_that_were_swapped_are_treated_as_gone(
    conn: sa.Connection, shelf: Shelf, who: bytes, sender: Sender, now: datetime
) -> None:
    other = shelf.who(Sender("telegram", "other"))
    shelf.keep(conn, who, Conversation(sender), now)
    shelf.keep(conn, other, Conversation(sender), now)
    row = TALK(conn, who=who).fetchone()
    assert row is not None
    SWAP(conn, who=other, wrapped=row[1], sealed=row[2])
    assert shelf.load(conn, other) is None
    assert shelf.load(conn, who) is not None


@dataclass(frozen=True)
class Older:
    """A conversation as another version of the bot may have kept it."""

    sender: Sender
    page: str = "not a number any more"


@pytest.mark.parametrize("letter", [encoded(Older(Sender("t", "1"))), b"{", b"\xff", b"", b"[]"])
def test_what_another_version_kept_is_treated_as_gone(
    conn: sa.Connection, keyring: Keyring, shelf: Shelf, who: bytes, letter: bytes
) -> None:
    shelf.keep(conn, who, Conversation(Sender("t", "1")), NOON)
    wrapped, sealed = Envelope(keyring, "talk").close(who, letter)
    SWAP(conn, who=who, wrapped=wrapped, sealed=sealed)
    assert shelf.load(conn, who) is None


def test_what_was_kept_under_a_destroyed_day_is_gone(
    conn: sa.Connection, keyring: Keyring, shelf: Shelf, who: bytes
) -> None:
    shelf.keep(conn, who, Conversation(Sender("t", "1")), NOON + timedelta(days=9))
    keyring.destroy_expired(NOON + timedelta(days=2))
    assert shelf.load(conn, who) is None


def test_half_a_character_is_refused_without_being_shown(
    conn: sa.Connection, shelf: Shelf, who: bytes, sender: Sender, now: datetime
) -> None:
    broken = Conversation(sender, answers=(Answer("a", words="canary\ud83d"),))
    with pytest.raises(SealingError) as caught:
        shelf.keep(conn, who, broken, now)
    assert "canary" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_message_is_seen_once_per_person_and_channel(
    conn: sa.Connection, shelf: Shelf, sender: Sender, now: datetime
) -> None:
    assert not shelf.seen_before(conn, sender, "77", now)
    assert shelf.seen_before(conn, sender, "77", now)
    assert not shelf.seen_before(conn, sender, "78", now)
    assert not shelf.seen_before(conn, replace(sender, address="4712"), "77", now)
    assert not shelf.seen_before(conn, replace(sender, channel="signal"), "77", now)


def test_a_return_code_leads_to_its_person(conn: sa.Connection, shelf: Shelf, who: bytes, now: datetime) -> None:
    shelf.remember_code(conn, "1234567890123456", who, now + timedelta(days=14))
    assert shelf.who_returns(conn, "1234567890123456") == who
    assert shelf.who_returns(conn, "1234567890123457") is None


def test_cases_are_counted_by_week_level_and_language(conn: sa.Connection, shelf: Shelf) -> None:
    for week, level, language in [("2026-W47", 1, "es"), ("2026-W47", 1, "es"), ("2026-W47", 2, "es")]:
        shelf.count(conn, week, level, language)
    rows = conn.exec_driver_sql("SELECT week, level, language, number FROM counts ORDER BY level").all()
    assert [tuple(row) for row in rows] == [("2026-W47", 1, "es", 2), ("2026-W47", 2, "es", 1)]


def test_nothing_kept_stands_in_clear_in_any_file(
    engine: sa.Engine, shelf: Shelf, now: datetime, tmp_path: Path
) -> None:
    canaries = [f"kanarienvögel-{n}-qwertzuiop" for n in range(8)]
    person = Sender("signal", canaries[0])
    answer = Answer(canaries[1], (canaries[2],), canaries[3], message=canaries[4])
    with engine.connect() as conn:
        with conn.begin():
            who = shelf.who(person)
            shelf.keep(conn, who, Conversation(person, step=canaries[5], answers=(answer,)), now)
            shelf.seen_before(conn, person, canaries[6], now)
            shelf.remember_code(conn, canaries[7], who, now)
        files = files_under(tmp_path)
        assert {"postigo.db", "postigo.db-wal", "postigo.db-shm", "keys"} <= {path.name for path in files}
        assert hits(canaries, files) == []
        assert any(who in path.read_bytes() for path in files)  # the search looked where the row stands
