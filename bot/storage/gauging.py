"""How much is kept and how much waits, as numbers for an operator: counted in SQL, and no row is opened for it.

Everything here is called inside a writer's job, with its connection: a second reader would keep the journal from
being emptied. So a job must be short, whatever is kept: of the outbox only the head is looked at, and a table that is
slow to count is counted once a minute.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from time import monotonic
from typing import NamedTuple

import sqlalchemy as sa

from bot.storage.letters import KINDS
from bot.storage.statement import Statement
from bot.storage.tables import MINUTE_SECONDS, OTHER, URGENT, minute

LANES = {URGENT: "urgent", OTHER: "other"}
MORE = "more"  # rows whose kind was not looked at: there are too many
HEAD_LEAST, HEAD_MOST = 100, 1000  # rows of each lane that are looked at, those whose time comes first
HEAD_SECONDS = 0.005  # after which no more than the least are: a row of a large table takes a tenth of a millisecond
SLOW_SECONDS = 0.005  # a count that took longer is kept for a while
KEPT_SECONDS = 60.0
DAY_MINUTES = 24 * 60

_LOOKED = Statement(
    "INSERT INTO state (name, value) VALUES ('looked', :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_TALKS = Statement("SELECT COUNT(*) FROM talk")
_CASES = Statement("SELECT COUNT(*) FROM docket")
_HEAD = Statement(
    "SELECT kind, attempts, next_try, expires FROM outbox WHERE lane = :lane ORDER BY next_try LIMIT :most"
)
_DUE = Statement(
    "SELECT COUNT(*) FROM outbox WHERE lane = :lane AND next_try <= :minute AND expires > :minute"
)  # answered from the index alone


class Queue(NamedTuple):
    """Rows that should have been carried out: due, or tried in vain. `seconds`: the oldest is late, whole minutes."""

    rows: int
    seconds: int


Queues = dict[tuple[str, str], Queue]  # by kind and lane


@dataclass(frozen=True, slots=True)
class Gauged:
    """What was counted; a queue for each kind and lane, empty ones too."""

    talks: int
    cases: int  # that no officer has closed
    queues: Queues


@dataclass(slots=True)
class _Count:
    """The number of a table's rows; a slow one not older than a minute."""

    count: Statement
    clock: Callable[[], float]
    _number: int = 0
    _until: float = -inf

    def __call__(self, conn: sa.Connection) -> int:
        began = self.clock()
        if began >= self._until:
            self._number = int(self.count(conn).fetchall()[0][0])
            ended = self.clock()
            self._until = ended + KEPT_SECONDS if ended - began > SLOW_SECONDS else -inf
        return self._number


@dataclass(slots=True)
class Gauge:
    """Counts. `clock`: seconds, by a clock that nobody sets."""

    clock: Callable[[], float] = monotonic
    _talks: _Count = field(init=False)
    _cases: _Count = field(init=False)

    def __post_init__(self) -> None:
        self._talks, self._cases = _Count(_TALKS, self.clock), _Count(_CASES, self.clock)

    def __call__(self, conn: sa.Connection, now: datetime) -> Gauged:
        """Return what there is now. Raises if no row can be written: then the bot answers nobody, whatever it reads."""
        at = minute(now)
        _LOOKED(conn, value=at)
        queues: Queues = {(kind, lane): Queue(0, 0) for kind in (*KINDS.values(), MORE) for lane in LANES.values()}
        for lane, name in LANES.items():
            looked_at = 0
            for row in self._head(conn, lane, at):
                looked_at += row.next_try <= at
                rows, seconds = queues[row.kind, name]
                queues[row.kind, name] = Queue(rows + 1, max(seconds, (at - row.since) * MINUTE_SECONDS))
            due = int(_DUE(conn, lane=lane, minute=at).fetchall()[0][0])
            queues[MORE, name] = Queue(due - looked_at, 0)
        return Gauged(self._talks(conn), self._cases(conn), queues)

    def _head(self, conn: sa.Connection, lane: int, at: int) -> Iterator["_Row"]:
        """Yield what should have been carried out, as long as there is time."""
        until = self.clock() + HEAD_SECONDS
        for number, columns in enumerate(_HEAD(conn, lane=lane, most=HEAD_MOST), 1):
            row = _Row(*columns)
            if row.expires > at and (row.next_try <= at or row.attempts):
                yield row
            if number >= HEAD_LEAST and self.clock() > until:
                return


class _Row(NamedTuple):
    """What stands in clear of a row; times are minutes."""

    kind: str
    attempts: int
    next_try: int
    expires: int

    @property
    def since(self) -> int:
        """Since when it should have been carried out: a mail that was refused is tried later, and late all the same."""
        if self.kind in {"mail", "hand_off"} and self.attempts:
            return min(self.next_try, self.expires - DAY_MINUTES)
        return self.next_try
