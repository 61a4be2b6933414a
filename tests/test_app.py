"""The wired bot: it ends loudly when a room fails, and looks each day at what ages."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fakes_gpg import Gpg, keyring
from stories.stage import Inbox, Stage, Town

from bot.app import ENDS_SOON
from bot.channels.base import TakeTurns
from bot.errors import SealingError, SettingsError
from bot.handoff.mission import Contact
from bot.mail.smtp import DirectoryPost
from bot.signing import SIGNING_KEY, signer_in

NAME = "Ends <officer@example.org>"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, DirectoryPost(tmp_path / "mails"), (Inbox(tmp_path).contact,))


@pytest.fixture
def gpg() -> Iterator[Gpg]:
    with keyring() as ring:
        yield ring


def events(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [dict(record.msg.shown) for record in caplog.records if hasattr(record.msg, "shown")]


class Refused(Town):
    """A channel that its platform refuses at once."""

    async def listen(self, take_turns: TakeTurns) -> None:
        raise SettingsError("telegram.token_file: the token is refused")


async def test_a_channel_that_is_refused_ends_the_bot_where_nobody_else_is_heard(stage: Stage) -> None:
    bot, _ = stage.wired()
    bot.channels = {"telegram": Refused(bot.desk.now, "telegram")}
    with pytest.raises(SettingsError, match="the token is refused"):
        await bot.run(asyncio.Event())


async def test_a_channel_that_is_refused_leaves_the_others_alone_and_wakes_the_operator(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    bot, town = stage.wired()
    rung: list[str] = []
    bot.channels = {"telegram": Refused(bot.desk.now, "telegram"), "signal": town}
    bot.courier.channels = bot.channels
    bot.alarm = rung.append
    stop = asyncio.Event()
    running = asyncio.create_task(bot.run(stop))
    async with asyncio.timeout(20):
        await town.listening.wait()
        await town.take("ana", "hello")
        await bot.courier.settled()
    stop.set()
    await running
    assert rung == ["refused"] and town.told("ana")
    assert "channel_stopped" in [event["event"] for event in events(caplog)]


async def test_a_room_that_fails_ends_the_bot_with_its_error(stage: Stage) -> None:
    with pytest.raises(RuntimeError, match="the writer is not running"):
        await ends_without_its_writer(stage)


async def ends_without_its_writer(stage: Stage) -> None:
    async with stage.open() as life:
        await life.bot.writer.stop()
        life.bot.courier.wake()
        await life.running


async def test_a_certificate_that_ends_soon_is_told_each_day_and_one_that_ended_too(
    stage: Stage, gpg: Gpg, caplog: pytest.LogCaptureFixture
) -> None:
    fingerprint = gpg.new_key(NAME, lasts="20d", sealing="20d")
    file = stage.folder / "ends.asc"
    file.write_bytes(gpg.exported(NAME))
    stage.contacts = (Contact("officer@example.org", str(file), fingerprint.lower()),)
    async with stage.open() as life:
        ends = [one for one in events(caplog) if one["event"] == "certificate_ends"]
        assert [one["contact"] for one in ends] == [1]
        assert all(isinstance(one["days"], int) and one["days"] < ENDS_SOON for one in ends)
        for _ in range(2):
            life.clock.move(days=1)
            await life.bot.upkeep.round()
            await life.bot.upkeep.round()
        assert len([one for one in events(caplog) if one["event"] == "certificate_ends"]) == 3
        life.clock.at += timedelta(days=20)
        await life.bot.upkeep.round()
        assert events(caplog)[-1]["event"] == "certificate_refused"


async def test_a_resource_that_was_confirmed_too_long_ago_is_no_longer_shown(stage: Stage) -> None:
    async with stage.open() as life:
        await life.writes("ana", "hello")
        assert "Shelter" in await life.picks("ana", "en", "no", "no", "contacts")
        life.clock.move(days=200)
        await life.bot.upkeep.round()
        await life.writes("eva", "hello")
        told = await life.picks("eva", "en", "no", "no", "contacts")
        assert "Shelter" not in told
        assert "I have no checked contacts to show." in told


def test_a_signing_key_that_can_not_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / SIGNING_KEY).mkdir()
    with pytest.raises(SettingsError, match="the signing key can't be read or made: Is a directory"):
        signer_in(tmp_path)


def test_a_signing_key_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / SIGNING_KEY).write_text("no key")
    with pytest.raises(SealingError, match="the signing key can't sign"):
        signer_in(tmp_path)
