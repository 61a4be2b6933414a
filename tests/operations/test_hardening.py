"""What a process does so that its memory is not written to a disk, and what a machine tells of itself."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from stories.program import CHECKOUT

from bot.operations import hardening
from bot.operations.hardening import harden, machine

ASKED = """
import ctypes, faulthandler, resource, sys
from bot.operations.hardening import harden
for sentence in harden():
    print(sentence)
told = resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), faulthandler.is_enabled()
print(*told, file=sys.stderr)
"""
CRASHES = """
import os, resource, signal, sys
from bot.operations.hardening import harden
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
harden()
secret = "".join(sys.stdin)
os.kill(os.getpid(), signal.SIGSEGV)
"""
UNREADABLE = "this system does not let the process forbid others to read its memory: run it on Linux"
SWAPS = "Filename\tType\tSize\tUsed\tPriority\n"


def test_no_core_is_dumped_and_what_can_not_be_done_is_told_in_a_sentence() -> None:
    words = [sys.executable, "-X", "faulthandler", "-c", ASKED]
    done = subprocess.run(words, capture_output=True, text=True, cwd=CHECKOUT, check=True)
    assert done.stderr == "(0, 0) 0 False\n"
    assert all(line.isprintable() and ": " in line for line in done.stdout.splitlines())


def test_a_crash_leaves_no_file_and_shows_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", CRASHES],
        input=b"what she wrote",
        capture_output=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(CHECKOUT)},
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-11, b"", b"")
    assert list(tmp_path.iterdir()) == []


class Refusing:
    """A system whose prctl(2) refuses."""

    def prctl(self, *_: int) -> int:
        return -1


class Granting:
    """A system whose prctl(2) does as it is told."""

    def prctl(self, *told: int) -> int:
        return 0 if told[:2] == (hardening.PR_SET_DUMPABLE, 0) else -1


@pytest.mark.parametrize(
    ("system", "told"),
    [(lambda _: Refusing(), [UNREADABLE]), (lambda _: object(), [UNREADABLE]), (lambda _: Granting(), [])],
)
def test_a_system_that_lets_memory_be_read_is_told(
    monkeypatch: pytest.MonkeyPatch, system: Callable[[None], object], told: list[str]
) -> None:
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr("ctypes.CDLL", system)
    monkeypatch.setattr("resource.setrlimit", lambda _, limit: limits.append(limit))
    monkeypatch.setattr(hardening, "_swaps", lambda _: iter(()))
    for name in hardening.LOOSE:
        monkeypatch.delenv(name, raising=False)
    assert harden() == told
    assert limits == [(0, 0)]


# ── the machine, by what its kernel tells ────────────────────────────────────────────────────────────────

Tree = dict[str, str]
DISK = {"proc/swaps": SWAPS + "/dev/sda2 partition 1 0 -2\n"}
LUKS = {"proc/swaps": SWAPS + "/dev/dm-0 partition 1 0 -2\n", "sys/block/dm-0/dm/uuid": "CRYPT-LUKS2-ab-swap\n"}
LVM = {"proc/swaps": SWAPS + "/dev/dm-1 partition 1 0 -2\n", "sys/block/dm-1/dm/uuid": "LVM-ab\n"}
ON_LUKS = {"sys/block/dm-1/slaves/dm-0/x": "", "sys/block/dm-0/dm/uuid": "CRYPT-LUKS2-ab-disk\n"}
ON_DISK = {"sys/block/dm-1/slaves/sda3/x": ""}
ZRAM = {"proc/swaps": SWAPS + "/dev/zram0 partition 1 0 100\n"}
GROUP = {"proc/self/cgroup": "1:name=systemd:/\n0::/system.slice/postigo.service\n"}
SLEEPS = {"sys/power/state": "freeze mem disk\n", "sys/power/disk": "[platform] shutdown\n"}
NO_SWAP = {"sys/fs/cgroup/system.slice/postigo.service/memory.swap.max": "0\n"}

MACHINES: list[tuple[str, Tree, list[str]]] = [
    ("nothing is known", {}, []),
    ("no swap", {"proc/swaps": SWAPS}, []),
    ("a disk", DISK, ["swap on /dev/sda2"]),
    ("a file", {"proc/swaps": SWAPS + "/swapfile file 1 0 -2\n"}, ["swap on /swapfile"]),
    ("LUKS", LUKS, []),
    ("LVM on LUKS", {**LVM, **ON_LUKS}, []),
    ("LVM on a disk", {**LVM, **ON_DISK}, ["swap on /dev/dm-1"]),
    ("LVM on both", {**LVM, **ON_LUKS, **ON_DISK}, ["swap on /dev/dm-1"]),
    ("zram", ZRAM, []),
    ("zram alone", {**ZRAM, "sys/block/zram0/backing_dev": "none\n"}, []),
    ("zram before a disk", {**ZRAM, "sys/block/zram0/backing_dev": "/dev/sda4\n"}, ["swap on /dev/zram0"]),
    ("a unit without swap", {**DISK, **GROUP, **NO_SWAP}, []),
    ("a unit with swap", {**DISK, **GROUP}, ["swap on /dev/sda2"]),
    ("groups of the first version", {**DISK, "proc/self/cgroup": "4:memory:/x\n"}, ["swap on /dev/sda2"]),
    ("one that hibernates", {**DISK, **SLEEPS}, ["swap on /dev/sda2", "the machine may hibernate"]),
    ("one that may not", {**DISK, **SLEEPS, "sys/power/disk": "[disabled]\n"}, ["swap on /dev/sda2"]),
    ("one that can't", {**DISK, "sys/power/state": "freeze mem\n"}, ["swap on /dev/sda2"]),
    ("one that sleeps encrypted", {**LUKS, **SLEEPS}, []),
]


@pytest.mark.parametrize(("tree", "told"), [row[1:] for row in MACHINES], ids=[row[0] for row in MACHINES])
def test_swap_that_would_write_memory_to_a_disk_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tree: Tree, told: list[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    for name in hardening.LOOSE:
        monkeypatch.delenv(name, raising=False)
    for name, text in tree.items():
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    found = machine(tmp_path)
    assert [sentence.startswith(begin) for sentence, begin in zip(found, told, strict=True)] == [True] * len(told)
    assert all(": " in sentence for sentence in found), "each says what to do"


def test_root_and_a_python_that_shows_what_it_works_on_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in hardening.LOOSE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert [one.partition(":")[0] for one in machine(tmp_path)] == ["this is root"]
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    assert [one.partition(" ")[0] for one in machine(tmp_path)] == ["PYTHONASYNCIODEBUG"]
