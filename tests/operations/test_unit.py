"""The unit of systemd and the compose file: what they take away from a bot, and that it runs without that."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from stories.program import CHECKOUT, surroundings

from bot.operations.hardening import LOOSE

DEPLOY = CHECKOUT / "config" / "deploy"
UNIT = (DEPLOY / "postigo.service").read_text("utf-8")
COMPOSE = [line.split("#")[0].strip() for line in (DEPLOY / "compose.yaml").read_text("utf-8").splitlines()]
EXPOSED = 15  # tenths, of 100, by systemd's own count; 11 when this was written

# Takes away what MemoryDenyWriteExecute= does (PR_SET_MDWE of prctl(2)), then becomes the bot; 77: this kernel can't.
CONFINED = """
import ctypes, os, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0):
    sys.exit(77)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
LOADS = "import cryptography.hazmat.primitives.ciphers.aead, imapclient, pysequoia, signalbot, telegram.ext, bot.app"


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that is there."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is needed to read the unit: install systemd.")
    place = tmp_path / "postigo.service"
    place.write_text(re.sub("ExecStart=.*", "ExecStart=/bin/true run", UNIT), "utf-8")
    return place


def test_systemd_understands_every_line_of_the_unit(unit: Path) -> None:
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, ours) == (0, [])


def test_the_unit_tells_every_step_from_an_empty_machine_to_the_first_start() -> None:
    head = UNIT.partition("[Unit]")[0]
    steps = re.findall(r"^#   (\S.*)$", head, re.MULTILINE)
    made = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert steps[-1] == "systemctl daemon-reload && systemctl enable --now postigo"
    assert steps[0].split()[-1] in made and UNIT.count(f"ExecStart={steps[0].split()[-1]}/bin/postigo run") == 1
    assert [
        word for word in ("--require-hashes", "--only-binary :all:", "--no-deps .") if word not in made + head
    ] == []
    folders = next(line for line in steps if "-m 700" in line).split()
    assert [name for name in folders if name.startswith("/")] == [
        f"/var/lib/{name}" for name in re.findall(r"^StateDirectory=(.*)$", UNIT, re.MULTILINE)[0].split()
    ]


def test_systemd_counts_little_that_an_intruder_could_reach(unit: Path) -> None:
    words: list[str | Path] = [
        "systemd-analyze",
        "security",
        "--offline=yes",
        "--no-pager",
        f"--threshold={EXPOSED}",
        unit,
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Overall exposure level" in done.stdout


@pytest.mark.parametrize(
    "line",
    [
        "User=postigo",
        "UMask=0077",
        "LimitCORE=0",
        "MemorySwapMax=0",
        "IPAddressDeny=any",
        "IPAddressAllow=localhost",
        "StateDirectoryMode=0700",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "NoNewPrivileges=yes",
        "MemoryDenyWriteExecute=yes",
        "CapabilityBoundingSet=",
        f"UnsetEnvironment={' '.join(LOOSE)}",
    ],
)
def test_the_unit_says_what_the_threat_model_counts_on(line: str) -> None:
    assert line in UNIT.splitlines()


def test_by_itself_the_unit_lets_the_bot_call_nobody_but_this_machine() -> None:
    allowed = [line for line in UNIT.splitlines() if line.startswith("IPAddressAllow")]
    assert allowed == ["IPAddressAllow=localhost"]


@pytest.mark.parametrize("words", [("-c", LOADS), ("-m", "bot", "rehearse")])
def test_the_bot_runs_where_no_memory_can_be_both_written_and_run(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CONFINED, *words],
        input="SOS\n7\n10\n",
        capture_output=True,
        text=True,
        env=surroundings(tmp_path / "home"),
        check=False,
        timeout=60,
    )
    if done.returncode == 77:
        pytest.skip("Linux 6.3 or newer is needed to forbid memory that is written and run.")
    assert (done.returncode, done.stderr) == (0, "")
    assert "rehearse" not in words or "Sealed mail: " in done.stdout


@pytest.mark.parametrize(
    "line",
    [
        "read_only: true",
        "cap_drop: [ALL]",
        'security_opt: ["no-new-privileges:true"]',
        "ulimits: {core: 0}",
        "networks: [inside, outside]",
        "internal: true",
    ],
)
def test_the_bots_container_has_as_little_as_it_needs(line: str) -> None:
    assert line in COMPOSE


def test_the_bots_container_gets_no_swap_and_runs_as_nobody_in_particular() -> None:
    limits = {one.split(": ")[0]: one.split(": ")[1] for one in COMPOSE if one.startswith(("mem_limit", "memswap_"))}
    assert limits["mem_limit"] == limits["memswap_limit"]
    assert "USER postigo" in (DEPLOY / "Dockerfile").read_text("utf-8").splitlines()
