"""Who else can reach what the bot keeps, and that backups leave the keys out."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.operations.places import SIGNATURE, TAG, Places, advice, findings, leave_out_of_backups


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A bot's places as they should be."""
    for name in ("rows", "keys", "mails"):
        (tmp_path / name).mkdir(mode=0o700)
    for name, mode in (("rows/postigo.db", 0o600), ("settings.toml", 0o644), ("officer.asc", 0o644)):
        (tmp_path / name).touch(mode)
        (tmp_path / name).chmod(mode)
    leave_out_of_backups(tmp_path / "keys")
    configured = (tmp_path / "settings.toml", tmp_path / "officer.asc")
    return Places(tmp_path / "keys", tmp_path / "rows/postigo.db", tmp_path / "mails", configured)


def test_places_as_they_should_be_and_places_that_are_not_there_are_fine(places: Places, tmp_path: Path) -> None:
    none = tmp_path / "none"
    assert list(findings(places)) == []
    assert list(findings(Places(none / "keys", none / "rows" / "x.db", none / "mails", (none / "settings",)))) == []
    assert list(findings(Places(none / "keys", None, None, ()))) == []


MODES: list[tuple[str, int, str]] = [
    ("rows/postigo.db", 0o640, "others can reach it: chmod 600"),
    ("rows/postigo.db", 0o604, "others can reach it: chmod 600"),
    ("mails", 0o705, "others can reach it: chmod o-rwx"),
    ("settings.toml", 0o646, "others can write it, and so decide where cases go: chmod go-w"),
    ("officer.asc", 0o602, "others can write it, and so decide where cases go: chmod go-w"),
]


@pytest.mark.parametrize(("name", "mode", "told"), MODES)
def test_what_others_can_reach_is_told_with_what_to_do(
    places: Places, tmp_path: Path, name: str, mode: int, told: str
) -> None:
    (tmp_path / name).chmod(mode)
    assert list(findings(places)) == [f"{tmp_path / name}: {told}"]


@pytest.mark.parametrize("name", ["mails", "settings.toml"])
def test_a_group_may_fetch_mails_and_the_owners_own_group_may_write(places: Places, tmp_path: Path, name: str) -> None:
    (tmp_path / name).chmod(0o770)
    os.chown(tmp_path / name, -1, os.getgid())
    assert list(findings(places)) == []


def test_another_group_may_not_write(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: int) -> object:
        raise KeyError

    (tmp_path / "settings.toml").chmod(0o664)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    (told,) = findings(places)
    assert told.endswith("chmod go-w")


def test_a_file_of_another_account_is_told(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = (tmp_path / "settings.toml").stat().st_uid or 4711
    if os.geteuid() == 0:
        os.chown(tmp_path / "settings.toml", owner, -1)
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    told = list(findings(places))
    assert f"{tmp_path / 'settings.toml'}: belongs to another account: chown it to the bot's, or to root" in told


TOGETHER: list[Callable[[Path], tuple[Path, Path]]] = [
    lambda here: (here / "rows" / "keys", here / "rows" / "postigo.db"),
    lambda here: (here / "rows", here / "rows" / "postigo.db"),
    lambda here: (here / "keys", here / "keys" / "rows" / "postigo.db"),
]


@pytest.mark.parametrize("laid", TOGETHER)
def test_keys_in_one_folder_with_the_rows_that_they_open_are_told(
    tmp_path: Path, laid: Callable[[Path], tuple[Path, Path]]
) -> None:
    keys, database = laid(tmp_path)
    (told,) = findings(Places(keys, database, None, ()))
    assert told.startswith(f"{keys}: the keys lie in one folder with the database")


def test_keys_in_a_checkout_are_told(places: Places, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (told,) = findings(places)
    assert told.startswith(f"{places.keys}: the keys lie in a checkout of git ({tmp_path})")


def test_what_is_no_file_of_ours_is_nobodys_to_be_changed(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    (tmp_path / "list").touch(0o644)
    places = Places(tmp_path / "list", tmp_path / "shared", None, ())
    assert [one for one in (*findings(places), *advice(places)) if "chmod" in one or TAG in one] == []


def test_what_would_be_better_is_told_apart(places: Places, tmp_path: Path) -> None:
    (same,) = advice(places)
    assert same.startswith(f"{places.keys}: the keys lie on the database's disk")
    home = Path("/home") / "somebody" / "keys"
    (told,) = advice(Places(home, None, None, ()))
    assert told.startswith(f"{home}: the keys lie in a home")
    (places.keys / TAG).unlink()
    assert [one for one in advice(places) if TAG in one] == [
        f"{places.keys}: has no {TAG}, by which backups leave it out: postigo run writes it"
    ]


def test_a_backup_that_leaves_caches_out_has_no_keys(places: Places, tmp_path: Path) -> None:
    (places.keys / "keys").write_bytes(b"a day's key")
    assert (places.keys / TAG).read_bytes()[:43] == SIGNATURE
    backup = tmp_path / "backup.tar"
    done = subprocess.run(
        ["tar", "--exclude-caches-all", "-cf", backup, "-C", tmp_path, "keys", "rows"], capture_output=True, check=True
    )
    packed = subprocess.run(["tar", "-tf", backup], capture_output=True, text=True, check=True).stdout.split()
    assert packed == ["rows/", "rows/postigo.db"], done.stderr
    assert b"a day's key" not in backup.read_bytes()


def test_a_folder_that_can_not_be_marked_or_is_marked_stays_as_it_is(places: Places, tmp_path: Path) -> None:
    (places.keys / TAG).write_bytes(b"its own")
    leave_out_of_backups(places.keys)
    leave_out_of_backups(tmp_path / "none")
    assert (places.keys / TAG).read_bytes() == b"its own"
    assert not (tmp_path / "none").exists()


def test_where_nothing_can_be_looked_at_nothing_is_told(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "stat", refused)
    assert list(findings(Places(places.keys, None, places.mails, places.configured))) == []
    assert list(advice(Places(places.keys, places.database, None, ()))) == []


def refused(*_: object, **__: object) -> object:
    raise PermissionError
