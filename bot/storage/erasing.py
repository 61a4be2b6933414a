"""Erase (at a person's wish), expire (by age) and rewrap (what lives longer than its day's key).

Deleted rows are overwritten (secure_delete), and the journal is emptied after each commit that deleted
any. Nothing else deletes people's rows in bulk.
"""

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from time import monotonic
from typing import Any, cast

import sqlalchemy as sa

from bot.errors import SealingError
from bot.storage.envelope import Envelope
from bot.storage.keyring import DAY_SECONDS, DAYS_ALIVE, Keyring
from bot.storage.statement import Statement
from bot.storage.tables import BUSY_MILLISECONDS, MINUTE_SECONDS, minute, of

TRUNCATE_SECONDS = 60.0  # between two emptyings of the journal when nothing was deleted

_PURGED = "purged"  # set on a connection that deleted rows since the journal was last emptied
_DAY_MINUTES = DAY_SECONDS // MINUTE_SECONDS

_ERASE = (
    Statement("DELETE FROM talk WHERE who = :who"),
    Statement("DELETE FROM outbox WHERE id >= :who AND id < :after AND kind <> 'clear'"),
    Statement("DELETE FROM notice WHERE who = :who"),
    Statement("DELETE FROM way_back WHERE who = :who"),
    Statement("DELETE FROM seen WHERE hash >= :who AND hash < :after"),
    Statement("DELETE FROM mark WHERE reference IN (SELECT reference FROM docket WHERE who = :who)"),
    Statement("DELETE FROM docket WHERE who = :who"),
)
_EXPIRE_TALK = Statement(
    "DELETE FROM talk WHERE who IN "
    "(SELECT who FROM talk WHERE substr(wrapped, 1, 4) = :day AND expires <= :minute LIMIT :most)"
)
_NEXT_DAY = Statement(
    "SELECT substr(wrapped, 1, 4) FROM talk WHERE substr(wrapped, 1, 4) > :day ORDER BY substr(wrapped, 1, 4) LIMIT 1"
)
_EXPIRE = (
    Statement("DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE expires <= :minute LIMIT :most)"),
    Statement(
        "DELETE FROM notice WHERE reference IN (SELECT reference FROM notice WHERE expires <= :minute LIMIT :most)"
    ),
    Statement("DELETE FROM way_back WHERE code IN (SELECT code FROM way_back WHERE expires <= :minute LIMIT :most)"),
    Statement("DELETE FROM seen WHERE hash IN (SELECT hash FROM seen WHERE expires <= :minute LIMIT :most)"),
    Statement(
        "DELETE FROM docket WHERE reference IN (SELECT reference FROM docket WHERE expires <= :minute LIMIT :most)"
    ),
    Statement("DELETE FROM mark WHERE hash IN (SELECT hash FROM mark WHERE expires <= :minute LIMIT :most)"),
    Statement("DELETE FROM draft WHERE officer IN (SELECT officer FROM draft WHERE expires <= :minute LIMIT :most)"),
)
# What is sealed, by the column of its key.
_SEALED = {"talk": "who", "outbox": "id", "notice": "reference", "docket": "reference", "draft": "officer"}
_FIND = {
    table: Statement(
        f"SELECT {key}, wrapped FROM {table} "  # noqa: S608 - names from above
        "WHERE substr(wrapped, 1, 4) = :day AND expires > :minute LIMIT :most"
    )
    for table, key in _SEALED.items()
}
_REWRAP = {
    table: Statement(  # if it is still what was read: another process may have sealed the row anew
        f"UPDATE {table} SET wrapped = :wrapped WHERE {key} = :row AND wrapped = :before"  # noqa: S608 - names from above
    )
    for table, key in _SEALED.items()
}
_FORGET = {
    table: Statement(f"DELETE FROM {table} WHERE {key} = :row AND wrapped = :before")  # noqa: S608 - names from above
    for table, key in _SEALED.items()
}


