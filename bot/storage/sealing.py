"""Seals bytes under a key and opens them again: AES-256-GCM, padded, bound to the place they stand in.

Knows no tables and no files; which key, and how long it lives, is `keyring.py`'s.

A sealed blob is alg (1 byte) | nonce (12) | ciphertext and tag. Nonces are random: every key here seals
once, or (a day key) far fewer than the 2^32 blobs that NIST SP 800-38D, section 8.3, allows.
"""

import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.errors import SealingError

Cipher = AESGCM  # made from a key of 32 bytes: AES-256

KEY_BYTES = 32
NONCE_BYTES = 12
BUCKET = 1024  # bytes; a sealed length says only how many of these it fills
AES_256_GCM = b"\x01"

_LENGTH = struct.Struct(">I")
_HEAD = 1 + NONCE_BYTES


def new_key() -> bytes:
    """Return a fresh random key of 32 bytes."""
    return os.urandom(KEY_BYTES)


def joined(*parts: bytes) -> bytes:
    """Return the parts with their lengths before them, so that no two lists of parts read the same."""
    return b"".join([_LENGTH.pack(len(part)) + part for part in parts])


def seal(cipher: Cipher, plain: bytes, place: bytes) -> bytes:
    """Seal `plain`, readable only with the same cipher and the same `place`."""
    nonce = os.urandom(NONCE_BYTES)
    return AES_256_GCM + nonce + cipher.encrypt(nonce, plain, place)


def unseal(cipher: Cipher, blob: bytes, place: bytes) -> bytes:
    """Open what `seal` gave.

    Raises SealingError: another key, another place, or changed bytes.
    """
    if blob[:1] != AES_256_GCM:
        raise SealingError("a sealed value begins with an unknown algorithm")
    try:
        return cipher.decrypt(blob[1:_HEAD], blob[_HEAD:], place)
    except (InvalidTag, ValueError):
        raise SealingError("a sealed value does not open with its key") from None


def padded(plain: bytes) -> bytes:
    """Return length | `plain` | zeros, filling whole buckets."""
    filled = -(-(_LENGTH.size + len(plain)) // BUCKET) * BUCKET
    return (_LENGTH.pack(len(plain)) + plain).ljust(filled, b"\0")


def unpadded(filled: bytes) -> bytes:
    """Return what `padded` was given.

    Raises SealingError: the length doesn't fit.
    """
    size = _LENGTH.size
    length = _LENGTH.unpack_from(filled)[0] if len(filled) >= size else -1
    if not 0 <= length <= len(filled) - size:
        raise SealingError("a sealed value has a length that does not fit")
    return filled[size : size + length]
