"""What a process can do so that its memory is not written to a disk: no core dumps, not dumpable.

Messages are Python strings: they can't be overwritten, and this is no promise that they are. Linux only.
"""

import ctypes
import resource
from pathlib import Path

PR_SET_DUMPABLE = 4  # prctl(2)


def harden() -> list[str]:
    """Do what can be done; return one sentence for each thing that could not."""
    missing = []
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        refused = ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        refused = -1
    if refused:
        missing.append("this system does not let the process forbid others to read its memory.")
    if _swaps():
        missing.append("swap is on: memory may be written to a disk; use encrypted swap, or none.")
    return missing


def _swaps() -> bool:
    try:
        return len(Path("/proc/swaps").read_text().splitlines()) > 1
    except OSError:
        return False
