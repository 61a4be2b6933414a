"""Which level a case gets, and why. The tables are the specification."""

from collections.abc import Mapping

import pytest
from fakes import FLOW, TRIAGE
from hypothesis import given
from strategies import answers_of

from bot.conversation.model import Answer
from bot.errors import FlowError
from bot.handoff.triage import read_triage

EVENTS = FLOW.steps["event"].names()
DANGERS = ("now", "soon", "no", "unsure", "")


def told(**choices: str) -> tuple[Answer, ...]:
    """Return answers: told(event="threat raid", danger="no"); "" for a question that was skipped."""
    return tuple(Answer(step, tuple(named.split())) for step, named in choices.items())


# One row an event; a column for each answer to danger: now, soon, not now, not sure, not told.
LEVELS: Mapping[str, tuple[int, int, int, int, int]] = {
    "threat": (1, 2, 2, 2, 2),
    "attack": (1, 1, 1, 1, 1),
    "held": (1, 1, 1, 1, 1),
    "raid": (1, 2, 2, 2, 2),
    "surveillance": (1, 2, 3, 3, 3),
    "trial": (1, 2, 3, 3, 3),
    "family": (1, 2, 3, 2, 2),
    "killing": (1, 2, 2, 2, 2),
    "torture": (1, 2, 2, 2, 2),
    "sexual": (1, 2, 2, 2, 2),
    "smear": (1, 2, 3, 3, 3),
    "hacking": (1, 2, 3, 3, 3),
    "shutdown": (1, 2, 3, 3, 3),
    "laws": (1, 2, 3, 3, 3),
    "emergency_laws": (1, 2, 3, 3, 3),
    "travel": (1, 2, 3, 3, 3),
    "reprisal": (1, 2, 3, 3, 3),
    "abroad": (1, 2, 3, 3, 3),
    "other": (1, 2, 3, 3, 3),
    "": (1, 2, 4, 3, 3),
}


def test_the_table_knows_every_event() -> None:
    assert set(LEVELS) == {*EVENTS, ""}


@pytest.mark.parametrize(
    ("event", "danger", "level"),
    [(event, danger, level) for event, row in LEVELS.items() for danger, level in zip(DANGERS, row, strict=True)],
)
def test_each_event_with_each_danger_has_its_level(event: str, danger: str, level: int) -> None:
    assert TRIAGE.assess(told(event=event, danger=danger), None).level == level


FREE = {"state": "free"}  # what is known of the person takes the graver branch away


@pytest.mark.parametrize(
    ("choices", "level", "reason"),
    [
        ({"sos": "me"}, 1, "sos_me"),
        ({"sos": "held"}, 1, "sos_held"),
        ({"danger": "now", "event": "laws"}, 1, "danger_now"),
        ({"event": "held", "held": "nowhere"}, 1, "nowhere"),
        ({"event": "held", "held": "recent"}, 1, "held_recent"),
        ({"event": "held", "held": "unsure"}, 1, "held_unclear"),
        ({"event": "held"}, 1, "held_unclear"),
        ({"event": "held", "held": "known"}, 2, "held_known"),
        ({"event": "held", "held": "known", "danger": "now"}, 1, "danger_now"),
        ({"state": "missing"}, 1, "missing"),
        ({"event": "attack", "state": "injured"}, 1, "attack_injured"),
        ({"event": "attack", "danger": "soon", **FREE}, 1, "attack_soon"),
        ({"event": "attack", **FREE}, 2, "violent"),
        ({"deadline": "deport"}, 1, "deport"),
        ({"deadline": "hearing", "danger": "no"}, 2, "hearing"),
        ({"danger": "soon"}, 2, "danger_soon"),
        ({"event": "killing", "danger": "no"}, 2, "grave"),
        ({"event": "torture", "danger": "no"}, 2, "grave"),
        ({"event": "sexual", "danger": "no"}, 2, "grave"),
        ({"event": "raid", "danger": "no"}, 2, "violent"),
        ({"event": "threat", "danger": "no"}, 2, "threat_hiding"),
        ({"event": "threat", "danger": "no", "state": "hiding"}, 2, "threat_hiding"),
        ({"event": "threat", "danger": "no", **FREE}, 3, "pressure"),
        ({"event": "threat", "danger": "unsure", **FREE}, 2, "violent_unsure"),
        ({"event": "threat", **FREE}, 2, "violent_unsure"),
        ({"event": "family", "danger": "no"}, 3, "pressure"),
        ({"state": "injured"}, 2, "injured"),
        ({"state": "hiding"}, 2, "hiding"),
        ({"event": "trial"}, 3, "legal"),
        ({"deadline": "week", "danger": "no"}, 3, "week"),
        ({"danger": "no", "want": "inform"}, 4, "only_information"),
        ({"danger": "no", "want": "officer funds"}, 4, "only_information"),
        ({"danger": "no"}, 4, "only_information"),
        ({"danger": "no", "want": "inform quiet"}, 3, "otherwise"),
        ({"danger": "unsure", "want": "inform"}, 3, "otherwise"),
        ({"want": "inform"}, 3, "otherwise"),
        ({}, 3, "otherwise"),
        ({"event": "other", "danger": "no"}, 3, "otherwise"),
    ],
)
def test_the_first_rule_that_matches_gives_level_and_reason(
    choices: Mapping[str, str], level: int, reason: str
) -> None:
    assessed = TRIAGE.assess(told(**choices), None)
    assert (assessed.level, assessed.reasons) == (level, (reason,))


