"""Everything that is proven about triage.toml and officers' texts before anything starts: one finding is one sentence.

Triage always ends, names only what is asked, and has no rule that never counts; officers' texts are those that the
program says. What concerns the flow itself is proven in the conversation.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, product
from types import MappingProxyType

from bot.conversation.checks import kept
from bot.conversation.flow import Flow
from bot.conversation.model import Answer, Words
from bot.conversation.prompts import Text, text_findings
from bot.conversation.routes import at
from bot.handoff.alert import Texts
from bot.handoff.case import DONTS
from bot.handoff.named import MILDEST, alert_findings, duty_findings
from bot.handoff.triage import UNKNOWN, Rule, Triage

TRIAGE = "flows/triage.toml"
GRAVE = ("killing", "torture", "sexual")  # events that are never below GRAVE_LEVEL
GRAVE_LEVEL = 2
MOST_TRIED = 20_000  # combinations of answers for one rule; ours need a handful, and nobody waits for a bad one

# Steps that an officer's case is read from by name -> the choices known there.
STEPS: Mapping[str, tuple[str, ...]] = {
    "act": ("talk",),
    "adult": ("no",),
    "agree": ("cannot", "no"),
    "danger": (),
    "donts": DONTS,
    "event": GRAVE,
    "reply": (),
    "sos": (),
    "want": (),
    "whom": (),
    "work": (),
}

Facts = Mapping[str, tuple[str, ...]]  # step -> choices; a step that isn't there is unknown


def findings(
    triage: Triage, flow: Flow, alert: Texts, duty: Texts, spoken: Mapping[str, Words] = MappingProxyType({})
) -> list[str]:
    """Return what is wrong with triage, alert and what else officers read and write, a sentence each.

    `flow`: without findings of its own. `spoken`: by tag, the words of every language an officer reads. While a
    rule names what isn't asked, nothing else is proven about triage.
    """
    broken = [*_steps(flow), *_rules(triage, flow)]
    return [
        *(broken or [*_total(triage, flow), *_firing(triage, flow), *_grave(triage, flow)]),
        *_desks(triage, flow),
        *alert_findings(alert, triage.desks, flow, spoken),
        *duty_findings(duty, spoken),
        *text_findings(_reasons(triage), spoken),
    ]


# ── what rules name ──────────────────────────────────────────────────────────────────────────────────────


def _steps(flow: Flow) -> Iterator[str]:
    for name, choices in STEPS.items():
        step = flow.step(name)
        if step is None or not kept(step):
            yield f"{at(flow, name)}the officer's case is read from its answer, so it must be kept"
            continue
        lost = [choice for choice in choices if choice not in step.names()]
        yield from (f"{at(flow, name)}the officer's case needs the choice '{one}'" for one in lost)


def _rules(triage: Triage, flow: Flow) -> Iterator[str]:
    names = [rule.name for rule in (*triage.rules, *triage.raises)]
    for rule in (*triage.rules, *triage.raises):
        if names.count(rule.name) > 1:
            yield f"{_where(rule.name)}: the name stands there {names.count(rule.name)} times"
        if not rule.because.strip():
            yield f"{_where(rule.name)}: because is empty: the officer reads it"
        yield from (f"{_where(rule.name)}: {sentence}" for sentence in _names(rule, flow))
    yield from (f"{_where(rule.name)}: level is missing" for rule in triage.rules if not rule.level)
    yield from (f"{_where(rule.name)}: it raises by one, so it takes no level" for rule in triage.raises if rule.level)


def _where(rule: str) -> str:
    return f"{TRIAGE}: rule '{rule}'"


def _conditions(rule: Rule) -> set[str]:
    return {*rule.when, *rule.only, *rule.at_least}


def _names(rule: Rule, flow: Flow) -> Iterator[str]:
    for name in sorted(_conditions(rule)):
        step = flow.step(name)
        if step is None:
            yield f"it names the step '{name}', which doesn't exist"
        elif not kept(step):
            yield f"it names the step '{name}', whose answer isn't kept under that name"
        else:
            known = {*step.names(), *({UNKNOWN} if name in rule.when else ())}
            lost = sorted((rule.when.get(name, frozenset()) | rule.only.get(name, frozenset())) - known)
            yield from (f"it names '{choice}', which '{name}' doesn't offer" for choice in lost)
            if rule.at_least.get(name, 0) > len(step.names()):
                yield f"at_least.{name} = {rule.at_least[name]} is more than is offered"


# ── what rules decide ────────────────────────────────────────────────────────────────────────────────────


def _decided(triage: Triage, facts: Facts) -> tuple[str, int]:
    """Return the rule that decides, and its level; "" where none matches."""
    total = replace(triage, rules=(*triage.rules, _NONE), raises=())
    assessed = total.assess([Answer(step, choices) for step, choices in facts.items()], None)
    return assessed.reasons[0], assessed.level


_NONE = Rule("", "", {}, {}, {}, MILDEST)


def _events(flow: Flow) -> Iterator[dict[str, tuple[str, ...]]]:
    """Yield each event alone with each danger, and with none told."""
    for event, danger in product(flow.steps["event"].names(), ("", *flow.steps["danger"].names())):
        yield {"event": (event,), **({"danger": (danger,)} if danger else {})}


def _total(triage: Triage, flow: Flow) -> Iterator[str]:
    if not triage.rules or _conditions(triage.rules[-1]):
        yield f"{TRIAGE}: the last rule must match everything"
    for facts in _events(flow):
        if not _decided(triage, facts)[0]:
            yield f"{TRIAGE}: no rule decides {_told(facts)}"


def _told(facts: Facts) -> str:
    return " with ".join(f"{step} = '{', '.join(choices)}'" for step, choices in facts.items())


def _grave(triage: Triage, flow: Flow) -> Iterator[str]:
    """Killing, torture and sexual violence, alone, with each danger, and with any one answer more."""
    others = [{step: (one,)} for step in _mentioned(triage.rules) - {"event"} for one in flow.steps[step].names()]
    told: set[tuple[str, str]] = set()
    for facts in _events(flow):
        event = facts["event"][0]
        for other in ({}, *others) if event in GRAVE else ():
            rule, level = _decided(triage, {**other, **facts})
            if level > GRAVE_LEVEL and (event, rule) not in told:
                told.add((event, rule))
                yield f"{_where(rule)}: {_told({**facts, **other})} gets level {level}, and must get {GRAVE_LEVEL}"


def _firing(triage: Triage, flow: Flow) -> Iterator[str]:
    for place, rule in enumerate(triage.rules):
        if not _can_fire(triage, flow, place):
            yield f"{_where(rule.name)}: it never decides: the rules above it take all that it matches"


def _can_fire(triage: Triage, flow: Flow, place: int) -> bool:
    """Whether some answers are decided by the rule at `place`: one choice a step, or as many as it asks for.

    What the rule itself asks for varies fastest, so that other steps keep their mildest answer at first. A rule that
    MOST_TRIED of them don't reach counts as one that never decides.
    """
    rule, above = triage.rules[place], triage.rules[:place]
    own = sorted(_conditions(rule))
    others = sorted(_mentioned(above) - {*own})
    candidates = [*(_any(above, step, flow) for step in others), *(_matching(rule, step, flow) for step in own)]
    tried = islice(product(*candidates), MOST_TRIED)
    return any(_decided(triage, _facts((*others, *own), chosen))[0] == rule.name for chosen in tried)


def _facts(steps: Sequence[str], chosen: Sequence[tuple[str, ...]]) -> Facts:
    return {step: choices for step, choices in zip(steps, chosen, strict=True) if choices}


def _mentioned(rules: Sequence[Rule]) -> set[str]:
    return {step for rule in rules for step in _conditions(rule)}


def _any(above: Sequence[Rule], step: str, flow: Flow) -> list[tuple[str, ...]]:
    """Return the answers to a step that may make a difference: what no rule names, what one names, unknown."""
    named_there = {choice for rule in above for choice in (*rule.when.get(step, ()), *rule.only.get(step, ()))}
    names = flow.steps[step].names()
    unnamed = [(name,) for name in names if name not in named_there][:1]
    return [*unnamed, *((name,) for name in reversed(names) if name in named_there), ()]


def _matching(rule: Rule, step: str, flow: Flow) -> list[tuple[str, ...]]:
    """Return the answers to a step that meet all that a rule says about it."""
    allowed = [name for name in flow.steps[step].names() if step not in rule.only or name in rule.only[step]]
    wanted = rule.when.get(step, frozenset({*allowed, UNKNOWN}))
    least = rule.at_least.get(step, 0)
    told = [_filled_up(one, allowed, least) for one in allowed if one in wanted]
    return [*(answer for answer in told if len(answer) >= least), *([()] if UNKNOWN in wanted and not least else [])]


def _filled_up(choice: str, allowed: Sequence[str], least: int) -> tuple[str, ...]:
    """Return `choice` and as many others as it takes."""
    others = [other for other in allowed if other != choice]
    return (choice, *others[: max(0, least - 1)])


# ── what is said ─────────────────────────────────────────────────────────────────────────────────────────


def _desks(triage: Triage, flow: Flow) -> Iterator[str]:
    themes = flow.steps["work"].names() if "work" in flow.steps else ()
    if "otherwise" not in triage.desks:
        yield f"{TRIAGE}: desk: otherwise is missing"
    for theme in triage.desks:
        if theme not in {*themes, "otherwise"}:
            yield f"{TRIAGE}: desk: '{theme}' is no theme that the step 'work' offers"


def _reasons(triage: Triage) -> Iterator[Text]:
    for context, english in triage.messages():
        yield Text(_where(context.partition(".")[2]), context, english)
