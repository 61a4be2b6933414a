"""A flow as a picture that a person can read: steps, and what leads from one to the next.

Drawn from the ways the machine is built of, so that picture and program can't differ. Only text is made here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bot.conversation.flow import END, Flow, Step
from bot.conversation.guide import ROOT
from bot.conversation.model import ConsentKind
from bot.conversation.routes import ways

MOST_NAMED = 4  # choices on one edge; where more take the common way, it says "otherwise"

_COLOURS = {"consent": "#fff3bf", "handoff": "#ffc9c9", "after": "#e7f5ff", "": "#ffffff"}
_ASKS = {ConsentKind.SEND: "consent to send", ConsentKind.ACT: "consent to act"}


@dataclass(frozen=True, slots=True)
class _Edge:
    """Everything that leads from one step to another. `label`: the answers, "" where there is no other way."""

    source: str
    target: str
    label: str


def parts(flow: Flow) -> tuple[str, ...]:
    """Return the names of all pictures: "" the talk itself, with the guide as one box; then its branches."""
    return tuple(dict.fromkeys(("", *(step.branch for step in flow.steps.values()))))


def _part(flow: Flow, branch: str) -> Flow:
    """Return the steps of one picture. What leads on from every topic is left out: the pages say it once."""
    if branch:
        steps = {name: step for name, step in flow.steps.items() if step.branch == branch}
        return replace(
            flow, steps={name: _within(step, steps) for name, step in steps.items()}, first=next(iter(steps))
        )
    steps = {name: step for name, step in flow.steps.items() if not step.file or name == ROOT}
    return replace(flow, steps={name: _within(step, steps) if step.file else step for name, step in steps.items()})


def _within(step: Step, steps: Mapping[str, Step]) -> Step:
    """Return a step of the guide with those ways alone that stay within the picture."""
    stays = {choice for choice, target in step.next if target in {*steps, END}}
    ways = tuple(way for way in step.next if way[0] in stays)
    return replace(step, choices=tuple(choice for choice in step.choices if choice.name in stays), next=ways)


def mermaid(flow: Flow, branch: str = "") -> str:
    """Return one picture of the flow as a Mermaid state diagram. The same flow gives the same text."""
    flow = _part(flow, branch)
    return "\n".join(
        (
            "stateDiagram-v2",
            *(f'    state "{_title(step)}" as {_id(step.name)}' for step in flow.steps.values()),
            *(f"    [*] --> {_id(step)}: {label}" for label, step in _starts(flow).items()),
            *(_mermaid_edge(edge) for edge in _edges(flow)),
            *(f"    classDef {kind} fill:{colour},color:#000000" for kind, colour in _COLOURS.items() if kind),
            *(f"    class {_ids(flow, kind)} {kind}" for kind in _COLOURS if kind and _ids(flow, kind)),
            "",
        ),
    )


def dot(flow: Flow, branch: str = "") -> str:
    """Return one picture of the flow as a graph for Graphviz. The same flow gives the same text."""
    flow = _part(flow, branch)
    return "\n".join(
        (
            f"digraph {_quoted(flow.name)} {{",
            '    node [shape=box, style="rounded,filled", fillcolor="#ffffff", fontname="sans-serif"]',
            '    edge [fontname="sans-serif", fontsize=10]',
            f"    {_quoted(END)} [shape=doublecircle]",
            *(_dot_start(label) for label in _starts(flow)),
            *(_dot_step(step) for step in flow.steps.values()),
            *(_dot_edge(f"start: {label}", step, "") for label, step in _starts(flow).items()),
            *(_dot_edge(edge.source, edge.target, edge.label) for edge in _edges(flow)),
            "}",
            "",
        ),
    )


# ── what both pictures show ──────────────────────────────────────────────────────────────────────────────


def _starts(flow: Flow) -> Mapping[str, str]:
    begin = flow.steps.get(flow.first)
    starts = {
        "the guide" if begin and begin.branch else "hello": flow.first,
        "SOS": flow.sos,
        "back after a handoff": flow.idle,
        "from Telegram": flow.carried,
        "ANSWER": flow.answer,
        "adding after SOS alone": flow.unasked,
    }
    return {label: step for label, step in starts.items() if step in flow.steps}


def _edges(flow: Flow) -> Iterator[_Edge]:
    for step in flow.steps.values():
        found: dict[tuple[str, bool], list[str]] = {}
        for answer, target in _answers(flow, step):
            found.setdefault((target, step.hands_off and answer in step.accepts), []).append(answer)
        for (target, hands_over), answers in found.items():
            label = "" if len(found) == 1 else _several(answers, common=target == step.otherwise)
            yield _Edge(step.name, target, f"{label} (handed over)" if hands_over else label)


def _answers(flow: Flow, step: Step) -> Iterator[tuple[str, str]]:
    """Yield (answer, target); what the profile fills in stands as one, by the name of its source."""
    filled = {choice.name for choice in step.choices if choice.given}
    for name, answer, target in ways(flow):
        if name == step.name and answer not in filled:
            yield answer, target


def _several(answers: list[str], *, common: bool) -> str:
    return "otherwise" if common and len(answers) > MOST_NAMED else ", ".join(answers)


def _title(step: Step) -> str:
    says = [_ASKS[step.consent]] if step.consent else []
    says += ["hands over"] if step.hands_off else []
    says += ["sends additions"] if step.sends else []
    return f"{step.name} ({', '.join(says)})" if says else step.name


def _kind(step: Step) -> str:
    marks = {"handoff": step.hands_off, "consent": step.consent or step.sends, "after": step.after}
    return next((kind for kind, marked in marks.items() if marked), "")


# ── how each is written ──────────────────────────────────────────────────────────────────────────────────


def _id(name: str) -> str:
    """Return a step's name as Mermaid takes it: words like "state" and "note" are its own."""
    return "[*]" if name == END else f"step_{name}"


def _ids(flow: Flow, kind: str) -> str:
    return ",".join(_id(step.name) for step in flow.steps.values() if _kind(step) == kind)


def _mermaid_edge(edge: _Edge) -> str:
    arrow = f"    {_id(edge.source)} --> {_id(edge.target)}"
    return f"{arrow}: {edge.label}" if edge.label else arrow


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _dot_start(label: str) -> str:
    return f"    {_quoted(f'start: {label}')} [label={_quoted(label)}, shape=plaintext, style=solid]"


def _dot_step(step: Step) -> str:
    outline = ", peripheries=2" if step.hands_off else ""
    return f'    {_quoted(step.name)} [label={_quoted(_title(step))}, fillcolor="{_COLOURS[_kind(step)]}"{outline}]'


def _dot_edge(source: str, target: str, label: str) -> str:
    arrow = f"    {_quoted(source)} -> {_quoted(target)}"
    return f"{arrow} [label={_quoted(label)}]" if label else arrow
