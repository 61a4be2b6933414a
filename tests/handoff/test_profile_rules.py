from dataclasses import replace
from datetime import date

import pytest

from bot.handoff.mission import (
    Availability,
    Contact,
    MissionProfile,
    Mode,
    Notice,
    Resource,
    Retention,
    SignalAddress,
    Support,
    TelegramAddress,
    Topic,
    WhoRuns,
    signal_words,
)
from bot.handoff.profile_rules import mistakes
from bot.handoff.roster import Duty

CERTIFIED = Contact("officer@example.org", openpgp="/keys/officer.asc", fingerprint="ab" * 20)
NOTICED = Contact(
    "b@example.org",
    mode=Mode.NOTICE,
    after=60,
    urgent_address="night@example.org",
    signal="01234567-89ab-cdef-0123-456789abcdef",
)
DAY = date(2026, 11, 21)
RESOURCE = Resource("Shelter", "+1 555", WhoRuns.NGO, "https://example.org/page", verified_on=DAY)
PROFILE = MissionProfile(
    id="us-mexico",
    name={"es": "la misión"},
    country_served=("MX",),
    languages=("es", "pt-BR", "zh-Hans", "es-419"),
    zone="America/Mexico_City",
    areas={"mex": "México"},
    contacts=(CERTIFIED, NOTICED),
    official_site="https://example.org",
    resources=(RESOURCE,),
    crisis_lines=(RESOURCE,),
    signal=SignalAddress("postigo.42", "https://example.org/signal"),
    telegram=TelegramAddress("@postigo_bot"),
    promised_times={1: {"es": "en una hora"}, 4: {"es": "en diez días", "en": "within ten days"}},
    notice=Notice("1", {"es": "La misión guarda lo que usted envía."}, "privacy@example.org"),
    minors_policy={"es": "Primero hablamos con usted."},
)


def contacts(*chain: Contact) -> MissionProfile:
    return replace(PROFILE, contacts=chain)


def kept(**minutes: int) -> MissionProfile:
    return replace(PROFILE, retention=Retention(**minutes))


def place(**changes: object) -> MissionProfile:
    return replace(PROFILE, resources=(replace(RESOURCE, **changes),))  # type: ignore[arg-type]  # named by its fields


def topic(**said: object) -> MissionProfile:
    return replace(PROFILE, topics={Support.VISAS: Topic(Availability.NO, **said)})  # type: ignore[arg-type]


def notice(**said: object) -> MissionProfile:
    return replace(PROFILE, notice=replace(PROFILE.notice, **said))  # type: ignore[arg-type]


def signal(**said: object) -> MissionProfile:
    return replace(PROFILE, signal=replace(PROFILE.signal, **said))  # type: ignore[arg-type]


def telegram(**said: object) -> MissionProfile:
    return replace(PROFILE, telegram=replace(PROFILE.telegram, **said))  # type: ignore[arg-type]


def test_a_well_formed_profile_has_no_mistakes() -> None:
    assert mistakes(PROFILE) == []


@pytest.mark.parametrize(
    "profile",
    [
        signal(link="https://signal.me/#eu/AbC-_12", vanish_hours=1, receipts=False),
        signal(link="", vanish_hours=4 * 7 * 24),
        signal(username="", link="", fingerprint_url=""),
        telegram(display_name="x" * 64, name={"es": "x" * 64}),
        telegram(description={"es": "x" * 512}, short_description={"es": "x" * 120}),
        telegram(name={}, description={}, short_description={}),
        replace(PROFILE, own_words=("signal", "telegram", "terminal")),
        replace(PROFILE, own_words=()),
        replace(PROFILE, alarming={"es": ("la fiscalía",), "en": ()}),
        replace(PROFILE, notice=Notice()),
    ],
)
def test_what_the_messengers_take_is_no_mistake(profile: MissionProfile) -> None:
    assert mistakes(profile) == []


def test_a_name_that_says_nothing_is_named_by_its_key() -> None:
    for key in ("name", "description", "short_description"):
        found = mistakes(telegram(**{key: {"es": " "}}))
        assert {named for named, _ in found} == {f"telegram.{key}"}
        assert found


