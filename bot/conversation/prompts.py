"""What is proven about the words of a talk: they fit a phone, in every offered language, and promise no more places.

Words only, as a catalog gives them; whether two of them can be mistaken for one another is told in `collisions.py`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.conversation import named
from bot.conversation.asking import MORE, numbered, shown
from bot.conversation.flow import Choice, Commands, Flow, Step
from bot.conversation.guide import FOUND
from bot.conversation.machine import SKIP
from bot.conversation.model import Words
from bot.conversation.routes import at
from bot.conversation.understanding import MOST_FOUND

URGENT_LENGTH = 160  # characters of a question on the emergency path, with all that is said around it
LENGTH = 280  # characters of any other question, with what is said before it
MESSAGE_LENGTH = 700  # characters of a whole message, choices and all
SENTENCES = 2  # beside one question

# The longest likely value of each place, where the profile says nothing.
LONGEST: Mapping[str, str] = MappingProxyType(
    {
        "mission": "the embassy of the United Kingdom in Mexico",
        "minutes": "120 minutes",
        "hours": "24 hours",
        "days": "14 days",
        "window": "120 minutes",
        "place": "Ciudad de México",
        "vanish": "24 hours",
        "signal": "postigo_mission.4242",
        "site": "https://www.gov.uk/world/mexico",
        "fingerprint": "https://www.gov.uk/world/mexico/signal",
        "contacts": "",
        "time": "23:59",
        "reference": "7K3QX9",
        "code": "1234 5678 9012 3456",
        "check": "1234",
        "day": "21 November 2026",
        "source": "",  # a page of any length: it stands at the end
        "own": "",
        "crisis_lines": "",
        "audience": "",
        "length": "4999",
        "limit": "500",
    }
)

Standing = Mapping[str, Mapping[str, str]]  # by language: what the profile puts into places

_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_SENTENCE = re.compile(r"[^.?!\s][^.?!]*[.?!]*")
_LOUD = re.compile("[!¡！]")


@dataclass(frozen=True, slots=True)
class Text:
    """One text: where it is written, what it is translated by, and which places are filled in when it is said."""

    where: str  # "flows/intake.toml: step 'danger'"
    context: str
    english: str
    places: frozenset[str] = frozenset()


def findings(flow: Flow, commands: Commands, spoken: Mapping[str, Words], standing: Standing) -> list[str]:
    """Return what is wrong with the words of a flow, a sentence each."""
    texts = [*_of_flow(flow), *_of_commands(commands)]
    lengths = (_lengths(_Voice(flow, tag, words, standing.get(tag, {}))) for tag, words in spoken.items())
    return [
        *text_findings(texts, spoken),
        *_sentences(flow),
        *(sentence for one in lengths for sentence in one),
    ]


def text_findings(texts: Iterable[Text], spoken: Mapping[str, Words]) -> Iterator[str]:
    """Yield what is wrong with texts wherever they are said: places, braces, exclamation marks."""
    for text in texts:
        unknown = sorted(places(text.english) - text.places)
        yield from (f"{text.where}: nothing fills in the place {{{one}}}" for one in unknown)
        yield from _written(text.where, text.english)
        for tag, words in spoken.items():
            said = words(text.context, text.english)
            if said != text.english:
                yield from _translated(text, tag, said)


def places(text: str) -> set[str]:
    """Return the names of the {places} in `text`."""
    return set(_PLACE.findall(text))


def _translated(text: Text, tag: str, said: str) -> Iterator[str]:
    if places(said) != places(text.english):
        yield f"{text.where}: in {tag}, '{text.context}' has other places than the English"
    yield from _written(f"{text.where}: in {tag}", said)


def _written(where: str, said: str) -> Iterator[str]:
    if re.search(r"[{}]", _PLACE.sub("", said)):
        yield f"{where}: a brace stands there that isn't part of a {{place}}"
    if _LOUD.search(said):
        yield f"{where}: no exclamation marks"


# ── which places are filled in where ─────────────────────────────────────────────────────────────────────


def _of_flow(flow: Flow) -> Iterator[Text]:
    filled = dict(_filled(flow))
    for context, english in flow.messages():
        room, _, rest = context.partition(".")
        place = f"text '{rest}'" if room == "say" else f"step '{rest.partition('.')[0]}'"
        yield Text(f"flows/{flow.name}.toml: {place}", context, english, filled.get(context, frozenset()))


def _of_commands(commands: Commands) -> Iterator[Text]:
    for context, english in commands.messages():
        yield Text(f"flows/commands.toml: command '{context.split('.')[1]}'", context, english)


def _filled(flow: Flow) -> Iterator[tuple[str, frozenset[str]]]:
    for step in flow.steps.values():
        case = all(one.after for one in flow.steps.values() if one.spoken == step.spoken)
        yield flow.context(step), named.STANDING | ({named.REFERENCE} if case else frozenset())
        yield from ((f"{flow.name}.{step.name}.note.{n}", named.STANDING) for n in range(len(step.notes)))
    yield from ((f"say.{name}", _given(name)) for name in flow.texts)


def _given(name: str) -> frozenset[str]:
    base, _, form = name.rpartition("_")
    if form not in {*named.CHANNELS, named.BARE}:
        base = name
    given = named.TEXTS.get(base, frozenset()) | named.STANDING
    if form == named.BARE:
        return given
    return given | ({named.SITE, named.FINGERPRINT} if base == named.VERIFY else {named.CONTACTS})


# ── how much is said at once ─────────────────────────────────────────────────────────────────────────────


def _sentences(flow: Flow) -> Iterator[str]:
    for step in flow.steps.values():
        if step.spoken == step.name:
            yield from _counted(f"{at(flow, step.name)}the question", step.ask)
    said = dict.fromkeys(form for step in flow.steps.values() for one in step.says for form in named.forms(flow, one))
    for name in said:
        yield from _counted(f"flows/{flow.name}.toml: text '{name}'", flow.texts[name])


def _counted(where: str, english: str) -> Iterator[str]:
    sentences = [one.strip() for one in _SENTENCE.findall(english)]
    asked = sum(one.endswith("?") for one in sentences)
    told = len(sentences) - asked
    if asked > 1:
        yield f"{where} asks {asked} things at once"
    if told > SENTENCES:
        yield f"{where} has {told} sentences, more than {SENTENCES}"


@dataclass(frozen=True, slots=True)
class _Voice:
    """One flow, measured in one language."""

    flow: Flow
    tag: str
    words: Words
    standing: Mapping[str, str]

    def before(self, step: Step, *, contacts: bool) -> list[str]:
        """Return what is said before the choices of a step, each text in its longest form."""
        said = [max((self.text(form, contacts=contacts) for form in forms), key=len) for forms in self.says(step)]
        return [*said, self.said(self.flow.context(step), step.ask, contacts=contacts)]

    def says(self, step: Step) -> Iterator[list[str]]:
        return filter(None, (named.forms(self.flow, name) for name in step.says))

    def text(self, name: str, *, contacts: bool = True) -> str:
        return self.said(f"say.{name}", self.flow.texts.get(name, ""), contacts=contacts)

    def said(self, context: str, english: str, *, contacts: bool) -> str:
        values = {**LONGEST, **self.standing, **({} if contacts else {named.CONTACTS: ""})}
        return _PLACE.sub(lambda place: values.get(place[1], place[0]), self.words(context, english))

    def choices(self, step: Step) -> list[str]:
        """Return the choices of a step's longest page, one a line."""
        offered = numbered(step, ())[: MOST_FOUND if step.name == FOUND else None]
        pages = ([f"{number} {self.label(step, name)}" for number, name in shown(step, offered, n)] for n in (0, 1))
        return max(pages, key=lambda lines: len("\n".join(lines)))

    def label(self, step: Step, name: str) -> str:
        choices: Mapping[str, Choice] = {choice.name: choice for choice in step.choices}
        if name in {MORE, SKIP} and name not in choices:
            return self.text(name)
        return self.words(self.flow.context(step, name), choices[name].label)


def _lengths(voice: _Voice) -> Iterator[str]:
    """Measure every question in one language. What the person answered so far, and lists of contacts, don't count."""
    unsent = voice.text("unsent")
    for step in voice.flow.steps.values():
        prompt = [*voice.before(step, contacts=False), *([unsent] if step.urgent else [])]
        limit = URGENT_LENGTH if step.urgent else LENGTH
        where = f"{at(voice.flow, step.name)}in {voice.tag}, the "
        yield from _longer(f"{where}question with what is said around it", prompt, limit)
        whole = [*voice.before(step, contacts=True), *voice.choices(step), unsent]
        yield from _longer(f"{where}whole message", whole, MESSAGE_LENGTH)


def _longer(what: str, lines: list[str], limit: int) -> Iterator[str]:
    length = len("\n".join(lines))
    if length > limit:
        yield f"{what} has {length} characters, more than {limit}"
