"""Signal: turns answered a second, and frames that are lost in a flood; ours beside signalbot with an echo."""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.beside import HERE, read, started, write
from benchmarks.machine import described
from benchmarks.people import SCRIPTS
from benchmarks.signal_api import READY
from benchmarks.signal_bots import ECHO, NAMES, POSTIGO

SCRIPT = (*SCRIPTS["emergency"][:3], "help", *SCRIPTS["emergency"][3:])
FLOOD, SECONDS = 2_000, 10  # frames a second, and how long
PATIENCE = 120.0  # seconds for what waits after a flood
COLUMNS = ("bot", "turns a second", "of ours", "p50 ms", "p99 ms", "flood: frames", "lost", "all taken after s")
AIM = f"Aim: ours at least as fast as signalbot, and no frame lost at {FLOOD:,} a second for {SECONDS} s."


@dataclass(frozen=True, slots=True)
class Flooded:
    """What became of a flood."""

    frames: int
    lost: int
    seconds: float  # until the last was taken


def main() -> None:
    """Measure both bots in turn, several rounds, and print the medians."""
    told = _told()
    talks: dict[str, list[dict[str, float]]] = {name: [] for name in NAMES}
    floods: dict[str, list[Flooded]] = {name: [] for name in NAMES}
    with tempfile.TemporaryDirectory(prefix=".benchmark-", dir=HERE) as folder, Progress() as bar:
        task = bar.add_task("talks and floods", total=2 * told.rounds * len(NAMES))
        for number in range(told.rounds):
            for name in NAMES:
                place = Path(folder) / f"{name[:4]}-{number}"
                talks[name].append(_talked(name, place, told.people))
                bar.advance(task)
                floods[name].append(_flooded(name, place / "flood"))
                bar.advance(task)
        Console(width=120).print(_table(talks, floods), AIM, described(Path(folder)), sep="\n")


def _talked(name: str, folder: Path, people: int) -> dict[str, float]:
    words = ["--people", str(people), *(["--questions"] if name == POSTIGO else [])]
    with _both(name, folder, words) as (server, _):
        told: dict[str, float] = json.loads(read(server))
        return told


def _flooded(name: str, folder: Path) -> Flooded:
    begun = perf_counter()
    with _both(name, folder, ["--flood", str(FLOOD), "--seconds", str(SECONDS)]) as (server, bot):
        told = json.loads(read(server))
        taken, frames = 0, int(told["frames"])
        while taken < frames - told["dropped"] and perf_counter() - begun < PATIENCE:
            before, taken = taken, int(read(bot) or taken)
            if before == taken and name == ECHO and taken:
                break  # it has taken what it ever will
        return Flooded(frames, max(frames - taken, 0), perf_counter() - begun)


@contextmanager
def _both(
    name: str, folder: Path, words: Sequence[str]
) -> Iterator[tuple["subprocess.Popen[str]", "subprocess.Popen[str]"]]:
    """Start a server and a bot, each in a process of its own."""
    folder.mkdir(parents=True)
    with started("benchmarks.signal_api", words) as server:
        write(server, json.dumps(SCRIPT))
        port = read(server).removeprefix(READY).strip()
        with started("benchmarks.signal_bots", [name, f"127.0.0.1:{port}", folder]) as bot:
            try:
                yield server, bot
            finally:
                bot.kill()
                server.kill()


def _table(talks: dict[str, list[dict[str, float]]], floods: dict[str, list[Flooded]]) -> Table:
    table = Table(*COLUMNS, box=box.MARKDOWN)
    for name, told in talks.items():
        of_ours = median(ours["rate"] / one["rate"] for ours, one in zip(talks[POSTIGO], told, strict=True))
        table.add_row(
            name,
            f"{median(one['rate'] for one in told):,.0f}",
            f"{of_ours:.2f} times",
            *(f"{median(one[share] for one in told) * 1000:,.0f}" for share in ("p50", "p99")),
            f"{median(one.frames for one in floods[name]):,.0f}",
            f"{max(one.lost for one in floods[name]):,}",
            f"{median(one.seconds for one in floods[name]):,.0f}",
        )
    return table


def _told() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds, both bots in each; medians are shown")
    parser.add_argument("--people", type=int, default=200, help="who write at the same time, 20 messages each")
    return parser.parse_args()


if __name__ == "__main__":
    main()
