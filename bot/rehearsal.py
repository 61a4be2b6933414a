"""The real flow, storage, triage and sealing, in a terminal, with nothing sent: to a throwaway key, into a folder.

Shows what an officer would read. Needs no configuration, no account and no network; everything but the mails
and a saved transcript is gone afterwards.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO

from bot.alerting import Officer
from bot.app import Bot, Plan, wire
from bot.channels.base import TakeTurns
from bot.channels.terminal import Terminal
from bot.conversation.model import Message
from bot.conversation.transcript import written_down
from bot.errors import LanguageError
from bot.gate import UNLIMITED
from bot.handoff.mission import Contact, MissionProfile
from bot.handoff.roster import Duty
from bot.knowledge import Knowledge, complete_languages
from bot.language.catalogs import ENGLISH, PSEUDO
from bot.mail.openpgp import Certificate, open_mail
from bot.mail.smtp import DirectoryPost
from bot.mail.throwaway import acquaint, make_officer
from bot.signing import signer_in

OFFICER = "officer@rehearsal.invalid"
SENDER = "postigo@rehearsal.invalid"
NOBODY = "00000000-0000-4000-8000-000000000000"  # an account on Signal: the alert then shows what to type there
HOME = "officer"  # in the folder of the mails: the throwaway key, as a gpg home
RULE = "─" * 72


@dataclass(slots=True)
class Rehearsal:
    """One rehearsal: what it is made of and what came of it."""

    secret: bytes = field(repr=False)
    certificate: Certificate
    openable: bool  # by gpg, with the home beside the mails
    folder: Path
    target: TextIO
    transcript: list[str] = field(default_factory=list)
    confirms: bool = field(default=False, init=False)

    async def send(self, mail: bytes, recipient: str) -> None:
        """Leave a sealed mail in the folder, and show what the officer would read. A Post."""
        await DirectoryPost(self.folder).send(mail, recipient)
        subject, text, _ = open_mail(mail, self.secret)
        newest = max(self.folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        how = f"To open it yourself: gpg --homedir {self.folder / HOME} --decrypt {newest}\n" if self.openable else ""
        self.target.write(
            f"{RULE}\nSealed mail: {newest}\n{how}The officer would read:\n\n{subject}\n\n{text}{RULE}\n\n"
        )
        self.target.flush()

    def tidy(self) -> None:
        """Say what stays and where; a folder without a mail is of no use to anybody, and goes."""
        if any(self.folder.glob("*.eml")):
            what = "The sealed mails and the key that opens them" if self.openable else "The sealed mails"
            self.target.write(f"{what} stay until you delete them: rm -r {self.folder}\n")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)  # gpg may still be deleting its own socket there

    def officers(self, knowledge: Knowledge) -> Sequence[Officer]:
        """Return the one officer of a rehearsal."""
        return [Officer(one, self.certificate, knowledge.reader(one.language)) for one in knowledge.profile.contacts]


class _Recorded(Terminal):
    """A terminal that also writes the talk down, by names: a transcript can be replayed in every language."""

    def __init__(self, bot: Bot, rehearsal: Rehearsal, *, hint: str, source: TextIO) -> None:
        super().__init__(
            bot.desk.now,
            bot.courier.settled,
            hint=hint,
            source=source,
            target=rehearsal.target,
        )
        self._transcript = rehearsal.transcript

    async def listen(self, take_turns: TakeTurns) -> None:
        async def recorded(messages: Sequence[Message]) -> None:
            before = len(self._transcript)
            self._transcript.extend(f"> {message.text}" for message in messages)
            try:
                await take_turns(messages)
            except Exception:
                del self._transcript[before:]  # it was undone, and is tried again
                raise

        await super().listen(recorded)


async def rehearse(profile: MissionProfile, *, language: str, source: TextIO, target: TextIO) -> list[str]:
    """Rehearse with `profile` until the input ends; return the transcript, a line each.

    `language`: told by the terminal as a messenger would tell it, "" for none, "qps" for the one that shows what isn't
    translated. Sealed mails stay, with the key that opens them, in a new folder that is named at the end; where nothing
    was sealed, nothing stays.
    """
    offered = (*complete_languages(profile.languages), *([PSEUDO] if language == PSEUDO else []))
    if language and language not in offered:
        raise LanguageError(f"--language {language}: expected one of {', '.join(offered)}")
    folder = Path(tempfile.mkdtemp(prefix="postigo-"))
    rehearsal = Rehearsal(*make_officer(folder / HOME), folder, target)
    try:
        await _talk(rehearsal, replace(profile, languages=offered), hint=language, source=source)
    finally:  # of whoever interrupts it too: there lies a key that opens what was said
        rehearsal.tidy()
    return rehearsal.transcript


async def _talk(rehearsal: Rehearsal, profile: MissionProfile, *, hint: str, source: TextIO) -> None:
    pinned, language_read = rehearsal.certificate.fingerprint, _officer_language(profile.languages)
    contact = Contact(OFFICER, fingerprint=pinned, language=language_read, signal=NOBODY, ping=False)
    duty = Duty(morning="")
    rehearsed = replace(profile, contacts=(contact,), duty=duty, window_minutes=0)
    with tempfile.TemporaryDirectory(prefix="postigo-kept-") as kept:
        bot = wire(
            Plan(
                rehearsed,
                f"sqlite:///{kept}/postigo.db",
                Path(kept) / "keys",
                rehearsal,
                SENDER,
                rehearsal.officers,
                lambda wired: [_Recorded(wired, rehearsal, hint=hint, source=source)],
                limits=UNLIMITED,
            ),
        )
        if rehearsal.openable:
            acquaint(rehearsal.folder / HOME, signer_in(Path(kept) / "keys").certificate)
        because = dict(bot.knowledge.content.triage.messages())
        bot.desk.noted = lambda outcome, now: rehearsal.transcript.extend(written_down(outcome, now, because))
        await bot.run(asyncio.Event(), until_silent=True)


def _officer_language(languages: Sequence[str]) -> str:
    """Return the language in which whoever rehearses reads the alert: English, if the mission speaks it."""
    return ENGLISH if ENGLISH in languages and PSEUDO not in languages else languages[-1]
