"""The few secrets that stand outside the database: the pepper, one key per day, and two marks.

What is sealed under a day's key is gone when the key is: day D's dies at the end of day D+1, and with it
every residue in files, journals and backups. The directory belongs on a disk of its own (tmpfs, or one
that discards), and never in a backup. No tables here.

The file `keys` is JSON, written whole: pepper, day keys, the latest day ever seen (so that a clock
that went back revives nothing) and a generation, by which a restored database is noticed.
"""

import fcntl
import hmac
import os
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

from bot.errors import SealingError, SettingsError
from bot.storage.sealing import KEY_BYTES, Cipher, joined, new_key, seal, unseal

FILE = "keys"
DAY_SECONDS = 24 * 60 * 60
DAYS_ALIVE = 2  # a day's key lives on its own day and the next

_DAY = struct.Struct(">I")
_Key = Annotated[bytes, msgspec.Meta(min_length=KEY_BYTES, max_length=KEY_BYTES)]
_Day = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]  # as wide as it is packed


@dataclass(frozen=True, slots=True)
class _Kept:
    """The file's content; days are counted from 1970-01-01 UTC."""

    pepper: _Key = field(repr=False)
    days: Mapping[_Day, _Key] = field(repr=False)
    day: _Day  # the latest day ever seen
    generation: int


class Keyring:
    """Wraps the keys of rows under the day's key, and makes the keyed hashes that rows are found by."""

    def __init__(self, directory: Path, kept: _Kept) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._take(kept)

    @classmethod
    def open(cls, directory: Path, now: datetime) -> "Keyring":
        """Open the keys in `directory`, or make them (0700, the file 0600) on the first start.

        Raises SettingsError: others can read them, or they can't be read.
        """
        _private_directory(directory)
        with locked(directory):
            kept = _read(directory / FILE) or _Kept(new_key(), {}, _day(now), 0)
            kept = _on_day(kept, _day(now))
            _write(directory / FILE, kept)
        return cls(directory, kept)

    @property
    def generation(self) -> int:
        """The generation kept in the key file; the database keeps the same one."""
        return self._kept.generation

    def days(self) -> tuple[int, ...]:
        """Return the days, since 1970-01-01, whose keys live, oldest first."""
        return tuple(sorted(self._kept.days))

    def today(self, now: datetime) -> int:
        """Return the day to wrap under, in days since 1970-01-01, making its key when the day is new.

        Never less than a day seen before. Writes the key file once a day.
        """
        if _day(now) > self._kept.day:
            self._change(lambda kept: _on_day(kept, _day(now)))
        return self._kept.day

    def wrap(self, key: bytes, place: bytes) -> bytes:
        """Seal the key of a row (or anything short) under the latest day's key, for `place` only.

        It begins with the day (4 bytes, big-endian), so that SQL finds what must be wrapped anew.
        """
        day = _DAY.pack(self._kept.day)
        return day + seal(self._ciphers[self._kept.day], key, day + place)

    def unwrap(self, wrapped: bytes, place: bytes) -> bytes:
        """Open what `wrap` gave.

        Raises SealingError: its day's key is destroyed, another place, or changed bytes.
        """
        day = wrapped[: _DAY.size]
        if len(day) < _DAY.size:
            raise SealingError("a wrapped key is too short")
        return unseal(self._cipher(_DAY.unpack(day)[0]), wrapped[_DAY.size :], day + place)

    def keyed_hash(self, label: str, *parts: str | bytes) -> bytes:
        """Return 32 bytes that only this keyring can compute: HMAC-SHA256 of label and parts (RFC 2104)."""
        octets = [part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part for part in (label, *parts)]
        return hmac.digest(self._kept.pepper, joined(*octets), "sha256")

    def destroy_expired(self, now: datetime) -> int:
        """Destroy the keys whose next day is over; return how many."""
        oldest = self.today(now) - DAYS_ALIVE + 1
        over = [day for day in self._kept.days if day < oldest]
        if over:
            self._change(lambda kept: replace(kept, days={d: k for d, k in kept.days.items() if d >= oldest}))
        return len(over)

    def keep_generation(self, generation: int) -> None:
        """Write the database's generation beside the keys; it never goes back."""
        self._change(lambda kept: replace(kept, generation=max(kept.generation, generation)))

    def refresh(self) -> None:
        """Read the file again: another process may have begun a day, destroyed one, or taken the next generation."""
        self._change(lambda kept: kept)

    def _cipher(self, day: int) -> Cipher:
        if day not in self._ciphers:
            self.refresh()  # another process may have begun the day
        try:
            return self._ciphers[day]
        except KeyError:
            raise SealingError("the key of that day is destroyed") from None

    def _change(self, step: Callable[[_Kept], _Kept]) -> None:
        with self._lock, locked(self._directory):
            path = self._directory / FILE
            before = _read(path)
            if before is None:
                raise SealingError("the key file is gone: somebody destroyed it, and it is not made again")
            after = step(before)
            if after != before:
                _write(path, after)
            self._take(after)

    def _take(self, kept: _Kept) -> None:
        self._ciphers = {day: Cipher(key) for day, key in kept.days.items()}
        self._kept = kept


def _day(now: datetime) -> int:
    return int(now.astimezone(UTC).timestamp() // DAY_SECONDS)


def _on_day(kept: _Kept, day: int) -> _Kept:
    latest = max(kept.day, day)
    if latest in kept.days:
        return replace(kept, day=latest)
    return replace(kept, day=latest, days={**kept.days, latest: new_key()})


def refuse_unusable(directory: Path) -> None:
    """Raise what `Keyring.open` would of keys that are there, and make or change nothing. Raises SettingsError."""
    if directory.exists():
        _refuse_if_open(directory, "0700")
        _read(directory / FILE)


# ── the file ───────────────────────────────────────────────────────────────────────────────────────────


def _private_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{directory}: the key directory can't be made ({error.strerror})") from None
    _refuse_if_open(directory, "0700")


def _refuse_if_open(path: Path, mode: str) -> None:
    if path.stat().st_mode & 0o077:
        raise SettingsError(f"{path}: others can reach it, expected mode {mode}")


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory, so that two processes never write over what each other has begun there."""
    held = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _read(path: Path) -> _Kept | None:
    if not path.exists():
        return None
    _refuse_if_open(path, "0600")
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SettingsError(f"{path}: not a key file of ours, expected one that the bot has written") from None


def _write(path: Path, kept: _Kept) -> None:
    fresh = path.with_name(f"{FILE}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(kept))
        file.flush()
        if os.geteuid() == 0:  # a verb that root typed must not keep the bot from its own keys
            owner = path.parent.stat()
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        os.fsync(file.fileno())
    old = os.open(path, os.O_WRONLY) if path.exists() else None
    fresh.replace(path)
    _sync_directory(path.parent)
    if old is not None:
        _blank(old)


def _blank(old: int) -> None:
    """Write zeros over the file that was replaced: destroyed keys should not outlive it on a plain disk."""
    try:
        os.pwrite(old, bytes(os.fstat(old).st_size), 0)
        os.fsync(old)
    finally:
        os.close(old)


def _sync_directory(directory: Path) -> None:
    held = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
