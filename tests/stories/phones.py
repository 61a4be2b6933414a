"""One person before each real channel: they write, tap and hear through its adapter, against its server on loopback.

Each returns from `writes`, `taps` and `sends` once the turn is committed.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from io import StringIO
from queue import SimpleQueue
from typing import TextIO, cast

from fakes_signal import SignalServer
from fakes_signal_bot import QUICK
from fakes_signal_wire import ACCOUNT
from fakes_telegram import TelegramServer, telegram_server
from fakes_telegram_desk import QUICK as QUICK_TELEGRAM
from fakes_telegram_faults import Fault
from stories.signal_town import serving
from stories.stage import DEADLINE, StoryClock

from bot.app import Bot
from bot.channels.base import Channel
from bot.channels.signal import Signal
from bot.channels.telegram import Telegram
from bot.channels.telegram_buttons import MARK
from bot.channels.terminal import Terminal
from bot.conversation.model import Kind

QUICK_SIGNAL = replace(QUICK, silent_for=30.0, answer=30.0)  # here nothing fails on purpose, and a busy machine is slow
HOLD = 50  # seconds that Telegram may hold a question for updates: longer than any wait here

NOTHING_WAITS = Fault(200, body=b'{"ok":true,"result":[]}')


class Phone(ABC):
    """What a person holds."""

    name: str
    address: str
    kinds: frozenset[Kind]  # what can be sent besides words

    @abstractmethod
    def channel(self, bot: Bot) -> Channel: ...

    @abstractmethod
    async def listening(self) -> None:
        """Wait until the bot hears."""

    @abstractmethod
    async def writes(self, text: str) -> None: ...

    async def after_a_while(self) -> None:  # noqa: B027 - to most it makes no difference
        """Time has passed."""

    @property
    @abstractmethod
    def heard(self) -> list[str]:
        """All that the bot has said, a text each."""

    async def sends(self, kind: Kind) -> None:
        raise AssertionError(f"{self.name} sends no {kind}")

    def shows(self, *numbers: int) -> bool:
        """Whether there are buttons with these numbers."""
        return False

    async def taps(self, *numbers: int, several: bool) -> None:
        raise AssertionError(f"{self.name} has no buttons")


class OnSignal(Phone):
    name, kinds = "signal", frozenset({Kind.PHOTO, Kind.VOICE})

    def __init__(self, server: SignalServer) -> None:
        self._server, self._person = server, server.person()
        self.address = self._person.uuid

    def channel(self, bot: Bot) -> Channel:
        return Signal(self._server.address, ACCOUNT, bot.desk.now, patience=QUICK_SIGNAL)

    async def listening(self) -> None:
        await self._server.listening()

    async def writes(self, text: str) -> None:
        await self._read(self._person.writes(text))

    async def sends(self, kind: Kind) -> None:
        sort = {Kind.PHOTO: "image/jpeg", Kind.VOICE: "audio/aac"}[kind]
        name = f"{self._server.stamp():x}.bin"
        self._server.keep(name, b"never read")
        file = {"contentType": sort, "id": name, "size": 10}
        frame = {"message": None, "expiresInSeconds": 0, "attachments": [file]}
        await self._read(self._person.gives(lambda at: {"dataMessage": {"timestamp": at, **frame}}))

    async def _read(self, at: int) -> None:
        await self._person.until(lambda: any(receipt.of == at for receipt in self._person.receipts))

    @property
    def heard(self) -> list[str]:
        return [said.text for said in self._person.heard]


class OnTelegram(Phone):
    name, kinds = "telegram", frozenset({Kind.PHOTO, Kind.VOICE})

    def __init__(self, server: TelegramServer, language: str) -> None:
        self._server, self._person = server, server.person(language_code=language)
        self.address = str(self._person.id)

    def channel(self, bot: Bot) -> Channel:
        api = self._server.base_url.removesuffix("/bot")
        return Telegram(self._server.token, bot.desk.now, api, waits=QUICK_TELEGRAM, pause=0.0, hold=HOLD)

    async def listening(self) -> None:
        async with asyncio.timeout(DEADLINE):
            while not self._server.polls:
                await self._server.polled()

    async def writes(self, text: str) -> None:
        async with self._taken():
            self._person.writes(text)

    async def sends(self, kind: Kind) -> None:
        async with self._taken():
            self._person.sends(kind)

    async def after_a_while(self) -> None:
        """Let the bot hear that nothing waits: Telegram dates no taps, so none is younger than the last such answer."""
        polls = self._server.polls
        self._server.fails("getUpdates", NOTHING_WAITS)
        await self._server.goes_away()  # it breaks off the question that is held since
        await self._server.comes_back()
        await self._server.news.until(lambda: self._server.polls > polls + 1, DEADLINE)

    def shows(self, *numbers: int) -> bool:
        shown = {label.removeprefix(MARK).split()[0] for label in self._labels()}
        return {str(number) for number in numbers} <= shown

    async def taps(self, *numbers: int, several: bool) -> None:
        for number in numbers:
            async with self._taken():
                self._person.taps(number)
        if several:  # that's all
            async with self._taken():
                self._person.taps(self._labels()[-1])

    def _labels(self) -> list[str]:
        return next((shown.labels for shown in reversed(self._person.messages) if shown.buttons), [])

    @asynccontextmanager
    async def _taken(self) -> AsyncIterator[None]:
        """What was sent is taken when the bot asks for what comes after it."""
        goal = self._server.polls + 1
        yield
        await self._server.news.until(lambda: self._server.polls >= goal, DEADLINE)

    @property
    def heard(self) -> list[str]:
        return [shown.said for shown in self._person.heard]


class _Lines:
    """A pipe that somebody writes into, line by line."""

    def __init__(self) -> None:
        self.written: SimpleQueue[str] = SimpleQueue()

    def isatty(self) -> bool:
        return False

    def __iter__(self) -> Iterator[str]:
        while line := self.written.get():
            yield line


class _Screen(StringIO):
    """A screen that knows what was written in one go."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def write(self, text: str) -> int:
        self.texts.append(text)
        return super().write(text)


