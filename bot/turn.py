"""Read me first: one message comes in, one turn is taken, and what follows from it is stored before anything is sent.

`Desk.take_turn` is the whole way: find the conversation, ask the pure engine what follows, store conversation
and effects in one transaction. What happened outside comes the same way, through `Desk.reported`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from bot import clock
from bot.conversation.engine import Rulebook, advance, lives_until, report
from bot.conversation.events import Event
from bot.conversation.model import Chance, Conversation, Effect, HandOff, Message, Outcome, Say, Sender, Wake, Way
from bot.conversation.understanding import fold
from bot.logs import Event as Logged
from bot.logs import event
from bot.storage.erasing import erase
from bot.storage.outbox import Outbox
from bot.storage.tables import OTHER, URGENT
from bot.storage.work import Shelf
from bot.storage.writer import Writer

CARRIED_FOR = timedelta(hours=24)  # an effect that could not be carried out for so long is dropped
URGENT_LEVEL = 2


@dataclass(slots=True)
class Desk:
    """Where turns are taken. `book` changes once a day; `told` is called after each commit: there may be work."""

    book: Rulebook
    writer: Writer
    shelf: Shelf
    outbox: Outbox
    now: Callable[[], datetime]  # aware, in the mission's zone
    told: Callable[[], None]
    redelivering: frozenset[str] = frozenset()  # channels on which one message may come twice
    noted: Callable[[Outcome, datetime], None] = lambda _outcome, _now: None  # a rehearsal writes the talk down

    async def take_turn(self, message: Message) -> None:
        """Take one turn. Returns when it is committed: a channel acknowledges a message only then."""
        message = replace(message, text=_unicode(message.text))
        await self.writer.do(partial(self._turn, message=message), urgent=self._hurries(message))
        self.told()

    def reported(self, conn: sa.Connection, who: bytes, happened: Event) -> None:
        """Take in, inside a writer's job, what happened outside. Nothing, if nothing is kept of the person."""
        talk = self.shelf.load(conn, who)
        if talk is not None:
            now = self.now()
            outcome = report(self.book, talk, happened, now)
            self._store(conn, who, talk.sender, outcome, now)
            _log_given_up(talk, outcome.conversation)

    def _turn(self, conn: sa.Connection, message: Message) -> None:
        now, who = self.now(), self.shelf.who(message.sender)
        if message.sender.channel in self.redelivering and self.shelf.seen_before(
            conn, message.sender, message.id, now
        ):
            return
        talk = self._living(self.shelf.load(conn, who), now)
        outcome = advance(self.book, talk, message, now, _drawn())
        self._store(conn, who, message.sender, outcome, now)
        event(Logged.TURN_TAKEN, channel=message.sender.channel)

    def _living(self, talk: Conversation | None, now: datetime) -> Conversation | None:
        """Return the talk, if its time isn't over: the rounds may not have come by yet."""
        if talk is not None and lives_until(self.book, talk, talk.heard_at or now) > now:
            return talk
        return None

    def _store(self, conn: sa.Connection, who: bytes, sender: Sender, outcome: Outcome, now: datetime) -> None:
        self.noted(outcome, now)
        talk = outcome.conversation
        if _made_urgent(outcome):
            self.outbox.hasten(conn, who, now)
        if outcome.erase:
            erase(conn, who)
            event(Logged.ERASED)
        elif talk is None:
            self.shelf.drop(conn, who)
        else:
            self.shelf.keep(conn, who, talk, lives_until(self.book, talk, talk.heard_at or now))
        effects = [self._entrusted(conn, who, effect, now) for effect in outcome.effects]
        timers = [effect for effect in effects if isinstance(effect, Wake)]
        for some in ([effect for effect in effects if effect not in timers], timers):  # a timer outlives what it is for
            if some:
                expires = max(_due(effect, now) for effect in some) + CARRIED_FOR
                self.outbox.put(conn, who, sender, some, now, lane=_lane(outcome), expires=expires)

    def _entrusted(self, conn: sa.Connection, who: bytes, effect: Effect, now: datetime) -> Effect:
        """Keep of a return code its keyed hash alone, and count the case."""
        if not isinstance(effect, HandOff) or effect.number:
            return effect
        year, week, _ = now.isocalendar()
        self.shelf.remember_code(conn, effect.return_code, who, now + self.book.case_lives)
        self.shelf.count(conn, f"{year}-W{week:02}", effect.level, effect.language)
        event(Logged.CASE_HANDED_OFF, reference=effect.reference, level=effect.level)
        return replace(effect, return_code="")

    def _hurries(self, message: Message) -> bool:
        folded = fold(message.text[:100])
        return folded in self.book.known.cries or self.book.known.commands.get(folded) in {"erase", "emergency"}


def _made_urgent(outcome: Outcome) -> bool:
    """Whether an addition has made a case urgent whose alert still waits for its random minute."""
    case = outcome.conversation.case if outcome.conversation else None
    raised = any(isinstance(effect, HandOff) and (effect.raised_from or 0) > URGENT_LEVEL for effect in outcome.effects)
    return raised and case is not None and case.level <= URGENT_LEVEL and case.handed[0].way is Way.WAITING


def _log_given_up(before: Conversation, after: Conversation | None) -> None:
    """Let an operator know of each handoff that is given up: nobody else can mend it."""
    for case in (after.case,) if after and after.case else ():
        old = before.case.handed if before.case else ()
        for one in case.handed:
            if one.way is Way.GIVEN_UP and one not in old:
                event(Logged.MAIL_GIVEN_UP, reference=case.reference, number=one.number)


def _lane(outcome: Outcome) -> int:
    """A person in danger goes before others, and so does the answer to a wish to be forgotten."""
    talk = outcome.conversation
    if talk is None:
        return URGENT if outcome.erase else OTHER
    return URGENT if talk.urgent or (talk.case and talk.case.level <= URGENT_LEVEL) else OTHER


def _due(effect: Effect, now: datetime) -> datetime:
    if isinstance(effect, Wake):
        return effect.at
    if isinstance(effect, Say | HandOff):
        return effect.not_before or now
    return now


def _drawn() -> Chance:
    return Chance(clock.reference(), clock.return_code(), clock.check_number(), clock.fraction())


def _unicode(text: str) -> str:
    """Return `text` without half characters, which some phones send and no database takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
