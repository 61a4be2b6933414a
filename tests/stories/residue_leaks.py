"""Defects that a bot of the stories is begun with, each of which a search must find: the control of `test_residue`.

Whoever writes another place where words could be left plants a leak there, and sees it found.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from bot import turn
from bot.conversation.model import Message
from bot.storage.keyring import Keyring

if TYPE_CHECKING:
    from io import FileIO

_held: "list[FileIO]" = []


def _logs(_: sa.Connection, message: Message) -> None:
    sys.stderr.write(json.dumps(message.text) + "\n")


def _keeps_in_clear(conn: sa.Connection, message: Message) -> None:
    conn.exec_driver_sql("CREATE TABLE IF NOT EXISTS leaked (told TEXT)")
    conn.execute(sa.text("INSERT INTO leaked VALUES (:told)"), {"told": message.sender.address})


def _holds_open(_: sa.Connection, message: Message) -> None:
    with tempfile.TemporaryFile(dir=Path.cwd()) as file:
        file.write(message.text.encode("utf-16-le"))
        file.flush()
        _held.append(os.fdopen(os.dup(file.fileno()), "rb", buffering=0))


def _removes(_: sa.Connection, message: Message) -> None:
    beside = Path(tempfile.gettempdir()) / "scratch"
    beside.write_text(message.text, "utf-16")
    beside.unlink()


def _destroys_nothing(_: Keyring, __: datetime) -> int:
    return 0


OF_A_TURN: Mapping[str, Callable[[sa.Connection, Message], None]] = {
    "log": _logs,
    "row": _keeps_in_clear,
    "open": _holds_open,
    "removed": _removes,
}
ALL = (*OF_A_TURN, "keys")


def leak(patch: pytest.MonkeyPatch, names: Sequence[str]) -> None:
    """Plant the defects of these names."""
    planted = [OF_A_TURN[name] for name in names if name in OF_A_TURN]
    taken = turn.Desk._turn

    def take(desk: turn.Desk, conn: sa.Connection, message: Message) -> None:
        for one in planted:
            one(conn, message)
        taken(desk, conn, message)

    patch.setattr(turn.Desk, "_turn", take)
    if "keys" in names:
        patch.setattr(Keyring, "destroy_expired", _destroys_nothing)
