"""One turn, decided: what a message changes in a conversation, and what follows from it.

Pure: time and chance are arguments; nothing is sent or stored here. Read `advance` from the top. `report`
takes what happened outside, and is the same kind of decision.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.conversation.answering import own_words, picked
from bot.conversation.asking import MORE, Rulebook, case_now, consent_numbers, expected, own_words_asked, waits
from bot.conversation.carrying import begun, take_over
from bot.conversation.commands import command, cry, skip
from bot.conversation.editing import deleted, edited
from bot.conversation.flow import Ask
from bot.conversation.guide import FOUND, topic_step
from bot.conversation.machine import SKIP
from bot.conversation.model import Chance, Conversation, Kind, Line, Message, Outcome, Say
from bot.conversation.moves import STALE_AFTER, Turn, again, begin, to
from bot.conversation.settling import settle
from bot.conversation.status import report
from bot.conversation.tracing import traced
from bot.conversation.understanding import (
    Cry,
    Ordered,
    Own,
    Picked,
    Unclear,
    Understood,
    fold,
    topics_found,
    understand,
)

__all__ = ["Rulebook", "advance", "carry", "lives_until", "report"]

CRY_STALE_AFTER = timedelta(days=1)  # an older cry for help is no longer one
HINT_AFTER = 2  # messages in a row that were not understood
_READ = frozenset({Kind.TEXT, Kind.TAP})


def advance(
    book: Rulebook, conversation: Conversation | None, message: Message, now: datetime, chance: Chance
) -> Outcome:
    """Decide one turn: the conversation after `message`, and the effects to carry out once that is stored.

    `now` is aware and in the mission's time zone. No message raises.
    """
    turn, changed = _turn(book, conversation, message, now, chance)
    talk = turn.talk
    meaning = understand(message.text, expected(book.flow, talk), talk.language, book.known)
    if book.crises.heard_in(message.text) and now - message.at <= CRY_STALE_AFTER:
        turn = turn.on(heard_at=now, language=talk.language or _spoken(turn, meaning)).in_private()
        outcome = _comforted(turn, meaning)
    elif _too_late(turn, meaning):
        outcome = _unused(conversation, turn)
    else:
        turn = turn.on(heard_at=now, language=talk.language or _spoken(turn, meaning))
        asks_anew = changed and isinstance(meaning, Unclear) and message.kind in _READ
        outcome = again(turn, turn.text("not_kept")) if asks_anew else _decide(turn, meaning)
    noted = _with_note(outcome, Line("say.changed")) if changed and outcome.conversation else outcome
    return traced(noted, (message.id,) if message.removable else (), now)


def carry(  # noqa: PLR0913, PLR0917 - as `advance`, and the talk that is carried
    book: Rulebook,
    conversation: Conversation | None,
    there: Conversation | None,
    message: Message,
    now: datetime,
    chance: Chance,
) -> tuple[Outcome, Outcome | None]:
    """Decide the turn of a message that is a code from another channel, where the talk `there` stands.

    Returns what follows here, and there; for there None where the code is left as it is.
    """
    turn, _ = _turn(book, conversation, message, now, chance)
    here, other = take_over(turn.on(heard_at=now, language=turn.talk.language or _hinted(turn)), there)
    return traced(here, (message.id,) if message.removable else (), now), other


def lives_until(book: Rulebook, talk: Conversation, now: datetime) -> datetime:
    """Return when this conversation expires if nothing more is heard."""
    if talk.case:
        return talk.case.opened_at + book.case_lives
    return now + (book.urgent_lives if talk.urgent else book.intake_lives)


def _turn(
    book: Rulebook, conversation: Conversation | None, message: Message, now: datetime, chance: Chance
) -> tuple[Turn, bool]:
    """Return the turn in the making, and whether the flow has changed since the talk was led last."""
    fresh = Conversation(message.sender, serial=int(now.timestamp()))  # no button of an earlier talk has such a number
    talk = replace(conversation, sender=message.sender) if conversation else fresh
    talk, changed = settle(book, talk)
    return Turn(book, talk, message, now, chance), changed


def _decide(turn: Turn, meaning: Understood) -> Outcome:
    if turn.message.kind is Kind.DELETED:
        return deleted(turn)
    if isinstance(meaning, Cry):
        return cry(turn)
    refusal = _refusal(turn)
    if refusal and not _at_any_time(meaning):
        return again(turn, refusal)
    if isinstance(meaning, Ordered):
        return command(turn, meaning.command, meaning.argument)
    if turn.message.edits:
        return edited(turn)
    return _answer(turn, meaning) if turn.talk.step else _begun(turn)


def _begun(turn: Turn) -> Outcome:
    """Begin a talk. To a case nothing is added before that was asked for: whoever tried hears that it is not kept."""
    return begin(turn, turn.text("not_kept"), *_to_answer(turn)) if turn.talk.case else begun(turn)


def _to_answer(turn: Turn) -> tuple[Line, ...]:
    """Say how the mission is answered, where words of it have come."""
    if turn.talk.case is None or not turn.talk.case.relayed:
        return ()
    return (turn.text("answer_hint" if own_words_asked(turn.book, turn.talk) else "answer_not"),)


def _answer(turn: Turn, meaning: Understood) -> Outcome:
    if isinstance(meaning, Picked):
        named = tuple(choice for choice in meaning.choices if choice not in {MORE, SKIP})
        if MORE in meaning.choices:
            both = tuple(dict.fromkeys((*turn.talk.picked, *named)))
            return again(turn.on(page=1, misses=0, picked=both))
        return picked(turn, named) if named else skip(turn)
    if isinstance(meaning, Own):
        return own_words(turn, meaning.words)
    return _not_understood(turn)


def _searched(turn: Turn, found: tuple[str, ...]) -> Outcome:
    """Go to what a word has led to in the guide, or list it where that is more than one topic."""
    target = topic_step(found[0]) if len(found) == 1 else FOUND
    here = turn.step.name
    trail = (*(name for name in turn.talk.trail if name != here), here)
    turn = turn.on(misses=0, trail=tuple(name for name in trail if name != target), found=found)
    return to(turn, target)


def _comforted(turn: Turn, meaning: Understood) -> Outcome:
    """Show whom to talk with, at once; nothing of what was written is kept or sent. A cry for help is heard as well."""
    outcome = cry(turn) if isinstance(meaning, Cry) else again(turn)
    return _with_note(outcome, turn.text("crisis"))


def _not_understood(turn: Turn) -> Outcome:
    """Say what would be understood, and put the question again, with the way out; it may have been a cry for help."""
    turn = turn.in_private() if turn.step.file else turn
    found = topics_found(turn.message.text, turn.talk.language, turn.book.known) if turn.step.file else ()
    if found:
        return _searched(turn, found)
    turn = turn.on(misses=turn.talk.misses + 1)
    lines = [_missed(turn)]
    if turn.talk.case and "case_now" not in turn.step.says:
        lines.append(case_now(turn.book, turn.talk))  # people write to hear where it is
    lines += _to_answer(turn)
    if turn.talk.misses >= HINT_AFTER:
        return again(turn, *lines, turn.text("hint"))
    outcome = again(turn, *lines)
    return outcome if turn.step.consent else _at_the_end(outcome, turn.text("in_danger"))


def _missed(turn: Turn) -> Line:
    """Say what a question can take; a consent with the very numbers, to a wrong number and from the second time on."""
    step = turn.step
    if step.file:
        return turn.text("not_found")
    if step.consent and (turn.talk.misses >= HINT_AFTER or _is_number(turn)):
        return turn.text("consent_numbers", **consent_numbers(turn.talk, step))
    if step.consent:
        return turn.text("label_needed")
    return turn.text("not_understood_words" if step.kind is Ask.WORDS else "not_understood")


def _is_number(turn: Turn) -> bool:
    """Whether the message is a number or several, and no other word."""
    words = fold(turn.message.text).split()
    return bool(words) and all(word.isdecimal() or word in turn.book.known.numbers for word in words)


def _too_late(turn: Turn, meaning: Understood) -> bool:
    age = turn.now - turn.message.at
    if turn.message.kind is Kind.DELETED:
        return False  # a wish that something be gone holds, however late it comes
    if isinstance(meaning, Cry) or (isinstance(meaning, Ordered) and meaning.command == "emergency"):
        return age > CRY_STALE_AFTER
    return age > STALE_AFTER and not _at_any_time(meaning)


def _at_any_time(meaning: Understood) -> bool:
    """Whether this is a wish to be forgotten or left alone: late, beside a photo or from an old button, it holds."""
    return isinstance(meaning, Ordered) and meaning.command in {"erase", "stop"}


def _unused(conversation: Conversation | None, turn: Turn) -> Outcome:
    """A late message answers nothing: silence, unless a question waits."""
    if conversation is None or not turn.talk.step:
        return Outcome(conversation)
    return again(turn, turn.text("too_old"))


def _refusal(turn: Turn) -> Line | None:
    """Say why a photo is not taken, or that a button is an old one."""
    kind, tapped = turn.message.kind, turn.message.question
    if kind not in _READ:
        return turn.text(f"refused_{kind}")
    return turn.text("old_tap") if tapped is not None and not waits(turn.talk, tapped) else None


def _spoken(turn: Turn, meaning: Understood) -> str:
    """Return the language to speak at first: that of the person's own words, else the platform's hint, if offered."""
    cried = meaning.language if isinstance(meaning, Cry | Picked) else ""
    return cried if cried in turn.book.known.languages else _hinted(turn)


def _hinted(turn: Turn) -> str:
    """Return the language that the platform tells, if it is offered."""
    hint = turn.message.hint
    return next((tag for tag in (hint, hint.partition("-")[0].lower()) if tag in turn.book.known.languages), "")


def _at_the_end(outcome: Outcome, line: Line) -> Outcome:
    """Say a text below the choices: there it is read, and a locked screen doesn't show it."""
    ended = (replace(one, tail=(line, *one.tail)) if isinstance(one, Say) else one for one in outcome.effects)
    return replace(outcome, effects=tuple(ended))


def _with_note(outcome: Outcome, *lines: Line) -> Outcome:
    """Say texts once, before the first words of an outcome."""
    says = [effect for effect in outcome.effects if isinstance(effect, Say)]
    if not says:
        return outcome
    noted = replace(says[0], lines=(*lines, *says[0].lines))
    return replace(outcome, effects=tuple(noted if effect is says[0] else effect for effect in outcome.effects))
