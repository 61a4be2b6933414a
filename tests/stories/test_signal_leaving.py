"""How a talk ends on Signal, and what stays: our own messages are taken back, the rest is said."""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from fakes_signal import SignalServer
from fakes_signal_faults import FAILED
from fakes_signal_people import Person
from fakes_smtp import MailServer
from storage.canaries import files_under, hits
from stories.signal_town import BEGUN, ORDINARY, SOS, Talks, on_signal, serving
from stories.stage import Stage, Town

from bot.conversation.model import Conversation, Sender
from bot.handoff.mission import SignalAddress

ONLY_YOU = "Yours only you can delete: open this chat's menu and delete it."
ON_TELEGRAM = ("hello", "English", "Maybe", "In the next hours or days", "Tell the mission what happened", "For me")


@pytest.fixture
async def signal(stage: Stage) -> AsyncIterator[SignalServer]:
    async with serving(stage.clock) as running:
        yield running


def ours_are_gone(person: Person) -> bool:
    return person.messages == [] and set(person.deleted) == {said.at for said in person.heard}


@pytest.mark.parametrize(("word", "said"), [("ERASE", "Our copy is deleted."), ("STOP", "I stop here.")])
async def test_at_an_end_our_messages_are_taken_back_and_the_rest_is_said(
    word: str, said: str, stage: Stage, signal: SignalServer
) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        await bot.says(ana, *BEGUN, *ORDINARY[:5])
        told = await bot.says(ana, word)
        assert said in told and ONLY_YOU in told
        assert ana.messages == [told]  # closing words can be read for a while
        assert await bot.kept(ana) is None
        await bot.later(minutes=31)
        assert ours_are_gone(ana)
        assert await bot.reads(lambda _: hits([ana.uuid], files_under(stage.folder))) == []


async def test_expiry_takes_our_messages_back_in_silence(stage: Stage, signal: SignalServer) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        await bot.says(ana, *BEGUN, *ORDINARY[:5])
        heard = len(ana.heard)
        await bot.later(minutes=29)
        assert len(ana.messages) == heard
        await bot.later(minutes=2)
        assert ours_are_gone(ana) and len(ana.heard) == heard
        assert await bot.kept(ana) is None


async def test_after_a_case_has_left_an_erase_takes_back_its_codes_too(
    stage: Stage, signal: SignalServer, server: MailServer
) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        await bot.says(ana, *SOS)
        await server.arrived(1)
        await bot.settled()
        told = await bot.says(ana, "ERASE")
        assert "What was already sent, the mission has its own copy of." in told and ONLY_YOU in told
        assert ana.messages == [told]
        await bot.later(minutes=31)
        assert ours_are_gone(ana)


async def test_a_message_that_can_not_be_taken_back_stops_nothing(stage: Stage, signal: SignalServer) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        await bot.says(ana, *BEGUN)
        await bot.says(ana, *ORDINARY[:2])
        signal.fails(FAILED, on="/v1/remote-delete", always=True)
        assert ONLY_YOU in await bot.says(ana, "ERASE")
        assert len([one for one in signal.asked if "remote-delete" in one.path]) == 4
        assert [await rows(bot, kind) for kind in ("say", "clear")] == [0, 1]  # of the closing words, later
        await bot.later(minutes=31)
        assert [await rows(bot, kind) for kind in ("say", "clear")] == [0, 0]


async def rows(bot: Talks, kind: str) -> int:
    sql = sa.text("SELECT COUNT(*) FROM outbox WHERE kind = :kind")
    return int(await bot.reads(lambda conn: conn.execute(sql, {"kind": kind}).scalar_one()))


async def test_an_erase_that_comes_twice_is_answered_once_even_by_another_life(
    stage: Stage, signal: SignalServer
) -> None:
    ana = signal.person()
    async with on_signal(stage, signal) as bot:
        await bot.says(ana, *BEGUN)
        at = ana.writes("ERASE", times=2)
        await bot.taken(ana, at)
        await bot.says(signal.person(), "hello")  # heard after it
    async with on_signal(stage, signal) as bot:
        ana.writes("ERASE", at=at, times=2)
        await bot.says(signal.person(), "hello")
        await bot.settled()
    assert sum("Our copy is deleted" in said.text for said in ana.heard) == 1
    assert len(ana.heard) == len(BEGUN) + 1


