from dataclasses import replace

import pytest

from bot.handoff.mission import Contact, MissionProfile, Mode, Resource, Retention, Support, Topic, WhoRuns
from bot.handoff.profile_rules import mistakes

CERTIFIED = Contact("officer@example.org", openpgp="/keys/officer.asc", fingerprint="ab" * 20)
RESOURCE = Resource("Shelter", "+1 555", WhoRuns.NGO, "https://example.org/page")
PROFILE = MissionProfile(
    id="us-mexico",
    name={"es": "la misión"},
    country_served=("MX",),
    languages=("es", "pt-BR", "zh-Hans", "es-419"),
    zone="America/Mexico_City",
    areas={"mex": "México"},
    contacts=(CERTIFIED, Contact("b@example.org", mode=Mode.NOTICE, after=60, urgent_address="night@example.org")),
    official_site="https://example.org",
    resources=(RESOURCE,),
    crisis_lines=(RESOURCE,),
)


def contacts(*chain: Contact) -> MissionProfile:
    return replace(PROFILE, contacts=chain)


def kept(**minutes: int) -> MissionProfile:
    return replace(PROFILE, retention=Retention(**minutes))


def test_a_well_formed_profile_has_no_mistakes() -> None:
    assert mistakes(PROFILE) == []


def test_a_profile_may_lack_what_is_not_confirmed_yet() -> None:
    assert mistakes(replace(PROFILE, contacts=(), official_site="", resources=(), crisis_lines=())) == []


@pytest.mark.parametrize(
    ("profile", "key"),
    [
        (replace(PROFILE, id="US Mexico"), "id"),
        (replace(PROFILE, id=""), "id"),
        (replace(PROFILE, country_served=("Mexico",)), "country_served"),
        (replace(PROFILE, official_site="http://example.org"), "official_site"),
        (replace(PROFILE, languages=("es", "spanish")), "languages"),
        (replace(PROFILE, languages=("es", "es")), "languages"),
        (replace(PROFILE, name={"en": "the mission"}), "name"),
        (replace(PROFILE, name={"es": " "}), "name"),
        (replace(PROFILE, limits={"Spanish": "nada"}), "limits"),
        (replace(PROFILE, limits={"es": ""}), "limits"),
        (replace(PROFILE, topics={Support.VISAS: Topic(text={"es": ""})}), "topics.visas.text"),
        (contacts(replace(CERTIFIED, address="officer")), "contact 1: address"),
        (contacts(replace(CERTIFIED, address="oficiál@example.org")), "contact 1: address"),
        (contacts(replace(CERTIFIED, address="a@example.org\nBcc: b@example.org")), "contact 1: address"),
        (contacts(replace(CERTIFIED, urgent_address="night")), "contact 1: urgent_address"),
        (contacts(replace(CERTIFIED, language="English")), "contact 1: language"),
        (contacts(CERTIFIED, Contact("b@example.org", after=-1)), "contact 2: after"),
        (contacts(CERTIFIED, Contact("b@example.org", after=1441)), "contact 2: after"),
        (contacts(replace(CERTIFIED, mode=Mode.NOTICE)), "contact 1: mode"),
        (contacts(replace(CERTIFIED, fingerprint="")), "contact 1: fingerprint"),
        (contacts(replace(CERTIFIED, openpgp=None)), "contact 1: fingerprint"),
        (contacts(replace(CERTIFIED, fingerprint="ab" * 8)), "contact 1: fingerprint"),
        (contacts(CERTIFIED, CERTIFIED), "contact"),
        (contacts(replace(CERTIFIED, after=5)), "contact"),
        (replace(PROFILE, areas={}), "areas"),
        (replace(PROFILE, areas={"Estado de México": "México"}), "areas"),
        (replace(PROFILE, areas={"mex": ""}), "areas"),
        (replace(PROFILE, areas={"skip": "México"}), "areas"),
        (replace(PROFILE, resources=(replace(RESOURCE, name=""),)), "resource 1: name"),
        (replace(PROFILE, resources=(RESOURCE, replace(RESOURCE, contact=" "))), "resource 2: contact"),
        (replace(PROFILE, crisis_lines=(replace(RESOURCE, source_url="a friend"),)), "crisis_line 1: source_url"),
        (replace(PROFILE, resources=(replace(RESOURCE, level=5),)), "resource 1: level"),
        (kept(intake_minutes=4), "retention.intake_minutes"),
        (kept(intake_minutes=600, urgent_minutes=300), "retention.intake_minutes"),
        (kept(urgent_minutes=1441), "retention.urgent_minutes"),
        (kept(case_minutes=20161), "retention.case_minutes"),
        (replace(PROFILE, window_minutes=-1), "window_minutes"),
        (replace(PROFILE, own_words=("signal", "telegram")), "own_words"),
    ],
)
def test_each_mistake_is_named_by_its_key(profile: MissionProfile, key: str) -> None:
    ((named, expected),) = mistakes(profile)
    assert named == key
    assert "\n" not in expected


def test_a_profile_without_languages_has_no_name_in_one_either() -> None:
    assert [key for key, _ in mistakes(replace(PROFILE, languages=()))] == ["languages", "name"]
