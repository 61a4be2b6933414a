"""The language for developers: every translated text shows, and whatever has no translation stays plain."""

import re

import pytest
from fakes import ALERT, CATALOGS, COMMANDS, TRIAGE, UNFILLED
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.understanding import fold
from bot.language.catalogs import LANGUAGES, PSEUDO, Direction, places
from bot.language.extract import messages
from bot.language.pseudo import pseudo, typed, with_pseudo
from bot.language.vocabulary import split_words

THIRD = 1.2
WORDS = re.compile(r"[a-z]{2,}")


@pytest.mark.parametrize(
    ("english", "said"),
    [
        ("Yes", "\u2067⟦Yéés⟧\u2069"),
        ("Case {reference}.", "\u2067⟦Cááséé {reference}.⟧\u2069"),
        ("A\nB", "\u2067⟦ÁÁ\nB⟧\u2069"),
        ("", "\u2067⟦⟧\u2069"),
    ],
)
def test_a_text_is_accented_longer_in_brackets_and_from_right_to_left(english: str, said: str) -> None:
    assert pseudo(english) == said


@given(st.text())
def test_places_stay_and_nothing_is_lost(text: str) -> None:
    assert places(pseudo(text)) == places(text)
    assert len(pseudo(text)) > len(text.strip()) or not text.strip()


def test_what_people_type_is_understood_as_in_english() -> None:
    for row in COMMANDS.rows:
        assert [fold(word) for word in split_words(typed(row.words))] == [fold(word) for word in split_words(row.words)]


def test_every_text_has_its_translation_and_grows_by_a_fifth_at_least() -> None:
    everything = messages()
    loaded = with_pseudo(CATALOGS, everything)
    words = loaded.words(PSEUDO)
    assert loaded.complete(PSEUDO, everything)
    assert LANGUAGES[PSEUDO].direction is Direction.RTL
    for context, english in everything:
        said = words(context, english)
        assert said != english or not re.search("[aeiouAEIOU]", english), context
    said_all, all_english = (sum(len(text) for text in texts) for texts in zip(*pairs(words, everything), strict=True))
    assert said_all > THIRD * all_english


def pairs(words: object, everything: list[tuple[str, str]]) -> list[tuple[str, str]]:
    assert callable(words)
    return [(words(context, english), english) for context, english in everything if ".words" not in context]


def test_a_text_without_translation_stays_plain() -> None:
    words = with_pseudo(CATALOGS, UNFILLED.messages()).words(PSEUDO)
    plain = next(iter(TRIAGE.messages()))
    assert words(*plain) == plain[1]
    assert [text for _, text in UNFILLED.messages() if words("nowhere", text) != text] == []
    assert ALERT
