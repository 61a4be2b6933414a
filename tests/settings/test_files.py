import re
from datetime import date
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.handoff.mission import (
    Audience,
    Availability,
    Contact,
    Formality,
    Mode,
    Notice,
    SignalAddress,
    Support,
    TelegramAddress,
    WhoRuns,
    findings,
    run_refusals,
)
from bot.handoff.roster import Duty, Watch
from bot.settings import read_mission, read_settings

CONFIG = Path(__file__).parents[2] / "config"
PROFILE = """
id = "test"
country_served = ["MX"]
languages = ["es", "en"]
zone = "America/Mexico_City"
formality = { es = "usted" }
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
signal = "01234567-89AB-cdef-0123-456789abcdef"
after = 60
"""
FULLER = (
    PROFILE
    + """
[[resources]]
name = "Shelter"
contact = "+1 555"
who_runs_it = "ngo"
audience = "women"
level = 2
source_url = "https://example.org"
verified_on = 2026-11-01
verified_by = "the duty desk"
expires_on = 2027-01-31
[[crisis_lines]]
name = "Line"
contact = "911"
who_runs_it = "state"
source_url = "https://example.org"
verified_on = 2026-11-01
[signal]
username = "postigo.42"
fingerprint_url = "https://example.org/signal"
link = "https://signal.me/#eu/AbC"
vanish_hours = 8
receipts = false
[telegram]
handle = "@postigo_bot"
display_name = "Agenda"
name = { es = "Libreta" }
description = { es = "Un programa que responde." }
short_description = { es = "Un programa." }
[alarming]
es = ["fiscalía", "la capilla"]
[promised_times]
1 = { es = "en una hora" }
[notice]
version = "2"
text = { es = "Guardamos lo que usted envía." }
legal_contact = "privacy@example.org"
[minors_policy]
es = "Primero hablamos con usted."
"""
)


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


ROSTER = (
    PROFILE
    + """
[[contact]]
address = "x509@example.org"
smime = "keys/x509.pem"
fingerprint = "AB:CD:"
ping = false
languages = ["es", "fr"]
hours = "22:00-06:00"
days = ["mon", "fri"]
zone = "Europe/Madrid"
[duty]
morning = "06:15"
[duty.1]
order = ["x509@example.org", "night@example.org", "officer@example.org"]
after = [0, 30, 45]
[duty.4]
order = ["officer@example.org"]
""".replace("AB:CD:", ":".join(["AB", "CD"] * 16))
)


def test_a_roster_comes_out_with_everybody_and_the_order_of_each_level(file: Path) -> None:
    file.write_text(ROSTER)
    profile = read_mission(file)
    assert profile.contacts[1].signal == "01234567-89ab-cdef-0123-456789abcdef"
    assert profile.contacts[0].after is None
    assert profile.contacts[2] == Contact(
        "x509@example.org",
        smime=str(file.parent / "keys/x509.pem"),
        fingerprint="abcd" * 16,
        mode=Mode.SMIME,
        ping=False,
        languages=("es", "fr"),
        hours="22:00-06:00",
        days=("mon", "fri"),
        zone="Europe/Madrid",
    )
    assert profile.duty == Duty(
        "06:15",
        {
            1: Watch(("x509@example.org", "night@example.org", "officer@example.org"), (0, 30, 45)),
            4: Watch(("officer@example.org",)),
        },
    )


