"""What an officer may say on Signal, and what follows from it: read, acknowledge, answer, close, give another level.

Pure: text to an order, then order and docket to what is kept, said and told further. Who may say it is judged before.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.conversation.events import Acknowledged, Closed, FromMission, Levelled, Relayed
from bot.conversation.handing import URGENT
from bot.conversation.model import Line
from bot.conversation.understanding import fold
from bot.handoff.docket import Docket, Draft, acknowledged, may_pass_on

LONGEST = 1000  # characters of an answer to a writer
DRAFT_LIVES = timedelta(minutes=15)
LEVELS = (1, 2, 3, 4)
_REFERENCE_LENGTH = 6
_MISREAD = str.maketrans("OIL", "011")  # Crockford's base 32: what is taken for what
_WORD = re.compile(r"\s*(\S+)")


class Verb(StrEnum):
    """What an officer may ask for."""

    CASES = "cases"
    CASE = "case"
    ACK = "ack"
    REPLY = "reply"
    CLOSE = "close"
    LEVEL = "level"
    DUTY = "duty"
    HELP = "help"
    SEND = "send"


@dataclass(frozen=True, slots=True)
class Order:
    """What an officer has said. `reference` "": none, or none that can be one."""

    verb: Verb
    reference: str = ""
    words: str = field(default="", repr=False)
    level: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """A word to another officer, without content. `to`: an address of the roster."""

    to: str
    line: Line


@dataclass(frozen=True, slots=True)
class Obeyed:
    """What follows from an order about one case."""

    docket: Docket | None  # None: nothing of the case is kept any more
    lines: tuple[Line, ...]  # for the officer
    withdraw: bool = False  # the mails that wait for officers further on
    events: tuple[FromMission, ...] = ()  # for the writer's talk
    notes: tuple[Note, ...] = ()
    draft: Draft | None = None  # words that wait for SEND


@dataclass(frozen=True, slots=True)
class Scene:
    """Who says it, when, and whom it is told further. `follows`: who comes after, at a level; "" for nobody."""

    officer: str
    now: datetime
    follows: Callable[[int], str]
    clock: Callable[[datetime], str]  # a time as this officer reads it


def read_order(text: str, known: Mapping[str, Verb], is_reference: Callable[[str], bool]) -> Order | None:
    """Return what an officer has said, or None for words that are no order. `known`: folded words."""
    word, rest = _first_word(text)
    verb = known.get(fold(word))
    if verb is None:
        return None
    if verb is Verb.LEVEL:
        return _levelling(rest, is_reference)
    name, words = _first_word(rest)
    named = _reference(name)
    if not is_reference(named):
        return Order(verb)
    return Order(verb, named, words.strip())


def _levelling(rest: str, is_reference: Callable[[str], bool]) -> Order:
    """Read reference and level, in either order."""
    names = [_reference(word) for word in rest.split()]
    reference = next((name for name in names if is_reference(name)), "")
    levels = [int(name) for name in names if name.isdecimal() and len(name) == 1]
    return Order(Verb.LEVEL, reference, level=levels[0] if levels and levels[0] in LEVELS else 0)


def obey(order: Order, docket: Docket, scene: Scene) -> Obeyed:
    """Decide what follows from an order about an open case."""
    return _DEEDS[order.verb](order, docket, scene)


def confirmed(draft: Draft | None, now: datetime) -> bool:
    """Tell whether words still wait for SEND."""
    return draft is not None and timedelta(0) <= now - draft.at <= DRAFT_LIVES


def send(draft: Draft, docket: Docket, scene: Scene) -> Obeyed:
    """Pass an officer's words on. Whoever answers a case has read it."""
    refusal = _refusal(docket, scene)
    if refusal:
        return Obeyed(docket, (refusal,))
    read = _read(docket, scene)
    event = Relayed(draft.words)
    notes = _note("note_replied", docket, scene)
    return Obeyed(read.docket, (), read.withdraw, (*read.events, event), notes)


