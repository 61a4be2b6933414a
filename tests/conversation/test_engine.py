"""One turn: what is read, what is refused, what comes too late, what is not understood."""

import unicodedata
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from fakes import BOOK, FLOW, MORNING, OFFERED, STEPS, Talk, at_step, begun, relayed, sent, sent_in_emergency

from bot.conversation.engine import lives_until
from bot.conversation.model import Kind
from bot.language.catalogs import LANGUAGES
from bot.language.wording import in_digits

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


# ── how short it is ──────────────────────────────────────────────────────────────────────────────────────


def test_from_sos_to_a_consented_alert_it_takes_three_messages() -> None:
    talk = Talk().write("SOS").pick("me").pick("act")
    assert talk.written == 3
    assert [(one.number, one.level) for one in talk.handed] == [(0, 1)]


def test_an_ordinary_case_takes_twelve_messages() -> None:
    talk = sent()
    assert talk.written == 12
    assert [(one.number, one.level) for one in talk.handed] == [(0, 2)]


def test_another_person_s_case_takes_one_more() -> None:
    talk = begun().picks("no", "no", "tell", "other", "yes", "threat", "MX-OAX", "quiet", "here", "send", "act")
    assert (talk.written, len(talk.handed)) == (13, 1)


# ── what is too old ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("age", "step"), [(0, "danger"), (59, "danger"), (60, "danger"), (61, "device"), (1440, "device")]
)
def test_an_answer_older_than_an_hour_answers_nothing(age: int, step: str) -> None:
    talk = begun().write("1", late=age * MINUTE)
    assert talk.step == step
    assert ("too_old" in talk.lines) == (step == "device")


@pytest.mark.parametrize("written", ["7", "Yes, send it", "7 please", "anything"])
def test_an_answer_older_than_an_hour_is_no_consent(written: str) -> None:
    talk = at_step("review").write(written, late=61 * MINUTE)
    assert (talk.step, talk.talk.consents, talk.lines[0]) == ("review", (), "too_old")


@pytest.mark.parametrize("step", ["", *STEPS])
@pytest.mark.parametrize("cry", ["SOS", "emergency"])
def test_a_cry_for_help_of_23_hours_ago_opens_the_emergency_path_and_says_so(step: str, cry: str) -> None:
    talk = (at_step(step) if step else Talk()).write(cry, late=23 * HOUR)
    with_case = talk.talk.case is not None
    there = "sos_act" if step == "sos_act" else "sos"
    assert (talk.step, talk.lines[with_case], talk.talk.urgent) == (there, "wrote_at", True)
    assert f"You wrote this at {talk.now - 23 * HOUR:%H:%M}." in talk.text


@pytest.mark.parametrize("cry", ["SOS", "emergency"])
def test_a_cry_for_help_within_the_hour_needs_no_such_word(cry: str) -> None:
    assert "wrote_at" not in Talk().write(cry, late=59 * MINUTE).lines


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("cry", ["SOS", "emergency"])
def test_a_cry_for_help_of_25_hours_ago_opens_nothing(step: str, cry: str) -> None:
    talk = at_step(step)
    urgent = talk.talk.urgent
    talk.write(cry, late=25 * HOUR)
    assert (talk.step, talk.lines[0], talk.talk.urgent) == (step, "too_old", urgent)


def test_where_nothing_waits_what_comes_late_is_met_with_silence() -> None:
    assert Talk().write("hello", late=61 * MINUTE).outcome.effects == ()
    assert Talk().write("SOS", late=25 * HOUR).conversation is None
    resting = sent().pick("no")
    kept = resting.talk
    assert resting.write("hello", late=61 * MINUTE).outcome.effects == ()
    assert resting.talk == kept


@pytest.mark.parametrize("step", STEPS)
def test_erase_and_stop_hold_at_any_age(step: str) -> None:
    for age in (0, 61, 60 * 24 * 30):
        assert at_step(step).write("ERASE", late=age * MINUTE).outcome.erase, age
        stopped = at_step(step).write("stop", late=age * MINUTE)
        assert stopped.lines in {("stopped", "clear_terminal"), ("stopped_case", "clear_terminal")}, age


