"""How a question is put: texts, numbers, pages, languages."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import BOOK, FLOW, OFFERED, STEPS, Talk, at_step, begun, rulebook, sent, sent_in_emergency
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation import asking
from bot.conversation.asking import numbered, text
from bot.conversation.events import Accepted, Refused, Sealed
from bot.conversation.model import Conversation, Sender, Weight
from bot.conversation.named import MENU

# Said by the kind of a message, within the contacts, or of what a mission has said about a topic.
COMPOSED = ("refused_", "runs_", "for_", "checked", "available_")
CONSENTS = sorted(name for name, step in FLOW.steps.items() if step.consent)


@pytest.mark.parametrize(
    ("step", "offered"),
    [
        ("device", [(1, "no"), (2, "maybe"), (3, "yes"), (4, "skip")]),
        ("notice", [(1, "tell"), (2, "learn"), (3, "contacts"), (4, "leave")]),
        ("text", [(1, "skip")]),
        ("review", [(7, "send"), (8, "no")]),
        ("sos", [(7, "me"), (8, "held"), (9, "no")]),
    ],
)
def test_choices_are_numbered_in_their_order_and_skip_is_the_last(step: str, offered: list[tuple[int, str]]) -> None:
    assert list(numbered(FLOW.steps[step], ())) == offered


def test_the_first_page_ends_with_more_and_skip_and_numbers_run_on_over_the_pages() -> None:
    talk = at_step("event")
    assert talk.question is not None
    assert [name for _, name in talk.question.offered][-3:] == ["family", "more", "skip"]
    assert [number for number, _ in talk.question.offered] == list(range(1, 10))
    talk.pick("more")
    assert talk.step == "event"
    assert (talk.question.offered[0], talk.question.offered[-1]) == ((10, "killing"), (9, "skip"))
    assert talk.text.count("\n") < 40
    assert talk.copy().pick("threat", "torture").step == "area"
    assert talk.copy().pick("skip").step == "area"
    assert talk.write("bananas").question is not None
    assert talk.question.offered[0] == (10, "killing"), "the page stays where it was"


def test_a_page_is_left_with_its_question() -> None:
    talk = at_step("event").pick("more").write("back").pick("me")
    assert talk.question is not None
    assert talk.question.offered[0] == (1, "threat")


def test_a_paged_question_that_must_be_answered_offers_more_alone() -> None:
    step = replace(FLOW.steps["event"], skip=False)
    assert [name for _, name in numbered(step, ())][6:9] == ["family", "more", "killing"]


@given(st.sampled_from(CONSENTS), st.lists(st.integers(1, 120), max_size=40, unique=True))
def test_a_consent_offers_no_number_of_the_question_before(step: str, before: list[int]) -> None:
    offered = numbered(FLOW.steps[step], tuple((number, "any") for number in before))
    assert {number for number, _ in offered}.isdisjoint(before)
    assert [name for _, name in offered] == list(FLOW.steps[step].names())


MANY = {f"area{n}": f"Area {n}" for n in range(40)}


@pytest.mark.parametrize("step", STEPS)
def test_a_cry_for_help_offers_no_number_of_the_question_before(step: str) -> None:
    talk = at_step(step)
    before = {number for number, _ in talk.talk.offered}
    talk.write("SOS")
    assert talk.step == ("sos_act" if step == "sos_act" else "sos")
    assert step == talk.step or before.isdisjoint(number for number, _ in talk.talk.offered)


def test_a_consent_asked_again_in_any_way_keeps_its_numbers() -> None:
    book = rulebook(areas=MANY)
    talk = Talk(book).write("hello").pick("en").picks("no", "no", "tell", "me", "threat").write("SOS")
    offered = talk.talk.offered
    assert offered[0][0] > len(MANY)
    for again in ("SOS", "bananas", "help", "emergency", "language en", "7"):
        assert talk.write(again).talk.offered == offered, again
    assert talk.step == "sos"
    assert not talk.handed


def test_the_second_consent_offers_none_of_the_numbers_of_the_first() -> None:
    assert [number for number, _ in at_step("review").talk.offered] == [7, 8]
    assert [number for number, _ in at_step("act").talk.offered] == [9, 10, 11, 12]
    assert [number for number, _ in Talk().write("SOS").pick("me").talk.offered] == [10, 11, 12]


def test_before_a_language_is_known_all_first_languages_are_spoken_at_once() -> None:
    talk = Talk()
    talk.hint = ""
    assert talk.write("hello").says[0].languages == OFFERED[:2]
    assert talk.pick("en").says[0].languages == ("en",)


def test_the_platform_s_hint_is_the_first_language_and_never_an_answer() -> None:
    for hint, languages in {
        "en": ("en",),
        "en-GB": ("en",),
        "EN-us": ("en",),
        "xx": OFFERED[:2],
        "": OFFERED[:2],
    }.items():
        talk = Talk()
        talk.hint = hint
        assert (talk.write("hello").says[0].languages, talk.step) == (languages, "language")


@pytest.mark.parametrize("channel", ["terminal", "telegram", "signal"])
def test_the_risk_of_the_channel_is_told_before_the_first_question(channel: str) -> None:
    lines = [name for name in Talk(channel=channel).write("hello").lines if name != "safer"]
    assert lines == ["hello", f"risk_{channel}", "language"]


@pytest.mark.parametrize(
    ("name", "contacts", "site", "line"),
    [
        ("contacts", True, False, "contacts"),
        ("contacts", False, True, "contacts_bare"),
        ("late", True, False, "late"),
        ("late", False, True, "late_bare"),
        ("given_up", False, True, "given_up_bare"),
        ("verify", False, True, "verify_signal"),
        ("verify", True, False, "verify_bare"),
        ("left", False, False, "left"),
        ("risk", False, False, "risk_signal"),
        ("vanish", False, False, "vanish"),
    ],
)
def test_a_text_has_the_form_for_channel_and_mission(name: str, contacts: bool, site: bool, line: str) -> None:
    book = replace(BOOK, contacts=contacts, site=site)
    assert text(book, Conversation(Sender("signal", "x")), name).name == f"say.{line}"


@pytest.mark.parametrize("channel", ["terminal", "telegram"])
def test_only_on_signal_is_there_a_safety_number_to_compare(channel: str) -> None:
    at = Conversation(Sender(channel, "x"))
    assert text(BOOK, at, "verify").name == "say.verify"
    assert text(replace(BOOK, site=False), at, "verify").name == "say.verify_bare"
    assert "https://example.org/signal" in begun(channel="signal").write("verify").text
    assert "https://example.org/signal" not in begun(channel=channel).write("verify").text


def test_the_answers_are_listed_above_the_first_consent() -> None:
    talk = at_step("review")
    shown = {answer.step for answer in talk.says[-1].shown}
    assert shown == {answer.step for answer in talk.talk.answers}
    assert "For whom: For me" in begun().picks("no", "no", "tell", "me", "threat", "MX-OAX", "quiet", "here").text


def test_only_what_would_be_sent_is_listed_above_the_first_consent() -> None:
    talk = begun().picks("no", "no", "tell", "other", "cannot", "skip", "MX-OAX", "quiet", "here")
    for _ in range(6):
        talk.write("back")
    assert talk.step == "whom"
    talk.pick("me")
    assert talk.step == "review"
    assert {answer.step for answer in talk.says[-1].shown} == {"danger", "whom", "area", "want", "reply"}


# ── "Nothing has been sent yet." ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", STEPS)
def test_after_a_cry_for_help_every_question_ends_with_nothing_sent_yet(step: str) -> None:
    talk = at_step(step)
    case = talk.talk.case is not None
    for text_written in ("SOS", "bananas", "help", "back", "language", "back", "privacy"):
        talk.write(text_written)
        assert (talk.lines[-1] == "unsent") is not case, text_written
    assert case == (talk.talk.case is not None)


def test_the_danger_of_this_moment_does_the_same() -> None:
    talk = begun().pick("no")
    assert "unsent" not in talk.lines
    talk.pick("now")
    assert (talk.step, talk.lines[-1]) == ("sos", "unsent")
    for answer in ("no", "tell", "me", "threat", "MX-OAX", "quiet", "here", "send"):
        talk.pick(answer)
        assert talk.lines[-1] == "unsent", answer
    assert "unsent" not in talk.pick("act").lines  # from here on the case's own status is told
    assert talk.tell(Sealed(0)).tell(Refused(0)).write("hello").lines[:2] == ("not_understood", "case_waiting")
    assert "case_left" in talk.tell(Accepted(0, talk.now)).write("hello").lines


def test_whoever_is_not_in_danger_is_not_told_so() -> None:
    talk = sent()
    assert "unsent" not in talk.lines
    assert "unsent" not in talk.write("hello").lines


def test_questions_on_the_emergency_path_weigh_more() -> None:
    assert sent_in_emergency().says[-1].weight is Weight.QUESTION
    assert Talk().write("SOS").says[-1].weight is Weight.EMERGENCY


def test_every_text_of_the_flow_is_said_somewhere() -> None:
    """A text that nothing says is a promise that nobody keeps."""
    code = "".join(path.read_text("utf-8") for path in Path(asking.__file__).parent.glob("*.py"))
    said = {name for step in FLOW.steps.values() for name in step.says} | {"skip", "more"}
    said |= {*(f"menu_{one}" for one in MENU), "done", "profile_about", "profile_short"}  # shown beside the talk
    for name in FLOW.texts:
        stem = re.sub("_(bare|added|terminal|telegram|signal)$", "", name)
        if not stem.startswith(COMPOSED):
            assert stem in said or f'"{stem}"' in code or f'"{name}"' in code, name


# ── a mission without a key ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("step", "name"), [("review", "readable_here"), ("sos_act", "readable_short")])
@pytest.mark.parametrize("readable", [True, False])
def test_that_the_bot_could_read_a_case_is_said_before_the_consent_where_it_is_so(
    step: str, name: str, *, readable: bool
) -> None:
    talk = at_step(step)
    talk.book = replace(BOOK, readable=readable)
    assert (name in talk.write("help").lines) == readable


def test_whoever_sends_in_an_emergency_is_told_in_time() -> None:
    talk = Talk(replace(BOOK, readable=True)).write("SOS").pick("me")
    assert talk.lines == ("readable_short", "sos_act", "unsent")
    assert "I can read it until an officer does." in talk.text
