"""One case and all that may happen to it, with time as an argument: mails, officers, strangers, the writer, the clock.

Nothing is stored or sent: what follows is decided by the core, and what a courier and a desk do with it is done here.
"""

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, partial
from itertools import count, cycle

from fakes import BOOK, Talk, begun, reader

from bot.alerting import Alerting, Officer
from bot.conversation.asking import case_now
from bot.conversation.engine import report
from bot.conversation.events import Accepted, Bounced, Due, Event, Refused, Sealed, Trying
from bot.conversation.model import Effect, HandOff, Outcome, Say, Wake
from bot.handoff.docket import Docket, Told, came_back, filed, heard_of_it, left, passed_on
from bot.handoff.duty import by_signal, chain, first_wait, next_officer, opens
from bot.handoff.mission import Contact, MissionProfile
from bot.handoff.orders import Obeyed, Scene, Verb, confirmed, obey, read_order, send
from bot.lanes import made_urgent
from bot.mail.openpgp import Signer, new_signing_key
from bot.storage.letters import Mail, Ping

TRIED_FOR = timedelta(hours=24)
AGAIN = timedelta(hours=6)
BACK_AFTER = timedelta(minutes=7)
KNOWN = {str(verb): verb for verb in Verb}
BAD = frozenset({"unread", "late", "bounced", "given_up", "in_doubt", "late_added", "bounced_added"})
FIRST, STRANGER = "01234567-89ab-cdef-0123-4567890000{:02}", "99999999-9999-9999-9999-999999999999"


class Fate(StrEnum):
    """What becomes of one try to send a mail."""

    LEAVES = "leaves"
    REFUSED = "refused"
    UNSURE = "unsure"  # it may have left
    BOUNCES = "bounces"  # it leaves, and comes back


@dataclass(frozen=True)
class Happening:
    """What somebody does, so long after what was done before. `who`: a place in the roster, -1: a stranger."""

    what: str
    after: timedelta
    who: int = 0


@cache
def signer() -> Signer:
    return Signer.open(new_signing_key("Postigo"))


@cache
def ready(event: str, reply: str) -> Talk:
    """A talk that stands before its last answer; what it hands over is of level 1, 2 or 3, by its event."""
    if event == "sos":
        return Talk(channel="signal").write("SOS").pick("me")
    return begun(channel="signal").picks("no", "no", "tell", "me", event, "MX-OAX", "quiet", reply, "send")


