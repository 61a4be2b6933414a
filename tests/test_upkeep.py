"""The rounds: again and again, whatever fails, in an order that destroys no key that is still needed."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes_disk import full
from fakes_postgres import Postgres

from bot import upkeep
from bot.conversation.model import Conversation, Line, Say, Sender, Timer, Wake
from bot.storage.clockwork import Watched, set_back
from bot.storage.keyring import Keyring
from bot.storage.outbox import Outbox
from bot.storage.schema import migrate
from bot.storage.tables import OTHER, open_engine
from bot.storage.transactions import LATER
from bot.storage.work import Shelf
from bot.storage.writer import Writer
from bot.upkeep import ROWS_A_JOB, TALKS_A_JOB, Upkeep

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FULL = "CREATE TRIGGER full BEFORE INSERT ON state BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"


class Kept:
    """Storage with rounds over it, a clock that the test moves, and what was done daily."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.at, self.folder = NOON, folder
        self.engine = open_engine(url or f"sqlite:///{folder / 'postigo.db'}")
        migrate(self.engine)
        self.writer = Writer(self.engine)
        self.keyring = Keyring.open(folder / "keys", NOON)
        self.shelf = Shelf(self.keyring)
        self.days: list[datetime] = []
        self.called = asyncio.Event()
        self.failing = False
        self.limits: list[int] = []  # how many talks were to expire in each job
        self.mornings: list[datetime] = []
        self.woken = 0
        self.leading = True
        self.outbox = Outbox(self.keyring)
        self.upkeep = Upkeep(
            self.writer,
            self.keyring,
            self.outbox,
            lambda: self.at,
            self.daily,
            self.expire_talks,
            lambda _, at: self.mornings.append(at),
            self.wake,
            self.leads,
        )

    def wake(self) -> None:
        self.woken += 1

    async def leads(self) -> bool:
        return self.leading

    def daily(self, at: datetime) -> None:
        self.days.append(at)
        if self.failing:
            raise RuntimeError("a fault in what is done daily")

    def expire_talks(self, conn: sa.Connection, now: datetime, limit: int) -> int:
        self.limits.append(limit)
        gone = self.shelf.expired(conn, now, limit)
        for who in gone:
            self.shelf.drop(conn, who)
        return len(gone)

    async def put(self, number: int, lives: timedelta) -> bytes:
        sender = Sender("signal", f"person {number}")
        who = self.shelf.who(sender)
        await self.writer.do(lambda conn: self.shelf.keep(conn, who, Conversation(sender), self.at + lives))
        return who

    async def opens(self, who: bytes) -> bool:
        return await self.writer.do(lambda conn: self.shelf.load(conn, who)) is not None


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    kept = Kept(tmp_path)
    kept.writer.start()
    yield kept
    await kept.writer.stop()
    kept.engine.dispose()


async def test_marks_of_connections_that_are_gone_are_dropped_once_a_day(tmp_path: Path, postgresql: Postgres) -> None:
    many = f"DO $$ BEGIN FOR i IN 0..{LATER} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
    kept = Kept(tmp_path, postgresql.fresh())
    kept.writer.start()
    await kept.writer.do(lambda conn: conn.exec_driver_sql("INSERT INTO state VALUES ('commit of old', 1)"))
    with kept.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql(many)
        await kept.upkeep.round()
        left = conn.exec_driver_sql("SELECT name FROM state WHERE starts_with(name, 'commit ')").scalars().all()
    await kept.writer.stop()
    kept.engine.dispose()
    assert len(left) == 1, "the writer's own"
    assert "commit of old" not in left


async def test_one_round_takes_away_more_than_fits_into_one_job(kept: Kept) -> None:
    for number in range(ROWS_A_JOB + 20):
        await kept.put(number, timedelta(minutes=30))
    kept.at += timedelta(hours=1)
    assert (await kept.upkeep.round())["expired"] == ROWS_A_JOB + 20


async def test_talks_expire_a_few_in_each_job_until_none_is_left(kept: Kept) -> None:
    people = [await kept.put(number, timedelta(minutes=30)) for number in range(2 * TALKS_A_JOB + 1)]
    stays = await kept.put(-1, timedelta(hours=2))
    kept.at += timedelta(hours=1)
    assert (await kept.upkeep.round())["expired"] == len(people)
    assert kept.limits == [TALKS_A_JOB] * 4  # the last finds none
    assert not any([await kept.opens(who) for who in people])
    assert await kept.opens(stays)


async def test_talks_expire_before_the_key_that_opens_them_is_destroyed(kept: Kept) -> None:
    opened: list[bool] = []
    who = await kept.put(1, timedelta(minutes=30))
    expire_talks = kept.expire_talks

    def watched(conn: sa.Connection, now: datetime, limit: int) -> int:
        opened.extend(kept.shelf.load(conn, one) is not None for one in kept.shelf.expired(conn, now, limit))
        return expire_talks(conn, now, limit)

    kept.upkeep.expire_talks = watched
    kept.at += timedelta(hours=25)
    assert (await kept.upkeep.round())["expired"] == 1
    assert opened == [True]
    assert not await kept.opens(who)


