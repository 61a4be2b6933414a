"""What the person is told of what happens outside: truthfully, once, and only as they chose."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fakes import BOOK, MORNING, ZONE, Talk, begun, sent, sent_in_emergency

from bot.conversation.events import (
    Accepted,
    Acknowledged,
    Bounced,
    Closed,
    Delivered,
    Due,
    Event,
    Levelled,
    Placed,
    Refused,
    Relayed,
    Sealed,
    Trying,
)
from bot.conversation.model import Clear, Timer, Way, Weight

LATE, GIVE_UP, UNREAD = Due(Timer.LATE, 0), Due(Timer.GIVE_UP, 0), Due(Timer.UNREAD, 0)
READ = Acknowledged(datetime(2026, 11, 21, 14, 20, 30, tzinfo=UTC))
GONE = Accepted(0, datetime(2026, 11, 21, 14, 2, 30, tzinfo=UTC))


def ways(talk: Talk) -> list[Way]:
    assert talk.talk.case is not None
    return [one.way for one in talk.talk.case.handed]


def told(talk: Talk, *events: Event) -> list[str]:
    """Return all that was told of these events, in order."""
    return [line for event in events for line in talk.tell(event).lines]


@pytest.mark.parametrize(
    ("events", "way", "lines"),
    [
        ((), Way.SEALING, []),
        ((Sealed(0),), Way.WAITING, []),
        ((Sealed(0), Trying(0)), Way.TRYING, []),
        ((Sealed(0), Trying(0), Refused(0)), Way.WAITING, []),
        ((Sealed(0), Trying(0), GONE), Way.LEFT, ["left"]),
        ((GONE, Sealed(0), Trying(0), Refused(0)), Way.LEFT, ["left"]),
        ((GONE, GONE), Way.LEFT, ["left"]),
        ((GONE, LATE, GIVE_UP), Way.LEFT, ["left"]),
        ((LATE,), Way.SEALING, ["late"]),
        ((LATE, LATE), Way.SEALING, ["late"]),
        ((Sealed(0), Trying(0), LATE, GONE), Way.LEFT, ["late", "left_late"]),
        ((LATE, GIVE_UP), Way.GIVEN_UP, ["late", "given_up"]),
        ((LATE, GIVE_UP, GIVE_UP, LATE), Way.GIVEN_UP, ["late", "given_up"]),
        ((GIVE_UP, Trying(0)), Way.GIVEN_UP, ["given_up"]),
        ((GIVE_UP, GONE), Way.LEFT, ["given_up", "left_late"]),
        ((Sealed(0), Trying(0), Placed(0)), Way.PLACED, []),
        ((Placed(0), LATE, GIVE_UP, Refused(0)), Way.PLACED, []),
        ((Placed(0), GONE), Way.LEFT, ["left"]),
        ((Sealed(1), Trying(2), Accepted(3, MORNING), Due(Timer.LATE, 4)), Way.SEALING, []),
        ((GONE, Bounced(0)), Way.BOUNCED, ["left", "bounced"]),
        ((GONE, Bounced(0), Bounced(0), LATE, GIVE_UP), Way.BOUNCED, ["left", "bounced"]),
        ((GONE, Bounced(0), Trying(0), Refused(0)), Way.BOUNCED, ["left", "bounced"]),
        ((GONE, Bounced(0), Trying(0), GONE), Way.LEFT, ["left", "bounced", "left_late"]),
        ((GONE, Bounced(0), GONE, Bounced(0)), Way.BOUNCED, ["left", "bounced", "left_late", "bounced"]),
        ((Placed(0), Bounced(0), Placed(0)), Way.PLACED, ["bounced"]),
        ((GIVE_UP, Placed(0)), Way.PLACED, ["given_up"]),
        ((Bounced(1),), Way.SEALING, []),
        ((GONE, READ, READ), Way.LEFT, ["left", "read"]),
        ((Sealed(0), Trying(0), READ, GONE), Way.LEFT, ["read"]),  # by Signal, before the server had said 250
        ((GONE, UNREAD, UNREAD), Way.LEFT, ["left", "unread"]),
        ((Placed(0), UNREAD), Way.PLACED, ["unread"]),
        ((GONE, UNREAD, READ, UNREAD), Way.LEFT, ["left", "unread", "read"]),
        ((GONE, READ, UNREAD), Way.LEFT, ["left", "read"]),
        ((GONE, Bounced(0), UNREAD), Way.BOUNCED, ["left", "bounced"]),
        ((LATE, GIVE_UP, UNREAD), Way.GIVEN_UP, ["late", "given_up"]),
        ((Trying(0), GIVE_UP, UNREAD), Way.IN_DOUBT, ["in_doubt"]),
        ((UNREAD,), Way.SEALING, []),
        ((GONE, Due(Timer.UNREAD, 1)), Way.LEFT, ["left"]),
        ((Levelled(3), Levelled(1)), Way.SEALING, []),
    ],
)
def test_each_thing_is_told_once_and_as_it_is(events: Sequence[Event], way: Way, lines: list[str]) -> None:
    talk = sent()
    assert told(talk, *events) == lines
    assert ways(talk) == [way]


def test_the_time_is_told_in_the_mission_s_zone() -> None:
    assert "left us at 08:02 (Mexico City)" in sent().tell(GONE).text
    assert "has read it, at 08:20 (Mexico City)" in sent().tell(READ).text


def test_what_is_added_to_a_case_that_was_read_is_still_told_of() -> None:
    talk = sent().tell(GONE).tell(READ).picks("yes", "hiding").write("send now")
    assert talk.tell(Accepted(1, MORNING)).lines == ("left_added",)


@pytest.mark.parametrize(
    ("event", "line", "way"),
    [
        (Due(Timer.LATE, 1), "late_added", Way.SEALING),
        (Due(Timer.GIVE_UP, 1), "given_up_added", Way.GIVEN_UP),
        (Accepted(1, MORNING), "left_added", Way.LEFT),
        (Bounced(1), "bounced_added", Way.BOUNCED),
    ],
)
def test_what_was_added_is_told_apart_from_the_alert(event: Event, line: str, way: Way) -> None:
    talk = sent().tell(GONE).picks("yes", "injured").write("send now")
    assert talk.tell(event).lines == (line,)
    assert ways(talk) == [Way.LEFT, way]


def test_what_is_not_known_here_changes_nothing() -> None:
    for talk in (begun(), Talk().write("SOS")):
        kept = talk.talk
        other = (Delivered(kept.serial + 1, talk.now), Relayed("words"), READ, Levelled(1), Bounced(0), UNREAD)
        for event in (Sealed(0), GONE, LATE, Due(Timer.GATHER, 3), *other):
            assert (talk.tell(event).outcome.effects, talk.talk) == ((), kept)


def test_not_sent_weighs_more_than_a_status() -> None:
    assert sent().tell(LATE).says[0].weight is Weight.EMERGENCY
    for grave in (UNREAD, Bounced(0)):
        assert sent().tell(GONE).tell(grave).says[0].weight is Weight.EMERGENCY
    for mild in (GONE, READ, Relayed("words"), Closed()):
        assert sent().tell(mild).says[0].weight is Weight.STATUS


def test_a_question_delivered_twice_was_seen_the_first_time() -> None:
    talk = sent()
    first = talk.now
    talk.wait(minutes=1).tell(Delivered(talk.talk.serial, talk.now))
    assert talk.talk.seen_at == first


def test_a_text_without_a_consent_is_no_sign_that_the_question_was_seen() -> None:
    talk = Talk().write("hello", seen=False)
    assert talk.tell(Delivered(0, talk.now, ("b1",))).talk.seen_at is None
    assert talk.tell(Delivered(talk.talk.serial, talk.now, ("b2",))).talk.seen_at == talk.now
    assert [one for one, _ in talk.talk.traces] == ["b1", "b2"]


# ── timers ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("event", "fraction", "level", "leaves", "timers"),
    [
        ("threat", 0.5, 2, None, {Timer.LATE: 5, Timer.UNREAD: 240, Timer.GIVE_UP: 1440}),
        ("laws", 0.0, 3, 0, {Timer.GIVE_UP: 1440}),
        ("laws", 0.5, 3, 60, {Timer.GIVE_UP: 1500}),
        ("laws", 0.999, 3, 119, {Timer.GIVE_UP: 1559}),
        ("skip", 0.25, 3, 30, {Timer.GIVE_UP: 1470}),
    ],
)
def test_urgent_cases_leave_at_once_and_others_at_a_random_minute_of_two_hours(
    event: str, fraction: float, level: int, leaves: int | None, timers: dict[Timer, int]
) -> None:
    talk = begun().picks("no", "no", "tell", "me", event, "MX-OAX", "quiet", "here", "send")
    talk.fraction = fraction
    talk.pick("act")
    handed = talk.handed[0]
    assert handed.level == level
    assert handed.not_before == (None if leaves is None else talk.now + timedelta(minutes=leaves))
    assert {wake.timer: (wake.at - talk.now) // timedelta(minutes=1) for wake in talk.wakes} == timers
    assert {wake.number for wake in talk.wakes} == {0}


def test_an_addition_leaves_at_once() -> None:
    talk = sent().picks("yes", "hiding").write("send now")
    assert talk.handed[-1].not_before is None
    assert {wake.number for wake in talk.wakes} == {1}


# ── when the person may be written to ────────────────────────────────────────────────────────────────────

NOW = "now"
NEVER = "never"


def at(hour: int, minute: int = 0, day: int = 22) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("reply", "now", "told_at"),
    [
        ("here", at(3), NOW),
        ("here", at(15), NOW),
        ("day", at(9), NOW),
        ("day", at(17, 59), NOW),
        ("day", at(18), at(9, day=23)),
        ("day", at(23, 30), at(9, day=23)),
        ("day", at(0), at(9)),
        ("day", at(8, 59), at(9)),
        ("evening", at(18), NOW),
        ("evening", at(21, 59), NOW),
        ("evening", at(22), at(18, day=23)),
        ("evening", at(9), at(18)),
        ("code", at(12), NEVER),
        ("skip", at(12), NEVER),
    ],
)
@pytest.mark.parametrize("event", [GONE, GIVE_UP, READ, Bounced(0), Relayed("words"), Closed()])
def test_a_status_is_told_in_the_hours_the_person_chose(
    event: Event, reply: str, now: datetime, told_at: datetime | str
) -> None:
    talk = sent(reply)
    talk.now = now
    talk.tell(event)
    assert [say.not_before for say in talk.says] == {NOW: [None], NEVER: []}.get(str(told_at), [told_at])


@pytest.mark.parametrize("reply", ["here", "day", "evening", "code", "skip"])
@pytest.mark.parametrize(("minutes", "writing"), [(0, True), (30, True), (31, False)])
def test_while_the_person_is_writing_a_status_is_told_at_once(reply: str, minutes: int, writing: bool) -> None:
    talk = sent(reply)
    talk.now = at(2, day=22)
    talk.write("hello").wait(minutes=minutes).tell(GONE)
    assert ([say.not_before for say in talk.says] == [None]) == (writing or reply == "here")


def test_after_sos_before_the_person_was_asked_a_status_is_told_at_once() -> None:
    talk = sent_in_emergency().wait(hours=8)
    assert [say.not_before for say in talk.tell(GONE).says] == [None]


def test_not_sent_yet_is_told_at_the_safe_hour_only_if_it_is_still_true() -> None:
    talk = sent("day")
    talk.now = at(20)
    talk.tell(LATE)
    assert (talk.says, [(wake.timer, wake.at, wake.number) for wake in talk.wakes]) == (
        (),
        [(Timer.LATE, at(9, day=23), 0)],
    )
    gone = talk.copy().tell(Accepted(0, at(21)))
    assert gone.lines == ("left",)
    gone.now = at(9, day=23)
    assert gone.tell(LATE).says == ()
    talk.now = at(9, day=23)
    assert talk.tell(LATE).lines == ("late",)


@pytest.mark.parametrize("reply", ["code", "skip"])
def test_who_was_not_told_of_a_delay_is_not_told_after_all(reply: str) -> None:
    talk = sent(reply)
    talk.now = at(12)
    assert told(talk, LATE) == []
    talk.write("hello")
    assert told(talk, Accepted(0, at(13))) == ["left"]


def test_a_day_after_a_handoff_the_address_stays_only_for_who_is_answered_here() -> None:
    for reply, address in {"here": "someone", "day": "someone", "evening": "someone", "code": "", "skip": ""}.items():
        talk = sent(reply).tell(GONE).wait(days=1).tell(GIVE_UP)
        assert talk.talk.sender.address == address, reply
    assert sent("code").wait(days=1).tell(GIVE_UP).talk.sender.address == ""
    assert sent_in_emergency().wait(days=1).tell(GIVE_UP).lines == ("given_up",)


def test_without_an_address_nothing_is_told() -> None:
    talk = sent("code").wait(days=1).tell(GIVE_UP)
    assert talk.tell(GONE).says == ()
    assert ways(talk) == [Way.LEFT]


# ── what a person is told who asks ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("events", "line"),
    [
        ((), "case_waiting"),
        ((Sealed(0), Trying(0)), "case_waiting"),
        ((LATE,), "case_waiting"),
        ((Placed(0),), "case_placed"),
        ((GONE,), "case_left"),
        ((GIVE_UP,), "case_given_up"),
        ((GIVE_UP, GONE), "case_left"),
        ((GONE, Bounced(0)), "case_given_up"),
        ((GONE, Bounced(0), GONE), "case_left"),
        ((GONE, READ), "case_read"),
        ((READ,), "case_read"),
    ],
)
def test_who_comes_back_is_told_where_the_case_stands(events: Sequence[Event], line: str) -> None:
    talk = sent("code").pick("no")
    for event in events:
        talk.tell(event)
    assert talk.wait(hours=3).write("hello").lines == ("not_kept", line, "after")


def test_the_offer_names_the_case_and_the_hour_it_left_at() -> None:
    text = sent("code").tell(GONE).pick("no").write("hello").text
    assert "Your case left us at 08:02 (Mexico City)." in text
    assert "case CASE12" in text


# ── nobody has read it yet ───────────────────────────────────────────────────────────────────────────────


def test_what_has_not_left_is_not_told_as_unread_but_looked_at_again() -> None:
    talk = sent()
    for _ in range(2):
        talk.wait(hours=4).tell(UNREAD)
        (again,) = talk.wakes
        assert (talk.says, again.timer, again.number, again.at - talk.now) == (
            (),
            Timer.UNREAD,
            0,
            timedelta(minutes=5),
        )
    assert talk.tell(GONE).wait(hours=4).tell(UNREAD).lines == ("unread",)


def test_a_case_that_an_officer_gave_a_milder_level_is_looked_at_again_soon() -> None:
    talk = sent().tell(Levelled(4)).tell(UNREAD)
    assert [wake.at - talk.now for wake in talk.wakes] == [timedelta(minutes=5)]


def test_nobody_has_read_it_is_told_at_the_safe_hour_only_if_it_is_still_true() -> None:
    talk = sent("day").tell(GONE)
    talk.now = at(20)
    talk.tell(UNREAD)
    assert (talk.says, [(wake.timer, wake.at, wake.number) for wake in talk.wakes]) == (
        (),
        [(Timer.UNREAD, at(9, day=23), 0)],
    )
    read = talk.copy()
    assert [say.not_before for say in read.tell(Acknowledged(at(21))).says] == [at(9, day=23)]
    read.now = talk.now = at(9, day=23)
    assert read.tell(UNREAD).outcome.effects == ()
    assert talk.tell(UNREAD).lines == ("unread",)


@pytest.mark.parametrize("reply", ["code", "skip", "stop"])
def test_who_chose_silence_is_not_told_that_nobody_has_read_it(reply: str) -> None:
    talk = sent("here").write("stop") if reply == "stop" else sent(reply)
    talk.tell(GONE).wait(hours=4).tell(UNREAD)
    assert talk.outcome.effects == ()
    assert talk.talk.case is not None
    assert not talk.talk.case.unread, "what was not told is not noted as told"


@pytest.mark.parametrize("lost", [Bounced(0), GIVE_UP])
def test_what_was_lost_and_leaves_after_all_waits_for_an_officer_from_then_on(lost: Event) -> None:
    talk = sent().tell(Trying(0)).tell(lost).wait(hours=5).tell(GONE)
    assert talk.lines == ("left_late",)
    assert [(wake.timer, wake.at - talk.now) for wake in talk.wakes] == [(Timer.UNREAD, timedelta(hours=4))]
    assert talk.wait(hours=4).tell(UNREAD).lines == ("unread",)


def test_a_mild_case_that_leaves_after_all_has_no_first_wait() -> None:
    assert sent().tell(Levelled(3)).tell(GIVE_UP).tell(GONE).wakes == ()


# ── the mission's words, and its end of a case ───────────────────────────────────────────────────────────


def test_the_words_of_an_officer_come_in_a_fixed_frame_as_they_are() -> None:
    text = sent().tell(Relayed("Say {mission} to nobody.\nWe try.")).text
    assert text.startswith("From the mission. It never asks for codes, money, names or a meeting place here.")
    assert "Say {mission} to nobody." in text
    assert text.rstrip().endswith("To answer here, write ANSWER. To get no more messages, write STOP.")


@pytest.mark.parametrize(
    ("talk", "passed_on"),
    [
        (sent("here"), True),
        (sent("evening"), True),
        (sent("code"), False),
        (sent("skip"), False),
        (sent("here").write("stop"), False),
        (sent("code").wait(days=1).tell(GIVE_UP), False),  # the address is forgotten by now
        (sent_in_emergency(), True),
    ],
)
def test_words_that_can_not_be_passed_on_are_not_noted_as_passed_on(talk: Talk, *, passed_on: bool) -> None:
    talk.wait(days=1).tell(Relayed("words"))
    assert (len(talk.says), bool(talk.talk.case and talk.talk.case.relayed)) == (int(passed_on), passed_on)


def test_the_level_an_officer_gives_is_kept() -> None:
    talk = sent().tell(Levelled(3))
    assert talk.talk.case is not None
    assert talk.talk.case.level == 3


@pytest.mark.parametrize(("reply", "lines"), [("here", ("closed",)), ("code", ())])
def test_of_a_closed_case_nothing_is_kept_and_what_the_messenger_shows_is_cleared(
    reply: str, lines: tuple[str, ...]
) -> None:
    talk = sent(reply).tell(Delivered(0, MORNING, ("b1", "b2"))).wait(hours=1).tell(Closed())
    assert (talk.lines, talk.conversation, talk.outcome.erase) == (lines, None, False)
    assert [one.ids for one in talk.outcome.effects if isinstance(one, Clear)] == [("b1", "b2")]


# ── a mission without keys ───────────────────────────────────────────────────────────────────────────────

KEYLESS = replace(BOOK, readable=True, held_for=timedelta(hours=72))
OVER = Due(Timer.GONE, 0)


def keyless(reply: str = "here") -> Talk:
    """A talk whose case only the bot holds."""
    return sent(reply, KEYLESS)


def test_a_case_that_only_the_bot_holds_sets_a_timer_for_the_end_of_its_time() -> None:
    talk = sent_in_emergency(KEYLESS)
    assert [wake.at - talk.now for wake in talk.wakes if wake.timer is Timer.GONE] == [timedelta(hours=72)]
    assert [wake for wake in sent().wakes if wake.timer is Timer.GONE] == []


def test_what_nobody_has_read_in_its_time_is_told_as_gone_and_the_person_begins_anew() -> None:
    talk = keyless().tell(GONE).wait(hours=72).tell(OVER)
    assert ([line.name for line in talk.says[0].lines], talk.outcome.conversation) == (["say.gone"], None)


def test_what_was_read_in_its_time_or_is_to_be_kept_quiet_is_not_told_as_gone() -> None:
    assert keyless().tell(GONE).tell(READ).wait(hours=72).tell(OVER).says == ()
    assert keyless("code").tell(GONE).wait(hours=72).tell(OVER).says == ()
