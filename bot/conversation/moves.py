"""One turn in the making, and the moves every decision is made of: ask again, go to a step, go on.

Pure. A move returns an Outcome; nothing here knows what a message meant.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.conversation.asking import Rulebook, added, ask, ask_again, languages, own_words_asked, text
from bot.conversation.flow import END, Ask, Step
from bot.conversation.model import Chance, Conversation, Line, Message, Outcome, Say, Weight
from bot.conversation.tracing import SHOWN_AFTER_END, cleared

STALE_AFTER = timedelta(hours=1)  # an older message answers nothing
PRIVATE = 50  # messages that are remembered as private


@dataclass(frozen=True, slots=True)
class Turn:
    """What one decision may look at."""

    book: Rulebook
    talk: Conversation
    message: Message
    now: datetime  # aware, in the mission's zone
    chance: Chance

    def on(self, **changes: object) -> "Turn":
        """Return this turn with the conversation changed."""
        talk = replace(self.talk, **changes)  # type: ignore[arg-type]  # named by its fields
        return Turn(self.book, talk, self.message, self.now, self.chance)

    def in_private(self) -> "Turn":
        """Return this turn with its message remembered, by its id, as one whose correction is never passed on."""
        ids = tuple(one for one in self.talk.private if one != self.message.id)
        return self.on(private=(*ids, self.message.id)[-PRIVATE:])

    @property
    def step(self) -> Step:
        """The step whose question waits."""
        return self.book.flow.steps[self.talk.step]

    def text(self, name: str, **values: str) -> Line:
        """Return a text by name, in the form for this person's channel and mission."""
        return text(self.book, self.talk, name, **values)

    def status(self, *lines: Line) -> Say:
        """Return words without a question."""
        return Say(lines, languages(self.book, self.talk), weight=Weight.STATUS)


def again(turn: Turn, *lines: Line) -> Outcome:
    """Say something and put the waiting question again, or the first one."""
    if not turn.talk.step:
        return begin(turn, *lines)
    talk, say = ask_again(turn.book, turn.talk, *lines)
    return Outcome(talk, (say,))


def begin(turn: Turn, *lines: Line) -> Outcome:
    """Begin a talk, or take one up whose case is with the mission."""
    flow = turn.book.flow
    return to(turn, flow.idle if turn.talk.case else flow.first, *lines)


def to(turn: Turn, target: str, *lines: Line) -> Outcome:
    """Say something and put the question of `target`; END deletes what was told."""
    if target == END:
        return _rest(turn, *lines)
    flow = turn.book.flow
    step = _open_step(turn, target)
    if step.sends and not added(turn.talk):
        return to(turn, step.otherwise, *lines, turn.text("nothing_added"))
    if step.name == flow.sos:
        turn = turn.on(urgent=True)
    if step.name != flow.first:
        turn = turn.on(resume="")
    talk, say = ask(turn.book, turn.talk, step, *lines)
    return Outcome(talk, (say,))


def onward(turn: Turn, target: str, *lines: Line) -> Outcome:
    """Go to the first step from `target` on that has no answer yet: after BACK nobody answers all anew."""
    answers = {answer.step: answer for answer in turn.talk.answers}
    while target != END and target not in turn.talk.trail:
        step = turn.book.flow.steps[target]
        if step.consent or step.after or step.keeps not in answers:
            break
        turn = turn.on(trail=(*turn.talk.trail, target))
        target = turn.book.paths.next_step(target, answers[step.keeps])
    return to(turn, target, *lines)


def _rest(turn: Turn, *lines: Line) -> Outcome:
    """End a talk: what was told is deleted, but for the record of a case that was handed over."""
    if turn.talk.case is None:
        words = turn.status(*(lines or (turn.text("ended"),)), turn.text("clear"))
        return Outcome(None, (words, *cleared(turn.talk, turn.now + SHOWN_AFTER_END)))
    resting = turn.on(step="", offered=(), wording="", copies=0, seen_at=None, trail=(), resume="").talk
    return Outcome(resting, (turn.status(*lines, turn.text("rest")),))


def _open_step(turn: Turn, target: str) -> Step:
    """Pass over own words on a channel that is not for them; once a case is handed over, over a second intake.

    What is asked after the handoff as well, such as the wish for another language, is asked as it is there.
    """
    flow = turn.book.flow
    step = flow.steps[target]
    if turn.talk.case and step.title and not (step.after or step.consent or step.returned):
        asked = (one for one in flow.steps.values() if one.after and one.keeps == step.name)
        return next(asked, flow.steps[flow.idle])
    while step.kind is Ask.WORDS and not step.returned and not own_words_asked(turn.book, turn.talk):
        step = flow.steps[step.otherwise]
    return step
