"""The clock of a chain, whatever happens to the bot and its clock: each officer is told once, and in time."""

import asyncio
import os
import signal as signals
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes_gpg import Gpg
from fakes_signal import SignalServer
from fakes_signal_people import Person
from fakes_signal_wire import ACCOUNT
from fakes_smtp import Authority, MailServer, mail_server
from stories.lives import begin, nursery
from stories.officers_town import (
    NAMES,
    Officer,
    OfficersTown,
    officers_town,
    on_duty,
    reference_in,
    uncovered,
)
from stories.program import mission_file, server_lines, settings_file
from stories.signal_town import SOS
from stories.sizes import Size
from stories.stage import message_ids

PROGRAM = Path(__file__).with_name("officers_bot.py")
UNREAD = "Nobody has read it yet."
READ = "An officer has read it, at "
DEADLINE = 120.0  # seconds for everything, on a machine that does other things


@pytest.fixture
async def town(tmp_path: Path, gpg: Gpg, server: MailServer, authority: Authority) -> AsyncIterator[OfficersTown]:
    async with officers_town(tmp_path, gpg, server, authority) as made:
        yield made


def times(person: Person, words: str) -> int:
    return sum(words in said.text for said in person.heard)


# ── a clock that is set back ─────────────────────────────────────────────────────────────────────────────

SLACK = 2  # minutes: a clock is known to the minute


@pytest.mark.parametrize("back", [3, 5 * 24])
@pytest.mark.parametrize("at", [1, 20, 58])
async def test_a_clock_that_is_set_back_keeps_nobody_waiting(town: OfficersTown, back: int, at: int) -> None:
    async with on_duty(town) as bot:
        ana = town.signal.person()
        await bot.says(ana, *SOS)
        await town.mails.arrived(1)
        await bot.later(minutes=at)
        await bot.later(hours=-back)
        assert town.told == ["first"] and times(ana, UNREAD) == 0
        if at + SLACK < 60:
            await bot.later(minutes=60 - at - SLACK)
            assert town.told == ["first"] and times(ana, UNREAD) == 0
            await bot.later(minutes=SLACK)
        else:
            await bot.later(minutes=60 - at)
        assert town.told == ["first", "second"] and times(ana, UNREAD) == 1
        await bot.later(minutes=30)
        assert town.told == ["first", "second", "third"]
        await bot.later(hours=back + 3)  # the clock is right again
        assert town.told == list(NAMES) and times(ana, UNREAD) == 1
        assert [len(one.pings) for one in town.officers] == [1, 1, 1, 1]


async def test_a_clock_that_was_set_back_while_the_bot_was_down_keeps_nobody_waiting(town: OfficersTown) -> None:
    ana = town.signal.person()
    async with on_duty(town) as bot:
        await bot.says(ana, *SOS)
        await town.mails.arrived(1)
        await bot.later(minutes=20)
    town.stage.clock.move(hours=-6)
    async with on_duty(town) as bot:
        await bot.later(minutes=38)
        assert town.told == ["first"] and times(ana, UNREAD) == 0
        await bot.later(minutes=3)
        assert town.told == ["first", "second"] and times(ana, UNREAD) == 1


async def test_what_came_due_while_the_bot_was_down_is_made_up_for_when_it_begins(town: OfficersTown) -> None:
    ana = town.signal.person()
    async with on_duty(town) as bot:
        await bot.says(ana, *SOS)
        await town.mails.arrived(1)
        await bot.settled()
    town.stage.clock.move(minutes=95)
    async with on_duty(town) as bot:
        await bot.settled()
        assert sorted(town.told) == ["first", "second", "third"]
        assert times(ana, UNREAD) == 1


# ── a bot that is killed ─────────────────────────────────────────────────────────────────────────────────


@dataclass
class Killed:
    """A mission whose bot is killed again and again, and the time there."""

    town: OfficersTown
    process: asyncio.subprocess.Process
    clock: Path
    life: int = 0

    async def lives(self) -> None:
        """Begin a life; return once it listens."""
        connections = self.town.signal.connections
        self.life = await begin(self.process)
        await self.town.signal.listening(connections + 1)

    async def dies(self) -> None:
        os.kill(self.life, signals.SIGKILL)
        await self.town.signal.deaf()

    def later(self, **span: float) -> None:
        self.town.stage.clock.move(**span)
        told(self.clock, self.town)

    async def says(self, person: Person, text: str) -> str:
        """Let somebody write; return what they hear next."""
        heard = len(person.heard)
        person.writes(text)
        await person.until(lambda: len(person.heard) > heard, within=DEADLINE)
        return uncovered(person.heard[heard].text)

    @property
    def mails(self) -> dict[str, int]:
        """How many mails have gone to each officer; the same one twice is one."""
        by = {
            name: [one for one in self.town.mails.accepted if one.recipients == (f"{name}@mission.example",)]
            for name in NAMES
        }
        return {name: len(message_ids(sent)) for name, sent in by.items() if sent}


