"""The tables, and the engine they are reached by. What a column holds and for how long stands in config/README.

In clear only what SQL must order or count by: lane, next try, expiry (whole minutes since 1970-01-01 UTC),
attempts, channel, kind, and the weekly counts. Everything else is sealed or a keyed hash. No rowids: they
would tell the order in which people came.
"""

import errno
import os
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from bot.errors import Unplaced
from bot.storage.locks import SHARED

MINUTE_SECONDS = 60
URGENT = 0  # the lanes
OTHER = 1

URL, PASSWORD = "storage.url", "storage.password_file"  # the keys of the settings file

metadata = sa.MetaData()


def _table(name: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(name, metadata, *parts, sqlite_with_rowid=False)


def _day_of(wrapped: sa.Column[bytes]) -> sa.ColumnElement[bytes]:
    """Return the day (4 bytes) whose key a row is wrapped under."""
    return sa.func.substr(wrapped, sa.literal_column("1"), sa.literal_column("4"))


talk = _table(
    "talk",
    sa.Column("who", sa.LargeBinary, primary_key=True),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
sa.Index("talk_day", _day_of(talk.c.wrapped), talk.c.expires)

outbox = _table(
    "outbox",
    sa.Column("id", sa.LargeBinary, primary_key=True),  # begins with the person's hash, ends with chance
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("lane", sa.Integer, nullable=False),
    sa.Column("next_try", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("trying", sa.Integer, nullable=False),
    sa.Column("channel", sa.String, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
_c = outbox.c  # who comes next is told from the index alone: thousands of rows with large mails are not read for it
sa.Index("outbox_next", _c.lane, _c.next_try, _c.expires, _c.kind, _c.channel, _c.wrapped)

notice = _table(  # cases of a mission without keys: the only ones the bot can read
    "notice",
    sa.Column("reference", sa.LargeBinary, primary_key=True),
    sa.Column("who", sa.LargeBinary, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
sa.Index("notice_who", notice.c.who)

way_back = _table(
    "way_back",
    sa.Column("code", sa.LargeBinary, primary_key=True),
    sa.Column("who", sa.LargeBinary, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
)
sa.Index("way_back_who", way_back.c.who)
sa.Index("way_back_expires", way_back.c.expires)

seen = _table(
    "seen",
    sa.Column("hash", sa.LargeBinary, primary_key=True),  # begins with the person's hash
    sa.Column("expires", sa.BigInteger, nullable=False),
)
sa.Index("seen_expires", seen.c.expires)

docket = _table(  # how far each case is, for the officers
    "docket",
    sa.Column("reference", sa.LargeBinary, primary_key=True),
    sa.Column("who", sa.LargeBinary, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
sa.Index("docket_who", docket.c.who)
sa.Index("docket_expires", docket.c.expires)

mark = _table(  # of a token or of a mail's name: which case it belongs to
    "mark",
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    sa.Column("reference", sa.LargeBinary, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
)
sa.Index("mark_reference", mark.c.reference)
sa.Index("mark_expires", mark.c.expires)

draft = _table(  # an officer's words that wait for the word SEND
    "draft",
    sa.Column("officer", sa.LargeBinary, primary_key=True),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)

counts = _table(
    "counts",
    sa.Column("week", sa.String, primary_key=True),
    sa.Column("level", sa.Integer, primary_key=True),
    sa.Column("language", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
)

state = _table(
    "state",
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)


def of(who: bytes) -> dict[str, bytes]:
    """Return the values for `key >= :who AND key < :after`: every key that begins with a person's hash."""
    return {"who": who, "after": who + b"\xff" * 32}


def minute(at: datetime) -> int:
    """Return the whole minute, since 1970-01-01 UTC, that `at` lies in."""
    return int(at.timestamp()) // MINUTE_SECONDS


# ── the engine ─────────────────────────────────────────────────────────────────────────────────────────

BUSY_MILLISECONDS = 5000  # the command line may erase while the bot runs

_PRAGMAS = (
    "page_size=4096",  # larger pages hold several sealed rows, and SQLite leaves copies behind when it moves one
    "auto_vacuum=FULL",  # before the journal mode: it holds only for a file without pages
    "journal_mode=WAL",
    "synchronous=FULL",
    "secure_delete=ON",
    "temp_store=MEMORY",
    "trusted_schema=OFF",
    f"busy_timeout={BUSY_MILLISECONDS}",
)

# Nobody waits long for a row (what collides is done again), and a process that hangs or whose line is cut loses its
# locks, so that others can go on.
_SETTINGS = (
    "synchronous_commit = on",
    "lock_timeout = '500ms'",
    "idle_in_transaction_session_timeout = '30s'",
    "tcp_keepalives_idle = 10",
    "tcp_keepalives_interval = 5",
    "tcp_keepalives_count = 3",
)


# A server whose machine or line went is known to be gone within half a minute, and so is one that takes what we say and
# never answers: only who waits can tell. Without them the system waits for a quarter of an hour, or two hours.
ANSWERING = 30.0  # seconds that one statement may take
_LINE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # milliseconds
}


def open_engine(url: str, password: str = "") -> sa.Engine:
    """Return the engine for `url`; a new SQLite file is made readable by its owner alone.

    Raises SettingsError: that file can't be made, or opened.
    """
    place = sa.make_url(url)
    place = place.set(password=password) if password else place
    engine = sa.create_engine(place, hide_parameters=True, poolclass=sa.NullPool)
    if engine.dialect.name == SHARED:
        sa.event.listen(engine, "do_connect", _connect_patiently)
        sa.event.listen(engine, "connect", _prepare_postgresql)
    if engine.dialect.name == "sqlite":
        _own_file(engine.url.database)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_immediate)
    return engine


def _own_file(database: str | None) -> None:
    if database and database != ":memory:":
        path = Path(database)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            why = os.strerror(errno.ENOTDIR) if error.errno == errno.EEXIST else error.strerror  # on the way there
            raise Unplaced(f"{URL}: expected a file that can be made or opened, and {path} can't: {why}") from None


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin where we say
    cursor: Any = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _connect_patiently(
    dialect: sa.Dialect, _record: object, words: list[Any], named: dict[str, Any]
) -> DBAPIConnection:
    """Connect to a server that may hang; what the operator wrote behind the "?" counts."""
    made: DBAPIConnection = _patient(cast("Any", dialect).dbapi).connect(*words, **{**_LINE, **named})
    return made


@cache
def _patient(driver: Any) -> Any:  # noqa: ANN401 - the driver is SQLAlchemy's
    """Return the driver's connection, but one that waits for no answer for ever."""

    class Patient(driver.Connection):  # type: ignore[misc]  # the same
        def wait(self, gen: object, *more: object, **named: object) -> object:
            try:
                return super().wait(gen, *more, **({"timeout": ANSWERING} | named))
            except driver.errors._WaitTimeout:  # noqa: SLF001 - what it is told by
                self.pgconn.finish()
                raise driver.OperationalError("the server doesn't answer") from None
            except driver.OperationalError:
                if self.info.transaction_status is driver.pq.TransactionStatus.ACTIVE:  # the line broke in a command
                    self.pgconn.finish()
                raise

    return Patient


def _prepare_postgresql(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor: Any = connection.cursor()
    for setting in _SETTINGS:
        cursor.execute(f"SET {setting}")
    cursor.close()
    connection.commit()


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
