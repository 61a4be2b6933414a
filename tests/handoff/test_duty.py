"""The roster as laws: who is told after how long, who is on duty, and when that begins."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.handoff.duty import (
    WEEK,
    Place,
    by_fingerprint,
    by_signal,
    chain,
    first_wait,
    next_duty,
    next_officer,
    on_duty,
    opens,
)
from bot.handoff.mission import MissionProfile
from bot.handoff.roster import Contact, Duty, Watch

NAMES = "abcdefgh"
MEXICO = "America/Mexico_City"
ZONES = ("UTC", MEXICO, "Europe/Madrid", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Chatham")
ACCOUNT = "01234567-89ab-cdef-0123-456789abcdef"


def named(name: str) -> str:
    return f"{name}@example.org"


def officers(*waits: int | None) -> tuple[Contact, ...]:
    """As many contacts as there are waits, a@example.org first."""
    return tuple(Contact(named(name), after=wait) for name, wait in zip(NAMES, waits, strict=False))


def mission(*contacts: Contact, **levels: Watch) -> MissionProfile:
    """A mission with these contacts; `l1`: the watch of level 1."""
    watches = {int(level.removeprefix("l")): watch for level, watch in levels.items()}
    return MissionProfile(
        id="test",
        name={"en": "the mission"},
        country_served=("MX",),
        languages=("en",),
        zone=MEXICO,
        areas={"mex": "México"},
        contacts=contacts,
        duty=Duty(levels=watches),
    )


def watch(names: str, *after: int) -> Watch:
    return Watch(tuple(map(named, names)), after)


def told(profile: MissionProfile, level: int) -> str:
    """The chain in a word: "a0 b60"."""
    places = chain(profile, level)
    return " ".join(f"{one.contact.address[0]}{one.after // timedelta(minutes=1)}" for one in places)


# ── who, after how long ──────────────────────────────────────────────────────────────────────────────────


FIVE = (None,) * 5
CHAINS = [
    (mission(*officers(*FIVE)), 1, "a0 b60 c90 d120 e150"),
    (mission(*officers(*FIVE)), 2, "a0 b240 c480 d720 e960"),
    (mission(*officers(*(None,) * 8)), 2, "a0 b240 c480 d720 e960 f1200 g1440 h1440"),
    (mission(*officers(*FIVE)), 3, "a0"),
    (mission(*officers(*FIVE)), 4, "a0"),
    (mission(), 1, ""),
    (mission(), 3, ""),
    # what stands in the file holds; who has nothing there isn't told before those above
    (mission(*officers(0, 15, None)), 1, "a0 b15 c90"),
    (mission(*officers(None, 120, None)), 1, "a0 b120 c120"),
    (mission(*officers(60, 0, None)), 1, "b0 a60 c90"),
    (mission(*officers(60, 0, None)), 3, "b0"),
    (mission(*officers(None, 0)), 2, "a0 b0"),
    (mission(*officers(5)), 1, "a0"),
    # a level's own order
    (mission(*officers(*FIVE), l1=watch("ca")), 1, "c0 a60"),
    (mission(*officers(*FIVE), l1=watch("ca")), 2, "a0 b240 c480 d720 e960"),
    (mission(*officers(*FIVE), l1=watch("cab", 0, 0, 10)), 1, "c0 a0 b10"),
    (mission(*officers(0, 30, 45), l2=watch("abc")), 2, "a0 b30 c45"),
    (mission(*officers(*FIVE), l3=watch("b")), 3, "b0"),
    (mission(*officers(*FIVE), l4=watch("bac")), 4, "b0 a480 c960"),
    (mission(*officers(*FIVE), l4=watch("bac", 0, 10, 1440)), 4, "b0 a10 c1440"),
]


@pytest.mark.parametrize(("profile", "level", "expected"), CHAINS)
def test_who_is_told_and_after_how_many_minutes(profile: MissionProfile, level: int, expected: str) -> None:
    assert told(profile, level) == expected


WAIT = st.none() | st.integers(0, 1440)


@st.composite
def missions(draw: st.DrawFn) -> MissionProfile:
    contacts = officers(*draw(st.lists(WAIT, min_size=1, max_size=len(NAMES))))
    names = "".join(contact.address[0] for contact in contacts)
    orders = st.lists(st.sampled_from(names), min_size=1, unique=True)
    levels: dict[str, Watch] = {}
    for level in draw(st.sets(st.sampled_from(["l1", "l2", "l3", "l4"]))):
        order = draw(orders)
        later = sorted(draw(st.lists(st.integers(0, 1440), min_size=len(order) - 1, max_size=len(order) - 1)))
        levels[level] = watch("".join(order), *draw(st.sampled_from([(), (0, *later)])))
    return mission(*contacts, **levels)


LEVELS = st.integers(1, 4)


@given(missions(), LEVELS)
def test_a_chain_tells_each_once_the_first_at_once_and_nobody_after_a_day(profile: MissionProfile, level: int) -> None:
    places = chain(profile, level)
    addresses = [place.contact.address for place in places]
    waits = [place.after for place in places]
    assert places and waits[0] == timedelta(0) and waits[-1] <= timedelta(days=1)
    assert len(set(addresses)) == len(addresses)
    assert waits == sorted(waits)


@given(missions(), st.sampled_from([1, 2]))
def test_of_an_urgent_case_everybody_is_told(profile: MissionProfile, level: int) -> None:
    own = profile.duty.levels.get(level)
    wanted = own.order if own else [contact.address for contact in profile.contacts]
    assert {place.contact.address for place in chain(profile, level)} == set(wanted)


@given(missions(), LEVELS)
def test_a_wait_that_a_contact_has_is_kept_but_for_the_first(profile: MissionProfile, level: int) -> None:
    if not (own := profile.duty.levels.get(level)) or not own.after:
        for place in chain(profile, level)[1:]:
            if place.contact.after is not None:
                assert place.after == timedelta(minutes=place.contact.after)


@given(missions(), LEVELS)
def test_from_the_first_to_the_last_each_is_followed_by_the_next(profile: MissionProfile, level: int) -> None:
    walked, officer = [], next_officer(profile, level, "nobody@example.org")
    while officer:
        walked.append(officer)
        officer = next_officer(profile, level, officer.address)
    assert walked == [place.contact for place in chain(profile, level)]


def test_each_is_followed_by_the_next_and_nobody_by_nobody() -> None:
    assert next_officer(mission(), 1, named("a")) is None
    first, second = officers(None, None)
    assert next_officer(mission(first, second), 1, first.address) == second
    assert next_officer(mission(first, second), 1, second.address) is None


WAITS = [
    (mission(*officers(None)), 1, 60),
    (mission(*officers(None)), 2, 240),
    (mission(*officers(None)), 3, None),
    (mission(*officers(None, None)), 4, None),
    (mission(*officers(None, None)), 1, 60),
    (mission(*officers(None, 20)), 1, 20),
    (mission(*officers(None, 20)), 2, 20),
    (mission(*officers(0, 0, 45)), 1, 45),
    (mission(*officers(0, 0)), 1, 60),
    (mission(*officers(None, None), l3=watch("ab", 0, 300)), 3, 300),
    (mission(), 1, 60),
]


@pytest.mark.parametrize(("profile", "level", "minutes"), WAITS)
def test_a_person_hears_that_nobody_has_read_it_when_the_next_officer_does(
    profile: MissionProfile, level: int, minutes: int | None
) -> None:
    assert first_wait(profile, level) == (None if minutes is None else timedelta(minutes=minutes))


@given(missions(), LEVELS)
def test_nobody_hears_that_nobody_has_read_it_at_once(profile: MissionProfile, level: int) -> None:
    wait = first_wait(profile, level)
    assert wait is None or timedelta(0) < wait <= timedelta(days=1)
    assert (wait is not None) or level > 2


# ── on duty ──────────────────────────────────────────────────────────────────────────────────────────────


def officer(hours: str = "", days: str = "", zone: str = "") -> Contact:
    return Contact(named("a"), hours=hours, days=tuple(days.split()), zone=zone)


def at(words: str, zone: str = MEXICO) -> datetime:
    """A moment by the clock of a zone; Sunday 22 November 2026 is "22 09:30"."""
    return datetime.strptime(f"2026-11-{words}", "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone))


DUTY = [
    (officer(), "22 03:00", True),
    (officer("09:00-18:00"), "22 08:59", False),
    (officer("09:00-18:00"), "22 09:00", True),
    (officer("09:00-18:00"), "22 17:59", True),
    (officer("09:00-18:00"), "22 18:00", False),
    (officer("09:00-00:00"), "22 23:59", True),
    (officer("09:00-00:00"), "23 00:00", False),
    (officer("22:00-06:00"), "22 21:59", False),
    (officer("22:00-06:00"), "22 22:00", True),
    (officer("22:00-06:00"), "23 05:59", True),
    (officer("22:00-06:00"), "23 06:00", False),
    (officer(days="sun"), "22 00:00", True),
    (officer(days="sun"), "21 23:59", False),
    (officer(days="sun"), "23 00:00", False),
    (officer("09:00-18:00", "mon tue"), "22 10:00", False),
    (officer("09:00-18:00", "mon tue"), "23 10:00", True),
    (officer("22:00-06:00", "sun"), "22 05:00", False),
    (officer("22:00-06:00", "sun"), "22 23:00", True),
    (officer("22:00-06:00", "sun"), "23 05:00", True),
    (officer("22:00-06:00", "sun"), "23 23:00", False),
    (officer("09:00-18:00", zone="Europe/Madrid"), "22 02:00", True),
    (officer("09:00-18:00", zone="Europe/Madrid"), "22 11:00", False),
]


@pytest.mark.parametrize(("contact", "moment", "expected"), DUTY)
def test_hours_are_by_the_officers_clock_and_belong_to_the_day_on_which_they_begin(
    contact: Contact, moment: str, expected: bool
) -> None:
    assert on_duty(contact, at(moment), MEXICO) is expected


NEXT = [
    (officer("09:00-18:00"), "22 10:00", "22 10:00"),
    (officer("09:00-18:00"), "22 08:00", "22 09:00"),
    (officer("09:00-18:00"), "22 18:00", "23 09:00"),
    (officer("09:07-18:00", "tue"), "22 18:00", "24 09:07"),
    (officer(days="sat"), "22 18:00", "28 00:00"),
    (officer("09:00-18:00", zone="Europe/Madrid"), "22 12:00", "23 02:00"),
]


@pytest.mark.parametrize(("contact", "moment", "expected"), NEXT)
def test_duty_begins_with_the_next_hours(contact: Contact, moment: str, expected: str) -> None:
    begins = next_duty(contact, at(moment), MEXICO)
    assert begins == at(expected) and begins.tzinfo is at(moment).tzinfo


CHANGES = [
    # the hour from 02:00 to 03:00 isn't there: duty begins when the clock has jumped over its beginning …
    (officer("02:30-04:00"), "2026-03-29T00:00+01:00", "2026-03-29T03:00+02:00"),
    # … or, where the clock jumps over all of it, the next day, or the next week
    (officer("02:10-02:50"), "2026-03-29T00:00+01:00", "2026-03-30T02:10+02:00"),
    (officer("02:10-02:50", "sun"), "2026-03-22T03:00+01:00", "2026-04-05T02:10+02:00"),
    # the hour from 02:00 to 03:00 is there twice: so is the duty
    (officer("02:10-02:20"), "2026-10-25T00:00+02:00", "2026-10-25T02:10+02:00"),
    (officer("02:10-02:20"), "2026-10-25T02:30+02:00", "2026-10-25T02:10+01:00"),
    (officer("02:10-02:20"), "2026-10-25T02:30+01:00", "2026-10-26T02:10+01:00"),
]


@pytest.mark.parametrize(("contact", "moment", "expected"), CHANGES)
def test_a_change_of_clocks_takes_no_officer_away(contact: Contact, moment: str, expected: str) -> None:
    begins = next_duty(contact, datetime.fromisoformat(moment), "Europe/Madrid")
    assert begins == datetime.fromisoformat(expected)


CLOCK = st.times().map(lambda one: one.strftime("%H:%M"))
HOURS = st.tuples(CLOCK, CLOCK).filter(lambda two: two[0] != two[1]).map("-".join)
DAYS = st.sets(st.sampled_from(WEEK)).map(lambda days: tuple(day for day in WEEK if day in days))
# the fortnights in which clocks change, and others
DAY_MINUTES = 24 * 60
MINUTES = st.one_of(
    st.integers(59 * DAY_MINUTES, 101 * DAY_MINUTES),  # March and April
    st.integers(262 * DAY_MINUTES, 311 * DAY_MINUTES),  # September to November
    st.integers(0, 365 * DAY_MINUTES),
).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
SOMEBODY = st.builds(
    Contact, st.just(named("a")), hours=st.just("") | HOURS, days=DAYS, zone=st.sampled_from(["", *ZONES])
)


def stepped(contact: Contact, moment: datetime, zone: str) -> datetime | None:
    """The first minute of a fortnight at which somebody is on duty, found by looking at the clock each minute."""
    clock = ZoneInfo(contact.zone or zone)
    start, _, end = (contact.hours or "00:00-24:00").partition("-")
    days = contact.days or WEEK
    for minute in range(14 * 24 * 60):
        now = moment + timedelta(minutes=minute)
        local = now.astimezone(clock)
        shown, today, before = local.strftime("%H:%M"), WEEK[local.weekday()] in days, WEEK[local.weekday() - 1] in days
        if (
            (start <= shown < end and today)
            if start < end
            else ((shown >= start and today) or (shown < end and before))
        ):
            return now
    return None


@given(SOMEBODY, MINUTES, st.sampled_from(ZONES))
def test_the_next_duty_is_the_first_minute_of_duty_whatever_clocks_do(
    contact: Contact, moment: datetime, zone: str
) -> None:
    begins = next_duty(contact, moment, zone)
    assert begins == stepped(contact, moment, zone)
    assert on_duty(contact, begins, zone)
    assert (begins == moment) == on_duty(contact, moment, zone)


@given(SOMEBODY, MINUTES, st.timedeltas(timedelta(0), timedelta(minutes=1)), st.sampled_from(ZONES))
def test_between_whole_minutes_duty_begins_no_later_than_a_minute_before(
    contact: Contact, moment: datetime, more: timedelta, zone: str
) -> None:
    begins = next_duty(contact, moment + more, zone)
    assert moment + more <= begins
    assert on_duty(contact, begins, zone)
    assert not begins.microsecond or begins == moment + more


def test_days_that_do_not_exist_are_no_reason_to_wait_for_ever() -> None:
    now = at("22 10:00")
    assert next_duty(officer(days="caturday"), now, MEXICO) - now.astimezone(UTC) == timedelta(days=15)


OPENS = [
    (mission(officer("09:00-18:00")), "22 10:00", None),
    (mission(officer("09:00-18:00")), "22 19:00", "23 09:00"),
    (mission(officer("09:00-18:00"), replace(officer(), address=named("b"))), "22 19:00", "23 09:00"),
    (mission(officer("09:00-18:00"), replace(officer(), address=named("b"), after=0)), "22 19:00", None),
    (
        mission(officer("09:00-18:00"), replace(officer("07:00-08:00"), address=named("b"), after=0)),
        "22 19:00",
        "23 07:00",
    ),
    (mission(), "22 19:00", None),
]


@pytest.mark.parametrize(("profile", "moment", "expected"), OPENS)
def test_a_person_is_told_when_the_first_who_hears_of_it_at_once_is_there(
    profile: MissionProfile, moment: str, expected: str | None
) -> None:
    assert opens(profile, 1, at(moment)) == (at(expected) if expected else None)


# ── who an officer is ────────────────────────────────────────────────────────────────────────────────────


KNOWN = mission(
    Contact(named("a")),
    Contact(named("b"), signal=ACCOUNT),
    Contact(named("c"), openpgp="c.asc", fingerprint="ab" * 20),
)


@pytest.mark.parametrize(("uuid", "name"), [(ACCOUNT, "b"), (ACCOUNT.upper(), "b"), (ACCOUNT[:-1] + "0", ""), ("", "")])
def test_an_officer_is_known_by_their_account_alone(uuid: str, name: str) -> None:
    found = by_signal(KNOWN, uuid)
    assert (found.address if found else "") == (named(name) if name else "")


@pytest.mark.parametrize(("pin", "name"), [("ab" * 20, "c"), ("AB" * 20, "c"), ("ab" * 32, ""), ("", "")])
def test_an_officer_is_known_by_their_certificate(pin: str, name: str) -> None:
    found = by_fingerprint(KNOWN, pin)
    assert (found.address if found else "") == (named(name) if name else "")


def test_an_account_stands_in_no_repr() -> None:
    assert ACCOUNT not in repr(Place(KNOWN.contacts[1], timedelta(0)))
