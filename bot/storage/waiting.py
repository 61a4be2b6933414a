"""Who comes next: people whose rows are due, by lane and by arrival, where the table itself tells no order.

Called inside a writer's job, with its connection.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.storage import outbox_sql as sql
from bot.storage.notes import Notes
from bot.storage.tables import OTHER, URGENT, minute

TAIL_BYTES = 16  # of a row's id, behind its person's hash
MANY = 256  # rows with something urgent: from so many on, the order that was found is kept for a moment
KEPT_FOR = timedelta(seconds=1)

Sought = Mapping[str, int | str]  # rows of which kinds, and of which channels not


def sought(kinds: int, full: Collection[str]) -> Sought:
    """Return what to look for. `full`: the channels, two at most, whose words are left out."""
    full_1, full_2 = (*full, "", "")[:2]
    return {"sought": kinds, "full_1": full_1, "full_2": full_2}


@dataclass(slots=True)
class Line:
    """Who comes next of very many with something urgent, as it was found a moment ago.

    To look through thousands of rows for each handful that is carried would be most of a flood's work. Who comes
    meanwhile, or has more to be carried, is found with the next look; whose rows are gone is passed over.
    """

    _at: datetime | None = None
    _looked_for: Sought = field(default_factory=dict)
    _people: deque[bytes] = field(default_factory=deque, repr=False)

    def kept(self, now: datetime, looked_for: Sought) -> deque[bytes]:
        """Return who is left of those that were found, if it was the same that was looked for, a moment ago."""
        same = self._at is not None and timedelta() <= now - self._at < KEPT_FOR and looked_for == self._looked_for
        return self._people if same else deque()

    def keep(self, now: datetime, looked_for: Sought, found: deque[bytes]) -> None:
        """Keep what was found, if it is much: what is taken from the left of it has had its turn."""
        self._at, self._looked_for, self._people = now, looked_for, found if len(found) > MANY else deque()


class Lines:
    """The lines of those who wait, one for each kind of rows."""

    def __init__(self) -> None:
        self._lines: dict[object, Line] = {}

    def of(self, looked_for: Sought) -> Line:
        """Return the line for the kinds that are looked for."""
        return self._lines.setdefault(looked_for["sought"], Line())


def people(  # noqa: PLR0913, PLR0917 - one look
    conn: sa.Connection,
    now: datetime,
    busy: Collection[bytes],
    wanted: Mapping[int, Sought],
    notes: Notes,
    lines: Lines,
) -> Iterator[tuple[int, bytes]]:
    """Yield each person who has something due, with its lane: first who has something urgent; bare cases last.

    `busy`: people and single rows to leave out; `wanted`: what is looked for in each lane.
    """
    told, line = set(busy), lines.of(wanted[URGENT])
    yield from ((URGENT, who) for who in _in_turn(line.kept(now, wanted[URGENT]), told))
    for lane in (URGENT, OTHER):
        waiting = deque(who for *_, who in sorted(_waiting(conn, lane, now, told, wanted[lane], notes)))
        if lane == URGENT:
            line.keep(now, wanted[URGENT], waiting)
        yield from ((lane, who) for who in _in_turn(waiting, told))


def _in_turn(waiting: deque[bytes], told: set[bytes]) -> Iterator[bytes]:
    """Take people from a line, each once."""
    while waiting:
        who = waiting.popleft()
        if who not in told:
            told.add(who)
            yield who


def _waiting(  # noqa: PLR0913, PLR0917 - one look
    conn: sa.Connection, lane: int, now: datetime, told: Collection[bytes], looked_for: Sought, notes: Notes
) -> Iterator[tuple[bool, datetime, int, bytes]]:
    for row, wrapped in sql.COMING(conn, lane=lane, minute=minute(now), **looked_for).fetchall():
        who = row[:-TAIL_BYTES]
        if who in told or row in told:
            continue
        note = notes.known(row, wrapped)
        if note and note.due <= now:
            yield note.bare, note.due, note.serial, who
