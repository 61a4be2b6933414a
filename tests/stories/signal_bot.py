"""The real bot on Signal as its settings have it, to be killed at any moment and begun again.

python signal_bot.py SETTINGS: for each line on stdin one life begins, and its process id is told on stdout. A life is
forked from a process that has loaded everything, so that many fit into one test.
"""

import asyncio
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from bot.app import Plan, plan_of, wire
from bot.inspection import read_configured
from bot.logs import install, watch


def planned(settings: Path) -> Plan:
    """The plan that the settings make."""
    configured = read_configured(settings)
    return plan_of(configured.settings, configured.profile, configured.file)


async def live(plan: Plan) -> None:
    """Live until killed."""
    watch(asyncio.get_running_loop())
    await wire(plan).run(asyncio.Event())


def main() -> None:
    settings = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:  # once for nothing: what is loaded now needn't be in each life
        wire(replace(planned(settings), database=f"sqlite:///{folder}/nothing.db", keys=Path(folder) / "keys"))
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            install("warning")
            asyncio.run(live(planned(settings)))
            os._exit(1)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
