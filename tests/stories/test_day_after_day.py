"""Days pass: what may live longer is wrapped anew, what may not dies with its key, and an old copy revives nothing."""

import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes_smtp import Authority, MailServer, mail_server
from stories.stage import ORDINARY, Inbox, Life, Stage, posted_to

from bot.conversation.model import Sender
from bot.storage.keyring import Keyring
from bot.storage.tables import open_engine
from bot.storage.work import Shelf

CASE_DAYS = 14


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[MailServer]:
    async with mail_server(authority.server()) as server:
        yield server


@pytest.fixture
def stage(tmp_path: Path, server: MailServer, authority: Authority, officer: Inbox) -> Stage:
    return Stage(tmp_path, posted_to(server, authority), (officer.contact,))


async def sends(life: Life, address: str) -> str:
    """An ordinary case that has left; returns her return code."""
    await life.writes(address, "hello")
    await life.picks(address, *ORDINARY, "no")
    await life.later(hours=2)
    codes = next(text for text in life.town.told(address) if "Return code " in text)
    return codes.partition("Return code ")[2].partition(".")[0].replace(" ", "")


async def test_a_case_lives_fourteen_days_under_keys_that_live_two(stage: Stage) -> None:
    async with stage.open() as life:
        code = await sends(life, "ana")
        shelf = life.bot.desk.shelf
        for _ in range(CASE_DAYS - 1):
            await life.day_after_day(1)
            assert len(life.bot.keyring.days()) <= 2
        assert await life.reads(lambda conn: shelf.who_returns(conn, code)) is not None
    async with stage.open() as life:
        assert "Your case left us at" in await life.writes("ana", "hello")
        await life.day_after_day(1)
        assert await life.talk("ana") is None
        assert await life.blobs() == [] or await life.reads(only_seen)
        assert "Which language do you prefer?" in await life.writes("ana", "hello")


def only_seen(conn: sa.Connection) -> bool:
    """Whether nothing is stored but marks of messages that were seen."""
    tables = ("talk", "outbox", "way_back")
    return not any(conn.execute(sa.text(f"SELECT 1 FROM {table}")).first() for table in tables)  # noqa: S608 - from above


async def test_an_intake_that_was_copied_does_not_open_once_its_days_key_is_destroyed(
    stage: Stage, tmp_path: Path
) -> None:
    async with stage.open() as life:
        await life.writes("ana", "hello")
        await life.picks("ana", "en", "no", "no", "tell", "me", "threat")
    copied = copy_of(stage, tmp_path / "copy")
    assert reads_in(copied, stage.keys, stage) is not None, "the copy is whole"
    async with stage.open() as life:
        await life.day_after_day(2)
    assert reads_in(copied, stage.keys, stage) is None


async def test_a_copied_database_without_its_keys_opens_nothing(stage: Stage, tmp_path: Path) -> None:
    async with stage.open() as life:
        await sends(life, "ana")
        await life.writes("eva", "hello")
    copied = copy_of(stage, tmp_path / "copy")
    assert reads_in(copied, tmp_path / "other keys", stage) is None
    engine = open_engine(f"sqlite:///{copied}")
    with engine.connect() as conn:
        assert conn.execute(sa.text("SELECT COUNT(*) FROM talk")).scalar_one() == 2
    engine.dispose()


async def test_an_older_copy_put_back_is_noticed_and_revives_no_talk(
    stage: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage.open() as life:
        code = await sends(life, "ana")
    copied = copy_of(stage, tmp_path / "copy")
    async with stage.open() as life:
        await life.writes("ana", "erase")
    assert "database_restored" not in events(caplog)
    shutil.copytree(copied.parent, stage.kept, dirs_exist_ok=True)
    async with stage.open() as life:
        assert "database_restored" in events(caplog)
        shelf = life.bot.desk.shelf
        assert await life.talk("ana") is None
        assert await life.reads(lambda conn: shelf.who_returns(conn, code)) is None
        assert "Which language do you prefer?" in await life.writes("ana", "hello")


async def test_a_clock_that_goes_back_revives_nothing_and_stops_nobody(stage: Stage) -> None:
    async with stage.open() as life:
        await life.writes("ana", "hello")
        await life.day_after_day(3)
        days = life.bot.keyring.days()
        life.clock.at -= timedelta(days=2)
        await life.bot.upkeep.round()
        assert life.bot.keyring.days() == days
        assert "Which language do you prefer?" in await life.writes("eva", "hello")
        assert await life.talk("eva") is not None


async def test_an_intake_that_nobody_goes_on_with_is_gone_after_half_an_hour_even_before_the_rounds_come(
    stage: Stage,
) -> None:
    async with stage.open() as life:
        await life.writes("ana", "hello")
        await life.picks("ana", "en", "no", "no", "tell", "me")
        told = len(life.town.told("ana"))
        life.clock.move(minutes=31)
        assert "Which language do you prefer?" in await life.writes("ana", "1")
        assert len(life.town.told("ana")) == told + 1
        life.clock.move(minutes=31)
        await life.bot.upkeep.round()
        assert await life.talk("ana") is None
        await life.settled()
        assert len(life.town.told("ana")) == told + 1, "expiry says nothing"


def events(caplog: pytest.LogCaptureFixture) -> set[str]:
    return {str(record.msg.shown["event"]) for record in caplog.records if hasattr(record.msg, "shown")}


def copy_of(stage: Stage, folder: Path) -> Path:
    """Copy what the database is, as a backup would; return where the copy lies."""
    shutil.copytree(stage.kept, folder)
    return folder / stage.database.name


def reads_in(database: Path, keys: Path, stage: Stage) -> object:
    """What the keys in a folder open of Ana's talk in a database."""
    shelf, engine = Shelf(Keyring.open(keys, stage.clock.at)), open_engine(f"sqlite:///{database}")
    with engine.connect() as conn:
        talk = shelf.load(conn, shelf.who(Sender(stage.channel, "ana")))
    engine.dispose()
    return talk
