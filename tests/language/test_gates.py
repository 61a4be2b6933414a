"""What every language must hold before anybody is spoken to in it: each text of each catalog, against the English."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import COMMANDS, DUTY, FLOW, RENDER, STANDING

from bot.content import content
from bot.conversation.model import Line, Say
from bot.conversation.prompts import LONGEST, MESSAGE_LENGTH
from bot.conversation.understanding import fold
from bot.handoff.orders import Verb
from bot.language.catalogs import LANGUAGES, fill, load, places, read_catalog
from bot.language.extract import messages
from bot.language.registry import ENGLISH, Direction
from bot.language.vocabulary import split_words
from bot.language.wording import LOCKED_SCREEN

TAGS = sorted(path.parents[1].name for path in content("locales").glob("*/LC_MESSAGES/bot.[mp]o"))
EVERY = [ENGLISH, *TAGS]
RIGHT_TO_LEFT = [tag for tag in TAGS if LANGUAGES[tag].direction is Direction.RTL]
CATALOGS = load(EVERY)
MESSAGES = messages()
PROMISES = tomllib.loads((Path(__file__).parent / "promises.toml").read_text("utf-8"))

LABEL, TITLE, HELP = 70, 45, 120  # characters: a choice, a short name for the review, a line of HELP
BOT_API = {"say.profile_about": 512, "say.profile_short": 120}  # and 256 for a command's description
MENU = 256
SIGNAL_BODY = 2000  # bytes of a message that Signal shows without a tap on "more"
WORDS_A_SENTENCE = 15

_ADDRESS = re.compile(r"https?://[^\s،。，]+|\bwww\.\S+|[\w.+-]+@[\w-]+\.\w+")
_LOUD = re.compile("[!¡！]")
_MARKS = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")  # what isolates values is put in when it is said


def said(tag: str) -> Iterator[tuple[str, str, str]]:
    """Yield (context, English, what is said) of every text in a language but the words that people type."""
    words = CATALOGS.words(tag)
    typed = re.compile(r".*\.words|number\..*|command\.[a-z]+")
    yield from ((where, english, words(where, english)) for where, english in MESSAGES if not typed.fullmatch(where))


def shown(tag: str) -> Iterator[tuple[str, str]]:
    """Yield (context, text) of what a person reads as a text of its own, not as a choice or a title."""
    choices = {FLOW.context(step, one.name) for step in FLOW.steps.values() for one in step.choices}
    titles = {FLOW.context(step, "title") for step in FLOW.steps.values()}
    for where, _, text in said(tag):
        if where.startswith(("intake.", "say.", "guide.")) and where not in choices | titles:
            yield where, text


def numbers(text: str) -> list[str]:
    """Return the numbers of a text, in whatever script's digits they are written."""
    folded = "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in text)
    return sorted(re.findall(r"\d+", re.sub(r"\{\w+\}", "", folded)))


def test_there_are_twelve_languages() -> None:
    assert len(TAGS) == len(set(TAGS)) >= 11
    assert set(TAGS) <= set(LANGUAGES)


@pytest.mark.parametrize("tag", TAGS)
def test_nothing_is_missing_and_nothing_is_doubtful(tag: str) -> None:
    catalog = read_catalog(content("locales"), tag)
    assert [one.context for one in catalog if one.id and one.fuzzy] == []
    assert CATALOGS.missing(tag, MESSAGES) == []


@pytest.mark.parametrize("tag", EVERY)
def test_places_numbers_and_addresses_are_those_of_the_english_and_nothing_is_shouted(tag: str) -> None:
    checked = 0
    for where, english, text in said(tag):
        assert places(text) == places(english), where
        assert numbers(text) == numbers(english), where
        assert sorted(_ADDRESS.findall(text)) == sorted(_ADDRESS.findall(english)), where
        assert not _LOUD.search(text), where
        assert not _MARKS.search(text), where
        checked += 1
    assert checked > 500


