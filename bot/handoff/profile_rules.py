"""When a mission profile is well formed: each rule names the key it guards and says what was expected there.

Whether what it says is confirmed and recent is `mission.findings`; here a wrong value stops the start. Who is told of a
case, and when, is for `roster_rules.py` to judge.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date

from bot.handoff import roster_rules
from bot.handoff.mission import MILDEST, MissionProfile, Resource
from bot.handoff.shapes import ADDRESS, TAG, Mistake, if_given, shaped, within

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_CODE = re.compile(r"[^\W_A-Z](-|[^\WA-Z])*")  # of any script, since it may be made from a label
_COUNTRY = re.compile(r"[A-Z]{2}")  # ISO 3166-1
_PAGE = re.compile(r"https?://[^\s/]+\.[^\s/]+(/\S*)?")
_SITE = re.compile(r"https://[^\s/]+\.[^\s/]+(/\S*)?")
_REACHED = re.compile(r"\d\D{0,3}\d\D{0,3}\d|\w\.\w|@\w")  # a number, a page, an address or a handle
_SIGNAL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,31}\.[0-9]{2,}")  # a name, a dot, two digits or more
_TELEGRAM_NAME = re.compile(r"@?[A-Za-z][A-Za-z0-9_]{4,31}")

_PUBLISHED = "an address that begins with https://"
_SAYS_SO = "the page that says so: https://…"

_HOUR = 60  # spans are in minutes
_DAY = 24 * _HOUR
_TWO_WEEKS = 14 * _DAY
_TAKEN = {"more", "skip"}  # choices that every question may offer besides its own
_CHANNELS = {"signal", "telegram", "terminal"}
_LONGEST_TIMER = 4 * 7 * 24  # hours; Signal offers four weeks at most
_NAME_LENGTH, _DESCRIPTION_LENGTH, _SHORT_LENGTH = 64, 512, 120  # what the Bot API takes


def mistakes(profile: MissionProfile) -> list[Mistake]:
    """Return every key of `profile` that holds something else than it should, with what was expected."""
    rules = (
        _basics,
        _spoken,
        _texts,
        _found_at,
        _noticed,
        roster_rules.mistakes,
        _places,
        _elsewhere,
        _dated_topics,
        _lasting,
    )
    return [mistake for rule in rules for mistake in rule(profile)]


def _basics(profile: MissionProfile) -> Iterator[Mistake]:
    yield from shaped(_NAME, "id", [profile.id], "a name of lower-case letters, digits and hyphens")
    yield from shaped(_COUNTRY, "country_served", profile.country_served, "two capital letters a country (ISO 3166-1)")
    yield from if_given(_SITE, "official_site", profile.official_site, _PUBLISHED)


def _spoken(profile: MissionProfile) -> Iterator[Mistake]:
    if not profile.languages:
        yield "languages", "at least one language tag"
    if len(set(profile.languages)) < len(profile.languages):
        yield "languages", "each language once"
    yield from shaped(TAG, "languages", profile.languages, "language tags like es or pt-BR")
    if not set(profile.accept_unreviewed) <= set(profile.languages):
        yield "accept_unreviewed", "languages of this profile"
    if not set(profile.name) & set(profile.languages):
        yield "name", "the mission's name in one of its languages at least"


def _texts(profile: MissionProfile) -> Iterator[Mistake]:
    tables: list[tuple[str, Mapping[str, str]]] = [
        ("name", profile.name),
        ("formality", profile.formality),
        ("limits", profile.limits),
        ("minors_policy", profile.minors_policy),
        ("notice.text", profile.notice.text),
        ("telegram.name", profile.telegram.name),
        ("telegram.description", profile.telegram.description),
        ("telegram.short_description", profile.telegram.short_description),
        *((f"promised_times.{level}", texts) for level, texts in profile.promised_times.items()),
        *((f"topics.{support}.text", topic.text) for support, topic in profile.topics.items()),
    ]
    for key, table in tables:
        yield from shaped(TAG, key, table, "a language tag like es or pt-BR before each text")
        if not all(text.strip() for text in table.values()):
            yield key, "words for each language that is named"


def _found_at(profile: MissionProfile) -> Iterator[Mistake]:
    signal, telegram = profile.signal, profile.telegram
    yield from if_given(_SIGNAL_NAME, "signal.username", signal.username, "a Signal username like postigo.42")
    yield from if_given(_SITE, "signal.fingerprint_url", signal.fingerprint_url, _PUBLISHED)
    yield from if_given(_SITE, "signal.link", signal.link, "the link that Signal gives: https://signal.me/…")
    yield from within("signal.vanish_hours", signal.vanish_hours, 1, _LONGEST_TIMER)
    yield from if_given(_TELEGRAM_NAME, "telegram.handle", telegram.account, "a Telegram handle like @postigo_bot")
    yield from _looks(profile)


def _looks(profile: MissionProfile) -> Iterator[Mistake]:
    telegram = profile.telegram
    for key, table, most in (
        ("display_name", {"": telegram.display_name}, _NAME_LENGTH),
        ("name", telegram.name, _NAME_LENGTH),
        ("description", telegram.description, _DESCRIPTION_LENGTH),
        ("short_description", telegram.short_description, _SHORT_LENGTH),
    ):
        if not all(0 < len(text.strip()) <= most for text in table.values()):
            yield f"telegram.{key}", f"1 to {most} characters"


def _noticed(profile: MissionProfile) -> Iterator[Mistake]:
    if bool(profile.notice.text) != bool(profile.notice.version):
        yield "notice.version", "version and text together: a person agrees to one version of a text"
    if profile.notice.legal_contact:
        yield from _way_to("notice.legal_contact", profile.notice.legal_contact)
    for level in profile.promised_times:
        yield from within("promised_times", level, 1, MILDEST)


def _places(profile: MissionProfile) -> Iterator[Mistake]:
    if not profile.areas:
        yield "areas", 'at least one area, as in: mex = "México"'
    yield from shaped(_CODE, "areas", profile.areas, "codes of lower-case letters, digits and hyphens")
    if _TAKEN & set(profile.areas):
        yield "areas", "codes other than more and skip, which mean something else"
    if not all(label.strip() for label in profile.areas.values()):
        yield "areas", "a label for each code"


def _elsewhere(profile: MissionProfile) -> Iterator[Mistake]:
    for key, places in (("resources", profile.resources), ("crisis_lines", profile.crisis_lines)):
        for number, place in enumerate(places, start=1):
            yield from _resource(f"{key} {number}", place)


def _resource(at: str, resource: Resource) -> Iterator[Mistake]:
    if not resource.name.strip():
        yield f"{at}: name", "a name"
    yield from _way_to(f"{at}: contact", resource.contact)
    yield from shaped(_PAGE, f"{at}: source_url", [resource.source_url], _SAYS_SO)
    yield from within(f"{at}: level", resource.level, 1, MILDEST)
    yield from _dated(f"{at}: expires_on", resource.verified_on, resource.expires_on)


def _way_to(key: str, words: str) -> Iterator[Mistake]:
    """Take words that hold a number, an address or a page; what looks like a mail address has to be one."""
    bare = (word.strip(",;:.()<>") for word in words.split())
    addresses = [word for word in bare if "@" in word[1:] and "/" not in word]
    if _REACHED.search(words):
        yield from shaped(ADDRESS, key, addresses, "a mail address in plain ASCII where there is an @")
    else:
        yield key, "how to reach it: a phone number, a mail address or a page"


def _dated_topics(profile: MissionProfile) -> Iterator[Mistake]:
    for support, topic in profile.topics.items():
        yield from _dated(f"topics.{support}.expires_on", topic.verified_on, topic.expires_on)
        yield from if_given(_PAGE, f"topics.{support}.source_url", topic.source_url, _SAYS_SO)


def _dated(key: str, verified_on: date | None, expires_on: date | None) -> Iterator[Mistake]:
    if verified_on and expires_on and expires_on <= verified_on:
        yield key, "a day after verified_on"


def _lasting(profile: MissionProfile) -> Iterator[Mistake]:
    """Bound each span by what the day keys and the reminder-free design can keep: nothing may be set to stay longer."""
    kept = profile.retention
    yield from within("retention.urgent_minutes", kept.urgent_minutes, 5, _DAY)
    yield from within("retention.intake_minutes", kept.intake_minutes, 5, kept.urgent_minutes)
    yield from within("retention.case_minutes", kept.case_minutes, _HOUR, _TWO_WEEKS)
    yield from within("window_minutes", profile.window_minutes, 0, _DAY)
    if not set(profile.own_words) <= _CHANNELS:
        yield "own_words", "signal, telegram or terminal"
