"""What waits for a bot at a Telegram of the tests: updates in order, fetched or posted, forgotten once confirmed."""

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import ClientError, ClientSession, ClientTimeout

Json = dict[str, Any]
Found = TypeVar("Found")

UNASKED = {"chat_member", "message_reaction", "message_reaction_count"}  # come only where they were asked for by name
TAKEN_OVER = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
HOOKED = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0  # seconds between two posts of an update that a webhook did not take


class Refusal(Exception):  # noqa: N818 - Telegram's answer, no fault of ours
    """An error as the Bot API answers it."""

    def __init__(self, status: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


class News:
    """Something changed: wakes those who wait until something is true. Costs nothing while nobody waits."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def until(self, true: Callable[[], Found], within: float = 30) -> Found:
        """Return what `true` returns, once that is something. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while not (found := true()):
                self._waiting.append(asyncio.get_running_loop().create_future())
                await self._waiting[-1]
        return found


@dataclass
class Hook:
    """A webhook as the bot set it."""

    url: str
    secret: str = ""
    at_once: int = 40
    failed: str = ""  # how the last post failed


class Updates:
    """The queue of one bot.

    `twice`: each update comes a second time after it was confirmed. `proxies`: where a public https address leads, as
    the reverse proxy in front of a bot would: {"https://bot.example": "http://127.0.0.1:8443"}.
    """

    def __init__(self, first: int) -> None:
        self.next_id = first
        self.twice = False
        self.allowed: Collection[str] = ()
        self.hook: Hook | None = None
        self.proxies: dict[str, str] = {}
        self.patience = 10.0  # seconds that a webhook has to answer
        self.handed: list[int] = []  # ids, as often as they were given to the bot
        self.news = News()
        self._waiting: dict[int, bytes] = {}
        self._again: dict[int, bytes] = {}
        self._known: dict[int, bytes] = {}
        self._repeated: set[int] = set()
        self._poll: asyncio.Future[None] | None = None
        self._posting: asyncio.Task[None] | None = None
        self._closed = False

    def happens(self, kind: str, content: Json) -> int:
        """Queue an update, unless the bot did not ask for its kind; return its id, or 0."""
        wanted = kind in self.allowed if self.allowed else kind not in UNASKED
        return self.push({kind: content}) if wanted else 0

    def push(self, update: Mapping[str, Any]) -> int:
        """Queue an update as it stands; without an update_id it gets the next."""
        chosen = update.get("update_id")
        update_id = chosen if isinstance(chosen, int) else self.next_id
        return self.push_raw(json.dumps({"update_id": update_id, **update}).encode(), update_id)

    def push_raw(self, body: bytes, update_id: int = 0) -> int:
        """Queue one JSON value in place of an update; it is confirmed as `update_id` would be, by default the next."""
        update_id = update_id or self.next_id
        self.next_id = max(self.next_id, update_id + 1)
        self._waiting[update_id] = self._known[update_id] = body
        self._arrive()
        return update_id

    def redeliver(self, update_id: int) -> None:
        """Give an update once more, though it may have been confirmed."""
        self._again[update_id] = self._known[update_id]
        self._arrive()

    @property
    def waiting(self) -> list[int]:
        """Ids that the bot has not confirmed, and those that come once more."""
        return [*self._again, *self._waiting]

    async def all_taken(self, within: float = 30) -> None:
        """Wait until the bot has confirmed everything."""
        await self.news.until(lambda: not self.waiting, within)

    async def poll(self, offset: int, limit: int, wait: float, alive: Callable[[], bool]) -> list[bytes]:
        """Answer getUpdates, for a bot that is still there."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_exception(Refusal(409, TAKEN_OVER))
        if self.hook is not None:
            raise Refusal(409, HOOKED)
        self.confirm(offset if offset >= 0 else max(self._waiting, default=0) + 1 + offset)
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        while not (self._waiting or self._again or self._closed) and loop.time() < until:
            self._poll = mine = loop.create_future()
            ending = loop.call_at(until, _settle, mine)
            try:
                await mine
            finally:
                ending.cancel()
            if self.hook is not None:
                raise Refusal(409, "Conflict: terminated by setWebhook request")
        return [body for _, body in self._batch(limit)] if alive() else []

    def confirm(self, offset: int) -> None:
        """Forget what lies below `offset`."""
        self._taken([known for known in self._waiting if known < offset])

    def _taken(self, update_ids: list[int]) -> None:
        for update_id in update_ids:
            body = self._waiting.pop(update_id)
            if self.twice and update_id not in self._repeated:
                self._repeated.add(update_id)
                self._again[update_id] = body
        self.news.tell()

    def forget(self) -> None:
        """Drop everything that waits."""
        self._waiting.clear()
        self._again.clear()
        self.news.tell()

    def interrupt(self) -> None:
        """End a poll that waits, with nothing."""
        if self._poll is not None:
            _settle(self._poll)

    async def set_hook(self, hook: Hook | None) -> None:
        """Post updates there from now on, or let them be fetched again."""
        await self._stop_posting()
        self.hook = hook
        if hook is not None:
            self.interrupt()
            self._posting = asyncio.create_task(self._post_all(hook))

    async def close(self) -> None:
        """End what runs here."""
        self._closed = True
        self.interrupt()
        await self._stop_posting()

    async def _stop_posting(self) -> None:
        if self._posting is not None:
            self._posting.cancel()
            await asyncio.gather(self._posting, return_exceptions=True)
            self._posting = None

    def _arrive(self) -> None:
        self.interrupt()
        self.news.tell()

    def _batch(self, limit: int) -> list[tuple[int, bytes]]:
        again = list(self._again.items())[:limit]
        for update_id, _ in again:
            del self._again[update_id]
        batch = again + [(known, self._waiting[known]) for known in sorted(self._waiting)[: limit - len(again)]]
        self.handed += [update_id for update_id, _ in batch]
        return batch

    async def _post_all(self, hook: Hook) -> None:
        async with ClientSession(timeout=ClientTimeout(total=self.patience)) as session:
            while True:
                await self.news.until(lambda: self.waiting, within=1e9)
                ((update_id, body),) = self._batch(1)
                pause = FIRST_PAUSE
                while not await self._post(session, hook, body):
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
                self._taken([update_id] if update_id in self._waiting else [])  # else it came once more

    async def _post(self, session: ClientSession, hook: Hook, body: bytes) -> bool:
        headers = {"Content-Type": "application/json"}
        if hook.secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = hook.secret
        url = hook.url
        for public, inside in self.proxies.items():
            url = inside + url.removeprefix(public) if url.startswith(public) else url
        try:
            async with session.post(url, data=body, headers=headers) as answer:
                await answer.read()
                if answer.ok:
                    return True
                hook.failed = f"Wrong response from the webhook: {answer.status} {answer.reason}"
        except (ClientError, TimeoutError, OSError) as error:
            hook.failed = f"Connection failed: {type(error).__name__}"
        self.news.tell()
        return False


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
