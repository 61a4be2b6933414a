"""Everything that is read from flows/, locales/ and the mission's profile, put together once at start.

Flow, triage, alert texts and catalogs become a Rulebook for the engine, a renderer for the courier and a Reader
for each officer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from bot.content import content
from bot.conversation.asking import Rulebook
from bot.conversation.checks import broken
from bot.conversation.flow import Commands, Flow
from bot.conversation.machine import Paths
from bot.conversation.model import Words
from bot.conversation.reading import read_commands, read_flow
from bot.errors import FlowError, LanguageError
from bot.handoff.alert import Reader, Texts, read_alert
from bot.handoff.mission import MissionProfile, shown_resources, signal_words
from bot.handoff.triage import Triage, read_triage
from bot.language.catalogs import LANGUAGES, Catalogs, load
from bot.language.extract import messages
from bot.language.places import city, language_names, span
from bot.language.vocabulary import vocabulary
from bot.language.wording import Renderer, renderer

ENGLISH = "en"
SPOKEN_AT_ONCE = 2  # languages, to a person whose language nobody knows

Standing = dict[str, dict[str, str]]  # by language: what the mission puts into places


@dataclass(frozen=True, slots=True)
class Content:
    """What flows/ says, for any mission."""

    flow: Flow
    commands: Commands
    triage: Triage
    alert: Texts


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

    def reader(self, language: str) -> Reader:
        """Return what an alert needs to be written in an officer's language. Raises LanguageError."""
        return Reader(
            self.catalogs.words(language),
            self.zone,
            city(self.profile.zone, language),
            language_names(language),
            self.content.flow,
            self.content.triage,
            self.content.alert,
        )

    def on(self, today: date) -> Rulebook:
        """Return the rules as of a day: a resource that was confirmed too long ago is no longer shown."""
        for tag, values in _standing(self.content.flow, self.profile, self.catalogs, today).items():
            self.standing[tag].update(values)
        return replace(self.book, contacts=bool(shown_resources(self.profile, today)))


def read_content() -> Content:
    """Read flows/. Raises FlowError."""
    read = {name: (content("flows") / name).read_text(encoding="utf-8") for name in _FILES}
    return Content(
        read_flow(read["intake.toml"], "flows/intake.toml"),
        read_commands(read["commands.toml"], "flows/commands.toml"),
        read_triage(read["triage.toml"], "flows/triage.toml"),
        read_alert(read["alert.toml"], "flows/alert.toml"),
    )


_FILES = ("intake.toml", "commands.toml", "triage.toml", "alert.toml")


def know(profile: MissionProfile, today: date) -> Knowledge:
    """Put together what one mission's bot knows.

    Raises:
        FlowError: flows/ is wrong.
        LanguageError: a language of the profile, or of an officer, is missing or incomplete.

    """
    read = read_content()
    officers = [contact.language for contact in profile.contacts]
    catalogs = load((*profile.languages, *officers))
    _refuse_incomplete(catalogs, dict.fromkeys((*profile.languages, *officers)))
    flow = read.flow.with_choices("areas", profile.areas)
    flow = flow.with_choices("languages", {tag: LANGUAGES[tag].autonym for tag in profile.languages})
    _refuse_broken(flow)
    filled = Content(flow, read.commands, read.triage, read.alert)
    standing: Standing = {tag: {} for tag in catalogs.tags}
    spoken: dict[str, Words] = {tag: catalogs.words(tag) for tag in catalogs.tags}
    book = _book(filled, profile, catalogs, today)
    known = Knowledge(
        filled,
        profile,
        catalogs,
        book,
        spoken,
        renderer(flow, spoken, _alarming(read.commands, profile), standing),
        ZoneInfo(profile.zone),
        standing,
    )
    known.on(today)
    return known


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
        contacts=bool(shown_resources(profile, today)),
        site=bool(profile.official_site),
        signal=bool(signal_words(profile)),
        window=timedelta(minutes=profile.window_minutes),
        own_words=frozenset(profile.own_words),
        intake_lives=timedelta(minutes=retention.intake_minutes),
        urgent_lives=timedelta(minutes=retention.urgent_minutes),
        case_lives=timedelta(minutes=retention.case_minutes),
    )


def _standing(flow: Flow, profile: MissionProfile, catalogs: Catalogs, today: date) -> Standing:
    retention = profile.retention
    spans = {
        "minutes": str(retention.intake_minutes),
        "hours": str(retention.urgent_minutes // 60),
        "days": str(retention.case_minutes // (24 * 60)),
        "window": str(profile.window_minutes),
        "site": profile.official_site,
        "signal": signal_words(profile),
    }
    return {
        tag: {
            **spans,
            "mission": profile.in_language(profile.name, tag),
            "place": city(profile.zone, tag),
            "vanish": span(timedelta(hours=profile.signal.vanish_hours), tag),
            "contacts": _contacts(flow, profile, catalogs.words(tag), today),
        }
        for tag in catalogs.tags
    }


def _contacts(flow: Flow, profile: MissionProfile, words: Words, today: date) -> str:
    """Return the confirmed resources, one a line, with who runs each: the person must be able to judge."""
    lines = []
    for one in shown_resources(profile, today):
        name = f"runs_{one.who_runs_it.value}"
        lines.append(words(f"say.{name}", flow.texts[name], {"name": one.name, "contact": one.contact}))
    return "\n".join(lines)
