"""A stored talk whose flow has changed: it goes on at the nearest step that stands, and loses nothing that fits."""

from dataclasses import replace

from bot.conversation.asking import MORE, Rulebook, ask_again
from bot.conversation.flow import Ask, Step
from bot.conversation.machine import SKIP
from bot.conversation.model import Answer, Conversation

GONE = ""  # the name of a choice that was offered by a question that has changed


def settle(book: Rulebook, talk: Conversation) -> tuple[Conversation, bool]:
    """Return the talk as the present flow can lead it, and whether its questions have changed.

    A waiting question that still stands keeps the numbers the person saw; a consent is always asked anew, and
    the second one after the first.
    """
    if not talk.flow or talk.flow == book.flow.version:
        return (_unseen(talk) if _says_else(book, talk) else talk), False  # the answer brings it anew
    steps = book.flow.steps
    keeps = {step.keeps: step for step in steps.values() if step.title}
    answers = tuple(one for one in talk.answers if one.step in keeps and _fits(one, keeps[one.step]))
    trail = tuple(name for name in talk.trail if name in steps)
    here = talk.resume or talk.step
    there = here if _stands(book, here) else _nearest(book, talk, trail)
    if there != here and there in trail:
        trail = trail[: trail.index(there)]
    step, resume = (talk.step, there) if talk.resume and talk.step == book.flow.first else (there, "")
    known = {*steps[step].names(), SKIP, MORE} if step else set[str]()
    stands = step == talk.step and all(name in known for _, name in talk.offered)
    return replace(
        talk,
        flow=book.flow.version,
        answers=answers,
        trail=trail,
        step=step,
        resume=resume,
        offered=talk.offered if stands else tuple((number, GONE) for number, _ in talk.offered),
        serial=talk.serial + bool(step and steps[step].consent),  # the buttons it was put with are old ones
        wording="",
        copies=0,
        seen_at=None,
        consents=(),
        picked=tuple(name for name in talk.picked if name in known and step == talk.step),
    ), True


def _says_else(book: Rulebook, talk: Conversation) -> bool:
    """Whether the waiting consent would say something else today: that the bot can read the case for a while, say."""
    step = book.flow.step(talk.step)
    return step is not None and step.consent is not None and ask_again(book, talk)[0].wording != talk.wording


def _unseen(talk: Conversation) -> Conversation:
    """Return the talk with its question as one that nobody has seen; the buttons it was put with are old ones."""
    return replace(talk, serial=talk.serial + 1, wording="", copies=0, seen_at=None)


def _stands(book: Rulebook, name: str) -> bool:
    """Whether a talk may go on at this step; "": no question waits."""
    step = book.flow.step(name)
    return not step.hands_off if step else not name


def _nearest(book: Rulebook, talk: Conversation, trail: tuple[str, ...]) -> str:
    if trail:
        return trail[-1]
    return book.flow.idle if talk.case else book.flow.first


def _fits(answer: Answer, step: Step) -> bool:
    if answer.words:
        return step.kind is Ask.WORDS
    return set(answer.choices) <= set(step.names())
