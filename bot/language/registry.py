"""The languages we know how to write, and who has read their words: locales/languages.toml, read once.

Our own table: CLDR doesn't know every language of our people. A review is bound to words: it holds as long as the
texts that must not be wrong are those that were read.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from bot.errors import LanguageError

ENGLISH = "en"

# Contexts of texts that must not be wrong: consents, danger, erase, the risk of a channel, NOT sent. "…*": all of them.
SAFETY = (
    "intake.danger*",
    "intake.device*",
    "intake.review*",
    "intake.act*",
    "intake.sos*",
    "intake.add_send*",
    "command.erase*",
    "command.stop*",
    "command.emergency*",
    "say.erased*",
    "say.stopped*",
    "say.clear*",
    "say.risk*",
    "say.safer",
    "say.code*",
    "say.unsent",
    "say.late*",
    "say.given_up*",
    "say.in_doubt*",
    "say.left*",
    "say.case_*",
    "say.privacy",
    "say.verify*",
    "say.crisis*",
    "say.sos",
    "say.sending*",
)


class Direction(StrEnum):
    """Which way a script runs."""

    LTR = "ltr"
    RTL = "rtl"


class Status(StrEnum):
    """Who has read a translation."""

    ORIGINAL = "original"
    MACHINE = "machine"
    REVIEWED = "reviewed"


@dataclass(frozen=True, slots=True)
class Language:
    """A language we know how to write."""

    tag: str
    autonym: str
    direction: Direction = Direction.LTR
    fallback: tuple[str, ...] = (ENGLISH,)  # where a missing text is looked up next
    digits: str = "0123456789"
    spaces: bool = True
    formality: str = ""
    plural: str = ""
    minutes: str = ""  # with {number}; these three where CLDR has no words of the language's own
    hours: str = ""
    days: str = ""
    status: Status = Status.MACHINE
    reviewer: str = ""
    reviewed_on: date | None = None
    safety: str = ""  # of the texts that the reviewer read


def read_languages(path: Path) -> Mapping[str, Language]:
    """Return every language of the registry, by tag. Raises LanguageError: it can't be read, or a row is wrong."""
    try:
        rows = tomllib.loads(path.read_text("utf-8"))["language"]
        languages = [_language(row) for row in rows]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise LanguageError(f"{path}: expected [[language]] with tag and autonym: {error}") from None
    return {language.tag: language for language in languages}


def _language(row: Mapping[str, object]) -> Language:
    unknown = set(row) - {one.name for one in fields(Language)}
    if unknown:
        raise ValueError(f"{row.get('tag')}: unknown key {', '.join(sorted(unknown))}")
    told = dict(row)
    told |= {"direction": Direction(str(row.get("direction", "ltr"))), "status": Status(str(row.get("status")))}
    fallback = row.get("fallback")
    told["fallback"] = tuple(fallback) if isinstance(fallback, list) else (ENGLISH,)
    language = Language(**told)  # type: ignore[arg-type]  # named by its fields; a wrong type shows where it is used
    if len(language.digits) != len("0123456789"):
        raise ValueError(f"{language.tag}: digits: expected ten")
    units = (language.minutes, language.hours, language.days)
    if any(units) and not all("{number}" in one for one in units):
        raise ValueError(f"{language.tag}: minutes, hours, days: expected all three, each with {{number}}")
    return language


def safety_texts(messages: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield those of (context, English) that must not be wrong."""
    whole = {name for name in SAFETY if not name.endswith("*")}
    starts = tuple(name.removesuffix("*") for name in SAFETY if name.endswith("*"))
    return ((context, english) for context, english in messages if context in whole or context.startswith(starts))


def fingerprint(said: Iterable[tuple[str, str, str]]) -> str:
    """Return the SHA-256 of (context, English, translation), in the order of contexts."""
    return sha256("\n".join("\t".join(one) for one in sorted(said)).encode()).hexdigest()


def standing(language: Language, now: str) -> Status:
    """Return how far a language has been read; `now`: the fingerprint of its present words."""
    if language.status is Status.REVIEWED and language.safety != now:
        return Status.MACHINE
    return language.status
