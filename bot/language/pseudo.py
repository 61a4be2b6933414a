"""A language that nobody speaks, for developers: shows at a glance what isn't translated, and what doesn't fit.

Every translated text comes accented, longer, in brackets and from right to left; whatever stays plain has no
translation, and a bracket that is missing was cut off. It can be rehearsed with, and is never offered to people.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from bot.language.catalogs import PSEUDO, Catalogs

_PLACE = re.compile(r"(\{[a-z][a-z0-9_]*\})")
_WORDS = re.compile(r"\.words$|^number\.|^command\.[a-z]+$")  # what people type, comma separated
_VOWELS = "aeiouAEIOU"
_ACCENT = "\u0301"
_FROM_RIGHT, _AS_BEFORE = "\u2067", "\u2069"  # right-to-left isolate, and its end


def pseudo(text: str) -> str:
    """Return a text as this language says it: "Yes, {name}" becomes "⟦Yéés, {name}⟧", from right to left."""
    longer = "".join(part if _PLACE.fullmatch(part) else _accented(part, longer=True) for part in _PLACE.split(text))
    return f"{_FROM_RIGHT}⟦{longer}⟧{_AS_BEFORE}"


def typed(words: str) -> str:
    """Return words that people type: accented only, so that the English ones are understood."""
    return _accented(words, longer=False)


def with_pseudo(catalogs: Catalogs, messages: Iterable[tuple[str, str]]) -> Catalogs:
    """Return the catalogs with one more language, which translates every one of `messages`."""
    texts = {
        (context, english): typed(english) if _WORDS.search(context) else pseudo(english)
        for context, english in messages
    }
    return replace(catalogs, tags=(*catalogs.tags, PSEUDO), texts={**catalogs.texts, PSEUDO: texts})


def _accented(text: str, *, longer: bool) -> str:
    return unicodedata.normalize("NFC", "".join(_letter(char, longer=longer) for char in text))


def _letter(char: str, *, longer: bool) -> str:
    if char not in _VOWELS:
        return char
    return f"{char}{_ACCENT}" * (2 if longer else 1)
