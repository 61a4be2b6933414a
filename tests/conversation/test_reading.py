"""What a flow may look like, and what its author is told when it doesn't."""

import pytest
from fakes import FLOW, written

from bot.conversation.flow import Ask, Command
from bot.conversation.model import ConsentKind
from bot.conversation.reading import read_commands, read_crisis, read_flow
from bot.errors import FlowError

HEAD = """
[flow]
name = "small"
first = "danger"
sos = "danger"
idle = "danger"
review_bound = 3
sos_bound = 2
"""
DANGER = """
[[step]]
name = "danger"
title = "Danger"
ask = "Danger?"
choices.now = "Yes"
choices.no = "No"
words.now = "now, at once"
next.now = "later"
next.otherwise = "end"
[[step.note]]
when.danger = "no"
say = "Good."
"""
LATER = """
[[step]]
name = "later"
like = "danger"
consent = "act"
accepts = ["now"]
hands_off = true
skip = false
next.otherwise = "end"
"""
TEXT = """
[text]
left = "It left at {time}."
"""


def test_a_flow_is_read_as_it_is_written() -> None:
    flow = read_flow(HEAD + DANGER + LATER + TEXT, "small.toml")
    danger, later = flow.steps["danger"], flow.steps["later"]
    assert (flow.name, flow.first, flow.sos, flow.idle) == ("small", "danger", "danger", "danger")
    assert (flow.review_bound, flow.sos_bound) == (3, 2)
    assert danger.names() == ("now", "no")
    assert danger.choices[0].words == "now, at once"
    assert (danger.target("now"), danger.target("no"), danger.target("skip")) == ("later", "end", "end")
    assert danger.notes[0].when == (("danger", "no"),)
    assert (danger.keeps, danger.spoken, danger.kind, danger.skip) == ("danger", "danger", Ask.ONE, True)
    assert later.consent is ConsentKind.ACT
    assert flow.texts == {"left": "It left at {time}."}
    assert flow.step("danger") is danger
    assert flow.step("gone") is None


def test_a_step_like_another_takes_its_question_over_but_not_its_ways() -> None:
    later = read_flow(HEAD + DANGER + LATER, "small.toml").steps["later"]
    assert (later.ask, later.title, later.names()) == ("Danger?", "Danger", ("now", "no"))
    assert (later.keeps, later.spoken) == ("danger", "danger")
    assert (later.next, later.otherwise, later.notes, later.skip) == ((), "end", (), False)


def test_a_step_like_another_may_ask_in_its_own_words() -> None:
    later = LATER + 'ask = "And now?"\nchoices.now = "Still"\n'
    flow = read_flow(HEAD + DANGER + later, "small.toml")
    assert (flow.steps["later"].keeps, flow.steps["later"].spoken) == ("danger", "later")
    assert ("small.later", "And now?") in set(flow.messages())
    assert ("small.later.now", "Still") in set(flow.messages())


def test_every_text_is_told_with_its_context_once() -> None:
    flow = read_flow(HEAD + DANGER + LATER + TEXT, "small.toml")
    assert list(flow.messages()) == [
        ("small.danger", "Danger?"),
        ("small.danger.now", "Yes"),
        ("small.danger.now.words", "now, at once"),
        ("small.danger.no", "No"),
        ("small.danger.title", "Danger"),
        ("small.danger.note.0", "Good."),
        ("say.left", "It left at {time}."),
    ]


def test_choices_from_the_profile_stand_before_the_step_s_own() -> None:
    flow = read_flow(HEAD + '[[step]]\nname="area"\nask="Where?"\nchoices_from="areas"\nchoices.no="Not told"\n', "f")
    filled = flow.with_choices("areas", {"oax": "Oaxaca"})
    assert filled.steps["area"].names() == ("oax", "no")
    assert flow.with_choices("languages", {"es": "Español"}) == flow
    assert list(filled.messages()) == [("small.area", "Where?"), ("small.area.no", "Not told")]


