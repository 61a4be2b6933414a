"""Effects become words here: the text of one message, in every language it is to be said in.

Which words, to whom and when is decided before; what the words are stands in the catalogs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from bot.conversation.flow import Choice, Command, Commands, Flow, Step
from bot.conversation.model import Answer, Line, Question, Say, Words
from bot.errors import FlowError
from bot.language.catalogs import ENGLISH, LANGUAGES, Direction, Language, isolate
from bot.language.vocabulary import EVERYWHERE, split_words

COMPACT_ABOVE = 14  # choices: more would fill more than a phone's screen, one a line
COMPACT_WIDTH = 40  # characters a line of a message shows on a small phone
BETWEEN = " · "
RIGHT_TO_LEFT_MARK = "\u200f"  # a line that begins with a number or a Latin name still runs right to left

COMMANDS = "commands"  # the line that lists all commands; it has no text of its own

NO_COMMANDS = Commands((), {})
Standing = Mapping[str, Mapping[str, str]]  # by language: what the mission puts into places, such as {mission}


@dataclass(frozen=True, slots=True)
class _Voice:
    """One flow, said in one language."""

    flow: Flow
    texts: Mapping[str, str]
    language: Language
    words: Words
    commands: Commands
    standing: Mapping[str, str]

    def line(self, line: Line) -> str:
        if line.name == COMMANDS:
            return "\n".join(map(self.command, self.commands.rows))
        if line.name not in self.texts:
            raise FlowError(f"flow {self.flow.name}: there is no text named {line.name}")
        return self.words(line.name, self.texts[line.name], {**self.standing, **dict(line.values)})

    def command(self, row: Command) -> str:
        first = next(iter(split_words(self.words(f"command.{row.name}", row.words))), row.name)
        told = self.words(f"command.{row.name}.help", row.help)
        return f"{self.mark()}{in_digits(row.number, self.language)} {first.upper()}: {told}"

    def shown(self, answer: Answer) -> str:
        step = _step(self.flow, answer.step)
        title = self.words(self.flow.context(step, "title" if step.title else ""), step.title or step.ask)
        labels = [self.label(step, choice) for choice in answer.choices]
        own = [f"“{isolate(answer.words, self.language)}”"] if answer.words else []
        return f"{title}: {', '.join(labels + own)}"

    def choices(self, question: Question) -> str:
        step = _step(self.flow, question.step)
        entries = [self.entry(number, self.label(step, name)) for number, name in question.offered]
        lines = _packed(entries) if len(entries) > COMPACT_ABOVE else entries
        return "\n".join(self.mark() + line for line in lines)

    def mark(self) -> str:
        return RIGHT_TO_LEFT_MARK if self.language.direction is Direction.RTL else ""

    def entry(self, number: int, label: str) -> str:
        return f"{in_digits(number, self.language)} {isolate(label, self.language)}"

    def label(self, step: Step, name: str) -> str:
        if name in EVERYWHERE and name not in step.names():
            return self.line(Line(EVERYWHERE[name]))
        return self.words(self.flow.context(step, name), _choice(step, name).label)

    def blocks(self, say: Say) -> Iterator[str]:
        yield from map(self.line, say.lines)
        if say.shown:
            yield "\n".join(map(self.shown, say.shown))
        if say.question and say.question.offered:
            yield self.choices(say.question)
        yield from map(self.line, say.tail)


def render(say: Say, flow: Flow, words: Mapping[str, Words]) -> str:
    """Return the whole text of `say`, once in each of its languages, with an empty line between.

    `flow`: with its areas and languages filled in. `words`: by tag; a language that isn't among them is
    said in English. Labels taken from the profile have no translation and stay as they are.

    Raises:
        FlowError: `say` names a text, step or choice that `flow` doesn't have.

    """
    return renderer(flow, words)(say)


def renderer(
    flow: Flow, words: Mapping[str, Words], commands: Commands = NO_COMMANDS, standing: Standing = MappingProxyType({})
) -> Callable[[Say], str]:
    """Return `render` for one flow and its languages: prepared once at start, it costs a fifth.

    `commands`: what the line "commands" lists. `standing`: values for places in any text, by language; what a
    line brings itself goes before them.
    """
    texts = dict(flow.messages())
    voices = {
        tag: _Voice(flow, texts, LANGUAGES[tag], spoken, commands, standing.get(tag, {}))
        for tag, spoken in words.items()
    }
    return partial(_rendered, voices)


def in_digits(number: int, language: Language) -> str:
    """Return `number` in the digits of the language's script."""
    return str(number).translate(str.maketrans("0123456789", language.digits))


def _rendered(voices: Mapping[str, _Voice], say: Say) -> str:
    spoken = (voices[tag if tag in voices else ENGLISH] for tag in say.languages or (ENGLISH,))
    return "\n\n".join("\n".join(voice.blocks(say)) for voice in spoken)


def _step(flow: Flow, name: str) -> Step:
    step = flow.step(name)
    if step is None:
        raise FlowError(f"flow {flow.name}: there is no step named {name}")
    return step


def _choice(step: Step, name: str) -> Choice:
    for choice in step.choices:
        if choice.name == name:
            return choice
    raise FlowError(f"step {step.name}: there is no choice named {name}")


def _packed(entries: Iterable[str]) -> list[str]:
    """Return lines of as many entries as fit, none of them broken."""
    lines: list[str] = []
    for entry in entries:
        longer = f"{lines[-1]}{BETWEEN}{entry}" if lines else ""
        if longer and len(longer) <= COMPACT_WIDTH:
            lines[-1] = longer
        else:
            lines.append(entry)
    return lines
