"""Handing a case over, or an addition to it: the answers leave the conversation for the hand-off row.

Pure. What stays in the conversation is the case's record; from here on the mission alone can read the rest.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.conversation.asking import Rulebook, added, hour, text
from bot.conversation.model import (
    Answer,
    Assessment,
    CaseRecord,
    Conversation,
    Effect,
    Handed,
    HandOff,
    Line,
    Say,
    Timer,
    Wake,
    Weight,
)
from bot.conversation.moves import Turn

URGENT = 2  # levels 1 and 2 leave at once
LATE_AFTER = timedelta(minutes=5)  # without a 250 the person is told NOT sent yet
TRIED_FOR = timedelta(hours=24)
STOPPED = "stopped"  # how a person may be answered who wrote STOP: not at all


def hand_off(turn: Turn) -> tuple[Conversation, tuple[Effect, ...]]:
    """Hand the case of this turn over: its record stays, its answers go. Both consents must be given."""
    talk, book = turn.talk, turn.book
    assessed = book.assess(talk.answers, None)
    leaves = _leaves(turn, assessed.level)
    record = CaseRecord(
        turn.chance.reference,
        assessed.level,
        turn.chance.check,
        next((answer.choices[0] for answer in talk.answers if answer.step == "reply"), ""),
        turn.now,
        talk.consents,
        (Handed(0),),
    )
    gone = replace(talk, case=record, answers=(), consents=(), trail=(), draft="")
    handed = _handed(gone, record, talk.answers, assessed, turn.now)
    handed = replace(handed, not_before=leaves, return_code=turn.chance.return_code)
    return gone, (handed, *_said(turn, gone, record), *_timers(book, assessed.level, 0, leaves or turn.now))


def hand_on(book: Rulebook, talk: Conversation, now: datetime) -> tuple[Conversation, tuple[Effect, ...]]:
    """Hand over what was added to a case. It may raise the level, never lower it."""
    case, answers = talk.case, added(talk)
    if case is None or not answers:
        return talk, ()
    assessed = book.assess(answers, case.level)
    number = len(case.handed)
    raised_from = case.level if assessed.level < case.level else None
    record = replace(case, level=assessed.level, handed=(*case.handed, Handed(number)))
    if raised_from and assessed.level <= URGENT:  # graver: it waits for an officer anew
        record = replace(record, read_at=None, unread=case.unread and not case.read_at)
    gone = replace(talk, case=record, answers=(), consents=(), trail=(), draft="", gathering=0)
    handed = _handed(gone, record, answers, assessed, now)
    handed = replace(handed, raised_from=raised_from, closed=record.reply == STOPPED)
    return gone, (handed, *_timers(book, assessed.level, number, now))


def _handed(
    talk: Conversation, case: CaseRecord, answers: tuple[Answer, ...], assessed: Assessment, now: datetime
) -> HandOff:
    return HandOff(
        case.reference,
        case.handed[-1].number,
        assessed.level,
        None,
        assessed.reasons,
        case.check,
        talk.language,
        talk.sender.channel,
        answers,
        case.consents,
        now,
    )


def _leaves(turn: Turn, level: int) -> datetime | None:
    """A case that is not urgent leaves at a random minute, so that its hour tells nothing of the talk's."""
    if level <= URGENT:
        return None
    minutes = int(turn.book.window / timedelta(minutes=1) * turn.chance.fraction)
    return turn.now + timedelta(minutes=minutes)


def _said(turn: Turn, talk: Conversation, case: CaseRecord) -> tuple[Effect, ...]:
    """What the person is told at once, and the codes, alone in one message."""
    chance = turn.chance
    sending = "sending" if case.level <= URGENT else "sending_later"
    code = " ".join(chance.return_code[i : i + 4] for i in range(0, len(chance.return_code), 4))
    codes = text(turn.book, talk, "codes", reference=chance.reference, code=code, check=chance.check)
    many = (turn.text("many_cases"),) if turn.book.many and case.level <= URGENT else ()
    speak = turn.status(turn.text(sending), *many, *_outside(turn, talk, case.level))
    return (
        speak,
        Say((codes, turn.text("vanish")), speak.languages, weight=Weight.STATUS, final=True),
    )


def _outside(turn: Turn, talk: Conversation, level: int) -> tuple[Line, ...]:
    """Say from when on an officer may read it, where nobody is on duty now."""
    opens = turn.book.opens(level, turn.now)
    if opens is None:
        return ()
    at = opens.astimezone(turn.now.tzinfo)
    if at.date() == turn.now.date():
        return (text(turn.book, talk, "off_duty", time=hour(at)),)
    return (text(turn.book, talk, "off_duty_until", time=hour(at), day=at.date().isoformat()),)


def _timers(book: Rulebook, level: int, number: int, leaves: datetime) -> tuple[Wake, ...]:
    late = (Wake(Timer.LATE, leaves + LATE_AFTER, number),) if level <= URGENT else ()
    wait = book.first_wait.get(level)
    unread = (Wake(Timer.UNREAD, leaves + wait, number),) if wait else ()
    gone = (Wake(Timer.GONE, leaves + book.held_for, number),) if book.held_for and not number else ()
    return (*late, *unread, *gone, Wake(Timer.GIVE_UP, leaves + TRIED_FOR, number))