def test_without_a_word_on_duty_the_order_is_the_profiles_and_a_mail_comes_each_morning(file: Path) -> None:
    file.write_text(PROFILE)
    assert read_mission(file).duty == Duty("07:30", {})


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("Europe/Madrid", "Madrid", "contact 3: zone: expected an IANA name like America/Mexico_City"),
        ('"22:00-06:00"', '"at night"', "contact 3: hours: expected two different times"),
        ('["mon", "fri"]', '"mon"', "contact 3: days: expected a list in brackets"),
        ("ping = false", 'ping = "perhaps"', "contact 3: ping: expected true or false"),
        ("smime =", "x509 =", "contact 3: x509: unknown key; "),
        ("01234567-", "", "contact 2: signal: expected a Signal account"),
        ("[duty]", "[dutty]", "dutty: unknown key; did you mean duty?"),
        ("morning", "mourning", "duty.mourning: unknown key; did you mean morning?"),
        ("[duty.4]", "[duty.5]", "duty.5: unknown key; expected one of morning, 1, 2, 3, 4"),
        ("[duty.4]", '[duty."by level"]', "duty.order: unknown key; "),
        ("[duty.4]", "[duty.levels]", "duty.levels: unknown key; expected one of morning, 1, 2, 3, 4"),
        (
            '[duty.4]\norder = ["officer@',
            '[duty.4]\norder = ["nobody@',
            "duty.4.order: expected addresses of [[contact]]",
        ),
        ("[duty.4]\norder", "[duty.4]\nodrer", "duty.4.odrer: unknown key; did you mean order?"),
        ("[0, 30, 45]", "[0, 30]", "duty.1.after: expected a number for each of order"),
        ("[0, 30, 45]", '[0, "x", 45]', "duty.1.after 2: expected a whole number"),
        ("[0, 30, 45]", "30", "duty.1.after: expected a list in brackets"),
        ("[duty]\n", "[duty]\n2 = 3\n", "duty.2: expected a table"),
        ("[duty]\nmorning = ", "[duty]\nmorning = 7 # ", "duty.morning: expected text in quotes"),
    ],
)
def test_a_line_of_the_roster_that_is_wrong_is_named(file: Path, old: str, new: str, line: str) -> None:
    assert old in ROSTER
    assert refusal(file, ROSTER.replace(old, new, 1)).startswith(line)


def test_a_profile_tells_where_else_to_turn(file: Path) -> None:
    file.write_text(FULLER)
    profile = read_mission(file)
    (shelter,), (line,) = profile.resources, profile.crisis_lines
    assert (shelter.who_runs_it, shelter.audience, shelter.level) == (WhoRuns.NGO, Audience.WOMEN, 2)
    assert (shelter.verified_on, shelter.verified_by) == (date(2026, 11, 1), "the duty desk")
    assert shelter.expires_on == date(2027, 1, 31)
    assert (line.audience, line.level, line.verified_by, line.expires_on) == (Audience.EVERYONE, 4, "", None)


def test_a_profile_keeps_what_the_mission_says_of_itself(file: Path) -> None:
    file.write_text('last_reviewed = 2026-11-02\nreviewer = "the desk"\naccept_unreviewed = ["es"]\n' + FULLER)
    profile = read_mission(file)
    assert (profile.last_reviewed, profile.reviewer) == (date(2026, 11, 2), "the desk")
    assert profile.signal == SignalAddress(
        "postigo.42", "https://example.org/signal", "https://signal.me/#eu/AbC", 8, receipts=False
    )
    assert profile.telegram == TelegramAddress(
        "@postigo_bot",
        "Agenda",
        {"es": "Libreta"},
        {"es": "Un programa que responde."},
        {"es": "Un programa."},
    )
    assert profile.accept_unreviewed == ("es",)
    assert profile.alarming == {"es": ("fiscalía", "la capilla")}
    assert profile.promised_times == {1: {"es": "en una hora"}}
    assert profile.notice == Notice("2", {"es": "Guardamos lo que usted envía."}, "privacy@example.org")
    assert profile.minors_policy == {"es": "Primero hablamos con usted."}


def test_a_profile_that_says_nothing_of_itself_promises_nothing(file: Path) -> None:
    file.write_text(PROFILE)
    profile = read_mission(file)
    assert (profile.promised_times, profile.notice, profile.minors_policy) == ({}, Notice(), {})
    assert (profile.signal, profile.telegram) == (SignalAddress(), TelegramAddress())
    assert (profile.last_reviewed, profile.reviewer, profile.delivery_mode) == (None, "", Mode.OPENPGP)
    assert (profile.alarming, profile.accept_unreviewed) == ({}, ())


