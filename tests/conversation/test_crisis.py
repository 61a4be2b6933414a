"""Words of somebody who may want to end their life: heard in every language, and never kept, sent or judged."""

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import (
    BOOK,
    CATALOGS,
    COMMANDS,
    CRISES,
    FLOW,
    PHRASES,
    RENDER,
    STANDING,
    STEPS,
    Talk,
    at_step,
    begun,
    rulebook,
    sent,
    unseen,
)

from bot.conversation.asking import added
from bot.conversation.crisis import LONGEST, Crises, Phrases, crises
from bot.conversation.model import Kind
from bot.conversation.reading import read_crisis
from bot.conversation.understanding import fold
from bot.errors import FlowError
from bot.language.catalogs import LANGUAGES
from bot.language.vocabulary import split_words

WORDS = "I want to die"
THREATS = [
    "they want to kill me",
    "they will kill us all",
    "they said they would kill my family",
    "he was found dead",
    "the police killed my brother",
    "death threats every night",
    "they say it was suicide but he was murdered",
    "he did not commit suicide, they did it",
    "if something happens to me: I would never kill myself",
    "I will not kill myself, whatever they say",
    "tired of living in fear of them",
    "me quieren matar",
    "nos van a matar",
    "mataron a mi hermano",
    "dicen que fue suicidio, pero lo asesinaron",
    "amenazas de muerte",
    "visa",
    "1",
    "",
    "no",
]


# ── what is heard ────────────────────────────────────────────────────────────────────────────────────────


def test_every_phrase_of_every_language_is_heard_in_any_form() -> None:
    for tag, phrases in PHRASES.items():
        for words in phrases.words:
            for form in (words, words.upper(), f"  {words}!!", f"x {words}, x"):
                assert CRISES.heard_in(form), (tag, form)
        for words in phrases.alone:
            assert CRISES.heard_in(f"{words}."), (tag, words)


def test_what_says_the_opposite_is_not_heard() -> None:
    for tag, phrases in PHRASES.items():
        for words in phrases.unless:
            assert not CRISES.heard_in(words), (tag, words)


def test_what_says_the_opposite_takes_nothing_else_away() -> None:
    for phrases in PHRASES.values():
        for words in phrases.unless:
            assert CRISES.heard_in(f"{words}. {phrases.words[0]}"), words


@pytest.mark.parametrize("text", THREATS)
def test_a_threat_and_a_report_of_a_death_are_none(text: str) -> None:
    assert not CRISES.heard_in(text)


def test_a_word_that_is_heard_alone_is_not_heard_in_a_report() -> None:
    assert CRISES.heard_in("Suicide")
    assert not CRISES.heard_in("they call it suicide")


def test_only_whole_words_count_but_where_a_script_writes_no_spaces() -> None:
    told = {"xx": Phrases(("end it",), unless=("never end it",)), "zz": Phrases(("想死",), unless=("不想死",))}
    heard = crises(told, ("zz",))
    assert [heard.heard_in(text) for text in ("we end it now", "send it", "end items")] == [True, False, False]
    assert [heard.heard_in(text) for text in ("我想死了", "我不想死", "不想死, 想死")] == [True, False, True]
    assert not heard.heard_in("I never end it")
    assert not Crises().heard_in(WORDS)


def test_what_stands_far_down_in_a_long_message_is_not_looked_at() -> None:
    assert CRISES.heard_in("x " * 900 + WORDS)
    assert not CRISES.heard_in("x" * LONGEST + f" {WORDS}")


def test_no_phrase_is_a_command_a_choice_or_a_cry() -> None:
    heard = [word for tag in BOOK.known.labels for word in BOOK.known.labels[tag].values() if CRISES.heard_in(word)]
    heard += [word for word in (*BOOK.known.commands, *BOOK.known.cries, *BOOK.known.tongues) if CRISES.heard_in(word)]
    more = (words for by_step in BOOK.known.words.values() for words in by_step.values())
    heard += [word for words in more for word in words if CRISES.heard_in(word)]
    assert heard == []


def test_the_languages_with_phrases_are_ones_we_know_and_each_offered_one_has_some() -> None:
    assert set(PHRASES) <= set(LANGUAGES)
    assert {tag for tag in CATALOGS.tags if tag not in PHRASES} == set()
    assert all(len(phrases.words) >= 10 for phrases in PHRASES.values())


def test_a_file_of_phrases_that_is_wrong_is_refused_with_the_place() -> None:
    with pytest.raises(FlowError, match=r"crisis\.toml: crisis en words"):
        read_crisis("[crisis.en]\nwords = 1\n", "crisis.toml")


