"""The parts of a story: an authority for TLS, an officer with a key, a place to keep things."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from fakes_gpg import Gpg, keyring
from fakes_smtp import Authority, MailServer, mail_server
from stories.stage import GOOD, Inbox, Mood, Stage, StoryClock, posted_to


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


@pytest.fixture
def mood() -> Mood:
    return Mood(GOOD)


@pytest.fixture
async def server(authority: Authority, mood: Mood) -> AsyncIterator[MailServer]:
    """A server whose answer after the last byte of a mail is what the mood says."""
    async with mail_server(authority.server(), replies={"DATA": mood}) as server:
        yield server


@pytest.fixture
def stage(tmp_path: Path, server: MailServer, authority: Authority, officer: Inbox) -> Stage:
    return Stage(tmp_path, posted_to(server, authority), (officer.contact,))
