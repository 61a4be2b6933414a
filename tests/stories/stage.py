"""What the stories share: a bot wired from real parts, a clock they move themselves, and a town of people who write.

async with stage.open() as bot:
    await bot.writes("ana", "SOS")
    await bot.picks("ana", "me", "act")
"""

import asyncio
import secrets
import string
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from fakes_openssl import Person
from fakes_smtp import Authority, MailServer, Taken

from bot import clock
from bot.app import Bot, Plan, wire
from bot.channels.base import Arrived, Outgoing, TakeTurns
from bot.content import content
from bot.conversation.model import Conversation, Kind, Message, Say, Sender
from bot.errors import DeliveryError
from bot.gate import UNLIMITED, Limits
from bot.handoff.mission import Contact, MissionProfile, Mode, Resource, WhoRuns
from bot.handoff.roster import Duty
from bot.mail.imap import Mailbox
from bot.mail.openpgp import open_mail, throwaway_officer
from bot.mail.smime import open_mail as open_smime
from bot.mail.smtp import Post, SmtpPost
from bot.settings import read_mission
from bot.staff import officers_of

DEADLINE = 20.0  # real seconds; what hasn't come by then never comes
PATIENCE = 1.0  # seconds that our side of SMTP waits for an answer: a server that stalls says nothing at all
ZONE = ZoneInfo("America/Mexico_City")
SENDER = "postigo@example.org"
T = TypeVar("T")
_IDS = count(1)  # of messages: a messenger gives none twice, whatever happens to the bot

EMERGENCY = ("me", "act")
ORDINARY = ("en", "no", "no", "tell", "me", "surveillance", "oax", "quiet", "here", "send", "act")  # level 3


class StoryClock:
    """Stands still until the story moves it. It begins tomorrow at ten, so that every key made today is of age."""

    def __init__(self) -> None:
        today = clock.now(ZONE).replace(hour=10, minute=0, second=0, microsecond=0)
        self.at = today + timedelta(days=1)

    def now(self, zone: tzinfo = UTC) -> datetime:
        return self.at.astimezone(zone)

    def move(self, **span: float) -> None:
        self.at += timedelta(**span)


@dataclass(frozen=True)
class Heard:
    """What one person was told."""

    text: str
    say: Say


class Town:
    """A channel of many people, each known by an address; what they are told is kept, in order."""

    def __init__(self, now: Callable[[], datetime], name: str = "signal", *, repeats: bool = False) -> None:
        self.name = name
        self.redelivers = True
        self.repeats_questions = repeats
        self.keeps_ids = False  # whether what was said can be deleted later
        self.has_buttons = False
        self.notifies = False
        self.at_once = 64
        self.pause = 0.0
        self.heard: dict[str, list[Heard]] = defaultdict(list)
        self.cleared: list[tuple[str, ...]] = []
        self.refusals: dict[str, list[Exception]] = defaultdict(list)  # by address: what the next tries come to
        self.listening = asyncio.Event()
        self.news = asyncio.Condition()
        self._now = now
        self._take_turns: TakeTurns | None = None

    async def listen(self, take_turns: TakeTurns) -> None:
        self._take_turns = take_turns
        self.listening.set()
        await asyncio.Event().wait()

    async def send(self, outgoing: Outgoing) -> Arrived:
        address = outgoing.sender.address
        if self.refusals[address]:
            raise self.refusals[address].pop(0)
        async with self.news:
            self.heard[address].append(Heard(outgoing.spoken.text, outgoing.say))
            self.news.notify_all()
        return Arrived(self._now(), (f"out{next(_IDS)}",) if self.keeps_ids else ())

    async def clear(self, sender: Sender, ids: tuple[str, ...]) -> None:
        self.cleared.append((sender.address, *ids))

    async def take(self, address: str, text: str, **more: object) -> None:
        """Hand one message over; returns when its turn is committed."""
        assert self._take_turns is not None, "nobody listens"
        message = Message(Sender(self.name, address), f"m{next(_IDS)}", self._now(), text)
        await self._take_turns([replace(message, **more)])  # type: ignore[arg-type]  # named by its fields

    def told(self, address: str) -> list[str]:
        """All that a person was told, in order."""
        return [heard.text for heard in self.heard[address]]


