"""A note to take along: what a person answers is given back as one text, and no longer kept.

Pure. None of it ever belongs to a case; whoever leaves the questions leaves the note.
"""

from dataclasses import replace

from bot.conversation.model import Answer, Outcome
from bot.conversation.moves import Turn, to


def noted(turn: Turn, answer: Answer) -> Outcome:
    """Keep an answer for the note; after the last question, give the note back."""
    talk, here = turn.talk, turn.step.name
    note = (*(one for one in talk.note if one.step != answer.step), *((answer,) if answer.words else ()))
    known = {one.step: one for one in note}
    trail = (*(talk.trail[: talk.trail.index(here)] if here in talk.trail else talk.trail), here)
    target = turn.book.paths.next_step(here, answer)
    while _asks(turn, target) and target in known:  # after BACK nobody answers all anew
        trail = (*trail, target)
        target = turn.book.paths.next_step(target, known[target])
    turn = turn.on(note=note, trail=trail).in_private()
    return to(turn, target) if _asks(turn, target) else _given_back(turn, target)


def _given_back(turn: Turn, target: str) -> Outcome:
    """Say the note as it was asked for, question by question, and forget it."""
    order = list(turn.book.flow.steps)
    note = tuple(sorted(turn.talk.note, key=lambda one: order.index(one.step)))
    trail = tuple(name for name in turn.talk.trail if not _asks(turn, name))
    outcome = to(turn.on(note=(), trail=trail), target)
    given = replace(turn.status(turn.text("note_given")), shown=note, final=True)
    return replace(outcome, effects=(given, *outcome.effects)) if note else outcome


def _asks(turn: Turn, name: str) -> bool:
    step = turn.book.flow.step(name)
    return step is not None and step.returned
