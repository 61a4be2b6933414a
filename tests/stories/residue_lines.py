"""What somebody in a story of residue writes through: a phone with Signal, a chat in Telegram, a program's pipes.

What they write is `residue_crowd`'s.
"""

import asyncio
import re
from abc import ABC, abstractmethod

from fakes_signal_people import Person as OnPhone
from fakes_telegram_people import Person as InChat
from stories.program import Running


class Line(ABC):
    """What a person writes through. `fields`: all that a channel knows of them."""

    fields: tuple[str, ...] = ()
    reading = 0.06  # seconds: nobody consents to what they can't have read yet

    @abstractmethod
    def writes(self, text: str) -> None: ...

    @abstractmethod
    async def hears(self, within: float) -> str:
        """Wait for something new; return all of it, or "" when the time is over."""

    def gives(self, words: str) -> bool:
        """Send something else that holds words; whether that can be."""
        return False


class SignalLine(Line):
    """A phone with Signal."""

    def __init__(self, person: OnPhone) -> None:
        self._person, self._read = person, 0
        self.fields = (person.uuid, person.name, *([person.number] if person.number else []))

    def writes(self, text: str) -> None:
        self._person.writes(text)

    def gives(self, words: str) -> bool:
        self._person.sends_file(words)
        return True

    async def hears(self, within: float) -> str:
        try:
            await self._person.until(lambda: len(self._person.heard) > self._read, within=within)
        except TimeoutError:
            return ""
        new = self._person.heard[self._read :]
        self._read = len(self._person.heard)
        return "\n".join(one.text for one in new)


class TelegramLine(Line):
    """A chat in Telegram, which dates in whole seconds: what is written within the same one is dated before."""

    reading = 1.05

    def __init__(self, person: InChat) -> None:
        self._person, self._read = person, 0
        self.fields = (str(person.id), *(str(person.user[one]) for one in ("first_name", "last_name", "username")))

    def writes(self, text: str) -> None:
        self._person.writes(text)

    def gives(self, words: str) -> bool:
        self._person.sends("photo", caption=words)
        return True

    async def hears(self, within: float) -> str:
        try:
            await self._person.news.until(lambda: len(self._person.heard) > self._read, within)
        except TimeoutError:
            return ""
        new = self._person.heard[self._read :]
        self._read = len(self._person.heard)
        return "\n".join(one.said for one in new)


class TerminalLine(Line):
    """The pipes of a program."""

    def __init__(self, program: Running) -> None:
        self._program, self._read = program, len(program._said)

    def writes(self, text: str) -> None:
        self._program.write(text)

    async def hears(self, within: float) -> str:
        try:
            async with asyncio.timeout(within), self._program._news:
                await self._program._news.wait_for(self._more)
        except TimeoutError:
            return ""
        new = self._new()
        self._read += len(new)
        return new.decode()

    def _new(self) -> bytes:
        """What was said since, up to the end of a text."""
        new = bytes(self._program._said[self._read :])
        return new[: new.rfind(b"\n\n") + 2] if b"\n\n" in new else b""

    def _more(self) -> bool:
        return bool(re.sub(rb"(?m)^> .*$", b"", self._new()).strip()) or self._program.ended
