"""`postigo profile new` and `postigo languages` as they are typed."""

import io
import re
import sys
from pathlib import Path

import pytest

from bot.cli import main
from bot.language.catalogs import LANGUAGES
from bot.settings import read_mission

Shown = pytest.CaptureFixture[str]
ANSWERS = "here\nmx\nen\nUTC\n\nthe mission\nOaxaca\n"


@pytest.fixture(autouse=True)
def logging_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.cli.install", str)


def piped(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8"))


def test_a_profile_is_made_from_a_pipe(monkeypatch: pytest.MonkeyPatch, capsys: Shown, tmp_path: Path) -> None:
    piped(monkeypatch, ANSWERS + "\n" * 40)
    target = tmp_path / "new.toml"
    assert main(["profile", "new", "-o", str(target)]) == 0
    shown = capsys.readouterr()
    assert read_mission(target).id == "here"
    assert f"{target} is written." in shown.out
    assert "- official_site is missing: nobody could check that this bot is the mission's" in shown.out


def test_when_the_pipe_ends_early_it_is_said_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: Shown, tmp_path: Path
) -> None:
    piped(monkeypatch, ANSWERS)
    assert main(["profile", "new", "-o", str(tmp_path / "new.toml")]) == 2
    assert capsys.readouterr().err == "postigo: profile new: the input ended at areas: nothing was written\n"
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_writes_nothing_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: Shown, tmp_path: Path
) -> None:
    class Interrupted(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Interrupted(), "utf-8"))
    assert main(["profile", "new", "-o", str(tmp_path / "new.toml")]) == 130
    assert "Nothing was written." in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_the_languages_are_listed_with_who_has_read_them(capsys: Shown) -> None:
    assert main(["languages"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["tag", "autonym", "complete", "status", "reviewer", "day"]
    assert [row.split()[0] for row in rows] == list(LANGUAGES)
    assert re.search(r"^en +English +yes +original$", rows[0])


def test_a_languages_safety_texts_stand_beside_the_english(capsys: Shown) -> None:
    assert main(["languages", "es"]) == 0
    shown = capsys.readouterr().out
    assert "say.case_given_up\n  en  Your case was NOT sent.\n  es  Su caso NO se envió.\n" in shown
    assert re.search(r'\nsafety = "[0-9a-f]{64}"\n$', shown)


def test_a_language_that_is_not_known_is_refused(capsys: Shown) -> None:
    assert main(["languages", "xx"]) == 2
    assert capsys.readouterr().err == f"postigo: languages xx: expected one of {', '.join(LANGUAGES)}\n"
