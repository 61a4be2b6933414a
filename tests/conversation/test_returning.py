"""Coming back by a code: what is told, to whom, and that a wrong code tells nothing."""

from dataclasses import replace

import pytest
from fakes import BOOK, CODE, MORNING, OFFERED, RENDER, Talk, at_step, begun, chance, relayed, sent

from bot.conversation import returning
from bot.conversation.events import Accepted, Acknowledged, Bounced
from bot.conversation.model import Conversation, Message, Outcome, Sender
from bot.conversation.returning import return_code, returned

HELLO = Message(Sender("signal", "elsewhere"), "m1", MORNING, CODE)


def lines(outcome: Outcome) -> list[str]:
    return [line.name.rpartition(".")[2] for effect in outcome.effects for line in getattr(effect, "lines", ())]


def told(found: Conversation | None, *words: str, talk: Conversation | None = None) -> Outcome:
    return returned(BOOK, talk, found, words, HELLO, MORNING)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (CODE, CODE),
        ("1234 5678 9012 3456", CODE),
        (" 1234-5678-9012-3456\n", CODE),
        ("1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6", CODE),
        ("١٢٣٤ ٥٦٧٨ ٩٠١٢ ٣٤٥٦", CODE),
        ("１２３４５６７８９０１２３４５６", CODE),
        ("1234 5678 9012 345", ""),
        ("1234 5678 9012 34567", ""),
        ("1234 5678 9012", ""),
        ("my code 1234 5678 9012 3456", ""),
        ("1234.5678.9012.3456", ""),
        ("²²²²²²²²²²²²²²²²", ""),
        ("", ""),
    ],
)
def test_a_code_is_sixteen_digits_of_any_script_and_nothing_else(text: str, code: str) -> None:
    assert return_code(text) == code


def test_the_code_as_it_was_shown_is_read() -> None:
    shown = "".join(line for line in sent().text.splitlines() if "Return code" in line)
    assert return_code(shown.split("Return code ")[1].split(".")[0]) == chance(1).return_code


@pytest.mark.parametrize(
    ("talk", "status"),
    [
        (sent("code"), "case_waiting"),
        (sent("code").tell(Accepted(0, MORNING)), "case_left"),
        (sent("code").tell(Accepted(0, MORNING)).tell(Bounced(0)), "case_given_up"),
        (sent("code").tell(Acknowledged(MORNING)), "case_read"),
        (sent("code").write("stop"), "case_waiting"),
    ],
)
def test_whoever_knows_the_code_hears_how_far_the_case_is(talk: Talk, status: str) -> None:
    outcome = told(talk.talk)
    assert lines(outcome) == ["code_status", status]
    assert outcome.conversation is None, "nothing is kept of who asked"


def test_words_of_the_mission_that_waited_are_told_once_each_in_order() -> None:
    outcome = told(sent("code").talk, "Where are you safe?", "We are here.")
    assert lines(outcome) == ["code_status", "case_waiting", "relayed_code", "relayed_code"]
    text = "".join(RENDER(say) for say in outcome.effects if hasattr(say, "lines"))  # type: ignore[arg-type]
    assert text.index("Where are you safe?") < text.index("We are here.")
    assert "What I know of case CASE12" in text


@pytest.mark.parametrize("found", [None, begun().talk], ids=["no such code", "a talk without a case"])
def test_a_code_that_leads_nowhere_is_answered_in_one_way(found: Conversation | None) -> None:
    outcome = told(found, "words")
    assert (lines(outcome), outcome.conversation) == (["code_nothing"], None)


@pytest.mark.parametrize("step", ["device", "event", "review", "more", "after"])
def test_a_question_that_waits_is_put_again_and_nothing_of_it_is_lost(step: str) -> None:
    talk = at_step(step).talk
    outcome = told(sent("code").talk, talk=talk)
    assert lines(outcome)[:2] == ["code_status", "case_waiting"]
    assert lines(outcome)[-1] == step
    kept = outcome.conversation
    assert kept is not None
    assert (kept.step, kept.answers, kept.case) == (step, talk.answers, talk.case)
    assert (kept.heard_at, kept.sender) == (MORNING, HELLO.sender)


def test_how_far_one_s_own_case_is_is_said_once_of_two_cases_each() -> None:
    here = at_step("after").talk
    assert lines(told(here, talk=here)) == ["code_status", "case_waiting", "after"]
    assert lines(told(here, "Yes.", "Yes.", talk=here)) == [
        "code_status",
        "case_waiting",
        *2 * ["relayed_code"],
        "after",
    ]
    other = at_step("after").talk
    assert other.case is not None
    other = replace(other, case=replace(other.case, reference="OTHER1"))
    assert lines(told(other, talk=here)) == ["code_status", "case_waiting", "case_waiting", "after"]


def test_somebody_at_rest_is_told_and_rests() -> None:
    talk = sent().pick("no").talk
    outcome = told(talk, talk=talk)
    assert lines(outcome) == ["code_status", "case_waiting"]
    assert outcome.conversation == replace(talk, sender=HELLO.sender, heard_at=MORNING)


@pytest.mark.parametrize("tag", OFFERED)
def test_the_answer_is_in_the_language_of_this_talk_else_of_the_case_else_in_the_mission_s(tag: str) -> None:
    here = replace(begun().talk, language=tag)
    assert told(sent("code").talk, talk=here).effects[0].languages == (tag,)  # type: ignore[union-attr]
    there = replace(sent("code").talk, language=tag)
    assert told(there).effects[0].languages == (tag,)  # type: ignore[union-attr]
    assert told(None).effects[0].languages == OFFERED[:2]  # type: ignore[union-attr]


def test_a_talk_to_which_words_have_come_may_answer_them() -> None:
    talk = sent("code")
    talk.conversation = returning.relayed(talk.talk)
    assert talk.write("ANSWER").step == "answer"
    assert returning.relayed(begun().talk) == begun().talk
    assert returning.relayed(relayed().talk) == relayed().talk
