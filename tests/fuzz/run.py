"""`make fuzz`: a million spoiled inputs for everything that reads what others write.

Each target gets its share; two processes work side by side. An input is known by seed, target and number, so the same
call makes the same inputs. What is found is kept under found/, and from then on is a test; the line that plays it again
is printed. Exit code 1: something was found.
"""

# ruff: noqa: T201 - it prints its table

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from traceback import extract_tb, format_exception  # noqa: TID251 - all inputs are made up: nothing here is a person's

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from fuzz.chance import Chance  # noqa: E402 - the path first
from fuzz.target import Fuzzed, Target, limited  # noqa: E402 - as above

FOUND = Path(__file__).parent / "found"
SEED = 20261122
INPUTS = 1_000_000
PROCESSES = 2
_OWN = ("/fuzz/run.py", "/fuzz/target.py")  # where nothing is found


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong. `place` tells findings apart: what was raised, and where."""

    number: int
    place: str
    told: str
    octets: bytes = field(repr=False)


@dataclass(slots=True)
class Tally:
    """What came of a share of inputs."""

    inputs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    findings: dict[str, Finding] = field(default_factory=dict)
    again: int = 0  # findings like one before

    def add(self, finding: Finding) -> bool:
        """Keep a finding; tell whether it is a new one."""
        new = finding.place not in self.findings
        self.findings.setdefault(finding.place, finding)
        self.again += not new
        return new


def tried(fuzzed: Fuzzed, octets: bytes) -> tuple[str, str]:
    """Check one input. Returns where it broke and what was raised; ("", ""): all is well."""
    try:
        fuzzed.check(octets)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, it was found; a library in Rust raises more
        frames = [one for one in extract_tb(error.__traceback__) if not one.filename.endswith(_OWN)]
        ours = [one for one in frames if str(ROOT / "bot") in one.filename] or frames
        last = ours[-1] if ours else None
        place = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}" if last else type(error).__name__
        return place, "".join(format_exception(error))[-4000:]
    return "", ""


def fuzz(target: Target, fuzzed: Fuzzed, seed: object, numbers: Sequence[int], keep: bool = True) -> Iterator[Tally]:
    """Check the inputs of these numbers, one a step; yields the tally as it grows."""
    tally = Tally()
    with limited() as limit:
        for number in numbers:
            octets = fuzzed.make(Chance(seed, target.name, number))
            began = time.process_time()
            limit(target.seconds)
            place, told = tried(fuzzed, octets)
            limit(0)
            took = time.process_time() - began
            tally.inputs += 1
            tally.slowest = max(tally.slowest, took)
            if place and tally.add(Finding(number, place, told, octets)) and keep:
                saved(target, fuzzed, octets)
            yield tally


def saved(target: Target, fuzzed: Fuzzed, octets: bytes) -> Path:
    """Keep an input under found/, by the name of what it holds."""
    packed = fuzzed.pack(octets)
    path = FOUND / target.name / sha256(packed).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed)
    return path


def kept(name: str) -> list[Path]:
    """Return the files of what was found in a target."""
    return sorted(path for path in (FOUND / name).glob("*") if path.is_file())


# ── side by side ─────────────────────────────────────────────────────────────────────────────────────────

Started = tuple[ForkProcess, "Synchronized[int]", Connection, range]


def _work(target: Target, fuzzed: Fuzzed, seed: int, numbers: range, at: "Synchronized[int]", told: Connection) -> None:
    tally = Tally()
    for tally in fuzz(target, fuzzed, seed, numbers):  # noqa: B007 - the last one is sent
        at.value += PROCESSES
    told.send(tally)


def side_by_side(target: Target, fuzzed: Fuzzed, seed: int, inputs: int) -> Tally:
    """Check so many inputs in several processes; one that dies has found something."""
    began = time.monotonic()
    total = Tally()
    waiting = [_started(target, fuzzed, seed, range(first, inputs, PROCESSES)) for first in range(PROCESSES)]
    while waiting:
        process, at, heard, numbers = waiting.pop(0)
        try:
            _added(total, heard.recv())
        except EOFError:
            octets = fuzzed.make(Chance(seed, target.name, at.value))
            saved(target, fuzzed, octets)
            rest = range(at.value + PROCESSES, inputs, PROCESSES)
            total.inputs += len(numbers) - len(rest)
            total.add(Finding(at.value, "the process died", "", octets))
            waiting.append(_started(target, fuzzed, seed, rest))
        process.join()
    total.seconds = time.monotonic() - began
    return total


def _started(target: Target, fuzzed: Fuzzed, seed: int, numbers: range) -> Started:
    context = get_context("fork")
    heard, told = context.Pipe(duplex=False)
    at = context.Value("q", numbers.start, lock=False)
    process = context.Process(target=_work, args=(target, fuzzed, seed, numbers, at, told))
    process.start()
    told.close()
    return process, at, heard, numbers


def _added(total: Tally, part: Tally) -> None:
    total.inputs += part.inputs
    total.slowest = max(total.slowest, part.slowest)
    total.again += part.again
    for finding in part.findings.values():
        total.add(finding)


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────


def _asked(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Spoiled inputs for everything that reads what others write.")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="of all targets together")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--target", action="append", help="this one alone, with all inputs; may be given again")
    parser.add_argument("--number", type=int, help="one input of one target alone")
    parser.add_argument("--replay", type=Path, help="a file under found/")
    return parser.parse_args(words)


def main(words: Sequence[str], targets: Mapping[str, Target]) -> int:
    """Run what was asked for; return 1 if something was found."""
    logging.getLogger().addHandler(logging.NullHandler())  # else Python itself prints what the bot logs
    asked = _asked(words)
    if asked.replay:
        return _replayed(targets[asked.replay.parent.name], asked.replay.read_bytes())
    chosen = [targets[name] for name in asked.target or targets]
    if asked.number is not None:
        fuzzed = chosen[0].ready()
        return _again(chosen[0], fuzzed, fuzzed.make(Chance(asked.seed, chosen[0].name, asked.number)))
    print(f"seed {asked.seed}\n{'target':10} {'inputs':>9} {'seconds':>8} {'a second':>9} {'slowest':>8} findings")
    shares = sum(target.share for target in chosen)
    totals = [_fuzzed(target, asked.seed, -(-asked.inputs * target.share // shares)) for target in chosen]
    print(f"{'together':10} {sum(one.inputs for one in totals):9} {sum(one.seconds for one in totals):8.1f}")
    return int(any(one.findings for one in totals))


def _replayed(target: Target, packed: bytes) -> int:
    fuzzed = target.ready()
    return _again(target, fuzzed, fuzzed.unpack(packed))


def _again(target: Target, fuzzed: Fuzzed, octets: bytes) -> int:
    with limited() as limit:
        limit(target.seconds)
        place, told = tried(fuzzed, octets)
        limit(0)
    print(f"{target.name}: {place or 'all is well'}\n{told}")
    return int(bool(place))


def _fuzzed(target: Target, seed: int, inputs: int) -> Tally:
    fuzzed = target.ready()
    tally = side_by_side(target, fuzzed, seed, inputs)
    rate = tally.inputs / tally.seconds if tally.seconds else 0
    found = f"{len(tally.findings)} ({tally.again} more like them)" if tally.findings else "none"
    print(
        f"{target.name:10} {tally.inputs:9} {tally.seconds:8.1f} {rate:9.0f} {tally.slowest:7.2f}s {found}", flush=True
    )
    for finding in tally.findings.values():
        path = os.path.relpath(saved(target, fuzzed, finding.octets), ROOT)
        print(f"  {finding.place}\n    python tests/fuzz/run.py --replay {path}")
        print(
            f"    python tests/fuzz/run.py --target {target.name} --seed {seed} --number {finding.number}", flush=True
        )
    return tally


if __name__ == "__main__":
    from fuzz.targets import TARGETS  # what they need takes a while to load

    sys.exit(main(sys.argv[1:], TARGETS))
