"""Reads the file of a certificate, of whichever kind; what is wrong with its content is told by who knows that kind."""

from pathlib import Path

from bot.errors import SettingsError


def octets_of(path: Path, expected: str) -> bytes:
    """Return what the file holds. `expected`: what it should be, as in "an OpenPGP certificate".

    Raises:
        SettingsError: the file can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: expected {expected}, but {error.strerror}") from None
