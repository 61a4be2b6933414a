"""A message that the person corrects afterwards, before the handoff and after it."""

from datetime import timedelta

import pytest
from fakes import Talk, at_step, begun, rulebook, sent, sent_in_emergency, written

from bot.conversation.asking import added
from bot.conversation.editing import MOST_CORRECTIONS
from bot.conversation.events import Due
from bot.conversation.model import Kind, Timer

ROAD = ("no", "no", "tell", "other", "cannot", "held", "recent", "MX-OAX", "quiet", "here")  # m3 to m12


def told(talk: Talk) -> dict[str, tuple[str, ...] | str]:
    return {answer.step: answer.choices or answer.words for answer in added(talk.talk)}


@pytest.mark.parametrize(
    ("edits", "text", "step", "answer"),
    [
        ("m10", "2", "area", ("MX-CHP",)),
        ("m10", "Chiapas", "area", ("MX-CHP",)),
        ("m11", "1, 2", "want", ("officer", "quiet")),
        ("m12", "two", "reply", ("day",)),
        ("m9", "nobody", "held", ("nowhere",)),
        ("m7", "yes", "agree", ("yes",)),
    ],
)
def test_a_corrected_message_corrects_its_answer_and_nothing_else(
    edits: str, text: str, step: str, answer: tuple[str, ...]
) -> None:
    talk = begun().picks(*ROAD)
    before = told(talk)
    talk.write(text, edits=edits)
    assert (talk.step, talk.lines[0]) == ("review", "edited")
    assert told(talk) == before | {step: answer}
    assert {one.step: one.choices for one in talk.says[-1].shown} == told(talk)


@pytest.mark.parametrize(("edits", "text", "gone"), [("m6", "me", {"agree"}), ("m8", "a raid", {"held"})])
def test_a_correction_that_leads_another_way_drops_what_only_the_old_way_asked(
    edits: str, text: str, gone: set[str]
) -> None:
    talk = begun().picks(*ROAD)
    before = set(told(talk))
    talk.write(text, edits=edits)
    assert talk.step == "review"
    assert set(told(talk)) == before - gone


def test_a_correction_that_leads_to_a_new_question_asks_it() -> None:
    talk = begun().picks("no", "no", "tell", "me", "threat", "MX-OAX", "quiet", "here")
    assert talk.write("other", edits="m6").step == "agree"
    assert talk.pick("cannot").step == "review"


def test_a_correction_after_the_first_consent_asks_for_it_again() -> None:
    talk = begun().picks(*ROAD, "send")
    assert talk.step == "act"
    talk.write("Chiapas", edits="m10")
    assert (talk.step, talk.lines[0], talk.talk.consents) == ("review", "edited", ())
    assert talk.write("back").step == "reply"
    talk = begun().picks(*ROAD, "send").write("a raid", edits="m8")
    assert (talk.step, talk.talk.consents) == ("review", ())


@pytest.mark.parametrize(
    ("edits", "text"),
    [
        ("m4", "1"),  # danger: kept, but this is no choice of it
        ("m99", "2"),
        ("m2", "en"),  # which language was never kept
        ("m3", "2"),  # the phone neither
        ("m10", "bananas"),
        ("m10", "skip please"),
        ("m10", ""),
    ],
)
def test_a_correction_of_what_is_not_held_changes_nothing_and_says_so(edits: str, text: str) -> None:
    talk = begun().picks(*ROAD)
    before = told(talk)
    if edits == "m4":
        text = "bananas"
    talk.write(text, edits=edits)
    assert (talk.step, talk.lines[0], told(talk)) == ("review", "edit_unknown", before)


def test_a_correction_of_an_answer_to_danger_opens_the_emergency_path() -> None:
    assert begun().picks(*ROAD).write("yes, now", edits="m4").step == "sos"


def test_a_correction_is_no_consent() -> None:
    talk = begun().picks(*ROAD).write("7", edits="m12")
    assert (talk.step, talk.talk.consents) == ("review", ())
    talk = begun().picks(*ROAD, "send").write("8", edits="m13")
    assert (talk.step, talk.lines[0]) == ("act", "edit_unknown")
    talk = Talk().write("SOS").pick("me").write("8", edits="m2")
    assert (talk.step, talk.lines[0]) == ("sos_act", "edit_unknown")


def test_a_command_in_a_corrected_message_is_one() -> None:
    assert begun().picks(*ROAD).write("SOS", edits="m10").step == "sos"
    assert begun().picks(*ROAD).write("erase", edits="m10").outcome.erase


@pytest.mark.parametrize("further", ["m10", "m13"])
def test_a_corrected_message_can_be_corrected_again_by_its_first_name_or_its_last(further: str) -> None:
    talk = begun().picks(*ROAD).write("Chiapas", edits="m10").write("Abroad", edits=further)
    assert (talk.lines[0], told(talk)["area"]) == ("edited", ("abroad",))


def test_an_old_button_or_a_late_correction_corrects_nothing() -> None:
    talk = begun().picks(*ROAD)
    before = told(talk)
    assert talk.write("2", edits="m10", late=timedelta(minutes=61)).lines[0] == "too_old"
    assert told(talk) == before


