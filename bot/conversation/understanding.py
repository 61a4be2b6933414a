"""What a person typed, as the choice, command or cry for help it means, or as nothing.

People type with any keyboard, in any script, in fear: forms are folded on both sides and compared. A
consent is understood only from its number or its whole label. Nothing here knows where a talk stands.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_SOS_SIGN = "🆘"
_DROPPED = frozenset({"Mn", "Me", "Cf"})  # accents, enclosing keycaps, bidi marks and zero-width characters
# Letters that keyboards and habits mix up: Turkish i without its dot, Persian and Arabic forms of one letter.
_SAME = {"ı": "i", "ی": "ي", "ى": "ي", "ک": "ك", "ة": "ه"}
_APOSTROPHES = frozenset("'’ʼ`´")
_SEPARATORS = re.compile(r"[,;/+&\n\r،؛、，]")
_LONGEST = 5_000  # characters; what is longer can't be a choice
SKIPPED = "skip"  # what a question is answered with that is left out
_SHORTEST_START = 3  # letters that may stand for the label they begin
MOST_FOUND = 9  # topics


@dataclass(frozen=True, slots=True)
class Picked:
    """Choices by name, in the order offered; `language`: the only one in which these words mean that, or ""."""

    choices: tuple[str, ...]
    language: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Ordered:
    """A command by name; `argument` is what stood after it, folded."""

    command: str
    argument: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Cry:
    """A cry for help; `language` is "" when the word belongs to none."""

    language: str = ""


@dataclass(frozen=True, slots=True)
class Own:
    """The person's own words, as written."""

    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nothing that fits here."""


Understood = Picked | Ordered | Cry | Own | Unclear


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All forms that mean something, folded, in every offered language. Built once at start."""

    languages: tuple[str, ...]
    labels: Mapping[str, Mapping[tuple[str, str], str]]  # language -> (step, choice) -> label
    words: Mapping[str, Mapping[tuple[str, str], tuple[str, ...]]]  # the same -> more words for it
    commands: Mapping[str, str]  # word -> command, of all languages
    command_numbers: Mapping[int, str]
    numbers: Mapping[str, int]  # "two", "dos" -> 2
    joiners: frozenset[str]  # "and", "y"
    nays: frozenset[str]  # "no", "nada": at a question for own words they leave it out
    cries: Mapping[str, str]  # word -> language
    tongues: Mapping[str, str]  # "es", "espanol" -> language
    topics: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)  # language -> topic -> forms


@dataclass(frozen=True, slots=True)
class Expected:
    """What the waiting question takes."""

    step: str  # whose labels are said
    offered: tuple[tuple[int, str], ...] = ()
    several: bool = False
    own_words: bool = False
    consent: bool = False
    refusals: frozenset[str] = frozenset()  # the choices of a consent that send nothing: taken as any other


def fold(text: str) -> str:
    """Return `text` as compared: one case, one form, ASCII digits, no marks, single spaces.

    "２." and "2️⃣" become "2", "No sé" becomes "no se", "don't" becomes "dont".
    """
    flat = unicodedata.normalize("NFKD", text.casefold())
    flat = unicodedata.normalize("NFKD", flat.casefold())  # compatibility forms may open new cases
    return " ".join(flat.translate(_FOLDED).split())


class _Alphabet(dict[int, str]):
    """What each character is compared as: of a few scripts, and nothing of what was written with them."""

    def __missing__(self, code: int) -> str:
        folded = _folded(chr(code))
        if len(self) < _REMEMBERED:
            self[code] = folded
        return folded


_FOLDED = _Alphabet()
_REMEMBERED = 2048


def _folded(char: str) -> str:
    if char in _APOSTROPHES or unicodedata.category(char) in _DROPPED:
        return ""
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    if char == _SOS_SIGN:
        return f" {char} "
    return _SAME.get(char, char) if char.isalnum() else " "


def understand(text: str, expected: Expected, language: str, known: Vocabulary) -> Understood:
    """Return what `text` means at a question that takes `expected`, to a person who reads `language`."""
    if len(text) > _LONGEST:
        return Own(text) if expected.own_words else Unclear()
    folded = fold(text)
    if not folded:
        return Unclear()
    return (
        _order(text, folded, known)
        or _choice(text, folded, expected, language, known)
        or _rest(text, folded, expected, known)
    )


def topics_found(text: str, language: str, known: Vocabulary) -> tuple[str, ...]:
    """Return the topics of the guide that a word leads to, the surest first, in the person's language alone.

    A topic is called so; or one of its words is; or begins so, from four letters on.
    """
    folded = fold(text[:_LONGEST])
    topics = known.topics.get(language) or known.topics.get(next(iter(known.languages), ""), {})
    if not folded or not topics:
        return ()
    called = [name for name, forms in topics.items() if folded in forms]
    tokens = {token for token in folded.split() if len(token) >= _SHORTEST_START}
    holding = [name for name, forms in topics.items() if any(not tokens.isdisjoint(form.split()) for form in forms)]
    begun = [name for name, forms in topics.items() if _is_long(folded) and _begins(folded, forms)]
    return tuple(dict.fromkeys(called or (*holding, *begun)))[:MOST_FOUND]


