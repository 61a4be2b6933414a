from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.handoff.mission import (
    Availability,
    Contact,
    MissionProfile,
    Mode,
    Resource,
    Support,
    Topic,
    WhoRuns,
    availability,
    findings,
    run_refusals,
    shown_crisis_lines,
    shown_resources,
)

TODAY = date(2026, 11, 21)
RESOURCE = Resource("Shelter", "+1 555", WhoRuns.NGO, "https://example.org", verified_on=TODAY)
PROFILE = MissionProfile(
    id="test",
    name={"es": "la misión", "en": "the mission"},
    country_served=("MX",),
    languages=("es", "en"),
    zone="America/Mexico_City",
    areas={"mex": "México"},
    contacts=(Contact("officer@example.org", openpgp="/keys/officer.asc", fingerprint="ab" * 20),),
    official_site="https://example.org",
    verified_on=TODAY,
    resources=(RESOURCE,),
    crisis_lines=(RESOURCE,),
)


def confirmed(days_ago: int) -> Resource:
    return replace(RESOURCE, verified_on=TODAY - timedelta(days=days_ago))


def expiring(in_days: int) -> Resource:
    return replace(confirmed(2), expires_on=TODAY + timedelta(days=in_days))


def with_topic(topic: Topic) -> MissionProfile:
    return replace(PROFILE, topics={Support.MEETINGS: topic})


@pytest.mark.parametrize(
    ("resource", "shown"),
    [
        (confirmed(-1), False),
        (confirmed(0), True),
        (confirmed(90), True),
        (confirmed(180), True),
        (confirmed(181), False),
        (expiring(in_days=1), True),
        (expiring(in_days=0), False),
        (expiring(in_days=-1), False),
    ],
)
def test_what_was_confirmed_within_180_days_and_has_not_expired_is_shown(resource: Resource, shown: bool) -> None:
    profile = replace(PROFILE, resources=(resource,), crisis_lines=(resource,))
    assert shown_resources(profile, TODAY) == ((resource,) if shown else ())
    assert shown_crisis_lines(profile, TODAY) == ((resource,) if shown else ())


@given(st.lists(st.integers(-400, 400), max_size=6))
def test_what_is_shown_keeps_the_order_of_the_profile(days: list[int]) -> None:
    resources = tuple(replace(confirmed(ago), name=str(place)) for place, ago in enumerate(days))
    shown = shown_resources(replace(PROFILE, resources=resources), TODAY)
    assert [int(one.name) for one in shown] == [place for place, ago in enumerate(days) if 0 <= ago <= 180]


@pytest.mark.parametrize(("level", "names"), [(1, "all only-danger"), (2, "all"), (4, "all")])
def test_a_graver_case_is_shown_more(level: int, names: str) -> None:
    resources = (replace(RESOURCE, name="all"), replace(RESOURCE, name="only-danger", level=1))
    shown = shown_resources(replace(PROFILE, resources=resources), TODAY, level)
    assert " ".join(one.name for one in shown) == names


@pytest.mark.parametrize(
    ("topic", "told"),
    [
        (Topic(), Availability.UNKNOWN),
        (Topic(Availability.YES), Availability.UNKNOWN),
        (Topic(Availability.YES, verified_on=TODAY), Availability.YES),
        (Topic(Availability.NO, verified_on=TODAY - timedelta(days=180)), Availability.NO),
        (Topic(Availability.NO, verified_on=TODAY - timedelta(days=181)), Availability.UNKNOWN),
        (Topic(Availability.YES, verified_on=TODAY, expires_on=TODAY + timedelta(days=1)), Availability.YES),
        (Topic(Availability.YES, verified_on=TODAY, expires_on=TODAY), Availability.UNKNOWN),
    ],
)
def test_support_is_unknown_until_lately_confirmed(topic: Topic, told: Availability) -> None:
    assert availability(with_topic(topic), "meetings", TODAY) is told


def test_support_that_the_profile_does_not_name_is_unknown() -> None:
    assert availability(PROFILE, Support.VISAS, TODAY) is Availability.UNKNOWN


@pytest.mark.parametrize(
    ("language", "words"), [("en", "the mission"), ("es", "la misión"), ("fa", "la misión"), ("", "la misión")]
)
def test_a_text_falls_back_to_the_first_language(language: str, words: str) -> None:
    assert PROFILE.in_language(PROFILE.name, language) == words


