"""What is within a sealed OpenPGP message, as packets, so that the signature among them can be checked.

The library that checks signatures opens sealed messages too, but not one whose content is compressed, as gpg does it
by default, and it doesn't tell when what it opened was signed. So sealed replies are opened here, and only opened:
a signature that fits is the proof of everything (openpgp_signed.py). Only what is sealed to the kind of key that
`new_signing_key` makes is opened (X25519), and never more than LARGEST bytes come out, whoever packed them.
"""

import binascii
import bz2
import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

LARGEST = 2**22  # bytes of an opened message
MOST_PACKETS = 32
PKESK, SIGNATURE, COMPRESSED, LITERAL, SEIPD = 1, 2, 8, 11, 18  # RFC 9580, section 5
_WITHIN = {SIGNATURE, 4, 10, LITERAL, 21}  # 4: one-pass signature, 10: marker, 21: padding

_ECDH = 18
_CURVE = bytes.fromhex("0a2b060104019755010501")  # its length and the OID of Curve25519, section 9.2
_HASHES: dict[int, Callable[[bytes], bytes]] = {
    8: lambda told: hashlib.sha256(told).digest(),
    9: lambda told: hashlib.sha384(told).digest(),
    10: lambda told: hashlib.sha512(told).digest(),
}
_AES = {7: 16, 8: 24, 9: 32}  # bytes of the key, section 9.3
_MDC = 22  # bytes: the packet's two, and a SHA-1, section 5.13.1
_BLOCK = 16
_ANONYMOUS = b"Anonymous Sender    "  # section 11.5


class _Unreadable(Exception):  # noqa: N818 - never leaves this file
    """It isn't what section 10.3 calls an encrypted message, or not one to us."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: its type and its content, without the lengths."""

    tag: int
    body: bytes = field(repr=False)

    def framed(self) -> bytes:
        """Return it as it is written: new format, five octets of length (section 4.2.1)."""
        return bytes([0xC0 | self.tag, 0xFF]) + len(self.body).to_bytes(4, "big") + self.body


class Secret(Protocol):
    """A secret subkey as a library read it: the packet's content and the fingerprint, lower-case hex."""

    @property
    def body(self) -> bytes:
        """The packet without its length."""
        ...

    @property
    def fingerprint(self) -> str | None:
        """Lower-case hex."""
        ...


def unsealed(message: bytes, secrets: Sequence[Secret]) -> list[Packet] | None:
    """Return the packets within a sealed message, armored or not; None if none of `secrets` opens it.

    Literal data and signatures only, uncompressed; whether a signature fits isn't looked at.
    """
    try:
        packets = list(_packets(_unarmored(message)))
        (sealed,) = [packet.body for packet in packets if packet.tag == SEIPD]
        keys = [packet.body for packet in packets if packet.tag == PKESK]
        plain = _first_opened(sealed, keys, [_Opener.of(secret) for secret in secrets])
        within = list(_packets(_unpacked(list(_packets(plain)))))
    except (_Unreadable, ValueError, IndexError, EOFError, OSError, zlib.error, InvalidUnwrap, InvalidKey):
        return None
    return within if {packet.tag for packet in within} <= _WITHIN else None


def only_signature(signature: bytes) -> bytes | None:
    """Return the octets of a signature, armored or not, that stands alone; None if it doesn't, or is none.

    Of several, the one that fits might not be the one whose time is read.
    """
    try:
        packets = list(_packets(_unarmored(signature)))
    except (_Unreadable, ValueError, IndexError):
        return None
    return packets[0].framed() if [packet.tag for packet in packets] == [SIGNATURE] else None


@dataclass(frozen=True, slots=True)
class _Opener:
    """The secret half of a Curve25519 subkey, version 4 (section 5.5.3): not locked by a password."""

    key: X25519PrivateKey = field(repr=False)
    fingerprint: bytes
    told: bytes  # what the key agreement is bound to
    digest: Callable[[bytes], bytes]
    wrapped_by: int

    @classmethod
    def of(cls, secret: Secret) -> "_Opener":
        body, after = secret.body, 6 + len(_CURVE)
        if body[0] != 4 or body[5] != _ECDH or body[6:after] != _CURVE:  # noqa: PLR2004 - the version
            raise _Unreadable
        _, after = _number(body, after)
        kdf = body[after : after + 4]
        if body[after + 4] != 0:
            raise _Unreadable
        scalar, _ = _number(body, after + 5)
        fingerprint = bytes.fromhex(secret.fingerprint or "")
        told = _CURVE + bytes([_ECDH]) + kdf + _ANONYMOUS + fingerprint
        key = X25519PrivateKey.from_private_bytes(scalar.rjust(32, b"\0")[::-1])
        return cls(key, fingerprint, told, _HASHES.get(kdf[2], _HASHES[8]), _AES.get(kdf[3], 16))

    def session_key(self, packet: bytes) -> bytes:
        """Section 5.1.5: agree on a key, unwrap with it, check the sum."""
        if packet[0] != 3 or packet[9] != _ECDH or packet[1:9] not in (self.fingerprint[-8:], bytes(8)):  # noqa: PLR2004
            raise _Unreadable
        point, after = _number(packet, 10)
        shared = self.key.exchange(X25519PublicKey.from_public_bytes(point[1:]))
        wrapping = self.digest(b"\0\0\0\1" + shared + self.told)[: self.wrapped_by]
        padded = aes_key_unwrap(wrapping, packet[after + 1 : after + 1 + packet[after]])
        size = _AES.get(padded[0], 0)
        key = padded[1 : 1 + size]
        if not size or sum(key) & 0xFFFF != int.from_bytes(padded[1 + size : 3 + size], "big"):
            raise _Unreadable
        return key


