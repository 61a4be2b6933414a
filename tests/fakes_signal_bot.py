"""A channel on Signal as the tests run it: quick to retry, with a desk and an operator that remember what they got."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from fakes_signal import SignalServer
from fakes_signal_people import Person
from fakes_signal_wire import ACCOUNT

from bot.channels.base import Ears, Outgoing
from bot.channels.signal import EARS, Signal
from bot.channels.signal_hearing import Patience
from bot.conversation.model import Line, Message, Question, Say, Sender, Spoken

QUICK = Patience(
    first_retry=0.01,
    last_retry=0.05,
    deaf_after=0.1,
    ping_every=0.05,
    silent_for=0.5,
    answer=1.0,
    repeat=0.01,
    longest_repeat=0.02,
    sweep_every=0.2,
)
WITHIN = 20


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the tests' server has the same clock


@dataclass
class Taken:
    """Takes turns as the desk does: `messages` are committed. `fails`: so many batches are refused first."""

    messages: list[Message] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    fails: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.open.set()

    async def __call__(self, messages: Sequence[Message]) -> None:
        given = list(messages)
        self.batches.append(len(given))
        async with self.news:
            self.news.notify_all()
        await self.open.wait()
        if self.fails:
            self.fails -= 1
            raise ValueError("the disk is full")
        async with self.news:
            self.messages += given
            self.news.notify_all()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN), self.news:
            await self.news.wait_for(true)

    async def texts(self, count: int) -> list[str]:
        await self.until(lambda: len(self.messages) >= count)
        return [message.text for message in self.messages]


class Alarms(list[str]):
    """What an operator was told."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    def __call__(self, kind: str) -> None:
        self.append(kind)
        self._news.set()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN):
            while not true():
                self._news.clear()
                await self._news.wait()


@dataclass
class Bot:
    """A channel that listens, and what came of it."""

    signal: Signal
    taken: Taken
    alarms: Alarms
    listening: "asyncio.Task[None]"


@asynccontextmanager
async def bot(
    server: SignalServer,
    *,
    patience: Patience = QUICK,
    receipts: bool = True,
    taken: Taken | None = None,
    ears: Ears = EARS,
) -> AsyncIterator[Bot]:
    alarms = Alarms()
    signal = Signal(server.address, ACCOUNT, now, receipts=receipts, alarm=alarms, patience=patience, ears=ears)
    taken = taken or Taken()
    listening = asyncio.create_task(signal.listen(taken))
    try:
        await server.listening()
        yield Bot(signal, taken, alarms, listening)
    finally:
        await stopped(listening)


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [str(record.msg.shown["event"]) for record in caplog.records if hasattr(record.msg, "shown")]


def outgoing(
    person: Person, text: str = "Are you safe?", *, serial: int | None = None, urgent: bool = False
) -> Outgoing:
    question = None if serial is None else Question("safe", serial, ((1, "yes"), (2, "no")), first=serial == 1)
    say = Say((Line("safe"),), ("en",), question)
    return Outgoing(Sender("signal", person.uuid), Spoken(text), say, urgent=urgent)


async def stopped(listening: "asyncio.Task[None]") -> None:
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
