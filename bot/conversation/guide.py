"""The guide as data: topics in branches, each told in three short messages; and the steps that a flow gets from it.

Pure. A topic's steps are ordinary steps, so that every proof about a flow, its numbers, words and drawings holds for
the guide too. What this mission does is told beside a topic, from its profile; nothing of it stands here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bot.conversation.flow import END, Choice, Flow, Step

ROOT, FOUND = "guide", "guide_found"
TOPIC = "guide_"  # how the names of its other steps begin
NOTE = "note"  # the step that begins a note to take along
RISK, HOW = "risk", "how"  # the second and third message of a topic
AVAILABLE = "available"  # said before the first: whether this mission does it


@dataclass(frozen=True, slots=True)
class Branch:
    """Topics that belong together."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing to read about."""

    name: str
    branch: str
    title: str
    words: str  # more that people type to find it, comma separated
    what: str
    risk: str
    how: str
    support: str = ""  # the form of support whose availability is told; "": it is none


@dataclass(frozen=True, slots=True)
class Guide:
    """All topics. `labels`: what leads on from a topic, by choice: risk, how, note, others, tell, leave."""

    name: str
    ask: str
    ask_branch: str
    ask_found: str
    labels: Mapping[str, str]
    branches: tuple[Branch, ...]
    topics: tuple[Topic, ...]

    def within(self, branch: str) -> tuple[Topic, ...]:
        """Return the topics of a branch, in order."""
        return tuple(topic for topic in self.topics if topic.branch == branch)

    def messages(self) -> Iterator[tuple[str, str]]:
        """Yield every text as (context, English): "guide", "guide.go.risk", "guide.visas.what"."""
        yield from (("guide", self.ask), ("guide.branch", self.ask_branch), ("guide.found", self.ask_found))
        yield from ((f"guide.go.{name}", label) for name, label in self.labels.items())
        yield from ((f"guide.{branch.name}.title", branch.title) for branch in self.branches)
        for topic in self.topics:
            parts = ("title", "words", "what", RISK, HOW)
            yield from ((f"guide.{topic.name}.{part}", getattr(topic, part)) for part in parts)


def with_guide(flow: Flow, guide: Guide, tell: str) -> Flow:
    """Return `flow` with the guide's steps; `tell`: the step where a case is told."""
    steps = {step.name: step for step in _steps(guide, tell)}
    return replace(flow, steps={**flow.steps, **steps})


def topic_step(name: str) -> str:
    """Return the name of a topic's first step."""
    return f"{TOPIC}{name}"


def _steps(guide: Guide, tell: str) -> Iterator[Step]:
    yield _question(guide, ROOT, "guide", guide.ask, tell, branches=guide.branches)
    for branch in guide.branches:
        topics = guide.within(branch.name)
        step = _question(guide, topic_step(branch.name), "guide.branch", guide.ask_branch, tell, topics=topics)
        yield replace(step, branch=branch.name)
    yield _question(guide, FOUND, "guide.found", guide.ask_found, tell, topics=guide.topics)
    for topic in guide.topics:
        yield from _told(guide, topic, tell)


def _question(  # noqa: PLR0913 - what one question is made of
    guide: Guide,
    name: str,
    context: str,
    ask: str,
    tell: str,
    *,
    branches: tuple[Branch, ...] = (),
    topics: tuple[Topic, ...] = (),
) -> Step:
    """Return a step that asks for a branch, or for a topic."""
    listed = [*(Choice(one.name, one.title) for one in branches), *(Choice(t.name, t.title, t.words) for t in topics)]
    contexts = {choice.name: f"guide.{choice.name}.title" for choice in listed}
    contexts |= {f"{topic.name}.words": f"guide.{topic.name}.words" for topic in topics}
    leads = [(choice.name, topic_step(choice.name)) for choice in listed]
    further = ("tell", "leave") if branches else ("others", "tell")
    return _step(guide, name, (context, ask), (listed, contexts, leads), _further(guide, further, tell))


def _told(guide: Guide, topic: Topic, tell: str) -> Iterator[Step]:
    """Yield the three messages of a topic: what it is, what can go wrong, how to ask for it."""
    name = topic_step(topic.name)
    ways = {"": (RISK, HOW, "others", "tell"), RISK: (HOW, "others", "tell"), HOW: ("note", "others", "tell")}
    for part, further in ways.items():
        said = (f"guide.{topic.name}.{part or 'what'}", getattr(topic, part or "what"))
        leads = _further(guide, further, tell, name)
        step = replace(_step(guide, f"{name}_{part}" if part else name, said, leads), branch=topic.branch)
        yield replace(step, support=topic.support, says=(AVAILABLE,)) if topic.support and not part else step


Part = tuple[list[Choice], dict[str, str], list[tuple[str, str]]]  # choices, their contexts, where they lead


def _further(guide: Guide, names: tuple[str, ...], tell: str, topic: str = "") -> Part:
    targets = {"others": ROOT, "note": NOTE, "tell": tell, "leave": END, RISK: f"{topic}_{RISK}", HOW: f"{topic}_{HOW}"}
    choices = [Choice(name, guide.labels[name]) for name in names]
    return choices, {name: f"guide.go.{name}" for name in names}, [(name, targets[name]) for name in names]


def _step(guide: Guide, name: str, said: tuple[str, str], *parts: Part) -> Step:
    contexts = {"": said[0]}
    for _, more, _ in parts:
        contexts |= more
    return Step(
        name=name,
        ask=said[1],
        choices=tuple(choice for choices, _, _ in parts for choice in choices),
        next=tuple(way for _, _, ways in parts for way in ways),
        otherwise=ROOT,
        keeps=name,
        spoken=name,
        skip=False,
        contexts=contexts,
        file=guide.name,
    )
