"""Everything that is read from flows/, locales/ and the mission's profile, put together once at start.

Flow, triage, alert texts and catalogs become a Rulebook for the engine, a renderer for the courier and a Reader
for each officer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import TypedDict
from zoneinfo import ZoneInfo

from bot.content import content
from bot.conversation.asking import Gives, Rulebook
from bot.conversation.checks import broken
from bot.conversation.crisis import Phrases, crises
from bot.conversation.flow import Commands, Flow
from bot.conversation.guide import with_guide
from bot.conversation.machine import Paths
from bot.conversation.model import Words
from bot.conversation.reading import read_commands, read_crisis, read_flow, read_guide
from bot.errors import FlowError, LanguageError
from bot.handoff.alert import Reader, Texts, read_alert, read_duty
from bot.handoff.docket import HELD_FOR
from bot.handoff.duty import first_wait, opens
from bot.handoff.mission import (
    Availability,
    MissionProfile,
    Mode,
    Resource,
    availability,
    shown_crisis_lines,
    shown_resources,
    signal_words,
)
from bot.handoff.orders import LEVELS
from bot.handoff.triage import Triage, read_triage
from bot.language.catalogs import LANGUAGES, PSEUDO, Catalogs, load
from bot.language.extract import messages
from bot.language.places import Unit, amount, city, day, language_names, span, territory
from bot.language.pseudo import with_pseudo
from bot.language.registry import Status
from bot.language.vocabulary import vocabulary
from bot.language.wording import Renderer, renderer

ENGLISH = "en"
SPOKEN_AT_ONCE = 2  # languages, to a person whose language nobody knows

_MINUTES: Mapping[Unit, int] = {"day": 24 * 60, "hour": 60, "minute": 1}

Standing = dict[str, dict[str, str]]  # by language: what the mission puts into places


@dataclass(frozen=True, slots=True)
class Content:
    """What flows/ says, for any mission."""

    flow: Flow
    commands: Commands
    triage: Triage
    alert: Texts
    duty: Texts
    crisis: Mapping[str, Phrases]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What one mission's bot knows."""

    content: Content  # with the mission's areas and languages filled in
    profile: MissionProfile
    catalogs: Catalogs
    book: Rulebook
    spoken: Mapping[str, Words]  # by language
    renderer: Renderer
    zone: ZoneInfo
    standing: Standing

    def reader(self, language: str, zone: str = "") -> Reader:
        """Return what an alert needs to be written for an officer: language, and clock if not the mission's.

        Raises LanguageError.
        """
        zone = zone or self.profile.zone
        return Reader(
            self.catalogs.words(language),
            ZoneInfo(zone),
            city(zone, language),
            language_names(language),
            self.content.flow,
            self.content.triage,
            self.content.alert,
            _country(self.profile, language),
            self.content.duty,
        )

    def on(self, today: date) -> Rulebook:
        """Return the rules as of a day: a resource that was confirmed too long ago is no longer shown."""
        for tag, values in _standing(self.content.flow, self.profile, self.catalogs, today).items():
            self.standing[tag].update(values)
        return replace(self.book, **_shown(self.profile, today))


def read_content() -> Content:
    """Read flows/. Raises FlowError."""
    read = {name: (content("flows") / name).read_text(encoding="utf-8") for name in _FILES}
    guide = read_guide(read["guide.toml"], "flows/guide.toml")
    return Content(
        with_guide(read_flow(read["intake.toml"], "flows/intake.toml"), guide, TELL),
        read_commands(read["commands.toml"], "flows/commands.toml"),
        read_triage(read["triage.toml"], "flows/triage.toml"),
        read_alert(read["alert.toml"], "flows/alert.toml"),
        read_duty(read["duty.toml"], "flows/duty.toml"),
        read_crisis(read["crisis.toml"], "flows/crisis.toml"),
    )


