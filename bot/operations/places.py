"""Who else can reach what the bot keeps: modes of files, keys beside the rows that they open, keys in backups.

Looks at names, modes and owners, never into a file. Secret files and the folder of keys are refused by those who read
them; what is told here would not stop a bot.
"""

import os
import pwd
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TAG = "CACHEDIR.TAG"
# Cache Directory Tagging Specification, Bryan Ford: these 43 octets are what backup programs look for.
SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"
_TOLD = b"""
# These keys must not live on in a copy: each is destroyed after its day. Backup programs that are told to leave out
# caches (tar --exclude-caches-all, borg and restic --exclude-caches) leave this folder out.
"""
_HOMES = ("home", "root", "Users")


@dataclass(frozen=True, slots=True)
class Places:
    """Where a bot keeps things."""

    keys: Path
    database: Path | None  # a file; None: a server has the rows
    mails: Path | None  # a folder; None: a server takes the mails
    configured: Sequence[Path]  # settings, profile, certificates: who writes them decides whom cases go to


def findings(places: Places) -> Iterator[str]:
    """Tell what is wrong, a sentence each that names the place and what to do; what isn't there yet is fine."""
    for place in places.configured:
        if _mode(place) & _writers(place):
            yield f"{place}: others can write it, and so decide where cases go: chmod go-w"
        yield from _foreign(place)
    if places.database:
        if stat.S_ISREG(_mode(places.database)):  # what else lies there is told by those who need a file
            yield from _open(places.database, stat.S_IRWXG | stat.S_IRWXO, "600")
        yield from _together(places.keys, places.database)
    if places.mails:
        yield from _open(places.mails, stat.S_IRWXO, "o-rwx")
    yield from _checked_out(places.keys)


def advice(places: Places) -> Iterator[str]:
    """Tell what would be better, and may have its reasons."""
    if any(part in _HOMES for part in places.keys.parts[1:2]):
        yield f"{places.keys}: the keys lie in a home, which is often copied: better a tmpfs, or a volume"
    if places.database and _device(places.keys) and _device(places.keys) == _device(places.database.parent):
        yield f"{places.keys}: the keys lie on the database's disk, and are copied with it: better a tmpfs, or a volume"
    if stat.S_ISDIR(_mode(places.keys)) and not _mode(places.keys / TAG):
        yield f"{places.keys}: has no {TAG}, by which backups leave it out: postigo run writes it"


def leave_out_of_backups(directory: Path) -> None:
    """Mark the folder as nothing to back up; one that can't be marked is told by `advice`."""
    with suppress(OSError), (directory / TAG).open("xb") as file:
        file.write(SIGNATURE + _TOLD)


def _together(keys: Path, database: Path) -> Iterator[str]:
    folder = database.parent
    if keys.is_relative_to(folder) or folder.is_relative_to(keys):
        yield f"{keys}: the keys lie in one folder with the database: whoever copies it has both; move one of them"


def _checked_out(keys: Path) -> Iterator[str]:
    for parent in (keys, *keys.parents):
        if _mode(parent / ".git"):
            move = "put them, best with all settings, into a folder outside of it, and name that in storage.keys"
            yield f"{keys}: the keys lie in a checkout of git ({parent}), and may be pushed with it: {move}"


def _open(place: Path, others: int, wanted: str) -> Iterator[str]:
    if _mode(place) & others:
        yield f"{place}: others can reach it: chmod {wanted}"


def _foreign(place: Path) -> Iterator[str]:
    """Tell a file that another account may change whenever it likes."""
    with suppress(OSError):
        if place.stat().st_uid not in {0, os.geteuid()} and os.geteuid() != 0:
            yield f"{place}: belongs to another account: chown it to the bot's, or to root"


def _writers(place: Path) -> int:
    """Return the bits of those who may not write; a group that is its owner's alone (useradd(8)) may."""
    with suppress(OSError, KeyError):
        owner = pwd.getpwuid(place.stat().st_uid)
        if place.stat().st_gid == owner.pw_gid:
            return stat.S_IWOTH
    return stat.S_IWGRP | stat.S_IWOTH


def _mode(place: Path) -> int:
    """Return the mode of what lies there; 0: nothing, or nothing that we may look at."""
    try:
        return place.stat().st_mode
    except OSError:
        return 0


def _device(place: Path) -> int:
    """Return the number of the file system on which a place is, or would be; 0: nobody knows."""
    for one in (place, *place.parents):
        with suppress(OSError):
            return one.stat().st_dev
    return 0
