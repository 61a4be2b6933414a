"""Reads settings and a mission's profile: TOML in, frozen values out, or one line that says what is wrong.

A line names the file, the key and what was expected, never what was found; a typo is never passed over.
"""

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar
from zoneinfo import available_timezones

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, SchemaValidator

from bot.errors import SettingsError
from bot.handoff.mission import (
    MILDEST,
    Contact,
    MissionProfile,
    Notice,
    Resource,
    Retention,
    SignalAddress,
    Support,
    TelegramAddress,
    Topic,
)
from bot.handoff.profile_rules import mistakes
from bot.handoff.roster import Watch
from bot.settings.short_forms import LEVELS, written_out
from bot.settings.unread import unread
from bot.settings.values import (
    Logs,
    Mailbox,
    MailFolder,
    Operations,
    Reading,
    Settings,
    Signal,
    Smtp,
    Storage,
    Telegram,
    absolute,
)

# What a key is called in the file, where that differs from the field's name.
_KEYS = {
    "account": "handle",
    "contacts": "contact",
    "levels": LEVELS,
    "password": "password_file",
    "secret": "secret_file",
    "token": "token_file",
}

# What the reader of a line understands, by the kind of error that pydantic tells.
_EXPECTED = {
    "bool_type": "true or false",
    "dataclass_type": "a table",
    "date_type": "a date like 2026-11-21",
    "dict_type": "a table",
    "int_type": "a whole number",
    "mapping_type": "a table",
    "missing": "a value; it is missing",
    "path_type": "a path in quotes",
    "string_type": "text in quotes",
    "tuple_type": "a list in brackets",
}

_EXACT = ("int", "bool", "date")

_UNPUNCTUATED = str.maketrans("", "", " :")  # programs write fingerprints with spaces, or colons

Kept = TypeVar("Kept")

# Which keys each table of a file takes, for "did you mean".
_TABLES: Mapping[type, Mapping[str, tuple[type, ...]]] = {
    Settings: {
        "storage": (Storage,),
        "mail": (Smtp, MailFolder),
        "mailbox": (Mailbox,),
        "telegram": (Telegram,),
        "signal": (Signal,),
        "logs": (Logs,),
        "operations": (Operations,),
    },
    MissionProfile: {
        "contact": (Contact,),
        "duty": (Watch,),
        "signal": (SignalAddress,),
        "telegram": (TelegramAddress,),
        "resources": (Resource,),
        "crisis_lines": (Resource,),
        "topics": (Topic,),
        "notice": (Notice,),
        "retention": (Retention,),
    },
}

# Tables whose keys are a list of names that is ours.
_NAMED: Mapping[str, list[str]] = {
    "duty": ["morning", *(str(level) for level in range(1, MILDEST + 1))],
    "topics": list(Support),
    "promised_times": [str(level) for level in range(1, MILDEST + 1)],
}


@dataclass(frozen=True, slots=True)
class _Door(Generic[Kept]):
    """Passes one file's table on as a frozen value; its strictness holds for all dataclasses within."""

    __pydantic_config__ = ConfigDict(
        extra="forbid", hide_input_in_errors=True, alias_generator=lambda name: _KEYS.get(name, name)
    )

    kept: Kept


def read_settings(path: Path, *, secrets: bool = True) -> Settings:
    """Read the settings file. `secrets` False: without opening secret files, for a verb that needs none of them.

    Raises SettingsError: file, key and what was expected, on one line; further errors are its notes.
    """
    settings = _read(path, _toml(_text(path), path), Settings, secrets=secrets)
    if isinstance(settings.mail, Smtp) and bool(settings.mail.username) != bool(settings.mail.password):
        raise SettingsError(f"{path}: mail.username: expected username and password_file together, or neither")
    if settings.telegram and bool(settings.telegram.webhook_url) != bool(settings.telegram.secret):
        raise SettingsError(f"{path}: telegram.webhook_url: expected webhook_url and secret_file together, or neither")
    return settings


def read_mission(path: Path, named_in: Path | None = None, spoken: Collection[str] = ()) -> MissionProfile:
    """Read a mission's profile; certificates come back as absolute paths, `fingerprint` and `signal` in lower case.

    `named_in`: the settings file whose key leads here. `spoken`: the languages that there are; another one is told
    first where something is wrong. Raises SettingsError as `read_settings`.
    """
    if named_in and not path.is_file():
        new = "postigo profile new makes one"
        raise SettingsError(f"{named_in}: mission: expected the file of a mission's profile, and {path} is none: {new}")
    return mission_of(_text(path), path, spoken)


def mission_of(text: str, path: Path, spoken: Collection[str] = ()) -> MissionProfile:
    """Read a profile whose text stands at `path`, or is to stand there. Raises SettingsError as `read_settings`."""
    read = _read(path, written_out(_toml(text, path), path), MissionProfile)
    profile = replace(read, contacts=tuple(_settled(contact, path) for contact in read.contacts))
    wrong = [f"{path}: {key}: expected {what}" for key, what in mistakes(profile)]
    wrong += [f"{path}: {key}: expected an IANA name like America/Mexico_City" for key in _unknown_zones(profile)]
    if wrong:
        unknown = [tag for tag in profile.languages if tag not in spoken] if spoken else []
        raise _all_of([*(f"{path}: {unspoken(tag, spoken)}" for tag in unknown), *wrong])
    return profile


