"""The search for words that must stand nowhere: in any form that a careless layer could leave them in, in any file.

search = Search([*what_was_typed, person.uuid])
assert search.files(files_under(folder)) == []
assert search.open_files(process_id) == []

What is sought is given by the test, and never known to the bot. One pass over each file, however much is sought: it
is read in steps of four bytes, and eight bytes at each are looked up among the beginnings of all forms (in steps of
two, and four bytes, for the shortest). What begins alike is prepared once, so words that share a beginning (`canary`)
cost the same by the thousand as by the one. A block of a file that was read before and held nothing isn't read again:
what is written was sought before it could be. `afresh` forgets that, for a last look at everything.
"""

import os
import stat
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, KeysView
from dataclasses import dataclass, replace
from hashlib import sha256
from operator import itemgetter
from pathlib import Path
from typing import Literal

from residue_forms import WAYS, WIDEST, binary, forms, variants

MARK = "QzkanariWxYv"  # what every canary begins with; stands in nothing else
STEM = 12  # characters: of what begins with the same, all forms begin alike
BLOCK = 1 << 16  # bytes that are read at once
PIECE = 16  # bytes of what was sealed that show it is there: chance makes no such hit


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


@dataclass(frozen=True, slots=True)
class Looks:
    """How forms of so many bytes and more are found by their beginnings: one look falls on each.

    `key`: bytes that are looked up, `step`: from one look to the next.
    """

    key: int
    step: int
    kind: Literal["I", "Q"]  # of such a number in memory

    @property
    def first(self) -> int:
        """Bytes that all forms of one kind begin with, whatever follows the stem."""
        return self.key + self.step - 1

    def met(self, content: bytes, known: KeysView[int]) -> Iterator[tuple[int, int]]:
        """Each of these keys that stands at a look, and where; by far the most often there is none."""
        for shift in range(0, self.key, self.step):
            whole = len(content) - (len(content) - shift) % self.key
            for key in known & memoryview(content)[shift:whole].cast(self.kind) if whole > shift else ():
                yield from ((key, at) for at in _places(content, key.to_bytes(self.key, sys.byteorder), shift))


LOOKS = (Looks(8, 4, "Q"), Looks(4, 2, "I"))  # the second for what is too short for the first


# ── the search ───────────────────────────────────────────────────────────────────────────────────────────


class Search:
    """Looks for secrets in bytes, files, and whatever a process holds open."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._by_stem: dict[str, set[str]] = defaultdict(set)
        # For each kind of looks, by what is looked up: how far before it a form begins, its first bytes, of which stem.
        self._by_key: list[dict[int, set[tuple[int, bytes, str]]]] = [defaultdict(set) for _ in LOOKS]
        self.sought: set[str] = {""}
        self._clean: set[bytes] = set()  # blocks, by their digests
        self._longest = 0  # bytes of a form
        self.places = self.read = 0  # how many were searched so far, and bytes, with those that were known to be clean
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Look for these too from now on."""
        for secret in set(secrets) - self.sought:
            for octets in {octets for _, octets in binary(secret)}:
                self._begins(octets, secret)
            for stem in {variant[:STEM] for variant in variants(secret)}:
                if stem not in self._by_stem:
                    for octets in (octets for form in WAYS.values() for octets in form(stem)):
                        self._begins(octets, stem)
                self._by_stem[stem].add(secret)
            self._by_stem[secret].add(secret)
            self.sought.add(secret)
            self._longest = max(self._longest, len(secret) * WIDEST)

    def afresh(self) -> None:
        """Read everything again, whatever was clean before."""
        self._clean.clear()

    def _begins(self, form: bytes, stem: str) -> None:
        looks, by_key = next(one for one in zip(LOOKS, self._by_key, strict=True) if len(form) >= one[0].first)
        for before in range(looks.step):
            key = int.from_bytes(form[before : before + looks.key], sys.byteorder)
            by_key[key].add((before, form[: looks.first], stem))

    def octets(self, content: bytes, place: str = "") -> Iterator[Hit]:
        """What is found in some bytes."""
        self.places, self.read = self.places + 1, self.read + len(content)
        for start in range(0, len(content), BLOCK):
            block = content[start : start + BLOCK + self._longest]
            digest = sha256(block).digest()
            if digest not in self._clean:
                found = [*self._within(block, start, place)]
                self._clean |= set() if found else {digest}
                yield from found

    def _within(self, block: bytes, start: int, place: str) -> Iterator[Hit]:
        """What begins in a block; the rest of it is the beginning of the next."""
        for looks, by_key in zip(LOOKS, self._by_key, strict=True):
            for key, at in sorted(looks.met(block, by_key.keys()), key=itemgetter(1)):
                for before, first, stem in sorted(by_key[key]):
                    if 0 <= at - before < BLOCK and block.startswith(first, at - before):
                        yield from self._whole(block, at - before, stem, Hit(place, start + at - before, "", ""))

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

    def _whole(self, block: bytes, at: int, stem: str, begun: Hit) -> Iterator[Hit]:
        """Of what begins here as these words do, what stands here whole."""
        for secret in sorted(self._by_stem[stem]):
            name = next((name for form, name in forms(secret).items() if block.startswith(form, at)), "")
            if name:
                yield replace(begun, form=name, secret=secret)


def _places(content: bytes, sought: bytes, shift: int) -> Iterator[int]:
    """Where a key stands, as far as it is looked for with this shift."""
    at = -1
    while (at := content.find(sought, at + 1)) >= 0:
        if at % len(sought) == shift:
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
