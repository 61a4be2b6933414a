"""Two processes on one database server, one of them killed every moment: nothing is lost, and nothing comes twice."""

import asyncio
import os
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes_postgres import Postgres
from fakes_smtp import Authority, MailServer, mail_server
from fakes_telegram import TOKEN, TelegramServer, telegram_server
from stories.lives import begin, nursery
from stories.program import server_lines
from stories.sizes import Size
from stories.stage import Inbox
from stories.telegram_crowd import Talker
from stories.telegram_town import drawn
from stories.test_telegram_killing import (
    PROGRAM,
    WITHIN,
    all_arrived,
    configured,
    every_alert_arrived_once,
    every_last_question_was_heard,
    everybody,
    hears_that_it_left,
    some_calls,
    talks,
)


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="k-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "one").mkdir()
        (home / "two").mkdir()
        yield home


@pytest.fixture
def database(postgresql: Postgres) -> Iterator[str]:
    url = postgresql.fresh()
    yield url
    postgresql.drop(url)


async def test_of_two_processes_one_is_killed_every_moment_and_no_talk_is_hurt(
    home: Path, authority: Authority, officer: Inbox, database: str, size: Size
) -> None:
    async with telegram_server() as telegram, mail_server(authority.server()) as server, asyncio.timeout(WITHIN):
        settings = configured(home, officer, telegram, server_lines(server, authority), url=database)
        crowd = everybody(home, telegram, size.people)
        async with nursery(home / "one", PROGRAM, settings) as one, nursery(home / "two", PROGRAM, settings) as two:
            lives = [await begin(one), await begin(two)]
            talking = asyncio.gather(*(talks(person) for person in crowd))
            kills = 0
            while not talking.done():
                await some_calls(telegram, drawn("calls", kills, below=size.lives), talking)
                os.kill(lives[kills % 2], signal.SIGKILL)
                lives[kills % 2] = await begin((one, two)[kills % 2])
                kills += 1
            await ended(lives, crowd, telegram, server)
    assert kills >= size.kills
    every_alert_arrived_once(crowd, server, officer)
    every_last_question_was_heard(crowd, settings)
    assert max(heard(crowd).values()) <= 1 + kills
    nothing_went_wrong(home)


async def test_two_processes_share_the_work_and_say_nothing_twice(
    home: Path, authority: Authority, officer: Inbox, database: str, size: Size
) -> None:
    async with telegram_server() as telegram, mail_server(authority.server()) as server, asyncio.timeout(WITHIN):
        settings = configured(home, officer, telegram, server_lines(server, authority), url=database)
        crowd = everybody(home, telegram, size.people)
        async with nursery(home / "one", PROGRAM, settings) as one, nursery(home / "two", PROGRAM, settings) as two:
            lives = [await begin(one), await begin(two)]
            await asyncio.gather(*(talks(person) for person in crowd))
            await ended(lives, crowd, telegram, server)
    assert len(server.accepted) == size.people
    every_alert_arrived_once(crowd, server, officer)
    every_last_question_was_heard(crowd, settings)
    assert set(heard(crowd).values()) == {1}
    nothing_went_wrong(home)


async def ended(lives: list[int], crowd: list[Talker], telegram: TelegramServer, server: MailServer) -> None:
    """Wait until all is said and sent, and end both."""
    await asyncio.gather(*(hears_that_it_left(person) for person in crowd), all_arrived(server, len(crowd)))
    await telegram.updates.all_taken(WITHIN)
    for life in lives:
        os.kill(life, signal.SIGKILL)


def heard(crowd: list[Talker]) -> Counter[tuple[int, str]]:
    """How often each person heard each text that isn't put again by their own doing."""
    return Counter((one.number, shown.said) for one in crowd for shown in one.person.heard if not one.told)


def nothing_went_wrong(home: Path) -> None:
    logged = (home / "one" / "stderr").read_text() + (home / "two" / "stderr").read_text()
    assert not [word for word in ("fault", "failed", "restored", "unreadable", TOKEN) if word in logged]
