"""How many whole turns a second: through desk, engine, sealing and commit, beside what the disk gives without us."""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.machine import described, raw_commits, raw_syncs
from benchmarks.stand import Stand, percentile, seconds, standing

AT_ONCE = (1, 64, 256)
SYNCS, COMMITS, PUT, CARRIED = ORDER = ("raw fsync", "raw sqlite3", "turn", "turn, carried")
COLUMNS = ("what", "at once", "a second", "low–high", "of sqlite3", "of fsync", "p50 ms", "p99 ms")
AIM = "Aim: a turn, 64 at once, above 0.50 of sqlite3."
HERE = Path(__file__).resolve().parent.parent


@dataclass(slots=True)
class Row:
    """One row of the table: a rate for each round, and the seconds of every turn."""

    name: str
    at_once: int
    rates: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)


def main() -> None:
    """Run every measurement in turn, several rounds, and print the medians."""
    told = _told()
    with tempfile.TemporaryDirectory(prefix=".benchmark-", dir=told.disk) as folder:
        rows = asyncio.run(_all(Path(folder), told.rounds, told.seconds))
        Console().print(_table(rows), AIM, described(Path(folder)), sep="\n")


async def _all(folder: Path, rounds: int, lasting: float) -> list[Row]:
    rows: dict[tuple[str, int], Row] = {}
    async with (
        standing(_made(folder / "put"), carries=False) as put,
        standing(_made(folder / "carried"), carries=True) as carried,
    ):
        with Progress() as bar:
            task = bar.add_task("turns", total=rounds * (2 + 2 * len(AT_ONCE)))
            for number in range(rounds):
                async for name, at_once, rate, took in _round(folder, (put, carried), number, lasting):
                    row = rows.setdefault((name, at_once), Row(name, at_once))
                    row.rates.append(rate)
                    row.took += took
                    bar.advance(task)
    return list(rows.values())


async def _round(
    folder: Path, stands: tuple[Stand, ...], number: int, lasting: float
) -> AsyncIterator[tuple[str, int, float, list[float]]]:
    yield SYNCS, 1, await asyncio.to_thread(raw_syncs, folder, lasting), []
    yield COMMITS, 1, await asyncio.to_thread(raw_commits, folder, lasting), []
    for at_once in AT_ONCE:
        for stand in stands:
            begun = perf_counter()
            took = await stand.talk(stand.strangers(f"{number}-{at_once}"), at_once, seconds(lasting))
            rate = len(took) / (perf_counter() - begun)
            await stand.quiet()
            yield CARRIED if stand.carries else PUT, at_once, rate, took


def _table(rows: list[Row]) -> Table:
    table = Table(*COLUMNS, box=box.MARKDOWN)
    syncs, commits = median(rows[0].rates), median(rows[1].rates)
    for row in sorted(rows, key=lambda row: ORDER.index(row.name)):
        rate = median(row.rates)
        table.add_row(
            row.name,
            str(row.at_once),
            f"{rate:,.0f}",
            f"{min(row.rates):,.0f}–{max(row.rates):,.0f}",
            f"{rate / commits:.2f}",
            f"{rate / syncs:.2f}",
            *(f"{percentile(row.took, share) * 1000:.1f}" if row.took else "" for share in (0.5, 0.99)),
        )
    return table


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _told() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds, all measurements in each; medians are shown")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement in a round")
    parser.add_argument("--disk", type=Path, default=HERE, help="a folder on the disk to measure")
    return parser.parse_args()


if __name__ == "__main__":
    main()
