"""What can't be known is told as such; what a person's own words tell is not asked."""

import pytest
from fakes import OFFERED, Talk, at_step, begun, sent, sent_in_emergency

from bot.conversation.events import Accepted, Due, Placed, Sealed, Trying
from bot.conversation.model import Timer, Way

SPANISH = pytest.mark.skipif("es" not in OFFERED, reason="needs the Spanish catalog, which is not complete")


def in_doubt() -> Talk:
    """A day has passed, and the last try was never answered."""
    return sent().tell(Sealed(0)).tell(Trying(0)).tell(Due(Timer.GIVE_UP, 0))


def test_a_try_that_nobody_answered_may_have_arrived_and_that_is_said_once() -> None:
    talk = in_doubt()
    assert talk.lines == ("in_doubt",)
    assert talk.talk.case is not None
    assert talk.talk.case.handed[0].way is Way.IN_DOUBT
    assert talk.tell(Due(Timer.GIVE_UP, 0)).lines == ()
    assert talk.write("hello").lines[:2] == ("not_understood", "case_in_doubt")
    assert talk.pick("no").write("hello").lines[:2] == ("not_kept", "case_in_doubt")


def test_what_may_have_arrived_is_erased_with_these_words() -> None:
    assert in_doubt().write("erase").lines == ("erased_in_doubt", "clear_terminal")


def test_what_was_in_doubt_and_then_left_is_told() -> None:
    talk = in_doubt()
    assert talk.tell(Accepted(0, talk.now)).lines == ("left_late",)


def test_what_lies_in_a_folder_stays_on_its_way() -> None:
    talk = sent_in_emergency().tell(Sealed(0)).tell(Trying(0)).tell(Placed(0))
    for timer in (Timer.LATE, Timer.GIVE_UP):
        assert talk.tell(Due(timer, 0)).lines == ()
    assert talk.write("hello").lines[:2] == ("not_understood", "case_placed")
    assert talk.talk.case is not None
    assert talk.talk.case.handed[0].way is Way.PLACED
    assert talk.write("erase").lines == ("erased_in_doubt", "clear_terminal")


@pytest.mark.parametrize("way", ["SOS", "🆘"])
def test_nothing_is_sent_about_a_person_who_does_not_agree_even_after_sos(way: str) -> None:
    talk = begun().picks("no", "no", "tell", "other", "no").write(way).picks("me", "act")
    (handed,) = talk.handed
    assert {answer.step for answer in handed.answers} == {"danger", "sos", "act"}


@SPANISH
@pytest.mark.parametrize(
    ("words", "language"),
    [("Sí, estoy en peligro", "es"), ("Yes, I am in danger", "en"), ("7", "")],
)
def test_words_that_belong_to_one_language_tell_the_language(words: str, language: str) -> None:
    talk = Talk()
    talk.hint = ""
    talk.write("🆘").write(words)
    assert (talk.step, talk.talk.language) == ("sos_act", language)
    assert {say.languages for say in talk.says} == {(language,) if language else talk.book.fallback}


@SPANISH
def test_a_word_of_two_languages_tells_neither() -> None:
    talk = Talk()
    talk.hint = ""
    talk.write("hello").write("es")
    assert talk.talk.language == "es"
    other = Talk()
    other.hint = ""
    other.write("🆘").write("no")
    assert (other.step, other.talk.language) == ("contacts", "")


def test_own_words_lose_what_moves_a_cursor_or_turns_a_line_round() -> None:
    talk = sent().picks("yes", *["skip"] * 8)
    assert talk.step == "text"
    talk.write("one\x1b[31m two\u202e three\nfour\u200d")
    assert talk.talk.answers[-1].words == "one[31m two three\nfour\u200d"


def test_who_wants_to_be_asked_first_but_gave_no_way_is_told_what_that_means() -> None:
    assert "sos_act.note.1" in Talk().write("SOS").picks("me", "talk").lines


def test_commas_with_nothing_between_them_change_nothing() -> None:
    talk = at_step("event").write("1,, 3,")
    assert [answer.choices for answer in talk.talk.answers if answer.step == "event"] == [("threat", "held")]
