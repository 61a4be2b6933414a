"""What a mail to the bot means: an officer's signed word, a mail of ours that came back, or nothing.

Bytes in, meaning out. Only what a pinned officer has signed counts: no header, no unsigned part, no quoted line. How
signatures are checked is given in (`Officers`); whether a token is known, used or too old is decided elsewhere.
A mail of strangers can be as tiresome to read as they like, up to LARGEST: read it in a thread.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice

from bot.mail.bounces import Bounce, read_plain_bounce, read_report
from bot.mail.mime import DEEPEST, Entity, canonical, leaves, read_entity
from bot.mail.proof import Proof
from bot.mail.quoting import unquoted
from bot.mail.token import read_token

__all__ = ["LARGEST", "Bounce", "Officers", "Reply", "Useless", "Why", "ahead", "read_reply"]

LARGEST = 2**20  # bytes; an acknowledgement is one line
LEAD = timedelta(minutes=10)  # by which an officer's clock may be ahead of ours
MOST_EARLY = timedelta(days=1)  # by which it may be ahead and the mail worth keeping: ours may be the wrong one
MOST_SIGNED = 4  # signed or sealed parts of one mail that are looked at

_CLEAR = (b"-----BEGIN PGP SIGNED MESSAGE-----", b"-----END PGP SIGNATURE-----")
_SEALED = (b"-----BEGIN PGP MESSAGE-----", b"-----END PGP MESSAGE-----")
_SMIME_SIGNATURES = {"application/pkcs7-signature", "application/x-pkcs7-signature"}
_SMIME_MAILS = {"application/pkcs7-mime", "application/x-pkcs7-mime"}


class Why(StrEnum):
    """Why a mail says nothing to us."""

    UNSIGNED = "unsigned"
    STRANGER = "stranger"  # signed, by nobody who is pinned
    CHANGED = "changed"  # the signature doesn't fit, or is dated in a far future
    EARLY = "early"  # dated later than it is here, by a day at most: one of two clocks is wrong
    EXPIRED = "expired"  # the pinned certificate, or its signing key, is no longer alive
    NO_TOKEN = "no_token"  # noqa: S105 - no password
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Reply:
    """Tokens that an officer has signed. `signer`: the pinned fingerprint, lower-case hex; `at`: when, in UTC."""

    signer: str
    at: datetime
    tokens: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Useless:
    """Nothing that may change anything."""

    why: Why


@dataclass(frozen=True, slots=True)
class Officers:
    """How officers' signatures are checked; each names the pinned certificate that made a good one.

    `check_pgp`: (signed octets, detached signature). `read_clear`: a message with its signature in clear, to the text
    that was signed. `open_pgp`: a sealed message, to what is within and who signed it (`Why.UNSIGNED`: nobody there;
    a signed mail may be within); None if it isn't sealed to us. `check_smime`: (signed octets, DER signature).
    `open_smime`: DER signed data, to what was signed.
    """

    check_pgp: Callable[[bytes, bytes], Proof | Why]
    read_clear: Callable[[bytes], tuple[bytes, Proof] | Why]
    open_pgp: Callable[[bytes], tuple[bytes, Proof | Why] | None]
    check_smime: Callable[[bytes, bytes], Proof | None]
    open_smime: Callable[[bytes], tuple[bytes, Proof] | None]


@dataclass(frozen=True, slots=True)
class _Signed:
    proof: Proof
    texts: tuple[str, ...] = field(repr=False)


_Found = _Signed | Why


def read_reply(raw: bytes, officers: Officers, now: datetime) -> Reply | Bounce | Useless:
    """Return what the mail means; `raw` as a mailbox gives it, `now` aware. Never raises, whatever the bytes are."""
    if len(raw) > LARGEST:
        return Useless(Why.TOO_LARGE)
    try:
        return _read(read_entity(canonical(raw)), officers, now)
    except Exception:  # noqa: BLE001 - anybody may send anything, and the mails behind it must be read
        return Useless(Why.UNREADABLE)


def _read(mail: Entity, officers: Officers, now: datetime) -> Reply | Bounce | Useless:
    report = read_report(mail)
    if report:
        return report
    found = [_judged(one, now) for one in islice(_signed(mail, officers, DEEPEST), MOST_SIGNED)]
    replies = [one for one in found if isinstance(one, Reply)]
    bounce = None if found else read_plain_bounce(mail)
    return bounce or next(iter(replies or found), _nothing(mail))


def _nothing(mail: Entity) -> Useless:
    return Useless(Why.UNSIGNED if mail.octets.strip() else Why.UNREADABLE)


def ahead(made: datetime, now: datetime) -> Why:
    """Return what a signature is that was made later than it is here."""
    return Why.EARLY if made <= now + MOST_EARLY else Why.CHANGED


def _judged(found: _Found, now: datetime) -> Reply | Useless:
    if isinstance(found, Why):
        return Useless(found)
    if found.proof.at > now + LEAD:
        return Useless(ahead(found.proof.at, now))
    lines = (line for text in found.texts for line in unquoted(text))
    tokens = tuple(dict.fromkeys(token for line in lines if (token := read_token(line))))
    return Reply(found.proof.fingerprint, found.proof.at, tokens) if tokens else Useless(Why.NO_TOKEN)


def _signed(entity: Entity, officers: Officers, depth: int) -> Iterator[_Found]:
    """Give each signed thing in the mail; whoever carries a mail may wrap it or add to it, which changes nothing."""
    if not depth:
        return
    if entity.kind in _SMIME_MAILS:
        yield _opaque(entity, officers)
    elif entity.kind in _READERS:
        yield from _READERS[entity.kind](entity, officers, depth)
    elif entity.is_multipart:
        for part in entity.parts():
            yield from _signed(part, officers, depth - 1)


def _detached(entity: Entity, officers: Officers, _: int) -> Iterator[_Found]:
    """RFC 1847, section 2.1: two parts, what is signed and the signature."""
    parts = entity.parts()
    if len(parts) != 2:  # noqa: PLR2004 - as the section says
        yield Why.UNREADABLE
        return
    part, signature = parts
    if signature.kind == "application/pgp-signature":
        yield _with_texts(officers.check_pgp(part.octets, signature.content()), part)
    elif signature.kind in _SMIME_SIGNATURES:
        yield _with_texts(officers.check_smime(part.octets, signature.content()) or Why.STRANGER, part)
    else:
        yield Why.UNREADABLE


def _sealed(entity: Entity, officers: Officers, depth: int) -> Iterator[_Found]:
    """RFC 3156, section 4: the second part is the message."""
    parts = entity.parts()
    opened = officers.open_pgp(parts[1].content()) if len(parts) > 1 else None
    if opened is None:
        yield Why.UNREADABLE
        return
    inner, told = read_entity(canonical(opened[0])), opened[1]
    if told is not Why.UNSIGNED:
        yield _with_texts(told, inner)
        return
    within = list(_signed(inner, officers, depth - 1))
    yield from within or (Why.UNSIGNED,)


def _inline(entity: Entity, officers: Officers, _: int) -> Iterator[_Found]:
    """Signed or sealed in the midst of a text, as programs did before there was MIME, and in browsers still do."""
    if entity.is_attached:
        return
    content = entity.content()
    clear, sealed = _block(content, _CLEAR), _block(content, _SEALED)
    if clear:
        told = officers.read_clear(clear)
        yield told if isinstance(told, Why) else _Signed(told[1], (entity.decoded(told[0]),))
    elif sealed:
        opened = officers.open_pgp(sealed)
        yield Why.UNREADABLE if opened is None else _with_words(opened[1], opened[0])


def _opaque(entity: Entity, officers: Officers) -> _Found:
    """RFC 8551, section 3.5.2: the signed mail is within the signature."""
    if entity.parameter("smime-type") == "enveloped-data":
        return Why.UNREADABLE  # we have no key of this kind
    opened = officers.open_smime(entity.content())
    return Why.STRANGER if opened is None else _with_texts(opened[1], read_entity(canonical(opened[0])))


_READERS: dict[str, Callable[[Entity, Officers, int], Iterator[_Found]]] = {
    "multipart/signed": _detached,
    "multipart/encrypted": _sealed,
    "text/plain": _inline,
}


def _with_texts(told: Proof | Why, entity: Entity) -> _Found:
    """The texts of what was signed: attached files and forwarded mails aren't what the officer says."""
    if isinstance(told, Why):
        return told
    read = (part for part in leaves(entity) if part.kind == "text/plain" and not part.is_attached)
    return _Signed(told, tuple(part.text() for part in read))


def _with_words(told: Proof | Why, words: bytes) -> _Found:
    return told if isinstance(told, Why) else _Signed(told, (words.decode("utf-8", "replace"),))


def _block(content: bytes, marks: tuple[bytes, bytes]) -> bytes | None:
    """Return the first block between these lines, both included; a quoted one doesn't begin its line."""
    begin, end = marks
    start = 0 if content.startswith(begin) else content.find(b"\n" + begin) + 1
    stop = content.find(b"\n" + end, start)
    found = content[start:].startswith(begin) and stop >= 0
    return content[start : stop + 1 + len(end)] + b"\n" if found else None
