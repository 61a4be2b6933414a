"""Dockets kept and found again: by their reference, by whom they belong to, or by a mark that leads to one.

The key of a docket is a keyed hash of its reference; a mark is one of a token or of a mail's name. Everything here is
called inside a writer's job, with its connection.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec
import sqlalchemy as sa

from bot.errors import SealingError
from bot.handoff.docket import Docket, Draft
from bot.storage.envelope import Envelope
from bot.storage.erasing import purged
from bot.storage.keyring import Keyring
from bot.storage.locks import hold
from bot.storage.statement import Statement
from bot.storage.tables import minute
from bot.storage.work import encoded

KEY_BYTES = 16

_KEEP = Statement(
    "INSERT INTO docket (reference, who, expires, wrapped, sealed) "
    "VALUES (:reference, :who, :expires, :wrapped, :sealed) "
    "ON CONFLICT (reference) DO UPDATE SET who = excluded.who, expires = excluded.expires, "
    "wrapped = excluded.wrapped, sealed = excluded.sealed"
)
_FIND = Statement("SELECT reference, who, expires, wrapped, sealed FROM docket WHERE reference = :reference")
_OF = Statement("SELECT reference, who, expires, wrapped, sealed FROM docket WHERE who = :who")
_ALL = Statement("SELECT reference, who, expires, wrapped, sealed FROM docket")
_MARK = Statement(
    "INSERT INTO mark (hash, reference, expires) VALUES (:hash, :reference, :expires) ON CONFLICT (hash) DO NOTHING"
)
_MARKED = Statement("SELECT reference FROM mark WHERE hash = :hash AND expires > :minute")
_SPEND = Statement("DELETE FROM mark WHERE hash = :hash")
_DROP = (
    Statement("DELETE FROM mark WHERE reference IN (SELECT reference FROM docket WHERE who = :who)"),
    Statement("DELETE FROM docket WHERE who = :who"),
)
_HOLD = Statement(
    "INSERT INTO draft (officer, expires, wrapped, sealed) VALUES (:officer, :expires, :wrapped, :sealed) "
    "ON CONFLICT (officer) DO UPDATE SET expires = excluded.expires, wrapped = excluded.wrapped, "
    "sealed = excluded.sealed"
)
_HELD = Statement("SELECT wrapped, sealed FROM draft WHERE officer = :officer")
_LET_GO = Statement("DELETE FROM draft WHERE officer = :officer")

_docket = msgspec.json.Decoder(Docket).decode
_draft = msgspec.json.Decoder(Draft).decode


class Filed(msgspec.Struct, frozen=True):
    """A docket as it lies there, with whom it belongs to and the minute it expires."""

    docket: Docket
    who: bytes
    expires: int


class Dockets:
    """Where dockets, the marks that lead to them, and officers' drafts lie."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._envelope = Envelope(keyring, "docket")
        self._drafts = Envelope(keyring, "draft")

    # ── dockets ────────────────────────────────────────────────────────────────────────────────────────

    def find(self, conn: sa.Connection, reference: str) -> Filed | None:
        """Return the docket of an open case, or None. Raises Held: another process is at it."""
        return self._found(conn, self._key(reference))

    def of(self, conn: sa.Connection, who: bytes) -> list[Filed]:
        """Return the dockets of one person: one at most but for a moment. Raises Held."""
        hold(conn, who)
        return list(self._read(_OF(conn, who=who).fetchall()))

    def everything(self, conn: sa.Connection, now: datetime) -> list[Filed]:
        """Return the dockets of all open cases, the gravest first and the oldest of a level before the others."""
        filed = (one for one in self._read(_ALL(conn).fetchall()) if one.expires > minute(now))
        return sorted(filed, key=lambda one: (one.docket.level, one.docket.opened_at))

    def keep(self, conn: sa.Connection, who: bytes, docket: Docket, expires: int) -> None:
        """Seal and store a docket until a minute. Raises SealingError: a text in it isn't Unicode."""
        key = self._key(docket.reference)
        wrapped, sealed = self._envelope.close(key, encoded(docket))
        _KEEP(conn, reference=key, who=who, expires=expires, wrapped=wrapped, sealed=sealed)

    def drop(self, conn: sa.Connection, who: bytes) -> None:
        """Delete the dockets of one person with everything that leads to them; at once from the journal, too."""
        if sum(statement(conn, who=who).rowcount for statement in _DROP):
            purged(conn)

    # ── marks ──────────────────────────────────────────────────────────────────────────────────────────

    def hashed(self, kind: str, text: str) -> bytes:
        """Return what is kept of a token ("token") or of a mail's name ("mail")."""
        return self._keyring.keyed_hash("mark", kind, text)

    def mail_key(self) -> bytes:
        """Return the key that the names of mails are made with."""
        return self._keyring.keyed_hash("message-id")

    def mark(self, conn: sa.Connection, hashed: bytes, reference: str, expires: int) -> None:
        """Let a token or a mail's name lead to a case until a minute."""
        _MARK(conn, hash=hashed, reference=self._key(reference), expires=expires)

    def marked(self, conn: sa.Connection, kind: str, text: str, now: datetime) -> Filed | None:
        """Return the docket that this leads to, or None: unknown, used or over."""
        row = _MARKED(conn, hash=self.hashed(kind, text), minute=minute(now)).fetchone()
        return self._found(conn, row[0]) if row else None

    def spend(self, conn: sa.Connection, kind: str, text: str) -> None:
        """Let this lead nowhere any more."""
        _SPEND(conn, hash=self.hashed(kind, text))

    # ── drafts ─────────────────────────────────────────────────────────────────────────────────────────

    def hold(self, conn: sa.Connection, officer: str, draft: Draft, until: datetime) -> None:
        """Keep an officer's words until they say SEND, in the place of earlier ones.

        Raises SealingError: they aren't Unicode.
        """
        key = self._officer(officer)
        wrapped, sealed = self._drafts.close(key, encoded(draft))
        _HOLD(conn, officer=key, expires=minute(until) + 1, wrapped=wrapped, sealed=sealed)

    def let_go(self, conn: sa.Connection, officer: str) -> Draft | None:
        """Return the words that wait for this officer's SEND, if any, and keep them no longer. Raises Held."""
        key = self._officer(officer)
        hold(conn, key)
        row = _HELD(conn, officer=key).fetchone()
        _LET_GO(conn, officer=key)
        try:
            return _draft(self._drafts.open(key, *row)) if row else None
        except (SealingError, msgspec.DecodeError):
            return None

    def _found(self, conn: sa.Connection, key: bytes) -> Filed | None:
        rows = _FIND(conn, reference=key).fetchall()
        if rows and hold(conn, rows[0][1]):
            rows = _FIND(conn, reference=key).fetchall()
        return next(self._read(rows), None)

    def _read(self, rows: list[tuple[bytes, bytes, int, bytes, bytes]]) -> Iterator[Filed]:
        for key, who, expires, wrapped, sealed in rows:
            try:
                yield Filed(_docket(self._envelope.open(key, wrapped, sealed)), who, expires)
            except (SealingError, msgspec.DecodeError):
                continue

    def _key(self, reference: str) -> bytes:
        return self._keyring.keyed_hash("docket", reference)[:KEY_BYTES]

    def _officer(self, address: str) -> bytes:
        return self._keyring.keyed_hash("draft", address)[:KEY_BYTES]
