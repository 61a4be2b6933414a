"""A short walk through every target, whatever was found once, and that the search itself misses nothing."""

import subprocess
import sys
from pathlib import Path

import pytest
from fuzz.chance import Chance
from fuzz.run import ROOT, SEED, fuzz, kept, tried
from fuzz.targets import TARGETS

FOUND = [(name, path) for name in TARGETS for path in kept(name)]
PLANTED = """
import os, sys
from pathlib import Path
sys.path[:0] = [{root!r}, {tests!r}]
from fuzz import run
from fuzz.mutators import spoiled
from fuzz.target import Fuzzed, Target

def check(octets):
    if {wrong}:
        {does}

run.FOUND = Path({found!r})
target = Target("planted", 1, lambda: Fuzzed(lambda chance: spoiled(chance, [b"some words\\n"]), check), seconds=0.05)
sys.exit(run.main(sys.argv[1:], {{"planted": target}}))
"""


@pytest.mark.parametrize("name", TARGETS)
def test_no_spoiled_input_breaks(name: str) -> None:
    target = TARGETS[name]
    inputs = 5 + target.share // 2
    for tally in fuzz(target, target.ready(), SEED, range(inputs), keep=False):
        told = [f"{place}, input {one.number} of seed {SEED}\n{one.told}" for place, one in tally.findings.items()]
        assert told == []
    assert tally.inputs == inputs


@pytest.mark.parametrize(("name", "path"), FOUND, ids=[f"{name} {path.name}" for name, path in FOUND])
def test_what_was_found_once_is_no_finding_any_more(name: str, path: Path) -> None:
    fuzzed = TARGETS[name].ready()
    place, told = tried(fuzzed, fuzzed.unpack(path.read_bytes()))
    assert not place, told


def planted(folder: Path, wrong: str, does: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the search for something that is wrong with these inputs."""
    script = PLANTED.format(root=str(ROOT), tests=str(ROOT / "tests"), wrong=wrong, does=does, found=str(folder))
    (folder / "planted.py").write_text(script)
    call = [sys.executable, "planted.py", *words]
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("does", "told"),
    [
        ("raise ValueError(octets)", "ValueError at planted.py"),
        ("raise BaseException", "BaseException at planted.py"),
        ("while True: pass", "TooSlow at planted.py"),
        ("os._exit(3)", "the process died"),
    ],
)
def test_what_goes_wrong_is_found_kept_and_can_be_played_again(tmp_path: Path, does: str, told: str) -> None:
    done = planted(tmp_path, "octets.endswith(b'words')", does, "--inputs", "120", "--seed", "7")
    assert done.returncode == 1, done.stderr
    assert told in done.stdout
    found = [path.read_bytes() for path in (tmp_path / "planted").iterdir()]
    assert found and all(octets.endswith(b"words") for octets in found)
    number = done.stdout.partition("--number ")[2].split()[0]
    again = planted(tmp_path, "octets.endswith(b'words')", does, "--seed", "7", "--number", number)
    assert again.returncode != 0
    replayed = planted(
        tmp_path, "octets.endswith(b'words')", does, "--replay", str(next((tmp_path / "planted").iterdir()))
    )
    assert replayed.returncode != 0


def test_where_nothing_is_wrong_every_input_was_made_and_nothing_is_kept(tmp_path: Path) -> None:
    done = planted(tmp_path, "False", "pass", "--inputs", "401")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split()[:2] == ["together", "401"]
    assert not (tmp_path / "planted").exists()


@pytest.mark.parametrize("name", ["telegram", "mail", "talk"])
def test_seed_and_number_say_which_input_it_is(name: str) -> None:
    fuzzed = TARGETS[name].ready()
    made = [fuzzed.make(Chance(seed, name, number)) for seed, number in ((1, 5), (1, 5), (1, 6), (2, 5))]
    assert made[0] == made[1]
    assert len(set(made)) == 3
    assert fuzzed.unpack(fuzzed.pack(made[0])) == made[0]
