import re

import pytest
from fakes import FLOW, written
from fakes_flow import changed, flow_of

from bot.conversation.drawing import dot, mermaid
from bot.conversation.flow import END, Flow
from bot.conversation.machine import Paths
from bot.conversation.reading import read_flow

SMALL = flow_of(changed())
UNFILLED = read_flow(written("intake.toml"), "intake.toml")

SMALL_MERMAID = """\
stateDiagram-v2
    state "language" as step_language
    state "reply" as step_reply
    state "review (consent to send)" as step_review
    state "act (consent to act, hands over)" as step_act
    state "sos (consent to send)" as step_sos
    state "sos_act (consent to act, hands over)" as step_sos_act
    state "text" as step_text
    state "add (sends additions)" as step_add
    state "after" as step_after
    [*] --> step_language: hello
    [*] --> step_sos: SOS
    [*] --> step_after: back after a handoff
    step_language --> step_reply
    step_reply --> step_review
    step_review --> step_act: send
    step_review --> [*]: no
    step_act --> step_after: act (handed over)
    step_act --> [*]: no
    step_sos --> step_sos_act: me
    step_sos --> [*]: no
    step_sos_act --> step_text: act (handed over)
    step_sos_act --> [*]: no
    step_text --> step_add
    step_add --> [*]
    step_after --> step_text: add
    step_after --> [*]: rest
    classDef consent fill:#fff3bf,color:#000000
    classDef handoff fill:#ffc9c9,color:#000000
    classDef after fill:#e7f5ff,color:#000000
    class step_review,step_sos,step_add consent
    class step_act,step_sos_act handoff
    class step_text,step_after after
"""


def machine_edges(flow: Flow) -> set[tuple[str, str]]:
    """Every (step, target) of the machine that leads the talks."""
    events = Paths(flow).machine.events.values()
    arcs = [arc for event in events for several in event.transitions.values() for arc in several]
    return {(arc.source, arc.dest or "") for arc in arcs}


def test_a_small_flow_is_drawn_for_mermaid() -> None:
    assert mermaid(SMALL) == SMALL_MERMAID


@pytest.mark.parametrize("flow", [FLOW, SMALL], ids=["real", "small"])
def test_mermaid_shows_the_ways_of_the_machine_and_no_others(flow: Flow) -> None:
    arrows = re.findall(r"^    step_(\w+) --> (?:step_(\w+)|\[\*\])", mermaid(flow), re.MULTILINE)
    assert {(source, target or END) for source, target in arrows} == machine_edges(flow)
    assert len(arrows) == len(set(arrows))


@pytest.mark.parametrize("flow", [FLOW, SMALL], ids=["real", "small"])
def test_graphviz_shows_the_ways_of_the_machine_and_no_others(flow: Flow) -> None:
    arrows = re.findall(r'^    "(\w+)" -> "(\w+)"', dot(flow), re.MULTILINE)
    assert set(arrows) == machine_edges(flow)
    assert len(arrows) == len(set(arrows))


def test_choices_that_lead_to_one_step_share_an_arrow() -> None:
    drawn = mermaid(FLOW)
    assert "    step_danger --> step_notice: soon, no, unsure, skip\n" in drawn
    assert "    step_event --> step_area: otherwise\n    step_event --> step_held: held\n" in drawn
    assert "    step_device --> step_danger\n" in drawn


def test_what_the_profile_fills_in_changes_nothing() -> None:
    assert mermaid(FLOW) == mermaid(UNFILLED)
    assert dot(FLOW) == dot(UNFILLED)


def test_graphviz_marks_consents_and_the_handoff() -> None:
    drawn = dot(SMALL)
    assert '    "review" [label="review (consent to send)", fillcolor="#fff3bf"]\n' in drawn
    assert '    "act" [label="act (consent to act, hands over)", fillcolor="#ffc9c9", peripheries=2]\n' in drawn
    assert '    "act" -> "after" [label="act (handed over)"]\n' in drawn
    assert '    "start: SOS" -> "sos"\n' in drawn
    assert '    "language" -> "reply"\n' in drawn


def test_names_are_quoted_for_graphviz() -> None:
    odd = flow_of(changed(("choices.rest =", 'choices."a\\"b\\\\c" ='), ("next.rest", 'next."a\\"b\\\\c"')))
    assert '    "after" -> "end" [label="a\\"b\\\\c"]\n' in dot(odd)


def test_a_flow_without_a_handoff_has_no_empty_class() -> None:
    plain = flow_of(changed(("hands_off = true\nnext.act", "next.act"), ("hands_off = true\nnext.act", "next.act")))
    assert "classDef handoff" in mermaid(plain)
    assert not re.search(r"class +handoff", mermaid(plain))
