"""Who is heard when many write at once: tables of what is let in, and laws that hold for whatever is written."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.gate import (
    FLOOD,
    FLOOD_SECONDS,
    FORGOTTEN_AFTER,
    LIMITS,
    MANY_WRITE,
    SLOW,
    SLOWEST,
    TOLD_EVERY,
    TOO_FAST,
    UNLIMITED,
    Bucket,
    Gate,
    Limits,
    Rate,
)

ANA, EVA = b"ana", b"eva"
WIDE = Limits(everybody=Rate(1e9, 1.0))  # as if nobody else wrote
BURST = int(LIMITS.person.most)


def heard(gate: Gate, who: bytes, times: int, at: float = 0.0) -> int:
    """How many of so many messages at one moment are heard."""
    return sum(not gate.judge(who, at) for _ in range(times))


@given(st.lists(st.tuples(st.sampled_from([ANA, EVA]), st.floats(0, 2)), max_size=200), st.booleans())
def test_what_would_be_heard_is_heard_and_asking_counts_nothing(moves: list[tuple[bytes, float]], urgent: bool) -> None:
    gate, same, at = Gate(), Gate(), 0.0
    for one in (gate, same):
        one.learn(ANA, at, urgent=urgent, language="en")
    assert (gate.is_urgent(ANA), gate.is_urgent(EVA)) == (urgent, False)
    for who, waited in moves:
        at += waited
        would = gate.would_hear(who, at), gate.would_hurry(who, at)
        assert would == (not gate.judge(who, at), gate.hurries(who, at))
        assert would == (not same.judge(who, at), same.hurries(who, at))


# ── one person ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("waited", "more"), [(0, 0), (LIMITS.person.every, 1), (5 * LIMITS.person.every, 5), (1e6, BURST)]
)
def test_who_writes_too_fast_is_heard_again_after_a_while(waited: float, more: int) -> None:
    gate = Gate(WIDE)
    assert heard(gate, ANA, 3 * BURST) == BURST
    assert gate.judge(ANA, 0.0) == TOO_FAST
    assert heard(gate, ANA, 3 * BURST, waited) == more


def test_one_who_writes_too_fast_costs_nobody_else_anything() -> None:
    gate = Gate()
    heard(gate, ANA, 10_000)
    assert heard(gate, EVA, BURST) == BURST


def test_who_is_in_danger_may_write_more_and_costs_the_others_nothing() -> None:
    gate, urgent = Gate(), int(LIMITS.urgent.most)
    gate.learn(ANA, 0.0, urgent=True, language="es")
    assert heard(gate, ANA, 10_000) == urgent
    assert gate.judge(ANA, 0.0) == TOO_FAST
    assert sum(heard(gate, bytes([number]), BURST) for number in range(50)) == LIMITS.everybody.most


def test_whoever_says_to_be_in_danger_again_and_again_gains_nothing() -> None:
    gate = Gate(WIDE)
    total = 0
    for number in range(50):
        gate.learn(ANA, 0.0, urgent=bool(number % 2), language="")
        total += heard(gate, ANA, 1_000)
    assert total == LIMITS.urgent.most + LIMITS.person.most


# ── everybody ────────────────────────────────────────────────────────────────────────────────────────────


def test_when_many_write_all_share_one_budget() -> None:
    gate, everybody = Gate(), int(LIMITS.everybody.most)
    people = [number.to_bytes(4, "big") for number in range(5_000)]
    assert sum(heard(gate, who, 1) for who in people) == everybody
    assert gate.judge(people[-1], 0.0) == MANY_WRITE
    assert sum(heard(gate, who, 1, 1.0) for who in people) == pytest.approx(1 / LIMITS.everybody.every, abs=1)


def test_who_is_not_heard_because_others_write_keeps_their_own_budget() -> None:
    gate = Gate()
    for number in range(1_000):
        gate.judge(number.to_bytes(4, "big"), 0.0)
    assert heard(gate, ANA, 1_000) == 0
    assert heard(gate, ANA, 1_000, 1e6) == BURST


def test_where_turns_take_long_fewer_are_heard_and_as_many_as_before_when_they_no_longer_do() -> None:
    gate, everybody = Gate(), int(LIMITS.everybody.most)
    for _ in range(20):
        gate.felt(2 * SLOW)
    people = iter([number.to_bytes(4, "big") for number in range(5_000)])
    assert sum(heard(gate, next(people), 1) for _ in range(1_000)) == everybody // SLOWEST
    for _ in range(30):
        gate.felt(0.0)
    assert sum(heard(gate, next(people), 1, 1e6) for _ in range(1_000)) == everybody


def test_without_limits_everybody_is_heard() -> None:
    assert heard(Gate(UNLIMITED), ANA, 10_000) == 10_000


# ── what they are told ───────────────────────────────────────────────────────────────────────────────────


def test_a_person_is_told_once_in_a_while_that_they_were_not_heard() -> None:
    gate = Gate()
    times = [at for at in range(int(3 * TOLD_EVERY)) if gate.tells(ANA, float(at))]
    assert times == [0, int(TOLD_EVERY), int(2 * TOLD_EVERY)]


def test_few_people_are_told_at_once_and_the_others_later() -> None:
    gate, people = Gate(), [number.to_bytes(4, "big") for number in range(1_000)]
    first = [who for who in people if gate.tells(who, 0.0)]
    assert len(first) == LIMITS.telling.most
    lump = int(LIMITS.telling.lump)
    assert not any(gate.tells(who, (lump - 1) * LIMITS.telling.every) for who in people)
    assert [who for who in people if gate.tells(who, lump * LIMITS.telling.every)] == people[len(first) :][:lump]


def test_the_language_of_a_person_is_known_until_they_are_erased() -> None:
    gate = Gate()
    assert gate.language(ANA) == ""
    gate.learn(ANA, 0.0, urgent=True, language="es")
    assert gate.language(ANA) == "es"
    gate.forget(ANA)
    assert gate.language(ANA) == ""
    assert heard(gate, ANA, 1_000) == BURST  # and they are in danger no more


# ── a flood of cases ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("cases", "apart", "flood"),
    [(FLOOD, 0.0, False), (FLOOD + 1, 0.0, True), (FLOOD + 1, FLOOD_SECONDS / FLOOD + 1, False), (1_000, 0.1, True)],
)
def test_so_many_cases_in_ten_minutes_are_a_flood(cases: int, apart: float, flood: bool) -> None:
    gate, at = Gate(), 0.0
    for number in range(cases):
        at = number * apart
        gate.alerted(at)
    assert gate.is_flood(at) is flood
    assert not gate.is_flood(at + FLOOD_SECONDS + 1)


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────

PEOPLE = st.sampled_from([ANA, EVA, b"ben", b"lea"])
PASSED = st.floats(0, 100, allow_nan=False)


@given(st.lists(st.tuples(PEOPLE, PASSED, st.booleans()), max_size=200))
def test_a_cry_for_help_is_heard_unless_several_were_just_before(told: list[tuple[bytes, float, bool]]) -> None:
    gate, at, cried = Gate(Limits(everybody=Rate(1, 1e9))), 0.0, dict[bytes, list[float]]()
    for who, passed, cries in told:
        at += passed
        if not cries:
            gate.judge(who, at)
            continue
        before = [one for one in cried.get(who, []) if at - one <= LIMITS.cries.most * LIMITS.cries.every]
        if gate.judge(who, at) and not gate.hurries(who, at):
            assert len(before) >= LIMITS.cries.most
        else:
            cried.setdefault(who, []).append(at)


@given(st.integers(1, 20), st.lists(st.tuples(st.integers(0, 99), st.booleans(), PASSED), max_size=200))
def test_memory_is_bounded_and_forgets(most: int, told: list[tuple[int, bool, float]]) -> None:
    gate, at = Gate(most=most), 0.0
    for number, urgent, passed in told:
        at += passed
        gate.judge(bytes([number]), at)
        gate.learn(bytes([number]), at, urgent=urgent, language="en")
        assert len(gate) <= 2 * most
    gate.judge(ANA, at + FORGOTTEN_AFTER + 1)
    gate.learn(ANA, at + FORGOTTEN_AFTER + 1, urgent=True, language="en")
    gate.judge(EVA, at + FORGOTTEN_AFTER + 1)
    assert len(gate) == 2


@given(st.integers(1, 50), st.floats(0.01, 10), st.lists(st.tuples(PASSED, st.integers(0, 60)), max_size=50))
def test_a_bucket_gives_no_more_than_its_rate(most: int, every: float, told: list[tuple[float, int]]) -> None:
    bucket, at, taken = Bucket(Rate(most, every), 0.0), 0.0, 0
    for passed, wanted in told:
        at += passed
        got = sum(bucket.take(at) for _ in range(wanted))
        taken += got
        assert got <= most
        assert taken <= most + at / every + 1e-6
        assert not bucket.take(at - 1.0) or got == wanted  # a clock that goes back gives nothing


@given(st.lists(PEOPLE, max_size=50))
def test_what_could_not_be_taken_counts_for_nothing(writers: list[bytes]) -> None:
    gate, times = Gate(), count()
    for who in writers:
        for _ in range(100):
            if not gate.judge(who, 0.0):
                gate.give_back(who, 0.0)
                next(times)
    assert next(times) == 100 * len(writers)
