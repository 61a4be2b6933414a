"""A mission on duty: officers with keys of a real gpg and phones with Signal, a mail server, and the bot's mailbox.

async with on_duty(town) as bot:
    await bot.says(town.signal.person(), *SOS)
    assert town.first.pings == ["A new case waits: 7K3QM4, level 1"]
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from fakes_dovecot import PASSWORD, USER, Dovecot
from fakes_gpg import Gpg
from fakes_openssl import Person as Certified
from fakes_signal import SignalServer
from fakes_signal_people import Person
from fakes_smtp import Authority, MailServer
from storage.canaries import files_under, hits
from stories.program import read
from stories.signal_town import Talks, on_signal, serving
from stories.stage import DEADLINE, ZONE, Stage, StoryClock, canary, posted_to

from bot import clock
from bot.handoff.mission import Contact, Mode, SignalAddress
from bot.mail.imap import Mailbox
from bot.signing import signer_in

NAMES = ("first", "second", "third", "fourth")  # at level 1: told at once, and after 60, 90 and 120 minutes
SEALED = ("talk", "outbox", "docket", "draft", "notice")  # the tables that hold sealed words

LEADING = (("mark", "hash"), ("mark", "reference"), ("docket", "reference"), ("way_back", "code"))

COVER = "Hello. There is something new for you to read here, whenever it suits you.\n"
_REFERENCE = re.compile(r"Case (\w{6})\b")
_TOKEN = re.compile(r"\bACK-[0-9A-Z]{6}(?:-[0-9A-Z]{4}){3}\b")


@dataclass
class Officer:
    """One of the roster: their line in the profile, and their phone."""

    contact: Contact
    phone: Person

    @property
    def address(self) -> str:
        return self.contact.address

    @property
    def pings(self) -> list[str]:
        """What came by itself, of a case."""
        return [text for text in self.heard if text.startswith(("A new case waits", "Something was"))]

    @property
    def heard(self) -> list[str]:
        """All that the bot has said to them."""
        return [uncovered(said.text) for said in self.phone.heard]


@dataclass
class OfficersTown:
    """The mission, whoever serves it, and the servers between it and the bot."""

    stage: Stage
    signal: SignalServer
    mails: MailServer
    gpg: Gpg
    authority: Authority
    officers: tuple[Officer, ...]
    box: Dovecot | None = None

    @property
    def first(self) -> Officer:
        return self.officers[0]

    @property
    def second(self) -> Officer:
        return self.officers[1]

    def mailbox(self) -> Mailbox | None:
        if self.box is None:
            return None
        return Mailbox(self.box.host, self.box.port, "implicit", USER, PASSWORD, self.authority.file, shortest=0.05)

    @property
    def told(self) -> list[str]:
        """To whom a mail has gone, in order, by the first part of their address."""
        return [recipient.partition("@")[0] for taken in self.mails.accepted for recipient in taken.recipients]

    def mail_to(self, officer: Officer, number: int = 0) -> bytes:
        """One of the mails to an officer, as it came."""
        return [taken.mail for taken in self.mails.accepted if officer.address in taken.recipients][number]

    def text_to(self, officer: Officer, number: int = 0) -> str:
        """The text of a mail, as gpg opens it for its reader."""
        return read(self.gpg.must("--decrypt", given=self.mail_to(officer, number)))[0]

    def token_of(self, officer: Officer) -> str:
        """What acknowledges the case by mail, from the mail to this officer."""
        return token_in(self.text_to(officer))

    async def orders(self, bot: Talks, officer: Officer, *texts: str) -> str:
        """Let an officer write on Signal; return what they heard after the last message."""
        return uncovered(await bot.says(officer.phone, *texts))

    async def receives(self, bot: Talks, *mails: bytes) -> None:
        """Let mails come to the bot's mailbox; return when they are taken, removed, and what follows is done."""
        box = self.box
        assert box is not None
        await asyncio.to_thread(box.deliver, *mails)
        async with asyncio.timeout(DEADLINE):
            while await asyncio.to_thread(box.left):  # noqa: ASYNC110 - another program's state
                await asyncio.sleep(0.01)
        await bot.settled()


def uncovered(text: str) -> str:
    """A text without the line that a locked screen shows before it."""
    return text.removeprefix(COVER)


def reference_in(text: str) -> str:
    """The number of a case, from what its writer was told."""
    found = _REFERENCE.search(text)
    assert found, text
    return found[1]


def token_in(text: str) -> str:
    found = _TOKEN.search(text)
    assert found, text
    return found[0]


def real_time() -> StoryClock:
    """A clock that begins now: for signatures, which real programs date."""
    told = StoryClock()
    told.at = clock.now(ZONE)
    return told


def gpg_time(told: StoryClock, **before: float) -> str:
    """A moment of the story, as gpg is told it."""
    return f"{told.now() - timedelta(**before):%Y%m%dT%H%M%S}"


@asynccontextmanager
async def officers_town(
    folder: Path, gpg: Gpg, mails: MailServer, authority: Authority, at: StoryClock | None = None
) -> AsyncIterator[OfficersTown]:
    """A mission of four officers with OpenPGP keys, in the order of NAMES."""
    stage = Stage(folder, posted_to(mails, authority), (), at or StoryClock())
    async with serving(stage.clock) as signal:
        contacts = _keyed(folder, gpg)
        officers = tuple(Officer(one, phone_of(signal, name)) for one, name in zip(contacts, NAMES, strict=True))
        town = OfficersTown(stage, signal, mails, gpg, authority, officers)
        roster(town, *(one.contact for one in officers))
        yield town


