"""What open talks cost: bytes of process memory each, and how much slower a turn is where many talks are stored."""

import argparse
import asyncio
import gc
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from statistics import median

import psutil
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.machine import described
from benchmarks.people import CHANNEL, people
from benchmarks.stand import Stand, Visit, percentile, standing, turns
from bot.conversation.model import Sender

AIM = "Aim: memory doesn't grow with open talks; p99 by no more than a factor of 2."
AT_ONCE = 64
OPENED_WITH = 2  # messages, after which a talk stays open
STORED_FOR = timedelta(hours=24)
ROUNDS = 6
TURNS_A_ROUND = 800
ROWS_A_COMMIT = 5_000
WIDTH = 110  # characters, also where the table goes into a file
HERE = Path(__file__).resolve().parent.parent


def main() -> None:
    """Measure both and print a table each."""
    told = _told()
    with tempfile.TemporaryDirectory(prefix=".benchmark-", dir=told.disk) as folder, Progress() as bar:
        open_talks = asyncio.run(_open(_made(Path(folder) / "open"), told.open, bar))
        stored = asyncio.run(_stored(Path(folder), told.stored, bar))
        bar.stop()
        Console(width=max(WIDTH, Console().width)).print(open_talks, stored, AIM, described(Path(folder)), sep="\n")


# ── memory ───────────────────────────────────────────────────────────────────────────────────────────────


async def _open(folder: Path, sizes: list[int], bar: Progress) -> Table:
    """Open talks by real turns up to each size, and look at the process each time."""
    table = Table("open talks", "own memory, MB", "more bytes a talk", "Python objects", box=box.MARKDOWN)
    before = None
    task = bar.add_task("open talks", total=sizes[-1])
    async with standing(folder, carries=True) as stand:
        strangers = stand.strangers("open")
        opened = 0
        for size in sizes:
            while opened < size:
                visits = [replace(one, end=OPENED_WITH) for one in islice(strangers, min(1_000, size - opened))]
                await stand.talk(iter(visits), AT_ONCE, lambda: True)
                opened += len(visits)
                bar.update(task, completed=opened)
            await stand.quiet()
            own = _own_bytes()
            grown = f"{(own - before[1]) / (size - before[0]):,.0f}" if before else ""
            table.add_row(f"{size:,}", f"{own / 1e6:.1f}", grown, f"{len(gc.get_objects()):,}")
            before = size, own
    return table


def _own_bytes() -> int:
    """Return the memory that belongs to this process alone (USS)."""
    gc.collect()
    return int(psutil.Process().memory_full_info().uss)


# ── many stored talks ────────────────────────────────────────────────────────────────────────────────────


async def _stored(folder: Path, sizes: list[int], bar: Progress) -> Table:
    """Take turns of stored people, in turn at each size, and compare how long they took."""
    rounds: dict[int, list[list[float]]] = {size: [] for size in sizes}
    async with (
        standing(_made(folder / "few"), carries=True) as few,
        standing(_made(folder / "many"), carries=True) as many,
    ):
        stands = dict(zip(sizes, (few, many), strict=True))
        returning = {size: _fill(stand, size, bar) for size, stand in stands.items()}
        task = bar.add_task("turns", total=len(sizes) * ROUNDS)
        for _ in range(ROUNDS):
            for size, stand in stands.items():
                rounds[size].append(await stand.talk(returning[size], AT_ONCE, turns(TURNS_A_ROUND)))
                await stand.quiet()
                bar.advance(task)
        return _compared(rounds, {size: _megabytes(stand) for size, stand in stands.items()})


def _fill(stand: Stand, size: int, bar: Progress) -> Iterator[Visit]:
    """Store so many talks, each somewhere in its script, and return how their people go on.

    Sealed by the same code as in a turn, but in the order of their keys: SQLite is much faster then.
    """
    shelf, engine, now = stand.bot.desk.shelf, stand.bot.engine, stand.now()
    visits = {}
    for number, (address, script) in enumerate(islice(people(stand.written, "stored"), size)):
        start = 1 + number // len(stand.written) % (len(script.lines) - 1)
        visits[shelf.who(Sender(CHANNEL, address))] = Visit(address, script, start)
    task = bar.add_task(f"storing {size:,}", total=size)
    ordered = sorted(visits)
    for first in range(0, size, ROWS_A_COMMIT):
        rows = ordered[first : first + ROWS_A_COMMIT]
        with engine.connect() as conn, conn.begin():
            for who in rows:
                visit = visits[who]
                talk = replace(visit.script.before[visit.start], sender=Sender(CHANNEL, visit.address))
                shelf.keep(conn, who, talk, now + STORED_FOR)
        bar.advance(task, len(rows))
    return iter(visits.values())


def _compared(rounds: dict[int, list[list[float]]], megabytes: dict[int, float]) -> Table:
    table = Table("stored talks", "MB", "turns", "p50 ms", "p99 ms", "p50, ratio", "p99, ratio", box=box.MARKDOWN)
    first: list[float] = []
    for size, took in rounds.items():
        middle, late = (median(percentile(one, share) * 1000 for one in took) for share in (0.5, 0.99))
        first = first or [middle, late]
        ratios = (f"{middle / first[0]:.2f}", f"{late / first[1]:.2f}")
        turned = f"{sum(map(len, took)):,}"
        table.add_row(f"{size:,}", f"{megabytes[size]:,.0f}", turned, f"{middle:.1f}", f"{late:.1f}", *ratios)
    return table


def _megabytes(stand: Stand) -> float:
    return Path(stand.bot.engine.url.database or "").stat().st_size / 1e6


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _told() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--open", type=int, nargs="+", default=[1_000, 5_000, 10_000, 20_000], help="open talks, fewest first"
    )
    parser.add_argument("--stored", type=int, nargs=2, default=[1_000, 1_000_000], help="stored talks, few and many")
    parser.add_argument("--disk", type=Path, default=HERE, help="a folder on the disk to measure")
    return parser.parse_args()


if __name__ == "__main__":
    main()
