"""Whatever happens to a case, it is read, or told to the end of the roster, and its writer knows: the law of the loop.

Some hundreds of histories in every run, ten thousand in a soak. A history that breaks it is shown as what happened.
"""

from datetime import timedelta

import pytest
from handoff.histories import BAD, FIRST, Fate, Happening, History, begin
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stories.sizes import Size

from bot.handoff.duty import chain
from bot.handoff.mission import MissionProfile
from bot.handoff.roster import Contact, Duty, Mode, Watch

EVENTS = ("sos", "threat", "surveillance")  # of levels 1, 2 and 3
NAMES = "abcde"
ZONE = "America/Mexico_City"
END = timedelta(hours=27)  # 24 after the last handoff, and 2 that a mild one may wait, at most
ZONES = ("", "UTC", "Asia/Beirut", "Australia/Lord_Howe")
ORDERS = ("ack {}", "close {}", "level {} 1", "level {} 3", "reply {} We are coming.", "level {}")
WRITERS = ("adds", "raises", "writes", "stop", "erase")


@st.composite
def contacts(draw: st.DrawFn, number: int, after: int | None) -> Contact:
    return Contact(
        f"{NAMES[number]}@example.org",
        after=after,
        mode=draw(st.sampled_from(Mode)),
        signal=FIRST.format(number) if draw(st.booleans()) else "",
        ping=draw(st.booleans()),
        hours=draw(st.sampled_from(["", "09:00-18:00", "22:00-06:00"])),
        days=draw(st.sampled_from([(), ("mon", "tue"), ("sat", "sun")])),
        zone=draw(st.sampled_from(ZONES)),
    )


@st.composite
def missions(draw: st.DrawFn) -> MissionProfile:
    size = draw(st.integers(1, len(NAMES)))
    afters = (0, *draw(st.lists(st.none() | st.integers(0, 1440), min_size=size - 1, max_size=size - 1)))
    roster = [draw(contacts(number, after)) for number, after in enumerate(afters)]
    levels = {}
    for level in draw(st.sets(st.integers(1, 4), max_size=2)):
        order = draw(st.permutations([one.address for one in roster]))[: draw(st.integers(1, size))]
        waits = sorted(draw(st.lists(st.integers(0, 1440), min_size=len(order) - 1, max_size=len(order) - 1)))
        levels[level] = Watch(tuple(order), (0, *waits))
    return MissionProfile(
        id="test",
        name={"en": "the mission"},
        country_served=("MX",),
        languages=("en",),
        zone=ZONE,
        areas={"mex": "México"},
        contacts=tuple(roster),
        duty=Duty(levels=levels),
    )


HAPPENINGS = st.builds(
    Happening,
    st.sampled_from([*ORDERS, *ORDERS, *WRITERS]),
    st.integers(0, 400).map(lambda minutes: timedelta(minutes=minutes)),
    st.integers(-1, len(NAMES) - 1),
)
FATES = st.lists(st.sampled_from([Fate.LEAVES, *Fate]), min_size=1, max_size=6)


def happens(history: History, one: Happening) -> None:
    """Let it happen, after all that comes due before."""
    history.until(history.talk.now + one.after)
    if history.over or history.talk.conversation is None:
        return
    if one.what in ORDERS:
        at = one.who % len(history.profile.contacts)
        history.order(history.profile.contacts[at] if one.who >= 0 else None, one.what)
    elif one.what in {"stop", "erase"}:
        history.leave(one.what)
    elif one.what == "writes":
        history.write("what now?")
    else:
        history.write("send now", "yes", "missing" if one.what == "raises" else "free", "threat")


