"""The bot's own signing keys, made on the first start and kept in the folder of keys; read by us alone."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from bot.errors import SettingsError
from bot.mail import openpgp, smime
from bot.storage.keyring import locked

SIGNING_KEY = "signing.key"
SMIME_KEY = "smime.pem"
NAME = "Postigo"


def signer_in(keys: Path, *, renew: bool = False) -> openpgp.Signer:
    """Return the bot's OpenPGP key, made on the first start or anew. Raises SealingError, SettingsError."""
    return openpgp.Signer.open(_kept(keys / SIGNING_KEY, lambda: openpgp.new_signing_key(NAME), renew=renew))


def smime_signer_in(keys: Path, sender: str, now: datetime, *, renew: bool = False) -> smime.Signer:
    """Return the bot's X.509 key, made on the first start or anew. Raises SealingError, SettingsError."""
    made = _kept(keys / SMIME_KEY, lambda: smime.new_signing_key(NAME, sender, now), renew=renew)
    return smime.Signer.open(made)


def refuse_unusable(keys: Path) -> None:
    """Raise what `signer_in` would of a key that is there, and make nothing. Raises SealingError, SettingsError."""
    path = keys / SIGNING_KEY
    try:
        key = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise _refusal(path, error) from None
    if key:
        openpgp.Signer.open(key)


def _kept(path: Path, make: Callable[[], bytes], *, renew: bool) -> bytes:
    try:
        with locked(path.parent):  # several processes may begin at the same time
            if renew or not path.exists():
                _write(path, make())
            return path.read_bytes()
    except OSError as error:
        raise _refusal(path, error) from None


def _refusal(path: Path, error: OSError) -> SettingsError:
    return SettingsError(f"{path}: the signing key can't be read or made: {error.strerror}")


def _write(path: Path, key: bytes) -> None:
    made = path.with_suffix(".new")
    made.unlink(missing_ok=True)
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    made.replace(path)
