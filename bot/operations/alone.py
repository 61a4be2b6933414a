"""One program at a time on one directory of keys: two would answer the same people, or delete under one another.

Bots that share a database server agree with one another there: they may be several, and keep out every other verb.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import SettingsError, Unplaced

LOCK = "running.lock"
EXPECTED = "storage.keys: expected a folder of ours"


@contextmanager
def alone(keys: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the directory of keys for as long as this lasts; the system lets go of it when the process ends.

    `shared`: with others who share it. Raises SettingsError: another program holds it, or it can't be made.
    """
    try:
        keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(keys / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.geteuid() == 0:  # else a verb that root typed would keep the bot out
            owner = keys.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    except (FileExistsError, NotADirectoryError):
        raise Unplaced(f"{EXPECTED}, and {keys} is none") from None
    except OSError as error:
        raise Unplaced(f"{EXPECTED}, and {keys} can't be one: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise SettingsError(f"{keys}: a running postigo uses these keys: stop it first") from None
    try:
        yield
    finally:
        os.close(descriptor)


def is_held(keys: Path) -> bool:
    """Return whether a running bot holds the directory, or it can't be told; makes nothing there."""
    try:
        descriptor = os.open(keys / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