@pytest.mark.parametrize("order", ["help", "back", "skip", "language", "privacy", "verify", "send now", "/start"])
def test_other_commands_older_than_an_hour_do_nothing(order: str) -> None:
    talk = at_step("event").write(order, late=61 * MINUTE)
    assert (talk.step, talk.lines[:2]) == ("event", ("too_old", "event"))


def test_a_message_from_a_clock_that_goes_ahead_is_taken() -> None:
    assert begun().write("1", late=-HOUR).step == "danger"


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────

REFUSED = [kind for kind in Kind if kind not in {Kind.TEXT, Kind.TAP, Kind.DELETED}]


@pytest.mark.parametrize("step", STEPS)
def test_what_is_not_text_is_refused_with_the_reason_and_the_question_stands(step: str) -> None:
    for kind, caption in product(REFUSED, ("", "1", "hello")):
        talk = at_step(step)
        answers = talk.talk.answers
        talk.write(caption, kind=kind)
        assert (talk.step, talk.lines[0], talk.talk.answers) == (step, f"refused_{kind}", answers)


@pytest.mark.parametrize("kind", REFUSED)
def test_a_photo_as_the_first_message_is_refused_and_greeted(kind: Kind) -> None:
    assert Talk().write("", kind=kind).lines[:2] == (f"refused_{kind}", "hello")
    assert sent().pick("no").write("", kind=kind).lines[:2] == (f"refused_{kind}", "case_waiting")


@pytest.mark.parametrize("kind", REFUSED)
def test_a_cry_for_help_beside_a_photo_is_heard(kind: Kind) -> None:
    assert at_step("event").write("SOS", kind=kind).step == "sos"
    assert at_step("event").write("ERASE", kind=kind).outcome.erase


def test_an_old_button_changes_nothing() -> None:
    talk = begun()
    old = talk.talk.serial
    talk.write("1", kind=Kind.TAP, tap=old)
    assert talk.step == "danger"
    for text in ("1", "skip", "Skip", "back", "language"):
        assert talk.write(text, kind=Kind.TAP, tap=old).step == "danger"
        assert talk.lines[0] == "old_tap"
    assert talk.copy().write("SOS", kind=Kind.TAP, tap=old).step == "sos"
    assert talk.copy().write("stop", kind=Kind.TAP, tap=old).conversation is None
    assert talk.write("1", kind=Kind.TAP, tap=talk.talk.serial).step == "sos"


# ── what is not understood ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", STEPS)
def test_what_is_not_understood_is_asked_again_the_second_time_with_a_way_out(step: str) -> None:
    talk = at_step(step)
    before, words = talk.talk, FLOW.steps[step].kind == "words"
    name = "label_needed" if FLOW.steps[step].consent else "not_understood_words" if words else "not_understood"
    name = "not_found" if FLOW.steps[step].file else name
    where = ("case_waiting",) if before.case and step != "after" else ()  # people write to hear where it is
    reply = ("answer_hint",) if before.case and before.case.relayed else ()  # or to answer what they were written
    then = "consent_numbers" if FLOW.steps[step].consent else name
    for lines in ((name, *where, *reply), (then, *where, *reply, "hint"), (then, *where, *reply, "hint")):
        talk.write("?!" if words else "xyzzy bananas")
        assert talk.lines[: len(lines)] == lines
        assert "hint" not in talk.lines[len(lines) :]
        first = "hint" not in lines and not FLOW.steps[step].consent  # a cry might be what was not understood
        assert [line.name for line in talk.says[0].tail].count("say.in_danger") == first
        assert (talk.step, talk.talk.answers, talk.talk.offered) == (step, before.answers, before.offered)
        assert talk.question is not None


@pytest.mark.parametrize(
    ("talk", "told"),
    [
        (at_step("review"), "7 to send, 8 not to send."),
        (at_step("act"), "9 / 10 / 11 to send, 12 not to send."),
        (Talk().write("SOS"), "7 / 8 to send, 9 not to send."),
        (Talk().write("SOS").pick("me"), "10 / 11 to send, 12 not to send."),
    ],
)
def test_from_the_second_time_on_a_consent_says_which_numbers_to_write(talk: Talk, told: str) -> None:
    talk = talk.copy().write("yes please")
    assert "Please write only a number" not in talk.text
    for words in ("yes please", "ok ok ok", "?!"):
        assert f"Please write only a number: {told}" in talk.write(words).text


