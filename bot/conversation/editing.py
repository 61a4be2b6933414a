"""A message that the person has edited corrects the answer it gave; after the handoff it is an addition."""

from dataclasses import replace

from bot.conversation.answering import answered, own_words
from bot.conversation.asking import expected, numbered
from bot.conversation.flow import Step
from bot.conversation.model import Answer, Outcome
from bot.conversation.moves import Turn, again
from bot.conversation.understanding import Own, Picked, understand

WORDS_STEP = "text"  # where a correction goes that comes after the handoff


def edited(turn: Turn) -> Outcome:
    """Take an edited message for what it corrects, or say that nothing has changed."""
    if turn.talk.case:
        return _added(turn)
    old = next((one for one in turn.talk.answers if one.message == turn.message.edits), None)
    step = _step_of(turn, old) if old else None
    new = _understood(turn, step) if step else None
    if old is None or step is None or new is None:
        return again(turn, turn.text("edit_unknown"))
    if _route(turn, step, new) == _route(turn, step, old):
        kept = tuple(new if one is old else one for one in turn.talk.answers)
        return again(turn.on(answers=kept), turn.text("edited"))
    return answered(turn.on(step=step.name), new)


def _added(turn: Turn) -> Outcome:
    """The answer has gone to the mission: the correction follows it."""
    if not turn.message.text.strip():
        return again(turn, turn.text("edit_unknown"))
    return own_words(turn.on(step=WORDS_STEP), turn.message.text)


def _step_of(turn: Turn, old: Answer) -> Step | None:
    steps = (turn.book.flow.steps[name] for name in turn.talk.trail)
    return next((step for step in steps if step.keeps == old.step and step.consent is None), None)


def _understood(turn: Turn, step: Step) -> Answer | None:
    """Understand the new words as an answer to the step of the old ones."""
    there = replace(turn.talk, step=step.name, offered=numbered(step, ()))
    talk, message = turn.talk, turn.message
    meaning = understand(message.text, expected(turn.book.flow, there), talk.language, turn.book.known)
    if isinstance(meaning, Picked) and set(meaning.choices) <= set(step.names()):
        return Answer(step.keeps, meaning.choices, message=message.id)
    return Answer(step.keeps, (), meaning.words, talk.language, message.id) if isinstance(meaning, Own) else None


def _route(turn: Turn, step: Step, answer: Answer) -> str:
    return turn.book.paths.next_step(step.name, answer)
