"""A mission's profile while it is being asked for: tries each answer on the profile's own rules, and writes the file.

What is written is for people who don't write programs: each key stands under a sentence, and what is unknown stands
there as a comment, with an example beside it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from bot.errors import SettingsError
from bot.handoff.mission import Support
from bot.settings.files import key_of, mission_of
from bot.settings.profile_questions import (
    AREAS,
    FIRST,
    LISTS,
    NAME,
    PLACE,
    SIGNAL,
    SUPPORTS,
    TELEGRAM,
    TOPIC,
    Question,
    Value,
)

Place = tuple[str | int, ...]  # of a key in the file: ("contact", 0, "address")
Table = dict[str, Any]

_HEAD = """\
# A mission's profile for Postigo, begun with `postigo profile new`. Edit it in any editor for plain text.
#
# A line that begins with # is a comment: the bot doesn't read it. To give what is still unknown, take the # away and
# write the value where the … stands, as the example shows. The page on configuration (config/README.md) explains every
# key, also those that weren't asked for. Then `postigo check --config settings.toml` says what is missing or wrong, by
# name.
"""
_CONFIRMED = """\
# The day on which the mission confirmed this whole file; until it stands here the bot doesn't run.
# verified_on = …   # as in: 2026-01-31
"""
_TOPICS = """\
# What the mission does: yes, no, case_by_case or unknown. Without verified_on people are told that it is unknown.
# Words of your own: meetings = { availability = "yes", source_url = "…", verified_on = …, text = { es = "…" } }
[topics]
"""
# What the rules need beside the one answer that is being tried.
_STAND_INS: Mapping[str, Any] = {
    "id": "x",
    "country_served": [],
    "languages": ["en"],
    "zone": "UTC",
    "areas": ["x"],
}
_STAND_IN_PLACE: Mapping[str, Value] = {
    "name": "x",
    "contact": "https://a.example",
    "who_runs_it": "other",
    "source_url": "https://a.example",
    "verified_on": date(2000, 1, 1),
}
_TRIED = Path("profile")
_BARE = re.compile(r"[A-Za-z0-9_-]+")  # a key that needs no quotes


class Draft:
    """The answers so far."""

    def __init__(self) -> None:
        self.answers: Table = {}
        self.unfinished: list[tuple[str, Table]] = []  # places without all that is needed: kept as comments

    def wrong(self, place: Place, value: Value | None) -> str:
        """Return what was expected instead of this answer, in the words of the profile's rules; "" if it will do."""
        lines: list[str] = []
        try:
            mission_of(_written(self._tried(place, value), []), _TRIED)
        except SettingsError as error:
            lines = [str(error), *getattr(error, "__notes__", ())]
        keys = (key_of(place), str(place[0]))
        told = (line.removeprefix(f"{_TRIED}: ").partition(": expected ") for line in lines)
        expected = {key: what for key, _, what in told}
        return next((expected[key] for key in keys if key in expected), "")

    def put(self, place: Place, value: Value | None) -> None:
        """Keep an answer; None leaves the key out."""
        _put(self.answers, place, value)

    def set_aside(self, table: str) -> None:
        """Take the last entry of a list out, and keep it as a comment."""
        self.unfinished.append((table, self.answers[table].pop()))

    def text(self) -> str:
        """Return the file."""
        return _written(self.answers, self.unfinished)

    def _tried(self, place: Place, value: Value | None) -> Table:
        tried = {**deepcopy(dict(_STAND_INS)), **deepcopy(self.answers)}
        _put(tried, place, value)
        tags = tried.get("languages", ())
        named = tried.get("name", {})
        waiting = tags[tags.index(place[1]) + 1 :] if place[0] == "name" else tags
        tried["name"] = {**dict.fromkeys(waiting, "x"), **named}
        if LISTS.get(str(place[0]), ("", ()))[1] is PLACE:
            tried[str(place[0])][-1] = {**_STAND_IN_PLACE, **tried[str(place[0])][-1]}
        return tried


def _put(table: Table, place: Place, value: Value | None) -> None:
    here: Any = table
    for step, following in pairwise(place):
        if isinstance(step, int):
            here += [{}] * (step + 1 - len(here))
            here[step] = dict(here[step])
            here = here[step]
        else:
            here = here.setdefault(step, [] if isinstance(following, int) else {})
    if value is None:
        here.pop(place[-1], None)
    else:
        here[place[-1]] = value


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────


def _written(answers: Table, unfinished: Iterable[tuple[str, Table]]) -> str:
    parts = [_HEAD, *("\n".join(_key(question, answers.get(question.key))) + "\n" for question in FIRST), _CONFIRMED]
    parts.append("\n".join(_key(AREAS, answers.get("areas"))) + "\n")
    parts.append("\n".join((f"# {NAME.about}", "[name]", *_pairs(answers.get("name", {})))) + "\n")
    for table, (about, questions) in LISTS.items():
        parts.append(f"# ── {about} ──\n")
        parts += (_entry(table, questions, entry) for entry in answers.get(table, ()))
        parts += (_commented(_entry(table, questions, entry)) for name, entry in unfinished if name == table)
        if not answers.get(table):
            parts.append(_commented(_entry(table, questions, {})))
    for table, questions in (("signal", SIGNAL), ("telegram", TELEGRAM)):
        parts.append("\n".join((f"[{table}]", *_keys(questions, answers.get(table, {})))) + "\n")
    parts.append(_TOPICS + "\n".join(_topics(answers.get("topics", {}))) + "\n")
    return "\n".join(parts)


def _key(question: Question, value: Value | None) -> Sequence[str]:
    if value is not None:
        return (f"# {question.about}", f"{question.key} = {_toml(value)}")
    # not the example itself as a value: a line of which somebody only takes the # away must not pass for confirmed
    example = f"   # as in: {question.example}" if question.example else ""
    return (f"# {question.about}", f"# {question.key} = …{example}")


def _keys(questions: Iterable[Question], values: Table) -> Iterator[str]:
    for question in questions:
        yield from _key(question, values.get(question.key))


def _entry(table: str, questions: Iterable[Question], values: Table) -> str:
    return "\n".join((f"[[{table}]]", *_keys(questions, values))) + "\n"


def _commented(block: str) -> str:
    return "".join(line if line.startswith("#") else f"# {line}" for line in block.splitlines(keepends=True))


def _pairs(table: Mapping[str, Value]) -> Iterator[str]:
    return (f"{key if _BARE.fullmatch(key) else _toml(key)} = {_toml(value)}" for key, value in table.items())


def _topics(topics: Mapping[str, Table]) -> Iterator[str]:
    for support in Support:
        said = topics.get(support.value, {})
        pairs = [f"{one.key} = {_toml(said[one.key])}" for one in TOPIC if one.key in said]
        yield f"# {SUPPORTS[support]}"
        yield f"{support.value} = {{ {', '.join(pairs)} }}" if pairs else f'{support.value} = "unknown"'


def _toml(value: Value) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # the one sign JSON leaves as it is
    return str(value)
