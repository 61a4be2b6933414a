"""What is said as each language says it: numbers with their units, countries, spans of time."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.content import content
from bot.errors import LanguageError
from bot.knowledge import know
from bot.language.catalogs import LANGUAGES, PSEUDO
from bot.language.places import Unit, amount, span, territory
from bot.language.registry import read_languages
from bot.settings import read_mission

NUMBERS = (1, 2, 3, 5, 11, 21, 30, 100)


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("en", "1 minute, 2 minutes, 3 minutes, 5 minutes, 11 minutes, 21 minutes, 30 minutes, 100 minutes"),
        ("ar", "دقيقة, دقيقتان, 3 دقائق, 5 دقائق, 11 دقيقة, 21 دقيقة, 30 دقيقة, 100 دقيقة"),
        ("ru", "1 минута, 2 минуты, 3 минуты, 5 минут, 11 минут, 21 минута, 30 минут, 100 минут"),
        ("sw", ", ".join(f"dakika {number}" for number in NUMBERS)),
        ("ht", ", ".join(f"{number} minit" for number in NUMBERS)),
    ],
)
def test_a_number_takes_the_form_of_its_unit(tag: str, said: str) -> None:
    assert ", ".join(amount(number, "minute", tag) for number in NUMBERS) == said


@pytest.mark.parametrize("tag", [tag for tag in LANGUAGES if tag != PSEUDO])
@pytest.mark.parametrize(("number", "unit"), [(30, "minute"), (120, "minute"), (24, "hour"), (14, "day")])
def test_every_language_has_words_for_its_units(number: int, unit: Unit, tag: str) -> None:
    words = amount(number, unit, tag)
    assert str(number) in words
    assert any(letter.isalpha() for letter in words)
    assert "duration" not in words
    assert tag == "en" or words != amount(number, unit, "en") or tag == "fr"  # "30 minutes" in both


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("en", ["8 hours", "24 hours", "2 days"]),
        ("es", ["8 horas", "24 horas", "2 días"]),
        ("ht", ["8 èdtan", "24 èdtan", "2 jou"]),
    ],
)
def test_a_span_is_told_in_hours_or_days(tag: str, said: list[str]) -> None:
    assert [span(timedelta(hours=hours), tag) for hours in (8, 24, 48)] == said


@pytest.mark.parametrize(
    ("code", "tag", "name"),
    [("MX", "en", "Mexico"), ("MX", "es", "México"), ("MX", "ar", "المكسيك"), ("MX", "zh-Hans", "墨西哥")],
)
def test_a_country_is_called_as_the_language_calls_it(code: str, tag: str, name: str) -> None:
    assert territory(code, tag) == name


def test_what_no_list_knows_is_said_in_english_or_as_it_stands() -> None:
    assert amount(30, "minute", "nah") == "30 minutes"
    assert span(timedelta(hours=24), "nah") == "24 hours"
    assert territory("MX", "nah") == "Mexico"
    assert territory("XQ", "en") == "XQ"


@pytest.mark.parametrize("units", ['minutes = "{number} x"', 'minutes = "x"\nhours = "x"\ndays = "x"'])
def test_units_of_a_language_are_all_there_with_their_number(units: str, tmp_path: Path) -> None:
    path = tmp_path / "languages.toml"
    path.write_text(f'[[language]]\ntag = "nah"\nautonym = "Nahuatl"\nstatus = "machine"\n{units}\n', "utf-8")
    with pytest.raises(LanguageError, match="nah: minutes, hours, days: expected all three"):
        read_languages(path)


# ── in a mission's profile ───────────────────────────────────────────────────────────────────────────────

PROFILE = replace(read_mission(content("missions") / "us-mexico.toml"), languages=("es", "ru"))
TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        ((5, 1440, 20160), ["5 минут", "24 часа", "14 дней"]),
        ((21, 90, 60), ["21 минута", "90 минут", "1 час"]),
    ],
)
def test_the_times_of_a_mission_are_told_whole(minutes: tuple[int, int, int], told: list[str]) -> None:
    intake, urgent, case = minutes
    kept = replace(PROFILE.retention, intake_minutes=intake, urgent_minutes=urgent, case_minutes=case)
    standing = know(replace(PROFILE, retention=kept), TODAY).standing["ru"]
    assert [standing[name] for name in ("minutes", "hours", "days")] == told


@pytest.mark.parametrize(("served", "country"), [(("MX",), "México"), (("MX", "GT"), "")])
def test_an_officer_reads_the_country_where_a_mission_serves_one(served: tuple[str, ...], country: str) -> None:
    assert know(replace(PROFILE, country_served=served), TODAY).reader("es").country == country


def test_the_example_names_the_mission_in_each_of_its_languages() -> None:
    example = read_mission(content("missions") / "us-mexico.toml")
    assert set(example.languages) == set(example.name)
    assert not example.accept_unreviewed
