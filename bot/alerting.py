"""From a handed-over case to mails: one for each officer of its chain, sealed, in their language; and notes to them.

Called in a worker thread. A certificate that may not be used costs its owner's mail alone, and the operator hears
of it; nothing of a case is ever sent in clear.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.conversation.handing import URGENT as URGENT_LEVEL
from bot.conversation.model import HandOff, Line
from bot.errors import SealingError, Undeliverable
from bot.handoff.alert import AlertParts, Reader, Ways, compose, compose_test
from bot.handoff.case import case_of
from bot.handoff.duty import Place, begins
from bot.handoff.mission import Contact, Mode
from bot.logs import Event, event
from bot.mail import openpgp, smime
from bot.mail.envelope import Envelope, message_id
from bot.mail.plain import plain_mail
from bot.storage.outbox import Mail, Note, Ping

AT_ONCE = timedelta(0)

Certificate = openpgp.Certificate | smime.Certificate


@dataclass(frozen=True, slots=True)
class Officer:
    """One person of the chain, with what is needed to write to them. `certificate` None: only a notice is sent."""

    contact: Contact
    certificate: Certificate | None
    reader: Reader


def no_token(reference: str) -> tuple[str, bytes]:  # noqa: ARG001 - the shape of what draws one
    """Return no token: no mail is read here."""
    return "", b""


@dataclass(frozen=True, slots=True)
class Alerting:
    """Seals alerts.

    `mail_key`: what Message-IDs are made with, so that a repeated mail has the same. `chain`: who is told of a case of
    a level, and after how long. `smime_signer`: signs for officers with an X.509 certificate, if there is one.
    `bot`: where it is on Signal. `token`: draws what acknowledges a case by mail, and returns it with its keyed hash.
    """

    officers: Sequence[Officer]
    signer: openpgp.Signer
    sender: str
    mail_key: bytes
    chain: Callable[[int], Sequence[Place]]
    smime_signer: smime.Signer | None = None
    bot: str = ""
    token: Callable[[str], tuple[str, bytes]] = field(default=no_token)

    def seal(self, told: HandOff, now: datetime, reader: str = "", unwoken: Collection[str] = ()) -> list[Mail | Ping]:
        """Return one mail for each officer of the case's chain that may be written to, with its hour, and the pings.

        `reader`: who has read the case before; what is added to it goes to them alone, unless it is graver now.
        `unwoken`: officers who get the mail at their usual address, and no ping.
        """
        letters = self._sealed_to(self.places(told, reader), told, now, unwoken)
        return letters or self._sealed_to(self.chain(told.level), told, now, unwoken)

    def places(self, told: HandOff, reader: str) -> Iterator[Place]:
        """Yield whom this handoff is told: whoever has read the case first, and alone if it is no graver than then."""
        holder = self._officer(reader) if told.number and reader else None
        if holder:
            yield Place(holder.contact, AT_ONCE)
        if not holder or told.raised_from:
            yield from (place for place in self.chain(told.level) if place.contact.address != reader or not holder)

    def _sealed_to(
        self, places: Iterable[Place], told: HandOff, now: datetime, unwoken: Collection[str]
    ) -> list[Mail | Ping]:
        letters: list[Mail | Ping] = []
        for number, place in enumerate(places):
            officer, leaves = self._officer(place.contact.address), begins(told, now) + place.after
            wakes = place.contact.address not in unwoken
            mail = self._alert(officer, told, leaves, now, wakes=wakes) if officer else None
            if officer and mail:
                last = replace(mail, place=number if place.after else 0)
                letters += [last, *(_ping(officer.contact, told, last) if wakes else ())]
        return letters

    def seal_test(self, now: datetime) -> list[Mail]:
        """Return a test alert for each officer with a certificate: outside like any other.

        Raises:
            Undeliverable: a certificate may not be used.

        """
        sealed = (one for one in self.officers if one.certificate)
        return [self._mail(officer, ("TEST", 0), compose_test(officer.reader), now) for officer in sealed]

    def seal_note(self, note: Note, now: datetime) -> Mail | None:
        """Return a mail without content, sealed where the officer has a certificate; None if it can't be written."""
        officer = self._officer(note.officer)
        if officer is None:
            return None
        subject, *lines = map(officer.reader.note, (note.subject, *note.lines))
        parts = AlertParts(subject, "\n".join(lines) + "\n", "{}")
        try:
            return self._mail(officer, (note.name, 0), parts, now, urgent=note.urgent)
        except Undeliverable as error:
            event(Event.CERTIFICATE_REFUSED, error=error, contact=self._number(officer))
            return None

    def wrong(self, officer: Officer, now: datetime) -> list[str]:
        """Return what forbids sealing to this officer, a sentence each."""
        return _checked(officer, now)[0]

    def days_left(self, officer: Officer, now: datetime) -> int | None:
        """Return how many days the officer's certificate is good for; None: for ever."""
        return _checked(officer, now)[1]

    # ── within ─────────────────────────────────────────────────────────────────────────────────────────

    def _officer(self, address: str) -> Officer | None:
        return next((one for one in self.officers if one.contact.address == address), None)

    def _number(self, officer: Officer) -> int:
        return self.officers.index(officer) + 1

    def _alert(self, officer: Officer, told: HandOff, leaves: datetime, now: datetime, *, wakes: bool) -> Mail | None:
        contact, reader = officer.contact, officer.reader
        bot = self.bot if contact.signal else ""
        if contact.mode is Mode.NOTICE:
            parts, token, proof = _notice(told, reader, bot), "", b""
        else:
            token, proof = self.token(told.reference)
            parts = compose(case_of(told, reader.triage), reader, Ways(bot, token))
        try:
            named = (told.reference, told.number)
            mail = self._mail(officer, named, parts, now, urgent=wakes and told.level <= URGENT_LEVEL)
        except Undeliverable as error:
            event(Event.CERTIFICATE_REFUSED, error=error, contact=self._number(officer))
            return None
        return replace(mail, not_before=leaves, token=proof)

    def _mail(
        self, officer: Officer, named: tuple[str, int], parts: AlertParts, now: datetime, *, urgent: bool = False
    ) -> Mail:
        contact = officer.contact
        recipient = (urgent and contact.urgent_address) or contact.address
        name = message_id(self.mail_key, *named, recipient, self.sender.rpartition("@")[2])
        body = self._sealed(officer, parts, Envelope(self.sender, recipient, name, now))
        reference, number = named
        return Mail(number, reference, recipient, name, body, officer=contact.address)

    def _sealed(self, officer: Officer, parts: AlertParts, envelope: Envelope) -> bytes:
        certificate, pinned = officer.certificate, officer.contact.fingerprint
        if isinstance(certificate, openpgp.Certificate):
            return openpgp.seal_mail(parts, envelope, certificate, self.signer, pinned=pinned)
        if certificate is None:
            return plain_mail(parts, envelope)
        if self.smime_signer is None:
            raise SealingError("there is no key to sign S/MIME mails with")
        return smime.seal_mail(parts, envelope, certificate, self.smime_signer, pinned=pinned)


