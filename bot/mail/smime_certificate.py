"""Officers' S/MIME certificates: read from a file, and everything that is wrong with one, as sentences.

The library below seals to any certificate with an RSA key, expired or not, so every check is made here. A certificate
is trusted because the mission gave its fingerprint, not because an authority signed it: no chain and no list of
revoked certificates is asked, and nothing is fetched. Sealing is smime.py's, signatures are smime_signed.py's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, PublicKeyAlgorithmOID

from bot.mail.certificate_file import octets_of

SHORTEST_RSA = 2048  # bits; RFC 8551, section 4.3
_WEAK = ("md5", "sha1")
_PEM = b"-----BEGIN "
_SECRET = b"PRIVATE KEY-----"
_NO_END = 9999  # the year that stands for "no end" (RFC 5280, section 4.1.2.5)
_FOR_MAIL = frozenset({ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})


@dataclass(frozen=True, slots=True)
class Certificate:
    """Someone's X.509 certificate, PEM or DER, as it was read.

    `fingerprint`: SHA-256 of the DER, lower-case hex, "" if it can't be read.
    """

    path: Path
    fingerprint: str
    raw: bytes = field(repr=False)


def read_certificate(path: Path) -> Certificate:
    """Read the file; what is wrong with its content is told by `findings`.

    Raises:
        SettingsError: the file can't be read.
    """
    raw = octets_of(path, "an S/MIME certificate")
    return Certificate(path, fingerprint_of(raw), raw)


def findings(certificate: Certificate, pinned: str, now: datetime) -> list[str]:
    """Return one sentence for each reason not to seal to this certificate; none means that it may be used.

    `pinned`: the SHA-256 fingerprint the mission gave; spaces, colons and case as one likes.
    """
    try:
        found = list(_wrong(certificate, pinned, now))
    except ValueError:
        found = [*_secret(certificate), "this is not one readable X.509 certificate."]
    return [f"{certificate.path}: {sentence}" for sentence in found]


def days_left(certificate: Certificate, now: datetime) -> int | None:
    """Return the whole days until the certificate expires; None if it never does.

    0 for a certificate that can't be read or isn't valid now.
    """
    try:
        cert = loaded(certificate.raw)
    except ValueError:
        return 0
    if cert.not_valid_after_utc.year == _NO_END and cert.not_valid_before_utc <= now:
        return None
    return (cert.not_valid_after_utc - now).days if lives(cert, now) else 0


def loaded(raw: bytes) -> x509.Certificate:
    """Return the one certificate in these octets, PEM or DER, with all of it readable.

    Raises:
        ValueError: there is none, there are several, or a part of it can't be read.
    """
    try:
        cert = _one(raw)
        cert.public_key()
        _ = cert.extensions, cert.not_valid_before_utc, cert.not_valid_after_utc
    except Exception:  # noqa: BLE001 - the library has many names for it, of which few are a ValueError
        raise ValueError("not one readable certificate") from None
    return cert


def fingerprint_of(raw: bytes) -> str:
    """Return the SHA-256 of the DER, lower-case hex; "" if `raw` isn't one readable certificate."""
    try:
        return loaded(raw).fingerprint(hashes.SHA256()).hex()
    except ValueError:
        return ""


def lives(cert: x509.Certificate, now: datetime) -> bool:
    """Whether `now` (aware) is within the certificate's time."""
    return cert.not_valid_before_utc <= now < cert.not_valid_after_utc


def used_for_mail(cert: x509.Certificate) -> bool:
    """Whether it may be used for mail at all (RFC 8550, section 4.4.4); one that doesn't say may."""
    try:
        return not _FOR_MAIL.isdisjoint(cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return True


def used_to(cert: x509.Certificate, allows: Callable[[x509.KeyUsage], bool]) -> bool:
    """Whether its key usage allows that (RFC 8550, section 4.4.2); one that doesn't say allows everything."""
    try:
        return allows(cert.extensions.get_extension_for_class(x509.KeyUsage).value)
    except x509.ExtensionNotFound:
        return True


def _one(raw: bytes) -> x509.Certificate:
    if _PEM not in raw:
        return x509.load_der_x509_certificate(raw)
    (cert,) = x509.load_pem_x509_certificates(raw)
    return cert


def _wrong(certificate: Certificate, pinned: str, now: datetime) -> Iterator[str]:
    cert = loaded(certificate.raw)
    yield from _secret(certificate)
    expected = "".join(pinned.split()).replace(":", "").lower()
    if not expected or cert.fingerprint(hashes.SHA256()).hex() != expected:
        yield "its fingerprint is not the one that the profile gives."
    yield from _dead(cert, now)
    yield from _weak(cert)
    yield from _meant_otherwise(cert)


def _secret(certificate: Certificate) -> Iterator[str]:
    if _SECRET in certificate.raw:
        yield "it holds a private key, which may never leave its owner; export the certificate alone."


def _dead(cert: x509.Certificate, now: datetime) -> Iterator[str]:
    if now < cert.not_valid_before_utc:
        yield "it is not valid yet."
    elif not lives(cert, now):
        yield "it has expired."


def _weak(cert: x509.Certificate) -> Iterator[str]:
    key = cert.public_key()
    plain_rsa = cert.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSAES_PKCS1_v1_5
    if not isinstance(key, rsa.RSAPublicKey) or not plain_rsa:
        yield "its key is not an RSA key: an elliptic-curve key can't be sealed to; ask for an RSA certificate."
    elif key.key_size < SHORTEST_RSA:
        yield f"its RSA key is shorter than {SHORTEST_RSA} bits."
    if _weakly_signed(cert):
        yield "it is signed with SHA-1, MD5 or something unknown, which can be forged."


def _weakly_signed(cert: x509.Certificate) -> bool:
    try:
        signed_with = cert.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return True
    return signed_with is not None and signed_with.name in _WEAK


def _meant_otherwise(cert: x509.Certificate) -> Iterator[str]:
    if not used_to(cert, lambda usage: usage.key_encipherment):
        yield "its key usage does not allow to seal to it (keyEncipherment)."
    if not used_for_mail(cert):
        yield "it is not meant for mail (emailProtection)."
    if _is_authority(cert):
        yield "it is a certificate authority's, not a person's."


def _is_authority(cert: x509.Certificate) -> bool:
    try:
        return cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def as_pem(cert: x509.Certificate, path: Path) -> Certificate:
    """Return a certificate of our own making, as if it had been read from `path`."""
    return Certificate(path, cert.fingerprint(hashes.SHA256()).hex(), cert.public_bytes(Encoding.PEM))
