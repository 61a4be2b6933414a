import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

import pytest
from fakes import CATALOGS, COMMANDS, FLOW, UNFILLED
from fakes_flow import found
from pydantic import BaseModel

from bot.content import content
from bot.conversation import reading
from bot.conversation.checks import findings
from bot.handoff import triage
from bot.language.catalogs import LANGUAGES

AT = "flows/small.toml: step "
NEXT_REVIEW = 'next.send = "act"\nnext.otherwise = "end"'


def test_the_real_flow_has_no_findings_in_any_language_that_is_offered() -> None:
    assert findings(FLOW, COMMANDS, CATALOGS.all_words()) == []


@pytest.mark.parametrize("profile", sorted(content("missions").glob("*.toml")), ids=lambda path: path.stem)
def test_the_real_flow_has_no_findings_with_the_areas_of_an_example_mission(profile: Path) -> None:
    mission = tomllib.loads(profile.read_text("utf-8"))
    flow = UNFILLED.with_choices("areas", mission["areas"])
    flow = flow.with_choices("languages", {tag: LANGUAGES[tag].autonym for tag in mission["languages"]})
    named = {tag: {"mission": name} for tag, name in mission["name"].items()}
    assert findings(flow, COMMANDS, CATALOGS.all_words(), named) == []


def test_a_small_flow_has_no_findings() -> None:
    assert found() == []


def test_a_profile_without_areas_leaves_a_question_with_nothing_to_choose() -> None:
    bare = UNFILLED.with_choices("languages", {"en": "English"})
    assert findings(bare, COMMANDS, CATALOGS.all_words()) == [
        "flows/intake.toml: step 'area': it offers nothing to choose",
        "flows/intake.toml: step 'sos_area': it offers nothing to choose",
    ]


@pytest.mark.parametrize(
    ("old", "new", "sentences"),
    [
        ('first = "language"', 'first = "hello"', ["first = 'hello' names a step that doesn't exist"]),
        ('sos = "sos"', 'sos = "cry"', ["sos = 'cry' names a step that doesn't exist"]),
        ('idle = "after"', 'idle = "rest"', ["idle = 'rest' names a step that doesn't exist"]),
    ],
)
def test_the_flow_begins_at_steps_that_exist(old: str, new: str, sentences: list[str]) -> None:
    assert found((old, new)) == [f"flows/small.toml: {sentence}" for sentence in sentences]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('name = "add"', 'name = "end"', "'end': this can't be the name of a step"),
        ('name = "add"', 'name = "Add it"', "'Add it': this can't be the name of a step"),
        ("choices.rest =", "choices.title =", "'after': 'title' can't be the name of a choice"),
        ("choices.rest =", 'choices."a.b" =', "'after': 'a.b' can't be the name of a choice"),
    ],
)
def test_names_can_be_told_from_all_else(old: str, new: str, sentence: str) -> None:
    assert f"{AT}{sentence}" in found((old, new))


@pytest.mark.parametrize(
    ("old", "new", "sentences"),
    [
        ('next.rest = "end"', 'next.rest = "ned"', ["'after': next.rest = 'ned' names a step that doesn't exist"]),
        (
            'next.otherwise = "review"',
            'next.otherwise = "revue"',
            ["'reply': next.otherwise = 'revue' names a step that doesn't exist"],
        ),
        ('next.rest = "end"', "", ["'after': 'rest' leads nowhere: next.otherwise is missing"]),
        (
            'next.otherwise = "add"',
            "",
            [f"'text': '{one}' leads nowhere: next.otherwise is missing" for one in ("words", "skip")],
        ),
        (
            'next.otherwise = "reply"',
            "",
            [f"'language': '{one}' leads nowhere: next.otherwise is missing" for one in ("en", "es", "languages")],
        ),
    ],
)
def test_every_answer_leads_to_a_step_that_exists(old: str, new: str, sentences: list[str]) -> None:
    assert found((old, new)) == [f"{AT}{sentence}" for sentence in sentences]


