from collections.abc import Mapping
from dataclasses import replace
from math import prod

import pytest
from fakes import ALERT, CATALOGS, DUTY, FLOW, TRIAGE

from bot.conversation.checks import kept
from bot.conversation.flow import Flow
from bot.handoff import checks
from bot.handoff.alert import Texts
from bot.handoff.checks import MOST_TRIED, STEPS, Facts, findings
from bot.handoff.triage import Triage, read_triage

RULE = "flows/triage.toml: rule "
ALL = '\n[[rule]]\nname = "rest"\nlevel = 3\nbecause = "Nothing else fits"\n'
GRAVE = '\n[[rule]]\nname = "grave"\nlevel = 2\nbecause = "Grave"\nwhen.event = ["killing", "torture", "sexual"]\n'
DESK = '\n[desk]\notherwise = "human_rights"\n'
UNSAID = ["labour", "economic", "press", "consular"]


def triage(*rules: str) -> Triage:
    return read_triage("".join((*rules, DESK)), "triage.toml")


def rule(name: str, *conditions: str, level: int = 3, because: str = "Because", kind: str = "rule") -> str:
    told = f"level = {level}\n" if level else ""
    return f'\n[[{kind}]]\nname = "{name}"\n{told}because = "{because}"\n' + "\n".join(conditions) + "\n"


def texts(**changes: str | None) -> Texts:
    """The alert for `triage`, with texts changed, or left out where they are None."""
    named = {name: text for name, text in ALERT.texts.items() if name.removeprefix("desk_") not in UNSAID} | changes
    return Texts({name: text for name, text in named.items() if text is not None})


def found(told: Triage, flow: Flow = FLOW, alert: Texts | None = None) -> list[str]:
    return findings(told, flow, alert or texts(), DUTY)


def without(flow: Flow, step: str, **changes: object) -> Flow:
    """The flow with one step changed, or gone."""
    changed = {step: replace(flow.steps[step], **changes)} if changes else {}  # type: ignore[arg-type]  # by its fields
    return replace(flow, steps={name: one for name, one in flow.steps.items() if name != step} | changed)


def test_the_real_triage_and_alert_have_no_findings() -> None:
    assert findings(TRIAGE, FLOW, ALERT, DUTY, CATALOGS.all_words()) == []


def test_a_small_triage_has_no_findings() -> None:
    assert found(triage(GRAVE, ALL)) == []


# ── what rules name ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rules", "sentences"),
    [
        ([rule("rest", "when.held = 'known'"), GRAVE, ALL], ["'rest': the name stands there 2 times"] * 2),
        ([rule("a", "when.held = 'known'", because=" "), GRAVE, ALL], ["'a': because is empty: the officer reads it"]),
        ([rule("a", "when.held = 'known'", level=0), GRAVE, ALL], ["'a': level is missing"]),
        (
            [GRAVE, ALL, rule("a", "when.held = 'known'", kind="raise")],
            ["'a': it raises by one, so it takes no level"],
        ),
        ([rule("a", "when.hold = 'known'"), GRAVE, ALL], ["'a': it names the step 'hold', which doesn't exist"]),
        (
            [rule("a", "when.device = 'yes'"), GRAVE, ALL],
            ["'a': it names the step 'device', whose answer isn't kept under that name"],
        ),
        (
            [rule("a", "when.sos_held = 'known'"), GRAVE, ALL],
            ["'a': it names the step 'sos_held', whose answer isn't kept under that name"],
        ),
        (
            [rule("a", "when.held = ['knwon', 'unknown']"), GRAVE, ALL],
            ["'a': it names 'knwon', which 'held' doesn't offer"],
        ),
        ([rule("a", "only.held = ['unknown']"), GRAVE, ALL], ["'a': it names 'unknown', which 'held' doesn't offer"]),
        ([rule("a", "at_least.held = 5"), GRAVE, ALL], ["'a': at_least.held = 5 is more than is offered"]),
        ([rule("a", "at_least.held = 4"), GRAVE, ALL], []),
    ],
)
def test_a_rule_names_what_is_asked_and_kept(rules: list[str], sentences: list[str]) -> None:
    assert found(triage(*rules)) == [f"{RULE}{sentence}" for sentence in sentences]


