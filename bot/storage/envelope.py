"""One sealed row: a fresh key for each write, wrapped under the day's key and bound to its table and row.

Beside the row's key the wrapping may hold a short note, which can be read and changed without the letter.
"""

from bot.storage.keyring import Keyring
from bot.storage.sealing import KEY_BYTES, Cipher, joined, new_key, padded, seal, unpadded, unseal


class Envelope:
    """Seals and opens the rows of one table."""

    def __init__(self, keyring: Keyring, table: str) -> None:
        self._keyring = keyring
        self._table = table.encode()

    def close(self, row: bytes, letter: bytes, note: bytes = b"") -> tuple[bytes, bytes]:
        """Return what to store for the row with key `row`: (wrapped, sealed)."""
        place = joined(self._table, row)
        key = new_key()
        return self._keyring.wrap(key + note, place), seal(Cipher(key), padded(letter), place)

    def open(self, row: bytes, wrapped: bytes, sealed: bytes) -> bytes:
        """Return the letter.

        Raises SealingError: the day's key is destroyed, or this isn't what was written for this row.
        """
        place = joined(self._table, row)
        key = self._keyring.unwrap(wrapped, place)[:KEY_BYTES]
        return unpadded(unseal(Cipher(key), sealed, place))

    def note(self, row: bytes, wrapped: bytes) -> bytes:
        """Return the note alone.

        Raises SealingError: as `open`.
        """
        return self._keyring.unwrap(wrapped, joined(self._table, row))[KEY_BYTES:]

    def with_note(self, row: bytes, wrapped: bytes, note: bytes) -> bytes:
        """Return `wrapped` under the latest day's key, with another note.

        Raises SealingError: as `open`.
        """
        place = joined(self._table, row)
        return self._keyring.wrap(self._keyring.unwrap(wrapped, place)[:KEY_BYTES] + note, place)

    def rewrapped(self, row: bytes, wrapped: bytes) -> bytes:
        """Return `wrapped` under the latest day's key, its note as it was.

        Raises SealingError: as `open`.
        """
        place = joined(self._table, row)
        return self._keyring.wrap(self._keyring.unwrap(wrapped, place), place)