async def test_what_comes_twice_is_answered_once_even_by_another_life(stage: Stage, signal: SignalServer) -> None:
    ana = signal.person()
    async with on_signal(stage, signal) as bot:
        await bot.says(ana, *BEGUN)
        at = ana.writes("Maybe", times=3)
        await bot.taken(ana, at)
    async with on_signal(stage, signal) as bot:
        ana.writes("Maybe", at=at)
        assert "What do you want to do?" in await bot.says(ana, "Not now")
    assert len(ana.heard) == len(BEGUN) + 2


# ── a talk that comes over from Telegram ─────────────────────────────────────────────────────────────────


class Elsewhere:
    """Ana on Telegram."""

    def __init__(self, stage: Stage) -> None:
        self.town = Town(stage.clock.now, "telegram")

    async def writes(self, bot: Talks, *texts: str) -> str:
        for text in texts:
            await self.town.take("ana", text)
            await bot.settled()
        return self.town.told("ana")[-1]

    @property
    def code(self) -> str:
        """The last code that Ana was given, as it is shown."""
        words = [word for text in self.town.told("ana") for word in text.replace(".", " ").replace(":", " ").split()]
        parts = [at for at in range(len(words) - 2) if all(len(w) == 4 and w.isdigit() for w in words[at : at + 3])]
        return " ".join(words[parts[-1] : parts[-1] + 3])

    async def kept(self, bot: Talks) -> Conversation | None:
        shelf = bot.bot.desk.shelf
        return await bot.reads(lambda conn: shelf.load(conn, shelf.who(Sender("telegram", "ana"))))


@pytest.fixture
def telegram(stage: Stage) -> Elsewhere:
    stage.changes = {"signal": SignalAddress("postigo.42"), "official_site": "https://mission.example"}
    return Elsewhere(stage)


async def test_a_code_from_telegram_shows_what_it_carries_and_opens_the_talk_where_it_stood(
    stage: Stage, signal: SignalServer, telegram: Elsewhere
) -> None:
    async with on_signal(stage, signal, beside=[telegram.town]) as bot:
        assert "What happened?" in await telegram.writes(bot, *ON_TELEGRAM)
        ana = signal.person()
        shown = await bot.says(ana, telegram.code)
        assert "This came over from Telegram, and nothing else." in shown
        assert "Danger: In the next hours or days" in shown and "For whom: For me" in shown
        assert [(timer.seconds, timer.after) for timer in ana.timers] == [(24 * 3600, 0)]
        assert "Your code was used on Signal" in telegram.town.told("ana")[-1]
        assert await telegram.kept(bot) is None
        assert "What happened?" in await bot.says(ana, "Yes, go on")
        assert "In which state or area?" in await bot.says(ana, ORDINARY[4])
        ben = signal.person()
        assert "This code is used, or too old" in await bot.says(ben, telegram.code)


@pytest.mark.parametrize(("minutes", "opens"), [(14, True), (16, False)])
async def test_a_code_from_telegram_is_good_for_a_quarter_of_an_hour(
    minutes: int, opens: bool, stage: Stage, signal: SignalServer, telegram: Elsewhere
) -> None:
    async with on_signal(stage, signal, beside=[telegram.town]) as bot:
        await telegram.writes(bot, *ON_TELEGRAM)
        await bot.later(minutes=minutes)
        assert ("This came over from Telegram" in await bot.says(signal.person(), telegram.code)) == opens


async def test_a_code_delivered_twice_is_used_once(stage: Stage, signal: SignalServer, telegram: Elsewhere) -> None:
    async with on_signal(stage, signal, beside=[telegram.town]) as bot:
        await telegram.writes(bot, *ON_TELEGRAM)
        ana = signal.person()
        await bot.taken(ana, ana.writes(telegram.code, times=2))
        await bot.says(signal.person(), "hello")  # heard after it
        assert len(ana.heard) == 1
