"""What the commands do, at every step."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter

import pytest
from fakes import (
    BOOK,
    CATALOGS,
    COMMANDS,
    FLOW,
    MORNING,
    OFFERED,
    STEPS,
    Talk,
    at_step,
    begun,
    relayed,
    sent,
    sent_in_emergency,
)

from bot.conversation.events import (
    Accepted,
    Acknowledged,
    Bounced,
    Due,
    Event,
    Placed,
    Refused,
    Relayed,
    Sealed,
    Trying,
)
from bot.conversation.model import Timer
from bot.language.vocabulary import split_words

HOUR = timedelta(hours=1)
NUMBERS = {row.name: row.number for row in COMMANDS.rows}


def forms(name: str, step: str) -> list[str]:
    """Return ways to give a command, in every language: every fifth, others at the step after that.

    That each is understood there is proven in test_collisions.py and test_understanding.py; here, what a command does.
    """
    row = next(row for row in COMMANDS.rows if row.name == name)
    words = [word for tag in OFFERED for word in split_words(CATALOGS.words(tag)(f"command.{name}", row.words))]
    every = [*words, str(row.number), f"/{words[0]}"]
    return every[STEPS.index(step) % 5 :: 5]


@pytest.mark.parametrize("step", STEPS)
def test_stop_ends_the_talk_at_every_step_in_every_form(step: str) -> None:
    for form in forms("stop", step):
        talk = at_step(step)
        case = talk.talk.case
        talk.write(form.upper())
        assert talk.lines == (("stopped_case", "clear_terminal") if case else ("stopped", "clear_terminal")), form
        if case is None:
            assert talk.conversation is None
        else:
            kept = talk.talk
            assert kept.case is not None
            assert (kept.answers, kept.step, kept.draft, kept.gathering, kept.trail) == ((), "", "", 0, ())
            assert (kept.case.reference, kept.case.handed) == (case.reference, case.handed)


@pytest.mark.parametrize("step", STEPS)
def test_erase_deletes_everything_at_every_step_in_every_form(step: str) -> None:
    for form in forms("erase", step):
        talk = at_step(step)
        case = talk.talk.case
        talk.write(form.upper())
        assert (talk.conversation, talk.outcome.erase) == (None, True), form
        assert talk.lines == (("erased_withdrawn", "clear_terminal") if case else ("erased", "clear_terminal"))


@pytest.mark.parametrize("step", STEPS)
def test_help_privacy_and_verify_are_told_at_every_step_and_the_question_stands(step: str) -> None:
    for name, lines in {"help": ("help", "commands"), "privacy": ("privacy",), "verify": ("verify",)}.items():
        for form in forms(name, step):
            talk = at_step(step)
            before = talk.talk
            talk.write(form)
            assert talk.lines[: len(lines)] == lines, form
            assert (talk.step, talk.talk.answers, talk.talk.offered) == (step, before.answers, before.offered)
            assert talk.question is not None
            assert talk.question.step == step


def test_help_lists_every_command_with_its_number() -> None:
    told = begun().write("help").text
    for row in filter(attrgetter("help"), COMMANDS.rows):
        assert f"{row.number} {split_words(row.words)[0].upper()}: {row.help}" in told


@pytest.mark.parametrize("step", STEPS)
def test_emergency_opens_its_path_at_every_step_in_every_form(step: str) -> None:
    for form in (*forms("emergency", step), "SOS", "🆘", "AYUDA", "auxilio", "help me"):
        talk = at_step(step)
        before = talk.talk
        talk.write(form)
        there = ("sos_act", True, before.consents) if step == "sos_act" else ("sos", True, ())
        assert (talk.step, talk.talk.urgent, talk.talk.consents) == there, form
        refused = any(one.step == "agree" and "no" in one.choices for one in before.answers)
        kept = [one for one in before.answers if not (refused and one.step in {"whom", "agree"})]
        assert talk.talk.answers == tuple(kept)
        assert not talk.handed or before.case


@pytest.mark.parametrize("step", STEPS)
def test_back_returns_to_the_question_before_at_every_step(step: str) -> None:
    for form in forms("back", step):
        talk = at_step(step)
        trail = talk.talk.trail
        talk.write(form)
        if not trail or step == FLOW.carried:
            assert (talk.step, talk.lines[0]) == (step, "no_back")
        else:
            assert (talk.step, talk.talk.trail) == (trail[-1], trail[:-1])
        assert talk.talk.consents == ()


@pytest.mark.parametrize("step", STEPS)
def test_skip_goes_on_where_the_question_allows_it(step: str) -> None:
    for form in forms("skip", step):
        talk = at_step(step)
        talk.write(form)
        if FLOW.steps[step].skip:
            assert talk.conversation is not None
            assert talk.step != step, form
        else:
            assert (talk.step, talk.lines[0]) == (step, "cannot_skip"), form


@pytest.mark.parametrize("step", STEPS)
def test_language_asks_for_one_and_comes_back_at_every_step(step: str) -> None:
    for form in forms("language", step):
        talk = at_step(step)
        before = talk.talk
        talk.write(form)
        assert talk.step == "language"
        talk.pick("en")
        assert talk.step == ("device" if step == "language" else step), form
        assert (talk.talk.answers, talk.talk.consents) == (before.answers, before.consents)
        assert talk.talk.resume == ""


@pytest.mark.parametrize("step", STEPS)
def test_language_with_its_name_is_spoken_at_once(step: str) -> None:
    for tag in OFFERED:
        talk = at_step(step)
        before = talk.talk
        talk.write(f"language {tag}")
        assert (talk.step, talk.talk.language, talk.says[0].languages) == (step, tag, (tag,))
        assert (talk.talk.answers, talk.talk.offered) == (before.answers, before.offered), tag


@pytest.mark.parametrize("step", ["event", "review", "act", "sos", "sos_act", "state", "add_send"])
def test_from_the_choice_of_a_language_back_leads_to_the_question(step: str) -> None:
    talk = at_step(step)
    before = talk.talk
    talk.write("language").write("bananas").write("language").write("back")
    assert (talk.step, talk.talk.trail, talk.talk.consents) == (step, before.trail, before.consents)


def test_a_change_of_language_is_forgotten_with_an_emergency() -> None:
    talk = at_step("act").write("language").write("SOS").write("back")
    assert (talk.step, talk.talk.resume) == ("review", "")


def test_whoever_rests_with_a_case_may_change_the_language_and_walks_no_second_intake() -> None:
    talk = sent().pick("no")
    assert talk.write("language").pick("en").step == "after"
    assert Talk().write("language").pick("en").step == "device"


@pytest.mark.parametrize("step", STEPS)
def test_send_now_sends_what_was_added_and_nothing_else(step: str) -> None:
    for form in forms("send", step):
        talk = at_step(step)
        before, handed = talk.talk, len(talk.handed)
        talk.write(form)
        if before.case and any(answer.choices or answer.words for answer in before.answers):
            assert len(talk.handed) == handed + 1
            assert talk.lines == ("adding", "rest")
            assert talk.talk.answers == ()
        else:
            told = "nothing_added" if before.case else "unsent"
            assert (talk.step, talk.lines[0], len(talk.handed)) == (step, told, handed)


@pytest.mark.parametrize(
    ("order", "language"), [("/start", "en"), *((f"/start {tag}", tag) for tag in OFFERED), ("/start xx", "en")]
)
def test_start_takes_a_talk_up_again(order: str, language: str) -> None:
    talk = at_step("event").write(order)
    assert (talk.step, talk.talk.language, talk.lines[0]) == ("event", language, "resumed")
    first = Talk().write(order)
    assert (first.step, first.talk.language, first.lines[0]) == ("language", language, "hello")


@pytest.mark.parametrize("form", ["help", "privacy", "verify", "skip", "send now", "/start", "back"])
def test_a_command_as_the_first_message_is_answered_and_the_person_greeted(form: str) -> None:
    talk = Talk().write(form)
    assert talk.step == "language"
    assert {"hello", "risk_terminal"} <= set(talk.lines)


def test_stop_and_erase_as_the_first_message_leave_nothing() -> None:
    for form, line in {"stop": "stopped", "erase": "erased"}.items():
        talk = Talk().write(form)
        assert (talk.lines, talk.conversation) == ((line, "clear_terminal"), None)


# ── what an erased person is told of the alert ───────────────────────────────────────────────────────────

MOMENT = sent().now
EVENTS: Mapping[str, Sequence[Sequence[Event]]] = {
    "erased_withdrawn": [(), (Sealed(0),), (Sealed(0), Trying(0), Refused(0))],
    "erased_maybe": [(Sealed(0), Trying(0))],
    "erased_in_doubt": [(Sealed(0), Trying(0), Placed(0)), (Accepted(0, MOMENT), Bounced(0))],
    "erased_left": [(Sealed(0), Trying(0), Accepted(0, MOMENT))],
    "erased": [(Sealed(0), Due(Timer.GIVE_UP, 0))],
}


@pytest.mark.parametrize(("line", "events"), [(line, one) for line, ways in EVENTS.items() for one in ways])
def test_erase_tells_what_has_become_of_the_alert(line: str, events: Sequence[Event]) -> None:
    talk = sent()
    for event in events:
        talk.tell(event)
    talk.write("erase")
    assert (talk.lines, talk.outcome.erase, talk.conversation) == ((line, "clear_terminal"), True, None)


def test_erase_tells_the_gravest_of_what_has_become_of_several_mails() -> None:
    talk = sent_in_emergency().tell(Accepted(0, MOMENT)).pick("yes").pick("threat").write("send now")
    assert len(talk.handed) == 2
    assert talk.write("erase").lines == ("erased_left", "clear_terminal")


# ── back ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_after_back_only_what_is_open_is_asked_again() -> None:
    talk = begun().picks("no", "no", "tell", "me", "threat", "MX-OAX", "quiet", "here")
    assert talk.write("back").write("back").write("back").write("back").step == "event"
    assert talk.pick("held").step == "held"
    assert talk.pick("recent").step == "review"


def test_an_answer_to_the_emergency_question_is_taken_back_with_back() -> None:
    talk = Talk().write("SOS").pick("me").write("back")
    assert (talk.step, talk.talk.answers, talk.talk.consents) == ("sos", (), ())
    talk = begun().pick("no").write("SOS").pick("held").write("SOS").write("back")
    assert (talk.step, talk.write("back").step) == ("sos", "danger")


@pytest.mark.parametrize("again", ["SOS", "emergency", "98", "AYUDA"])
def test_a_cry_at_the_last_question_before_the_alert_puts_that_question_again_and_loses_nothing(again: str) -> None:
    talk = at_step("sos_act")
    before = talk.talk
    for _ in range(3):
        talk.write(again)
        assert talk.lines == ("sos", "risk_short", "sos_act", "unsent")
        kept = (talk.step, talk.talk.answers, talk.talk.consents, talk.talk.trail, talk.talk.offered)
        assert kept == ("sos_act", before.answers, before.consents, before.trail, before.offered)
    talk.pick("talk")
    assert [answer.choices for answer in talk.handed[0].answers] == [("me",), ("talk",)]


def test_so_it_does_where_the_choice_of_a_language_stands_between() -> None:
    talk = at_step("sos_act").write("language").write("SOS")
    assert (talk.step, talk.talk.resume, [one.choice for one in talk.talk.consents]) == ("sos_act", "", ["me"])
    talk.pick("act")
    assert len(talk.handed) == 1


def test_a_cry_after_such_a_cry_is_taken_back_with_back() -> None:
    talk = at_step("sos_act").write("SOS").write("back")
    assert (talk.step, talk.talk.answers, talk.talk.consents) == ("sos", (), ())


STATES = [
    ((), "case_waiting"),
    ((Sealed(0), Trying(0), Placed(0)), "case_placed"),
    ((Accepted(0, MORNING),), "case_left"),
    ((Accepted(0, MORNING), Acknowledged(MORNING)), "case_read"),
    ((Due(Timer.GIVE_UP, 0),), "case_given_up"),
]


@pytest.mark.parametrize(("happened", "status"), STATES)
def test_the_answer_to_a_cry_begins_with_how_far_the_case_is_that_was_sent_before(
    happened: tuple[Event, ...], status: str
) -> None:
    talk = sent_in_emergency()
    for one in happened:
        talk.tell(one)
    for _ in range(2):
        assert talk.write("SOS").lines == (status, "sos", "risk_short", "sos")
    assert talk.write("SOS", late=2 * HOUR).lines[:2] == (status, "wrote_at")


@pytest.mark.parametrize(("happened", "status"), STATES)
def test_a_no_to_a_second_alert_denies_nothing_of_the_first(happened: tuple[Event, ...], status: str) -> None:
    """What had left before has left: "nothing was sent" would be false, and "not sent" alone might be read of it."""
    talk = sent_in_emergency()
    for one in happened:
        talk.tell(one)
    talk.write("SOS").pick("no")
    assert (talk.lines[:2], talk.step, len(talk.handed)) == ((status, "sos.note.0"), "contacts", 1)
    assert "I have not sent this alert." in talk.text
    assert "nothing" not in talk.text.lower()


@pytest.mark.parametrize("step", ["sos", "sos_act"])
def test_a_no_to_a_first_alert_says_that_it_is_not_sent(step: str) -> None:
    talk = at_step(step).pick("no")
    assert talk.lines[0] == f"{step}.note.0"
    assert "I have not sent this alert." in talk.text
    assert "Nothing has been sent yet." in talk.text


def test_stop_is_silence_until_the_person_writes_again() -> None:
    talk = sent().write("stop")
    assert talk.tell(Accepted(0, talk.now)).says == ()
    talk = sent().write("stop").wait(minutes=3).write("hello")
    assert talk.tell(Accepted(0, talk.now)).lines == ("left",)
    talk = sent().write("stop").write("hello").wait(hours=1)
    assert talk.tell(Due(Timer.LATE, 0)).says == ()
    assert talk.now - MOMENT > timedelta(hours=1)


# ── answering the mission ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", STEPS)
def test_answer_asks_for_own_words_only_where_words_of_the_mission_have_come(step: str) -> None:
    for form in forms("answer", step):
        talk = at_step(step)
        before = talk.talk
        if before.case:
            talk.tell(Relayed("Are you well?"))
        talk.write(form.upper())
        assert talk.step == (FLOW.answer if before.case else step), form
        assert ("no_relay" in talk.lines) == (before.case is None)
        assert talk.talk.answers == before.answers
        if before.case and not FLOW.steps[step].consent and step != FLOW.answer:
            assert talk.talk.trail[-1] == step
            assert talk.write("back").step == step


def test_an_answer_goes_to_the_same_case_after_a_yes() -> None:
    talk = relayed().write("ANSWER").write("I am at home. Come on Monday.")
    assert talk.step == "add_send"
    talk.pick("send")
    (answer,) = talk.handed[-1].answers
    assert (talk.handed[-1].number, answer.step, answer.words) == (1, "answer", "I am at home. Come on Monday.")
    talk.write("ANSWER").write("And on Tuesday.").write("send now")
    assert [one.words for one in talk.handed[-1].answers] == ["And on Tuesday."]


def test_an_answer_begun_twice_leads_back_to_where_it_was_begun() -> None:
    talk = relayed().write("ANSWER").write("ANSWER")
    assert (talk.step, talk.talk.trail) == ("answer", ("more",))
    talk = relayed().write("SOS").write("ANSWER")
    assert (talk.step, talk.talk.consents) == ("answer", ())
    assert talk.write("back").step == "more"


def test_from_the_choice_of_a_language_answer_leads_back_to_the_question() -> None:
    talk = relayed().write("language").write("ANSWER")
    assert (talk.step, talk.talk.resume) == ("answer", "")
    assert talk.write("back").step == "more"


def test_whoever_rests_may_answer_and_nothing_without_a_word_is_sent() -> None:
    talk = relayed().pick("no").write("ANSWER")
    assert (talk.step, talk.talk.trail) == ("answer", ())
    talk.write("skip")
    assert (talk.lines, len(talk.handed)) == (("nothing_added", "rest"), 1)


def test_where_no_own_words_are_taken_the_way_by_the_numbers_is_told() -> None:
    talk = Talk(channel="telegram").write("SOS").picks("me", "act").tell(Relayed("words"))
    assert talk.write("ANSWER").lines == ("answer_not", "sos_more")
    assert talk.write("I am safe").lines == ("not_understood", "case_waiting", "answer_not", "sos_more", "in_danger")


def test_a_number_of_someone_in_an_answer_is_asked_about_before_it_is_taken() -> None:
    talk = relayed().write("ANSWER").write("Call 55 1234 5678")
    assert (talk.step, talk.lines[0]) == ("answer", "soft_check")
    assert talk.write("x" * 501).lines[0] == "too_long"


def test_privacy_is_told_with_what_the_bot_itself_could_read_for_a_while() -> None:
    talk = begun(replace(BOOK, readable=True)).write("privacy")
    assert talk.lines[:2] == ("privacy", "readable_here")
