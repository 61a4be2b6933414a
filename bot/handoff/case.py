"""A case as the mission receives it: what was answered, and what follows from it for the officer.

Names and values only; words in the officer's language are `alert.py`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.conversation.model import Answer, ConsentKind, HandOff
from bot.handoff.triage import Triage

DONTS = ("authorities", "publicity", "family", "call")  # choices of the step "donts", all on until asked


@dataclass(frozen=True, slots=True)
class Case:
    """One case, or an addition to it, read for the officer."""

    told: HandOff = field(repr=False)
    answers: Mapping[str, Answer] = field(repr=False)  # by step
    donts: tuple[str, ...] | None  # None: an addition that says nothing about it
    desk: str  # "" when the theme of the work is not known from here
    unasked: bool  # another person's case, who could not be asked
    minor: bool

    @property
    def added(self) -> bool:
        """Whether this is an addition to a case that was sent before."""
        return self.told.number > 0

    @property
    def authorities_unsaid(self) -> bool:
        """Whether the mission may act and the writer was not asked yet about authorities, nor asked for them."""
        asked = self.added or "donts" in self.answers or "quiet" in chosen(self.answers, "want")
        return not asked and may_act(self.told) != "talk"


def case_of(told: HandOff, triage: Triage) -> Case:
    """Return the case that a handoff holds."""
    answers = {answer.step: answer for answer in told.answers}
    return Case(
        told,
        answers,
        _donts(told, answers),
        "" if told.number and "work" not in answers else triage.desk(told.answers),
        "cannot" in chosen(answers, "agree"),
        "no" in chosen(answers, "adult"),
    )


def chosen(answers: Mapping[str, Answer], step: str) -> tuple[str, ...]:
    """Return the choices given at `step`, () when it has no answer."""
    return answers[step].choices if step in answers else ()


def may_act(told: HandOff) -> str:
    """Return the choice of the second consent: "act", "talk" or "share"."""
    return next((one.choice for one in told.consents if one.kind is ConsentKind.ACT), "talk")


def _donts(told: HandOff, answers: Mapping[str, Answer]) -> tuple[str, ...] | None:
    """What must not be done: all of it until the person says otherwise; who may act may ask authorities."""
    talk = may_act(told) == "talk"
    if "donts" in answers:
        left = tuple(one for one in DONTS if one not in answers["donts"].choices)
    elif told.number:
        return None
    else:
        left = DONTS if talk else tuple(one for one in DONTS if one != "authorities")
    return ("act", *left) if talk else left
