"""One program at a time on one directory of keys."""

import os
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.operations.alone import LOCK, alone, is_held


def test_a_second_program_is_refused_and_the_next_one_is_not(tmp_path: Path) -> None:
    keys = tmp_path / "deep" / "keys"
    with alone(keys), pytest.raises(SettingsError, match="stop it first"), alone(keys):
        pass
    with alone(keys):
        assert (keys.stat().st_mode & 0o777, (keys / "running.lock").stat().st_size) == (0o700, 0)


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_place_that_is_no_folder_is_told_by_its_key(tmp_path: Path, below: str) -> None:
    (tmp_path / "keys").write_text("")
    place = tmp_path / "keys" / below
    told = f"^storage.keys: expected a folder of ours, and {place} is none$"
    with pytest.raises(SettingsError, match=told), alone(place):
        pass
    assert not is_held(place)


def test_a_folder_that_can_not_be_made_is_told_with_why() -> None:
    told = "^storage.keys: expected a folder of ours, and /proc/folder can't be one: No such file or directory$"
    with pytest.raises(SettingsError, match=told), alone(Path("/proc/folder")):
        pass


@pytest.mark.parametrize("shared", [False, True])
def test_whether_a_bot_runs_is_told_without_keeping_it_out_or_making_anything(tmp_path: Path, shared: bool) -> None:
    assert not is_held(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with alone(tmp_path, shared=shared):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)
    with alone(tmp_path):
        pass


def test_where_it_can_not_be_told_a_bot_may_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> int:
        raise PermissionError

    monkeypatch.setattr("os.open", refused)
    assert is_held(tmp_path)


def test_a_lock_that_root_made_belongs_to_whom_the_folder_does(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give a file away")
    os.chown(tmp_path, 65_000, 65_000)
    with alone(tmp_path):
        pass
    made = (tmp_path / LOCK).stat()
    assert (made.st_uid, made.st_gid) == (65_000, 65_000)
