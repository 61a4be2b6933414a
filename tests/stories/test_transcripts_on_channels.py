"""The transcripts are the same files for terminal, Telegram and Signal: each is replayed on every real channel.

With the real desk, storage and courier, each channel's adapter and a server of its kind on loopback. Compared are the
names of what is said and the other effects; and that what the person hears is just that, rendered. How a transcript is
read here, beside what tests/test_transcripts.py says of it:

- Where a channel has a text of its own (`risk_telegram`, `clear_signal`, …), the name without it is compared.
- A transcript without `# channel:` is of a terminal, where own words are asked for: so they are on every channel, and
  no other messenger is named on Telegram. One for Telegram is replayed without own words, as Telegram is by default;
  what only Telegram says (`safer`, with a code, and so the question after it by itself) is left out elsewhere.
- One whole intake and three walks through the guide are replayed in every language (short of a soak, in one of each
  way to write), the others in Spanish; short of a soak, not every file on Telegram, which takes a second a message.
- Where there are buttons, choices that are named are tapped. What a terminal can't send (a photo) is passed over there.
- What is deleted in a messenger (`! clear`, and the timer for it) depends on the messenger, and isn't compared.
- `~ 5 minutes` moves the clock. Mails are really sealed, and offered to a server that says "later": so `sealed`,
  `trying` and `refused` have happened by themselves. The other reports are made as the courier makes them; of an
  accepted mail nothing waits any more. A code comes from a talk that is led on Telegram first.

A transcript that can't be replayed on a channel says so in its header: `# not on NAME: the reason`.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from fakes import AREAS, FLOW, OFFERED, PAUSE, Talk
from stories.phones import Phone, phone
from stories.signal_town import planned, says_of
from stories.sizes import size_of
from stories.stage import ZONE, Life, Mood, Stage, Town
from test_transcripts import BECAUSE, FILES, FROM_MISSION, in_language

from bot.app import Bot, wire
from bot.channels.base import Channel
from bot.conversation.events import Accepted, Due, Event, FromMission
from bot.conversation.flow import Ask
from bot.conversation.model import Conversation, Kind, Outcome, Say, Sender, Timer
from bot.conversation.transcript import written_down
from bot.handoff.mission import Availability, Resource, SignalAddress, Support, Topic, WhoRuns
from bot.storage.outbox import SENT

SCRIPTS = {path.stem: path.read_text("utf-8") for path in FILES}
CHANNELS = ("terminal", "signal", "telegram")
EXCEPTIONS = {("carried", "telegram"), ("carried_anew", "telegram")}
OWN_NAMES = re.compile(r"_(?:terminal|signal|telegram)\b")
BY_MESSENGER = ("! clear ", "! wake clear ")
ON_TELEGRAM_ONLY = ("! code",)
SAFER, ANYWHERE = "< hello risk_telegram safer\n< language", "< hello risk language"
IN_ONE = ("es",)  # the others: in the language that most people write
ROUND = ("guide_walk", "guide_search", "ordinary")  # by one person, one after the other
SCRIPTS["round"] = "".join(SCRIPTS.pop(file) for file in ROUND)
IN_EVERY_LANGUAGE = ("round", "guide_note")
# What is replayed there short of a soak: its own, and one of each kind.
OFTEN_ON_TELEGRAM = (*IN_EVERY_LANGUAGE, "telegram", "answered_telegram", "emergency", "erased", "additions", "crisis")
BEGUN_ELSEWHERE = ("no", "soon", "tell", "me")
TIMERS = {
    "late": Timer.LATE,
    "give_up": Timer.GIVE_UP,
    "gather": Timer.GATHER,
    "unread": Timer.UNREAD,
    "clear": Timer.CLEAR,
}


def not_on(script: str) -> dict[str, str]:
    """Return on which channels a transcript can't be replayed, and why."""
    return dict(re.findall(r"^# not on (\w+): (.+)$", script, re.MULTILINE))


def home_of(script: str) -> str:
    found = re.search(r"^# channel: (\w+)$", script, re.MULTILINE)
    return found[1] if found else "terminal"


def rows_of(script: str, there: Phone) -> list[str]:
    """Return the rows that a channel can replay, names as they are for all channels."""
    rows: list[str] = []
    passing = False
    heard = script if there.name == "telegram" else script.replace(SAFER, ANYWHERE)
    for row in heard.splitlines():
        if row.startswith(("> ", "~ ")):
            passing = any(row == f"> ({kind})" and kind not in there.kinds for kind in Kind)
        if not passing and not row.startswith("#"):
            rows.append(OWN_NAMES.sub("", row))
    return [row for row in rows if _compared(row, there.name)]


