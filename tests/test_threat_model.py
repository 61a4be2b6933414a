"""The page on what is promised, held against the tree: each line names a file and a test, or says why there is none."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
SECURITY = (ROOT / ".github" / "SECURITY.md").read_text("utf-8")

ATTACKERS = (
    "Network observer",
    "Mail relay",
    "The companies: Telegram",
    "The companies: Signal",
    "Thief of a disk or backup, without the keys",
    "Thief of a disk or backup, with the keys",
    "Root on the running machine",
    "Stolen officer's key",
    "Stolen bot key",
    "Flooder",
    "Impostor of a person",
    "Impostor of an officer",
    "Impostor of the bot",
    "Phone seized",
    "Log reader",
    "Metrics reader",
    "IT supplier or dependency",
)
UNPROVEN = "**not proven**"
# What must be said because no test of ours can show it.
OPEN = ("Memory", "Disks", "Traffic", "Power loss", "Live services", "Outside audits")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_FILE = re.compile(r"`([\w./-]+)`")

Row = tuple[str, str, str]


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0] if f"\n## {title}\n" in PAGE else ""


def rows(text: str) -> list[Row]:
    """Each line of the tables in a section, without their heads."""
    cells = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    found = [tuple(cell.strip(" |") for cell in row) for row in cells]
    return [(one[0], one[1], one[2]) for one in found if one[0] not in {"promise", "", "what"} and len(one) == 3]


PROMISES = [(title, row) for title in ATTACKERS for row in rows(section(title))]


@cache
def found_in(file: str) -> frozenset[str]:
    """The names of all tests of a file, those in classes too, and of functions that some other file runs as tests."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(one.name for one in functions if one.name.startswith("test_"))


def missing(text: str) -> list[str]:
    """Each test that a text names and nobody finds."""
    return [
        f"{file}::{name}"
        for file, name in _TEST.findall(text)
        if not (ROOT / file).is_file() or name not in found_in(file)
    ]


@pytest.mark.parametrize("attacker", ATTACKERS)
def test_each_attacker_has_a_section_that_says_what_they_get_and_who_could_still_break_it(attacker: str) -> None:
    told = section(attacker)
    assert "**Gets:**" in told and "**Who could still" in told
    assert len(rows(told)) >= 2


def test_the_page_has_no_attacker_that_the_list_does_not_know() -> None:
    titles = set(re.findall(r"^## (.*)$", PAGE, re.MULTILINE))
    assert titles - set(ATTACKERS) == {"What there is to lose", "Where the borders are", "What nothing here proves"}


@pytest.mark.parametrize(("attacker", "row"), PROMISES, ids=[row[0][:60] for _, row in PROMISES])
def test_each_promise_names_a_file_and_a_test_that_are_there_or_says_why_it_is_not_proven(
    attacker: str, row: Row
) -> None:
    promise, kept_by, proven_by = row
    assert promise.endswith("."), "a promise is a sentence"
    files = _FILE.findall(kept_by)
    assert [file for file in files if not (ROOT / file).is_file()] == []
    if proven_by.startswith(UNPROVEN):
        assert len(proven_by) > len(UNPROVEN) + 20, "it says why"
        return
    assert files, "a promise is kept by something"
    assert _TEST.findall(proven_by), "a promise is proven by something"
    assert len(_TEST.findall(proven_by)) == proven_by.count("`") // 2, "nothing else stands there"


def test_no_test_that_the_page_names_is_gone() -> None:
    assert len(_TEST.findall(PAGE)) > 100
    assert missing(PAGE) == []


def test_a_test_that_is_gone_would_be_found() -> None:
    gone = "`tests/test_threat_model.py::test_that_nobody_wrote`, `tests/nowhere.py::test_x`"
    assert missing(gone) == ["tests/test_threat_model.py::test_that_nobody_wrote", "tests/nowhere.py::test_x"]
    assert missing("`tests/test_threat_model.py::test_a_test_that_is_gone_would_be_found`") == []


@pytest.mark.parametrize("what", OPEN)
def test_what_can_not_be_proven_is_said(what: str) -> None:
    told = section("What nothing here proves")
    (line,) = [line for line in told.splitlines() if line.startswith(f"| {what} |")]
    assert UNPROVEN in line


def test_every_table_of_the_page_can_be_read_as_one() -> None:
    widths: dict[int, set[int]] = {}
    table = 0
    for line in PAGE.splitlines():
        table += not line.startswith("|")
        if line.startswith("|"):
            widths.setdefault(table, set()).add(len(re.findall(r"(?<!\\)\|", line)))
    assert [each for each in widths.values() if len(each) != 1] == []


def test_whoever_finds_a_hole_reads_how_to_report_it_and_what_nobody_has_reviewed() -> None:
    for said in ("Report a vulnerability", "never a real person", "docs/threat-model.md", "audited"):
        assert said in SECURITY, said
    links = [link for link in re.findall(r"\]\(([^)#]+)", SECURITY) if not link.startswith("http")]
    assert links and [link for link in links if not (ROOT / ".github" / link).exists()] == []
    assert not re.search(r"[\w.]+@[\w.]+\.\w+", SECURITY), "no address is invented"
