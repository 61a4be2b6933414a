"""A flow is a talk as data: steps, what each asks and offers, and where each choice leads.

Nothing here decides; `engine.py` does. Names (of steps, choices, texts) are what travels and is kept;
English words are the catalogs' message ids, the name with its flow is their context.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256

from bot.conversation.model import ConsentKind

END = "end"  # the target at which a talk is over and what was told is deleted


class Ask(StrEnum):
    """What kind of answer a step takes."""

    ONE = "one"
    SEVERAL = "several"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing offered: a name that is kept, a label that is shown."""

    name: str
    label: str
    words: str = ""  # more words people use for it, comma separated
    given: bool = False  # by the mission's profile: its label is shown as it stands


@dataclass(frozen=True, slots=True)
class Note:
    """A text said on leaving a step, when all these answers are given."""

    when: tuple[tuple[str, str], ...]  # (step, choice)
    text: str  # its name is "<step>.note.<n>"


@dataclass(frozen=True, slots=True)
class Step:
    """One place in a talk."""

    name: str
    ask: str
    title: str = ""  # short label, for the review and the officer
    kind: Ask = Ask.ONE
    choices: tuple[Choice, ...] = ()
    choices_from: str = ""  # "languages" or "areas": filled in from the mission's profile
    next: tuple[tuple[str, str], ...] = ()  # (choice, target step)
    otherwise: str = ""  # target of every choice without one of its own
    keeps: str = ""  # the name its answer is kept under (another step's, where it asks the same)
    spoken: str = ""  # the step whose question and labels it says (its own, or the one it is like)
    says: tuple[str, ...] = ()  # texts said before the question, in the same message
    notes: tuple[Note, ...] = ()
    consent: ConsentKind | None = None
    accepts: tuple[str, ...] = ()  # the choices of a consent that are a yes
    hands_off: bool = False  # leaving it with a yes hands the case to the mission
    sends: bool = False  # leaving it with a yes sends the gathered additions
    skip: bool = True
    urgent: bool = False  # on the SOS path: at most 160 characters
    page: int = 0  # how many choices the first page shows; 0: all
    limit: int = 500  # characters of own words
    checked: bool = True  # own words are looked at for phone numbers and addresses
    shows: bool = False  # lists the answers above the question
    after: bool = False  # asked after the handoff
    returned: bool = False  # own words that are given back at the end, never sent and never kept
    support: str = ""  # the form of support that it tells of
    contexts: Mapping[str, str] = field(default_factory=dict)  # part -> catalog context, where it isn't the usual one
    file: str = ""  # where it is written, if not in the flow's own file
    branch: str = ""  # of the guide

    def target(self, choice: str) -> str:
        """Return where `choice` leads: a step's name or END."""
        return dict(self.next).get(choice, self.otherwise)

    def names(self) -> tuple[str, ...]:
        """Return the names of all choices, in order."""
        return tuple(choice.name for choice in self.choices)


@dataclass(frozen=True, slots=True)
class Flow:
    """All steps of a talk, and the texts said outside of any step."""

    name: str
    version: str  # changes with any word or route
    first: str  # where a talk begins
    sos: str  # where the emergency path begins
    idle: str  # where a talk rests once its case has been handed over
    review_bound: int  # messages from first contact to a consented ordinary case
    sos_bound: int  # the same on the emergency path
    steps: Mapping[str, Step]
    texts: Mapping[str, str]  # name -> English, e.g. "left" -> "It has left us at {time} …"
    carried: str = ""  # where a talk that comes from another channel is shown and confirmed; "": it isn't
    answer: str = ""  # where a person answers the mission; "": they can't
    unasked: str = ""  # where somebody goes on from `idle` who was never asked how to be answered; "": as everybody

    def step(self, name: str) -> Step | None:
        """Return the step of that name, or None where the flow has changed."""
        return self.steps.get(name)

    def with_choices(self, source: str, choices: Mapping[str, str]) -> "Flow":
        """Return this flow with each `choices_from = source` filled in: name -> label."""
        filled = tuple(Choice(name, label, given=True) for name, label in choices.items())
        steps = {
            name: replace(step, choices=filled + step.choices) if step.choices_from == source else step
            for name, step in self.steps.items()
        }
        return replace(self, steps=steps)

    def worded(self, *words: object) -> "Flow":
        """Return this flow under a version that changes with these words, too: all that people read but the English."""
        version = sha256(repr((self.version, words)).encode()).hexdigest()[: len(self.version)]
        return replace(self, version=version)

    def context(self, step: Step, part: str = "") -> str:
        """Return the catalog context of a step's question, or of a part of it (a choice's name)."""
        if part in step.contexts:
            return step.contexts[part]
        at = f"{self.name}.{step.spoken}"
        return f"{at}.{part}" if part else at

    def messages(self) -> Iterator[tuple[str, str]]:
        """Yield every text as (context, English message id), in the order of the file, each once.

        Contexts: "intake.danger" (question), "intake.danger.title", "intake.danger.now" (label),
        "intake.danger.now.words", "intake.danger.note.0", and "say.left" for texts outside of steps.
        """
        return iter(dict.fromkeys(self._messages()))

    def _messages(self) -> Iterator[tuple[str, str]]:
        for step in self.steps.values():
            if step.spoken == step.name:
                yield from self._spoken(step)
            if step.title and step.keeps == step.name:
                yield self.context(step, "title"), step.title
            yield from ((f"{self.name}.{step.name}.note.{n}", note.text) for n, note in enumerate(step.notes))
        yield from ((f"say.{name}", text) for name, text in self.texts.items())

    def _spoken(self, step: Step) -> Iterator[tuple[str, str]]:
        yield self.context(step), step.ask
        for choice in step.choices:
            if choice.given:
                continue
            yield self.context(step, choice.name), choice.label
            if choice.words:
                yield self.context(step, f"{choice.name}.words"), choice.words


@dataclass(frozen=True, slots=True)
class Command:
    """Words that work at every step, and a number that does the same."""

    name: str
    number: int
    words: str  # comma separated
    help: str  # "": HELP doesn't list it


@dataclass(frozen=True, slots=True)
class Commands:
    """All commands, and the cries for help: language ("" for any) -> words."""

    rows: tuple[Command, ...]
    sos: Mapping[str, tuple[str, ...]]
    alarming: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by language: not for a locked screen

    def messages(self) -> Iterator[tuple[str, str]]:
        """Yield (context, message id): "command.stop" and "command.stop.help"."""
        for row in self.rows:
            yield f"command.{row.name}", row.words
            if row.help:
                yield f"command.{row.name}.help", row.help
