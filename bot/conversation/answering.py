"""What an answer changes: it is kept, it leads on, and two of them are consents.

Pure. An answer that is no longer on the person's path is not handed over; a consent counts only when its
question had been seen, or was put twice and nobody can say whether it came.
"""

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from unicodedata import category

from bot.conversation.asking import added, case_now, waits
from bot.conversation.carrying import confirmed
from bot.conversation.flow import END, Step
from bot.conversation.handing import STOPPED, hand_off, hand_on
from bot.conversation.model import Answer, Consent, ConsentKind, Conversation, Line, Outcome, Timer, Wake
from bot.conversation.moves import Turn, again, onward, to
from bot.conversation.noting import noted
from bot.conversation.understanding import fold

REPLY = "reply"  # the step that asks how the person may be answered
GATHERED_FOR = timedelta(minutes=10)  # additions wait so long after the last, then go as one
_LINE_BREAKS = frozenset("\n\u200c\u200d")  # and the joiners that some scripts are written with
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})
_SUSPICIOUS = re.compile(r"\S+@\S+\.\S+|(?:\d[ \-.()/]{0,2}){7,}")  # mail addresses; seven digits and more


def picked(turn: Turn, choices: tuple[str, ...]) -> Outcome:
    """Take choices by name as the answer to the waiting question."""
    if turn.step.consent and not _seen(turn):
        return again(turn, turn.text("not_seen"))
    if turn.step.choices_from == "languages" and _spoken_here(turn, Answer("", choices)):
        turn = turn.on(language=choices[0])
    earlier = tuple(choice for choice in turn.talk.picked if choice not in choices)
    return answered(turn, Answer(turn.step.keeps, (*earlier, *choices), message=turn.message.id))


def own_words(turn: Turn, words: str) -> Outcome:
    """Keep the person's own words, if they fit and hold nothing that points at somebody."""
    words = readable(words)
    flaw = flaw_of(turn, turn.step, words)
    if flaw:
        return again(turn.on(draft=words), flaw)
    return answered(turn, Answer(turn.step.keeps, (), words, turn.talk.language, turn.message.id))


def readable(words: str) -> str:
    """Return own words without characters that move a cursor, turn a line round or hide: an officer reads them."""
    return "".join(char for char in words if char in _LINE_BREAKS or category(char) not in _UNSEEN).strip()


def flaw_of(turn: Turn, step: Step, words: str) -> Line | None:
    """Return what speaks against keeping these words, if anything does. Written a second time, only their length."""
    if len(words) > step.limit:
        return turn.text("too_long", length=str(len(words)), limit=str(step.limit))
    if step.checked and words != turn.talk.draft and _points_at_somebody(words):
        return turn.text("soft_check")
    return None


def answered(turn: Turn, answer: Answer) -> Outcome:
    """Keep an answer and go where it leads."""
    step = turn.step
    turn = turn.on(misses=0, draft="", page=0, picked=())
    if step.returned:
        return noted(turn, answer)
    if step.name == turn.book.flow.carried:
        return confirmed(turn, answer.choices[0])
    if turn.talk.resume and step.name == turn.book.flow.first and _spoken_here(turn, answer):
        return to(turn, turn.talk.resume)
    if step.consent:
        return _consented(turn, answer)
    if step.sends:
        return _sent_or_dropped(turn, answer)
    turn = _kept(turn, answer)
    target = _unasked(turn, step, turn.book.paths.next_step(step.name, answer))
    wishes = step.choices_from == "languages" and not _spoken_here(turn, answer)
    leads = to if wishes else onward  # whoever wishes for another language again is asked again which one
    outcome = leads(turn, target, *_notes(turn, step, answer))
    return gathered(outcome, turn.now) if step.after else outcome


def _unasked(turn: Turn, step: Step, target: str) -> str:
    """Return where somebody goes on: the mission does not know how to answer who wrote SOS alone, or STOP since."""
    flow, case = turn.book.flow, turn.talk.case
    if case is None or case.reply not in {"", STOPPED} or step.name != flow.idle or target == END or not flow.unasked:
        return target
    told = {answer.step: answer for answer in turn.talk.answers}
    target = flow.unasked
    while target != END and flow.steps[target].keeps in told:  # what waits to be sent isn't asked again
        target = turn.book.paths.next_step(target, told[flow.steps[target].keeps])
    return target


def _spoken_here(turn: Turn, answer: Answer) -> bool:
    return answer.choices[0] in turn.book.known.languages


def pass_on(turn: Turn) -> Outcome:
    """Send what was added as one further mail for the same case, and rest."""
    talk, effects = hand_on(turn.book, turn.talk, turn.now)
    rest = to(replace(turn, talk=talk), END, turn.text("adding"))
    return replace(rest, effects=(*effects, *rest.effects))