# ── what is said, and what isn't done ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", STEPS)
def test_at_every_question_the_lines_are_shown_the_question_stands_and_nothing_is_kept_or_sent(step: str) -> None:
    talk = at_step(step)
    before, handed = talk.talk, len(talk.handed)
    talk.write(WORDS)
    assert talk.lines[0] == "crisis"
    assert (talk.step, talk.talk.answers, talk.talk.note, talk.talk.draft) == (
        step,
        before.answers,
        before.note,
        before.draft,
    )
    assert (talk.talk.consents, talk.talk.trail, talk.talk.case) == (before.consents, before.trail, before.case)
    assert [name for _, name in talk.talk.offered] == [name for _, name in before.offered]
    assert (len(talk.handed), talk.wakes) == (handed, ())
    assert talk.question is not None
    assert talk.question.step == step
    assert STANDING["crisis_lines"] in talk.text
    assert "want to die" not in repr([(one.words, one.message) for one in talk.talk.answers])


def test_at_a_consent_that_has_not_come_yet_the_yes_that_follows_is_none() -> None:
    talk = unseen("review")
    number = talk.numbers("send")
    talk.write(WORDS, seen=False)
    assert talk.write(number, seen=False).lines[0] == "not_seen"
    talk.see()
    assert talk.write(number).step == "act"


def test_before_anything_was_asked_the_first_question_follows() -> None:
    talk = Talk().write(WORDS)
    assert talk.lines[0] == "crisis"
    assert talk.step == "language"


def test_a_person_whose_case_rests_is_heard_too() -> None:
    talk = sent().pick("no").write(WORDS)
    assert (talk.lines[0], talk.step, talk.talk.answers) == ("crisis", "after", ())


def test_together_with_a_cry_for_help_both_are_answered() -> None:
    talk = at_step("event").write(f"{WORDS}, help me please")
    assert talk.lines[0] == "crisis"
    talk = at_step("event")
    book = replace(BOOK, crises=crises({"en": Phrases(("please help me",))}, ()))
    talk.book = book
    talk.write("please help me")
    assert (talk.step, talk.lines[0], talk.talk.urgent) == ("sos", "crisis", True)


def test_a_mission_without_checked_lines_says_so_in_other_words() -> None:
    talk = Talk(replace(rulebook(), crisis=False)).write("hello").write(WORDS)
    assert talk.lines[0] == "crisis_bare"
    assert STANDING["crisis_lines"] not in talk.text


@pytest.mark.parametrize(
    ("late", "line"),
    [
        (timedelta(minutes=61), "crisis"),
        (timedelta(hours=23), "crisis"),
        (timedelta(hours=25), "too_old"),
    ],
)
def test_what_was_written_within_a_day_is_heard(late: timedelta, line: str) -> None:
    assert at_step("event").write(WORDS, late=late).lines[0] == line


def test_beside_a_photo_in_an_edit_and_after_a_command_it_is_heard() -> None:
    assert at_step("event").write(WORDS, kind=Kind.PHOTO).lines[0] == "crisis"
    talk = begun().picks("no", "no", "tell", "me", "threat")
    edited = talk.copy().write(WORDS, edits="m7")
    assert (edited.lines[0], edited.talk.answers) == ("crisis", talk.talk.answers)
    assert at_step("event").write(f"help {WORDS}").lines[0] == "crisis"


def test_to_erase_and_to_stop_are_done_and_not_asked_about() -> None:
    for row in COMMANDS.rows:
        assert not any(CRISES.heard_in(word) for word in split_words(row.words))
    assert at_step("event").write("erase").outcome.erase


def test_at_own_words_a_text_that_holds_it_is_not_an_addition_and_its_correction_neither() -> None:
    talk = at_step("text")
    handed = len(talk.handed)
    talk.write(f"They came twice and {WORDS}")
    wrote = f"m{talk.written}"
    assert (talk.step, added(talk.talk)) == ("text", added(at_step("text").talk))
    talk.write("They came twice", edits=wrote)
    assert (talk.lines[0], added(talk.talk), len(talk.handed)) == ("edit_unknown", added(at_step("text").talk), handed)


def test_in_a_note_it_is_shown_and_not_put_into_the_note() -> None:
    talk = at_step("note_event")
    before = talk.talk.note
    assert talk.write(WORDS).talk.note == before


def test_in_every_offered_language_the_lines_stand_in_that_language() -> None:
    for tag in CATALOGS.tags:
        talk = Talk()
        talk.hint = tag
        talk.write("hello").pick(tag).write(PHRASES.get(tag, PHRASES["en"]).words[0])
        assert talk.lines[0] == "crisis", tag
        assert talk.says[0].languages == (tag,)
        assert STANDING["crisis_lines"] in RENDER(talk.says[0])
        assert fold("STOP") in fold(talk.text) or tag != "en"


def test_the_flow_says_it_in_both_forms() -> None:
    assert {"crisis", "crisis_bare"} <= set(FLOW.texts)
    assert "sent to nobody" in FLOW.texts["crisis"]
    assert "sent to nobody" in FLOW.texts["crisis_bare"]
