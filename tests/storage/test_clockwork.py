"""A clock that is set back delays no mail, ping or timer; one that runs, or is set forward, moves nothing."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.conversation.model import Clear, HandOff, Line, Say, Sender, Timer, Wake
from bot.storage.clockwork import TOLERATED, Watched, set_back
from bot.storage.keyring import Keyring
from bot.storage.outbox import Mail, Outbox, Ping
from bot.storage.tables import OTHER

NOON = datetime.fromisoformat("2026-11-21T12:00:00+00:00")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
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


def a_case(conn: sa.Connection, outbox: Outbox, at: datetime) -> None:
    """Put a case, and its mail, that are tried for a day; and words, of which nothing is kept for longer."""
    case = HandOff("7K3QM4", 0, 1, None, (), "1234")
    outbox.put(
        conn,
        WHO,
        ANA,
        (case, Mail(0, "7K3QM4", "officer@x", "<1@x>", b""), Say((Line("say.read"),), ("en",))),
        at,
        lane=OTHER,
        expires=at + DAY,
    )


def test_time_in_which_the_bot_did_not_run_is_no_jump(conn: sa.Connection, outbox: Outbox) -> None:
    set_back(conn, outbox, NOON, NONE)
    a_case(conn, outbox, NOON)
    assert set_back(conn, outbox, NOON + 30 * HOUR, NONE) == NONE
    assert due(conn, outbox, NOON + 30 * HOUR) == []


def test_a_clock_that_was_set_back_once_is_believed_from_then_on(conn: sa.Connection, outbox: Outbox) -> None:
    set_back(conn, outbox, NOON, NONE)
    assert set_back(conn, outbox, NOON - HOUR, NONE) == HOUR
    assert set_back(conn, outbox, NOON - HOUR + MINUTE, MINUTE) == NONE


def test_a_clock_that_was_ahead_for_a_moment_between_two_looks_keeps_no_case_waiting(
    conn: sa.Connection, outbox: Outbox
) -> None:
    shown, steady = [NOON], [0.0]
    clock = Watched(lambda: shown[0], lambda: steady[0])
    set_back(conn, outbox, clock(), NONE)
    shown[0] = NOON + 3 * HOUR
    a_case(conn, outbox, clock())
    shown[0], steady[0] = NOON + MINUTE, 60.0
    assert due(conn, outbox, clock()) == []
    at, been_ahead = clock.look()
    assert set_back(conn, outbox, at, MINUTE, been_ahead) == 3 * HOUR
    assert due(conn, outbox, NOON + 2 * MINUTE) == ["hand_off", "mail", "say"]
    assert clock.look() == (at, NONE)


@pytest.mark.parametrize("timed", ["put", "tried again"])
def test_a_clock_that_was_ahead_until_the_bot_was_killed_keeps_no_case_waiting(
    conn: sa.Connection, keyring: Keyring, timed: str
) -> None:
    killed = Outbox(keyring)
    set_back(conn, killed, NOON, NONE)
    killed.looked = NOON
    a_case(conn, killed, NOON + 3 * HOUR if timed == "put" else NOON)
    if timed == "tried again":
        for row in killed.claimable(conn, NOON, 9, ()):
            assert killed.mark_trying(conn, row.id) and killed.again(conn, row.id, NOON + 3 * HOUR, MINUTE)
    killed.put(conn, b"b" * 16, ANA, (), NOON + 20 * MINUTE, lane=OTHER, expires=NOON + DAY)  # less far ahead, later
    begun = Outbox(keyring)
    assert due(conn, begun, NOON + 2 * MINUTE) == []
    assert set_back(conn, begun, NOON + MINUTE, NONE) == 3 * HOUR - MINUTE
    assert due(conn, begun, NOON + 3 * MINUTE) == ["hand_off", "mail", "say"]
    assert set_back(conn, begun, NOON + 2 * MINUTE, MINUTE) == NONE


def test_a_clock_that_is_right_while_nobody_could_look_at_it_moves_nothing(conn: sa.Connection, outbox: Outbox) -> None:
    set_back(conn, outbox, NOON, NONE)
    waiting(conn, outbox)
    a_case(conn, outbox, NOON + 20 * MINUTE)
    assert set_back(conn, outbox, NOON + 25 * MINUTE, 25 * MINUTE) == NONE
    assert "wake" not in due(conn, outbox, NOON + HOUR - MINUTE)


def test_what_was_to_be_done_at_once_by_a_clock_that_was_ahead_is_done_when_it_is_set_back(
    conn: sa.Connection, outbox: Outbox
) -> None:
    """A case in these hours is the worst that may wait: nobody would know of it."""
    ahead = NOON + 3 * HOUR
    case = HandOff("7K3QM4", 0, 1, None, (), "1234")
    later = (Say((Line("say.read"),), ("en",), not_before=ahead + HOUR), Clear(("2",), ahead + HOUR))
    at_once = (Say((Line("say.codes"),), ("en",)), case, Clear(("1",)), *later)
    outbox.put(conn, WHO, ANA, at_once, ahead, lane=OTHER, expires=ahead + 99 * HOUR)
    again = outbox.claimable(conn, ahead, 1, ())[0]
    assert outbox.mark_trying(conn, again.id) and outbox.again(conn, again.id, ahead, MINUTE)
    set_back(conn, outbox, ahead, NONE)
    assert due(conn, outbox, NOON) == []
    assert set_back(conn, outbox, NOON, NONE) == 3 * HOUR
    assert due(conn, outbox, NOON + MINUTE) == ["say", "hand_off", "clear"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 90), st.integers(-600, 600) | st.just(0)), max_size=8))
def test_however_the_clock_is_set_nothing_leaves_later_than_it_would_have(
    law_conn: sa.Connection, law_keyring: Keyring, looks: list[tuple[int, int]]
) -> None:
    """`looks`: minutes that truly pass, then by how many the clock is set; each time it is looked at."""
    outbox = Outbox(law_keyring)
    with law_conn.begin() as transaction:
        set_back(law_conn, outbox, NOON, NONE)
        waiting(law_conn, outbox)
        clock, truly = NOON, NONE
        for minutes, moved in looks:
            clock += (minutes + moved) * MINUTE
            truly += minutes * MINUTE
            set_back(law_conn, outbox, clock, minutes * MINUTE)
        slack = len(looks) * TOLERATED  # what is taken for drift each time
        left = max(HOUR - truly, NONE) + slack
        assert "mail" in due(law_conn, outbox, clock + left)
        transaction.rollback()
