"""Officers' certificates, and sealing to them: what is wrong with one, and one signed and sealed mail for each.

With openpgp_signed.py, all that knows pysequoia. It seals to an expired certificate without a word, so expiry is
checked here, before every sealing. Sending is smtp.py's, the mail's shape is envelope.py's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pysequoia import Cert, Profile, PySigner, Tsk, decrypt, encrypt
from pysequoia.packet import Packet, PacketPile, SignatureType, Tag

from bot.errors import SealingError, Undeliverable
from bot.mail.certificate_file import octets_of
from bot.mail.envelope import Envelope, Parts, inner_mail, message_id, outer_mail, read_inner, sealed_part

__all__ = [
    "Certificate",
    "Envelope",
    "Parts",
    "Signer",
    "days_left",
    "findings",
    "message_id",
    "new_signing_key",
    "open_mail",
    "read_certificate",
    "seal_mail",
    "signing_keys",
    "throwaway_officer",
]

_SECRETS = (Tag.SecretKey, Tag.SecretSubkey)
_KEYS = (Tag.PublicKey, Tag.PublicSubkey, *_SECRETS)
_BINDINGS = (
    SignatureType.SubkeyBinding,
    SignatureType.DirectKey,
    SignatureType.GenericCertification,
    SignatureType.PersonaCertification,
    SignatureType.CasualCertification,
    SignatureType.PositiveCertification,
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Someone's public OpenPGP key as it was read. `fingerprint`: lower-case hex, "" if it can't be read."""

    path: Path
    fingerprint: str
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signer:
    """The bot's signing key, ready to sign; `certificate` is its public half, for the missions."""

    certificate: Certificate
    _key: PySigner = field(repr=False)
    secret: bytes = field(repr=False)  # what officers seal their replies to is among it

    @classmethod
    def open(cls, secret: bytes) -> "Signer":
        """Take a secret key, armored or not.

        Raises:
            SealingError: it is no secret key, needs a password, or can't sign.
        """
        try:
            tsk = Tsk.from_bytes(secret)
            return cls(_certificate_of(tsk, Path("signing-key")), tsk.signer(), bytes(tsk))
        except RuntimeError:
            raise SealingError("the signing key can't sign; make one that has no password") from None


@dataclass(frozen=True, slots=True)
class _Key:
    """One key of a certificate, by its newest binding signature."""

    name: str
    signs: bool
    seals: bool
    created: datetime
    expires: datetime | None
    revoked: bool

    def lives(self, now: datetime) -> bool:
        return not self.revoked and self.created <= now and (self.expires is None or now < self.expires)


def read_certificate(path: Path) -> Certificate:
    """Read the file; what is wrong with its content is told by `findings`.

    Raises:
        SettingsError: the file can't be read.
    """
    raw = octets_of(path, "an OpenPGP certificate")
    return Certificate(path, _fingerprint(raw), raw)


def findings(certificate: Certificate, pinned: str, now: datetime) -> list[str]:
    """Return one sentence for each reason not to seal to this certificate; none means that it may be used.

    `pinned`: the fingerprint the mission gave, spaces and case as one likes.
    """
    try:
        cert = Cert.from_bytes(certificate.raw)
        packets = _known_packets(certificate.raw)
        found = [*_wrong_key(certificate, pinned, packets), *_dead(cert, packets, now)]
    except RuntimeError:
        return [f"{certificate.path}: this is not one readable OpenPGP certificate."]
    if not found and not _accepted(cert):
        found = ["the key or its signatures are too weak to seal to."]
    return [f"{certificate.path}: {sentence}" for sentence in found]


def days_left(certificate: Certificate, now: datetime) -> int | None:
    """Return the whole days until nothing can be sealed to this certificate; None if it never expires.

    0 for a certificate that can't be used at all.
    """
    try:
        cert = Cert.from_bytes(certificate.raw)
        whole, revoked = cert.expiration, cert.is_revoked
        keys = _living(_keys(_known_packets(certificate.raw), now), now)
    except RuntimeError:
        return 0
    if revoked or not keys:
        return 0
    ends = [end for end in (whole, _last_end(keys)) if end is not None]
    return max(0, (min(ends) - now).days) if ends else None


def signing_keys(certificate: Certificate, now: datetime) -> frozenset[str]:
    """Return the fingerprints (lower-case hex) of its keys that may sign at `now`; none if it is dead itself."""
    try:
        cert = Cert.from_bytes(certificate.raw)
        keys = list(_keys(_known_packets(certificate.raw), now))
        dead = cert.is_revoked or (cert.expiration is not None and cert.expiration <= now)
    except RuntimeError:
        return frozenset()
    return frozenset(key.name for key in keys if key.signs and key.lives(now) and not dead)


def new_signing_key(name: str) -> bytes:
    """Return a new armored secret key for the bot, of the kind every program knows (v4: Ed25519, sealed to X25519)."""
    return str(Tsk.generate(name, profile=Profile.RFC4880)).encode()


def throwaway_officer() -> tuple[bytes, Certificate]:
    """Return the secret key and the certificate of an officer who doesn't exist, for rehearsals."""
    tsk = Tsk.generate("Nobody <officer@rehearsal.invalid>", profile=Profile.RFC4880)
    return str(tsk).encode(), _certificate_of(tsk, Path("throwaway-officer"))


