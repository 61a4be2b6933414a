"""Brings a database to the schema this version knows, at start.

What takes schema steps is loaded only where one is missing: it costs a fifth of a second and ten megabytes.
"""

from pathlib import Path

import sqlalchemy as sa

from bot.errors import Unplaced
from bot.storage.locks import wait_for
from bot.storage.tables import PASSWORD, URL

HEAD = "0003"
STEPS = Path(__file__).parent / "migrations"
NEWER = f"{URL}: expected a database of this version or an older one, and a newer postigo has been here"


def migrate(engine: sa.Engine) -> None:
    """Take every schema step that is missing, in one transaction.

    Raises SettingsError: the database can't be opened, or a newer version has been there.
    """
    try:
        with engine.begin() as conn:
            wait_for(conn, b"schema")
            taken = steps_taken(conn)
            if is_newer(taken):
                raise Unplaced(NEWER)
            if taken != [HEAD]:
                _upgrade(conn)
    except sa.exc.DatabaseError as error:
        raise Unplaced(refusal(error)) from None


def refusal(error: sa.exc.DatabaseError) -> str:
    """Return which key leads to a database that can't be opened, and what it says itself."""
    told = _first_line(error)
    if "password" in told:
        return f"{PASSWORD}: expected the password that the database asks for: {told}"
    return f"{URL}: expected a database that can be opened: {told}"


def steps_taken(conn: sa.Connection) -> list[str]:
    """Return the last schema step taken, as Alembic's own table says; none before the first start."""
    if not sa.inspect(conn).has_table("alembic_version"):
        return []
    return [row.version_num for row in conn.execute(sa.text("SELECT version_num FROM alembic_version"))]


def is_newer(taken: list[str]) -> bool:
    """Return whether a step was taken that this version doesn't know: they are numbered on."""
    return any(step > HEAD for step in taken)


def _first_line(error: sa.exc.DatabaseError) -> str:
    """Return what the database says of itself, before there is anything of a person in it; never a password."""
    told = str(error.orig).strip().splitlines()
    return next((line for line in told if line.strip()), type(error.orig).__name__)


def _upgrade(conn: sa.Connection) -> None:
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(STEPS).replace("%", "%%"))
    config.attributes["connection"] = conn
    command.upgrade(config, HEAD)
