"""What Hypothesis may draw for the core: answers, what a person types, what happens around it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from fakes import COMMANDS, FLOW, Talk
from hypothesis import strategies as st

from bot.conversation.events import (
    Accepted,
    Acknowledged,
    Bounced,
    Closed,
    Delivered,
    Due,
    Event,
    Placed,
    Refused,
    Relayed,
    Sealed,
    Trying,
)
from bot.conversation.model import Answer, Conversation, Kind, Timer
from bot.language.vocabulary import split_words

Drawn = TypeVar("Drawn")


def answers_of(*steps: str) -> st.SearchStrategy[tuple[Answer, ...]]:
    """Return any answers to these questions, some of them open."""
    drawn = [st.none() | _answer(step) for step in steps]
    return st.tuples(*drawn).map(lambda some: tuple(answer for answer in some if answer))


def _answer(step: str) -> st.SearchStrategy[Answer]:
    at = FLOW.steps[step]
    most = len(at.choices) if at.kind == "several" else 1
    names = st.lists(st.sampled_from(at.names()), max_size=most, unique=True)
    return names.map(lambda choices: Answer(step, tuple(choices)))


@dataclass(frozen=True, slots=True)
class Typed:
    """One message, as it is drawn. `answers`: the place of an offered choice to answer with, if there is one."""

    text: str
    answers: tuple[int, ...] = ()
    kind: Kind = Kind.TEXT
    late: timedelta = timedelta(0)
    tap: int | None = None  # how many questions ago the button was shown
    edits: int | None = None  # how many messages ago the corrected one was written
    seen: bool = True  # whether the next question reaches the person
    pause: timedelta = timedelta(0)

    def into(self, talk: Talk) -> Talk:
        """Write this message into a talk."""
        talk.now += self.pause
        edits = "" if self.edits is None else f"m{talk.written - self.edits}"
        tap = None if self.tap is None or not talk.conversation else talk.talk.serial - self.tap
        said = self.said(talk.conversation)
        return talk.write(said, kind=self.kind, late=self.late, tap=tap, edits=edits, seen=self.seen)

    def said(self, before: Conversation | None) -> str:
        """Return what is written: the numbers of the drawn choices where a question waits, else the text."""
        offered = before.offered if before else ()
        if not self.answers or not offered:
            return self.text
        return ", ".join(str(offered[place % len(offered)][0]) for place in self.answers)


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened outside, as it is drawn."""

    event: Event

    def into(self, talk: Talk) -> Talk:
        """Report it, if anything is kept to report it to."""
        if talk.conversation is None:
            return talk
        event = self.event
        if isinstance(event, Due) and event.timer is Timer.GATHER:
            event = Due(Timer.GATHER, talk.talk.gathering - event.number)
        if isinstance(event, Delivered):
            event = Delivered(talk.talk.serial - event.serial, talk.now)
        return talk.tell(event)


Move = Typed | Happened

LABELS = sorted({choice.label for step in FLOW.steps.values() for choice in step.choices})
ORDERS = sorted({word for row in COMMANDS.rows for word in split_words(row.words)})
CRIES = ("SOS", "🆘", "help me", "AYUDA", "please help me")

texts = st.one_of(
    st.integers(0, 100).map(str),
    st.sampled_from(ORDERS),
    st.sampled_from(LABELS),
    st.sampled_from(CRIES),
    st.text(max_size=30),
    st.text(st.sampled_from("0123456789 ,yand٢۲２.️⃣\u200f"), max_size=8),
    st.sampled_from(["x" * 501, "55 1234 5678", "ana@example.org", "/start es", "language es", "", "a" * 6000]),
)
NO_TIME = timedelta(0)


def mostly(usual: Drawn, *others: Drawn) -> st.SearchStrategy[Drawn]:
    """Return `usual` nine times out of ten."""
    return st.integers(0, 9).flatmap(lambda die: st.sampled_from(others) if die == 9 else st.just(usual))


LATE = (timedelta(seconds=15), timedelta(minutes=59), timedelta(minutes=61), timedelta(hours=23), timedelta(hours=25))

anything = st.builds(
    Typed,
    text=texts,
    kind=mostly(Kind.TEXT, *Kind),
    late=mostly(NO_TIME, *LATE, -timedelta(hours=1)),
    tap=mostly(None, -1, 0, 1, 2),
    edits=mostly(None, -1, 0, 1, 2, 5),
    seen=st.booleans(),
    pause=mostly(NO_TIME, timedelta(minutes=5), timedelta(hours=2)),
)
answering = st.builds(
    Typed,
    text=st.sampled_from(["two cars", "at night", ""]),
    answers=st.tuples(st.integers(0, 20)),
    late=mostly(NO_TIME, *LATE),
    seen=mostly(True, False),
)
several = st.builds(Typed, text=st.just("1"), answers=st.tuples(st.integers(0, 20), st.integers(0, 20)))
happenings = st.builds(
    Happened,
    st.one_of(
        st.builds(Sealed, st.integers(0, 2)),
        st.builds(Trying, st.integers(0, 2)),
        st.builds(Refused, st.integers(0, 2)),
        st.builds(Placed, st.integers(0, 2)),
        st.builds(Accepted, st.integers(0, 2), st.just(Talk().now)),
        st.builds(Bounced, st.integers(0, 2)),
        st.sampled_from([Acknowledged(Talk().now), Relayed("We are here."), Closed()]),
        st.builds(Due, st.sampled_from([Timer.LATE, Timer.GIVE_UP, Timer.UNREAD]), st.integers(0, 2)),
        st.builds(Due, st.just(Timer.GATHER), st.integers(0, 1)),
        st.builds(Delivered, st.integers(-1, 1), st.just(Talk().now)),
    ),
)
moves: st.SearchStrategy[Move] = st.one_of(answering, answering, answering, answering, several, anything, happenings)
walks = st.integers(0, 20).flatmap(lambda length: st.lists(moves, min_size=length, max_size=length))