def seal_mail(parts: Parts, envelope: Envelope, certificate: Certificate, signer: Signer, *, pinned: str) -> bytes:
    """Return the whole mail, signed and sealed to one certificate: ASCII, CRLF, lines of at most 998 characters.

    RFC 3156, section 6.2: signed and encrypted in one; RFC 9788: the real headers are inside, and the words also as gpg
    alone shows them. The certificate is checked once more, as of `envelope.at`.

    Raises:
        Undeliverable: the certificate may not be used, or an address can't stand in a mail.
    """
    wrong = findings(certificate, pinned, envelope.at)
    if wrong:
        raise Undeliverable(wrong[0])
    try:
        return outer_mail(envelope, _seal(inner_mail(parts, envelope, legibly=True), certificate, signer))
    except ValueError:
        raise Undeliverable("the sender's or recipient's address can't stand in a mail") from None


def open_mail(mail: bytes, secret: bytes) -> tuple[str, str, str]:
    """Return subject, text and case as the holder of the secret key reads them; the signature isn't judged.

    Raises:
        SealingError: the mail isn't sealed, or not to this key.
    """
    try:
        inner = decrypt(sealed_part(mail), Tsk.from_bytes(secret).decryptor()).bytes
    except RuntimeError:
        raise SealingError("the mail can't be opened with this key") from None
    return read_inner(inner or b"")


def _seal(inner: bytes, certificate: Certificate, signer: Signer) -> bytes:
    try:
        return encrypt(inner, recipients=[Cert.from_bytes(certificate.raw)], signer=signer._key)  # noqa: SLF001 - ours
    except RuntimeError:
        raise Undeliverable(f"{certificate.path}: sealing to this certificate was refused.") from None


def _certificate_of(tsk: Tsk, path: Path) -> Certificate:
    public = tsk.extract_certificate()
    return Certificate(path, public.fingerprint, str(public).encode())


def _known_packets(raw: bytes) -> list[Packet]:
    """The packets whose kind the library knows; it raises at a kind that is newer than itself."""
    return [packet for packet in PacketPile.from_bytes(raw) if _is_known(packet)]


def _is_known(packet: Packet) -> bool:
    try:
        return packet.tag is not None and (packet.tag != Tag.Signature or packet.signature_type is not None)
    except RuntimeError:
        return False


def _fingerprint(raw: bytes) -> str:
    try:
        return Cert.from_bytes(raw).fingerprint
    except RuntimeError:
        return ""


def _wrong_key(certificate: Certificate, pinned: str, packets: Iterable[Packet]) -> Iterator[str]:
    """The raw packets are asked for secrets, because `Cert` reads a secret key as if it were a public one."""
    expected = "".join(pinned.split()).lower()
    if not expected or certificate.fingerprint != expected:
        yield "its fingerprint is not the one that the profile gives."
    if any(packet.tag in _SECRETS for packet in packets):
        yield "it holds a secret key, which may never leave its owner; export the public one."


def _dead(cert: Cert, packets: Iterable[Packet], now: datetime) -> Iterator[str]:
    keys = list(_keys(packets, now))
    if keys[0].created > now:
        yield "it is dated in the future."
        return
    try:
        revoked, expires = cert.is_revoked, cert.expiration
    except RuntimeError:  # "Policy rejected ...": too weak to be read
        return
    if revoked:
        yield "it is revoked."
    elif expires is not None and expires <= now:
        yield "it has expired."
    elif not _living(keys, now):
        yield "it has no living key to seal to."


def _accepted(cert: Cert) -> bool:
    """Whether the library seals to it: its policy refuses short RSA keys and SHA-1."""
    try:
        encrypt(b"", recipients=[cert])
    except RuntimeError:
        return False
    return True


def _living(keys: Iterable[_Key], now: datetime) -> list[_Key]:
    return [key for key in keys if key.seals and key.lives(now)]


def _last_end(keys: Iterable[_Key]) -> datetime | None:
    ends = [key.expires for key in keys]
    return None if None in ends else max(end for end in ends if end is not None)


def _keys(packets: Iterable[Packet], now: datetime) -> Iterator[_Key]:
    """Group the packets by the key they belong to; names and their signatures follow the primary key."""
    key: Packet | None = None
    signatures: list[Packet] = []
    for packet in packets:
        if packet.tag in _KEYS:
            if key is not None:
                yield _key(key, signatures, now)
            key, signatures = packet, []
        elif packet.tag == Tag.Signature:
            signatures.append(packet)
    if key is not None:
        yield _key(key, signatures, now)


def _key(key: Packet, signatures: Iterable[Packet], now: datetime) -> _Key:
    created, name = key.key_created or now, key.fingerprint or ""
    revoked = any(signature.signature_type == SignatureType.SubkeyRevocation for signature in signatures)
    newest = max(_bindings(signatures, now), key=lambda signature: signature.signature_created or now, default=None)
    flags = newest.key_flags if newest else None
    if newest is None or flags is None:
        return _Key(name, signs=False, seals=False, created=created, expires=None, revoked=revoked)
    seals, period = flags.transport_encryption or flags.storage_encryption, newest.key_validity_period
    expires = created + period if period else None
    return _Key(name, signs=flags.signing, seals=seals, created=created, expires=expires, revoked=revoked)


def _bindings(signatures: Iterable[Packet], now: datetime) -> list[Packet]:
    return [
        signature
        for signature in signatures
        if signature.signature_type in _BINDINGS
        and signature.key_flags is not None
        and (signature.signature_created or now) <= now
    ]
