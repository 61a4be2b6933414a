"""What stays in a chat on Telegram when a talk ends: as little as Telegram permits, in time, and the rest is said."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes_smtp import Authority, MailServer
from fakes_telegram_chats import Shown
from fakes_telegram_faults import BLOCKED
from fakes_telegram_people import Person
from stories.stage import Inbox
from stories.telegram_town import TelegramLife, TelegramStage, staged

from bot.handoff.mission import SignalAddress

ROAD = ("en", "no", "soon", "tell", "me", "threat")
SHOWN = 31  # minutes after which closing words are cleared


@pytest.fixture
async def stage(
    tmp_path: Path, server: MailServer, authority: Authority, officer: Inbox
) -> AsyncIterator[TelegramStage]:
    async with staged(tmp_path, server, authority, officer) as stage:
        yield stage


async def begins(life: TelegramLife, *choices: str) -> Person:
    """Ana says hello and answers."""
    ana = life.telegram.person(language_code="en")
    await life.says(ana, "hello")
    await life.presses(ana, *choices)
    return ana


def left(ana: Person) -> list[str]:
    """The texts that can still be read in a chat."""
    return [shown.said for shown in ana.messages]


async def passes(life: TelegramLife, *, hours: float = 0, minutes: float = 0) -> None:
    """Let time pass, with the rounds, and all that follows be done."""
    await life.later(hours=hours, minutes=minutes)
    await life.bot.upkeep.round()
    life.bot.courier.wake()
    await life.quiet()


async def test_erase_deletes_what_both_have_written_and_tells_how_to_clear_the_rest(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana = await begins(life, *ROAD)
        await life.says(ana, "xyz", "/delete")
        (last,) = left(ana)
        assert "Our copy is deleted. Nothing had been sent." in last
        assert "open this chat's menu and delete the chat" in last
        assert await life.kept(ana) is None
        assert await life.rows("clear") == 1  # for these words themselves
        await passes(life, minutes=SHOWN)
        assert left(ana) == []
        assert await life.rows("clear") == 0


async def test_a_talk_of_more_than_a_hundred_messages_is_erased_as_well(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana = await begins(life, "en")
        for _ in range(140):
            ana.writes("what?")
        await life.quiet()
        assert len(ana.messages) > 140
        await life.says(ana, "erase")
        assert len(left(ana)) == 1
        calls = [call for call in stage.telegram.calls if call.method == "deletemessages"]
        assert [len(json.loads(call.params["message_ids"])) for call in calls] == [100, len(ana.by_id) - 101]


async def test_edited_words_are_deleted_too(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana = await begins(life, "en")
        written: Shown = ana.writes("1")
        await life.quiet()
        ana.edits(written, "2")
        await life.quiet()
        await life.says(ana, "erase")
        assert written.deleted and len(left(ana)) == 1


async def test_what_is_older_than_two_days_stays_and_blocks_nothing_else(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana = await begins(life, "en")
        stage.telegram.world.ahead = 49 * 3600  # the server's clock alone: nothing of ours was in time
        old = set(left(ana))
        await life.says(ana, "xyz", "erase")
        assert old < set(left(ana))
        assert "what Telegram lets me, of the last two days" in ana.last.said and "delete the chat" in ana.last.said
        assert "xyz" not in left(ana)


async def test_stop_ends_the_talk_and_clears_it(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana = await begins(life, *ROAD)
        await life.says(ana, "/stop")
        (last,) = left(ana)
        assert "I stop here. What you had not sent is deleted." in last and "delete the chat" in last
        assert await life.kept(ana) is None
        await passes(life, minutes=SHOWN)
        assert left(ana) == []
        assert await life.blobs() == []


async def test_a_talk_nobody_goes_on_with_is_cleared_in_silence_after_half_an_hour(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana = await begins(life, *ROAD)
        said = len(ana.heard)
        await passes(life, minutes=29)
        assert len(left(ana)) > 6
        await passes(life, minutes=3)
        assert left(ana) == []
        assert len(ana.heard) == said
        assert await life.blobs() == []


async def test_a_long_case_is_cleared_before_two_days_are_over_however_often_she_comes_back(
    stage: TelegramStage,
) -> None:
    async with stage.open() as life:
        ana = await begins(life, "en")
        await life.says(ana, "SOS")
        await life.presses(ana, "me", "act", "no")
        for hour in range(96):
            await passes(life, hours=1)
            if hour % 10 == 0:
                await life.says(ana, "where is it?")
            age = [stage.telegram.world.time() - shown.date for shown in ana.messages]
            assert max(age, default=0) < 24 * 3600 + 60
        talk = await life.kept(ana)
        assert talk is not None and talk.case is not None
        await passes(life, hours=24)
        assert left(ana) == []


async def test_what_is_cleared_of_a_case_leaves_its_question_for_an_hour(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana = await begins(life, "en")
        await life.says(ana, "SOS")
        await life.presses(ana, "me", "act", "no")
        await passes(life, hours=1, minutes=1)
        await passes(life, hours=20, minutes=29)
        told = await life.says(ana, "where is it?")
        await passes(life, minutes=40)
        assert left(ana) == ["where is it?", told]


async def test_closing_words_are_cleared_half_an_hour_later(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana = await begins(life, "en", "no", "no", "leave")
        assert "This is the end." in ana.last.said and "delete the chat" in ana.last.said
        await passes(life, minutes=29)
        assert ana.last.said in left(ana)
        await passes(life, minutes=2)
        assert left(ana) == []


async def test_who_has_blocked_the_bot_is_told_nothing_more_and_the_mails_leave_all_the_same(
    stage: TelegramStage, server: MailServer
) -> None:
    async with stage.open() as life:
        ana, eva = await begins(life, "en"), await begins(life, "en")
        await life.says(ana, "SOS")
        await life.presses(ana, "me")
        stage.telegram.fails("sendMessage", BLOCKED, chat=ana, always=True)
        await life.presses(ana, "act")
        await server.arrived(1)
        await life.quiet()
        assert (await life.rows("say"), await life.rows("mail")) == (0, 0)
        tries = sum(call.method == "sendmessage" and call.chat == ana.id for call in stage.telegram.calls)
        await passes(life, minutes=50)
        assert tries == sum(call.method == "sendmessage" and call.chat == ana.id for call in stage.telegram.calls)
        eva_told = await life.says(eva, "hello")
        assert "Which language" in eva_told


async def test_a_talk_goes_on_in_signal_and_both_sides_hear_of_it(stage: TelegramStage) -> None:
    stage.changes = {"signal": SignalAddress("postigo.42")}
    async with stage.open() as life:
        ana = await begins(life, *ROAD)
        code = re.findall(r"\d{4} \d{4} \d{4}", ana.heard[0].said)[0]
        told = await life.writes("her new phone", code)
        assert "This came over from Telegram" in told and "Threats or intimidation" in told
        await life.quiet()
        assert len(left(ana)) == 1 and "Your code was used on Signal" in left(ana)[0]
        assert await life.kept(ana) is None
        assert "In which state or area?" in await life.writes("her new phone", "1")
        assert "This code is used" in await life.writes("a stranger", code)
        await passes(life, minutes=SHOWN)
        assert left(ana) == []
