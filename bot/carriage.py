"""What the courier needs of others, and its rules that hold no state: which rows go out together, what is reported."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from bot.channels.base import Arrived
from bot.conversation.events import Delivered
from bot.conversation.model import HandOff, Say, Spoken
from bot.storage.outbox import Mail, Note, Ping, Row


class Speak(Protocol):
    """Puts a Say into words."""

    def __call__(self, say: Say, *, buttons: bool, covered: bool) -> Spoken:
        """Return the words, for a channel with buttons or without, that may show on a locked screen or not."""


class Mission(Protocol):
    """What is done for the mission: cases and notes are sealed, and what was sealed for whom is noted."""

    def reader(self, conn: sa.Connection, who: bytes) -> str:
        """Return which officer has read this person's case, "" for none."""

    def seal(self, told: HandOff, now: datetime, reader: str) -> Sequence[Mail | Ping]:
        """Return the mails and pings of a handoff. In a thread."""

    def sealed(
        self, conn: sa.Connection, who: bytes, told: HandOff, letters: Sequence[Mail | Ping], now: datetime
    ) -> None:
        """Note that they are stored."""

    def seal_note(self, note: Note, now: datetime) -> Mail | None:
        """Return the mail of a note; None if it can't be written to this officer. In a thread."""


def one_word_each(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows without a person's second text and later ones: each waits until the one before it was said."""
    spoken: set[bytes] = set()
    for row in rows:
        if row.kind != "say":
            yield row
        elif row.who not in spoken:
            spoken.add(row.who)
            yield row


def that_fit(rows: Iterable[Row], rooms: dict[str, int]) -> Iterator[Row]:
    """Yield the rows that a channel takes now; those that no channel carries always fit."""
    for row in rows:
        name = row.sender.channel
        if row.kind in BY_MESSENGER and name in rooms:
            rooms[name] -= 1
            if rooms[name] < 0:
                continue
        yield row


def delivered(say: Say, arrived: Arrived) -> Delivered | None:
    """Return what is worth a report: when a consent was seen, and what can be deleted there later."""
    consent = say.question.serial if say.question and say.question.consent else 0
    return Delivered(consent, arrived.at, arrived.ids) if consent or arrived.ids else None


BY_MESSENGER = frozenset({"say", "clear"})  # the kinds of rows that a channel carries
