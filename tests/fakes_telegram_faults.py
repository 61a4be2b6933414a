"""Every way a Telegram that runs in the tests can fail, planned beforehand per method and chat; and its limits."""

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web
from fakes_telegram_queue import Json, Refusal


@dataclass(frozen=True, slots=True)
class Fault:
    """What is answered instead. `after`: what was asked for has been done, and only its answer is lost.

    Without `status` the request gets its real answer, late: after `seconds`, or where `hangs` when it is released.
    """

    status: int = 0
    description: str = ""
    parameters: Json | None = None
    body: bytes = b""  # in place of the JSON
    drops: bool = False
    hangs: bool = False
    seconds: float = 0
    after: bool = False


BLOCKED = Fault(403, "Forbidden: bot was blocked by the user")
DEACTIVATED = Fault(403, "Forbidden: user is deactivated")
NO_CHAT = Fault(400, "Bad Request: chat not found")
UNAUTHORIZED = Fault(401, "Unauthorized")
CONFLICT = Fault(
    409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)
BROKEN = Fault(500, "Internal Server Error")
BAD_GATEWAY = Fault(502, body=b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>")
GARBAGE = Fault(200, body=b'{"ok":true,"result":{"message_id":')
DROPPED = Fault(drops=True)  # the connection breaks, and nothing was done
ANSWER_LOST = Fault(drops=True, after=True)  # it was done, and the connection breaks
HANGS = Fault(hangs=True)  # nothing is done until it is released
ANSWER_HANGS = Fault(hangs=True, after=True)  # it was done, and the answer waits until it is released


def too_many(retry_after: int) -> Fault:
    """Telegram asks to wait so many seconds."""
    return Fault(429, f"Too Many Requests: retry after {retry_after}", {"retry_after": retry_after})


def slow(seconds: float, *, after: bool = False) -> Fault:
    """The answer takes its time; `after`: what was asked for is done at once."""
    return Fault(seconds=seconds, after=after)


@dataclass(slots=True)
class Planned:
    """What the next calls of one chat, or of any, will meet."""

    chat: int | None
    faults: deque[Fault]
    always: bool


class Faults:
    """The plan."""

    def __init__(self) -> None:
        self._plans: dict[str, list[Planned]] = {}
        self._released = asyncio.Event()

    def plan(self, method: str, faults: Sequence[Fault], chat: int | None, *, always: bool) -> None:
        """Let the next calls fail, one after the other."""
        self._plans.setdefault(method.lower(), []).append(Planned(chat, deque(faults), always))

    def clear(self) -> None:
        """Forget what was planned."""
        self._plans.clear()
        self.release()

    def release(self) -> None:
        """Let go of what hangs now."""
        self._released.set()
        self._released = asyncio.Event()

    def next(self, method: str, chat: int) -> Fault | None:
        """Return what this call meets."""
        if not self._plans:
            return None
        for planned in self._plans.get(method, []) + self._plans.get("*", []):
            if planned.faults and (planned.chat is None or planned.chat == chat):
                return planned.faults[0] if planned.always else planned.faults.popleft()
        return None

    async def act(self, fault: Fault, request: web.BaseRequest) -> web.Response | None:
        """Fail so; None: go on as if nothing had been."""
        if fault.drops:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        if fault.hangs:
            await self._released.wait()
        if fault.seconds:
            await asyncio.sleep(fault.seconds)
        return _told(fault) if fault.status else None


class Pace:
    """Telegram's limits: so many messages in any second, and one chat's messages so far apart; the rest gets a 429.

    `leeway`: what a message may be early, since it is the sender's clock that is held to the limit.
    """

    def __init__(self, overall: int = 30, apart: float = 1.0, leeway: float = 0.05) -> None:
        self.refused = 0
        self._overall = overall
        self._apart = apart - leeway
        self._second = 1.0 - leeway
        self._recent: deque[float] = deque()
        self._last: dict[int, float] = {}

    def check(self, chat: int, at: float) -> None:
        """Count a message that came at `at`."""
        while self._recent and at - self._recent[0] >= self._second:
            self._recent.popleft()
        if len(self._recent) >= self._overall or at - self._last.get(chat, float("-inf")) < self._apart:
            self.refused += 1
            raise Refusal(429, "Too Many Requests: retry after 1", {"retry_after": 1})
        self._recent.append(at)
        self._last[chat] = at


def _told(fault: Fault) -> web.Response:
    told: Json = {"ok": False, "error_code": fault.status, "description": fault.description}
    if fault.parameters:
        told["parameters"] = fault.parameters
    kind = "text/html" if fault.body.startswith(b"<") else "application/json"
    return web.Response(
        status=fault.status, body=fault.body or json.dumps(told).encode(), headers={"Content-Type": kind}
    )
