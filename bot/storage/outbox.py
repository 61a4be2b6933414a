"""Effects that are not yet carried out: put in the turn's transaction, claimed by the courier, gone when done.

Rows hold everything their delivery needs. Everything here is called inside a writer's job, with its
connection. How an effect is carried out is told elsewhere.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.conversation.model import Sender
from bot.errors import SealingError
from bot.storage import outbox_sql as sql
from bot.storage.envelope import Envelope
from bot.storage.hours import Hours
from bot.storage.keyring import Keyring
from bot.storage.letters import KINDS, Found, Letter, Mail, Note, Ping, Row, left_of, read, written
from bot.storage.locks import Leases, free
from bot.storage.notes import EPOCH, Noted, Notes, due_of, is_bare, is_chosen, note_of, stamp, tried_until
from bot.storage.outbox_sql import SEALED, SENT, WORDS
from bot.storage.tables import MINUTE_SECONDS, OTHER, URGENT, minute, of
from bot.storage.waiting import TAIL_BYTES, Lines, Sought, people
from bot.storage.waiting import sought as looked_for

__all__ = ["SEALED", "SENT", "WORDS", "Mail", "Note", "Outbox", "Ping", "Row"]

SOON_ROWS = 100  # looked at to tell the next due time within its minute
TOLERATED = timedelta(minutes=2)  # of a clock that is ahead: whole minutes are kept, and clocks drift


class Outbox:
    """What waits to be done. `unreadable` holds the ids of rows that no longer open: an operator must know."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._envelope = Envelope(keyring, "outbox")
        self._serial = 0  # the last one given
        self.leases = Leases()  # of people whose rows are being carried
        self.looked: datetime | None = None  # when the clock was looked at last, as it said; None: nobody looks
        self.unreadable: set[bytes] = set()
        self._notes = Notes(self._envelope, self.unreadable)
        self.hours = Hours(self._envelope, self._notes, self.unreadable)
        self._lines = Lines()

    def put(  # noqa: PLR0913 - what stands in clear beside the effects is told by name
        self,
        conn: sa.Connection,
        who: bytes,
        sender: Sender,
        effects: Sequence[Letter],
        now: datetime,
        *,
        lane: int,
        expires: datetime,
        bare: bool = False,
    ) -> None:
        """Store effects behind those that wait for this person, each with a serial of its own.

        `bare`: they come from a case of which nothing is told but SOS.

        Raises SealingError: a text in one isn't Unicode.
        """
        self._keyring.today(now)
        self._keep_lead(conn, now)
        for effect in effects:
            row = who + os.urandom(TAIL_BYTES)
            due = due_of(effect, now)
            letter = written(sender, effect)
            note = Noted(self._next_serial(now), due, bare or is_bare(effect), is_chosen(effect))
            wrapped, sealed = self._envelope.close(row, letter, note_of(note))
            sql.PUT(
                conn,
                id=row,
                kind=KINDS[type(effect)],
                lane=lane,
                next_try=minute(due),
                expires=minute(expires),
                channel=sender.channel,
                wrapped=wrapped,
                sealed=sealed,
            )

    def claimable(  # noqa: PLR0913 - what is sought, by name
        self,
        conn: sa.Connection,
        now: datetime,
        limit: int,
        busy: Collection[bytes],
        *,
        sought: int = sql.ALL_KINDS,
        full: Collection[str] = (),
        crowded: Collection[str] = (),
        kept: int = 0,
    ) -> list[Row]:
        """Return what is due: people with something urgent first, each person's rows together and in order.

        Who waits longest comes first, but bare cases behind others. `sought`: mails, what is to be sealed, or words: a
        mail server that hangs must not hold up words, nor a thousand cases that are sealed.

        `full` names channels (two at most) that take no more words now: theirs are left out; of those that are
        `crowded` the ones that aren't urgent. So many places are `kept` for what is urgent.

        `busy` names people or single rows that are being carried now. A person's words keep their order: a
        Say whose try failed, or that is being carried, holds back the later ones (an ordinary one nothing
        urgent). One that waits for its hour for the first time doesn't, and only a Say waits for another row.
        """
        rows: list[Row] = []
        wanted = {URGENT: looked_for(sought, full), OTHER: looked_for(sought, {*full, *crowded})}
        for lane, who in people(conn, now, busy, wanted, self._notes, self._lines):
            if lane == OTHER and len(rows) >= limit - kept:
                break
            if not (self.leases.take(conn, _lease(who)) and free(conn, who)):
                continue  # another process carries theirs, or takes their turn and will
            rows += self._in_order(now, busy, self._of_one(conn, who, now, wanted[lane]))
            if len(rows) >= limit:
                break
        return rows[:limit]

    def give_back(self, conn: sa.Connection, busy: Collection[bytes]) -> None:
        """Let other processes carry what waits for everybody but those in `busy`, people or single rows."""
        self.leases.keep(conn, {_lease(one[:-TAIL_BYTES] if len(one) > TAIL_BYTES else one) for one in busy})

    def without_old(self, conn: sa.Connection, rows: Sequence[Row]) -> Iterator[Row]:
        """Yield rows without the questions that newer ones among them take the place of; delete those."""
        for at, row in enumerate(rows, 1):
            if left := left_of(row, rows[at:]):
                yield replace(row, effect=left)
            else:
                self.done(conn, row.id)

    def mark_trying(self, conn: sa.Connection, row: bytes) -> bool:
        """Note that a try begins; False: the row is gone (erased, withdrawn) and must not be carried out."""
        return sql.MARK(conn, id=row).rowcount == 1

    def done(self, conn: sa.Connection, row: bytes) -> None:
        """Delete a row that was carried out, or never can be."""
        sql.DONE(conn, id=row)

    def drop_words(self, conn: sa.Connection, who: bytes, *, clears: bool = True) -> None:
        """Delete what waits to be said to this person and, with `clears`, to be deleted at their messenger."""
        (sql.DROP_WORDS if clears else sql.DROP_SAYS)(conn, **of(who))

    def drop_timers(self, conn: sa.Connection, who: bytes) -> None:
        """Delete the timers of a talk that is over."""
        sql.DROP_WAKES(conn, **of(who))

    def again(
        self, conn: sa.Connection, row: bytes, now: datetime, pause: timedelta = timedelta(), *, unsure: bool = False
    ) -> bool:
        """Try once more after a pause. `unsure`: the last try may have arrived. False: the row is gone.

        Raises SealingError: the row no longer opens.
        """
        self._keep_lead(conn, now)
        found = sql.WRAPPED(conn, id=row).fetchone()
        if found is None:
            return False
        wrapped = self._notes.moved(row, found[0], now + pause)
        sql.AGAIN(conn, id=row, trying=int(unsure), next_try=minute(now + pause), wrapped=wrapped)
        return True

    def in_doubt(self, conn: sa.Connection, who: bytes) -> bool:
        """Return whether a mail of this person is on its way, or may have arrived unanswered."""
        return bool(sql.DOUBTED(conn, **of(who)).fetchall()[0][0])

    def due(self, conn: sa.Connection, row: Row) -> datetime:
        """Return when a row comes due now; if it is gone, when it did. Raises SealingError: it no longer opens."""
        found = sql.WRAPPED(conn, id=row.id).fetchone()
        return self._notes.read(row.id, found[0]).due if found else row.due

    def next_due(self, conn: sa.Connection, after: datetime | None = None) -> datetime | None:
        """Return when something comes due (the first time later than `after`, if given), or None."""
        times = [due for lane in (URGENT, OTHER) if (due := self._next_in(conn, lane, after or EPOCH))]
        return min(times, default=None)

    def replace(self, conn: sa.Connection, row: Row, mails: Sequence[Mail | Ping], now: datetime) -> bool:
        """Put sealed mails and pings in the place of what they were made from; False: withdrawn meanwhile.

        Each waits until a day after its own hour. Raises SealingError: the row no longer opens.
        """
        found = sql.ONE(conn, id=row.id).fetchone()
        if found is None:
            return False
        kind, lane, wrapped, sealed = found
        sender, told = read(kind, self._envelope.open(row.id, wrapped, sealed))
        for mail in mails:
            until = tried_until(mail, now, row.expires)
            self.put(conn, row.who, sender, [mail], now, lane=lane, expires=until, bare=is_bare(told))
        sql.DONE(conn, id=row.id)
        return True

    def withdraw(self, conn: sa.Connection, who: bytes, *, all_of_them: bool = False) -> None:
        """Delete the mails and pings of this person's case that wait for officers further on, or all that wait."""
        for one in self.hours.for_officers(conn, who):
            if isinstance(one.letter, Mail | Ping) and (all_of_them or one.letter.place):
                sql.DONE(conn, id=one.row)

    # ── within ─────────────────────────────────────────────────────────────────────────────────────────

    def _keep_lead(self, conn: sa.Connection, now: datetime) -> None:
        """Keep with what a clock times that it is ahead: a process that is killed meanwhile can't notice it later."""
        if self.looked is not None and now - self.looked > TOLERATED:
            sql.AHEAD(conn, value=minute(now))

    def _next_serial(self, now: datetime) -> int:
        """Return a number above all that were given: the time in microseconds, so that no row is read for it."""
        self._serial = max(self._serial + 1, stamp(now))
        return self._serial

    def _in_order(self, now: datetime, busy: Collection[bytes], rows: list[Found]) -> Iterator[Row]:
        held = OTHER + 1  # the most urgent lane in which an earlier text is stuck
        for found in rows:
            due = found.due <= now and found.id not in busy
            if found.kind == "say":
                stuck = found.id in busy or (found.attempts > 0 and not due)
                held = min(held, found.lane) if stuck else held
                due = due and found.lane < held
            if due and (row := self._row(found.id[:-TAIL_BYTES], found)):
                yield row

    def _of_one(self, conn: sa.Connection, who: bytes, now: datetime, sought: Sought) -> list[Found]:
        """Return the rows of one person that are due or hold others back, in order, without those past their time."""
        found = []
        for row, *columns in sql.OF_ONE(conn, **of(who), minute=minute(now), **sought):
            note = self._notes.known(row, columns[-2])
            if note:
                found.append(Found(note.serial, note.due, row, *columns))
        return sorted(one for one in found if one.expires > minute(now))

    def _row(self, who: bytes, found: Found) -> Row | None:
        try:
            sender, effect = read(found.kind, self._envelope.open(found.id, found.wrapped, found.sealed))
        except SealingError:
            self.unreadable.add(found.id)
            return None
        return Row(
            id=found.id,
            who=who,
            kind=found.kind,
            sender=sender,
            effect=effect,
            serial=found.serial,
            lane=found.lane,
            attempts=found.attempts,
            trying=bool(found.trying),
            due=found.due,
            expires=EPOCH + timedelta(seconds=found.expires * MINUTE_SECONDS),
        )

    def _next_in(self, conn: sa.Connection, lane: int, after: datetime) -> datetime | None:
        at = minute(after)
        while (found := sql.NEXT_MINUTE(conn, lane=lane, minute=at).fetchone()) and found[0] is not None:
            rows = sql.IN_MINUTE(conn, lane=lane, minute=found[0], most=SOON_ROWS)
            notes = [note for row, wrapped in rows if (note := self._notes.known(row, wrapped))]
            if times := [note.due for note in notes if note.due > after]:
                return min(times)
            at = found[0] + 1
        return None


def _lease(who: bytes) -> bytes:
    return b"carry" + who
