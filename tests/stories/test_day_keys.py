"""Day keys as a service has them: whatever becomes of it, each dies on time, and what may still live stays readable.

Restarts, days without power, a clock set back or forward, a `kill -9` in the round that destroys, and backups put back.
"""

import json
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from stories.stage import EMERGENCY, ORDINARY, Life, Stage

from bot.conversation.model import Sender
from bot.errors import SealingError
from bot.storage.keyring import DAYS_ALIVE, Keyring
from bot.storage.tables import open_engine

SEALED = ("talk", "outbox", "docket", "draft", "notice")


@dataclass(frozen=True)
class Backup:
    """A copy of the database as it stood, and of the key file where somebody was careless enough to copy that too."""

    kept: Path
    keys: Path

    def put_back(self, stage: Stage) -> None:
        """Let the copied database take the place of what is there; the keys stay where they are."""
        shutil.rmtree(stage.kept)
        shutil.copytree(self.kept, stage.kept)

    def opens(self, keys: Path) -> int:
        """How many of its wrapped keys the keys in a folder open, wherever they would say that they belong."""
        ring = json.loads((keys / "keys").read_text())["days"]
        return sum(int.from_bytes(wrapped[:4], "big") in {int(day) for day in ring} for wrapped in self.wrapped())

    def wrapped(self) -> list[bytes]:
        engine = open_engine(f"sqlite:///{self.kept / 'postigo.db'}")
        with engine.connect() as conn:
            rows = [conn.execute(sa.text(f"SELECT wrapped FROM {table}")) for table in SEALED]  # noqa: S608 - from above
            found = [bytes(row[0]) for one in rows for row in one]
        engine.dispose()
        return found


def backed_up(stage: Stage, folder: Path) -> Backup:
    made = Backup(folder / "kept", folder / "keys")
    shutil.copytree(stage.kept, made.kept)
    shutil.copytree(stage.keys, made.keys)
    return made


async def cries(life: Life, address: str) -> str:
    """An emergency case that has left; returns its return code."""
    await life.writes(address, "hello")
    await life.picks(address, "en")
    await life.writes(address, "SOS")
    await life.picks(address, *EMERGENCY)
    codes = next(text for text in life.town.told(address) if "Return code " in text)
    return codes.partition("Return code ")[2].partition(".")[0].replace(" ", "")


async def leads_back(life: Life, code: str, address: str) -> bool:
    """Whether a code leads to somebody's case, and the case opens."""
    shelf = life.bot.desk.shelf
    who = await life.reads(lambda conn: shelf.who_returns(conn, code))
    return who == shelf.who(Sender(life.town.name, address)) and await life.talk(address) is not None


async def test_keys_die_on_time_across_restarts_and_no_way_back_is_lost(stage: Stage) -> None:
    async with stage.open() as life:
        code = await cries(life, "ana")
    for _ in range(12):
        stage.clock.move(days=1)
        async with stage.open() as life:  # never longer than its first round
            today = life.bot.keyring.today(stage.clock.now())
            assert set(life.bot.keyring.days()) <= {today - 1, today}
            assert await leads_back(life, code, "ana")
    stage.clock.move(days=3)
    async with stage.open() as life:
        assert await life.talk("ana") is None and not await leads_back(life, code, "ana")


@pytest.mark.parametrize("days", [2, 3, 10])
async def test_days_without_power_lose_no_case_and_leave_no_old_key(stage: Stage, days: int) -> None:
    async with stage.open() as life:
        code = await cries(life, "ana")
        await life.writes("eva", "hello")
        await life.picks("eva", *ORDINARY[:6])
        old = life.bot.keyring.days()
    stage.clock.move(days=days)
    async with stage.open() as life:
        assert await leads_back(life, code, "ana")
        assert await life.talk("eva") is None, "an intake was past its time"
        assert not set(old) & set(life.bot.keyring.days())
        assert len(life.bot.keyring.days()) == 1
    assert not {*map(str, old)} & json.loads((stage.keys / "keys").read_text())["days"].keys()