def purged(conn: sa.Connection) -> None:
    """Let the journal be emptied after this commit: rows of people were deleted in it."""
    conn.info[_PURGED] = True


def erase(conn: sa.Connection, who: bytes) -> None:
    """Delete everything of this person but the wish to clear messages in the messenger."""
    purged(conn)
    for statement in _ERASE:
        statement(conn, **of(who))


def expire(conn: sa.Connection, now: datetime, limit: int) -> int:
    """Delete at most `limit` rows that are past their minute; return how many. Call again until it gives 0."""
    gone = 0
    for day in _days(conn):  # the one index of a talk begins with its day
        gone += _EXPIRE_TALK(conn, day=day, minute=minute(now), most=limit - gone).rowcount
    for statement in _EXPIRE:
        gone += statement(conn, minute=minute(now), most=limit - gone).rowcount
    if gone:
        purged(conn)
    return gone


def _days(conn: sa.Connection) -> Iterator[bytes]:
    """Yield each day (4 bytes) that a talk is wrapped under."""
    row = _NEXT_DAY(conn, day=b"").fetchone()
    while row:
        yield row[0]
        row = _NEXT_DAY(conn, day=row[0]).fetchone()


def rewrap(conn: sa.Connection, keyring: Keyring, now: datetime, limit: int = 500) -> int:
    """Wrap at most `limit` rows under today's key that would outlive the one they have; return how many.

    Call again until it gives 0; only then may old keys be destroyed. Intakes live a day at most and are
    never found here. A row that doesn't open any more is deleted.
    """
    rows = _outliving(conn, keyring, now, limit)
    return sum(_rewrap_one(conn, Envelope(keyring, table), table, row) for table, row in rows)


def _outliving(
    conn: sa.Connection, keyring: Keyring, now: datetime, limit: int
) -> Iterator[tuple[str, tuple[bytes, bytes]]]:
    today = keyring.today(now)
    for day in keyring.days():
        until = max((day + DAYS_ALIVE) * _DAY_MINUTES - 1, minute(now))  # the last minute its key may open it
        for table, find in _FIND.items():
            if day < today and limit > 0:
                found = find(conn, day=day.to_bytes(4, "big"), minute=until, most=limit).fetchall()
                limit -= len(found)
                yield from ((table, (row[0], row[1])) for row in found)


def _rewrap_one(conn: sa.Connection, envelope: Envelope, table: str, row: tuple[bytes, bytes]) -> int:
    key, wrapped = row
    try:
        _REWRAP[table](conn, wrapped=envelope.rewrapped(key, wrapped), row=key, before=wrapped)
    except SealingError:
        _FORGET[table](conn, row=key, before=wrapped)
    return 1


# ── the journal ────────────────────────────────────────────────────────────────────────────────────────


class Truncating:
    """Empties SQLite's journal after a commit that deleted rows, and else every so many seconds."""

    def __init__(self, seconds: float = TRUNCATE_SECONDS) -> None:
        self._seconds = seconds
        self._last = monotonic()

    def __call__(self, conn: sa.Connection) -> None:
        """Run between transactions, on the connection that committed."""
        if conn.info.get(_PURGED) or monotonic() - self._last > self._seconds:
            self._last = monotonic()
            conn.info[_PURGED] = not _truncate(conn)


def checkpoint(engine: sa.Engine) -> bool:
    """Empty SQLite's journal; False when a reader held it and it must be tried again."""
    with engine.connect() as conn:
        return _truncate(conn)


def _truncate(conn: sa.Connection) -> bool:
    if conn.dialect.name != "sqlite":
        return True
    driver = cast("Any", conn.connection.dbapi_connection)  # past SQLAlchemy, which would begin a transaction
    driver.execute("PRAGMA busy_timeout=0")
    try:
        return not driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.OperationalError:
        return False  # somebody reads or writes: what was committed stands, the journal is emptied later
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
