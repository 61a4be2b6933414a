"""A whole bot on a test stand: the real flow, storage, sealing and courier; only messenger and mail server are null."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter

from benchmarks.people import CHANNEL, Script, message, people, scripts
from bot import clock, logs
from bot.alerting import Officer
from bot.app import Bot, Plan, wire
from bot.channels.base import Arrived, Outgoing, TakeTurns
from bot.content import content
from bot.conversation.model import Sender
from bot.handoff.mission import Contact, MissionProfile
from bot.knowledge import Knowledge, complete_languages
from bot.mail.openpgp import throwaway_officer
from bot.settings import read_mission

OFFICER = "officer@benchmark.invalid"
SENDER = "postigo@benchmark.invalid"
PATIENCE = 60.0  # seconds without an answer, after which something is broken


@dataclass(frozen=True, slots=True)
class Visit:
    """One person's messages: those of a script from `start` up to `end`."""

    address: str
    script: Script
    start: int = 0
    end: int | None = None


@dataclass(slots=True)
class NullChannel:
    """Takes every word and shows it to nobody; whoever waits for a question learns that it came."""

    name: str = CHANNEL
    redelivers: bool = True
    repeats_questions: bool = False
    has_buttons: bool = False
    notifies: bool = False
    at_once: int = 64
    pause: float = 0.0
    _awaited: dict[tuple[str, int], asyncio.Event] = field(default_factory=dict)

    async def listen(self, take_turns: TakeTurns) -> None:
        """Hear nobody: the benchmark calls the desk itself."""

    async def send(self, outgoing: Outgoing) -> Arrived:
        """Take the words; they arrive at once."""
        question = outgoing.say.question
        if not outgoing.spoken.text:
            raise ValueError("nothing was said")
        awaited = self._awaited.pop((outgoing.sender.address, question.serial), None) if question else None
        if awaited:
            awaited.set()
        return Arrived(clock.now())

    async def clear(self, sender: Sender, ids: tuple[str, ...]) -> None:
        """Delete nothing: there is nothing."""

    def awaiting(self, address: str, serial: int) -> asyncio.Event:
        """Return what is set when this person is asked the question with this serial."""
        return self._awaited.setdefault((address, serial), asyncio.Event())


class NullPost:
    """Takes every mail and sends none."""

    confirms: bool = True

    async def send(self, mail: bytes, recipient: str) -> None:
        """Accept a mail."""


@dataclass(slots=True)
class Stand:
    """A running bot, and those who talk with it. `carries`: a courier brings each answer, and people wait for it."""

    bot: Bot
    channel: NullChannel
    written: Sequence[Script]
    carries: bool

    def now(self) -> datetime:
        """Return the present moment in the mission's zone."""
        return self.bot.desk.now()

    def strangers(self, label: str) -> Iterator[Visit]:
        """Yield people without end who have never written before."""
        return (Visit(address, script) for address, script in people(self.written, label))

    async def talk(self, visits: Iterator[Visit], at_once: int, more: Callable[[], bool]) -> list[float]:
        """Let `at_once` people talk at the same time as long as `more()`; return the seconds each turn took.

        Whoever comes to the end of a script, or of `visits`, makes place for the next.
        """
        took: list[float] = []
        await asyncio.gather(*(self._one_after_another(visits, more, took) for _ in range(at_once)))
        return took

    async def quiet(self) -> None:
        """Return when the courier has carried everything that is due: it would slow down what is measured next."""
        if self.carries:
            await self.bot.courier.settled()

    async def _one_after_another(self, visits: Iterator[Visit], more: Callable[[], bool], took: list[float]) -> None:
        for visit in visits:
            for place in range(len(visit.script.lines))[visit.start : visit.end]:
                if not more():
                    return
                took.append(await self._turn(visit.address, visit.script, place))

    async def _turn(self, address: str, script: Script, place: int) -> float:
        answered = script.lines[place].answered
        awaited = self.channel.awaiting(address, answered) if self.carries and answered else None
        begun = perf_counter()
        await self.bot.desk.take_turn(message(script, place, address, self.now()))
        took = perf_counter() - begun
        if awaited:
            await asyncio.wait_for(awaited.wait(), PATIENCE)
        return took


@asynccontextmanager
async def standing(folder: Path, *, carries: bool, database: str = "") -> AsyncIterator[Stand]:
    """Wire a bot whose keys and, unless `database` is another's address, database lie in `folder`, run and stop it."""
    logs.install("error")
    channel = NullChannel()
    at = clock.now()  # it stands still: questions are numbered by the hour at which a talk begins, as in the scripts
    plan = Plan(
        profile(),
        database or f"sqlite:///{folder}/postigo.db",
        folder / "keys",
        NullPost(),
        SENDER,
        officers(),
        lambda _: [channel],
        at.astimezone,
    )
    bot = wire(plan)
    stand = Stand(bot, channel, scripts(bot.knowledge.book, bot.desk.now()), carries)
    bot.writer.start()
    await bot.upkeep.begin()
    rooms = [asyncio.create_task(bot.courier.run())] if carries else []
    try:
        yield stand
    finally:
        for room in rooms:
            room.cancel()
        await asyncio.gather(*rooms, return_exceptions=True)
        await bot.courier.finish(PATIENCE)
        await bot.writer.stop()
        bot.engine.dispose()


def officers() -> Callable[[Knowledge], list[Officer]]:
    """Return one officer, whose key is thrown away."""
    _, certificate = throwaway_officer()
    contact = Contact(OFFICER, fingerprint=certificate.fingerprint)
    return lambda knowledge: [Officer(contact, certificate, knowledge.reader(contact.language))]


def turns(limit: int) -> Callable[[], bool]:
    """Return a `more` for `Stand.talk` that is true so many times."""
    left = iter(range(limit))
    return lambda: next(left, None) is not None


def seconds(limit: float) -> Callable[[], bool]:
    """Return a `more` for `Stand.talk` that is true for so long."""
    until = perf_counter() + limit
    return lambda: perf_counter() < until


def percentile(took: Sequence[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of `took` do not exceed."""
    ordered = sorted(took)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def profile() -> MissionProfile:
    """Return the example mission, with the languages that are complete and no window: each case leaves at once."""
    profile, contact = (
        read_mission(content("missions") / "us-mexico.toml"),
        Contact(OFFICER),
    )  # whose key is thrown away
    return replace(profile, languages=complete_languages(profile.languages), contacts=(contact,), window_minutes=0)
