"""The only place that knows all rooms: settings and profile in, a wired bot out. No decision belongs here."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot import clock
from bot.alarming import Alarming
from bot.alerting import Alerting, Officer
from bot.channels.base import Channel
from bot.channels.terminal import Terminal
from bot.courier import Courier
from bot.errors import BotError, SettingsError
from bot.gate import LIMITS, Gate, Limits
from bot.handoff.mission import MissionProfile
from bot.handoff.mission import findings as profile_findings
from bot.knowledge import Knowledge, accepted_languages, know
from bot.logs import Event, event
from bot.mail.imap import Mailbox
from bot.mail.smtp import DirectoryPost, Post, SmtpPost
from bot.messengers import messengers, trust
from bot.officers.filing import Filing
from bot.officers.telling import SIGNAL
from bot.officers.waking import Waking
from bot.operations.readiness import notify
from bot.settings import MailFolder, Settings, Smtp
from bot.staff import House, MissionDesk, alerting_of, answers_of, mailbox_of, officers_desk, officers_of, watch_trust
from bot.storage.clockwork import Watched
from bot.storage.keyring import Keyring
from bot.storage.outbox import Outbox
from bot.storage.roles import MAILBOX, POLLER, ROUNDS, Roles
from bot.storage.schema import migrate
from bot.storage.tables import open_engine
from bot.storage.wakings import Wakings
from bot.storage.work import Shelf
from bot.storage.writer import Writer
from bot.threshold import Threshold
from bot.turn import Desk
from bot.upkeep import Upkeep
from bot.watching import Watching

FINISH_SECONDS = 5.0  # for what is due and on its way when the bot is told to stop
LAST_SECONDS = 1.0  # for what still is on its way then
FOLDER_SENDER = "postigo@folder.invalid"  # of mails that are left in a folder
ENDS_SOON = 30  # days before a certificate ends from which an operator is told, daily

Channels = Callable[["Bot"], Sequence[Channel]]


@dataclass(slots=True)
class Bot:
    """A wired bot. `run` is its whole life."""

    knowledge: Knowledge
    engine: sa.Engine
    writer: Writer
    roles: Roles
    keyring: Keyring
    desk: Desk
    courier: Courier
    upkeep: Upkeep
    channels: Mapping[str, Channel]
    beside: list[Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=list)  # what else runs; ends nothing
    alarm: Callable[[str], None] = lambda _kind: None
    watching: Watching | None = None  # None: an operator's programs see nothing
    _hearing: set[str] = field(default_factory=set)
    _carrying: asyncio.Task[None] | None = None

    def carries(self) -> bool:
        """Whether the courier is at work."""
        return self._carrying is not None and not self._carrying.done()

    def ring(self, kind: str) -> None:
        """Wake an operator."""
        self.alarm(kind)

    async def run(self, stop: asyncio.Event, *, until_silent: bool = False) -> None:
        """Run until `stop` is set (or, `until_silent`, until every channel has ended), then stop cleanly."""
        async with self.watching.serving() if self.watching else nullcontext():
            await self._live(stop, until_silent=until_silent)

    async def _live(self, stop: asyncio.Event, *, until_silent: bool) -> None:
        self.writer.start()
        try:
            await self.upkeep.begin()
            await self._serve(stop, until_silent=until_silent)
            await self.upkeep.end()
        finally:
            await self.writer.stop()
            self.engine.dispose()

    async def _serve(self, stop: asyncio.Event, *, until_silent: bool) -> None:
        rooms = [asyncio.create_task(self.courier.run()), asyncio.create_task(self.upkeep.run())]
        self._carrying = rooms[0]
        self._hearing.update(self.channels)
        heard = [asyncio.create_task(self._hear(channel)) for channel in self.channels.values()]
        beside = [asyncio.create_task(room()) for room in self.beside]
        event(Event.READY, channels=sorted(self.channels))
        notify("READY=1")
        stopping = asyncio.create_task(stop.wait())
        ended = asyncio.gather(*heard) if until_silent else asyncio.gather(*heard, stop.wait())
        try:
            done, _ = await asyncio.wait({stopping, ended, *rooms}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # a room that failed ends the bot, loudly
        finally:
            notify("STOPPING=1")
            event(Event.STOPPING)
            await _cancel([ended, stopping, *heard, *beside, rooms[1]])
            await self._finish(rooms[0])
            event(Event.STOPPED)

    async def _hear(self, channel: Channel) -> None:
        """Listen on a channel. One that can't go on ends the bot, unless people can be heard on another."""
        try:
            take = self.desk.take_turns
            await channel.listen(self.watching.timed(take) if self.watching else take)
        except BotError as error:
            if self._hearing == {channel.name}:
                raise
            event(Event.CHANNEL_STOPPED, error=error, channel=channel.name)
            self.alarm("refused")
        finally:
            self._hearing.discard(channel.name)

    async def _finish(self, carrying: asyncio.Task[None]) -> None:
        """Carry out what is due, then what is on its way, for a few seconds."""
        with suppress(TimeoutError):
            if not carrying.done():
                await asyncio.wait_for(self.courier.settled(), FINISH_SECONDS)
        await _cancel([carrying])
        await self.courier.finish(LAST_SECONDS)


