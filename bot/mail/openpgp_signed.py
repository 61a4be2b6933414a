"""Officers' OpenPGP signatures: whether one fits, and whether its maker is pinned and alive.

With openpgp.py, the only file that knows pysequoia. That library takes signatures of a certificate that has expired
since, so who may sign is asked of our own reading of the certificate. No mail is taken apart here.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from pysequoia import Cert, Sig, verify
from pysequoia.packet import Packet, PacketPile, PublicKeyAlgorithm, SignatureType, Tag

from bot.mail.openpgp import Certificate, Signer, signing_keys
from bot.mail.openpgp_inner import LITERAL, SIGNATURE, only_signature, unsealed
from bot.mail.proof import Proof
from bot.mail.replies import LEAD, Why, ahead

_OF_TEXT = (SignatureType.Binary, SignatureType.Text)  # RFC 9580, section 5.2.1: all others are about keys
_KEYS = (Tag.PublicKey, Tag.PublicSubkey)
_CLEAR = b"-----BEGIN PGP SIGNED MESSAGE-----"
_ARMORED = b"\n-----BEGIN PGP SIGNATURE-----"


def signer_of(signed: bytes, signature: bytes, officers: Sequence[Certificate], now: datetime) -> Proof | Why:
    """Return who signed these octets, or why that counts for nothing. `signature`: detached, armored or not."""
    sig = _signature(signature)
    if sig is None:
        return Why.UNREADABLE
    try:
        found = verify(bytes=signed, store=lambda _: _certs(officers), signature=sig).valid_sigs
    except RuntimeError:
        return _why(sig, officers, now)
    return _proof(found, sig, officers, now)


def signed_text(message: bytes, officers: Sequence[Certificate], now: datetime) -> tuple[bytes, Proof] | Why:
    """Return the text of a message that is signed in clear (RFC 9580, section 7), and who signed it.

    The text is the one that the signature is about, in the charset of whoever wrote it.
    """
    _, _, armored = message.partition(_ARMORED)
    if not message.startswith(_CLEAR) or message.count(_CLEAR) != 1 or message.count(_ARMORED) != 1:
        return Why.UNREADABLE
    return _read(message, _ARMORED + armored, officers, now)


def opened(
    sealed: bytes, signer: Signer, officers: Sequence[Certificate], now: datetime
) -> tuple[bytes, Proof | Why] | None:
    """Return what is within a message that is sealed to the bot, and who signed it; None if we can't open it.

    `Why.UNSIGNED`: nobody signed the message as a whole; what is within may be a signed mail.
    """
    packets = unsealed(sealed, _secrets(signer))
    if packets is None:
        return None
    literal = next((packet.body for packet in packets if packet.tag == LITERAL), b"")
    signatures = [packet.framed() for packet in packets if packet.tag == SIGNATURE]
    if not signatures:
        return _content(literal), Why.UNSIGNED
    told = _read(b"".join(packet.framed() for packet in packets), b"".join(signatures), officers, now)
    return (_content(literal), told) if isinstance(told, Why) else told


def _read(
    message: bytes, signature: bytes, officers: Sequence[Certificate], now: datetime
) -> tuple[bytes, Proof] | Why:
    """What is checked and what is read are the same: the text comes from the library, not from our own reading."""
    sig = _signature(signature)
    if sig is None:
        return Why.UNREADABLE
    try:
        checked = verify(bytes=message, store=lambda _: _certs(officers))
    except RuntimeError:
        return _why(sig, officers, now)
    proof = _proof(checked.valid_sigs, sig, officers, now)
    return proof if isinstance(proof, Why) else (checked.bytes or b"", proof)


def _signature(octets: bytes) -> Sig | None:
    """One signature, and about a text. It is cut out first: the library would unpack whatever else there is."""
    alone = only_signature(octets)
    try:
        sig = Sig.from_bytes(alone) if alone else None
    except RuntimeError:
        return None
    return sig if sig and sig.signature_type in _OF_TEXT and sig.created is not None else None


def _proof(found: Sequence[object], sig: Sig, officers: Sequence[Certificate], now: datetime) -> Proof | Why:
    made = sig.created
    if made is None:
        return Why.CHANGED
    keys = {(getattr(one, "certificate", ""), getattr(one, "signing_key", "")) for one in found}
    named = [(officer, {key for owner, key in keys if owner == officer.fingerprint}) for officer in officers]
    alive = [one for one, made_by in named if made_by and made_by <= signing_keys(one, max(made, now))]
    if alive and made > now + LEAD:
        return ahead(made, now)
    if alive:
        return Proof(alive[0].fingerprint, made.astimezone(UTC))
    return Why.EXPIRED if any(made_by for _, made_by in named) else Why.STRANGER


def _why(sig: Sig, officers: Sequence[Certificate], now: datetime) -> Why:
    """Tell why a signature doesn't fit, by the key that it names; that name is only a hint, and proves nothing."""
    issuer, short = sig.issuer_fingerprint or "", sig.issuer_key_id or ""
    named = [(officer, {key for key in _key_names(officer) if _is(key, issuer, short)}) for officer in officers]
    if not any(keys for _, keys in named):
        return Why.STRANGER
    made = max(sig.created or now, now)
    if not any(keys and keys <= signing_keys(one, made) for one, keys in named):
        return Why.EXPIRED
    return ahead(made, now) if made > now + LEAD else Why.CHANGED


def _is(key: str, issuer: str, short: str) -> bool:
    return bool(key) and (key == issuer or (bool(short) and key.endswith(short)))


def _key_names(certificate: Certificate) -> Iterator[str]:
    try:
        packets = list(PacketPile.from_bytes(certificate.raw))
    except RuntimeError:
        return
    yield from (packet.fingerprint or "" for packet in packets if packet.tag in _KEYS)


def _certs(officers: Sequence[Certificate]) -> list[Cert]:
    certs = []
    for officer in officers:
        try:
            certs.append(Cert.from_bytes(officer.raw))
        except RuntimeError:
            continue  # its findings are told at the start
    return certs


def _secrets(signer: Signer) -> list[Packet]:
    """The subkeys that officers seal to; none in a key that was made to sign only."""
    packets = PacketPile.from_bytes(signer.secret)
    return [packet for packet in packets if packet.tag == Tag.SecretSubkey and _is_sealed_to(packet)]


def _is_sealed_to(packet: Packet) -> bool:
    return packet.key_algorithm == PublicKeyAlgorithm.ECDH


def _content(literal: bytes) -> bytes:
    """RFC 9580, section 5.9: a format, a name, a date, then the content."""
    return literal[6 + literal[1] :] if len(literal) > 1 else b""