def test_the_name_in_the_list_of_chats_tells_nothing_unless_the_mission_chooses_another() -> None:
    assert TelegramAddress().display_name == "Postigo"


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (signal(username="", link=""), ""),
        (signal(username="", link="https://signal.me/#eu/abc"), ""),
        (signal(link=""), "postigo.42"),
        (signal(link="https://signal.me/#eu/abc"), "postigo.42 (https://signal.me/#eu/abc)"),
    ],
)
def test_a_person_finds_the_bot_on_signal_by_its_name_and_its_link(profile: MissionProfile, words: str) -> None:
    assert signal_words(profile) == words


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
        (replace(PROFILE, accept_unreviewed=("fr",)), "accept_unreviewed"),
        (replace(PROFILE, name={"en": "the mission"}), "name"),
        (replace(PROFILE, name={"es": " "}), "name"),
        (replace(PROFILE, limits={"Spanish": "nada"}), "limits"),
        (replace(PROFILE, limits={"es": ""}), "limits"),
        (replace(PROFILE, minors_policy={"es": ""}), "minors_policy"),
        (topic(text={"es": ""}), "topics.visas.text"),
        (topic(source_url="a friend"), "topics.visas.source_url"),
        (topic(verified_on=DAY, expires_on=DAY), "topics.visas.expires_on"),
        (notice(text={"es": " "}), "notice.text"),
        (notice(text={}), "notice.version"),
        (notice(version=""), "notice.version"),
        (notice(legal_contact="our lawyer"), "notice.legal_contact"),
        (notice(legal_contact="privacy@example"), "notice.legal_contact"),
        (replace(PROFILE, promised_times={0: {"es": "ya"}}), "promised_times"),
        (replace(PROFILE, promised_times={5: {"es": "nunca"}}), "promised_times"),
        (replace(PROFILE, promised_times={2: {"Spanish": "mañana"}}), "promised_times.2"),
        (replace(PROFILE, promised_times={2: {"es": ""}}), "promised_times.2"),
        (replace(PROFILE, signal=SignalAddress("postigo")), "signal.username"),
        (replace(PROFILE, signal=SignalAddress("+5215512345678")), "signal.username"),
        (replace(PROFILE, signal=SignalAddress(fingerprint_url="http://example.org")), "signal.fingerprint_url"),
        (replace(PROFILE, telegram=TelegramAddress("https://t.me/postigo_bot")), "telegram.handle"),
        (signal(link="http://signal.me/#eu/abc"), "signal.link"),
        (signal(link="sgnl://signal.me/#eu/abc"), "signal.link"),
        (signal(link="https://signal.me/#eu/a b"), "signal.link"),
        (signal(vanish_hours=0), "signal.vanish_hours"),
        (signal(vanish_hours=-1), "signal.vanish_hours"),
        (signal(vanish_hours=4 * 7 * 24 + 1), "signal.vanish_hours"),
        (telegram(display_name=""), "telegram.display_name"),
        (telegram(display_name="  "), "telegram.display_name"),
        (telegram(display_name="x" * 65), "telegram.display_name"),
        (telegram(name={"es": "x" * 65}), "telegram.name"),
        (telegram(name={"Spanish": "Postigo"}), "telegram.name"),
        (telegram(description={"es": "x" * 513}), "telegram.description"),
        (telegram(description={"Spanish": "Un programa."}), "telegram.description"),
        (telegram(short_description={"es": "Un programa.", "en": "x" * 121}), "telegram.short_description"),
        (telegram(short_description={"Spanish": "Un programa."}), "telegram.short_description"),
        (contacts(replace(CERTIFIED, address="officer")), "contact 1: address"),
        (replace(PROFILE, duty=Duty("soon")), "duty.morning"),
        (replace(PROFILE, areas={}), "areas"),
        (replace(PROFILE, areas={"Estado de México": "México"}), "areas"),
        (replace(PROFILE, areas={"mex": ""}), "areas"),
        (replace(PROFILE, areas={"skip": "México"}), "areas"),
        (replace(PROFILE, areas={"MEX": "México"}), "areas"),
        (place(name=""), "resources 1: name"),
        (replace(PROFILE, resources=(RESOURCE, replace(RESOURCE, contact=" "))), "resources 2: contact"),
        (place(contact="ask anybody"), "resources 1: contact"),
        (place(contact="+1 555, or help@nowhere"), "resources 1: contact"),
        (place(contact="help@example..org"), "resources 1: contact"),
        (replace(PROFILE, crisis_lines=(replace(RESOURCE, source_url="a friend"),)), "crisis_lines 1: source_url"),
        (place(level=5), "resources 1: level"),
        (place(expires_on=DAY), "resources 1: expires_on"),
        (kept(intake_minutes=4), "retention.intake_minutes"),
        (kept(intake_minutes=600, urgent_minutes=300), "retention.intake_minutes"),
        (kept(urgent_minutes=1441), "retention.urgent_minutes"),
        (kept(case_minutes=20161), "retention.case_minutes"),
        (replace(PROFILE, window_minutes=-1), "window_minutes"),
        (replace(PROFILE, own_words=("signal", "carrier pigeon")), "own_words"),
    ],
)
def test_each_mistake_is_named_by_its_key(profile: MissionProfile, key: str) -> None:
    ((named, expected),) = mistakes(profile)
    assert named == key
    assert "\n" not in expected


def test_a_profile_without_languages_has_no_name_in_one_either() -> None:
    assert [key for key, _ in mistakes(replace(PROFILE, languages=()))] == ["languages", "name"]


@pytest.mark.parametrize(
    "contact",
    [
        "911",
        "٩١١",
        "55 3958 5629",
        "(help@example.org), +353 1 21 00 489.",
        "https://example.org/@help",
        "example.org",
        "Telegram: @helpline",
    ],
)
def test_a_place_is_reached_by_a_number_a_page_an_address_or_a_handle(contact: str) -> None:
    assert mistakes(place(contact=contact)) == []


def test_a_code_of_an_area_may_be_of_any_script() -> None:
    assert mistakes(replace(PROFILE, areas={"کابل": "کابل", "nuevo-leon": "Nuevo León", "09": "CDMX"})) == []


def test_a_handle_may_be_written_without_its_sign() -> None:
    assert mistakes(replace(PROFILE, telegram=TelegramAddress("postigo_bot"))) == []
