"""A clock that is set back delays no mail, ping or timer; one that runs, or is set forward, moves nothing."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.conversation.model import Line, Say, Sender, Timer, Wake
from bot.storage.clockwork import TOLERATED, set_back
from bot.storage.keyring import Keyring
from bot.storage.outbox import Mail, Outbox, Ping
from bot.storage.schema import migrate
from bot.storage.tables import OTHER, open_engine

NOON = datetime.fromisoformat("2026-11-21T12:00:00+00:00")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
NONE = timedelta(0)
ANA, WHO = Sender("signal", "ana"), b"a" * 16


def waiting(conn: sa.Connection, outbox: Outbox) -> None:
    """Put what waits an hour: everything that keeps its distance, and words for a morning, which keep their hour."""
    effects = (
        Mail(0, "7K3QM4", "officer@x", "<1@x>", b"", NOON + HOUR, place=1),
        Ping("account", "en", Line("duty.ping"), True, 1, NOON + HOUR),
        Wake(Timer.UNREAD, NOON + HOUR, 0),
        Say((Line("say.read"),), ("en",), not_before=NOON + HOUR),
    )
    outbox.put(conn, WHO, ANA, effects, NOON, lane=OTHER, expires=NOON + 99 * HOUR)


def due(conn: sa.Connection, outbox: Outbox, at: datetime) -> list[str]:
    return [row.kind for row in outbox.claimable(conn, at, 9, ())]


def test_the_first_look_moves_nothing(conn: sa.Connection, outbox: Outbox) -> None:
    waiting(conn, outbox)
    assert set_back(conn, outbox, NOON, NONE) == NONE
    assert due(conn, outbox, NOON + HOUR - MINUTE) == []


@pytest.mark.parametrize(
    ("passed", "shown", "back"),
    [
        (MINUTE, MINUTE, NONE),  # it ran
        (MINUTE, 5 * HOUR, NONE),  # set forward
        (MINUTE, MINUTE - TOLERATED, NONE),  # drifted
        (MINUTE, -30 * MINUTE, 31 * MINUTE),  # set back while the bot ran
        (NONE, -30 * MINUTE, 30 * MINUTE),  # set back while it didn't
        (5 * HOUR, HOUR, 4 * HOUR),  # stood still
    ],
)
def test_what_waits_keeps_its_distance_when_the_clock_is_set_back(
    conn: sa.Connection, outbox: Outbox, passed: timedelta, shown: timedelta, back: timedelta
) -> None:
    set_back(conn, outbox, NOON, NONE)
    waiting(conn, outbox)
    assert set_back(conn, outbox, NOON + shown, passed) == back
    assert due(conn, outbox, NOON + HOUR - back - MINUTE) == []
    assert due(conn, outbox, NOON + HOUR - back) == ["mail", "ping", "wake", *([] if back else ["say"])]


def test_a_clock_that_was_set_back_once_is_believed_from_then_on(conn: sa.Connection, outbox: Outbox) -> None:
    set_back(conn, outbox, NOON, NONE)
    assert set_back(conn, outbox, NOON - HOUR, NONE) == HOUR
    assert set_back(conn, outbox, NOON - HOUR + MINUTE, MINUTE) == NONE


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 90), st.integers(-600, 600) | st.just(0)), max_size=8))
def test_however_the_clock_is_set_nothing_leaves_later_than_it_would_have(
    tmp_path_factory: pytest.TempPathFactory, looks: list[tuple[int, int]]
) -> None:
    """`looks`: minutes that truly pass, then by how many the clock is set; each time it is looked at."""
    directory = tmp_path_factory.mktemp("law")
    engine, outbox = open_engine(f"sqlite:///{directory}/x.db"), Outbox(Keyring.open(directory / "keys", NOON))
    migrate(engine)
    with engine.begin() as conn:
        set_back(conn, outbox, NOON, NONE)
        waiting(conn, outbox)
        clock, truly = NOON, NONE
        for minutes, moved in looks:
            clock += (minutes + moved) * MINUTE
            truly += minutes * MINUTE
            set_back(conn, outbox, clock, minutes * MINUTE)
        slack = len(looks) * TOLERATED  # what is taken for drift each time
        left = max(HOUR - truly, NONE) + slack
        assert "mail" in due(conn, outbox, clock + left)
