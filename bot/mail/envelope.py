"""The shape of a sealed mail: what stands outside for every relay to read, and what stands inside for the officer.

MIME only: no key is touched here, and nothing is sent.
"""

import base64
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol, cast

from bot.errors import SealingError
from bot.mail.legible import legible

OUTER_SUBJECT = "[...]"  # RFC 9788, section 3.2.1: what a hidden subject is replaced with
SMALLEST = 16 * 1024  # bytes, and alerts and daily mails alike; each size class is twice the one before
LEGACY_DISPLAY = "hp-legacy-display"  # RFC 9788, section 5.2.2
CASE_FILE = "case.json"
_FILLER_LINE = "." * 74 + "\r\n"
_ENCODED_LINE = 76  # characters; RFC 2047, section 2
_BASE64_LINE = 76  # characters; RFC 2045, section 6.8
_ENVELOPED, _SIGNED = "enveloped-data", "signed-data"  # RFC 8551, section 3.2.2


class _Headers(HeaderRegistry):
    """The library's headers, whose classes it would make anew for each one that is written, at a third of the cost."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, type[BaseHeader]] = {}

    def __getitem__(self, name: str) -> type[BaseHeader]:
        key = name.lower()
        if key not in self._made:
            self._made[key] = super().__getitem__(name)
        return self._made[key]


_POLICY = policy.SMTP.clone(header_factory=_Headers())


class Parts(Protocol):
    """What the officer reads: a subject, a text, and the same case for a machine."""

    @property
    def subject(self) -> str:
        """One line."""
        ...

    @property
    def text(self) -> str:
        """The mail's words, in any script."""
        ...

    @property
    def case_json(self) -> str:
        """The case as a JSON document."""
        ...


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who writes to whom, under which Message-ID (with its angle brackets), and when (aware) it was sealed."""

    sender: str
    recipient: str
    message_id: str
    at: datetime


def message_id(key: bytes, reference: str, number: int, recipient: str, domain: str) -> str:
    """Return a Message-ID that is always the same for this mail and tells nothing of it.

    `key`: secret, 32 bytes. `number`: 0 is the alert, 1 and on are additions. Shape: `<40 hex digits@domain>`.
    """
    parts = [part.encode() for part in (reference, str(number), recipient)]
    told = b"".join(struct.pack(">I", len(part)) + part for part in parts)
    return f"<{hmac.new(key, told, hashlib.sha256).hexdigest()[:40]}@{domain}>"


def inner_mail(parts: Parts, envelope: Envelope, *, legibly: bool = False) -> bytes:
    """Return what is signed and sealed: the real headers (RFC 9788), the text and the case, padded to a size class.

    `legibly`: the text also stands before the parts as it is, for whoever opens the mail without a mail program. Both
    parts stay ASCII: there are programs that take every letter of a sealed part of 8 bits for a wrong one.

    Raises:
        ValueError: an address can't stand in a header.
    """
    mail = EmailMessage(policy=_POLICY)
    subject = " ".join(_sound(parts.subject).split())
    _put_headers(mail, envelope, subject, envelope.at)
    text = f"Subject: {subject}\n\n{_sound(parts.text)}"
    mail.set_content(text, cte=_encoding(text))
    mail.set_param(LEGACY_DISPLAY, "1")
    mail.add_attachment(_sound(parts.case_json).encode(), "application", "json", filename=CASE_FILE)
    mail.set_param("hp", "cipher")
    mail.set_param("protected-headers", "v1")  # the older form, which Enigmail, K-9 and mutt know
    inner = _outer_copies(envelope) + mail.as_bytes()
    return _padded(_legibly(inner, text) if legibly else inner)


def outer_mail(envelope: Envelope, sealed: bytes) -> bytes:
    """Return the mail as it goes over the wire (RFC 3156, section 4); `sealed` is armored OpenPGP.

    Raises:
        ValueError: an address can't stand in a header.
    """
    boundary = f"=_{hashlib.sha256(sealed).hexdigest()[:32]}"
    kind = f'multipart/encrypted; protocol="application/pgp-encrypted";\r\n boundary="{boundary}"'
    parts = (_part("pgp-encrypted", b"Version: 1\n"), _part("octet-stream", sealed))
    mark = f"--{boundary}".encode()
    body = b"".join(b"\r\n%b\r\n%b" % (mark, part) for part in parts) + b"\r\n%b--\r\n" % mark
    return _outer_head(envelope, ("Content-Type", kind)) + body


def outer_smime(envelope: Envelope, sealed: bytes) -> bytes:
    """Return the mail as it goes over the wire (RFC 8551, section 3.3); `sealed` is a DER EnvelopedData.

    Raises:
        ValueError: an address can't stand in a header.
    """
    return _outer_head(envelope, *_smime_headers(_ENVELOPED)) + b"\r\n" + _base64(sealed)


def signed_smime(signed: bytes) -> bytes:
    """Return what is sealed for S/MIME: a DER SignedData as a part of a mail (RFC 8551, section 3.5.2)."""
    return b"".join(_line(name, value) for name, value in _smime_headers(_SIGNED)) + b"\r\n" + _base64(signed)


def sealed_part(mail: bytes) -> bytes:
    """Return the armored OpenPGP message that `mail` carries.

    Raises:
        SealingError: it carries none.
    """
    parts = list(message_from_bytes(mail, policy=_POLICY).iter_parts())
    if [part.get_content_type() for part in parts] != ["application/pgp-encrypted", "application/octet-stream"]:
        raise SealingError("the mail is not sealed as RFC 3156 says")
    return cast("bytes", parts[1].get_payload(decode=True))


def sealed_smime(mail: bytes) -> bytes:
    """Return the DER EnvelopedData that `mail` carries.

    Raises:
        SealingError: it carries none.
    """
    return _smime_content(mail, _ENVELOPED)


def signed_content(part: bytes) -> bytes:
    """Return the DER SignedData that `signed_smime` put into a part.

    Raises:
        SealingError: it holds none.
    """
    return _smime_content(part, _SIGNED)


def read_inner(inner: bytes) -> tuple[str, str, str]:
    """Return subject, text and case of an unsealed mail, as a mail program that knows RFC 9788 shows them."""
    mail = message_from_bytes(inner, policy=_POLICY)
    body, case = (cast("EmailMessage", part) for part in mail.iter_parts())
    text = cast("str", body.get_content()).replace("\r\n", "\n")
    if body.get_param(LEGACY_DISPLAY) == "1":
        _, _, text = text.partition("\n\n")
    return str(mail["Subject"]), text, cast("bytes", case.get_content()).decode()


def _put_headers(mail: EmailMessage, envelope: Envelope, subject: str, at: datetime) -> None:
    for name, value in _headers(envelope, subject, at):
        if name == "Subject":
            put_subject(mail, value)
        else:
            mail[name] = value


def put_subject(mail: EmailMessage, subject: str) -> None:
    """Put in one line of any script (RFC 2047), of which no two words run together.

    The library's newer way loses spaces where it begins a new line; its older one doesn't.
    """
    if subject.isascii():
        mail["Subject"] = subject
    else:
        mail.set_raw("Subject", Header(subject, "utf-8", maxlinelen=_ENCODED_LINE, header_name="Subject").encode())


def _headers(envelope: Envelope, subject: str, at: datetime) -> tuple[tuple[str, str], ...]:
    return (
        ("From", envelope.sender),
        ("To", envelope.recipient),
        ("Subject", subject),
        ("Date", format_datetime(at.astimezone(UTC))),
        ("Message-ID", envelope.message_id),
        ("Auto-Submitted", "auto-generated"),  # RFC 3834: no holiday notices in return
    )


def _outer_head(envelope: Envelope, *content: tuple[str, str]) -> bytes:
    headers = (*_headers(envelope, OUTER_SUBJECT, _hour(envelope.at)), ("MIME-Version", "1.0"), *content)
    return b"".join(_line(name, value) for name, value in headers)


def _smime_headers(kind: str) -> tuple[tuple[str, str], ...]:
    """The file name is for mail programs that go by it (RFC 8551, section 3.2.1)."""
    return (
        ("Content-Type", f'application/pkcs7-mime; smime-type={kind};\r\n name="smime.p7m"'),
        ("Content-Transfer-Encoding", "base64"),
        ("Content-Disposition", 'attachment; filename="smime.p7m"'),
    )


def _base64(content: bytes) -> bytes:
    text = base64.b64encode(content)
    return b"".join(text[start : start + _BASE64_LINE] + b"\r\n" for start in range(0, len(text), _BASE64_LINE))


def _smime_content(mail: bytes, kind: str) -> bytes:
    parsed = message_from_bytes(mail, policy=_POLICY)
    if (parsed.get_content_type(), parsed.get_param("smime-type")) != ("application/pkcs7-mime", kind):
        raise SealingError("the mail is not sealed as RFC 8551 says")
    return cast("bytes", parsed.get_payload(decode=True))


def _outer_copies(envelope: Envelope) -> bytes:
    """What stands outside, told inside (RFC 9788, section 2.2); by hand, because `email` would encode long values."""
    outside = _headers(envelope, OUTER_SUBJECT, _hour(envelope.at))
    return "".join(f"HP-Outer: {name}: {value}\r\n" for name, value in outside).encode("ascii")


def _encoding(text: str) -> str:
    """Return how a text travels: readable without a mail program where it is mostly ASCII, else the shorter way."""
    foreign = sum(not char.isascii() for char in text)
    return "quoted-printable" if foreign * 4 < len(text) else "base64"


def _sound(text: str) -> str:
    """Half a letter, as some clients send it (a lone surrogate), may not keep an alert from leaving."""
    return text.encode(errors="replace").decode()


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _line(name: str, value: str) -> bytes:
    """Return a header as it stands; all of ours are plain and short."""
    if any(end in value.replace("\r\n ", " ") for end in "\r\n"):
        raise ValueError(f"{name} has a line break")
    return f"{name}: {value}\r\n".encode("ascii")


def _part(subtype: str, content: bytes) -> bytes:
    head = f"Content-Type: application/{subtype}\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
    return head.encode() + content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _legibly(inner: bytes, text: str) -> bytes:
    """Put the text before the first part, where mail programs don't show it (RFC 2046, section 5.1.1), if it fits."""
    head, _, body = inner.partition(b"\r\n\r\n")
    words = legible(text).replace("\n", "\r\n").encode()
    told = head + b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + words + b"\r\n" + body
    return told if _size_class(told) == _size_class(inner) else inner


def _size_class(inner: bytes) -> int:
    size = SMALLEST
    while size < len(inner):
        size *= 2
    return size


def _padded(inner: bytes) -> bytes:
    """Fill up to the size class with an epilogue, which mail programs don't show (RFC 2046, section 5.1.1)."""
    room = _size_class(inner) - len(inner)
    filler = (_FILLER_LINE * (room // len(_FILLER_LINE) + 1))[:room].rstrip("\r\n").ljust(room, ".")
    return inner + filler.encode()
