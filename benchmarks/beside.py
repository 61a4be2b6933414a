"""Processes that a benchmark begins beside itself: told by a line, and heard line by line."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


def started(module: str, words: Sequence[object]) -> "subprocess.Popen[str]":
    """Begin a module of the benchmarks, which says nothing but what is read from it."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(HERE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def write(process: "subprocess.Popen[str]", line: str) -> None:
    """Tell it a line."""
    if process.stdin is None:
        raise ValueError("a process without an input")
    process.stdin.write(line + "\n")
    process.stdin.flush()


def read(process: "subprocess.Popen[str]") -> str:
    """Return the next line that it says."""
    if process.stdout is None:
        raise ValueError("a process without an output")
    return process.stdout.readline()
