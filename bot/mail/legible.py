"""Words as a terminal shows them: for whoever opens a mail with gpg on a command line, where nothing is decoded.

No mail is made here, and nothing is left out: a long line becomes several.
"""

import textwrap
from unicodedata import category

LONGEST = 78  # characters of a line; at four bytes each well under what a mail may have (RFC 5322, section 2.1.1)
_QUOTED, _INDENT = "> ", "  "  # how what goes on below begins: somebody's own words stay marked as such


def legible(text: str) -> str:
    """Return the same words in lines that fit, without characters that move a cursor."""
    lines = (piece for line in text.splitlines() for piece in _pieces(_still(line)))
    return "".join(f"{line}\n" for line in lines)


def _pieces(line: str) -> list[str]:
    if len(line) <= LONGEST:
        return [line]
    mark = _QUOTED if line.startswith(_QUOTED) else _INDENT
    return textwrap.wrap(line, LONGEST, subsequent_indent=mark, break_on_hyphens=False) or [""]


def _still(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(char if category(char) != "Cc" else "\ufffd" for char in line.replace("\t", " "))
