import re
import tomllib
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.handoff.mission import Availability, Formality, MissionProfile, Mode, Support, findings, run_refusals
from bot.settings import Smtp, read_mission, read_settings
from bot.settings.files import _KEYS, _TABLES
from bot.settings.values import Settings

CONFIG = Path(__file__).parents[2] / "config"
PROFILE = """
id = "test"
country_served = ["MX"]
languages = ["es", "en"]
zone = "America/Mexico_City"
formality = { es = "formal" }
[name]
es = "la misión"
[areas]
mex = "México"
abroad = "fuera"
[retention]
intake_minutes = 20
[topics]
meetings = { availability = "case_by_case", verified_on = 2026-11-01, text = { es = "Sí." } }
[[contact]]
address = "officer@example.org"
openpgp = "keys/officer.asc"
fingerprint = "9E9E D373 0A3C 4608 6937  9E81 3DCD 64A4 50E6 5A47"
[[contact]]
address = "night@example.org"
mode = "notice"
after = 60
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "profile.toml"


def refusal(file: Path, text: str) -> str:
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_mission(file)
    return str(caught.value).removeprefix(f"{file}: ")


def test_a_profile_comes_out_frozen_and_settled(file: Path) -> None:
    file.write_text(PROFILE)
    profile = read_mission(file)
    first, second = profile.contacts
    assert first.openpgp == str(file.parent / "keys/officer.asc")
    assert first.fingerprint == "9e9ed3730a3c460869379e813dcd64a450e65a47"
    assert (second.openpgp, second.mode, second.after) == (None, Mode.NOTICE, 60)
    assert list(profile.areas.items()) == [("mex", "México"), ("abroad", "fuera")]
    assert profile.languages == ("es", "en")
    assert profile.formality["es"] is Formality.FORMAL
    assert profile.topics[Support.MEETINGS].availability is Availability.CASE_BY_CASE
    assert profile.topics[Support.MEETINGS].verified_on == date(2026, 11, 1)
    assert (profile.retention.intake_minutes, profile.retention.case_minutes, profile.window_minutes) == (
        20,
        20160,
        120,
    )


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('id = "test"', "", "id: expected a value, and it is missing"),
        ('id = "test"', "id = 3", "id: expected text in quotes"),
        ('id = "test"', 'id = "A B"', "id: expected a name of lower-case letters"),
        ('zone = "America/Mexico_City"', 'zone = "Mexico"', "zone: expected an IANA name"),
        ('languages = ["es", "en"]', 'languages = "es"', "languages: expected a list in brackets"),
        ("[areas]", "[aeras]", "aeras: unknown key; did you mean areas?"),
        ("[[contact]]", "[[contacts]]", "contacts: unknown key; did you mean contact?"),
        ('address = "officer', 'adress = "officer', "contact 1: adress: unknown key; did you mean address?"),
        ('mode = "notice"', 'mode = "mail"', "contact 2: mode: expected 'openpgp' or 'notice'"),
        ("after = 60", "after = 9999", "contact 2: after: expected a number from 0 to 1440"),
        ("after = 60", 'after = "soon"', "contact 2: after: expected a whole number"),
        ("after = 60", "after = 1.5", "contact 2: after: expected a whole number"),
        ("meetings =", "meeting =", "topics.meeting: unknown key; did you mean meetings?"),
        ("verified_on =", "verifed_on =", "topics.meetings.verifed_on: unknown key; did you mean verified_on?"),
        ("2026-11-01", '"lately"', "topics.meetings.verified_on: expected a date like 2026-11-21"),
        ("intake_minutes", "intake", "retention.intake: unknown key; did you mean intake_minutes?"),
        ("[name]", '["na\\nme"]', "na me: unknown key; did you mean name?"),
    ],
)
def test_a_profile_error_names_key_and_what_was_expected(file: Path, old: str, new: str, line: str) -> None:
    assert old in PROFILE
    told = refusal(file, PROFILE.replace(old, new))
    assert told.startswith(line)
    assert "\n" not in told


def test_what_was_found_is_never_told(file: Path) -> None:
    assert "canary" not in refusal(file, PROFILE.replace("America/Mexico_City", "canary"))
    assert "canary" not in refusal(file, PROFILE.replace('"notice"', '"canary"'))
    assert "canary" not in refusal(file, PROFILE.replace("officer@example.org", "canary"))


def test_further_errors_are_notes(file: Path) -> None:
    file.write_text("zone = 3\nid = 4")
    with pytest.raises(SettingsError) as caught:
        read_mission(file)
    lines = [str(caught.value), *caught.value.__notes__]
    assert len(lines) == 6
    assert all(line.startswith(f"{file}: ") and "\n" not in line for line in lines)


@pytest.mark.parametrize("text", [b"id = ", b"\xff", b'id = "a"\nid = "b"'])
def test_a_file_that_is_no_toml_is_named(file: Path, text: bytes) -> None:
    file.write_bytes(text)
    with pytest.raises(SettingsError, match=re.escape(f"{file}: expected ")):
        read_mission(file)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: expected a text file that we can read"):
        read_settings(tmp_path / "none.toml")


def test_the_shipped_profile_holds_the_published_address_and_nothing_confirmed() -> None:
    profile = read_mission(CONFIG / "missions" / "us-mexico.toml")
    assert [contact.address for contact in profile.contacts] == ["hrdsupportmissionmexico@state.gov"]
    assert len(profile.areas) == 33
    assert set(profile.topics) == set(Support)
    assert {topic.availability for topic in profile.topics.values()} == {Availability.UNKNOWN}
    assert profile.verified_on is None
    assert (profile.resources, profile.crisis_lines) == ((), ())
    assert {topic.verified_on for topic in profile.topics.values()} == {None}
    assert len(run_refusals(profile)) == 4
    assert findings(profile, date(2026, 11, 21))


def test_the_example_settings_can_be_read() -> None:
    settings = read_settings(CONFIG / "settings.example.toml")
    assert settings.mission == CONFIG / "missions" / "us-mexico.toml"
    assert isinstance(settings.mail, Smtp)


def test_the_example_settings_show_every_key() -> None:
    shown = (CONFIG / "settings.example.toml").read_text()
    keys = [_KEYS.get(one.name, one.name) for kind in settings_kinds() for one in fields(kind)]
    assert [key for key in keys if not re.search(rf"^(# )?(\[{key}\]|{key} = )", shown, re.MULTILINE)] == []


def settings_kinds() -> list[type]:
    tables = ("storage", "mail", "telegram", "signal", "logs")
    return [Settings, *(kind for table in tables for kind in _TABLES[table])]


def sections(text: str) -> dict[str, set[str]]:
    """Return the keys that the configuration's page lists, by table; "" is the file itself."""
    listed: dict[str, set[str]] = {"": set()}
    table = ""
    for line in text.splitlines():
        if line.startswith("|--"):
            table = ""
        if found := re.match(r"\| \*\*`\[+([a-z_]+)\]+`\*\*", line):
            table = found[1]
            listed[""].add(table)
            listed.setdefault(table, set())
        elif found := re.match(r"\| `([a-z_]+)` \|", line):
            listed[table].add(found[1])
    return listed


def test_the_page_on_configuration_lists_every_key_and_no_other() -> None:
    listed = sections((CONFIG / "README.md").read_text())
    top = {_KEYS.get(one.name, one.name) for kind in (Settings, MissionProfile) for one in fields(kind)}
    known = {
        table: {_KEYS.get(one.name, one.name) for kind in kinds for one in fields(kind)}
        for table, kinds in _TABLES.items()
    }
    same_as_resource = {"crisis_line": set[str]()}
    texts = {table: set[str]() for table in ("name", "limits", "areas", "terminal")}
    assert listed == {"": top} | known | same_as_resource | texts


def test_the_page_on_configuration_is_for_readable_toml() -> None:
    example = "[topics]\n" + 'meetings = { availability = "yes", source_url = "…", verified_on = 2026-11-21 }'
    assert example.split("\n")[1] in (CONFIG / "README.md").read_text()
    assert tomllib.loads(example)["topics"]["meetings"]["verified_on"] == date(2026, 11, 21)
