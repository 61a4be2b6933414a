"""All that a person can leave a trace in, with what the tests look at there."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from storage.canaries import files_under
from storage.databases import Database

from bot.conversation.model import Answer, Clear, Conversation, HandOff, Line, Say, Sender, Timer, Wake
from bot.storage.keyring import Keyring
from bot.storage.outbox import Mail, Outbox
from bot.storage.statement import Statement
from bot.storage.tables import OTHER, of
from bot.storage.work import Shelf

HOUR = timedelta(hours=1)
NOON = datetime.fromisoformat("2026-11-21T12:00:00+00:00")

_SEALED = (
    Statement("SELECT wrapped, sealed FROM talk WHERE who = :who"),
    Statement("SELECT wrapped, sealed FROM outbox WHERE id >= :who AND id < :after"),
)


@dataclass(frozen=True)
class Home:
    """All that a person can leave a trace in."""

    directory: Path
    database: Database
    engine: sa.Engine
    keyring: Keyring
    shelf: Shelf
    outbox: Outbox

    def live(self, conn: sa.Connection, sender: Sender, words: str, *, lives: timedelta = HOUR) -> bytes:
        """Leave `words` in every field of every table that holds any; return who it was."""
        who, until = self.shelf.who(sender), NOON + lives
        answer = Answer("detained", ("now",), words, message=words)
        self.shelf.keep(conn, who, Conversation(sender, step=words, answers=(answer,)), until)
        self.shelf.seen_before(conn, sender, words, NOON)
        self.shelf.remember_code(conn, words, who, until)
        effects = (
            Say((Line("a", (("place", words),)),), ("en",), shown=(answer,)),
            HandOff("K7Q2FX", 0, 1, None, ("detained",), words, answers=(answer,), return_code=words),
            Mail(0, "K7Q2FX", words, words, words.encode()),
            Wake(Timer.LATE, NOON, 0),
            Clear((words,)),
        )
        self.outbox.put(conn, who, sender, effects, NOON, lane=OTHER, expires=until)
        return who

    def files(self) -> list[Path]:
        """Return every file that holds anything: keys and database."""
        return sorted({*files_under(self.directory), *self.database.files()})


def home_in(directory: Path, database: Database) -> Home:
    keyring = Keyring.open(directory / "keys", NOON)
    return Home(directory, database, database.engine(), keyring, Shelf(keyring), Outbox(keyring))


def count(conn: sa.Connection, table: str) -> int:
    return int(conn.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608 - a name from above


def rows_of(home: Home, conn: sa.Connection, who: bytes) -> list[str]:
    found = home.outbox.claimable(conn, NOON, 100, ())
    return [row.kind for row in found if row.who == who]


def sealed_of(conn: sa.Connection, who: bytes) -> set[bytes]:
    rows = [row for statement in _SEALED for row in statement(conn, **of(who)).fetchall()]
    assert len(rows) >= 6
    return {bytes(blob) for row in rows for blob in row}
