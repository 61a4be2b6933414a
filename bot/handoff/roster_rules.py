"""When a mission's roster is well formed: who is told of a case, how they are reached, and when they are on duty.

Each rule names the key that it guards and says what was expected there. Whether a time zone exists is asked where
the file is read.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from bot.handoff.duty import WEEK, waits
from bot.handoff.mission import MILDEST, MissionProfile
from bot.handoff.roster import LONGEST_WAIT, Contact, Mode, Watch
from bot.handoff.shapes import A_TAG, ADDRESS, AN_ADDRESS, TAG, Mistake, if_given, shaped, within

_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_TIME = re.compile(_CLOCK)
_HOURS = re.compile(rf"({_CLOCK})-(?!\1)({_CLOCK})")  # two different times
_ACCOUNT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PIN = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")  # OpenPGP version 4, or 6
_LONG_PIN = re.compile(r"[0-9a-f]{64}")  # SHA-256

_AN_ACCOUNT = "a Signal account: a uuid like 01234567-89ab-cdef-0123-456789abcdef"
_READ_THERE = "the officer's Signal account, on which alone such a case can be read"


def mistakes(profile: MissionProfile) -> Iterator[Mistake]:
    """Yield every key of the roster that holds something else than it should, with what was expected."""
    for number, contact in enumerate(profile.contacts, start=1):
        for rule in (_reached, _certified, _sealed_to, _on_signal, _on_duty):
            yield from rule(f"contact {number}", contact)
    yield from _apart(profile)
    yield from _told_at_once(profile)
    yield from if_given(_TIME, "duty.morning", profile.duty.morning, 'a time like 07:30, or "" for no such mail')
    for level, watch in profile.duty.levels.items():
        yield from within("duty", level, 1, MILDEST)
        yield from _ordered(f"duty.{level}", profile, level, watch)


# ── each contact ─────────────────────────────────────────────────────────────────────────────────────────


def _reached(at: str, contact: Contact) -> Iterator[Mistake]:
    yield from shaped(ADDRESS, f"{at}: address", [contact.address], AN_ADDRESS)
    yield from if_given(ADDRESS, f"{at}: urgent_address", contact.urgent_address, AN_ADDRESS)
    yield from shaped(TAG, f"{at}: language", [contact.language], A_TAG)
    yield from shaped(TAG, f"{at}: languages", contact.languages, "language tags like es or pt-BR")
    yield from within(f"{at}: after", contact.after or 0, 0, LONGEST_WAIT)


def _certified(at: str, contact: Contact) -> Iterator[Mistake]:
    """Ask that the one certificate and its pin stand together."""
    if contact.openpgp and contact.smime:
        yield f"{at}: smime", "openpgp or smime, not both"
    elif bool(contact.openpgp or contact.smime) != bool(contact.fingerprint):
        kind = "smime" if contact.smime or contact.mode is Mode.SMIME else "openpgp"
        yield f"{at}: fingerprint", f"{kind} and fingerprint together: a certificate is pinned or not used"
    elif contact.smime:
        yield from shaped(_LONG_PIN, f"{at}: fingerprint", [contact.fingerprint], "64 hexadecimal digits (SHA-256)")
    else:
        yield from if_given(_PIN, f"{at}: fingerprint", contact.fingerprint, "40 or 64 hexadecimal digits")


def _sealed_to(at: str, contact: Contact) -> Iterator[Mistake]:
    """Ask that a contact is sent what its certificate opens."""
    fits = Mode.SMIME if contact.smime else Mode.OPENPGP
    if (contact.openpgp or contact.smime) and contact.mode is not fits:
        yield f"{at}: mode", f'mode = "{fits}" where there is a certificate of that kind'


def _on_signal(at: str, contact: Contact) -> Iterator[Mistake]:
    if contact.mode is Mode.NOTICE and not (contact.signal or contact.openpgp or contact.smime):
        yield f"{at}: signal", _READ_THERE
    yield from if_given(_ACCOUNT, f"{at}: signal", contact.signal, _AN_ACCOUNT)


def _on_duty(at: str, contact: Contact) -> Iterator[Mistake]:
    yield from if_given(_HOURS, f"{at}: hours", contact.hours, "two different times, as in 09:00-18:00")
    if not set(contact.days) <= set(WEEK) or len(set(contact.days)) < len(contact.days):
        yield f"{at}: days", f"days of the week, each once, of {', '.join(WEEK)}"


# ── all of them ──────────────────────────────────────────────────────────────────────────────────────────


def _apart(profile: MissionProfile) -> Iterator[Mistake]:
    addresses = [contact.address for contact in profile.contacts]
    accounts = [contact.signal for contact in profile.contacts if contact.signal]
    if len(set(addresses)) < len(addresses):
        yield "contact", "each address once"
    if len(set(accounts)) < len(accounts):
        yield "contact", "each Signal account once"


def _told_at_once(profile: MissionProfile) -> Iterator[Mistake]:
    """Ask for somebody at the head of the chain that levels without an order of their own share."""
    own = all(level in profile.duty.levels for level in range(1, MILDEST + 1))
    shared = [contact.after for contact in profile.contacts]
    if shared and not own and shared[0] and 0 not in shared:
        yield "contact", "one with after = 0, who is told at once"


def _ordered(at: str, profile: MissionProfile, level: int, watch: Watch) -> Iterator[Mistake]:
    known = {contact.address for contact in profile.contacts}
    if not watch.order or not set(watch.order) <= known or len(set(watch.order)) < len(watch.order):
        yield f"{at}.order", "addresses of [[contact]], each once"
    elif watch.after and (len(watch.after) != len(watch.order) or not _rising(watch.after)):
        yield f"{at}.after", f"a number for each of order, from 0 to {LONGEST_WAIT}, none smaller than the one before"
    elif not _rising([minutes for _, minutes in waits(profile, level)]):
        yield f"{at}.order", "contacts whose own after begins with 0 and never falls, or after beside order"


def _rising(minutes: list[int] | tuple[int, ...]) -> bool:
    steps = all(before <= after for before, after in pairwise(minutes))
    return steps and minutes[0] == 0 and minutes[-1] <= LONGEST_WAIT
