"""The forms of words that a careless layer could leave them in: as texts, and numbers as programs store them.

Nothing is searched here; that is `residue`'s.
"""

import base64
import json
import quopri
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from urllib.parse import quote, quote_plus
from uuid import UUID

WIDEST = 12  # bytes that a form makes of one character, at most
BOTH = "'\""  # what holds both quotes is shown between single ones

_NUMBER = re.compile(r"\+?\d[\d -]{5,}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@lru_cache(maxsize=4096)
def forms(secret: str) -> Mapping[bytes, str]:
    """Return every form that a careless layer could leave words in, each with its name."""
    return _texts(secret) | {octets: name for name, octets in binary(secret)}


def _texts(secret: str) -> dict[bytes, str]:
    ways = ((variant, what, name) for variant, what in variants(secret).items() for name in WAYS)
    # The last name of two alike, which is the plainer one.
    return {octets: f"{name}{what}" for variant, what, name in ways for octets in WAYS[name](variant)}


def variants(secret: str) -> dict[str, str]:
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


def _shown(text: str) -> Iterator[bytes]:
    """As `repr` and `ascii` show it, with its single quotes escaped or not: that depends on what is shown with it."""
    yield from (_octets(text) for text in (ascii(text)[1:-1], repr(text)[1:-1]))
    yield from (_octets(text) for text in (ascii(text + BOTH)[1:-4], repr(text + BOTH)[1:-4]))


def _inner_base64(text: str) -> Iterator[bytes]:
    """The base64 characters that depend on the words alone, at each offset of three, in both alphabets."""
    octets = _octets(text)
    for offset in range(3):
        whole = base64.b64encode(bytes(offset) + octets)
        inner = whole[-(-offset * 4 // 3) : (offset + len(octets)) * 4 // 3]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))


WAYS: Mapping[str, Callable[[str], Iterable[bytes]]] = {
    "UTF-16": lambda text: (text.encode(f"utf-16-{end}", "surrogatepass") for end in ("le", "be")),
    "Latin-1": lambda text: (text.encode("latin-1", "replace"),),
    "JSON": lambda text: (json.dumps(text)[1:-1].encode(), json.dumps(text, ensure_ascii=False)[1:-1].encode()),
    "a repr": _shown,
    "URL": _escaped,
    "quoted-printable": lambda text: (quopri.encodestring(_octets(text)),),
    "hex": lambda text: (_octets(text).hex().encode(), _octets(text).hex().upper().encode()),
    "base64": _inner_base64,
    "plain": lambda text: (_octets(text),),
}


def binary(secret: str) -> Iterator[tuple[str, bytes]]:
    """Numbers and ids as programs store them, where they are too long for chance."""
    if _UUID.fullmatch(secret):
        yield "sixteen bytes", UUID(secret).bytes
        yield "sixteen bytes", UUID(secret).bytes_le
    digits = re.sub(r"\D", "", secret)
    if _NUMBER.fullmatch(secret) and 1 << 32 <= int(digits) < 1 << 63:
        whole = int(digits).to_bytes(8, "big")
        yield "a number", whole[::-1]
        yield "a number", whole[2:] if whole < b"\0\0\x80" and whole >= b"\0\0\1" else whole  # SQLite drops zeros