@pytest.mark.parametrize("number", ["1", "44", "٤٤", "1️⃣", "one", "1 2", "3, 4", "735"])
@pytest.mark.parametrize("step", ["review", "act", "sos", "sos_act"])
def test_whoever_writes_a_number_that_a_consent_does_not_offer_is_told_at_once_which_it_does(
    step: str, number: str
) -> None:
    talk = at_step(step)
    before = talk.talk
    talk.write(number)
    assert (talk.lines[0], talk.step, talk.talk.offered) == ("consent_numbers", step, before.offered)
    assert "hint" not in talk.lines
    assert talk.talk.consents == before.consents


@pytest.mark.parametrize("tag", OFFERED)
@pytest.mark.parametrize("step", ["review", "act", "sos", "sos_act"])
def test_the_numbers_that_a_consent_names_are_those_that_it_takes_in_every_language(step: str, tag: str) -> None:
    talk = at_step(step)
    talk.conversation = replace(talk.talk, language=tag)
    said = next(line for line in talk.write("?!").write("?!").says[0].lines if line.name == "say.consent_numbers")
    named = {name: number.split() for name, number in said.values}
    shown = "".join(char for char in talk.text.splitlines()[0] if unicodedata.category(char) != "Cf")
    digits = [" / ".join(in_digits(int(one), LANGUAGES[tag]) for one in numbers) for numbers in named.values()]
    assert all(one in shown for one in digits)
    accepts = {number for number, name in talk.talk.offered if name in FLOW.steps[step].accepts}
    assert {int(number) for number in named["yes"]} == accepts
    assert {int(number) for numbers in named.values() for number in numbers} == {one for one, _ in talk.talk.offered}
    for number in named["no"]:
        there = talk.copy().write(number)
        assert (there.conversation is None or there.talk.consents == (), there.handed) == (True, ())
    for number in named["yes"]:
        there = talk.copy().write(number)
        assert len(there.talk.consents) == 1 or there.handed


def test_what_is_understood_begins_the_count_anew() -> None:
    talk = at_step("event").write("bananas").write("help").write("bananas")
    assert "hint" not in talk.lines
    assert "hint" in talk.write("bananas").lines
    assert "hint" not in talk.pick("threat").write("bananas").lines


def test_text_without_an_open_question_opens_one() -> None:
    assert sent().pick("no").write("bananas").lines == ("not_kept", "case_waiting", "after")


@pytest.mark.parametrize("words", ["I forgot: my brother was there", "11", "?", "hello"])
def test_whoever_rests_and_writes_on_hears_that_it_was_not_kept(words: str) -> None:
    talk = sent().pick("no").write(words)
    assert (talk.step, talk.lines) == ("after", ("not_kept", "case_waiting", "after"))
    assert (talk.talk.answers, talk.wakes, len(talk.handed)) == ((), (), 1)


def test_whoever_rests_and_was_written_to_hears_how_to_answer() -> None:
    assert relayed().pick("no").write("I am safe").lines == ("not_kept", "answer_hint", "case_waiting", "after")


def test_whoever_rests_and_writes_a_command_hears_nothing_of_the_kind() -> None:
    for order in ("/start", "help", "language", "SOS"):
        assert "not_kept" not in sent().pick("no").write(order).lines, order


# ── the first message ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("cry", "tag"), [("AYUDA", "es"), ("auxilio", "es"), ("help me", "en")])
def test_a_cry_as_the_first_message_tells_the_language(cry: str, tag: str) -> None:
    talk = Talk()
    talk.hint = "xx"
    languages = (tag,) if tag in OFFERED else OFFERED[:2]
    assert (talk.write(cry).step, talk.says[0].languages) == ("sos", languages)


@pytest.mark.parametrize(("hint", "languages"), [("en-US", ("en",)), ("", OFFERED[:2])])
def test_sos_as_the_first_message_is_answered_in_the_platform_s_language_or_in_the_first_two(
    hint: str, languages: tuple[str, ...]
) -> None:
    talk = Talk()
    talk.hint = hint
    assert (talk.write("SOS").says[0].languages, talk.lines) == (languages, ("sos", "risk_short", "sos", "unsent"))