def _first_opened(sealed: bytes, packets: Sequence[bytes], openers: Sequence[_Opener]) -> bytes:
    for packet in packets:
        for opener in openers:
            try:
                return _decrypted(sealed, opener.session_key(packet))
            except (_Unreadable, ValueError, IndexError, InvalidUnwrap):
                continue
    raise _Unreadable


def _decrypted(sealed: bytes, key: bytes) -> bytes:
    """Section 5.13.1: a random block, its last two octets again, the packets, and a sum over all of it."""
    if sealed[0] != 1:
        raise _Unreadable
    opened = Cipher(AES(key), CFB(bytes(_BLOCK))).decryptor().update(sealed[1:])
    told, total = opened[: 2 - _MDC], opened[2 - _MDC :]
    if told[-2:] != b"\xd3\x14" or hashlib.sha1(told, usedforsecurity=False).digest() != total:
        raise _Unreadable
    return told[_BLOCK + 2 : -2]


def _unpacked(packets: Sequence[Packet]) -> bytes:
    """Return the packets' octets, out of a compressed packet where they are in one (section 5.6)."""
    if len(packets) != 1 or packets[0].tag != COMPRESSED:
        return b"".join(packet.framed() for packet in packets)
    how, body = packets[0].body[0], packets[0].body[1:]
    if how == 0:
        return body
    unpacked = _UNPACKERS[how](body) if how in _UNPACKERS else b""
    if not 0 < len(unpacked) <= LARGEST:
        raise _Unreadable
    return unpacked


_UNPACKERS: dict[int, Callable[[bytes], bytes]] = {
    1: lambda body: zlib.decompressobj(-15).decompress(body, LARGEST + 1),
    2: lambda body: zlib.decompressobj().decompress(body, LARGEST + 1),
    3: lambda body: bz2.BZ2Decompressor().decompress(body, LARGEST + 1),
}


def _unarmored(message: bytes) -> bytes:
    """Section 6.2: a line, headers, an empty line, base 64, perhaps a check sum (the packets have better), a line."""
    _, begins, armored = message.partition(b"-----BEGIN PGP ")
    if not begins:
        return message
    lines = [line.strip() for line in armored.partition(b"-----END")[0].split(b"\n")]
    empty = lines.index(b"") if b"" in lines else 0
    return binascii.a2b_base64(b"".join(line for line in lines[empty + 1 :] if not line.startswith(b"=")))


def _packets(octets: bytes) -> Iterator[Packet]:
    """Section 4.2."""
    place = 0
    for _ in range(MOST_PACKETS):
        if place == len(octets):
            return
        first = octets[place]
        if not first & 0x80:
            raise _Unreadable
        read = _new_body if first & 0x40 else _old_body
        body, place = read(octets, place)
        yield Packet(first & 0x3F if first & 0x40 else first >> 2 & 0x0F, body)
    raise _Unreadable


def _new_body(octets: bytes, place: int) -> tuple[bytes, int]:
    place += 1
    body = b""
    while True:
        size, place, partial = _new_length(octets, place)
        body, place = body + _taken(octets, place, size), place + size
        if not partial:
            return body, place


def _new_length(octets: bytes, place: int) -> tuple[int, int, bool]:
    """Section 4.2.1; with where the content begins, and whether more follows it."""
    first = octets[place]
    if first < 192:  # noqa: PLR2004 - one octet
        return first, place + 1, False
    if first < 224:  # noqa: PLR2004 - two
        return (first - 192 << 8) + octets[place + 1] + 192, place + 2, False
    if first == 0xFF:  # noqa: PLR2004 - five
        return int.from_bytes(_taken(octets, place + 1, 4), "big"), place + 5, False
    return 1 << (first & 0x1F), place + 1, True


def _old_body(octets: bytes, place: int) -> tuple[bytes, int]:
    """Section 4.2.2; the last kind of length is none: up to the end."""
    kind = octets[place] & 3
    if kind == 3:  # noqa: PLR2004 - as the section counts
        return octets[place + 1 :], len(octets)
    begins = place + 1 + (1 << kind)
    size = int.from_bytes(_taken(octets, place + 1, 1 << kind), "big")
    return _taken(octets, begins, size), begins + size


def _taken(octets: bytes, place: int, size: int) -> bytes:
    if place + size > len(octets):
        raise _Unreadable
    return octets[place : place + size]


def _number(octets: bytes, place: int) -> tuple[bytes, int]:
    """A number as section 3.2 writes it, and where the next begins."""
    size = (int.from_bytes(_taken(octets, place, 2), "big") + 7) // 8
    return _taken(octets, place + 2, size), place + 2 + size
