"""`postigo rehearse` as anybody runs it: a fresh home, an empty folder, lines through a pipe, and the real gpg."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes_gpg import MISSING
from stories.program import opened_as_told, ran

ORDINARY = ("hello", "2", "1", "3", "1", "1", "5", "20", "2", "1", "7", "9")


@pytest.fixture
def home() -> Iterator[Path]:
    """A home with a short name: gpg's agent can't listen under a long one."""
    if shutil.which("gpg") is None:
        pytest.fail(MISSING)
    with tempfile.TemporaryDirectory(prefix="r-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
        for agent in Path(folder).glob("postigo-*/officer"):
            subprocess.run(["gpgconf", "--homedir", str(agent), "--kill", "gpg-agent"], check=False)


def test_an_emergency_takes_three_messages_and_gpg_opens_what_it_left(home: Path) -> None:
    done = ran(home, "rehearse", "--save", home / "talk.txt", "--language", "en", lines=["SOS", "7", "10"])
    shown = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert "Nothing has been sent yet." in shown
    assert "On its way." in shown
    ((text, case),) = opened_as_told(shown)
    told = json.loads(case)
    (folder,) = home.glob("postigo-*")
    assert (
        shown.splitlines()[-1]
        == f"The sealed mails and the key that opens them stay until you delete them: rm -r {folder}"
    )
    assert "LEVEL 1, IMMEDIATE DANGER" in text
    assert (told["level"], told["channel"]["name"], told["may_act"]) == (1, "terminal", "act")
    assert f"Case {told['reference']}. Return code " in shown
    transcript = (home / "talk.txt").read_text().splitlines()
    assert transcript[:4] == ["> SOS", "< sos risk_short sos unsent", "> 7", "< sos_act unsent"]
    assert "! hand off  level 1: The person sent SOS and says they are in danger" in transcript
    assert [line for line in transcript if line.startswith(">")] == ["> SOS", "> 7", "> 10"]
    assert list((home / "empty").iterdir()) == []


def test_the_language_for_developers_shows_that_every_text_of_an_emergency_has_a_translation(home: Path) -> None:
    done = ran(home, "rehearse", "--language", "qps", lines=["SOS", "7", "10", "2", "guide", "1"])
    shown = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    asked = re.sub("\u2066.*?\u2069|\u2068.*?\u2069", "", shown.partition("─")[0])
    plain = [line for line in asked.splitlines() if re.search("[a-z]{3}", line) and "⟦" not in line and line[:1] != ">"]
    assert plain == []
    assert shown.count("⟦") > len(plain) + 30
    assert "⟦LÉÉVÉÉL 1, ÍÍMMÉÉDÍÍÁÁTÉÉ DÁÁNGÉÉR⟧" in shown


def test_an_ordinary_case_takes_twelve_messages_and_nothing_of_the_talk_is_left_in_the_home(home: Path) -> None:
    done = ran(home, "rehearse", lines=ORDINARY)
    shown = done.stdout.decode()
    assert (done.returncode, done.stderr, len(ORDINARY)) == (0, b"", 12)
    ((text, case),) = opened_as_told(shown)
    told = json.loads(case)
    assert "LEVEL 3, SERIOUS" in text
    assert (told["level"], set(told["answers"]) >= {"danger", "event", "area", "want", "reply"}) == (3, True)
    assert text.partition("\n\n")[2].replace("\r\n", "\n") in shown, "the officer's text is shown as it was sealed"
    left = {path.relative_to(home).parts[0].partition("-")[0] for path in home.rglob("*") if path.is_file()}
    assert left == {"postigo"}, "only the folder of mails stays"


def test_in_spanish_mistakes_are_met_with_the_choices_again_and_lose_nothing(home: Path) -> None:
    lines = ["hola", "¿qué?", "español", "quizás", "2", "no", "1", "９９９", "para mí", "vigilancia", "Oaxaca",
             "contacto discreto", "gestión discreta", "1", "sí", "7", "y", "9"]  # fmt: skip
    done = ran(home, "rehearse", "--language", "es", lines=lines)
    shown = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert shown.count("No entendí eso y no lo guardé.") == 4
    assert shown.count("Para esta pregunta, por favor, escriba solo el número.") == 2
    assert "What" not in shown.partition("The officer would read:")[0]
    ((text, case),) = opened_as_told(shown)
    told = json.loads(case)
    assert told["language"] == "es"
    assert [one["name"] for one in told["answers"]["event"]["choices"]] == ["surveillance"]
    assert [one["name"] for one in told["answers"]["area"]["choices"]] == ["oax"]
    assert ": Spanish" in text


def test_who_stops_sends_nothing(home: Path) -> None:
    done = ran(home, "rehearse", lines=[*ORDINARY[:9], "STOP"])
    shown = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert "What you had not sent is deleted." in shown
    assert "sealed mail" not in shown.lower()
    assert list(home.glob("postigo-*")) == [], "where nothing was sealed, nothing stays"


def test_who_erases_after_sending_is_told_the_truth_and_begins_anew(home: Path) -> None:
    done = ran(home, "rehearse", "--language", "es", lines=["AYUDA", "8", "11", "borrar", "hola"])
    shown = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    (_, case), (closed, _) = opened_as_told(shown)
    assert json.loads(case)["may_act"] == "talk"
    assert "has closed this" in closed
    erased = shown.partition("> borrar")[2]
    assert "Borramos nuestra copia." in erased
    assert "puede que haya llegado" in erased, "a folder tells nobody whether a mail was taken"
    assert "Soy un programa" in erased.partition("> hola")[2]


def test_lines_that_are_no_text_are_not_understood_and_end_nothing(home: Path) -> None:
    strict = {"PYTHONIOENCODING": "ascii:strict"}  # as in a locale that knows no other letters
    done = ran(
        home, "rehearse", "--language", "en", more=strict, lines=b"SOS\n\xff\xfe\x00\n" + b"x" * 70_000 + b"\n7\n10\n"
    )
    assert (done.returncode, done.stderr) == (0, b"")
    ((text, _),) = opened_as_told(done.stdout.decode())
    assert "LEVEL 1" in text
