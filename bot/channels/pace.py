"""Keeps calls under a platform's limit: so many in any second, urgent ones first, each lane in its order."""

import asyncio
from collections import deque
from enum import IntEnum
from heapq import heappop, heappush
from itertools import count
from math import inf

MARGIN = 1.05  # of a second: calls that leave in good time may arrive closer together


class Lane(IntEnum):
    """Who goes first where calls must wait."""

    URGENT = 0  # words for a person in danger
    WORDS = 1
    LATER = 2  # whatever nobody waits for


class Pace:
    """Lets calls go one after another. `per_second`: how many in any second; `inf` for no limit."""

    def __init__(self, per_second: float) -> None:
        self._most = max(1, int(per_second)) if per_second < inf else 0
        self._span = MARGIN * self._most / per_second
        self._gone: deque[float] = deque(maxlen=self._most)  # when the last ones went
        self._waiting: list[tuple[Lane, int, asyncio.Future[None]]] = []
        self._order = count()

    async def turn(self, lane: Lane) -> None:
        """Return when a call of this lane may go."""
        if not self._most:
            return
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        heappush(self._waiting, (lane, next(self._order), turn))
        if len(self._waiting) == 1:  # else the next look is planned already
            self._let_go(loop)
        await turn

    def _let_go(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go whoever may go now, and look again when the next one may."""
        while self._waiting:
            wait = self._wait(loop.time())
            if wait > 0:
                loop.call_later(wait, self._let_go, loop)
                return
            _, _, turn = heappop(self._waiting)
            if not turn.done():  # else its caller was cancelled
                turn.set_result(None)
                self._gone.append(loop.time())

    def _wait(self, now: float) -> float:
        return self._gone[0] + self._span - now if len(self._gone) == self._most else 0.0
