"""Conversations kept and found again, by keyed hashes alone; and what was seen, returned to and counted.

Everything here is called inside a writer's job, with its connection.
"""

import os
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from bot.conversation.model import Conversation, Sender
from bot.errors import SealingError
from bot.storage.envelope import Envelope
from bot.storage.keyring import Keyring
from bot.storage.locks import hold
from bot.storage.statement import Statement
from bot.storage.tables import minute, of

WHO_BYTES = 16
SEEN_FOR = timedelta(hours=72)
QUEUED_FOR = timedelta(hours=25)
TRIED_FOR = timedelta(hours=1)

_LOAD = Statement("SELECT wrapped, sealed FROM talk WHERE who = :who")
_KEEP = Statement(
    "INSERT INTO talk (who, expires, wrapped, sealed) VALUES (:who, :expires, :wrapped, :sealed) "
    "ON CONFLICT (who) DO UPDATE SET expires = excluded.expires, wrapped = excluded.wrapped, sealed = excluded.sealed"
)
_DROP = Statement("DELETE FROM talk WHERE who = :who")
_SEE = Statement("INSERT INTO seen (hash, expires) VALUES (:hash, :expires) ON CONFLICT (hash) DO NOTHING")
_SEEN = Statement("SELECT 1 FROM seen WHERE hash = :hash")
_REMEMBER = Statement(
    "INSERT INTO way_back (code, who, expires) VALUES (:code, :who, :expires) "
    "ON CONFLICT (code) DO UPDATE SET who = excluded.who, expires = excluded.expires"
)
_RETURNS = Statement("SELECT who FROM way_back WHERE code = :code")
_SPEND = Statement("DELETE FROM way_back WHERE code = :code AND expires > :minute RETURNING who")
_DROP_CODES = Statement("DELETE FROM way_back WHERE who = :who")
_EXPIRED = Statement("SELECT who FROM talk WHERE expires <= :minute LIMIT :most")
_PLACE = Statement("SELECT value FROM state WHERE name = :name")
_MOVE = Statement(
    "INSERT INTO state (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_COUNT = Statement(
    "INSERT INTO counts (week, level, language, number) VALUES (:week, :level, :language, 1) "
    "ON CONFLICT (week, level, language) DO UPDATE SET number = counts.number + 1"
)

_COUNTED = Statement("SELECT level, language, number FROM counts WHERE week = :week ORDER BY level, language")
_TRIED = Statement("SELECT COUNT(*) FROM seen WHERE hash >= :who AND hash < :after AND expires > :minute")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Conversation).decode


