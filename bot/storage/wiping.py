"""Deletes everything that is kept, of everybody: for an operator whose server is about to be taken.

Keys first: what is sealed under them can't be opened from then on, whatever is left on a disk.
"""

import contextlib
import os
from pathlib import Path

import sqlalchemy as sa

from bot.errors import SettingsError
from bot.storage.erasing import checkpoint
from bot.storage.tables import metadata


def destroy_keys(directory: Path) -> int:
    """Overwrite and delete every file of the key directory; return how many. Raises SettingsError."""
    try:
        files = [path for path in directory.iterdir() if path.is_file()]
        for path in files:
            with path.open("r+b") as file:
                file.write(b"\0" * path.stat().st_size)
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise SettingsError(f"{directory}: the keys can't be deleted: {error.strerror}") from None
    return len(files)


def delete_all(engine: sa.Engine) -> int:
    """Delete every row of every table and empty the journal; return how many rows there were."""
    gone = 0
    never_made = (sa.exc.OperationalError, sa.exc.ProgrammingError)  # by SQLite, by PostgreSQL
    with contextlib.suppress(*never_made), engine.begin() as conn:
        gone = sum(conn.execute(table.delete()).rowcount for table in metadata.sorted_tables)
    checkpoint(engine)
    return gone
