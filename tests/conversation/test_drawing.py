import re

import pytest
from fakes import FLOW, GUIDE, UNFILLED
from fakes_flow import changed, flow_of

from bot.conversation.drawing import dot, mermaid, parts
from bot.conversation.flow import END, Flow
from bot.conversation.guide import FOUND, ROOT
from bot.conversation.machine import Paths

SMALL = flow_of(changed())

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


def drawn_edges(flow: Flow) -> set[tuple[str, str]]:
    """Every (step, target) that is to be seen in one of the pictures: what leads on from every topic is left out."""
    return {
        (source, target)
        for source, target in machine_edges(flow)
        if not flow.steps[source].branch or target in within(flow, flow.steps[source].branch)
        if source != FOUND and (source != ROOT or target in {*talk(flow), END})
    }


def within(flow: Flow, branch: str) -> set[str]:
    return {step.name for step in flow.steps.values() if step.branch == branch}


def talk(flow: Flow) -> set[str]:
    return {step.name for step in flow.steps.values() if not step.file}


def test_a_small_flow_is_drawn_for_mermaid() -> None:
    assert mermaid(SMALL) == SMALL_MERMAID


@pytest.mark.parametrize("flow", [FLOW, SMALL], ids=["real", "small"])
def test_mermaid_shows_the_ways_of_the_machine_and_no_others(flow: Flow) -> None:
    pictures = "".join(mermaid(flow, part) for part in parts(flow))
    arrows = re.findall(r"^    step_(\w+) --> (?:step_(\w+)|\[\*\])", pictures, re.MULTILINE)
    assert {(source, target or END) for source, target in arrows} == drawn_edges(flow)
    assert len(arrows) == len(set(arrows))


@pytest.mark.parametrize("flow", [FLOW, SMALL], ids=["real", "small"])
def test_graphviz_shows_the_ways_of_the_machine_and_no_others(flow: Flow) -> None:
    arrows = re.findall(r'^    "(\w+)" -> "(\w+)"', "".join(dot(flow, part) for part in parts(flow)), re.MULTILINE)
    assert set(arrows) == drawn_edges(flow)
    assert len(arrows) == len(set(arrows))


def test_there_is_a_picture_of_the_talk_and_one_of_each_branch_of_the_guide() -> None:
    assert parts(FLOW) == ("", *(branch.name for branch in GUIDE.branches))
    assert parts(SMALL) == ("",)
    for branch in GUIDE.branches:
        drawn = mermaid(FLOW, branch.name)
        topics = {f"guide_{topic.name}" for topic in GUIDE.within(branch.name)}
        assert {name for name in topics if f'state "{name}" as step_{name}\n' in drawn} == topics
        assert drawn.startswith(f'stateDiagram-v2\n    state "guide_{branch.name}"')
        assert f"    [*] --> step_guide_{branch.name}: the guide\n" in drawn
        assert "step_whom" not in drawn


def test_what_leads_on_from_a_topic_and_out_of_its_picture_is_all_that_is_not_drawn() -> None:
    left = {target for source, target in machine_edges(FLOW) - drawn_edges(FLOW) if source not in {ROOT, FOUND}}
    assert left == {ROOT, "note", "whom"}


def test_choices_that_lead_to_one_step_share_an_arrow() -> None:
    drawn = mermaid(FLOW)
    assert "    step_danger --> step_notice: soon, no, unsure, skip\n" in drawn
    assert "    step_event --> step_area: otherwise\n    step_event --> step_held: held\n" in drawn
    assert "    step_device --> step_danger\n" in drawn


def test_what_the_profile_fills_in_changes_nothing() -> None:
    for part in parts(FLOW):
        assert mermaid(FLOW, part) == mermaid(UNFILLED, part)
        assert dot(FLOW, part) == dot(UNFILLED, part)


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
