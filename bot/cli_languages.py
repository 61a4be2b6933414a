"""The verb `postigo languages`: which languages there are, who has read them, and what a reader has to read first."""

import argparse
import sys
from unicodedata import combining, east_asian_width

from bot.errors import LanguageError, SettingsError
from bot.language.catalogs import LANGUAGES, load
from bot.language.extract import messages
from bot.language.registry import Language, Status
from bot.language.reviewing import page

_HEAD = ("tag", "autonym", "complete", "status", "reviewer", "day")


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    told = "List the languages, and who has read each; with one, the texts in it that must not be wrong."
    one = verbs.add_parser("languages", help=told, description=told)
    one.set_defaults(verb=_languages)
    one.add_argument("tag", nargs="?", metavar="TAG", help="show this language's safety texts beside the English")


def _languages(told: argparse.Namespace) -> int:
    sys.stdout.write(_page(told.tag) if told.tag else _table())
    return 0


def _page(tag: str) -> str:
    if tag not in LANGUAGES:
        raise SettingsError(f"languages {tag}: expected one of {', '.join(LANGUAGES)}")
    return page(LANGUAGES[tag], load([tag]), messages())


def _table() -> str:
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
