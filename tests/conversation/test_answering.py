"""What an answer changes; consents; own words; what is gathered."""

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import BOOK, FLOW, PAUSE, Talk, at_step, begun, chance, sent, unseen

from bot.conversation.asking import added
from bot.conversation.engine import advance
from bot.conversation.events import Delivered
from bot.conversation.model import Answer, ConsentKind, Kind, Message
from bot.conversation.returning import returned

CONSENTS = sorted(name for name, step in FLOW.steps.items() if step.consent)


# ── consents ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", CONSENTS)
def test_a_consent_counts_only_when_its_question_had_reached_the_person(step: str) -> None:
    yes = FLOW.steps[step].accepts[0]
    talk = unseen(step)
    for _ in range(3):
        talk.write(talk.numbers(yes), seen=False)
        assert (talk.step, talk.lines[0]) == (step, "not_seen")
    talk.see().write(talk.numbers(yes))
    assert talk.conversation is not None
    assert talk.step != step


@pytest.mark.parametrize("step", CONSENTS)
def test_a_yes_that_was_written_before_the_question_came_is_none(step: str) -> None:
    yes = FLOW.steps[step].accepts[0]
    talk = unseen(step).wait(seconds=30).see()
    assert talk.copy().write(talk.numbers(yes), late=PAUSE + timedelta(seconds=1)).lines[0] == "not_seen"
    assert "not_seen" not in talk.copy().write(talk.numbers(yes), late=PAUSE).lines


@pytest.mark.parametrize("step", CONSENTS)
def test_who_says_yes_again_and_again_on_a_slow_line_is_heard_once_they_have_seen_the_question(step: str) -> None:
    """A yes that came too early asks anew: the newest question would be on its way each time they write."""
    early = PAUSE + timedelta(seconds=1)
    talk = unseen(step).see()
    yes = talk.numbers(FLOW.steps[step].accepts[0])
    assert talk.write(yes, late=early, seen=False).lines[0] == "not_seen"
    talk.wait(seconds=5).see().write(yes, late=early)  # after the first question had come, before the second
    assert talk.step != step


@pytest.mark.parametrize("step", CONSENTS)
def test_the_first_question_counts_though_it_is_known_to_have_come_only_after_it_was_put_again(step: str) -> None:
    talk = unseen(step)
    first, yes = talk.talk.serial, talk.numbers(FLOW.steps[step].accepts[0])
    for _ in range(3):
        assert talk.write(yes, seen=False).lines[0] == "not_seen"
    talk.tell(Delivered(first, talk.now)).write(yes)
    assert talk.step != step


@pytest.mark.parametrize("step", CONSENTS)
def test_a_tap_on_the_first_question_counts_though_it_was_put_again_under_the_same_numbers(step: str) -> None:
    talk = unseen(step)
    first, yes = talk.talk.serial, talk.numbers(FLOW.steps[step].accepts[0])
    assert talk.write(yes, seen=False).lines[0] == "not_seen"
    assert "old_tap" in talk.copy().write(yes, kind=Kind.TAP, tap=first - 1).lines
    talk.write(yes, kind=Kind.TAP, tap=first)
    assert talk.step != step


@pytest.mark.parametrize("step", CONSENTS)
@pytest.mark.parametrize("between", ["SOS", "help", "yes please", "photo", "old tap"])
def test_who_has_seen_the_question_says_yes_to_it_whatever_they_wrote_before(step: str, between: str) -> None:
    talk = at_step(step)
    yes = talk.numbers(FLOW.steps[step].accepts[0])
    kind = {"photo": Kind.PHOTO, "old tap": Kind.TAP}.get(between, Kind.TEXT)
    talk.write(between, kind=kind, tap=0 if kind is Kind.TAP else None, seen=False)
    if talk.step == step:  # SOS leads from the ordinary way to another question
        talk.write(yes, seen=False)
        assert talk.step != step


