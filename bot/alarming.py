"""Wakes an operator: a mail without content, where the settings name somebody, at most once an hour of a kind."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.errors import DeliveryError
from bot.logs import Event, event
from bot.mail.alarm import alarm_mail
from bot.mail.smtp import Post

AGAIN_AFTER = timedelta(hours=1)


@dataclass(slots=True)
class Alarming:
    """Sends alarms by `post`. `operator` "": nobody is to be woken, and the log is all there is."""

    post: Post
    sender: str
    operator: str
    _rung: dict[str, datetime] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def ring(self, kind: str, *, at: Callable[[], datetime]) -> None:
        """Send an alarm of this kind, beside everything else."""
        now = at()
        last = self._rung.get(kind)
        if not self.operator or (last is not None and now - last < AGAIN_AFTER):
            return
        self._rung[kind] = now
        task = asyncio.get_running_loop().create_task(self._send(kind, now), name="alarm")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, kind: str, now: datetime) -> None:
        try:
            await self.post.send(alarm_mail(kind, self.sender, self.operator, now), self.operator)
        except DeliveryError as error:
            event(Event.ALARM_FAILED, error=error)
