"""One turn, decided: what a message changes in a conversation, and what follows from it.

Pure: time and chance are arguments; nothing is sent or stored here. Read `advance` from the top. `report`
takes what happened outside, and is the same kind of decision.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.conversation.answering import own_words, picked
from bot.conversation.asking import MORE, Rulebook, case_now, expected
from bot.conversation.commands import command, cry, skip
from bot.conversation.editing import edited
from bot.conversation.flow import Ask
from bot.conversation.machine import SKIP
from bot.conversation.model import Chance, Conversation, Kind, Line, Message, Outcome, Say
from bot.conversation.moves import STALE_AFTER, Turn, again, begin
from bot.conversation.settling import settle
from bot.conversation.status import report
from bot.conversation.understanding import Cry, Ordered, Own, Picked, Unclear, Understood, understand

__all__ = ["Rulebook", "advance", "lives_until", "report"]

CRY_STALE_AFTER = timedelta(days=1)  # an older cry for help is no longer one
HINT_AFTER = 2  # messages in a row that were not understood
_READ = frozenset({Kind.TEXT, Kind.TAP})


def advance(
    book: Rulebook, conversation: Conversation | None, message: Message, now: datetime, chance: Chance
) -> Outcome:
    """Decide one turn: the conversation after `message`, and the effects to carry out once that is stored.

    `now` is aware and in the mission's time zone. No message raises.
    """
    talk = replace(conversation, sender=message.sender) if conversation else Conversation(message.sender)
    talk, changed = settle(book, talk)
    turn = Turn(book, talk, message, now, chance)
    meaning = understand(message.text, expected(book.flow, talk), talk.language, book.known)
    if _too_late(turn, meaning):
        outcome = _unused(conversation, turn)
    else:
        turn = turn.on(heard_at=now, language=talk.language or _spoken(turn, meaning))
        asks_anew = changed and isinstance(meaning, Unclear) and message.kind in _READ
        outcome = again(turn) if asks_anew else _decide(turn, meaning)
    return _with_note(outcome, Line("say.changed")) if changed and outcome.conversation else outcome


def lives_until(book: Rulebook, talk: Conversation, now: datetime) -> datetime:
    """Return when this conversation expires if nothing more is heard."""
    if talk.case:
        return talk.case.opened_at + book.case_lives
    return now + (book.urgent_lives if talk.urgent else book.intake_lives)


def _decide(turn: Turn, meaning: Understood) -> Outcome:
    if isinstance(meaning, Cry):
        return cry(turn)
    refusal = _refusal(turn)
    if refusal and not _at_any_time(meaning):
        return again(turn, refusal)
    if isinstance(meaning, Ordered):
        return command(turn, meaning.command, meaning.argument)
    if turn.message.edits:
        return edited(turn)
    return _answer(turn, meaning) if turn.talk.step else begin(turn)


def _answer(turn: Turn, meaning: Understood) -> Outcome:
    if isinstance(meaning, Picked):
        named = tuple(choice for choice in meaning.choices if choice not in {MORE, SKIP})
        if named:
            return picked(turn, named)
        return again(turn.on(page=1, misses=0)) if MORE in meaning.choices else skip(turn)
    if isinstance(meaning, Own):
        return own_words(turn, meaning.words)
    return _not_understood(turn)


def _not_understood(turn: Turn) -> Outcome:
    """Say what would be understood, and put the question again; from the second time on with the way out."""
    turn = turn.on(misses=turn.talk.misses + 1)
    name = "not_understood_words" if turn.step.kind is Ask.WORDS else "not_understood"
    lines = [turn.text("label_needed" if turn.step.consent else name)]
    if turn.talk.case and "case_now" not in turn.step.says:
        lines.append(case_now(turn.book, turn.talk))  # people write to hear where it is
    if turn.talk.misses >= HINT_AFTER:
        lines.append(turn.text("hint"))
    return again(turn, *lines)


def _too_late(turn: Turn, meaning: Understood) -> bool:
    age = turn.now - turn.message.at
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
    return turn.text("old_tap") if tapped is not None and tapped != turn.talk.serial else None


def _spoken(turn: Turn, meaning: Understood) -> str:
    """Return the language to speak at first: that of the person's own words, else the platform's hint, if offered."""
    cried = meaning.language if isinstance(meaning, Cry | Picked) else ""
    hint = turn.message.hint
    wanted = (cried, hint, hint.partition("-")[0].lower())
    return next((tag for tag in wanted if tag in turn.book.known.languages), "")


def _with_note(outcome: Outcome, line: Line) -> Outcome:
    """Say a text once, before the first words of an outcome."""
    says = [effect for effect in outcome.effects if isinstance(effect, Say)]
    if not says:
        return outcome
    noted = replace(says[0], lines=(line, *says[0].lines))
    return replace(outcome, effects=tuple(noted if effect is says[0] else effect for effect in outcome.effects))
