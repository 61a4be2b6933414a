"""The mission profile: everything that makes this bot one diplomatic post's, as frozen values.

What the post has confirmed and what it hasn't is judged here, by date. Reading files belongs to `bot/settings/`,
whether a value is well formed to `profile_rules.py`, who is told of a case to `roster.py` and `duty.py`. What is
unconfirmed or out of date is never shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from bot.handoff.roster import Contact as Contact  # noqa: PLC0414 - found here too, by whoever reads a profile
from bot.handoff.roster import Duty
from bot.handoff.roster import Mode as Mode  # noqa: PLC0414 - the same

AGES_AFTER_DAYS = 90  # from then on `findings` asks to confirm a fact again
SHOWN_FOR_DAYS = 180  # a fact confirmed longer ago isn't shown: phone lines close, programmes end
MILDEST = 4  # triage levels: 1 immediate danger, 2 high, 3 serious, 4 information


class Support(StrEnum):
    """The forms of support that governments name in their guidelines; a profile tells which this mission gives."""

    CONTACT_OFFICER = "contact_officer"
    MEETINGS = "meetings"
    FIELD_VISIT = "field_visit"
    ACCOMPANIMENT = "accompaniment"
    RAISE_CASE = "raise_case"
    PUBLIC_STATEMENT = "public_statement"
    TRIAL_OBSERVATION = "trial_observation"
    DETENTION_VISIT = "detention_visit"
    AWARDS = "awards"
    REPORTING = "reporting"
    EMERGENCY_FUNDS = "emergency_funds"
    PROJECT_FUNDS = "project_funds"
    RELOCATION = "relocation"
    VISAS = "visas"
    RESETTLEMENT = "resettlement"
    BUSINESS = "business"
    REPRISALS = "reprisals"
    COORDINATION = "coordination"
    WHRD = "whrd"
    LGBTIQ = "lgbtiq"
    PSYCHOSOCIAL = "psychosocial"
    DO_NO_HARM = "do_no_harm"
    CONSENT = "consent"
    DATA_PROTECTION = "data_protection"
    FEEDBACK = "feedback"


class Availability(StrEnum):
    """Whether the mission gives a form of support."""

    YES = "yes"
    NO = "no"
    CASE_BY_CASE = "case_by_case"
    UNKNOWN = "unknown"


class Formality(StrEnum):
    """How a language addresses the person: Spanish usted or tú."""

    FORMAL = "formal"
    INFORMAL = "informal"


class WhoRuns(StrEnum):
    """Who stands behind a resource, so that the person can judge whom to trust."""

    STATE = "state"
    NGO = "ngo"
    UN = "un"
    MISSION = "mission"
    OTHER = "other"


class Audience(StrEnum):
    """Whom a resource is for."""

    EVERYONE = "everyone"
    JOURNALISTS = "journalists"
    WOMEN = "women"
    LGBTIQ = "lgbtiq"
    INDIGENOUS = "indigenous"
    ORGANISATIONS = "organisations"
    DIGITAL = "digital"


@dataclass(frozen=True, slots=True)
class Resource:
    """A place outside the mission where help can be found, and when the mission last confirmed it."""

    name: str
    contact: str  # the words shown: a number, an address, a page
    who_runs_it: WhoRuns
    source_url: str
    verified_on: date
    verified_by: str = ""  # never shown: whom the mission asks when it confirms again
    expires_on: date | None = None  # the first day on which it isn't shown any more
    audience: Audience = Audience.EVERYONE
    level: int = MILDEST  # the mildest triage level it is for; 1: immediate danger only


@dataclass(frozen=True, slots=True)
class Topic:
    """What the mission says about one form of support."""

    availability: Availability = Availability.UNKNOWN
    text: Mapping[str, str] = field(default_factory=dict)  # language -> words
    source_url: str = ""
    verified_on: date | None = None
    verified_by: str = ""
    expires_on: date | None = None  # the first day on which it is unknown again


@dataclass(frozen=True, slots=True)
class SignalAddress:
    """Where the mission publishes that its bot is on Signal."""

    username: str = ""  # with its digits: postigo.42
    fingerprint_url: str = ""  # the page that prints what a person compares
    link: str = ""  # opens a chat with the bot: https://signal.me/…
    vanish_hours: int = 24  # the disappearing-message timer that the bot sets
    receipts: bool = True  # whether the person sees that a message was read


@dataclass(frozen=True, slots=True)
class TelegramAddress:
    """Where the mission publishes that its bot is on Telegram."""

    account: str = ""  # its handle, with or without the @
    display_name: str = "Postigo"  # plain: somebody else may look at the list of chats
    name: Mapping[str, str] = field(default_factory=dict)  # language -> instead of `display_name`
    description: Mapping[str, str] = field(default_factory=dict)  # language -> shown before a chat begins
    short_description: Mapping[str, str] = field(default_factory=dict)  # language -> shown on the bot's page


@dataclass(frozen=True, slots=True)
class Notice:
    """What the mission itself says about how it treats what it is told."""

    version: str = ""  # another one whenever the text changes
    text: Mapping[str, str] = field(default_factory=dict)  # language -> words
    legal_contact: str = ""  # a number, an address, a page


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is kept stays, in minutes."""

    intake_minutes: int = 30  # an unanswered question
    urgent_minutes: int = 24 * 60  # the same after SOS or danger "now"
    case_minutes: int = 14 * 24 * 60  # the case record and the return code


