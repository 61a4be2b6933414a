"""From answers to a level, with the reasons an officer can read: the first rule that matches, no scores.

Rules are data (flows/triage.toml). What was not asked counts as "unknown", and stands in a rule where it
takes the graver branch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from bot.conversation.model import Answer, Assessment
from bot.conversation.reading import parsed

UNKNOWN = "unknown"
GRAVEST = 1


@dataclass(frozen=True, slots=True)
class Rule:
    """Matches when every named step has one of its choices, and nothing but them where `only` says so."""

    name: str
    because: str
    when: Mapping[str, frozenset[str]]
    only: Mapping[str, frozenset[str]]
    at_least: Mapping[str, int]  # so many choices at one step
    level: int = 0  # 0: raises by one instead


@dataclass(frozen=True, slots=True)
class Triage:
    """All rules in order, and the desk each theme of work suggests."""

    rules: tuple[Rule, ...]
    raises: tuple[Rule, ...]
    desks: Mapping[str, str]

    def messages(self) -> Iterator[tuple[str, str]]:
        """Yield (context, message id) of every reason: "triage.danger_now"."""
        yield from ((f"triage.{rule.name}", rule.because) for rule in (*self.rules, *self.raises))

    def assess(self, answers: Sequence[Answer], so_far: int | None) -> Assessment:
        """Return the level of a case; `so_far`: its level before these additions, which can only be raised."""
        facts = {answer.step: frozenset(answer.choices) for answer in answers if answer.choices}
        rule = next(rule for rule in self.rules if _matches(rule, facts, told=so_far is not None))
        level = rule.level if so_far is None else min(rule.level, so_far)
        raising = [one for one in self.raises if _matches(one, facts, told=True)]
        raised = max(GRAVEST, level - bool(raising))
        told_apart = rule.when or rule.only  # the last rule says nothing of a case that it doesn't raise
        silent = so_far is not None and (rule.level > so_far or (rule.level == so_far and not told_apart))
        named = [] if silent else [rule.name]
        return Assessment(raised, (*named, *(one.name for one in raising)))

    def desk(self, answers: Sequence[Answer]) -> str:
        """Return the name of the desk that may fit, by the theme of the work."""
        themes = [choice for answer in answers if answer.step == "work" for choice in answer.choices]
        return next((self.desks[theme] for theme in themes if theme in self.desks), self.desks["otherwise"])


def _matches(rule: Rule, facts: Mapping[str, frozenset[str]], *, told: bool) -> bool:
    """Whether a rule matches. `told`: at least one of its conditions must be met by something that was told."""
    conditions = {**rule.when, **rule.only}
    if told and conditions and not any(step in facts for step in conditions):
        return False
    return (
        all(_any_of(facts.get(step), choices) for step, choices in rule.when.items())
        and all(facts.get(step, frozenset()) <= choices for step, choices in rule.only.items())
        and all(len(facts.get(step, ())) >= number for step, number in rule.at_least.items())
    )


def _any_of(chosen: frozenset[str] | None, choices: frozenset[str]) -> bool:
    return UNKNOWN in choices if chosen is None else bool(chosen & choices)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Row(_Strict):
    name: str
    because: str
    level: int = Field(0, ge=1, le=4)
    when: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)
    only: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    at_least: dict[str, int] = Field(default_factory=dict)


class _File(_Strict):
    rule: tuple[_Row, ...]
    raises: tuple[_Row, ...] = Field((), alias="raise")
    desk: dict[str, str]


def read_triage(toml: str, file: str) -> Triage:
    """Return the rules written in `toml`.

    Raises:
        FlowError: not TOML, an unknown key or a wrong type; names `file` and the rule.

    """
    read = parsed(_File, toml, file)
    return Triage(tuple(map(_rule, read.rule)), tuple(map(_rule, read.raises)), read.desk)


def _rule(row: _Row) -> Rule:
    when = {step: frozenset([named] if isinstance(named, str) else named) for step, named in row.when.items()}
    only = {step: frozenset(named) for step, named in row.only.items()}
    return Rule(row.name, row.because, when, only, row.at_least, row.level)