@pytest.mark.parametrize("step", sorted(STEPS))
def test_what_the_officer_reads_from_must_be_kept(step: str) -> None:
    gone = without(FLOW, step)
    untitled = without(FLOW, step, title="")
    sentence = f"flows/intake.toml: step '{step}': the officer's case is read from its answer, so it must be kept"
    assert sentence in found(triage(GRAVE, ALL), gone)
    assert sentence in found(triage(GRAVE, ALL), untitled)


def test_what_the_officer_reads_from_has_its_choices() -> None:
    choices = tuple(choice for choice in FLOW.steps["agree"].choices if choice.name != "cannot")
    assert found(triage(GRAVE, ALL), without(FLOW, "agree", choices=choices)) == [
        "flows/intake.toml: step 'agree': the officer's case needs the choice 'cannot'"
    ]


# ── what rules decide ────────────────────────────────────────────────────────────────────────────────────


def test_the_last_rule_matches_everything() -> None:
    told = found(triage(GRAVE, rule("held", "when.held = 'known'")))
    assert told[0] == "flows/triage.toml: the last rule must match everything"
    assert "flows/triage.toml: no rule decides event = 'threat'" in told
    assert "flows/triage.toml: no rule decides event = 'raid' with danger = 'soon'" in told
    others = len(FLOW.steps["event"].choices) - 3
    assert len(told) == 1 + others * (1 + len(FLOW.steps["danger"].choices))


def test_without_rules_nothing_is_decided() -> None:
    told = found(Triage((), (), {"otherwise": "human_rights"}))
    assert told[0] == "flows/triage.toml: the last rule must match everything"
    assert "flows/triage.toml: no rule decides event = 'killing' with danger = 'now'" in told


NEVER = "it never decides: the rules above it take all that it matches"


@pytest.mark.parametrize(
    ("rules", "shadowed"),
    [
        ([GRAVE, rule("late", "when.event = 'torture'", level=1), ALL], ["late"]),
        (
            [
                GRAVE,
                rule("held", "when.held = 'known'"),
                rule("again", "when.held = 'known'", "when.event = 'raid'"),
                ALL,
            ],
            ["again"],
        ),
        ([GRAVE, rule("all", level=2), rule("held", "when.held = 'known'"), ALL], ["held", "rest"]),
        (
            [GRAVE, rule("some", "when.event = ['raid', 'unknown']"), rule("none", "when.event = 'unknown'"), ALL],
            ["none"],
        ),
        (
            [GRAVE, rule("one", "when.event = 'raid'"), rule("raid", "when.event = 'raid'", "at_least.event = 2"), ALL],
            ["raid"],
        ),
        ([GRAVE, rule("many", "at_least.event = 2"), rule("few", "at_least.event = 1"), ALL], []),
        (
            [
                GRAVE,
                rule("only", "only.want = ['inform', 'funds']"),
                rule("two", "at_least.want = 2", "only.want = ['inform', 'funds']"),
                ALL,
            ],
            ["two"],
        ),
        (
            [
                GRAVE,
                rule("two", "at_least.want = 2", "only.want = ['inform', 'funds']"),
                rule("only", "only.want = ['inform', 'funds']"),
                ALL,
            ],
            [],
        ),
        ([rule("free", "when.held = ['known', 'unknown']"), GRAVE.replace("level = 2", "level = 1"), ALL], []),
    ],
)
def test_every_rule_can_decide_something(rules: list[str], shadowed: list[str]) -> None:
    never = [sentence for sentence in found(triage(*rules)) if sentence.endswith(NEVER)]
    assert never == [f"{RULE}'{name}': {NEVER}" for name in shadowed]


