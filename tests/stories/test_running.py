"""`postigo run` as a service: ready, a case through a real server to a real gpg, and a clean stop; or a refusal."""

import asyncio
import json
import resource
import shutil
import socket
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest
from fakes_gpg import Gpg
from fakes_smtp import STALL, Authority, mail_server
from stories.program import DEADLINE, mission_file, ran, read, running, server_lines, settings_file

from bot.channels.terminal import NOT_TAKEN
from bot.mail.envelope import sealed_part

OFFICER = "Officer <officer@example.org>"
STOPS_WITHIN = 10.0  # seconds
SOS = ("hello", "1", "SOS", "7", "10")


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder with a short name: sockets can't listen under a long one."""
    with tempfile.TemporaryDirectory(prefix="p-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def certificate(home: Path, gpg: Gpg) -> str:
    """An officer's certificate, made by gpg, lies beside the mission's profile that names it; its fingerprint."""
    fingerprint = gpg.new_key(OFFICER)
    (home / "officer.asc").write_bytes(gpg.exported(OFFICER))
    mission_file(home, "officer.asc", fingerprint)
    return fingerprint


@pytest.fixture
def notified(home: Path) -> Iterator[socket.socket]:
    """What a service manager listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(home / "notify"))
        listening.settimeout(10)
        yield listening


async def nothing_waits(database: Path) -> None:
    """Return once all that was said has been noted as said."""
    async with asyncio.timeout(DEADLINE):
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as conn:
            while conn.execute("SELECT COUNT(*) FROM outbox").fetchone() != (0,):
                await asyncio.to_thread(lambda: None)  # a turn of the loop


async def test_whoever_has_only_a_terminal_hears_that_the_disk_is_full_and_goes_on_when_it_has_room(
    home: Path, certificate: str
) -> None:
    if not hasattr(resource, "prlimit"):
        pytest.skip("only Linux lets one program forbid another that its files grow")
    settings = settings_file(home, 'directory = "mails"')
    async with running(home, settings) as program:
        program.write("hello")
        await program.says("Which language do you prefer?")
        await nothing_waits(home / "kept" / "postigo.db")
        before = resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        program.write("1", "2")
        await program.says(NOT_TAKEN)
        await program.logs("turn_failed")
        resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE, before)
        await program.says("in danger now?")
        assert (program.said.count(NOT_TAKEN), program.said.count("> 1\n")) == (1, 1)
        assert [line["event"] for line in program.logged].count("turn_failed") == 1
        code, _ = await program.end()
    assert code == 0


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_an_alert_goes_through_the_server_to_the_officer_and_she_is_told_when(
    home: Path,
    certificate: str,
    gpg: Gpg,
    authority: Authority,
    notified: socket.socket,
    tls: Literal["starttls", "implicit"],
) -> None:
    async with mail_server(authority.server(), tls) as server:
        settings = settings_file(home, server_lines(server, authority, tls))
        async with running(home, settings, NOTIFY_SOCKET=str(home / "notify")) as program:
            assert (await program.logs("ready"))["channels"] == ["terminal"]
            assert notified.recv(100) == b"READY=1"
            program.write(*SOS)
            await program.says("It has left us at ")
            code, seconds = await program.end()
        assert (code, seconds < STOPS_WITHIN) == (0, True)
        assert notified.recv(100) == b"STOPPING=1"
        (taken,) = server.accepted
    shown = ran(home, "keys", "show", "--config", settings).stdout.decode()
    first, _, armored = shown.partition("\n")
    gpg.must("--import", given=armored.encode())
    opened = gpg.run("--status-fd", "2", "--decrypt", given=sealed_part(taken.mail))
    signed = [line for line in opened.stderr.decode(errors="replace").splitlines() if "VALIDSIG" in line]
    assert [line.split()[-1].lower() for line in signed] == [first.removeprefix("fingerprint ")]
    text, case = read(opened.stdout)
    assert (json.loads(case)["level"], taken.tls, taken.recipients) == (1, True, ("officer@example.org",))
    assert "LEVEL 1" in text
    assert {line["event"] for line in program.logged} >= {"ready", "case_sealed", "mail_accepted", "stopped"}


async def test_a_server_that_stalls_does_not_hold_up_the_stop_and_the_alert_leaves_after_the_next_start(
    home: Path, certificate: str, gpg: Gpg, authority: Authority
) -> None:
    async with mail_server(authority.server(), replies={"DATA": [STALL]}) as server:
        settings = settings_file(home, server_lines(server, authority))
        async with running(home, settings) as program:
            program.write(*SOS)
            await server.offered(1)
            code, seconds = await program.end()
        assert (code, seconds < STOPS_WITHIN) == (0, True)
        assert "It has left us" not in program.said
        async with running(home, settings) as program:
            await program.says("It has left us at ")
            assert (await program.end())[0] == 0
        assert len({taken.mail for taken in server.taken}) == 1
        assert [taken.accepted for taken in server.taken] == [False, True]


async def test_while_it_runs_nobody_erases_its_keys_or_runs_a_second_one(home: Path, certificate: str) -> None:
    settings = settings_file(home, 'directory = "mails"')
    async with running(home, settings) as program:
        await program.logs("ready")
        for words in (("erase", "--yes"), ("run",)):
            done = await asyncio.to_thread(ran, home, *words, "--config", settings)
            told = f"postigo: {home / 'keys'}: a running postigo uses these keys: stop it first\n"
            assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", told)
        program.write(*SOS)
        await program.says("Return code ")
        assert (await program.end())[0] == 0


def test_an_unverified_profile_is_refused_in_one_line(home: Path, certificate: str) -> None:
    settings = settings_file(home, 'directory = "mails"')
    mission = home / "mission.toml"
    profile = mission.read_text("utf-8")
    mission.write_text(profile.replace("\nverified_on", "\n# ", 1), "utf-8")
    done = ran(home, "run", "--config", settings)
    told = f"postigo: {mission}: verified_on is missing: the mission has not confirmed this profile\n"
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", told)
    assert not (home / "mails").exists()


def test_a_secret_that_others_can_read_is_refused_in_one_line_that_does_not_tell_it(
    home: Path, certificate: str
) -> None:
    (home / "secret").write_text("hunter2")
    (home / "secret").chmod(0o644)
    server = 'host = "localhost"\nsender = "a@example.org"\nusername = "a"\npassword_file = "secret"'
    settings = settings_file(home, server)
    done = ran(home, "run", "--config", settings)
    told = "mail.password_file: expected a file of ours that nobody else can read (chmod 600)"
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == f"postigo: {settings}: {told}\n"


def test_the_home_of_this_machine_is_not_touched(home: Path, certificate: str) -> None:
    done = ran(home, "check")
    assert done.returncode in {0, 2}
    shutil.rmtree(home / "empty")
    assert {path.name for path in home.iterdir()} == {"mission.toml", "officer.asc"}
