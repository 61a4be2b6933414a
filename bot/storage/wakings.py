"""How often an officer was woken: for each, the number of wake-ups in spans of ten minutes; gone half an hour later.

Kept so that a restart doesn't wake everybody again: a keyed hash, the number of the span, and a count, nothing else.
Everything here is called inside a writer's job, with its connection.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.storage.keyring import Keyring
from bot.storage.statement import Statement
from bot.storage.tables import minute

SPAN_MINUTES = 10

_NAME = "woken"
_TOLD = "wakings told"
_COUNT = Statement(
    "INSERT INTO state (name, value) VALUES (:name, :count) "
    "ON CONFLICT (name) DO UPDATE SET value = state.value + excluded.value"
)
_ALL = Statement("SELECT name, value FROM state WHERE name LIKE 'woken %'")
_DROP = Statement("DELETE FROM state WHERE name = :name")
_TELL = Statement(
    "INSERT INTO state (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_VALUE = Statement("SELECT value FROM state WHERE name = :name")


def span_of(at: datetime) -> int:
    """Return the number of the ten minutes in which a moment lies."""
    return minute(at) // SPAN_MINUTES


def earlier(conn: sa.Connection, now: datetime, back: timedelta) -> None:
    """Let what was counted count for as much earlier spans: the clock was set `back`, and shows `now`."""
    spans = span_of(now + back) - span_of(now)
    for name, count in sorted(_ALL(conn).fetchall(), key=lambda row: _span(row[0])):
        _DROP(conn, name=name)
        _COUNT(conn, name=f"{name.rpartition(' ')[0]} {_span(name) - spans}", count=count)
    for told in _VALUE(conn, name=_TOLD).fetchall():
        _TELL(conn, name=_TOLD, value=told[0] - spans)


class Wakings:
    """Counts wake-ups, by an officer's address."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def count(self, conn: sa.Connection, officer: str, span: int) -> None:
        """Count one more."""
        _COUNT(conn, name=f"{self._of(officer)}{span}", count=1)

    def counted(self, conn: sa.Connection, officer: str, span: int) -> int:
        """Return how many there were in a span."""
        row = _VALUE(conn, name=f"{self._of(officer)}{span}").fetchone()
        return int(row[0]) if row else 0

    def spans(self, conn: sa.Connection, officer: str) -> dict[int, int]:
        """Return how many there were in each span of which anything is kept."""
        mine = self._of(officer)
        rows = ((name, count) for name, count in _ALL(conn).fetchall() if name.startswith(mine))
        return {int(name.removeprefix(mine)): int(count) for name, count in rows}

    def told_until(self, conn: sa.Connection) -> int:
        """Return the last span after which officers were told what waits; -1: none yet."""
        row = _VALUE(conn, name=_TOLD).fetchone()
        return int(row[0]) if row else -1

    def tell_until(self, conn: sa.Connection, span: int) -> None:
        """Note that officers were told what came up to the end of this span; only its own counts are needed then."""
        _TELL(conn, name=_TOLD, value=span)
        for name, _ in _ALL(conn).fetchall():
            if _span(name) < span:
                _DROP(conn, name=name)

    def _of(self, officer: str) -> str:
        return f"{_NAME} {self._keyring.keyed_hash('woken', officer)[:16].hex()} "


def _span(name: str) -> int:
    return int(name.rpartition(" ")[2])
