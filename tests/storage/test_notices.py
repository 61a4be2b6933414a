"""Cases of a mission without keys: the one kind that the bot can read, three days at most."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bot.conversation.model import Answer, HandOff
from bot.handoff.docket import HELD_FOR
from bot.storage.erasing import erase, expire, rewrap
from bot.storage.keyring import Keyring
from bot.storage.notices import Notices

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
CASE = HandOff("7K3QM4", 0, 1, None, ("sos_me",), "4821", answers=(Answer("text", (), "canary words"),), at=NOW)
WHO, OTHER = b"w" * 16, b"o" * 16


def test_a_case_is_read_by_its_reference_and_gone_once_it_is_done(engine: sa.Engine, keyring: Keyring) -> None:
    notices = Notices(keyring)
    addition = replace(CASE, number=1)
    with engine.begin() as conn:
        notices.keep(conn, WHO, CASE, NOW)
        notices.keep(conn, WHO, addition, NOW)
        assert notices.read(conn, "7K3QM4", 0, NOW) == CASE
        assert notices.read(conn, "7K3QM4", 1, NOW) == addition
        assert notices.read(conn, "7K3QM5", 0, NOW) is None
        notices.done(conn, "7K3QM4", 0)
        assert notices.read(conn, "7K3QM4", 0, NOW) is None
        assert notices.read(conn, "7K3QM4", 1, NOW) == addition


def test_a_case_is_no_longer_read_after_three_days_and_the_rounds_delete_it(
    engine: sa.Engine, keyring: Keyring
) -> None:
    notices = Notices(keyring)
    with engine.begin() as conn:
        notices.keep(conn, WHO, CASE, NOW)
        assert notices.read(conn, "7K3QM4", 0, NOW + HELD_FOR - timedelta(minutes=1)) == CASE
        assert notices.read(conn, "7K3QM4", 0, NOW + HELD_FOR) is None
        assert expire(conn, NOW + HELD_FOR - timedelta(minutes=1), 500) == 0
        assert expire(conn, NOW + HELD_FOR, 500) == 1


def test_a_case_outlives_the_day_it_was_sealed_on_only_by_being_wrapped_anew(
    engine: sa.Engine, keyring: Keyring
) -> None:
    notices = Notices(keyring)
    later = NOW + timedelta(days=2)
    with engine.begin() as conn:
        notices.keep(conn, WHO, CASE, NOW)
        notices.keep(conn, OTHER, replace(CASE, reference="LOST00"), NOW)
        tomorrow = NOW + timedelta(days=1)
        assert rewrap(conn, keyring, tomorrow, limit=1) == 1
        keyring.today(later)
        keyring.destroy_expired(later)
        found = [notices.read(conn, reference, 0, later) for reference in ("7K3QM4", "LOST00")]
    assert sum(one is not None for one in found) == 1


def test_erase_deletes_the_cases_of_one_person_alone(engine: sa.Engine, keyring: Keyring) -> None:
    notices = Notices(keyring)
    with engine.begin() as conn:
        notices.keep(conn, WHO, CASE, NOW)
        notices.keep(conn, OTHER, replace(CASE, reference="7K3QM5"), NOW)
        erase(conn, WHO)
        assert notices.read(conn, "7K3QM4", 0, NOW) is None
        assert notices.read(conn, "7K3QM5", 0, NOW) is not None


def test_a_case_that_its_row_does_not_hold_is_not_read(engine: sa.Engine, keyring: Keyring) -> None:
    notices = Notices(keyring)
    with engine.begin() as conn:
        notices.keep(conn, WHO, CASE, NOW)
        conn.execute(sa.text("UPDATE notice SET sealed = wrapped"))
        assert notices.read(conn, "7K3QM4", 0, NOW) is None
