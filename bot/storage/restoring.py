"""Notices that the database is a restored copy, by a number that key file and database keep together.

What stood in a copy may have been erased since: talks, notice cases, ways back, seen messages and waiting words are
dropped. Sealed mails and wishes to clear stay: a mail goes out again under the same Message-ID.
"""

import asyncio
from functools import partial

import sqlalchemy as sa

from bot.storage.keyring import Keyring
from bot.storage.statement import Statement
from bot.storage.writer import Writer

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
    restored, generation = await writer.do(partial(_settle, kept=keyring.generation))
    await asyncio.to_thread(keyring.keep_generation, generation)
    return restored


async def advance_generation(writer: Writer, keyring: Keyring) -> None:
    """Take the next number, so that every copy made until now is an old one. With the rounds and at stop."""
    generation = await writer.do(partial(_advance, kept=keyring.generation))
    await asyncio.to_thread(keyring.keep_generation, generation)


def _settle(conn: sa.Connection, kept: int) -> tuple[bool, int]:
    row = _GENERATION(conn).fetchone()
    number = kept if row is None else row[0]
    restored = number not in {kept, kept + 1}  # the database writes first: one ahead is a crash between the two
    if restored:
        for statement in _DROP:
            statement(conn)
    return restored, _advance(conn, max(number, kept) if restored else kept)


def _advance(conn: sa.Connection, kept: int) -> int:
    _KEEP(conn, value=kept + 1)
    return kept + 1
