"""What Postigo is made of, from the lock alone: a bill of materials, and what in it is known to be unsafe.

python supply.py bill LOCK PROJECT      CycloneDX 1.6 as JSON (ECMA-424), without the network
python supply.py audit LOCK... [--url]  ask OSV of each version: exit 0 none known, 1 some, 3 not asked

Needs Python alone, so that it runs before anything is installed.
"""

# ruff: noqa: INP001 - a script of its own

import argparse
import hashlib
import json
import re
import sys
import tomllib
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

OSV = "https://api.osv.dev/v1/querybatch"  # https://google.github.io/osv.dev/post-v1-querybatch/
WAIT = 30  # seconds for an answer
FOUND, UNASKED = 1, 3

_ENTRY = re.compile(r"^([a-z0-9._-]+)==([^ ;\\\n]+)( ; [^\\\n]+?)? ?\\?\n((?:    --hash=.*\n)*)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Locked:
    """A distribution as a lock file names it; `when`: the systems it is for, none for all."""

    name: str
    version: str
    when: str
    hashes: tuple[str, ...]  # SHA-256 of each file that may be installed, in hexadecimal

    @property
    def purl(self) -> str:
        """Its package URL (purl-spec, type pypi)."""
        return f"pkg:pypi/{self.name}@{self.version.replace('+', '%2B')}"


def read_lock(path: Path) -> list[Locked]:
    """Return what a lock file names, by name."""
    entries = _ENTRY.findall(path.read_text("utf-8"))
    return [
        Locked(name, version, when.removeprefix(" ; ").strip(), tuple(_HASH.findall(hashes)))
        for name, version, when, hashes in sorted(entries)
    ]


# ── the bill of materials ────────────────────────────────────────────────────────────────────────────────


def bill(lock: Path, project: Path) -> dict[str, object]:
    """Return the bill; its serial number is made from the lock, and it has no time, so that it can be compared."""
    told = tomllib.loads(project.read_text("utf-8"))["project"]
    ref = f"pkg:pypi/{told['name']}@{told['version']}"
    locked = read_lock(lock)
    digest = hashlib.sha256(lock.read_bytes() + ref.encode()).digest()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": ref,
                "name": told["name"],
                "version": told["version"],
                "purl": ref,
                "licenses": [{"license": {"id": told["license"]}}],
            }
        },
        "components": [_component(one) for one in locked],
        "dependencies": [{"ref": ref, "dependsOn": [one.purl for one in locked]}],
    }


def _component(one: Locked) -> dict[str, object]:
    """Return one entry. A hash belongs to a file, and a version has many: so each is a distribution of its own."""
    files = [
        {"type": "distribution", "url": one.purl, "hashes": [{"alg": "SHA-256", "content": each}]}
        for each in one.hashes
    ]
    only_for = {"properties": [{"name": "postigo:only-for", "value": one.when}]} if one.when else {}
    return {
        "type": "library",
        "bom-ref": one.purl,
        "name": one.name,
        "version": one.version,
        "purl": one.purl,
        "externalReferences": files,
        **only_for,
    }


# ── what is known to be unsafe ───────────────────────────────────────────────────────────────────────────


def known(locked: Sequence[Locked], url: str) -> Iterator[str]:
    """Ask what is known of each version; yield a line for each finding.

    Raises OSError, HTTPException or ValueError: nobody could be asked, or the answer is none.
    """
    asked = [{"package": {"name": one.name, "ecosystem": "PyPI"}, "version": one.version} for one in locked]
    request = urllib.request.Request(  # noqa: S310 - an address of ours, or the operator's own
        url, json.dumps({"queries": asked}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=WAIT) as answer:  # noqa: S310 - the same
        results = json.loads(answer.read())["results"]
    for one, told in zip(locked, results, strict=True):
        for each in told.get("vulns") or ():
            yield f"{one.name} {one.version}: {each['id']} (https://osv.dev/vulnerability/{each['id']})"


def audit(locks: Sequence[Path], url: str) -> int:
    """Print what is known; return 0, FOUND or, where nobody could be asked, UNASKED: that is no pass."""
    locked = sorted({one for lock in locks for one in read_lock(lock)}, key=lambda one: (one.name, one.version))
    try:
        lines = list(known(locked, url))
    except (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        sys.stderr.write(
            f"Not audited: {url} could not be asked ({reason}); nothing is known of {len(locked)} versions.\n"
        )
        return UNASKED
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.write(f"{len(locked)} locked versions, {len(lines)} known vulnerabilities.\n")
    return FOUND if lines else 0


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description="What Postigo is made of.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("bill")
    one.add_argument("lock", type=Path)
    one.add_argument("project", type=Path)
    one = verbs.add_parser("audit")
    one.add_argument("locks", type=Path, nargs="+")
    one.add_argument("--url", default=OSV)
    told = parser.parse_args(words)
    if told.verb == "audit":
        return audit(told.locks, told.url)
    sys.stdout.write(json.dumps(bill(told.lock, told.project), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
