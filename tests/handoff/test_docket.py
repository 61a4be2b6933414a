"""What is kept of a case for officers: how far its mails are, who has read it, and how many answers may go."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.handoff.docket import (
    UNANSWERED,
    Docket,
    Draft,
    State,
    Told,
    acknowledged,
    came_back,
    filed,
    heard_of_it,
    left,
    may_pass_on,
    passed_on,
    status,
)

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def told(name: str, number: int = 0, place: int = 0, state: State = State.WAITING) -> Told:
    return Told(number, f"{name}@example.org", place, NOON + place * HOUR, f"<{name}{number}>", state)


def opened(*mails: Told, level: int = 1) -> Docket:
    return filed(Docket("7K3QM4", level, "es", NOON), level, mails, raised=False, held=None)


CHAIN = (told("a"), told("b", place=1), told("c", place=2))


def states(docket: Docket) -> str:
    """Each mail in a word: "a0 left, b0 waiting"."""
    return ", ".join(f"{one.message_id[1:-1]} {one.state}" for one in docket.told)


# ── mails ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mail_that_left_says_when_and_the_others_wait() -> None:
    docket = left(opened(*CHAIN), "<b0>", NOON + 7 * MINUTE)
    assert states(docket) == "a0 waiting, b0 left, c0 waiting"
    assert docket.told[1].at == NOON + 7 * MINUTE
    assert left(docket, "<of another case>", NOON) == docket


def test_what_came_back_stays_so_even_if_a_repeated_try_leaves_after_it() -> None:
    docket, lost = came_back(left(opened(*CHAIN), "<a0>", NOON), ["<a0>"])
    assert (states(docket), lost) == ("a0 bounced, b0 waiting, c0 waiting", (0,))
    assert left(docket, "<a0>", NOON) == docket


@pytest.mark.parametrize(
    ("gone", "back", "lost"),
    [
        ("a0", "a0", (0,)),
        ("a0 b0", "a0", ()),
        ("a0 b0", "a0 b0", (0,)),
        ("a0", "b0", ()),
        ("a0 b0 a1", "a1", (1,)),
        ("a0 a1", "a0 a1", (0, 1)),
        ("a0 a1", "a0", (0,)),
        ("", "x9", ()),
    ],
)
def test_a_handoff_is_lost_when_no_mail_of_it_has_arrived_anywhere(gone: str, back: str, lost: tuple[int, ...]) -> None:
    docket = opened(*CHAIN)
    docket = filed(docket, 1, [told("a", 1)], raised=False, held=None)
    for name in gone.split():
        docket = left(docket, f"<{name}>", NOON)
    assert came_back(docket, [f"<{name}>" for name in back.split()])[1] == lost


@pytest.mark.parametrize(
    ("mails", "reader", "word"),
    [
        ((), "", "waiting"),
        (CHAIN, "", "waiting"),
        ((told("a", state=State.LEFT), told("b")), "", "left"),
        ((told("a", state=State.BOUNCED), told("b")), "", "bounced"),
        ((told("a", state=State.BOUNCED), told("b", state=State.LEFT)), "", "left"),
        ((told("a", state=State.BOUNCED),), "a@example.org", "read"),
    ],
)
def test_one_word_tells_how_far_a_case_is(mails: tuple[Told, ...], reader: str, word: str) -> None:
    docket = opened(*mails)
    docket = acknowledged(docket, reader, NOON) if reader else docket
    assert status(docket) == word


def test_only_whom_a_mail_has_reached_has_heard_of_a_case_each_once() -> None:
    first = (told("a", state=State.LEFT), told("b", state=State.BOUNCED), told("c", place=1))
    docket = filed(opened(*first), 1, [told("a", 1, state=State.LEFT)], raised=False, held=None)
    assert heard_of_it(docket) == ("a@example.org",)


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────


def test_who_acknowledges_is_the_reader_and_nobody_further_is_told() -> None:
    docket = acknowledged(left(left(opened(*CHAIN), "<a0>", NOON), "<b0>", NOON), "a@example.org", NOON + HOUR)
    assert (docket.reader, docket.read_at) == ("a@example.org", NOON + HOUR)
    assert states(docket) == "a0 left, b0 left"


def test_what_goes_at_once_goes_on_after_an_acknowledgement() -> None:
    assert states(acknowledged(opened(*CHAIN), "b@example.org", NOON)) == "a0 waiting"


def test_an_addition_waits_for_the_reader_and_one_that_raises_the_level_for_anybody() -> None:
    read = acknowledged(opened(*CHAIN, level=2), "a@example.org", NOON)
    added = filed(read, 2, [told("a", 1)], raised=False, held=None)
    assert (added.reader, states(added)) == ("a@example.org", "a0 waiting, a1 waiting")
    raised = filed(read, 1, [told("b", 1)], raised=True, held=None)
    assert (raised.reader, raised.read_at, raised.level) == ("", None, 1)


def test_a_handoff_that_is_sealed_twice_is_noted_once() -> None:
    docket = opened(*CHAIN)
    assert filed(docket, 1, CHAIN, raised=False, held=None) == docket
    assert filed(docket, 1, (), raised=False, held=None).told == ()


def test_what_lies_here_for_officers_without_a_key_is_noted_by_its_number() -> None:
    docket = filed(opened(), 1, CHAIN, raised=False, held=0)
    docket = filed(docket, 1, [told("a", 1)], raised=False, held=1)
    docket = filed(docket, 1, [told("a", 1)], raised=False, held=1)
    assert docket.held == (0, 1)
    assert filed(docket, 1, [told("a", 2)], raised=False, held=None).held == (0, 1)


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────


def test_five_answers_go_in_a_day_without_a_word_from_the_writer() -> None:
    docket = opened(*CHAIN)
    for hour in range(UNANSWERED):
        assert may_pass_on(docket, NOON + hour * HOUR)
        docket = passed_on(docket, NOON + hour * HOUR)
    assert not may_pass_on(docket, NOON + DAY - MINUTE)
    assert may_pass_on(docket, NOON + DAY)
    assert docket.answered


def test_a_word_from_the_writer_lets_five_more_go() -> None:
    docket = opened(*CHAIN)
    for _ in range(UNANSWERED):
        docket = passed_on(docket, NOON)
    docket = filed(docket, 1, [told("a", 1)], raised=False, held=None)
    assert may_pass_on(docket, NOON)
    assert docket.answered


@given(st.lists(st.timedeltas(timedelta(0), timedelta(hours=9)), max_size=40))
def test_within_any_day_no_more_than_five_answers_go(pauses: list[timedelta]) -> None:
    docket, now = opened(*CHAIN), NOON
    went: list[datetime] = []
    for pause in pauses:
        now += pause
        if may_pass_on(docket, now):
            docket, went = passed_on(docket, now), [*went, now]
    assert all(sum(timedelta(0) <= at - start < DAY for at in went) <= UNANSWERED for start in went)
    assert len(docket.passed) <= UNANSWERED


def test_words_that_wait_for_the_writer_stand_in_order_and_in_no_repr() -> None:
    docket = passed_on(passed_on(opened(*CHAIN), NOON, "canary one"), NOON, "canary two")
    assert docket.waiting == ("canary one", "canary two")
    assert passed_on(docket, NOON).waiting == docket.waiting
    assert "canary" not in repr((docket, Draft("7K3QM4", "canary", NOON)))
