"""The parts of a story: an authority for TLS, an officer with a key, a place to keep things."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes_gpg import Gpg, keyring
from fakes_smtp import Authority
from stories.stage import Inbox, StoryClock


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def officer(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path)


@pytest.fixture
def story_clock() -> StoryClock:
    return StoryClock()


@pytest.fixture
def gpg() -> Iterator[Gpg]:
    with keyring() as ring:
        yield ring
