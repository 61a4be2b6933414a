"""The search for words that must stand nowhere: in any form that a careless layer could leave them in, in any file.

search = Search([*what_was_typed, person.uuid])
assert search.files(files_under(folder)) == []
assert search.open_files(process_id) == []

What is sought is given by the test, and never known to the bot. One pass over each file, however much is sought: it
is read in steps of two bytes, and four bytes at each are looked up among the beginnings of all forms. What begins
alike is prepared once, so words that share a beginning (`canary`) cost the same by the thousand as by the one.
"""

import base64
import json
import os
import quopri
import re
import stat
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, quote_plus
from uuid import UUID

MARK = "QzkanariWx"  # what every canary begins with; stands in nothing else
KEY = 4  # bytes that are looked up
STEP = 2  # bytes from one look to the next: of any form of five bytes and more, one look falls on its beginning
STEM = 10  # characters: of what begins with the same, all forms begin with the same five bytes
FIRST = 5  # bytes that all forms of one kind begin with, whatever follows the stem
PIECE = 16  # bytes of what was sealed that show it is there: chance makes no such hit

_NUMBER = re.compile(r"\+?\d[\d -]{5,}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def canary(*what: object) -> str:
    """Letters that stand nowhere else, the same in every run. `what`: tells one from another."""
    drawn = sha256(repr(what).encode()).digest()
    return MARK + "".join(chr(ord("a") + octet % 26) for octet in drawn[:14])


@dataclass(frozen=True, slots=True)
class Hit:
    """Where something was found that may stand nowhere."""

    place: str
    offset: int
    form: str
    secret: str

    def __str__(self) -> str:
        return f"{self.place} at {self.offset}, {self.form}: {self.secret}"


# ── the forms ────────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=4096)
def forms(secret: str) -> Mapping[bytes, str]:
    """Return every form that a careless layer could leave words in, each with its name."""
    return _texts(secret) | {octets: name for name, octets in _binary(secret)}


def _texts(secret: str) -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for variant, what in _variants(secret).items():
        for name, form in _WAYS.items():
            for octets in form(variant):
                found[octets] = f"{name}{what}"  # the last name of two alike, which is the plainer one
    return found


def _variants(secret: str) -> dict[str, str]:
    """The words themselves, and as they are compared or joined; each with what was done to them."""
    told = {secret.upper(): ", in capitals", secret.casefold(): ", folded", secret: ""}
    if _NUMBER.fullmatch(secret) or _UUID.fullmatch(secret):
        told = {re.sub("[ +-]", "", variant): f"{what}, joined" for variant, what in told.items()} | told
    return told


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _escaped(text: str) -> Iterator[bytes]:
    for escaped in (quote(_octets(text), safe=""), quote_plus(_octets(text))):
        yield escaped.encode()
        yield re.sub("%..", lambda found: found[0].lower(), escaped).encode()


def _inner_base64(text: str) -> Iterator[bytes]:
    """The base64 characters that depend on the words alone, at each offset of three, in both alphabets."""
    octets = _octets(text)
    for offset in range(3):
        whole = base64.b64encode(bytes(offset) + octets)
        inner = whole[-(-offset * 4 // 3) : (offset + len(octets)) * 4 // 3]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))


_WAYS: Mapping[str, Callable[[str], Iterable[bytes]]] = {
    "UTF-16": lambda text: (text.encode(f"utf-16-{end}", "surrogatepass") for end in ("le", "be")),
    "Latin-1": lambda text: (text.encode("latin-1", "replace"),),
    "JSON": lambda text: (json.dumps(text)[1:-1].encode(), json.dumps(text, ensure_ascii=False)[1:-1].encode()),
    "a repr": lambda text: (ascii(text)[1:-1].encode(), repr(text)[1:-1].encode("utf-8", "surrogatepass")),
    "URL": _escaped,
    "quoted-printable": lambda text: (quopri.encodestring(_octets(text)),),
    "hex": lambda text: (_octets(text).hex().encode(), _octets(text).hex().upper().encode()),
    "base64": _inner_base64,
    "plain": lambda text: (_octets(text),),
}


def _binary(secret: str) -> Iterator[tuple[str, bytes]]:
    """Numbers and ids as programs store them, where they are too long for chance."""
    if _UUID.fullmatch(secret):
        yield "sixteen bytes", UUID(secret).bytes
        yield "sixteen bytes", UUID(secret).bytes_le
    digits = re.sub(r"\D", "", secret)
    if _NUMBER.fullmatch(secret) and 1 << 32 <= int(digits) < 1 << 63:
        whole = int(digits).to_bytes(8, "big")
        yield "a number", whole[::-1]
        yield "a number", whole[2:] if whole < b"\0\0\x80" and whole >= b"\0\0\1" else whole  # SQLite drops zeros


# ── the search ───────────────────────────────────────────────────────────────────────────────────────────


class Search:
    """Looks for secrets in bytes, files, and whatever a process holds open."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._by_stem: dict[str, set[str]] = defaultdict(set)
        # By what is looked up: how far before it a form begins, the first bytes of that, and of what it is one.
        self._by_key: dict[int, set[tuple[int, bytes, str]]] = defaultdict(set)
        self._sought: set[str] = {""}
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Look for these too from now on."""
        for secret in set(secrets) - self._sought:
            stem = secret[:STEM]
            begun = [octets for _, octets in _binary(secret)]
            begun += () if stem in self._by_stem else _texts(stem)
            for form, before in ((form, before) for form in begun for before in range(STEP)):
                self._by_key[int.from_bytes(form[before : before + KEY], sys.byteorder)].add(
                    (before, form[:FIRST], stem)
                )
            self._by_stem[stem].add(secret)
            self._sought.add(secret)

    def octets(self, content: bytes, place: str = "") -> Iterator[Hit]:
        """What is found in some bytes."""
        known = self._by_key.keys()
        for shift in range(0, KEY, STEP):
            looks = memoryview(content)[shift : len(content) - (len(content) - shift) % KEY].cast("I")
            met = known & looks  # by far the most often nothing, and this is quick
            places = sorted(at for key in met for at in _places(content, key, shift))
            yield from (hit for at in places for hit in self._around(content, at, place))

    def files(self, files: Iterable[Path]) -> list[Hit]:
        """What is found in some files, and in their names. One that is gone meanwhile holds nothing."""
        return [hit for path in files for hit in (*self.octets(os.fsencode(path), f"the name {path}"), *self._in(path))]

    def open_files(self, process: int, *, deleted: bool = False) -> list[Hit]:
        """What is found in the files that a process holds open; `deleted`: only in those without a name."""
        held = (one for one in held_open(process) if one[1].endswith(" (deleted)") or not deleted)
        return [hit for path, name in held for hit in self._in(path, f"{name}, held open")]

    def _in(self, path: Path, name: str = "") -> Iterator[Hit]:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return
        yield from self.octets(content, name or path.name)

    def _around(self, content: bytes, at: int, place: str) -> Iterator[Hit]:
        """What begins at a place or just before it, of what is looked for."""
        for before, first, stem in sorted(self._by_key[int.from_bytes(content[at : at + KEY], sys.byteorder)]):
            begins = before <= at and content.startswith(first, at - before)
            for secret in sorted(self._by_stem[stem]) if begins else ():
                found = next(
                    (name for form, name in forms(secret).items() if content.startswith(form, at - before)), ""
                )
                if found:
                    yield Hit(place, at - before, found, secret)


def _places(content: bytes, key: int, shift: int) -> Iterator[int]:
    """Where a key stands, as far as it is looked for with this shift."""
    sought, at = key.to_bytes(KEY, sys.byteorder), -1
    while (at := content.find(sought, at + 1)) >= 0:
        if at % KEY == shift:
            yield at


def hits(secrets: Iterable[str], files: Iterable[Path]) -> list[str]:
    """Return a line for each place where a secret stands in any form: for once; for many files make a `Search`."""
    return [str(hit) for hit in Search(secrets).files(files)]


# ── where to look ────────────────────────────────────────────────────────────────────────────────────────


def files_under(directory: Path) -> list[Path]:
    """Every file in a folder, at any depth."""
    return sorted(path for path in directory.rglob("*") if path.is_file() and not path.is_symlink())


def held_open(process: int) -> Iterator[tuple[Path, str]]:
    """The ordinary files that a process holds open: by which each is read, and what it is called. Linux only."""
    for link in Path(f"/proc/{process}/fd").iterdir():
        try:
            if stat.S_ISREG(link.stat().st_mode):
                yield link, str(link.readlink())
        except FileNotFoundError:  # closed meanwhile
            continue


def memory_of(process: int) -> Iterator[bytes]:
    """What a process has in its memory that it may write to. Linux only, and only of who may be looked into."""
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            start, end = (int(number, 16) for number in span.split("-"))
            if rights.startswith("rw"):
                try:
                    memory.seek(start)
                    yield memory.read(end - start)
                except (OSError, OverflowError):
                    continue


def left_of(sealed: Iterable[bytes], files: Iterable[Path]) -> list[str]:
    """The files that still hold a piece of what was stored sealed, at the places where a page's rest would."""
    pieces = {piece for blob in sealed for piece in _pieces(blob)}
    return [path.name for path in files if not pieces.isdisjoint(_windows(path.read_bytes()))]


def _pieces(blob: bytes) -> Iterator[bytes]:
    yield from (blob[start : start + PIECE] for start in range(0, len(blob) - PIECE + 1, 64))
    yield blob[-PIECE:]


def _windows(content: bytes) -> Iterator[bytes]:
    return (content[start : start + PIECE] for start in range(len(content) - PIECE + 1))
