"""A database copied back from an earlier time is noticed, and brings nobody's words back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from storage.databases import Database

from bot.conversation.model import Clear, Conversation, Line, Say, Sender, Timer, Wake
from bot.handoff.docket import Docket, Draft
from bot.storage.dockets import Dockets
from bot.storage.erasing import erase
from bot.storage.keyring import Keyring
from bot.storage.outbox import Mail, Note, Outbox, Ping
from bot.storage.restoring import AHEAD_SHARED, advance_generation, notice_restored
from bot.storage.tables import OTHER, minute
from bot.storage.work import Shelf
from bot.storage.writer import Writer

ANA = Sender("signal", "ana")
DAY = timedelta(days=1)


@asynccontextmanager
async def running(engine: sa.Engine) -> AsyncIterator[Writer]:
    writer = Writer(engine)
    writer.start()
    yield writer
    await writer.stop()


def live(conn: sa.Connection, keyring: Keyring, now: datetime) -> None:
    shelf, outbox = Shelf(keyring), Outbox(keyring)
    who = shelf.who(ANA)
    shelf.keep(conn, who, Conversation(ANA), now + DAY)
    shelf.seen_before(conn, ANA, "1", now)
    shelf.remember_code(conn, "1234", who, now + DAY)
    effects = (
        Say((Line("a"),), ("en",)),
        Wake(Timer.LATE, now, 0),
        Mail(0, "K7Q2FX", "officer", "<1@x>", b"sealed"),
        Clear(("1",)),
        Ping("account", "en", Line("duty.ping"), True, 0),
        Note("officer", "note", Line("duty.subject_note"), ()),
    )
    dockets = Dockets(keyring)
    dockets.keep(conn, who, Docket("K7Q2FX", 1, "es", now), minute(now + DAY))
    dockets.mark(conn, dockets.hashed("token", "token"), "K7Q2FX", minute(now + DAY))
    dockets.hold(conn, "officer", Draft("K7Q2FX", "words", now), now + DAY)
    outbox.put(conn, who, ANA, effects, now, lane=OTHER, expires=now + DAY)


def left(conn: sa.Connection, keyring: Keyring, now: datetime) -> tuple[bool, bool, bool, int, list[str]]:
    """Return whether talk, way back and seen message are there, what is for officers, and the kinds that wait."""
    shelf = Shelf(keyring)
    who = shelf.who(ANA)
    officers = "SELECT (SELECT count(*) FROM docket) + (SELECT count(*) FROM mark) + (SELECT count(*) FROM draft)"
    return (
        shelf.load(conn, who) is not None,
        shelf.who_returns(conn, "1234") is not None,
        shelf.seen_before(conn, ANA, "1", now),
        conn.exec_driver_sql(officers).scalar_one(),
        [row.kind for row in Outbox(keyring).claimable(conn, now, 9, ())],
    )


ALL = (True, True, True, 3, ["say", "wake", "mail", "clear", "ping", "note"])
RESTORED = (False, False, False, 0, ["mail", "clear"])


async def test_a_restart_drops_nothing(engine: sa.Engine, keyring: Keyring, now: datetime, tmp_path: Path) -> None:
    async with running(engine) as writer:
        assert not await notice_restored(writer, keyring)
        await writer.do(lambda conn: live(conn, keyring, now))
        await advance_generation(writer, keyring)
    for _ in range(3):
        again = Keyring.open(tmp_path / "keys", now)
        async with running(engine) as writer:
            assert not await notice_restored(writer, again)
            assert await writer.do(partial(left, keyring=again, now=now)) == ALL


async def test_a_restored_database_brings_back_mails_alone(
    engine: sa.Engine, keyring: Keyring, now: datetime, tmp_path: Path, database: Database
) -> None:
    async with running(engine) as writer:
        await notice_restored(writer, keyring)
        await writer.do(lambda conn: live(conn, keyring, now))
    database.back_up()
    async with running(engine) as writer:
        await writer.do(lambda conn: erase(conn, Shelf(keyring).who(ANA)))
        await advance_generation(writer, keyring)
    database.restore()
    again = Keyring.open(tmp_path / "keys", now)
    async with running(engine) as writer:
        assert await notice_restored(writer, again)
        assert await writer.do(partial(left, keyring=again, now=now)) == RESTORED
        assert not await notice_restored(writer, again)


async def test_a_crash_between_database_and_key_file_is_no_restoring(
    engine: sa.Engine, keyring: Keyring, now: datetime, tmp_path: Path
) -> None:
    async with running(engine) as writer:
        await notice_restored(writer, keyring)
        await writer.do(lambda conn: live(conn, keyring, now))
    kept = (tmp_path / "keys" / "keys").read_bytes()
    for _ in range(3):  # crashing at the same place each time
        async with running(engine) as writer:
            again = Keyring.open(tmp_path / "keys", now)
            assert not await notice_restored(writer, again)
            (tmp_path / "keys" / "keys").write_bytes(kept)
    async with running(engine) as writer:
        again = Keyring.open(tmp_path / "keys", now)
        assert not await notice_restored(writer, again)
        assert await writer.do(partial(left, keyring=again, now=now)) == ALL


async def test_new_keys_beside_an_old_database_are_noticed(
    engine: sa.Engine, keyring: Keyring, now: datetime, tmp_path: Path
) -> None:
    async with running(engine) as writer:
        await notice_restored(writer, keyring)
        for _ in range(AHEAD_SHARED):
            await advance_generation(writer, keyring)
        fresh = Keyring.open(tmp_path / "other", now)
        assert await notice_restored(writer, fresh)
        assert fresh.generation > keyring.generation