# ── after the handoff ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("talk", [sent(), sent().pick("yes"), sent_in_emergency().pick("yes")])
def test_a_correction_after_the_handoff_is_an_addition_and_the_question_stands(talk: Talk) -> None:
    talk, step = talk.copy(), talk.step
    talk.write("Two men, not one", edits="m7")
    assert (talk.step, talk.lines[0], told(talk)) == (step, "edited", {"text": "Two men, not one"})
    wake = talk.wakes[-1]
    assert (wake.timer, wake.at) == (Timer.GATHER, talk.now + timedelta(minutes=10))
    talk.tell(Due(Timer.GATHER, wake.number))
    assert [(answer.step, answer.words) for answer in talk.handed[-1].answers] == [("text", "Two men, not one")]
    assert talk.handed[-1].number == 1


def test_a_correction_while_a_case_rests_opens_the_offer() -> None:
    talk = sent().pick("no").write("Two men", edits="m7")
    assert (talk.step, told(talk)) == ("after", {"text": "Two men"})
    assert Timer.GATHER in {wake.timer for wake in talk.wakes}


def test_several_corrections_after_the_handoff_are_all_kept() -> None:
    talk = sent().write("Two men", edits="m7").write("In a car", edits="m8")
    assert [one.words for one in talk.talk.answers] == ["Two men", "In a car"]
    assert talk.write("x" * 501, edits="m9").lines[0] == "too_long"
    assert [one.words for one in talk.talk.answers] == ["Two men", "In a car"]
    talk.write("In two cars", edits="m8")
    assert [one.words for one in talk.talk.answers] == ["Two men", "In two cars"]
    talk.write("", kind=Kind.DELETED, edits="m8")
    assert [one.words for one in talk.talk.answers] == ["Two men"]


def test_there_are_no_endless_corrections_after_the_handoff() -> None:
    talk = sent()
    for number in range(MOST_CORRECTIONS):
        assert talk.write(f"word {number}", edits=f"old{number}").lines[0] == "edited"
    assert talk.write("one more", edits="another").lines[0] == "edit_unknown"
    assert len(talk.talk.answers) == MOST_CORRECTIONS


@pytest.mark.parametrize("number", ["11", "8", "1, 3", "٢", "👍"])
def test_a_number_alone_corrects_nothing_that_the_mission_has(number: str) -> None:
    """A consent, say: the officer would read a number without its question, and the person that it is noted."""
    talk = sent().write(number, edits="m11")
    assert (talk.lines[0], talk.talk.answers) == ("edit_unknown", ())


def test_what_points_at_somebody_is_asked_about_in_a_correction_too() -> None:
    talk = sent().write("call 55 1234 5678", edits="m7")
    assert (talk.lines[0], told(talk)) == ("soft_check", {})
    assert told(talk.write("call 55 1234 5678", edits="m7")) == {"text": "call 55 1234 5678"}


def test_an_emptied_message_takes_nothing_back() -> None:
    talk = sent().write(" ", edits="m7")
    assert (talk.step, talk.lines[0], told(talk)) == ("more", "edit_unknown", {})


def test_a_correction_of_an_addition_that_has_not_gone_yet_corrects_it() -> None:
    talk = sent().picks("yes", "free", "none")
    talk.write("in hiding", edits="m14")
    assert (talk.step, talk.lines[0], told(talk)) == ("work", "edited", {"state": ("hiding",), "deadline": ("none",)})
    talk.write("back")
    talk = sent_in_emergency().picks("yes", "held", "recent").write("a raid", edits="m5")
    assert told(talk) == {"event": ("raid",)}


def test_own_words_that_have_not_gone_yet_are_corrected_in_their_place() -> None:
    talk = at_step("text").write("Two men")
    first = f"m{talk.written}"
    talk.write("Three men", edits=first)
    assert (talk.step, talk.lines[0], told(talk)["text"]) == ("handle", "edited", "Three men")
    assert talk.write("x" * 501, edits=first).lines[0] == "too_long"
    assert talk.write("55 1234 5678", edits=first).lines[0] == "soft_check"
    assert told(talk)["text"] == "Three men"


def test_after_back_answers_before_at_and_behind_the_question_can_be_corrected() -> None:
    talk = begun().picks(*ROAD)
    for _ in range(5):
        talk.write("back")
    assert talk.step == "event"
    before = told(talk)
    for edits, text, step, answer in (
        ("m4", "2", "danger", ("soon",)),
        ("m10", "2", "area", ("MX-CHP",)),
        ("m9", "nobody", "held", ("nowhere",)),
    ):
        there = talk.copy().write(text, edits=edits)
        assert (there.step, there.lines[0], told(there)) == ("event", "edited", before | {step: answer})
    there = talk.copy().write("held, raid", edits="m8")
    assert (there.step, told(there)["event"]) == ("review", ("held", "raid"))
    there = talk.write("back").write("back").write("me", edits="m6")
    assert (there.step, told(there)) == (
        "review",
        {one: before[one] for one in before if one != "agree"} | {"whom": ("me",)},
    )