_FILES = ("intake.toml", "guide.toml", "commands.toml", "triage.toml", "alert.toml", "duty.toml", "crisis.toml")
TELL = "whom"  # the step at which a case begins to be told
UNSPACED = ("zh-Hans",)  # languages that put no spaces between words


def know(profile: MissionProfile, today: date) -> Knowledge:
    """Put together what one mission's bot knows.

    Raises:
        FlowError: flows/ is wrong.
        LanguageError: a language of the profile, or of an officer, is missing or incomplete.

    """
    read = read_content()
    officers = [contact.language for contact in profile.contacts]
    catalogs = _catalogs((*profile.languages, *officers))
    _refuse_incomplete(catalogs, dict.fromkeys((*profile.languages, *officers)))
    flow = read.flow.with_choices("areas", profile.areas)
    flow = flow.with_choices("languages", {tag: LANGUAGES[tag].autonym for tag in profile.languages})
    _refuse_broken(flow)
    words = [sorted(catalogs.texts.get(tag, {}).items()) for tag in profile.languages]
    flow = flow.worded(words, profile.languages, profile.areas, sorted(profile.name.items()))
    filled = replace(read, flow=flow)
    standing: Standing = {tag: {} for tag in catalogs.tags}
    spoken: dict[str, Words] = {tag: catalogs.words(tag) for tag in catalogs.tags}
    book = _book(filled, profile, catalogs, today)
    known = Knowledge(
        filled,
        profile,
        catalogs,
        book,
        spoken,
        renderer(flow, spoken, _alarming(read.commands, profile), standing, dict(read.duty.messages())),
        ZoneInfo(profile.zone),
        standing,
    )
    known.on(today)
    return known


def _catalogs(languages: Sequence[str]) -> Catalogs:
    catalogs = load([tag for tag in languages if tag != PSEUDO])
    return with_pseudo(catalogs, messages()) if PSEUDO in languages else catalogs


def _alarming(commands: Commands, profile: MissionProfile) -> Commands:
    """Return the commands with the words that this mission, too, wants on no locked screen."""
    tags = {*commands.alarming, *profile.alarming}
    both = {tag: (*commands.alarming.get(tag, ()), *profile.alarming.get(tag, ())) for tag in tags}
    return replace(commands, alarming=both)


def complete_languages(wanted: Sequence[str]) -> tuple[str, ...]:
    """Return those of `wanted` that are completely translated, English if none is."""
    needed = messages()
    found = []
    for tag in wanted:
        try:
            found += [tag] if load([tag]).complete(tag, needed) else []
        except LanguageError:
            continue
    return tuple(found) or (ENGLISH,)


def accepted_languages(profile: MissionProfile) -> tuple[str, ...]:
    """Return the languages to offer: complete, and read by somebody or accepted by the mission as they are.

    Raises LanguageError: a catalog is missing or can't be read.
    """
    needed, catalogs, unread = messages(), load(profile.languages), unread_languages(profile)
    return tuple(tag for tag in profile.languages if catalogs.complete(tag, needed) and tag not in unread)


def unread_languages(profile: MissionProfile) -> list[str]:
    """Return the languages that nobody has read and that the mission hasn't accepted so. Raises LanguageError."""
    needed, catalogs = messages(), load(profile.languages)
    unread = [tag for tag in profile.languages if catalogs.status(tag, needed) is Status.MACHINE]
    return [tag for tag in unread if tag not in profile.accept_unreviewed]


def _refuse_broken(flow: Flow) -> None:
    sentences = broken(flow)
    if sentences:
        raise FlowError(sentences[0])


def _refuse_incomplete(catalogs: Catalogs, languages: dict[str, None]) -> None:
    needed = messages()
    for tag in languages:
        missing = catalogs.missing(tag, needed)
        if missing:
            raise LanguageError(f"locales/{tag}: {len(missing)} texts are not translated, first {missing[0]}")


