"""What an operator reads: registered events with typed fields, one JSON line each on stderr, and nothing else.

An allow-list, not a redaction: no text passes, whoever logs it. Libraries are reduced to a logger's name and a place in
their code, exceptions to their types and places. A new event is registered here with its fields, or it isn't logged.
"""

import asyncio
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType

from bot.logbook import SEVERITY, Event

__all__ = ["OWN", "Event", "Told", "counted", "event", "install", "tell", "watch", "withheld"]

OWN = logging.getLogger("postigo")

LARGEST_NUMBER = 999_999  # counts and codes fit; a phone number or a messenger's id doesn't
FRAMES_TOLD = 12  # innermost places of an exception
CAUSES_TOLD = 3

_REFERENCE = re.compile(r"[0-9A-HJKMNP-TV-Z]{6}")  # as drawn by clock.py
_PLAIN = re.compile(r"[A-Za-z0-9_.<>-]{1,80}")  # what a name in code looks like


class Channel(StrEnum):
    """The names of channels that may stand in a line."""

    SIGNAL = "signal"
    TELEGRAM = "telegram"
    TERMINAL = "terminal"


Shown = int | bool | str | list[str]
Field = Callable[[object], Shown]  # raises ValueError for what may not be shown
Count = Callable[[Event, object], None]  # of an event, and the channel that it names; it may not raise


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST_NUMBER:
        raise ValueError
    return value


def _flag(value: object) -> bool:
    if type(value) is not bool:
        raise ValueError
    return value


def _reference(value: object) -> str:
    if not isinstance(value, str) or not _REFERENCE.fullmatch(value):
        raise ValueError
    return value


def _channel(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - one error for all that may not be shown
    return Channel(value).value


def _channels(value: object) -> list[str]:
    if not isinstance(value, list | tuple):
        raise ValueError  # noqa: TRY004 - one error for all that may not be shown
    return [_channel(one) for one in value]


# What may stand beside an event, by the field's name; a name means the same in every event.
FIELDS: Mapping[str, Field] = {
    "attempts": _number,
    "channel": _channel,
    "channels": _channels,
    "code": _number,  # of an SMTP or HTTP answer
    "contact": _number,  # which of the profile's contacts, from 1 on
    "days": _number,
    "findings": _number,
    "keys": _number,
    "level": _number,  # triage
    "mails": _number,
    "number": _number,  # of a handoff: 0 the alert, 1 and on additions
    "passing": _flag,
    "reference": _reference,
    "rows": _number,
    "seconds": _number,
}


class _Allowed:
    """What has passed the allow-list; only `event` and the hooks below make one."""

    __slots__ = ("shown",)

    def __init__(self, shown: Mapping[str, Shown]) -> None:
        self.shown = shown

    def __str__(self) -> str:
        return json.dumps(dict(self.shown))  # so that a test which fails tells what went on


def event(name: Event, *, error: BaseException | None = None, **fields: object) -> None:
    """Log one registered event, with fields out of FIELDS and, of `error`, the types and places.

    A field that may not be shown is left out and named under "withheld": a wrong call costs a value, never a turn.
    """
    seen = OWN.isEnabledFor(SEVERITY[name])
    shown = _Allowed({"event": name.value, **_fitting(fields), **_fault(error)}) if seen else None
    tell([(name, fields.get("channel"), shown)])


Told = tuple[Event, object, _Allowed | None]  # one event, the channel that it names, and its line, if it has one
_held: ContextVar[list[Told] | None] = ContextVar("held", default=None)


@contextmanager
def withheld() -> Iterator[list[Told]]:
    """Hold back this thread's events meanwhile: of what may still be undone nobody hears. Gives them, to be told."""
    told: list[Told] = []
    before = _held.set(told)
    try:
        yield told
    finally:
        _held.reset(before)


def tell(told: Iterable[Told]) -> None:
    """Tell events; where this thread's are held back, once those are told."""
    if (held := _held.get()) is not None:
        held.extend(told)
        return
    for name, channel, shown in told:
        _count(name, channel)
        if shown:
            OWN.log(SEVERITY[name], shown)


@contextmanager
def counted(count: Count) -> Iterator[None]:
    """Let `count` hear of every event meanwhile, also of those below the level; from whatever thread they come."""
    _counts.append(count)
    try:
        yield
    finally:
        _counts.remove(count)


_counts: list[Count] = []


def _count(name: Event, channel: object = None) -> None:
    for count in _counts.copy():
        count(name, channel)


def install(level: str) -> None:
    """Make this the only way anything is logged in this process. `level`: debug, info, warning or error, for events."""
    logging.raiseExceptions = False  # a record that can't be written would be printed with what it holds
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    root.handlers[:] = [_Lines()]
    root.setLevel(logging.WARNING)
    OWN.setLevel(level.upper())
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _thread_failed


def watch(loop: asyncio.AbstractEventLoop) -> None:
    """Log what fails in `loop` where nobody waits for it as a `fault`, in place of asyncio's own words."""
    loop.set_exception_handler(_loop_failed)


class _Lines(logging.Handler):
    """Writes one JSON line per record to stderr, whatever stderr is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        shown = record.msg.shown if isinstance(record.msg, _Allowed) else _reduced(record)
        if shown is None:
            return
        at = datetime.fromtimestamp(int(record.created), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        line = json.dumps({"at": at, "severity": _plain(record.levelname).lower(), **shown})
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):
            return  # nobody can be told: stderr is gone


def _reduced(record: logging.LogRecord) -> Mapping[str, Shown] | None:
    """Leave of a library's record its logger and place, and nothing at all below WARNING."""
    if record.levelno < logging.WARNING:
        return None
    _count(Event.LIBRARY)
    place = f"{_plain(record.module)}:{record.lineno}"
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    return {"event": Event.LIBRARY.value, "logger": _plain(record.name), "place": place, **_fault(error)}


def _fitting(fields: Mapping[str, object]) -> dict[str, Shown]:
    shown: dict[str, Shown] = {}
    withheld: list[str] = []
    for name, value in fields.items():
        try:
            shown[name] = FIELDS[name](value)
        except (KeyError, ValueError):
            withheld.append(_plain(name))
    return {**shown, "withheld": withheld} if withheld else shown


def _fault(error: BaseException | None) -> dict[str, Shown]:
    """Describe an exception by types and places; its text may quote what a person wrote."""
    if error is None:
        return {}
    causes = list(_causes(error))[:CAUSES_TOLD]
    return {"error": [_plain(type(one).__name__) for one in causes], "places": list(_places(error.__traceback__))}


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    told: set[int] = set()
    while error is not None and id(error) not in told:
        told.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _places(trace: TracebackType | None) -> list[str]:
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        module = trace.tb_frame.f_globals.get("__name__", "?")
        places.append(f"{_plain(str(module))}:{_plain(code.co_name)}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places[-FRAMES_TOLD:]


def _plain(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else "?"


def _uncaught(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
    event(Event.FAULT, error=error)


def _unraisable(failed: "sys.UnraisableHookArgs") -> None:
    event(Event.FAULT, error=failed.exc_value)


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    event(Event.FAULT, error=failed.exc_value)


def _loop_failed(_: asyncio.AbstractEventLoop, failed: Mapping[str, object]) -> None:
    error = failed.get("exception")
    event(Event.FAULT, error=error if isinstance(error, BaseException) else None)