def test_who_has_seen_other_answers_listed_or_another_language_has_not_seen_the_question() -> None:
    for changes in ("language", "area"):
        talk = at_step("review")
        yes = talk.numbers("send")
        if changes == "language":
            talk.write("español", seen=False)
        else:
            area = next(one for one in talk.talk.answers if one.step == "area")
            talk.write("2", edits=area.message, seen=False)
        assert talk.talk.step == "review"
        assert talk.write(yes, seen=False).lines[0] == "not_seen"


@pytest.mark.parametrize("copies", [0, 1])
@pytest.mark.parametrize("tapped", [False, True])
def test_a_consent_that_says_more_than_when_it_was_put_has_not_been_seen(copies: int, tapped: bool) -> None:
    """The bot was started anew for a mission where it can read the case for a while: that is said before."""
    talk = at_step("review")
    first, yes = talk.talk.serial, talk.numbers("send")
    talk.book = replace(BOOK, readable=True)
    if copies:
        assert "readable_here" in talk.write(yes, seen=False).lines
    talk.tell(Delivered(first, talk.now))
    talk.write(yes, kind=Kind.TAP if tapped else Kind.TEXT, tap=first if tapped else None)
    assert (talk.step, talk.lines[0]) == ("review", "old_tap" if tapped else "not_seen")
    assert "readable_here" in talk.lines
    assert talk.write(yes).step == "act"


@pytest.mark.parametrize("step", CONSENTS)
def test_of_questions_that_may_have_come_the_second_counts(step: str) -> None:
    """A server may answer for hours that it can't send, and send all the same: nobody would ever be heard."""
    talk = unseen(step)
    first, yes = talk.talk.serial, talk.numbers(FLOW.steps[step].accepts[0])
    for _ in range(2):
        talk.tell(Delivered(first, talk.now, sure=False))
    assert talk.write(yes, seen=False).lines[0] == "not_seen"
    talk.tell(Delivered(first, talk.now, sure=False))
    assert talk.write(yes, seen=False).lines[0] == "not_seen"
    talk.tell(Delivered(first + 1, talk.now, sure=False))
    assert talk.copy().write(yes, late=PAUSE + timedelta(seconds=1)).lines[0] == "not_seen"
    assert talk.write(yes).step != step


@pytest.mark.parametrize("step", CONSENTS)
def test_a_question_that_may_have_come_alone_counts_for_nothing_whatever_was_put_before_it(step: str) -> None:
    talk = unseen(step)
    first, yes = talk.talk.serial, talk.numbers(FLOW.steps[step].accepts[0])
    talk.write("help", seen=False)
    for _ in range(2):
        talk.tell(Delivered(first + 1, talk.now, sure=False))
    assert talk.write(yes, seen=False).lines[0] == "not_seen"
    assert talk.step == step


def test_a_return_code_typed_at_a_consent_does_not_hide_that_it_was_reworded() -> None:
    talk = at_step("review")
    yes = talk.numbers("send")
    old = replace(talk.talk, flow="older")
    message = Message(talk.sender, "code", talk.now, "1234 5678 9012 3456")
    talk._took(returned(BOOK, old, None, (), message, talk.now))
    assert "changed" in talk.lines
    assert talk.write(yes, seen=False).lines[0] == "not_seen"


def test_a_consent_that_was_put_before_its_words_were_remembered_is_asked_anew() -> None:
    talk = at_step("review")
    talk.conversation = replace(talk.talk, wording="")
    yes = talk.numbers("send")
    assert talk.write(yes).lines[0] == "not_seen"
    assert talk.write(yes).step == "act"


def test_which_copy_came_first_counts_in_whatever_order_that_is_told() -> None:
    talk = unseen("review")
    first, yes = talk.talk.serial, talk.numbers("send")
    talk.write(yes, seen=False)
    talk.tell(Delivered(first + 1, talk.now + timedelta(minutes=1))).tell(Delivered(first, talk.now))
    assert talk.write(yes).step == "act"


