"""What waits comes earlier: all of it, where the clock was set back; a case that has become urgent, or came back.

Everything here is called inside a writer's job, with its connection.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from bot.conversation.model import HandOff, Sender
from bot.errors import SealingError
from bot.handoff.duty import begins
from bot.storage import outbox_sql as sql
from bot.storage.envelope import Envelope
from bot.storage.letters import Letter, Mail, Ping, read, written
from bot.storage.notes import Notes, note_of, stamp
from bot.storage.tables import URGENT, minute, of


class Waiting(NamedTuple):
    """Something that waits for officers, opened."""

    row: bytes
    wrapped: bytes
    sender: Sender
    letter: Letter


class Hours:
    """When the rows of the outbox come due. `unreadable` takes the ids of those that no longer open."""

    def __init__(self, envelope: Envelope, notes: Notes, unreadable: set[bytes]) -> None:
        self._envelope, self._notes, self._unreadable = envelope, notes, unreadable

    def earlier(self, conn: sa.Connection, span: timedelta) -> int:
        """Let what waits come due that much earlier: the clock was set back. Return how many rows.

        Words for an hour that a person chose keep it, though they were tried; a case or words that were to leave at
        once don't wait for the time at which the clock had been.
        """
        moved = 0
        for row, wrapped, keeps_distance in sql.TIMED(conn).fetchall():
            note = self._notes.known(row, wrapped)
            if note and not note.chosen and (keeps_distance or stamp(note.due) <= note.serial):
                self._move(conn, row, wrapped, span)
                moved += 1
        return moved

    def hasten(self, conn: sa.Connection, who: bytes, now: datetime) -> None:
        """Let mails and pings to officers of this person leave that much earlier, the first of each handoff now."""
        handed = defaultdict[int, list[Waiting]](list)
        for one in self.for_officers(conn, who):
            if isinstance(one.letter, Mail | Ping):
                handed[one.letter.number].append(one)
        for waiting in handed.values():
            ahead = min(self._notes.read(one.row, one.wrapped).due for one in waiting) - now
            for one in waiting if ahead > timedelta() else ():
                self._move(conn, one.row, one.wrapped, ahead)

    def hurry(self, conn: sa.Connection, who: bytes, now: datetime) -> None:
        """Hasten a case that has become urgent, before others; what isn't sealed yet keeps no hour of its own."""
        self.hasten(conn, who, now)
        sql.HURRY(conn, **of(who), lane=URGENT)
        for one in self.for_officers(conn, who):
            if isinstance(one.letter, HandOff) and one.letter.not_before:
                self._leaves_now(conn, one, one.letter, begins(one.letter, now) - now)

    def for_officers(self, conn: sa.Connection, who: bytes) -> Iterator[Waiting]:
        """Yield what waits for officers of this person: cases to be sealed, mails and pings."""
        for row, wrapped, sealed, kind in sql.FOR_OFFICERS(conn, **of(who)).fetchall():
            try:
                yield Waiting(row, wrapped, *read(kind, self._envelope.open(row, wrapped, sealed)))
            except SealingError:
                self._unreadable.add(row)

    def _leaves_now(self, conn: sa.Connection, one: Waiting, told: HandOff, ahead: timedelta) -> None:
        """Let a case leave as soon as it is sealed; mails that are being sealed now come as much earlier as its row."""
        note = self._notes.read(one.row, one.wrapped)
        due = note.due - max(ahead, timedelta())
        letter = written(one.sender, replace(told, not_before=None))
        wrapped, sealed = self._envelope.close(one.row, letter, note_of(note._replace(due=due)))
        sql.REWRITE(conn, id=one.row, wrapped=wrapped, sealed=sealed, next_try=minute(due))

    def _move(self, conn: sa.Connection, row: bytes, wrapped: bytes, span: timedelta) -> None:
        due = self._notes.read(row, wrapped).due - span
        sql.MOVE(conn, id=row, next_try=minute(due), wrapped=self._notes.moved(row, wrapped, due))
