"""The real command line in a process of its own: what it is given, what it says, how it ends."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import MappingProxyType
from typing import cast
from zoneinfo import ZoneInfo

from fakes_smtp import Authority, MailServer

import bot
from bot import clock
from bot.content import content

CHECKOUT = Path(bot.__file__).resolve().parents[1]
POSTIGO = ("-m", "bot")
DEADLINE = 60  # seconds for a whole run on a busy machine
_TO_OPEN = re.compile(r"gpg --homedir (\S+) --decrypt (\S+)")


def mission_file(folder: Path, certificate: str, fingerprint: str) -> Path:
    """A mission that has confirmed everything today, with one officer whose certificate lies in `certificate`.

    No morning's mail: a story counts what is sent, at whatever hour it is played.
    """
    today = clock.now(ZoneInfo("America/Mexico_City")).date()
    example = tomllib.loads((content("missions") / "us-mexico.toml").read_text("utf-8"))
    areas = "".join(f'{code} = "{name}"\n' for code, name in example["areas"].items())
    path = folder / "mission.toml"
    path.write_text(
        f"""
id = "story"
country_served = ["MX"]
languages = ["en", "es"]
accept_unreviewed = ["es"]
zone = "America/Mexico_City"
official_site = "https://mission.example"
verified_on = {today}
name = {{ en = "the mission", es = "la misión" }}
[areas]
{areas}
[duty]
morning = ""
[[contact]]
address = "officer@example.org"
openpgp = "{certificate}"
fingerprint = "{fingerprint}"
[[resources]]
name = "Shelter"
contact = "+52 55 0000"
who_runs_it = "ngo"
source_url = "https://shelter.example"
verified_on = {today}
[[crisis_lines]]
name = "Line"
contact = "+52 55 0001"
who_runs_it = "state"
source_url = "https://line.example"
verified_on = {today}
""",
        "utf-8",
    )
    return path


def settings_file(
    folder: Path, mail: str, more: str = "[terminal]", level: str = "info", url: str = "sqlite:///kept/postigo.db"
) -> Path:
    """Settings beside mission.toml; `mail`: the lines of [mail], `more`: further tables, `url`: of the database."""
    path = folder / "settings.toml"
    path.write_text(
        f"""
mission = "mission.toml"
[storage]
url = "{url}"
keys = "keys"
[mail]
{mail}
[logs]
level = "{level}"
{more}
""",
        "utf-8",
    )
    return path


def server_lines(server: MailServer, authority: Authority, tls: str = "starttls") -> str:
    """The lines of [mail] for a server on loopback."""
    return (
        f'host = "{server.host}"\nport = {server.port}\ntls = "{tls}"\n'
        f'sender = "postigo@example.org"\nca_file = "{authority.file}"\n'
    )


@dataclass
class Running:
    """`postigo run` in a process of its own, with a terminal through pipes."""

    process: asyncio.subprocess.Process
    ended: bool = False
    _said: bytearray = field(default_factory=bytearray)
    _logged: bytearray = field(default_factory=bytearray)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def follow(self) -> None:
        """Take in all that it says, until it ends."""
        assert self.process.stdout and self.process.stderr
        await asyncio.gather(self._take(self.process.stdout, self._said), self._take(self.process.stderr, self._logged))
        async with self._news:
            self.ended = True
            self._news.notify_all()

    async def _take(self, stream: asyncio.StreamReader, into: bytearray) -> None:
        while piece := await stream.read(65536):
            async with self._news:
                into += piece
                self._news.notify_all()

    @property
    def said(self) -> str:
        return self._said.decode()

    @property
    def logged(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._logged.decode().splitlines()]

    async def says(self, words: str) -> None:
        """Wait until it has said these words to the person."""
        async with asyncio.timeout(DEADLINE), self._news:
            await self._news.wait_for(lambda: words in self.said or self.ended)
        assert words in self.said, self._logged.decode()

    async def logs(self, name: str) -> dict[str, object]:
        """Wait until it has logged this event, and return it."""
        async with asyncio.timeout(DEADLINE), self._news:
            await self._news.wait_for(lambda: f'"event": "{name}"'.encode() in self._logged or self.ended)
        assert name in self._logged.decode(), self._logged.decode()
        return next(line for line in self.logged if line["event"] == name)

    def write(self, *lines: str) -> None:
        assert self.process.stdin
        self.process.stdin.write("".join(line + "\n" for line in lines).encode())

    async def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Tell it to stop; return its exit code and how many seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = await asyncio.wait_for(self.process.wait(), DEADLINE)
        return code, time.monotonic() - began


@asynccontextmanager
async def running(home: Path, settings: Path, postigo: Sequence[str] = POSTIGO, **more: str) -> AsyncIterator[Running]:
    """Start `postigo run`, or another program with its verbs; killed at the end, should it still run."""
    process = await asyncio.create_subprocess_exec(
        *command("run", "--config", settings, postigo=postigo),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=surroundings(home, **more),
        cwd=home,
    )
    program = Running(process)
    following = asyncio.create_task(program.follow())
    try:
        yield program
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await following
        if process.stdin:
            process.stdin.close()


def command(*words: object, postigo: Sequence[str] = POSTIGO) -> list[str]:
    """The command line of one verb."""
    return [sys.executable, *postigo, *map(str, words)]


def surroundings(home: Path, **more: str) -> dict[str, str]:
    """An environment with an empty home and nothing of the developer's."""
    home.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": str(CHECKOUT), **more}


def ran(
    home: Path, *words: object, lines: Sequence[str] | bytes = (), more: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[bytes]:
    """Run one verb to its end, in an empty folder, with `lines` through a pipe."""
    environment = surroundings(home, **more)
    empty = home / "empty"
    empty.mkdir(exist_ok=True)
    given = lines if isinstance(lines, bytes) else "".join(line + "\n" for line in lines).encode()
    return subprocess.run(
        command(*words), input=given, capture_output=True, cwd=empty, env=environment, timeout=DEADLINE, check=False
    )


def opened_as_told(shown: str) -> list[tuple[str, str]]:
    """Run each gpg command that was shown, as it was shown; return (text, case.json) of each mail."""
    mails = []
    for found in _TO_OPEN.finditer(shown):
        done = subprocess.run(found.group().split(), capture_output=True, timeout=DEADLINE, check=True)
        mails.append(read(done.stdout))
    return mails


def read(inner: bytes) -> tuple[str, str]:
    """Text and case.json of a mail that gpg has opened."""
    body, case = (cast("EmailMessage", part) for part in message_from_bytes(inner, policy=policy.SMTP).iter_parts())
    assert case.get_filename() == "case.json"
    return str(body.get_content()), cast("bytes", case.get_content()).decode()
