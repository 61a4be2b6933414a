"""One program at a time on one directory of keys."""

import os
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.operations.alone import LOCK, alone


def test_a_second_program_is_refused_and_the_next_one_is_not(tmp_path: Path) -> None:
    keys = tmp_path / "deep" / "keys"
    with alone(keys), pytest.raises(SettingsError, match="stop it first"), alone(keys):
        pass
    with alone(keys):
        assert (keys.stat().st_mode & 0o777, (keys / "running.lock").stat().st_size) == (0o700, 0)


def test_a_place_that_is_no_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(SettingsError, match="expected a directory of ours"), alone(tmp_path / "keys"):
        pass


def test_a_lock_that_root_made_belongs_to_whom_the_folder_does(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give a file away")
    os.chown(tmp_path, 65_000, 65_000)
    with alone(tmp_path):
        pass
    made = (tmp_path / LOCK).stat()
    assert (made.st_uid, made.st_gid) == (65_000, 65_000)