def roster(town: OfficersTown, *contacts: Contact) -> None:
    """Let these serve, and no others."""
    town.stage.contacts = contacts
    town.stage.changes = {**town.stage.changes, "signal": SignalAddress("postigo.42")}
    phones = {one.contact.address: one.phone for one in town.officers}
    town.officers = tuple(Officer(one, phones[one.address]) for one in contacts)


def phone_of(signal: SignalServer, name: str) -> Person:
    return signal.person(account_of(name))


def account_of(name: str) -> str:
    return f"0ff1ce00-0000-4000-8000-00000000000{NAMES.index(name)}"


_RINGS: list[dict[str, bytes]] = []  # with the keys of all officers, made once
_EXPORTED: dict[str, tuple[str, bytes]] = {}  # by name: fingerprint and certificate


def _keyed(folder: Path, gpg: Gpg) -> list[Contact]:
    """The officers, whose keys are two days old."""
    if _RINGS:
        gpg.put(_RINGS[0])
    else:
        fingerprints = [gpg.new_key(name, at=gpg_time(real_time(), days=2)) for name in NAMES]
        _EXPORTED.update({name: (one, gpg.exported(name)) for name, one in zip(NAMES, fingerprints, strict=True)})
        _RINGS.append(gpg.kept())
    contacts = []
    for name, (fingerprint, certificate) in _EXPORTED.items():
        file = folder / f"{name}.asc"
        file.write_bytes(certificate)
        address = f"{name}@mission.example"
        contacts.append(Contact(address, str(file), fingerprint.lower(), "en", signal=account_of(name)))
    return contacts


def keyless(contact: Contact) -> Contact:
    """The same officer, without a key."""
    return replace(contact, openpgp=None, fingerprint="", mode=Mode.NOTICE)


def with_certificate(contact: Contact, person: Certified) -> Contact:
    """The same officer, with an X.509 certificate."""
    pinned = person.certificate.fingerprint
    return replace(contact, openpgp=None, fingerprint=pinned, mode=Mode.SMIME, smime=str(person.certificate.path))


@asynccontextmanager
async def on_duty(town: OfficersTown) -> AsyncIterator[Talks]:
    """Let the bot live until the block ends, on Signal and with its mailbox, then stop it cleanly."""
    town.stage.mailbox = town.mailbox()
    async with on_signal(town.stage, town.signal) as bot:
        town.gpg.must("--import", given=signer_in(town.stage.keys).certificate.raw)  # else gpg couldn't say who signed
        yield bot


# ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────


async def counted(bot: Talks, *tables: str) -> dict[str, int]:
    """How many rows there are in each table that has any."""
    names = tables or (*SEALED, "mark", "way_back")
    left_out = {"outbox": " WHERE kind <> 'clear'"}  # the wish to take messages back from a phone
    sql = {name: sa.text(f"SELECT COUNT(*) FROM {name}{left_out.get(name, '')}") for name in names}  # noqa: S608 - ours
    found = await bot.reads(lambda conn: {name: int(conn.execute(one).scalar_one()) for name, one in sql.items()})
    return {name: number for name, number in found.items() if number}


async def waiting(bot: Talks) -> int:
    """How many mails and pings wait for officers."""
    sql = sa.text("SELECT COUNT(*) FROM outbox WHERE kind IN ('mail', 'ping')")
    return int(await bot.reads(lambda conn: conn.execute(sql).scalar_one()))


async def blobs(bot: Talks, *tables: str) -> list[bytes]:
    """Every sealed value, and every keyed hash that leads to a case; or what is sealed in these tables alone."""
    columns = [(table, column) for table in tables or SEALED for column in ("wrapped", "sealed")]
    columns += [] if tables else LEADING
    sql = [sa.text(f"SELECT {column} FROM {table}") for table, column in columns]  # noqa: S608 - names from above
    return await bot.reads(lambda conn: [bytes(row[0]) for one in sql for row in conn.execute(one)])


def everything(stage: Stage) -> list[Path]:
    """Every file that the bot has made."""
    return [*files_under(stage.kept), *files_under(stage.keys)]


def found_in(stage: Stage, words: Iterable[str]) -> list[str]:
    """The files that hold one of these words in any form, and which."""
    asked = [*words]
    escaped = [f"{path.name}: {word}" for path in everything(stage) for word in asked if _escaped(word, path)]
    return hits(asked, everything(stage)) + escaped


def _escaped(word: str, path: Path) -> bool:
    return quote(word, safe="").encode() in path.read_bytes()


def pieces_in(stage: Stage, sealed: Iterable[bytes]) -> list[str]:
    """The files that hold 16 bytes of what was sealed, at the places where a page's rest would."""
    return [path.name for path in everything(stage) if any(piece in path.read_bytes() for piece in _pieces(sealed))]


def _pieces(sealed: Iterable[bytes]) -> Iterator[bytes]:
    for blob in sealed:
        yield from (blob[start : start + 16] for start in range(0, len(blob) - 15, 64))
        yield blob[-16:]


def words() -> str:
    """Words that stand nowhere else, and that each way of writing writes in another way."""
    return f"{canary()} ñ“{canary()}”"
