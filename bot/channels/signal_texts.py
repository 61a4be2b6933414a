"""Cuts a long text into the messages that Signal carries whole: at paragraphs if it can, never within a character."""

import unicodedata

MOST = 2000  # bytes; what is longer travels as a file that a phone loads later, or never

_JOINER = "\u200d"
_PLACES = ("\n\n", "\n", " ")  # where to cut, the best first


def parts(text: str, most: int = MOST) -> tuple[str, ...]:
    """Return `text` in parts of at most so many bytes each; the last one is the longest that fits from the end.

    A question stands at the end with its choices: it's better that the beginning is short.
    """
    rest, cut = text, list[str]()
    while _size(rest) > most:
        begin = _begin(rest, most)
        cut.append(rest[begin:].strip("\n"))
        rest = rest[:begin].rstrip("\n ")
    return tuple(part for part in (rest, *reversed(cut)) if part)


def _begin(text: str, most: int) -> int:
    """Return where the last part begins."""
    first = _first_that_fits(text, most)
    for place in _PLACES:
        found = text.find(place, max(first - len(place), 0))
        if found >= 0 and found + len(place) < len(text) and _size(text[found + len(place) :]) <= most:
            return found + len(place)
    return next((at for at in range(first, len(text)) if not _leans(text, at)), first)


def _first_that_fits(text: str, most: int) -> int:
    size = 0
    for at in range(len(text) - 1, -1, -1):
        size += _size(text[at])
        if size > most:
            return at + 1
    return 0


def _leans(text: str, at: int) -> bool:
    """Whether what stands at a place belongs to what stands before it."""
    return unicodedata.category(text[at]).startswith("M") or _JOINER in text[at - 1 : at + 1]


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