PASSED_OVER = "'text': own words are passed over on some channels, so another question must follow"


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        (
            [('next.otherwise = "add"', 'next.otherwise = "end"')],
            [PASSED_OVER, "'add': nothing leads here"],
        ),
        (
            [('next.otherwise = "add"', 'next.otherwise = "text"')],
            [PASSED_OVER, "'add': nothing leads here", "'text': no way leads from here to an end"],
        ),
    ],
)
def test_after_own_words_another_question_follows(changes: list[tuple[str, str]], sentences: list[str]) -> None:
    assert found(*changes) == [f"{AT}{sentence}" for sentence in sentences]


@pytest.mark.parametrize(
    ("old", "new", "sentences"),
    [
        ('ask = "What else?"', "", ["'text': it asks nothing"]),
        (
            'choices_from = "languages"',
            'choices_from = "tongues"',
            [
                "'language': choices_from = 'tongues' is neither of languages, areas",
                "'language': it offers nothing to choose",
                "'language': as first of the flow, it must have choices_from = \"languages\"",
            ],
        ),
        (
            'ask = "What else?"',
            'ask = "What else?"\nchoices.no = "No"',
            ["'text': it takes own words, so it can't offer choices"],
        ),
        (
            'kind = "words"',
            "",
            [
                "'text': it offers nothing to choose",
                "'text': it must take own words: corrections after the handoff go there",
            ],
        ),
        (
            'next.rest = "end"',
            'next.rest = "end"\nnext.go = "end"',
            ["'after': next.go routes a choice that isn't offered"],
        ),
        (
            'kind = "words"',
            'kind = "words"\naccepts = ["yes"]',
            ["'text': accepts names 'yes', which isn't offered"],
        ),
    ],
)
def test_a_step_offers_what_it_routes_and_accepts(old: str, new: str, sentences: list[str]) -> None:
    assert found((old, new)) == [f"{AT}{sentence}" for sentence in sentences]


def test_an_answer_kept_as_another_steps_is_one_that_step_knows() -> None:
    of_its_own = (
        'consent = "act"\nurgent = true',
        'consent = "act"\nurgent = true\nchoices.act = "Yes"\nchoices.never = "Never"',
    )
    assert found(of_its_own) == [
        f"{AT}'sos_act': it offers 'never', but keeps its answer as that of 'act', which doesn't"
    ]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('when.act = "act"', 'when.cat = "act"', "waits for an answer to 'cat', a step that doesn't exist"),
        ('when.act = "act"', 'when.act = "yes"', "waits for 'yes' at 'act', which isn't offered there"),
        (
            'when.reply = "here"',
            'when.language = "en"',
            "waits for an answer to 'language', which isn't kept: it has no title of its own",
        ),
        (
            'when.reply = "here"',
            'when.sos_act = "act"',
            "waits for an answer to 'sos_act', which isn't kept: it has no title of its own",
        ),
    ],
)
def test_a_note_waits_for_answers_that_can_come(old: str, new: str, sentence: str) -> None:
    assert found((old, new)) == [f"{AT}'act': note 0 {sentence}"]


def test_a_note_may_wait_for_the_answer_of_its_own_step() -> None:
    assert found(('when.act = "act"\nwhen.reply = "here"', 'when.act = "no"')) == []


ONE_CHOICE = "it takes one choice, all of them written here and shown at once"


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        (
            [('words.no = "no"\naccepts = ["send"]\nskip = false', 'accepts = ["send"]')],
            ["it can be skipped: it needs skip = false"],
        ),
        ([('consent = "send"', 'consent = "send"\npage = 1')], [ONE_CHOICE]),
        ([('consent = "send"', 'consent = "send"\nkind = "several"')], [ONE_CHOICE]),
        ([('consent = "send"', 'consent = "send"\nchoices_from = "languages"')], [ONE_CHOICE]),
        (
            [('words.no = "no"\naccepts = ["send"]', 'accepts = ["send", "no"]')],
            ["there is no choice that doesn't accept"],
        ),
    ],
)
def test_a_consent_is_one_question_with_a_yes_and_a_no(changes: list[tuple[str, str]], sentences: list[str]) -> None:
    at_review = [sentence for sentence in found(*changes) if sentence.startswith(f"{AT}'review': a consent")]
    assert at_review == [f"{AT}'review': a consent, but {sentence}" for sentence in sentences]


