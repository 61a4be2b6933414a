"""What is documented is checked: the diagram is drawn from the flow, each verb stands in the README."""

import re
from pathlib import Path

import pytest

from bot import cli
from bot.conversation.drawing import mermaid, parts
from bot.knowledge import read_content

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_diagram_in_the_docs_is_the_flow_as_it_is() -> None:
    page = (ROOT / "docs" / "intake.md").read_text(encoding="utf-8")
    drawn = re.search(r"```mermaid\n(.*?)```", page, re.DOTALL)
    assert drawn is not None
    assert drawn[1] == mermaid(read_content().flow), "make draw ARGS='-o FILE' and put it into docs/intake.md"


def test_the_diagrams_of_the_guide_are_its_branches_as_they_are() -> None:
    page = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    flow = read_content().flow
    drawn = re.findall(r"\n## ([^\n]+)\n\n```mermaid\n(.*?)```", page, re.DOTALL)
    branches = {choice.name: choice.label for choice in flow.steps["guide"].choices if choice.name in parts(flow)}
    pictures = [(title, mermaid(flow, name)) for name, title in branches.items()]
    assert drawn == pictures, "make draw ARGS='--branch NAME' for each branch, and put it into docs/guide.md"
    assert len(drawn) == len(parts(flow)) - 1


def test_the_picture_in_the_readme_is_a_branch_of_the_guide_as_it_is() -> None:
    (drawn,) = re.findall(r"`postigo draw --branch (\w+)`[^\n]*\n\n```mermaid\n(.*?)```", README, re.DOTALL)
    branch, picture = drawn
    assert picture == mermaid(read_content().flow, branch), (
        f"make draw ARGS='--branch {branch}', and put it into README.md"
    )
    assert picture.count("\n") <= 40


def test_every_verb_has_a_sentence_of_help_and_stands_in_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    told = " ".join(capsys.readouterr().out.split())
    verbs = ("rehearse", "run", "check", "profile", "languages", "outgoing", "draw", "erase", "expire", "keys")
    assert [verb for verb in verbs if not re.search(rf"\b{verb} [A-Z][^.]+\.", told)] == []
    assert [verb for verb in verbs if f"`postigo {verb}" not in README] == []


@pytest.mark.parametrize("command", ["make chat", "make test"])
def test_the_readme_begins_with_how_to_try_it(command: str) -> None:
    assert command in "\n".join(README.splitlines()[:20])


def test_a_change_has_to_pass_what_the_readme_says() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert re.findall(r"^(?:exec )?(make .*) </dev/null$", script, re.MULTILINE) == ["make test", "make soak SHORT=1"]
    assert "`make test`" in README
    assert "`make soak SHORT=1`" in README


def test_every_link_in_the_pages_leads_somewhere() -> None:
    pages = [page for place in ("", "*/", "config/*/") for page in ROOT.glob(f"{place}README.md")]
    pages += [*ROOT.glob("docs/*.md"), *ROOT.glob(".github/*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if not link.startswith("http") and not (page.parent / link).exists()
    ]
    assert broken == []
    assert len(pages) > len(list(ROOT.glob("docs/*.md"))) + 6


NAMING = ("README.md", "*/README.md", "*/*/README.md", "docs/*.md", ".github/*.md", "tests/**/*.py", "config/deploy/*")


def test_everything_that_is_said_to_be_made_can_be_made() -> None:
    """In code quotes, in a block of commands, or in a docstring: `make test`."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {
        (made, str(page.relative_to(ROOT)))
        for pattern in NAMING
        for page in ROOT.glob(pattern)
        for made in re.findall(r"(?:`|^|    )make ([a-z]+)(?=[` ]|$)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert {made for made, _ in named} >= {"chat", "test", "soak", "fuzz", "audit", "sbom", "bench", "catalogs"}
    assert [(made, page) for made, page in sorted(named) if made not in targets] == []


def test_every_link_to_a_section_leads_to_one() -> None:
    pages = [page for place in ("", "*/", "config/*/") for page in ROOT.glob(f"{place}README.md")]
    led = {
        ((page.parent / file).resolve() if file else page, section)
        for page in [*pages, *ROOT.glob("docs/*.md"), *ROOT.glob(".github/*.md")]
        for file, section in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text("utf-8"))
    }
    assert [(str(page), section) for page, section in led if section not in sections(page)] == []
    assert len(led) > 5


def sections(page: Path) -> set[str]:
    """The names by which a page's sections are linked to."""
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("file", ["compose.yaml", "postigo.service"])
def test_what_the_files_of_a_deployment_say_of_postgresql_leads_to_its_section(file: str) -> None:
    head = " ".join(
        (ROOT / "config" / "deploy" / file).read_text("utf-8").partition("\n\n")[0].replace("#", "").split()
    )
    (section,) = re.findall(r'PostgreSQL[^"]*config/README\.md, "([^"]+)"', head)
    assert f"\n## {section}\n" in (ROOT / "config" / "README.md").read_text("utf-8")