@dataclass
class History:
    """One case's life. What officers and the writer were told is kept, for the laws."""

    profile: MissionProfile
    talk: Talk
    fates: Iterator[Fate]
    docket: Docket | None = None
    waiting: list[tuple[datetime, int, Mail | Wake | str]] = field(default_factory=list)
    mails: Counter[tuple[str, int]] = field(default_factory=Counter)  # that left, by officer and handoff
    pings: Counter[tuple[str, int]] = field(default_factory=Counter)
    notes: Counter[object] = field(default_factory=Counter)
    tried: set[tuple[str, int]] = field(default_factory=set)
    told: list[str] = field(default_factory=list)  # the writer, since the case waits
    broken: list[str] = field(default_factory=list)  # laws, as they are broken
    since: int = 0  # the handoff from which on the case waits for an officer
    over: str = ""  # what ended it
    changes: int = 0  # that officers have made: another one is another thing to tell
    _ids: Iterator[int] = field(default_factory=count)

    # ── the clock ──────────────────────────────────────────────────────────────────────────────────────

    def until(self, at: datetime) -> None:
        """Let everything come due until then."""
        while self.waiting and self.waiting[0][0] <= at:
            self.talk.now, _, due = heapq.heappop(self.waiting)
            if isinstance(due, Wake):
                self._report(Due(due.timer, due.number))
            elif isinstance(due, Mail):
                self._try(due)
            else:
                self._bounce(due)
        self.talk.now = at

    def _put(self, at: datetime, due: Mail | Wake | str) -> None:
        heapq.heappush(self.waiting, (at, next(self._ids), due))

    # ── what follows ───────────────────────────────────────────────────────────────────────────────────

    def took(self, outcome: Outcome) -> None:
        """Carry out what a turn or a report has decided."""
        if made_urgent(outcome):
            self._hasten()
        for effect in outcome.effects:
            self._carry(effect)
        if self.talk.conversation is None:
            self._ended()

    def _carry(self, effect: Effect) -> None:
        if isinstance(effect, HandOff):
            self._seal(effect)
        elif isinstance(effect, Wake):
            self._put(effect.at, effect)
        elif isinstance(effect, Say):
            self._say(effect)

    def _ended(self) -> None:
        """Keep nothing of a talk that is over but the mails that were sealed."""
        self.docket = None
        self.waiting = [one for one in self.waiting if not isinstance(one[2], Wake)]
        heapq.heapify(self.waiting)

    def _report(self, happened: Event) -> Outcome | None:
        if self.talk.conversation is None:
            return None
        outcome = report(self.talk.book, self.talk.conversation, happened, self.talk.now)
        self.talk.conversation = outcome.conversation
        self.took(outcome)
        return outcome

    def _say(self, say: Say) -> None:
        names = [line.name.removeprefix("say.") for line in say.lines]
        if "read" in names and not (self.docket and self.docket.reader):
            self.broken.append("the writer hears that it was read, and it was not")
        if "unread" in names and self.docket and self.docket.reader:
            self.broken.append("the writer hears that nobody has read it, and somebody has")
        if "unread" in names and "unread" in self.told:
            self.broken.append("the writer hears twice that nobody has read it")
        self.told += names

    # ── mails ──────────────────────────────────────────────────────────────────────────────────────────

    def _seal(self, handed: HandOff) -> None:
        now = self.talk.now
        staff = [Officer(contact, None, reader()) for contact in self.profile.contacts]
        alerting = Alerting(staff, signer(), "bot@example.org", b"k" * 32, partial(chain, self.profile), bot="bot.01")
        before = self.docket or Docket(handed.reference, handed.level, handed.language, now)
        letters = alerting.seal(handed, now, before.reader)
        raised = bool(handed.raised_from) and handed.level <= 2
        if raised or not handed.number:
            self.since, self.told = handed.number, [] if before.reader else self.told
        mails = [one for one in letters if isinstance(one, Mail)]
        told = [Told(one.number, one.officer, one.place, one.not_before or now, one.message_id) for one in mails]
        self.docket = filed(before, handed.level, told, raised=raised, held=None)
        for one in letters:
            if isinstance(one, Mail):
                self._put(one.not_before or now, one)
            else:
                self._ping(one, handed.number)
        self._report(Sealed(handed.number))

    def _ping(self, ping: Ping, number: int) -> None:
        officer = by_signal(self.profile, ping.account)
        self.pings[officer.address if officer else "a stranger", number] += 1

    def _try(self, mail: Mail) -> None:
        fate = next(self.fates)
        self.tried.add((mail.officer, mail.number))
        self._report(Trying(mail.number))
        if fate in {Fate.LEAVES, Fate.BOUNCES}:
            self._left(mail)
            if fate is Fate.BOUNCES:
                self._put(self.talk.now + BACK_AFTER, mail.message_id)
            return
        if fate is Fate.REFUSED:
            self._report(Refused(mail.number))
        if self.talk.now + AGAIN < (mail.not_before or self.talk.now) + TRIED_FOR:
            self._put(self.talk.now + AGAIN, mail)

    def _left(self, mail: Mail) -> None:
        self.mails[mail.officer, mail.number] += 1
        if mail.place and self.docket and self.docket.reader and mail.number <= self.docket.told[-1].number:
            self.broken.append("an officer further on is told of a case that was read")
        if self.docket:
            self.docket = left(self.docket, mail.message_id, self.talk.now)
        self._report(Accepted(mail.number, self.talk.now, mail.message_id))

    def _bounce(self, message_id: str) -> None:
        if self.docket is None:
            return
        docket, lost = came_back(self.docket, [message_id])
        self.docket = docket
        self._hasten()
        for number in lost:
            self._report(Bounced(number))

    def _hasten(self) -> None:
        """Let the mails that wait leave that much earlier, the first of them now."""
        now = self.talk.now
        ahead = min((at for at, _, due in self.waiting if isinstance(due, Mail)), default=now) - now
        sooner = max(ahead, timedelta(0))
        self.waiting = [(at - sooner if isinstance(due, Mail) else at, n, due) for at, n, due in self.waiting]
        heapq.heapify(self.waiting)

    # ── the mission ────────────────────────────────────────────────────────────────────────────────────

    def order(self, contact: Contact | None, text: str) -> None:
        """Let somebody write this to the bot on Signal. From no officer's account it is a person's ordinary text."""
        officer = by_signal(self.profile, (contact.signal if contact else STRANGER) or STRANGER)
        if officer is None or self.docket is None:
            return
        reference, now = self.docket.reference, self.talk.now
        understood = read_order(text.format(reference), KNOWN, lambda named: named == reference)
        if understood is None:
            self.broken.append("an order is not understood")
            return
        scene = Scene(officer.address, now, partial(self._follows, officer), str)
        obeyed = obey(understood, self.docket, scene)
        self._kept(obeyed)
        if obeyed.draft and confirmed(obeyed.draft, now) and self.docket:
            sent = send(obeyed.draft, self.docket, scene)
            self._kept(sent)
            if self.docket and sent.events:
                self.docket = passed_on(self.docket, now)

    def _follows(self, officer: Contact, level: int) -> str:
        follows = next_officer(self.profile, level, officer.address)
        return follows.address if follows and follows != officer else ""

    def _kept(self, obeyed: Obeyed) -> None:
        closed = obeyed.docket is None
        if obeyed.withdraw:
            self.waiting = [one for one in self.waiting if not isinstance(one[2], Mail) or not (closed or one[2].place)]
            heapq.heapify(self.waiting)
        self.docket = obeyed.docket
        self.over = "closed" if closed else self.over
        for happened in obeyed.events:
            self.changes += 1
            self._report(happened)
        self.notes.update((note.to, note.line, self.changes) for note in obeyed.notes)

    # ── the writer ─────────────────────────────────────────────────────────────────────────────────────

    def write(self, text: str, *picks: str) -> None:
        """Let the writer write, after answers where those are offered."""
        for choice in picks:
            if self.talk.conversation and choice in {name for _, name in self.talk.conversation.offered}:
                self.took(self.talk.pick(choice).outcome)
        self.took(self.talk.write(text).outcome)

    def leave(self, text: str) -> None:
        """Let the writer close the way back; an erased case leaves only what nobody can take back."""
        if self.docket and not self.docket.shut:
            to = (self.docket.reader,) if self.docket.reader else heard_of_it(self.docket)
            self.notes.update((one, "writer_closed") for one in to)
            self.docket = replace(self.docket, shut=True)
        self.write(text)
        if text == "erase":
            self.docket, self.waiting, self.over = None, [], "erased"
            self.told.clear()

    def truthful(self) -> bool:
        """Whether someone who comes back now hears no more than what happened."""
        talk = self.talk.conversation
        if talk is None or talk.case is None:
            return True
        name = case_now(self.talk.book, talk).name.removeprefix("say.")
        return {"case_read": bool(self.docket and self.docket.reader), "case_left": any(self.mails)}.get(name, True)


def begin(profile: MissionProfile, event: str, reply: str, fates: Sequence[Fate]) -> History:
    """Hand a case over to this mission."""
    talk = ready(event, reply).copy()
    waits = {level: wait for level in (1, 2, 3, 4) if (wait := first_wait(profile, level))}
    talk.book = replace(BOOK, first_wait=waits, opens=partial(opens, profile))
    history = History(profile, talk, cycle(fates))
    history.took(talk.pick("act").outcome)
    return history