@dataclass(frozen=True, slots=True)
class MissionProfile:
    """Everything that makes this bot one diplomatic post's. Empty means: not confirmed, so not said."""

    id: str
    name: Mapping[str, str]  # language -> name
    country_served: tuple[str, ...]  # ISO 3166-1, two letters
    languages: tuple[str, ...]  # offered, in order; an SOS whose language nobody knows is answered in the first two
    zone: str  # IANA name: the times that a person and an officer read
    areas: Mapping[str, str]  # code -> label, shown as it stands in every language
    contacts: tuple[Contact, ...] = ()
    duty: Duty = field(default_factory=Duty)
    official_site: str = ""  # where the person can check that this bot is the mission's
    signal: SignalAddress = field(default_factory=SignalAddress)
    telegram: TelegramAddress = field(default_factory=TelegramAddress)
    verified_on: date | None = None
    last_reviewed: date | None = None
    reviewer: str = ""
    delivery_mode: Mode = Mode.OPENPGP  # what a contact is sent whose own mode the file leaves out
    formality: Mapping[str, Formality] = field(default_factory=dict)  # language -> form of address
    resources: tuple[Resource, ...] = ()
    crisis_lines: tuple[Resource, ...] = ()  # for someone who speaks of ending their life
    topics: Mapping[Support, Topic] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)  # language -> what the mission cannot do
    promised_times: Mapping[int, Mapping[str, str]] = field(default_factory=dict)  # level -> language -> words
    notice: Notice = field(default_factory=Notice)
    minors_policy: Mapping[str, str] = field(default_factory=dict)  # language -> words
    retention: Retention = field(default_factory=Retention)
    window_minutes: int = 120  # a case of level 3 or 4 leaves at a random minute of these
    accept_unreviewed: tuple[str, ...] = ()  # languages that nobody has read yet, and that are offered all the same
    own_words: tuple[str, ...] = ("signal", "terminal")  # channels on which own words may be asked for
    alarming: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # language -> more words no lock screen shows

    def in_language(self, texts: Mapping[str, str], language: str) -> str:
        """Return the text in `language`, else in the first of the profile's languages that has one, else ""."""
        return next((texts[tag] for tag in (language, *self.languages) if tag in texts), "")


def shown_resources(profile: MissionProfile, today: date, level: int = 1) -> tuple[Resource, ...]:
    """Return what may be shown in a case of `level`, in the profile's order; the graver, the more."""
    return tuple(one for one in profile.resources if level <= one.level and _stands(one, today))


