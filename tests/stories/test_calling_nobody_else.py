"""A whole bot with every neighbour it can have calls these, and nobody else: Python itself tells of each connection."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes_signal import signal_server
from fakes_signal_wire import ACCOUNT
from fakes_smtp import Authority, closed_port, mail_server
from fakes_telegram import TOKEN, telegram_server
from stories.program import CHECKOUT, mission_file, running, server_lines, settings_file
from stories.stage import Inbox

from bot.neighbours import neighbours
from bot.operations.places import TAG
from bot.settings import read_settings

SOS = ("hello", "1", "SOS", "7", "10")

# Runs before anything of the bot's: sys.addaudithook(3) can't be taken off again.
LISTENS = """
import json, sys

file = open({file!r}, "a", buffering=1)


def heard(event, told):
    if event == "socket.connect" and isinstance(told[1], tuple):
        file.write(json.dumps([told[1][0], told[1][1]]) + "\\n")
    elif event in {{"socket.sendto", "socket.sendmsg"}} and isinstance(told[1], tuple):
        file.write(json.dumps([told[1][0], told[1][1]]) + "\\n")
    elif event.startswith("socket.getaddrinfo") or event.startswith("socket.gethostby"):
        file.write(json.dumps([str(told[0]), None]) + "\\n")


sys.addaudithook(heard)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="p-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def configured(home: Path, mail: str, telegram: str, signal: str, mailbox: int) -> Path:
    """Settings with every table that names a server."""
    for name, secret in (("token", TOKEN), ("password", "correct horse")):
        (home / name).write_text(secret)
        (home / name).chmod(0o600)
    more = f"""
[terminal]
[telegram]
token_file = "token"
api = "{telegram}"
[signal]
service = "{signal}"
number = "{ACCOUNT}"
[mailbox]
host = "127.0.0.1"
port = {mailbox}
username = "bot"
password_file = "password"
"""
    return settings_file(home, mail, more)


def listening(home: Path) -> Path:
    """A folder whose content makes a Python tell, in the file beside it, whom it calls."""
    place = home / "listening"
    place.mkdir()
    (place / "sitecustomize.py").write_text(LISTENS.format(file=str(home / "calls")), "utf-8")
    return place


async def test_of_all_that_a_running_bot_calls_nothing_is_missing_in_the_list(
    home: Path, authority: Authority, officer: Inbox
) -> None:
    mission_file(home, officer.contact.openpgp or "", officer.contact.fingerprint)
    async with (
        telegram_server() as telegram,
        signal_server() as signal,
        mail_server(authority.server()) as server,
    ):
        api = telegram.base_url.removesuffix("/bot")
        settings = configured(home, server_lines(server, authority), api, signal.address, closed_port())
        async with running(home, settings, PYTHONPATH=f"{listening(home)}:{CHECKOUT}") as program:
            await program.logs("ready")
            await signal.listening()
            program.write(*SOS)
            await program.says("It has left us at ")
            ana = telegram.person()
            ana.writes("hello")
            await telegram.called("sendMessage")
            eva = signal.person()
            eva.writes("hello")
            await eva.until(lambda: bool(eva.heard))
            assert (await program.end())[0] == 0
    told = neighbours(read_settings(settings))
    heard = [json.loads(line) for line in (home / "calls").read_text("utf-8").splitlines()]
    connected = {(host, port) for host, port in heard if port is not None}
    asked = {host for host, port in heard if port is None}
    assert {port for _, port in connected} == {call.port for call in told}, "each was called, and nobody else"
    assert {host for host, _ in connected} <= {"127.0.0.1", "::1"}
    assert asked <= {call.host for call in told} | {"127.0.0.1"}
    assert len(told) == 4
    assert (home / "keys" / TAG).is_file(), "on the way, backups were told to leave the keys out"
