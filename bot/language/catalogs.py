"""The languages the bot can speak, and their catalogs, loaded once at start.

Looking texts up and filling their places belongs here; putting a message together is `wording.py`'s.
English is the message id, so it needs no catalog and is what remains where a translation is missing.
"""

import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from babel.messages import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import PoFileError, read_po

from bot.content import content
from bot.conversation.model import Words
from bot.errors import LanguageError
from bot.language.registry import (
    ENGLISH,
    Direction,
    Language,
    Status,
    fingerprint,
    read_languages,
    safety_texts,
    standing,
)

FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"  # Unicode Standard Annex 9, section 2.4
_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")  # no attributes, no indexes: a translator writes no code
# A line of a .po file. Babel takes a line without its last quote, and loses the last letter; plurals we don't use.
_PO_LINE = re.compile(r'(#.*)?|(msgctxt\s+|msgid\s+|msgstr\s+)?"([^"\\]|\\.)*"')

__all__ = ["ENGLISH", "LANGUAGES", "Catalogs", "Direction", "Language", "fill", "isolate", "load", "read_catalog"]

Texts = Mapping[tuple[str, str], str]  # (context, English) -> translation
Read = TypeVar("Read")


PSEUDO = "qps"  # said to developers alone: it has no catalog, so no bot that runs can offer it
LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {
        **read_languages(content("locales") / "languages.toml"),
        PSEUDO: Language(PSEUDO, "⟦Pséúdó⟧", Direction.RTL),
    }
)


@dataclass(frozen=True, slots=True)
class _Speaker:
    """The `Words` of one language: its own texts first, then those it falls back to."""

    language: Language
    texts: tuple[Texts, ...] = field(repr=False)

    def __call__(self, context: str, msgid: str, values: Mapping[str, str] | None = None) -> str:
        text = next((texts[context, msgid] for texts in self.texts if (context, msgid) in texts), msgid)
        return fill(text, values or {}, self.language)


@dataclass(frozen=True, slots=True)
class Catalogs:
    """The translations of every loaded language. `tags`: as asked for, English always among them."""

    tags: tuple[str, ...]
    texts: Mapping[str, Texts] = field(repr=False)

    def words(self, tag: str) -> Words:
        """Return the words of a loaded language.

        Raises:
            LanguageError: the language isn't loaded.

        """
        if tag not in self.texts:
            raise LanguageError(f"the language {tag!r} isn't loaded; there is: {', '.join(self.tags)}")
        return _Speaker(LANGUAGES[tag], tuple(self.texts[step] for step in _chain(tag)))

    def all_words(self) -> dict[str, Words]:
        """Return the words of every language in `tags`, by tag."""
        return {tag: self.words(tag) for tag in self.tags}

    def missing(self, tag: str, messages: Iterable[tuple[str, str]]) -> list[str]:
        """Return the contexts of the (context, English) `messages` that `tag` itself doesn't translate.

        A translation that is empty, marked fuzzy, or has other {places} than the English counts as missing.
        """
        if tag == ENGLISH:
            return []
        own = self.texts.get(tag, {})
        return [context for context, msgid in messages if (context, msgid) not in own]

    def safety(self, tag: str, messages: Iterable[tuple[str, str]]) -> list[tuple[str, str, str]]:
        """Return the texts that must not be wrong, as (context, English, what is said)."""
        words = self.words(tag)
        return [(context, english, words(context, english)) for context, english in safety_texts(messages)]

    def status(self, tag: str, messages: Iterable[tuple[str, str]]) -> Status:
        """Return who has read the words that `tag` has now."""
        return standing(LANGUAGES[tag], fingerprint(self.safety(tag, messages)))

    def complete(self, tag: str, messages: Iterable[tuple[str, str]]) -> bool:
        """Tell whether `tag` translates every one of `messages`: only then may it be offered."""
        return not self.missing(tag, messages)


