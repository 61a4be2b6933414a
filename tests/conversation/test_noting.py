"""A note to take along: six questions, given back once, and nothing of it anywhere else."""

from datetime import timedelta

import pytest
from fakes import OFFERED, RENDER, STANDING, Talk, at_step, begun, sent

from bot.conversation.asking import added
from bot.conversation.model import Kind, Say

ASKED = ("note_work", "note_event", "note_now", "note_tried", "note_wish", "note_reach")
TOLD = ("I defend a river", "They came twice", "They may come back", "A letter", "One visit", "Write here only")


def noting(channel: str = "terminal") -> Talk:
    """Return a talk at the first question of a note."""
    return (
        Talk(channel=channel)
        .write("hello")
        .pick("en")
        .write("guide")
        .write("one page")
        .pick("how")
        .picks("note", "yes")
    )


def told(talk: Talk, *words: str) -> Talk:
    for one in words:
        talk.write(one)
    return talk


def given(talk: Talk) -> Say:
    """Return what the note was given back with."""
    (say,) = [say for say in talk.says if any(line.name == "say.note_given" for line in say.lines)]
    return say


@pytest.mark.parametrize("channel", ["terminal", "telegram", "signal"])
def test_six_questions_and_the_answers_come_back_once_to_be_copied_on_every_channel(channel: str) -> None:
    talk = noting(channel)
    for step, words in zip(ASKED, TOLD, strict=True):
        assert talk.step == step
        talk.write(words)
    say = given(talk)
    assert [answer.words for answer in say.shown] == list(TOLD)
    assert (say.question, say.final) == (None, True)
    assert all(words in RENDER(say) for words in TOLD)
    assert (talk.step, talk.talk.note, talk.talk.answers) == ("guide", (), ())
    assert "note_given" not in talk.write("help").lines


def test_the_whole_note_is_one_text_in_the_persons_language() -> None:
    for tag in OFFERED:
        talk = Talk()
        talk.hint = tag
        talk.write("hello").pick(tag).write("guide").pick("asking").picks("one_page", "how", "note", "yes")
        shown = RENDER(given(told(talk, *TOLD)))
        assert len([line for line in shown.splitlines() if any(words in line for words in TOLD)]) == len(TOLD)
        assert "{" not in shown


def test_whoever_may_be_read_is_warned_before_the_first_question() -> None:
    before = {channel: at_note(channel).lines[0] for channel in ("terminal", "telegram", "signal")}
    assert before == {"terminal": "note_risk", "telegram": "note_risk_telegram", "signal": "note_risk"}
    assert at_note("telegram").pick("no").step == "guide"


def at_note(channel: str) -> Talk:
    return Talk(channel=channel).write("hello").pick("en").write("guide").write("one page").picks("how", "note")


def test_a_question_can_be_left_out_and_an_empty_note_is_not_given_back() -> None:
    talk = told(noting(), "skip", "They came twice", "no", "skip", "nothing", "skip")
    assert [answer.words for answer in given(talk).shown] == ["They came twice"]
    empty = told(noting(), *["skip"] * len(ASKED))
    assert (empty.step, empty.lines) == ("guide", ("guide",))


def test_back_asks_one_question_again_and_no_other_and_the_order_stays() -> None:
    talk = told(noting(), *TOLD[:3]).write("back").write("back").write("back")
    assert talk.step == "note_work"
    assert talk.write("I defend two rivers").step == "note_tried"
    assert [one.words for one in given(told(talk, *TOLD[3:])).shown] == ["I defend two rivers", *TOLD[1:]]
    skipped = told(noting(), *TOLD[:2]).write("back").write("skip")
    assert [one.words for one in skipped.talk.note] == [TOLD[0]]


def test_back_from_the_last_question_gives_the_note_as_it_is_then() -> None:
    talk = told(noting(), *TOLD[:5]).write("back").write("Two visits")
    assert talk.step == "note_reach"
    assert [one.words for one in given(talk.write("skip")).shown] == [*TOLD[:4], "Two visits"]
    assert talk.write("back").step == "note"


def test_a_long_answer_is_refused_whole_and_a_number_in_it_is_ones_own() -> None:
    assert noting().write("x" * 501).lines[0] == "too_long"
    assert noting().write("call 55 1234 5678").step == "note_event"
    assert noting().write("?!").lines[0] == "not_understood_words"


def test_an_emergency_midway_drops_the_note_and_the_alert_has_none_of_it() -> None:
    talk = told(noting(), *TOLD[:3]).write("SOS")
    assert talk.talk.note == ()
    talk.picks("me", "act")
    handed = repr([[answer.words for answer in one.answers] for one in talk.handed])
    assert len(talk.handed) == 1
    assert not any(words in handed for words in TOLD)


