"""Everything that is proven about a flow before anything starts: one finding is one sentence, file and step named.

Here stands what a single step may be; ways, words and what people type are judged beside, each in its file, and
all are put together by `findings`. What is written in triage.toml and alert.toml belongs to the handoff.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from bot.conversation import collisions, named, prompts, routes
from bot.conversation.asking import MORE
from bot.conversation.flow import END, Ask, Commands, Flow, Note, Step
from bot.conversation.machine import SKIP, WORDS, triggers
from bot.conversation.model import ConsentKind, Words
from bot.conversation.prompts import Standing
from bot.conversation.routes import at, fewest_messages, landings

__all__ = ["broken", "fewest_messages", "findings"]

SOURCES = ("languages", "areas")  # what the profile fills in
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TAKEN = frozenset({SKIP, MORE, WORDS, "otherwise", "title"})  # names that mean something else beside choices

Check = Callable[[Flow, Step], Iterator[str]]


def findings(
    flow: Flow,
    commands: Commands,
    spoken: Mapping[str, Words],
    standing: Standing = MappingProxyType({}),
) -> list[str]:
    """Return what is wrong with a flow, a sentence each; none: it may lead people.

    `flow`: with the profile's areas and languages filled in. `spoken`: the words of each offered language, by tag.
    `standing`: by tag, what the profile puts into places such as {mission}; the longest likely value where it
    says nothing. While a target is missing or a name is taken, nothing else can be proven, and only that is told.
    """
    return broken(flow) or [
        *_each(flow, _STEPS),
        *routes.findings(flow),
        *named.findings(flow),
        *prompts.findings(flow, commands, spoken, standing),
        *collisions.findings(flow, commands, spoken),
    ]


def broken(flow: Flow) -> list[str]:
    """Return what keeps a flow from leading anybody at all: missing targets, names that are taken; a sentence each."""
    return [*_roots(flow), *_each(flow, _FIRST)]


def _each(flow: Flow, checks: tuple[Check, ...]) -> Iterator[str]:
    for step in flow.steps.values():
        for check in checks:
            yield from (f"{at(flow, step.name)}{sentence}" for sentence in check(flow, step))


def _optional(flow: Flow) -> tuple[tuple[str, str], ...]:
    """Return the places of a flow that it may have or not: "" where it has none."""
    return ("carried", flow.carried), ("answer", flow.answer), ("unasked", flow.unasked)


def _roots(flow: Flow) -> Iterator[str]:
    for key, name in (("first", flow.first), ("sos", flow.sos), ("idle", flow.idle), *_optional(flow)):
        if name not in flow.steps and (name or (key, name) not in _optional(flow)):
            yield f"flows/{flow.name}.toml: {key} = '{name}' names a step that doesn't exist"


# ── where a step leads, and what things are called ───────────────────────────────────────────────────────


def _called(_flow: Flow, step: Step) -> Iterator[str]:
    if step.name == END or not _NAME.fullmatch(step.name):
        yield "this can't be the name of a step"
    for choice in step.choices:
        if choice.name in _TAKEN or (not step.choices_from and not _NAME.fullmatch(choice.name)):
            yield f"'{choice.name}' can't be the name of a choice"


def _leads(flow: Flow, step: Step) -> Iterator[str]:
    targets = [*step.next, *([("otherwise", step.otherwise)] if step.otherwise else [])]
    for choice, target in targets:
        if target != END and target not in flow.steps:
            yield f"next.{choice} = '{target}' names a step that doesn't exist"
    answers = (*triggers(step), *([step.choices_from] if step.choices_from else []))
    yield from (f"'{answer}' leads nowhere: next.otherwise is missing" for answer in answers if not step.target(answer))


def _passed_over(flow: Flow, step: Step) -> Iterator[str]:
    last = flow.steps.get(landings(flow, step.name)[-1])
    if last is None or (last.kind is Ask.WORDS and not last.returned):
        yield "own words are passed over on some channels, so another question must follow"


# ── what a step offers ───────────────────────────────────────────────────────────────────────────────────


def _offers(_flow: Flow, step: Step) -> Iterator[str]:
    offered = step.names()
    if not step.ask:
        yield "it asks nothing"
    if step.choices_from not in {"", *SOURCES}:
        yield f"choices_from = '{step.choices_from}' is neither of {', '.join(SOURCES)}"
    if step.kind is Ask.WORDS and offered:
        yield "it takes own words, so it can't offer choices"
    if step.kind is not Ask.WORDS and not offered:
        yield "it offers nothing to choose"
    yield from (f"next.{choice} routes a choice that isn't offered" for choice, _ in step.next if choice not in offered)
    yield from (f"accepts names '{choice}', which isn't offered" for choice in step.accepts if choice not in offered)


def _keeps(flow: Flow, step: Step) -> Iterator[str]:
    """The officer reads an answer by the labels of the step whose name it is kept under."""
    known = flow.steps[step.keeps].names()
    for choice in step.names():
        if choice not in known:
            yield f"it offers '{choice}', but keeps its answer as that of '{step.keeps}', which doesn't"


def _notes(flow: Flow, step: Step) -> Iterator[str]:
    for number, note in enumerate(step.notes):
        yield from (f"note {number} {sentence}" for sentence in _note(flow, step, note))


def _note(flow: Flow, step: Step, note: Note) -> Iterator[str]:
    for name, choice in note.when:
        asked = flow.step(name)
        if asked is None:
            yield f"waits for an answer to '{name}', a step that doesn't exist"
        elif choice not in asked.names():
            yield f"waits for '{choice}' at '{name}', which isn't offered there"
        elif name not in {step.name, step.keeps} and not kept(asked):
            yield f"waits for an answer to '{name}', which isn't kept: it has no title of its own"


def kept(step: Step) -> bool:
    """Whether the answer to a step is kept, under its own name."""
    return bool(step.title) and step.keeps == step.name


# ── consents, and what goes to the mission ───────────────────────────────────────────────────────────────


def _one_of_two(step: Step) -> Iterator[str]:
    """What a question must be that is answered on purpose only: yes or no, and neither by default."""
    if step.skip:
        yield "it can be skipped: it needs skip = false"
    if step.kind is not Ask.ONE or step.page or step.choices_from:
        yield "it takes one choice, all of them written here and shown at once"
    if set(step.accepts).isdisjoint(step.names()):
        yield "no choice of it accepts"
    if set(step.names()) <= set(step.accepts):
        yield "there is no choice that doesn't accept"


def _consent(flow: Flow, step: Step) -> Iterator[str]:
    if not step.consent:
        return
    yield from (f"a consent, but {sentence}" for sentence in _one_of_two(step))
    yield from (
        f"a consent is given by number or whole label only: words.{choice.name} must go"
        for choice in step.choices
        if choice.words and choice.name in step.accepts
    )
    for choice in step.accepts if step.urgent and not step.hands_off else ():
        then = flow.steps.get(step.target(choice))
        if then and not then.urgent:
            yield f"'{choice}' leads from an urgent step to '{then.name}', which isn't urgent"


def _handing(_flow: Flow, step: Step) -> Iterator[str]:
    if step.hands_off and (step.consent is not ConsentKind.ACT or step.after):
        yield "only a consent to act, asked before the handoff, can hand over"
    if not step.sends:
        return
    yield from (f"what was added is sent, but {sentence}" for sentence in _one_of_two(step))
    if step.consent or not step.after:
        yield "additions are sent after the handoff, by a step that is no consent"
    if step.otherwise == step.name:
        yield "with nothing to send it leads to itself"


_FIRST: tuple[Check, ...] = (_called, _leads)
_STEPS: tuple[Check, ...] = (_passed_over, _offers, _keeps, _notes, _consent, _handing)