class Shelf:
    """Where conversations stand."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._envelope = Envelope(keyring, "talk")

    def who(self, sender: Sender) -> bytes:
        """Return the keyed hash (16 bytes) that stands for a person; it tells nothing without the pepper."""
        return self._keyring.keyed_hash("who", sender.channel, sender.address)[:WHO_BYTES]

    def load(self, conn: sa.Connection, who: bytes) -> Conversation | None:
        """Return the conversation, or None: never begun, gone, or no longer to be opened or understood.

        From here on nobody else changes it until the commit. Raises Held: another process is at it.
        """
        hold(conn, who)
        row = _LOAD(conn, who=who).fetchone()
        if row is None:
            return None
        try:
            return _decode(self._envelope.open(who, *row))
        except (SealingError, msgspec.DecodeError):
            return None

    def keep(self, conn: sa.Connection, who: bytes, conversation: Conversation, expires: datetime) -> None:
        """Seal and store the conversation, under a fresh key, until `expires`.

        Raises SealingError: a text in it isn't Unicode (lone surrogates).
        """
        wrapped, sealed = self._envelope.close(who, encoded(conversation))
        _KEEP(conn, who=who, expires=minute(expires), wrapped=wrapped, sealed=sealed)

    def drop(self, conn: sa.Connection, who: bytes) -> None:
        """Delete the conversation alone; what waits for the person stays."""
        _DROP(conn, who=who)

    def expired(self, conn: sa.Connection, now: datetime, most: int) -> list[bytes]:
        """Return at most so many people whose talk is past its time."""
        return [bytes(row[0]) for row in _EXPIRED(conn, minute=minute(now), most=most)]

    def place(self, conn: sa.Connection, queue: str, now: datetime) -> int:
        """Return the first place in a platform's queue that was not taken yet; 0 if nobody can say.

        A platform keeps what nobody has taken for a day at most, and may begin to count anew after a week of
        silence: what is known counts for a day and an hour. Raises Held: another process takes from this queue.
        """
        hold(conn, queue.encode())
        at = _PLACE(conn, name=f"{queue} at").fetchone()
        if at is None or at[0] < minute(now - QUEUED_FOR):
            return 0
        row = _PLACE(conn, name=queue).fetchone()
        return int(row[0]) if row else 0

    def move(self, conn: sa.Connection, queue: str, place: int, now: datetime) -> None:
        """Note that everything before `place` is taken."""
        _MOVE(conn, name=queue, value=place)
        _MOVE(conn, name=f"{queue} at", value=minute(now))

    def seen_before(self, conn: sa.Connection, sender: Sender, message_id: str, now: datetime) -> bool:
        """Return whether this message came in the last 72 hours, and remember that it did.

        Raises Held: another process takes a turn of this person, perhaps the same.
        """
        self._keyring.today(now)
        who = self.who(sender)
        hold(conn, who)
        parts = (sender.channel, sender.address, message_id)
        mark = who + self._keyring.keyed_hash("message", *parts)[:WHO_BYTES]
        return _SEE(conn, hash=mark, expires=minute(now + SEEN_FOR)).rowcount == 0

    def remember_code(self, conn: sa.Connection, code: str, who: bytes, expires: datetime) -> None:
        """Let `code` lead back to this person until `expires`."""
        _REMEMBER(conn, code=self._code(code), who=who, expires=minute(expires))

    def who_returns(self, conn: sa.Connection, code: str) -> bytes | None:
        """Return whom the code leads back to, or None."""
        row = _RETURNS(conn, code=self._code(code)).fetchone()
        return None if row is None else bytes(row[0])

    def lend_code(self, conn: sa.Connection, code: str, who: bytes, expires: datetime) -> None:
        """Let `code` carry this person's talk to another channel, once, until `expires`."""
        _REMEMBER(conn, code=self._carry(code), who=who, expires=minute(expires))

    def spend_code(self, conn: sa.Connection, code: str, now: datetime) -> bytes | None:
        """Return whose talk the code carries, and let it be used up; None: unknown, used or too old."""
        row = _SPEND(conn, code=self._carry(code), minute=minute(now)).fetchone()
        return None if row is None else bytes(row[0])

    def drop_codes(self, conn: sa.Connection, who: bytes) -> None:
        """Let no code lead to this person any more: the talk it was for is over, and a new one isn't its."""
        _DROP_CODES(conn, who=who)

    def remember_erasing(self, conn: sa.Connection, sender: Sender, message_id: str, now: datetime) -> None:
        """Keep of an erased person that this one message was taken: it may come twice, and must change nothing."""
        _SEE(conn, hash=self._erasing(sender, message_id), expires=minute(now + SEEN_FOR))

    def erased_by(self, conn: sa.Connection, sender: Sender, message_id: str) -> bool:
        """Return whether this message has erased its person already."""
        return _SEEN(conn, hash=self._erasing(sender, message_id)).fetchone() is not None

    def count(self, conn: sa.Connection, week: str, level: int, language: str) -> None:
        """Count one case in its week ("2026-W47"), by level and language. Raises Held."""
        hold(conn, b"counts")
        _COUNT(conn, week=week, level=level, language=language)

    def counted(self, conn: sa.Connection, week: str) -> list[tuple[int, str, int]]:
        """Return how many cases there were in a week, as (level, language, number)."""
        return [(int(level), str(tag), int(number)) for level, tag, number in _COUNTED(conn, week=week).fetchall()]

    def first_today(self, conn: sa.Connection, name: str, today: int) -> bool:
        """Return whether what is done once a day is still to be done, and note that it is. `today`: a day's number.

        A day further ahead than tomorrow is one that a clock has shown which was wrong.
        """
        row = _PLACE(conn, name=name).fetchone()
        if row and today <= row[0] <= today + 1:
            return False
        _MOVE(conn, name=name, value=today)
        return True

    def tries(self, conn: sa.Connection, sender: Sender, now: datetime) -> int:
        """Count one more code that this sender has tried, and return how many there were within the hour."""
        at = self._keyring.keyed_hash("tries", sender.channel, sender.address)[:WHO_BYTES]
        _SEE(conn, hash=at + os.urandom(WHO_BYTES), expires=minute(now + TRIED_FOR))
        row = _TRIED(conn, **of(at), minute=minute(now)).fetchone()
        return int(row[0]) if row else 0

    def _carry(self, code: str) -> bytes:
        return self._keyring.keyed_hash("carry", code)

    def _erasing(self, sender: Sender, message_id: str) -> bytes:
        """Return a mark that doesn't begin with the person's hash: nothing else leads to it."""
        return self._keyring.keyed_hash("erasing", sender.channel, sender.address, message_id)

    def _code(self, code: str) -> bytes:
        return self._keyring.keyed_hash("code", code)


def encoded(value: object) -> bytes:
    """Return `value` as JSON.

    Raises SealingError: a text in it isn't Unicode.
    """
    try:
        return _encode(value)
    except UnicodeEncodeError:
        raise SealingError("a text holds half a character and can't be stored") from None
