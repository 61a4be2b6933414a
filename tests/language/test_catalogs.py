from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import LanguageError
from bot.language import catalogs
from bot.language.catalogs import LANGUAGES, Language, fill, load

ENGLISH, ARABIC = LANGUAGES["en"], LANGUAGES["ar"]
YES = ("small.danger.now", "Yes, now")
LEFT = ("say.left", "It left at {time}.")
WHERE = ("small.area", "Where?")

Write = Callable[[str, Mapping[tuple[str, str], str]], Path]


@pytest.mark.usefixtures("spanish")
def test_a_text_is_said_in_its_language_with_its_places_filled(locales: Path) -> None:
    words = load(["es"], locales).words("es")
    assert words(*YES) == "Sí, ahora"
    assert words(*LEFT, {"time": "08:02"}) == "Salió a las 08:02."


def test_english_is_always_loaded_and_needs_no_catalog(locales: Path) -> None:
    loaded = load([], locales)
    assert loaded.tags == ("en",)
    assert loaded.words("en")(*LEFT, {"time": "08:02"}) == "It left at 08:02."
    assert loaded.complete("en", [YES, LEFT])


def test_the_same_english_is_translated_where_it_stands(write_catalog: Write, locales: Path) -> None:
    write_catalog("es", {("a", "Yes"): "Sí", ("b", "Yes"): "Sí, está de acuerdo"})
    words = load(["es"], locales).words("es")
    assert [words("a", "Yes"), words("b", "Yes"), words("c", "Yes")] == ["Sí", "Sí, está de acuerdo", "Yes"]


@pytest.mark.parametrize(
    "translation",
    ["", "Salió a las {hora}.", "Salió.", "Salió a las {time}, {code}."],
    ids=["empty", "another place", "a place lost", "a place too many"],
)
def test_a_translation_that_must_not_be_said_is_missing_and_english_is_said(
    translation: str, write_catalog: Write, locales: Path
) -> None:
    write_catalog("es", {LEFT: translation, YES: "Sí, ahora"})
    loaded = load(["es"], locales)
    assert loaded.words("es")(*LEFT, {"time": "08:02"}) == "It left at 08:02."
    assert loaded.missing("es", [YES, LEFT]) == ["say.left"]
    assert not loaded.complete("es", [YES, LEFT])
    assert loaded.complete("es", [YES])


def test_a_fuzzy_translation_is_missing(write_catalog: Write, locales: Path) -> None:
    path = write_catalog("es", {YES: "Sí, ahora"})
    path.write_text(path.read_text("utf-8").replace("msgctxt", "#, fuzzy\nmsgctxt"), "utf-8")
    assert load(["es"], locales).missing("es", [YES]) == [YES[0]]


@pytest.mark.usefixtures("spanish")
def test_a_changed_english_is_missing_until_translated_again(locales: Path) -> None:
    assert load(["es"], locales).missing("es", [("small.danger.now", "Yes, at this moment")]) == ["small.danger.now"]


@pytest.mark.usefixtures("spanish")
def test_a_language_unknown_to_cldr_falls_back_along_its_chain(
    write_catalog: Write, locales: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maya = Language("yua", "Maaya t'aan", fallback=("es",))
    monkeypatch.setattr(catalogs, "LANGUAGES", {**LANGUAGES, "yua": maya})
    write_catalog("yua", {YES: "Jach bejla'e'"})
    loaded = load(["yua"], locales)
    words = loaded.words("yua")
    assert [words(*YES), words(*WHERE), words("say.new", "New")] == ["Jach bejla'e'", "¿Dónde?", "New"]
    assert loaded.missing("yua", [YES, WHERE]) == ["small.area"]
    assert loaded.tags == ("yua", "en")


def test_an_installed_package_reads_the_compiled_catalog(spanish: Path, locales: Path) -> None:
    from_text = load(["es"], locales)
    with spanish.open("rb") as text, spanish.with_suffix(".mo").open("wb") as binary:
        write_mo(binary, read_po(text))
    spanish.unlink()
    assert load(["es"], locales).texts == from_text.texts


def test_in_a_checkout_the_text_goes_before_a_stale_compiled_catalog(spanish: Path, locales: Path) -> None:
    spanish.with_suffix(".mo").write_bytes(b"stale")
    assert load(["es"], locales).words("es")(*YES) == "Sí, ahora"


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (["xx"], "the language 'xx' is unknown; known are: en, es, fr"),
        (["ar"], "there is no catalog of the language 'ar'"),
    ],
)
def test_a_language_that_cannot_be_spoken_is_named(tags: list[str], found: str, locales: Path) -> None:
    with pytest.raises(LanguageError, match=found):
        load(tags, locales)


@pytest.mark.usefixtures("spanish")
def test_a_language_that_was_not_loaded_is_named(locales: Path) -> None:
    with pytest.raises(LanguageError, match="the language 'fa' isn't loaded; there is: es, en"):
        load(["es"], locales).words("fa")


@pytest.mark.parametrize(
    "content", [b'msgid "a\nmsgstr "b"\n', b"msgid nothing\n", b'msgid "\xff\xfe"\n'], ids=["quote", "bare", "bytes"]
)
def test_a_broken_catalog_is_named_by_its_path(content: bytes, spanish: Path, locales: Path) -> None:
    spanish.write_bytes(content)
    with pytest.raises(LanguageError, match=r"es/LC_MESSAGES/bot\.po: not a catalog"):
        load(["es"], locales)


def test_a_broken_compiled_catalog_is_named_by_its_path(spanish: Path, locales: Path) -> None:
    spanish.unlink()
    spanish.with_suffix(".mo").write_bytes(b"not a catalog")
    with pytest.raises(LanguageError, match=r"es/LC_MESSAGES/bot\.mo: not a catalog"):
        load(["es"], locales)


@pytest.mark.usefixtures("spanish")
def test_words_of_all_languages_come_by_tag(locales: Path) -> None:
    said = {tag: words(*YES) for tag, words in load(["es"], locales).all_words().items()}
    assert said == {"es": "Sí, ahora", "en": "Yes, now"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("at {time}", "at 08:02"),
        ("{time} {time}", "08:02 08:02"),
        ("{unknown}", "{unknown}"),
        ("{0} {} {time!r} {time.year} {time[0]} {time:>9}", "{0} {} {time!r} {time.year} {time[0]} {time:>9}"),
        ("{{time}}", "{08:02}"),
        ("{code}", "{time}"),
    ],
)
def test_only_simple_places_are_filled_and_never_twice(text: str, filled: str) -> None:
    assert fill(text, {"time": "08:02", "code": "{time}"}, ENGLISH) == filled


@given(st.lists(st.text().filter(lambda text: "{" not in text and "}" not in text), min_size=1), st.text())
def test_every_place_takes_its_value_and_nothing_else_changes(pieces: list[str], value: str) -> None:
    assert fill("{code}".join(pieces), {"code": value}, ENGLISH) == value.join(pieces)


@given(st.text())
def test_a_text_without_values_stays_as_it_is(text: str) -> None:
    assert fill(text, {}, ARABIC) == text


def test_a_value_in_a_right_to_left_text_keeps_its_own_order() -> None:
    assert fill("الرمز {code}.", {"code": "MX-7K3Q"}, ARABIC) == "الرمز \u2068MX-7K3Q\u2069."