def test_a_change_of_any_word_is_another_version() -> None:
    one, two = (read_flow(HEAD + DANGER.replace("Danger?", ask), "f").version for ask in ("Danger?", "Danger!"))
    assert one != two
    assert read_flow(HEAD + DANGER.replace("Danger?", "Danger!"), "f").version == two


@pytest.mark.parametrize(
    ("toml", "place"),
    [
        ("[flow", "not TOML"),
        ("a = " + "9" * 5000, "not TOML"),
        ("a = " + "[" * 3000 + "]" * 3000, "not TOML"),
        (DANGER, "flow: Field required"),
        (HEAD + "bound = 3\n" + DANGER, "flow bound: Extra inputs"),
        (HEAD + DANGER + DANGER, "step 'danger' stands there twice"),
        (HEAD + DANGER.replace("title", "titel"), "step 'danger' titel: Extra inputs"),
        (HEAD + DANGER.replace('ask = "Danger?"', "ask = 3"), "step 'danger' ask: Input should be a valid string"),
        (HEAD + DANGER.replace('"Yes"', "true"), "step 'danger' choices now: Input should be a valid string"),
        (HEAD + DANGER + 'kind = "maybe"', "step 'danger' note 0 kind"),
        (HEAD + DANGER + LATER.replace('like = "danger"', 'like = "gone"'), "step 'later' is like 'gone', which"),
        (HEAD + DANGER + LATER.replace('"act"', '"maybe"'), "step 'later' consent: Input should be 'send' or 'act'"),
        (HEAD + "step = 3", "flow step: Extra inputs"),
        ("step = 3\n" + HEAD, "step: Input should be a valid tuple"),
        ('step = ["a"]\n' + HEAD, "step 0: Input should be a valid dictionary"),
        (HEAD + '[[step]]\nask = "?"\n', "step 0 name: Field required"),
    ],
)
def test_a_mistake_is_told_with_file_and_place(toml: str, place: str) -> None:
    with pytest.raises(FlowError) as error:
        read_flow(toml, "small.toml")
    assert str(error.value).startswith("small.toml: ")
    assert place in str(error.value)
    assert "\n" not in str(error.value)


def test_commands_are_read_with_their_cries() -> None:
    toml = (
        '[[command]]\nname="stop"\nnumber=96\nwords="stop, exit"\nhelp="end"\n[sos]\n"" = ["sos"]\nes = ["auxilio"]\n'
    )
    commands = read_commands(toml, "commands.toml")
    assert commands.rows == (Command("stop", 96, "stop, exit", "end"),)
    assert commands.sos == {"": ("sos",), "es": ("auxilio",)}
    assert list(commands.messages()) == [("command.stop", "stop, exit"), ("command.stop.help", "end")]


def test_a_mistake_among_the_commands_is_told_with_file_and_place() -> None:
    with pytest.raises(FlowError, match=r"commands.toml: command 'stop' number: Field required"):
        read_commands('[[command]]\nname="stop"\nwords="stop"\nhelp="end"\n[sos]\n', "commands.toml")


def test_the_version_is_of_the_file_not_of_what_is_filled_in() -> None:
    assert FLOW.version == read_flow(written("intake.toml"), "intake.toml").version


def test_words_for_a_choice_that_is_not_offered_are_a_mistake() -> None:
    with pytest.raises(FlowError, match=r"small\.toml: step 'danger' words soon: there is no choice of that name"):
        read_flow(HEAD + DANGER.replace("words.now", "words.soon"), "small.toml")


@pytest.mark.parametrize("phrase", ["", " ", "…", "\u200d"])
@pytest.mark.parametrize("kind", ["words", "alone", "unless"])
def test_a_phrase_without_a_letter_would_be_heard_in_every_text_or_in_none(kind: str, phrase: str) -> None:
    words = 'words = ["i want to die"]' if kind != "words" else ""
    with pytest.raises(FlowError, match=r"crisis.toml: crisis en: .* holds no letter"):
        read_crisis(f'[crisis.en]\n{words}\n{kind} = ["{phrase}"]\n', "crisis.toml")
