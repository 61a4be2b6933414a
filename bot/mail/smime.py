"""Sealing to officers who have an S/MIME certificate: one mail for each, signed, then encrypted (RFC 8551).

AES-256-CBC and RSA with PKCS1 v1.5, which every mail program for S/MIME opens. What may be sealed to is
smime_certificate.py's, signed replies are smime_signed.py's, the mail's shape is envelope.py's, sending is smtp.py's.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bot.errors import SealingError, SettingsError, Undeliverable
from bot.mail.envelope import (
    Envelope,
    Parts,
    inner_mail,
    outer_smime,
    read_inner,
    sealed_smime,
    signed_content,
    signed_smime,
)
from bot.mail.smime_certificate import Certificate, as_pem, days_left, findings, loaded, read_certificate
from bot.mail.smime_signed import content_of

__all__ = [
    "Certificate",
    "Envelope",
    "Parts",
    "Signer",
    "days_left",
    "findings",
    "new_signing_key",
    "open_mail",
    "read_certificate",
    "seal_mail",
]

SIGNING_DAYS = 3652  # ten years: the missions compare its fingerprint by hand: seldom is better
_LATE_CLOCKS = timedelta(days=1)  # an officer's clock may be behind ours
_LONGEST_NAME = 64  # characters of a common name (RFC 5280, appendix A.1, ub-common-name)
_KEPT_IN = Path("smime-signing-key")
_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


@dataclass(frozen=True, slots=True)
class Signer:
    """The bot's signing key, ready to sign; `certificate` is its public half, for the missions."""

    certificate: Certificate
    _key: ec.EllipticCurvePrivateKey = field(repr=False)
    _cert: x509.Certificate = field(repr=False)

    @classmethod
    def open(cls, pem: bytes) -> "Signer":
        """Take what `new_signing_key` gave.

        Raises:
            SealingError: it is no such key with its certificate, or needs a password.
        """
        try:
            key, cert = serialization.load_pem_private_key(pem, password=None), loaded(pem)
        except (ValueError, TypeError):  # TypeError: it has a password
            raise SealingError("the S/MIME signing key can't be read; make one that has no password") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != cert.public_key():
            raise SealingError("the S/MIME signing key is not the one of its certificate")
        return cls(as_pem(cert, _KEPT_IN), key, cert)

    def sign(self, content: bytes) -> bytes:
        """Return a DER SignedData that holds `content` (SHA-256, opaque)."""
        made = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(self._cert, self._key, hashes.SHA256())
        return made.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def new_signing_key(name: str, address: str, now: datetime) -> bytes:
    """Return a fresh P-256 key and its self-signed certificate, in one PEM.

    Raises:
        SettingsError: the name or the address can't stand in a certificate.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    try:
        cert = _self_signed(key, name, address, now - _LATE_CLOCKS)
    except ValueError:
        raise SettingsError("the sender's name or address can't stand in an S/MIME certificate") from None
    secret = key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return secret + cert.public_bytes(Encoding.PEM)


def seal_mail(parts: Parts, envelope: Envelope, certificate: Certificate, signer: Signer, *, pinned: str) -> bytes:
    """Return the whole mail, signed, then sealed to one certificate: ASCII, CRLF, lines of at most 998 characters.

    RFC 8551, section 3.7: signed inside, so that nobody on the way learns or strips the signature; RFC 9788: the real
    headers are inside. The certificate is checked once more, as of `envelope.at`.

    Raises:
        Undeliverable: the certificate may not be used, or an address can't stand in a mail.
    """
    wrong = findings(certificate, pinned, envelope.at)
    if wrong:
        raise Undeliverable(wrong[0])
    try:
        inner = inner_mail(parts, envelope)
        return outer_smime(envelope, _sealed(signed_smime(signer.sign(inner)), loaded(certificate.raw)))
    except ValueError:
        raise Undeliverable("the sender's or recipient's address can't stand in a mail") from None


def open_mail(mail: bytes, private_key_pem: bytes, certificate: Certificate) -> tuple[str, str, str]:
    """Return subject, text and case as the holder of the private key reads them; the signature isn't judged.

    Raises:
        SealingError: the mail isn't sealed, or not to this key.
    """
    sealed = sealed_smime(mail)
    try:
        key = serialization.load_pem_private_key(private_key_pem, password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise SealingError("the mail can't be opened with this key")
        signed = pkcs7.pkcs7_decrypt_der(sealed, loaded(certificate.raw), key, [])
    except (ValueError, TypeError):
        raise SealingError("the mail can't be opened with this key") from None
    return read_inner(content_of(signed_content(signed)))


def _sealed(signed: bytes, cert: x509.Certificate) -> bytes:
    """The library's own choice would be AES-128."""
    envelope = pkcs7.PKCS7EnvelopeBuilder().set_data(signed).add_recipient(cert)
    aes = envelope.set_content_encryption_algorithm(algorithms.AES256)
    return aes.encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def _self_signed(key: ec.EllipticCurvePrivateKey, name: str, address: str, begins: datetime) -> x509.Certificate:
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_LONGEST_NAME])])
    signs_only = x509.KeyUsage(**{usage: usage == "digital_signature" for usage in _USAGES})
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(begins).not_valid_after(begins + timedelta(days=SIGNING_DAYS))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(signs_only, critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
    return builder.add_extension(identifier, critical=False).sign(key, hashes.SHA256())
