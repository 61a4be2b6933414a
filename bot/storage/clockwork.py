"""Notices that the clock was set back, while the bot ran or while it didn't: what waits for an hour comes earlier.

Set forward, or stopped with the whole machine, it takes from no case the time in which it is tried. Within a process
the time that has passed is told by a clock that nobody sets; across a restart only a time before the last one known can
be noticed. A clock that was ahead for a moment between two looks is noticed by `Watched`, which sees every use of it,
or, if the process doesn't live until the next look, by what the outbox kept beside the rows that it timed then.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic

import sqlalchemy as sa

from bot.storage import wakings
from bot.storage.outbox import TOLERATED, Outbox
from bot.storage.statement import Statement
from bot.storage.tables import MINUTE_SECONDS, minute

__all__ = ["TOLERATED", "Watched", "set_back"]

_LAST = Statement("SELECT value FROM state WHERE name = 'clock'")
_AHEAD = Statement("DELETE FROM state WHERE name = 'clock ahead' RETURNING value")
_KEEP = Statement(
    "INSERT INTO state (name, value) VALUES ('clock', :value) ON CONFLICT (name) DO UPDATE SET value = :value"
)


class Watched:
    """A clock that remembers how far ahead of itself it has been, at any moment at which somebody asked it."""

    def __init__(self, now: Callable[[], datetime], steady: Callable[[], float] = monotonic) -> None:
        """`steady`: seconds by a clock that nobody sets."""
        self._now, self._steady = now, steady
        self._lock = threading.Lock()
        self._lead = self._leads(now())

    def __call__(self) -> datetime:
        """Return the time that it is now, as far as anybody knows."""
        with self._lock:
            at = self._now()
            self._lead = max(self._lead, self._leads(at))
            return at

    def look(self) -> tuple[datetime, timedelta]:
        """Return the time, and how far ahead of it the clock was at most since this was called last."""
        with self._lock:
            at = self._now()
            lead, self._lead = self._lead, self._leads(at)
            return at, timedelta(seconds=max(lead - self._lead, 0.0))

    def _leads(self, at: datetime) -> float:
        return at.timestamp() - self._steady()


def set_back(
    conn: sa.Connection, outbox: Outbox, now: datetime, passed: timedelta, been_ahead: timedelta = timedelta(0)
) -> timedelta:
    """Return how far the clock was set back since this was called last; mails, pings and timers keep their distance.

    `passed`: since then, by a clock that nobody sets; 0 at the start. `been_ahead`: how far it was at most in between.
    """
    last, ahead = _LAST(conn).fetchone(), _AHEAD(conn).fetchone()
    _KEEP(conn, value=minute(now))
    missing = [been_ahead]
    missing += [_time(last[0]) + passed - now] if last else []
    missing += [_time(ahead[0]) - now] if ahead else []
    back = max(missing)
    if back <= TOLERATED:
        return timedelta(0)
    outbox.hours.earlier(conn, back)
    wakings.earlier(conn, now, back)
    return back


def _time(kept: int) -> datetime:
    return datetime.fromtimestamp(kept * MINUTE_SECONDS, UTC)