@pytest.mark.parametrize("leaves", ["guide", "stop", "SOS"])
def test_whoever_leaves_the_questions_leaves_the_note(leaves: str) -> None:
    talk = told(noting(), *TOLD[:2]).write(leaves)
    assert talk.conversation is None or talk.talk.note == ()


def test_to_choose_a_language_midway_keeps_the_note() -> None:
    talk = told(noting(), *TOLD[:2]).write("language").pick("es")
    assert talk.step == "note_now"
    assert [one.words for one in given(told(talk, *TOLD[2:])).shown] == list(TOLD)


def test_help_midway_keeps_the_note() -> None:
    assert [one.words for one in told(noting(), TOLD[0], "help").talk.note] == [TOLD[0]]


def test_a_case_in_the_making_is_as_it_was_after_a_note() -> None:
    before = begun().picks("no", "no", "tell", "me", "threat")
    talk = told(before.copy().write("guide").write("one page").picks("how", "note", "yes"), *TOLD)
    assert added(talk.talk) == added(before.talk)


def test_after_a_handoff_nothing_of_a_note_goes_to_the_mission() -> None:
    talk = sent().pick("no").write("guide").write("one page").picks("how", "note", "yes")
    talk = told(talk, *TOLD)
    assert (given(talk).final, talk.talk.answers, talk.wakes, len(talk.handed)) == (True, (), (), 1)
    talk.write("send now")
    assert (talk.lines[0], len(talk.handed)) == ("nothing_added", 1)


# ── corrections ──────────────────────────────────────────────────────────────────────────────────────────


def last(talk: Talk) -> str:
    return f"m{talk.written}"


def test_an_edited_message_corrects_its_answer_while_the_note_is_open() -> None:
    talk = told(noting(), TOLD[0])
    first = last(talk)
    talk.write("They came twice").write("I defend two rivers", edits=first)
    assert (talk.lines[0], talk.step) == ("edited", "note_now")
    further = talk.copy().write("I defend three rivers", edits=last(talk))
    assert [one.words for one in further.talk.note] == ["I defend three rivers", "They came twice"]
    assert talk.copy().write("x" * 501, edits=first).lines[0] == "too_long"
    assert talk.copy().write("\u200b", edits=first).lines[0] == "edit_unknown"
    assert [one.words for one in talk.talk.note] == ["I defend two rivers", "They came twice"]


@pytest.mark.parametrize("ends", ["given", "guide", "stop"])
def test_after_a_handoff_the_correction_of_a_note_is_no_addition(ends: str) -> None:
    talk = told(sent().pick("no").write("guide").write("one page").picks("how", "note", "yes"), TOLD[0])
    first = last(talk)
    told(talk, *TOLD[1:]) if ends == "given" else talk.write(ends)
    talk.write("I defend two rivers", edits=first)
    again = talk.copy().write("I defend three rivers", edits=last(talk))
    for one in (talk, again):
        assert (one.lines[0], one.talk.answers, len(one.handed)) == ("edit_unknown", (), 1)
    assert talk.write("Two men", edits="m7").talk.answers, "of what went to the mission it is one"


def test_the_correction_of_a_word_that_was_looked_for_is_no_addition() -> None:
    talk = sent().pick("no").write("guide").write("retaliation")
    talk.write("retaliation against me", edits=last(talk))
    assert (talk.lines[0], talk.talk.answers) == ("edit_unknown", ())


def test_a_deleted_message_takes_its_answer_out_of_the_note_in_silence() -> None:
    talk = told(noting(), TOLD[0])
    first = last(talk)
    talk.write(TOLD[1]).write("", kind=Kind.DELETED, edits=first)
    assert (talk.says, [one.words for one in talk.talk.note]) == ((), [TOLD[1]])


def test_a_note_that_is_not_finished_expires_as_any_talk() -> None:
    talk = told(noting(), *TOLD[:2])
    late = talk.write(TOLD[2], late=timedelta(minutes=61))
    assert (late.lines[0], len(late.talk.note), late.step) == ("too_old", 2, "note_now")


def test_nothing_that_was_written_for_a_note_shows_in_a_repr() -> None:
    talk = told(noting(), *TOLD[:2])
    assert not any(words in repr(talk.talk) for words in TOLD)
    assert STANDING


def test_the_six_questions_are_asked_on_every_channel() -> None:
    assert [at_step(name).step for name in ASKED] == list(ASKED)
