"""A stored talk whose flow has changed: it goes on at the nearest step that stands, and loses nothing that fits."""

from dataclasses import replace

from bot.conversation.asking import MORE, Rulebook
from bot.conversation.flow import Ask, Step
from bot.conversation.machine import SKIP
from bot.conversation.model import Answer, Conversation


def settle(book: Rulebook, talk: Conversation) -> tuple[Conversation, bool]:
    """Return the talk as the present flow can lead it, and whether its questions have changed.

    A waiting question that still stands keeps the numbers the person saw; a consent is always asked anew.
    """
    if not talk.flow or talk.flow == book.flow.version:
        return talk, False
    steps = book.flow.steps
    keeps = {step.keeps: step for step in steps.values() if step.title}
    answers = tuple(one for one in talk.answers if one.step in keeps and _fits(one, keeps[one.step]))
    trail = tuple(name for name in talk.trail if name in steps)
    step = talk.step if talk.step in steps or not talk.step else _nearest(book, talk, trail)
    trail = trail[: trail.index(step)] if step in trail else trail
    known = {*steps[step].names(), SKIP, MORE} if step else set[str]()
    stands = step == talk.step and all(name in known for _, name in talk.offered)
    offered = talk.offered if stands else ()
    return replace(
        talk,
        flow=book.flow.version,
        answers=answers,
        trail=trail,
        step=step,
        offered=offered,
        seen_at=None,
        consents=(),
    ), True


def _nearest(book: Rulebook, talk: Conversation, trail: tuple[str, ...]) -> str:
    if trail:
        return trail[-1]
    return book.flow.idle if talk.case else book.flow.first


def _fits(answer: Answer, step: Step) -> bool:
    if answer.words:
        return step.kind is Ask.WORDS
    return set(answer.choices) <= set(step.names())
