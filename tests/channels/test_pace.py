"""The limit of calls: never too many in a second, urgent ones first, and nobody who left takes a turn."""

import asyncio
from math import inf

import pytest

from bot.channels.pace import Lane, Pace

PATIENCE = 20.0


async def test_no_second_has_more_calls_than_the_limit() -> None:
    pace, loop = Pace(20), asyncio.get_running_loop()
    gone: list[float] = []

    async def call() -> None:
        await pace.turn(Lane.WORDS)
        gone.append(loop.time())

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(call() for _ in range(45)))

    assert all(later - first >= 1.0 for first, later in zip(gone, gone[20:], strict=False))


async def test_below_the_limit_nobody_waits() -> None:
    pace, loop = Pace(30), asyncio.get_running_loop()
    began = loop.time()

    for _ in range(30):
        await pace.turn(Lane.LATER)

    assert loop.time() - began < 1.0


async def test_where_calls_wait_the_urgent_ones_go_first_and_each_lane_in_its_order() -> None:
    pace = Pace(4)
    gone: list[str] = []

    async def call(lane: Lane, name: str) -> None:
        await pace.turn(lane)
        gone.append(name)

    for number in range(4):
        await call(Lane.LATER, f"before {number}")
    waiting = [
        asyncio.create_task(call(lane, name))
        for lane, name in (
            (Lane.LATER, "edit"),
            (Lane.WORDS, "words 1"),
            (Lane.URGENT, "urgent 1"),
            (Lane.WORDS, "words 2"),
            (Lane.URGENT, "urgent 2"),
        )
    ]
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*waiting)

    assert gone[4:] == ["urgent 1", "urgent 2", "words 1", "words 2", "edit"]


async def test_a_call_that_was_cancelled_takes_no_turn() -> None:
    pace = Pace(1)
    await pace.turn(Lane.WORDS)
    left = asyncio.create_task(pace.turn(Lane.URGENT))
    stayed = asyncio.create_task(pace.turn(Lane.WORDS))
    await asyncio.wait({left, stayed}, timeout=0)
    left.cancel()
    loop = asyncio.get_running_loop()
    began = loop.time()

    async with asyncio.timeout(PATIENCE):
        await stayed

    assert left.cancelled() or left.cancelling()
    assert loop.time() - began < 1.9  # one turn was waited for, not two


@pytest.mark.parametrize("lane", list(Lane))
async def test_without_a_limit_every_call_goes_at_once(lane: Lane) -> None:
    pace = Pace(inf)

    async with asyncio.timeout(1):
        for _ in range(10_000):
            await pace.turn(lane)

    assert pace._waiting == []