async def _cancel(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a bot is wired from."""

    profile: MissionProfile
    database: str
    keys: Path
    post: Post
    sender: str
    officers: Callable[[Knowledge], Sequence[Officer]]
    channels: Channels
    now: Callable[[tzinfo], datetime] = clock.now  # a story may bring a clock of its own
    mailbox: Mailbox | None = None  # where officers answer, and what can't be delivered comes back
    trusted: Callable[[], Awaitable[bool | None]] | None = None  # asks the Signal server; None: officers are trusted
    limits: Limits = LIMITS  # of how much people may write at once
    password: str = field(default="", repr=False)  # of the database
    listen: str = ""  # where an operator's programs may ask; "": nowhere


def plan_of(settings: Settings, profile: MissionProfile, file: Path) -> Plan:
    """Return the plan that settings and profile make; `file`: where the settings stand, for whoever must mend them.

    Raises:
        SettingsError: no way for mails, an unreadable certificate, no language to offer.
        LanguageError: a catalog is missing.

    """
    offered = accepted_languages(profile)
    if not offered:
        raise SettingsError(f"{settings.mission}: languages: none is complete and reviewed, or in accept_unreviewed")
    profile = replace(profile, languages=offered)
    if settings.mail is None:
        raise SettingsError(f"{file}: [mail]: expected host, or directory; without it no case could leave")
    post, sender = post_of(settings.mail, file), sender_of(settings.mail)
    alarm = Alarming(post, sender, settings.operator)

    def channels(bot: Bot) -> Sequence[Channel]:
        bot.alarm = partial(alarm.ring, at=bot.desk.now)
        turn = partial(bot.roles.wait_for, POLLER)
        ears = bot.desk.threshold.ears(bot.desk.book)
        told = messengers(settings, bot.knowledge, bot.desk.now, bot.alarm, turn, ears=ears)
        return [*([terminal(bot)] if settings.terminal else []), *told]

    return Plan(
        profile,
        settings.storage.url,
        settings.storage.keys,
        post,
        sender,
        lambda knowledge: officers_of(profile, knowledge, settings.mission),
        channels,
        mailbox=mailbox_of(settings.mailbox, file) if settings.mailbox else None,
        trusted=trust(settings, profile),
        password=settings.storage.password,
        listen=settings.operations.listen,
    )


def sender_of(mail: Smtp | MailFolder) -> str:
    """Return the address that sealed mails come from."""
    return mail.sender if isinstance(mail, Smtp) else FOLDER_SENDER


def post_of(mail: Smtp | MailFolder, file: Path) -> Post:
    """Return the way that mails leave. Raises SettingsError that names `file`."""
    if isinstance(mail, MailFolder):
        return DirectoryPost(mail.directory)
    try:
        return SmtpPost(mail.host, mail.port, mail.tls, mail.sender, mail.ca_file, mail.username, mail.password)
    except SettingsError as error:
        raise SettingsError(f"{file}: {error}") from None


def terminal(bot: Bot) -> Terminal:
    """Return the terminal as a channel."""
    return Terminal(bot.desk.now, bot.courier.settled)


def wire(plan: Plan) -> Bot:
    """Put a bot together; the database is made or brought up to date.

    Raises:
        BotError: anything that is wrong in settings, flows, languages or keys, in one line.

    """
    knowledge = know(plan.profile, plan.now(UTC).date())
    now = Watched(partial(plan.now, knowledge.zone))
    keyring = Keyring.open(plan.keys, now())
    engine = open_engine(plan.database, plan.password)
    migrate(engine)
    writer, outbox, shelf = Writer(engine), Outbox(keyring), Shelf(keyring)
    roles = Roles(writer)
    staff = tuple(plan.officers(knowledge))
    officers = officers_desk(knowledge, staff, keyring, outbox, shelf)
    filing = Filing(officers, knowledge.book.case_lives)
    house = House(plan.keys, plan.sender, plan.mailbox is not None)
    alerting = alerting_of(knowledge, staff, officers, house, now())
    channels: dict[str, Channel] = {}
    threshold = Threshold(Gate(plan.limits), shelf.who, officers.officer)
    desk = Desk(knowledge.book, writer, shelf, outbox, now, lambda: None, officers, filing, threshold)
    officers.report = desk.from_mission
    waking = Waking(officers, Wakings(keyring), alerting.places)
    mission = MissionDesk(alerting, filing, waking)
    speak, report = knowledge.renderer.spoken, desk.reported
    courier = Courier(writer, outbox, report, channels, speak, mission, plan.post, now, clock.fraction)
    desk.told = courier.wake
    daily = partial(_daily, desk, knowledge, alerting)
    leads = partial(roles.has, ROUNDS)
    told = partial(_tell_officers, filing, waking)
    upkeep = Upkeep(writer, keyring, outbox, now, daily, desk.expire_talks, told, courier.wake, leads)
    bot = Bot(knowledge, engine, writer, roles, keyring, desk, courier, upkeep, channels)
    channels.update({channel.name: channel for channel in plan.channels(bot)})
    desk.redelivering = frozenset(name for name, channel in channels.items() if channel.redelivers)
    _beside(bot, plan, alerting)
    return bot


def _beside(bot: Bot, plan: Plan, alerting: Alerting) -> None:
    """Let the bot hear officers, on Signal while accounts there can be trusted and by mail, and be watched."""
    desk = bot.desk
    desk.officers.telling.signal = SIGNAL in bot.channels
    if plan.mailbox:
        answers = answers_of(plan.mailbox, alerting, bot.writer, desk.filing, desk.now, bot.courier.wake)
        bot.beside.append(partial(bot.roles.play, MAILBOX, answers.run))
    if plan.listen:
        bot.watching = Watching(plan.listen, bot.writer, bot.keyring, desk.now, bot.channels, bot.carries)
    if plan.trusted:
        desk.officers.trusted = False  # until the server has said so
        bot.beside.append(partial(watch_trust, plan.trusted, desk.officers, bot.ring))


def _tell_officers(filing: Filing, waking: Waking, conn: sa.Connection, now: datetime) -> None:
    """Tell officers what the rounds tell them: each morning what waits, and in a flood every ten minutes."""
    filing.morning(conn, now)
    waking.summaries(conn, now)


def _daily(desk: Desk, knowledge: Knowledge, alerting: Alerting, at: datetime) -> None:
    """Look again at what ages: resources, certificates."""
    desk.book = knowledge.on(at.date())
    aged = profile_findings(knowledge.profile, at.date())
    if aged:
        event(Event.PROFILE_FINDINGS, findings=len(aged))
    for number, officer in enumerate(alerting.officers, 1):
        if alerting.wrong(officer, at):
            event(Event.CERTIFICATE_REFUSED, contact=number)
            continue
        days = alerting.days_left(officer, at)
        if days is not None and days <= ENDS_SOON:
            event(Event.CERTIFICATE_ENDS, contact=number, days=days)
