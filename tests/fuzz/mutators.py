"""Spoils what is right: octets, lines, numbers, JSON and TOML, each in the ways that break readers.

Pure: `Chance` decides. What is made is never longer than LONGEST.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from math import isfinite
from typing import Any

from fuzz.chance import Chance

LONGEST = 2**16  # bytes
CANARY = "QWXZJKVBHPYMFGUC"  # a value that no error may repeat

NASTY: tuple[str, ...] = (
    *("\x00", "\u202e", "\u202d", "\u2066", "\u2069", "\u200f", "\u061c"),  # nothing, and the ways to turn a line
    *("\u200d", "\u200b", "\ufeff", "\u00ad", "\u2060", "\ufe0f", "\u20e3"),  # what isn't seen
    *("\ud800", "\udfff", "\ud83d", "\U0010ffff", "\ufffe"),  # half characters, and none
    *("\u0661\u0662", "\u06f7", "\u0967", "\uff12", "\u00b2", "\u2461", "\U0001d7d8", "\u4e09"),  # digits of all kinds
    *("\u0130", "\u0131", "\u1e9e", "\ufb03", "\ufdfa", "\u212a", "\u03c2", "e" + "\u0301" * 40),  # other cases
    *("\r", "\n", "\r\n", "\u2028", "\u2029", "\x85", "\x0b", "\x1c"),  # ends of lines
    *(
        "👩\u200d👩\u200d👧",
        "🇲🇽",
        "🆘",
        "SOS",
        "ERASE",
        "STOP",
        "/start",
        "1",
        "0",
        "-1",
        "7, 8",
        "{mission}",
        "{0}",
        "%s",
    ),
    *("9" * 25, "9" * 5000, "1e999", "NaN", "-0", "0x7", "1_000", "true", "null", '"', "'", "\\", "\\u0000", "\\ud800"),
    *("[" * 40, "[" * 3000, "{" * 3000, '{"a":' * 2000, "a." * 2000, "(" * 200, "--", "=", ":", ";", "<", ">", "> "),
    *("../", "\x1b[2J", "<script>", "'; --", "x" * 5000, "é" * 3000, " " * 3000, "\t", "a@b", "+5215512345678"),
)
OCTETS = (*(one.encode("utf-8", "surrogatepass") for one in NASTY), b"\xff\xfe", b"\x80", b"\xc0\xaf", b"\xed\xa0")
DEEP, HUGE = "a place of great depth", "a number of many digits"  # stand for what json can't write
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**400, 1.5, -0.0, 1e308, float("inf")),
    *(float("nan"), "", " ", "7", CANARY, DEEP, HUGE, [], {}, [[]], [None], {"": ""}, {"id": "x"}, [{"text": 7}]),
    *(*NASTY, date(2026, 11, 21), {"name": CANARY}, [CANARY], ["a", "a"], {"a": {"a": {"a": 1}}}),
)

Edit = Callable[[Chance, bytes, Sequence[bytes]], bytes]


def spoiled(chance: Chance, seeds: Sequence[bytes], most: int = 6) -> bytes:
    """Return one of the seeds with one to `most` things done to it, mostly few."""
    octets = chance.of(seeds)
    for _ in range(1 + chance.below(1 + chance.below(most))):
        octets = chance.of(_EDITS)(chance, octets, seeds)
    return octets[:LONGEST]


def _place(chance: Chance, octets: bytes) -> tuple[int, int]:
    begins = chance.below(len(octets) + 1)
    return begins, begins + chance.size(len(octets) - begins)


def _flipped(chance: Chance, octets: bytes, _: Sequence[bytes]) -> bytes:
    at = chance.below(len(octets) or 1)
    return octets[:at] + bytes([(octets[at] if octets else 0) ^ 1 << chance.below(8)]) + octets[at + 1 :]


def _replaced(chance: Chance, octets: bytes, _: Sequence[bytes]) -> bytes:
    at = chance.below(len(octets) or 1)
    return octets[:at] + bytes([chance.below(256)]) + octets[at + 1 :]


def _cut(chance: Chance, octets: bytes, _: Sequence[bytes]) -> bytes:
    begins, ends = _place(chance, octets)
    return octets[:begins] + octets[ends:]


def _truncated(chance: Chance, octets: bytes, _: Sequence[bytes]) -> bytes:
    return octets[: chance.below(len(octets) + 1)]


def _doubled(chance: Chance, octets: bytes, _: Sequence[bytes]) -> bytes:
    begins, ends = _place(chance, octets)
    times = chance.of((2, 2, 2, 3, 9, 200))
    return octets[:begins] + octets[begins:ends] * min(times, 1 + LONGEST // (ends - begins or 1)) + octets[ends:]


def _spliced(chance: Chance, octets: bytes, seeds: Sequence[bytes]) -> bytes:
    other = chance.of(seeds)
    return octets[: chance.below(len(octets) + 1)] + other[chance.below(len(other) + 1) :]


def _mixed(chance: Chance, octets: bytes, seeds: Sequence[bytes]) -> bytes:
    other = chance.of(seeds)
    begins, ends = _place(chance, other)
    at, after = _place(chance, octets)
    return octets[:at] + other[begins:ends] + octets[chance.of((at, after)) :]


def _nasty(chance: Chance, octets: bytes, _: Sequence[bytes]) -> bytes:
    at = chance.below(len(octets) + 1)
    return octets[:at] + chance.of(OCTETS) + octets[at + chance.below(3) :]


def _numbered(chance: Chance, octets: bytes, _: Sequence[bytes]) -> bytes:
    """Put another number in the place of one."""
    found = [one.span() for one in re.finditer(rb"-?\d+", octets[:LONGEST])]
    if not found:
        return octets
    begins, ends = chance.of(found)
    number = chance.of((b"0", b"-1", b"99", b"65536", b"4294967296", b"9" * 30, b"9" * 5000, b"1.5", b"1e400"))
    return octets[:begins] + number + octets[ends:]


def _moved(chance: Chance, octets: bytes, _: Sequence[bytes]) -> bytes:
    """Take a line out, and put it somewhere else: instead of another, or once more."""
    lines = octets.split(b"\n")
    lines.insert(chance.below(len(lines) + 1), chance.of(lines))
    if chance.once_in(2):
        del lines[chance.below(len(lines))]
    return b"\n".join(lines)


_EDITS: tuple[Edit, ...] = (
    *(_flipped, _flipped, _replaced, _cut, _cut, _truncated, _doubled),
    *(_spliced, _mixed, _mixed, _nasty, _nasty, _numbered, _moved, _moved),
)


# ── trees ────────────────────────────────────────────────────────────────────────────────────────────────


def spoiled_tree(chance: Chance, tree: Any) -> Any:  # noqa: ANN401 - of any shape
    """Change one to four places of a tree: gone, of another type, exchanged, wrapped, doubled. Changes what it gets."""
    for _ in range(1 + chance.below(1 + chance.below(4))):
        found = _places(tree)
        if not found:
            return chance.of(ODD)
        holder, key = chance.of(found)
        chance.of(_CHANGES)(chance, holder, key, found)
    return tree


def _places(tree: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - of any shape
    """Return every place in a tree, as what holds it and where."""
    found, waiting = [], [tree]
    while waiting:
        here = waiting.pop()
        keys = list(here) if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ()
        found += [(here, key) for key in keys]
        waiting += [here[key] for key in keys]
    return found


Places = Sequence[tuple[Any, Any]]


def _odd(chance: Chance, holder: Any, key: Any, _: Places) -> None:  # noqa: ANN401 - of any shape
    holder[key] = json.loads(json.dumps(odd)) if isinstance(odd := chance.of(ODD), list | dict) else odd


def _gone(_chance: Chance, holder: Any, key: Any, _: Places) -> None:  # noqa: ANN401 - of any shape
    del holder[key]


def _exchanged(chance: Chance, holder: Any, key: Any, found: Places) -> None:  # noqa: ANN401 - of any shape
    other, there = chance.of(found)
    kept = other[there]
    if not isinstance(kept, list | dict):  # else a tree might come to hold itself
        holder[key] = kept


def _wrapped(chance: Chance, holder: Any, key: Any, _: Places) -> None:  # noqa: ANN401 - of any shape
    holder[key] = [holder[key]] if chance.once_in(2) else {chance.of(("a", "name", "id", "")): holder[key]}


def _named(chance: Chance, holder: Any, key: Any, found: Places) -> None:  # noqa: ANN401 - of any shape
    """Put a value under another name, one that stands somewhere."""
    if isinstance(holder, dict):
        name = chance.of([str(there) for _, there in found])
        holder[name] = holder[key] if not isinstance(holder[key], list | dict) else chance.of(ODD)


_CHANGES = (_odd, _odd, _odd, _odd, _gone, _gone, _exchanged, _exchanged, _wrapped, _named)


def spoiled_json(chance: Chance, seeds: Sequence[bytes]) -> bytes:
    """Return JSON of a seed's shape that isn't as it should be; at times it is no JSON at all."""
    if chance.once_in(6):
        return spoiled(chance, seeds)
    tree = spoiled_tree(chance, json.loads(chance.of(seeds)))
    text = json.dumps(tree, ensure_ascii=chance.once_in(2), default=str)
    octets = _deepened(chance, text).encode("utf-8", "surrogatepass")[:LONGEST]
    return spoiled(chance, [octets], 2) if chance.once_in(8) else octets


def _deepened(chance: Chance, text: str) -> str:
    if DEEP in text:
        depth = chance.of((2, 50, 90, 101, 500, 5000))
        text = text.replace(f'"{DEEP}"', "[" * depth + "]" * depth)
    return text.replace(f'"{HUGE}"', "9" * chance.of((20, 26, 400, 4301, 9000)))


VALUES = b"# values\n"  # how TOML begins in which only values were changed, and no key


def spoiled_toml(chance: Chance, seeds: Sequence[bytes], trees: Sequence[str]) -> bytes:
    """Return TOML that isn't as it should be. `trees`: what the seeds hold, as JSON."""
    if chance.once_in(3):
        return spoiled(chance, seeds)
    tree = spoiled_tree(chance, json.loads(chance.of(trees)))
    if not isinstance(tree, dict):
        tree = {"kept": tree}
    text = "".join(f"{_key(key)} = {_toml(value)}\n" for key, value in tree.items())
    return VALUES + _deepened(chance, text).encode("utf-8", "surrogatepass")[:LONGEST]


def tree_of(toml: dict[str, Any]) -> str:
    """Return what TOML holds, as JSON; dates begin with "@"."""
    return json.dumps(toml, default=lambda told: f"@{told}")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _toml(value: Any) -> str:  # noqa: ANN401, C901, PLR0911 - of any shape; a row for each type
    match value:
        case None:
            return "[]"
        case dict():
            return "{" + ", ".join(f"{_key(key)} = {_toml(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case float() if not isfinite(value):
            return "nan" if value != value else "inf"  # noqa: PLR0124 - what isn't equal to itself
        case date() | datetime():
            return str(value)
        case str() if value.startswith("@20"):
            return value[1:]
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