@dataclass
class Life:
    """One life of a bot, from start to stop, and the people who write to it meanwhile."""

    bot: Bot
    town: Town
    clock: StoryClock
    running: asyncio.Task[None]

    async def settled(self) -> None:
        """Wait until nothing is due and nothing is being carried."""
        async with asyncio.timeout(DEADLINE):
            await _first(self.bot.courier.settled(), self.running)

    async def writes(self, address: str, *texts: str, kind: Kind = Kind.TEXT, settle: bool = True) -> str:
        """Let a person write, one message after the other; returns the last that they were told."""
        for text in texts:
            await self.town.take(address, text, kind=kind)
            if settle:
                await self.settled()
        return self.last(address)

    async def picks(self, address: str, *choices: str, settle: bool = True) -> str:
        """Let a person answer question after question, each with the number of one choice."""
        for choice in choices:
            await self.writes(address, self.number(address, choice), settle=settle)
        return self.last(address)

    def number(self, address: str, choice: str) -> str:
        """The number under which a choice was offered last."""
        questions = [heard.say.question for heard in self.town.heard[address] if heard.say.question]
        offered = {name: str(number) for number, name in questions[-1].offered}
        return offered[choice]

    def last(self, address: str) -> str:
        return self.town.told(address)[-1] if self.town.heard[address] else ""

    async def hears(self, address: str, words: str) -> str:
        """Wait until a person is told something that holds these words, and return it."""

        def found() -> str:
            return next((text for text in reversed(self.town.told(address)) if words in text), "")

        async with asyncio.timeout(DEADLINE), self.town.news:
            await self.town.news.wait_for(found)
        return found()

    def times_told(self, address: str, words: str) -> int:
        return sum(words in text for text in self.town.told(address))

    async def later(self, *, settle: bool = True, **span: float) -> None:
        """Let time pass, and what has come due be done."""
        self.clock.move(**span)
        self.bot.courier.wake()
        if settle:
            await self.settled()

    async def day_after_day(self, days: int) -> None:
        """Let days pass as they do for a service: the rounds come by each hour."""
        for _ in range(days * 24):
            self.clock.move(hours=1)
            await self.bot.upkeep.round()
        self.bot.courier.wake()
        await self.settled()

    async def reads(self, job: Callable[[sa.Connection], T]) -> T:
        """Do something with the database, as the writer does."""
        return await self.bot.writer.do(job)

    async def talk(self, address: str) -> Conversation | None:
        """What is kept of a person, opened."""
        shelf = self.bot.desk.shelf
        return await self.reads(lambda conn: shelf.load(conn, shelf.who(Sender(self.town.name, address))))

    async def put_back(self, count: int) -> None:
        """Wait until so many mails were tried and wait for their next try."""
        sql = sa.text("SELECT COUNT(*) FROM outbox WHERE kind = 'mail' AND attempts > 0 AND trying = 0")
        async with asyncio.timeout(DEADLINE):
            while await self.reads(lambda conn: conn.execute(sql).scalar_one()) < count:
                await asyncio.to_thread(lambda: None)  # a turn of the loop, so that the courier goes on

    async def blobs(self) -> list[bytes]:
        """Every sealed value and every keyed hash that is stored now, of everybody, but for whom they belong to."""
        columns = [("talk", "wrapped"), ("talk", "sealed"), ("outbox", "wrapped"), ("outbox", "sealed")]
        columns += [("way_back", "code"), ("seen", "substr(hash, 17)")]
        sql = [sa.text(f"SELECT {column} FROM {table}") for table, column in columns]  # noqa: S608 - names from above
        return await self.reads(lambda conn: [bytes(row[0]) for one in sql for row in conn.execute(one)])

    async def rows(self, kind: str) -> int:
        """How many rows of one kind wait."""
        sql = sa.text("SELECT COUNT(*) FROM outbox WHERE kind = :kind")
        return int(await self.reads(lambda conn: conn.execute(sql, {"kind": kind}).scalar_one()))