@pytest.mark.parametrize("step", CONSENTS)
def test_another_question_that_was_delivered_does_not_count(step: str) -> None:
    yes = FLOW.steps[step].accepts[0]
    talk = unseen(step)
    talk.tell(Delivered(talk.talk.serial - 1, talk.now)).tell(Delivered(talk.talk.serial + 1, talk.now))
    assert talk.write(talk.numbers(yes)).lines[0] == "not_seen"


@pytest.mark.parametrize("step", CONSENTS)
def test_a_tap_on_the_question_itself_proves_that_it_was_seen(step: str) -> None:
    yes = FLOW.steps[step].accepts[0]
    talk = unseen(step)
    talk.write(talk.numbers(yes), kind=Kind.TAP, tap=talk.talk.serial)
    assert talk.step != step


@pytest.mark.parametrize("step", CONSENTS)
def test_no_is_no_and_what_was_consented_is_forgotten(step: str) -> None:
    talk = at_step(step).pick("no")
    assert not talk.handed
    if step.startswith("sos"):
        assert (talk.step, talk.talk.consents) == ("contacts", ())
        assert talk.lines[0] == f"{step}.note.0"
    else:
        assert (talk.conversation, talk.lines) == (None, (f"{step}.note.0", "clear_terminal"))


def test_both_consents_go_with_the_case_with_version_and_time() -> None:
    talk = sent()
    case = talk.talk.case
    assert case is not None
    assert talk.handed[0].consents == case.consents
    assert [(one.kind, one.choice, one.version) for one in case.consents] == [
        (ConsentKind.SEND, "send", FLOW.version),
        (ConsentKind.ACT, "act", FLOW.version),
    ]
    assert case.consents[1].at - case.consents[0].at == PAUSE


@pytest.mark.parametrize(("again", "step"), [("back", "review"), ("SOS", "sos")])
def test_what_was_consented_is_asked_again_after_any_other_way(again: str, step: str) -> None:
    talk = at_step("act")
    assert [one.kind for one in talk.talk.consents] == [ConsentKind.SEND]
    talk.write(again)
    assert (talk.step, talk.talk.consents) == (step, ())


def test_the_second_consent_without_the_first_hands_nothing_over() -> None:
    """No way leads there; a stored talk might stand there all the same."""
    talk = at_step("act")
    talk.conversation = replace(talk.talk, consents=())
    talk.pick("act")
    assert (talk.step, talk.handed) == ("language", ())


def test_only_after_talking_with_a_person_who_writes_with_a_code_is_told_to_be_a_dead_end() -> None:
    road = ("no", "no", "tell", "me", "threat", "MX-OAX", "quiet", "code", "send")
    assert "act.note.1" in begun().picks(*road, "talk").lines
    assert "act.note.1" not in begun().picks(*road, "act").lines
    assert "act.note.1" not in begun().picks(*road[:-2], "here", "send", "talk").lines


def test_a_phone_that_others_see_is_spoken_of() -> None:
    assert begun().pick("yes").lines[0] == "device.note.0"
    assert "device.note.0" not in begun().pick("maybe").lines


# ── answers and ways ─────────────────────────────────────────────────────────────────────────────────────


def given(talk: Talk) -> dict[str, tuple[str, ...]]:
    return {answer.step: answer.choices for answer in talk.handed[-1].answers}


ALL = {
    "danger": ("no",),
    "whom": ("me",),
    "event": ("threat",),
    "area": ("MX-OAX",),
    "want": ("quiet",),
    "reply": ("here",),
    "act": ("act",),
}


def test_what_was_answered_is_handed_over_and_nothing_stays() -> None:
    talk = sent()
    assert given(talk) == ALL
    assert (talk.talk.answers, talk.talk.trail, talk.talk.consents) == ((), (), ())


def test_what_was_skipped_is_not_handed_over() -> None:
    talk = begun().picks("skip", "skip", "tell", "skip", "skip", "skip", "skip", "skip", "send", "talk")
    assert given(talk) == {"act": ("talk",)}


