"""Names that CLDR knows in each language: the city a time zone is called after, and the languages."""

from collections.abc import Mapping

from babel import Locale, UnknownLocaleError
from babel.dates import get_timezone_location


def city(zone: str, tag: str) -> str:
    """Return what the city of an IANA time zone is called in a language: "Ciudad de México"."""
    try:
        return get_timezone_location(zone, locale=Locale.parse(tag, sep="-"), return_city=True)
    except (UnknownLocaleError, LookupError):
        return zone.rpartition("/")[2].replace("_", " ")


def language_names(tag: str) -> Mapping[str, str]:
    """Return what languages are called in a language: "es" -> "Spanish"; empty where CLDR doesn't know it."""
    try:
        return Locale.parse(tag, sep="-").languages
    except UnknownLocaleError:
        return {}
