"""What was heard and not yet taken: each person's frames in their order, people in turn, whoever cries for help first.

So one who writes ten thousand times delays nobody else, and no earlier word of a person lands after a later one. Those
who are known to be in danger are the next, among themselves in turn, too; one frame in so many is left for the others.
Frames aren't read here, only looked at: who wrote, and how a short text begins.
"""

import asyncio
import json
import re
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping

Raw = str | bytes

OTHERS = 4  # of so many frames one is of somebody else, however many are in danger

_WHO = re.compile(r'"sourceUuid"\s*:\s*"([^"\\]*)"')
_TEXT = re.compile(r'"message"\s*:\s*"((?:[^"\\]|\\.){1,100})"')


class Frames:
    """A queue for one who puts and one who gets.

    `hurries`: whether a text, alone in a message, is a cry for help; `presses`: whether somebody is known to be in
    danger, by their account.
    """

    def __init__(self, most: int, hurries: Callable[[str], bool], presses: Callable[[str], bool]) -> None:
        self._most, self._hurries, self._presses = most, hurries, presses
        self._lines: OrderedDict[str, deque[Raw]] = OrderedDict()  # by who wrote; whose turn it is comes first
        self._crying: OrderedDict[str, int] = OrderedDict()  # who comes before all others: with so many frames
        self._pressing: OrderedDict[str, None] = OrderedDict()  # who is in danger, and has frames here
        self._count = 0
        self._given = 0  # frames to those
        self._some, self._room = asyncio.Event(), asyncio.Event()

    def qsize(self) -> int:
        """Return how many frames wait."""
        return self._count

    def empty(self) -> bool:
        """Whether none does."""
        return not self._count

    def full(self) -> bool:
        """Whether there is room for none more."""
        return self._count >= self._most

    async def put(self, frame: Raw) -> None:
        """Put a frame, as soon as there is room."""
        while self.full():
            self._room.clear()
            await self._room.wait()
        self.put_nowait(frame)

    def put_nowait(self, frame: Raw) -> None:
        """Put a frame."""
        who, cries = self._looked_at(frame)
        line = self._lines.get(who)
        if line is None:
            line = self._lines[who] = deque()
            if who and self._presses(who):
                self._pressing[who] = None
        line.append(frame)
        self._count += 1
        if cries:
            self._crying.setdefault(who, len(line))  # who cries again and again gains nothing by it
        self._some.set()

    async def get(self) -> Raw:
        """Return the next frame, as soon as there is one."""
        while not self._count:
            self._some.clear()
            await self._some.wait()
        return self.get_nowait()

    def get_nowait(self) -> Raw:
        """Return the next frame. Raises StopIteration: there is none."""
        who = next(iter(self._crying or self._next_lines()))
        line = self._lines[who]
        frame = line.popleft()
        self._count -= 1
        self._room.set()
        self._go_on(who, line)
        return frame

    def _next_lines(self) -> Mapping[str, object]:
        """Return those of whom the first comes next."""
        if not self._pressing:
            return self._lines
        self._given += 1
        return self._pressing if self._given % OTHERS else self._lines

    def _go_on(self, who: str, line: deque[Raw]) -> None:
        """Let the next person come, unless this one cries and isn't heard yet."""
        if not line:
            del self._lines[who]
            self._pressing.pop(who, None)
        left = self._crying.get(who, 0)
        if left > 1:
            self._crying[who] = left - 1
            return
        self._crying.pop(who, None)
        if line:
            self._lines.move_to_end(who)
        if who in self._pressing:
            self._pressing.move_to_end(who)

    def _looked_at(self, frame: Raw) -> tuple[str, bool]:
        text = frame if isinstance(frame, str) else frame.decode("utf-8", "replace")
        who, said = _WHO.search(text), _TEXT.search(text)
        return who[1].lower() if who else "", said is not None and self._hurries(_unescaped(said[1]))


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return ""
