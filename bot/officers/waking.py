"""How officers are woken when very many cases come: each of the first for itself, then once in ten minutes for all.

Every alert is sealed and mailed whatever is decided here; only the word on Signal beside it, and the address for what
is urgent, wait. How many cases nobody has read is counted when it is told.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.conversation.handing import URGENT
from bot.conversation.model import HandOff
from bot.handoff.docket import Docket, State
from bot.handoff.duty import Place, begins
from bot.handoff.mission import Contact
from bot.officers.desk import OfficersDesk
from bot.storage.wakings import Wakings, span_of

SINGLY = 5  # wake-ups within ten minutes, each for one case: two or three people in danger are no flood

Chain = Callable[[HandOff, str], Iterable[Place]]  # whom a handoff is told, and after how long


@dataclass(slots=True)
class Waking:
    """Decides who is woken. `told`: whom a handoff is told."""

    desk: OfficersDesk
    wakings: Wakings
    told: Chain

    def unwoken(self, conn: sa.Connection, told: HandOff, reader: str, now: datetime, *, count: bool) -> frozenset[str]:
        """Return the officers, by address, whom this handoff doesn't wake; `count` it, unless it was before."""
        asleep = set()
        for place in self.told(told, reader):
            at = max(begins(told, now) + place.after, now)  # what was sealed late belongs to no span that is told
            officer, span = place.contact.address, span_of(at)
            if not _wakes(place.contact, told.level):
                continue
            if count:
                self.wakings.count(conn, officer, span)
            before = self.wakings.counted(conn, officer, span - 1)
            if self.wakings.counted(conn, officer, span) > _singly(before):
                asleep.add(officer)
        return frozenset(asleep)

    def summaries(self, conn: sa.Connection, now: datetime) -> None:
        """Wake officers, each once, for the cases of the ten minutes that are over for which they weren't woken."""
        present = span_of(now)
        told_until = self.wakings.told_until(conn)
        if told_until == present - 1:
            return
        contacts = self.desk.profile.contacts
        asleep = [one for one in contacts if self._was_asleep(conn, one, range(told_until + 1, present))]
        waiting = [one.docket for one in self.desk.dockets.everything(conn, now)] if asleep else []
        for contact in asleep:
            theirs = [one for one in waiting if _is_unread(one, contact, now)]
            if theirs:
                gravest = min(one.level for one in theirs)
                self.desk.telling.many_wait(conn, contact, len(theirs), gravest, now)
        self.wakings.tell_until(conn, present - 1)

    def _was_asleep(self, conn: sa.Connection, contact: Contact, spans: range) -> bool:
        counts = self.wakings.spans(conn, contact.address)
        return any(count > _singly(counts.get(span - 1, 0)) for span, count in counts.items() if span in spans)


def _wakes(contact: Contact, level: int) -> bool:
    """Whether a case of this level would wake an officer: by a word on Signal, or at the address for what is urgent."""
    return bool((contact.signal and contact.ping) or (contact.urgent_address and level <= URGENT))


def _singly(before: int) -> int:
    """Return how many cases wake singly, by how many came in the span before: in a flood none does."""
    return 0 if before > SINGLY else SINGLY


def _is_unread(docket: Docket, contact: Contact, now: datetime) -> bool:
    theirs = (one for one in docket.told if one.officer == contact.address)
    return not docket.reader and any(one.state is not State.WAITING or one.at <= now for one in theirs)