OTHER = ("no", "no", "tell", "other", "cannot", "held", "recent", "MX-OAX", "quiet", "here")


@pytest.mark.parametrize(
    ("back", "picks", "gone"),
    [
        (7, ("me",), {"agree"}),
        (5, ("threat",), {"held"}),
        (7, ("skip",), {"whom", "agree"}),
        (5, ("skip",), {"held", "event"}),
        (6, ("yes",), set()),
        (3, ("abroad",), set()),
    ],
)
def test_an_answer_whose_question_is_no_longer_asked_is_not_handed_over(
    back: int, picks: tuple[str, ...], gone: set[str]
) -> None:
    talk = begun().picks(*OTHER)
    for _ in range(back):
        talk.write("back")
    talk.picks(*picks)
    assert talk.step == "review"
    shown = {answer.step for answer in talk.says[-1].shown}
    talk.picks("send", "act")
    everything = {"danger", "whom", "agree", "event", "held", "area", "want", "reply", "act"}
    assert set(given(talk)) == everything - gone
    assert shown == everything - gone - {"act"}


def test_what_was_answered_before_a_cry_for_help_goes_with_the_alert() -> None:
    talk = begun().picks("no", "soon", "tell", "me", "surveillance").write("SOS").picks("held", "act")
    assert given(talk) == {
        "danger": ("soon",),
        "whom": ("me",),
        "event": ("surveillance",),
        "sos": ("held",),
        "act": ("act",),
    }


def test_an_alert_that_was_not_wanted_leaves_no_answer_behind() -> None:
    talk = Talk().write("SOS").picks("me").write("back").picks("no", "tell", "me", "laws", "skip", "skip", "skip")
    assert set(given(talk.picks("send", "act"))) == {"whom", "event", "act"}


def test_who_does_not_agree_is_not_written_about() -> None:
    talk = begun().picks("no", "no", "tell", "other", "no")
    assert talk.step == "only_read"
    assert {name for _, name in talk.talk.offered} == {"learn", "contacts", "leave"}
    talk.picks("learn", "tell", "other")
    assert talk.step == "only_read"


def test_several_notes_of_one_step_are_told_apart() -> None:
    assert at_step("act").pick("no").lines == ("act.note.0", "clear_terminal")


def test_the_language_chosen_is_spoken_from_then_on() -> None:
    for tag in BOOK.known.languages:
        talk = Talk().write("hello").pick(tag)
        assert (talk.talk.language, talk.says[0].languages) == (tag, (tag,))


# ── own words ────────────────────────────────────────────────────────────────────────────────────────────


def words_step(name: str = "text", channel: str = "terminal") -> Talk:
    talk = Talk(channel=channel).write("SOS").picks("me", "act", "yes")
    while talk.step != name:
        talk.write("skip")
    return talk


@pytest.mark.parametrize(("length", "kept"), [(1, True), (500, True), (501, False), (5000, False), (5001, False)])
def test_own_words_over_the_limit_are_kept_in_no_part(length: int, kept: bool) -> None:
    talk = words_step().write("é" * length)
    assert talk.step == ("handle" if kept else "text")
    assert [answer.words for answer in talk.talk.answers if answer.words] == (["é" * length] if kept else [])
    if not kept:
        assert talk.lines[0] == "too_long"
        assert f"{length} characters; I can pass on 500" in talk.text


def test_each_question_has_its_own_limit() -> None:
    assert words_step("handle").write("x" * 61).lines[0] == "too_long"
    assert words_step("handle").write("x" * 60).step == "interpreter"
    assert words_step("interpreter").pick("other").write("x" * 61).lines[0] == "too_long"
    assert words_step("interpreter").pick("other").write("x" * 60).step == "add_send"