async def test_what_lives_longer_is_wrapped_anew_before_its_key_dies(kept: Kept) -> None:
    who, short = await kept.put(1, timedelta(days=14)), await kept.put(2, timedelta(hours=20))
    done = []
    for _ in range(3):
        kept.at += timedelta(days=1)
        done.append(await kept.upkeep.round())
    assert sum(one["rewrapped"] for one in done) >= 1
    assert sum(one["keys destroyed"] for one in done) >= 2
    assert await kept.opens(who)
    assert not await kept.opens(short)


async def test_what_is_done_daily_is_done_at_start_and_on_each_new_day(kept: Kept) -> None:
    await kept.upkeep.begin()
    for _ in range(4):
        kept.at += timedelta(hours=7)
        await kept.upkeep.round()
    assert [at.day for at in kept.days] == [21, 22]


async def test_a_round_that_fails_is_logged_and_the_next_one_comes(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(upkeep, "ROUND_SECONDS", 0.0)
    kept.failing = True
    running = asyncio.create_task(kept.upkeep.run())
    async with asyncio.timeout(20):
        while len(kept.days) < 1:
            await asyncio.to_thread(lambda: None)
        kept.failing = False
        kept.at += timedelta(days=1)
        while len(kept.days) < 2:
            await asyncio.to_thread(lambda: None)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    shown = [record.msg.shown for record in caplog.records if hasattr(record.msg, "shown")]
    assert [one["event"] for one in shown] == ["round_failed"]


async def test_a_stop_makes_every_copy_until_now_an_old_one(kept: Kept, tmp_path: Path) -> None:
    await kept.upkeep.begin()
    before = kept.keyring.generation
    await kept.upkeep.end()
    assert Keyring.open(tmp_path / "keys", NOON).generation > before


async def test_each_round_asks_whose_morning_mail_is_due_and_wakes_the_courier(kept: Kept) -> None:
    await kept.upkeep.begin()
    kept.at += timedelta(minutes=1)
    await kept.upkeep.round()
    assert kept.mornings == [NOON, NOON + timedelta(minutes=1)]
    assert kept.woken == 2


@pytest.mark.parametrize(("back", "logged"), [(timedelta(minutes=1), 0), (timedelta(hours=3), 1)])
async def test_what_waits_for_its_hour_comes_earlier_when_the_clock_is_set_back(
    kept: Kept, caplog: pytest.LogCaptureFixture, back: timedelta, logged: int
) -> None:
    sender, due = Sender("signal", "ana"), NOON + timedelta(hours=1)
    wake = Wake(Timer.UNREAD, due, 0)
    await kept.upkeep.begin()
    await kept.writer.do(
        lambda conn: kept.outbox.put(
            conn, kept.shelf.who(sender), sender, [wake], NOON, lane=OTHER, expires=due + timedelta(days=1)
        )
    )
    kept.at -= back
    await kept.upkeep.round()
    seen = await kept.writer.do(kept.outbox.next_due)
    assert seen is not None
    assert abs(seen - (due - back * logged)) < timedelta(minutes=1)
    shown = [record.msg.shown["event"] for record in caplog.records if hasattr(record.msg, "shown")]
    assert shown.count("clock_set_back") == logged


async def test_of_a_clock_that_was_ahead_the_next_look_knows_where_a_disk_was_full_at_the_first(kept: Kept) -> None:
    clock = kept.upkeep.now = Watched(lambda: kept.at)
    sender, due = Sender("signal", "ana"), NOON + timedelta(hours=5)
    wake = Wake(Timer.UNREAD, due, 0)
    await kept.upkeep.begin()
    await kept.writer.do(
        lambda conn: kept.outbox.put(conn, kept.shelf.who(sender), sender, [wake], NOON, lane=OTHER, expires=due)
    )
    kept.at += timedelta(hours=3)
    clock()
    kept.at -= timedelta(hours=3)
    await kept.writer.do(lambda conn: conn.exec_driver_sql(FULL))
    with pytest.raises(sqlite3.IntegrityError):
        await kept.upkeep.round()
    await kept.writer.do(lambda conn: conn.exec_driver_sql("DROP TRIGGER full"))
    await kept.upkeep.round()
    seen = await kept.writer.do(kept.outbox.next_due)
    assert seen is not None
    assert abs(seen - (due - timedelta(hours=3))) < timedelta(minutes=1)


@pytest.mark.parametrize("again", [timedelta(0), timedelta(minutes=30)])
async def test_words_for_a_chosen_hour_keep_it_after_a_clock_that_was_ahead(kept: Kept, again: timedelta) -> None:
    kept.upkeep.now = Watched(lambda: kept.at)
    await kept.upkeep.begin()
    sender = Sender("signal", "ana")

    async def put(effect: Wake | Say) -> None:
        who, at, ends = kept.shelf.who(sender), kept.at, kept.at + timedelta(days=1)
        await kept.writer.do(lambda conn: kept.outbox.put(conn, who, sender, [effect], at, lane=OTHER, expires=ends))

    kept.at += timedelta(hours=3)
    await put(Wake(Timer.UNREAD, kept.at + timedelta(hours=9), 0))
    kept.at -= timedelta(hours=3)
    if again:
        await kept.upkeep.round()
    safe = kept.at + timedelta(hours=1)
    await put(Say((Line("say.read"),), ("en",), not_before=safe))
    kept.at -= again
    await kept.upkeep.round()
    assert await kept.writer.do(kept.outbox.next_due) == safe


async def test_a_clock_that_is_set_back_just_as_a_round_begins_lets_what_waits_come_earlier_by_so_much_and_no_more(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender, due, ahead = Sender("signal", "ana"), NOON + timedelta(hours=8), NOON + timedelta(hours=3)
    shown = [NOON] * 3
    kept.upkeep.now = Watched(lambda: shown.pop(0) if len(shown) > 1 else shown[0])
    loop = asyncio.get_running_loop()
    began = loop.time()
    monkeypatch.setattr(loop, "time", lambda: began)
    await kept.upkeep.begin()
    await kept.writer.do(
        lambda conn: kept.outbox.put(
            conn, kept.shelf.who(sender), sender, [Wake(Timer.UNREAD, due, 0)], ahead, lane=OTHER, expires=due
        )
    )
    shown[:] = [ahead, NOON]
    await kept.upkeep.round()
    await kept.upkeep.round()
    seen = await kept.writer.do(kept.outbox.next_due)
    assert seen is not None and abs(seen - (due - timedelta(hours=3))) < timedelta(minutes=1)


async def test_a_look_at_the_clock_that_a_full_disk_undid_hides_nothing_from_the_next_life(kept: Kept) -> None:
    sender, ahead = Sender("signal", "ana"), NOON + timedelta(hours=3)
    wake = Wake(Timer.UNREAD, ahead + timedelta(hours=1), 0)
    await kept.upkeep.begin()
    kept.at = ahead
    with full(), pytest.raises((sa.exc.OperationalError, sqlite3.OperationalError)):
        await kept.upkeep.round()
    await kept.writer.do(
        lambda conn: kept.outbox.put(conn, kept.shelf.who(sender), sender, [wake], ahead, lane=OTHER, expires=wake.at)
    )
    begun = Outbox(kept.keyring)
    back = await kept.writer.do(lambda conn: set_back(conn, begun, NOON, timedelta(0)))
    assert abs(back - timedelta(hours=3)) < timedelta(minutes=1)


async def test_time_in_which_another_process_went_the_rounds_is_no_clock_that_was_set_back(
    kept: Kept, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    await kept.upkeep.begin()
    kept.leading = False
    await kept.upkeep.round()
    kept.at += timedelta(hours=1)
    at = kept.at
    await kept.writer.do(lambda conn: set_back(conn, kept.outbox, at, timedelta(0)))  # by whoever leads
    began = loop.time()
    monkeypatch.setattr(loop, "time", lambda: began + 3600.0)
    kept.leading = True
    await kept.upkeep.round()
    shown = [record.msg.shown["event"] for record in caplog.records if hasattr(record.msg, "shown")]
    assert "clock_set_back" not in shown


async def test_a_clock_that_was_ahead_while_another_process_went_the_rounds_was_that_ones_to_notice(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    kept.upkeep.now = Watched(lambda: kept.at)
    kept.leading, kept.at = False, NOON + timedelta(hours=3)
    await kept.upkeep.round()
    kept.at = NOON
    await kept.upkeep.round()
    kept.leading = True
    await kept.upkeep.round()
    shown = [record.msg.shown["event"] for record in caplog.records if hasattr(record.msg, "shown")]
    assert "clock_set_back" not in shown


async def test_whoever_does_not_lead_leaves_the_rounds_to_others_and_keeps_its_own_keys_and_day(kept: Kept) -> None:
    who, day = await kept.put(0, timedelta(minutes=1)), kept.keyring.days()[0]
    generation = kept.keyring.generation
    kept.leading, kept.at = False, NOON + timedelta(days=3)
    assert await kept.upkeep.round() == {}
    assert (kept.days, kept.mornings, kept.limits) == ([kept.at], [], [])
    assert await kept.opens(who) and kept.keyring.generation == generation
    other = Keyring.open(kept.folder / "keys", kept.at)  # whoever leads
    assert other.destroy_expired(kept.at) == 1
    assert await kept.upkeep.round() == {} and kept.days == [kept.at]
    assert day not in kept.keyring.days() and not await kept.opens(who)
