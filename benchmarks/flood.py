"""A flood: thousands write at full speed and some of them SOS; how long these wait, and how long their alerts."""

import argparse
import json
import tempfile
from math import inf
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.beside import HERE, read, started, write
from benchmarks.machine import described
from benchmarks.stand import percentile

CHANNELS = ("signal", "telegram")
COLUMNS = (
    "channel",
    "people",
    "messages a second",
    "SOS",
    "answered p50 s",
    "p99 s",
    "alert taken p50 s",
    "p99 s",
    "lost",
)
AIM = "Aim: answered within 2 s and the alert with the mail server within 10 s, both at p99; none lost."


def main() -> None:
    """Flood each channel in turn and print what was measured."""
    told = _told()
    table = Table(*COLUMNS, box=box.MARKDOWN)
    with tempfile.TemporaryDirectory(prefix=".benchmark-", dir=HERE) as folder:
        for channel in told.channels:
            table.add_row(*_row(channel, told.people, flooded(channel, Path(folder), told)))
        Console(width=140).print(table, AIM, described(Path(folder)), sep="\n")


def flooded(channel: str, folder: Path, told: argparse.Namespace) -> dict[str, Any]:
    """Return what a town has measured of a bot, each in a process of its own."""
    words = [channel, folder, "--people", told.people, "--cries", told.cries]
    words += ["--seconds", told.seconds, "--rate", told.rate]
    with started("benchmarks.flood_town", words) as town:
        try:
            places = read(town)
            with started("benchmarks.flood_bot", [channel, places]) as bot:
                try:
                    write(town, "go")
                    result: dict[str, Any] = json.loads(read(town))
                finally:
                    bot.kill()
        finally:
            town.kill()
    return result


def _row(channel: str, people: int, told: dict[str, Any]) -> list[str]:
    times = (percentile(told[what] or [inf], share) for what in ("answers", "alerts") for share in (0.5, 0.99))
    lost = told["cries"] - len(told["alerts"])
    rate = told["flooded"] / told["seconds"]
    return [channel, f"{people:,}", f"{rate:,.0f}", str(told["cries"]), *(f"{one:.2f}" for one in times), str(lost)]


def _told() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", nargs="+", default=CHANNELS, choices=CHANNELS)
    parser.add_argument("--people", type=int, default=5_000, help="who write at full speed")
    parser.add_argument("--cries", type=int, default=100, help="others, who write SOS, spread over the run")
    parser.add_argument("--seconds", type=float, default=30.0, help="over which they are spread")
    parser.add_argument("--rate", type=float, default=2_500, help="messages a second: each person one in two seconds")
    return parser.parse_args()


if __name__ == "__main__":
    main()
