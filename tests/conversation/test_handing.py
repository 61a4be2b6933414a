"""What is handed over, what is added to it later, and what is said with it."""

from datetime import timedelta

import pytest
from fakes import Talk, begun, sent, sent_in_emergency

from bot.conversation.events import Due
from bot.conversation.model import Conversation, HandOff, Say, Timer, Wake


def given(talk: Talk) -> dict[str, tuple[str, ...]]:
    return {answer.step: answer.choices for answer in talk.handed[-1].answers}


# ── what is added ────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_added_goes_as_one_mail_when_the_person_says_so() -> None:
    talk = sent().picks("yes", "hiding", "none")
    while talk.step != "add_send":
        talk.write("skip")
    assert {answer.step for answer in talk.says[-1].shown} == {"state", "deadline"}
    talk.pick("send")
    assert [(one.number, one.level, one.raised_from) for one in talk.handed] == [(0, 2, None), (1, 2, None)]
    assert given(talk) == {"state": ("hiding",), "deadline": ("none",)}
    assert (talk.lines, talk.step, talk.talk.answers) == (("adding", "rest"), "", ())


def test_what_is_added_goes_by_itself_ten_minutes_after_the_last_of_it() -> None:
    talk = sent().pick("yes").pick("hiding")
    first = talk.wakes[-1]
    assert (first.timer, first.at) == (Timer.GATHER, talk.now + timedelta(minutes=10))
    talk.wait(minutes=5).pick("deport")
    second = talk.wakes[-1]
    assert talk.copy().tell(Due(Timer.GATHER, first.number)).handed == talk.handed
    talk.wait(minutes=10).tell(Due(Timer.GATHER, second.number))
    assert (talk.handed[-1].number, talk.handed[-1].level, talk.handed[-1].raised_from) == (1, 1, 2)
    assert given(talk) == {"state": ("hiding",), "deadline": ("deport",)}
    assert talk.step == "work"
    assert talk.tell(Due(Timer.GATHER, second.number)).outcome.effects == ()


def test_nothing_added_sets_no_timer_and_sends_nothing() -> None:
    talk = sent().pick("yes")
    while talk.talk.step:
        assert not talk.wakes
        talk.write("skip")
    assert talk.lines == ("nothing_added", "rest")
    assert len(talk.handed) == 1


def to_the_end(talk: Talk) -> Talk:
    while talk.step != "add_send":
        talk.write("skip")
    return talk


def test_what_was_added_can_be_dropped() -> None:
    talk = to_the_end(sent().picks("yes", "hiding")).pick("drop")
    assert (talk.lines, talk.talk.answers, talk.talk.gathering, len(talk.handed)) == (("dropped", "rest"), (), 0, 1)


@pytest.mark.parametrize("choice", ["send", "drop"])
def test_what_has_gone_by_itself_is_not_said_to_be_dropped(choice: str) -> None:
    talk = to_the_end(sent().picks("yes", "hiding"))
    talk.tell(Due(Timer.GATHER, talk.talk.gathering))
    assert len(talk.handed) == 2
    assert talk.pick(choice).lines == ("adding", "rest")
    assert len(talk.handed) == 2


def test_an_answer_changed_among_the_additions_takes_its_followers_along() -> None:
    talk = sent_in_emergency().picks("yes", "held", "nowhere").write("back").write("back").pick("raid")
    talk.write("send now")
    assert given(talk) == {"event": ("raid",)}


def test_what_was_added_is_not_lost_by_going_back_or_resting() -> None:
    talk = sent_in_emergency().picks("yes", "raid", "MX-OAX").write("back").write("back").write("SOS")
    talk.picks("no", "leave").write("hello").picks("add", "hiding")
    talk.tell(Due(Timer.GATHER, talk.talk.gathering))
    assert given(talk) == {"event": ("raid",), "area": ("MX-OAX",), "state": ("hiding",)}


def test_after_the_handoff_a_cry_for_help_is_an_addition_sent_at_once() -> None:
    talk = sent().pick("yes").pick("free").write("SOS")
    assert talk.step == "sos"
    talk.pick("me")
    assert (talk.handed[-1].number, talk.handed[-1].level, talk.handed[-1].raised_from) == (1, 1, 2)
    assert given(talk) == {"state": ("free",), "sos": ("me",)}
    assert (talk.lines, talk.step) == (("adding", "rest"), "")
    assert Timer.LATE in {wake.timer for wake in talk.wakes}


def test_with_a_case_nobody_walks_the_intake_again() -> None:
    talk = sent().write("SOS").picks("no", "tell")
    assert talk.step == "after"
    assert sent().write("SOS").picks("no", "learn", "contacts", "tell").step == "after"
    assert talk.pick("add").step == "state"


def test_how_to_be_answered_is_kept_when_it_is_told_later() -> None:
    talk = sent_in_emergency().pick("yes")
    while talk.step != "sos_reply":
        talk.write("skip")
    assert talk.talk.case is not None
    assert talk.talk.case.reply == ""
    talk.pick("evening")
    assert talk.talk.case.reply == "evening"


# ── what is said at a handoff ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("event", "line"), [("threat", "sending"), ("laws", "sending_later")])
def test_the_codes_stand_alone_in_one_message_that_says_when_it_vanishes(event: str, line: str) -> None:
    talk = begun().picks("no", "no", "tell", "me", event, "MX-OAX", "quiet", "here", "send", "act")
    assert [[one.name for one in say.lines] for say in talk.says] == [
        [f"say.{line}"],
        ["say.codes", "say.vanish_terminal"],
        ["intake.more"],
    ]
    assert [say.final for say in talk.says] == [False, True, False]
    assert "Case CASE12. Return code 1234 5678 9012 3456. Check number 0012." in talk.text
    kinds = [type(effect) for effect in talk.outcome.effects]
    assert kinds[0] is HandOff
    assert kinds.count(Say) == 3
    assert Wake in kinds


def test_a_stored_talk_without_a_case_has_nothing_to_gather() -> None:
    talk = Talk()
    talk.conversation = Conversation(talk.sender)
    assert talk.tell(Due(Timer.GATHER, 0)).outcome.effects == ()
