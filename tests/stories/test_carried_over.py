"""A talk begun on Telegram goes on in Signal with a code: once, for a quarter of an hour, and both sides are told."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes_smtp import Authority, MailServer
from storage.canaries import files_under, hits
from stories.stage import Inbox, Life, Stage, Town, posted_to

from bot.conversation.model import Conversation, Sender
from bot.handoff.mission import SignalAddress

ROAD = ("en", "no", "soon", "tell", "me", "threat")


@pytest.fixture
def stage(tmp_path: Path, server: MailServer, authority: Authority, officer: Inbox) -> Stage:
    return Stage(
        tmp_path, posted_to(server, authority), (officer.contact,), changes={"signal": SignalAddress("postigo.42")}
    )


class Both:
    """A bot on Signal and on Telegram, and a person who writes on either."""

    def __init__(self, life: Life) -> None:
        self.life, self.signal = life, life.town
        self.telegram = Town(life.clock.now, "telegram")
        self.telegram.keeps_ids = True
        self.telegram._take_turns = life.bot.desk.take_turns
        life.bot.courier.channels = {"signal": self.signal, "telegram": self.telegram}

    async def there(self, *texts: str) -> str:
        """Let Ana write on Telegram; return what she was told last."""
        for text in texts:
            await self.telegram.take("ana", text, removable=True)
            await self.life.settled()
        return self.telegram.told("ana")[-1]

    async def picks(self, *choices: str) -> None:
        for choice in choices:
            questions = [heard.say.question for heard in self.telegram.heard["ana"] if heard.say.question]
            await self.there(next(str(number) for number, name in questions[-1].offered if name == choice))

    async def here(self, *texts: str, address: str = "ana's new phone") -> str:
        """Let somebody write on Signal; return what they were told last."""
        return await self.life.writes(address, *texts)

    @property
    def code(self) -> str:
        """The last code that Ana was given."""
        found = re.findall(r"\d{4} \d{4} \d{4}", "\n".join(self.telegram.told("ana")))
        return str(found[-1])

    async def kept(self, channel: str, address: str) -> Conversation | None:
        shelf = self.life.bot.desk.shelf
        return await self.life.reads(lambda conn: shelf.load(conn, shelf.who(Sender(channel, address))))


@asynccontextmanager
async def opened(stage: Stage) -> AsyncIterator[Both]:
    async with stage.open() as life:
        yield Both(life)


async def test_a_talk_goes_on_in_signal_and_ends_on_telegram(stage: Stage) -> None:
    async with opened(stage) as both:
        await both.there("hello")
        await both.picks(*ROAD)
        told = await both.here(both.code)
        assert "This came over from Telegram" in told
        assert "Threats or intimidation" in told
        assert "Your code was used on Signal" in both.telegram.told("ana")[-1]
        assert await both.kept("telegram", "ana") is None
        assert "In which state or area?" in await both.here("1")
        assert len(both.telegram.cleared) == 1  # at once
        await both.life.later(minutes=31)
        assert len(both.telegram.cleared) == 2  # and what was said last
        assert both.signal.cleared == []


async def test_a_code_works_once(stage: Stage) -> None:
    async with opened(stage) as both:
        await both.there("hello")
        await both.picks(*ROAD)
        code = both.code
        await both.here(code)
        for address in ("a stranger", "ana's new phone"):
            assert "This code is used, or too old" in await both.here(code, address=address)
        stranger = await both.kept("signal", "a stranger")
        assert stranger is not None
        assert stranger.answers == ()
        mine = await both.kept("signal", "ana's new phone")
        assert mine is not None
        assert (mine.step, len(mine.answers)) == ("carried", 3)


@pytest.mark.parametrize(("minutes", "carried"), [(14, True), (16, False)])
async def test_a_code_works_for_a_quarter_of_an_hour(stage: Stage, minutes: int, carried: bool) -> None:
    async with opened(stage) as both:
        await both.there("hello")
        await both.picks(*ROAD)
        both.life.clock.move(minutes=minutes)
        told = await both.here(both.code)
        assert ("This came over from Telegram" in told) == carried
        assert (await both.kept("telegram", "ana") is None) == carried


async def test_a_new_code_can_be_had_when_the_old_one_is_too_old(stage: Stage) -> None:
    async with opened(stage) as both:
        await both.there("hello")
        await both.picks(*ROAD)
        both.life.clock.move(minutes=20)
        old = both.code
        await both.there("SIGNAL")
        assert both.code != old
        assert "This code is used" in await both.here(old)
        assert "This came over from Telegram" in await both.here(both.code)


async def test_of_two_codes_of_one_talk_the_second_finds_nothing_more(stage: Stage) -> None:
    async with opened(stage) as both:
        await both.there("hello")
        first = both.code
        await both.picks(*ROAD)
        await both.there("SIGNAL")
        assert "This came over" in await both.here(both.code)
        assert "This code is used" in await both.here(first, address="a stranger")


async def test_a_guessed_code_carries_nothing_and_ends_nothing(stage: Stage) -> None:
    async with opened(stage) as both:
        await both.there("hello")
        await both.picks(*ROAD)
        digits = both.code.replace(" ", "")
        for place in range(12):
            wrong = digits[:place] + str((int(digits[place]) + 1) % 10) + digits[place + 1 :]
            assert "This code is used, or too old" in await both.here(wrong, address="a stranger")
        assert (await both.kept("telegram", "ana")) is not None
        assert "Your code was used" not in "".join(both.telegram.told("ana"))
        assert "This came over from Telegram" in await both.here(digits)


async def test_a_code_that_is_sent_on_telegram_itself_is_not_spent(stage: Stage) -> None:
    async with opened(stage) as both:
        await both.there("hello")
        await both.picks(*ROAD)
        assert "I did not understand that" in await both.there(both.code)
        await both.telegram.take("a stranger", both.code)
        await both.life.settled()
        assert "This came over" not in "".join(both.telegram.told("a stranger"))
        assert "This came over from Telegram" in await both.here(both.code)


async def test_after_the_case_was_sent_its_code_carries_nothing(stage: Stage) -> None:
    async with opened(stage) as both:
        await both.there("hello")
        code = both.code
        await both.there("SOS")
        await both.picks("me", "act")
        assert "This code is used, or too old" in await both.here(code)
        talk = await both.kept("telegram", "ana")
        assert talk is not None
        assert talk.case is not None


@pytest.mark.parametrize("end", ["stop", "erase", "carried"])
async def test_an_unused_code_does_not_carry_a_later_talk(stage: Stage, end: str) -> None:
    async with opened(stage) as both:
        await both.there("hello")
        first = both.code
        await both.there("SIGNAL")
        await (both.here(both.code) if end == "carried" else both.there(end))
        await both.there("hello again", "English", "1")
        assert "This code is used, or too old" in await both.here(first, address="a stranger")
        assert await both.kept("telegram", "ana") is not None


@pytest.mark.parametrize("end", ["stop", "erase"])
async def test_after_an_end_a_code_carries_nothing(stage: Stage, end: str) -> None:
    async with opened(stage) as both:
        await both.there("hello")
        await both.picks(*ROAD)
        code = both.code
        await both.there(end)
        assert "This code is used, or too old" in await both.here(code)
        assert "Your code was used" not in "".join(both.telegram.told("ana"))


async def test_an_emergency_goes_on_as_one(stage: Stage) -> None:
    async with opened(stage) as both:
        await both.there("SOS", "SIGNAL")
        assert "Nothing has been sent yet" in await both.here(both.code)
        talk = await both.kept("signal", "ana's new phone")
        assert talk is not None
        assert talk.urgent


async def test_a_talk_past_its_time_is_not_carried(stage: Stage) -> None:
    async with opened(stage) as both:
        await both.there("hello")
        await both.picks(*ROAD)
        both.life.clock.move(minutes=29)
        await both.there("SIGNAL")
        desk, life = both.life.bot.desk, both.life
        talk = await both.kept("telegram", "ana")
        assert talk is not None
        who = desk.shelf.who(Sender("telegram", "ana"))
        await life.reads(lambda conn: desk.shelf.lend_code(conn, "1" * 12, who, life.clock.at.replace(year=2100)))
        life.clock.move(minutes=31)
        assert "This code is used, or too old" in await both.here("1" * 12)


async def test_where_own_words_are_waited_for_a_phone_number_of_twelve_digits_is_kept(stage: Stage) -> None:
    async with opened(stage) as both:
        await both.here("SOS")
        for choice in ("me", "act", "yes"):
            await both.life.picks("ana's new phone", choice)
        for _ in range(20):
            talk = await both.kept("signal", "ana's new phone")
            assert talk is not None
            if talk.step == "handle":
                break
            await both.here("SKIP")
        await both.here("+52 55 1234 5678")
        talk = await both.kept("signal", "ana's new phone")
        assert talk is not None
        assert [one.words for one in talk.answers if one.step == "handle"] == ["+52 55 1234 5678"]


async def test_a_code_stands_in_clear_in_no_file_and_no_log(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(stage) as both:
        await both.there("hello")
        code = both.code
        forms = [code, code.replace(" ", "")]
        assert hits(forms, files_under(stage.folder)) == []
        await both.here(code)
        assert hits(forms, files_under(stage.folder)) == []
        codes = await both.life.reads(lambda conn: conn.execute(sa.text("SELECT COUNT(*) FROM way_back")).scalar_one())
        assert codes == 0
    assert not [form for form in forms if form in caplog.text]
