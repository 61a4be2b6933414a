"""When a mission profile is well formed: each rule names the key it guards and says what was expected there.

Whether what it says is confirmed and recent is `mission.findings`; here a wrong value stops the start.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from bot.handoff.mission import MILDEST, Contact, MissionProfile, Mode, Resource

Mistake = tuple[str, str]  # the key, what was expected

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_TAG = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")  # BCP 47: language, script, region
_COUNTRY = re.compile(r"[A-Z]{2}")  # ISO 3166-1
_ADDRESS = re.compile(r"[!-?A-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")  # plain ASCII: SMTPUTF8 stays off
_FINGERPRINT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")  # OpenPGP version 4, or 6
_PAGE = re.compile(r"https?://[^\s/]+\.[^\s/]+(/\S*)?")
_SITE = re.compile(r"https://[^\s/]+\.[^\s/]+(/\S*)?")

_HOUR = 60  # spans are in minutes
_DAY = 24 * _HOUR
_TWO_WEEKS = 14 * _DAY
_TAKEN = {"more", "skip"}  # choices that every question may offer besides its own
_SEALED_CHANNELS = {"signal", "terminal"}  # Telegram reads what is written to bots


def mistakes(profile: MissionProfile) -> list[Mistake]:
    """Return every key of `profile` that holds something else than it should, with what was expected."""
    rules = (_basics, _spoken, _texts, _chain, _places, _lasting)
    return [mistake for rule in rules for mistake in rule(profile)]


def _basics(profile: MissionProfile) -> Iterator[Mistake]:
    yield from _shaped(_NAME, "id", [profile.id], "a name of lower-case letters, digits and hyphens")
    yield from _shaped(_COUNTRY, "country_served", profile.country_served, "two capital letters a country (ISO 3166-1)")
    if profile.official_site:
        yield from _shaped(_SITE, "official_site", [profile.official_site], "an address that begins with https://")


def _spoken(profile: MissionProfile) -> Iterator[Mistake]:
    if not profile.languages:
        yield "languages", "at least one language tag"
    if len(set(profile.languages)) < len(profile.languages):
        yield "languages", "each language once"
    yield from _shaped(_TAG, "languages", profile.languages, "language tags like es or pt-BR")
    if not set(profile.name) & set(profile.languages):
        yield "name", "the mission's name in one of its languages at least"


def _texts(profile: MissionProfile) -> Iterator[Mistake]:
    tables: list[tuple[str, Mapping[str, str]]] = [
        ("name", profile.name),
        ("formality", profile.formality),
        ("limits", profile.limits),
        *((f"topics.{support}.text", topic.text) for support, topic in profile.topics.items()),
    ]
    for key, table in tables:
        yield from _shaped(_TAG, key, table, "a language tag like es or pt-BR before each text")
        if not all(text.strip() for text in table.values()):
            yield key, "words for each language that is named"


def _chain(profile: MissionProfile) -> Iterator[Mistake]:
    for number, contact in enumerate(profile.contacts, start=1):
        at = f"contact {number}"
        yield from _reached(at, contact)
        yield from _sealed_to(at, contact)
    addresses = [contact.address for contact in profile.contacts]
    if len(set(addresses)) < len(addresses):
        yield "contact", "each address once"
    if profile.contacts and all(contact.after for contact in profile.contacts):
        yield "contact", "one with after = 0, who is told at once"


def _reached(at: str, contact: Contact) -> Iterator[Mistake]:
    urgent = [contact.urgent_address] if contact.urgent_address else []
    yield from _shaped(_ADDRESS, f"{at}: address", [contact.address], "a mail address in plain ASCII")
    yield from _shaped(_ADDRESS, f"{at}: urgent_address", urgent, "a mail address in plain ASCII")
    yield from _shaped(_TAG, f"{at}: language", [contact.language], "a language tag like es or pt-BR")
    yield from _within(f"{at}: after", contact.after, 0, _DAY)


def _sealed_to(at: str, contact: Contact) -> Iterator[Mistake]:
    if contact.mode is Mode.NOTICE and (contact.openpgp or contact.fingerprint):
        yield f"{at}: mode", 'mode = "openpgp" where there is a certificate'
    if bool(contact.openpgp) != bool(contact.fingerprint):
        yield f"{at}: fingerprint", "openpgp and fingerprint together: a certificate is pinned or not used"
    if contact.fingerprint:
        yield from _shaped(_FINGERPRINT, f"{at}: fingerprint", [contact.fingerprint], "40 or 64 hexadecimal digits")


def _places(profile: MissionProfile) -> Iterator[Mistake]:
    if not profile.areas:
        yield "areas", 'at least one area, as in: mex = "México"'
    yield from _shaped(_NAME, "areas", profile.areas, "codes of lower-case letters, digits and hyphens")
    if _TAKEN & set(profile.areas):
        yield "areas", "codes other than more and skip, which mean something else"
    if not all(label.strip() for label in profile.areas.values()):
        yield "areas", "a label for each code"
    for number, resource in enumerate(profile.resources, start=1):
        yield from _resource(f"resource {number}", resource)
    for number, line in enumerate(profile.crisis_lines, start=1):
        yield from _resource(f"crisis_line {number}", line)


def _resource(at: str, resource: Resource) -> Iterator[Mistake]:
    if not resource.name.strip():
        yield f"{at}: name", "a name"
    if not resource.contact.strip():
        yield f"{at}: contact", "how to reach it"
    yield from _shaped(_PAGE, f"{at}: source_url", [resource.source_url], "the page that says so: https://…")
    yield from _within(f"{at}: level", resource.level, 1, MILDEST)


def _lasting(profile: MissionProfile) -> Iterator[Mistake]:
    """Bound each span by what the day keys and the reminder-free design can keep: nothing may be set to stay longer."""
    kept = profile.retention
    yield from _within("retention.urgent_minutes", kept.urgent_minutes, 5, _DAY)
    yield from _within("retention.intake_minutes", kept.intake_minutes, 5, kept.urgent_minutes)
    yield from _within("retention.case_minutes", kept.case_minutes, _HOUR, _TWO_WEEKS)
    yield from _within("window_minutes", profile.window_minutes, 0, _DAY)
    if not set(profile.own_words) <= _SEALED_CHANNELS:
        yield "own_words", "signal and terminal at most: no other channel is encrypted from end to end"


def _shaped(pattern: re.Pattern[str], key: str, values: Iterable[str], expected: str) -> Iterator[Mistake]:
    if not all(pattern.fullmatch(value) for value in values):
        yield key, expected


def _within(key: str, number: int, low: int, high: int) -> Iterator[Mistake]:
    if not low <= number <= high:
        yield key, f"a number from {low} to {high}"