@pytest.mark.parametrize("tag", EVERY)
def test_every_label_title_and_text_fits_where_it_is_shown(tag: str) -> None:
    words = CATALOGS.words(tag)
    for step in FLOW.steps.values():
        for one in step.choices:
            label = words(FLOW.context(step, one.name), one.label)
            assert 0 < len(label) <= LABEL, (step.name, one.name)
        assert len(words(FLOW.context(step, "title"), step.title)) <= TITLE, step.name
    for where, _, text in said(tag):
        assert len(text) <= BOT_API.get(where, MENU if where.startswith("say.menu_") else MESSAGE_LENGTH), where
        assert not where.endswith(".help") or len(text) <= HELP, where
        whole = fill(text, LONGEST, LANGUAGES[tag])
        assert len(whole.encode()) <= SIGNAL_BODY, where


@pytest.mark.parametrize("tag", RIGHT_TO_LEFT)
def test_a_value_keeps_its_own_direction_in_text_from_right_to_left(tag: str) -> None:
    values = {"code": "1234 5678", "reference": "K7Q2FX", "check": "0420", "time": "08:02"}
    for name in ("codes", "left", "verify", "verify_signal", "privacy", "safer"):
        text = RENDER(Say((Line(f"say.{name}", tuple(values.items())),), (tag,)))
        filled = places(FLOW.texts[name])
        assert filled or name == "privacy"
        for place in filled:
            assert f"\u2068{({**STANDING, **values})[place]}\u2069" in text, (name, place)
        assert text.count("\u2068") == text.count("\u2069")


@pytest.mark.parametrize("tag", [ENGLISH, "es"])
def test_a_sentence_has_fifteen_words_at_most_on_average(tag: str) -> None:
    sentences = [one for _, text in shown(tag) for one in re.split(r"[.?!:]+(?=\s|$)", text) if one.strip()]
    words = sum(len(one.split()) for one in sentences)
    assert len(sentences) > 300
    assert words / len(sentences) <= WORDS_A_SENTENCE


@pytest.mark.parametrize("tag", EVERY)
def test_no_text_promises_what_nobody_can_keep(tag: str) -> None:
    phrases = [fold(one) for one in PROMISES[tag]]
    assert len(phrases) >= 10
    for where, _, text in said(tag):
        folded = fold(text) if not LANGUAGES[tag].spaces else f" {fold(text)} "
        found = [one for one in phrases if (f" {one} " if LANGUAGES[tag].spaces else one) in folded]
        assert found == [], (where, text)


@pytest.mark.parametrize("tag", EVERY)
def test_no_text_of_a_messenger_that_notifies_begins_with_an_alarming_word(tag: str) -> None:
    alarming = {fold(word) for word in COMMANDS.alarming[tag]}
    covered = 0
    for where, _ in shown(tag):
        say = Say((Line(where, (("time", "08:02"), ("day", "2026-11-21"), ("own", "meetings"))),), (tag,))
        text = RENDER.spoken(say, buttons=False, covered=True).text
        beginning = fold(text[:LOCKED_SCREEN])
        found = alarming & set(beginning.split())
        if not LANGUAGES[tag].spaces:
            found = {word for word in alarming if word in beginning}
        assert not found, (where, text)
        covered += text != RENDER(say)
    assert covered > 10, "texts begin with alarming words, so there was something to cover"


def test_no_word_that_officers_type_stands_for_two_orders_whatever_the_languages_of_a_mission() -> None:
    """The bot takes the words of all its officers' languages at once, and the English ones."""
    orders: dict[str, set[str]] = {}
    for tag in EVERY:
        words = CATALOGS.words(tag)
        for verb in Verb:
            typed = split_words(words(f"duty.word_{verb}", DUTY.texts[f"word_{verb}"]))
            assert typed, (tag, verb)
            for word in typed:
                assert " " not in word, (tag, word)  # an order is the first word of what is written
                orders.setdefault(fold(word), set()).add(verb)
    assert {word: verbs for word, verbs in orders.items() if len(verbs) > 1} == {}
