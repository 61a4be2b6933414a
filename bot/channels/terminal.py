"""A talk in a terminal: for rehearsals, for trying a flow, and for whoever has nothing else.

Lines come from a terminal or a pipe; a line is read only when everything that was due has been said.
"""

import asyncio
import sys
import threading
import unicodedata
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from itertools import count
from typing import TextIO

from bot.channels.base import Arrived, Outgoing, TakeTurns
from bot.conversation.model import Message, Sender
from bot.logs import Event, event

NAME = "terminal"
PATIENCE = 1.0  # seconds that somebody who types waits for what is on its way
AGAIN = 1.0  # seconds until a line that could not be taken is tried again
NOT_TAKEN = "I could not keep what you wrote: the disk may be full. I try again by myself; please wait.\n\n"
_LINE_BREAKS = frozenset("\n\t")


class Terminal:
    """One person at a terminal. `settled` returns when nothing more is about to be said."""

    name = NAME
    redelivers = False
    repeats_questions = True
    has_buttons = False
    notifies = False
    at_once = 64
    pause = 0.0

    def __init__(
        self,
        now: Callable[[], datetime],
        settled: Callable[[], Awaitable[None]],
        *,
        hint: str = "",
        source: TextIO | None = None,
        target: TextIO | None = None,
    ) -> None:
        """`hint`: the language the terminal tells, as a messenger would. Source and target: stdin and stdout."""
        self._now = now
        self._settled = settled
        self._hint = hint
        self._source = source or sys.stdin
        self._target = target or sys.stdout
        self._sender = Sender(NAME, "person")

    async def listen(self, take_turns: TakeTurns) -> None:
        """Take a turn for each line, until the last."""
        lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._read_into(lines, asyncio.get_running_loop())
        for number in count():
            await self._quiet()
            line = await self._next(lines)
            if line is None:
                return
            said = Message(self._sender, str(number), self._now(), line.rstrip("\r\n"), hint=self._hint)
            await self._insist(take_turns, said)

    async def _insist(self, take_turns: TakeTurns, said: Message) -> None:
        """Take a turn as soon as that can be done: a disk may be full for a while. Who waits is told so, once.

        Raises RuntimeError: nobody writes any more.
        """
        for tries in count():
            try:
                await take_turns([said])
            except RuntimeError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, nothing was kept
                if not tries:
                    event(Event.TURN_FAILED, error=error, channel=NAME)
                    self._write(NOT_TAKEN)
                await asyncio.sleep(AGAIN)
            else:
                return

    async def send(self, outgoing: Outgoing) -> Arrived:
        """Write the text, without control characters that could move the cursor or hide words."""
        self._write("".join(char for char in outgoing.spoken.text if _shown(char)) + "\n\n")
        return Arrived(self._now())

    async def clear(self, sender: Sender, ids: tuple[str, ...]) -> None:
        """A terminal keeps what it has shown; closing its window clears it."""

    async def _quiet(self) -> None:
        """Wait until all is said. Who sits at a terminal isn't kept waiting by a mail that nobody takes."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._settled(), PATIENCE if self._source.isatty() else None)

    async def _next(self, lines: asyncio.Queue[str | None]) -> str | None:
        if self._source.isatty():
            self._write("> ")
            return await lines.get()
        line = await lines.get()
        if line is not None:
            self._write(f"> {line}")
        return line

    def _write(self, text: str) -> None:
        self._target.write(text)
        self._target.flush()

    def _read_into(self, lines: asyncio.Queue[str | None], loop: asyncio.AbstractEventLoop) -> None:
        """Read in a thread of its own: a terminal can't be waited for, and must not hold up a clean stop."""

        def read() -> None:
            with suppress(OSError, ValueError):  # a terminal that goes away is at its end
                for line in self._source:
                    tell(line)
            tell(None)

        def tell(line: str | None) -> None:
            with suppress(RuntimeError):  # the bot has stopped meanwhile
                loop.call_soon_threadsafe(lines.put_nowait, line)

        threading.Thread(target=read, name="terminal", daemon=True).start()


def _shown(char: str) -> bool:
    return char in _LINE_BREAKS or unicodedata.category(char) != "Cc"
