"""Nothing is lost, whatever goes wrong: talks in seeded mixes of faults, and what must hold when the faults are over.

A mix that fails tells its seed; POSTIGO_SEED=… plays the same periods again. POSTIGO_TALKS=10000 plays so many talks.
"""

import asyncio
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from math import inf
from pathlib import Path
from typing import Any

import pytest
from fakes_gpg import Gpg
from fakes_postgres import Postgres
from fakes_proxy import Kind, drawn
from stories.fault_crowd import Talker
from stories.fault_mix import CALM, NEIGHBOURS, REFUSED, SERVER, Life, living, on_server, period, rests
from stories.fault_town import NAMES, FaultTown, Officer, fault_town, replayed
from stories.program import CHECKOUT, mission_file, ran, settings_file
from stories.sizes import Size, size_of

from bot.cli import WRONG

SEED = 19366  # the first two mixes from here have a bit of everything as soon as can be
LEAST = 8  # periods: so many each mix has, whoever has done
DEADLINE = 120.0  # seconds in which something must come to an end when the faults are over, on a busy machine
UNTIL = 90  # of a hundred people: when so many have done, the faults are over
FURTHER_ON = 4 * 60 + 2  # minutes until a second officer is told of what is not urgent, and what is taken for drift
READ = "An officer "  # has read it, or read your case
EVENT = re.compile(r'"event": "(\w+)"')

# What no mix may bring, whatever else is in it.
NEVER = {"database_restored", "effect_unreadable", "sealing_failed", "mail_given_up", "channel_stopped"}
DISK = {"fault", "report_failed", "turn_failed", "round_failed", "mailbox_stuck"}  # only where a disk was full


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="f-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each mix a test of its own, so that several may be played side by side."""
    if "seed" in metafunc.fixturenames:
        soak = metafunc.config.getoption("--soak")
        played = seeds(size_of("test_fault_mixes", soak=soak))
        metafunc.parametrize(
            "seed", [one for one in played if on_server(one) is ("postgresql" in metafunc.fixturenames)]
        )


def seeds(size: Size) -> list[int]:
    """The mixes to be played."""
    given = os.environ.get("POSTIGO_SEED")
    if given:
        return [int(given)]
    talks = int(os.environ.get("POSTIGO_TALKS", "0"))
    if not talks:
        return [SEED + number for number in range(size.mixes)]
    until = next(end for end in count(SEED) if sum(people_of(size, one) for one in range(SEED, end)) >= talks)
    return list(range(SEED, until))