class OnTerminal(Phone):
    name, address, kinds = "terminal", "person", frozenset[Kind]()

    def __init__(self, language: str) -> None:
        self._language = language
        self._lines, self._screen = _Lines(), _Screen()
        self._quiet = asyncio.Semaphore(0)  # once for each time that all is said and a line is awaited

    def channel(self, bot: Bot) -> Channel:
        async def settled() -> None:
            await bot.courier.settled()
            self._quiet.release()

        source = cast("TextIO", self._lines)
        return Terminal(bot.desk.now, settled, hint=self._language, source=source, target=self._screen)

    async def listening(self) -> None:
        await asyncio.wait_for(self._quiet.acquire(), DEADLINE)

    async def writes(self, text: str) -> None:
        self._lines.written.put(f"{text}\n")
        await asyncio.wait_for(self._quiet.acquire(), DEADLINE)

    def ends(self) -> None:
        """Close the pipe."""
        self._lines.written.put("")

    @property
    def heard(self) -> list[str]:
        return [text.removesuffix("\n\n") for text in self._screen.texts if not text.startswith("> ")]


@asynccontextmanager
async def phone(name: str, language: str, clock: StoryClock) -> AsyncIterator[Phone]:
    """A phone, or a terminal, with the server behind it; all of them tell the story's time."""
    if name == "terminal":
        terminal = OnTerminal(language)
        try:
            yield terminal
        finally:
            terminal.ends()
    elif name == "signal":
        async with serving(clock) as signal:
            yield OnSignal(signal)
    else:
        async with telegram_server() as telegram:
            telegram.world.now = lambda: clock.now().timestamp()
            yield OnTelegram(telegram, language)
