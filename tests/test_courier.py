"""How effects are carried out: in order for each person, again where it failed, never in a hurry, never for ever."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes_smtp import STALL, Authority, MailServer, mail_server
from stories.stage import ZONE, Inbox, Life, Mood, Stage, Town, posted_to, unreachable

from bot.conversation.model import Clear, Line, Say, Sender, Timer, Wake, Weight
from bot.courier import AT_ONCE, BACKOFF, JITTER, MAILS_AT_ONCE
from bot.errors import DeliveryError, Undeliverable
from bot.storage.tables import OTHER


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[MailServer]:
    async with mail_server(authority.server()) as server:
        yield server


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def stage(tmp_path: Path, server: MailServer, authority: Authority) -> Stage:
    return Stage(tmp_path, posted_to(server, authority), (Inbox(tmp_path).contact,))


def said(name: str, weight: Weight = Weight.STATUS) -> Say:
    return Say((Line(f"say.{name}"),), ("en",), weight=weight)


async def waits(life: Life, *effects: Say | Clear | Wake, address: str = "ana", channel: str = "signal") -> None:
    """Let effects wait for a person, and the courier look for them."""
    sender, now = Sender(channel, address), life.clock.now(ZONE)
    who, outbox = life.bot.desk.shelf.who(sender), life.bot.courier.outbox
    expires = now + timedelta(days=1)
    await life.reads(lambda conn: outbox.put(conn, who, sender, effects, now, lane=OTHER, expires=expires))
    life.bot.courier.wake()


async def next_try(life: Life) -> datetime | None:
    return await life.reads(life.bot.courier.outbox.next_due)


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_text_that_failed_comes_before_the_later_ones_and_holds_up_nobody_else(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [unreachable()]
        await waits(life, said("erased"), said("stopped"), said("dropped"))
        await waits(life, said("help"), address="eva")
        await life.settled()
        assert (len(life.town.told("ana")), len(life.town.told("eva"))) == (0, 1)
        await life.later(seconds=20)
        assert [text.split(".")[0] for text in life.town.told("ana")] == [
            "Our copy is deleted",
            "I stop here",
            "What you added is deleted",
        ]


async def test_each_failure_waits_longer_up_to_half_an_hour(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [unreachable() for _ in range(7)]
        await waits(life, said("erased"))
        await life.settled()
        for seconds in (*BACKOFF, BACKOFF[-1]):
            due = await next_try(life)
            assert due is not None
            wait = (due - life.clock.at).total_seconds()
            assert seconds <= wait <= seconds * (1 + JITTER)
            life.clock.at = due
            await life.later()
        assert life.town.told("ana") == []


async def test_a_platform_that_says_when_is_asked_again_then(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [DeliveryError("slow down", retry_after=100)]
        await waits(life, said("erased"))
        await life.settled()
        due = await next_try(life)
        assert due is not None
        assert 100 <= (due - life.clock.at).total_seconds() <= 120


async def test_what_can_never_be_delivered_is_dropped(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [Undeliverable("blocked")]
        await waits(life, said("erased"), said("stopped"))
        await life.settled()
        assert [text[:11] for text in life.town.told("ana")] == ["I stop here"]
        assert await life.rows("say") == 0


async def test_a_fault_of_a_channel_is_tried_again_later_and_not_at_once(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [RuntimeError("a bug") for _ in range(50)]
        await waits(life, said("erased"))
        await life.settled()
        assert len(life.town.refusals["ana"]) == 49
        life.town.refusals["ana"].clear()
        await life.later(seconds=20)
        assert len(life.town.told("ana")) == 1


async def test_words_that_the_flows_no_longer_have_are_dropped(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    async with stage.open() as life:
        await waits(life, said("of_another_version"), said("erased"))
        await life.settled()
        assert [text[:19] for text in life.town.told("ana")] == ["Our copy is deleted"]
    assert "effect_unreadable" in events(caplog)


async def test_words_for_a_channel_that_is_not_configured_wait(stage: Stage) -> None:
    async with stage.open() as life:
        await waits(life, said("erased"), channel="telegram")
        await life.settled()
        assert await life.rows("say") == 1
        assert await next_try(life) is not None


async def test_a_row_that_does_not_open_stops_nobody_and_the_operator_hears_of_it_once(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [unreachable()]
        await waits(life, said("erased"))
        await life.settled()
        await life.reads(lambda conn: conn.execute(sa.text("UPDATE outbox SET sealed = x'01'")).rowcount)
        await life.later(seconds=30)
        await life.later(seconds=30)
        await waits(life, said("stopped"), address="eva")
        await life.settled()
        assert (life.town.told("ana"), len(life.town.told("eva"))) == ([], 1)
    assert [name for name in listed(caplog) if name == "effect_unreadable"] == ["effect_unreadable"]


# ── after a crash ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("weight", "repeats", "comes"),
    [
        (Weight.QUESTION, True, True),
        (Weight.QUESTION, False, False),
        (Weight.STATUS, True, True),
        (Weight.STATUS, False, True),
        (Weight.EMERGENCY, False, True),
    ],
)
async def test_what_may_have_been_said_before_a_crash_is_said_again_where_that_is_better(
    stage: Stage, weight: Weight, repeats: bool, comes: bool
) -> None:
    stage.repeats = repeats
    async with stage.open() as life:
        life.town.refusals["ana"] = [unreachable()]
        await waits(life, said("erased", weight))
        await life.settled()
        await life.reads(lambda conn: conn.execute(sa.text("UPDATE outbox SET trying = 1")).rowcount)
    stage.clock.move(minutes=1)
    async with stage.open() as life:
        await life.settled()
        assert len(life.town.told("ana")) == comes
        assert await life.rows("say") == 0


# ── clearing ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_messages_are_cleared_in_the_messenger_and_where_there_is_none_the_wish_is_dropped(
    stage: Stage,
) -> None:
    async with stage.open() as life:
        await waits(life, Clear(("m1", "m2")))
        await waits(life, Clear(("m3",)), channel="telegram")
        await life.settled()
        assert life.town.cleared == [("ana", "m1", "m2")]
        assert await life.rows("clear") == 0


# ── how many at once ─────────────────────────────────────────────────────────────────────────────────────


class Crowded(Town):
    """A channel whose every send waits for a gate."""

    def __init__(self, town: Town) -> None:
        super().__init__(town._now, town.name)
        self.gate = asyncio.Event()
        self.inside = self.most = 0
        self.entered = asyncio.Condition()

    async def send(self, sender: Sender, text: str, say: Say) -> datetime:
        async with self.entered:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.entered.notify_all()
        await self.gate.wait()
        self.inside -= 1
        return await super().send(sender, text, say)


async def test_so_many_are_carried_at_once_and_not_more(stage: Stage) -> None:
    async with stage.open() as life:
        crowded = Crowded(life.town)
        life.bot.courier.channels = {"signal": crowded}
        people = [f"person {number}" for number in range(AT_ONCE + 30)]
        for address in people:
            await waits(life, said("erased"), address=address)
        async with asyncio.timeout(20), crowded.entered:
            await crowded.entered.wait_for(lambda: crowded.inside == AT_ONCE)
        crowded.gate.set()
        await life.settled()
        assert crowded.most == AT_ONCE
        assert all(len(crowded.told(address)) == 1 for address in people)


async def test_a_mail_server_that_hangs_holds_up_nobodys_words(stage: Stage, authority: Authority) -> None:
    async with mail_server(authority.server(), replies={"DATA": Mood(STALL)}) as hangs:
        stage.post = posted_to(hangs, authority, patience=15)
        async with stage.open() as life:
            for number in range(MAILS_AT_ONCE + 4):
                await life.writes(f"ana {number}", "SOS", settle=False)
                await life.hears(f"ana {number}", "7 ")
                await seen(life, f"ana {number}")
                await life.writes(f"ana {number}", "7", settle=False)
                await life.hears(f"ana {number}", "10 ")
                await seen(life, f"ana {number}")
                await life.writes(f"ana {number}", "10", settle=False)
                await life.hears(f"ana {number}", "Return code ")
            await hangs.offered(MAILS_AT_ONCE)
            assert hangs.sessions == MAILS_AT_ONCE
            hangs.hang_up()
            await hangs.offered(MAILS_AT_ONCE + 4)
            hangs.hang_up()


async def seen(life: Life, address: str) -> None:
    """Wait until it is noted that the waiting question has reached the person."""
    async with asyncio.timeout(20):
        while (talk := await life.talk(address)) is None or talk.seen_at is None:
            await asyncio.to_thread(lambda: None)  # a turn of the loop, so that the courier goes on


def listed(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [str(record.msg.shown["event"]) for record in caplog.records if hasattr(record.msg, "shown")]


def events(caplog: pytest.LogCaptureFixture) -> set[str]:
    return set(listed(caplog))


async def test_a_report_that_fails_loses_no_mail_and_stops_nobody(stage: Stage, server: MailServer) -> None:
    async with stage.open() as life:
        told = life.bot.courier.report

        def poisoned(conn: sa.Connection, who: bytes, happened: object) -> None:
            if who == life.bot.desk.shelf.who(Sender("signal", "ana")):
                raise ValueError("one person's row")
            told(conn, who, happened)  # type: ignore[arg-type]  # as it was called

        await waits(life, said("erased"))
        life.bot.courier.report = poisoned
        await waits(life, said("help"), Wake(Timer.LATE, life.clock.at, 0))
        await waits(life, said("help"), address="eva")
        await life.settled()
        assert (len(life.town.told("ana")), len(life.town.told("eva"))) == (2, 1)
        assert await life.rows("wake") == 0
        assert server.taken == []
