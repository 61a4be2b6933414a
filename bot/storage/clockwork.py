"""Notices that the clock was set back, while the bot ran or while it didn't: what waits for an hour comes earlier.

Within a process the time that has passed is told by a clock that nobody sets; across a restart only a time before the
last one known can be noticed.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bot.storage.outbox import Outbox
from bot.storage.statement import Statement
from bot.storage.tables import MINUTE_SECONDS, minute

TOLERATED = timedelta(minutes=2)  # whole minutes are kept, and clocks drift

_LAST = Statement("SELECT value FROM state WHERE name = 'clock'")
_KEEP = Statement(
    "INSERT INTO state (name, value) VALUES ('clock', :value) ON CONFLICT (name) DO UPDATE SET value = :value"
)


def set_back(conn: sa.Connection, outbox: Outbox, now: datetime, passed: timedelta) -> timedelta:
    """Return how far the clock was set back since this was called last; mails, pings and timers keep their distance.

    `passed`: since then, by a clock that nobody sets; 0 at the start.
    """
    row = _LAST(conn).fetchone()
    _KEEP(conn, value=minute(now))
    if row is None:
        return timedelta(0)
    back = datetime.fromtimestamp(row[0] * MINUTE_SECONDS, UTC) + passed - now
    if back <= TOLERATED:
        return timedelta(0)
    outbox.earlier(conn, back)
    return back
