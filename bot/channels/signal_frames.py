"""Reads what Signal's server tells: one raw frame in; a message, something to pass over, or a trouble out.

Only what one person wrote to us alone comes through. What a phone that shares our number sent, groups, stories, calls,
receipts, reactions, votes and timers answer no question. No frame may raise, whatever stands in it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.conversation.model import Kind, Message, Sender

NAME = "signal"
ABSURD = timedelta(days=2)  # a phone whose clock is further behind dates nothing: no question waits so long
SKEWED = timedelta(days=1)  # further ahead of us is no server's clock

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")  # an attachment's name on the server
_LONG_TEXT = "text/x-signal-plain"  # carries the end of a long text; its beginning stands in the message
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 10**14  # ms; what is later is no time
_DEEPEST = 6  # where within a message files are named

_NO_ANSWER = (  # what else may be the sense of a message
    *("groupInfo", "groupV2", "groupCallUpdate", "storyContext", "reaction", "pollVote", "pollCreate"),
    *("pollTerminate", "adminDelete", "pinMessage", "unpinMessage", "payment"),
)
_NO_WORDS = ("isExpirationUpdate", "isEndSession", "isProfileKeyUpdate")
_MORE = frozenset((*_NO_ANSWER, *_NO_WORDS))  # most messages have none of them
_KINDS: Mapping[str, Kind] = {"image": Kind.PHOTO, "audio": Kind.VOICE, "video": Kind.VIDEO}
_UNTRUSTED = "UntrustedIdentityException"

Body = Mapping[str, Any]


class Trouble(StrEnum):
    """Somebody wrote, and nobody can read it: an operator must look."""

    KEY_CHANGED = "key_changed"  # another safety number than before
    UNREADABLE = "unreadable"  # not to be decrypted


@dataclass(frozen=True, slots=True)
class Heard:
    """A message, with what it tells beside its words."""

    message: Message
    files: tuple[str, ...] = field(default=(), repr=False)  # lie on the server until deleted
    behind: timedelta = timedelta(0)  # the person's clock, or the message's way, as the server saw it
    vanishes: int | None = None  # seconds after which their messages disappear now; 0: never


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing for us. `bad`: nothing that anybody can read."""

    files: tuple[str, ...] = field(default=(), repr=False)
    bad: bool = False


BAD = Ignored(bad=True)


def read_frame(raw: str | bytes, account: str, now: datetime) -> Heard | Ignored | Trouble:
    """Read one frame; `account`: our number; `now`: for where the server tells no time."""
    frame = _parsed(raw)
    envelope = frame.get("envelope")
    if not isinstance(envelope, dict):
        return BAD
    if frame.get("account", account) != account:
        return Ignored()
    if frame.get("exception"):
        return _trouble(frame["exception"])
    files = _files(raw, envelope)
    if envelope.get("syncMessage") is not None or envelope.get("sourceNumber") == account:
        return Ignored(files)
    return _said(envelope, files, now)


def _parsed(raw: str | bytes) -> Body:
    try:
        frame = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return frame if isinstance(frame, dict) else {}


def _trouble(told: object) -> Trouble:
    kind = told.get("type") if isinstance(told, dict) else None
    return Trouble.KEY_CHANGED if kind == _UNTRUSTED else Trouble.UNREADABLE


def _said(envelope: Body, files: tuple[str, ...], now: datetime) -> Heard | Ignored:
    """Read an envelope, if it holds something said."""
    edit = envelope.get("editMessage")
    body = edit.get("dataMessage") if isinstance(edit, dict) else envelope.get("dataMessage")
    if body is None and edit is None:
        return Ignored(files)
    who, at = _who(envelope), _first_time(body, envelope)
    if not isinstance(body, dict) or not who or not at:
        return Ignored(files, bad=True)
    if not _MORE.isdisjoint(body) and _says_nothing(body):
        return Ignored(files)
    sent, arrived = _times(at, envelope, now)
    told = _told(body, edit if isinstance(edit, dict) else None)
    if told is None:
        return Ignored(files)
    kind, text, edits = told
    message = Message(Sender(NAME, who), str(at), min(sent, arrived), text, kind, edits=edits)
    return Heard(message, files, max(arrived - sent, timedelta(0)), _seconds(body.get("expiresInSeconds")))


