"""Lives of a bot that is killed at any moment and begun again: forked from a process that has loaded everything.

A program calls `lives_on_demand`: for each line on stdin one life begins, and its process id is told on stdout. A
story starts such a program with `nursery`, and a life in it with `begin`.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from stories.program import CHECKOUT, surroundings

from bot.app import Plan, wire
from bot.cli import WRONG
from bot.errors import BotError
from bot.logs import install, watch


@asynccontextmanager
async def nursery(home: Path, program: Path, *words: Path | str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process that lives are forked from; what it logs stands in `home`/stderr."""
    environment = surroundings(home / "home", PYTHONPATH=f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'tests'}")
    with (home / "stderr").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            program,
            *words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
        )
        try:
            yield process
        finally:
            process.kill()
            await process.communicate()


async def begin(process: asyncio.subprocess.Process) -> int:
    """Begin a life; return its process id."""
    assert process.stdin and process.stdout
    process.stdin.write(b"begin\n")
    return int(await process.stdout.readline())


def lives_on_demand(planned: Callable[[], Plan], *, level: str = "warning") -> None:
    """Fork a life for each line on stdin, one after another, each until it is killed. `level`: of what is logged."""
    with tempfile.TemporaryDirectory() as folder:  # once for nothing: what is loaded now needn't be in each life
        wire(replace(planned(), database=f"sqlite:///{folder}/nothing.db", keys=Path(folder) / "keys"))
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            install(level)
            os._exit(_lived(planned))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        os.waitpid(child, 0)


def _lived(planned: Callable[[], Plan]) -> int:
    """Live; end as the command line does: what is wrong with what was given is one line."""
    try:
        asyncio.run(_live(planned()))
    except BotError as error:
        sys.stderr.write(f"postigo: {error}\n")
        sys.stderr.flush()
        return WRONG
    return 1


async def _live(plan: Plan) -> None:
    watch(asyncio.get_running_loop())
    await wire(plan).run(asyncio.Event())
