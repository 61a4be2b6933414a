"""TOML text to frozen flows, at the door: what doesn't fit is a FlowError that names file and step.

Only shapes are read here; what a flow *means* is proven in `checks.py`. A text is read once: what is asked for
again is what was made of it before.
"""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.conversation.crisis import Phrases
from bot.conversation.flow import Ask, Choice, Command, Commands, Flow, Note, Step
from bot.conversation.guide import Branch, Guide, Topic
from bot.conversation.model import ConsentKind
from bot.conversation.understanding import fold
from bot.errors import FlowError

Shape = TypeVar("Shape", bound=BaseModel)
Tree = Mapping[str, Any]  # a parsed TOML file: to be read, never changed

FILES = 8  # under flows/, remembered at once


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Head(_Strict):
    name: str
    first: str
    sos: str
    idle: str
    carried: str = ""
    answer: str = ""
    unasked: str = ""
    review_bound: int
    sos_bound: int


class _Note(_Strict):
    when: dict[str, str]
    say: str


class _Step(_Strict):
    name: str
    like: str = ""
    ask: str = ""
    title: str = ""
    kind: Ask = Ask.ONE
    choices: dict[str, str] = Field(default_factory=dict)
    choices_from: str = ""
    words: dict[str, str] = Field(default_factory=dict)
    next: dict[str, str] = Field(default_factory=dict)
    says: tuple[str, ...] = ()
    note: tuple[_Note, ...] = ()
    consent: ConsentKind | None = None
    accepts: tuple[str, ...] = ()
    hands_off: bool = False
    sends: bool = False
    skip: bool = True
    urgent: bool = False
    page: int = 0
    limit: int = 500
    checked: bool = True
    shows: bool = False
    after: bool = False
    returned: bool = False


class _FlowFile(_Strict):
    flow: _Head
    step: tuple[_Step, ...]
    text: dict[str, str] = Field(default_factory=dict)


class _Command(_Strict):
    name: str
    number: int
    words: str
    help: str = ""


class _CommandFile(_Strict):
    command: tuple[_Command, ...]
    sos: dict[str, tuple[str, ...]]
    alarming: dict[str, tuple[str, ...]] = Field(default_factory=dict)


@lru_cache(FILES)
def read_flow(toml: str, file: str) -> Flow:
    """Return the flow written in `toml`.

    Raises:
        FlowError: not TOML, an unknown key, a wrong type, a step named twice; names `file` and the place.

    """
    read = parsed(_FlowFile, toml, file)
    rows: dict[str, _Step] = {}
    for row in read.step:
        if row.name in rows:
            raise FlowError(f"{file}: step {row.name!r} stands there twice")
        rows[row.name] = row
    steps = {row.name: _step(row, _known_words(_like(row, rows, file), file)) for row in read.step}
    head = read.flow
    version = sha256(toml.encode()).hexdigest()[:12]
    return Flow(version=version, steps=steps, texts=read.text, **head.model_dump())


@lru_cache(FILES)
def read_commands(toml: str, file: str) -> Commands:
    """Return the words that work at every step. Raises FlowError as `read_flow` does."""
    read = parsed(_CommandFile, toml, file)
    rows = tuple(Command(row.name, row.number, row.words, row.help) for row in read.command)
    return Commands(rows, read.sos, read.alarming)


class _Branch(_Strict):
    name: str
    title: str


class _Topic(_Strict):
    name: str
    branch: str
    title: str
    words: str
    what: str
    risk: str
    how: str
    support: str = ""


class _GuideHead(_Strict):
    name: str
    ask: str
    ask_branch: str
    ask_found: str
    choices: dict[str, str]


class _GuideFile(_Strict):
    guide: _GuideHead
    branch: tuple[_Branch, ...]
    topic: tuple[_Topic, ...]


@lru_cache(FILES)
def read_guide(toml: str, file: str) -> Guide:
    """Return the guide written in `toml`.

    Raises:
        FlowError: as `read_flow`; a topic or branch named twice, a topic in no branch, a label that is missing.

    """
    read = parsed(_GuideFile, toml, file)
    head, branches = read.guide, [row.name for row in read.branch]
    names = [*branches, *(row.name for row in read.topic)]
    for name in names:
        if names.count(name) > 1:
            raise FlowError(f"{file}: {name!r} stands there twice")
    for row in read.topic:
        if row.branch not in branches:
            raise FlowError(f"{file}: topic {row.name!r}: branch {row.branch!r} does not exist")
    missing = {"risk", "how", "note", "others", "tell", "leave"} - set(head.choices)
    if missing:
        raise FlowError(f"{file}: guide.choices: missing {', '.join(sorted(missing))}")
    return Guide(
        head.name,
        head.ask,
        head.ask_branch,
        head.ask_found,
        head.choices,
        tuple(Branch(row.name, row.title) for row in read.branch),
        tuple(Topic(**row.model_dump()) for row in read.topic),
    )


