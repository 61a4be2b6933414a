"""Which messages become turns when many write at once, and what the others are told.

Whoever cries for help comes in, and so does whoever wants to be forgotten, or may want to end their life, and every
officer. Keeping a message out opens nothing that is sealed and asks no database: thousands a second must be no load.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from time import monotonic

from bot.channels.base import Ears
from bot.conversation.asking import Rulebook, languages, text
from bot.conversation.handing import URGENT as URGENT_LEVEL
from bot.conversation.model import Conversation, HandOff, Kind, Message, Outcome, Say, Sender, Weight
from bot.conversation.understanding import Vocabulary, fold
from bot.gate import Gate
from bot.lanes import lane
from bot.logs import LARGEST_NUMBER, Event, event
from bot.storage.tables import URGENT

FULL = 100  # messages that a channel brings at once at most: behind so many others wait, whoever they are
TALLIED_EVERY = 300.0  # seconds between two lines of the log on messages that were kept out
_LONGEST_ORDER = 100  # characters
_LOOKED_AT = 300  # the same, of a message that would be kept out
_LONGEST_CRY = 4  # words
_UNSPACED = "\u2e80"  # from here on the scripts that put no spaces between words
_AT_ANY_TIME = frozenset({"erase", "emergency", "stop"})


@dataclass(frozen=True, slots=True)
class KeptOut:
    """A message that became no turn. `told`: the name of what its sender is told now, "" for nothing."""

    message: Message
    told: str


@dataclass(frozen=True, slots=True)
class _Cries:
    """What people cry for help with, as it is found among whatever other words. Most messages have none of them."""

    known: Vocabulary
    begun: frozenset[str]  # the words that one begins with
    unspaced: tuple[str, ...]

    def within(self, folded: str) -> bool:
        """Whether somebody cries for help in these words."""
        words = folded.split()
        if not self.begun.isdisjoint(words) and any(gram in self.known.cries for gram in self._grams(words)):
            return True
        return not folded.isascii() and any(cry in folded for cry in self.unspaced)

    def _grams(self, words: Sequence[str]) -> Iterator[str]:
        for at in (at for at, word in enumerate(words) if word in self.begun):
            for end in range(at + 1, at + _LONGEST_CRY + 1):
                yield " ".join(words[at:end])


def _cries_of(known: Vocabulary) -> _Cries:
    begun = frozenset(cry.partition(" ")[0] for cry in known.cries)
    return _Cries(known, begun, tuple(cry for cry in known.cries if cry >= _UNSPACED))


@dataclass(slots=True)
class Tally:
    """Tells an operator of messages that were kept out: of the first, and then of all within some minutes at once."""

    every: float = TALLIED_EVERY
    _count: int = 0
    _again: asyncio.TimerHandle | None = None  # until then nothing is told

    def add(self, messages: int) -> None:
        """Count messages; called from the loop."""
        self._count += messages
        if self._count and self._again is None:
            event(Event.MESSAGES_KEPT_OUT, rows=min(self._count, LARGEST_NUMBER))
            self._count = 0
            self._again = asyncio.get_running_loop().call_later(self.every, self._go_on)

    def _go_on(self) -> None:
        self._again = None
        self.add(0)


@dataclass(slots=True)
class Threshold:
    """Stands before the desk. `who`: the keyed hash of a sender; `officer`: whether one is."""

    gate: Gate
    who: Callable[[Sender], bytes]
    officer: Callable[[Sender], object]
    elapsed: Callable[[], float] = monotonic  # seconds, by a clock that nobody sets
    tally: Tally = field(default_factory=Tally)
    _cries: _Cries | None = None  # of the book that was last looked at

    def let_in(self, book: Rulebook, messages: Sequence[Message]) -> tuple[list[Message], list[KeptOut], float]:
        """Return the messages to take, in their order; those that are kept out; and the seconds that this took."""
        heard, kept_out, at = list[Message](), list[KeptOut](), self.elapsed()
        if len(messages) >= FULL:
            self.gate.felt(inf)
        for message in messages:
            who = self.who(message.sender)
            why = self.gate.judge(who, at)
            if not why or self._comes_in(book, message, partial(self.gate.hurries, who, at)):
                heard.append(readable(message))
            else:
                kept_out.append(KeptOut(message, why if self.gate.tells(who, at) else ""))
        return heard, kept_out, self.elapsed() - at

    def spares(self, book: Rulebook, message: Message) -> bool:
        """Return whether a message must be kept however many wait: it would be heard now. Nothing is counted."""
        who, at = self.who(message.sender), self.elapsed()
        return self.gate.would_hear(who, at) or self._comes_in(book, message, partial(self.gate.would_hurry, who, at))

    def presses(self, sender: Sender) -> bool:
        """Return whether all that somebody writes goes before others: they are in danger, or an officer."""
        return self.gate.is_urgent(self.who(sender)) or bool(self.officer(sender))

    def ears(self, book: Rulebook) -> Ears:
        """Return what a channel asks where more is written than can be taken at once."""
        return Ears(partial(hurries, book), self.presses, partial(self.spares, book))

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Note how long the turns of one job take."""
        at = self.elapsed()
        yield
        self.gate.felt(self.elapsed() - at)

    def take_back(self, messages: Sequence[Message]) -> None:
        """Let messages count for nothing that couldn't be taken: they will be brought again."""
        for message in messages:
            self.gate.give_back(self.who(message.sender), self.elapsed())

    def said(self, book: Rulebook, kept_out: KeptOut) -> Say:
        """Return what the sender is told: in their language if it is known from before, or told by the platform."""
        sender, hint = kept_out.message.sender, kept_out.message.hint
        known = self.gate.language(self.who(sender)) or (hint if hint in book.known.languages else "")
        here = Conversation(sender, language=known)
        return Say((text(book, here, kept_out.told),), languages(book, here), weight=Weight.STATUS)

    def learn(self, who: bytes, outcome: Outcome) -> None:
        """Note whether somebody is in danger, as a turn has shown."""
        at, talk = self.elapsed(), outcome.conversation
        if talk is None:
            self.gate.forget(who)
            return
        self.gate.learn(who, at, urgent=lane(outcome) == URGENT, language=talk.language)
        for effect in outcome.effects:
            if isinstance(effect, HandOff) and not effect.number and effect.level <= URGENT_LEVEL:
                self.gate.alerted(at)

    def as_now(self, book: Rulebook) -> Rulebook:
        """Return the rules as they are at this moment: while very many are in danger, each of them hears of it."""
        return replace(book, many=True) if self.gate.is_flood(self.elapsed()) else book

    def _comes_in(self, book: Rulebook, message: Message, may_hurry: Callable[[], bool]) -> bool:
        """Whether a message is heard that budgets would keep out."""
        return bool(self.officer(message.sender)) or (self._presses(book, message) and may_hurry())

    def _presses(self, book: Rulebook, message: Message) -> bool:
        """Whether somebody cries for help, or wants to be forgotten, or may want to end their life."""
        if message.kind is Kind.DELETED:
            return True
        folded = fold(message.text[:_LOOKED_AT])
        if _ordered(book.known, folded) in _AT_ANY_TIME:
            return True
        if self._cries is None or self._cries.known is not book.known:
            self._cries = _cries_of(book.known)
        return self._cries.within(folded) or book.crises.heard_in_folded(folded)


def hurries(book: Rulebook, text: str) -> bool:
    """Whether a message goes before others: a cry for help, or a wish to be forgotten."""
    folded = fold(text[:_LONGEST_ORDER])
    return folded in book.known.cries or _ordered(book.known, folded) in {"erase", "emergency"}


def _ordered(known: Vocabulary, folded: str) -> str:
    """Return the command that these words are, by name, "" for none."""
    number = int(folded[:9]) if folded.isascii() and folded.isdigit() else 0
    return known.commands.get(folded) or known.command_numbers.get(number, "")


def readable(message: Message) -> Message:
    """Return a message without half characters, which some phones send and no database takes."""
    text = message.text
    return message if text.isascii() else replace(message, text=text.encode("utf-8", "replace").decode())
