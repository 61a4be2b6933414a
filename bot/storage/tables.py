"""The tables, and the engine they are reached by. What a column holds and for how long stands in config/README.

In clear only what SQL must order or count by: lane, next try, expiry (whole minutes since 1970-01-01 UTC),
attempts, channel, kind, and the weekly counts. Everything else is sealed or a keyed hash. No rowids: they
would tell the order in which people came.
"""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

MINUTE_SECONDS = 60
URGENT = 0  # the lanes
OTHER = 1

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
sa.Index("outbox_next", outbox.c.lane, outbox.c.next_try, outbox.c.expires)

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


def open_engine(url: str) -> sa.Engine:
    """Return the engine for `url`; a new SQLite file is made readable by its owner alone."""
    engine = sa.create_engine(url, hide_parameters=True, poolclass=sa.NullPool)
    if engine.dialect.name == "sqlite":
        _own_file(engine.url.database)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_immediate)
    return engine


def _own_file(database: str | None) -> None:
    if database and database != ":memory:":
        path = Path(database)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin where we say
    cursor: Any = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