def gathered(outcome: Outcome, now: datetime) -> Outcome:
    """Let what was added to a case go by itself ten minutes after the last of it."""
    talk = outcome.conversation
    if talk is None or not added(talk):
        return outcome
    wake = Wake(Timer.GATHER, now + GATHERED_FOR, talk.serial)
    return replace(outcome, conversation=replace(talk, gathering=talk.serial), effects=(*outcome.effects, wake))


def _seen(turn: Turn) -> bool:
    """Whether the waiting question had reached the person when the message was written."""
    if waits(turn.talk, turn.message.question):
        return True
    return turn.talk.seen_at is not None and turn.message.at >= turn.talk.seen_at


def _points_at_somebody(words: str) -> bool:
    return bool(_SUSPICIOUS.search(words) or _SUSPICIOUS.search(fold(words)))


def _kept(turn: Turn, answer: Answer) -> Turn:
    """Keep an answer that the mission is to read; any answer given anew takes back what was consented.

    Where it leads another way than before, the answers that only the way before led to are dropped.
    """
    step, talk, case = turn.step, turn.talk, turn.talk.case
    trail = _trail(talk, step)
    others = without(talk.answers, {answer.step, *left_behind(turn, trail, answer)})
    if case and step.keeps == REPLY and answer.choices:
        case = replace(case, reply=answer.choices[0])
    return turn.on(
        answers=(*others, answer) if step.title else others,
        trail=trail,
        consents=(),
        case=case,
    )


def left_behind(turn: Turn, trail: tuple[str, ...], answer: Answer) -> set[str]:
    """Return what was answered on the way that this step's earlier answer led, and this one doesn't."""
    paths, steps, here = turn.book.paths, turn.book.flow.steps, turn.step.name
    before = [one for one in turn.talk.answers if one.step == answer.step]
    ways = {name for one in before for name in paths.beyond(paths.next_step(here, one))}
    still = {*trail, *paths.beyond(paths.next_step(here, answer))}
    return {steps[name].keeps for name in ways} - {steps[name].keeps for name in still}


def without(answers: tuple[Answer, ...], steps: Collection[str]) -> tuple[Answer, ...]:
    """Return the answers but those given at these steps."""
    return tuple(one for one in answers if one.step not in steps)


def _trail(talk: Conversation, step: Step) -> tuple[str, ...]:
    trail = talk.trail
    before = trail[: trail.index(step.name)] if step.name in trail else trail
    return (*before, step.name)


def _notes(turn: Turn, step: Step, answer: Answer) -> tuple[Line, ...]:
    """Return the texts whose answers are all given; the newest answer counts with the kept ones."""
    given = {(one.step, choice) for one in turn.talk.answers for choice in one.choices}
    given |= {(step.name, choice) for choice in answer.choices} | {(step.keeps, choice) for choice in answer.choices}
    return tuple(
        Line(f"{turn.book.flow.name}.{step.name}.note.{n}")
        for n, note in enumerate(step.notes)
        if given.issuperset(note.when)
    )


# ── consents ─────────────────────────────────────────────────────────────────────────────────────────────


def _consented(turn: Turn, answer: Answer) -> Outcome:
    step = turn.step
    target = turn.book.paths.next_step(step.name, answer)
    notes = _notes(turn, step, answer)
    if answer.choices[0] not in step.accepts:
        earlier = (case_now(turn.book, turn.talk),) if turn.talk.case else ()  # "not sent" isn't said of that one
        turn = turn.on(consents=(), answers=without(turn.talk.answers, {step.keeps}))
        return to(turn, target, *earlier, *notes)
    consent = Consent(step.consent or ConsentKind.SEND, answer.choices[0], turn.book.flow.version, turn.now)
    if not step.hands_off:
        turn = _kept(turn, answer).on(consents=(consent,))
        return pass_on(turn) if turn.talk.case else to(turn, target, *notes)  # SOS again: an addition, at once
    if not any(one.kind is ConsentKind.SEND for one in turn.talk.consents):
        return to(turn, turn.book.flow.first)  # no path leads here; a stored talk of another flow might
    answers = (*added(turn.talk), answer)
    turn = turn.on(consents=(*turn.talk.consents, consent), answers=answers)
    return _handed_off(turn, target, notes)


def _handed_off(turn: Turn, target: str, notes: tuple[Line, ...]) -> Outcome:
    talk, effects = hand_off(turn)
    offered = to(replace(turn, talk=talk), target)
    return replace(offered, effects=(*effects, *((turn.status(*notes),) if notes else ()), *offered.effects))


def _sent_or_dropped(turn: Turn, answer: Answer) -> Outcome:
    if answer.choices[0] in turn.step.accepts or not added(turn.talk):  # gone by itself in between
        return pass_on(turn)
    return to(turn.on(answers=(), trail=(), gathering=0), turn.step.otherwise, turn.text("dropped"))
