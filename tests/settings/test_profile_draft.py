from datetime import date
from pathlib import Path

import pytest

from bot.handoff.mission import Availability, Support, WhoRuns
from bot.settings.files import mission_of
from bot.settings.profile_draft import Draft, Place
from bot.settings.profile_questions import SUPPORTS, chosen, countries, day, listed, number

FILE = Path("profile")


def draft(**answers: object) -> Draft:
    begun = Draft()
    begun.answers |= {
        "id": "here",
        "country_served": ["MX"],
        "languages": ["es", "en"],
        "zone": "UTC",
        "areas": ["Oaxaca"],
        "name": {"es": "la misión"},
        **answers,
    }
    return begun


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        (("id",), "Us Mexico", "a name of lower-case letters"),
        (("id",), None, "a value; it is missing"),
        (("country_served",), ["MEX"], "two capital letters"),
        (("languages",), ["español"], "language tags"),
        (("languages",), ["es", "es"], "each language once"),
        (("languages",), [], "at least one language tag"),
        (("accept_unreviewed",), ["fr"], "languages of this profile"),
        (("zone",), "Mexico", "an IANA name"),
        (("official_site",), "http://a.example", "begins with https://"),
        (("areas",), [], "at least one area"),
        (("areas",), ["Oaxaca", "oaxaca"], "labels that differ"),
        (("contact", 0, "address"), "officer", "a mail address"),
        (("contact", 0, "after"), "soon", "a whole number"),
        (("signal", "username"), "postigo", "a Signal username"),
        (("telegram", "handle"), "bot", "a Telegram handle"),
        (("resources", 0, "contact"), "ask around", "how to reach it"),
        (("resources", 0, "who_runs_it"), "friends", "'state'"),
        (("crisis_lines", 0, "verified_on"), "yesterday", "a date like"),
        (("crisis_lines", 0, "source_url"), "a leaflet", "the page that says so"),
        (("topics", "visas", "availability"), "maybe", "'case_by_case'"),
        (("topics", "visas", "source_url"), "a leaflet", "the page that says so"),
    ],
    ids=str,
)
def test_a_wrong_answer_is_told_in_the_words_of_the_rules(place: Place, value: str, expected: str) -> None:
    assert expected in Draft().wrong(place, value) or expected in draft().wrong(place, value)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("id",), "here"),
        (("zone",), "America/Mexico_City"),
        (("areas",), ["کابل"]),
        (("contact", 0, "openpgp"), "officer.asc"),
        (("contact", 0, "fingerprint"), "AB" * 20),
        (("resources", 0, "contact"), "+52 55 0000"),
        (("resources", 0, "verified_on"), date(2026, 11, 1)),
        (("topics", "visas", "availability"), "no"),
        (("official_site",), None),
    ],
    ids=str,
)
def test_a_right_answer_will_do_whatever_is_still_missing(place: Place, value: str) -> None:
    contact = (
        [{"address": "a@example.org", "openpgp": "a.asc"}] if place[-1] == "fingerprint" else [{"address": "a@b.c"}]
    )
    assert Draft().wrong(place, value) == "" or place[0] == "contact"
    assert draft(contact=contact).wrong(place, value) == ""


def test_an_address_can_be_given_once() -> None:
    told = draft(contact=[{"address": "a@example.org"}])
    assert told.wrong(("contact", 1, "address"), "a@example.org") == "each address once"


def test_a_name_is_needed_in_one_language_at_least() -> None:
    bare = draft(name={})
    assert bare.wrong(("name", "es"), None) == ""  # English may still come
    assert "in one of its languages" in bare.wrong(("name", "en"), None)
    assert draft().wrong(("name", "en"), None) == ""


def test_what_is_unknown_is_no_value_when_only_its_sign_is_taken_away() -> None:
    told = draft()
    lines = told.text().splitlines()
    unknown = [line for line in lines if line.startswith("# ") and " = …" in line and "meetings" not in line]
    assert len(unknown) > 10
    for line in unknown:
        with pytest.raises(Exception, match="expected TOML"):
            mission_of(told.text().replace(line, line.removeprefix("# "), 1), FILE)


def test_a_place_that_is_not_whole_stands_there_as_a_comment() -> None:
    told = draft()
    told.put(("resources", 0, "name"), "Shelter\\")
    told.put(("resources", 0, "contact"), 'Say "help": +52 55 0000')
    told.set_aside("resources")
    assert '# name = "Shelter\\\\"\n' in told.text()
    assert mission_of(told.text(), FILE).resources == ()


@pytest.mark.parametrize("words", ['"', "\\", "\\u0041", "\x7f\x00\t", "a # b", "'''", "{x} = [1]", "\u200fشعبان"])
def test_any_words_come_back_as_they_were_written(words: str) -> None:
    told = draft(name={"es": words}, topics={"visas": {"availability": "no"}})
    profile = mission_of(told.text(), FILE)
    assert profile.name["es"] == words
    assert profile.topics[Support.VISAS].availability is Availability.NO
    assert profile.topics[Support.AWARDS].availability is Availability.UNKNOWN


def test_each_form_of_support_is_asked_for() -> None:
    assert set(SUPPORTS) == set(Support)
    assert all(about.endswith("?") for about in SUPPORTS.values())


def test_words_become_the_values_of_the_file() -> None:
    assert countries("mx, gt") == ["MX", "GT"]
    assert listed("es  zh-Hans,en") == ["es", "zh-Hans", "en"]
    assert [chosen("Case by case"), chosen("case-by-case")] == [Availability.CASE_BY_CASE] * 2
    assert chosen("NGO") == WhoRuns.NGO
    assert [day("2026-11-01"), day("soon")] == [date(2026, 11, 1), "soon"]
    assert [number("60"), number("-1"), number("٣")] == [60, "-1", "٣"]
