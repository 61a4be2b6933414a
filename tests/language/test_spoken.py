"""Words for a messenger: choices as buttons, and nothing on a locked screen that somebody else should not read."""

from dataclasses import replace
from itertools import product

import pytest
from fakes import COMMANDS, FLOW, OFFERED, RENDER, STEPS, Talk, at_step, begun

from bot.conversation.flow import Ask
from bot.conversation.model import Line, Question, Say, Sender, Spoken
from bot.conversation.understanding import fold
from bot.errors import FlowError
from bot.language.catalogs import LANGUAGES
from bot.language.wording import BUTTON_WIDTH, LOCKED_SCREEN

CHANNELS = ("signal", "telegram")
ORDERS = ("help", "back", "skip", "language", "privacy", "verify", "stop", "erase", "SOS", "send now", "signal", "?!")
VALUES = tuple(
    {
        "time": "08:02",
        "reference": "K7Q2FX",
        "code": "1234 5678 9012",
        "check": "1234",
        "length": "501",
        "limit": "500",
        "name": "Shelter",
        "contact": "+1 555",
    }.items()
)
# Walks at every step in these: both directions, with spaces and without. Every language's texts: `test_gates.py`.
WALKED = tuple(tag for tag in OFFERED if tag in {"en", "es", "ar", "zh-Hans"})
ALARMING = {tag: {fold(word) for word in COMMANDS.alarming.get(tag, ())} for tag in OFFERED}


def alarms(text: str, tag: str) -> set[str]:
    """Return what of the first words of a message nobody should read on a locked screen."""
    beginning = fold(text[:LOCKED_SCREEN])
    if not LANGUAGES[tag].spaces:
        return {word for word in ALARMING[tag] if word in beginning}
    return ALARMING[tag] & set(beginning.split())


def covered(say: Say) -> str:
    return RENDER.spoken(say, buttons=False, covered=True).text


def standing(step: str, channel: str, tag: str) -> Talk:
    talk = at_step(step)
    talk.sender = Sender(channel, "someone")
    talk.conversation = replace(talk.talk, sender=talk.sender, language=tag)
    return talk


def question(step: str) -> Say:
    """Return the question of a step as it is put first."""
    say = next(say for say in reversed(at_step(step).says) if say.question)
    assert say.question is not None
    assert say.question.step == step
    return say


# ── a locked screen ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tag", OFFERED)
def test_every_language_names_what_a_locked_screen_must_not_show(tag: str) -> None:
    assert len(ALARMING[tag]) > 10


@pytest.mark.parametrize("tag", OFFERED)
def test_the_cover_alarms_nobody_and_fills_the_screen(tag: str) -> None:
    text = RENDER(Say((Line("say.cover"),), (tag,)))
    assert not alarms(text, tag)
    assert len(text) >= LOCKED_SCREEN


@pytest.mark.parametrize("step", STEPS)
def test_nothing_that_is_said_at_any_step_alarms_on_a_locked_screen(step: str) -> None:
    for channel, tag, order in product(CHANNELS, WALKED, ORDERS):
        for say in standing(step, channel, tag).write(order).says:
            text = covered(say)
            assert not alarms(text, tag), (channel, tag, text[:LOCKED_SCREEN])
            assert text.endswith(RENDER(say))  # covered, and whole


@pytest.mark.parametrize("step", STEPS)
def test_no_question_alarms_on_a_locked_screen_with_buttons_either(step: str) -> None:
    for tag in OFFERED:
        say = replace(question(step), languages=(tag,))
        assert not alarms(RENDER.spoken(say, buttons=True, covered=True).text, tag), tag


@pytest.mark.parametrize("languages", [*((tag,) for tag in OFFERED), OFFERED[:2], OFFERED[:2][::-1]])
def test_no_text_alarms_on_a_locked_screen(languages: tuple[str, ...]) -> None:
    for name in FLOW.texts:
        text = covered(Say((Line(f"say.{name}", VALUES),), languages))
        assert [alarms(text, tag) for tag in languages] == [set() for _ in languages], name


@pytest.mark.parametrize("tag", OFFERED)
def test_no_note_and_no_list_of_answers_alarms_on_a_locked_screen(tag: str) -> None:
    notes = [(step, n) for step in FLOW.steps.values() for n in range(len(step.notes))]
    assert notes
    for step, n in notes:
        assert not alarms(covered(Say((Line(f"{FLOW.name}.{step.name}.note.{n}"),), (tag,))), tag)
    talk = begun().picks("no", "now", "me", "act", "yes", "held")
    for answer in talk.talk.answers:
        assert not alarms(covered(Say((), (tag,), shown=(answer,))), tag)


@pytest.mark.parametrize("text", ["late", "erased_left", "codes", "hello"])
def test_an_alarming_beginning_stands_below_a_harmless_one(text: str) -> None:
    say = Say((Line(f"say.{text}", VALUES),), ("en",))
    plain, cover = RENDER(say), RENDER(Say((Line("say.cover"),), ("en",)))
    assert covered(say) == f"{cover}\n{plain}"
    assert RENDER.spoken(say, buttons=False, covered=False).text == plain


