"""The real bot on Signal, with a server on loopback, people who read what is on their screen, and an operator.

async with on_signal(stage, server) as bot:
    ana = server.person()
    await bot.says(ana, "SOS")
    await bot.says(ana, "Yes, I am in danger", "They may act")

The server's clock is the story's: `serving(stage.clock)`. It loses what is sent while nobody listens, as the real one
does, and keeps only what is sent while it is stopped, as Signal itself keeps that for a server that is down.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

import sqlalchemy as sa
from fakes_signal import SignalServer, signal_server
from fakes_signal_bot import QUICK, Alarms
from fakes_signal_people import Person
from fakes_signal_wire import ACCOUNT
from stories.stage import DEADLINE, SENDER, ZONE, Stage, StoryClock, T, Town

from bot.app import Bot, Plan, wire
from bot.channels.base import Channel
from bot.channels.signal import Signal
from bot.channels.signal_hearing import Patience
from bot.conversation.model import Conversation, Outcome, Say, Sender
from bot.staff import officers_of

HOUR = 3600

SOS = ("SOS", "Yes, I am in danger", "They may act")
BEGUN = ("hello", "English")
ORDINARY = (  # from the first question on, by what a person writes: a case of level 2, which leaves at once
    *("Maybe", "Not now", "Tell the mission what happened", "For me", "Threats or intimidation", "Oaxaca"),
    *("Quiet contact with authorities", "Here, at any hour", "Yes, send it", "Yes, they may act"),
)
AREAS = {"oax": "Oaxaca", "cmx": "Ciudad de México"}


class QuickClock(StoryClock):
    """A clock that runs by itself, so many times as fast as ours: for crowds whose words are tried again and again."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed, self._loop = speed, asyncio.get_running_loop()
        self._began = self._loop.time()

    def now(self, zone: tzinfo = ZONE) -> datetime:
        return (self.at + timedelta(seconds=(self._loop.time() - self._began) * self._speed)).astimezone(zone)


def serving(clock: StoryClock, *, impatient: bool = False) -> AbstractAsyncContextManager[SignalServer]:
    """Run a server that tells the story's time."""
    return signal_server(now=lambda: int(clock.now().timestamp() * 1000), impatient=impatient)


@dataclass
class Talks:
    """One life of the bot, and the people who write to it on Signal meanwhile."""

    bot: Bot
    server: SignalServer
    clock: StoryClock
    signal: Signal
    alarms: Alarms
    running: asyncio.Task[None]

    async def says(self, person: Person, *texts: str) -> str:
        """Let a person write, one message after the other; return all that they heard after the last one."""
        heard = len(person.heard)
        for text in texts:
            heard = len(person.heard)
            await self.taken(person, person.writes(text))
        return "\n".join(one.text for one in person.heard[heard:])

    async def taken(self, person: Person, at: int) -> None:
        """Wait until a message is read, and what followed from it is carried out."""
        await person.until(lambda: any(one.of == at for one in person.receipts))
        await self.settled()

    async def settled(self) -> None:
        """Wait until nothing is due and nothing is being carried."""
        async with asyncio.timeout(DEADLINE):
            await self.bot.courier.settled()

    async def later(self, **span: float) -> None:
        """Let time pass, and what has come due be done."""
        self.clock.move(**span)
        await self.bot.upkeep.round()
        self.bot.courier.wake()
        await self.settled()

    async def kept(self, person: Person) -> Conversation | None:
        """What is kept of a person, opened."""
        shelf = self.bot.desk.shelf
        return await self.reads(lambda conn: shelf.load(conn, shelf.who(Sender("signal", person.uuid))))

    async def reads(self, job: Callable[[sa.Connection], T]) -> T:
        """Do something with the database, as the writer does."""
        return await self.bot.writer.do(job)

    async def answers_of(self, person: Person) -> dict[str, tuple[str, ...]]:
        """What is kept of a person's answers, by question."""
        talk = await self.kept(person)
        return {one.step: one.choices for one in talk.answers} if talk else {}


@asynccontextmanager
async def on_signal(
    stage: Stage,
    server: SignalServer,
    *,
    patience: Patience = QUICK,
    beside: Sequence[Town] = (),
    alarm: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Talks]:
    """Let the bot live until the block ends, then stop it cleanly. `beside`: other channels that it hears."""
    alarms = Alarms()

    def rung(kind: str) -> None:
        alarms(kind)
        alarm(kind)

    def channels(bot: Bot) -> Sequence[Channel]:
        told = profile.signal
        numbers.append(
            Signal(
                server.address,
                ACCOUNT,
                bot.desk.now,
                vanish_seconds=told.vanish_hours * HOUR,
                receipts=told.receipts,
                alarm=rung,
                patience=patience,
            )
        )
        return [*numbers, *beside]

    numbers: list[Signal] = []
    profile = stage.profile()
    bot = wire(planned(stage, channels))
    connections, stop = server.connections, asyncio.Event()
    running = asyncio.create_task(bot.run(stop))
    talks = Talks(bot, server, stage.clock, numbers[0], alarms, running)
    try:
        await server.listening(connections + 1)
        yield talks
    finally:
        stop.set()
        await running


def planned(stage: Stage, channels: Callable[[Bot], Sequence[Channel]]) -> Plan:
    """The plan of a stage, with channels of the story's choice."""
    profile = stage.profile()
    profile = profile if "areas" in stage.changes else replace(profile, areas=AREAS)
    return Plan(
        profile,
        f"sqlite:///{stage.database}",
        stage.keys,
        stage.post,
        SENDER,
        lambda known: officers_of(profile, known),
        channels,
        stage.clock.now,
        stage.mailbox,
        stage.trusted,
        stage.limits,
        listen=stage.listen,
    )


def says_of(outcome: Outcome) -> Iterator[Say]:
    """What an outcome says."""
    return (effect for effect in outcome.effects if isinstance(effect, Say))
