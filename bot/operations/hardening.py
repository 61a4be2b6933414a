"""What a process can do so that its memory is not written to a disk, and what a machine has that would do it anyway.

Messages are Python strings: they can't be overwritten, and this is no promise that they are. Memory isn't locked either
(mlockall(2)): under the usual limit of locked memory a bot that grows would die of it; the unit takes swap away from it
instead. Linux only; what can't be found out is not told.
"""

import ctypes
import faulthandler
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PR_SET_DUMPABLE = 4  # prctl(2)
LOOSE = ("PYTHONASYNCIODEBUG", "PYTHONDEVMODE", "PYTHONFAULTHANDLER", "PYTHONINSPECT", "PYTHONTRACEMALLOC")

_SWAP = "swap on {} is not encrypted, so memory may be written to a disk: encrypt it, or turn it off (swapoff)"
_SLEEP = "the machine may hibernate, which writes all memory to that swap: systemctl mask hibernate.target"
_DEBUG = "{} is set, and makes Python show what it works on: take it out of the environment"
_ROOT = "this is root: run the bot as an account of its own, as config/deploy/postigo.service does"
_READABLE = "this system does not let the process forbid others to read its memory: run it on Linux"


def harden() -> list[str]:
    """Do what can be done; return one sentence for each thing that could not.

    Not dumpable means no core, also where a program takes the dumps and the limit doesn't count (core(5)), and that
    no other process of the same account may read the memory (ptrace(2)).
    """
    with suppress(OSError, ValueError):  # where it may not be set, not dumpable is enough
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.disable()
    try:
        refused = ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        refused = -1
    return [*([_READABLE] if refused else []), *_swaps(Path("/")), *_debugging()]


def machine(root: Path = Path("/")) -> list[str]:
    """Return a sentence for each thing of this machine, and of the account that asks, that an operator should change.

    `root`: where /proc and /sys are.
    """
    swaps = list(_swaps(root))
    sleeping = [_SLEEP] if swaps and _hibernates(root) else []
    return [*([_ROOT] if os.geteuid() == 0 else []), *swaps, *sleeping, *_debugging()]


def _debugging() -> Iterator[str]:
    for name in LOOSE:
        if os.environ.get(name) and not sys.flags.ignore_environment:
            yield _DEBUG.format(name)


def _swaps(root: Path) -> Iterator[str]:
    """Tell each swap that would write memory to a disk as it is; none where this process may not be swapped."""
    if _kept_in_memory(root):
        return
    for line in _text(root / "proc/swaps").splitlines()[1:]:
        name = Path(line.split()[0])
        if not _in_memory(root, name.name) and not _encrypted(root, name.name):
            yield _SWAP.format(name)


def _in_memory(root: Path, device: str) -> bool:
    """Whether it is zram, which compresses memory within memory, and writes none of it back to a disk."""
    behind = _text(root / "sys/block" / device / "backing_dev").strip()
    return device.startswith("zram") and behind in {"", "none"}


def _encrypted(root: Path, device: str) -> bool:
    """Whether dm-crypt lies beneath a device, as its first or a deeper layer (LVM on LUKS)."""
    place = root / "sys/block" / device
    if _text(place / "dm/uuid").startswith("CRYPT-"):
        return True
    try:
        beneath = [one.name for one in (place / "slaves").iterdir()]
    except OSError:
        return False
    return bool(beneath) and all(_encrypted(root, one) for one in beneath)


def _kept_in_memory(root: Path) -> bool:
    """Whether this process's group may use no swap (MemorySwapMax=0 of its unit; cgroups, version 2)."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, _, group = line.split(":", 2)
        if number == "0":
            limit = _text(root / "sys/fs/cgroup" / group.lstrip("/") / "memory.swap.max")
            return limit.strip() == "0"
    return False


def _hibernates(root: Path) -> bool:
    """Whether the kernel would write an image of all memory to swap."""
    return "disk" in _text(root / "sys/power/state").split() and "[disabled]" not in _text(root / "sys/power/disk")


def _text(place: Path) -> str:
    try:
        return place.read_text("utf-8", errors="replace")
    except OSError:
        return ""
