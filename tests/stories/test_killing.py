"""Many talks while the bot is killed again and again: no answered turn is lost, and every alert arrives."""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fakes_smtp import Authority, MailServer, mail_server
from stories.lives import begin, nursery
from stories.program import mission_file, server_lines, settings_file
from stories.sizes import Size
from stories.stage import Inbox, message_ids

from bot.clock import is_reference, now
from bot.conversation.model import Sender
from bot.settings import read_settings
from bot.storage.keyring import Keyring
from bot.storage.tables import open_engine
from bot.storage.work import Shelf

PROGRAM = Path(__file__).with_name("loopback_bot.py")
AT_ONCE = 12  # people who write at the same time, each at another step
SEED = "postigo"
DEADLINE = 240.0  # seconds for everything, on a machine that does other things

EVENTS = ("threat", "attack", "raid")  # all of level 2 at least: they leave at once
WANTS = ("officer", "quiet", "public", "observer", "detention", "visit", "funds", "relocation", "digital", "inform")
AREAS = ("agu", "bcn", "bcs", "cam", "chp", "chh", "cmx", "coa", "col", "dur", "mex")


def drawn(*what: object, below: int) -> int:
    """Chance that is the same in every run."""
    return int.from_bytes(sha256(repr((SEED, *what)).encode()).digest()[:8], "big") % below


