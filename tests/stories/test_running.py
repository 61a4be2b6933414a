"""`postigo run` as a service: ready, a case through a real server to a real gpg, and a clean stop; or a refusal."""

import json
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from fakes_gpg import Gpg
from fakes_smtp import STALL, Authority, mail_server
from stories.program import mission_file, ran, read, running, server_lines, settings_file

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


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("unverified", "mission.toml: verified_on is missing"),
        ("unknown key", "settings.toml: mail.directry: unknown key; did you mean directory?"),
        ("missing profile", "mission.toml: expected a text file that we can read"),
        ("missing certificate", "officer.asc: expected an OpenPGP certificate, but No such file or directory"),
        ("telegram", "settings.toml: [telegram]: this version has no telegram channel yet"),
        ("no channel", "settings.toml: [terminal]: expected at least one channel"),
        ("no mail", "settings.toml: [mail]: expected host, or directory"),
        ("open secret", "settings.toml: mail.password_file: expected a file of ours that nobody else can read"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_that_names_the_file_and_the_key(
    home: Path, certificate: str, wrong: str, told: str
) -> None:
    settings = settings_file(home, 'directory = "mails"')
    spoil(home, settings, wrong)
    done = ran(home, "run", "--config", settings)
    lines = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout, len(lines)) == (2, b"", 1), lines
    assert told in lines[0]
    assert not (home / "mails").exists()


def spoil(home: Path, settings: Path, wrong: str) -> None:
    """Make one thing wrong."""
    mission = home / "mission.toml"
    secret = home / "secret"
    secret.write_text("hunter2")
    secret.chmod(0o644)
    server = 'host = "localhost"\nsender = "a@example.org"\n'
    changes: dict[str, tuple[Path, str, str]] = {
        "unverified": (
            mission,
            'official_site = "https://mission.example"\nverified_on',
            'official_site = "https://mission.example"\n# ',
        ),
        "unknown key": (settings, 'directory = "mails"', 'directory = "mails"\ndirectry = "mails"'),
        "telegram": (settings, "[terminal]", '[telegram]\ntoken_file = "token"'),
        "no channel": (settings, "[terminal]", ""),
        "no mail": (settings, '[mail]\ndirectory = "mails"', ""),
        "open secret": (settings, 'directory = "mails"', f'{server}username = "a"\npassword_file = "secret"'),
    }
    if wrong == "missing profile":
        mission.unlink()
    elif wrong == "missing certificate":
        (home / "officer.asc").unlink()
    else:
        path, old, new = changes[wrong]
        before = path.read_text("utf-8")
        assert old in before
        path.write_text(before.replace(old, new), "utf-8")
    token = home / "token"
    token.write_text("123456:ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    token.chmod(0o600)


def test_the_home_of_this_machine_is_not_touched(home: Path, certificate: str) -> None:
    done = ran(home, "check")
    assert done.returncode in {0, 2}
    shutil.rmtree(home / "empty")
    assert {path.name for path in home.iterdir()} == {"mission.toml", "officer.asc"}