def _compared(row: str, channel: str) -> bool:
    return not row.startswith(BY_MESSENGER) and (channel == "telegram" or row not in ON_TELEGRAM_ONLY)


class Replay:
    """One transcript on one channel, in one language."""

    def __init__(self, stage: Stage, there: Phone, elsewhere: Town, tag: str) -> None:
        self.there, self.elsewhere, self.tag, self.clock = there, elsewhere, tag, stage.clock
        self.noted: list[Outcome] = []
        self.said: list[Say] = []
        self.life: Life

    async def rows(self, script: str) -> list[str]:
        """Return the rows that come of the person's rows and of what happens outside."""
        told: list[str] = []
        for row in rows_of(script, self.there):
            if row.startswith(("> ", "~ ")):
                told.append(row)
                before = await self._kept()
                self.noted.clear()
                await (self._writes(row[2:]) if row.startswith("> ") else self._happens(row[2:].split()))
                await self.life.settled()
                told += [line for line in self._lines(before) if _compared(line, self.there.name)]
        return told

    def note(self, outcome: Outcome, _: datetime) -> None:
        if any(line.name == "say.code_used" for say in says_of(outcome) for line in say.lines):
            return  # said on Telegram
        self.noted.append(outcome)
        self.said += says_of(outcome)

    def _lines(self, before: Conversation | None) -> Iterator[str]:
        for outcome in self.noted:
            for line in written_down(outcome, self.clock.now(self.life.bot.knowledge.zone), BECAUSE):
                yield OWN_NAMES.sub("", line) if line.startswith("< ") else line
        if before and self.noted and not self.noted[-1].erase and self.noted[-1].conversation is None:
            yield "! forget"

    # What a person does

    async def _writes(self, text: str) -> None:
        self.clock.move(seconds=PAUSE.total_seconds())
        talk = await self._kept()
        kind = next((kind for kind in Kind if text == f"({kind})"), None)
        numbers = {name: number for number, name in talk.offered} if talk else {}
        names = text.split(", ")
        if kind:
            await self.there.sends(kind)
        elif talk and {*names} <= {*numbers} and self.there.shows(*(numbers[name] for name in names)):
            step = FLOW.step(talk.step)
            several = step is not None and step.kind is Ask.SEVERAL
            await self.there.taps(*(numbers[name] for name in names), several=several)
        else:
            person = Talk()
            person.conversation = talk
            await self.there.writes(in_language(text, person, self.tag))

    # What happens outside

    async def _happens(self, row: list[str]) -> None:
        name, number = row[0], int(row[1]) if len(row) > 1 and row[1].isdigit() else 0
        if name in {"carried", "code_unknown"}:
            self.clock.move(seconds=PAUSE.total_seconds())
            await self.there.writes(await self._code() if name == "carried" else "0" * 12)
        elif name == "accepted":
            await self._report(Accepted(number, self.clock.now(self.life.bot.knowledge.zone)))
        elif name in FROM_MISSION:
            await self._report(FROM_MISSION[name](number, self.clock.now(self.life.bot.knowledge.zone)))
        elif name in TIMERS:
            talk = await self._kept()
            assert talk
            await self._report(Due(TIMERS[name], talk.gathering if name == "gather" else number))
        elif name.isdigit():
            await self._wait(**{row[1]: float(name)})
        else:
            assert name in {"sealed", "trying", "refused"}

    async def _wait(self, **span: float) -> None:
        """Let time pass; what would come due by itself meanwhile is told by a row of its own, or left out."""
        self.clock.move(**span)
        await self.there.after_a_while()
        desk, sender = self.life.bot.desk, Sender(self.there.name, self.there.address)
        await self.life.reads(lambda conn: desk.outbox.drop_timers(conn, desk.shelf.who(sender)))

    async def _report(self, happened: Event) -> None:
        desk, sender = self.life.bot.desk, Sender(self.there.name, self.there.address)
        who = desk.shelf.who(sender)

        def job(conn: sa.Connection) -> None:
            if isinstance(happened, Accepted):  # the server has it: nothing is offered again
                later = self.clock.now() + timedelta(days=2)
                for row in desk.outbox.claimable(conn, later, 10, (), sought=SENT):
                    desk.outbox.done(conn, row.id)
            if isinstance(happened, FromMission):
                desk.from_mission(conn, who, happened)
            else:
                desk.reported(conn, who, sender, happened)

        await self.life.reads(job)
        self.life.bot.courier.wake()

    async def _code(self) -> str:
        """Lead a talk on Telegram to its second question; return its code."""
        said, noted = len(self.said), len(self.noted)
        for choice in ("hello", self.tag, *BEGUN_ELSEWHERE):
            questions = [heard.say.question for heard in self.elsewhere.heard["ana"] if heard.say.question]
            offered = {name: str(number) for number, name in questions[-1].offered} if questions else {}
            await self.elsewhere.take("ana", offered.get(choice, choice), hint=self.tag)
            await self.life.settled()
        del self.said[said:], self.noted[noted:]
        return str(re.findall(r"\d{4} \d{4} \d{4}", "".join(self.elsewhere.told("ana")))[-1])

    async def _kept(self) -> Conversation | None:
        shelf = self.life.bot.desk.shelf
        sender = Sender(self.there.name, self.there.address)
        return await self.life.reads(lambda conn: shelf.load(conn, shelf.who(sender)))

    def heard_as_said(self, bot: Bot) -> None:
        """All that was to be said at once was heard, in order, and nothing else."""
        channel, spoken = bot.channels[self.there.name], bot.knowledge.renderer.spoken
        texts = [(spoken(say, buttons=channel.has_buttons, covered=channel.notifies).text, say) for say in self.said]
        later = [text for text, say in texts if say.not_before]  # in the person's hours: perhaps still to come
        assert [text for text in self.there.heard if text not in later] == [t for t, s in texts if not s.not_before]


