"""What a process does so that its memory is not written to a disk, in a process of its own."""

import subprocess
import sys

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


def test_swap_is_read_from_the_kernel() -> None:
    assert hardening._swaps() in {True, False}
