"""Notices that the database is a restored copy, by a number that key file and database keep together.

What stood in a copy may have been erased since: talks, notice cases, ways back, seen messages and waiting words are
dropped. Sealed mails and wishes to clear stay: a mail goes out again under the same Message-ID.
The database writes first: it may be ahead, of a crash between the two, or of processes that share it.
"""

import asyncio
from functools import partial

import sqlalchemy as sa

from bot.storage.keyring import Keyring
from bot.storage.locks import SHARED, hold
from bot.storage.statement import Statement
from bot.storage.writer import Writer

AHEAD = 1  # that far a database may be ahead of the key file
AHEAD_SHARED = 64  # the same with as many processes as share it

_GENERATION = Statement("SELECT value FROM state WHERE name = 'generation'")
_KEEP = Statement(
    "INSERT INTO state (name, value) VALUES ('generation', :value) ON CONFLICT (name) DO UPDATE SET value = :value"
)
_DROP = (
    Statement("DELETE FROM talk"),
    Statement("DELETE FROM notice"),
    Statement("DELETE FROM way_back"),
    Statement("DELETE FROM seen"),
    Statement("DELETE FROM docket"),
    Statement("DELETE FROM mark"),
    Statement("DELETE FROM draft"),
    Statement("DELETE FROM outbox WHERE kind IN ('say', 'wake', 'ping', 'note')"),
)


async def notice_restored(writer: Writer, keyring: Keyring) -> bool:
    """Drop what a restored database must not bring back; return whether it was one. Once, at start."""
    restored, generation = await writer.do(partial(_settle, keyring=keyring))
    await asyncio.to_thread(keyring.keep_generation, generation)
    return restored


async def advance_generation(writer: Writer, keyring: Keyring) -> None:
    """Take the next number, so that every copy made until now is an old one. With the rounds and at stop."""
    generation = await writer.do(partial(_advance, keyring=keyring))
    await asyncio.to_thread(keyring.keep_generation, generation)


def _settle(conn: sa.Connection, keyring: Keyring) -> tuple[bool, int]:
    number, kept = _numbers(conn, keyring)
    ahead = AHEAD_SHARED if conn.dialect.name == SHARED and kept else AHEAD  # 0: the keys are new
    restored = not kept <= number <= kept + ahead
    if restored:
        for statement in _DROP:
            statement(conn)
    return restored, _kept(conn, max(number, kept) + 1 if restored else max(number, kept + 1))


def _advance(conn: sa.Connection, keyring: Keyring) -> int:
    return _kept(conn, max(_numbers(conn, keyring)) + 1)


def _kept(conn: sa.Connection, number: int) -> int:
    _KEEP(conn, value=number)
    return number


def _numbers(conn: sa.Connection, keyring: Keyring) -> tuple[int, int]:
    """Return the generations of database and key file as they are now; no other process changes them meanwhile."""
    hold(conn, b"generation")
    keyring.refresh()
    row = _GENERATION(conn).fetchone()
    return (row[0] if row else keyring.generation), keyring.generation