def test_a_cry_in_another_language_does_not_change_the_language_of_a_talk() -> None:
    assert begun().write("AYUDA").says[0].languages == ("en",)


# ── several choices, over more than one page ─────────────────────────────────────────────────────────────


def more(*picked: str) -> Talk:
    talk = begun().picks("no", "no", "tell", "me")
    return talk.write(talk.numbers(*picked, "more"))


def chosen(talk: Talk) -> tuple[str, ...]:
    return next(answer.choices for answer in talk.talk.answers if answer.step == "event")


def test_what_was_picked_before_more_is_listed_and_stays_picked() -> None:
    talk = more("threat", "raid")
    assert (talk.step, talk.talk.page, talk.talk.picked) == ("event", 1, ("threat", "raid"))
    assert [(one.step, one.choices) for one in talk.says[-1].shown] == [("event", ("threat", "raid"))]
    assert talk.question is not None
    assert "killing" in {name for _, name in talk.question.offered}
    talk.pick("killing")
    assert (talk.step, chosen(talk), talk.talk.picked) == ("area", ("threat", "raid", "killing"), ())


@pytest.mark.parametrize("written", ["skip", "Skip", "92", "the number"])
def test_to_leave_the_second_page_out_keeps_what_was_picked_on_the_first(written: str) -> None:
    talk = more("threat")
    talk.write(talk.numbers("skip") if written == "the number" else written)
    assert (talk.step, chosen(talk)) == ("area", ("threat",))
    talk = more()
    talk.write(talk.numbers("skip") if written == "the number" else written)
    assert (talk.step, chosen(talk)) == ("area", ())


def test_what_is_picked_twice_counts_once() -> None:
    talk = more("threat")
    talk.write(talk.numbers("threat", "attack", "more"))
    assert talk.talk.picked == ("threat", "attack")
    assert chosen(talk.pick("threat", "killing")) == ("attack", "threat", "killing")


def test_what_was_picked_counts_for_the_level() -> None:
    talk = more("attack").pick("smear").picks("MX-OAX", "quiet", "here", "send", "act")
    alone = begun().picks("no", "no", "tell", "me", "attack", "MX-OAX", "quiet", "here", "send", "act")
    assert talk.handed[0].level <= alone.handed[0].level


@pytest.mark.parametrize("word", ["bananas", "help", "privacy"])
def test_what_does_not_answer_loses_nothing_that_was_picked(word: str) -> None:
    talk = more("threat").write(word)
    assert (talk.step, talk.talk.picked, talk.talk.page) == ("event", ("threat",), 1)
    assert chosen(talk.pick("killing")) == ("threat", "killing")


@pytest.mark.parametrize("word", ["back", "SOS", "language"])
def test_who_leaves_the_question_leaves_what_was_picked_of_it(word: str) -> None:
    assert more("threat").write(word).talk.picked == ()


def test_one_kind_that_leads_elsewhere_leads_there_from_any_page() -> None:
    assert more("held").pick("killing").step == "held"


# ── how long it lives ────────────────────────────────────────────────────────────────────────────────────


def test_an_intake_lives_half_an_hour_an_urgent_one_a_day_and_a_case_s_record_two_weeks() -> None:
    now = MORNING + HOUR
    assert lives_until(BOOK, begun().talk, now) == now + timedelta(minutes=30)
    assert lives_until(BOOK, Talk().write("SOS").talk, now) == now + timedelta(hours=24)
    assert lives_until(BOOK, begun().picks("no", "now").talk, now) == now + timedelta(hours=24)
    for talk in (sent(), sent_in_emergency()):
        assert talk.talk.case is not None
        assert lives_until(BOOK, talk.talk, now) == talk.talk.case.opened_at + timedelta(days=14)


def test_a_message_from_a_new_address_of_the_same_person_is_answered_there() -> None:
    talk = sent().write("stop")
    assert talk.talk.sender.address == ""
    assert talk.write("hello").talk.sender.address == "someone"
