"""How many whole turns a second several processes take on one PostgreSQL, beside one on SQLite.

Each process is a whole bot; its people are its own, as behind a balancer. A private server is started for it, on the
disk that is measured, with every commit brought to the disk.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psutil
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.machine import described
from benchmarks.stand import percentile, seconds, standing

HERE = Path(__file__).resolve().parent.parent
PROCESSES = (1, 2, 4)
AT_ONCE = 64  # people who talk with each process at the same time
COLUMNS = ("database", "processes", "turns a second", "low–high", "of one on SQLite", "p50 ms", "p99 ms")
GO = "go"
READY = "ready"


def main() -> None:
    """Measure all in turn, several rounds, and print the medians; or be one of the processes."""
    told = _told()
    if told.url:
        told.keys.mkdir(exist_ok=True)
        asyncio.run(_one(told.keys, told.url, told.label, told.seconds))
        return
    rows: dict[tuple[str, int], list[list[list[float]]]] = {}
    with tempfile.TemporaryDirectory(prefix=".benchmark-", dir=told.disk) as folder, Progress() as bar:
        task = bar.add_task("turns", total=told.rounds * (1 + len(PROCESSES)))
        for number in range(told.rounds):
            for database, processes in (("SQLite", 1), *(("PostgreSQL", many) for many in PROCESSES)):
                place = Path(folder) / f"{number}-{database}-{processes}"
                place.mkdir()
                rows.setdefault((database, processes), []).append(_measured(place, database, processes, told.seconds))
                bar.advance(task)
        bar.stop()
        Console(width=110).print(_table(rows, told.seconds), _server(), described(Path(folder)), sep="\n")


def _measured(place: Path, database: str, processes: int, lasting: float) -> list[list[float]]:
    """Return, of each process, the seconds that each of its turns took."""
    if database == "SQLite":
        return _together(place, f"sqlite:///{place}/postigo.db", processes, lasting)
    with _postgresql(place) as url:
        return _together(place, url, processes, lasting)


def _together(place: Path, url: str, processes: int, lasting: float) -> list[list[float]]:
    """Begin the processes, let all go at once, and read what each has measured."""
    running = [_begun(place, url, str(number), lasting) for number in range(processes)]
    for one in running:
        _read(one, READY)
    for one in running:
        assert one.stdin
        one.stdin.write(GO + "\n")
        one.stdin.flush()
    return [[float(took) for took in one.communicate()[0].split()] for one in running]


def _begun(place: Path, url: str, label: str, lasting: float) -> "subprocess.Popen[str]":
    words = ("--url", url, "--keys", str(place / "keys-of-all"), "--label", label, "--seconds", str(lasting))
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sharing", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=HERE,
    )


def _read(one: "subprocess.Popen[str]", wanted: str) -> None:
    assert one.stdout
    if one.stdout.readline().strip() != wanted:
        raise SystemExit("a process did not begin: see above")


async def _one(folder: Path, url: str, label: str, lasting: float) -> None:
    """Be one process: begin, wait for the word, let people talk, and write how long each turn took."""
    async with standing(folder, carries=False, database=url) as stand:
        print(READY, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        took = await stand.talk(stand.strangers(label), AT_ONCE, seconds(lasting))
        print(*(f"{one:.6f}" for one in took))


@contextmanager
def _postgresql(place: Path) -> Iterator[str]:
    """Start a private server whose commits reach the disk; yield the address of an empty database."""
    sys.path.insert(0, str(HERE / "tests"))
    from fakes_postgres import postgres  # noqa: PLC0415 - the tests' own, found only now

    with postgres(durable=True) as server:
        del place
        yield server.fresh()


def _table(rows: dict[tuple[str, int], list[list[list[float]]]], lasting: float) -> Table:
    table = Table(*COLUMNS, box=box.MARKDOWN)
    alone = [_rate(one, lasting) for one in rows["SQLite", 1]]
    for (database, processes), rounds in rows.items():
        rates = [_rate(one, lasting) for one in rounds]
        took = [turn for one in rounds for process in one for turn in process]
        table.add_row(
            database,
            str(processes),
            f"{median(rates):,.0f}",
            f"{min(rates):,.0f}–{max(rates):,.0f}",
            f"{median(rate / other for rate, other in zip(rates, alone, strict=True)):.2f}",
            *(f"{percentile(took, share) * 1000:.1f}" for share in (0.5, 0.99)),
        )
    return table


def _rate(processes: Sequence[Sequence[float]], lasting: float) -> float:
    return sum(map(len, processes)) / lasting


def _server() -> str:
    told = subprocess.run(["postgres", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return f"{told or 'PostgreSQL'}; {psutil.cpu_count()} cores are shared by all processes and the server."


def _told() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement in a round")
    parser.add_argument("--disk", type=Path, default=HERE, help="a folder on the disk to measure")
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--keys", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--label", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
