"""The languages as a table, and one language's page, as whoever looks after the translations sees them."""

from unicodedata import combining, east_asian_width

from bot.errors import LanguageError, SettingsError
from bot.language.catalogs import LANGUAGES, load
from bot.language.extract import messages
from bot.language.registry import Language, Status
from bot.language.reviewing import page

_HEAD = ("tag", "autonym", "complete", "status", "reviewer", "day")


def page_of(tag: str) -> str:
    """Return the texts of a language that must not be wrong, beside the English. Raises SettingsError: unknown."""
    if tag not in LANGUAGES:
        raise SettingsError(f"languages {tag}: expected one of {', '.join(LANGUAGES)}")
    return page(LANGUAGES[tag], load([tag]), messages())


def table() -> str:
    """Return every language with how much is translated, and who has read it; a line each."""
    rows = [_HEAD, *(_row(language) for language in LANGUAGES.values())]
    widths = [max(_width(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "".join(_line(row, widths) for row in rows)


def _row(language: Language) -> tuple[str, ...]:
    needed = messages()
    try:
        catalogs = load([language.tag])
    except LanguageError:
        return (language.tag, language.autonym, "no catalog", Status.MACHINE.value, "", "")
    missing = len(catalogs.missing(language.tag, needed))
    status = catalogs.status(language.tag, needed)
    marked = f"{status} (changed since it was reviewed)" if status is not language.status else str(status)
    day = language.reviewed_on.isoformat() if language.reviewed_on else ""
    whole = f"{missing} missing" if missing else "yes"
    return (language.tag, language.autonym, whole, marked, language.reviewer, day)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
    return "  ".join(cells).rstrip() + "\n"


def _width(text: str) -> int:
    """Return how many places of a terminal a text takes: Chinese signs take two, marks over a letter none."""
    return sum(0 if combining(sign) else 1 + (east_asian_width(sign) in "WF") for sign in text)
