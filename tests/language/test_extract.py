import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from bot.content import content
from bot.conversation.flow import Commands, Flow
from bot.errors import FlowError
from bot.language import extract
from bot.language.catalogs import LANGUAGES, load
from bot.language.vocabulary import JOINERS, NAYS, NUMBERS

ROOT = content("flows").parent
ALERT = '[alert]\nsubject = "Case {reference}"\ndonts = "DO NOT"\n'
TRIAGE = """
[[rule]]
name = "danger_now"
level = 1
because = "There is danger now"
when.danger = "now"

[[raise]]
name = "minor"
because = "Under 18"

[desk]
labour = "labour"
"""

Write = Callable[[str, Mapping[tuple[str, str], str]], Path]


def po(path: Path) -> dict[tuple[str | None, str], str]:
    with path.open("rb") as file:
        return {(m.context, str(m.id)): str(m.string) for m in read_po(file) if m.id}


def test_every_text_of_a_flow_and_every_command_is_extracted(flows: Path, flow: Flow, commands: Commands) -> None:
    assert extract.messages(flows) == [*commands.messages(), NUMBERS, JOINERS, NAYS, *flow.messages()]


@pytest.mark.parametrize(
    ("toml", "pairs"),
    [
        (ALERT, [("alert.subject", "Case {reference}"), ("alert.donts", "DO NOT")]),
        (TRIAGE, [("triage.danger_now", "There is danger now"), ("triage.minor", "Under 18")]),
        ('[other]\nkey = "value"\n', []),
    ],
)
def test_what_the_officer_reads_is_extracted(toml: str, pairs: list[tuple[str, str]]) -> None:
    assert extract.messages_in(toml, "a.toml") == pairs


@pytest.mark.parametrize(
    ("toml", "finding"),
    [
        ("[alert\n", r"^a\.toml: not TOML"),
        ('[[rule]]\nname = "x"\n', r"^a\.toml: a text is missing or stands in the wrong place \('because'\)"),
        ('alert = "x"\n', r"^a\.toml: a text is missing"),
        ('[flow]\nname = "x"\n', r"^a\.toml: "),
    ],
)
def test_a_file_of_another_shape_is_named(toml: str, finding: str) -> None:
    with pytest.raises(FlowError, match=finding):
        extract.messages_in(toml, "a.toml")


def test_babel_finds_the_same_texts_through_its_own_mapping(flows: Path, tmp_path: Path) -> None:
    mapping, template = str(content("locales") / "babel.cfg"), tmp_path / "babel.pot"
    pybabel = [sys.executable, "-m", "babel.messages.frontend", "extract", "-F", mapping, "-o", str(template)]
    done = subprocess.run([*pybabel, str(flows)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(po(template)) == set(extract.messages(flows))


def test_the_installed_package_names_the_extractor_to_babel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["babel.extractors"] == {"flows": "bot.language.extract:extract"}


def test_a_translation_stays_while_its_english_stands(flows: Path, spanish: Path, locales: Path) -> None:
    before = po(spanish)
    assert extract.write(flows, locales) == ["es: 23 of 23 texts translated"]
    assert po(spanish) == before
    assert set(po(locales / "bot.pot")) == set(before)


def test_a_changed_english_waits_for_its_translator_and_nothing_is_guessed(
    flows: Path, spanish: Path, locales: Path
) -> None:
    small = flows / "small.toml"
    small.write_text(small.read_text("utf-8").replace("Yes, now", "Yes, right now"), "utf-8")
    assert extract.write(flows, locales) == ["es: 22 of 23 texts translated"]
    assert po(spanish)["small.danger.now", "Yes, right now"] == ""
    assert "fuzzy" not in spanish.read_text("utf-8")
    assert load(["es"], locales).missing("es", extract.messages(flows)) == ["small.danger.now"]


def test_an_english_that_comes_back_finds_its_translation_again(flows: Path, spanish: Path, locales: Path) -> None:
    small, text = flows / "small.toml", (flows / "small.toml").read_text("utf-8")
    extract.write(flows, locales)
    first = spanish.read_bytes()
    small.write_text(text.replace("Yes, now", "Yes, right now"), "utf-8")
    extract.write(flows, locales)
    assert '#~ msgstr "Sí, ahora"' in spanish.read_text("utf-8")
    small.write_text(text, "utf-8")
    extract.write(flows, locales)
    assert spanish.read_bytes() == first


def test_the_same_flows_give_the_same_bytes_without_dates_or_machines(
    flows: Path, spanish: Path, locales: Path
) -> None:
    extract.write(flows, locales)
    first = (locales / "bot.pot").read_bytes(), spanish.read_bytes()
    extract.write(flows, locales)
    assert ((locales / "bot.pot").read_bytes(), spanish.read_bytes()) == first
    for written in first:
        assert not any(word in written for word in (b"Date", b"Generated", b"Translator", b"Project", bytes(flows)))


def test_a_translators_remark_and_doubt_are_kept(flows: Path, spanish: Path, locales: Path) -> None:
    extract.write(flows, locales)
    at = '#: flows/small.toml\nmsgctxt "small.danger.now"'
    remarked = spanish.read_text("utf-8").replace(
        at, f"# heard in Oaxaca\n{at.replace('msgctxt', '#, fuzzy' + chr(10) + 'msgctxt')}"
    )
    spanish.write_text(remarked, "utf-8")
    assert extract.write(flows, locales) == ["es: 22 of 23 texts translated"]
    assert "# heard in Oaxaca" in spanish.read_text("utf-8")
    assert load(["es"], locales).missing("es", extract.messages(flows)) == ["small.danger.now"]


def test_a_new_language_begins_with_an_empty_file(flows: Path, write_catalog: Write, locales: Path) -> None:
    path = write_catalog("fa", {})
    path.write_bytes(b"")
    assert extract.write(flows, locales) == ["fa: 0 of 23 texts translated"]
    assert path.read_text("utf-8").splitlines()[4] == '"Language: fa\\n"'
    assert len(load(["fa"], locales).missing("fa", extract.messages(flows))) == 23


def test_the_catalogs_of_this_checkout_are_up_to_date_with_its_flows(tmp_path: Path) -> None:
    kept = {path.relative_to(content("locales")): path.read_bytes() for path in content("locales").rglob("bot.po*")}
    for path, written in kept.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(written)
    extract.write(content("flows"), tmp_path)
    stale = [str(path) for path, written in kept.items() if (tmp_path / path).read_bytes() != written]
    assert stale == [], "run: python -m bot.language.extract"
    assert Path("bot.pot") in kept


def test_every_language_with_a_catalog_in_this_checkout_can_be_loaded() -> None:
    tags = [path.parents[1].name for path in content("locales").glob("*/LC_MESSAGES/bot.po")]
    assert set(tags) <= set(LANGUAGES)
    assert set(load(tags).tags) == {*tags, "en"}


def test_the_command_says_how_far_each_language_is(
    flows: Path,
    spanish: Path,
    locales: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(extract, "content", {"flows": flows, "locales": locales}.__getitem__)
    assert extract.main() == 0
    assert capsys.readouterr().out == "es: 23 of 23 texts translated\n"
    spanish.write_text('msgid "a\n', "utf-8")
    assert extract.main() == 2
    assert capsys.readouterr().err.endswith(
        "bot.po: not a catalog: line 1: a quote is missing, or it begins with an unknown word\n"
    )
