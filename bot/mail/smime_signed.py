"""Signed replies of officers with an S/MIME certificate: whose pinned key made the signature, and when (RFC 5652).

The only file that knows asn1crypto; mail programs write BER, which the library for ciphers does not read. Only the
pinned certificates are believed: what a mail brings along (certificates, chains, the signer's name) decides nothing.
What a reply is worth is not decided here.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from asn1crypto import cms, core  # type: ignore[import-untyped]  # it brings no types
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from bot.errors import SealingError
from bot.mail.proof import Proof
from bot.mail.smime_certificate import SHORTEST_RSA, Certificate, lives, loaded, used_for_mail, used_to

MOST_SIGNERS = 8  # of one mail; more are somebody's attempt to keep us busy
LARGEST_SALT = 512  # bytes: an RSA key of 4096 bits has room for no more
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_PLAIN_RSA, _PSS, _ECDSA = "rsassa_pkcs1v15", "rsassa_pss", "ecdsa"
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_SET_OF = b"\x31"
_ASKED = ("content_type", "message_digest", "signing_time")


@dataclass(frozen=True, slots=True)
class _Signature:
    """One signer's part: `octets` is what was signed, and of it `told` the digest of the content and `at` the time."""

    digest: str
    scheme: str
    salt: int
    octets: bytes = field(repr=False)
    told: bytes = field(repr=False)
    at: datetime
    made: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Signed:
    """A SignedData: its content, unless that stands elsewhere, and the signatures that can count at all."""

    content: bytes | None = field(repr=False)
    signatures: tuple[_Signature, ...] = field(repr=False)


def signer_of(signed_part: bytes, signature: bytes, officers: Sequence[Certificate], now: datetime) -> Proof | None:
    """Return which of the officers signed exactly these octets, and when; None if nobody did.

    For multipart/signed (RFC 8551, section 3.5.3): `signed_part` is the first part as it came, with CRLF and without
    the line break before the boundary; `signature` the second one, decoded: DER or BER.
    """
    signed = _read(signature)
    if signed is None or signed.content is not None:
        return None
    return _proof(signed, signed_part, officers, now)


def opened_signed(der: bytes, officers: Sequence[Certificate], now: datetime) -> tuple[bytes, Proof] | None:
    """Return what one of the officers signed, and the proof; None if nobody did.

    For application/pkcs7-mime with smime-type=signed-data (RFC 8551, section 3.5.2), decoded: DER or BER.
    """
    signed = _read(der)
    if signed is None or signed.content is None:
        return None
    proof = _proof(signed, signed.content, officers, now)
    return (signed.content, proof) if proof else None


def content_of(der: bytes) -> bytes:
    """Return what a SignedData holds; its signature isn't judged.

    Raises:
        SealingError: it holds nothing.
    """
    signed = _read(der)
    if signed is None or signed.content is None:
        raise SealingError("the mail holds nothing that is signed")
    return signed.content


def _proof(signed: _Signed, content: bytes, officers: Sequence[Certificate], now: datetime) -> Proof | None:
    """The signature has to be good under the pinned key itself, so that nothing the mail says of its signer counts."""
    for signature in signed.signatures:
        if hashlib.new(signature.digest, content).digest() != signature.told:
            continue
        for officer in officers:
            cert = _signing(officer, now)
            if cert is not None and _made_by(cert, signature):
                return Proof(officer.fingerprint, signature.at)
    return None


def _signing(officer: Certificate, now: datetime) -> x509.Certificate | None:
    """The officer's certificate, if it is the pinned one, lives, and may sign mail (RFC 8550, section 4.4)."""
    try:
        cert = loaded(officer.raw)
    except ValueError:
        return None
    same = cert.fingerprint(hashes.SHA256()).hex() == officer.fingerprint
    may_sign = used_to(cert, lambda usage: usage.digital_signature or usage.content_commitment)
    return cert if same and lives(cert, now) and may_sign and used_for_mail(cert) else None


def _made_by(cert: x509.Certificate, signature: _Signature) -> bool:
    key, hashed, elliptic = cert.public_key(), _HASHES[signature.digest], signature.scheme == _ECDSA
    try:
        if isinstance(key, rsa.RSAPublicKey) and _is_long(key) and not elliptic:
            key.verify(signature.made, signature.octets, _padding(signature, hashed), hashed)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES) and elliptic:
            key.verify(signature.made, signature.octets, ec.ECDSA(hashed))
            return True
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return False


def _is_long(key: rsa.RSAPublicKey) -> bool:
    return key.key_size >= SHORTEST_RSA


def _padding(signature: _Signature, hashed: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    if signature.scheme == _PSS:
        return padding.PSS(padding.MGF1(hashed), signature.salt)
    return padding.PKCS1v15()


def _read(der: bytes) -> _Signed | None:
    try:
        outer = cms.ContentInfo.load(der, strict=True)
        signed = outer["content"]
        inner = signed["encap_content_info"]
        if (outer["content_type"].native, inner["content_type"].native) != ("signed_data", "data"):
            return None
        content = inner["content"]
        kept = None if isinstance(content, core.Void) else bytes(content)
        return _Signed(kept, tuple(_signatures(signed["signer_infos"])))
    except Exception:  # noqa: BLE001 - a stranger's octets may break the reader in any way: nothing is proven then
        return None


def _signatures(parts: Any) -> Iterator[_Signature]:  # noqa: ANN401 - the library has no types
    """One that is too weak or says too little is left out; a good one beside it still counts."""
    if len(parts) > MOST_SIGNERS:
        return
    for part in parts:
        try:
            yield _signature(part)
        except (ValueError, KeyError, TypeError):
            continue


def _signature(part: Any) -> _Signature:  # noqa: ANN401 - as above
    digest = part["digest_algorithm"]["algorithm"].native
    if digest not in _HASHES:
        raise ValueError("weak or unknown digest")
    scheme, salt = _scheme(part["signature_algorithm"], digest)
    attributes = part["signed_attrs"]
    told = _told(attributes)
    at = told["signing_time"].native
    if told["content_type"].native != "data" or not isinstance(at, datetime) or at.tzinfo is None:
        raise ValueError("attributes that do not fit")
    octets = _SET_OF + attributes.dump()[1:]  # RFC 5652, section 5.4: the tag of a SET OF is what was signed
    made = part["signature"].native
    return _Signature(digest, scheme, salt, octets, told["message_digest"].native, at.astimezone(UTC), made)


def _scheme(algorithm: Any, digest: str) -> tuple[str, int]:  # noqa: ANN401 - as above
    """The way of signing and the length of its salt; every digest it names has to be the signer's one."""
    scheme = algorithm.signature_algo
    if scheme not in (_PLAIN_RSA, _PSS, _ECDSA):
        raise ValueError("unknown way of signing")
    if algorithm["algorithm"].native != _PLAIN_RSA and algorithm.hash_algo != digest:
        raise ValueError("another digest")
    if scheme != _PSS:
        return scheme, 0
    salt = algorithm["parameters"]["salt_length"].native
    if not 0 <= salt <= LARGEST_SALT:
        raise ValueError("a salt that does not fit")
    return scheme, salt


def _told(attributes: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """The signed attributes that we go by: each has to be there once, with one value (RFC 5652, section 11)."""
    values = [(attribute["type"].native, attribute["values"]) for attribute in attributes]
    asked = [(name, value) for name, value in values if name in _ASKED]
    if sorted(name for name, _ in asked) != sorted(_ASKED) or any(len(value) != 1 for _, value in asked):
        raise ValueError("attributes that are missing or doubled")
    return {name: value[0] for name, value in asked}