def test_a_consent_that_nothing_accepts_leads_nobody_on() -> None:
    assert found(('words.no = "no"\naccepts = ["send"]', "accepts = []")) == [
        f"{AT}'review': a consent, but no choice of it accepts",
        f"{AT}'act': it hands over without a consent to send given just before, by way of language, reply, review, act",
        f"{AT}'language': no way leads from here to an alert that was consented to",
    ]


def test_a_yes_has_no_other_words_than_its_label() -> None:
    assert found(('words.no = "no"', 'words.send = "yes"')) == [
        f"{AT}'review': a consent is given by number or whole label only: words.send must go"
    ]


def test_the_emergency_path_is_short_to_its_end() -> None:
    assert found(('like = "act"\nconsent = "act"\nurgent = true', 'like = "act"\nconsent = "act"')) == [
        f"{AT}'sos': 'me' leads from an urgent step to 'sos_act', which isn't urgent"
    ]


def test_an_emergency_that_ends_at_its_first_consent_reaches_nobody() -> None:
    assert found(('next.me = "sos_act"', 'next.me = "end"')) == [
        f"{AT}'sos_act': nothing leads here",
        f"{AT}'sos': no way leads from here to an alert that was consented to",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('title = "Act"\nconsent = "act"', 'title = "Act"\nconsent = "send"'),
        ('title = "Act"\nconsent = "act"', 'title = "Act"'),
        ('title = "Act"\nconsent = "act"', 'title = "Act"\nconsent = "act"\nafter = true'),
    ],
)
def test_only_a_consent_to_act_hands_over(old: str, new: str) -> None:
    assert f"{AT}'act': only a consent to act, asked before the handoff, can hand over" in found((old, new))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            'accepts = ["send"]\nskip = false\nnext.otherwise',
            'accepts = ["send"]\nnext.otherwise',
            "what was added is sent, but it can be skipped: it needs skip = false",
        ),
        (
            "sends = true",
            'sends = true\nconsent = "send"',
            "additions are sent after the handoff, by a step that is no consent",
        ),
        (
            "after = true\nsends = true",
            "sends = true",
            "additions are sent after the handoff, by a step that is no consent",
        ),
        (
            'skip = false\nnext.otherwise = "end"\n\n[[step]]\nname = "after"',
            'skip = false\nnext.otherwise = "add"\n\n[[step]]\nname = "after"',
            "with nothing to send it leads to itself",
        ),
    ],
)
def test_additions_are_sent_on_purpose_and_after_the_handoff(old: str, new: str, sentence: str) -> None:
    assert f"{AT}'add': {sentence}" in found((old, new))


def test_nothing_more_is_told_while_a_way_leads_nowhere() -> None:
    both = [('next.rest = "end"', 'next.rest = "ned"'), ('hello = "I am', 'hello = "I am!')]
    told = [found(*changes) for changes in product(*([one, (one[0], one[0])] for one in both))]
    assert [len(sentences) for sentences in told] == [1, 1, 1, 0]
    assert "ned" in told[0][0]


SHAPES = (reading._Head, reading._Step, reading._Command, reading._GuideHead, reading._Topic, reading._Phrases)
KEYS = {
    *(key for shape in SHAPES for key in shape.model_fields),
    *(key for key in triage._Row.model_fields),
}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_of_the_format_is_told_on_its_page(key: str) -> None:
    page = (content("flows") / "README.md").read_text("utf-8")
    assert re.search(rf"(`\[*|^|\[\[step\.){key}\b[^\n]*(`| = |\.\w+ = |\]\])", page, re.MULTILINE)


def test_every_example_on_the_page_is_written_as_the_program_reads_it() -> None:
    page = (content("flows") / "README.md").read_text("utf-8")
    shapes: dict[str, type[BaseModel]] = {"step": reading._Step, "command": reading._Command, "rule": triage._Row}
    shapes |= {"guide": reading._GuideHead, "branch": reading._Branch, "topic": reading._Topic, "en": reading._Phrases}
    read = [
        shapes[table].model_validate(row)
        for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
        for table, row in rows_of(tomllib.loads(block))
    ]
    assert len(read) == 8


def rows_of(tree: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield every table of an example with what it is called; of the crisis words each language."""
    for table, rows in tree.items():
        if table == "crisis" and isinstance(rows, dict):
            yield from rows.items()
        else:
            yield from ((table, row) for row in (rows if isinstance(rows, list) else [rows]))
