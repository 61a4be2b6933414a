"""What happens to a case's mails and to the writer's way back, noted in its docket: within writer's jobs of others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.conversation.answering import REPLY
from bot.conversation.events import Bounced
from bot.conversation.handing import URGENT
from bot.conversation.model import HandOff, Line
from bot.handoff.docket import Docket, Told, came_back, filed, heard_of_it, left
from bot.handoff.mission import MissionProfile, Mode
from bot.handoff.orders import Note
from bot.logs import Event as Logged
from bot.logs import event
from bot.officers.desk import OfficersDesk
from bot.storage.dockets import Filed
from bot.storage.erasing import purged
from bot.storage.outbox import Mail, Ping
from bot.storage.tables import minute


@dataclass(slots=True)
class Filing:
    """Notes what happens. `case_lives`: how long a case's record stays."""

    desk: OfficersDesk
    case_lives: timedelta

    def reader(self, conn: sa.Connection, who: bytes) -> str:
        """Return which officer has read this person's case, by address; "" for none."""
        return next((one.docket.reader for one in self.desk.dockets.of(conn, who)), "")

    def sealed(
        self, conn: sa.Connection, who: bytes, told: HandOff, letters: Sequence[Mail | Ping], now: datetime
    ) -> None:
        """Note a handoff whose mails are sealed; what officers without a key are to read is kept, sealed to the bot."""
        mails = [one for one in letters if isinstance(one, Mail)]
        before = self.desk.dockets.find(conn, told.reference)
        opened = before.docket if before else Docket(told.reference, told.level, told.language, told.at or now)
        held = told.number if self._keyless(mails) else None
        if held is not None:
            self.desk.notices.keep(conn, who, told, now)
        raised = bool(told.raised_from) and told.level <= URGENT
        if any(one.step == REPLY and one.choices for one in told.answers):
            opened = replace(opened, shut=False)  # the writer says anew how to be answered
        docket = filed(opened, told.level, [_told(mail, now) for mail in mails], raised=raised, held=held)
        if docket.reader and not raised:  # somebody has read the case while this was being sealed
            docket = replace(docket, told=tuple(one for one in docket.told if not one.place))
            self.desk.outbox.withdraw(conn, who)
        expires = before.expires if before else minute(opened.opened_at + self.case_lives)
        self.desk.dockets.keep(conn, who, docket, expires)
        for mail in mails:
            self.desk.dockets.mark(conn, self.desk.dockets.hashed("mail", mail.message_id), told.reference, expires)
            if mail.token:
                self.desk.dockets.mark(conn, mail.token, told.reference, expires)

    def left(self, conn: sa.Connection, who: bytes, message_id: str, at: datetime) -> None:
        """Note that a server took a mail."""
        for one in self.desk.dockets.of(conn, who):
            self._keep(conn, one, left(one.docket, message_id, at))

    def bounced(self, conn: sa.Connection, message_ids: Sequence[str], now: datetime) -> bool:
        """Note that mails came back: whoever is next is told sooner, and a writer whose case reached nobody hears it.

        False: none of them is one of ours. What was told before is not told again.
        """
        found = next((one for name in message_ids if (one := self.desk.dockets.marked(conn, "mail", name, now))), None)
        if found is None:
            return False
        docket, lost = came_back(found.docket, message_ids)
        if docket == found.docket:
            return True
        self._keep(conn, found, docket)
        event(Logged.MAIL_BOUNCED, reference=docket.reference)
        self.desk.outbox.hours.hasten(conn, found.who, now)
        for number in lost:
            self.desk.report(conn, found.who, Bounced(number))
        came = {one.officer for one in docket.told if one.message_id in message_ids}
        to = heard_of_it(docket)[:1] or (docket.reader,)  # who has said to have read it may know the ping alone
        self.desk.telling.notes(conn, _notes(docket, "note_bounced", to, ", ".join(sorted(came))), now)
        return True

    def morning(self, conn: sa.Connection, now: datetime) -> None:
        """Mail each officer once a day, whether anything waits."""
        self.desk.telling.morning(conn, lambda: [one.docket for one in self.desk.dockets.everything(conn, now)], now)

    def fetched(self, conn: sa.Connection, who: bytes) -> tuple[str, ...]:
        """Return the mission's words that waited for a writer who came back by a code, and keep them no longer."""
        words: tuple[str, ...] = ()
        for one in self.desk.dockets.of(conn, who):
            words += one.docket.waiting
            self._keep(conn, one, replace(one.docket, waiting=(), passed=()))
        if words:
            purged(conn)
        return words

    def shut(self, conn: sa.Connection, who: bytes, now: datetime, *, gone: bool = False) -> None:
        """Note that the writer wants no more words, and tell the officer who has the case, or those who heard of it.

        `gone`: everything of the case is about to be deleted.
        """
        for one in self.desk.dockets.of(conn, who):
            if one.docket.shut:
                continue
            self._keep(conn, one, replace(one.docket, shut=True, waiting=()))
            if gone:
                self.desk.drop_drafts(conn, one.docket.reference)
            self.tell_closed(conn, one.docket, now)

    def tell_closed(self, conn: sa.Connection, docket: Docket, now: datetime) -> None:
        """Tell officers that the writer has closed a case."""
        to = (docket.reader,) if docket.reader else heard_of_it(docket)
        self.desk.telling.notes(conn, _notes(docket, "note_writer_closed", to), now)

    def _keyless(self, mails: Sequence[Mail]) -> bool:
        profile: MissionProfile = self.desk.profile
        keyless = {contact.address for contact in profile.contacts if contact.mode is Mode.NOTICE}
        return any(mail.officer in keyless for mail in mails)

    def _keep(self, conn: sa.Connection, found: Filed, docket: Docket) -> None:
        if docket != found.docket:
            self.desk.dockets.keep(conn, found.who, docket, found.expires)


def _told(mail: Mail, now: datetime) -> Told:
    return Told(mail.number, mail.officer, mail.place, mail.not_before or now, mail.message_id)


def _notes(docket: Docket, name: str, to: Sequence[str], officer: str = "") -> tuple[Note, ...]:
    values = (("reference", docket.reference), ("level", str(docket.level)), ("officer", officer))
    return tuple(Note(one, Line(f"duty.{name}", values)) for one in to if one)