def test_only_a_language_of_the_profile_can_be_accepted_unread(file: Path) -> None:
    told = refusal(file, 'accept_unreviewed = ["fr"]\n' + PROFILE)
    assert told.startswith("accept_unreviewed: expected languages of this profile")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("[[resources]]", "[[resource]]", "resource: unknown key; did you mean resources?"),
        ("[[crisis_lines]]", "[[crisis_line]]", "crisis_line: unknown key; did you mean crisis_lines?"),
        ("who_runs_it =", "who_runs =", "resources 1: who_runs: unknown key; did you mean who_runs_it?"),
        ('"ngo"', '"friends"', "resources 1: who_runs_it: expected 'state', 'ngo'"),
        ("verified_on = 2026-11-01\nver", "ver", "resources 1: verified_on: expected a value; it is missing"),
        ("2027-01-31", '"never"', "resources 1: expires_on: expected a date like 2026-11-21"),
        ("2027-01-31", "2026-11-01", "resources 1: expires_on: expected a day after verified_on"),
        ("level = 2", "level = 0", "resources 1: level: expected a number from 1 to 4"),
        ('"911"', '"nobody"', "crisis_lines 1: contact: expected how to reach it"),
        ("username =", "user =", "signal.user: unknown key; did you mean username?"),
        ("handle =", "handel =", "telegram.handel: unknown key; did you mean handle?"),
        ('"@postigo_bot"', '"@bot"', "telegram.handle: expected a Telegram handle"),
        ("vanish_hours = 8", "vanish_hours = 0", "signal.vanish_hours: expected a number from 1 to 672"),
        ("vanish_hours = 8", "vanish_hours = 1.5", "signal.vanish_hours: expected a whole number"),
        ("vanish_hours =", "vanish =", "signal.vanish: unknown key; did you mean vanish_hours?"),
        ('"https://signal.me/#eu/AbC"', '"signal.me"', "signal.link: expected the link that Signal gives"),
        ("receipts = false", 'receipts = "perhaps"', "signal.receipts: expected"),
        ('display_name = "Agenda"', 'display_name = ""', "telegram.display_name: expected 1 to 64 characters"),
        ('name = { es = "Libreta" }', 'name = "Libreta"', "telegram.name: expected a table"),
        ("[alarming]\nes = [", "[alarming]\nes = [1, ", "alarming.es"),
        ("1 = {", "urgent = {", "promised_times.urgent: unknown key; expected one of 1, 2, 3, 4"),
        ("1 = {", "7 = {", "promised_times: expected a number from 1 to 4"),
        ('1 = { es = "en una hora" }', '1 = "en una hora"', "promised_times.1: expected a table"),
        ('{ es = "en una hora" }', "{ es = 1 }", "promised_times.1.es: expected text in quotes"),
        ('version = "2"', "version = 2", "notice.version: expected text in quotes"),
        ("legal_contact =", "lawyer =", "notice.lawyer: unknown key; "),
        ('[minors_policy]\nes = "', '[minors_policy]\nSpanish = "', "minors_policy: expected a language tag"),
    ],
)
def test_an_error_further_down_names_its_key_too(file: Path, old: str, new: str, line: str) -> None:
    assert old in FULLER
    told = refusal(file, FULLER.replace(old, new, 1))
    assert told.startswith(line)
    assert "\n" not in told


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('id = "test"', "", "id: expected a value; it is missing"),
        ('id = "test"', "id = 3", "id: expected text in quotes"),
        ('id = "test"', 'id = "A B"', "id: expected a name of lower-case letters"),
        ('zone = "America/Mexico_City"', 'zone = "Mexico"', "zone: expected an IANA name"),
        ('languages = ["es", "en"]', 'languages = "es"', "languages: expected a list in brackets"),
        ("[areas]", "[aeras]", "aeras: unknown key; did you mean areas?"),
        ("[[contact]]", "[[contacts]]", "contacts: unknown key; did you mean contact?"),
        ('address = "officer', 'adress = "officer', "contact 1: adress: unknown key; did you mean address?"),
        ('mode = "notice"', 'mode = "mail"', "contact 2: mode: expected 'openpgp', 'smime' or 'notice'"),
        ("after = 60", "after = 9999", "contact 2: after: expected a number from 0 to 1440"),
        ("after = 60", 'after = "soon"', "contact 2: after: expected a whole number"),
        ("after = 60", "after = 1.5", "contact 2: after: expected a whole number"),
        ("after = 60", 'after = "60"', "contact 2: after: expected a whole number"),
        ("after = 60", 'ping = "false"', "contact 2: ping: expected true or false"),
        ("after = 60", "ping = 0", "contact 2: ping: expected true or false"),
        ("intake_minutes = 20", 'intake_minutes = "20"', "retention.intake_minutes: expected a whole number"),
        ("meetings =", "meeting =", "topics.meeting: unknown key; did you mean meetings?"),
        ("verified_on =", "verifed_on =", "topics.meetings.verifed_on: unknown key; did you mean verified_on?"),
        ("2026-11-01", '"lately"', "topics.meetings.verified_on: expected a date like 2026-11-21"),
        ("2026-11-01", '"2026-11-01"', "topics.meetings.verified_on: expected a date like 2026-11-21"),
        ("2026-11-01", "1795000000", "topics.meetings.verified_on: expected a date like 2026-11-21"),
        ("2026-11-01", "2026-11-01T00:00:00", "topics.meetings.verified_on: expected a date like 2026-11-21"),
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
    with pytest.raises(SettingsError, match=r"none\.toml: expected a text file, and there is none$"):
        read_settings(tmp_path / "none.toml")


