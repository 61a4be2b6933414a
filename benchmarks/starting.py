"""How long from the start of `postigo run` to the first answer, on each messenger, and how much memory it takes.

The whole program as an operator starts it, with both channels, against the tests' own servers on loopback; those who
wait for an answer wrote before it was started (Telegram keeps that) or as soon as it listens (Signal).
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import psutil
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.machine import described

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE / "tests"))

from fakes_signal import SignalServer, signal_server  # noqa: E402 - the tests' own, found only now
from fakes_signal_people import Person  # noqa: E402
from fakes_signal_wire import ACCOUNT  # noqa: E402
from fakes_telegram import TOKEN, telegram_server  # noqa: E402
from fakes_telegram_people import Person as TelegramPerson  # noqa: E402
from stories.program import mission_file, settings_file  # noqa: E402
from stories.stage import Inbox  # noqa: E402

CROWD = 100  # people on each messenger who then write SOS, after whose answers memory is looked at again
PATIENCE = 60.0  # seconds
MEGABYTE = 1e6
AIMS = "Aims: the first answer within 1 s of the start; under 120 MB resident with both channels."


@dataclass(frozen=True, slots=True)
class Started:
    """Seconds from the start, and bytes."""

    telegram: float
    signal: float
    resident: int
    after_crowd: int


def main() -> None:
    """Start it several times, and print the medians."""
    told = _told()
    with tempfile.TemporaryDirectory(prefix=".benchmark-", dir=HERE) as folder, Progress() as bar:
        rounds = []
        for number in bar.track(range(told.rounds), description="starts"):
            place = Path(folder) / str(number)
            place.mkdir()
            asyncio.run(_begun_once(place))
            rounds.append(asyncio.run(_started(place)))
        bar.stop()
        Console(width=110).print(_table(rounds), AIMS, described(Path(folder)), sep="\n")


async def _begun_once(place: Path) -> None:
    """Let database and keys be made: a first start takes longer, and there is one."""
    async with telegram_server() as telegram, signal_server() as signal, asyncio.timeout(PATIENCE):
        settings = _configured(place, telegram.base_url.removesuffix("/bot"), signal.address)
        process = await _program(place, settings)
        await signal.listening(within=PATIENCE)
        process.terminate()
        await process.wait()


async def _program(place: Path, settings: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run", "--config", str(settings)),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE), "HOME": str(place)},
        stderr=(place / "log").open("wb"),
    )


async def _started(place: Path) -> Started:
    async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE):
        telegram = await stack.enter_async_context(telegram_server())
        signal = await stack.enter_async_context(signal_server())
        settings = _configured(place, telegram.base_url.removesuffix("/bot"), signal.address)
        early, friend = telegram.person("early", language_code="en"), signal.person()
        early.writes("SOS")
        begun = perf_counter()
        process = await _program(place, settings)
        try:
            firsts = await asyncio.gather(_first_seen(early, begun), _first_heard(signal, friend, begun))
            before = psutil.Process(process.pid).memory_info().rss
            await asyncio.gather(
                *(_answered(signal.person()) for _ in range(CROWD)),
                *(_seen(telegram.person(f"P{number}", language_code="en")) for number in range(CROWD)),
            )
            after = psutil.Process(process.pid).memory_info().rss
        finally:
            process.kill()
            await process.wait()
        return Started(*firsts, before, after)


async def _answered(person: Person) -> None:
    person.writes("SOS")
    await person.until(lambda: bool(person.heard), within=PATIENCE)


async def _seen(person: TelegramPerson) -> None:
    person.writes("SOS")
    await person.sees(lambda who: bool(who.heard), PATIENCE)


async def _first_seen(person: TelegramPerson, begun: float) -> float:
    await person.sees(lambda who: bool(who.heard), PATIENCE)
    return perf_counter() - begun


async def _first_heard(server: SignalServer, person: Person, begun: float) -> float:
    await server.listening(within=PATIENCE)
    person.writes("SOS")
    await person.until(lambda: bool(person.heard), within=PATIENCE)
    return perf_counter() - begun


def _configured(place: Path, api: str, service: str) -> Path:
    """Write down a mission that is ready for people, with both channels and a folder for mails."""
    contact = Inbox(place).contact
    mission_file(place, contact.openpgp or "", contact.fingerprint)
    token = place / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    channels = f'[telegram]\ntoken_file = "token"\napi = "{api}"\n'
    channels += f'[signal]\nservice = "{service}"\nnumber = "{ACCOUNT}"\n'
    return settings_file(place, 'directory = "mail"', more=channels)


def _table(rounds: Sequence[Started]) -> Table:
    table = Table("what", "median", "low–high", "aim", box=box.MARKDOWN)
    seconds = {"first answer on Telegram": "telegram", "first answer on Signal": "signal"}
    for name, field in seconds.items():
        took = [getattr(one, field) for one in rounds]
        table.add_row(name, f"{median(took):.2f} s", f"{min(took):.2f}–{max(took):.2f}", "1 s")
    for name, field in {"resident memory": "resident", f"the same after {2 * CROWD} people": "after_crowd"}.items():
        took = [getattr(one, field) / MEGABYTE for one in rounds]
        table.add_row(name, f"{median(took):.0f} MB", f"{min(took):.0f}–{max(took):.0f}", "120 MB")
    return table


def _told() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
