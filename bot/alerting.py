"""From a handed-over case to sealed mails: one for each person in the mission's chain, in their language.

Called in a worker thread. A certificate that may not be used costs its owner's mail alone, and the operator hears
of it; nothing is ever sent in clear.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.conversation.model import HandOff
from bot.errors import Undeliverable
from bot.handoff.alert import AlertParts, Reader, compose, compose_test
from bot.handoff.case import case_of
from bot.handoff.mission import Contact
from bot.logs import Event, event
from bot.mail.openpgp import Certificate, Envelope, Signer, message_id, seal_mail
from bot.storage.outbox import Mail

URGENT_LEVEL = 2


@dataclass(frozen=True, slots=True)
class Officer:
    """One person of the chain, with what is needed to write to them."""

    contact: Contact
    certificate: Certificate
    reader: Reader


@dataclass(frozen=True, slots=True)
class Alerting:
    """Seals alerts. `mail_key`: what Message-IDs are made with, so that a repeated mail has the same."""

    officers: Sequence[Officer]
    signer: Signer
    sender: str
    mail_key: bytes

    def seal(self, told: HandOff, now: datetime) -> list[Mail]:
        """Return one sealed mail for each officer whose certificate may be used, with the hour it leaves."""
        sealed = (self._sealed(number, officer, told, now) for number, officer in enumerate(self.officers, 1))
        return [mail for mail in sealed if mail is not None]

    def seal_test(self, now: datetime) -> list[Mail]:
        """Return a test alert for each officer: outside like any other.

        Raises:
            Undeliverable: a certificate may not be used.

        """
        return [self._mail(officer, "TEST", 0, compose_test(officer.reader), now) for officer in self.officers]

    def _sealed(self, number: int, officer: Officer, told: HandOff, now: datetime) -> Mail | None:
        parts = compose(case_of(told, officer.reader.triage), officer.reader)
        contact = officer.contact
        leaves = told.not_before or now
        after = timedelta(minutes=contact.after)
        try:
            mail = self._mail(officer, told.reference, told.number, parts, now, urgent=told.level <= URGENT_LEVEL)
        except Undeliverable as error:
            event(Event.CERTIFICATE_REFUSED, error=error, contact=number)
            return None
        return Mail(mail.number, mail.reference, mail.recipient, mail.message_id, mail.body, leaves + after)

    def _mail(  # noqa: PLR0913 - what one mail is made of
        self, officer: Officer, reference: str, number: int, parts: AlertParts, now: datetime, *, urgent: bool = False
    ) -> Mail:
        contact = officer.contact
        recipient = (urgent and contact.urgent_address) or contact.address
        name = message_id(self.mail_key, reference, number, recipient, self.sender.rpartition("@")[2])
        envelope = Envelope(self.sender, recipient, name, now)
        body = seal_mail(parts, envelope, officer.certificate, self.signer, pinned=contact.fingerprint)
        return Mail(number, reference, recipient, name, body, None)
