"""A bot on Telegram, wired from real parts, and people who answer its questions there as people do.

async with staged(...) as stage, stage.open() as life:
    ana = stage.telegram.person(language_code="en")
    await life.says(ana, "hello")
    await life.presses(ana, "en", "no")
"""

import asyncio
import logging
import re
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from math import inf
from pathlib import Path

import sqlalchemy as sa
from fakes_gpg import Gpg
from fakes_smtp import Authority, MailServer
from fakes_telegram import TelegramServer, telegram_server
from fakes_telegram_chats import Shown
from fakes_telegram_desk import QUICK
from fakes_telegram_people import Person
from stories.program import read
from stories.stage import DEADLINE, SENDER, Inbox, Life, Stage, Town, posted_to

from bot import logs
from bot.app import Bot, Plan, wire
from bot.channels.base import Channel
from bot.channels.telegram import Telegram
from bot.conversation.flow import Step
from bot.conversation.model import Conversation, Sender
from bot.handoff.mission import Contact
from bot.knowledge import Knowledge
from bot.mail.envelope import sealed_part
from bot.messengers import looks
from bot.staff import officers_of
from bot.storage.work import Shelf

OFFICER = "Officer <officer@example.org>"
HOLD = 5  # seconds that the server may hold a question for updates
_SERIAL = re.compile(r"(\d+):")


def drawn(*what: object, below: int) -> int:
    """Chance that is the same in every run."""
    return int.from_bytes(sha256(repr(("postigo", *what)).encode()).digest()[:8], "big") % below


def serial(shown: Shown) -> int:
    """The number of the question that a message asks, as its buttons have it; 0: it asks nothing."""
    rows = shown.first.get("reply_markup", {}).get("inline_keyboard", ())
    found = _SERIAL.match(rows[0][0]["callback_data"]) if rows else None
    return int(found[1]) if found else 0


class Sheet:
    """What each question and each choice is called, in every language of the mission."""

    def __init__(self, known: Knowledge) -> None:
        self.known = known
        self._steps = known.content.flow.steps
        self._prompts = {
            self._longest(tag, step): step.name
            for step in self._steps.values()
            for tag in known.profile.languages
            if step.spoken == step.name
        }

    def step(self, shown: Shown) -> str:
        """The question that a message asks."""
        return self._prompts[max((prompt for prompt in self._prompts if prompt in shown.said), key=len)]

    def labels(self, name: str, tag: str) -> dict[str, str]:
        """The label of each choice of a step, by its name."""
        step, flow = self._steps[name], self.known.content.flow
        spoken = self.known.spoken[tag]
        return {choice.name: spoken(flow.context(step, choice.name), choice.label) for choice in step.choices}

    def number(self, shown: Shown, choice: str) -> int:
        """The number under which a message offers a choice."""
        name = self.step(shown)
        wanted = {self.labels(name, tag)[choice] for tag in self.known.profile.languages}
        entries = [label.partition(" ") for label in shown.offered]
        (number,) = [int(number) for number, _, label in entries if label in wanted]
        return number

    def words(self, tag: str, name: str) -> str:
        """A text of the flow, up to its first place that is filled in."""
        return self._fixed(tag, f"say.{name}", self.known.content.flow.texts[name])[0]

    def word(self, tag: str, name: str, choice: str) -> str:
        """Another word for a choice; "" where there is none that would be taken."""
        step = self._steps[name]
        return "" if step.consent else next(iter(self.known.book.known.words[tag].get((step.spoken, choice), ())), "")

    def _longest(self, tag: str, step: Step) -> str:
        return max(self._fixed(tag, self.known.content.flow.context(step), step.ask), key=len)

    def _fixed(self, tag: str, context: str, text: str) -> list[str]:
        return [piece.strip() for piece in re.split(r"\{\w+\}", self.known.spoken[tag](context, text))]


