import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import FLOW
from fakes_flow import found

import bot
from bot import gate
from bot.conversation import commands, named
from bot.conversation.model import Kind
from bot.conversation.named import forms
from bot.handoff.mission import Audience, Availability, WhoRuns

ROOMS = ("conversation", "language")
OWN = {"checks.py", "named.py", "prompts.py", "collisions.py"}
COMPOSED = {
    *(f"refused_{kind.value}" for kind in Kind),
    *(f"runs_{who.value}" for who in WhoRuns),
    *(f"for_{audience.value}" for audience in Audience),
    *(f"available_{one.value}" for one in Availability),
    "checked",  # put together with them, where a profile is read
    *(gate.TOO_FAST, gate.MANY_WRITE),  # said before the desk
    *(f"{name}_added" for name in ("late", "given_up", "in_doubt")),
}


SHOWN_BY_MESSENGERS = {named.COVER, "done", "profile_about", "profile_short", *(f"menu_{one}" for one in named.MENU)}


def trees() -> Iterator[ast.AST]:
    package = Path(bot.__file__).parent
    for room in ROOMS:
        files = [path for path in sorted((package / room).glob("*.py")) if path.name not in OWN]
        assert files
        yield from (ast.parse(path.read_text("utf-8")) for path in files)


def strings(tree: ast.AST) -> set[str]:
    found = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text.removeprefix("say.") for text in found}


def said(tree: ast.AST) -> Iterator[str]:
    """Every literal name that is passed to `text(…)` or `_told(…)`, or stands in a `Line("say.…")`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in {"text", "_told", "Line"}:
            literal = [arg for arg in node.args if isinstance(arg, ast.Constant | ast.IfExp)]
            names = set().union(*(strings(arg) for arg in literal))
            yield from names - {"commands"} if name == "Line" else names


def test_every_text_of_the_list_is_said_somewhere() -> None:
    written = set().union(*(strings(tree) for tree in trees()), SHOWN_BY_MESSENGERS)
    assert set(named.TEXTS) - COMPOSED - written == set()


def test_every_text_that_code_says_stands_in_the_list() -> None:
    names = {name for tree in trees() for name in said(tree)}
    assert len(names) > 20
    assert names - set(named.TEXTS) == set()


def test_every_kind_of_message_that_is_not_read_has_its_refusal() -> None:
    refused = {name for name in named.TEXTS if name.startswith("refused_")}
    assert refused == {f"refused_{kind.value}" for kind in Kind} - {
        "refused_text",
        "refused_tap",
        "refused_deleted",  # in silence
    }


def test_every_kind_of_resource_says_who_runs_it() -> None:
    assert {name for name in named.TEXTS if name.startswith("runs_")} == {f"runs_{who.value}" for who in WhoRuns}


def test_every_audience_and_every_answer_about_support_has_its_words() -> None:
    assert {name for name in named.TEXTS if name.startswith("for_")} == {f"for_{one.value}" for one in Audience}
    available = {name for name in named.TEXTS if name.startswith("available_")}
    assert available == {f"available_{one.value}" for one in Availability} | {"available_own"}


def test_the_list_of_commands_is_what_the_program_can_do() -> None:
    assert set(named.COMMANDS) == set(commands._COMMANDS) - {"start"}  # that one is the messengers' own


def test_a_text_may_have_a_form_for_a_channel_and_one_for_a_bare_mission() -> None:
    assert forms(FLOW, "risk") == ["risk", "risk_terminal", "risk_telegram", "risk_signal"]
    assert forms(FLOW, "contacts") == ["contacts", "contacts_bare"]
    assert forms(FLOW, "case_now") == list(named.STANDS_FOR["case_now"])


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        (
            [('name = "reply"', 'name = "answer"'), ('"reply"', '"answer"'), ("when.reply", "when.answer")],
            ["step 'reply' is missing: the program names it"],
        ),
        (
            [("choices.day", "choices.days")],
            ["step 'reply': the choice 'day' is missing: the program names it"],
        ),
        (
            [("urgent = true\nask", "ask")],
            ["step 'sos': as sos of the flow, it must be an urgent consent to send"],
        ),
        (
            [('idle = "after"', 'idle = "reply"'), ('next.act = "after"', 'next.act = "text"\nnext.no = "end"')],
            [
                "step 'after': nothing leads here",
                "step 'reply': as idle of the flow, it must be asked after the handoff",
            ],
        ),
    ],
)
def test_a_flow_has_the_steps_that_the_program_names(changes: list[tuple[str, str]], sentences: list[str]) -> None:
    told = found(*changes)
    assert told == [f"flows/small.toml: {sentence}" for sentence in sentences]


@pytest.mark.parametrize(
    ("change", "more", "sentence"),
    [
        (('says = ["hello"]', 'says = ["hello", "hullo"]'), "", "text 'hullo' is missing: the step 'language' says it"),
        (("[text]", "[text]"), 'idle_talk = "Said."\n', "text 'idle_talk' is never said"),
        (
            ("[text]", "[text]"),
            'late = "Not yet: {contacts}"\n',
            "text 'late' needs a form 'late_bare', for a mission that has nothing to put there",
        ),
        (
            ("[text]", "[text]"),
            'verify = "See {site}."\n',
            "text 'verify' needs a form 'verify_bare', for a mission that has nothing to put there",
        ),
    ],
)
def test_a_flow_has_the_texts_that_are_said_and_no_others(change: tuple[str, str], more: str, sentence: str) -> None:
    assert found(change, more=more) == [f"flows/small.toml: {sentence}"]


def test_a_bare_form_and_one_for_a_channel_are_said_too() -> None:
    more = 'late = "Not yet: {contacts}"\nlate_bare = "Not yet."\nvanish_signal = "It vanishes."\n'
    assert found(more=more) == []
