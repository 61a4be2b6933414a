"""The guide, read as people read it: by branch, by word, in the middle of a case, and back."""

import tomllib
from dataclasses import replace

import pytest
from fakes import (
    BOOK,
    CATALOGS,
    CRISES,
    FLOW,
    GUIDE,
    OFFERED,
    RENDER,
    STANDING,
    UNFILLED,
    Talk,
    at_step,
    begun,
    finding,
    sent,
    written,
)

from bot.conversation.asking import Gives
from bot.conversation.guide import FOUND, ROOT, Topic, topic_step
from bot.conversation.model import Kind, Line
from bot.conversation.reading import read_guide
from bot.conversation.understanding import MOST_FOUND, topics_found
from bot.errors import FlowError
from bot.handoff.mission import Support
from bot.language.catalogs import LANGUAGES
from bot.language.wording import BUTTON_WIDTH, COMPACT_WIDTH

FEWEST, BRANCHES, TOPICS = 3, 6, 39
DAY, SOURCE = "2026-11-01", "https://example.org/support"
ON_THE_WAY = ("device", "danger", "notice", "whom", "event", "area", "want", "reply", "contacts", "text", "after")


def reading(language: str = "en") -> Talk:
    """Return a talk at the guide's first question, in this language."""
    talk = Talk()
    talk.hint = language
    return talk.write("hello").pick(language).write("guide")


def title(topic: Topic, language: str) -> str:
    return CATALOGS.words(language)(f"guide.{topic.name}.title", topic.title)


# ── what it is made of ───────────────────────────────────────────────────────────────────────────────────


def test_there_are_thirty_nine_topics_in_six_branches() -> None:
    assert (len(GUIDE.branches), len(GUIDE.topics)) == (BRANCHES, TOPICS)
    assert all(len(GUIDE.within(branch.name)) >= FEWEST for branch in GUIDE.branches)


def test_what_a_topic_is_supported_by_is_a_form_of_support_that_a_profile_knows() -> None:
    supports = {topic.support for topic in GUIDE.topics if topic.support}
    assert supports <= {one.value for one in Support}
    assert len(supports) > TOPICS // 2


def test_every_topic_is_reached_from_its_branch_and_told_in_three_messages() -> None:
    for topic in GUIDE.topics:
        talk = reading().pick(topic.branch).pick(topic.name)
        told = [talk.lines[-1], talk.pick("risk").lines[-1], talk.pick("how").lines[-1]]
        assert told == [f"guide.{topic.name}.{part}" for part in ("what", "risk", "how")]
        assert talk.copy().pick("others").step == ROOT
        assert talk.copy().pick("note").step == "note"
        assert talk.pick("tell").step == "whom"


def test_from_each_message_one_step_leads_to_the_case_and_one_back_to_it() -> None:
    for name in (ROOT, FOUND, *(name for name, step in FLOW.steps.items() if step.file)):
        talk = at_step(name).pick("tell")
        assert talk.step == "whom"
        assert talk.write("back").step == name


def test_how_to_ask_can_be_read_without_what_can_go_wrong() -> None:
    assert reading().pick("asking").pick("meetings").pick("how").lines == ("guide.meetings.how",)


def test_in_every_offered_language_a_title_fits_a_line_and_no_text_is_english() -> None:
    for tag in OFFERED:
        words = CATALOGS.words(tag)
        titles = [words(context, english) for context, english in GUIDE.messages() if context.endswith(".title")]
        most = BUTTON_WIDTH if tag == "en" else COMPACT_WIDTH  # what is too long for a button stands in the text too
        assert [said for said in titles if len(said) > most] == [], tag
        same = [
            context
            for context, english in GUIDE.messages()
            if words(context, english) == english and not context.endswith(".words")
        ]
        assert tag == "en" or len(same) <= FEWEST, (tag, same)  # "LGBTIQ+" is called so in many languages


def test_a_title_that_no_button_holds_stands_in_the_text_too() -> None:
    for tag in OFFERED:
        for branch in GUIDE.branches:
            say = reading(tag).pick(branch.name).says[0]
            spoken = RENDER.spoken(say, buttons=True, covered=False)
            assert [name for name, _ in spoken.buttons] == [*range(1, len(GUIDE.within(branch.name)) + 3)]
            if any(len(label) > BUTTON_WIDTH for _, label in spoken.buttons):
                assert all(title(topic, tag) in spoken.text for topic in GUIDE.within(branch.name))


def test_two_topics_are_never_called_the_same() -> None:
    for tag in OFFERED:
        titles = [title(topic, tag).casefold() for topic in GUIDE.topics]
        assert len(set(titles)) == len(titles), tag


# ── the way in, and the way back ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", ON_THE_WAY)
def test_the_guide_opens_wherever_a_talk_stands_and_back_leads_there_again(step: str) -> None:
    talk = at_step(step)
    before = talk.talk
    talk.write("guide")
    assert (talk.step, talk.talk.answers) == (ROOT, before.answers)
    talk.pick("basics").pick("limits").write("back").write("back")
    assert talk.write("back").step == step
    assert talk.talk.answers == before.answers
    assert talk.talk.trail == before.trail


