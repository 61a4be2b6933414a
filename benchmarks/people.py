"""The people of the benchmarks: what they write, message by message, through the real intake.

Each script is walked once through the engine, so that it is known where it leads and which question waits when.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from operator import attrgetter

from bot import clock
from bot.conversation.engine import Rulebook, advance
from bot.conversation.model import Chance, Conversation, HandOff, Kind, Message, Say, Sender

CHANNEL = "signal"  # ids of messages are remembered there: the longest way a turn can take
_WORDS = (
    "Since the march two cars wait in front of our office every night, and yesterday a man whom nobody knows asked "
    "our neighbours when we come and go. We have changed our ways home, and some of us sleep elsewhere."
)

SCRIPTS: dict[str, tuple[str, ...]] = {
    "ordinary": (
        *("hello", "English", "1", "3", "tell", "1", "1, 5", "Oaxaca", "1, 2", "1", "Yes, send it"),
        *("Yes, they may act", "2"),
    ),
    "hesitant": (
        *("hello", "English", "maybe", "4", "read", "tell", "other", "what do you mean", "1", "held", "3", "help"),
        *("Chiapas", "back", "7", "1", "2", "Yes, send it", "Only after talking with me", "no"),
    ),
    "emergency": (
        *("SOS", "Yes, I am in danger", "They may act", "1", "threats", "skip", "1 and 7", "2", "1", "4", "3"),
        *("1", "2", "1", "2, 4", "1", _WORDS, "skip", "skip", "Yes, send it"),
    ),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a script, and what surrounds it."""

    text: str = field(repr=False)
    asked: int | None  # the serial of the question that waits, if it is a consent: people tap those
    answered: int | None  # the serial of the question that this message is answered with


@dataclass(frozen=True, slots=True)
class Script:
    """A whole talk: its messages, and the conversation as it is before each of them."""

    lines: tuple[Line, ...]
    before: tuple[Conversation, ...]


def scripts(book: Rulebook, now: datetime) -> list[Script]:
    """Return every script, walked. Raises ValueError where one no longer leads to a handoff."""
    return [_walked(book, name, texts, now) for name, texts in SCRIPTS.items()]


def message(script: Script, place: int, address: str, now: datetime) -> Message:
    """Return what the person at `address` writes at this place of a script."""
    line = script.lines[place]
    return Message(
        Sender(CHANNEL, address),
        f"{address}/{place}",
        now,
        line.text,
        Kind.TEXT if line.asked is None else Kind.TAP,
        question=line.asked,
    )


def people(written: Sequence[Script], label: str) -> Iterator[tuple[str, Script]]:
    """Yield addresses without end, all different, with the script that each person follows."""
    return ((f"{label}-{number:08}", written[number % len(written)]) for number in count())


def _walked(book: Rulebook, name: str, texts: Sequence[str], now: datetime) -> Script:
    sender = Sender(CHANNEL, "nobody")
    talk: Conversation | None = None
    lines, before, handed_off = [], list[Conversation](), False
    for text in texts:
        before.append(talk or Conversation(sender))
        asked = _consent(book, talk)
        sent = Message(sender, "", now, text, Kind.TEXT if asked is None else Kind.TAP, question=asked)
        outcome = advance(book, talk, sent, now, _chance())
        says = [effect for effect in outcome.effects if isinstance(effect, Say) and effect.question]
        lines.append(Line(text, asked, max(map(attrgetter("question.serial"), says), default=None)))
        if outcome.conversation and outcome.conversation.misses and text != "what do you mean":
            raise ValueError(f"script {name}: the flow doesn't understand “{text}” any more")
        handed_off = handed_off or any(isinstance(effect, HandOff) for effect in outcome.effects)
        talk = outcome.conversation
    if not handed_off or talk is None or talk.step:
        raise ValueError(f"script {name}: it no longer ends in a case")
    return Script(tuple(lines), tuple(before))


def _consent(book: Rulebook, talk: Conversation | None) -> int | None:
    step = book.flow.step(talk.step) if talk else None
    return talk.serial if talk and step and step.consent else None


def _chance() -> Chance:
    return Chance(clock.reference(), clock.return_code(), clock.check_number(), clock.fraction())
