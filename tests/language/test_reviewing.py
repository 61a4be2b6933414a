"""A review is bound to words: when texts that must not be wrong change, they are printed beside the English."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bot.language.catalogs import LANGUAGES, Catalogs, load
from bot.language.extract import messages
from bot.language.registry import Language, Status, fingerprint
from bot.language.reviewing import changed, page, reviewed

SENT = ("say.left", "It left at {time}.")
UNSENT = ("say.unsent", "It was NOT sent.")
OTHER = ("small.area", "Where?")
MESSAGES = [SENT, OTHER, UNSENT]

Write = Callable[[str, Mapping[tuple[str, str], str]], Path]


@pytest.fixture
def spoken(write_catalog: Write, locales: Path) -> Catalogs:
    write_catalog("es", {SENT: "Salió a las {time}.", UNSENT: "NO se envió.", OTHER: "¿Dónde?"})
    return load(["es"], locales)


def read_by_somebody(catalogs: Catalogs) -> Language:
    safety = fingerprint(catalogs.safety("es", MESSAGES))
    return replace(
        LANGUAGES["es"],
        status=Status.REVIEWED,
        reviewer="a field officer",
        reviewed_on=date(2026, 11, 21),
        safety=safety,
    )


def with_other_words(locales: Path, old: str, new: str) -> Catalogs:
    path = locales / "es" / "LC_MESSAGES" / "bot.po"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    return load(["es"], locales)


def test_no_reviewed_language_has_other_safety_texts_than_were_read() -> None:
    catalogs = load([language.tag for language in reviewed(LANGUAGES.values())])
    unread = changed(LANGUAGES, catalogs, messages())
    if unread:
        pytest.fail(
            f"Have these read again, or take the review back (config/missions/README.md):\n\n{unread}", pytrace=False
        )


def test_texts_that_stand_as_they_were_read_are_not_printed(spoken: Catalogs) -> None:
    assert changed({"es": read_by_somebody(spoken)}, spoken, MESSAGES) == ""


def test_a_language_that_nobody_has_read_is_not_printed(spoken: Catalogs) -> None:
    unread = replace(read_by_somebody(spoken), status=Status.MACHINE, safety="0")
    assert changed({"es": unread}, spoken, MESSAGES) == ""


def test_a_changed_translation_prints_the_safety_texts_beside_the_english(spoken: Catalogs, locales: Path) -> None:
    read = read_by_somebody(spoken)
    now = with_other_words(locales, "NO se envió.", "Se envió.")
    printed = changed({"es": read}, now, MESSAGES)
    assert printed == page(read, now, MESSAGES)
    assert printed == (
        "say.left\n  en  It left at {time}.\n  es  Salió a las {time}.\n\n"
        "say.unsent\n  en  It was NOT sent.\n  es  Se envió.\n\n"
        "es: reviewed by a field officer on 2026-11-21, but some of these words have changed since: "
        "it counts as unreviewed until they are read again\n"
        f'safety = "{fingerprint(now.safety("es", MESSAGES))}"\n'
    )


def test_a_changed_english_prints_them_too(spoken: Catalogs) -> None:
    printed = changed({"es": read_by_somebody(spoken)}, spoken, [SENT, ("say.unsent", "It was not sent."), OTHER])
    assert "  en  It was not sent.\n" in printed


def test_other_texts_may_change_without_a_new_review(spoken: Catalogs, locales: Path) -> None:
    read = read_by_somebody(spoken)
    assert changed({"es": read}, with_other_words(locales, "¿Dónde?", "¿En dónde?"), MESSAGES) == ""


def test_a_page_says_how_far_the_words_were_read(spoken: Catalogs) -> None:
    read = read_by_somebody(spoken)
    assert "es: reviewed by a field officer on 2026-11-21, as they stand above\n" in page(read, spoken, MESSAGES)
    assert "es: machine; nobody has read these words" in page(replace(read, status=Status.MACHINE), spoken, MESSAGES)
    english = page(LANGUAGES["en"], spoken, MESSAGES)
    assert "en: original\n" in english
    assert english.count("  en  It was NOT sent.") == 1
