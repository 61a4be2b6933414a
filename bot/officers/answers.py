"""What comes back by mail: officers' signed acknowledgements, and mails that a server returned. The rest is counted."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from bot.errors import NotNow
from bot.logs import Event, event
from bot.mail.bounces import Bounce
from bot.mail.replies import Reply, Useless, Why
from bot.officers.filing import Filing
from bot.storage.writer import Writer

Take = Callable[[bytes], Awaitable[None]]


@dataclass(slots=True)
class Answers:
    """Takes what a mailbox gives. `listen`: gives each mail until cancelled. `read`: what one means; in a thread."""

    listen: Callable[[Take], Awaitable[None]]
    read: Callable[[bytes, datetime], Reply | Bounce | Useless]
    writer: Writer
    filing: Filing
    now: Callable[[], datetime]
    told: Callable[[], None]  # after each commit: there may be work

    async def run(self) -> None:
        """Take mails until cancelled."""
        await self.listen(self.take)

    async def take(self, raw: bytes) -> None:
        """Do what one mail says, once; return when that is committed, however long a full disk is in the way.

        Raises NotNow: it was signed later than it is here, so one of the clocks is wrong; ours may be set right.
        """
        meant = await asyncio.to_thread(self.read, raw, self.now())
        done = False
        if isinstance(meant, Useless) and meant.why is Why.EARLY:
            raise NotNow
        if isinstance(meant, Reply):
            for token in meant.tokens:
                done |= await self.writer.insist(partial(self._acknowledged, reply=meant, token=token), urgent=True)
        elif isinstance(meant, Bounce) and meant.gone:
            done = await self.writer.insist(partial(self._bounced, bounce=meant))
        if not done:
            event(Event.MAIL_USELESS)
        self.told()

    def _acknowledged(self, conn: sa.Connection, reply: Reply, token: str) -> bool:
        acknowledged = self.filing.desk.acknowledged_by_mail
        return acknowledged(conn, fingerprint=reply.signer, token=token, signed_at=reply.at, now=self.now())

    def _bounced(self, conn: sa.Connection, bounce: Bounce) -> bool:
        return self.filing.bounced(conn, bounce.message_ids, self.now())
