"""Frames that wait: each person's in order, people in turn, and whoever cries for help with all their frames first."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.signal_queue import Frames

PEOPLE = [f"{number:08}-0000-4000-8000-000000000000" for number in range(5)]
ANA, EVA, *OTHERS = PEOPLE


def frame(who: str, text: str, number: int = 0) -> str:
    told = {"envelope": {"sourceUuid": who, "timestamp": number, "dataMessage": {"timestamp": number, "message": text}}}
    return json.dumps(told)


def frames(most: int = 100, in_danger: Collection[str] = ()) -> Frames:
    return Frames(most, lambda text: text in {"SOS", "\U0001f198", "ayúdame"}, in_danger.__contains__)


def taken(queue: Frames) -> list[tuple[str, str]]:
    told = [json.loads(queue.get_nowait())["envelope"] for _ in range(queue.qsize())]
    return [(one["sourceUuid"], one["dataMessage"]["message"]) for one in told]


def test_one_who_writes_much_delays_nobody() -> None:
    queue = frames()
    for number in range(50):
        queue.put_nowait(frame(ANA, f"{number}"))
    queue.put_nowait(frame(EVA, "hello"))
    assert (EVA, "hello") in taken(queue)[:2]


@pytest.mark.parametrize("cry", ["SOS", "\U0001f198", "ayúdame"])
def test_whoever_cries_comes_first_with_every_earlier_word_of_theirs(cry: str) -> None:
    queue = frames()
    for who in (*OTHERS, ANA, *OTHERS, ANA):
        queue.put_nowait(frame(who, "1"))
    queue.put_nowait(frame(ANA, cry))
    queue.put_nowait(frame(ANA, "later"))
    first = taken(queue)
    assert first[:3] == [(ANA, "1"), (ANA, "1"), (ANA, cry)]
    assert first.index((ANA, "later")) > 3


def test_of_several_who_cry_the_first_comes_first_and_crying_again_gains_nothing() -> None:
    queue = frames()
    for who, text in ((EVA, "1"), (ANA, "SOS"), (EVA, "SOS"), (ANA, "SOS")):
        queue.put_nowait(frame(who, text))
    assert taken(queue) == [(ANA, "SOS"), (EVA, "1"), (EVA, "SOS"), (ANA, "SOS")]


def test_who_is_in_danger_comes_before_others_and_holds_up_nobody_for_ever() -> None:
    queue = frames(in_danger={ANA, EVA})
    for _ in range(3):
        for who in (*OTHERS, ANA, EVA):
            queue.put_nowait(frame(who, "1"))
    first = [who for who, _ in taken(queue)]
    assert first[:4] == [ANA, EVA, ANA, OTHERS[0]]
    assert set(first[:8]) == {ANA, EVA, *OTHERS[:2]}
    assert first[8:] == [*OTHERS[2:], *OTHERS, *OTHERS][: len(first) - 8]


def test_who_cries_goes_before_who_is_in_danger() -> None:
    queue = frames(in_danger={ANA})
    queue.put_nowait(frame(ANA, "1"))
    queue.put_nowait(frame(EVA, "SOS"))
    assert taken(queue) == [(EVA, "SOS"), (ANA, "1")]


@pytest.mark.parametrize("raw", ["", "no frame", b"\xff\xfe", '{"envelope": {"sourceUuid": "x", "message": "\\u12"}}'])
def test_what_is_no_frame_is_passed_on_as_it_is(raw: str | bytes) -> None:
    queue = frames()
    queue.put_nowait(raw)
    assert queue.get_nowait() == raw
    assert queue.empty()


def test_who_is_named_in_a_text_is_not_who_wrote() -> None:
    queue = frames()
    queue.put_nowait(frame(EVA, "hello"))
    queue.put_nowait(frame(ANA, f'"sourceUuid": "{EVA}", "message": "SOS"'))
    assert [who for who, _ in taken(queue)] == [EVA, ANA]


async def test_a_full_queue_lets_the_reader_wait() -> None:
    queue = frames(most=2)
    for _ in range(2):
        await queue.put(frame(ANA, "1"))
    assert queue.full()
    waiting = asyncio.create_task(queue.put(frame(ANA, "2")))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert "1" in str(await queue.get())
    await waiting
    assert queue.qsize() == 2


async def test_who_gets_waits_for_a_frame() -> None:
    queue = frames()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put_nowait("x")
    assert await waiting == "x"


TEXTS = st.sampled_from(["1", "hello", "SOS"])
MOVES = st.lists(st.one_of(st.tuples(st.sampled_from(PEOPLE), TEXTS), st.none()), max_size=80)


@given(MOVES)
def test_nothing_is_lost_and_each_person_s_frames_keep_their_order(moves: list[tuple[str, str] | None]) -> None:
    queue, wrote, came = frames(1_000, {ANA, EVA}), defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    for number, move in enumerate([*moves, *[None] * len(moves)]):
        if move is not None:
            queue.put_nowait(frame(*move, number))
            wrote[move[0]].append(number)
        elif not queue.empty():
            told = json.loads(queue.get_nowait())["envelope"]
            came[told["sourceUuid"]].append(told["timestamp"])
    assert came == wrote
    assert queue.empty()
