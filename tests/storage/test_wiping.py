"""When everything must go, keys go first, and nothing is left of anybody."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from storage.databases import Database, OnFile

from bot.conversation.model import Conversation, Sender
from bot.errors import SettingsError
from bot.storage.keyring import Keyring
from bot.storage.tables import open_engine
from bot.storage.wiping import delete_all, destroy_keys
from bot.storage.work import Shelf

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_destroyed_keys_are_overwritten_and_gone(keyring: Keyring, tmp_path: Path) -> None:
    held = os.open(tmp_path / "keys" / "keys", os.O_RDONLY)
    assert keyring.days()
    assert destroy_keys(tmp_path / "keys") == 1
    assert set(os.pread(held, 10_000, 0)) == {0}
    assert list((tmp_path / "keys").iterdir()) == []
    os.close(held)
    assert destroy_keys(tmp_path / "keys") == 0
    assert destroy_keys(tmp_path / "never made") == 0


def test_a_key_directory_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="file: the keys can't be deleted"):
        destroy_keys(tmp_path / "file")


def test_every_row_of_everybody_is_deleted_and_the_journal_empty(
    engine: sa.Engine, shelf: Shelf, database: Database
) -> None:
    with engine.begin() as conn:
        for number in range(3):
            sender = Sender("signal", str(number))
            shelf.keep(conn, shelf.who(sender), Conversation(sender), NOON + timedelta(hours=1))
        shelf.count(conn, "2026-W47", 1, "es")
    assert delete_all(engine) == 4
    assert delete_all(engine) == 0
    if isinstance(database, OnFile):
        assert [path.name for path in database.files() if path.stat().st_size] == ["postigo.db"]


def test_a_database_that_was_never_made_has_nothing_to_delete(empty: Database) -> None:
    assert delete_all(open_engine(empty.url)) == 0
