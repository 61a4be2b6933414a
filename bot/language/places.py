"""Names that CLDR knows in each language: the city a time zone is called after, and the languages."""

from collections.abc import Mapping
from datetime import timedelta

from babel import Locale, UnknownLocaleError
from babel.dates import format_timedelta, get_timezone_location


def city(zone: str, tag: str) -> str:
    """Return what the city of an IANA time zone is called in a language: "Ciudad de México"."""
    try:
        return get_timezone_location(zone, locale=Locale.parse(tag, sep="-"), return_city=True)
    except (UnknownLocaleError, LookupError):
        return zone.rpartition("/")[2].replace("_", " ")


def span(length: timedelta, tag: str) -> str:
    """Return a span of time in words: "1 day", "8 horas"."""
    try:
        return format_timedelta(length, threshold=1.5, locale=Locale.parse(tag, sep="-"))
    except UnknownLocaleError:
        return format_timedelta(length, threshold=1.5, locale="en")


def language_names(tag: str) -> Mapping[str, str]:
    """Return what languages are called in a language: "es" -> "Spanish"; empty where CLDR doesn't know it."""
    try:
        return Locale.parse(tag, sep="-").languages
    except UnknownLocaleError:
        return {}