def test_at_a_consent_the_guide_takes_it_back_and_it_is_never_come_back_to_by_accident() -> None:
    talk = at_step("act").write("guide")
    assert (talk.step, talk.talk.consents) == (ROOT, ())
    assert talk.write("back").step == "review"
    assert talk.talk.consents == ()


def test_within_the_guide_the_command_leads_to_its_beginning_and_back_to_the_topic() -> None:
    talk = reading().pick("asking").pick("meetings").write("guide")
    assert talk.step == ROOT
    assert talk.copy().write("guide").write("back").step == "guide_meetings"
    assert talk.write("back").step == "guide_meetings"
    assert talk.write("back").step == "guide_asking"


def test_before_the_first_answer_the_guide_opens_too() -> None:
    assert Talk().write("guide").step == ROOT
    talk = Talk().write("hello").write("language").write("guide")
    assert (talk.step, talk.talk.resume) == (ROOT, "")


def test_an_emergency_opens_from_every_message_and_back_leads_to_it_again() -> None:
    for name in ("guide", FOUND, "guide_basics", "guide_meetings", "guide_meetings_risk", "guide_meetings_how"):
        talk = at_step(name)
        found = talk.talk.offered
        talk.write("SOS")
        assert (talk.step, talk.talk.urgent) == ("sos", True)
        assert talk.write("back").step == name
        assert [one for _, one in talk.talk.offered] == [one for _, one in found]


def test_after_a_handoff_to_tell_leads_to_the_case_and_a_note_can_be_taken() -> None:
    for name in ("basics", "attention"):
        talk = sent().pick("no").write("guide")
        talk = talk.pick("basics") if name == "basics" else talk.pick("basics").pick(name)
        assert talk.pick("tell").step == "after"
        assert talk.lines[0].startswith("case_")
    note = sent().pick("no").write("guide").pick("asking").pick("one_page").pick("how").pick("note")
    assert note.pick("yes").step == "note_work"


def test_to_stop_in_the_guide_is_to_stop() -> None:
    talk = reading().pick("leave")
    assert (talk.lines[0], talk.conversation) == ("ended", None)


# ── by a word ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("language", "word", "topic"),
    [
        ("en", "visa", "visas"),
        ("en", "VISA", "visas"),
        ("en", "  Who is a defender?  ", "defender"),
        ("en", "relocat", "stay"),
        ("en", "I am a journalist", "press"),
        ("es", "juicio", "trial"),
        ("es", "JUÍCIO", "trial"),
        ("es", "asilo", "visas"),
        ("es", "reunión", "meetings"),
        ("es", "reunion", "meetings"),
    ],
)
def test_a_word_in_the_persons_language_goes_to_its_topic(language: str, word: str, topic: str) -> None:
    talk = reading(language).write(word)
    assert talk.step == topic_step(topic)
    assert talk.write("back").step == ROOT


def test_every_topic_is_found_by_its_title_in_every_language() -> None:
    for tag in OFFERED:
        for topic in GUIDE.topics:
            assert topics_found(title(topic, tag), tag, BOOK.known)[0] == topic.name, (tag, topic.name)


def test_a_word_is_looked_for_in_the_persons_language_alone() -> None:
    assert reading("es").write("retaliation").lines[0] == "not_found"
    assert reading("en").write("retaliation").step == "guide_reprisals"


def test_several_topics_are_listed_with_their_numbers_in_every_language() -> None:
    for tag in OFFERED:
        talk = reading(tag)
        word = finding(tag)
        found = topics_found(word, tag, BOOK.known)
        talk.write(word)
        assert (talk.step, talk.lines) == (FOUND, ("guide.found",))
        assert [name for _, name in talk.talk.offered] == [*sorted(found, key=order), "others", "tell"]
        first = talk.talk.offered[0]
        assert f"1 {title(topic_named(first[1]), tag)}" in talk.text.replace("\u2068", "") or LANGUAGES[tag].digits[1]
        assert talk.write(LANGUAGES[tag].digits[1]).step == topic_step(first[1])


def order(name: str) -> int:
    return [topic.name for topic in GUIDE.topics].index(name)


def topic_named(name: str) -> Topic:
    return GUIDE.topics[order(name)]


def test_the_list_stands_again_after_back_another_language_and_an_emergency() -> None:
    talk = reading().write(finding("en"))
    offered = talk.talk.offered
    assert talk.copy().write("1").write("back").talk.offered == offered
    assert talk.copy().write("language").pick("en").talk.offered == offered
    assert talk.copy().write("SOS").write("back").talk.offered == offered


def test_a_list_goes_over_to_another_channel() -> None:
    there = Talk(channel="telegram").write("hello").pick("en").write("guide").write(finding("en"))
    offered = [name for _, name in there.talk.offered]
    here = Talk(channel="signal").carry(there).pick("yes")
    assert (here.step, [name for _, name in here.talk.offered]) == (FOUND, offered)