def changed(stage: Stage, script: str, tag: str) -> None:
    """Give the mission what the transcripts were written for."""
    home = home_of(script)
    named = SignalAddress("postigo.42") if home != "terminal" else SignalAddress()
    source, today = "https://example.org/support", stage.clock.now(ZONE).date()
    stage.changes = {
        "languages": (tag, *(one for one in ("en", "es") if one != tag)),
        "areas": AREAS,
        "own_words": () if home == "telegram" else CHANNELS,
        "signal": named,
        "official_site": "https://mission.example",
        "crisis_lines": (Resource("Line", "+52 55 0001", WhoRuns.NGO, source, verified_on=today),),
        "topics": {Support.MEETINGS: Topic(Availability.YES, {"en": "On Mondays."}, source, today)},
    }


@asynccontextmanager
async def replayed(stage: Stage, replay: Replay) -> AsyncIterator[Life]:
    """Let the bot live until the block ends, then stop it cleanly."""

    def channels(bot: Bot) -> Sequence[Channel]:
        there = replay.there.channel(bot)
        return [there] if there.name == "telegram" else [there, replay.elsewhere]

    bot = wire(planned(stage, channels))
    bot.desk.noted = replay.note
    stop = asyncio.Event()
    running = asyncio.create_task(bot.run(stop))
    replay.life = Life(bot, replay.elsewhere, stage.clock, running)
    try:
        await replay.there.listening()
        yield replay.life
    finally:
        stop.set()
        await running


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    size = size_of("test_transcripts_on_channels", soak=metafunc.config.getoption("--soak"))
    every = size.languages or OFFERED
    talks = [
        (name, file, tag)
        for name in CHANNELS
        for file in SCRIPTS
        if not size.languages or name != "telegram" or file in OFTEN_ON_TELEGRAM
        for tag in (every if file in IN_EVERY_LANGUAGE else IN_ONE)
    ]
    metafunc.parametrize(("name", "file", "tag"), talks, ids=lambda part: part)


async def test_a_transcript_is_what_is_said_on_every_channel(
    file: str, name: str, tag: str, stage: Stage, mood: Mood, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = SCRIPTS[file]
    assert (name in not_on(script)) == ((file, name) in EXCEPTIONS)
    if name in not_on(script):
        return
    monkeypatch.setattr("bot.clock.fraction", lambda: 0.5)  # when in its window a case leaves
    mood.reply = "451 later"
    changed(stage, script, tag)
    stage.clock.at = stage.clock.at.replace(hour=8)
    async with phone(name, tag, stage.clock) as there:
        elsewhere = Town(stage.clock.now, "telegram")
        replay = Replay(stage, there, elsewhere, tag)
        async with replayed(stage, replay) as life:
            told = await replay.rows(script)
            replay.heard_as_said(life.bot)
    assert told == rows_of(script, there)
