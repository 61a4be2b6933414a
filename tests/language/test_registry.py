"""The registry of languages: what stands there, and that a review holds only for the words that were read."""

import hashlib
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from fakes import CATALOGS, OFFERED

from bot.content import content
from bot.errors import LanguageError
from bot.language import catalogs
from bot.language.catalogs import LANGUAGES, PSEUDO, Catalogs
from bot.language.extract import messages
from bot.language.places import day, language_names, span
from bot.language.registry import (
    ENGLISH,
    SAFETY,
    Direction,
    Language,
    Status,
    fingerprint,
    read_languages,
    safety_texts,
    standing,
)

FILE = content("locales") / "languages.toml"
NEEDED = ("en", "es", "fr", "pt", "ar", "ru", "zh-Hans", "fa", "uk", "tr", "ht", "sw")
ROW = '[[language]]\ntag = "xx"\nautonym = "Xx"\nstatus = "machine"\n'
READ = [("say.unsent", "Not sent.", "No enviado."), ("intake.sos", "Send?", "¿Enviar?")]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "languages.toml"


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_twelve_languages_stand_there_each_whole() -> None:
    known = read_languages(FILE)
    assert tuple(known) == NEEDED
    for tag, language in known.items():
        assert language.tag == tag
        assert language.autonym.strip()
        assert [int(digit) for digit in language.digits] == list(range(10))
        assert set(language.fallback) <= set(known)
        assert language.formality
        assert language.plural.startswith("nplurals=")
        assert language.plural.endswith(";")
        assert (language.status is Status.ORIGINAL) == (tag == ENGLISH)
        assert (language.status is Status.REVIEWED) == bool(
            language.reviewer and language.reviewed_on and language.safety
        )


def test_right_to_left_and_without_spaces_are_those_that_are() -> None:
    known = read_languages(FILE)
    assert {tag for tag, one in known.items() if one.direction is Direction.RTL} == {"ar", "fa"}
    assert {tag for tag, one in known.items() if not one.spaces} == {"zh-Hans"}


def test_the_language_for_developers_is_in_no_registry_and_has_no_catalog() -> None:
    assert PSEUDO not in read_languages(FILE)
    with pytest.raises(LanguageError, match="there is no catalog of the language 'qps'"):
        catalogs.load([PSEUDO])


def test_every_key_of_a_row_is_explained_in_the_file() -> None:
    told = FILE.read_text("utf-8")
    keys = ("tag", "autonym", "direction", "fallback", "digits", "spaces", "formality", "plural")
    assert [key for key in (*keys, "status", "reviewer", "safety") if f"\n# {key} " not in told] == []
    assert "`reviewed_on`" in told


def test_a_row_with_little_in_it_has_the_rest_by_default(written: Path) -> None:
    written.write_text(ROW, "utf-8")
    assert read_languages(written) == {"xx": Language("xx", "Xx")}


def test_a_reviewed_row_keeps_who_read_it_and_when(written: Path) -> None:
    more = 'fallback = ["es", "fr"]\nreviewer = "a reader"\nreviewed_on = 2026-11-20\nsafety = "ab"\n'
    written.write_text(ROW.replace("machine", "reviewed") + more, "utf-8")
    one = read_languages(written)["xx"]
    assert (one.status, one.reviewer, one.reviewed_on, one.safety) == (
        Status.REVIEWED,
        "a reader",
        date(2026, 11, 20),
        "ab",
    )
    assert one.fallback == ("es", "fr")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("autonym", "autonim", "xx: unknown key autonim"),
        ('autonym = "Xx"\n', "", "autonym"),
        ('"machine"', '"perhaps"', "perhaps"),
        ('status = "machine"\n', "", "None"),
        ('autonym = "Xx"', 'autonym = "Xx"\ndirection = "up"', "up"),
        ('autonym = "Xx"', 'autonym = "Xx"\ndigits = "0123"', "xx: digits: expected ten"),
        ("[[language]]", "[[tongue]]", "language"),
        ("[[language]]", "[[language", "Expected"),
    ],
)
def test_a_row_that_is_wrong_is_told_with_the_file(written: Path, old: str, new: str, told: str) -> None:
    written.write_text(ROW.replace(old, new), "utf-8")
    with pytest.raises(LanguageError) as refused:
        read_languages(written)
    assert str(refused.value).startswith(f"{written}: expected [[language]] with tag and autonym")
    assert told in str(refused.value).partition("autonym: ")[2]