def _notice(told: HandOff, reader: Reader, bot: str) -> AlertParts:
    """Return a mail that says that a case waits, its level and language, and how to read it; nothing else."""
    language = reader.languages.get(told.language, told.language) or reader.say("language_unknown")
    named = (("reference", told.reference), ("level", str(told.level)))
    how = (*named, ("bot", bot), ("case", reader.order("case")))
    lines = (Line("duty.notice", (*named, ("language", language))), Line("duty.notice_how", how))
    return AlertParts(reader.note(Line("duty.subject_notice", named)), "\n".join(map(reader.note, lines)) + "\n", "{}")


def _ping(contact: Contact, told: HandOff, mail: Mail) -> Iterator[Ping]:
    if contact.signal and contact.ping:
        named = (("reference", told.reference), ("level", str(told.level)))
        line = Line("duty.ping_added" if told.number else "duty.ping", named)
        urgent = told.level <= URGENT_LEVEL
        yield Ping(contact.signal, contact.language, line, urgent, mail.place, mail.not_before, mail.number)


def _checked(officer: Officer, now: datetime) -> tuple[list[str], int | None]:
    certificate, pinned = officer.certificate, officer.contact.fingerprint
    if certificate is None:
        return [], None
    if isinstance(certificate, openpgp.Certificate):
        return openpgp.findings(certificate, pinned, now), openpgp.days_left(certificate, now)
    return smime.findings(certificate, pinned, now), smime.days_left(certificate, now)
