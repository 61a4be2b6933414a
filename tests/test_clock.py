from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import (
    ALPHABET,
    check_character,
    check_number,
    fraction,
    is_reference,
    now,
    reference,
    return_code,
    token,
)
from bot.mail.token import token_text

drawn = st.text(ALPHABET, min_size=5, max_size=5).map(lambda text: text + check_character(text))


def test_the_present_moment_knows_its_zone() -> None:
    there = now(ZoneInfo("America/Mexico_City"))
    assert there.utcoffset() == timedelta(hours=-6)
    assert abs(there - now()) < timedelta(minutes=1)


def test_a_drawn_reference_is_one_and_drawings_differ() -> None:
    drawings = {reference() for _ in range(200)}
    assert all(is_reference(one) for one in drawings)
    assert len(drawings) > 190


@given(drawn, st.integers(0, 5), st.sampled_from(ALPHABET))
def test_one_misread_character_is_noticed(text: str, place: int, other: str) -> None:
    changed = text[:place] + other + text[place + 1 :]
    assert is_reference(changed) == (changed == text)


@given(drawn, st.integers(0, 5), st.integers(0, 5))
def test_two_characters_that_changed_places_are_noticed(text: str, one: int, two: int) -> None:
    letters = list(text)
    letters[one], letters[two] = letters[two], letters[one]
    changed = "".join(letters)
    assert is_reference(changed) == (changed == text)


@pytest.mark.parametrize("text", ["", "00000", "0000000", "00000U", "oooooo", "00000٠", "0000 0", "ABCDE\n"])
def test_other_text_is_no_reference(text: str) -> None:
    assert not is_reference(text)


@pytest.mark.parametrize(("text", "check"), [("00000", "0"), ("00001", "2"), ("0000G", "5"), ("10000", "5")])
def test_the_check_character_stays_what_it_was(text: str, check: str) -> None:
    assert check_character(text) == check


def test_codes_are_digits_of_their_length() -> None:
    codes = [return_code() for _ in range(100)]
    checks = [check_number() for _ in range(100)]
    assert {len(code) for code in codes} == {16}
    assert {len(check) for check in checks} == {4}
    assert all(code.isascii() and code.isdecimal() for code in codes + checks)
    assert len(set(codes)) == 100


def test_a_token_is_twelve_characters_of_the_alphabet_and_drawings_differ() -> None:
    drawings = [token() for _ in range(200)]
    assert all(len(one) == 12 and set(one) <= set(ALPHABET) for one in drawings)
    assert len(set(drawings)) == 200
    assert set("".join(drawings)) == set(ALPHABET)
    assert token_text(reference(), drawings[0]).count("-") == 4


def test_a_fraction_stays_below_one() -> None:
    fractions = [fraction() for _ in range(1000)]
    assert all(0 <= one < 1 for one in fractions)
    assert min(fractions) < 0.5 < max(fractions)