def test_a_text_in_no_offered_language_is_empty() -> None:
    assert PROFILE.in_language({"fr": "la mission"}, "en") == ""


def test_a_complete_profile_may_run_and_has_no_findings() -> None:
    assert run_refusals(PROFILE) == []
    assert findings(PROFILE, TODAY) == []


@pytest.mark.parametrize(
    ("lacking", "named"),
    [
        (replace(PROFILE, verified_on=None), "verified_on"),
        (replace(PROFILE, official_site=""), "official_site"),
        (replace(PROFILE, resources=()), "[[resources]]"),
        (replace(PROFILE, crisis_lines=()), "[[crisis_lines]]"),
        (replace(PROFILE, contacts=()), "[[contact]]"),
    ],
)
def test_a_profile_that_lacks_what_a_person_needs_may_not_run(lacking: MissionProfile, named: str) -> None:
    (refusal,) = run_refusals(lacking)
    assert named in refusal
    assert refusal in findings(lacking, TODAY)


def test_age_alone_does_not_stop_a_running_bot() -> None:
    assert run_refusals(replace(PROFILE, resources=(confirmed(400),), crisis_lines=(confirmed(400),))) == []


@pytest.mark.parametrize(
    ("profile", "sentence"),
    [
        (
            replace(PROFILE, verified_on=TODAY - timedelta(days=91)),
            "verified_on: the profile was confirmed 91 days ago",
        ),
        (replace(PROFILE, verified_on=TODAY + timedelta(days=1)), "marked as confirmed on 2026-11-22, a day to come"),
        (replace(PROFILE, contacts=(Contact("a@example.org"),)), "contact a@example.org: openpgp is missing"),
        (
            replace(PROFILE, contacts=(Contact("a@example.org", mode=Mode.SMIME),)),
            "contact a@example.org: smime is missing, so nothing can be sealed to it",
        ),
        (
            replace(PROFILE, resources=(confirmed(91),)),
            "resources “Shelter” was confirmed 91 days ago: confirm it again",
        ),
        (replace(PROFILE, resources=(confirmed(-1),)), "resources “Shelter” is marked as confirmed on 2026-11-22"),
        (
            replace(PROFILE, crisis_lines=(confirmed(181),)),
            "crisis_lines “Shelter” was confirmed 181 days ago and isn't told any more",
        ),
        (
            replace(PROFILE, resources=(RESOURCE, expiring(in_days=0))),
            "resources “Shelter” expired on 2026-11-21 and isn't told any more",
        ),
        (replace(PROFILE, crisis_lines=(expiring(in_days=-1),)), "crisis_lines “Shelter” expired on 2026-11-20"),
        (with_topic(Topic(Availability.YES)), "topics.meetings has never been confirmed and is told as unknown"),
        (with_topic(Topic(Availability.NO, verified_on=TODAY - timedelta(days=100))), "confirmed 100 days ago"),
        (
            with_topic(Topic(Availability.YES, verified_on=TODAY - timedelta(days=9), expires_on=TODAY)),
            "topics.meetings expired on 2026-11-21",
        ),
    ],
)
def test_each_finding_is_one_sentence(profile: MissionProfile, sentence: str) -> None:
    (finding,) = findings(profile, TODAY)
    assert sentence in finding


@pytest.mark.parametrize(
    ("contact", "file"),
    [
        (Contact("a@example.org", "a.asc"), "a.asc"),
        (Contact("a@example.org", smime="a.pem", mode=Mode.SMIME), "a.pem"),
        (Contact("a@example.org", smime="a.pem"), None),
        (Contact("a@example.org", mode=Mode.NOTICE), None),
    ],
)
def test_the_certificate_of_a_contact_is_the_one_that_its_mode_asks_for(contact: Contact, file: str | None) -> None:
    assert contact.certificate == file


def test_a_contact_that_gets_notices_needs_no_certificate() -> None:
    assert findings(replace(PROFILE, contacts=(Contact("a@example.org", mode=Mode.NOTICE),)), TODAY) == []


def test_what_expires_later_is_no_finding_yet() -> None:
    assert findings(replace(PROFILE, resources=(expiring(in_days=1),)), TODAY) == []


def test_an_unknown_topic_is_no_finding() -> None:
    assert findings(with_topic(Topic()), TODAY) == []
