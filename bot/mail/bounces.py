"""Which of our mails came back: delivery status notifications, and what older servers send in their place.

Nobody signs these. They name a mail by its Message-ID, which only those know who carried it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.utils import parseaddr

from bot.mail.mime import Entity, canonical, leaves, read_entity

MOST_IDS = 20
_STATUS = {"message/delivery-status", "message/global-delivery-status"}  # RFC 3464, RFC 6533
_RETURNED = {
    "message/rfc822",
    "message/global",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global-headers",
}
_WENT_ON = frozenset({b"delivered", b"relayed", b"expanded"})  # RFC 3464, section 2.3.3
_OPAQUE = frozenset({"multipart/signed", "multipart/encrypted"})  # what people send is no bounce

_SERVERS = {"mailer-daemon", "postmaster", "mail-daemon", "mdaemon"}
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}@[^<>\s]{1,250}>")
_FIELD = re.compile(rb"^(Action|Status)[ \t]*:[ \t]*([\w.]+)", re.IGNORECASE | re.MULTILINE)
_LATER = re.compile(r"\b(?:delay|delayed|warning|deferred|will retry|still trying)\b", re.IGNORECASE)
_CODE = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")  # RFC 3463
_COPY_BELOW = re.compile(rb"^--- Below this line is a copy of the message\.\r\n", re.MULTILINE)  # qmail's own form


@dataclass(frozen=True, slots=True)
class Bounce:
    """Mails of ours that did not arrive. `message_ids`: with their angle brackets; `gone`: nobody tries any more."""

    message_ids: tuple[str, ...]
    gone: bool


def read_report(mail: Entity) -> Bounce | None:
    """Return what a delivery status notification tells (RFC 3464); None if it is none, or tells of no failure."""
    parts = list(leaves(mail, closed=_OPAQUE))
    told = [_FIELD.findall(part.content()) for part in parts if part.kind in _STATUS]
    gone = _fate([pair for pairs in told for pair in pairs])
    return None if gone is None else _bounce(_ids(parts), gone=gone)


def read_plain_bounce(mail: Entity) -> Bounce | None:
    """Return what a bounce tells that has no report: a server writes it, and the mail or its headers are within."""
    parts = list(leaves(mail, closed=_OPAQUE))
    if not _by_a_server(mail) or _tells_success(parts):
        return None
    words = [part.text() for part in parts if part.kind == "text/plain"]
    return _bounce(_ids(parts), gone=not _is_later([mail.header("Subject"), *words]))


def _bounce(ids: Iterable[str], *, gone: bool) -> Bounce | None:
    named = tuple(dict.fromkeys(ids))[:MOST_IDS]
    return Bounce(named, gone) if named else None


def _fate(fields: Iterable[tuple[bytes, bytes]]) -> bool | None:
    """RFC 3464, sections 2.3.3 and 2.3.4: Action decides; Status speaks where it is missing."""
    told = [(name.lower(), value.lower()) for name, value in fields]
    actions = {value for name, value in told if name == b"action"}
    classes = {value[:1] for name, value in told if name == b"status"} if not actions else set()
    if b"failed" in actions or b"5" in classes:
        return True
    return False if b"delayed" in actions or b"4" in classes else None


def _tells_success(parts: Iterable[Entity]) -> bool:
    """Whether a report says that the mail went on its way: servers send that, too, and it is no failure."""
    fields = (pair for part in parts if part.kind in _STATUS for pair in _FIELD.findall(part.content()))
    return any(name.lower() == b"action" and value.lower() in _WENT_ON for name, value in fields)


def _by_a_server(mail: Entity) -> bool:
    name = parseaddr(mail.header("From"))[1].partition("@")[0].lower()
    return name in _SERVERS or mail.header("Return-Path") == "<>"


def _is_later(texts: Iterable[str]) -> bool:
    """Whether the server goes on trying, as far as its words tell."""
    text = "\n".join(texts)
    classes = set(_CODE.findall(text))
    return "5" not in classes and ("4" in classes or bool(_LATER.search(text)))


def _ids(parts: Iterable[Entity]) -> Iterator[str]:
    for part in parts:
        if part.kind in _RETURNED:
            yield from _id_of(part.content())
        elif part.kind == "text/plain":
            copy = _COPY_BELOW.split(part.content(), maxsplit=1)[1:]
            yield from (found for text in copy for found in _id_of(text.lstrip()))


def _id_of(mail: bytes) -> list[str]:
    return _MESSAGE_ID.findall(read_entity(canonical(mail).lstrip()).header("Message-ID"))[:1]
