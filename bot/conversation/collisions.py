"""What is proven about what people type: each form means one thing, and commands work at every step, in every language.

Compared as `understanding.py` compares. A command goes before every choice, so a choice by the same word is lost.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bot.conversation import named
from bot.conversation.asking import MORE, Offered, numbered
from bot.conversation.flow import Commands, Flow, Step
from bot.conversation.guide import FOUND
from bot.conversation.machine import SKIP
from bot.conversation.model import Words
from bot.conversation.routes import at
from bot.conversation.understanding import fold

FILE = "flows/commands.toml"
HIGHEST = 99  # a command's number has two digits at most
_COMMAS = re.compile("[,،、]")

Numbering = Callable[[Step, Offered], Offered]
Forms = dict[str, str]  # what is typed, folded -> what it means, in words


@dataclass(frozen=True, slots=True)
class _Form:
    """One thing that may be typed for a choice."""

    choice: str
    written: str


def findings(flow: Flow, commands: Commands, spoken: Mapping[str, Words]) -> list[str]:
    """Return what could be mistaken for something else, a sentence each."""
    if not commands.rows:
        return [f"{FILE}: there are no commands"]
    taken: Forms = {fold(cry): "a cry for help" for cries in commands.sos.values() for cry in cries}
    return [
        *_rows(commands),
        *_command_words(commands, spoken, taken),
        *_choice_words(flow, spoken, taken),
        *number_findings(flow, commands),
    ]


def number_findings(flow: Flow, commands: Commands, number: Numbering = numbered) -> list[str]:
    """Return where a number may mean two things: a choice and a command, or a consent and what was asked before it.

    `number`: gives the choices of a step their numbers, after those of the question before it. Any question may
    come before a consent: BACK, LANGUAGE and SOS lead from everywhere.
    """
    lowest = min(row.number for row in commands.rows)
    seen: dict[str, set[Offered]] = {name: {number(step, ())} for name, step in flow.steps.items()}
    found = list(_consents_apart(flow, seen, number))
    for name, offers in seen.items():
        highest = max((last[0] for offered in offers for last in offered[-1:]), default=0)
        if highest >= lowest:
            found.append(f"{at(flow, name)}its numbers go up to {highest}, and {lowest} is a command")
    return found


def _consents_apart(flow: Flow, seen: dict[str, set[Offered]], number: Numbering) -> Iterator[str]:
    """Number each consent after every other question, and after consents so numbered, until nothing is new."""
    told: set[tuple[str, str]] = set()
    waiting = [(name, offered) for name, offers in seen.items() for offered in offers]
    while waiting:
        before, offered = waiting.pop(0)
        for step in flow.steps.values():
            if not step.consent or step.name == before:
                continue
            numbers = number(step, offered)
            if _numbers(numbers) & _numbers(offered) and (step.name, before) not in told:
                told.add((step.name, before))
                yield f"{at(flow, step.name)}a consent, but its numbers may be those of '{before}' before it"
            if numbers not in seen[step.name]:
                seen[step.name].add(numbers)
                waiting.append((step.name, numbers))


def _numbers(offered: Offered) -> set[int]:
    return {number for number, _ in offered}


def _rows(commands: Commands) -> Iterator[str]:
    names = [row.name for row in commands.rows]
    numbers = [row.number for row in commands.rows]
    yield from (f"{FILE}: command '{name}' is missing" for name in named.NEEDED if name not in names)
    for row in commands.rows:
        where = f"{FILE}: command '{row.name}'"
        if row.name not in named.COMMANDS:
            yield f"{where} is nothing that the program can do"
        if names.count(row.name) > 1:
            yield f"{where} stands there {names.count(row.name)} times"
        if numbers.count(row.number) > 1 or not 0 < row.number <= HIGHEST:
            yield f"{where} needs a number up to {HIGHEST} of its own, not {row.number}"


def _command_words(commands: Commands, spoken: Mapping[str, Words], taken: Forms) -> Iterator[str]:
    """Compare the words of all commands in all languages; `taken` comes to hold them."""
    for tag, words in spoken.items():
        for row in commands.rows:
            where = f"{FILE}: command '{row.name}': in {tag}, "
            written = _split(words(f"command.{row.name}", row.words))
            if not written:
                yield f"{where}it has no word"
            meant = f"a word for the command '{row.name}'"
            for word in written:
                if taken.setdefault(fold(word), meant) != meant:
                    yield f"{where}'{word}' is {taken[fold(word)]}"


def _choice_words(flow: Flow, spoken: Mapping[str, Words], taken: Forms) -> Iterator[str]:
    for step in flow.steps.values():
        meant: Forms = {}
        for tag, words in spoken.items():
            meant = meant if step.consent else {}  # what is a yes in one language may be a no in none
            where = f"{at(flow, step.name)}in {tag}, "
            forms = list(_forms(flow, step, words))
            yield from (f"{where}{sentence}" for sentence in _lost(forms, taken))
            yield from (f"{where}{sentence}" for sentence in _ambiguous(forms, meant))


def _lost(forms: list[_Form], taken: Forms) -> Iterator[str]:
    for form in forms:
        meant = taken.get(fold(form.written))
        if meant and not (form.choice == SKIP and meant == f"a word for the command '{SKIP}'"):
            yield f"the choice '{form.choice}' is called '{form.written}', which is {meant}"


def _ambiguous(forms: list[_Form], meant: Forms) -> Iterator[str]:
    """Yield what means two choices; `meant`, form -> choice, comes to hold them."""
    for form in forms:
        choice = meant.setdefault(fold(form.written), form.choice)
        if choice != form.choice:
            yield f"the choices '{choice}' and '{form.choice}' are both called '{form.written}'"


def _forms(flow: Flow, step: Step, words: Words) -> Iterator[_Form]:
    """Yield what may be typed for each choice: labels first, then more words."""
    for name in (MORE, SKIP):
        if _offers(step, name):
            yield _Form(name, words(f"say.{name}", flow.texts.get(name, "")))
    if step.spoken != step.name:
        return
    for choice in step.choices:
        yield _Form(choice.name, words(flow.context(step, choice.name), choice.label))
    for choice in step.choices if step.name != FOUND else ():  # there a word is looked up anew
        said = words(flow.context(step, f"{choice.name}.words"), choice.words) if choice.words else ""
        yield from (_Form(choice.name, word) for word in _split(said))


def _offers(step: Step, name: str) -> bool:
    return any(offered == name for _, offered in numbered(step, ()))


def _split(text: str) -> list[str]:
    return [word.strip() for word in _COMMAS.split(text) if fold(word)]
