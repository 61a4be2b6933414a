"""A message that the person has edited corrects the answer it gave; after the handoff it is an addition."""

from dataclasses import replace

from bot.conversation.answering import answered, flaw_of, gathered, left_behind, readable, without
from bot.conversation.asking import expected, numbered
from bot.conversation.flow import Step
from bot.conversation.model import Answer, Outcome
from bot.conversation.moves import Turn, again, to
from bot.conversation.understanding import Own, Picked, understand

MOST_CORRECTIONS = 5  # of what is with the mission already
WORDS_STEP = "text"  # what a correction belongs to whose answer is with the mission already


def edited(turn: Turn) -> Outcome:
    """Take an edited message for what it corrects, or say that nothing has changed."""
    old = next((one for one in turn.talk.answers if turn.message.edits in one.message.split()), None)
    if old is None:
        return _not_held(turn)
    step = _step_of(turn, old)
    new = _understood(turn, step, old) if step else None
    if step is None or new is None:
        return again(turn, turn.text("edit_unknown"))
    flaw = flaw_of(turn, step, new.words)
    if flaw:
        return again(turn.on(draft=new.words), flaw)
    return _corrected(turn, step, old, new)


def _not_held(turn: Turn) -> Outcome:
    """Correct a note that is being asked for; after the handoff pass a correction on, but of nothing private."""
    if turn.message.edits in turn.talk.private:
        return _for_note(turn.in_private())
    takes = turn.talk.case and turn.talk.sender.channel in turn.book.own_words
    return _added(turn) if takes else again(turn, turn.text("edit_unknown"))


def _for_note(turn: Turn) -> Outcome:
    note = turn.talk.note
    old = next((one for one in note if turn.message.edits in one.message.split()), None)
    words = readable(turn.message.text)
    if old is None or not words:
        return again(turn, turn.text("edit_unknown"))
    flaw = flaw_of(turn, turn.book.flow.steps[old.step], words)
    if flaw:
        return again(turn, flaw)
    new = replace(old, words=words, message=f"{old.message} {turn.message.id}")
    return again(turn.on(note=tuple(new if one is old else one for one in note)), turn.text("edited"))


def deleted(turn: Turn) -> Outcome:
    """Erase the answer whose message the person has deleted, in silence: somebody may be looking at the phone.

    Where the answers are listed or consented to at that moment, that is asked anew: it was for the old ones.
    """
    old = [one for one in (*turn.talk.answers, *turn.talk.note) if turn.message.edits in one.message.split()]
    turn = turn.on(note=tuple(one for one in turn.talk.note if one not in old))
    if not old:
        return Outcome(turn.talk if turn.talk.step or turn.talk.case else None)
    turn = turn.on(answers=tuple(one for one in turn.talk.answers if one not in old))
    if turn.talk.consents:
        trail = turn.talk.trail
        return to(turn.on(consents=(), trail=trail[:-1]), trail[-1], turn.text("edited"))
    step = turn.book.flow.step(turn.talk.step)  # None: a case that rests, with an addition that has not gone yet
    return again(turn, turn.text("edited")) if step and step.shows else Outcome(turn.talk)


def _corrected(turn: Turn, step: Step, old: Answer, new: Answer) -> Outcome:
    """Put the new answer in the old one's place. What was consented is asked again: it was for the old one."""
    trail, leads = turn.talk.trail, _route(turn, step, new) != _route(turn, step, old)
    if step.name == turn.talk.step or (leads and step.name in trail):
        return answered(turn.on(step=step.name), new)
    gone = left_behind(turn.on(step=step.name), trail, new)
    answers = tuple(new if one is old else one for one in without(turn.talk.answers, gone))
    turn = turn.on(answers=answers, draft="")
    if turn.talk.consents:
        return to(turn.on(consents=(), trail=trail[:-1]), trail[-1], turn.text("edited"))
    return again(turn, turn.text("edited"))


def _added(turn: Turn) -> Outcome:
    """The answer has gone to the mission: the correction follows it, as own words. The waiting question stays."""
    step, words = turn.book.flow.steps[WORDS_STEP], readable(turn.message.text)
    earlier = [one for one in turn.talk.answers if one.step == step.keeps and one.words]
    if not _are_words(words) or len(earlier) >= MOST_CORRECTIONS:
        return again(turn, turn.text("edit_unknown"))
    flaw = flaw_of(turn, step, words)
    if flaw:
        return again(turn.on(draft=words), flaw)
    ids = f"{turn.message.edits} {turn.message.id}"  # a further edit names the first message, or the last
    answer = Answer(step.keeps, (), words, turn.talk.language, ids)
    turn = turn.on(answers=(*turn.talk.answers, answer), draft="")
    return gathered(again(turn, turn.text("edited")), turn.now)


def _are_words(text: str) -> bool:
    """Whether somebody else can make something of it: a number belongs to a question that the officer doesn't see."""
    return any(char.isalpha() for char in text)


def _step_of(turn: Turn, old: Answer) -> Step | None:
    """Return the step that the answer was given at; one that BACK has left behind is known by its name."""
    steps = turn.book.flow.steps
    asked = (steps[name] for name in (*turn.talk.trail, turn.talk.step, old.step) if name)
    return next((step for step in asked if step.keeps == old.step and step.consent is None), None)


def _understood(turn: Turn, step: Step, old: Answer) -> Answer | None:
    """Understand the new words as an answer to the step of the old ones."""
    talk, message = turn.talk, turn.message
    there = replace(talk, step=step.name, offered=numbered(step, ()))
    ids = f"{old.message} {message.id}"  # a further edit names the first message, or the last
    meaning = understand(message.text, expected(turn.book.flow, there), talk.language, turn.book.known)
    if isinstance(meaning, Picked) and set(meaning.choices) <= set(step.names()):
        return Answer(step.keeps, meaning.choices, message=ids)
    return Answer(step.keeps, (), readable(meaning.words), talk.language, ids) if isinstance(meaning, Own) else None


def _route(turn: Turn, step: Step, answer: Answer) -> str:
    return turn.book.paths.next_step(step.name, answer)
