"""What a run of the tests works out once: the same flow has the same ways and words, a new database the same tables.

Each story starts a whole bot; most of that start is reading what the story before has read. Here the first start is
the real one, and what pure functions gave is given again for equal arguments. Whatever runs in a process of its own,
and the tests of these functions themselves, remember nothing.
"""

from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa

from bot import app, inspection, knowledge
from bot.storage.schema import migrate
from bot.storage.tables import open_engine

KEPT = 24  # flows with their languages, the last used last
PURE = {
    knowledge: ("with_guide", "vocabulary", "Paths", "crises", "broken"),
    inspection: ("flow_findings", "triage_findings"),
}


def remembering(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return `make`, which gives again what it gave for equal arguments; they needn't be hashable."""
    given: list[tuple[tuple[object, ...], Any]] = []

    def again(*parts: object) -> Any:  # noqa: ANN401 - whatever `make` gives
        found = next((one for one in given if one[0] == parts), None)
        if found is None:
            found = parts, make(*parts)
        else:
            given.remove(found)
        given.append(found)
        del given[:-KEPT]
        return found[1]

    return again


def migrated(engine: sa.Engine) -> None:
    """Make the tables of a new SQLite file as they were made before; anything else is migrated."""
    if not _is_new(engine):
        migrate(engine)
        return
    with engine.begin() as conn:
        for line in _tables():
            conn.exec_driver_sql(line)


def _is_new(engine: sa.Engine) -> bool:
    file = engine.url.database
    return engine.dialect.name == "sqlite" and bool(file) and Path(str(file)).stat().st_size == 0


@cache
def _tables() -> tuple[str, ...]:
    """Migrate a database from nothing; return the SQL that makes another like it."""
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/first.db")
        migrate(engine)
        with engine.connect() as conn:
            dumped = tuple(conn.connection.driver_connection.iterdump())  # type: ignore[union-attr]  # of sqlite3
        engine.dispose()
    return tuple(line for line in dumped if line not in {"BEGIN TRANSACTION;", "COMMIT;"})


def remember(patch: pytest.MonkeyPatch) -> None:
    """Let every bot that is started here start from what is remembered."""
    for room, names in PURE.items():
        for name in names:
            patch.setattr(room, name, remembering(getattr(room, name)))
    patch.setattr(inspection, "version", cache(version))  # of a library: read from its whole description
    patch.setattr(app, "migrate", migrated)
