"""What only one of several processes does at a time: the rounds, asking Telegram for updates, reading the mailbox.

A role is kept until the process ends, or loses the database; then another one has it within seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.storage.locks import Leases
from bot.storage.writer import Writer

LOOK_SECONDS = 2.0  # between two looks at whether a role is free, or still ours

ROUNDS = "rounds"
POLLER = "telegram poller"
MAILBOX = "mailbox"


@dataclass(slots=True)
class Roles:
    """The roles of this process."""

    writer: Writer
    look: float = LOOK_SECONDS
    _leases: Leases = field(default_factory=Leases)

    async def has(self, role: str) -> bool:
        """Take a role, or make sure that it is still ours; False: another process has it."""
        return not self.writer.shares or await self.writer.do(lambda conn: self._leases.take(conn, role.encode()))

    async def wait_for(self, role: str) -> None:
        """Return once this process has the role."""
        while not await self.has(role):  # noqa: ASYNC110 - the database is looked at, and tells nobody
            await asyncio.sleep(self.look)

    async def play(self, role: str, room: Callable[[], Awaitable[None]]) -> None:
        """Let `room` run while this process has the role, until cancelled or until `room` ends."""
        while True:
            await self.wait_for(role)
            if not self.writer.shares:
                return await room()
            playing = asyncio.ensure_future(room())
            try:
                while await self.has(role):
                    if (await asyncio.wait({playing}, timeout=self.look))[0]:
                        return playing.result()
            finally:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)
