"""What is done beside the turns: it may fail, it is bounded, and of several edits the newest counts."""

import asyncio

import pytest
from fakes_telegram_desk import events

from bot.channels.telegram_later import MOST, Edits, Later, Place, View
from bot.errors import DeliveryError, Undeliverable, Unreachable

HERE = Place("77", 5)


class Screen:
    """A chat that shows edits; the next ones fail so."""

    def __init__(self, *failures: DeliveryError) -> None:
        self.failures = list(failures)
        self.shown: list[str] = []
        self.tried = 0
        self.go = asyncio.Event()
        self.go.set()
        self.later = Later()
        self.edits = Edits(self.later, self.ready, self.edit)

    async def ready(self) -> None:
        """Edits may go at any time."""

    async def edit(self, _: Place, view: View) -> None:
        self.tried += 1
        await self.go.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.shown.append(view.text)


async def test_of_several_edits_the_newest_counts_and_none_overtakes_another() -> None:
    screen = Screen()
    screen.go.clear()
    for number in range(5):
        screen.edits.want(HERE, View(f"{number}"))
        await asyncio.sleep(0)
    screen.go.set()
    await screen.later.finish(20)

    assert screen.shown in (["4"], ["0", "4"])


async def test_an_edit_that_must_wait_is_made_later_and_one_that_is_refused_is_not() -> None:
    waiting, refused = Screen(DeliveryError("", retry_after=0.01)), Screen(Undeliverable(""))
    waiting.edits.want(HERE, View("a"))
    refused.edits.want(HERE, View("a"))
    await waiting.later.finish(20)
    await refused.later.finish(20)

    assert (waiting.shown, waiting.tried) == (["a"], 2)
    assert (refused.shown, refused.tried) == ([], 1)


async def test_an_edit_that_never_goes_is_given_up_and_the_next_one_is_made() -> None:
    screen = Screen(*(DeliveryError("", retry_after=0.001) for _ in range(3)))
    screen.edits.want(HERE, View("a"))
    await screen.later.finish(20)
    screen.edits.want(HERE, View("b"))
    await screen.later.finish(20)

    assert (screen.shown, screen.tried) == (["b"], 4)


async def test_a_call_that_fails_disturbs_nobody_but_a_fault_of_ours_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def fails(error: Exception) -> None:
        raise error

    later = Later()
    later.do(fails(Unreachable("blocked")))
    await later.finish(20)
    before = events(caplog.records)
    later.do(fails(ValueError("top secret words")))
    await later.finish(20)

    assert (before, events(caplog.records)) == ([], ["fault"])
    assert "secret" not in caplog.text


async def test_calls_are_bounded_and_given_up_when_it_stops() -> None:
    later, never = Later(), asyncio.Event()

    async def waits() -> None:
        await never.wait()

    for _ in range(MOST + 5):
        later.do(waits())
    edits = Edits(later, Screen().ready, Screen().edit)
    edits.want(HERE, View("a"))
    full = later.full
    await later.finish(0)
    await later.finish(0)

    assert full and not later.full
    assert edits._running == set() and edits._wanted == {}
