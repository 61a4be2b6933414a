"""A profile is asked for: what is refused, what is written, and that nothing is written before the end."""

import io
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest
from stories.stage import Inbox

from bot.errors import SettingsError
from bot.handoff.mission import Availability, Contact, Support, WhoRuns, findings
from bot.interview import Interview
from bot.settings import read_mission

TODAY = date(2026, 11, 22)
BASICS = [
    "here",
    "mx gt",
    "es en",
    "es",
    "America/Mexico_City",
    "",
    "la misión",
    "the mission",
    "Chiapas",
    "Oaxaca",
    "",
]
NOTHING = [""] * 40

Hold = Callable[..., str]


@pytest.fixture
def hold(tmp_path: Path) -> Hold:
    """Give these lines; return what was shown."""

    def held(lines: Sequence[str], output: Path | None = tmp_path / "here.toml") -> str:
        shown = io.StringIO()
        Interview(io.StringIO("".join(f"{line}\n" for line in lines)), shown, TODAY).hold(output)
        return shown.getvalue()

    return held


def test_an_empty_line_leaves_out_and_the_file_is_read_without_mistakes(hold: Hold, tmp_path: Path) -> None:
    shown = hold([*BASICS, *NOTHING])
    assert "won't do" not in shown
    profile = read_mission(tmp_path / "here.toml")
    assert (profile.id, profile.country_served, profile.languages) == ("here", ("MX", "GT"), ("es", "en"))
    assert (profile.accept_unreviewed, profile.zone) == (("es",), "America/Mexico_City")
    assert profile.name == {"es": "la misión", "en": "the mission"}
    assert profile.areas == {"chiapas": "Chiapas", "oaxaca": "Oaxaca"}
    assert {topic.availability for topic in profile.topics.values()} == {Availability.UNKNOWN}
    assert (profile.contacts, profile.resources, profile.official_site) == ((), (), "")


def test_everything_that_is_told_comes_back(hold: Hold, tmp_path: Path) -> None:
    officer = Inbox(tmp_path)
    pin = officer.contact.fingerprint
    place = ["Shelter", "+52 55 0000", "ngo", "https://shelter.example", "2026-11-01"]
    told = [
        *[*BASICS[:5], "https://mission.example/bot", *BASICS[6:]],
        *["officer@example.org", "officer.asc", pin.upper(), "es", "night@example.org", "", "en", "60", ""],
        *[*place, "", *place, ""],
        *["postigo.42", "https://signal.me/x", "@postigo_bot"],
        *["yes", "https://mission.example/officer", "2026-11-02", "Case by case", "", "", "unknown"],
    ]
    hold([*told, *NOTHING])
    profile = read_mission(tmp_path / "here.toml")
    certificate = str(tmp_path / "officer.asc")
    assert profile.contacts == (
        Contact("officer@example.org", certificate, pin, "es"),
        Contact("night@example.org", language="en", after=60),
    )
    assert [one.who_runs_it for one in (*profile.resources, *profile.crisis_lines)] == [WhoRuns.NGO] * 2
    assert profile.official_site == "https://mission.example/bot"
    assert (profile.signal.username, profile.telegram.account) == ("postigo.42", "@postigo_bot")
    officer_topic = profile.topics[Support.CONTACT_OFFICER]
    assert (officer_topic.availability, officer_topic.verified_on) == (Availability.YES, date(2026, 11, 2))
    assert profile.topics[Support.MEETINGS].availability is Availability.CASE_BY_CASE
    assert profile.topics[Support.FIELD_VISIT].availability is Availability.UNKNOWN
    assert findings(profile, TODAY)[0] == "verified_on is missing: the mission has not confirmed this profile"


@pytest.mark.parametrize(
    ("at", "wrong", "expected"),
    [
        (0, "My Mission", "a name of lower-case letters"),
        (1, "Mexico", "two capital letters"),
        (2, "es xx", "languages that the bot speaks: en, es"),
        (2, "", "an answer, such as es en"),
        (0, "", "an answer, such as us-mexico"),
        (3, "fr", "languages of this profile"),
        (4, "Mexico City", "an IANA name"),
        (5, "mission.example", "an address that begins with https://"),
        (8, "", "at least one area"),
        (9, "chiapas", "labels that differ"),
    ],
)
def test_a_wrong_answer_is_refused_at_once_and_asked_for_again(
    hold: Hold, tmp_path: Path, at: int, wrong: str, expected: str
) -> None:
    shown = hold([*BASICS[:at], wrong, *BASICS[at:], *NOTHING])
    assert shown.count("That won't do") == 1
    assert f"That won't do; expected: {expected}" in shown
    assert read_mission(tmp_path / "here.toml").areas == {"chiapas": "Chiapas", "oaxaca": "Oaxaca"}