def test_a_registry_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LanguageError, match=r"none\.toml"):
        read_languages(tmp_path / "none.toml")


# ── a review is bound to words ───────────────────────────────────────────────────────────────────────────


def test_the_texts_that_must_not_be_wrong_are_said_and_every_pattern_finds_some() -> None:
    all_texts = messages()
    found = [context for context, _ in safety_texts(all_texts)]
    for name in SAFETY:
        start = name.removesuffix("*")
        assert [one for one in found if one == name or (name.endswith("*") and one.startswith(start))], name
    assert {"intake.danger", "intake.review", "intake.act.no", "say.unsent", "say.privacy", "say.crisis"} <= set(found)
    assert not [context for context in found if context.startswith(("guide.", "alert.", "triage."))]


def test_the_fingerprint_changes_with_any_word_and_not_with_the_order() -> None:
    assert fingerprint(READ) == fingerprint(reversed(READ))
    assert len(fingerprint(READ)) == hashlib.sha256().digest_size * 2
    for change in range(3):
        row = tuple("x" if place == change else text for place, text in enumerate(READ[0]))
        assert fingerprint([(row[0], row[1], row[2]), READ[1]]) != fingerprint(READ)
    assert fingerprint(READ[:1]) != fingerprint(READ)


def test_a_review_holds_as_long_as_the_words_do() -> None:
    read = Language("es", "Español", status=Status.REVIEWED, safety=fingerprint(READ))
    assert standing(read, fingerprint(READ)) is Status.REVIEWED
    assert standing(read, fingerprint(READ[:1])) is Status.MACHINE
    assert standing(replace(read, status=Status.MACHINE), fingerprint(READ)) is Status.MACHINE
    assert standing(replace(read, status=Status.ORIGINAL), "") is Status.ORIGINAL


def test_a_changed_safety_text_makes_its_language_unreviewed_and_another_text_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = messages()
    now = fingerprint(CATALOGS.safety("es", texts))
    read = replace(LANGUAGES["es"], status=Status.REVIEWED, safety=now)
    monkeypatch.setattr(catalogs, "LANGUAGES", {**LANGUAGES, "es": read})
    assert CATALOGS.status("es", texts) is Status.REVIEWED
    assert changed("guide.visas.what").status("es", texts) is Status.REVIEWED
    assert changed("say.unsent").status("es", texts) is Status.MACHINE


def changed(context: str) -> Catalogs:
    """Return the catalogs with one Spanish text put in other words."""
    spanish = {key: "Otra cosa" if key[0] == context else text for key, text in CATALOGS.texts["es"].items()}
    assert spanish != CATALOGS.texts["es"]
    return replace(CATALOGS, texts={**CATALOGS.texts, "es": spanish})


def test_a_language_that_claims_a_review_has_the_words_that_were_read() -> None:
    """Whoever changes a text that must not be wrong, changes the row too: to "machine", until it is read again."""
    texts = messages()
    for tag in OFFERED:
        assert CATALOGS.status(tag, texts) is LANGUAGES[tag].status, tag


# ── a language that CLDR doesn't know ────────────────────────────────────────────────────────────────────

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("tag", "told"),
    [("en", "November 21, 2026"), ("es", "21 de noviembre de 2026"), ("ar", "21 نوفمبر 2026"), ("tlh", "2026-11-21")],
)
def test_a_day_is_told_in_words_where_anybody_knows_how(tag: str, told: str) -> None:
    assert day(TODAY, tag).replace("\u200f", "").translate({0x660 + n: str(n) for n in range(10)}) == told


def test_spans_and_names_of_languages_are_told_where_anybody_knows_how() -> None:
    hours = timedelta(hours=8)
    assert (span(hours, "es"), span(timedelta(days=2), "en"), span(hours, "tlh")) == ("8 horas", "2 days", "8 hours")
    assert language_names("en")["es"] == "Spanish"
    assert language_names("zh-Hans")["es"] == "西班牙语"
    assert language_names("tlh") == {}
