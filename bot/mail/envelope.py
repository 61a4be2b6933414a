"""The shape of a sealed mail: what stands outside for every relay to read, and what stands inside for the officer.

MIME only: no key is touched here, and nothing is sent.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from email.utils import format_datetime
from typing import Protocol, cast

from bot.errors import SealingError

OUTER_SUBJECT = "[...]"  # RFC 9788, section 3.2.1: what a hidden subject is replaced with
SMALLEST = 4 * 1024  # bytes; each size class is twice the one before
LEGACY_DISPLAY = "hp-legacy-display"  # RFC 9788, section 5.2.2
CASE_FILE = "case.json"
_FILLER_LINE = "." * 74 + "\r\n"


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


def inner_mail(parts: Parts, envelope: Envelope) -> bytes:
    """Return what is signed and sealed: the real headers (RFC 9788), the text and the case, padded to a size class.

    Raises:
        ValueError: an address can't stand in a header.
    """
    mail = EmailMessage(policy=policy.SMTP)
    subject = " ".join(_sound(parts.subject).split())
    _put_headers(mail, envelope, subject, envelope.at)
    mail.set_content(
        f"Subject: {subject}\n\n{_sound(parts.text)}", cte="quoted-printable"
    )  # readable without a mail program, too
    mail.set_param(LEGACY_DISPLAY, "1")
    mail.add_attachment(_sound(parts.case_json).encode(), "application", "json", filename=CASE_FILE)
    mail.set_param("hp", "cipher")
    mail.set_param("protected-headers", "v1")  # the older form, which Enigmail, K-9 and mutt know
    return _padded(_outer_copies(envelope) + mail.as_bytes())


def outer_mail(envelope: Envelope, sealed: bytes) -> bytes:
    """Return the mail as it goes over the wire (RFC 3156, section 4); `sealed` is armored OpenPGP.

    Raises:
        ValueError: an address can't stand in a header.
    """
    mail = EmailMessage(policy=policy.SMTP)
    _put_headers(mail, envelope, OUTER_SUBJECT, _hour(envelope.at))
    mail["MIME-Version"] = "1.0"
    mail["Content-Type"] = 'multipart/encrypted; protocol="application/pgp-encrypted"'
    _attach(mail, b"Version: 1\r\n", "pgp-encrypted")
    _attach(mail, sealed, "octet-stream")
    return mail.as_bytes()


def sealed_part(mail: bytes) -> bytes:
    """Return the armored OpenPGP message that `mail` carries.

    Raises:
        SealingError: it carries none.
    """
    parts = list(message_from_bytes(mail, policy=policy.SMTP).iter_parts())
    if [part.get_content_type() for part in parts] != ["application/pgp-encrypted", "application/octet-stream"]:
        raise SealingError("the mail is not sealed as RFC 3156 says")
    return cast("bytes", parts[1].get_payload(decode=True))


def read_inner(inner: bytes) -> tuple[str, str, str]:
    """Return subject, text and case of an unsealed mail, as a mail program that knows RFC 9788 shows them."""
    mail = message_from_bytes(inner, policy=policy.SMTP)
    body, case = (cast("EmailMessage", part) for part in mail.iter_parts())
    text = cast("str", body.get_content()).replace("\r\n", "\n")
    if body.get_param(LEGACY_DISPLAY) == "1":
        _, _, text = text.partition("\n\n")
    return str(mail["Subject"]), text, cast("bytes", case.get_content()).decode()


def _put_headers(mail: EmailMessage, envelope: Envelope, subject: str, at: datetime) -> None:
    for name, value in _headers(envelope, subject, at):
        mail[name] = value


def _headers(envelope: Envelope, subject: str, at: datetime) -> tuple[tuple[str, str], ...]:
    return (
        ("From", envelope.sender),
        ("To", envelope.recipient),
        ("Subject", subject),
        ("Date", format_datetime(at.astimezone(UTC))),
        ("Message-ID", envelope.message_id),
        ("Auto-Submitted", "auto-generated"),  # RFC 3834: no holiday notices in return
    )


def _outer_copies(envelope: Envelope) -> bytes:
    """What stands outside, told inside (RFC 9788, section 2.2); by hand, because `email` would encode long values."""
    outside = _headers(envelope, OUTER_SUBJECT, _hour(envelope.at))
    return "".join(f"HP-Outer: {name}: {value}\r\n" for name, value in outside).encode("ascii")


def _sound(text: str) -> str:
    """Half a letter, as some clients send it (a lone surrogate), may not keep an alert from leaving."""
    return text.encode(errors="replace").decode()


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _attach(mail: EmailMessage, content: bytes, subtype: str) -> None:
    part = MIMEPart(policy=policy.SMTP)  # an EmailMessage would repeat MIME-Version in each part
    part.set_content(content, "application", subtype, cte="7bit")
    mail.attach(cast("EmailMessage", part))


def _padded(inner: bytes) -> bytes:
    """Fill up to the size class with an epilogue, which mail programs don't show (RFC 2046, section 5.1.1)."""
    size = SMALLEST
    while size < len(inner):
        size *= 2
    room = size - len(inner)
    filler = (_FILLER_LINE * (room // len(_FILLER_LINE) + 1))[:room].rstrip("\r\n").ljust(room, ".")
    return inner + filler.encode()
