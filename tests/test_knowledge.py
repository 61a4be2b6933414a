"""What one mission's bot knows: the languages it offers, the places it shows, the support it tells of."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot import knowledge
from bot.content import content
from bot.conversation.model import Line, Say
from bot.errors import LanguageError
from bot.handoff.mission import Audience, Availability, MissionProfile, Resource, Support, Topic, WhoRuns
from bot.knowledge import accepted_languages, know, unread_languages
from bot.language import catalogs
from bot.language.catalogs import LANGUAGES, PSEUDO
from bot.language.extract import messages
from bot.language.registry import Status, fingerprint
from bot.settings import read_mission

TODAY = date(2026, 11, 21)
LINE = Resource("Line", "+1 556", WhoRuns.STATE, "https://line.example", TODAY, audience=Audience.WOMEN)
SHELTER = Resource("Shelter", "+1 555", WhoRuns.NGO, "https://shelter.example", TODAY)
MEETINGS = Topic(Availability.YES, {"en": "On Mondays."}, "https://example.org/meet", TODAY)


@pytest.fixture
def profile() -> MissionProfile:
    example = read_mission(content("missions") / "us-mexico.toml")
    return replace(
        example,
        languages=("en", "es"),
        crisis_lines=(LINE,),
        resources=(SHELTER,),
        topics={Support.MEETINGS: MEETINGS},
    )


# ── which languages are offered ──────────────────────────────────────────────────────────────────────────


def test_a_language_that_nobody_has_read_is_offered_only_where_the_mission_accepts_it_so(
    profile: MissionProfile,
) -> None:
    assert LANGUAGES["es"].status is Status.MACHINE
    assert (accepted_languages(profile), unread_languages(profile)) == (("en",), ["es"])
    accepts = replace(profile, accept_unreviewed=("es",))
    assert (accepted_languages(accepts), unread_languages(accepts)) == (("en", "es"), [])


def test_a_language_that_was_read_needs_nobody_to_accept_it(
    profile: MissionProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = messages()
    now = fingerprint(catalogs.load(["es"]).safety("es", needed))
    read = {"es": replace(LANGUAGES["es"], status=Status.REVIEWED, safety=now)}
    monkeypatch.setattr(catalogs, "LANGUAGES", {**LANGUAGES, **read})
    assert accepted_languages(profile) == ("en", "es")
    monkeypatch.setattr(knowledge, "messages", lambda: [("say.unsent", "Other words."), *needed])
    assert "es" not in accepted_languages(profile), "incomplete, and no longer what was read"


def test_a_language_without_a_catalog_is_told(profile: MissionProfile) -> None:
    for tag in ("tlh", PSEUDO):
        with pytest.raises(LanguageError, match=tag):
            accepted_languages(replace(profile, languages=("en", tag), accept_unreviewed=(tag,)))


# ── what is shown of other places ────────────────────────────────────────────────────────────────────────


def test_a_place_stands_there_with_who_runs_it_for_whom_the_day_and_the_source(profile: MissionProfile) -> None:
    standing = know(profile, TODAY).standing
    assert standing["en"]["crisis_lines"] == (
        "Line, run by the state: +1 556 For women. Checked on November 21, 2026: https://line.example"
    )
    assert standing["en"]["contacts"] == (
        "Shelter, run by civil society: +1 555 For everyone. Checked on November 21, 2026: https://shelter.example"
    )
    spanish = standing["es"]["crisis_lines"]
    assert all(part in spanish for part in ("Line", "+1 556", "21 de noviembre de 2026", "https://line.example"))
    assert not any(word in spanish for word in ("run by", "Checked", "For women"))


def test_what_was_checked_too_long_ago_is_shown_no_more_and_the_bare_form_is_said(profile: MissionProfile) -> None:
    known = know(profile, TODAY)
    assert (known.book.crisis, known.book.contacts) == (True, True)
    assert known.book.gives["meetings"].availability == "yes"
    later = known.on(TODAY + timedelta(days=181))
    assert (later.crisis, later.contacts, later.gives) == (False, False, {})
    assert known.standing["en"]["crisis_lines"] == ""


def test_what_a_mission_does_goes_with_its_day_its_source_and_its_own_words(profile: MissionProfile) -> None:
    known = know(profile, TODAY)
    gives = known.book.gives["meetings"]
    assert (gives.day, gives.source, gives.own) == ("2026-11-21", "https://example.org/meet", True)
    assert known.standing["es"]["own meetings"] == "On Mondays.", "in the first language that has some"
    assert set(known.book.gives) == {"meetings"}


@pytest.mark.parametrize(
    "topic",
    [
        replace(MEETINGS, availability=Availability.UNKNOWN),
        replace(MEETINGS, verified_on=None),
        replace(MEETINGS, verified_on=TODAY - timedelta(days=181)),
    ],
)
def test_what_nobody_has_confirmed_lately_is_unknown(profile: MissionProfile, topic: Topic) -> None:
    assert know(replace(profile, topics={Support.MEETINGS: topic}), TODAY).book.gives == {}


# ── the language for developers ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "changed",
    [
        {"name": {"en": "the other embassy"}},
        {"areas": {"MX-OAX": "Chiapas"}},
        {"languages": ("en", "fr")},
    ],
)
def test_the_version_that_people_consent_to_changes_with_what_they_read(
    profile: MissionProfile, changed: dict[str, object]
) -> None:
    here = know(profile, TODAY).book.flow.version
    assert know(profile, TODAY).book.flow.version == here
    assert know(replace(profile, **changed), TODAY).book.flow.version != here  # type: ignore[arg-type]  # by name


def test_the_version_that_people_consent_to_changes_with_any_translation(
    profile: MissionProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, load = know(profile, TODAY).book.flow.version, catalogs.load

    def corrected(tags: Sequence[str]) -> catalogs.Catalogs:
        loaded = load(tags)
        one = next(iter(loaded.texts["es"]))
        return replace(loaded, texts={**loaded.texts, "es": {**loaded.texts["es"], one: "otra palabra"}})

    monkeypatch.setattr(knowledge, "load", corrected)
    assert know(profile, TODAY).book.flow.version != here


def test_the_language_for_developers_is_known_only_where_it_is_asked_for(profile: MissionProfile) -> None:
    known = know(replace(profile, languages=("en", PSEUDO)), TODAY)
    assert PSEUDO in known.spoken
    assert known.spoken[PSEUDO]("say.unsent", "Nothing has been sent yet.").startswith("\u2067⟦Nóóthííng")
    assert PSEUDO not in know(profile, TODAY).spoken


@pytest.mark.parametrize("page", ["https://mission.example/signal", ""])
def test_the_safety_number_is_compared_on_its_page_or_else_on_the_website(profile: MissionProfile, page: str) -> None:
    signal = replace(profile.signal, fingerprint_url=page)
    known = know(replace(profile, official_site="https://mission.example", signal=signal), TODAY)
    shown = page or "https://mission.example"
    assert f"Open {shown} yourself" in known.renderer(Say((Line("say.verify_signal"),), ("en",)))