def load(languages: Sequence[str], directory: Path | None = None) -> Catalogs:
    """Read the catalogs of `languages`, and of those they fall back to, from `directory` (default: our own).

    Raises:
        LanguageError: a language is unknown, or its catalog is missing or can't be read.

    """
    directory = directory or content("locales")
    tags = tuple(dict.fromkeys((*languages, ENGLISH)))
    needed = dict.fromkeys(step for tag in tags for step in _chain(tag))
    return Catalogs(tags, {tag: _texts(directory, tag) for tag in needed})


def fill(text: str, values: Mapping[str, str], language: Language) -> str:
    """Put `values` into the {places} of `text`; a place without a value stays visible.

    In a right-to-left language each value is isolated, so that a code or an address keeps its own order.
    """
    return _PLACE.sub(lambda place: _value(place, values, language), text)


def isolate(text: str, language: Language) -> str:
    """Return `text` so that its own direction holds inside a right-to-left line; else unchanged."""
    if language.direction is Direction.LTR:
        return text
    return f"{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}"


def places(text: str) -> frozenset[str]:
    """Return the names of the {places} in `text`."""
    return frozenset(_PLACE.findall(text))


def _value(place: re.Match[str], values: Mapping[str, str], language: Language) -> str:
    name = place[1]
    return isolate(values[name], language) if name in values else place[0]


def _chain(tag: str) -> list[str]:
    """Return `tag` and what it falls back to, one after the other, English last."""
    chain: list[str] = []
    waiting = [tag]
    while waiting:
        here = waiting.pop(0)
        if here not in LANGUAGES:
            raise LanguageError(f"the language {here!r} is unknown; known are: {', '.join(LANGUAGES)}")
        if here not in chain:
            chain.append(here)
            waiting += LANGUAGES[here].fallback
    return [one for one in chain if one != ENGLISH] + [ENGLISH]


def _texts(directory: Path, tag: str) -> Texts:
    if tag == ENGLISH:
        return {}
    return _read(_file(directory, tag), _translated)


@lru_cache(16)  # catalogs: what stands there unchanged isn't parsed again
def _translated(content: bytes, form: str) -> Texts:
    return MappingProxyType(dict(filter(None, map(_usable, _catalog(content, form)))))


def _usable(message: Message) -> tuple[tuple[str, str], str] | None:
    """Return a message as ((context, English), translation), or None where it must not be said."""
    context, msgid, string = message.context, message.id, message.string
    if isinstance(context, bytes):  # Babel 2.18 leaves the contexts of compiled catalogs undecoded
        context = context.decode()
    if not (context and isinstance(msgid, str) and isinstance(string, str)):
        return None
    if message.fuzzy or not string or places(string) != places(msgid):
        return None
    return (context, msgid), string


def read_catalog(directory: Path, tag: str) -> Catalog:
    """Read one language's catalog: in a checkout its text, in an installed package the compiled form.

    Raises:
        LanguageError: there is none, or it can't be read.

    """
    return _read(_file(directory, tag), _catalog)


def _file(directory: Path, tag: str) -> Path:
    folder = directory / tag / "LC_MESSAGES"
    for form in _READERS:
        path = folder / f"bot{form}"
        if path.is_file():
            return path
    raise LanguageError(f"{folder / 'bot.po'}: there is no catalog of the language {tag!r}")


def _read(path: Path, reader: Callable[[bytes, str], Read]) -> Read:
    try:
        return reader(path.read_bytes(), path.suffix)
    except (PoFileError, OSError, ValueError, struct.error) as error:
        raise LanguageError(f"{path}: not a catalog: {error}") from error


def _catalog(content: bytes, form: str) -> Catalog:
    return _READERS[form](content)


def _read_text(content: bytes) -> Catalog:
    lines = content.decode("utf-8-sig").splitlines()
    for number, line in enumerate(lines, start=1):
        if not _PO_LINE.fullmatch(line.strip()):
            raise ValueError(f"line {number}: a quote is missing, or it begins with an unknown word")
    return read_po(lines, abort_invalid=True)


def _read_compiled(content: bytes) -> Catalog:
    return read_mo(BytesIO(content))


_READERS: Mapping[str, Callable[[bytes], Catalog]] = {".po": _read_text, ".mo": _read_compiled}
