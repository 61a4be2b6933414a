"""Where officers' orders are taken, and what the mission does to a case is stored: each within one writer's job.

What follows from an order is decided in `handoff/orders.py`; here it is kept, told to the writer's talk, and passed on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa

from bot.clock import is_reference
from bot.conversation.events import Acknowledged, FromMission, Relayed
from bot.conversation.model import Kind, Line, Message, Outcome, Say, Sender
from bot.handoff.alert import Reader, compose
from bot.handoff.case import case_of
from bot.handoff.docket import Docket, Draft, passed_on
from bot.handoff.duty import by_fingerprint, by_signal, chain, on_duty
from bot.handoff.mission import Contact, MissionProfile
from bot.handoff.orders import DRAFT_LIVES, Obeyed, Order, Scene, Verb, confirmed, obey, read_order, send
from bot.logs import Event as Logged
from bot.logs import event
from bot.officers.telling import SIGNAL, Telling
from bot.storage.dockets import Dockets, Filed
from bot.storage.notices import Notices
from bot.storage.outbox import Outbox
from bot.storage.tables import minute

Report = Callable[[sa.Connection, bytes, FromMission], Outcome | None]

EXAMPLE = "7K3QM4"  # a reference in the help; made of nobody's case
_SAYS_READ = frozenset({Verb.ACK, Verb.CLOSE})  # orders that only whoever has read a case gives


@dataclass(slots=True)
class OfficersDesk:
    """Where officers are heard.

    `words`: what may be typed for an order, folded. `report`: takes what the mission does to a writer's talk; the
    desk's. `trusted`: the Signal server tells when somebody's safety number changes, so an account is who it was.
    """

    profile: MissionProfile
    readers: Mapping[str, Reader]  # by address
    words: Mapping[str, Verb]
    dockets: Dockets
    notices: Notices
    outbox: Outbox
    telling: Telling
    invited: Callable[[str, datetime], bool] = lambda _text, _now: False  # whether words ask for an account's name
    report: Report = field(default=lambda _conn, _who, _happened: None)
    trusted: bool = True

    def officer(self, sender: Sender) -> Contact | None:
        """Return whose account on the roster this is, if it is one."""
        officer = by_signal(self.profile, sender.address) if sender.channel == SIGNAL else None
        return officer if officer and officer.address in self.readers else None

    def introduce(self, conn: sa.Connection, message: Message, now: datetime) -> bool:
        """Tell an account on Signal its own name, if it asks for it with an invitation; False: it doesn't."""
        if message.sender.channel != SIGNAL or not self.invited(message.text, now):
            return False
        line = Line("duty.your_account", (("account", message.sender.address),))
        self.telling.say(conn, message.sender.address, "en", (line,), now)
        return True

    def hear(self, conn: sa.Connection, officer: Contact, message: Message, now: datetime) -> None:
        """Obey what an officer has written, and answer."""
        if message.kind is Kind.DELETED:
            return
        lines = self._answer(conn, officer, message, now) if self.trusted else (Line("duty.untrusted"),)
        self.telling.answer(conn, officer, lines, now)

    def acknowledged_by_mail(
        self, conn: sa.Connection, fingerprint: str, token: str, signed_at: datetime, now: datetime
    ) -> bool:
        """Let a signed mail acknowledge a case, once; False: it can't, and nothing has changed.

        `fingerprint`: of the pinned certificate that signed. A signature older than the case is a replay. But
        a case that was opened later than now was opened by a clock that was wrong. Then what
        proves the answer is the token, which nobody knew before and which is good once.
        """
        officer = by_fingerprint(self.profile, fingerprint)
        found = self.dockets.marked(conn, "token", token, now)
        if officer is None or found is None or _is_replay(signed_at, found.docket.opened_at, now):
            return False
        self.dockets.spend(conn, "token", token)
        self._kept(conn, found, obey(Order(Verb.ACK), found.docket, self._scene(officer, now)), now)
        return True

    # ── orders ─────────────────────────────────────────────────────────────────────────────────────────

    def _answer(self, conn: sa.Connection, officer: Contact, message: Message, now: datetime) -> Sequence[Line]:
        draft = self.dockets.let_go(conn, officer.address)
        readable = message.kind is Kind.TEXT and not message.edits
        order = read_order(message.text, self.words, is_reference) if readable else None
        if order and order.verb is Verb.SEND and draft and confirmed(draft, now):
            return self._sent(conn, officer, draft, now)
        sending = order is not None and order.verb is Verb.SEND
        dropped = (Line("duty.reply_dropped"),) if draft or sending else ()
        if order is None or sending:
            return dropped or (self.telling.named(officer, "not_understood"),)
        return (*dropped, *self._ordered(conn, officer, order, now))

    def _ordered(self, conn: sa.Connection, officer: Contact, order: Order, now: datetime) -> Sequence[Line]:
        if order.verb is Verb.HELP:
            return (self.telling.named(officer, "orders", reference=EXAMPLE),)
        if order.verb is Verb.DUTY:
            return self.telling.on_duty(officer, now)
        if order.verb is Verb.CASES:
            return self.telling.cases(officer, [one.docket for one in self.dockets.everything(conn, now)])
        return self._about(conn, officer, order, now)

    def _about(self, conn: sa.Connection, officer: Contact, order: Order, now: datetime) -> Sequence[Line]:
        found = self._found(conn, order.reference, now)
        if found is None:
            return (Line("duty.no_case"),)
        if order.verb is Verb.CASE:
            return (*self.telling.case(officer, found.docket), *self._held(conn, officer, found.docket, now))
        obeyed = obey(order, found.docket, self._scene(officer, now))
        over = order.verb in _SAYS_READ
        self._kept(conn, found, obeyed, now, over=over)
        if obeyed.draft:
            self.dockets.hold(conn, officer.address, obeyed.draft, now + DRAFT_LIVES)
        gone = (Line("duty.notice_read", (("reference", order.reference),)),) if over and found.docket.held else ()
        return (*self._worded(officer, obeyed.lines), *gone)

    def _found(self, conn: sa.Connection, reference: str, now: datetime) -> Filed | None:
        found = self.dockets.find(conn, reference) if reference else None
        return found if found and found.expires > minute(now) else None

    def _held(self, conn: sa.Connection, officer: Contact, docket: Docket, now: datetime) -> tuple[Line, ...]:
        """Return a case that lies here for officers without a key, in words; it stays until one says: read."""
        reader, lines = self.readers[officer.address], []
        for number in docket.held:
            told = self.notices.read(conn, docket.reference, number, now)
            if told:
                parts = compose(case_of(told, reader.triage), reader)
                lines.append(Line("duty.case_words", (("words", f"{parts.subject}\n{parts.text}"),)))
        return tuple(lines)

    def _scene(self, officer: Contact, now: datetime) -> Scene:
        return Scene(
            officer.address, now, lambda level: self._next(officer, level, now), self.readers[officer.address].clock
        )

    def _next(self, officer: Contact, level: int, now: datetime) -> str:
        """Return whom to tell further: who is next on duty, in the chain and then in the roster; else who is next."""
        told = [place.contact for place in chain(self.profile, level)]
        contacts = [*told, *(one for one in self.profile.contacts if one not in told)]
        at = next((number for number, one in enumerate(contacts, 1) if one.address == officer.address), 0)
        others = [one for one in (*contacts[at:], *contacts[:at]) if one.address != officer.address]
        on = (one.address for one in others if on_duty(one, now, self.profile.zone))
        return next(on, others[0].address if others else "")

    def _worded(self, officer: Contact, lines: Sequence[Line]) -> tuple[Line, ...]:
        """Put what is to be typed into lines that tell it."""
        return tuple(
            self.telling.named(officer, line.name.removeprefix("duty."), **dict(line.values)) for line in lines
        )

    # ── what follows ───────────────────────────────────────────────────────────────────────────────────

    def _kept(
        self, conn: sa.Connection, found: Filed, obeyed: Obeyed, now: datetime, *, over: bool = True
    ) -> Say | None:
        """Store what an order has changed and tell whoever is to hear of it; return what the writer is told last.

        `over`: what lay here for officers without a key isn't needed any more.
        """
        docket, said = obeyed.docket, None
        if obeyed.withdraw:
            self.outbox.withdraw(conn, found.who, all_of_them=docket is None)
        if over:
            docket = self._let_go(conn, found.docket, docket)
        for happened in obeyed.events:
            said = self._reported(conn, found.who, happened)
        if docket is None:
            self.drop_drafts(conn, found.docket.reference)
            self.dockets.drop(conn, found.who)
        elif docket != found.docket:
            self.dockets.keep(conn, found.who, docket, found.expires)
        self.telling.notes(conn, obeyed.notes, now)
        return said

    def drop_drafts(self, conn: sa.Connection, reference: str) -> None:
        """Delete officers' words for a case that is over."""
        for contact in self.profile.contacts:
            draft = self.dockets.let_go(conn, contact.address)
            if draft and draft.reference != reference:
                self.dockets.hold(conn, contact.address, draft, draft.at + DRAFT_LIVES)

    def _let_go(self, conn: sa.Connection, before: Docket, docket: Docket | None) -> Docket | None:
        """Delete a case that lay here for officers without a key: one has read it."""
        for number in before.held:
            self.notices.done(conn, before.reference, number)
        return replace(docket, held=()) if docket else None

    def _reported(self, conn: sa.Connection, who: bytes, happened: FromMission) -> Say | None:
        outcome = self.report(conn, who, happened)
        if isinstance(happened, Acknowledged):
            event(Logged.CASE_ACKNOWLEDGED)
        return next((one for one in outcome.effects if isinstance(one, Say)), None) if outcome else None

    def _sent(self, conn: sa.Connection, officer: Contact, draft: Draft, now: datetime) -> Sequence[Line]:
        """Pass words on; tell the officer when they go, by what became of them in the writer's talk."""
        found = self._found(conn, draft.reference, now)
        if found is None:
            return (Line("duty.no_case"),)
        scene = self._scene(officer, now)
        obeyed = send(draft, found.docket, scene)
        said = self._kept(conn, found, obeyed, now, over=False)
        if not any(isinstance(one, Relayed) for one in obeyed.events) or obeyed.docket is None:
            return obeyed.lines
        kept = passed_on(obeyed.docket, now, "" if said else draft.words)
        self.dockets.keep(conn, found.who, kept, found.expires)
        named = (("reference", draft.reference),)
        if said is None:
            return (Line("duty.reply_waits", named),)
        if said.not_before is None:
            return (Line("duty.reply_sent", named),)
        return (Line("duty.reply_later", (*named, ("time", scene.clock(said.not_before)))),)


def _is_replay(signed_at: datetime, opened_at: datetime, now: datetime) -> bool:
    return opened_at <= now and minute(signed_at) < minute(opened_at)
