"""Many people at once on Signal, in a soak two hundred, while everything goes wrong that can: each talk ends right.

The server keeps only what is sent while it is stopped; frames that find no listener, or one that hasn't read yet, are
lost, as with the real one: whoever isn't answered writes again. Nobody is killed here, so nobody may be answered twice,
but where a send was in doubt: there the words of a status or an emergency are said once more, and a question isn't.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from fakes_signal import SignalServer
from fakes_signal_bot import QUICK
from fakes_signal_faults import (
    BAD_GATEWAY,
    BROKEN,
    FAILED,
    GARBAGE,
    HANGS_AFTER,
    RESET_AFTER,
    RESET_BEFORE,
    Fault,
    bad_frames,
    rate_limited,
)
from fakes_signal_people import KINDS
from fakes_signal_wire import data
from fakes_smtp import Authority, MailServer
from stories.signal_crowd import Defender, all_talk, case_of, expected, script
from stories.signal_town import AREAS, QuickClock, Talks, on_signal, says_of, serving
from stories.sizes import Size
from stories.stage import Inbox, Stage, posted_to

from bot.conversation.model import Outcome, Weight

DEADLINE = 240.0  # seconds, on a machine that does other things
SPEED = 20.0  # what the bot tries again after 15 seconds comes after one
PATIENCE = 6.0
STEADY = replace(QUICK, answer=5.0, silent_for=5.0)  # a machine that does other things brings no doubt of its own
A_TROUBLE_EACH = 4  # people: how many messages go out between two troubles

Trouble = Callable[[SignalServer], Awaitable[object]]


def closed(code: int) -> Trouble:
    return lambda server: server.hang_up(code)


def failing(*faults: Fault) -> Trouble:
    async def fail(server: SignalServer) -> None:
        server.release()
        server.fails(*faults)

    return fail


async def restarted(server: SignalServer) -> None:
    await server.stop()
    await server.start()
    await server.listening(server.connections)


async def told_nonsense(server: SignalServer) -> None:
    person = server.person("0bad0bad-0bad-4bad-8bad-0bad0bad0bad")
    for frame in bad_frames(person.frame(server.stamp(), data(server.stamp(), "7"))).values():
        server.deliver(frame)


async def told_what_is_no_answer(server: SignalServer) -> None:
    for person in [*server.people.values()][::20]:
        for kind in KINDS:
            if kind != "sticker":
                person.sends(kind)
        person.is_written_to_by_staff("ERASE")


TROUBLES: tuple[Trouble, ...] = (
    closed(1000),
    failing(rate_limited("")),
    told_nonsense,
    closed(1006),
    failing(HANGS_AFTER, RESET_AFTER),
    told_what_is_no_answer,
    closed(1001),
    failing(rate_limited("token"), RESET_BEFORE),
    restarted,
    failing(BAD_GATEWAY, FAILED),
    closed(1011),
    failing(GARBAGE, BROKEN),
)
IN_DOUBT = 8  # faults of one round after which nobody knows whether the words have arrived


async def troubled(server: SignalServer, between: int) -> None:
    """Let one trouble follow the other, as messages go out."""
    for number in range(2 * len(TROUBLES)):
        goal = between * (number + 1)
        await server.until(lambda goal=goal: server.sends >= goal, within=DEADLINE)  # type: ignore[misc]  # bound
        await TROUBLES[number % len(TROUBLES)](server)
    server.release()


@pytest.fixture
def said() -> list[tuple[str, Outcome]]:
    """What was committed, by whom it was for."""
    return []


async def test_talks_end_right_whatever_happens_meanwhile(
    size: Size, stage: Stage, server: MailServer, authority: Authority, officer: Inbox, said: list[tuple[str, Outcome]]
) -> None:
    stage.clock, stage.post = QuickClock(SPEED), posted_to(server, authority, patience=DEADLINE)

    def note(outcome: Outcome, _: datetime) -> None:
        if outcome.conversation:
            said.append((outcome.conversation.sender.address, outcome))

    async with (
        serving(stage.clock, impatient=True) as signal,
        asyncio.timeout(DEADLINE),
        on_signal(stage, signal, patience=STEADY) as bot,
    ):
        bot.bot.desk.noted = note
        crowd = [Defender(signal.person(), script(number, AREAS), AREAS, PATIENCE) for number in range(size.people)]
        trouble = asyncio.create_task(troubled(signal, size.people // A_TROUBLE_EACH))
        await all_talk(crowd, at_once=size.people)
        await trouble
        await server.arrived(size.people, within=DEADLINE)
        nobody_was_answered_twice(bot, crowd, said)
    assert asyncio.get_running_loop().is_running()
    assert signal.connections >= 11
    every_alert_is_right(crowd, server, officer)


def every_alert_is_right(crowd: list[Defender], server: MailServer, officer: Inbox) -> None:
    assert len(server.accepted) == len(crowd)
    cases = {case["reference"]: case for case in opened(server, officer)}
    assert len(cases) == len(crowd)
    for defender in crowd:
        reference, check = case_of(defender)
        case = cases[reference]
        assert case["check"] == check
        assert {step: [one["name"] for one in told["choices"]] for step, told in case["answers"].items()} == expected(
            defender
        )


def opened(server: MailServer, officer: Inbox) -> Iterator[dict[str, Any]]:
    return (json.loads(officer.opened(taken.mail)[2]) for taken in server.accepted)


def wholes(committed: Counter[tuple[str, str, bool]], address: str, text: str) -> int:
    """How many were committed of which this may be what was left: of a question that a newer one took the place of."""
    lines = set(text.split("\n"))
    theirs = ((whole, times) for (who, whole, _), times in committed.items() if who == address)
    return sum(times for whole, times in theirs if lines <= set(whole.split("\n")))


def nobody_was_answered_twice(bot: Talks, crowd: list[Defender], said: list[tuple[str, Outcome]]) -> None:
    committed: Counter[tuple[str, str, bool]] = Counter()
    for address, outcome in said:
        for say in says_of(outcome):
            text = bot.bot.knowledge.renderer.spoken(say, buttons=False, covered=True).text
            committed[address, text, say.weight is Weight.QUESTION] += 1
    twice = 0
    for defender in crowd:
        for text, times in Counter(one.text for one in defender.person.heard).items():
            question = committed[defender.person.uuid, text, True]
            status = committed[defender.person.uuid, text, False]
            status += 0 if question + status else wholes(committed, defender.person.uuid, text)
            assert times <= question or status, "a question was asked again, or words were never committed"
            twice += max(times - question - status, 0)
    assert twice <= 2 * IN_DOUBT