@pytest.mark.parametrize(
    ("choices", "level", "raising"),
    [
        ({"event": "laws", "adult": "no"}, 2, ("minor",)),
        ({"event": "laws", "dependants": "yes"}, 2, ("dependants",)),
        ({"event": "laws smear travel"}, 2, ("many_kinds",)),
        ({"event": "laws smear"}, 3, ()),
        ({"event": "laws", "adult": "yes", "dependants": "no"}, 3, ()),
        ({"event": "laws", "adult": "no", "dependants": "yes"}, 2, ("minor", "dependants")),
        ({"danger": "now", "adult": "no"}, 1, ("minor",)),
        ({"danger": "no", "want": "inform", "adult": "no"}, 3, ("minor",)),
    ],
)
def test_what_makes_it_graver_raises_by_one_and_never_above_one(
    choices: Mapping[str, str], level: int, raising: tuple[str, ...]
) -> None:
    assessed = TRIAGE.assess(told(**choices), None)
    assert (assessed.level, assessed.reasons[1:]) == (level, raising)


@pytest.mark.parametrize(
    ("choices", "so_far", "level", "reasons"),
    [
        ({"state": "free"}, 2, 2, ()),
        ({"state": "free"}, 4, 3, ("otherwise",)),
        ({"state": "hiding"}, 3, 2, ("hiding",)),
        ({"state": "hiding"}, 2, 2, ("hiding",)),
        ({"state": "hiding"}, 1, 1, ()),
        ({"state": "missing"}, 3, 1, ("missing",)),
        ({"deadline": "deport"}, 2, 1, ("deport",)),
        ({"adult": "no"}, 3, 2, ("minor",)),
        ({"adult": "no"}, 1, 1, ("minor",)),
        ({"event": "laws"}, 2, 2, ()),
        ({"sos": "me"}, 3, 1, ("sos_me",)),
        ({"event": "held"}, 2, 1, ("held_unclear",)),
        ({"work": "land"}, 2, 2, ()),
    ],
)
def test_an_addition_is_judged_by_what_it_tells_and_raises_or_leaves_the_level(
    choices: Mapping[str, str], so_far: int, level: int, reasons: tuple[str, ...]
) -> None:
    assessed = TRIAGE.assess(told(**choices), so_far)
    assert (assessed.level, assessed.reasons) == (level, reasons)


@given(answers_of("danger", "event", "held", "state", "deadline", "want", "adult", "dependants", "sos"))
def test_every_case_has_a_level_and_a_reason(answers: tuple[Answer, ...]) -> None:
    assessed = TRIAGE.assess(answers, None)
    assert assessed.level in {1, 2, 3, 4}
    assert assessed.reasons
    assert set(assessed.reasons) <= {context.removeprefix("triage.") for context, _ in TRIAGE.messages()}


@given(answers_of("danger", "event", "held", "state", "deadline", "want", "adult", "dependants", "sos"))
def test_no_addition_lowers_a_level(answers: tuple[Answer, ...]) -> None:
    for so_far in (1, 2, 3, 4):
        assessed = TRIAGE.assess(answers, so_far)
        assert 1 <= assessed.level <= so_far
        assert assessed.reasons or assessed.level == so_far


@pytest.mark.parametrize(
    ("choices", "desk"),
    [
        ({}, "human_rights"),
        ({"work": ""}, "human_rights"),
        ({"work": "indigenous"}, "human_rights"),
        ({"work": "labour"}, "labour"),
        ({"work": "companies"}, "economic"),
        ({"work": "corruption"}, "economic"),
        ({"work": "land"}, "economic"),
        ({"work": "journalism"}, "press"),
        ({"work": "migrants"}, "consular"),
    ],
)
def test_the_theme_of_the_work_suggests_a_desk(choices: Mapping[str, str], desk: str) -> None:
    assert TRIAGE.desk(told(**choices)) == desk


def test_every_reason_has_words() -> None:
    messages = dict(TRIAGE.messages())
    assert messages["triage.danger_now"] == "The person says there is danger now"
    assert "triage.minor" in messages
    assert all(messages.values())


@pytest.mark.parametrize(
    ("toml", "place"),
    [
        ("[[rule", "not TOML"),
        ('[[rule]]\nname="a"\n[desk]\n', "rule 'a' because: Field required"),
        ('[[rule]]\nname="a"\nbecause="b"\nlevel=5\n[desk]\n', "rule 'a' level"),
        ('[[rule]]\nname="a"\nbecause="b"\nscore=5\n[desk]\n', "rule 'a' score: Extra inputs"),
        ('[[rule]]\nname="a"\nbecause="b"\n', "desk: Field required"),
    ],
)
def test_a_mistake_among_the_rules_is_told_with_file_and_rule(toml: str, place: str) -> None:
    with pytest.raises(FlowError) as error:
        read_triage(toml, "triage.toml")
    assert str(error.value).startswith("triage.toml: ")
    assert place in str(error.value)
