"""Byte search for words that must stand nowhere in clear, in the usual forms; in all forms, and slower: residue.py."""

import base64
import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def forms(canary: str) -> set[bytes]:
    """Return every form a careless layer could leave the words in."""
    octets = canary.encode()
    found = {octets, canary.encode("utf-16-le"), canary.encode("utf-16-be"), json.dumps(canary)[1:-1].encode()}
    return found | {_inner_base64(octets, offset) for offset in range(3)}


def _inner_base64(octets: bytes, offset: int) -> bytes:
    """Return the base64 characters that depend on `octets` alone, when it starts at this offset of three."""
    whole = base64.b64encode(bytes(offset) + octets)
    start = -(-offset * 4 // 3)
    end = (offset + len(octets)) * 4 // 3
    return whole[start:end]


def hits(canaries: Iterable[str], files: Iterable[Path]) -> list[str]:
    """Return "file: canary" for each canary found in any form."""
    held = dict[Path, bytes]()
    for path in files:
        with suppress(FileNotFoundError):  # a server deletes some of its own while others are read
            held[path] = path.read_bytes()
    return [
        f"{path.name}: {canary}"
        for canary in canaries
        for path, content in held.items()
        if any(form in content for form in forms(canary))
    ]


def files_under(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())