def test_what_alarms_nobody_is_not_covered() -> None:
    say = Say((Line("say.resumed"),), ("en",))
    assert covered(say) == RENDER(say)


def test_an_alarming_word_in_the_second_language_is_covered_too() -> None:
    if len(OFFERED) < 2:
        pytest.skip("one language is offered")
    say = Say((Line("say.menu_stop"), Line("say.code_unknown")), OFFERED[:2])
    assert [alarms(covered(say), tag) for tag in OFFERED[:2]] == [set(), set()]


# ── buttons ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", STEPS)
def test_the_buttons_are_the_offered_choices_each_with_number_and_label(step: str) -> None:
    for languages in (*((tag,) for tag in WALKED), OFFERED[:2]):
        say = replace(question(step), languages=languages)
        buttons_are_the_choices(say, RENDER.spoken(say, buttons=True, covered=False), FLOW.steps[step].kind)


def buttons_are_the_choices(say: Say, spoken: Spoken, kind: Ask) -> None:
    assert say.question is not None
    assert [number for number, _ in spoken.buttons] == [number for number, _ in say.question.offered]
    for number, label in spoken.buttons:
        head, _, rest = label.partition(" ")
        assert fold(head) == str(number)
        assert rest.strip()
        assert label == label.strip()
        assert "\n" not in label
        assert "{" not in label
    assert len({label for _, label in spoken.buttons}) == len(spoken.buttons)
    assert bool(spoken.done) == (kind is Ask.SEVERAL)


@pytest.mark.parametrize("step", STEPS)
def test_no_choice_is_lost_a_long_label_stands_in_the_text_too(step: str) -> None:
    for tag in WALKED:
        say = replace(question(step), languages=(tag,))
        with_buttons = RENDER.spoken(say, buttons=True, covered=False)
        listed = RENDER.spoken(say, buttons=False, covered=False)
        assert (listed.buttons, listed.done) == ((), "")
        assert listed.text == RENDER(say), tag
        if any(len(label) > BUTTON_WIDTH for _, label in with_buttons.buttons):
            assert with_buttons.text == listed.text, tag
        else:
            assert len(with_buttons.text) <= len(listed.text), tag
            assert all(label not in with_buttons.text.split("\n") for _, label in with_buttons.buttons), tag


def test_in_two_languages_a_button_says_both_and_the_text_lists_them() -> None:
    languages = OFFERED[:2]
    say = replace(question("device"), languages=languages)
    spoken = RENDER.spoken(say, buttons=True, covered=False)
    assert spoken.text == RENDER(say)
    for number, label in spoken.buttons:
        for tag in languages:
            alone = RENDER.spoken(replace(say, languages=(tag,)), buttons=True, covered=False).buttons
            assert dict(alone)[number].partition(" ")[2] in label


def test_a_word_that_is_the_same_in_both_languages_is_said_once() -> None:
    say = replace(question("area"), languages=OFFERED[:2])
    labels = dict(RENDER.spoken(say, buttons=True, covered=False).buttons)
    assert labels[1] == "1 Oaxaca"


def test_the_second_page_has_the_other_choices_as_buttons() -> None:
    talk = begun().picks("no", "no", "tell", "me")
    talk.write(talk.numbers("threat", "more"))
    (say,) = talk.says
    spoken = RENDER.spoken(say, buttons=True, covered=False)
    assert say.question is not None
    assert [number for number, _ in spoken.buttons] == [number for number, _ in say.question.offered]
    assert not any("Threats" in label for _, label in spoken.buttons)
    assert "Threats" in spoken.text


def test_words_without_a_question_have_no_buttons() -> None:
    for say in (Say((Line("say.resumed"),), ("en",)), Say((), ("en",), Question("text", 1, ()))):
        spoken = RENDER.spoken(say, buttons=True, covered=False)
        assert (spoken.buttons, spoken.done) == ((), "")


def test_a_button_that_no_flow_knows_is_a_finding() -> None:
    with pytest.raises(FlowError, match="there is no choice named perhaps"):
        RENDER.spoken(Say((), ("en",), Question("device", 1, ((1, "perhaps"),))), buttons=True, covered=False)


# ── what may be copied ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "copyable"),
    [
        ("contacts", True),
        ("late", True),
        ("verify", True),
        ("verify_signal", True),
        ("safer", True),
        ("hello", False),
        ("left", False),
    ],
)
def test_contacts_and_addresses_can_be_copied_and_the_rest_need_not(name: str, copyable: bool) -> None:
    say = Say((Line(f"say.{name}", VALUES),), ("en",))
    assert RENDER.spoken(say, buttons=True, covered=True).copyable == copyable


def test_codes_can_be_copied() -> None:
    say = Say((Line("say.codes", VALUES),), ("en",), final=True)
    assert RENDER.spoken(say, buttons=True, covered=True).copyable


def test_nothing_of_what_is_spoken_shows_in_a_repr() -> None:
    spoken = RENDER.spoken(question("device"), buttons=True, covered=True)
    assert spoken.buttons
    assert not [word for word in ("phone", "Maybe") if word in repr(spoken)]
