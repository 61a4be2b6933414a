"""What the tests of the Telegram channel stand on: a desk that takes turns, and a channel that listens meanwhile."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fakes_telegram import TelegramServer
from fakes_telegram_people import Person
from fakes_telegram_queue import News

from bot.channels.base import Outgoing
from bot.channels.telegram import Telegram
from bot.channels.telegram_polling import Waits
from bot.conversation.model import Line, Message, Question, Say, Sender, Spoken
from bot.errors import BotError

QUICK = Waits(network=(0.02,), turns=0.02, poller=0.02)
FOREVER = Waits(network=(3600.0,), turns=3600.0, poller=3600.0)


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the fake dates its messages by the same clock


@dataclass
class Desk:
    """Takes turns. The next `failing` batches are not taken; a turn waits while `held`."""

    messages: list[Message] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    failing: int = 0
    refused: int = 0
    held: asyncio.Event = field(default_factory=asyncio.Event)
    news: News = field(default_factory=News)

    def __post_init__(self) -> None:
        self.held.set()

    async def take(self, messages: Sequence[Message]) -> None:
        await self.held.wait()
        if self.failing:
            self.failing -= 1
            self.refused += 1
            self.news.tell()
            raise RuntimeError("the disk is full: top secret words")
        self.messages += messages
        self.batches.append(len(messages))
        self.news.tell()

    async def took(self, count: int) -> list[Message]:
        """Wait for so many messages in all."""
        await self.news.until(lambda: len(self.messages) >= count)
        return self.messages

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]


def channel(server: TelegramServer, **more: Any) -> Telegram:  # noqa: ANN401 - fields of Telegram
    settings: dict[str, Any] = {"waits": QUICK, "pause": 0.0, "hold": 5} | more
    return Telegram(server.token, now, server.base_url.removesuffix("/bot"), **settings)


@asynccontextmanager
async def listening(telegram: Telegram, desk: Desk) -> AsyncIterator[asyncio.Task[None]]:
    """Let it listen meanwhile; whatever ended it before is raised."""
    task = asyncio.create_task(telegram.listen(desk.take))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def sender(person: Person) -> Sender:
    return Sender("telegram", str(person.id))


def words(person: Person, text: str = "Hello", *, urgent: bool = False, copyable: bool = False) -> Outgoing:
    return Outgoing(sender(person), Spoken(text, copyable=copyable), Say((Line("x"),), ("en",)), urgent=urgent)


def question(person: Person, *names: str, serial: int = 1, several: bool = False, text: str = "Which?") -> Outgoing:
    offered = tuple(enumerate(names, 1))
    buttons = tuple((number, f"{number} {name.title()}") for number, name in offered)
    asked = Question("step", serial, offered, several=several)
    spoken = Spoken(text, buttons, "Done" if several else "")
    return Outgoing(sender(person), spoken, Say((Line("x"),), ("en",), question=asked))


def events(records: Sequence[logging.LogRecord]) -> list[str]:
    """The names of what was logged."""
    return [str(record.msg.shown["event"]) for record in records if hasattr(record.msg, "shown")]


def everything_told(error: BaseException) -> str:
    """Whatever could be printed of an error and of those behind it."""
    told = ""
    one: BaseException | None = error
    while one is not None:
        told += f"{one!r} {one} {vars(one) if isinstance(one, BotError) else ''}"
        one = one.__cause__ or one.__context__
    return told
