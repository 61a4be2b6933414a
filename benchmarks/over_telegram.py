"""Talks a second over Telegram: ours, sealed and durable, beside bots that keep everything in memory or in a pickle."""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import median

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.beside import HERE, read, started, write
from benchmarks.bot_api import READY
from benchmarks.machine import described
from benchmarks.telegram_bots import MEMORY, NAMES, PICKLE, POSTIGO, SCRIPT

COLUMNS = ("bot", "messages a second", "of ours", "p50 ms", "p99 ms", "after kill -9")
KEPT = {POSTIGO: "every answered message", MEMORY: "nothing", PICKLE: "the file, unless it was being written"}
AIM = "Aim: ours 3 times ConversationHandler in memory, 6 times the one that is pickled after each message."


def main() -> None:
    """Measure each bot in turn, several rounds, and print the medians."""
    told = _told()
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in NAMES}
    with tempfile.TemporaryDirectory(prefix=".benchmark-", dir=HERE) as folder, Progress() as bar:
        task = bar.add_task("talks", total=told.rounds * len(NAMES))
        for number in range(told.rounds):
            for name in NAMES:
                place = Path(folder) / f"{name[:4]}-{number}"
                place.mkdir()
                rounds[name].append(measured(name, place, told.people))
                bar.advance(task)
        Console(width=110).print(_table(rounds), AIM, described(Path(folder)), sep="\n")


def measured(name: str, folder: Path, people: int) -> dict[str, float]:
    """Let so many people talk with one bot, each in a process of its own; return rate and times."""
    shown = ["--buttons"] if name == POSTIGO else []
    with started("benchmarks.bot_api", ["--people", people, *shown]) as server:
        write(server, json.dumps(SCRIPT))
        port = read(server).removeprefix(READY).strip()
        with started("benchmarks.telegram_bots", [name, f"http://127.0.0.1:{port}", folder]) as running:
            try:
                write(server, "go")
                told: dict[str, float] = json.loads(read(server))
            finally:
                running.kill()
    return told


def _table(rounds: dict[str, list[dict[str, float]]]) -> Table:
    table = Table(*COLUMNS, box=box.MARKDOWN)
    for name, told in rounds.items():
        of_ours = median(ours["rate"] / one["rate"] for ours, one in zip(rounds[POSTIGO], told, strict=True))
        table.add_row(
            name,
            f"{median(one['rate'] for one in told):,.0f}",
            f"{of_ours:.2f} times",
            *(f"{median(one[share] for one in told) * 1000:,.0f}" for share in ("p50", "p99")),
            KEPT[name],
        )
    return table


def _told() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds, all bots in each; medians are shown")
    parser.add_argument("--people", type=int, default=200, help="who write at the same time, 20 messages each")
    return parser.parse_args()


if __name__ == "__main__":
    main()
