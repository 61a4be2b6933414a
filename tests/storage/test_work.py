"""Conversations come back as they were kept, for their person alone, and for nobody else to read."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from storage.canaries import files_under, hits
from storage.databases import Database, contents
from storage.strategies_storage import values_of

from bot.conversation.model import Answer, Conversation, Sender
from bot.errors import SealingError
from bot.storage.envelope import Envelope
from bot.storage.erasing import erase, expire
from bot.storage.keyring import Keyring
from bot.storage.statement import Statement
from bot.storage.work import Shelf, encoded

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
TALK = Statement("SELECT expires, wrapped, sealed FROM talk WHERE who = :who")
SWAP = Statement("UPDATE talk SET wrapped = :wrapped, sealed = :sealed WHERE who = :who")


@settings(deadline=None)
@given(conversation=values_of(Conversation))
def test_any_conversation_comes_back_as_it_was_kept(
    law_conn: sa.Connection, law_keyring: Keyring, conversation: Conversation
) -> None:
    shelf = Shelf(law_keyring)
    with law_conn.begin() as transaction:
        who = shelf.who(conversation.sender)
        shelf.keep(law_conn, who, conversation, NOON)
        assert shelf.load(law_conn, who) == conversation
        transaction.rollback()


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


# ── a code that carries a talk ─────────────────────────────────────────────────────────────────────────

MINUTE = timedelta(minutes=1)


def test_a_lent_code_leads_to_its_person_once(conn: sa.Connection, shelf: Shelf, who: bytes, now: datetime) -> None:
    shelf.lend_code(conn, "123456789012", who, now + 15 * MINUTE)
    assert shelf.spend_code(conn, "123456789013", now) is None
    assert shelf.spend_code(conn, "123456789012", now) == who
    assert shelf.spend_code(conn, "123456789012", now) is None


@pytest.mark.parametrize(("minutes", "leads"), [(0, True), (14, True), (15, False), (16, False), (24 * 60, False)])
def test_a_lent_code_leads_nowhere_after_its_quarter_of_an_hour(
    conn: sa.Connection, shelf: Shelf, who: bytes, now: datetime, minutes: int, leads: bool
) -> None:
    shelf.lend_code(conn, "123456789012", who, now + 15 * MINUTE)
    assert (shelf.spend_code(conn, "123456789012", now + minutes * MINUTE) == who) == leads


def test_a_code_that_came_too_late_does_not_come_alive_again(
    conn: sa.Connection, shelf: Shelf, who: bytes, now: datetime
) -> None:
    shelf.lend_code(conn, "123456789012", who, now + 15 * MINUTE)
    assert shelf.spend_code(conn, "123456789012", now + 20 * MINUTE) is None
    assert expire(conn, now + 20 * MINUTE, 10) == 1
    assert shelf.spend_code(conn, "123456789012", now) is None


def test_a_return_code_carries_no_talk_and_a_lent_code_brings_nobody_back(
    conn: sa.Connection, shelf: Shelf, who: bytes, now: datetime
) -> None:
    shelf.remember_code(conn, "123456789012", who, now + timedelta(days=14))
    assert shelf.spend_code(conn, "123456789012", now) is None
    shelf.lend_code(conn, "999999999999", who, now + 15 * MINUTE)
    assert shelf.who_returns(conn, "999999999999") is None
    assert shelf.who_returns(conn, "123456789012") == who


def test_with_a_talk_its_codes_go(conn: sa.Connection, shelf: Shelf, who: bytes, sender: Sender, now: datetime) -> None:
    other = shelf.who(replace(sender, address="4712"))
    shelf.lend_code(conn, "111111111111", who, now + 15 * MINUTE)
    shelf.lend_code(conn, "222222222222", who, now + 15 * MINUTE)
    shelf.lend_code(conn, "333333333333", other, now + 15 * MINUTE)
    shelf.drop_codes(conn, who)
    codes = [str(digit) * 12 for digit in (1, 2, 3)]
    assert [shelf.spend_code(conn, code, now) for code in codes] == [None, None, other]


def test_who_is_erased_has_lent_no_code(conn: sa.Connection, shelf: Shelf, who: bytes, now: datetime) -> None:
    shelf.lend_code(conn, "123456789012", who, now + 15 * MINUTE)
    erase(conn, who)
    assert shelf.spend_code(conn, "123456789012", now) is None


# ── what was taken from a platform's queue ─────────────────────────────────────────────────────────────


def test_a_place_in_a_queue_is_known_from_the_first_that_was_taken(
    conn: sa.Connection, shelf: Shelf, now: datetime
) -> None:
    assert shelf.place(conn, "telegram 1", now) == 0
    shelf.move(conn, "telegram 1", 77, now)
    shelf.move(conn, "telegram 1", 80, now)
    assert shelf.place(conn, "telegram 1", now) == 80
    assert shelf.place(conn, "telegram 2", now) == 0


@pytest.mark.parametrize(("hours", "place"), [(0, 80), (24, 80), (25, 80), (25.05, 0), (24 * 8, 0)])
def test_a_place_is_forgotten_when_the_platform_may_count_anew(
    conn: sa.Connection, shelf: Shelf, now: datetime, hours: float, place: int
) -> None:
    shelf.move(conn, "telegram 1", 80, now)
    assert shelf.place(conn, "telegram 1", now + timedelta(hours=hours)) == place


def test_a_place_that_was_half_stored_counts_for_nothing(conn: sa.Connection, shelf: Shelf, now: datetime) -> None:
    shelf.move(conn, "telegram 1", 80, now)
    conn.exec_driver_sql("DELETE FROM state WHERE name = 'telegram 1'")
    assert shelf.place(conn, "telegram 1", now) == 0


# ── who was erased ─────────────────────────────────────────────────────────────────────────────────────


def test_of_an_erased_person_one_message_is_known_again_and_nothing_else(
    conn: sa.Connection, shelf: Shelf, sender: Sender, who: bytes, now: datetime
) -> None:
    erase(conn, who)
    shelf.remember_erasing(conn, sender, "77", now)
    shelf.remember_erasing(conn, sender, "77", now)
    assert shelf.erased_by(conn, sender, "77")
    assert not shelf.erased_by(conn, sender, "78")
    assert not shelf.erased_by(conn, replace(sender, address="4712"), "77")
    assert not shelf.erased_by(conn, replace(sender, channel="signal"), "77")
    (mark,) = conn.exec_driver_sql("SELECT hash FROM seen").scalars().all()
    assert who not in mark
    assert not shelf.seen_before(conn, sender, "77", now)  # another mark


def test_the_mark_of_an_erasing_goes_after_72_hours_and_not_with_the_next_erasing(
    conn: sa.Connection, shelf: Shelf, sender: Sender, who: bytes, now: datetime
) -> None:
    shelf.remember_erasing(conn, sender, "77", now)
    erase(conn, who)
    assert shelf.erased_by(conn, sender, "77")
    assert expire(conn, now + timedelta(hours=71), 10) == 0
    assert expire(conn, now + timedelta(hours=73), 10) == 1
    assert not shelf.erased_by(conn, sender, "77")


# ── whose talk is past its time ────────────────────────────────────────────────────────────────────────


def test_people_whose_talk_is_past_its_minute_are_named_so_many_at_most(
    conn: sa.Connection, shelf: Shelf, now: datetime
) -> None:
    people = [Sender("telegram", f"person {number}") for number in range(5)]
    for number, person in enumerate(people):
        shelf.keep(conn, shelf.who(person), Conversation(person), now + number * MINUTE)
    assert shelf.expired(conn, now - MINUTE, 10) == []
    assert set(shelf.expired(conn, now + 2 * MINUTE, 10)) == {shelf.who(person) for person in people[:3]}
    assert len(shelf.expired(conn, now + HALF_HOUR, 4)) == 4


# ── counted, and hidden ────────────────────────────────────────────────────────────────────────────────


def test_cases_are_counted_by_week_level_and_language(conn: sa.Connection, shelf: Shelf) -> None:
    for week, level, language in [("2026-W47", 1, "es"), ("2026-W47", 1, "es"), ("2026-W47", 2, "es")]:
        shelf.count(conn, week, level, language)
    rows = conn.exec_driver_sql("SELECT week, level, language, number FROM counts ORDER BY level").all()
    assert [tuple(row) for row in rows] == [("2026-W47", 1, "es", 2), ("2026-W47", 2, "es", 1)]


def test_nothing_kept_stands_in_clear_in_any_file(
    engine: sa.Engine, shelf: Shelf, now: datetime, database: Database, tmp_path: Path
) -> None:
    canaries = [f"kanarienvögel-{n}-qwertzuiop" for n in range(11)]
    person = Sender("signal", canaries[0])
    answer = Answer(canaries[1], (canaries[2],), canaries[3], message=canaries[4])
    with engine.connect() as conn:
        with conn.begin():
            who = shelf.who(person)
            traces = ((canaries[8], 29_000_000),)
            shelf.keep(conn, who, Conversation(person, step=canaries[5], answers=(answer,), traces=traces), now)
            shelf.seen_before(conn, person, canaries[6], now)
            shelf.remember_code(conn, canaries[7], who, now)
            shelf.lend_code(conn, canaries[9], who, now)
            shelf.remember_erasing(conn, person, canaries[10], now)
        files = [*files_under(tmp_path), *database.files()]
        assert "keys" in {path.name for path in files}
        assert hits(canaries, files) == []
        assert any(who in content for content in contents(files))  # the search looked where the row stands
