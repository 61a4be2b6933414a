"""Where each answer leads."""

import pytest
from fakes import BOOK, FLOW

from bot.conversation.flow import END
from bot.conversation.machine import SKIP, WORDS, arcs_of, triggers
from bot.conversation.model import Answer


@pytest.mark.parametrize(
    ("step", "answer", "target"),
    [
        ("danger", Answer("danger", ("now",)), "sos"),
        ("danger", Answer("danger", ("soon",)), "notice"),
        ("danger", Answer("danger"), "notice"),
        ("notice", Answer("notice", ("leave",)), END),
        ("event", Answer("event", ("threat",)), "area"),
        ("event", Answer("event", ("threat", "held")), "held"),
        ("event", Answer("event", ("held", "threat")), "held"),
        ("event", Answer("event", ("threat", "raid")), "area"),
        ("text", Answer("text", (), "a few words"), "handle"),
        ("text", Answer("text"), "handle"),
        ("area", Answer("area", ("abroad",)), "want"),
        ("sos_event", Answer("event", ("held",)), "sos_held"),
    ],
)
def test_an_answer_leads_on(step: str, answer: Answer, target: str) -> None:
    assert BOOK.paths.next_step(step, answer) == target


def test_every_choice_of_every_step_leads_to_a_step_or_to_the_end() -> None:
    arcs = list(arcs_of(FLOW))
    assert {source for source, _, _ in arcs} == set(FLOW.steps)
    assert {dest for _, _, dest in arcs} <= {*FLOW.steps, END}


@pytest.mark.parametrize(
    ("step", "ways"),
    [
        ("device", ["no", "maybe", "yes", SKIP]),
        ("notice", ["tell", "learn", "contacts", "leave"]),
        ("text", [WORDS, SKIP]),
    ],
)
def test_a_step_is_answered_by_its_choices_own_words_or_nothing(step: str, ways: list[str]) -> None:
    assert list(triggers(FLOW.steps[step])) == ways


def given(**choices: str) -> dict[str, Answer]:
    return {step: Answer(step, (choice,)) for step, choice in choices.items()}


@pytest.mark.parametrize(
    ("start", "answers", "steps"),
    [
        ("whom", {}, ["whom"]),
        ("whom", given(whom="me", event="threat"), ["whom", "event", "area"]),
        ("whom", given(whom="other"), ["whom", "agree"]),
        ("whom", given(whom="me", agree="no", event="held"), ["whom", "event", "held"]),
        ("notice", given(notice="leave"), ["notice"]),
        ("learn", given(learn="contacts", contacts="learn"), ["learn", "contacts"]),
    ],
)
def test_a_walk_follows_the_answers_to_the_first_open_question_and_never_turns_in_circles(
    start: str, answers: dict[str, Answer], steps: list[str]
) -> None:
    assert list(BOOK.paths.walk(start, answers)) == steps


def test_what_can_still_come_is_what_any_number_of_ways_lead_to() -> None:
    near: dict[str, set[str]] = {step: set() for step in FLOW.steps}
    for source, _, dest in arcs_of(FLOW):
        near[source] |= {dest} - {END}
    for start in FLOW.steps:
        far = {start}
        while more := {dest for step in far for dest in near[step]} - far:
            far |= more
        assert BOOK.paths.beyond(start) == far
    assert BOOK.paths.beyond(END) == frozenset()
