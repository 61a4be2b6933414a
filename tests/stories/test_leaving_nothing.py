"""What a person typed stands nowhere in clear at any moment, and after erase or expiry not even sealed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from fakes_smtp import Authority, MailServer, mail_server
from storage.canaries import files_under, hits
from stories.stage import GOOD, Inbox, Life, Mood, Stage, canary, posted_to

from bot.conversation.model import Sender
from bot.staff import MissionDesk

QUESTIONS_AT_MOST = 30


@dataclass
class Ana:
    """One person whose every word is a canary."""

    life: Life
    stage: Stage
    address: str = field(default_factory=canary)
    typed: list[str] = field(default_factory=list)

    async def says(self, *, before: str = "", after: str = "") -> str:
        word = canary()
        self.typed.append(word)
        return await self.life.writes(self.address, before + word + after)

    @property
    def secrets(self) -> list[str]:
        """All that may stand nowhere: her words, her address, the digits that lead back to her."""
        codes = [text for text in self.life.town.told(self.address) if "Return code " in text]
        spoken = [text.partition("Return code ")[2].partition(".")[0] for text in codes]
        return [self.address, *self.typed, *spoken, *(code.replace(" ", "") for code in spoken)]

    def found(self) -> list[str]:
        return hits(self.secrets, (*files_under(self.stage.kept), *files_under(self.stage.keys)))


@pytest.fixture
def mood() -> Mood:
    return Mood("451 later")


@pytest.fixture
async def server(authority: Authority, mood: Mood) -> AsyncIterator[MailServer]:
    async with mail_server(authority.server(), replies={"RCPT": mood}) as server:
        yield server


@pytest.fixture
def stage(tmp_path: Path, server: MailServer, authority: Authority, officer: Inbox) -> Stage:
    return Stage(tmp_path, posted_to(server, authority), (officer.contact,))


# ── how far she has come ─────────────────────────────────────────────────────────────────────────────────


async def opened(ana: Ana) -> None:
    """In the middle of the questions, with words where a choice is expected."""
    await ana.life.writes(ana.address, "hello")
    await ana.life.picks(ana.address, "en", "no", "no", "tell", "me")
    await ana.says()
    await ana.life.picks(ana.address, "threat")
    await ana.says(before="/start ")


async def handed_off(ana: Ana) -> None:
    """An alert waits, because no server takes it; the codes have been said."""
    await ana.life.writes(ana.address, "hello")
    await ana.life.picks(ana.address, "en")
    await ana.life.writes(ana.address, "SOS")
    await ana.says()
    await ana.life.picks(ana.address, "me", "act")
    await ana.says()


async def added(ana: Ana) -> None:
    """Own words are gathered at every question for them, some of them only as a draft."""
    await handed_off(ana)
    await ana.life.picks(ana.address, "yes")
    for _ in range(QUESTIONS_AT_MOST):
        question = ana.life.last(ana.address)
        if "What should the mission know?" in question:
            await ana.says(after=" 55 1234 5678")  # looks like a number: kept as a draft alone
            await ana.says(before="ñ ‘", after='’ \\ "\n')
        elif "which one?" in question:
            await ana.says()
        elif "Send what you added now?" in question:
            return
        else:
            await ana.life.writes(ana.address, "skip")
    pytest.fail("the last question never came")


async def unsealed(ana: Ana) -> None:
    """Additions were sent, but no certificate may be used: they wait as answers."""
    await added(ana)
    courier = ana.life.bot.courier
    assert isinstance(courier.mission, MissionDesk)
    courier.mission = replace(courier.mission, alerting=replace(courier.mission.alerting, officers=()))
    await ana.life.writes(ana.address, "send now")
    assert await ana.life.rows("hand_off") == 1


async def sent(ana: Ana) -> None:
    """Alert and additions have left."""
    await added(ana)
    await ana.life.writes(ana.address, "send now")
    ana.life.bot.courier.post = ana.stage.post
    mood = ana.stage.changes["mood"]
    assert isinstance(mood, Mood)
    mood.reply = GOOD
    await ana.life.later(hours=1)
    assert await ana.life.rows("mail") == 0


STAGES = [opened, handed_off, added, unsealed, sent]


@pytest.mark.parametrize("comes_to", STAGES)
async def test_erase_at_any_moment_leaves_nothing_on_the_disk(
    stage: Stage, mood: Mood, comes_to: Callable[[Ana], Awaitable[None]]
) -> None:
    async with stage.open() as life:
        stage.changes = {"mood": mood}
        ana = Ana(life, stage)
        await comes_to(ana)
        assert ana.found() == []
        before = await life.blobs()
        assert len(before) > 3
        assert "Our copy is deleted." in await life.writes(ana.address, "erase")
        assert ana.found() == []
        assert still_there(stage, before) == []
        (mark,) = await life.blobs()  # of the wish itself, should it come twice: it leads to nobody
        assert mark not in before
        who = life.bot.desk.shelf.who(Sender(stage.channel, ana.address))
    assert ana.found() == []
    assert still_there(stage, [*before, who]) == []


@pytest.mark.parametrize("comes_to", STAGES)
async def test_what_nobody_comes_back_to_is_gone_when_its_time_is_over(
    stage: Stage, mood: Mood, comes_to: Callable[[Ana], Awaitable[None]]
) -> None:
    async with stage.open() as life:
        stage.changes = {"mood": mood}
        ana = Ana(life, stage)
        await comes_to(ana)
        before = await life.blobs()
        await life.day_after_day(15)
        assert await life.blobs() == []
        assert ana.found() == []
        assert still_there(stage, before) == []
    assert still_there(stage, before) == []


def still_there(stage: Stage, blobs: list[bytes]) -> list[str]:
    """The files that hold any 16 bytes of what was stored, at the places where a page's rest would."""
    pieces = {blob[start : start + 16] for blob in blobs for start in range(0, len(blob) - 15, 64)}
    pieces |= {blob[-16:] for blob in blobs}
    files = {path.name: path.read_bytes() for path in (*files_under(stage.kept), *files_under(stage.keys))}
    return [name for name, content in files.items() if any(piece in content for piece in pieces)]


async def test_one_persons_erase_leaves_another_persons_talk_alone(stage: Stage) -> None:
    async with stage.open() as life:
        ana, eva = Ana(life, stage), Ana(life, stage)
        await opened(ana)
        await opened(eva)
        await life.writes(ana.address, "erase")
        assert await life.talk(ana.address) is None
        kept = await life.talk(eva.address)
        assert kept is not None
        assert kept == replace(kept, step="area")