def test_a_day_to_come_is_no_day_on_which_somebody_made_sure(hold: Hold, tmp_path: Path) -> None:
    place = ["Shelter", "+52 55 0000", "ngo", "https://shelter.example", "2026-11-23", "2026-11-22"]
    assert "a day that isn't to come" in hold([*BASICS, "", *place, *NOTHING])
    (resource,) = read_mission(tmp_path / "here.toml").resources
    assert resource.verified_on == TODAY


def test_a_place_without_all_that_is_needed_is_told_to_nobody(hold: Hold, tmp_path: Path) -> None:
    shown = hold(
        [
            *BASICS,
            "",
            "Shelter",
            "+52 55 0000",
            "",
            "Second",
            "+52 55 0001",
            "un",
            *["https://un.example", "2026-11-01"],
            *NOTHING,
        ]
    )
    assert "nobody is told of this place" in shown
    assert [one.name for one in read_mission(tmp_path / "here.toml").resources] == ["Second"]
    assert '# name = "Shelter"' in (tmp_path / "here.toml").read_text("utf-8")


def test_a_certificate_is_looked_at_and_its_pin_compared(hold: Hold, tmp_path: Path) -> None:
    officer = Inbox(tmp_path)
    told = ["officer@example.org", "other.asc", "officer.asc", "ab", "ab" * 20, officer.contact.fingerprint, "es", ""]
    shown = hold([*BASICS, *told, *NOTHING])
    assert f"the name of a file that is there; {tmp_path / 'other.asc'} isn't" in shown
    assert "40 or 64 hexadecimal digits" in shown
    assert "its fingerprint is not the one that the profile gives" in shown
    assert read_mission(tmp_path / "here.toml").contacts[0].openpgp == str(tmp_path / "officer.asc")


def test_without_its_fingerprint_a_certificate_is_left_out(hold: Hold, tmp_path: Path) -> None:
    Inbox(tmp_path)
    shown = hold([*BASICS, "officer@example.org", "officer.asc", "", "es", "", *NOTHING])
    assert "a certificate isn't used" in shown
    assert read_mission(tmp_path / "here.toml").contacts == (Contact("officer@example.org", language="es"),)


@pytest.mark.parametrize("lines", range(0, len(BASICS) + 1, 2))
def test_when_the_input_ends_in_the_middle_nothing_is_written(hold: Hold, tmp_path: Path, lines: int) -> None:
    with pytest.raises(SettingsError, match=r"the input ended at .+: nothing was written"):
        hold(BASICS[:lines])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_replaced_only_after_a_yes(hold: Hold, tmp_path: Path) -> None:
    kept = tmp_path / "here.toml"
    kept.write_text("mine")
    with pytest.raises(SettingsError, match="the input ended at the name of the file: nothing was written"):
        hold(["no", "", "y"])
    assert kept.read_text() == "mine"
    assert "is there already" in hold([str(tmp_path / "other.toml"), *BASICS, *NOTHING])
    assert kept.read_text() == "mine"
    assert read_mission(tmp_path / "other.toml").id == "here"
    hold(["yes", *BASICS, *NOTHING])
    assert read_mission(kept).id == "here"


def test_without_a_name_of_a_file_it_is_called_after_the_id(
    hold: Hold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hold([*BASICS, *NOTHING], None)
    assert read_mission(tmp_path / "here.toml").id == "here"


def test_answers_are_not_lost_when_the_file_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "gone" / "here.toml", tmp_path / "second.toml"
    first.parent.mkdir()

    class Screen(io.StringIO):
        def write(self, text: str, /) -> int:
            if text.startswith("\nid:"):  # by then the folder has been looked at
                first.parent.rmdir()
            return super().write(text)

    lines = "".join(f"{line}\n" for line in BASICS) + "\n" * 31 + f"{second}\n"
    shown = Screen()
    assert Interview(io.StringIO(lines), shown, TODAY).hold(first) == second
    assert "can't be written" in shown.getvalue()
    assert read_mission(second).id == "here"
