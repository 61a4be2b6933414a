"""Whether a bot could begin on its database: looked at without making or changing anything there.

What a start then does in earnest stands in tables.py and schema.py.
"""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from bot.storage.locks import SHARED
from bot.storage.schema import NEWER, is_newer, refusal, steps_taken
from bot.storage.tables import URL, open_engine

OLDEST = 13  # of PostgreSQL


def findings(url: str, password: str = "") -> list[str]:
    """Return what would keep a bot from its database, a line each: the settings file's key, and what was expected."""
    place = sa.make_url(url)
    if place.get_backend_name() == SHARED:
        return _asked(open_engine(url, password))
    path = Path(place.database or "")
    if (there := unmakeable(path)) is not None:
        return [f"{URL}: expected a place where the file can be made, and {there} is no folder that we can write to"]
    if not _may(path, os.F_OK):
        return []
    if not path.is_file():
        return [f"{URL}: expected a file, and {path} is none"]
    if not (_may(path, os.R_OK | os.W_OK) and _may(path.parent, os.W_OK | os.X_OK)):
        return [f"{URL}: expected a file that we can read and write, in such a folder: {path}"]
    return _asked(_as_it_lies(path))


def _may(path: Path | str, mode: int) -> bool:
    """Return whether we, as whom we act now, may do this with what lies there."""
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def unmakeable(path: Path) -> Path | None:
    """Return on what the making of a file or folder that isn't there yet would fail; None: it is there, or could be."""
    there = next(one for one in (path, *path.parents) if _may(one, os.F_OK))
    return None if there == path or _takes_more(there) else there


def _takes_more(folder: Path) -> bool:
    if not (folder.is_dir() and _may(folder, os.W_OK | os.X_OK)):
        return False
    if os.statvfs(folder).f_blocks:
        return True
    try:  # no disk: of what the kernel shows as files, root may write everywhere, and make nothing
        os.close(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600))  # without a name: gone when it is closed
    except OSError:
        return False
    return True


def _as_it_lies(path: Path) -> sa.Engine:
    """Return an engine that only reads. Where nobody has the file open, SQLite would else make others beside it."""
    how = "mode=ro" if _may(f"{path}-shm", os.F_OK) else "mode=ro&immutable=1"
    address = f"{path.as_uri()}?{how}"
    return sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True), poolclass=sa.NullPool)


def _asked(engine: sa.Engine) -> list[str]:
    try:
        with engine.connect() as conn:
            return list(_of_rows(conn))
    except sa.exc.DatabaseError as error:
        return [refusal(error)]


def _of_rows(conn: sa.Connection) -> Iterator[str]:
    taken = steps_taken(conn)
    if is_newer(taken):
        yield NEWER
    if conn.dialect.name == SHARED:
        yield from _of_server(conn, new=not taken)


def _of_server(conn: sa.Connection, *, new: bool) -> Iterator[str]:
    version = int(conn.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
    if version < OLDEST:
        yield f"{URL}: expected PostgreSQL {OLDEST} or later, and this is {version}"
    if conn.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one():
        yield f"{URL}: expected a server that takes rows, and this is a standby"
    elif new and not conn.exec_driver_sql("SELECT has_schema_privilege(current_schema(), 'CREATE')").scalar_one():
        yield f"{URL}: expected a database in which the user may make tables, as its owner may"
