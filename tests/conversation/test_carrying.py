"""A talk goes on in a safer messenger: once, shown and confirmed there, and never with own words or a consent."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import BOOK, FLOW, OFFERED, RENDER, STEPS, Talk, at_step, begun, rulebook, sent, written

from bot.conversation.asking import asks_words
from bot.conversation.carrying import CARRY_DIGITS, carry_code
from bot.conversation.model import Answer, Clear, Consent, ConsentKind, Kind, Say, Weight

ROAD = ("no", "soon", "tell", "me", "threat", "MX-OAX", "quiet", "here")  # from the language to the review
WITHOUT = rulebook(re.sub(r'\ncarried = "carried".*?\n', "\n", written("intake.toml")))


def there(*choices: str) -> Talk:
    """Return a talk on Telegram that has come so far."""
    return begun(channel="telegram").picks(*choices)


def here() -> Talk:
    return Talk(channel="signal")


def told(talk: Talk) -> dict[str, tuple[str, ...]]:
    return {answer.step: answer.choices for answer in talk.talk.answers}


# ── what is a code ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "123456789012",
        "1234 5678 9012",
        " 1234-5678-9012\n",
        "１２３４ ５６７８ ９０１２",
        "۱۲۳۴۵۶۷۸۹۰۱۲",
        "12 34567 890 12.",
    ],
)
def test_a_code_is_read_however_it_is_typed(text: str) -> None:
    assert carry_code(text) == "123456789012"


@pytest.mark.parametrize(
    "text",
    [
        *("", "12345678901", "1234567890123", "1234567890123456", "12345678901a", "code 123456789012"),
        *("123456789012 please", "SOS", "twelve", "½½½½½½½½½½½½", "²" * 13),
    ],
)
def test_other_words_are_no_code(text: str) -> None:
    assert carry_code(text) == ""


def test_a_carry_code_is_no_return_code_by_its_length() -> None:
    assert carry_code("1234567890123456") == ""
    assert CARRY_DIGITS == 12


@pytest.mark.parametrize("step", STEPS)
def test_where_own_words_are_waited_for_digits_may_be_ones_own(step: str) -> None:
    own = {"text", "answer", "handle", "tongue_words", "interpreter_words"}
    assert asks_words(BOOK, at_step(step).talk) == (step in own or (step.startswith("note_")))


def test_a_phone_number_of_twelve_digits_in_own_words_is_kept_as_it_was_written() -> None:
    talk = at_step("handle").write("+52 55 1234 5678")
    assert [one.words for one in talk.talk.answers if one.step == "handle"] == ["+52 55 1234 5678"]
    assert not asks_words(BOOK, replace(talk.talk, step="gone"))


# ── where a code is given ────────────────────────────────────────────────────────────────────────────────


def test_on_telegram_the_first_words_name_signal_and_a_code_alone_in_a_message() -> None:
    talk = Talk(channel="telegram").write("hello")
    safer, question = talk.says
    assert [line.name for line in safer.lines] == ["say.hello", "say.risk_telegram", "say.safer"]
    assert (safer.question, safer.final, safer.weight) == (None, True, Weight.STATUS)
    assert talk.outcome.code == "000000000001"
    assert "0000 0000 0001" in RENDER(safer)
    assert carry_code("0000 0000 0001") == talk.outcome.code
    assert [line.name for line in question.lines] == ["intake.language"]


@pytest.mark.parametrize("channel", ["signal", "terminal"])
def test_elsewhere_no_code_is_given_and_who_asks_is_told(channel: str) -> None:
    talk = Talk(channel=channel).write("hello")
    assert (talk.outcome.code, "safer" in talk.lines) == ("", False)
    for text in ("SIGNAL", "/signal", "89"):
        talk.write(text)
        assert (talk.outcome.code, talk.lines[0], talk.step) == ("", "carry_not", "language")


def test_a_mission_that_is_not_on_signal_offers_no_code() -> None:
    talk = Talk(replace(BOOK, signal=False), "telegram").write("hello")
    assert (talk.outcome.code, "safer" in talk.lines) == ("", False)
    assert talk.write("SIGNAL").lines[0] == "carry_not"


def test_a_cry_for_help_waits_for_no_code() -> None:
    talk = Talk(channel="telegram").write("SOS")
    assert (talk.step, talk.outcome.code, "safer" in talk.lines) == ("sos", "", False)


@pytest.mark.parametrize("text", ["SIGNAL", "signal", "/signal", "89"])
def test_at_any_question_a_new_code_is_given_and_the_question_stands(text: str) -> None:
    talk = there(*ROAD)
    before = talk.talk
    talk.write(text)
    assert (talk.outcome.code, talk.lines[0], talk.step) == (f"{talk.written:012}", "safer", "review")
    assert (talk.talk.answers, talk.talk.offered) == (before.answers, before.offered)


def test_after_the_alert_no_code_is_given() -> None:
    talk = there(*ROAD, "send", "act").write("SIGNAL")
    assert (talk.outcome.code, talk.lines[0], talk.step) == ("", "carry_not", "more")


def test_who_says_start_again_is_told_once_where_it_is_safer() -> None:
    talk = Talk(channel="telegram").write("/start")
    assert talk.lines[:3] == ("hello", "risk_telegram", "safer")
    assert "safer" not in talk.write("/start").lines


def test_no_code_shows_in_a_repr() -> None:
    outcome = Talk(channel="telegram").write("hello").outcome
    assert outcome.code
    assert outcome.code not in repr(outcome)
    assert "0000 0000 0001" not in repr(outcome)


# ── what is carried ──────────────────────────────────────────────────────────────────────────────────────


def test_language_place_and_tapped_answers_are_shown_and_gone_on_with_after_a_yes() -> None:
    old = there(*ROAD[:-1])
    answers = told(old)
    talk = here().carry(old)
    assert (talk.step, talk.talk.language, told(talk)) == ("carried", "en", answers)
    assert {one.step: one.choices for one in talk.says[-1].shown} == answers
    talk.pick("yes")
    assert (talk.step, told(talk), talk.talk.carried_to) == ("reply", answers, "")
    talk.picks("here", "send", "act")
    assert {one.step: one.choices for one in talk.handed[0].answers} == answers | {"reply": ("here",), "act": ("act",)}
    assert talk.handed[0].channel == "signal"


def test_the_language_is_carried_though_the_platform_tells_another() -> None:
    for tag in OFFERED:
        talk = here()
        talk.hint = next(other for other in (*OFFERED, "en") if other != tag)
        old = Talk(channel="telegram").write("hello").pick(tag)
        assert talk.carry(old).says[0].languages == (tag,)
        assert {say.languages for say in old.says} == {(tag,)}


def test_the_talk_that_was_carried_ends_there_and_its_person_is_told_so() -> None:
    old = there(*ROAD)
    old.conversation = replace(old.talk, traces=(("a1", 5), ("a2", 6)), clearing=True)
    here().carry(old)
    assert old.conversation is None
    assert [line.name for say in old.says for line in say.lines] == ["say.code_used"]
    assert old.says[0].weight is Weight.STATUS
    assert old.outcome.effects[0] == Clear(("a1", "a2"))
    assert not old.outcome.erase
    assert "If it was not you" in old.text


def test_a_no_begins_anew_with_nothing_carried_but_the_language() -> None:
    talk = here().carry(there(*ROAD)).pick("no")
    assert (talk.step, talk.talk.answers, talk.talk.trail) == ("language", (), ())
    assert (talk.talk.language, talk.talk.carried_to, talk.talk.urgent) == ("en", "", False)


def test_the_emergency_is_carried() -> None:
    old = Talk(channel="telegram").write("SOS")
    talk = here().carry(old)
    assert (talk.step, talk.talk.urgent, talk.lines[-1]) == ("carried", True, "unsent")
    talk.pick("yes")
    assert (talk.step, talk.talk.urgent, talk.lines[-1]) == ("sos", True, "unsent")
    talk.picks("me", "act")
    assert talk.handed[0].level == 1


def test_who_cried_for_help_here_stays_in_an_emergency_whatever_is_carried() -> None:
    talk = here().write("SOS").carry(there(*ROAD))
    assert (talk.step, talk.talk.urgent, talk.lines[-1]) == ("carried", True, "unsent")
    assert talk.pick("yes").talk.urgent


def test_a_cry_for_help_before_the_yes_opens_the_emergency_path_here() -> None:
    talk = here().carry(there(*ROAD)).write("SOS")
    assert talk.step == "sos"
    assert talk.picks("me", "act").handed[0].level == 1


def test_own_words_are_never_carried() -> None:
    old = there(*ROAD)
    words = Answer("text", words="CANARY two men", message="m7")
    old.conversation = replace(old.talk, answers=(*old.talk.answers, words), draft="CANARY a draft")
    talk = here().carry(old)
    assert not any(answer.words for answer in talk.talk.answers)
    assert (talk.talk.draft, "CANARY" in talk.text) == ("", False)
    assert "text" not in told(talk)


def test_no_consent_is_carried_and_the_first_is_asked_first() -> None:
    old = there(*ROAD, "send")
    assert (old.step, len(old.talk.consents)) == ("act", 1)
    talk = here().carry(old)
    assert talk.talk.consents == ()
    talk.pick("yes")
    assert (talk.step, talk.talk.consents) == ("review", ())
    agreed = talk.copy().pick("send")
    assert (agreed.step, [one.kind for one in agreed.talk.consents]) == ("act", [ConsentKind.SEND])


def test_a_consent_that_was_given_here_does_not_count_for_what_is_carried() -> None:
    talk = begun(channel="signal").picks(*ROAD, "send").carry(there("no", "soon", "tell", "me"))
    assert (talk.step, talk.talk.consents) == ("carried", ())


def test_a_second_consent_without_the_way_to_it_sends_nothing() -> None:
    old = there(*ROAD, "send")
    old.conversation = replace(old.talk, trail=())
    talk = here().carry(old).pick("yes")
    assert talk.step == "act"
    assert (talk.pick("act").handed, talk.step) == ((), "language")


def test_the_number_that_answered_what_was_carried_answers_no_consent() -> None:
    talk = here().carry(there(*ROAD)).pick("yes")
    assert talk.step == "review"
    assert {"1", "2"}.isdisjoint(str(number) for number, _ in talk.talk.offered)


def test_which_message_gave_an_answer_elsewhere_means_nothing_here() -> None:
    old = there(*ROAD)
    assert all(one.message for one in old.talk.answers)
    talk = here().carry(old).pick("yes")
    assert {one.message for one in talk.talk.answers} == {""}
    assert talk.write("2", edits="m8").lines[0] == "edit_unknown"
    kept = talk.talk.answers
    assert talk.write("", kind=Kind.DELETED, edits="m8").talk.answers == kept


@pytest.mark.parametrize("channel", ["signal", "terminal"])
def test_what_was_begun_here_gives_way_to_what_is_carried(channel: str) -> None:
    talk = begun(channel=channel).picks("no", "no", "tell", "other", "yes", "raid")
    talk.carry(there("no", "soon", "tell", "me"))
    assert told(talk) == {"danger": ("soon",), "whom": ("me",)}
    assert talk.pick("yes").step == "event"


def test_from_the_choice_of_another_language_the_question_before_it_is_carried() -> None:
    old = there(*ROAD[:4]).write("language")
    assert old.step == "language"
    assert here().carry(old).pick("yes").step == "event"


def test_at_the_very_beginning_the_beginning_is_carried() -> None:
    old = Talk(channel="telegram").write("hello")
    assert here().carry(old).pick("yes").step == "language"
    old = Talk(channel="telegram").write("hello")
    old.conversation = replace(old.talk, step="gone", flow="")
    assert here().carry(old).pick("yes").step == "language"


def test_back_and_another_language_lead_on_from_what_is_carried_too() -> None:
    talk = here().carry(there(*ROAD[:4]))
    assert (talk.copy().write("back").step, talk.copy().write("back").lines[0]) == ("carried", "no_back")
    assert talk.write("language").step == "language"
    assert talk.pick(OFFERED[-1]).step == "carried"
    assert talk.pick("yes").step == "event"


def test_what_is_carried_is_answered_with_yes_or_no_alone() -> None:
    talk = here().carry(there(*ROAD))
    for text, line in (("skip", "cannot_skip"), ("bananas", "not_understood"), ("7", "not_understood")):
        assert (talk.write(text).step, talk.lines[0]) == ("carried", line)


# ── what is not carried ──────────────────────────────────────────────────────────────────────────────────


def test_an_unknown_code_carries_nothing_and_changes_nothing() -> None:
    talk = here().carry(None)
    assert (talk.step, talk.lines) == ("language", ("code_unknown", "hello", "risk_signal", "language"))
    talk = begun(channel="signal").picks(*ROAD)
    kept = talk.talk.answers
    assert (talk.carry(None).step, talk.lines[0], talk.talk.answers) == ("review", "code_unknown", kept)


def test_a_code_of_a_case_that_was_sent_gets_the_same_answer_and_ends_nothing() -> None:
    old = there(*ROAD, "send", "act")
    kept = old.talk
    talk = here().carry(old)
    assert (talk.lines[0], talk.step) == ("code_unknown", "language")
    assert old.talk == kept


def test_after_a_case_was_sent_here_nothing_is_carried_to_it() -> None:
    old, talk = there(*ROAD), sent()
    kept = old.talk
    assert (talk.carry(old).lines[0], talk.step) == ("code_unknown", "more")
    assert old.talk == kept


def test_a_talk_carried_twice_goes_on_once() -> None:
    old = there(*ROAD)
    assert here().carry(old).step == "carried"
    assert here().carry(old).lines[0] == "code_unknown"


def test_a_flow_without_such_a_step_carries_nothing() -> None:
    old = there(*ROAD)
    kept = old.talk
    talk = Talk(WITHOUT, "signal").carry(old)
    assert (talk.lines[0], old.talk) == ("code_unknown", kept)


# ── when the flow changes in between ─────────────────────────────────────────────────────────────────────

OTHER_EVENTS = rulebook(re.sub(r"(choices|words)\.threat = .*\n", "", written("intake.toml")))
OTHER_NAME = rulebook(written("intake.toml").replace('"reply"', '"way_back"'))


def test_of_a_talk_of_another_flow_only_what_still_fits_is_carried() -> None:
    talk = Talk(OTHER_EVENTS, "signal").carry(there(*ROAD))
    assert set(told(talk)) == {"danger", "whom", "area", "want", "reply"}
    assert RENDER(talk.says[-1])
    assert talk.pick("yes").step == "review"


def test_a_question_that_is_gone_is_carried_to_the_one_before_it() -> None:
    talk = Talk(OTHER_NAME, "signal").carry(there(*ROAD[:-1]))
    assert talk.talk.carried_to in OTHER_NAME.flow.steps
    assert talk.pick("yes").step in OTHER_NAME.flow.steps


def test_where_the_place_is_gone_after_it_was_carried_the_talk_begins_anew() -> None:
    talk = here().carry(there(*ROAD[:-1]))
    assert talk.talk.carried_to == "reply"
    talk.book = OTHER_NAME
    talk.pick("yes")
    assert (talk.step, talk.talk.answers, talk.talk.consents) == ("language", (), ())


def test_a_code_is_answered_in_the_language_of_the_platform_where_nothing_was_carried() -> None:
    talk = here()
    talk.hint = "es-MX"
    assert talk.carry(None).says[0].languages == (("es",) if "es" in OFFERED else OFFERED[:2])


def test_the_message_that_was_a_code_is_cleared_later_where_that_can_be_done() -> None:
    talk = here()
    talk.removable = True
    talk.carry(there(*ROAD))
    assert [one for one, _ in talk.talk.traces] == [f"m{talk.written}"]
    assert talk.talk.clearing
    assert len(talk.wakes) == 1


def test_what_is_carried_names_no_consent_of_the_past() -> None:
    old = there(*ROAD)
    given = Consent(ConsentKind.SEND, "send", FLOW.version, old.now - timedelta(minutes=1))
    old.conversation = replace(old.talk, consents=(given,))
    talk = here().carry(old).picks("yes", "send")
    assert talk.step == "act"
    assert [one.at for one in talk.talk.consents] == [talk.now]
    assert all(isinstance(effect, Say) for effect in talk.outcome.effects)
