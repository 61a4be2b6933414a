"""Many talks on Telegram, each update delivered twice, while the bot is killed again and again: none is hurt."""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes_smtp import Authority, MailServer, mail_server
from fakes_telegram import TOKEN, TelegramServer, telegram_server
from stories.lives import begin, nursery
from stories.program import mission_file, server_lines, settings_file
from stories.sizes import Size
from stories.stage import Inbox, message_ids
from stories.telegram_crowd import GRAVE, Talker
from stories.telegram_town import Sheet, drawn, kept, serial

from bot.clock import now
from bot.knowledge import know
from bot.settings import read_mission, read_settings
from bot.storage.keyring import Keyring
from bot.storage.tables import open_engine
from bot.storage.work import Shelf

PROGRAM = Path(__file__).with_name("telegram_bot.py")
WITHIN = 400.0  # seconds for everything, on a machine that does other things


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="k-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


async def test_talks_survive_being_killed_at_random_moments(
    home: Path, authority: Authority, officer: Inbox, size: Size
) -> None:
    async with telegram_server() as telegram, mail_server(authority.server()) as server, asyncio.timeout(WITHIN):
        telegram.updates.twice = True
        settings = configured(home, officer, telegram, server_lines(server, authority))
        crowd = everybody(home, telegram, size.people)
        async with nursery(home, PROGRAM, settings) as process:
            talking = asyncio.gather(*(talks(one) for one in crowd))
            kills = 0
            while not talking.done():
                life = await begin(process)
                await some_calls(telegram, drawn("calls", kills, below=size.lives), talking)
                os.kill(life, signal.SIGKILL)
                kills += 1
            await talking
            life = await begin(process)
            await asyncio.gather(*(hears_that_it_left(one) for one in crowd), all_arrived(server, size.people))
            await telegram.updates.all_taken(WITHIN)
            os.kill(life, signal.SIGKILL)
    assert kills >= size.kills
    every_alert_arrived_once(crowd, server, officer)
    every_last_question_was_heard(crowd, settings)
    logged = (home / "stderr").read_text()
    assert not [word for word in ("fault", "failed", "restored", "unreadable", TOKEN) if word in logged]


async def some_calls(telegram: TelegramServer, count: int, talking: asyncio.Future[list[None]]) -> None:
    """Wait until the bot has made so many calls more, or everybody is done."""
    goal = len(telegram.calls) + count
    await telegram.news.until(lambda: len(telegram.calls) > goal or talking.done(), WITHIN)


def configured(home: Path, officer: Inbox, telegram: TelegramServer, mail: str, **more: str) -> Path:
    """Settings for a bot on this Telegram; `more`: another database."""
    mission_file(home, officer.contact.openpgp or "", officer.contact.fingerprint)
    secret = home / "token"
    secret.write_text(TOKEN)
    secret.chmod(0o600)
    api = telegram.base_url.removesuffix("/bot")
    return settings_file(home, mail, more=f'[telegram]\ntoken_file = "token"\napi = "{api}"\n', **more)


def everybody(home: Path, telegram: TelegramServer, people: int) -> list[Talker]:
    sheet = Sheet(know(read_mission(home / "mission.toml"), now().date()))
    crowd = []
    for number in range(people):
        tag = ("es", "en")[number // 2 % 2]
        person = telegram.person(f"P{number}", language_code=tag)
        chosen = number if number % 2 else 4 * number  # every other one in an emergency
        crowd.append(Talker(chosen, person, tag, sheet, GRAVE))
    return crowd


async def talks(one: Talker) -> None:
    one.begins()
    await one.talks(WITHIN)


async def hears_that_it_left(one: Talker) -> None:
    left = one.sheet.words(one.tag, "left")
    await one.person.sees(lambda person: any(left in shown.said for shown in person.heard), WITHIN)


async def all_arrived(server: MailServer, people: int) -> None:
    while len(message_ids(server.accepted)) < people:
        await server.arrived(len(server.accepted) + 1, within=WITHIN)


def every_alert_arrived_once(crowd: list[Talker], server: MailServer, officer: Inbox) -> None:
    by_id: dict[str, set[bytes]] = {}
    for taken in server.accepted:
        by_id.setdefault(next(iter(message_ids([taken]))), set()).add(taken.mail)
    assert [len(bodies) for bodies in by_id.values()] == [1] * len(crowd), "a repeat has the same Message-ID and bytes"
    cases = [json.loads(officer.opened(mail)[2]) for (mail,) in by_id.values()]
    by_reference = {case["reference"]: case for case in cases}
    assert len(by_reference) == len(crowd), "one case has one Message-ID"
    for one in crowd:
        case = by_reference[one.reference]
        assert case["check"] == one.check
        assert {step: [c["name"] for c in told["choices"]] for step, told in case["answers"].items()} == one.expected()
        assert [consent["kind"] for consent in case["consents"]] == ["send", "act"]


def every_last_question_was_heard(crowd: list[Talker], settings: Path) -> None:
    storage = read_settings(settings).storage
    shelf, engine = Shelf(Keyring.open(storage.keys, now())), open_engine(storage.url)
    with engine.connect() as conn:
        for one in crowd:
            talk = kept(shelf, str(one.person.id), conn)
            assert talk is not None
            assert talk.serial == max(map(serial, one.person.heard))
            assert talk.step == ""
    engine.dispose()
