from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.handoff.mission import Availability, Contact, Formality, MissionProfile, Mode, Support
from bot.settings import read_mission

A = 'address = "a@example.org"'
AREAS = """areas = ["México", "Nuevo León", "Ciudad de México (CDMX)", "کابل"]"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "profile.toml"


def read(file: Path, *lines: str) -> MissionProfile:
    """Read the shortest profile there is, with `lines` at its end."""
    top = (
        'id = "test"',
        'country_served = ["MX"]',
        'languages = ["es"]',
        'zone = "America/Mexico_City"',
        'name = { es = "la misión" }',
    )
    file.write_text("\n".join((*top, *lines)), encoding="utf-8")
    return read_mission(file)


def refusal(file: Path, *lines: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(file, *lines)
    told = str(caught.value)
    assert told.startswith(f"{file}: ")
    return told.removeprefix(f"{file}: ")


def chain(file: Path, *lines: str) -> tuple[Contact, ...]:
    account = 'signal = "01234567-89ab-cdef-0123-456789abcdef"'
    two = ("[[contact]]", A, 'mode = "openpgp"', "[[contact]]", 'address = "b@example.org"', account)
    return read(file, AREAS, *lines, *two).contacts


def test_a_topic_may_be_its_availability_alone(file: Path) -> None:
    profile = read(file, AREAS, "[topics]", 'meetings = "yes"', 'visas = { availability = "no" }')
    assert profile.topics[Support.MEETINGS].availability is Availability.YES
    assert profile.topics[Support.VISAS].availability is Availability.NO


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('topics.meetings = "perhaps"', "topics.meetings.availability: expected 'yes', 'no'"),
        ("topics.meetings = 1", "topics.meetings: expected a table"),
        ('topics = "yes"', "topics: expected a table"),
        ('topics.meeting = "yes"', "topics.meeting: unknown key; did you mean meetings?"),
    ],
)
def test_a_topic_that_is_neither_form_is_named(file: Path, line: str, told: str) -> None:
    assert refusal(file, AREAS, line).startswith(told)


def test_a_list_of_areas_is_coded_by_its_labels(file: Path) -> None:
    assert list(read(file, AREAS).areas.items()) == [
        ("mexico", "México"),
        ("nuevo-leon", "Nuevo León"),
        ("ciudad-de-mexico-cdmx", "Ciudad de México (CDMX)"),
        ("كابل", "کابل"),
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('areas = ["México", "Oaxaca", "MEXICO"]', "areas: expected labels that differ"),
        ('areas = ["Oaxaca", ""]', "areas: expected a table, or a list of labels"),
        ('areas = ["Oaxaca", "—"]', "areas: expected a table, or a list of labels"),
        ("areas = [1]", "areas: expected a table, or a list of labels"),
        ("areas = []", "areas: expected at least one area"),
        ("areas = 1", "areas: expected a table"),
        ('areas = ["Oaxaca", "Skip"]', "areas: expected codes other than more and skip"),
    ],
)
def test_areas_without_a_code_of_their_own_are_an_error(file: Path, line: str, told: str) -> None:
    assert refusal(file, line).startswith(told)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("usted", Formality.FORMAL),
        ("tú", Formality.INFORMAL),
        ("tu\u0301", Formality.INFORMAL),
        ("Tu", Formality.INFORMAL),
        ("formal", Formality.FORMAL),
        ("informal", Formality.INFORMAL),
    ],
)
def test_a_form_of_address_is_named_as_spanish_does_or_by_its_kind(file: Path, written: str, meant: Formality) -> None:
    assert read(file, AREAS, f'formality = {{ es = "{written}" }}').formality == {"es": meant}


@pytest.mark.parametrize("line", ['formality = { es = "vos" }', "formality = { es = 3 }"])
def test_another_form_of_address_is_named(file: Path, line: str) -> None:
    assert refusal(file, AREAS, line).startswith("formality.es: expected 'formal' or 'informal'")


def test_what_a_contact_without_a_mode_is_sent_stands_in_the_profile(file: Path) -> None:
    assert [one.mode for one in chain(file)] == [Mode.OPENPGP, Mode.OPENPGP]
    assert [one.mode for one in chain(file, 'delivery_mode = "openpgp"')] == [Mode.OPENPGP, Mode.OPENPGP]
    assert [one.mode for one in chain(file, 'delivery_mode = "notice"')] == [Mode.OPENPGP, Mode.NOTICE]
    assert read(file, AREAS, 'delivery_mode = "notice"').delivery_mode is Mode.NOTICE


@pytest.mark.parametrize("delivery", ["", 'delivery_mode = "smime"', 'delivery_mode = "notice"'])
@pytest.mark.parametrize(("kind", "mode"), [("openpgp", Mode.OPENPGP), ("smime", Mode.SMIME)])
def test_what_a_contact_with_a_certificate_is_sent_is_sealed_to_it(
    file: Path, delivery: str, kind: str, mode: Mode
) -> None:
    pin = f'fingerprint = "{"ab" * 32}"'
    (contact,) = read(file, AREAS, delivery, "[[contact]]", A, f'{kind} = "a.asc"', pin).contacts
    assert (contact.mode, contact.certificate) == (mode, str(file.parent / "a.asc"))


def test_a_mode_that_does_not_fit_the_certificate_is_no_short_form(file: Path) -> None:
    lines = ("[[contact]]", A, 'smime = "a.pem"', f'fingerprint = "{"ab" * 32}"', 'mode = "openpgp"')
    assert refusal(file, AREAS, *lines).startswith('contact 1: mode: expected mode = "smime"')


def test_duty_that_is_no_table_is_left_to_the_reader(file: Path) -> None:
    assert refusal(file, AREAS, 'duty = "always"').startswith("duty: expected a table")


@pytest.mark.parametrize("wrong", ['"mail"', "[]", "{}", "3"])
def test_another_delivery_mode_is_named_once(file: Path, wrong: str) -> None:
    lines = (AREAS, f"delivery_mode = {wrong}", "[[contact]]", 'address = "a@example.org"')
    with pytest.raises(SettingsError) as caught:
        read(file, *lines)
    assert str(caught.value).startswith(f"{file}: delivery_mode: expected ")
    assert getattr(caught.value, "__notes__", []) == []


def test_contacts_that_are_no_tables_are_left_to_the_reader(file: Path) -> None:
    assert refusal(file, AREAS, 'delivery_mode = "notice"', 'contact = ["a@example.org"]').startswith("contact 1: ")
    assert refusal(file, AREAS, 'contact = "a@example.org"').startswith("contact: expected a list in brackets")
