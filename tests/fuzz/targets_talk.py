"""Talks: any messages, from any step, with what happens outside in between, and a flow that changes on the way.

The laws of tests/conversation/test_laws.py hold after every message: nothing raises, whoever writes is answered, and no
consent is given that the person didn't see and mean.
"""

from collections.abc import Callable
from datetime import timedelta

from conversation.test_laws import CHANGED, assert_fair, check_turn, consents_of, reached
from fakes import STEPS, Talk, at_step
from fuzz.chance import Chance
from fuzz.mutators import NASTY
from fuzz.target import Fuzzed
from fuzz.targets_channels import typed
from strategies import LATE, Happened, Move, Typed

from bot.conversation import events
from bot.conversation.model import ConsentKind, Kind, Timer
from bot.storage.work import _decode, encoded

STARTS = ("", "", *STEPS)
MOST = 12  # moves of one input
KINDS = (*[Kind.TEXT] * 12, Kind.TAP, *Kind)
NO_TIME = timedelta(0)
PAUSES = (*[NO_TIME] * 6, timedelta(minutes=5), timedelta(hours=2), timedelta(hours=25))
AT = Talk().now
EVENTS: tuple[Callable[[int], events.Event], ...] = (
    *(events.Sealed, events.Trying, events.Refused, events.Placed, events.Bounced),
    lambda number: events.Accepted(number, AT),
    lambda _: events.Acknowledged(AT),
    lambda number: events.Relayed(NASTY[number % len(NASTY)].encode("utf-8", "replace").decode()),
    lambda _: events.Closed(),
    lambda number: events.Levelled(number % 4 + 1),
    lambda number: events.Due(tuple(Timer)[number % len(Timer)], number % 3),
    lambda number: events.Delivered(number % 3 - 1, AT),
)


def talk() -> Fuzzed:
    at_step(STEPS[0])
    return Fuzzed(_made, _talk)


def _made(chance: Chance) -> bytes:
    """Draw an input: a start, when the flow changes, then moves; a line each, so that it can be read and cut."""
    lines = [b"%d %d" % (chance.below(len(STARTS)), chance.below(MOST * 3))]
    return b"\x1e".join(lines + [_move_made(chance) for _ in range(1 + chance.size(MOST - 1))])


def _move_made(chance: Chance) -> bytes:
    if chance.once_in(6):
        return b"!%d %d" % (chance.below(len(EVENTS)), chance.below(40))
    head = b" ".join(
        b"%d" % one
        for one in (
            chance.below(len(KINDS)),
            chance.below(len(LATE) * 8),
            chance.below(24),
            chance.below(24),
            chance.below(len(PAUSES)),
            not chance.once_in(8),
            chance.below(30),
        )
    )
    return b"?" + head + b"\n" + _said(chance)


def _said(chance: Chance) -> bytes:
    if chance.once_in(8):
        return chance.of(NASTY).encode("utf-8", "replace")
    return chance.of(typed()) if chance.once_in(3) else b"%d" % chance.below(40)


def _move(line: bytes) -> Move:
    head, _, text = line[1:].partition(b"\n")
    numbers = [int(one) for one in head.split()]
    if line[:1] == b"!":
        return Happened(EVENTS[numbers[0] % len(EVENTS)](numbers[1]))
    kind, late, tap, edits, pause, seen, answers = numbers
    return Typed(
        text.decode("utf-8", "replace"),
        (answers,) if answers < 20 else (),
        KINDS[kind % len(KINDS)],
        LATE[late % len(LATE)] if late < len(LATE) else NO_TIME,
        tap - 1 if tap < 4 else None,
        edits - 1 if edits < 4 else None,
        bool(seen),
        PAUSES[pause % len(PAUSES)],
    )


def _talk(octets: bytes) -> None:
    first, *lines = octets.split(b"\x1e")
    start, changes = (int(one) for one in first.split())
    step = STARTS[start % len(STARTS)]
    here = at_step(step) if step else Talk()
    watched = _Watched(here)
    for number, line in enumerate(lines):
        if number == changes:
            here.book = CHANGED
        watched.sees(_move(line))


class _Watched:
    """A talk with what the person could see of it so far."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        kept = talk.conversation
        self.shown = [say for say in talk.says if say.question]
        self.delivered = {kept.serial: talk.now} if kept else {}
        case = kept.case if kept else None
        self.fair = {one.at for one in (*consents_of(talk), *(case.consents if case else ()))}
        self.handed = len(talk.handed)

    def sees(self, move: Move) -> None:
        """Make a move, and hold what follows against the laws."""
        talk, before = self.talk, self.talk.conversation
        move.into(talk)
        check_turn(before, move, talk)
        alerts = [one for one in talk.handed[self.handed :] if one.number == 0]
        for one in (*consents_of(talk), *(one for alert in alerts for one in alert.consents)):
            if one.at not in self.fair:
                assert_fair(before, move, one, talk.now, (self.shown, self.delivered))
                self.fair.add(one.at)
        for alert in alerts:
            assert [one.kind for one in alert.consents] == [ConsentKind.SEND, ConsentKind.ACT]
            assert {one.at for one in alert.consents} <= self.fair
        self.handed = len(talk.handed)
        kept = talk.conversation
        self.shown = [*self.shown, *(say for say in talk.says if say.question)] if kept else []
        if kept:
            assert _decode(encoded(kept)) == kept
            if reached(move):
                self.delivered.setdefault(kept.serial, talk.now)