def laws(history: History) -> list[str]:
    """Return the laws that this history breaks, at its end."""
    broken, docket, profile = list(history.broken), history.docket, history.profile
    roster = {contact.address for contact in profile.contacts}
    if not {officer for officer, _ in (*history.mails, *history.pings)} <= roster:
        broken.append("somebody outside the roster is told of a case")
    for kind, told in (("mail", history.mails), ("ping", history.pings), ("note", history.notes)):
        if told and max(told.values()) > 1:
            broken.append(f"an officer is told twice of the same thing: {kind}")
    if not history.truthful():
        broken.append("somebody who comes back hears more than what happened")
    if docket is not None and not docket.reader and not history.over:
        broken += _waiting(history)
    return broken


def _waiting(history: History) -> list[str]:
    """Nobody has read it: then everybody of the chain was written to, and the writer knows."""
    docket, case = history.docket, history.talk.talk.case
    assert docket is not None and case is not None
    written_to = {officer for officer, number in history.tried if number >= history.since}
    broken = []
    if not {place.contact.address for place in chain(history.profile, docket.level)} <= written_to:
        broken.append("a case that nobody has read stops before the end of the roster")
    # Who was never asked how to be answered can be told for a day after the first handoff: then the address goes.
    hears = case.reply == "here" or (not case.reply and not history.since)
    if hears and case.level in history.talk.book.first_wait and not BAD & set(history.told):
        broken.append("the writer of a case that nobody has read is not told so")
    return broken


@pytest.mark.parametrize("event", EVENTS)
def test_every_case_is_read_or_escalated_to_the_end_and_the_writer_knows(size: Size, event: str) -> None:
    @settings(
        max_examples=size.histories // len(EVENTS),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(missions(), st.sampled_from(["here", "day", "code"]), FATES, st.lists(HAPPENINGS, max_size=8))
    def law(profile: MissionProfile, reply: str, fates: list[Fate], happenings: list[Happening]) -> None:
        history = begin(profile, event, reply, fates)
        for one in happenings:
            happens(history, one)
        history.until(history.talk.now + END)
        assert laws(history) == []

    law()


def lived(event: str, *happened: tuple[str, int], reply: str = "here") -> History:
    """A case of a mission with three officers; each thing is done by the first of them, so many minutes later."""
    roster = tuple(Contact(f"{NAMES[place]}@example.org", signal=FIRST.format(place)) for place in range(3))
    profile = MissionProfile("test", {"en": "the mission"}, ("MX",), ("en",), ZONE, {"mex": "México"}, contacts=roster)
    history = begin(profile, event, reply, [Fate.LEAVES])
    for what, minutes in happened:
        happens(history, Happening(what, timedelta(minutes=minutes)))
    history.until(history.talk.now + END)
    return history


def told(history: History) -> list[str]:
    return [name for name in history.told if name in {"left", "left_added", "unread", "read"}]


def test_a_case_that_nobody_reads_goes_through_the_roster_and_its_writer_hears_it_once() -> None:
    history = lived("sos")
    assert [officer[0] for officer, _ in history.mails] == ["a", "b", "c"]
    assert (told(history), laws(history)) == (["left", "unread"], [])


def test_a_case_that_is_read_is_told_nobody_further() -> None:
    history = lived("sos", ("ack {}", 30))
    assert [officer[0] for officer, _ in history.mails] == ["a"]
    assert (told(history), laws(history)) == (["left", "read"], [])


def test_a_case_that_was_read_late_and_got_graver_waits_and_is_told_anew() -> None:
    history = lived("threat", ("ack {}", 300), ("raises", 10))
    assert [officer[0] for officer, number in history.mails if number] == ["a", "b", "c"]
    assert (told(history), laws(history)) == (["left_added", "unread"], [])
    again = lived("threat", ("writes", 300), ("raises", 10))
    assert told(again).count("unread") == 1


def test_a_broken_law_would_be_seen() -> None:
    history = lived("sos", ("erase", 1))
    assert laws(history) == []
    silent = lived("sos")
    silent.told.clear()
    silent.tried.clear()
    silent.mails["z@example.org", 0] = 2
    assert len(laws(silent)) == 4
