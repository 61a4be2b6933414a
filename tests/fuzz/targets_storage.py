"""Rows that somebody has changed: sealed ones never open to anything but what was sealed, letters never raise more.

Whoever holds a disk may write on it. What they write must not be taken for ours, nor stop what reads it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, partial

import msgspec
from fakes import at_step, sent, sent_in_emergency
from fuzz.mutators import spoiled, spoiled_json
from fuzz.target import Fuzzed
from fuzz.targets_texts import place

from bot.conversation.model import Clear, Effect, HandOff, Say, Sender, Timer, Wake
from bot.errors import SealingError
from bot.handoff.docket import Docket, Draft
from bot.storage.envelope import Envelope
from bot.storage.keyring import Keyring
from bot.storage.letters import KINDS, Mail, read, written
from bot.storage.work import _decode, encoded

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SENDER = Sender("telegram", "77")
ROW, LETTER, NOTE = b"who", b"a letter of some length" * 9, b"a note"


@cache
def envelope() -> Envelope:
    return Envelope(Keyring.open(place("rows"), NOW), "talk")


@cache
def closed() -> tuple[bytes, ...]:
    """Two rows as they are stored: each its wrapped key and its sealed letter, with the length of the first."""
    rows = [envelope().close(ROW, LETTER, NOTE), envelope().close(b"another", b"another letter")]
    return tuple(len(wrapped).to_bytes(2, "big") + wrapped + sealed for wrapped, sealed in rows)


def rows() -> Fuzzed:
    return Fuzzed(partial(spoiled, seeds=closed()), _row)


def _row(octets: bytes) -> None:
    size = int.from_bytes(octets[:2], "big")
    wrapped, sealed = octets[2 : 2 + size], octets[2 + size :]
    opened: tuple[tuple[Callable[[], bytes], bytes], ...] = (
        (lambda: envelope().open(ROW, wrapped, sealed), LETTER),
        (lambda: envelope().note(ROW, wrapped), NOTE),
        (lambda: envelope().note(ROW, envelope().rewrapped(ROW, wrapped)), NOTE),
        (lambda: envelope().note(ROW, envelope().with_note(ROW, wrapped, b"new")), b"new"),
    )
    for opens, right in opened:
        try:
            assert opens() == right, "a changed row opens to something else"
        except SealingError:
            continue


# ── letters ──────────────────────────────────────────────────────────────────────────────────────────────


@cache
def letters() -> tuple[bytes, ...]:
    talks = [at_step(name).talk for name in ("danger", "review", "act", "text")]
    cases = [sent(), sent_in_emergency()]
    effects: list[Effect] = [
        effect for one in cases for effect in one.outcome.effects if isinstance(effect, Say | HandOff)
    ]
    effects += [*(handed for one in cases for handed in one.handed), Clear(("5", "6"), NOW), Wake(Timer.UNREAD, NOW, 0)]
    mail = Mail(0, "7K3QM4", "officer@example.org", "<a@example.org>", b"sealed", officer="officer@example.org")
    docket = Docket("7K3QM4", 1, "en", NOW, reader="officer@example.org", passed=(NOW,))
    return (
        *(encoded(talk) for talk in (*talks, *(one.talk for one in cases))),
        *(written(SENDER, effect) for effect in (*effects, mail)),
        *(encoded(docket), encoded(Draft("7K3QM4", "words", NOW))),
    )


def stored() -> Fuzzed:
    return Fuzzed(partial(spoiled_json, seeds=letters()), _letter)


_READERS = tuple(msgspec.json.Decoder(kind).decode for kind in (Docket, Draft))


def _letter(octets: bytes) -> None:
    """What gets here was sealed by us: it is UTF-8, and not a thousand levels deep."""
    if b"[" * 200 in octets or b'{"a":' * 200 in octets or octets.decode("utf-8", "ignore").encode() != octets:
        return
    for kind in KINDS.values():
        try:
            sender, effect = read(kind, octets)
        except SealingError:
            continue
        assert read(kind, written(sender, effect)) == (sender, effect)
    for reader in (_decode, *_READERS):
        try:
            kept = reader(octets)
        except msgspec.DecodeError:
            continue
        assert reader(encoded(kept)) == kept
