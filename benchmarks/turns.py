"""How many whole turns a second: through desk, engine, sealing and commit, beside what the disk gives without us."""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.machine import described, raw_commits, raw_syncs
from benchmarks.stand import Stand, percentile, seconds, standing

AT_ONCE = (1, 64, 256)
SYNCS, COMMITS, PUT, CARRIED = ORDER = ("raw fsync", "raw sqlite3", "turn", "turn, carried")
COLUMNS = ("what", "at once", "a second", "low–high", "of sqlite3", "of fsync", "CPU µs", "p50 ms", "p99 ms")
AIM = "Aim: a turn, 64 at once, above 0.50 of sqlite3."
WIDTH = 110  # characters, also where the table goes into a file
HERE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Measured:
    """What one measurement gave: work done a second, CPU seconds of the process, and how long each turn took."""

    rate: float
    cpu: float = 0.0
    took: Sequence[float] = ()


Row = tuple[str, int]  # what, at once


def main() -> None:
    """Run every measurement in turn, several rounds, and print the medians."""
    told = _told()
    with tempfile.TemporaryDirectory(prefix=".benchmark-", dir=told.disk) as folder:
        rows = asyncio.run(_all(Path(folder), told.rounds, told.seconds))
        Console(width=max(WIDTH, Console().width)).print(_table(rows), AIM, described(Path(folder)), sep="\n")


async def _all(folder: Path, rounds: int, lasting: float) -> dict[Row, list[Measured]]:
    rows: dict[Row, list[Measured]] = {}
    async with (
        standing(_made(folder / "put"), carries=False) as put,
        standing(_made(folder / "carried"), carries=True) as carried,
    ):
        with Progress() as bar:
            task = bar.add_task("turns", total=rounds * (2 + 2 * len(AT_ONCE)))
            for number in range(rounds):
                async for row, measured in _round(folder, {PUT: put, CARRIED: carried}, number, lasting):
                    rows.setdefault(row, []).append(measured)
                    bar.advance(task)
    return rows


async def _round(
    folder: Path, stands: Mapping[str, Stand], number: int, lasting: float
) -> AsyncIterator[tuple[Row, Measured]]:
    yield (SYNCS, 1), Measured(await asyncio.to_thread(raw_syncs, folder, lasting))
    yield (COMMITS, 1), Measured(await asyncio.to_thread(raw_commits, folder, lasting))
    for at_once in AT_ONCE:
        for name, stand in stands.items():
            yield (name, at_once), await _measured(stand, f"{number}-{at_once}", at_once, lasting)


async def _measured(stand: Stand, label: str, at_once: int, lasting: float) -> Measured:
    begun, spent = perf_counter(), process_time()
    took = await stand.talk(stand.strangers(label), at_once, seconds(lasting))
    measured = Measured(len(took) / (perf_counter() - begun), (process_time() - spent) / len(took), took)
    await stand.quiet()
    return measured


def _table(rows: dict[Row, list[Measured]]) -> Table:
    table = Table(*COLUMNS, box=box.MARKDOWN)
    for name, at_once in sorted(rows, key=lambda row: (ORDER.index(row[0]), row[1])):
        rounds = rows[name, at_once]
        of_commits, of_syncs = (_share(rounds, rows[raw, 1]) for raw in (COMMITS, SYNCS))
        cpu, took = median(one.cpu for one in rounds), [turn for one in rounds for turn in one.took]
        table.add_row(
            name,
            str(at_once),
            f"{median(one.rate for one in rounds):,.0f}",
            f"{min(one.rate for one in rounds):,.0f}–{max(one.rate for one in rounds):,.0f}",
            f"{of_commits:.2f}",
            f"{of_syncs:.2f}",
            f"{cpu * 1e6:,.0f}" if cpu else "",
            *(f"{percentile(took, share) * 1000:.1f}" if took else "" for share in (0.5, 0.99)),
        )
    return table


def _share(rounds: Sequence[Measured], raw: Sequence[Measured]) -> float:
    """Return the median of the ratios within each round: a shared disk drifts more from round to round."""
    return median(one.rate / disk.rate for one, disk in zip(rounds, raw, strict=True))


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
