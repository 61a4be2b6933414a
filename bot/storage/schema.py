"""Brings a database to the schema this version knows, at start."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from bot.errors import SettingsError

HEAD = "0002"
STEPS = Path(__file__).parent / "migrations"


def migrate(engine: sa.Engine) -> None:
    """Take every schema step that is missing, in one transaction.

    Raises SettingsError: the database can't be reached.
    """
    try:
        with engine.begin() as conn:
            if MigrationContext.configure(conn).get_current_revision() != HEAD:
                command.upgrade(_config(conn), HEAD)
    except sa.exc.DatabaseError as error:
        raise SettingsError(f"[storage] url: the database can't be opened ({type(error.orig).__name__})") from None


def _config(conn: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(STEPS).replace("%", "%%"))
    config.attributes["connection"] = conn
    return config