@dataclass
class TelegramLife(Life):
    """One life of a bot on Telegram; `town` is a Signal beside it."""

    telegram: TelegramServer
    sheet: Sheet

    async def quiet(self) -> None:
        """Wait until all that people did is taken, and all that follows from it is done."""
        account = self.bot.channels["telegram"]
        assert isinstance(account, Telegram)
        async with asyncio.timeout(DEADLINE):
            while True:
                await self.telegram.updates.all_taken()
                await self.settled()
                beside = set(account._later._tasks)
                if not (beside or self.telegram.updates.waiting):
                    return
                if beside:
                    await asyncio.wait(beside)

    async def says(self, person: Person, *texts: str) -> str:
        """Let a person write, one message after the other; returns the last that they were told."""
        for text in texts:
            person.writes(text)
            await self.quiet()
        return person.last.said

    async def presses(self, person: Person, *choices: str) -> str:
        """Let a person tap, question after question; a comma stands between several."""
        for choice in choices:
            await self.taps(person, question(person), choice)
        return person.last.said

    async def taps(self, person: Person, shown: Shown, choice: str) -> str:
        """Let a person tap what a message offers or, slow to see it, offered."""
        several = shown.first["reply_markup"]["inline_keyboard"][-1][0]["callback_data"].endswith("!")
        for one in choice.split(","):
            person.taps_old(shown, self.sheet.number(shown, one))
        if several:
            person.taps_old(shown, shown.offered[-1])
        await self.quiet()
        return person.last.said

    async def kept(self, person: Person) -> Conversation | None:
        """What is kept of a person, opened."""
        return await self.reads(partial(kept, self.bot.desk.shelf, str(person.id)))


def kept(shelf: Shelf, address: str, conn: sa.Connection) -> Conversation | None:
    """What is kept of somebody on Telegram, opened."""
    return shelf.load(conn, shelf.who(Sender("telegram", address)))


def question(person: Person) -> Shown:
    """The last question that a person was asked."""
    return next(shown for shown in reversed(person.heard) if serial(shown))


@dataclass(kw_only=True)
class TelegramStage(Stage):
    """A place for a bot on Telegram. Its limits are Telegram's only where a story asks for them."""

    telegram: TelegramServer
    per_second: float = inf
    pause: float = 0.0

    def wired(self) -> tuple[Bot, Town]:
        town, profile = Town(self.clock.now, self.channel), self.profile()
        plan = Plan(
            profile,
            f"sqlite:///{self.database}",
            self.keys,
            self.post,
            SENDER,
            lambda known: officers_of(profile, known),
            lambda bot: [self._account(bot), town],
            self.clock.now,
            self.mailbox,
            self.trusted,
            self.limits,
        )
        return wire(plan), town

    def _account(self, bot: Bot) -> Channel:
        api = self.telegram.base_url.removesuffix("/bot")
        return Telegram(
            self.telegram.token,
            bot.desk.now,
            api,
            looks=looks(bot.knowledge),
            per_second=self.per_second,
            pause=self.pause,
            waits=QUICK,
            hold=HOLD,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TelegramLife]:
        async with super().open() as life:
            sheet = Sheet(life.bot.knowledge)
            yield TelegramLife(life.bot, life.town, life.clock, life.running, self.telegram, sheet)


@asynccontextmanager
async def staged(
    folder: Path, mails: MailServer, authority: Authority, officer: Inbox, **changes: object
) -> AsyncIterator[TelegramStage]:
    """A place for a bot, and a Telegram whose clock is the story's."""
    async with telegram_server() as telegram:
        stage = TelegramStage(
            folder, posted_to(mails, authority), (officer.contact,), changes=changes, telegram=telegram
        )

        def seconds() -> float:
            return stage.clock.at.timestamp()

        telegram.world.now = seconds
        yield stage


class GpgInbox(Inbox):
    """An officer whose key a real gpg has made, and holds too."""

    def __init__(self, folder: Path, gpg: Gpg) -> None:
        fingerprint, file = gpg.new_key(OFFICER).lower(), folder / "by_gpg.asc"
        file.write_bytes(gpg.exported(OFFICER))
        self._gpg = gpg
        self._secret = gpg.must("--armor", "--export-secret-keys")
        self.contact = Contact("officer@example.org", str(file), fingerprint, "en")

    def opened_by_gpg(self, mail: bytes, at: datetime) -> tuple[str, str, str]:
        """Text and case.json as gpg gives them out at that time, and the key that it found to have signed them."""
        time = at.astimezone(UTC).strftime("%Y%m%dT%H%M%S")
        done = self._gpg.run("--status-fd", "2", "--decrypt", given=sealed_part(mail), at=time)
        told = [line.split()[1:] for line in done.stderr.decode(errors="replace").splitlines() if "[GNUPG:]" in line]
        assert ["DECRYPTION_OKAY"] in told, told
        (signed,) = [words[-1].lower() for words in told if words[0] == "VALIDSIG"]
        return (*read(done.stdout), signed)


@contextmanager
def debugging() -> Iterator[None]:
    """Log at the lowest level, and put everything back afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logs.OWN.level, logging.raiseExceptions)
    hooks = (sys.excepthook, sys.unraisablehook, threading.excepthook)
    logs.install("debug")
    try:
        yield
    finally:
        root.handlers[:], logging.raiseExceptions = before[0], before[3]
        root.setLevel(before[1])
        logs.OWN.setLevel(before[2])
        sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
        logging.captureWarnings(capture=False)
