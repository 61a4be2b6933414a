"""What is done beside the turns: answers to taps, edits of old messages, groups to leave. Nobody waits for it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field

from bot.channels.telegram_buttons import Button
from bot.errors import DeliveryError, Undeliverable
from bot.logs import Event, event

MOST = 2000  # calls that may wait; beyond them buttons stay where they are
TRIES = 3  # of an edit
LONGEST_WAIT = 60.0  # seconds that an edit waits for another try
AGAIN = 1.0  # the same where nobody says how long


class Later:
    """Calls that may fail: they are made when there is room, and given up when the bot stops."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def full(self) -> bool:
        """Whether no further call is taken now."""
        return len(self._tasks) >= MOST

    def do(self, call: Coroutine[object, object, object]) -> None:
        """Make a call, sometime."""
        if self.full:
            call.close()
            return
        task = asyncio.create_task(_tried(call), name="later")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, seconds: float) -> None:
        """Let what is on its way be done, for so many seconds at most."""
        tasks = set(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tried(call: Coroutine[object, object, object]) -> None:
    try:
        await call
    except DeliveryError:
        return  # a spinner turns until its time is over, a button stays: the next tap on it is an old one
    except Exception as error:  # noqa: BLE001 - whatever it is, an operator hears of it
        event(Event.FAULT, error=error)


@dataclass(frozen=True, slots=True)
class Place:
    """One message in one chat."""

    chat: str = field(repr=False)
    message: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class View:
    """How a message is to be seen: with which buttons, which of them marked, with which text; "": the text stays."""

    text: str = field(default="", repr=False)
    buttons: tuple[Button, ...] = field(default=(), repr=False)
    marked: frozenset[int] = frozenset()


class Edits:
    """Gives messages their newest view: one edit of a message at a time, and none that is outdated."""

    def __init__(
        self,
        later: Later,
        ready: Callable[[], Awaitable[None]],
        edit: Callable[[Place, View], Coroutine[object, object, object]],
    ) -> None:
        """`ready` returns when an edit may go; `edit` makes it."""
        self._later = later
        self._ready = ready
        self._edit = edit
        self._wanted: dict[Place, View] = {}
        self._running: set[Place] = set()

    def want(self, place: Place, view: View) -> None:
        """Let a message be seen so, sometime."""
        if place in self._running:
            self._wanted[place] = view
        elif not self._later.full:
            self._wanted[place] = view
            self._running.add(place)
            self._later.do(self._bring(place))

    async def _bring(self, place: Place) -> None:
        try:
            for _ in range(TRIES):
                await self._bring_newest(place)
        finally:
            self._wanted.pop(place, None)
            self._running.discard(place)

    async def _bring_newest(self, place: Place) -> None:
        """Make the edits that are wanted, until there is none, or one that must be made again."""
        while place in self._wanted:
            await self._ready()
            view = self._wanted.pop(place)
            try:
                await self._edit(place, view)
            except Undeliverable:
                continue
            except DeliveryError as error:
                await asyncio.sleep(min(error.retry_after or AGAIN, LONGEST_WAIT))
                self._wanted.setdefault(place, view)
                return