def test_a_rule_that_only_very_many_answers_could_reach_is_not_looked_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[Facts] = []
    decided = checks._decided  # what is counted

    def counted(triage: Triage, facts: Facts) -> tuple[str, int]:
        tried.append(facts)
        return decided(triage, facts)

    monkeypatch.setattr(checks, "_decided", counted)
    steps = [name for name, step in FLOW.steps.items() if kept(step) and len(step.choices) > 2][:9]
    assert prod(len(FLOW.steps[name].choices) for name in steps) > 20 * MOST_TRIED
    every = [f"when.{name} = {[*FLOW.steps[name].names()]}" for name in steps]
    told = found(triage(GRAVE, rule("all", level=2), rule("deep", *every), ALL))
    assert f"{RULE}'deep': {NEVER}" in told
    assert len(tried) < 3 * MOST_TRIED


def test_grave_events_are_never_low_whatever_else_is_told() -> None:
    mild = rule("trial", "when.danger = 'no'", level=4)
    assert found(triage(mild, GRAVE, ALL)) == [
        f"{RULE}'trial': event = '{event}' with danger = 'no' gets level 4, and must get 2"
        for event in ("killing", "torture", "sexual")
    ]
    week = rule("week", "when.deadline = 'week'", level=3)
    assert found(triage(week, GRAVE, ALL)) == [
        f"{RULE}'week': event = '{event}' with deadline = 'week' gets level 3, and must get 2"
        for event in ("killing", "torture", "sexual")
    ]


def test_grave_events_that_no_rule_names_fall_to_the_last() -> None:
    assert found(triage(GRAVE.replace('"torture", ', ""), ALL)) == [
        f"{RULE}'rest': event = 'torture' gets level 3, and must get 2"
    ]


# ── what is said ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("desk", "sentences"),
    [
        (
            {},
            [
                "flows/triage.toml: desk: otherwise is missing",
                "flows/alert.toml: text 'desk_human_rights' is never said",
            ],
        ),
        (
            {"otherwise": "human_rights", "bees": "human_rights"},
            ["flows/triage.toml: desk: 'bees' is no theme that the step 'work' offers"],
        ),
        (
            {"otherwise": "human_rights", "land": "garden"},
            ["flows/alert.toml: text 'desk_garden' is missing: the program says it"],
        ),
    ],
)
def test_every_desk_is_one_with_a_name_and_a_theme(desk: Mapping[str, str], sentences: list[str]) -> None:
    assert found(replace(triage(GRAVE, ALL), desks=desk)) == sentences


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"channel_signal": None}, "text 'channel_signal' is missing: the program says it"),
        ({"level_2": None}, "text 'level_2' is missing: the program says it"),
        ({"answer_evening": None}, "text 'answer_evening' is missing: the program says it"),
        ({"dont_call": None}, "text 'dont_call' is missing: the program says it"),
        ({"motto": "Be well"}, "text 'motto' is never said"),
        ({"subject": "Case {name}"}, "text 'subject': nothing fills in the place {name}"),
        ({"answer_here": "at {hour}"}, "text 'answer_here': nothing fills in the place {hour}"),
        ({"by_signal": "Write to {number}"}, "text 'by_signal': nothing fills in the place {number}"),
        ({"order_ack": "{ack} {reference} {level}"}, "text 'order_ack': nothing fills in the place {level}"),
        ({"by_mail": None}, "text 'by_mail' is missing: the program says it"),
        ({"test": "A test!"}, "text 'test': no exclamation marks"),
    ],
)
def test_the_alert_has_the_texts_that_are_said(changes: dict[str, str | None], sentence: str) -> None:
    assert found(triage(GRAVE, ALL), alert=texts(**changes)) == [f"flows/alert.toml: {sentence}"]


def test_a_reason_has_no_places() -> None:
    assert found(triage(GRAVE, rule("rest", because="For {mission}"))) == [
        f"{RULE}'rest': nothing fills in the place {{mission}}"
    ]