def people_of(size: Size, seed: int) -> int:
    """How many talk in a mix; fewer where each statement goes through a proxy to a server."""
    return max(size.people // 4, min(size.people, 8)) if on_server(seed) else size.people


async def test_nothing_is_lost_whatever_goes_wrong(home: Path, gpg: Gpg, size: Size, seed: int) -> None:
    await nothing_is_lost(home, gpg, size, seed)


async def test_nothing_is_lost_whatever_becomes_of_the_database_server(
    home: Path, gpg: Gpg, size: Size, postgresql: Postgres, seed: int
) -> None:
    await nothing_is_lost(home, gpg, size, seed, postgresql)


def test_a_start_without_its_database_ends_with_one_line_and_a_code_upon_which_it_is_begun_again(
    home: Path, gpg: Gpg
) -> None:
    officer = Officer(home, gpg, NAMES[0])
    mission_file(home, str(officer.file), officer.fingerprint)
    nobody = "postgresql+psycopg://postigo@127.0.0.1:1/kept"
    ended = ran(home, "run", "--config", settings_file(home, 'directory = "mails"', url=nobody))
    said = [line for line in ended.stderr.decode().splitlines() if not line.startswith("{")]
    assert (ended.returncode, [bool(REFUSED.match(line)) for line in said]) == (WRONG, [True]), said
    unit = (CHECKOUT / "config/deploy/postigo.service").read_text("utf-8")
    assert ("\nRestart=on-failure\n" in unit, "RestartPreventExitStatus" in unit) == (True, False)


async def nothing_is_lost(home: Path, gpg: Gpg, size: Size, seed: int, server: Postgres | None = None) -> None:
    began, size = time.monotonic(), replace(size, people=people_of(size, seed))
    officers = tuple(Officer(home, gpg, name) for name in NAMES)
    with replayed(seed, "tests/stories/test_fault_mixes.py"):
        async with fault_town(home, officers, size, seed, server) as town:
            await played(town, size, seed)
    took = time.monotonic() - began
    print(f"seed={seed}: {size.people} talks ended right, {size.people / took:.1f} a second")  # noqa: T201 - with -s
    assert town.crowd.done == size.people


async def played(town: FaultTown, size: Size, seed: int) -> None:
    """Play a mix, and see that everything holds."""
    async with living(town.home, town.settings, town.authority.file, town.proxies, town.kept.database) as life:
        talking, periods = asyncio.create_task(town.crowd.talk()), list[str]()
        try:
            await troubled(town, life, seed, size, periods)
            await all_is_over(town, life)
        except BaseException as error:
            error.add_note("\n".join([*periods, *unfinished(town), *logged(town)[-30:]]))
            raise
        finally:
            talking.cancel()
        assert await goes_on(town) == []
        life.dies()
    everything_holds(town, life, periods)


async def troubled(town: FaultTown, life: Life, seed: int, size: Size, periods: list[str]) -> None:
    """Let one period follow the other while people talk, and tell of each."""
    people = len(town.crowd.people)
    await town.crowd.people[0].phone.hears(0, DEADLINE)
    for number in range(size.periods):
        what, enough = period(seed, number), people * UNTIL // 100 if number >= LEAST else people + 1
        periods.append(str(what))
        await life.suffers(what)
        await town.crowd.waits(what.seconds, enough)
        await life.recovers(what)
        if await (town.crowd.rests(enough) if rests(seed, number) else town.crowd.waits(CALM, enough)):
            break
        await town.opens()


async def all_is_over(town: FaultTown, life: Life) -> None:
    """Wait until every talk has ended, every case has arrived, and nothing waits that is due."""
    time, least, until = asyncio.get_running_loop().time, (inf, inf), 0.0
    while any(left := await what_is_left(town)):
        if left < least:
            least, until = left, time() + DEADLINE
        assert time() < until, f"stuck: {left[0]} talks haven't ended, or {left[1]} cases and rows still wait"
        await asyncio.sleep(CALM)  # other programs' state
        await town.opens()
        await life.watched("afterwards")


async def what_is_left(town: FaultTown) -> tuple[int, int]:
    """How many talks haven't ended, and, if all have, how many cases haven't arrived; and then, how much waits."""
    people = town.crowd.people
    talks = len(people) - town.crowd.done
    cases = 0 if talks else len({one.reference for one in people} - town.arrived.references)
    return talks, cases or (0 if talks else await waiting(town))


async def waiting(town: FaultTown) -> int:
    """How much could be carried out, and hasn't been.

    A status may be lost: one that may have arrived is said once more at most. Codes, and the answer to whoever asks,
    are not: they are looked for in every talk.
    """
    return town.kept.waiting() + len(await asyncio.to_thread(town.box.left))


def unfinished(town: FaultTown) -> list[str]:
    """Say whose talks aren't as they should be, with what they heard last, and which rows wait."""
    arrived = town.arrived.references
    missing = [one for one in town.crowd.people if not one.codes or one.reference not in arrived]
    told = [f"{one.number} {one.codes[:60]!r}: {one.phone.heard[-3:]}" for one in missing]
    counts = f"{town.kept.waiting()} rows are due, {len(town.acknowledged)} cases are acknowledged"
    return [counts, *told[:12], *(one for one in town.kept.rows() if not one.startswith("wake"))]


async def goes_on(town: FaultTown) -> list[int]:
    """Let everybody write once more; return who doesn't hear how their case stands."""
    people = town.crowd.people
    answered = await asyncio.gather(*(one.learns(DEADLINE) for one in people))
    return [one.number for one, heard in zip(people, answered, strict=True) if not heard]


def everything_holds(town: FaultTown, life: Life, periods: list[str]) -> None:
    every_alert_arrived_once(town)
    assert town.kept.longest_wait() <= FURTHER_ON, "\n".join(town.kept.rows())
    told = "\n".join(periods)
    assert life.ended == [], f"the bot ended by itself: {life.ended}"
    never = NEVER | (set() if "disk full" in told or town.kept.url else DISK)
    found = [line for line in logged(town) if never & set(EVENT.findall(line))]
    assert found == [], found[:5]
    people = {one.reference: one for one in town.crowd.people}
    assert [one for one in town.acknowledged if not people[one].has_heard(READ)] == [], (
        "nobody was told who has read it"
    )


def logged(town: FaultTown) -> list[str]:
    """All that was logged, as far as a full disk took it."""
    return (town.home / "stderr").read_text().splitlines()


def every_alert_arrived_once(town: FaultTown) -> None:
    first, second = town.officers
    assert {name: len(bodies) for name, bodies in town.arrived.bodies.items() if len(bodies) > 1} == {}
    for officer in (first, second):
        references = [case["reference"] for case in town.arrived.of(officer.address)]
        assert [one for one, times in Counter(references).items() if times > 1] == [], "a case has two Message-IDs"
    cases = {case["reference"]: case for case in town.arrived.of(first.address)}
    for talker in town.crowd.people:
        is_right(cases.pop(talker.reference), talker)
    assert cases == {}, "cases of nobody"


def is_right(case: dict[str, Any], talker: Talker) -> None:
    assert case["check"] == talker.check
    answers = {step: [one["name"] for one in told["choices"]] for step, told in case["answers"].items()}
    assert answers == talker.expected(emergency="sos" in answers)
    assert [one["kind"] for one in case["consents"]] == ["send", "act"]


def test_the_short_mixes_have_every_fault_every_neighbour_and_all_that_becomes_of_a_server() -> None:
    short = size_of("test_fault_mixes", soak=False)
    played = [
        (seed, period(seed, number)) for seed in range(SEED, SEED + short.mixes) for number in range(short.periods)
    ]
    troubles = [(name, one.kind) for _, what in played for name, one in what.troubles.items()]
    assert {on_server(seed) for seed, _ in played} == {True, False}
    assert {name for name, _ in troubles} == {*NEIGHBOURS, SERVER}
    assert {kind for _, kind in troubles} == set(Kind)
    assert {what.server for _, what in played} == {"", "killed", "stopped", "cut"}
    assert all(any(getattr(what, name) for _, what in played) for name in ("killed", "down", "full", "jump"))


def test_a_seed_gives_the_same_mix_always() -> None:
    assert [str(period(7, number)) for number in range(50)] == [str(period(7, number)) for number in range(50)]
    assert len({str(period(drawn(n, below=99), 0)) for n in range(20)}) > 10