# ── a message that the person has deleted ────────────────────────────────────────────────────────────────


def delete(talk: Talk, number: int, late: timedelta = timedelta(0)) -> Talk:
    return talk.write("", kind=Kind.DELETED, edits=f"m{number}", late=late)


@pytest.mark.parametrize(("number", "step"), [(4, "danger"), (6, "whom"), (8, "event"), (10, "area")])
def test_a_deleted_message_erases_its_answer_in_silence(number: int, step: str) -> None:
    talk = begun().picks(*ROAD[:-1])
    before, waiting = told(talk), talk.talk
    delete(talk, number)
    assert told(talk) == {name: answer for name, answer in before.items() if name != step}
    assert talk.outcome.effects == ()
    assert (talk.step, talk.talk.serial, talk.talk.offered) == (waiting.step, waiting.serial, waiting.offered)


@pytest.mark.parametrize("hours", [2, 23, 60])
def test_however_late_it_comes_a_deletion_holds_and_nothing_is_said(hours: int) -> None:
    talk = delete(begun().picks(*ROAD[:-1]), 8, timedelta(hours=hours))
    assert ("event" in told(talk), talk.outcome.effects) == (False, ())


def test_a_deletion_while_the_answers_are_listed_asks_anew_with_the_new_list() -> None:
    talk = begun().picks(*ROAD)
    serial = talk.talk.serial
    delete(talk, 8)
    assert (talk.step, talk.lines[0]) == ("review", "edited")
    assert talk.talk.serial > serial
    assert "event" not in {one.step for one in talk.says[-1].shown}


def test_a_deletion_after_the_first_consent_asks_for_it_again() -> None:
    talk = delete(begun().picks(*ROAD, "send"), 8)
    assert (talk.step, talk.lines[0], talk.talk.consents) == ("review", "edited", ())
    talk.picks("send", "act")
    assert "event" not in {one.step for one in talk.handed[0].answers}


def test_a_yes_written_before_that_question_came_back_is_no_consent() -> None:
    talk = begun().picks(*ROAD).write("", kind=Kind.DELETED, edits="m8", seen=False)
    assert (talk.pick("send").step, talk.lines[0], talk.talk.consents) == ("review", "not_seen", ())


def test_in_an_emergency_a_deleted_yes_is_asked_anew() -> None:
    talk = delete(Talk().write("SOS").pick("me"), 2)
    assert (talk.step, talk.talk.consents, told(talk), talk.talk.urgent) == ("sos", (), {}, True)


def test_an_answer_that_was_corrected_goes_with_either_of_its_messages() -> None:
    for number in (10, 13):
        talk = begun().picks(*ROAD).write("Chiapas", edits="m10")
        assert "area" in told(talk)
        assert "area" not in told(delete(talk, number))


@pytest.mark.parametrize("number", [1, 2, 3, 99])
def test_a_deleted_message_that_gave_nothing_changes_nothing_and_nothing_is_said(number: int) -> None:
    talk = begun().picks(*ROAD)
    kept = told(talk)
    delete(talk, number)
    assert (talk.outcome.effects, told(talk), talk.step) == ((), kept, "review")


def test_a_deletion_by_somebody_unknown_begins_no_talk() -> None:
    talk = delete(Talk(), 1)
    assert (talk.conversation, talk.outcome.effects) == (None, ())


def test_what_has_gone_to_the_mission_is_not_taken_back_and_no_false_word_is_said() -> None:
    talk = delete(sent(), 8)
    assert (talk.step, talk.outcome.effects, len(talk.handed)) == ("more", (), 1)
    assert delete(sent().pick("no"), 8).outcome.effects == ()


def test_an_addition_that_has_not_gone_yet_goes_no_more() -> None:
    talk = delete(sent().picks("yes", "free", "none"), 14)
    assert (told(talk), talk.outcome.effects) == ({"deadline": ("none",)}, ())
    gathered = talk.talk.gathering
    talk = delete(talk, 15).tell(Due(Timer.GATHER, gathered))
    assert (len(talk.handed), talk.outcome.effects) == (1, ())


def test_an_addition_of_a_case_that_rests_goes_no_more_either() -> None:
    talk = sent().write("Two men", edits="m7").pick("no")
    assert (talk.step, told(talk)) == ("", {"text": "Two men"})
    delete(talk, 13)
    assert (talk.step, told(talk), talk.outcome.effects) == ("", {}, ())


def test_at_the_list_of_additions_a_deletion_asks_anew() -> None:
    talk = at_step("add_send")
    one = talk.talk.answers[-1]
    talk.write("", kind=Kind.DELETED, edits=one.message)
    assert (talk.step, talk.lines[0]) == ("add_send", "edited")
    assert one not in talk.talk.answers


def test_a_deletion_in_silence_is_one_after_the_flow_has_changed_too() -> None:
    talk = begun().picks(*ROAD[:-1])
    talk.book = rulebook(written("intake.toml").replace("What happened?", "What has happened?"))
    delete(talk, 8)
    assert ("event" in told(talk), talk.outcome.effects) == (False, ())
