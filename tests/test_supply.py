"""What Postigo is made of: locked, hashed, listed in a bill, and asked about where somebody can be asked."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from fakes_smtp import closed_port
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
SUPPLY = ROOT / ".ci" / "supply.py"
LOCKS = ("requirements.txt", "requirements-dev.txt")


def supply(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SUPPLY, *map(str, words)], capture_output=True, text=True, check=False, timeout=60, cwd=ROOT
    )


def entries(lock: str) -> dict[str, tuple[str, set[str]]]:
    """Each locked distribution: its version, and the SHA-256 of each of its files; read in another way than ours."""
    joined = (ROOT / lock).read_text("utf-8").replace("\\\n", " ")
    read = {}
    for line in joined.splitlines():
        if line and not line.lstrip().startswith("#"):
            wanted, *hashes = re.split(r"\s+--hash=sha256:", line)
            requirement = Requirement(wanted.strip())
            read[requirement.name] = (str(requirement.specifier).removeprefix("=="), {one.strip() for one in hashes})
    return read


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_version_is_exact_and_has_its_hashes(lock: str) -> None:
    read = entries(lock)
    assert len(read) > 40
    loose = [name for name, (version, hashes) in read.items() if not re.fullmatch(r"[\w.+!]+", version) or not hashes]
    assert loose == []
    assert {len(one) for _, hashes in read.values() for one in hashes} == {64}


def test_whatever_installs_asks_for_hashes_and_wheels_or_takes_only_what_is_here() -> None:
    docker = (ROOT / "config" / "deploy" / "Dockerfile").read_text("utf-8")
    make = (ROOT / "Makefile").read_text("utf-8")
    (locked,) = re.findall(r"^LOCKED = (.*)$", make, re.MULTILINE)
    installs = re.findall(r"pip install (.*)$", docker, re.MULTILINE)
    assert all("--require-hashes --only-binary :all:" in one for one in (locked, installs[0]))
    assert "-r requirements.txt" in installs[0]
    assert [("--no-deps" in one, "--no-build-isolation" in one) for one in installs[1:]] == [(True, True)]
    ours = re.findall(r"\$\((?:LOCKED|INSTALL)\) (.*)$", make, re.MULTILINE)
    assert [one for one in ours if not one.startswith(("-r requirements", "--no-index", "--require-hashes"))] == []


def test_the_bill_names_every_locked_distribution_with_version_and_hashes_and_nothing_else() -> None:
    done = supply("bill", "requirements.txt", "pyproject.toml")
    assert (done.returncode, done.stderr) == (0, "")
    bill = json.loads(done.stdout)
    listed = {
        one["name"]: (
            one["version"],
            {each["content"] for file in one["externalReferences"] for each in file["hashes"]},
        )
        for one in bill["components"]
    }
    assert listed == entries("requirements.txt")
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(
        r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", bill["serialNumber"]
    )
    refs = [one["bom-ref"] for one in bill["components"]]
    assert len(set(refs)) == len(refs)
    assert [one["dependsOn"] for one in bill["dependencies"]] == [refs]


def test_the_same_lock_makes_the_same_bill(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("one==1.0 \\\n    --hash=sha256:" + "a" * 64 + "\n", "utf-8")
    first, again = supply("bill", lock, "pyproject.toml").stdout, supply("bill", lock, "pyproject.toml").stdout
    lock.write_text("one==1.1 \\\n    --hash=sha256:" + "a" * 64 + "\n", "utf-8")
    other = supply("bill", lock, "pyproject.toml").stdout
    assert first == again
    assert json.loads(first)["serialNumber"] != json.loads(other)["serialNumber"]


# ── what is known to be unsafe ───────────────────────────────────────────────────────────────────────────


class Database(BaseHTTPRequestHandler):
    """A database of vulnerabilities that knows one of the first version it is asked for, or says what it is told."""

    says: bytes | None = None
    status = 200

    def do_POST(self) -> None:
        queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        first = [{"vulns": [{"id": "TEST-2026-1"}]}]
        answer = json.dumps({"results": first + [{}] * (len(queries) - 1)}).encode()
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(answer if self.says is None else self.says)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def database(says: bytes | None = None, status: int = 200) -> Iterator[str]:
    answering = type("Answering", (Database,), {"says": says, "status": status})
    server = HTTPServer(("127.0.0.1", 0), answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/querybatch"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    place = tmp_path / "lock.txt"
    hashed = " \\\n    --hash=sha256:" + "a" * 64 + "\n"
    place.write_text(f"two==2.0 ; sys_platform == 'linux'{hashed}one==1.0{hashed}", "utf-8")
    return place


def test_what_is_known_is_told_and_ends_with_1(lock: Path) -> None:
    with database() as url:
        done = supply("audit", lock, "--url", url)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "one 1.0: TEST-2026-1 (https://osv.dev/vulnerability/TEST-2026-1)",
        "2 locked versions, 1 known vulnerabilities.",
    ]


def test_where_nothing_is_known_it_ends_with_0(lock: Path) -> None:
    with database(b'{"results": [{}, {"vulns": []}]}') as url:
        done = supply("audit", lock, "--url", url)
    assert (done.returncode, done.stdout) == (0, "2 locked versions, 0 known vulnerabilities.\n")


def test_where_nobody_can_be_asked_one_line_says_so_and_it_is_no_pass(lock: Path) -> None:
    url = f"http://127.0.0.1:{closed_port()}/"
    done = supply("audit", lock, "--url", url)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Not audited: {url} could not be asked (")
    assert line.endswith("); nothing is known of 2 versions.")
    assert (done.returncode, done.stdout) == (3, "")


@pytest.mark.parametrize(
    ("says", "status"),
    [
        (b"", 200),
        (b"<html>", 200),
        (b"{}", 200),
        (b"[]", 200),
        (b'{"results": [{}]}', 200),
        (b"{}", 500),
        (b"\xff", 200),
    ],
)
def test_an_answer_that_is_none_is_no_pass_either(lock: Path, says: bytes, status: int) -> None:
    with database(says, status) as url:
        done = supply("audit", lock, "--url", url)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("Not audited: ")