def _first_word(text: str) -> tuple[str, str]:
    found = _WORD.match(text)
    return (found.group(1), text[found.end() :]) if found else ("", "")


def _reference(word: str) -> str:
    """Return a word as a reference would be written; what isn't one stays what it is."""
    name = "".join(char for char in word.upper() if char.isalnum())
    return name.translate(_MISREAD) if len(name) == _REFERENCE_LENGTH else name


def _acknowledge(_order: Order, docket: Docket, scene: Scene) -> Obeyed:
    if docket.reader:
        values = (("officer", docket.reader), ("time", _when(docket, scene)))
        return Obeyed(docket, (_line("acked_before", docket, *values),))
    return _read(docket, scene)


def _read(docket: Docket, scene: Scene) -> Obeyed:
    """Let the officer be the one who has read the case, unless somebody is."""
    if docket.reader:
        return Obeyed(docket, ())
    kept = acknowledged(docket, scene.officer, scene.now)
    event = Acknowledged(scene.now)
    return Obeyed(kept, (_line("acked", docket),), True, (event,), _note("note_read", docket, scene))


def _reply(order: Order, docket: Docket, scene: Scene) -> Obeyed:
    refusal = _refusal(docket, scene)
    if refusal:
        return Obeyed(docket, (refusal,))
    if not order.words:
        return Obeyed(docket, (_line("reply_empty", docket),))
    if len(order.words) > LONGEST:
        values = (("length", str(len(order.words))), ("limit", str(LONGEST)))
        return Obeyed(docket, (_line("reply_long", docket, *values),))
    asked = _line("reply_ask", docket, ("words", order.words))
    return Obeyed(docket, (asked,), draft=Draft(docket.reference, order.words, scene.now))


def _refusal(docket: Docket, scene: Scene) -> Line | None:
    if docket.shut:
        return _line("reply_closed", docket)
    return None if may_pass_on(docket, scene.now) else _line("reply_many", docket)


def _close(_order: Order, docket: Docket, scene: Scene) -> Obeyed:
    """Close the case. One of level 1 or 2 that nobody has answered is told to the next officer: somebody must look."""
    unanswered = docket.level <= URGENT and not docket.answered
    notes = _note("note_unanswered" if unanswered else "note_closed", docket, scene)
    told = _line("closed", docket)
    if unanswered and notes:
        told = _line("closed_unanswered", docket, ("officer", notes[0].to))
    return Obeyed(None, (told,), True, (Closed(),), notes)


def _level(order: Order, docket: Docket, scene: Scene) -> Obeyed:
    if not order.level:
        return Obeyed(docket, (Line("duty.level_ask", (("reference", docket.reference),)),))  # {level} is the order
    read = _read(docket, scene)
    kept = replace(read.docket or docket, level=order.level)
    told = (_line("levelled", kept),)
    if order.level == docket.level:  # said twice it is told further once
        return replace(read, lines=told)
    events = (*read.events, Levelled(order.level))
    notes = _note("note_levelled", kept, scene, min(docket.level, kept.level))
    return Obeyed(kept, told, read.withdraw, events, notes)


def _note(name: str, docket: Docket, scene: Scene, level: int = 0) -> tuple[Note, ...]:
    """Return a word to whoever comes next; `level`: in whose chain, if not in that of the case's own level."""
    follows = scene.follows(level or docket.level)
    return (Note(follows, _line(name, docket, ("officer", scene.officer))),) if follows else ()


def _line(name: str, docket: Docket, *values: tuple[str, str]) -> Line:
    return Line(f"duty.{name}", (("reference", docket.reference), ("level", str(docket.level)), *values))


def _when(docket: Docket, scene: Scene) -> str:
    return scene.clock(docket.read_at) if docket.read_at else ""


_DEEDS: Mapping[Verb, Callable[[Order, Docket, Scene], Obeyed]] = {
    Verb.ACK: _acknowledge,
    Verb.REPLY: _reply,
    Verb.CLOSE: _close,
    Verb.LEVEL: _level,
}
