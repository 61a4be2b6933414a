"""Cases of a mission without keys: sealed to the bot itself until an officer has read them, three days at most.

The one kind of case that the bot can read; the person is told so before they consent. Called inside a writer's job.
"""

from datetime import datetime

import msgspec
import sqlalchemy as sa

from bot.conversation.model import HandOff
from bot.errors import SealingError
from bot.handoff.docket import HELD_FOR
from bot.storage.envelope import Envelope
from bot.storage.erasing import purged
from bot.storage.keyring import Keyring
from bot.storage.statement import Statement
from bot.storage.tables import minute
from bot.storage.work import encoded

_KEEP = Statement(
    "INSERT INTO notice (reference, who, expires, wrapped, sealed) "
    "VALUES (:reference, :who, :expires, :wrapped, :sealed) "
    "ON CONFLICT (reference) DO UPDATE SET who = excluded.who, expires = excluded.expires, "
    "wrapped = excluded.wrapped, sealed = excluded.sealed"
)
_READ = Statement("SELECT wrapped, sealed FROM notice WHERE reference = :reference AND expires > :minute")
_DONE = Statement("DELETE FROM notice WHERE reference = :reference")

_decode = msgspec.json.Decoder(HandOff).decode


class Notices:
    """Where notice cases lie, found by their reference."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._envelope = Envelope(keyring, "notice")

    def keep(self, conn: sa.Connection, who: bytes, told: HandOff, now: datetime) -> None:
        """Seal and store one case, or one addition to it. Raises SealingError: a text in it isn't Unicode."""
        self._keyring.today(now)
        row = self._row(told.reference, told.number)
        wrapped, sealed = self._envelope.close(row, encoded(told))
        _KEEP(conn, reference=row, who=who, expires=minute(now + HELD_FOR), wrapped=wrapped, sealed=sealed)

    def read(self, conn: sa.Connection, reference: str, number: int, now: datetime) -> HandOff | None:
        """Return the case (number 0) or an addition; None: there is none, or its time is over."""
        row = self._row(reference, number)
        found = _READ(conn, reference=row, minute=minute(now)).fetchone()
        if found is None:
            return None
        try:
            return _decode(self._envelope.open(row, *found))
        except (SealingError, msgspec.DecodeError):
            return None

    def done(self, conn: sa.Connection, reference: str, number: int) -> None:
        """Delete what was read and acknowledged; at once from the journal, too."""
        if _DONE(conn, reference=self._row(reference, number)).rowcount:
            purged(conn)

    def _row(self, reference: str, number: int) -> bytes:
        return self._keyring.keyed_hash("notice", reference, str(number))[:16]