def script(number: int) -> dict[str, str]:
    """What one person answers, by step; no two of the same path alike."""
    if number % 4 == 0:
        return {"sos": ("me", "held")[number // 4 % 2], "sos_act": ("act", "talk")[number // 8 % 2]}
    return {
        "language": "en",
        "device": "no",
        "danger": "no",
        "notice": "tell",
        "whom": "me",
        "event": EVENTS[number % len(EVENTS)],
        "area": AREAS[number % len(AREAS)],
        "want": WANTS[number % len(WANTS)],
        "reply": "here",
        "review": "send",
        "act": ("act", "talk", "share")[number % 3],
    }


@dataclass
class Person:
    """One person: answers each question once, and sends again what nobody has taken."""

    number: int
    script: Mapping[str, str]
    waiting: dict[str, dict[str, str]] = field(default_factory=dict)  # messages that aren't acknowledged, by id
    answered: int = 0  # the newest question that was answered
    codes: str = ""
    told: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"person-{self.number}"


class Crowd:
    """Everybody who writes, on the other end of the bot's socket."""

    def __init__(self, people: int) -> None:
        self.people = [Person(number, script(number)) for number in range(people)]
        self.connected = asyncio.Event()
        self.done = asyncio.Event()
        self.error: Exception | None = None
        self.happened = 0
        self.news = asyncio.Condition()
        self._begun = 0
        self._ids = count(1)
        self._writer: asyncio.StreamWriter | None = None

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk with one life of the bot, from its connection to its death."""
        self._writer = writer
        for person in self.people:
            self._send(person.waiting.values())
        self._begin_more()
        self.connected.set()
        try:
            while line := await reader.readline():
                self._heard(json.loads(line))
                async with self.news:
                    self.happened += 1
                    self.news.notify_all()
        except (ConnectionError, json.JSONDecodeError):  # killed in the middle of a line
            pass
        except Exception as error:  # noqa: BLE001 - it is the test's to tell
            self.error = error
            self.done.set()
        finally:
            self.connected.clear()
            writer.close()
            async with self.news:
                self.news.notify_all()

    async def after(self, events: int) -> None:
        """Wait until so many more things have happened, or everybody is done."""
        goal = self.happened + events
        async with self.news:
            await self.news.wait_for(lambda: self.happened >= goal or self.done.is_set())

    def _heard(self, told: Mapping[str, Any]) -> None:
        if "taken" in told:
            for person in self.people:
                person.waiting.pop(told["taken"], None)
        else:
            person = self.people[int(told["to"].removeprefix("person-"))]
            self._was_told(person, told["text"], told["question"])

    def _was_told(self, person: Person, text: str, question: Mapping[str, Any] | None) -> None:
        person.told.append(text)
        if "Return code " in text:
            person.codes = text
            self._begin_more()
        if question and question["serial"] > person.answered and question["step"] in person.script:
            person.answered = question["serial"]
            numbers = {name: str(shown) for shown, name in question["offered"]}
            self._write(person, numbers[person.script[question["step"]]])

    def _begin_more(self) -> None:
        """Keep so many people writing at once until all have begun."""
        finished = sum(bool(person.codes) for person in self.people)
        while self._begun < min(len(self.people), finished + AT_ONCE):
            person = self.people[self._begun]
            self._begun += 1
            self._write(person, "SOS" if "sos" in person.script else "hello")
        if finished == len(self.people):
            self.done.set()

    def _write(self, person: Person, text: str) -> None:
        message = {"id": f"m{next(self._ids)}", "from": person.address, "text": text}
        person.waiting[message["id"]] = message
        self._send([message])

    def _send(self, messages: Iterable[Mapping[str, str]]) -> None:
        if self._writer and not self._writer.is_closing():
            self._writer.writelines(json.dumps(message).encode() + b"\n" for message in messages)


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="k-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


async def begun(process: asyncio.subprocess.Process, crowd: Crowd) -> int:
    """Begin a life; return its process id once it listens."""
    life = await begin(process)
    await crowd.connected.wait()
    return life


async def test_talks_survive_being_killed_at_random_moments(
    home: Path, authority: Authority, officer: Inbox, size: Size
) -> None:
    mission_file(home, officer.contact.openpgp or "", officer.contact.fingerprint)
    crowd, kills = Crowd(size.people), 0
    listening = await asyncio.start_unix_server(crowd.meet, home / "socket")
    async with listening, mail_server(authority.server()) as server, asyncio.timeout(DEADLINE):
        settings = settings_file(home, server_lines(server, authority), more="")
        async with nursery(home, PROGRAM, settings, home / "socket") as process:
            while not crowd.done.is_set():
                life = await begun(process, crowd)
                await crowd.after(1 + drawn("events", kills, below=size.lives))
                if not crowd.done.is_set():
                    os.kill(life, signal.SIGKILL)
                    kills += 1
                    await gone(crowd)
            assert crowd.error is None
            os.kill(life, signal.SIGKILL)
            await gone(crowd)
            life = await begun(process, crowd)
            await all_arrived(server, size.people)
            os.kill(life, signal.SIGKILL)
            await gone(crowd)
    assert crowd.error is None
    assert kills >= size.kills
    every_alert_arrived_once(crowd, server, officer)
    every_code_leads_back(crowd, settings)
    logged = (home / "stderr").read_text()
    assert "fault" not in logged
    assert "failed" not in logged
    assert "restored" not in logged


async def gone(crowd: Crowd) -> None:
    """Wait until the connection of a killed life is closed."""
    async with crowd.news:
        await crowd.news.wait_for(lambda: not crowd.connected.is_set())


async def all_arrived(server: MailServer, people: int) -> None:
    arrived = 0
    while len(message_ids(server.accepted)) < people:
        arrived = len(server.accepted) + 1
        await server.arrived(arrived, within=DEADLINE)


def every_alert_arrived_once(crowd: Crowd, server: MailServer, officer: Inbox) -> None:
    by_id: dict[str, set[bytes]] = {}
    for taken in server.accepted:
        by_id.setdefault(next(iter(message_ids([taken]))), set()).add(taken.mail)
    assert [len(bodies) for bodies in by_id.values()] == [1] * len(crowd.people), (
        "a repeat has the same Message-ID and bytes"
    )
    cases = {}
    for (mail,) in by_id.values():
        case = json.loads(officer.opened(mail)[2])
        assert case["reference"] not in cases, "one case has one Message-ID"
        cases[case["reference"]] = case
    for person in crowd.people:
        case = cases[person.codes.split()[1].rstrip(".")]
        assert is_reference(case["reference"])
        assert case["check"] in person.codes
        answers = {step: [one["name"] for one in answer["choices"]] for step, answer in case["answers"].items()}
        assert answers == expected(person)
        assert [one["kind"] for one in case["consents"]] == ["send", "act"]


def expected(person: Person) -> dict[str, list[str]]:
    """The answers that the mission gets: those with a title, and the consent to act under its one name."""
    untold = {"language", "device", "notice", "review"}
    renamed = {"sos_act": "act"}
    return {renamed.get(step, step): [choice] for step, choice in person.script.items() if step not in untold}


def every_code_leads_back(crowd: Crowd, settings: Path) -> None:
    storage = read_settings(settings).storage
    shelf, engine = Shelf(Keyring.open(storage.keys, now())), open_engine(storage.url)
    with engine.connect() as conn:
        for person in crowd.people:
            code = person.codes.partition("Return code ")[2].partition(".")[0].replace(" ", "")
            assert (len(code), code.isdigit()) == (16, True)
            assert shelf.who_returns(conn, code) == shelf.who(Sender("signal", person.address))
    engine.dispose()
