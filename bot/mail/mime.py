"""A mail taken apart, octet for octet: a signature fits only what was signed, down to the last space.

MIME only (RFC 2045 and 2046): no signature is looked at here, and nothing is believed. The standard library's parser
gives no octets back and follows nesting as deep as somebody cares to send it, so only headers are left to it.
"""

import binascii
import codecs
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import policy
from email.message import Message
from email.parser import BytesParser

MOST_PARTS = 100  # of one multipart
DEEPEST = 8  # multiparts within multiparts
LONGEST_HEAD = 128 * 1024  # bytes of a mail's or part's headers that are read
LONGEST_HEADER = 2_000  # characters: the time that the library takes for a longer one grows with its square

# Codecs of Python's own that are no charset of any mail.
_NO_CHARSETS = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}


@dataclass(frozen=True, slots=True)
class Entity:
    """A mail or one of its parts. `octets`: head and body as they stand, CRLF between lines."""

    head: "Message[str, str]" = field(repr=False)
    body: bytes = field(repr=False)
    octets: bytes = field(repr=False)

    @property
    def kind(self) -> str:
        """The type, such as "text/plain"; lower case."""
        return self.head.get_content_type()

    @property
    def is_multipart(self) -> bool:
        """Whether it is made of parts."""
        return self.kind.startswith("multipart/")

    @property
    def is_attached(self) -> bool:
        """Whether it is a file beside what is read."""
        return self.head.get_content_disposition() == "attachment"

    def header(self, name: str) -> str:
        """Return the first header of this name, unfolded; "" if there is none."""
        return " ".join(str(self.head.get(name, ""))[:LONGEST_HEADER].split())

    def parameter(self, name: str) -> str:
        """Return a parameter of the Content-Type, lower case; "" if it has none."""
        value = self.head.get_param(name, "")
        return value.lower() if isinstance(value, str) else ""

    def content(self) -> bytes:
        """Return the body without its transfer encoding (RFC 2045, section 6)."""
        encoding = self.header("Content-Transfer-Encoding").lower()
        if encoding == "base64":
            return _from_base64(self.body)
        return quopri.decodestring(self.body) if encoding == "quoted-printable" else self.body

    def text(self) -> str:
        """Return the content as text; what doesn't fit its charset becomes U+FFFD."""
        return self.decoded(self.content())

    def decoded(self, content: bytes) -> str:
        """Return `content` as text in this part's charset."""
        name = (self.head.get_content_charset() or "utf-8").lower()
        try:
            known = codecs.lookup(name).name
            return content.decode("utf-8" if known.replace("_", "-") in _NO_CHARSETS else known, "replace")
        except (LookupError, ValueError):
            return content.decode("utf-8", "replace")

    def parts(self) -> "list[Entity]":
        """Return the parts of a multipart; none if it isn't one or doesn't say where they begin."""
        boundary = self.head.get_boundary()
        if not self.is_multipart or not boundary:
            return []
        return [read_entity(octets) for octets in _between(self.body, boundary.encode("utf-8", "surrogateescape"))]


def canonical(raw: bytes) -> bytes:
    """Return the same lines with CRLF after each, as signatures are made (RFC 3156, section 5)."""
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def read_entity(octets: bytes) -> Entity:
    """Take head and body apart; lines must end in CRLF."""
    if octets.startswith(b"\r\n"):
        head, body = b"", octets[2:]
    else:
        head, _, body = octets.partition(b"\r\n\r\n")
    read = BytesParser(policy=policy.compat32).parsebytes(head[:LONGEST_HEAD] + b"\r\n\r\n", headersonly=True)
    for name in ("Content-Type", "Content-Disposition"):
        if len(str(read.get(name, ""))) > LONGEST_HEADER:
            del read[name]
    return Entity(read, body, octets)


def leaves(entity: Entity, *, closed: frozenset[str] = frozenset(), depth: int = DEEPEST) -> Iterator[Entity]:
    """Give every part that isn't made of parts; multiparts of a kind in `closed` are left alone."""
    if not entity.is_multipart:
        yield entity
    elif depth and entity.kind not in closed:
        for part in entity.parts():
            yield from leaves(part, closed=closed, depth=depth - 1)


def _between(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """RFC 2046, section 5.1.1: the line break before a boundary is the boundary's."""
    lines = re.compile(rb"(?:\A|\r\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r\n|\Z)")
    begun: int | None = None
    for number, line in enumerate(lines.finditer(body)):
        if begun is not None:
            yield body[begun : max(begun, line.start())]
        if line.group(1) or number == MOST_PARTS:
            return
        begun = line.end() + 2
    if begun is not None:
        yield body[begun:]  # cut off on the way


def _from_base64(body: bytes) -> bytes:
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
    try:
        return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))
    except binascii.Error:
        return b""