def unspoken(tag: str, spoken: Collection[str]) -> str:
    """Return the sentence on a language that isn't there."""
    return f"languages: expected some of {', '.join(spoken)}, and {tag} is none"


def _unknown_zones(profile: MissionProfile) -> Iterator[str]:
    known = _zones()
    if profile.zone not in known:
        yield "zone"
    for number, contact in enumerate(profile.contacts, start=1):
        if contact.zone and contact.zone not in known:
            yield f"contact {number}: zone"


@cache
def _zones() -> frozenset[str]:
    """Return the names of all zones: to look for them takes longer than to read a profile."""
    return frozenset(available_timezones())


def _settled(contact: Contact, path: Path) -> Contact:
    def beside(name: str | None) -> str | None:
        return str(absolute(path.parent / name)) if name else None

    return replace(
        contact,
        openpgp=beside(contact.openpgp),
        smime=beside(contact.smime),
        fingerprint=contact.fingerprint.translate(_UNPUNCTUATED).lower(),
        signal=contact.signal.lower(),
    )


def _read(path: Path, table: Mapping[str, Any], kind: type[Kept], *, secrets: bool = True) -> Kept:
    try:
        door = _door(kind).validate_python({"kept": table}, context=Reading(path.parent, secrets))  # type: ignore[arg-type]  # a class can be hashed
    except ValidationError as error:
        # a typo first: it is often why another key is missing
        found = sorted(error.errors(include_url=False, include_input=False), key=lambda one: one["type"] == "missing")
        raise _all_of([f"{path}: {_sentence(one, kind)}" for one in found]) from None
    kept: Kept = door.kept
    return kept


@cache
def _door(kind: Any) -> SchemaValidator:  # noqa: ANN401 - a model of the kind asked for
    return SchemaValidator(_taken_as_written(TypeAdapter(_Door[kind]).core_schema))


def _taken_as_written(schema: Any) -> Any:  # noqa: ANN401 - pydantic's description of a type, tables within tables
    """Let text, numbers and dates stand for nothing but themselves; names and tables are read as pydantic does.

    The names of a table are text in TOML, of a number too.
    """
    if isinstance(schema, list | tuple):
        return type(schema)(map(_taken_as_written, schema))
    if not isinstance(schema, dict):
        return schema
    exact = {"strict": True} if schema.get("type") in _EXACT else {}
    return {key: one if key == "keys_schema" else _taken_as_written(one) for key, one in schema.items()} | exact


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # no text, or no path that can be
        raise SettingsError(f"{path}: expected {unread(error)}") from None


def _toml(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # a number of thousands of digits, too
        raise SettingsError(f"{path}: expected TOML: {error}") from None
    except RecursionError:
        raise SettingsError(f"{path}: expected TOML: lists or tables are too deep within one another") from None


def _all_of(lines: list[str]) -> SettingsError:
    error = SettingsError(lines[0])
    for line in lines[1:]:
        error.add_note(line)
    return error


def _sentence(error: ErrorDetails, kind: type) -> str:
    """Say in one line which key is wrong and what was expected there, never what was found."""
    place = [part for part in error["loc"][1:] if part != "[key]"]
    if place[:1] == ["mail"] or place[:2] == ["duty", LEVELS]:
        place = [place[0], *place[2:]]  # leave out which of the two ways it was, and what stands in no file
    key = key_of(place)
    if error["type"] == "unexpected_keyword_argument" or error["loc"][-1] == "[key]":
        return f"{key}: unknown key; {_meant(place, kind)}"
    said = error["msg"].removeprefix("Input should be ")
    return f"{key}: expected {_EXPECTED.get(error['type'], said)}"


def key_of(place: Sequence[int | str]) -> str:
    """Write a place in a file as people count: ["contact", 0, "address"] is "contact 1: address"."""
    written = ""
    for part in place:
        dot = "." if written and not written.endswith(" ") else ""
        written += f" {part + 1}: " if isinstance(part, int) else f"{dot}{part}"
    return " ".join(written.strip(" :").split())


def _known(place: list[int | str], kind: type) -> list[str]:
    """List the keys that may stand where the last of `place` stands."""
    if place[0] in _NAMED and len(place) == len(("topics", "meetings")):
        return _NAMED[str(place[0])]
    kinds = _TABLES[kind].get(str(place[0]), ()) if len(place) > 1 else (kind,)
    return [_KEYS.get(one.name, one.name) for each in kinds for one in fields(each)]


def _meant(place: list[int | str], kind: type) -> str:
    known = _known(place, kind)
    near = get_close_matches(str(place[-1]), known, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
