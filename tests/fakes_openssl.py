"""A real openssl and people with S/MIME certificates of every kind, good and bad; for every test that opens or signs.

Certificates are made with the library, because openssl can't be told when one begins; all else is openssl's work.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bot.mail.envelope import Envelope, message_id
from bot.mail.proof import Proof
from bot.mail.smime import Signer, seal_mail
from bot.mail.smime_certificate import Certificate, read_certificate
from bot.mail.smime_signed import signer_of

CANARY = "QWXZJKVBHPYMFGUC"
REFERENCE = "K7Q2A"
WORDS = "Её задержали вчера. اعتقلوها أمس. 她昨天被拘留了。 La detuvieron ayer."
BOT = "intake@bot.example"
OFFICER = "officer@mission.example"
REPLY = "Content-Type: text/plain; charset=utf-8\r\n\r\nACK-K7Q2-9F3M-XT4P\r\nوصلت. 收到。\r\n".encode()
MISSING = "openssl is needed to test S/MIME with officers' eyes: install it (Debian, Ubuntu: apt-get install openssl)."
USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)
MAIL = (ExtendedKeyUsageOID.EMAIL_PROTECTION,)
SERIAL = 0x5EA1

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(name: str = "officer", bits: int = 2048) -> rsa.RSAPrivateKey:
    """One key per name and length: making one takes long."""
    return rsa.generate_private_key(65537, bits)


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - openssl goes by the real time, too


@dataclass(frozen=True)
class Kind:
    """What a certificate says; None: it says nothing of it. `begins` and `ends` are days from now."""

    begins: float = -30
    ends: float = 365
    uses: Sequence[str] | None = ("digital_signature", "key_encipherment")
    meant: Sequence[x509.ObjectIdentifier] | None = MAIL
    authority: bool | None = False
    signed_with: hashes.SHA256 | hashes.SHA384 = field(default_factory=hashes.SHA256)


def certificate(key: Key, kind: Kind | None = None, name: str = "officer") -> x509.Certificate:
    """A self-signed certificate; all of the same name have the same issuer and the same serial number."""
    kind = kind or Kind()
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(who, who, key.public_key(), SERIAL)
    builder = builder.not_valid_before(now() + timedelta(days=kind.begins))
    builder = builder.not_valid_after(now() + timedelta(days=kind.ends))
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = builder.add_extension(identifier, critical=False)
    if kind.authority is not None:
        builder = builder.add_extension(x509.BasicConstraints(kind.authority, None), critical=True)
    if kind.uses is not None:
        usage = x509.KeyUsage(**{use: use in kind.uses for use in USAGES})
        builder = builder.add_extension(usage, critical=True)
    if kind.meant is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(kind.meant), critical=False)
    return builder.sign(key, kind.signed_with)


@dataclass(frozen=True)
class Person:
    """Somebody with a key and a certificate, both in files."""

    key: Key
    key_file: Path
    certificate: Certificate

    @property
    def secret(self) -> bytes:
        return self.key_file.read_bytes()


class Openssl:
    """openssl at work in one folder."""

    def __init__(self, home: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.fail(MISSING)
        self.home = home
        self._made = 0

    def run(self, *words: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        call = ["openssl", *(str(word) for word in words)]
        return subprocess.run(call, input=given, capture_output=True, check=False, timeout=60)

    def must(self, *words: str | Path, given: bytes = b"") -> bytes:
        done = self.run(*words, given=given)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def person(self, kind: Kind | None = None, *, key: Key | None = None, name: str = "officer") -> Person:
        key = key or rsa_key(name)
        self._made += 1
        cert_file, key_file = self.home / f"{self._made}.crt", self.home / f"{self._made}.key"
        cert_file.write_bytes(certificate(key, kind, name).public_bytes(Encoding.PEM))
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return Person(key, key_file, read_certificate(cert_file))

    def decrypt(self, mail: bytes, person: Person) -> bytes:
        return self.must("cms", "-decrypt", "-recip", person.certificate.path, "-inkey", person.key_file, given=mail)

    def verify(self, part: bytes, signer: Certificate) -> bytes:
        """What is signed, if the signature is good under this certificate and it may sign mail."""
        anchor = self.home / "anchor.crt"
        anchor.write_bytes(signer.raw)
        return self.must("cms", "-verify", "-binary", "-CAfile", anchor, given=part)

    def sign(self, content: bytes, person: Person, *options: str | Path) -> bytes:
        """A DER SignedData without the content; with it, if one option is -nodetach."""
        own = ("-signer", person.certificate.path, "-inkey", person.key_file)
        return self.must("cms", "-sign", "-binary", "-outform", "DER", *own, *options, given=content)


@dataclass(frozen=True, slots=True)
class Written:
    subject: str = f"Level 1: {REFERENCE} {CANARY} задержана"
    text: str = f"Level 1 {REFERENCE}\n{WORDS}\n{CANARY}\n. a dot\nFrom here\n"
    case_json: str = json.dumps({"reference": REFERENCE, "words": WORDS + CANARY}, ensure_ascii=False)


def envelope(at: datetime | None = None) -> Envelope:
    return Envelope(BOT, OFFICER, message_id(b"k" * 32, REFERENCE, 0, OFFICER, "bot.example"), at or now())


def seal(certificate: Certificate, signer: Signer, written: Written | None = None) -> bytes:
    """An alert to whoever owns this certificate."""
    return seal_mail(written or Written(), envelope(), certificate, signer, pinned=certificate.fingerprint)


def proven(signature: bytes, *officers: Person, text: bytes = REPLY, at: datetime | None = None) -> Proof | None:
    return signer_of(text, signature, [officer.certificate for officer in officers], at or now())


def by(proof: Proof | None, officer: Person) -> bool:
    """Whether it is this officer's, from this minute."""
    return (
        proof is not None
        and proof.fingerprint == officer.certificate.fingerprint
        and proof.at.tzinfo is UTC
        and abs(proof.at - now()) < timedelta(minutes=1)
    )