def told(clock: Path, town: OfficersTown) -> None:
    """Let the bot know the time; it never reads half of it."""
    beside = clock.with_suffix(".new")
    beside.write_text(str(town.stage.clock.at.timestamp()))
    beside.replace(clock)


def mission(folder: Path, officers: tuple[Officer, ...]) -> None:
    """The roster as a mission writes it, without a daily mail."""
    first, *others = (one.contact for one in officers)
    file = mission_file(folder, first.openpgp or "", first.fingerprint)
    text = file.read_text("utf-8").replace('"officer@example.org"', f'"{first.address}"\nsignal = "{first.signal}"')
    for one in others:
        text += f'\n[[contact]]\naddress = "{one.address}"\nopenpgp = "{one.openpgp}"\n'
        text += f'fingerprint = "{one.fingerprint}"\nsignal = "{one.signal}"\n'
    file.write_text(text, "utf-8")


@pytest.fixture
async def killed(tmp_path: Path, gpg: Gpg, authority: Authority) -> AsyncIterator[Killed]:
    async with (
        mail_server(authority.server()) as server,
        officers_town(tmp_path, gpg, server, authority) as town,
        nursing(tmp_path, town) as process,
    ):
        made = Killed(town, process, tmp_path / "clock")
        yield made
        with suppress(ProcessLookupError):  # else a story that fails would wait for it
            os.kill(made.life, signals.SIGKILL)
    logged = (tmp_path / "stderr").read_text()
    for bad in ("fault", "turn_failed", "report_failed", "restored"):
        assert f'"{bad}"' not in logged


@asynccontextmanager
async def nursing(folder: Path, town: OfficersTown) -> AsyncIterator[asyncio.subprocess.Process]:
    told(folder / "clock", town)
    mission(folder, town.officers)
    account = f'[signal]\nservice = "{town.signal.address}"\nnumber = "{ACCOUNT}"'
    settings = settings_file(folder, server_lines(town.mails, town.authority), account, "warning")
    async with nursery(folder, PROGRAM, settings, folder / "clock") as process:
        yield process


async def heard_by(signal: SignalServer, killed: Killed, *names: str) -> None:
    """Wait until mails have gone to these officers."""
    goal = len(killed.town.mails.accepted) + 1
    while set(killed.mails) != set(names):
        await killed.town.mails.arrived(goal, within=DEADLINE)
        goal = len(killed.town.mails.accepted) + 1


async def test_a_bot_that_is_killed_tells_each_officer_once_and_in_time(killed: Killed, size: Size) -> None:
    town, signal = killed.town, killed.town.signal
    ana = signal.person()
    async with asyncio.timeout(DEADLINE):
        await killed.lives()
        for text in SOS:
            codes = await killed.says(ana, text)
        await ana.hears("Return code", within=DEADLINE)
        reference = reference_in("\n".join([codes, *(said.text for said in ana.heard)]))
        await heard_by(signal, killed, "first")
        await ana.hears("It has left us", within=DEADLINE)  # else she would be told that it hasn't
        for number, name in enumerate(NAMES[1:3], 2):
            await killed.dies()
            for _ in range(size.kills):  # nothing is due, whoever begins
                await killed.lives()
                await killed.says(signal.person(), "hello")
                await killed.dies()
            assert [*killed.mails] == [*NAMES[: number - 1]]
            killed.later(minutes=60 if name == "second" else 30)
            await killed.lives()
            await heard_by(signal, killed, *NAMES[:number])  # and is killed in that moment
        await ana.hears(UNREAD, within=DEADLINE)
        assert (await killed.says(town.second.phone, f"ack {reference}")).startswith("Noted: you have read case")
        await killed.dies()
        killed.later(hours=3)
        await killed.lives()
        await ana.hears(READ, within=DEADLINE)
        await killed.says(signal.person(), "hello")
        shown = await killed.says(town.officers[3].phone, f"case {reference}")
        await killed.dies()
    assert f"read by {town.second.address}" in shown
    assert killed.mails == {"first": 1, "second": 1, "third": 1}
    assert all(len(one.pings) <= 1 for one in town.officers) and town.officers[3].pings == []
    assert times(ana, READ) <= 2 and times(ana, UNREAD) <= 2  # what may not have arrived is said once more
