"""Effects become words here: the text of one message, in every language it is to be said in.

Which words, to whom and when is decided before; what the words are stands in the catalogs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from bot.conversation.flow import Choice, Command, Commands, Flow, Step
from bot.conversation.model import Answer, Line, Question, Say, Spoken, Words
from bot.conversation.named import COVER
from bot.conversation.understanding import fold
from bot.errors import FlowError
from bot.language.catalogs import ENGLISH, LANGUAGES, Direction, Language, isolate
from bot.language.places import day
from bot.language.vocabulary import EVERYWHERE, split_words

COMPACT_ABOVE = 14  # choices: more would fill more than a phone's screen, one a line
COMPACT_WIDTH = 40  # characters a line of a message shows on a small phone
BETWEEN = " · "
OR = " / "
NUMBERS = frozenset({"yes", "no"})  # places that hold numbers of choices
BUTTON_WIDTH = 30  # characters that a small phone shows of a button; longer labels stand in the text too
LOCKED_SCREEN = 60  # characters of a message that a locked screen shows
RIGHT_TO_LEFT_MARK = "\u200f"  # a line that begins with a number or a Latin name still runs right to left

DOTTED = "tr"  # the capital of i keeps its dot

COMMANDS = "commands"  # the line that lists all commands; it has no text of its own

NO_COMMANDS = Commands((), {})
# What people must be able to copy.
_TO_COPY = ("{contacts}", "{crisis_lines}", "{site}", "{fingerprint}", "{signal}", "{source}")
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
    alarming_words: frozenset[str] = frozenset()

    def line(self, line: Line) -> str:
        if line.name == COMMANDS:
            return "\n".join(self.command(row) for row in self.commands.rows if row.help)
        if line.name not in self.texts:
            raise FlowError(f"flow {self.flow.name}: there is no text named {line.name}")
        return self.words(line.name, self.texts[line.name], {**self.standing, **self.values(line)})

    def values(self, line: Line) -> dict[str, str]:
        values = dict(line.values)
        if "day" in values:
            values["day"] = day(date.fromisoformat(values["day"]), self.language.tag)
        if "own" in values:
            values["own"] = self.standing.get(f"own {values['own']}", "")
        for name in NUMBERS & values.keys():
            values[name] = OR.join(in_digits(int(number), self.language) for number in values[name].split())
        return values

    def command(self, row: Command) -> str:
        first = next(iter(split_words(self.words(f"command.{row.name}", row.words))), row.name)
        told = self.words(f"command.{row.name}.help", row.help)
        return f"{self.mark()}{in_digits(row.number, self.language)} {upper(first, self.language)}: {told}"

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

    def blocks(self, say: Say, *, listed: bool = True) -> Iterator[str]:
        yield from map(self.line, say.lines)
        if say.shown:
            yield "\n".join(map(self.shown, say.shown))
        if listed and say.question and say.question.offered:
            yield self.choices(say.question)
        yield from map(self.line, say.tail)

    def text(self, say: Say, *, listed: bool = True) -> str:
        return "\n".join(self.blocks(say, listed=listed))

    def labels(self, question: Question) -> list[str]:
        step = _step(self.flow, question.step)
        return [self.label(step, name) for _, name in question.offered]

    def to_copy(self, say: Say) -> bool:
        return any(place in self.texts.get(line.name, "") for line in say.lines for place in _TO_COPY)

    def alarming(self, beginning: str) -> bool:
        """Whether words stand there that nobody else should read on a locked screen."""
        folded = fold(beginning)
        if not self.language.spaces:
            return any(word in folded for word in self.alarming_words)
        return not self.alarming_words.isdisjoint(folded.split())


class Renderer:
    """Says things in the words of one flow and its languages: prepared once at start."""

    def __init__(self, voices: Mapping[str, _Voice]) -> None:
        self._voices = voices

    def __call__(self, say: Say) -> str:
        """Return the whole text of `say`, once in each of its languages, with an empty line between.

        A language that isn't known is said in English. Labels taken from the profile have no translation and
        stay as they are.

        Raises:
            FlowError: `say` names a text, step or choice that the flow doesn't have.

        """
        return "\n\n".join(voice.text(say) for voice in self._spoken_by(say))

    def spoken(self, say: Say, *, buttons: bool, covered: bool) -> Spoken:
        """Return `say` in words for a channel that may have buttons, and whose messages may show on a locked screen.

        Raises FlowError as the whole text does.
        """
        voices = self._spoken_by(say)
        shown = _buttons(voices, say.question) if buttons and say.question else ()
        fits = len(voices) == 1 and all(len(label) <= BUTTON_WIDTH for _, label in shown)
        text = "\n\n".join(voice.text(say, listed=not shown or not fits) for voice in voices)
        if covered and not _to_officers(say) and any(voice.alarming(text[:LOCKED_SCREEN]) for voice in voices):
            text = f"{voices[0].line(Line(f'say.{COVER}'))}\n{text}"
        several = bool(shown and say.question and say.question.several)
        done = voices[0].line(Line("say.done")) if several else ""
        return Spoken(text, shown, done, say.final or any(voice.to_copy(say) for voice in voices))

    def _spoken_by(self, say: Say) -> Sequence[_Voice]:
        voices = self._voices
        return [voices[tag if tag in voices else ENGLISH] for tag in say.languages or (ENGLISH,)]


def renderer(
    flow: Flow,
    words: Mapping[str, Words],
    commands: Commands = NO_COMMANDS,
    standing: Standing = MappingProxyType({}),
    more: Mapping[str, str] = MappingProxyType({}),
) -> Renderer:
    """Return what says things in the words of one flow, its areas and languages filled in, and its languages.

    `commands`: what the line "commands" lists. `standing`: values for places in any text, by language; what a
    line brings itself goes before them. `more`: texts besides the flow's, by name.
    """
    texts = {**dict(flow.messages()), **more}
    return Renderer(
        {
            tag: _Voice(flow, texts, LANGUAGES[tag], spoken, commands, standing.get(tag, {}), _alarming(commands, tag))
            for tag, spoken in words.items()
        }
    )


def upper(word: str, language: Language) -> str:
    """Return a word in capitals, as its language writes them."""
    return (word.replace("i", "İ") if language.tag == DOTTED else word).upper()


def in_digits(number: int, language: Language) -> str:
    """Return `number` in the digits of the language's script."""
    return str(number).translate(str.maketrans("0123456789", language.digits))


def _alarming(commands: Commands, tag: str) -> frozenset[str]:
    return frozenset(fold(word) for word in commands.alarming.get(tag, ()))


def _to_officers(say: Say) -> bool:
    """Whether these are words for officers, who are to see on a locked screen that a case waits."""
    return say.lines[0].name.startswith("duty.") if say.lines else False


def _buttons(voices: Sequence[_Voice], question: Question) -> tuple[tuple[int, str], ...]:
    """Return number and label of each choice; in several languages at once, where nobody knows which one is read."""
    labels = zip(*(voice.labels(question) for voice in voices), strict=True)
    numbers = [number for number, _ in question.offered]
    language = voices[0].language
    return tuple(
        (number, f"{in_digits(number, language)} {' / '.join(dict.fromkeys(said))}")
        for number, said in zip(numbers, labels, strict=True)
    )


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
