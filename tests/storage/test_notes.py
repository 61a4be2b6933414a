"""What stands beside a row's key comes back, and everything has its hour."""

import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.model import Answer, Clear, HandOff, Line, Say, Timer, Wake
from bot.storage.letters import Letter, Mail, Note, Ping
from bot.storage.notes import EPOCH, TRIED_FOR, Noted, due_of, is_bare, note_of, read_note, stamp, tried_until

NOON = datetime(2026, 11, 21, 12, 0, 30, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = NOON + HOUR
MAIL = Mail(0, "7K3QM4", "officer@x", "<1@x>", b"")
PING = Ping("account", "en", Line("duty.ping"), True, 0)
SAY = Say((Line("a"),), ("en",))
CRIED = HandOff("7K3QM4", 0, 1, None, (), "1234", answers=(Answer("sos", ("me",)), Answer("sos_act", ("act",))))


MOMENTS = st.datetimes(EPOCH.replace(tzinfo=None), timezones=st.just(UTC))


@given(st.builds(Noted, st.integers(0, 2**60), MOMENTS, st.booleans(), st.booleans()))
def test_serial_hour_rank_and_whether_the_hour_was_chosen_come_back(noted: Noted) -> None:
    assert read_note(note_of(noted)) == noted


def test_a_note_of_before_there_were_ranks_is_read() -> None:
    assert read_note(note_of(Noted(7, NOON))[:16]) == Noted(7, NOON)


@pytest.mark.parametrize("bare", [False, True])
def test_a_note_of_before_hours_were_chosen_is_read(bare: bool) -> None:
    assert read_note(struct.pack(">QQ?", 7, stamp(NOON), bare)) == Noted(7, NOON, bare)


@pytest.mark.parametrize(
    ("letter", "bare"),
    [
        (CRIED, True),
        (replace(CRIED, number=1), False),  # whatever is added tells more
        (replace(CRIED, answers=(*CRIED.answers, Answer("kinds", ("raid",)))), False),
        (SAY, False),
    ],
)
def test_a_case_is_bare_while_nothing_is_told_but_sos(letter: Letter, bare: bool) -> None:
    assert is_bare(letter) is bare


def test_what_is_due_before_all_time_is_due_at_its_beginning() -> None:
    assert read_note(note_of(Noted(1, EPOCH - HOUR))) == Noted(1, EPOCH)
    assert stamp(EPOCH + timedelta(seconds=1, microseconds=2)) == 1_000_002


@pytest.mark.parametrize(
    ("letter", "due"),
    [
        (SAY, NOON),
        (replace(SAY, not_before=LATER), LATER),
        (MAIL, NOON),
        (replace(MAIL, not_before=LATER), LATER),
        (PING, NOON),
        (replace(PING, not_before=LATER), LATER),
        (Clear(("1",), LATER), LATER),
        (Wake(Timer.UNREAD, LATER, 0), LATER),
        (HandOff("7K3QM4", 0, 3, None, (), "1234", not_before=LATER), NOON),
        (Note("officer@x", "name", Line("duty.subject_note"), ()), NOON),
    ],
)
def test_everything_has_its_hour(letter: Letter, due: datetime) -> None:
    assert due_of(letter, NOON) == due


def test_a_mail_is_tried_for_a_day_after_its_own_hour() -> None:
    row = NOON + TRIED_FOR
    assert tried_until(MAIL, NOON, row) == row
    assert tried_until(replace(MAIL, not_before=NOON + TRIED_FOR), NOON, row) == NOON + 2 * TRIED_FOR
    assert tried_until(MAIL, NOON, row + HOUR) == row + HOUR
