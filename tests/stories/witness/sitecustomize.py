"""Python loads this before a program, where its folder is on the path: it notes every file the program itself opens
to write, and keeps what the program removes or replaces, so that a story can search it too.

WITNESS names a folder: `written` there gets a path a line, and `removed` a second name of each file that went. What
libraries written in C open (SQLite: the journal beside its database) is not seen here; a story looks for it itself.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
COMPILED = b"__pycache__"  # what Python keeps of a program's text holds no words but that text's


class _Witness:
    """Hears what the interpreter tells of itself (PEP 578)."""

    def __init__(self, folder: Path) -> None:
        self._removed = folder / "removed"
        self._removed.mkdir(exist_ok=True)
        self._noted = os.open(folder / "written", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._numbers = count()
        self._events: Mapping[str, Callable[[Sequence[object]], None]] = {
            "open": self._opened,
            "sqlite3.connect": lambda told: self._note(told[0]),
            "os.remove": lambda told: self._keep(told[0]),
            "os.rename": self._renamed,
        }

    def __call__(self, event: str, told: Sequence[object]) -> None:
        hear = self._events.get(event)
        if hear:
            hear(told)

    def _opened(self, told: Sequence[object]) -> None:
        if isinstance(told[2], int) and told[2] & TO_WRITE:
            self._note(told[0])

    def _renamed(self, told: Sequence[object]) -> None:
        self._keep(told[1])
        self._note(told[1])

    def _note(self, path: object) -> None:
        if isinstance(path, str | bytes):
            os.write(self._noted, os.path.abspath(os.fsencode(path)) + b"\n")  # noqa: PTH100 - resolve() follows links

    def _keep(self, path: object) -> None:
        if isinstance(path, str | bytes) and COMPILED not in os.fsencode(path):
            with suppress(OSError):
                os.link(path, self._removed / f"{os.getpid()}.{next(self._numbers)}", follow_symlinks=False)


if "WITNESS" in os.environ:
    sys.addaudithook(_Witness(Path(os.environ["WITNESS"])))
