"""What CLDR knows to say in each language: cities of time zones, countries, languages, days and spans of time."""

from collections.abc import Mapping
from datetime import date, timedelta
from math import inf
from typing import Literal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_timedelta, get_timezone_location

from bot.language.catalogs import ENGLISH, LANGUAGES

Unit = Literal["minute", "hour", "day"]

_DAY = timedelta(days=1)


def city(zone: str, tag: str) -> str:
    """Return what the city of an IANA time zone is called in a language: "Ciudad de México"."""
    try:
        return get_timezone_location(zone, locale=Locale.parse(tag, sep="-"), return_city=True)
    except (UnknownLocaleError, LookupError):
        return zone.rpartition("/")[2].replace("_", " ")


def day(at: date, tag: str) -> str:
    """Return a day in words: "21 November 2026"."""
    try:
        return format_date(at, "long", locale=Locale.parse(tag, sep="-"))
    except UnknownLocaleError:
        return at.isoformat()


def span(length: timedelta, tag: str) -> str:
    """Return a span of time of hours in words: "24 hours", "2 días"."""
    if _own(tag):
        whole = length >= 2 * _DAY and not length % _DAY
        return amount(length // _DAY, "day", tag) if whole else amount(length // timedelta(hours=1), "hour", tag)
    return format_timedelta(length, threshold=1.5, locale=_locale(tag))


def amount(number: int, unit: Unit, tag: str) -> str:
    """Return a number with the form of its unit that it takes: "1 minute", "120 minutos", "21 минута"."""
    own = _own(tag)
    if own:
        return own[unit].replace("{number}", str(number))
    length = timedelta(**{f"{unit}s": number})
    # Not format_unit: Babel 2.18 doesn't find there what a language says in one length alone.
    return format_timedelta(length, granularity=unit, threshold=inf, locale=_locale(tag))


def territory(code: str, tag: str) -> str:
    """Return what a country (ISO 3166-1) is called in a language: "MX" -> "México"; the code if nobody knows it."""
    name: str = _locale(tag).territories.get(code, code)
    return name


def language_names(tag: str) -> Mapping[str, str]:
    """Return what languages are called in a language: "es" -> "Spanish"; empty where CLDR doesn't know it."""
    try:
        return Locale.parse(tag, sep="-").languages
    except UnknownLocaleError:
        return {}


def _locale(tag: str) -> Locale:
    """Return what CLDR knows of a language, of English where it doesn't know it."""
    try:
        return Locale.parse(tag, sep="-")
    except UnknownLocaleError:
        return Locale.parse(ENGLISH)


def _own(tag: str) -> Mapping[Unit, str]:
    """Return the units that locales/languages.toml gives a language itself; empty where CLDR's are used."""
    known = LANGUAGES.get(tag)
    if known is None or not known.minutes:
        return {}
    return {"minute": known.minutes, "hour": known.hours, "day": known.days}