def shown_crisis_lines(profile: MissionProfile, today: date) -> tuple[Resource, ...]:
    """Return the crisis lines that may be shown, in the profile's order."""
    return tuple(line for line in profile.crisis_lines if _stands(line, today))


def availability(profile: MissionProfile, support: str, today: date) -> Availability:
    """Return whether the mission gives this form of support: UNKNOWN unless it has lately confirmed it."""
    topic = profile.topics.get(Support(support), Topic())
    return topic.availability if _stands(topic, today) else Availability.UNKNOWN


def signal_words(profile: MissionProfile) -> str:
    """Return how a person finds the bot on Signal: its username, and its link where there is one; "" for nowhere."""
    signal = profile.signal
    return f"{signal.username} ({signal.link})" if signal.username and signal.link else signal.username


def run_refusals(profile: MissionProfile) -> list[str]:
    """Return what forbids running for real people, a sentence each; age alone forbids nothing (see `findings`)."""
    needed = (
        (profile.verified_on, "verified_on is missing: the mission has not confirmed this profile"),
        (profile.official_site, "official_site is missing: nobody could check that this bot is the mission's"),
        (profile.resources, "there is no [[resources]]: there is nowhere else to send a person"),
        (profile.crisis_lines, "there is no [[crisis_lines]]: somebody may speak of ending their life"),
        (profile.contacts, "there is no [[contact]]: a case would reach nobody"),
    )
    return [sentence for present, sentence in needed if not present]


def findings(profile: MissionProfile, today: date) -> list[str]:
    """Return what the mission has to confirm or complete, a sentence each."""
    return [
        *run_refusals(profile),
        *_unsealed(profile.contacts),
        *_age("verified_on: the profile", profile.verified_on, today, hides=False),
        *(sentence for one in profile.resources for sentence in _standing(f"resources “{one.name}”", one, today)),
        *(sentence for one in profile.crisis_lines for sentence in _standing(f"crisis_lines “{one.name}”", one, today)),
        *_topic_findings(profile.topics, today),
    ]


def _stands(fact: Resource | Topic, today: date) -> bool:
    if fact.verified_on is None or _over(fact, today):
        return False
    return 0 <= (today - fact.verified_on).days <= SHOWN_FOR_DAYS


def _over(fact: Resource | Topic, today: date) -> bool:
    return fact.expires_on is not None and fact.expires_on <= today


def _unsealed(contacts: Sequence[Contact]) -> Iterator[str]:
    for contact in contacts:
        if contact.mode is not Mode.NOTICE and not contact.certificate:
            yield f"contact {contact.address}: {contact.mode} is missing, so nothing can be sealed to it"


def _topic_findings(topics: Mapping[Support, Topic], today: date) -> Iterator[str]:
    for support, topic in topics.items():
        if topic.availability is not Availability.UNKNOWN and topic.verified_on is None:
            yield f"topics.{support} has never been confirmed and is told as unknown"
        yield from _standing(f"topics.{support}", topic, today)


def _standing(what: str, fact: Resource | Topic, today: date) -> Iterator[str]:
    """Yield a sentence if what was once confirmed isn't told any more, or soon won't be."""
    if _over(fact, today):
        yield f"{what} expired on {fact.expires_on} and isn't told any more: confirm it again, or take it out"
    else:
        yield from _age(what, fact.verified_on, today)


def _age(what: str, verified_on: date | None, today: date, *, hides: bool = True) -> Iterator[str]:
    """Yield a sentence if what was confirmed on that day needs to be confirmed again, or can't have been."""
    if verified_on is None:
        return
    days = (today - verified_on).days
    if days < 0:
        yield f"{what} is marked as confirmed on {verified_on}, a day to come"
    elif days > AGES_AFTER_DAYS:
        hidden = " and isn't told any more" if hides and days > SHOWN_FOR_DAYS else ""
        yield f"{what} was confirmed {days} days ago{hidden}: confirm it again"