@dataclass
class Stage:
    """A place to keep things, a mission, and a way out for mails. Each `open` is one life of the bot there."""

    folder: Path
    post: Post
    contacts: tuple[Contact, ...]
    clock: StoryClock = field(default_factory=StoryClock)
    changes: Mapping[str, object] = field(default_factory=dict)  # of the mission's profile
    channel: str = "signal"
    repeats: bool = False
    mailbox: Mailbox | None = None  # where officers answer, and what can't be delivered comes back
    trusted: Callable[[], Awaitable[bool | None]] | None = None  # whether officers' accounts can be; None: they are
    limits: Limits = UNLIMITED  # a story's people write faster than any person does
    listen: str = ""  # where an operator's programs may ask; "": nowhere

    @property
    def kept(self) -> Path:
        return self.folder / "kept"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def database(self) -> Path:
        return self.kept / "postigo.db"

    def profile(self) -> MissionProfile:
        """The example mission, as if it had confirmed itself; without a daily mail, unless the story has one."""
        read = read_mission(content("missions") / "us-mexico.toml")
        today = self.clock.now(ZONE).date()
        place = Resource("Shelter", "+52 55 0000", WhoRuns.NGO, "https://example.org", verified_on=today)
        changed = replace(
            read, contacts=self.contacts, languages=("es", "en"), resources=(place,), duty=Duty(morning="")
        )
        return replace(changed, **self.changes)  # type: ignore[arg-type]  # named by its fields

    def wired(self) -> tuple[Bot, Town]:
        town = Town(lambda: self.clock.now(ZONE), self.channel, repeats=self.repeats)
        profile = self.profile()
        url = f"sqlite:///{self.database}"
        plan = Plan(
            profile,
            url,
            self.keys,
            self.post,
            SENDER,
            lambda known: officers_of(profile, known),
            lambda _: [town],
            self.clock.now,
            self.mailbox,
            self.trusted,
            self.limits,
            listen=self.listen,
        )
        return wire(plan), town

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Life]:
        """Let the bot live until the block ends, then stop it cleanly."""
        bot, town = self.wired()
        stop = asyncio.Event()
        running = asyncio.create_task(bot.run(stop))
        try:
            async with asyncio.timeout(DEADLINE):
                await _first(town.listening.wait(), running)
            yield Life(bot, town, self.clock, running)
        finally:
            stop.set()
            await running


async def _first(awaited: Coroutine[Any, Any, object], running: asyncio.Task[None]) -> None:
    """Wait for one thing while the bot runs; if the bot ends instead, let its error out."""
    waiting = asyncio.create_task(awaited)
    try:
        await asyncio.wait({waiting, running}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    if running.done():
        running.result()


def canary() -> str:
    """Letters that stand nowhere else."""
    return "".join(secrets.choice(string.ascii_letters) for _ in range(24))


class Inbox:
    """One officer's key, as a file for the profile, and what it opens. `signal`: their account there."""

    def __init__(self, folder: Path, name: str = "officer", *, signal: str = "", language: str = "en") -> None:
        self._secret, certificate = throwaway_officer()
        file = folder / f"{name}.asc"
        file.write_bytes(certificate.raw)
        address, fingerprint = f"{name}@example.org", certificate.fingerprint
        self.contact = Contact(address, str(file), fingerprint, language, signal=signal)

    def opened(self, mail: bytes) -> tuple[str, str, str]:
        """Subject, text and case.json."""
        return open_mail(mail, self._secret)

    def texts(self, server: MailServer) -> list[str]:
        """The texts of everything that a server has accepted."""
        return [self.opened(taken.mail)[1] for taken in server.accepted]


class SmimeInbox(Inbox):
    """The same for an officer with an S/MIME certificate, whose files a test has made."""

    def __init__(self, person: Person, name: str = "officer", *, signal: str = "", language: str = "en") -> None:
        self._person = person
        certificate = person.certificate
        self.contact = Contact(
            f"{name}@example.org",
            fingerprint=certificate.fingerprint,
            language=language,
            mode=Mode.SMIME,
            smime=str(certificate.path),
            signal=signal,
        )

    def opened(self, mail: bytes) -> tuple[str, str, str]:
        """Subject, text and case.json."""
        return open_smime(mail, self._person.secret, self._person.certificate)


def keyless(name: str = "officer", *, signal: str = "", language: str = "en") -> Contact:
    """An officer without a key: by mail they hear that a case waits, and no more."""
    return Contact(f"{name}@example.org", language=language, mode=Mode.NOTICE, signal=signal)


class Mood:
    """What a server answers at one stage, until the story changes it: the same to everybody."""

    def __init__(self, reply: str) -> None:
        self.reply = reply

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return self.reply


GOOD = "250 OK"


def posted_to(server: MailServer, authority: Authority, *, patience: float = PATIENCE) -> SmtpPost:
    """A way out to a server on loopback that asks for STARTTLS."""
    return SmtpPost(server.host, server.port, "starttls", SENDER, authority.file, timeout=patience)


def message_ids(taken: Sequence[Taken]) -> set[str]:
    """The Message-IDs of these mails, as they stand outside."""
    lines = (line for one in taken for line in one.mail.split(b"\r\n\r\n")[0].split(b"\r\n"))
    return {line.decode() for line in lines if line.lower().startswith(b"message-id:")}


def unreachable() -> DeliveryError:
    """What a channel says that could not reach a person this time."""
    return DeliveryError("not this time")


async def cries(life: Life, *, settle: bool = True) -> None:
    """Ana sends an emergency alert, and is spoken to in English."""
    await life.writes("ana", "hello")
    await life.picks("ana", "en")
    await life.writes("ana", "SOS")
    await life.picks("ana", "me")
    await life.picks("ana", "act", settle=settle)
