"""Officers' answers as mail programs make them: the MIME is put together here, every signature is gpg's own."""

import base64
import quopri
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from fakes_gpg import Gpg

from bot.mail.openpgp import Certificate, Signer
from bot.mail.openpgp_signed import opened, signed_text, signer_of
from bot.mail.replies import Officers

TOKEN = "ACK-7K3QM4-ABCD-EFGH-JK12"
ANOTHER = "ACK-7K3QM4-0000-1111-ZZZZ"
HEAD = (
    "From: Somebody <somebody@elsewhere.example>\r\nTo: bot@bot.example\r\n"
    f"Subject: Re: {ANOTHER}\r\nMessage-ID: <r1@mission.example>\r\nMIME-Version: 1.0\r\n"
)


def now() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=2)  # noqa: TID251 - gpg signs at the real time, to whole seconds


def checks(signer: Signer, certificates: Sequence[Certificate], at: datetime) -> Officers:
    """What the app gives to the reader, for OpenPGP."""
    return Officers(
        check_pgp=partial(signer_of, officers=certificates, now=at),
        read_clear=partial(signed_text, officers=certificates, now=at),
        open_pgp=partial(opened, signer=signer, officers=certificates, now=at),
        check_smime=lambda *_: None,
        open_smime=lambda _: None,
    )


def lines(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def part(text: str, *, kind: str = "text/plain; charset=utf-8", encoding: str = "8bit", more: str = "") -> bytes:
    """One part of a mail, headers and all."""
    body = lines(text)
    if encoding == "base64":
        body = base64.encodebytes(body).replace(b"\n", b"\r\n")
    if encoding == "quoted-printable":
        body = quopri.encodestring(body.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n{more}\r\n".encode() + body


def multipart(kind: str, *parts: bytes, boundary: str = "b1") -> bytes:
    body = b"".join(b"--%b\r\n%b\r\n" % (boundary.encode(), one) for one in parts)
    return f'Content-Type: {kind}; boundary="{boundary}"\r\n\r\n'.encode() + body + f"--{boundary}--\r\n".encode()


def mail(entity: bytes, head: str = HEAD) -> bytes:
    return head.encode() + entity


def signature(gpg: Gpg, name: str, octets: bytes, *, at: str = "", options: Sequence[str] = ()) -> bytes:
    return gpg.must("-u", f"={name}", *options, "--armor", "--detach-sign", given=octets, at=at)


def signed(gpg: Gpg, name: str, entity: bytes, *, at: str = "", boundary: str = "signed") -> bytes:
    """RFC 3156, section 5, as Thunderbird, mutt and others write it."""
    made = signature(gpg, name, entity, at=at)
    return multipart(
        'multipart/signed; micalg=pgp-sha512; protocol="application/pgp-signature"',
        entity,
        b"Content-Type: application/pgp-signature; name=signature.asc\r\n\r\n" + made.replace(b"\n", b"\r\n"),
        boundary=boundary,
    )


def sealed(message: bytes, boundary: str = "sealed") -> bytes:
    """RFC 3156, section 4."""
    return multipart(
        'multipart/encrypted; protocol="application/pgp-encrypted"',
        b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n",
        b"Content-Type: application/octet-stream; name=encrypted.asc\r\n\r\n" + message.replace(b"\n", b"\r\n"),
        boundary=boundary,
    )


def sealed_to(gpg: Gpg, signer: Signer, content: bytes, *words: str) -> bytes:
    """What gpg seals to the bot; `words`: `--sign`, `-u`, how it compresses."""
    gpg.must("--import", given=signer.certificate.raw)
    to = ("--trust-model", "always", "-r", signer.certificate.fingerprint)
    return gpg.must(*to, *words, "--armor", "--encrypt", given=content)


def clearsigned(gpg: Gpg, name: str, text: str, *, at: str = "") -> bytes:
    return gpg.must("-u", f"={name}", "--clearsign", given=text.encode(), at=at)
