"""Asking Telegram for updates: a batch is taken and committed, and only then the next one asked for.

Asking from beyond an update makes Telegram forget it. So the offset moves after the commit, never before.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, repeat
from math import inf
from typing import Protocol, TypeVar

from bot.channels.telegram_updates import NAME, WANTED, place_of
from bot.errors import DeliveryError, Unplaced
from bot.logs import Event, event

HOLD = 50  # seconds that Telegram holds a question for updates while there are none
SLACK = 15.0  # seconds more until we give it up
LIMIT = 100  # updates at once: Telegram's most
WAITED = 15.0  # seconds: a call that took longer was held, so that what it brings has only just happened

TOLD_EVERY = 600.0  # seconds between two words to the operator about another poller
REFUSED = "telegram.token_file: the token is refused; @BotFather shows the right one"

Params = Mapping[str, object]
Result = TypeVar("Result")


class TokenRefused(DeliveryError):  # noqa: N818 - named by what the caller learns
    """Telegram doesn't know the token."""


class OtherPoller(DeliveryError):  # noqa: N818 - named by what the caller learns
    """Somebody else asks for our updates."""


class Ask(Protocol):
    """Calls a method of the Bot API."""

    async def __call__(self, method: str, params: Params, *, patience: float = 0.0) -> object:
        """Return the result as Telegram tells it. `patience`: seconds that the answer may take beyond the usual.

        Raises DeliveryError, or one of its kinds.
        """


class Take(Protocol):
    """Takes the turns of a batch of updates."""

    async def __call__(self, updates: Sequence[object], *, since: datetime | None) -> None:
        """Return once they are committed. `since`: when a tap among them can't have been before."""


async def nobody_else() -> None:
    """Return at once: nobody else asks."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long to wait, in seconds, before something is tried again."""

    network: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)  # after the first failure, the second …
    turns: float = 1.0  # after turns that could not be taken
    poller: float = 5.0  # while somebody else asks


@dataclass(slots=True)
class Line:
    """The way to Telegram: tries until it works, and tells the operator when it is down and when it is up again."""

    waits: Waits
    alarm: Callable[[str], None] = lambda _kind: None
    _down: bool = False
    _worked: bool = False
    _others: float = -inf  # when the operator was told of another poller

    async def insist(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Return what `call` returns, as soon as it does.

        Raises SettingsError: the token is refused.
        """
        refused = not self._worked  # a token that was good may be refused once, by something in between
        for wait in chain(self.waits.network, repeat(self.waits.network[-1])):
            try:
                result = await call()
            except DeliveryError as error:
                if isinstance(error, TokenRefused) and refused:
                    raise Unplaced(REFUSED) from None
                refused = isinstance(error, TokenRefused)
                await asyncio.sleep(self._failed(error, wait))
            else:
                self._works()
                return result
        raise AssertionError  # the waits never end

    def _failed(self, error: DeliveryError, wait: float) -> float:
        """Tell the operator, once; return the seconds to wait."""
        if isinstance(error, OtherPoller):
            self._tell_of_others(asyncio.get_running_loop().time())
            return self.waits.poller
        if not self._down:
            event(Event.CHANNEL_DOWN, channel=NAME)
        self._down = True
        return max(wait, error.retry_after or 0.0)

    def _tell_of_others(self, now: float) -> None:
        """Tell of another poller, now and then: the two go on interrupting one another."""
        if now - self._others > TOLD_EVERY:
            event(Event.OTHER_POLLER, channel=NAME)
            self.alarm("other_poller")
            self._others = now

    def _works(self) -> None:
        if self._down:
            event(Event.CHANNEL_UP, channel=NAME)
        self._down = False
        self._worked = True


@dataclass(slots=True)
class Polling:
    """Asks for updates until cancelled. `hold`: seconds that Telegram may hold the question."""

    ask: Ask
    take: Take
    line: Line
    now: Callable[[], datetime]
    hold: int = HOLD
    turn: Callable[[], Awaitable[None]] = nobody_else  # returns once it is ours to ask, of those that share an account
    _offset: int | None = None
    _emptied: datetime | None = None  # when nothing was left waiting at Telegram
    _held: bool = False

    async def run(self) -> None:
        """Poll for ever. Raises SettingsError: the token is refused."""
        await self.line.insist(lambda: self.ask("deleteWebhook", {}))
        while True:
            await self.turn()
            updates = await self.line.insist(self._ask)
            answered = self.now()
            if await self._taken(updates, answered) and len(updates) < LIMIT:
                self._emptied = answered

    async def _ask(self) -> Sequence[object]:
        params = {"timeout": self.hold, "limit": LIMIT, "allowed_updates": WANTED}
        if self._offset is not None:
            params["offset"] = self._offset
        clock = asyncio.get_running_loop().time
        began = clock()
        updates = await self.ask("getUpdates", params, patience=self.hold + SLACK)
        self._held = clock() - began > WAITED
        if not isinstance(updates, list):
            raise DeliveryError("telegram: no list of updates")
        return updates

    async def _taken(self, updates: Sequence[object], answered: datetime) -> bool:
        """Take a batch, and move on behind it. False: it stays at Telegram, for another try."""
        places = [place for place in map(place_of, updates) if place is not None]
        ordered = sorted(updates, key=lambda update: place_of(update) or 0)  # what is taken bars what stands before it
        try:
            await self.take(ordered, since=answered if self._held and self._emptied else self._emptied)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing was kept: the batch comes again
            event(Event.TURN_FAILED, error=error)
            await asyncio.sleep(self.line.waits.turns)
            return False
        if updates and not places:
            await asyncio.sleep(self.line.waits.turns)  # nothing of it can be confirmed: it will come again at once
        # An empty answer to an offset confirms it. It is dropped then: after a week of silence ids may begin anew.
        self._offset = max(places) + 1 if places else None
        return True
