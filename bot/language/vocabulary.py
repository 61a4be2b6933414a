"""What people may type, gathered from flow, commands and catalogs, so that understanding them needs none of these.

The forms only; what a message means at a question is decided in the conversation.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import TypeVar

from bot.content import content
from bot.conversation.flow import Choice, Commands, Flow, Step
from bot.conversation.guide import FOUND
from bot.conversation.model import Words
from bot.conversation.understanding import Vocabulary, fold
from bot.language.catalogs import LANGUAGES, Catalogs
from bot.language.names import FILE, read_names

EVERYWHERE = {"more": "say.more", "skip": "say.skip"}  # choices the bot adds to any step -> their text

# What people write for a number, in its order (a translator gives as many as there are, ways to say one joined
# by "/"), and what they put between two numbers.
NUMBERS = ("number.words", "one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve")
JOINERS = ("number.joiners", "and, also, or")
NAYS = ("number.nays", "no, none, nothing")  # what leaves a question for own words out

NAMES = read_names(content("locales") / FILE)

REMEMBERED = 8192  # folded texts: those of a dozen languages

Meaning = TypeVar("Meaning")

_OTHER_NAMES = re.compile(r"[()/]")  # what separates the names of one place in a profile's label


def vocabulary(flow: Flow, commands: Commands, languages: Sequence[str], catalogs: Catalogs) -> Vocabulary:
    """Return all that people may type, folded: for the choices of `flow`, for `commands`, numbers and languages.

    `flow`: with its areas and languages filled in. Where two of `languages` mean different things by one word,
    the earlier one has it.

    Raises:
        LanguageError: one of `languages` isn't loaded.

    """
    spoken = {tag: catalogs.words(tag) for tag in languages}
    return Vocabulary(
        languages=tuple(languages),
        labels={tag: _labels(flow, words) for tag, words in spoken.items()},
        words={tag: _more_words(flow, words) for tag, words in spoken.items()},
        commands=_first(entry for words in spoken.values() for entry in _commands(commands, words)),
        command_numbers={row.number: row.name for row in commands.rows},
        numbers=_first(entry for words in spoken.values() for entry in _numbers(words)),
        joiners=frozenset(form for words in spoken.values() for form in _forms(words(*JOINERS))),
        nays=frozenset(form for words in spoken.values() for form in _forms(words(*NAYS))),
        cries=_first(_cries(commands, languages)),
        topics={tag: _topics(flow, words) for tag, words in spoken.items()},
        tongues=_first(entry for tag in languages for entry in _tongues(tag, languages)),
    )


def split_words(text: str) -> tuple[str, ...]:
    """Return the words of a comma-separated catalog entry: "stop, exit" -> ("stop", "exit")."""
    return tuple(word.strip() for word in text.replace("،", ",").replace("、", ",").split(",") if word.strip())


@lru_cache(REMEMBERED)  # a text of ours stands at many steps; what people write never comes here
def _form(text: str) -> str:
    return fold(text)


@lru_cache(REMEMBERED)
def _forms(text: str) -> tuple[str, ...]:
    return tuple(map(fold, split_words(text)))


def _choices(flow: Flow) -> Iterator[tuple[Step, Choice]]:
    return ((step, choice) for step in flow.steps.values() for choice in step.choices)


def _first(entries: Iterable[tuple[str, Meaning]]) -> dict[str, Meaning]:
    """Return what each form means, folded; of two meanings the first."""
    meanings: dict[str, Meaning] = {}
    for form, meaning in entries:
        if folded := _form(form):
            meanings.setdefault(folded, meaning)
    return meanings


def _labels(flow: Flow, words: Words) -> dict[tuple[str, str], str]:
    everywhere = {name: _form(words(at, flow.texts.get(name, ""))) for name, at in EVERYWHERE.items()}
    labels = {(step, name): label for step in flow.steps for name, label in everywhere.items() if label}
    for step, choice in _choices(flow):
        labels[step.name, choice.name] = _form(words(flow.context(step, choice.name), choice.label))
    return labels


def _more_words(flow: Flow, words: Words) -> dict[tuple[str, str], tuple[str, ...]]:
    return {
        (step.name, choice.name): _forms(_said(flow, step, choice, words))
        for step, choice in _choices(flow)
        if (choice.words or step.choices_from) and step.name != FOUND  # there a word is looked up anew
    }


def _said(flow: Flow, step: Step, choice: Choice, words: Words) -> str:
    """Return more words for a choice, comma separated; a profile's label tells its own: "Ciudad de México (CDMX)"."""
    if step.choices_from == "languages" and choice.given:
        return ",".join(form for form, _ in _tongues(choice.name, tuple(LANGUAGES)))
    if choice.given:
        return _OTHER_NAMES.sub(",", choice.label)
    return words(flow.context(step, f"{choice.name}.words"), choice.words)


def _topics(flow: Flow, words: Words) -> dict[str, tuple[str, ...]]:
    """Return by what words each topic of the guide is found: its title, and more."""
    listing = flow.step(FOUND)
    if listing is None:
        return {}
    found = {}
    for choice in filter(attrgetter("words"), listing.choices):
        title = words(flow.context(listing, choice.name), choice.label)
        found[choice.name] = (_form(title), *_forms(_said(flow, listing, choice, words)))
    return found


def _commands(commands: Commands, words: Words) -> Iterator[tuple[str, str]]:
    for row in commands.rows:
        for word in split_words(words(f"command.{row.name}", row.words)):
            yield word, row.name


def _numbers(words: Words) -> Iterator[tuple[str, int]]:
    for number, ways in enumerate(split_words(words(*NUMBERS)), start=1):
        for word in ways.split("/"):
            yield word, number


def _cries(commands: Commands, languages: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield every cry for help with its language; a cry in a language we can't speak is one of no language."""
    for tag, cries in commands.sos.items():
        for cry in cries:
            yield cry, tag if tag in languages else ""


def _tongues(tag: str, languages: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield what a language is called: by its tag, by its own people, and in each of `languages`."""
    yield tag, tag
    yield LANGUAGES[tag].autonym, tag
    for other in languages:
        name = NAMES.get(other, {}).get(tag)
        if name:
            yield name, tag
