"""Small things done for Signal in the background, which nobody waits for: read receipts, and received files deleted.

A file is deleted unread. What is missed here, or was left by an earlier run, the sweep finds.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

from bot.channels.signal_service import GONE, Service
from bot.conversation.model import Message
from bot.errors import DeliveryError
from bot.logs import Event, event

AT_ONCE = 4
MOST = 5000  # errands that wait; in a flood the oldest are let go, which costs a receipt or waits for the sweep
TRIES = 4

Receipt = Callable[[str, int], Awaitable[object]]  # to whom, for the message of which time


@dataclass(slots=True)
class Errands:
    """Runs errands until cancelled. `receipt` None: nobody is told that we have read."""

    service: Service
    receipt: Receipt | None
    pause: float  # seconds before a second try; it doubles
    sweep_every: float
    _waiting: deque[Callable[[], Awaitable[None]]] = field(default_factory=lambda: deque(maxlen=MOST))
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)

    def confirm(self, message: Message) -> None:
        """Let a person see that their message was read."""
        receipt = self.receipt
        if receipt is not None:
            self._put(lambda: self._confirm(receipt, message))

    def delete(self, files: Iterable[str]) -> None:
        """Delete received files from the server."""
        for name in files:
            self._put(lambda name=name: self._delete(name))  # type: ignore[misc]  # its type is that of every errand

    async def run(self) -> None:
        """Run what waits and sweep now and then, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._run())
            tasks.create_task(self._sweep())

    def _put(self, errand: Callable[[], Awaitable[None]]) -> None:
        self._waiting.append(errand)
        self._wanted.set()

    async def _run(self) -> None:
        while True:
            while self._waiting:
                try:
                    await self._waiting.popleft()()
                except Exception as error:  # noqa: BLE001 - an errand may fail; the next one is still run
                    event(Event.FAULT, error=error)
            self._wanted.clear()
            await self._wanted.wait()

    async def _confirm(self, receipt: Receipt, message: Message) -> None:
        try:
            await receipt(message.sender.address, int(message.id))
        except DeliveryError:
            return  # a missing tick is no harm

    async def _delete(self, name: str) -> None:
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(self.pause * 2 ** (attempt - 1))
            try:
                answer = await self.service.ask("DELETE", f"/v1/attachments/{quote(name, safe='')}")
            except DeliveryError:
                continue
            if answer.good or answer.status == GONE:
                return

    async def _sweep(self) -> None:
        """Delete every received file there is, whoever left it."""
        while True:
            try:
                names = (await self.service.ask("GET", "/v1/attachments")).told()
            except DeliveryError:
                names = None
            if isinstance(names, list):
                self.delete(name for name in names if isinstance(name, str))
            await asyncio.sleep(self.sweep_every if isinstance(names, list) else min(60.0, self.sweep_every))
