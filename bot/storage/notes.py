"""What stands beside a waiting row's key, to be read without opening it: its serial, and when it is due."""

import struct
from datetime import UTC, datetime, timedelta

from bot.conversation.model import HandOff, Wake
from bot.storage.letters import Letter, Note

TRIED_FOR = timedelta(hours=24)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOTE = struct.Struct(">QQ")  # serial, due in microseconds since the epoch


def note_of(serial: int, due: datetime) -> bytes:
    """Return both as 16 bytes."""
    return _NOTE.pack(serial, max(stamp(due), 0))


def read_note(note: bytes) -> tuple[int, datetime]:
    """Return (serial, due)."""
    serial, due = _NOTE.unpack(note)
    return serial, EPOCH + timedelta(microseconds=due)


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
