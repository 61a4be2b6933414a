"""Which lines of a mail its writer wrote, and which are the mail that is answered.

Whoever presses Reply sends back what was written to them; only their own lines mean anything. In doubt a line is
taken for a quoted one: an acknowledgement that is missed is asked for again.
"""

import re
from collections.abc import Iterator, Sequence

_MARKS = (">", "|", "»", "\u203a")  # RFC 3676, section 4.5, and what other programs put before quoted lines
_SPACES = " \t\u00a0\ufeff"
_LONGEST = 400  # characters of a line in which the beginning of a quote is looked for

# "-----Original Message-----" in any language, and the rule of underscores that Outlook draws.
_RULE = re.compile(r"-{3,}\s?[^\s-].*[^\s-]\s?-{3,}|_{10,}")
# "On 22 November 2026 at 10:00, Postigo <postigo@example.org> wrote:" in any language.
_DATED = re.compile(r"\S@\S|\b(?:19|20)\d\d\b|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
_VERBS = "wrote|writes|schrieb|escribió|escreveu|a écrit|ha scritto|написал|написала"
_WROTE = re.compile(rf"\b(?:{_VERBS})\s?:$", re.IGNORECASE)
# "From: Postigo <postigo@example.org>" and "Sent: Sunday" one below the other.
_FIELD = re.compile(r"\*?[^\W\d_][\w .-]{0,20}\s?:\*?\s?\S")


def unquoted(text: str) -> Iterator[str]:
    """Give the lines that the writer of this mail wrote, without their line ends."""
    lines = re.split(r"\r\n|[\n\r\u2028\u2029]", text)
    skipped = 0
    for place, line in enumerate(lines):
        if place < skipped or _is_marked(line):
            continue
        following = _after_attribution(lines, place)
        if following is None:
            yield line
        elif _next_is_marked(lines, following):
            skipped = following  # the quote is marked line by line; an answer may stand below it
        else:
            return


def _is_marked(line: str) -> bool:
    return line.lstrip(_SPACES).startswith(_MARKS)


def _next_is_marked(lines: Sequence[str], place: int) -> bool:
    following = (lines[at] for at in range(place, len(lines)))
    return next((_is_marked(line) for line in following if line.strip(_SPACES)), False)


def _after_attribution(lines: Sequence[str], place: int) -> int | None:
    """Return where the quote begins that is announced at `place`; None if none is."""
    line = lines[place].strip(_SPACES)[:_LONGEST]
    below = lines[place + 1].strip(_SPACES)[:_LONGEST] if place + 1 < len(lines) else ""
    if _RULE.fullmatch(line) or _announces(line):
        return place + 1
    if line and _WROTE.search(below) and _announces(f"{line} {below}"):
        return place + 2  # the announcement was wrapped
    if "@" in line and _FIELD.match(line) and _FIELD.match(below):
        return place + 1
    return None


def _announces(line: str) -> bool:
    return line.endswith((":", "\uff1a")) and bool(_DATED.search(line) or _WROTE.search(line))