def test_the_wish_for_an_interpreter_is_kept_under_one_name_before_and_after_the_handoff() -> None:
    before = Talk().write("hello").pick("another").pick("other").write("Chontal").pick("es")
    after = words_step("interpreter").pick("other").write("Chontal")
    assert [(one.step, one.choices, one.words) for one in added(before.talk)] == [
        ("tongue", ("other",), ""),
        ("tongue_words", (), "Chontal"),
    ]
    assert [(one.step, one.choices, one.words) for one in added(after.talk)][-2:] == [
        ("tongue", ("other",), ""),
        ("tongue_words", (), "Chontal"),
    ]
    assert (before.step, before.talk.language) == ("device", "es")


def test_whoever_wishes_for_another_language_again_is_asked_again_which_one() -> None:
    talk = Talk().write("hello").pick("another").pick("tseltal").pick("es")
    talk.write("language").pick("another")
    assert (talk.step, talk.talk.language) == ("tongue", "es")
    assert added(talk.pick("maya").talk)[0].choices == ("maya",)
    assert talk.step == "readable"


def test_after_the_handoff_the_wish_for_another_language_is_an_addition() -> None:
    talk = sent().pick("no").write("language").pick("another")
    assert talk.step == "interpreter"
    assert talk.pick("tseltal").step == "add_send"
    assert talk.pick("send").handed[-1].answers[0].choices == ("tseltal",)


def test_where_own_words_are_not_asked_for_the_wish_for_another_language_goes_on_in_one_that_can_be_read() -> None:
    talk = Talk(channel="telegram").write("hello").pick("another").pick("other")
    assert talk.step == "readable"
    assert talk.pick("es").step == "device"


@pytest.mark.parametrize(
    ("words", "asks"),
    [
        ("call 55 1234 5678", True),
        ("+52 (55) 1234-5678", True),
        ("٥٥١٢٣٤٥٦٧٨", True),
        ("５５１２３４５６", True),
        ("5\u200b5\u200b1\u200b2\u200b3\u200b4\u200b5", True),
        ("ana@example.org", True),
        ("write to ana@example.org please", True),
        ("1234567", True),
        ("123456", False),
        ("on 21 November 2026, 3 men", False),
        ("at 8:30 they came, 12 of them", False),
        ("me @ home", False),
        ("two cars", False),
    ],
)
def test_what_points_at_somebody_is_asked_about_once(words: str, asks: bool) -> None:
    talk = words_step().write(words)
    assert (talk.step, talk.lines[0]) == (("text", "soft_check") if asks else ("handle", "handle"))
    if asks:
        assert added(talk.talk) == ()
        assert talk.copy().write(f"  {words} ").step == "handle"
        assert talk.copy().write("two cars").step == "handle"
        assert talk.copy().write(f"{words} and 99 8765 4321").lines[0] == "soft_check"
        assert talk.copy().write("skip").talk.draft == ""


def test_where_an_address_is_asked_for_none_is_questioned() -> None:
    assert words_step("handle").write("@ana on Signal, +52 55 1234 5678").step == "interpreter"


@pytest.mark.parametrize(("channel", "step"), [("terminal", "text"), ("signal", "text"), ("telegram", "interpreter")])
def test_own_words_are_asked_for_only_on_channels_that_are_for_them(channel: str, step: str) -> None:
    talk = Talk(channel=channel).write("SOS").picks("me", "act", "yes").pick("threat")
    while talk.step != "donts":
        talk.write("skip")
    assert talk.write("skip").step == step


def test_own_words_carry_the_language_they_were_written_in() -> None:
    talk = words_step().write("Two men in a car")
    assert added(talk.talk) == (Answer("text", (), "Two men in a car", "en", f"m{talk.written}"),)


def test_a_message_never_changes_the_talk_it_was_given() -> None:
    talk = at_step("event")
    before, kept = talk.talk, replace(talk.talk)
    advance(BOOK, before, Message(talk.sender, "1", talk.now, "1"), talk.now, chance(1))
    assert before == kept
