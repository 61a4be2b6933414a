"""A bot with two officers, a mail server on loopback, and a clock that stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes_smtp import Authority, MailServer, mail_server
from officers.room import Pair
from stories.stage import Stage, posted_to


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[MailServer]:
    async with mail_server(authority.server()) as server:
        yield server


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


@pytest.fixture
def stage(tmp_path: Path, server: MailServer, authority: Authority, pair: Pair) -> Stage:
    return Stage(tmp_path, posted_to(server, authority), (pair.first.contact, pair.second.contact))