@pytest.mark.parametrize("back", [timedelta(hours=3), timedelta(days=2), timedelta(days=400)])
@pytest.mark.parametrize("restarted", [False, True])
async def test_a_clock_set_back_revives_no_key_and_loses_no_case(
    stage: Stage,
    back: timedelta,
    restarted: bool,
) -> None:
    async with stage.open() as life:
        code = await cries(life, "ana")
        await life.day_after_day(3)
        days = life.bot.keyring.days()
        if not restarted:
            stage.clock.at -= back
            await life.bot.upkeep.round()
            assert life.bot.keyring.days() == days and await leads_back(life, code, "ana")
            return
    stage.clock.at -= back
    async with stage.open() as life:
        await life.bot.upkeep.round()
        assert life.bot.keyring.days() == days and await leads_back(life, code, "ana")
        stage.clock.at += back + timedelta(days=2)  # right again
        await life.bot.upkeep.round()
        assert not set(days) & set(life.bot.keyring.days()) and await leads_back(life, code, "ana")


async def test_a_crash_between_wrapping_anew_and_destroying_loses_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage.open() as life:
        code = await cries(life, "ana")
    stage.clock.move(days=3)

    def crash(*_: object) -> int:
        raise KeyboardInterrupt

    bot, _ = stage.wired()
    old = bot.keyring.days()
    bot.writer.start()
    with monkeypatch.context() as broken:
        broken.setattr(Keyring, "destroy_expired", crash)
        with pytest.raises(KeyboardInterrupt):
            await bot.upkeep.begin()
    await bot.writer.stop()
    bot.engine.dispose()
    async with stage.open() as life:
        assert await leads_back(life, code, "ana")
        assert life.bot.keyring.days() == old[-1:]


async def test_a_backup_older_than_two_days_is_unreadable_even_with_the_keys_of_today(
    stage: Stage, tmp_path: Path
) -> None:
    async with stage.open() as life:
        await cries(life, "ana")
        await life.writes("eva", "hello")
    backup = backed_up(stage, tmp_path / "backup")
    sealed = len(backup.wrapped())
    assert sealed >= 3 and backup.opens(stage.keys) == sealed
    lives = []
    for _ in range(DAYS_ALIVE * 3):
        stage.clock.move(hours=8)
        async with stage.open():
            lives.append(backup.opens(stage.keys))
    assert lives[0] == sealed and lives[-1] == 0 and lives == sorted(lives, reverse=True)


async def test_a_younger_backup_put_back_is_noticed_and_revives_no_talk_no_code_and_no_token(
    stage: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage.open() as life:
        code = await cries(life, "ana")
        await life.writes("eva", "hello")
    backup = backed_up(stage, tmp_path / "backup")
    stage.clock.move(hours=20)
    async with stage.open() as life:
        await life.writes("ana", "erase")
    assert backup.opens(stage.keys) == len(backup.wrapped()) > 0, "its keys live still"
    backup.put_back(stage)
    async with stage.open() as life:
        assert "database_restored" in {str(r.msg.shown["event"]) for r in caplog.records if hasattr(r.msg, "shown")}
        assert await life.talk("ana") is None and await life.talk("eva") is None
        assert not await leads_back(life, code, "ana")
        left = {table: await counted(life, table) for table in ("talk", "way_back", "seen", "docket", "mark", "draft")}
        assert set(left.values()) == {0}, left
        assert await life.rows("say") == 0
        assert "Which language do you prefer?" in await life.writes("ana", "hello")


async def counted(life: Life, table: str) -> int:
    sql = sa.text(f"SELECT COUNT(*) FROM {table}")  # noqa: S608 - from above
    return int(await life.reads(lambda conn: conn.execute(sql).scalar_one()))


async def test_an_old_key_file_put_back_beside_the_database_opens_nothing_that_was_written_since(
    stage: Stage, tmp_path: Path
) -> None:
    async with stage.open() as life:
        await cries(life, "ana")
    backup = backed_up(stage, tmp_path / "backup")
    async with stage.open() as life:
        await life.day_after_day(3)
    wrapped = backed_up(stage, tmp_path / "now").wrapped()
    old = Keyring.open(backup.keys, stage.clock.now() - timedelta(days=3))
    assert wrapped
    for one in wrapped:
        with pytest.raises(SealingError, match="destroyed"):
            old.unwrap(one, b"")
