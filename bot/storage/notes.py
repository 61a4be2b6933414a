"""What stands beside a waiting row's key, to be read without opening it: its serial, its hour, its rank."""

import struct
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from bot.conversation.model import Clear, HandOff, Say, Wake
from bot.errors import SealingError
from bot.storage.envelope import Envelope
from bot.storage.letters import Letter, Note

TRIED_FOR = timedelta(hours=24)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BARE_ANSWERS = 2  # of a cry for help: who is in danger, and that the mission may act
REMEMBERED = 20_000  # notes; each was read once and is read again with every look at what waits

_NOTE = struct.Struct(">QQB")  # serial, due in microseconds since the epoch, and what holds of it
_BARE, _CHOSEN = 1, 2
_SHORT = struct.Struct(">QQ")  # as version 0.1 wrote it


class Noted(NamedTuple):
    """A note, read.

    `bare`: of a case of which nothing is told but SOS; where many wait, others go before it. `chosen`: its hour is one
    of the day, and stays that however the clock is set.
    """

    serial: int
    due: datetime
    bare: bool = False
    chosen: bool = False


def note_of(noted: Noted) -> bytes:
    """Return a note as 17 bytes."""
    return _NOTE.pack(noted.serial, max(stamp(noted.due), 0), _BARE * noted.bare | _CHOSEN * noted.chosen)


def read_note(note: bytes) -> Noted:
    """Return what a note says."""
    serial, due, flags = _NOTE.unpack(note) if len(note) == _NOTE.size else (*_SHORT.unpack(note), 0)
    return Noted(serial, EPOCH + timedelta(microseconds=due), bool(flags & _BARE), bool(flags & _CHOSEN))


def is_bare(letter: Letter) -> bool:
    """Whether this is a case of which nothing is told but SOS."""
    return isinstance(letter, HandOff) and not letter.number and len(letter.answers) <= BARE_ANSWERS


def is_chosen(letter: Letter) -> bool:
    """Whether it has an hour of its own to be said or cleared at: a person's safe one, or the last of closing words."""
    return isinstance(letter, Say | Clear) and letter.not_before is not None


class Notes:
    """Reads the notes of one table. `unreadable` takes the ids of rows that no longer open."""

    def __init__(self, envelope: Envelope, unreadable: set[bytes]) -> None:
        self._envelope = envelope
        self._unreadable = unreadable
        self._read: dict[tuple[bytes, bytes], Noted] = {}

    def read(self, row: bytes, wrapped: bytes) -> Noted:
        """Return the note of a row. Raises SealingError: it no longer opens."""
        noted = self._read.get((row, wrapped))
        if noted is None:
            noted = read_note(self._envelope.note(row, wrapped))
            if len(self._read) >= REMEMBERED:
                self._read.clear()
            self._read[row, wrapped] = noted
        return noted

    def known(self, row: bytes, wrapped: bytes) -> Noted | None:
        """Return the note of a row, or None: it no longer opens."""
        try:
            return self.read(row, wrapped)
        except SealingError:
            self._unreadable.add(row)
            return None

    def moved(self, row: bytes, wrapped: bytes, due: datetime) -> bytes:
        """Return `wrapped` with another due time. Raises SealingError: it no longer opens."""
        return self._envelope.with_note(row, wrapped, note_of(self.read(row, wrapped)._replace(due=due)))


def due_of(letter: Letter, now: datetime) -> datetime:
    """Return when it is to be carried out."""
    if isinstance(letter, Wake):
        return letter.at
    if isinstance(letter, HandOff | Note):
        return now  # sealed at once; it is the mail that waits for its hour
    return letter.not_before or now


def tried_until(letter: Letter, now: datetime, row: datetime) -> datetime:
    """Return until when a mail or ping is tried: a day after its own hour, or as long as the `row` it comes from."""
    return max(row, due_of(letter, now) + TRIED_FOR)


def stamp(at: datetime) -> int:
    """Return microseconds since the epoch."""
    return (at - EPOCH) // timedelta(microseconds=1)
