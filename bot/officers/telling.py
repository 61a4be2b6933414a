"""What officers are told besides the sealed alerts: answers to their orders, notes without content, the daily mail.

Everything is put into the outbox, inside a writer's job; in which words is told by name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bot.conversation.model import Line, Say, Sender, Weight
from bot.handoff.alert import Reader
from bot.handoff.docket import Docket, State, status
from bot.handoff.duty import chain, next_duty, on_duty
from bot.handoff.mission import Contact, MissionProfile
from bot.handoff.orders import LEVELS, Note
from bot.lanes import CARRIED_FOR
from bot.storage.outbox import Note as Letter
from bot.storage.outbox import Outbox
from bot.storage.tables import URGENT
from bot.storage.work import Shelf

SIGNAL = "signal"
BY_MAIL = "officer"  # the channel under which what waits to be mailed to an officer is kept
FEW = 5  # a count below it could tell of one person

_NEVER = 0
_DAY = timedelta(days=1)


@dataclass(slots=True)
class Telling:
    """Tells officers. `readers`: by address. `signal`: whether the bot is on Signal."""

    profile: MissionProfile
    readers: Mapping[str, Reader]
    shelf: Shelf
    outbox: Outbox
    signal: bool = True

    # ── on Signal ──────────────────────────────────────────────────────────────────────────────────────

    def answer(self, conn: sa.Connection, officer: Contact, lines: Sequence[Line], now: datetime) -> None:
        """Say something to an officer on Signal."""
        self.say(conn, officer.signal, officer.language, lines, now)

    def say(self, conn: sa.Connection, account: str, language: str, lines: Sequence[Line], now: datetime) -> None:
        """Say something to an account on Signal."""
        sender = Sender(SIGNAL, account)
        say = Say(tuple(lines), (language,), weight=Weight.STATUS, final=True)  # vanishes
        who, until = self.shelf.who(sender), now + CARRIED_FOR
        self.outbox.put(conn, who, sender, [say], now, lane=URGENT, expires=until)

    def notes(self, conn: sa.Connection, notes: Sequence[Note], now: datetime) -> None:
        """Tell other officers what happened to a case: on Signal where they want that, else by mail."""
        contacts = {contact.address: contact for contact in self.profile.contacts}
        for note in notes:
            officer = contacts.get(note.to)
            if officer is None:
                continue
            if self.signal and officer.signal and officer.ping:
                self.answer(conn, officer, (note.line,), now)
                continue
            values = dict(note.line.values)
            subject = Line("duty.subject_note", (("reference", values.get("reference", "")),))
            self._mail(conn, officer, subject, (note.line,), now)

    def many_wait(self, conn: sa.Connection, officer: Contact, number: int, gravest: int, now: datetime) -> None:
        """Wake an officer for many cases at once: on Signal, and at the address for what is urgent."""
        values = (("number", str(number)), ("level", str(gravest)))
        line = Line("duty.many_waiting", values)
        if self.signal and officer.signal and officer.ping:
            self.answer(conn, officer, (line,), now)
        if officer.urgent_address:
            self._mail(conn, officer, Line("duty.subject_many", values[:1]), (line,), now, urgent=True)

    def _mail(  # noqa: PLR0913 - what a mail needs, by name
        self,
        conn: sa.Connection,
        officer: Contact,
        subject: Line,
        lines: tuple[Line, ...],
        now: datetime,
        *,
        urgent: bool = False,
    ) -> None:
        sender = Sender(BY_MAIL, officer.address)
        name = " ".join((lines[0].name, *dict(subject.values).values(), now.isoformat()))
        letter = Letter(officer.address, name, subject, lines, urgent)
        self.outbox.put(conn, self.shelf.who(sender), sender, [letter], now, lane=URGENT, expires=now + CARRIED_FOR)

    # ── what they ask for ──────────────────────────────────────────────────────────────────────────────

    def named(self, officer: Contact, name: str, /, **values: str) -> Line:
        """Return a text that tells what to type."""
        words = tuple((verb, self._reader(officer).order(verb)) for verb in _VERBS)
        return Line(f"duty.{name}", (*words, *values.items()))

    def cases(self, officer: Contact, dockets: Sequence[Docket]) -> tuple[Line, ...]:
        """Return a line for each open case."""
        return tuple(self._in_line(officer, one) for one in dockets) or (Line("duty.nothing_open"),)

    def case(self, officer: Contact, docket: Docket) -> tuple[Line, ...]:
        """Return level, times and status of one case."""
        return (self._in_line(officer, docket), *self._details(officer, docket))

    def on_duty(self, officer: Contact, now: datetime) -> tuple[Line, ...]:
        """Return who is told of each level, and who of them is on duty."""
        return tuple(line for level in LEVELS for line in self._watch(officer, level, now))

    def _in_line(self, officer: Contact, docket: Docket) -> Line:
        return Line("duty.case_line", (*_of(docket), ("status", self._status(officer, docket))))

    def _status(self, officer: Contact, docket: Docket) -> str:
        reader = self._reader(officer)
        at = reader.clock(docket.read_at) if docket.read_at else ""
        return reader.note(Line(f"duty.status_{status(docket)}", (("officer", docket.reader), ("time", at))))

    def _details(self, officer: Contact, docket: Docket) -> Iterator[Line]:
        reader = self._reader(officer)
        language = reader.languages.get(docket.language, docket.language) or reader.say("language_unknown")
        yield Line("duty.opened", (("time", reader.clock(docket.opened_at)), ("language", language)))
        for one in docket.told:
            if not one.number:
                yield Line(_TOLD[one.state], (("officer", one.officer), ("time", reader.clock(one.at))))
        added = len({one.number for one in docket.told} - {0})
        if added:
            yield Line("duty.additions", (("number", str(added)),))
        if docket.passed:
            yield Line("duty.replies", (("number", str(len(docket.passed))),))
        if docket.shut:
            yield Line("duty.writer_closed")

    def _watch(self, officer: Contact, level: int, now: datetime) -> Iterator[Line]:
        zone, reader = self.profile.zone, self._reader(officer)
        yield Line("duty.duty_level", (("level", str(level)),))
        for place in chain(self.profile, level):
            one = place.contact
            spoken = ", ".join(reader.languages.get(tag, tag) for tag in one.languages or (one.language,))
            values = (("officer", one.address), ("languages", spoken))
            if on_duty(one, now, zone):
                yield Line("duty.duty_now", values)
            else:
                yield Line("duty.duty_from", (*values, ("time", reader.clock(next_duty(one, now, zone)))))

    def _reader(self, officer: Contact) -> Reader:
        return self.readers[officer.address]

    # ── each morning ───────────────────────────────────────────────────────────────────────────────────

    def morning(self, conn: sa.Connection, dockets: Callable[[], Sequence[Docket]], now: datetime) -> None:
        """Mail each officer once a day, at their own hour, whether anything waits. `dockets`: reads them."""
        for officer in self.profile.contacts:
            today = self._morning_of(officer, now)
            name = f"morning {self.shelf.who(Sender(BY_MAIL, officer.address)).hex()}"
            if today and officer.address in self.readers and self.shelf.first_today(conn, name, today):
                subject, lines = self._digest(conn, officer, dockets(), now)
                self._mail(conn, officer, subject, lines, now)

    def _morning_of(self, officer: Contact, now: datetime) -> int:
        """Return the day, as a number, whose mail is due; 0: it isn't yet, or there is none."""
        hour = self.profile.duty.morning
        local = now.astimezone(ZoneInfo(officer.zone or self.profile.zone))
        return local.toordinal() if hour and local.time() >= time.fromisoformat(hour) else _NEVER

    def _digest(
        self, conn: sa.Connection, officer: Contact, dockets: Sequence[Docket], now: datetime
    ) -> tuple[Line, tuple[Line, ...]]:
        waiting = [one for one in dockets if not one.reader]
        listed = tuple(self._in_line(officer, one) for one in waiting)
        told = (Line("duty.morning_some"), *listed) if listed else (Line("duty.morning_none"),)
        week = (
            tuple(self._week(conn, officer, now)) if now.astimezone(ZoneInfo(self.profile.zone)).weekday() == 0 else ()
        )
        subject = Line("duty.subject_morning", (("number", str(len(waiting))),))
        return subject, (*told, *week, Line("duty.morning_why"))

    def _week(self, conn: sa.Connection, officer: Contact, now: datetime) -> Iterator[Line]:
        """Tell the counts of the week that is over, small ones hidden."""
        year, week, _ = (now - _DAY).isocalendar()
        name, reader = f"{year}-W{week:02}", self._reader(officer)
        yield Line("duty.week", (("week", name),))
        for level, tag, number in self.shelf.counted(conn, name):
            shown = str(number) if number >= FEW else reader.note(Line("duty.few"))
            language = reader.languages.get(tag, tag) or reader.say("language_unknown")
            yield Line("duty.week_line", (("level", str(level)), ("language", language), ("number", shown)))


def _of(docket: Docket) -> tuple[tuple[str, str], ...]:
    return ("reference", docket.reference), ("level", str(docket.level))


_VERBS = ("cases", "case", "ack", "reply", "close", "level", "duty", "help", "send")
_TOLD = {State.WAITING: "duty.will_tell", State.LEFT: "duty.told", State.BOUNCED: "duty.came_back"}