class _Phrases(_Strict):
    words: tuple[str, ...]
    alone: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


class _CrisisFile(_Strict):
    crisis: dict[str, _Phrases]


@lru_cache(FILES)
def read_crisis(toml: str, file: str) -> dict[str, Phrases]:
    """Return the words of somebody who may end their life, by language.

    Raises:
        FlowError: as `read_flow`; a phrase without a letter, which would be heard in every text or in none.

    """
    read = parsed(_CrisisFile, toml, file)
    for tag, one in read.crisis.items():
        for phrase in (*one.words, *one.alone, *one.unless):
            if not fold(phrase):
                raise FlowError(f"{file}: crisis {tag}: {phrase!r} holds no letter")
    return {tag: Phrases(one.words, one.alone, one.unless) for tag, one in read.crisis.items()}


@lru_cache(FILES)
def tree_of(toml: str, file: str) -> Tree:
    """Return the tables of `toml`, or raise a FlowError that names the file."""
    try:
        return tomllib.loads(toml)
    except ValueError as error:  # a number of thousands of digits, too
        raise FlowError(f"{file}: not TOML: {error}") from None
    except RecursionError:
        raise FlowError(f"{file}: not TOML: lists or tables too deep within one another") from None


def parsed(shape: type[Shape], toml: str, file: str) -> Shape:
    """Return `toml` in the shape asked for, or raise a FlowError that names file and place."""
    tree = tree_of(toml, file)
    try:
        return shape.model_validate(tree)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise FlowError(f"{file}: {_place(tree, first['loc'])}: {first['msg']}") from None


def _place(tree: Mapping[str, object], path: tuple[int | str, ...]) -> str:
    """Return a place in the file as its reader would name it: step 'danger', next."""
    words: list[str] = []
    here: object = tree
    for part in path:
        try:
            here = here[part]  # type: ignore[index]  # a tree of TOML, walked by its own path
        except (KeyError, IndexError, TypeError):
            here = None
        named = here.get("name") if isinstance(here, dict) and isinstance(part, int) else None
        words.append(repr(named) if named else str(part))
    return " ".join(words)


def _like(row: _Step, rows: Mapping[str, _Step], file: str) -> _Step:
    """Fill in what a step takes over from the one it is like: question, choices, title and kind."""
    if not row.like:
        return row
    if row.like not in rows:
        raise FlowError(f"{file}: step {row.name!r} is like {row.like!r}, which does not exist")
    model = rows[row.like]
    taken = {name: getattr(model, name) for name in _TAKEN if name not in row.model_fields_set}
    return row.model_copy(update=taken)


_TAKEN = ("ask", "title", "kind", "choices", "choices_from", "words", "page", "limit", "checked", "skip")


def _known_words(row: _Step, file: str) -> _Step:
    """Refuse words for a choice that isn't offered: nobody could ever say them."""
    for name in row.words:
        if name not in row.choices:
            raise FlowError(f"{file}: step {row.name!r} words {name}: there is no choice of that name")
    return row


def _step(written: _Step, row: _Step) -> Step:
    choices = tuple(Choice(name, label, row.words.get(name, "")) for name, label in row.choices.items())
    return Step(
        name=row.name,
        ask=row.ask,
        title=row.title,
        kind=row.kind,
        choices=choices,
        choices_from=row.choices_from,
        next=tuple((choice, target) for choice, target in row.next.items() if choice != "otherwise"),
        otherwise=row.next.get("otherwise", ""),
        keeps=row.like or row.name,
        spoken=row.like if row.like and "ask" not in written.model_fields_set else row.name,
        says=row.says,
        notes=tuple(Note(tuple(note.when.items()), note.say) for note in row.note),
        consent=row.consent,
        accepts=row.accepts,
        hands_off=row.hands_off,
        sends=row.sends,
        skip=row.skip,
        urgent=row.urgent,
        page=row.page,
        limit=row.limit,
        checked=row.checked,
        shows=row.shows,
        after=row.after,
        returned=row.returned,
    )