def test_at_a_list_another_word_makes_another_and_back_does_not_stay() -> None:
    talk = reading().write(finding("en")).write("people")
    assert talk.step == FOUND
    assert [name for _, name in talk.talk.offered][:2] == ["land", "family"]
    assert talk.write("back").step == ROOT


def test_only_what_is_listed_has_a_number() -> None:
    talk = reading().write(finding("en"))
    last = talk.talk.offered[-1][0]
    assert talk.write(str(last + 1)).lines[0] == "not_found"
    assert len(topics_found("what they can do and where it is with people", "en", BOOK.known)) <= MOST_FOUND


def test_no_topic_for_a_word_is_told_the_second_time_with_a_way_out() -> None:
    talk = reading().write("xyzzy")
    assert talk.lines == ("not_found", "guide", "in_danger")
    assert talk.write("xyzzy").lines == ("not_found", "hint", "guide")
    assert talk.write("visa").talk.misses == 0


def test_a_word_that_was_looked_for_is_not_kept() -> None:
    talk = reading().write("retaliation")
    assert "retaliation" not in repr(replace(talk.talk, traces=())) + str([one.words for one in talk.talk.answers])
    assert (talk.talk.answers, talk.talk.found) == ((), ())


def test_a_photo_in_the_guide_is_refused_as_everywhere() -> None:
    assert reading().write("visa", kind=Kind.PHOTO).lines[0] == "refused_photo"


def test_no_word_of_the_guide_sounds_like_somebody_who_may_end_their_life() -> None:
    for tag in OFFERED:
        assert [form for forms in BOOK.known.topics[tag].values() for form in forms if CRISES.heard_in(form)] == []


# ── what this mission does ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("gives", "lines"),
    [
        ({}, ("available_unknown",)),
        ({"meetings": Gives("yes", DAY, SOURCE)}, ("available_yes",)),
        ({"meetings": Gives("no", DAY, SOURCE)}, ("available_no",)),
        ({"meetings": Gives("case_by_case", DAY, SOURCE)}, ("available_case_by_case",)),
        ({"meetings": Gives("no", DAY, SOURCE, own=True)}, ("available_no", "available_own")),
        ({"visas": Gives("yes", DAY, SOURCE)}, ("available_unknown",)),
    ],
)
def test_whether_this_mission_does_it_is_said_before_what_it_is(
    gives: dict[str, Gives], lines: tuple[str, ...]
) -> None:
    talk = Talk(replace(BOOK, gives=gives)).write("guide").pick("asking").pick("meetings")
    assert talk.lines == (*lines, "guide.meetings.what")
    assert talk.pick("risk").lines == ("guide.meetings.risk",), "once is enough"


def test_day_source_and_own_words_stand_there_in_the_persons_language() -> None:
    shown = {tag: reading(tag).write(title(topic_named("meetings"), tag)).text for tag in ("en", "es")}
    assert "Checked on November 1, 2026: https://example.org/support" in shown["en"]
    assert "1 de noviembre de 2026" in shown["es"]
    assert all(STANDING["own meetings"] in text for text in shown.values())
    assert "I don't know if this mission does this. Ask them." in reading().write("visa").text


def test_a_topic_that_is_no_form_of_support_says_nothing_of_the_mission() -> None:
    plain = [topic for topic in GUIDE.topics if not topic.support]
    assert plain
    for topic in plain:
        assert reading().pick(topic.branch).pick(topic.name).lines == (f"guide.{topic.name}.what",)


def test_own_words_that_a_mission_has_lost_leave_no_gap() -> None:
    say = replace(reading().says[0], lines=(Line("say.available_own", (("own", "nothing"),)),), question=None)
    assert "{" not in RENDER(say)


# ── a file that is wrong ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            'branch = "asking"\nsupport = "meetings"',
            'branch = "nowhere"',
            "topic 'meetings': branch 'nowhere' does not exist",
        ),
        ('name = "meetings"', 'name = "officer"', "'officer' stands there twice"),
        ('name = "meetings"', 'name = "basics"', "'basics' stands there twice"),
        ('leave = "Stop here"\n', "", "guide.choices: missing leave"),
        ('title = "Asking for a meeting"', 'titel = "Asking"', "topic 'meetings'"),
    ],
)
def test_a_guide_that_does_not_hold_together_is_refused_with_the_place(old: str, new: str, told: str) -> None:
    toml = written("guide.toml")
    assert old in toml
    with pytest.raises(FlowError) as refused:
        read_guide(toml.replace(old, new, 1), "guide.toml")
    assert str(refused.value).startswith("guide.toml: ")
    assert told in str(refused.value)


def test_a_flow_without_the_guide_finds_nothing_in_it() -> None:
    talk = replace(UNFILLED, steps={name: step for name, step in UNFILLED.steps.items() if not step.file})
    assert FOUND not in talk.steps
    assert len(tomllib.loads(written("guide.toml"))["topic"]) == TOPICS
    assert begun().step == "device"
