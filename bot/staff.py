"""The wiring that is the mission's: its officers, what is sealed to them, and what they answer. No decision here."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from bot import clock
from bot.alerting import Alerting, Certificate, Officer, no_token
from bot.conversation.model import HandOff, Line
from bot.conversation.understanding import fold
from bot.errors import SettingsError
from bot.handoff.alert import Reader
from bot.handoff.duty import chain
from bot.handoff.mission import Contact, MissionProfile, Mode, signal_words
from bot.handoff.orders import Verb
from bot.knowledge import Knowledge
from bot.language.vocabulary import split_words
from bot.logs import Event, event
from bot.mail import openpgp, openpgp_signed, smime, smime_signed
from bot.mail.bounces import Bounce
from bot.mail.imap import Mailbox
from bot.mail.replies import Officers as Signatures
from bot.mail.replies import Reply, Useless, read_reply
from bot.mail.token import token_text
from bot.officers.answers import Answers
from bot.officers.desk import OfficersDesk
from bot.officers.filing import Filing
from bot.officers.inviting import is_invited
from bot.officers.telling import Telling
from bot.officers.waking import Waking
from bot.settings import Mailbox as MailboxSettings
from bot.signing import NAME, signer_in, smime_signer_in
from bot.storage.dockets import Dockets
from bot.storage.keyring import Keyring
from bot.storage.notices import Notices
from bot.storage.outbox import Mail, Note, Outbox, Ping
from bot.storage.work import Shelf
from bot.storage.writer import Writer

TRUST_SECONDS = 600.0  # between two looks at the Signal server's trust mode
TRUST_AGAIN_SECONDS = 15.0  # the same, while it doesn't answer or can't be trusted


@dataclass(frozen=True, slots=True)
class House:
    """Where the bot keeps its keys, under which address it writes, and whether answers by mail are read."""

    keys: Path
    sender: str
    mailbox: bool


def mailbox_of(told: MailboxSettings, file: Path) -> Mailbox:
    """Return where the mission's answers and returned mails come to. Raises SettingsError that names `file`."""
    try:
        return Mailbox(told.host, told.port, told.tls, told.username, told.password, told.ca_file, told.folder)
    except SettingsError as error:
        raise SettingsError(f"{file}: {error}") from None


def officers_of(profile: MissionProfile, knowledge: Knowledge, file: Path | None = None) -> list[Officer]:
    """Return everybody of the roster who can be written to. `file`: where they are written down.

    Raises SettingsError, LanguageError.
    """
    return [
        Officer(
            contact,
            _certificate(contact, f"{file}: " if file else ""),
            knowledge.reader(contact.language, contact.zone),
        )
        for contact in profile.contacts
        if contact.certificate or contact.mode is Mode.NOTICE
    ]


def _certificate(contact: Contact, at: str) -> Certificate | None:
    if not contact.certificate:
        return None
    reads = smime.read_certificate if contact.mode is Mode.SMIME else openpgp.read_certificate
    try:
        return reads(Path(contact.certificate))
    except SettingsError as error:
        raise SettingsError(f"{at}contact {contact.address}: {contact.mode}: {error}") from None


def officers_desk(
    knowledge: Knowledge, staff: Sequence[Officer], keyring: Keyring, outbox: Outbox, shelf: Shelf
) -> OfficersDesk:
    """Return where officers are heard, in their languages."""
    readers = {one.contact.address: one.reader for one in staff}
    telling = Telling(knowledge.profile, readers, shelf, outbox)
    words = {fold(word): verb for verb in Verb for reader in readers.values() for word in _words(verb, reader)}
    dockets, notices = Dockets(keyring), Notices(keyring)
    invited = partial(is_invited, keyring.keyed_hash)
    return OfficersDesk(knowledge.profile, readers, words, dockets, notices, outbox, telling, invited)


def _words(verb: Verb, reader: Reader) -> tuple[str, ...]:
    """Return what may be typed for an order: in the officer's language, and in English."""
    name = f"word_{verb}"
    return (*split_words(reader.duty.texts[name]), *split_words(reader.note(Line(f"duty.{name}"))))


