"""Day keys live two days, survive restarts and clocks that go back, and are nobody else's to read."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import SealingError, SettingsError
from bot.storage.keyring import Keyring

DAY = timedelta(days=1)
SOMEBODY = 65_000  # a user that isn't root


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_keys_are_made_for_their_owner_alone(tmp_path: Path, now: datetime) -> None:
    before = os.umask(0)
    try:
        Keyring.open(tmp_path / "a" / "keys", now)
    finally:
        os.umask(before)
    assert mode(tmp_path / "a" / "keys") == 0o700
    assert mode(tmp_path / "a" / "keys" / "keys") == 0o600
    assert [path.name for path in (tmp_path / "a" / "keys").iterdir()] == ["keys"]


def test_a_verb_that_root_types_leaves_the_keys_to_whom_the_folder_belongs(tmp_path: Path, now: datetime) -> None:
    if os.geteuid():
        pytest.skip("only root can give a file away")
    Keyring.open(tmp_path / "keys", now)
    for place in (tmp_path / "keys", tmp_path / "keys" / "keys"):
        os.chown(place, SOMEBODY, SOMEBODY)
    Keyring.open(tmp_path / "keys", now + DAY)
    kept = (tmp_path / "keys" / "keys").stat()
    assert (kept.st_uid, kept.st_gid) == (SOMEBODY, SOMEBODY)


@pytest.mark.parametrize("open_to", [0o640, 0o604, 0o620, 0o660])
def test_a_key_file_that_others_reach_is_refused_by_name(tmp_path: Path, now: datetime, open_to: int) -> None:
    Keyring.open(tmp_path / "keys", now)
    (tmp_path / "keys" / "keys").chmod(open_to)
    with pytest.raises(SettingsError, match=r"keys/keys: others can reach it, expected mode 0600"):
        Keyring.open(tmp_path / "keys", now)


def test_a_directory_that_others_reach_is_refused_by_name(tmp_path: Path, now: datetime) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys").chmod(0o755)
    with pytest.raises(SettingsError, match=r"keys: others can reach it, expected mode 0700"):
        Keyring.open(tmp_path / "keys", now)


def test_a_directory_that_cannot_be_made_is_refused_by_name(tmp_path: Path, now: datetime) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="file/keys: the key directory can't be made"):
        Keyring.open(tmp_path / "file" / "keys", now)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{}", b"\xff\xfe", b'{"\xed\xa0":1}', b'{"a":' + b"[" * 5000),
        b'{"pepper":"AA==","days":{},"day":1,"generation":0}',
        b'{"pepper":"%b=","days":{},"day":9999999999,"generation":0}' % (b"A" * 43),
    ],
)
def test_a_file_that_is_not_ours_is_refused_and_left_alone(tmp_path: Path, now: datetime, content: bytes) -> None:
    Keyring.open(tmp_path / "keys", now)
    (tmp_path / "keys" / "keys").write_bytes(content)
    with pytest.raises(SettingsError, match="not a key file of ours"):
        Keyring.open(tmp_path / "keys", now)
    assert (tmp_path / "keys" / "keys").read_bytes() == content


def test_what_was_wrapped_opens_after_a_restart(tmp_path: Path, now: datetime) -> None:
    first = Keyring.open(tmp_path / "keys", now)
    wrapped = first.wrap(b"row key", b"place")
    second = Keyring.open(tmp_path / "keys", now + DAY)
    assert second.unwrap(wrapped, b"place") == b"row key"
    assert second.keyed_hash("who", "x") == first.keyed_hash("who", "x")


def test_a_wrapped_key_opens_only_in_its_place(keyring: Keyring) -> None:
    wrapped = keyring.wrap(b"row key", b"place")
    with pytest.raises(SealingError):
        keyring.unwrap(wrapped, b"elsewhere")
    with pytest.raises(SealingError):
        keyring.unwrap(wrapped[:3], b"place")


def test_a_wrapped_key_may_not_claim_another_day(keyring: Keyring, now: datetime) -> None:
    wrapped = keyring.wrap(b"row key", b"place")
    tomorrow = keyring.today(now + DAY)
    with pytest.raises(SealingError):
        keyring.unwrap(tomorrow.to_bytes(4, "big") + wrapped[4:], b"place")


@pytest.mark.parametrize(
    ("hours", "lives"),
    [(0, True), (11, True), (12, True), (35, True), (35.99, True), (36, False), (37, False), (1000, False)],
)
def test_a_day_key_dies_at_the_end_of_the_next_day(
    keyring: Keyring, now: datetime, tmp_path: Path, hours: float, *, lives: bool
) -> None:
    noon = now.replace(minute=0, second=0)
    wrapped = keyring.wrap(b"row key", b"")
    keyring.destroy_expired(noon + timedelta(hours=hours))
    for ring in (keyring, Keyring.open(tmp_path / "keys", noon)):
        if lives:
            assert ring.unwrap(wrapped, b"") == b"row key"
        else:
            with pytest.raises(SealingError, match="destroyed"):
                ring.unwrap(wrapped, b"")


def test_a_destroyed_key_is_in_no_file(keyring: Keyring, now: datetime, tmp_path: Path) -> None:
    file = tmp_path / "keys" / "keys"
    old = next(iter(json.loads(file.read_text())["days"].values())).encode()
    held = os.open(file, os.O_RDONLY)  # stands for the blocks that stay on a disk when a file is replaced
    assert keyring.destroy_expired(now + 2 * DAY) == 1
    assert old not in file.read_bytes()
    assert old not in os.pread(held, 10_000, 0)
    os.close(held)
    assert keyring.destroy_expired(now + 2 * DAY) == 0


def test_a_clock_that_goes_back_revives_no_day(keyring: Keyring, now: datetime, tmp_path: Path) -> None:
    later = keyring.today(now + 3 * DAY)
    keyring.destroy_expired(now + 3 * DAY)
    for ring in (keyring, Keyring.open(tmp_path / "keys", now - 30 * DAY)):
        assert ring.today(now - 30 * DAY) == later
        assert ring.destroy_expired(now - 30 * DAY) == 0
        assert ring.days() == (later,)


def test_a_new_day_gets_one_key_whichever_process_begins_it(tmp_path: Path, now: datetime) -> None:
    one, other = (Keyring.open(tmp_path / "keys", now) for _ in range(2))
    one.today(now + DAY)
    wrapped = one.wrap(b"row key", b"")
    assert other.unwrap(wrapped, b"") == b"row key"
    other.today(now + DAY)
    other.keep_generation(7)
    third = Keyring.open(tmp_path / "keys", now + DAY)
    assert third.unwrap(wrapped, b"") == b"row key"
    assert third.generation == 7


def test_keys_that_somebody_destroyed_are_never_written_again(keyring: Keyring, now: datetime, tmp_path: Path) -> None:
    (tmp_path / "keys" / "keys").unlink()
    with pytest.raises(SealingError, match="not made again"):
        keyring.today(now + DAY)
    assert list((tmp_path / "keys").iterdir()) == []


def test_a_half_written_file_of_a_crash_is_ignored(keyring: Keyring, now: datetime, tmp_path: Path) -> None:
    (tmp_path / "keys" / "keys.new").write_bytes(b'{"pepper":')
    wrapped = keyring.wrap(b"row key", b"")
    ring = Keyring.open(tmp_path / "keys", now + DAY)
    assert ring.unwrap(wrapped, b"") == b"row key"


def test_keyrings_hash_and_wrap_apart(tmp_path: Path, now: datetime) -> None:
    one, other = (Keyring.open(tmp_path / name, now) for name in ("one", "other"))
    assert one.keyed_hash("who", "x") != other.keyed_hash("who", "x")
    with pytest.raises(SealingError):
        other.unwrap(one.wrap(b"row key", b""), b"")


@settings(deadline=None)
@given(one=st.lists(st.text(max_size=4), min_size=1), other=st.lists(st.text(max_size=4), min_size=1))
def test_a_keyed_hash_tells_parts_apart(
    tmp_path_factory: pytest.TempPathFactory, one: list[str], other: list[str]
) -> None:
    ring = _shared(tmp_path_factory)
    assert (ring.keyed_hash(*one) == ring.keyed_hash(*other)) == (one == other)


def test_half_a_character_can_be_hashed(keyring: Keyring) -> None:
    assert keyring.keyed_hash("who", "\ud83d") != keyring.keyed_hash("who", "\ud83e")


def test_no_key_is_in_a_repr(keyring: Keyring, tmp_path: Path) -> None:
    kept = json.loads((tmp_path / "keys" / "keys").read_text())
    shown = repr(keyring) + repr(keyring._kept)
    assert kept["pepper"] not in shown


_SHARED: list[Keyring] = []


def _shared(factory: pytest.TempPathFactory) -> Keyring:
    if not _SHARED:
        _SHARED.append(Keyring.open(factory.mktemp("ring") / "keys", datetime.fromtimestamp(0).astimezone()))
    return _SHARED[0]
