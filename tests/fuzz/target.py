"""What is fuzzed: how inputs are made, and what must hold of each, whatever it is.

A finding is an exception that leaves `check`: what the program may raise by its own word is caught there.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fuzz.chance import Chance

LONGEST_CHECK = 5.0  # seconds of our own work; a reader that takes longer is stopped by a stranger's input


class TooSlow(BaseException):
    """An input takes too long. No Exception: what catches those must not catch this."""


def as_it_is(octets: bytes) -> bytes:
    """Return what it is given."""
    return octets


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """A target that is ready. `check` raises where something is wrong.

    `pack` and `unpack`: an input as it is kept in a file. They differ from it where keys are made anew for each run.
    """

    make: Callable[[Chance], bytes]
    check: Callable[[bytes], None]
    pack: Callable[[bytes], bytes] = as_it_is
    unpack: Callable[[bytes], bytes] = as_it_is


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that reads what others write. `share`: of a thousand inputs; `ready` makes what it needs."""

    name: str
    share: int
    ready: Callable[[], Fuzzed]
    seconds: float = LONGEST_CHECK


@contextmanager
def limited() -> Iterator[Callable[[float], None]]:
    """Give what sets the limit anew, in seconds of our own work; 0: none. Only the main thread can be stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda _: None
        return

    def stop(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    try:
        yield lambda seconds: void(signal.setitimer(signal.ITIMER_VIRTUAL, seconds))
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def void(_: object) -> None:
    """Return nothing."""
