"""Chance that can be had again: the same words give the same draws, on every machine.

Nothing secret is drawn here; what the bot itself draws comes from bot/clock.py.
"""

import random  # noqa: TID251 - seeded: a run that fails must be the same when it is run again
from collections.abc import Sequence
from typing import TypeVar

Drawn = TypeVar("Drawn")


class Chance:
    """Draws that are determined by `words`: of a fuzz run its seed, a target and the number of an input."""

    def __init__(self, *words: object) -> None:
        self._random = random.Random("/".join(map(str, words))).random  # noqa: S311 - no secret

    def below(self, most: int) -> int:
        """Return a whole number from 0 on, less than `most`."""
        return int(self._random() * most)

    def of(self, some: Sequence[Drawn]) -> Drawn:
        """Return one of them."""
        return some[int(self._random() * len(some))]

    def once_in(self, times: int) -> bool:
        """Whether this is the one time in so many."""
        return self._random() * times < 1

    def size(self, most: int) -> int:
        """Return a length from 0 to `most`: mostly a short one."""
        return self.below(min(most, self.of((1, 4, 16, 64, 1024, most))) + 1)
