"""What follows from a case for the officer."""

from dataclasses import replace

import pytest
from fakes import MORNING, TRIAGE

from bot.conversation.model import Answer, Consent, ConsentKind, HandOff
from bot.handoff.case import DONTS, case_of, chosen, may_act


def told(*answers: Answer, act: str = "act", number: int = 0) -> HandOff:
    consents = (
        Consent(ConsentKind.SEND, "send", "v", MORNING),
        Consent(ConsentKind.ACT, act, "v", MORNING),
    )
    return HandOff("7K3QM4", number, 2, None, (), "4821", answers=answers, consents=consents)


ALL = ("authorities", "publicity", "family", "call")
ASKED = Answer("donts", ("publicity", "call"))


@pytest.mark.parametrize(
    ("handed", "donts"),
    [
        (told(), ("publicity", "family", "call")),
        (told(act="share"), ("publicity", "family", "call")),
        (told(act="talk"), ("act", *ALL)),
        (told(ASKED), ("authorities", "family")),
        (told(ASKED, act="talk"), ("act", "authorities", "family")),
        (told(Answer("donts", ALL)), ()),
        (told(Answer("donts", ALL), act="talk"), ("act",)),
        (told(number=1), None),
        (told(number=1, act="talk"), None),
        (told(ASKED, number=1), ("authorities", "family")),
        (replace(told(), consents=()), ("act", *ALL)),
    ],
)
def test_everything_that_was_not_allowed_is_ruled_out(handed: HandOff, donts: tuple[str, ...] | None) -> None:
    assert case_of(handed, TRIAGE).donts == donts
    assert DONTS == ALL


@pytest.mark.parametrize(
    ("handed", "desk"),
    [
        (told(), "human_rights"),
        (told(Answer("work", ("labour",))), "labour"),
        (told(number=1), ""),
        (told(Answer("work", ("labour",)), number=1), "labour"),
    ],
)
def test_the_desk_is_told_where_the_theme_is_known(handed: HandOff, desk: str) -> None:
    assert case_of(handed, TRIAGE).desk == desk


@pytest.mark.parametrize(
    ("answer", "unasked", "minor"),
    [
        (Answer("agree", ("cannot",)), True, False),
        (Answer("agree", ("yes",)), False, False),
        (Answer("adult", ("no",)), False, True),
        (Answer("adult", ("yes",)), False, False),
        (Answer("adult"), False, False),
    ],
)
def test_who_could_not_be_asked_and_who_is_under_age_is_marked(answer: Answer, unasked: bool, minor: bool) -> None:
    case = case_of(told(answer), TRIAGE)
    assert (case.unasked, case.minor) == (unasked, minor)


def test_an_addition_is_known_by_its_number() -> None:
    assert [case_of(told(number=number), TRIAGE).added for number in (0, 1, 2)] == [False, True, True]


@pytest.mark.parametrize("act", ["act", "talk", "share"])
def test_the_second_consent_says_what_may_be_done(act: str) -> None:
    assert may_act(told(act=act)) == act


def test_without_a_second_consent_nothing_may_be_done_before_talking() -> None:
    assert may_act(replace(told(), consents=())) == "talk"


def test_what_has_no_answer_has_no_choices() -> None:
    answers = case_of(told(ASKED), TRIAGE).answers
    assert chosen(answers, "donts") == ("publicity", "call")
    assert chosen(answers, "area") == ()
