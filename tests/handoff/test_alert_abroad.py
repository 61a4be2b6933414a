"""An alert crosses languages: what was told in Arabic is read in Spanish, and nothing of a third language is in it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache

import pytest
from fakes import MORNING, Talk

from bot.content import content
from bot.conversation.asking import MORE
from bot.conversation.machine import SKIP
from bot.conversation.model import Answer, HandOff
from bot.handoff.alert import compose
from bot.handoff.case import case_of
from bot.knowledge import Knowledge, know
from bot.language.catalogs import load
from bot.language.extract import messages
from bot.settings import read_mission

OWN = "رجلان في سيارة"  # two men in a car
HANDLE = "على سيغنال"
_ARABIC = re.compile("[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff]")
_WORD = re.compile(r"[^\W\d_]{2,}")
_CODE = re.compile(r"CASE\d+")


@cache
def known() -> Knowledge:
    profile = read_mission(content("missions") / "us-mexico.toml")
    profile = replace(profile, languages=("ar", "es", "en"), accept_unreviewed=("ar", "es"))
    return know(profile, date(2026, 11, 21))


@cache
def english_alone() -> frozenset[str]:
    """Return the words of all English texts that no Spanish text has."""
    spanish = load(["es"]).words("es")
    here = {word for _, english in messages() for word in _WORD.findall(english.lower())}
    there = {word for where, english in messages() for word in _WORD.findall(spanish(where, english).lower())}
    return frozenset(here - there)


def in_arabic() -> Talk:
    talk = Talk(known().book, "signal")
    talk.hint = "ar"
    return talk


def told() -> Iterator[HandOff]:
    """What a person hands over who answers everything, adds what there is to add, and another in an emergency."""
    talk = in_arabic().write("مرحبا").picks("another", "other").write(OWN).pick("ar")
    talk.picks("no", "soon", "tell", "other", "cannot").pick("threat", "held").picks("recent", "oax")
    talk.pick("quiet", "observer").picks("day", "send", "talk", "yes", "hiding", "hearing", "labour", "state")
    talk.picks("yes", "no").pick("lawyer", "un").pick("authorities").write(OWN).write(HANDLE).picks("tseltal", "send")
    yield from talk.handed
    yield from in_arabic().write("SOS").picks("me", "act").handed


def everything(handed: HandOff) -> Iterator[HandOff]:
    """The same with every answer there is, every reason, level, channel and consent."""
    flow, triage = known().content.flow, known().content.triage
    reasons = tuple(context.removeprefix("triage.") for context, _ in triage.messages())
    answers = tuple(
        Answer(step.keeps, tuple(name for name in step.names() if name not in {MORE, SKIP, "abroad"}), OWN, "ar")
        for step in flow.steps.values()
        if step.title and not step.file
    )
    for level, channel, reply in zip(
        (1, 2, 3, 4), ("signal", "telegram", "terminal", "signal"), ["here", "day", "evening", "code"], strict=True
    ):
        own = (*(one for one in answers if one.step != "handle"), Answer("reply", (reply,)))
        rich = replace(handed, level=level, channel=channel, reasons=reasons, raised_from=4, answers=own)
        yield rich
        yield replace(rich, number=1)
        yield replace(rich, language="")


def others_words(text: str) -> tuple[set[str], list[str]]:
    """Return what is English in an alert but for the person's own words, and the lines with Arabic letters."""
    lines = [re.sub("“.*?”", "", line) for line in text.splitlines() if not line.startswith("> ")]
    words = {word for line in lines for word in _WORD.findall(_CODE.sub("", line).lower())}
    return words & english_alone(), [line for line in lines if _ARABIC.search(line)]


def test_what_an_arabic_speaker_told_is_read_in_spanish_but_for_their_own_words() -> None:
    handed = list(told())
    assert len(handed) == 3  # a case, what was added, and an emergency
    assert {one.language for one in handed} == {"ar"}
    reader = known().reader("es")
    for one in (*handed, *(rich for first in handed for rich in everything(first))):
        parts = compose(case_of(one, known().content.triage), reader)
        assert others_words(parts.text) == (set(), [])
        assert others_words(parts.subject) == (set(), [])
    added = compose(case_of(handed[1], known().content.triage), reader).text
    assert f"> {OWN}" in added.splitlines()
    assert HANDLE in added
    assert "árabe" in added
    assert MORNING.strftime("%Y-%m-%d") in added


@pytest.mark.parametrize("language", ["en", "ar"])
def test_words_of_another_language_would_be_seen(language: str) -> None:
    first = next(told())
    english, arabic = others_words(compose(case_of(first, known().content.triage), known().reader(language)).text)
    assert (len(english) > 20, bool(arabic)) == (language == "en", language == "ar")