def _is_long(folded: str) -> bool:
    return len(folded) > _SHORTEST_START or (_runs_on(folded) and len(folded) > 1)


def _begins(folded: str, forms: tuple[str, ...]) -> bool:
    return any(word.startswith(folded) for form in forms for word in form.split()) or any(
        folded in form for form in forms if not folded.isascii()
    )


def _rest(text: str, folded: str, expected: Expected, known: Vocabulary) -> Understood:
    if expected.own_words:
        return Picked((SKIPPED,)) if folded in known.nays else Own(text)
    if expected.step and folded in known.tongues and _is_long(folded):  # "uk" may be a place
        return Ordered("language", folded)
    return _cry_within(folded, known) or Unclear()


def _order(text: str, folded: str, known: Vocabulary) -> Cry | Ordered | None:
    """A cry or a command that is the whole message."""
    if _once(folded) in known.cries:
        return Cry(known.cries[_once(folded)])
    if folded in known.commands:
        return Ordered(known.commands[folded])
    if folded.isascii() and folded.isdigit() and len(folded) < _SHORTEST_START:
        command = known.command_numbers.get(int(folded))
        return Ordered(command) if command else None
    return _with_argument(text, folded, known)


def _once(folded: str) -> str:
    """Return the word that is written again and again, once; other texts as they are."""
    words = folded.split()
    return words[0] if len(set(words)) == 1 else folded


def _with_argument(text: str, folded: str, known: Vocabulary) -> Ordered | None:
    """A command with a word after it: /start es, /stop, language español."""
    first, _, rest = folded.partition(" ")
    if text.lstrip().startswith("/"):
        return Ordered("start", rest) if first == "start" else _slash(first, rest, known)
    if known.commands.get(first) == "language" and rest in known.tongues:
        return Ordered("language", rest)
    return None


def _slash(first: str, rest: str, known: Vocabulary) -> Ordered | None:
    command = known.commands.get(first)
    return Ordered(command, rest) if command else None


def _choice(text: str, folded: str, expected: Expected, language: str, known: Vocabulary) -> Picked | None:
    one = _one(folded, expected, language, known)
    if one:
        return Picked((one,), _tongue(folded, expected, known))
    if not expected.several:
        return None
    picked = _many(text, expected, language, known)
    order = [name for _, name in expected.offered]
    return Picked(tuple(sorted(picked, key=order.index))) if picked else None


def _many(text: str, expected: Expected, language: str, known: Vocabulary) -> set[str]:
    """Every choice of "1, 3 y 5"; nothing when any part of it is not understood."""
    picked: set[str] = set()
    for piece in _SEPARATORS.split(text):
        folded = fold(piece)
        one = _one(folded, expected, language, known)
        found = [one] if one else [_one(token, expected, language, known) for token in _tokens(folded, known)]
        if not all(found):
            return set()
        picked.update(name for name in found if name)
    return picked


def _tokens(folded: str, known: Vocabulary) -> list[str]:
    return [token for token in folded.split() if token not in known.joiners]


def _one(folded: str, expected: Expected, language: str, known: Vocabulary) -> str | None:
    if not folded:
        return None
    number = _number(folded, known)
    if number is not None:
        return dict(expected.offered).get(number)
    names = [name for _, name in expected.offered]
    for tongue in (language, *known.languages):
        name = _by_label(folded, names, expected, tongue, known)
        if name:
            return name
    return None


def _tongue(folded: str, expected: Expected, known: Vocabulary) -> str:
    """Return the one language in which these words are a choice; "" for a number, or for words of several."""
    if _number(folded, known) is not None:
        return ""
    names = [name for _, name in expected.offered]
    spoken = [tongue for tongue in known.languages if _by_label(folded, names, expected, tongue, known)]
    return spoken[0] if len(spoken) == 1 else ""


def _number(folded: str, known: Vocabulary) -> int | None:
    if folded.isascii() and folded.isdigit():
        return int(folded[:9])
    return known.numbers.get(folded)


def _by_label(folded: str, names: Sequence[str], expected: Expected, language: str, known: Vocabulary) -> str | None:
    step, labels, more = expected.step, known.labels.get(language, {}), known.words.get(language, {})
    for name in names:
        if labels.get((step, name)) == folded:
            return name
    part_of = [name for name in names if not expected.consent or name in expected.refusals]
    for name in part_of:
        if folded in more.get((step, name), ()):
            return name
    return _by_start(folded, {name: labels.get((step, name), "") for name in part_of})


def _by_start(folded: str, forms: Mapping[str, str]) -> str | None:
    if len(folded) < _SHORTEST_START:
        return None
    begun = [name for name, form in forms.items() if form.startswith(folded)]
    return begun[0] if len(begun) == 1 else None


def _runs_on(word: str) -> bool:
    """Whether a word is of a script that puts no spaces between words: Chinese and its like."""
    return word >= "\u2e80"


def _cry_within(folded: str, known: Vocabulary) -> Cry | None:
    """A cry in the middle of other words, where only a choice was expected."""
    padded = f" {folded} "
    for cry, language in known.cries.items():
        if (cry if _runs_on(cry) else f" {cry} ") in padded:
            return Cry(language)
    return None
