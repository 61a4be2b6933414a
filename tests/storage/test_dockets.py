"""Dockets are found by reference, person, token and mail, and by nobody without the keys; drafts wait for one word."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from storage.canaries import files_under, hits
from storage.databases import Database, contents
from storage.strategies_storage import values_of

from bot.errors import SealingError
from bot.handoff.docket import Docket, Draft, State, Told
from bot.storage.dockets import Dockets, Filed
from bot.storage.keyring import Keyring
from bot.storage.statement import Statement
from bot.storage.tables import minute

NOON = datetime.fromisoformat("2026-11-21T12:00:00+00:00")
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ANA, BEN = b"a" * 16, b"b" * 16
TOLD = (Told(0, "officer@mission.example", 0, NOON, "<1@bot.example>", State.LEFT),)
UNTIL = minute(NOON + 14 * DAY)
LATER = NOON + 14 * DAY


def opened(reference: str = "7K3QM4", level: int = 1, at: datetime = NOON) -> Docket:
    return Docket(reference, level, "es", at, TOLD)


@pytest.fixture
def dockets(keyring: Keyring) -> Dockets:
    keyring.today(NOON)
    return Dockets(keyring)


# ── dockets ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_docket_is_found_by_its_reference_and_by_its_person(conn: sa.Connection, dockets: Dockets) -> None:
    dockets.keep(conn, ANA, opened(), UNTIL)
    dockets.keep(conn, BEN, opened("K7Q2FX"), UNTIL)
    filed = Filed(opened(), ANA, UNTIL)
    assert dockets.find(conn, "7K3QM4") == filed
    assert dockets.of(conn, ANA) == [filed]
    assert dockets.find(conn, "AAAAAA") is None
    assert dockets.of(conn, b"c" * 16) == []


def test_a_docket_is_kept_in_the_place_of_the_one_before(conn: sa.Connection, dockets: Dockets) -> None:
    dockets.keep(conn, ANA, opened(), UNTIL)
    dockets.keep(conn, ANA, opened(level=3), UNTIL + 1)
    assert dockets.of(conn, ANA) == [Filed(opened(level=3), ANA, UNTIL + 1)]


def test_open_cases_come_gravest_first_then_oldest_and_none_whose_time_is_over(
    conn: sa.Connection, dockets: Dockets
) -> None:
    for reference, level, age in (("MILD", 3, 9), ("YOUNG", 1, 1), ("OLD", 1, 2)):
        dockets.keep(conn, ANA, opened(reference, level, NOON - age * MINUTE), UNTIL)
    dockets.keep(conn, ANA, opened("OVER"), minute(NOON))
    assert [one.docket.reference for one in dockets.everything(conn, NOON)] == ["OLD", "YOUNG", "MILD"]


def test_what_leads_to_a_dropped_docket_is_dropped_with_it_and_nothing_else(
    conn: sa.Connection, dockets: Dockets
) -> None:
    for who, reference in ((ANA, "7K3QM4"), (BEN, "K7Q2FX")):
        dockets.keep(conn, who, opened(reference), UNTIL)
        dockets.mark(conn, dockets.hashed("mail", reference), reference, UNTIL)
    dockets.drop(conn, ANA)
    assert (dockets.of(conn, ANA), dockets.marked(conn, "mail", "7K3QM4", NOON)) == ([], None)
    assert dockets.marked(conn, "mail", "K7Q2FX", NOON) == dockets.find(conn, "K7Q2FX")
    assert conn.exec_driver_sql("SELECT count(*) FROM mark").scalar_one() == 1


@pytest.mark.parametrize("spoiled", ["UPDATE docket SET sealed = :spoiled", "UPDATE docket SET wrapped = :spoiled"])
def test_a_docket_that_does_not_open_is_none(conn: sa.Connection, dockets: Dockets, spoiled: str) -> None:
    dockets.keep(conn, ANA, opened(), UNTIL)
    Statement(spoiled)(conn, spoiled=b"\0")
    assert (dockets.find(conn, "7K3QM4"), dockets.everything(conn, NOON)) == (None, [])


@settings(deadline=None)
@given(docket=values_of(Docket), draft=values_of(Draft))
def test_any_docket_and_any_draft_come_back_as_they_were_kept(
    law_conn: sa.Connection, law_keyring: Keyring, docket: Docket, draft: Draft
) -> None:
    kept = Dockets(law_keyring)
    with law_conn.begin() as transaction:
        kept.keep(law_conn, ANA, docket, UNTIL)
        kept.hold(law_conn, "officer", draft, NOON)
        assert kept.find(law_conn, docket.reference) == Filed(docket, ANA, UNTIL)
        assert kept.let_go(law_conn, "officer") == draft
        transaction.rollback()


# ── marks ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_leads_to_its_case_until_it_is_spent_or_over(conn: sa.Connection, dockets: Dockets) -> None:
    dockets.keep(conn, ANA, opened(), UNTIL)
    for token in ("one", "two"):
        dockets.mark(conn, dockets.hashed("token", token), "7K3QM4", UNTIL)
    assert dockets.marked(conn, "token", "one", LATER - MINUTE) == Filed(opened(), ANA, UNTIL)
    assert dockets.marked(conn, "token", "one", LATER) is None
    assert dockets.marked(conn, "mail", "one", NOON) is None  # a mail's name is no token
    dockets.spend(conn, "token", "one")
    assert dockets.marked(conn, "token", "one", NOON) is None
    assert dockets.marked(conn, "token", "two", NOON) is not None


def test_a_mark_whose_case_is_gone_leads_nowhere(conn: sa.Connection, dockets: Dockets) -> None:
    dockets.mark(conn, dockets.hashed("mail", "<1@x>"), "7K3QM4", UNTIL)
    assert dockets.marked(conn, "mail", "<1@x>", NOON) is None


def test_a_mark_stays_what_it_was_when_a_mail_is_sealed_again(conn: sa.Connection, dockets: Dockets) -> None:
    dockets.keep(conn, ANA, opened(), UNTIL)
    dockets.keep(conn, BEN, opened("K7Q2FX"), UNTIL)
    for reference in ("7K3QM4", "K7Q2FX"):
        dockets.mark(conn, dockets.hashed("mail", "<1@x>"), reference, UNTIL)
    found = dockets.marked(conn, "mail", "<1@x>", NOON)
    assert found is not None and found.docket.reference == "7K3QM4"


def test_what_is_kept_of_a_token_tells_nothing_without_the_keys(tmp_path: Path, dockets: Dockets) -> None:
    other = Dockets(Keyring.open(tmp_path / "other keys", NOON))
    assert dockets.hashed("token", "x") != other.hashed("token", "x")
    assert dockets.hashed("token", "x") != dockets.hashed("mail", "x")
    assert dockets.mail_key() != other.mail_key()


# ── drafts ───────────────────────────────────────────────────────────────────────────────────────────────


def test_words_wait_once_for_their_officer_alone(conn: sa.Connection, dockets: Dockets) -> None:
    first, second = Draft("7K3QM4", "one", NOON), Draft("7K3QM4", "two", NOON)
    dockets.hold(conn, "a@x", first, NOON)
    dockets.hold(conn, "a@x", second, NOON)
    assert dockets.let_go(conn, "b@x") is None
    assert dockets.let_go(conn, "a@x") == second
    assert dockets.let_go(conn, "a@x") is None


def test_words_that_do_not_open_are_dropped(conn: sa.Connection, dockets: Dockets) -> None:
    dockets.hold(conn, "a@x", Draft("7K3QM4", "one", NOON), NOON)
    Statement("UPDATE draft SET sealed = :spoiled")(conn, spoiled=b"\0")
    assert dockets.let_go(conn, "a@x") is None
    assert conn.exec_driver_sql("SELECT count(*) FROM draft").scalar_one() == 0


def test_half_a_character_is_refused(conn: sa.Connection, dockets: Dockets) -> None:
    with pytest.raises(SealingError):
        dockets.hold(conn, "a@x", Draft("7K3QM4", "\ud83d", NOON), NOON)


def test_nothing_of_a_docket_or_draft_stands_in_clear(
    engine: sa.Engine, database: Database, tmp_path: Path, keyring: Keyring
) -> None:
    kept, words = Dockets(keyring), [f"käфigäöлж-{number}-qwertzuiop" for number in range(6)]
    told = (Told(0, words[0], 0, NOON, words[1]),)
    with engine.connect() as conn:
        with conn.begin():
            kept.keep(conn, ANA, Docket(words[2], 1, "es", NOON, told, words[0], NOON, waiting=(words[3],)), UNTIL)
            kept.mark(conn, kept.hashed("token", words[4]), words[2], UNTIL)
            kept.hold(conn, words[0], Draft(words[2], words[5], NOON), NOON)
        files = [*files_under(tmp_path), *database.files()]
        assert hits(words, files) == []
        assert any(ANA in content for content in contents(files))  # the search looked where the row stands
        assert kept.find(conn, words[2]) is not None
