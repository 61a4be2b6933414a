"""What a process does so that its memory is not written to a disk, in a process of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from stories.program import CHECKOUT

from bot.operations import hardening

ASKED = """
import ctypes, resource, sys
from bot.operations.hardening import harden
for sentence in harden():
    print(sentence)
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), file=sys.stderr)
"""


def test_no_core_is_dumped_and_what_can_not_be_done_is_told_in_a_sentence() -> None:
    done = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, cwd=CHECKOUT, check=True)
    assert done.stderr == "(0, 0) 0\n"
    assert all(line.endswith(".") for line in done.stdout.splitlines())


class Refusing:
    """A system whose prctl(2) refuses."""

    def prctl(self, *_: int) -> int:
        return -1


@pytest.mark.parametrize(
    ("swaps", "system", "told"),
    [
        (
            "Filename\n",
            lambda _: Refusing(),
            ["this system does not let the process forbid others to read its memory."],
        ),
        ("Filename\n", lambda _: object(), ["this system does not let the process forbid others to read its memory."]),
        (
            "Filename\n/dev/sda2\n",
            lambda _: Granting(),
            ["swap is on: memory may be written to a disk; use encrypted swap, or none."],
        ),
        ("Filename\n", lambda _: Granting(), []),
        (None, lambda _: Granting(), []),
    ],
)
def test_each_thing_that_can_not_be_done_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    swaps: str | None,
    system: Callable[[None], object],
    told: list[str],
) -> None:
    if swaps is not None:
        (tmp_path / "swaps").write_text(swaps)
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(hardening, "Path", lambda _: tmp_path / "swaps")
    monkeypatch.setattr("ctypes.CDLL", system)
    monkeypatch.setattr("resource.setrlimit", lambda _, limit: limits.append(limit))
    assert hardening.harden() == told
    assert limits == [(0, 0)]


class Granting:
    """A system whose prctl(2) does as it is told."""

    def prctl(self, *told: int) -> int:
        return 0 if told[:2] == (hardening.PR_SET_DUMPABLE, 0) else -1
