"""What is handed over, what is added to it later, and what is said with it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fakes import BOOK, MORNING, Talk, begun, sent, sent_in_emergency

from bot.conversation.events import Acknowledged, Due
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
    talk.picks("no", "leave").write("hello").picks("add", "officer", "here", "hiding")
    talk.tell(Due(Timer.GATHER, talk.talk.gathering))
    told = {"event": ("raid",), "area": ("MX-OAX",), "want": ("officer",), "reply": ("here",), "state": ("hiding",)}
    assert given(talk) == told  # and what was never asked since the SOS


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


# ── when an officer will read it ─────────────────────────────────────────────────────────────────────────

Opens = Callable[[int, datetime], datetime | None]


@pytest.mark.parametrize(
    ("opens", "said", "told"),
    [
        (None, ("sending",), ""),
        (MORNING.replace(hour=9), ("sending", "off_duty"), "may be read only from 09:00 (Mexico City)"),
        (datetime(2026, 11, 21, 15, 0, tzinfo=UTC), ("sending", "off_duty"), "from 09:00 (Mexico City)"),
        (
            MORNING.replace(day=23, hour=9, minute=30),
            ("sending", "off_duty_until"),
            "from 09:30 on November 23, 2026 (Mexico City)",
        ),
        (datetime(2026, 11, 22, 5, 59, tzinfo=UTC), ("sending", "off_duty"), "from 23:59 (Mexico City)"),
        (datetime(2026, 11, 22, 6, 0, tzinfo=UTC), ("sending", "off_duty_until"), "from 00:00 on November 22, 2026"),
    ],
)
def test_outside_the_hours_of_those_on_duty_it_is_said_when_they_begin(
    opens: datetime | None, said: tuple[str, ...], told: str
) -> None:
    talk = sent(book=replace(BOOK, opens=lambda _level, _at: opens))
    assert talk.lines[: len(said) + 1] == (*said, "codes")
    assert told in talk.text


@pytest.mark.parametrize(("event", "level"), [("threat", 2), ("laws", 3)])
def test_it_is_asked_who_is_on_duty_for_the_level_of_the_case_at_this_moment(event: str, level: int) -> None:
    asked: list[tuple[int, datetime]] = []
    book = replace(BOOK, opens=lambda level, at: asked.append((level, at)))
    talk = begun(book).picks("no", "no", "tell", "me", event, "MX-OAX", "quiet", "here", "send", "act")
    assert asked == [(level, talk.now)]


# ── until somebody has read it ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("level", "minutes"), [(1, 60), (2, 240), (3, 0), (4, 0)])
def test_who_waits_for_an_officer_is_told_after_the_first_wait_of_the_level(level: int, minutes: int) -> None:
    want, event = ("quiet", "threat") if level <= 2 else ("inform", "laws" if level == 3 else "skip")
    talk = sent_in_emergency() if level == 1 else begun().picks("no", "no", "tell", "me", event, "MX-OAX", want)
    talk = talk if level == 1 else talk.picks("here", "send", "act")
    waits = [wake.at - (talk.handed[0].not_before or talk.now) for wake in talk.wakes if wake.timer is Timer.UNREAD]
    assert talk.handed[0].level == level
    assert waits == ([timedelta(minutes=minutes)] if minutes else [])


@pytest.mark.parametrize(("answer", "read"), [("hiding", True), ("missing", False)])
def test_what_makes_a_case_graver_waits_for_an_officer_anew(answer: str, *, read: bool) -> None:
    talk = sent().tell(Acknowledged(MORNING)).picks("yes", answer).write("send now")
    assert talk.talk.case is not None
    assert (talk.talk.case.read_at is not None) == read
    assert (talk.handed[-1].raised_from is None) == read
    (unread,) = [wake for wake in talk.wakes if wake.timer is Timer.UNREAD]
    assert (unread.number, unread.at - talk.now) == (1, BOOK.first_wait[talk.talk.case.level])


@pytest.mark.parametrize(
    ("event", "want", "state", "levels"), [("skip", "inform", "free", (4, 3)), ("laws", "quiet", "hiding", (3, 2))]
)
def test_what_is_graver_only_a_little_is_read_with_the_rest(
    event: str, want: str, state: str, levels: tuple[int, int]
) -> None:
    talk = begun().picks("no", "no", "tell", "me", event, "MX-OAX", want, "here", "send", "act")
    talk.tell(Acknowledged(MORNING)).picks("yes", state).write("send now")
    assert tuple(one.level for one in talk.handed) == levels
    assert talk.talk.case is not None
    assert (talk.talk.case.read_at is None) == (levels[1] <= 2), "what is not urgent hurries nobody"
