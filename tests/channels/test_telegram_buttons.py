"""Choices as buttons, and long texts in parts: tables and laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.base import Outgoing
from bot.channels.telegram_buttons import Press, buttons_for, buttons_of, marked_in, markup, press, with_chosen
from bot.channels.telegram_text import parts, units
from bot.conversation.model import Line, Question, Say, Sender, Spoken

SENDER = Sender("telegram", "77")

odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=True)
    | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


# ── buttons ─────────────────────────────────────────────────────────────────────────────────────────────


def asked(*offered: tuple[int, str], several: bool = False) -> Outgoing:
    question = Question("needs", 12, offered, several=several)
    buttons = tuple((number, f"{number} {name.title()}") for number, name in offered)
    spoken = Spoken("What do you need?", buttons, "Done" if several else "")
    return Outgoing(SENDER, spoken, Say((Line("x"),), ("en",), question=question))


def test_each_choice_is_a_button_in_a_row_of_its_own() -> None:
    assert markup(buttons_for(asked((7, "send"), (8, "keep")))) == {
        "inline_keyboard": [
            [{"text": "7 Send", "callback_data": "12:7"}],
            [{"text": "8 Keep", "callback_data": "12:8"}],
        ]
    }


def test_a_choice_of_several_marks_and_has_a_last_button_and_more_and_skip_answer_at_once() -> None:
    buttons = buttons_for(asked((1, "food"), (2, "shelter"), (3, "more"), (4, "skip"), several=True))

    assert [str(button.press) for button in buttons] == ["12:+1", "12:+2", "12:3", "12:4", "12:!"]


@given(st.sets(st.integers(1, 9999), min_size=1, max_size=40), st.data())
def test_marks_stand_in_the_buttons_themselves(numbers: set[int], data: st.DataObject) -> None:
    buttons = buttons_for(asked(*((number, "food") for number in sorted(numbers)), several=True))
    marked = data.draw(st.frozensets(st.sampled_from(sorted(numbers))))

    shown = markup(buttons, marked)
    again = buttons_of(shown)

    assert marked_in(again) == marked
    assert [(one.label, one.press.number) for one in again] == [(one.label, one.press.number) for one in buttons]
    assert markup(again, marked) == shown


@given(st.integers(0, 10**15 - 1), st.integers(0, 9999) | st.none(), st.booleans() | st.none())
def test_what_a_button_says_is_short_and_is_read_as_it_was_meant(
    serial: int, number: int | None, marks: bool | None
) -> None:
    meant = Press(serial, number, marks if number is not None else None)

    assert press(str(meant)) == meant
    assert len(str(meant).encode()) <= 64


@given(odd)
def test_a_keyboard_that_is_none_has_no_buttons(raw: object) -> None:
    assert buttons_of(raw) == ()
    assert isinstance(buttons_of({"inline_keyboard": raw}), tuple)
    assert isinstance(buttons_of({"inline_keyboard": [[raw, {"text": raw, "callback_data": "1:2"}]]}), tuple)


def test_what_was_chosen_stays_readable() -> None:
    buttons = buttons_for(asked((1, "food"), (2, "shelter"), (3, "doctor"), several=True))

    assert with_chosen("What?", buttons, (1, 3)) == "What?\n\n✓ 1 Food\n✓ 3 Doctor"
    assert with_chosen("", buttons, (1,)) == with_chosen("What?", buttons, ()) == ""


def test_words_without_a_question_have_no_buttons() -> None:
    assert buttons_for(Outgoing(SENDER, Spoken("Hello"), Say((Line("x"),), ("en",)))) == ()


# ── long texts ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_short_text_is_one_part_and_a_long_one_is_cut_between_paragraphs() -> None:
    assert parts("a\n\nb") == ["a\n\nb"]
    assert parts(f"{'a' * 3000}\n\n{'b' * 1000}\n\n{'c' * 1000}") == [f"{'a' * 3000}\n\n{'b' * 1000}", "c" * 1000]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one two\nthree four", ["one two", "three four"]),
        ("one two three", ["one two", "three"]),
        ("onetwothreefour", ["onetwothre", "efour"]),
        ("😀😀😀😀😀😀", ["😀😀😀😀😀", "😀"]),
        ("", [""]),
    ],
)
def test_where_no_paragraph_ends_lines_do_then_words_then_anything(text: str, expected: list[str]) -> None:
    assert parts(text, 10) == expected


@given(st.text(st.sampled_from("ab😀é \n"), max_size=200), st.integers(2, 20))
def test_parts_fit_are_not_empty_and_lose_no_word(text: str, most: int) -> None:
    found = parts(text, most)

    assert "".join("".join(found).split()) == "".join(text.split())
    if text.strip():
        assert all(part.strip() and units(part) <= most for part in found)
