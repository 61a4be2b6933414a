"""Read me first: one message comes in, one turn is taken, and what follows from it is stored before anything is sent.

`Desk.take_turn` is the whole way: find the conversation, ask the pure engine what follows, store conversation
and effects in one transaction. What happened outside comes the same way, through `Desk.reported`.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from bot import clock
from bot.conversation.asking import asks_words
from bot.conversation.carrying import CARRIED_FROM, carry_code
from bot.conversation.engine import Rulebook, advance, carry, lives_until, report
from bot.conversation.events import Accepted, Delivered, Event, FromMission, Placed
from bot.conversation.handing import STOPPED
from bot.conversation.model import Chance, Clear, Conversation, Effect, HandOff, Message, Outcome, Sender, Wake
from bot.conversation.returning import relayed, return_code, returned
from bot.conversation.tracing import SHOWN_AFTER_END, cleared
from bot.failures import log_given_up
from bot.lanes import CARRIED_FOR, due, made_urgent
from bot.lanes import lane as lane_of
from bot.logs import Event as Logged
from bot.logs import event
from bot.officers.desk import OfficersDesk
from bot.officers.filing import Filing
from bot.storage.erasing import erase, purged
from bot.storage.outbox import Outbox
from bot.storage.tables import OTHER
from bot.storage.work import Shelf
from bot.storage.writer import Writer, apart
from bot.threshold import KeptOut, Threshold, hurries, readable

TURNS_AT_ONCE = 25  # in one job: nobody waits long behind them
# Of codes, by one sender in an hour. With 1,000 cases open one guess of 16 digits in 10**13 is right: 36,000 people,
# all that may write at once (50 a second), find one in 6,000 years. So nobody's guesses count against a code's owner.
TRIES = 5
CODE_LIVES = timedelta(minutes=15)  # a code that carries a talk to another channel


@dataclass(slots=True)
class Desk:
    """Where turns are taken. `book` changes once a day; `told` is called after each commit: there may be work."""

    book: Rulebook
    writer: Writer
    shelf: Shelf
    outbox: Outbox
    now: Callable[[], datetime]  # aware, in the mission's zone
    told: Callable[[], None]
    officers: OfficersDesk
    filing: Filing
    threshold: Threshold
    redelivering: frozenset[str] = frozenset()  # channels on which one message may come twice
    noted: Callable[[Outcome, datetime], None] = lambda _outcome, _now: None  # a rehearsal writes the talk down

    async def take_turn(self, message: Message) -> None:
        """Take one turn. Returns when it is committed: a channel acknowledges a message only then."""
        message = readable(message)
        await self.writer.do(partial(self._turn, message=message), urgent=hurries(self.book, message.text))
        self.told()

    async def take_turns(self, messages: Sequence[Message]) -> Collection[Message]:
        """Take the turns of these messages, in order; one that can't be taken is set aside alone.

        Returns those that were kept out, for too many write. Raises what the database raised: then those that were
        not taken may be brought again.
        """
        heard, kept_out, spent = self.threshold.let_in(self.book, messages)
        try:
            await self._take(heard)
        except BaseException:
            self.threshold.take_back(heard)
            raise
        self.threshold.tally.add(len(kept_out))
        if told := [one for one in kept_out if one.told]:
            await self.writer.do(partial(self._turn_away, kept_out=told))
        if heard or told:
            self.told()
        await asyncio.sleep(spent if kept_out else 0)  # in a flood half of the time is for those who were heard
        return [one.message for one in kept_out]

    async def _take(self, messages: Sequence[Message]) -> None:
        for some in (messages[at : at + TURNS_AT_ONCE] for at in range(0, len(messages), TURNS_AT_ONCE)):
            urgent = any(hurries(self.book, message.text) for message in some)
            with self.threshold.timed():
                failed = await self.writer.do(partial(self._turns, messages=some), urgent=urgent)
            if urgent:
                self.told()  # who is in danger waits for nobody behind them
            for error in failed:
                event(Logged.TURN_FAILED, error=error)

    def reported(self, conn: sa.Connection, who: bytes, sender: Sender, happened: Event) -> None:
        """Take in, inside a writer's job, what happened outside.

        Of a person whose address isn't kept, only the last words to them are cleared in the messenger a while later.
        What an officer was told stays there: they may be asleep.
        """
        talk, now = self.shelf.load(conn, who), self.now()
        if isinstance(happened, Accepted | Placed):
            self.filing.left(conn, who, happened.message_id, now)
        silent = (talk is None or not talk.sender.address) and not self.officers.officer(sender)
        if silent and isinstance(happened, Delivered) and happened.ids:
            self._put(conn, who, sender, [Clear(happened.ids, now + SHOWN_AFTER_END)], now, OTHER)
        if talk is not None:
            outcome = report(self.book, talk, happened, now)
            self._store(conn, who, talk.sender, outcome, now)
            log_given_up(talk, outcome.conversation)

    def from_mission(self, conn: sa.Connection, who: bytes, happened: FromMission) -> Outcome | None:
        """Take in, inside a writer's job, what the mission does to a case; None: its talk is gone."""
        talk, now = self.shelf.load(conn, who), self.now()
        if talk is None:
            return None
        outcome = report(self.book, talk, happened, now)
        self._store(conn, who, talk.sender, outcome, now)
        return outcome

    def expire_talks(self, conn: sa.Connection, now: datetime, limit: int) -> int:
        """Delete at most `limit` talks that are past their time, in silence, and clear what they left; return how many.

        Called inside a writer's job, again until it gives 0.
        """
        gone = self.shelf.expired(conn, now, limit)
        for who in gone:
            self._expire(conn, who, self.shelf.load(conn, who), now)
        if gone:
            purged(conn)
        return len(gone)

    def _expire(self, conn: sa.Connection, who: bytes, talk: Conversation | None, now: datetime) -> None:
        if talk is not None and talk.sender.address:
            self._put(conn, who, talk.sender, cleared(talk), now, OTHER)
        self._drop(conn, who)

    def _turns(self, conn: sa.Connection, messages: Sequence[Message]) -> list[Exception]:
        """Take turns, each undone alone if it fails; return what failed, for the operator."""
        failed, now = [], self.now()
        queues = {message.queued.queue for message in messages if message.queued}
        places = {queue: self.shelf.place(conn, queue, now) for queue in queues}
        for message in messages:
            queued = message.queued
            if queued and queued.place < places[queued.queue]:
                continue
            error = apart(conn, partial(self._turn, message=message))
            failed += [error] if error else []
            if queued:
                places[queued.queue] = queued.place + 1
        for queue, place in places.items():
            self.shelf.move(conn, queue, place, now)
        return failed

    def _turn_away(self, conn: sa.Connection, kept_out: Sequence[KeptOut]) -> None:
        """Let those who were kept out know, behind everybody who is in danger."""
        now = self.now()
        for one in kept_out:
            sender, say = one.message.sender, self.threshold.said(self.book, one)
            self._put(conn, self.shelf.who(sender), sender, [say], now, OTHER)

    def _turn(self, conn: sa.Connection, message: Message) -> None:
        now, who = self.now(), self.shelf.who(message.sender)
        if self._taken_before(conn, message, now) or self.officers.introduce(conn, message, now):
            return
        officer = self.officers.officer(message.sender)
        if officer:
            self.officers.hear(conn, officer, message, now)
            event(Logged.TURN_TAKEN, channel=message.sender.channel)
            return
        kept = self.shelf.load(conn, who)
        talk = self._living(kept, now)
        if kept is not None and talk is None:  # past its time, and the rounds have not come by yet
            self._expire(conn, who, kept, now)
        book = self.threshold.as_now(self.book)
        outcome = self._coded(conn, talk, message, now) or advance(book, talk, message, now, _drawn())
        self._close(conn, who, kept, outcome, now)
        self._store(conn, who, message.sender, outcome, now)
        self.threshold.learn(who, outcome)
        if outcome.erase and message.sender.channel in self.redelivering:
            self.shelf.remember_erasing(conn, message.sender, message.id, now)
        event(Logged.TURN_TAKEN, channel=message.sender.channel)

    def _taken_before(self, conn: sa.Connection, message: Message, now: datetime) -> bool:
        sender = message.sender
        if sender.channel not in self.redelivering or message.queued:
            return False
        if self.shelf.erased_by(conn, sender, message.id):  # first: nothing more is noted of who was erased
            return True
        return self.shelf.seen_before(conn, sender, message.id, now)

    def _coded(self, conn: sa.Connection, talk: Conversation | None, message: Message, now: datetime) -> Outcome | None:
        """Take a message that is a code: one that carries a talk here, or one that leads back to a case."""
        return self._carried(conn, talk, message, now) or self._returned(conn, talk, message, now)

    def _returned(
        self, conn: sa.Connection, talk: Conversation | None, message: Message, now: datetime
    ) -> Outcome | None:
        """Tell whoever knows a return code how far its case is. A wrong one is told like one whose time is over."""
        code = return_code(message.text)
        if not code:
            return None
        allowed = self._may_try(conn, message, now)
        there = self.shelf.who_returns(conn, code)
        found = self._living(self.shelf.load(conn, there), now) if there and allowed else None
        if found is None and talk is not None and asks_words(self.book, talk):
            return None
        words = self.filing.fetched(conn, there) if there and found else ()
        if there and found and words:
            found = relayed(found)
            self.shelf.keep(conn, there, found, lives_until(self.book, found, found.heard_at or now))
            talk = found if there == self.shelf.who(message.sender) else talk
        return returned(self.book, talk, found, words, message, now)

    def _may_try(self, conn: sa.Connection, message: Message, now: datetime) -> bool:
        return self.shelf.tries(conn, message.sender, now) <= TRIES

    def _close(
        self, conn: sa.Connection, who: bytes, before: Conversation | None, outcome: Outcome, now: datetime
    ) -> None:
        """Let officers hear that the writer of a case has closed the way back: by STOP, or by ERASE."""
        case = before.case if before else None
        if case is None or case.reply == STOPPED:
            return
        after = outcome.conversation.case if outcome.conversation else None
        if outcome.erase or (after and after.reply == STOPPED):
            self.outbox.drop_words(conn, who, clears=False)  # also what waits for the hours they chose
            self.filing.shut(conn, who, now, gone=outcome.erase)

    def _carried(
        self, conn: sa.Connection, talk: Conversation | None, message: Message, now: datetime
    ) -> Outcome | None:
        """Take over the talk that a code leads to, and end it where it stood. None: these words are no code here."""
        code = carry_code(message.text)
        if not code or message.sender.channel == CARRIED_FROM or (talk is not None and talk.case is not None):
            return None
        there = self.shelf.spend_code(conn, code, now) if self._may_try(conn, message, now) else None
        if there is None and talk is not None and asks_words(self.book, talk):
            return None
        left = self._living(self.shelf.load(conn, there), now) if there else None
        here, ended = carry(self.book, talk, left, message, now, _drawn())
        if there and left and ended:
            self._store(conn, there, left.sender, ended, now)
        return here

    def _living(self, talk: Conversation | None, now: datetime) -> Conversation | None:
        """Return the talk, if its time isn't over: the rounds may not have come by yet."""
        if talk is not None and lives_until(self.book, talk, talk.heard_at or now) > now:
            return talk
        return None

    def _store(self, conn: sa.Connection, who: bytes, sender: Sender, outcome: Outcome, now: datetime) -> None:
        self.noted(outcome, now)
        talk = outcome.conversation
        if made_urgent(outcome):
            self.outbox.hours.hurry(conn, who, now)
        if outcome.erase:
            erase(conn, who)
            event(Logged.ERASED)
        elif talk is None:
            self._drop(conn, who)
        else:
            self.shelf.keep(conn, who, talk, lives_until(self.book, talk, talk.heard_at or now))
        if outcome.code:
            self.shelf.lend_code(conn, outcome.code, who, now + CODE_LIVES)
        effects = [self._entrusted(conn, who, effect, now) for effect in outcome.effects]
        self._put(conn, who, sender, effects, now, lane_of(outcome))

    def _put(  # noqa: PLR0913, PLR0917 - one transaction's worth
        self, conn: sa.Connection, who: bytes, sender: Sender, effects: Sequence[Effect], now: datetime, lane: int
    ) -> None:
        timers = [effect for effect in effects if isinstance(effect, Wake | Clear)]
        for some in ([effect for effect in effects if effect not in timers], timers):  # a timer outlives what it is for
            if some:
                expires = max(due(effect, now) for effect in some) + CARRIED_FOR
                self.outbox.put(conn, who, sender, some, now, lane=lane, expires=expires)

    def _drop(self, conn: sa.Connection, who: bytes) -> None:
        """Delete a talk that is over, with its timers and codes; words on their way still arrive."""
        self.shelf.drop(conn, who)
        self.shelf.drop_codes(conn, who)
        self.officers.dockets.drop(conn, who)
        self.outbox.drop_timers(conn, who)

    def _entrusted(self, conn: sa.Connection, who: bytes, effect: Effect, now: datetime) -> Effect:
        """Keep of a return code its keyed hash alone, and count the case."""
        if not isinstance(effect, HandOff) or effect.number:
            return effect
        year, week, _ = now.isocalendar()
        self.shelf.remember_code(conn, effect.return_code, who, now + self.book.case_lives)
        self.shelf.count(conn, f"{year}-W{week:02}", effect.level, effect.language)
        event(Logged.CASE_HANDED_OFF, reference=effect.reference, level=effect.level)
        return replace(effect, return_code="")


def _drawn() -> Chance:
    return Chance(clock.reference(), clock.return_code(), clock.check_number(), clock.fraction(), clock.carry_code())
