"""The bot's own keys: made once, its own alone, and made anew only on demand."""

from datetime import UTC
from pathlib import Path

import pytest

from bot import clock
from bot.errors import BotError, SettingsError
from bot.mail import openpgp, smime
from bot.signing import SIGNING_KEY, SMIME_KEY, signer_in, smime_signer_in

NOW = clock.now(UTC)
SENDER = "postigo@example.org"


def kept(keys: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in keys.iterdir()}


def test_each_key_is_made_on_the_first_start_and_stays(tmp_path: Path) -> None:
    assert isinstance(signer_in(tmp_path), openpgp.Signer)
    assert isinstance(smime_signer_in(tmp_path, SENDER, NOW), smime.Signer)
    first = kept(tmp_path)
    assert set(first) == {SIGNING_KEY, SMIME_KEY}
    signer_in(tmp_path)
    smime_signer_in(tmp_path, SENDER, NOW)
    assert kept(tmp_path) == first


def test_they_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    signer_in(tmp_path)
    smime_signer_in(tmp_path, SENDER, NOW)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_key_is_made_anew_where_that_is_asked_and_the_other_stays(tmp_path: Path) -> None:
    signer_in(tmp_path)
    smime_signer_in(tmp_path, SENDER, NOW)
    first = kept(tmp_path)
    signer_in(tmp_path, renew=True)
    assert kept(tmp_path)[SIGNING_KEY] != first[SIGNING_KEY]
    assert kept(tmp_path)[SMIME_KEY] == first[SMIME_KEY]
    smime_signer_in(tmp_path, SENDER, NOW, renew=True)
    assert kept(tmp_path)[SMIME_KEY] != first[SMIME_KEY]


def test_what_a_start_that_was_killed_left_behind_is_made_anew(tmp_path: Path) -> None:
    half = (tmp_path / SIGNING_KEY).with_suffix(".new")
    half.write_bytes(b"half a key")
    signer_in(tmp_path)
    assert not half.exists()
    assert set(kept(tmp_path)) == {SIGNING_KEY}


def test_a_folder_that_takes_no_key_is_one_line_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=rf"{SIGNING_KEY}: the signing key can't be read or made: No such file"):
        signer_in(tmp_path / "gone")


@pytest.mark.parametrize("spoiled", [SIGNING_KEY, SMIME_KEY])
def test_a_key_that_is_none_is_an_error_and_not_replaced(tmp_path: Path, spoiled: str) -> None:
    (tmp_path / spoiled).write_bytes(b"no key")
    with pytest.raises(BotError):
        signer_in(tmp_path) if spoiled == SIGNING_KEY else smime_signer_in(tmp_path, SENDER, NOW)
    assert (tmp_path / spoiled).read_bytes() == b"no key"
