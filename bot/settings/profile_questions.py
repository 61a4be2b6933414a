"""What `postigo profile new` asks, one plain sentence a key; the same sentences stand as comments in the file.

Only the questions, and how typed words become a value. Whether an answer will do is the profile's own rules' to say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from bot.handoff.mission import Support

Value = str | int | date | list[str]


def as_typed(words: str) -> Value:
    """Take the words as they are."""
    return words


def listed(words: str) -> Value:
    """Take words with spaces or commas between them as a list."""
    return words.replace(",", " ").split()


def countries(words: str) -> Value:
    """Take a list, in capitals."""
    return words.upper().replace(",", " ").split()


def chosen(words: str) -> Value:
    """Take one of our own names, however it is written: "Case by case" is case_by_case."""
    return "_".join(words.lower().replace("-", " ").replace("_", " ").split())


def day(words: str) -> Value:
    """Take a day such as 2026-11-21; other words as they are, to be refused."""
    try:
        return date.fromisoformat(words)
    except ValueError:
        return words


def number(words: str) -> Value:
    """Take a whole number; other words as they are, to be refused."""
    return int(words) if words.isascii() and words.isdecimal() else words


@dataclass(frozen=True, slots=True)
class Question:
    """One key of the file: what it is, what it may look like there, and how typed words become its value."""

    key: str
    about: str
    example: str
    form: Callable[[str], Value] = as_typed


FIRST = (
    Question("id", "A short name for this profile, in lower case; people never see it.", '"us-mexico"'),
    Question("country_served", "The countries this mission works in, two letters each.", '["MX"]', countries),
    Question(
        "languages",
        "The languages to offer, in order; a cry for help whose language nobody knows is answered in the first two.",
        '["es", "en"]',
        listed,
    ),
    Question(
        "accept_unreviewed",
        "Those of these languages that no native reader has read yet and that you offer all the same.",
        '["es"]',
        listed,
    ),
    Question("zone", "The time zone in which people there and your officers read times.", '"America/Mexico_City"'),
    Question(
        "official_site",
        "The page of the mission that prints this bot's addresses, so that nobody takes an imitation for it.",
        '"https://…"',
    ),
)
AREAS = Question(
    "areas",
    "Where a person may say they are, never finer than a state or province, as people there write it.",
    '["Chiapas", "Oaxaca"]',
)
NAME = Question("name", "What the mission calls itself within a sentence, as in: the embassy of … in ….", "")
SIGNAL = (
    Question("username", "The bot's username on Signal, with its digits.", '"postigo.42"'),
    Question("link", "The link that opens a chat with the bot on Signal.", '"https://signal.me/…"'),
)
TELEGRAM = (Question("handle", "The bot's handle on Telegram.", '"@postigo_bot"'),)
CONTACT = (
    Question("address", "The mail address of an officer or desk that is told of a case.", '"officer@…"'),
    Question(
        "openpgp",
        "The file with their OpenPGP certificate, beside this one; without it nothing is sent to them.",
        '"officer.asc"',
    ),
    Question("fingerprint", "The certificate's fingerprint, compared with them in person or by voice.", ""),
    Question("language", "The language in which they read a case.", '"en"'),
    Question("after", "The minutes without an answer from the others before they are told.", "60", number),
)
PLACE = (
    Question("name", "What it is called.", ""),
    Question("contact", "The words a person is given, with a phone number, a mail address or a page in them.", ""),
    Question(
        "who_runs_it",
        "Who runs it: state, ngo, un, mission or other; to some people the state is the danger.",
        '"ngo"',
        chosen,
    ),
    Question("source_url", "The page that says so.", '"https://…"'),
    Question("verified_on", "The day on which somebody of the mission last made sure of it.", "2026-01-31", day),
)
TOPIC = (
    Question("availability", "", "", chosen),
    Question("source_url", "The page that says so.", '"https://…"'),
    Question(
        "verified_on",
        "The day on which the mission last made sure; without it people are told that it is unknown.",
        "2026-01-31",
        day,
    ),
)
LISTS: Mapping[str, tuple[str, tuple[Question, ...]]] = {
    "contact": ("Who at the mission is told of a case; the first of them at once.", CONTACT),
    "resources": ("Places outside the mission where help can be found: what you have called or written to.", PLACE),
    "crisis_lines": ("Lines for somebody who speaks of ending their life: what you have called.", PLACE),
}
SUPPORTS: Mapping[Support, str] = {
    Support.CONTACT_OFFICER: "Is there a person at the mission for human rights, to whom defenders can write?",
    Support.MEETINGS: "Does the mission meet defenders who ask for it?",
    Support.FIELD_VISIT: "Does it visit defenders where they work or live?",
    Support.ACCOMPANIMENT: "Does it accompany defenders, so that others see that they aren't alone?",
    Support.RAISE_CASE: "Does it speak of a defender's case with authorities, in quiet?",
    Support.PUBLIC_STATEMENT: "Does it speak of a defender's case in public?",
    Support.TRIAL_OBSERVATION: "Does it send somebody to watch trials?",
    Support.DETENTION_VISIT: "Does it visit defenders who are held?",
    Support.AWARDS: "Does it give awards, or make defenders' work known?",
    Support.REPORTING: "Does what it learns go into reports on human rights?",
    Support.EMERGENCY_FUNDS: "Does it give money in an emergency, or pass requests on to those who do?",
    Support.PROJECT_FUNDS: "Does it give money for defenders' projects?",
    Support.RELOCATION: "Does it help somebody to live elsewhere for a time?",
    Support.VISAS: "Does it give defenders visas more quickly, or for several journeys?",
    Support.RESETTLEMENT: "Can it refer somebody who is to live in another country for good?",
    Support.BUSINESS: "Does it act in cases that concern companies?",
    Support.REPRISALS: "Does it act when somebody is punished for speaking to the UN or others abroad?",
    Support.COORDINATION: "Does it work on cases together with other missions?",
    Support.WHRD: "Is there something for women who defend rights?",
    Support.LGBTIQ: "Is there something for LGBTIQ+ defenders?",
    Support.PSYCHOSOCIAL: "Is there care for fear, grief and exhaustion, or a way to it?",
    Support.DO_NO_HARM: "Has the mission said that it weighs first what its acts could do to a defender?",
    Support.CONSENT: "Has it said that it acts only when the defender agrees?",
    Support.DATA_PROTECTION: "Has it said how it protects what defenders tell it?",
    Support.FEEDBACK: "Does it tell the defender or their family what it has done?",
}