def test_a_folder_and_what_is_no_text_are_told_as_what_they_are(tmp_path: Path, file: Path) -> None:
    file.write_bytes(b"\x7fELF\xff")
    for place, told in (
        (tmp_path, "a text file, and this is a folder"),
        (file, "a text file, and what is in it is no text"),
        (file / "below", "a text file, and there is none"),
    ):
        with pytest.raises(SettingsError, match=f"{re.escape(str(place))}: expected {told}$"):
            read_settings(place)


def test_a_file_that_we_may_not_read_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> str:
        raise PermissionError

    monkeypatch.setattr(Path, "read_text", refused)  # root may read everything
    with pytest.raises(SettingsError, match=r"expected a text file that we can read$"):
        read_settings(file)


def test_a_language_that_there_is_not_is_told_before_what_follows_from_it(file: Path) -> None:
    file.write_text('accept_unreviewed = ["es"]\n' + PROFILE.replace('["es", "en"]', '["xx"]'))
    with pytest.raises(SettingsError) as caught:
        read_mission(file, spoken=("en", "es"))
    assert str(caught.value) == f"{file}: languages: expected some of en, es, and xx is none"
    assert f"{file}: accept_unreviewed: expected languages of this profile" in caught.value.__notes__


def test_the_shipped_profile_holds_the_published_address_and_nothing_confirmed() -> None:
    profile = read_mission(CONFIG / "missions" / "us-mexico.toml")
    assert [contact.address for contact in profile.contacts] == ["hrdsupportmissionmexico@state.gov"]
    assert len(profile.areas) == 33
    assert set(profile.topics) == set(Support)
    published = {
        support: topic.availability
        for support, topic in profile.topics.items()
        if topic.availability.value != "unknown"
    }
    assert published == {
        Support.CONTACT_OFFICER: Availability.YES,
        Support.MEETINGS: Availability.CASE_BY_CASE,
    }
    assert profile.verified_on is None
    assert (profile.resources, profile.crisis_lines) == ((), ())
    assert {topic.verified_on for topic in profile.topics.values()} == {None}
    assert len(run_refusals(profile)) == 4
    assert findings(profile, date(2026, 11, 21))


@pytest.mark.parametrize("profile", ["a = " + "9" * 5000, "a = " + "[" * 3000 + "]" * 3000])
def test_toml_that_python_can_not_hold_is_told_like_any_other_mistake(tmp_path: Path, profile: str) -> None:
    (tmp_path / "mission.toml").write_text(profile)
    with pytest.raises(SettingsError, match="expected TOML"):
        read_mission(tmp_path / "mission.toml")


@pytest.mark.parametrize("path", ["\\u0000", "a\\nb"])
def test_a_path_that_can_be_none_is_told_on_one_line(tmp_path: Path, path: str) -> None:
    (tmp_path / "settings.toml").write_text(f'mission = "{path}"\n[storage]\nurl = "sqlite:///a"\nkeys = "k"\n')
    with pytest.raises(SettingsError, match=r"mission: expected a path on one line$"):
        read_settings(tmp_path / "settings.toml")
