"""What a talk leaves in the messenger is known by its ids, once, and deleted in time: at an end, or while it can be."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from fakes import MORNING, Talk, at_step, begun, sent, sent_in_emergency

from bot.conversation.events import Accepted, Delivered, Due
from bot.conversation.model import Clear, Kind, Timer, Wake

CLEAR = Due(Timer.CLEAR, 0)
EVERY = timedelta(hours=22)
MINUTE = timedelta(minutes=1)
TELEGRAM_KEEPS = timedelta(hours=48)  # then it no longer lets a bot delete


def removable(talk: Talk) -> Talk:
    talk.removable = True
    return talk


def ids(talk: Talk) -> list[str]:
    return [one for one, _ in talk.talk.traces]


def clears(talk: Talk) -> list[Clear]:
    return [effect for effect in talk.outcome.effects if isinstance(effect, Clear)]


def next_times(talk: Talk) -> list[datetime]:
    return [wake.at for wake in talk.wakes if wake.timer is Timer.CLEAR]


# ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────


def test_only_what_can_be_deleted_is_kept() -> None:
    assert begun().talk.traces == ()
    assert ids(removable(Talk()).write("hello").pick("en")) == ["m1", "m2"]


def test_the_messages_of_both_sides_are_kept_each_once_with_its_minute() -> None:
    talk = removable(Talk()).write("hello")
    arrived = Delivered(0, talk.now, ("b1", "b2"))
    talk.tell(arrived).tell(arrived)
    assert ids(talk) == ["m1", "b1", "b2"]
    assert {at for _, at in talk.talk.traces} == {int(talk.now.timestamp() // 60)}


def test_one_timer_runs_however_much_is_left() -> None:
    talk = removable(Talk()).write("hello")
    assert next_times(talk) == [talk.now + EVERY]
    assert next_times(talk.tell(Delivered(0, talk.now, ("b1",)))) == []
    assert next_times(talk.pick("en")) == []
    assert talk.talk.clearing


def test_a_report_without_ids_sets_no_timer() -> None:
    talk = begun().tell(Delivered(0, MORNING))
    assert (talk.talk.traces, talk.talk.clearing, talk.outcome.effects) == ((), False, ())


def test_what_was_delivered_twice_in_different_messages_is_kept_as_both() -> None:
    talk = begun().tell(Delivered(0, MORNING, ("b1",))).tell(Delivered(0, MORNING, ("b2",)))
    assert ids(talk) == ["b1", "b2"]


def test_ids_show_in_no_repr() -> None:
    talk = removable(Talk()).write("hello").tell(Delivered(0, MORNING, ("CANARY",)))
    stopped = talk.copy().write("stop")
    for shown in (talk.talk, talk.outcome, stopped.outcome, Delivered(0, MORNING, ("CANARY",))):
        assert "CANARY" not in repr(shown)


@pytest.mark.parametrize("kind", [Kind.PHOTO, Kind.VOICE, Kind.LOCATION])
def test_what_is_refused_is_cleared_all_the_same(kind: Kind) -> None:
    assert ids(removable(begun()).write("", kind=kind)) == ["m3"]


def test_a_late_message_is_cleared_all_the_same() -> None:
    talk = removable(begun()).write("1", late=61 * MINUTE)
    assert (talk.lines[0], ids(talk)) == ("too_old", ["m3"])


# ── at an end ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("word", ["erase", "stop"])
@pytest.mark.parametrize("step", ["language", "event", "review", "sos"])
def test_erase_and_stop_clear_at_once_with_the_last_message(word: str, step: str) -> None:
    talk = removable(at_step(step)).write("help").write(word)
    assert talk.conversation is None
    assert clears(talk) == [Clear((f"m{talk.written - 1}", f"m{talk.written}"))]


@pytest.mark.parametrize("word", ["erase", "stop"])
def test_after_the_alert_too_erase_and_stop_clear_at_once(word: str) -> None:
    talk = removable(sent()).write("help").write(word)
    assert clears(talk) == [Clear((f"m{talk.written - 1}", f"m{talk.written}"))]
    assert talk.conversation is None or (talk.talk.traces, talk.talk.clearing) == ((), False)


@pytest.mark.parametrize("word", ["erase", "stop"])
def test_a_first_message_that_ends_all_is_cleared(word: str) -> None:
    talk = removable(Talk()).write(word)
    assert (talk.conversation, clears(talk)) == (None, [Clear(("m1",))])


def test_a_talk_that_comes_to_its_end_is_cleared_half_an_hour_later() -> None:
    talk = removable(begun()).picks("no", "no", "leave")
    assert talk.conversation is None
    assert clears(talk) == [Clear(("m3", "m4", "m5"), talk.now + 30 * MINUTE)]


def test_where_nothing_can_be_deleted_no_wish_is_left() -> None:
    for word in ("erase", "stop"):
        assert clears(begun().write(word)) == []
    assert clears(begun().picks("no", "no", "leave")) == []


def test_a_late_first_message_that_answers_nothing_leaves_nothing() -> None:
    talk = removable(Talk()).write("hello", late=61 * MINUTE)
    assert (talk.conversation, talk.outcome.effects) == (None, ())


def test_a_case_that_rests_keeps_its_traces_for_the_timer() -> None:
    talk = removable(sent()).pick("no")
    assert (talk.step, ids(talk), clears(talk)) == ("", ["m13"], [])


# ── in a long case ───────────────────────────────────────────────────────────────────────────────────────


def test_after_22_hours_what_is_older_than_an_hour_goes_and_the_rest_waits_for_the_next_time() -> None:
    talk = removable(sent()).write("help").wait(hours=21, minutes=30).write("help")
    talk.wait(minutes=30).tell(CLEAR)
    assert clears(talk) == [Clear(("m13",))]
    assert (ids(talk), talk.talk.clearing, next_times(talk)) == (["m14"], True, [talk.now + EVERY])
    talk.wait(hours=22).tell(CLEAR)
    assert clears(talk) == [Clear(("m14",))]
    assert (ids(talk), talk.talk.clearing, next_times(talk)) == ([], False, [])


def test_when_all_is_cleared_a_new_message_begins_a_new_time() -> None:
    talk = removable(sent()).write("help").wait(hours=23).tell(CLEAR)
    assert not talk.talk.clearing
    assert next_times(talk.write("help")) == [talk.now + EVERY]


def test_while_the_person_writes_nothing_vanishes_under_their_eyes() -> None:
    talk = removable(sent()).write("help").wait(minutes=59).tell(CLEAR)
    assert (clears(talk), ids(talk), next_times(talk)) == ([], ["m13"], [talk.now + EVERY])


def test_nothing_waits_so_long_that_the_platform_no_longer_lets_it_be_deleted() -> None:
    talk = removable(sent())
    known: dict[str, datetime] = {}
    due = None
    for _ in range(60):
        talk.wait(hours=1, minutes=7)
        if due and talk.now >= due:
            talk.tell(CLEAR)
            for one in [one for clear in clears(talk) for one in clear.ids]:
                assert talk.now - known.pop(one) < TELEGRAM_KEEPS
            due = next(iter(next_times(talk)), None)
        talk.write("help")
        known[f"m{talk.written}"] = talk.now
        due = next(iter(next_times(talk)), due)
    assert all(talk.now - at < TELEGRAM_KEEPS for at in known.values())
    assert sorted(known) == sorted(ids(talk))


def test_a_timer_with_nothing_left_ends_in_silence() -> None:
    talk = sent().tell(CLEAR)
    assert (talk.outcome.effects, talk.talk.clearing) == ((), False)


# ── when the address is forgotten ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("reply", ["code", "skip"])
def test_when_the_address_is_forgotten_what_is_left_is_cleared_first(reply: str) -> None:
    talk = removable(sent(reply)).write("help").wait(days=1).tell(Due(Timer.GIVE_UP, 0))
    assert (talk.talk.sender.address, talk.talk.traces, talk.talk.clearing) == ("", (), False)
    assert clears(talk) == [Clear(("m13",))]
    assert talk.tell(CLEAR).outcome.effects == ()


def test_who_is_answered_here_keeps_address_and_traces() -> None:
    talk = removable(sent("here")).write("help").tell(Accepted(0, MORNING)).wait(days=1).tell(Due(Timer.GIVE_UP, 0))
    assert (talk.talk.sender.address, ids(talk), clears(talk)) == ("someone", ["m13"], [])


@pytest.mark.parametrize("talk", [sent("code").wait(days=1).tell(Due(Timer.GIVE_UP, 0)), sent().write("stop")])
def test_of_somebody_whose_address_is_gone_nothing_further_is_kept(talk: Talk) -> None:
    assert talk.talk.sender.address == ""
    talk = talk.copy().tell(Delivered(0, talk.now, ("b9",)))
    assert (talk.talk.traces, talk.talk.clearing, talk.outcome.effects) == ((), False, ())


def test_who_comes_back_after_stop_is_traced_again() -> None:
    talk = removable(sent()).write("stop").write("hello")
    assert (ids(talk), len(next_times(talk))) == ([f"m{talk.written}"], 1)


def test_an_emergency_is_traced_and_cleared_like_every_talk() -> None:
    talk = removable(sent_in_emergency()).write("help")
    assert ids(talk) == ["m4"]
    assert talk.write("erase").outcome.erase
    assert clears(talk) == [Clear(("m4", "m5"))]


def test_what_a_talk_has_left_does_not_depend_on_its_questions() -> None:
    talk = removable(begun()).write("help")
    talk.conversation = replace(talk.talk, flow="another")
    assert ids(talk.write("help")) == ["m3", "m4"]
    assert not any(isinstance(effect, Wake) for effect in talk.outcome.effects)