def _book(read: Content, profile: MissionProfile, catalogs: Catalogs, today: date) -> Rulebook:
    retention = profile.retention
    return Rulebook(
        flow=read.flow,
        paths=Paths(read.flow),
        known=vocabulary(read.flow, read.commands, profile.languages, catalogs),
        assess=read.triage.assess,
        fallback=profile.languages[:SPOKEN_AT_ONCE],
        **_shown(profile, today),
        crises=crises(read.crisis, UNSPACED),
        site=bool(profile.official_site),
        signal=bool(signal_words(profile)),
        window=timedelta(minutes=profile.window_minutes),
        own_words=frozenset(profile.own_words),
        intake_lives=timedelta(minutes=retention.intake_minutes),
        urgent_lives=timedelta(minutes=retention.urgent_minutes),
        case_lives=timedelta(minutes=retention.case_minutes),
        first_wait={level: wait for level in LEVELS if (wait := first_wait(profile, level))},
        opens=partial(opens, profile),
        readable=any(contact.mode is Mode.NOTICE for contact in profile.contacts),
        held_for=HELD_FOR if {contact.mode for contact in profile.contacts} == {Mode.NOTICE} else None,
    )


class _Shown(TypedDict):
    contacts: bool
    crisis: bool
    gives: Mapping[str, Gives]


def _shown(profile: MissionProfile, today: date) -> _Shown:
    """Return what this mission has confirmed, as of a day."""
    return {
        "contacts": bool(shown_resources(profile, today)),
        "crisis": bool(shown_crisis_lines(profile, today)),
        "gives": {
            support.value: Gives(known.value, topic.verified_on.isoformat(), topic.source_url, own=bool(topic.text))
            for support, topic in profile.topics.items()
            if (known := availability(profile, support, today)) is not Availability.UNKNOWN and topic.verified_on
        },
    }


def _standing(flow: Flow, profile: MissionProfile, catalogs: Catalogs, today: date) -> Standing:
    retention = profile.retention
    site = profile.official_site
    public = {"site": site, "fingerprint": profile.signal.fingerprint_url or site, "signal": signal_words(profile)}
    return {
        tag: {
            **public,
            "minutes": _lasting(retention.intake_minutes, ("minute",), tag),
            "hours": _lasting(retention.urgent_minutes, ("hour", "minute"), tag),
            "days": _lasting(retention.case_minutes, ("day", "hour", "minute"), tag),
            "window": _lasting(profile.window_minutes, ("minute",), tag),
            "mission": profile.in_language(profile.name, tag),
            "place": city(profile.zone, tag),
            "vanish": span(timedelta(hours=profile.signal.vanish_hours), tag),
            "contacts": _listed(flow, shown_resources(profile, today), catalogs.words(tag), tag),
            "crisis_lines": _listed(flow, shown_crisis_lines(profile, today), catalogs.words(tag), tag),
            **{f"own {support}": profile.in_language(topic.text, tag) for support, topic in profile.topics.items()},
        }
        for tag in catalogs.tags
    }


def _lasting(minutes: int, units: Sequence[Unit], tag: str) -> str:
    """Return a time in the first unit that tells it whole: 90 minutes are no hour."""
    unit = next(one for one in units if minutes % _MINUTES[one] == 0)
    return amount(minutes // _MINUTES[unit], unit, tag)


def _country(profile: MissionProfile, tag: str) -> str:
    """Return the country an area lies in, in an officer's language; nothing for a mission that serves several."""
    return territory(profile.country_served[0], tag) if len(profile.country_served) == 1 else ""


def _listed(flow: Flow, places: Sequence[Resource], words: Words, tag: str) -> str:
    """Return confirmed places, with who runs each, for whom, and since when that is known: the person must judge."""

    def said(text: str, **values: str) -> str:
        return words(f"say.{text}", flow.texts[text], values)

    return "\n".join(
        f"{said(f'runs_{one.who_runs_it}', name=one.name, contact=one.contact)} "
        f"{said('checked', audience=said(f'for_{one.audience}'), day=day(one.verified_on, tag), source=one.source_url)}"
        for one in places
    )
