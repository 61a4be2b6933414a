"""Who is told next, and when: the chain of a case, who of it is on duty, and who comes after whom.

Nothing here looks at a clock: times are arguments, and what is returned is a time from the handoff or a moment.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from bot.conversation.model import HandOff
from bot.handoff.mission import MissionProfile
from bot.handoff.roster import LONGEST_WAIT, Contact

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_DAY = timedelta(days=1)
_QUARTER = timedelta(minutes=15)  # clocks change at whole quarters of an hour, UTC
_SOONEST = timedelta(days=15)  # a weekly hour that a change of clocks takes away comes back within two weeks
_FIRST_WAITS = {1: timedelta(minutes=60), 2: timedelta(minutes=240)}  # until a person hears that nobody has read it


@dataclass(frozen=True, slots=True)
class Place:
    """One contact's place in a chain. `after`: how long from the handoff, 0 to 24 hours."""

    contact: Contact
    after: timedelta


def begins(told: HandOff, now: datetime) -> datetime:
    """Return from when on a case's mails leave: in the order in which cases came, whichever is sealed first.

    A case that came by a clock that has been set back since waits no longer for its minute than it was to.
    """
    came = told.at or now
    return (told.not_before or came) - max(came - now, timedelta(0))


# ── who, after how long ──────────────────────────────────────────────────────────────────────────────────


def chain(profile: MissionProfile, level: int) -> tuple[Place, ...]:
    """Return who is told of a case of `level`, the first at once; () only where the profile names nobody."""
    told = (Place(contact, timedelta(minutes=minutes)) for contact, minutes in waits(profile, level))
    places = sorted(told, key=lambda place: place.after)
    if level not in _FIRST_WAITS and level not in profile.duty.levels:
        del places[1:]
    return (Place(places[0].contact, timedelta(0)), *places[1:]) if places else ()


def waits(profile: MissionProfile, level: int) -> Iterator[tuple[Contact, int]]:
    """Yield each contact of a level as the profile orders them, with its minutes: given, or else by its place.

    Who has none given is told no sooner than whoever stands before.
    """
    watch, named = profile.duty.levels.get(level), {contact.address: contact for contact in profile.contacts}
    listed = [named[address] for address in watch.order] if watch else profile.contacts
    given = watch.after if watch and watch.after else [contact.after for contact in listed]
    longest = 0
    for place, (contact, own) in enumerate(zip(listed, given, strict=True)):
        longest = max(longest, _by_place(level, place, len(listed)) if own is None else own)
        yield contact, longest if own is None else own


def first_wait(profile: MissionProfile, level: int) -> timedelta | None:
    """Return how long after the handoff a person hears that nobody has read it yet; None: they don't.

    It is when the first of those is told who aren't told at once.
    """
    later = (place.after for place in chain(profile, level) if place.after)
    return next(later, _FIRST_WAITS.get(level))


def next_officer(profile: MissionProfile, level: int, address: str) -> Contact | None:
    """Return who comes after `address` in the chain: the first for somebody who isn't in it, None after the last."""
    contacts = [place.contact for place in chain(profile, level)]
    if address not in (contact.address for contact in contacts):
        return next(iter(contacts), None)
    return next((after for before, after in pairwise(contacts) if before.address == address), None)


def _by_place(level: int, place: int, places: int) -> int:
    """Return the minutes of a place, counted from 0, for whom none are given."""
    minutes = {1: 30 * (place + 1) if place else 0, 2: 240 * place}.get(level, LONGEST_WAIT * place // places)
    return min(minutes, LONGEST_WAIT)


# ── on duty ──────────────────────────────────────────────────────────────────────────────────────────────


def on_duty(contact: Contact, at: datetime, zone: str) -> bool:
    """Tell whether `at` lies in the contact's hours of duty. `zone`: the mission's, for who has none of their own.

    Hours past midnight belong to the day on which they begin; the last minute isn't among them.
    """
    local = at.astimezone(ZoneInfo(contact.zone or zone))
    clock, today, yesterday = local.time(), _works(contact, local), _works(contact, local - _DAY)
    start, end = _hours(contact)
    if start < end:
        return today and start <= clock < end
    return (today and start <= clock) or (yesterday and clock < end)


def next_duty(contact: Contact, at: datetime, zone: str) -> datetime:
    """Return the first moment from `at` on at which the contact is on duty: `at` itself, or later by its clock."""
    moment, latest = at.astimezone(UTC), at.astimezone(UTC) + _SOONEST
    while moment < latest and not on_duty(contact, moment, zone):
        moment = min(_next_quarter(moment), _next_start(contact, moment, zone))
    return moment.astimezone(at.tzinfo)


def opens(profile: MissionProfile, level: int, at: datetime) -> datetime | None:
    """Return when the first of those told at once is on duty; None: one of them is, at `at`."""
    told = [place.contact for place in chain(profile, level) if not place.after]
    if any(on_duty(contact, at, profile.zone) for contact in told):
        return None
    return min((next_duty(contact, at, profile.zone) for contact in told), default=None)


def _hours(contact: Contact) -> tuple[time, time]:
    """Return when duty begins and ends; where the end isn't later it is the next day's."""
    start, _, end = (contact.hours or "00:00-00:00").partition("-")
    return time.fromisoformat(start), time.fromisoformat(end)


def _works(contact: Contact, day: datetime) -> bool:
    return not contact.days or WEEK[day.weekday()] in contact.days


def _next_quarter(moment: datetime) -> datetime:
    return moment + _QUARTER - (moment - datetime.min.replace(tzinfo=UTC)) % _QUARTER


def _next_start(contact: Contact, moment: datetime, zone: str) -> datetime:
    """Return when the hours begin next, if no clock changes before."""
    local = moment.astimezone(ZoneInfo(contact.zone or zone)).replace(tzinfo=None)
    wait = datetime.combine(local, _hours(contact)[0]) - local
    return moment + (wait if wait > timedelta(0) else wait + _DAY)


# ── who an officer is ────────────────────────────────────────────────────────────────────────────────────


def by_signal(profile: MissionProfile, uuid: str) -> Contact | None:
    """Return whose account on Signal this is, by its ACI."""
    return _whose(profile, uuid, lambda contact: contact.signal)


def by_fingerprint(profile: MissionProfile, fingerprint: str) -> Contact | None:
    """Return whose certificate this is, by its fingerprint; the case of its digits is no matter."""
    return _whose(profile, fingerprint, lambda contact: contact.fingerprint)


def _whose(profile: MissionProfile, wanted: str, mark: Callable[[Contact], str]) -> Contact | None:
    marked = (contact for contact in profile.contacts if mark(contact))
    return next((contact for contact in marked if mark(contact) == wanted.lower()), None)
