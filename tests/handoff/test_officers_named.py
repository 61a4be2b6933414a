"""What the program says to officers by name stands in its lists, in the files, and nowhere else."""

import ast
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

import pytest
from fakes import ALERT, CATALOGS, DUTY, FLOW, OFFERED, TRIAGE, reader

import bot
from bot.conversation.model import Words
from bot.handoff.alert import Texts, words_of
from bot.handoff.case import DONTS
from bot.handoff.named import ALERT_TEXTS, DUTY_TEXTS, duty_findings
from bot.handoff.orders import Verb

PACKAGE = Path(bot.__file__).parent
SPEAKING = ("handoff/orders.py", "alerting.py", "officers/desk.py", "officers/filing.py", "officers/telling.py")
BY_NAME = {"_line", "_note", "_notes", "named"}
COMPOSED = {*(name for name in DUTY_TEXTS if name.startswith(("word_", "status_")))}


def duty(**changes: str | None) -> Texts:
    """The officers' texts, some changed, or left out where they are None."""
    named = {**DUTY.texts, **changes}
    return Texts({name: text for name, text in named.items() if text is not None}, "duty")


def found(changed: Texts, spoken: Mapping[str, Words] | None = None) -> list[str]:
    return list(duty_findings(changed, spoken or {}))


def test_what_officers_read_and_write_has_no_findings_in_any_language() -> None:
    assert found(DUTY, CATALOGS.all_words()) == []


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({"acked": None}, ["text 'acked' is missing: the program says it"]),
        ({"word_help": None}, ["text 'word_help' is missing: the program says it"]),
        ({"status_bounced": None}, ["text 'status_bounced' is missing: the program says it"]),
        ({"motto": "Be well"}, ["text 'motto' is never said"]),
        ({"no_case": "No case {reference}."}, ["text 'no_case': nothing fills in the place {reference}"]),
        ({"reply_sent": "Sent. {help}"}, ["text 'reply_sent': nothing fills in the place {help}"]),
        ({"note_read": "{officer} {time}"}, ["text 'note_read': nothing fills in the place {time}"]),
        ({"ping": "A case waits!"}, ["text 'ping': no exclamation marks"]),
        ({"word_duty": "on duty"}, ["text 'word_duty': each is one word, without spaces"]),
        ({"word_duty": " "}, ["text 'word_duty': each is one word, without spaces"]),
        ({"word_close": "close, Read"}, ["text 'word_close': 'read' orders something else: word_ack"]),
    ],
)
def test_a_text_that_is_missing_unused_or_has_other_places_is_a_finding(
    changes: dict[str, str | None], sentences: list[str]
) -> None:
    assert found(duty(**changes)) == [f"flows/duty.toml: {sentence}" for sentence in sentences]


def test_an_order_means_one_thing_in_all_languages_that_officers_read() -> None:
    spoken = {"xx": said(word_case="ack"), "yy": said(word_help="a, take over")}
    assert found(DUTY, spoken) == [
        "flows/duty.toml: text 'word_help': in yy: each is one word, without spaces",
        "flows/duty.toml: text 'word_ack': 'ack' orders something else: word_case",
    ]


def said(**words: str) -> Words:
    def speak(context: str, msgid: str, values: Mapping[str, str] | None = None) -> str:
        return words.get(context.removeprefix("duty."), msgid)

    return speak


@pytest.mark.parametrize("tag", OFFERED)
def test_an_officer_is_told_one_word_for_each_order(tag: str) -> None:
    told = [reader(tag).order(verb) for verb in Verb]
    assert not [word for word in told if set(word) & set(" ,،、")]
    assert len(set(told)) == len(Verb)


def test_words_stand_between_commas_of_any_script() -> None:
    assert words_of("ملف، الملف") == ("ملف", "الملف")
    assert words_of("列表、清单, ") == ("列表", "清单")


# ── the lists and the code ───────────────────────────────────────────────────────────────────────────────


def literals(node: ast.AST) -> set[str]:
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def calls(file: str, *names: str) -> Iterator[ast.Call]:
    """Each call of one of these functions or methods."""
    for node in ast.walk(ast.parse((PACKAGE / file).read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in names:
                yield node


def written_out(call: ast.Call) -> set[str]:
    return set(chain(*(literals(one) for one in call.args if isinstance(one, ast.Constant | ast.IfExp))))


def test_every_text_of_the_alert_that_code_says_stands_in_the_list() -> None:
    said_there = set(chain(*(written_out(call) for call in calls("handoff/alert.py", "say"))))
    assert len(said_there) > 20
    assert said_there - set(ALERT_TEXTS) - {"sos"} == set()


def test_every_text_of_the_list_is_written_in_the_real_alert() -> None:
    answers = {f"answer_{choice}" for choice in FLOW.steps["reply"].names()}
    desks = {f"desk_{desk}" for desk in TRIAGE.desks.values()}
    assert {*ALERT_TEXTS, *answers, *desks} == set(ALERT.texts)
    assert {f"dont_{one}" for one in DONTS} <= set(ALERT_TEXTS)


def duty_names(file: str) -> set[str]:
    """Every text of the officers' that a file names: "duty.…" anywhere, or as an argument of what makes a line."""
    tree = ast.parse((PACKAGE / file).read_text("utf-8"))
    whole = {text.removeprefix("duty.") for text in literals(tree) if text.startswith("duty.") and text != "duty."}
    return whole.union(*(written_out(call) for call in calls(file, *BY_NAME)))


def test_the_list_of_what_officers_are_told_is_what_code_says() -> None:
    told = {name for name in set().union(*map(duty_names, SPEAKING)) if not name.endswith("_")}
    assert set(DUTY_TEXTS) - COMPOSED - told == set()
    assert {name for name in told - set(DUTY_TEXTS) if name != ", "} == set()
