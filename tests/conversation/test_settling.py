"""The flow changes while talks are stored."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import BOOK, FLOW, STEPS, Talk, at_step, begun, rulebook, sent, written

from bot.conversation.asking import Rulebook, added
from bot.conversation.model import Kind
from bot.conversation.settling import settle

INTAKE = written("intake.toml")


def flow_without(*steps: str) -> str:
    """Return the intake with these steps taken out, and what led to them leading on."""
    toml = INTAKE
    for name in steps:
        block = re.search(rf'\[\[step\]\]\nname = "{name}"\n.*?(?=\n\[\[step\]\]\nname|\n# ──)', toml, re.DOTALL)
        assert block, name
        on = re.search(r'next\.otherwise = "(\w+)"', block[0])
        toml = toml.replace(block[0], "")
        toml = re.sub(rf'^(next\.\w+ = )"{name}"$', rf'\1"{on[1] if on else "end"}"', toml, flags=re.MULTILINE)
    return toml


REWORDED = rulebook(INTAKE.replace("What happened?", "What has happened?"))
WITHOUT = rulebook(flow_without("device", "agree").replace('"area"', '"place"').replace('"reply"', '"way_back"'))
OTHER_CONSENT = rulebook(
    INTAKE.replace('choices.send = "Yes, send it"', 'choices.go = "Yes, send it"', 1).replace(
        'accepts = ["send"]\nskip = false\nnext.send = "act"', 'accepts = ["go"]\nskip = false\nnext.go = "act"'
    )
)
OTHER_EVENTS = rulebook(re.sub(r"(choices|words)\.attack = .*\n", "", INTAKE))


def under(book: Rulebook, talk: Talk) -> Talk:
    talk.book = book
    return talk


@pytest.mark.parametrize("step", STEPS)
def test_a_reworded_flow_goes_on_where_it_stands_tells_so_once_and_loses_nothing(step: str) -> None:
    talk = under(REWORDED, at_step(step))
    before = talk.talk
    second_consent = FLOW.steps[step].hands_off
    talk.write("help")
    assert talk.lines[0] == "changed"
    assert talk.talk.answers == before.answers
    if not second_consent:
        assert (talk.step, talk.talk.trail) == (step, before.trail)
    assert "changed" not in talk.write("help").lines
    assert talk.talk.flow == REWORDED.flow.version


@pytest.mark.parametrize("step", STEPS)
def test_the_number_shown_before_the_change_still_answers_a_question_that_stands(step: str) -> None:
    at = FLOW.steps[step]
    if at.consent or not at.names():
        return
    talk = under(REWORDED, at_step(step))
    same = at_step(step)
    first = talk.talk.offered[0][1]
    talk.pick(first)
    same.pick(first)
    assert talk.lines == ("changed", *same.lines) or talk.conversation is None


@pytest.mark.parametrize(
    ("step", "asked"), [("act", "review"), ("sos_act", "sos"), ("review", "review"), ("sos", "sos")]
)
def test_after_a_change_both_consents_are_asked_anew(step: str, asked: str) -> None:
    at = FLOW.steps[step]
    talk = at_step(step)
    before = {number for number, _ in talk.talk.offered}
    kept = talk.talk.answers
    under(REWORDED, talk).write(talk.numbers(at.accepts[0]))
    assert (talk.step, talk.talk.consents, talk.talk.answers) == (asked, (), kept)
    assert talk.lines[0] == "changed"
    if asked != step:
        assert before.isdisjoint(number for number, _ in talk.talk.offered)
    talk.pick(FLOW.steps[asked].accepts[0]).pick(FLOW.steps["act"].accepts[0])
    assert talk.handed[-1].consents[0].version == REWORDED.flow.version


@pytest.mark.parametrize("step", ["review", "sos", "act", "sos_act"])
@pytest.mark.parametrize("copies", [0, 2])
def test_after_a_change_the_button_of_a_consent_that_was_put_in_other_words_says_no_yes(step: str, copies: int) -> None:
    talk = at_step(step)
    talk.conversation = replace(talk.talk, copies=copies)
    serial, yes = talk.talk.serial, talk.numbers(FLOW.steps[step].accepts[0])
    under(REWORDED, talk).write(yes, kind=Kind.TAP, tap=serial)
    assert (talk.talk.consents, talk.handed) == ((), ())
    assert FLOW.steps[talk.step].consent is not None
    assert talk.lines[0] == "changed"


def test_a_consent_whose_choices_changed_is_asked_anew_under_new_numbers() -> None:
    talk = at_step("review")
    before = {number for number, _ in talk.talk.offered}
    under(OTHER_CONSENT, talk).write("7")
    assert (talk.step, talk.lines[0]) == ("review", "changed")
    assert [name for _, name in talk.talk.offered] == ["go", "no"]
    assert before.isdisjoint(number for number, _ in talk.talk.offered)
    assert talk.pick("go").step == "act"


def test_a_question_whose_choices_changed_is_asked_anew() -> None:
    talk = begun().picks("no", "no", "tell", "me")
    under(OTHER_EVENTS, talk).write("2")
    assert (talk.step, talk.lines) == ("event", ("changed", "not_kept", "event"))
    assert talk.pick("raid").step == "area"


def test_an_answer_that_no_longer_fits_goes_and_the_others_stay() -> None:
    talk = begun().picks("no", "no", "tell", "me").pick("attack", "raid").pick("MX-OAX")
    under(OTHER_EVENTS, talk).pick("quiet")
    assert {one.step for one in added(talk.talk)} == {"danger", "whom", "area", "want"}
    talk.picks("here", "send", "act")
    assert {one.step for one in talk.handed[0].answers} == {"danger", "whom", "area", "want", "reply", "act"}


@pytest.mark.parametrize(
    ("gone", "road", "nearest"),
    [
        ("agree", ("no", "no", "tell", "other"), "whom"),
        ("area", ("no", "no", "tell", "me", "threat"), "event"),
        ("area", ("no", "no", "tell", "me", "held", "recent"), "held"),
        ("device", (), "language"),
        ("reply", ("no", "no", "tell", "me", "threat", "MX-OAX", "quiet"), "want"),
    ],
)
def test_where_the_waiting_question_is_gone_the_nearest_that_stands_is_asked(
    gone: str, road: tuple[str, ...], nearest: str
) -> None:
    talk = begun().picks(*road)
    assert talk.step == gone
    under(WITHOUT, talk).write("hello again")
    assert (talk.step, talk.lines[0]) == (nearest, "changed")
    assert nearest not in talk.talk.trail
    assert talk.write("back").step != nearest or not talk.talk.trail


def test_with_nothing_left_to_go_back_to_a_talk_begins_anew() -> None:
    talk = begun()
    talk.conversation = replace(talk.talk, trail=("gone",), step="gone too")
    assert under(REWORDED, talk).write("1").step == "language"
    talk = sent()
    talk.conversation = replace(talk.talk, step="gone")
    assert under(REWORDED, talk).write("1").step == "after"


def test_a_change_while_the_language_is_chosen_loses_neither_the_way_back_nor_an_answer() -> None:
    for step in ("review", "act", "want"):
        talk = begun().picks("no", "no", "tell", "me", "threat", "MX-OAX", "quiet", "here", "send")
        while talk.step != step:
            talk.write("back")
        talk.write("language")
        under(REWORDED, talk).pick("en")
        assert talk.step == ("review" if step == "act" else step)
        if step == "want":
            talk.picks("quiet")
        talk.picks("send", "act")
        assert {one.step for one in talk.handed[0].answers} >= {
            "danger",
            "whom",
            "event",
            "area",
            "want",
            "reply",
            "act",
        }


def test_a_change_while_the_language_is_chosen_may_take_the_question_before_it_away() -> None:
    talk = begun().picks("no", "no", "tell", "me", "threat").write("language")
    assert talk.talk.resume == "area"
    assert under(WITHOUT, talk).pick("en").step == "event"


def test_a_late_message_after_a_change_is_told_of_both() -> None:
    talk = under(REWORDED, at_step("event")).write("1", late=timedelta(minutes=61))
    assert talk.lines[:2] == ("changed", "too_old")
    assert "changed" not in talk.write("help").lines


@pytest.mark.parametrize("step", ["event", "state", "sos_more"])
def test_stop_and_erase_after_a_change_speak_of_nothing_else(step: str) -> None:
    assert "changed" not in under(REWORDED, at_step(step)).write("erase").lines


def test_a_photo_after_a_change_is_refused_with_the_reason() -> None:
    assert under(REWORDED, at_step("event")).write("", kind=Kind.PHOTO).lines[:2] == ("changed", "refused_photo")


def test_a_talk_of_the_present_flow_is_left_as_it_is() -> None:
    talk = at_step("event").talk
    assert settle(BOOK, talk) == (talk, False)


def test_a_resting_case_is_led_by_the_new_flow() -> None:
    talk = under(REWORDED, sent().pick("no")).write("hello")
    assert (talk.step, talk.lines) == ("after", ("changed", "not_kept", "case_waiting", "after"))


def test_what_comes_late_to_a_resting_case_is_met_with_silence_after_a_change_too() -> None:
    talk = under(REWORDED, sent().pick("no"))
    assert talk.write("hello", late=timedelta(hours=2)).outcome.effects == ()
    assert talk.write("hello").lines[0] == "changed"


def test_own_words_fit_only_a_question_for_own_words() -> None:
    talk = at_step("text").write("Two men")
    book = rulebook(
        INTAKE.replace('kind = "words"\nask = "You can write more', 'choices.a = "A"\nask = "You can write more')
    )
    assert "text" not in {one.step for one in under(book, talk).write("help").talk.answers}


# ── a choice of several, in the middle of it ─────────────────────────────────────────────────────────────


def on_the_second_page(*picked: str) -> Talk:
    talk = begun().picks("no", "no", "tell", "me")
    return talk.write(talk.numbers(*picked, "more"))


def test_what_was_picked_before_more_stays_where_it_still_fits() -> None:
    talk = under(OTHER_EVENTS, on_the_second_page("threat", "attack")).write("help")
    assert (talk.step, talk.talk.picked, talk.lines[0]) == ("event", ("threat",), "changed")
    assert {choice for one in talk.says[-1].shown for choice in one.choices} == {"threat"}


def test_what_was_picked_goes_with_its_question() -> None:
    gone = rulebook(written("intake.toml").replace('"event"', '"happening"'))
    talk = under(gone, on_the_second_page("threat")).write("help")
    assert (talk.step in gone.flow.steps, talk.talk.picked) == (True, ())
