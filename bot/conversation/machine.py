"""One `transitions` machine per flow: where each answer leads. Deciding, proving and drawing read the same one.

A walk is a throw-away object with a state; the machine itself is built once and never changes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from transitions import Machine

from bot.conversation.flow import END, Flow, Step
from bot.conversation.model import Answer

SKIP = "skip"  # the trigger of an answer left out
WORDS = "words"  # the trigger of own words


@dataclass(slots=True)
class _Walk:
    _at: str  # an attribute that no choice is named like: a trigger may not share its name


class Paths:
    """Where each answer of a flow leads."""

    def __init__(self, flow: Flow) -> None:
        """Build the machine of `flow`: a state per step, a transition per choice."""
        self.flow = flow
        self._led: dict[tuple[str, str], str] = {}  # each way once taken: the machine is asked once a way
        self._beyond = _beyond(flow) | {END: frozenset[str]()}
        arcs = [{"trigger": trigger, "source": source, "dest": dest} for source, trigger, dest in arcs_of(flow)]
        self.machine = Machine(
            model=None,
            states=[*flow.steps, END],
            transitions=arcs,
            initial=flow.first,
            auto_transitions=False,
            model_attribute="_at",
        )

    def next_step(self, step: str, answer: Answer) -> str:
        """Return the step that follows `answer` at `step`, or END. Several choices: the first that has a way."""
        way = step, self.trigger(step, answer)
        if way not in self._led:
            walk = _Walk(step)
            self.machine.events[way[1]].trigger(walk)
            self._led[way] = walk._at  # noqa: SLF001 - our own throw-away object
        return self._led[way]

    def trigger(self, step: str, answer: Answer) -> str:
        """Return which transition `answer` takes at `step`."""
        if answer.words:
            return WORDS
        routed = [choice for choice, _ in self.flow.steps[step].next if choice in answer.choices]
        return (routed or list(answer.choices) or [SKIP])[0]

    def beyond(self, step: str) -> frozenset[str]:
        """Return every step that can still come from `step` on, itself among them; of END none."""
        return self._beyond[step]

    def walk(self, start: str, answers: Mapping[str, Answer]) -> Iterator[str]:
        """Yield the steps from `start` on that these answers lead through, to the first unanswered or END."""
        step, passed = start, set[str]()
        while step != END and step not in passed:
            yield step
            passed.add(step)
            answer = answers.get(self.flow.steps[step].keeps)
            if answer is None:
                return
            step = self.next_step(step, answer)


def arcs_of(flow: Flow) -> Iterator[tuple[str, str, str]]:
    """Yield every way of a flow as (step, trigger, target step or END)."""
    for step in flow.steps.values():
        for trigger in triggers(step):
            yield step.name, trigger, step.target(trigger)


def _beyond(flow: Flow) -> dict[str, frozenset[str]]:
    """Return what every step leads to, near or far, and itself; what is known of one step isn't walked again."""
    ways = {name: frozenset(map(step.target, triggers(step))) - {END} for name, step in flow.steps.items()}
    beyond: dict[str, frozenset[str]] = {}
    for start, near in ways.items():
        reached, waiting = {start}, set(near)
        while waiting:
            step = waiting.pop()
            reached |= beyond.get(step, {step})
            waiting |= frozenset() if step in beyond else ways[step]
            waiting -= reached
        beyond[start] = frozenset(reached)
    return beyond


def triggers(step: Step) -> Iterable[str]:
    """Return what a step can be answered with: its choices, own words, nothing."""
    yield from step.names()
    if step.kind == "words":
        yield WORDS
    if step.skip:
        yield SKIP