def alerting_of(
    knowledge: Knowledge, staff: tuple[Officer, ...], officers: OfficersDesk, house: House, now: datetime
) -> Alerting:
    """Return what seals for this mission's officers. Raises SealingError, SettingsError."""
    profile, signs = knowledge.profile, any(one.contact.mode is Mode.SMIME for one in staff)

    def token(reference: str) -> tuple[str, bytes]:
        drawn = token_text(reference, clock.token())
        return drawn, officers.dockets.hashed("token", drawn)

    return Alerting(
        staff,
        signer_in(house.keys),
        house.sender,
        officers.dockets.mail_key(),
        partial(chain, profile),
        smime_signer_in(house.keys, house.sender, now) if signs else None,
        signal_words(profile) or NAME,
        token if house.mailbox else no_token,
    )


@dataclass(frozen=True, slots=True)
class MissionDesk:
    """What the courier does for the mission: cases are sealed here and noted there."""

    alerting: Alerting
    filing: Filing
    waking: Waking

    def audience(
        self, conn: sa.Connection, who: bytes, told: HandOff, now: datetime, *, count: bool
    ) -> tuple[str, frozenset[str]]:
        """Return which officer has read this person's case, and the officers whom this handoff doesn't wake."""
        reader = self.filing.reader(conn, who)
        return reader, self.waking.unwoken(conn, told, reader, now, count=count)

    def seal(self, told: HandOff, now: datetime, reader: str, unwoken: frozenset[str]) -> Sequence[Mail | Ping]:
        """Return the mails and pings of a handoff."""
        return self.alerting.seal(told, now, reader, unwoken)

    def sealed(
        self, conn: sa.Connection, who: bytes, told: HandOff, letters: Sequence[Mail | Ping], now: datetime
    ) -> None:
        """Note that they are stored."""
        self.filing.sealed(conn, who, told, letters, now)

    def seal_note(self, note: Note, now: datetime) -> Mail | None:
        """Return the mail of a note."""
        return self.alerting.seal_note(note, now)


def answers_of(  # noqa: PLR0913, PLR0917 - one room's worth
    mailbox: Mailbox,
    alerting: Alerting,
    writer: Writer,
    filing: Filing,
    now: Callable[[], datetime],
    told: Callable[[], None],
) -> Answers:
    """Return what takes the mission's answers by mail."""
    return Answers(mailbox.listen, partial(_meant, alerting), writer, filing, now, told)


def _meant(alerting: Alerting, raw: bytes, now: datetime) -> Reply | Bounce | Useless:
    """Return what a mail means, by the certificates of the roster."""
    certificates = [one.certificate for one in alerting.officers]
    pgp = [one for one in certificates if isinstance(one, openpgp.Certificate)]
    x509 = [one for one in certificates if isinstance(one, smime.Certificate)]
    checks = Signatures(
        partial(openpgp_signed.signer_of, officers=pgp, now=now),
        partial(openpgp_signed.signed_text, officers=pgp, now=now),
        partial(openpgp_signed.opened, signer=alerting.signer, officers=pgp, now=now),
        partial(smime_signed.signer_of, officers=x509, now=now),
        partial(smime_signed.opened_signed, officers=x509, now=now),
    )
    return read_reply(raw, checks, now)


async def watch_trust(
    ask: Callable[[], Awaitable[bool | None]], officers: OfficersDesk, alarm: Callable[[str], None]
) -> None:
    """Take officers' words only while the Signal server tells when somebody's safety number changes."""
    before: bool | None = None
    while True:
        answer = await ask()
        if answer is False and before is not False:
            event(Event.OFFICERS_UNTRUSTED)
            alarm("untrusted")
        if answer is not None:
            officers.trusted = before = answer
        await asyncio.sleep(TRUST_SECONDS if answer else TRUST_AGAIN_SECONDS)
