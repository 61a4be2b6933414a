"""What an operator's programs see of a running bot: asks the rooms how they are, and serves the answers.

The library for metrics is loaded only where a settings file asks for it: it costs a tenth of a second.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from http import HTTPStatus
from time import monotonic

from bot import logs
from bot.channels.base import TakeTurns
from bot.conversation.model import Message
from bot.operations.health import ANSWERS_WITHIN, Counted, Seen, Told, sentence, wrong
from bot.operations.listening import Listening, Page
from bot.storage.gauging import Gauge
from bot.storage.keyring import Keyring
from bot.storage.writer import Writer


class Watching:
    """Answers at `listen` while the bot runs. `carrying`: whether the courier lives."""

    def __init__(  # noqa: PLR0913, PLR0917 - what is asked how it is
        self,
        listen: str,
        writer: Writer,
        keyring: Keyring,
        now: Callable[[], datetime],
        channels: Iterable[str],
        carrying: Callable[[], bool],
    ) -> None:
        from bot.operations.metrics import CONTENT_TYPE, Metrics  # noqa: PLC0415 - see above

        self.listening = Listening(listen, {"/health": self._health, "/metrics": self._scraped})
        self._writer, self._keyring, self._now, self._carrying = writer, keyring, now, carrying
        self._told = Told(dict.fromkeys(channels, True), now)
        self._metrics, self._kind = Metrics(self._told), CONTENT_TYPE
        self._gauge = Gauge()
        self._one_job = asyncio.Lock()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Count and answer meanwhile. Raises SettingsError: it can't listen there."""
        with logs.counted(self._metrics.noted), logs.counted(self._told.noted):
            async with self.listening.serving():
                yield

    def timed(self, take: TakeTurns) -> TakeTurns:
        """Return what takes turns and notes how long they took."""

        async def taken(messages: Sequence[Message]) -> Collection[Message] | None:
            began = monotonic()
            kept_out = await take(messages)
            out = len(kept_out or ())
            self._metrics.turned(len(messages) - out, monotonic() - began, out)
            return kept_out

        return taken

    async def _health(self) -> Page:
        found = [sentence(one, channel) for one, channel in wrong(await self._seen(), self._told)]
        status = HTTPStatus.SERVICE_UNAVAILABLE if found else HTTPStatus.OK
        return Page(status, "".join(f"{line}\n" for line in found or ["ok"]).encode())

    async def _scraped(self) -> Page:
        seen = await self._seen()
        text = self._metrics.text(seen, (one for one, _ in wrong(seen, self._told)))
        return Page(HTTPStatus.OK, text, self._kind)

    async def _seen(self) -> Seen:
        waiting = self._writer.waiting
        return Seen(self._carrying(), waiting, len(self._keyring.days()), await self._counted())

    async def _counted(self) -> Counted | None:
        """Ask the database, in one job at a time; None: it doesn't answer."""
        try:
            async with asyncio.timeout(ANSWERS_WITHIN), self._one_job:
                found = await self._writer.do(partial(self._gauge, now=self._now()), urgent=True)
        except Exception:  # noqa: BLE001 - whatever it is: that it doesn't answer is what is told
            return None
        return Counted(found.talks, found.cases, found.queues)