def _says_nothing(body: Body) -> bool:
    return any(body.get(key) is not None for key in _NO_ANSWER) or any(body.get(key) is True for key in _NO_WORDS)


def _who(envelope: Body) -> str:
    """Return the account identifier of who wrote, or ""; a number or a name is none."""
    uuid = envelope.get("sourceUuid")
    uuid = uuid.lower() if isinstance(uuid, str) else ""
    return uuid if _UUID.fullmatch(uuid) else ""


def _told(body: Body, edit: Body | None) -> tuple[Kind, str, str] | None:
    """Return kind, text and the id of the earlier message that is changed; None: nothing was said."""
    deletes = body.get("remoteDelete")
    if isinstance(deletes, dict):
        target = _time(deletes.get("timestamp"))
        return (Kind.DELETED, "", str(target)) if target else None
    target = _time(edit.get("targetSentTimestamp")) if edit is not None else 0
    if edit is not None and not target:
        return None
    kind, text = _kind(body), body.get("message")
    if kind is Kind.TEXT:
        return (kind, text, str(target or "")) if isinstance(text, str) and text else None
    return kind, "", str(target or "")


def _kind(body: Body) -> Kind:
    """Return what a message is made of. Whatever comes with a text makes it more than a text."""
    for file in _dicts(body.get("attachments")):
        sort = file.get("contentType")
        if sort != _LONG_TEXT:
            return _KINDS.get(sort.partition("/")[0], Kind.FILE) if isinstance(sort, str) else Kind.FILE
    if body.get("sticker"):
        return Kind.STICKER
    if body.get("contacts"):
        return Kind.CONTACT
    return Kind.OTHER if body.get("viewOnce") is True else Kind.TEXT


def _dicts(values: object) -> Iterator[Body]:
    yield from (one for one in values if isinstance(one, dict)) if isinstance(values, list) else ()


def _time(value: object) -> int:
    """Return a time in ms as it was told, or 0."""
    return value if type(value) is int and 0 < value < _LATEST else 0


def _first_time(body: object, envelope: Body) -> int:
    """Return the time that names the message: by it the person's later edits and deletions point at it."""
    own = _time(body.get("timestamp")) if isinstance(body, dict) else 0
    return own or _time(envelope.get("timestamp")) or _time(envelope.get("serverReceivedTimestamp"))


def _times(at: int, envelope: Body, now: datetime) -> tuple[datetime, datetime]:
    """Return when it was written, by the person's clock, and when Signal had it, by Signal's."""
    told = _time(envelope.get("serverReceivedTimestamp"))
    arrived = moment(told) if told else now
    if arrived > now + SKEWED:
        arrived = now
    sent = moment(at)
    return (arrived if sent < arrived - ABSURD else sent), arrived


def moment(milliseconds: int) -> datetime:
    """Return the moment that Signal names by so many ms; aware."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _seconds(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _files(raw: str | bytes, envelope: Body) -> tuple[str, ...]:
    """Return the names, on the server, of every file that came along: attached, previewed, quoted or of a contact."""
    if ("contentType" if isinstance(raw, str) else b"contentType") not in raw:  # type: ignore[operator]  # of raw's own kind
        return ()
    return tuple(dict.fromkeys(_named(envelope, _DEEPEST)))


def _named(node: object, depth: int) -> Iterator[str]:
    if depth and isinstance(node, list):
        for one in node:
            yield from _named(one, depth)
    if depth and isinstance(node, dict):
        name = node.get("id")
        if "contentType" in node and isinstance(name, str) and _FILE.fullmatch(name):
            yield name
        for one in node.values():
            yield from _named(one, depth - 1)
