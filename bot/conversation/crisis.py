"""Words of somebody who may want to end their life, found in whatever language they are written.

Pure. Phrases are compared word by word, as folded; what people write who fear for their lives from others is taken
out first. A finding changes what is said, and nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.conversation.understanding import fold

LONGEST = 2_000  # characters that are looked at


@dataclass(frozen=True, slots=True)
class Phrases:
    """What is looked for in one language, as people write it."""

    words: tuple[str, ...]  # anywhere in a message
    alone: tuple[str, ...] = ()  # as the whole of it
    unless: tuple[str, ...] = ()  # says the opposite


@dataclass(frozen=True, slots=True)
class Crises:
    """All phrases of all languages, folded. `run`: those of scripts without spaces, found anywhere."""

    words: frozenset[tuple[str, ...]] = frozenset()
    alone: frozenset[str] = frozenset()
    unless: frozenset[tuple[str, ...]] = frozenset()
    run: tuple[str, ...] = ()
    run_unless: tuple[str, ...] = ()
    longest: int = 0  # words in the longest phrase
    begun: frozenset[str] = frozenset()  # the words that one begins with: most messages have none of them

    def heard_in(self, text: str) -> bool:
        """Tell whether somebody says that they want to end their life."""
        return self.heard_in_folded(fold(text[:LONGEST]))

    def heard_in_folded(self, folded: str) -> bool:
        """Tell the same of a text that is folded already."""
        if not folded or folded.isdigit():
            return False
        if folded in self.alone:
            return True
        words = folded.split()
        if self.begun.isdisjoint(words):
            return self._runs(folded)
        left = tuple(self._without(words))
        return any(gram in self.words for gram in _grams(left, self.longest, self.begun)) or self._runs(folded)

    def _without(self, words: list[str]) -> Iterator[str]:
        """Yield the words without the phrases that say the opposite, and a gap in their place."""
        at = 0
        while at < len(words):
            taken = next((n for n in range(self.longest, 0, -1) if tuple(words[at : at + n]) in self.unless), 0)
            yield words[at] if not taken else ""
            at += taken or 1

    def _runs(self, folded: str) -> bool:
        for phrase in self.run_unless:
            folded = folded.replace(phrase, " ")
        return any(phrase in folded for phrase in self.run)


def crises(told: Mapping[str, Phrases], unspaced: Iterable[str]) -> Crises:
    """Return what to look for. `told`: by language; `unspaced`: the languages that write no spaces."""
    spaced = [phrases for tag, phrases in told.items() if tag not in set(unspaced)]
    runs = [phrases for tag, phrases in told.items() if tag in set(unspaced)]
    words = frozenset(tuple(fold(one).split()) for phrases in spaced for one in phrases.words)
    unless = frozenset(tuple(fold(one).split()) for phrases in spaced for one in phrases.unless)
    return Crises(
        words,
        frozenset(fold(one) for phrases in told.values() for one in phrases.alone),
        unless,
        tuple(fold(one) for phrases in runs for one in phrases.words),
        tuple(fold(one) for phrases in runs for one in phrases.unless),
        max(map(len, words | unless), default=0),
        frozenset(phrase[0] for phrase in words),
    )


def _grams(words: tuple[str, ...], longest: int, begun: frozenset[str]) -> Iterator[tuple[str, ...]]:
    for at in (at for at, word in enumerate(words) if word in begun):
        for length in range(1, longest + 1):
            yield words[at : at + length]
