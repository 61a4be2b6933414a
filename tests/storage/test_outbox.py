"""What waits comes out in order, once it is due, and not at all once it was withdrawn."""

import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from storage.canaries import files_under, hits
from storage.databases import Database, contents
from storage.strategies_storage import values_of

from bot.conversation.model import Answer, Clear, HandOff, Line, Say, Sender, Timer, Wake
from bot.errors import SealingError
from bot.storage import outbox_sql as sql
from bot.storage.envelope import Envelope
from bot.storage.erasing import erase
from bot.storage.keyring import Keyring
from bot.storage.letters import Letter
from bot.storage.notes import read_note, stamp
from bot.storage.outbox import SENT, Mail, Note, Outbox, Ping, Row
from bot.storage.statement import Statement
from bot.storage.tables import OTHER, URGENT, minute
from bot.storage.waiting import KEPT_FOR, MANY

NOON = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ANA = Sender("telegram", "ana")
BEN = Sender("signal", "ben")
MAIL = Mail(0, "K7Q2FX", "officer@mission.example", "<1@bot.example>", b"\x00\xffsealed")
PING = Ping("account", "en", Line("duty.ping"), True, 0)
NOTE = Note("officer@mission.example", "read", Line("duty.subject_note"), (Line("duty.note_read"),))
HAND_OFF = HandOff("K7Q2FX", 0, 1, None, ("detained",), "1234", answers=(Answer("a", words="told"),))


def say(name: str, **fields: datetime | None) -> Say:
    return Say((Line(name),), ("en",), **fields)  # type: ignore[arg-type]  # only not_before is given


class Post:
    """The outbox as one test uses it: people by name."""

    def __init__(self, conn: sa.Connection, outbox: Outbox, keyring: Keyring) -> None:
        self.conn = conn
        self.outbox = outbox
        self.keyring = keyring

    def who(self, sender: Sender) -> bytes:
        return self.keyring.keyed_hash("who", sender.address)[:16]

    def put(self, sender: Sender, *effects: Letter, lane: int = OTHER, lives: timedelta = 24 * HOUR) -> None:
        self.outbox.put(self.conn, self.who(sender), sender, effects, NOON, lane=lane, expires=NOON + lives)

    def due(self, later: timedelta = timedelta(), limit: int = 100, busy: frozenset[bytes] = frozenset()) -> list[Row]:
        return self.outbox.claimable(self.conn, NOON + later, limit, busy)

    def names(self, later: timedelta = timedelta(), limit: int = 100) -> list[str]:
        return [shown(row) for row in self.due(later, limit)]


def shown(row: Row) -> str:
    return row.effect.lines[0].name if isinstance(row.effect, Say) else row.kind


@pytest.fixture
def post(conn: sa.Connection, outbox: Outbox, keyring: Keyring) -> Post:
    return Post(conn, outbox, keyring)


# ── what comes back ────────────────────────────────────────────────────────────────────────────────────


@settings(deadline=None)
@given(
    effect=st.one_of([values_of(kind) for kind in (Say, HandOff, Clear, Wake, Mail, Ping, Note)]),
    sender=values_of(Sender),
)
def test_any_effect_comes_back_as_it_was_put(
    law_conn: sa.Connection, law_keyring: Keyring, effect: Letter, sender: Sender
) -> None:
    if isinstance(effect, Wake):
        effect = replace(effect, at=NOON)
    elif not isinstance(effect, Note):
        effect = replace(effect, not_before=None)
    channel = sender.channel.replace("\0", "")  # which PostgreSQL keeps in no text
    sender = replace(sender, channel=channel or "signal")  # every channel has a name
    with law_conn.begin() as transaction:
        post = Post(law_conn, Outbox(law_keyring), law_keyring)
        post.put(sender, effect)
        (row,) = post.due()
        transaction.rollback()
    assert (row.sender, row.effect, row.attempts, row.trying) == (sender, effect, 0, False)


def test_a_row_tells_what_its_delivery_needs(post: Post) -> None:
    post.put(ANA, say("a"), MAIL, lane=URGENT)
    first, second = post.due()
    assert (first.who, first.sender, first.kind, first.lane) == (post.who(ANA), ANA, "say", URGENT)
    assert (first.due, first.expires) == (NOON, NOON.replace(second=0) + 24 * HOUR)
    assert (second.kind, second.effect, second.serial) == ("mail", MAIL, first.serial + 1)


def test_a_row_shows_no_words(post: Post) -> None:
    post.put(ANA, HAND_OFF, MAIL, Clear(("canary",)))
    shown = repr(post.due())
    assert not [word for word in ("told", "ana", "officer@", "sealed", "canary", "1234") if word in shown]


# ── order ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_rows_of_a_person_come_in_the_order_they_were_put(post: Post) -> None:
    for n in range(20):
        post.put(ANA, say(f"{n}a"), say(f"{n}b"))
    assert post.names() == [f"{n}{letter}" for n in range(20) for letter in "ab"]


def test_people_with_something_urgent_come_first_and_whole(post: Post) -> None:
    post.put(ANA, say("ana"))
    post.put(BEN, say("ben before"))
    post.put(BEN, say("ben urgent"), lane=URGENT)
    assert post.names() == ["ben before", "ben urgent", "ana"]


def test_people_come_by_arrival_and_cases_of_which_nothing_is_told_but_sos_behind_others(post: Post) -> None:
    arrived = [Sender("signal", f"person {number}") for number in range(40)]
    for number, sender in enumerate(arrived):
        answers = (Answer("sos", ("me",)), Answer("sos_act", ("act",)), *((Answer("raid"),) if number % 4 == 3 else ()))
        case = replace(HAND_OFF, reference=f"{number}", answers=answers)
        now = NOON + number * SECOND / 100
        who = post.who(sender)
        post.outbox.put(post.conn, who, sender, [case], now, lane=URGENT, expires=NOON + HOUR)
    rows = [row for row in post.due(SECOND) if isinstance(row.effect, HandOff)]
    told, bare = [*range(3, 40, 4)], [number for number in range(40) if number % 4 != 3]
    assert [int(row.effect.reference) for row in rows if isinstance(row.effect, HandOff)] == [*told, *bare]
    for row in reversed(rows):  # whichever is sealed first
        assert isinstance(row.effect, HandOff)
        mail = replace(MAIL, reference=row.effect.reference, not_before=row.due)
        post.outbox.replace(post.conn, replace(row, expires=NOON + HOUR), [mail], NOON + SECOND)
    sent = [row.effect for row in post.outbox.claimable(post.conn, NOON + SECOND, 40, (), sought=SENT)]
    assert [int(mail.reference) for mail in sent if isinstance(mail, Mail)] == [*told, *bare]


def test_of_very_many_who_wait_the_order_is_kept_for_a_moment_and_nobody_is_passed_over(post: Post) -> None:
    people = [Sender("signal", f"person {number}") for number in range(MANY + 8)]
    for number, sender in enumerate(people):
        who, now = post.who(sender), NOON + number * SECOND / 1000
        post.outbox.put(post.conn, who, sender, [say(f"{number}")], now, lane=URGENT, expires=NOON + HOUR)

    def taken(later: timedelta, limit: int) -> list[str]:
        rows = post.due(later, limit)
        for row in rows:
            post.outbox.done(post.conn, row.id)
        return [shown(row) for row in rows]

    assert taken(SECOND, 3) == ["0", "1", "2"]
    post.outbox.put(post.conn, post.who(ANA), ANA, [say("before")], NOON, lane=URGENT, expires=NOON + HOUR)
    post.outbox.drop_words(post.conn, post.who(people[3]))
    assert taken(SECOND, 2) == ["4", "5"]  # whose words are gone is passed over; who came is found with the next look
    assert taken(SECOND + KEPT_FOR, 2) == ["before", "6"]
    assert taken(SECOND, 1) == ["7"]  # the clock went back
    rest = [name for _ in range(MANY) for name in taken(2 * SECOND, 1)]
    assert rest == [str(number) for number in range(8, MANY + 8)]


def test_in_a_crowded_channel_and_in_the_last_places_only_what_is_urgent_comes(post: Post) -> None:
    post.put(ANA, say("urgent"), lane=URGENT)
    post.put(BEN, say("ordinary"))
    assert post.names() == ["urgent", "ordinary"]
    for room in ({"crowded": {"signal"}}, {"kept": 9}):
        rows = post.outbox.claimable(post.conn, NOON, 10, (), **room)
        assert [shown(row) for row in rows] == ["urgent"]


def test_no_more_than_the_limit_comes(post: Post) -> None:
    post.put(ANA, *(say(f"{n}") for n in range(5)))
    assert post.names(limit=3) == ["0", "1", "2"]


def test_a_row_comes_at_its_second_not_at_its_minute(post: Post) -> None:
    at = NOON + 20 * SECOND
    post.put(ANA, say("a", not_before=at), replace(MAIL, not_before=at), Wake(Timer.LATE, at, 0))
    assert post.names(19 * SECOND) == []
    assert post.names(20 * SECOND) == ["a", "mail", "wake"]


def test_answers_wait_for_no_hour_to_be_sealed(post: Post) -> None:
    post.put(ANA, replace(HAND_OFF, not_before=NOON + HOUR))
    assert post.names() == ["hand_off"]


def test_what_is_being_carried_does_not_come_again(post: Post) -> None:
    post.put(ANA, say("a"), say("b"), MAIL)
    post.put(BEN, say("c"))
    rows = [row for row in post.due() if row.sender == ANA]
    assert [shown(row) for row in post.due(busy=frozenset([post.who(ANA)]))] == ["c"]
    assert sorted(shown(row) for row in post.due(busy=frozenset([rows[2].id]))) == ["a", "b", "c"]
    assert sorted(shown(row) for row in post.due(busy=frozenset([rows[0].id]))) == ["c", "mail"]


def test_a_text_that_failed_holds_back_later_texts_of_its_person_alone(post: Post) -> None:
    post.put(ANA, say("a"), MAIL, say("b"))
    post.put(BEN, say("c"))
    first = next(row for row in post.due() if row.sender == ANA)
    post.outbox.mark_trying(post.conn, first.id)
    post.outbox.again(post.conn, first.id, NOON, 2 * HOUR)
    assert sorted(post.names()) == ["c", "mail"]
    assert [shown(row) for row in post.due(2 * HOUR) if row.sender == ANA] == ["a", "mail", "b"]


def test_an_urgent_text_waits_for_no_ordinary_one(post: Post) -> None:
    post.put(ANA, say("stuck"))
    post.put(ANA, say("urgent"), say("urgent too"), lane=URGENT)
    post.put(ANA, say("later"))
    stuck, first, *_ = post.due()
    post.outbox.mark_trying(post.conn, stuck.id)
    post.outbox.again(post.conn, stuck.id, NOON, HOUR)
    assert post.names() == ["urgent", "urgent too"]
    post.outbox.mark_trying(post.conn, first.id)
    post.outbox.again(post.conn, first.id, NOON, HOUR)
    assert post.names() == []
    assert post.names(HOUR) == ["stuck", "urgent", "urgent too", "later"]


def test_a_text_that_waits_for_its_hour_holds_back_nothing(post: Post) -> None:
    post.put(ANA, say("in the morning", not_before=NOON + 9 * HOUR), say("now"))
    assert post.names() == ["now"]


def test_what_is_past_its_time_is_not_carried_out_and_holds_back_nothing(post: Post) -> None:
    post.put(ANA, say("old"), lives=HOUR)
    post.put(ANA, say("new"))
    row = post.due()[0]
    post.outbox.mark_trying(post.conn, row.id)
    post.outbox.again(post.conn, row.id, NOON, 3 * HOUR)
    assert post.names(2 * HOUR) == ["new"]


# ── tries ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_found_trying_may_have_arrived(post: Post) -> None:
    post.put(ANA, say("a"))
    row = post.due()[0]
    assert post.outbox.mark_trying(post.conn, row.id)
    (found,) = post.due()
    assert (found.trying, found.attempts) == (True, 1)
    assert post.outbox.again(post.conn, row.id, NOON, unsure=True)
    assert post.due()[0].trying
    assert post.outbox.again(post.conn, row.id, NOON)
    (found,) = post.due()
    assert (found.trying, found.attempts, found.serial) == (False, 1, row.serial)


def test_what_was_done_or_withdrawn_is_gone(post: Post) -> None:
    post.put(ANA, say("a"), say("b"))
    first, second = post.due()
    post.outbox.done(post.conn, first.id)
    assert post.names() == ["b"]
    erase(post.conn, post.who(ANA))
    assert not post.outbox.mark_trying(post.conn, second.id)
    assert not post.outbox.again(post.conn, second.id, NOON)
    post.outbox.done(post.conn, second.id)
    assert post.names(24 * HOUR) == []


def test_the_next_due_time_is_exact(post: Post) -> None:
    assert post.outbox.next_due(post.conn) is None
    post.put(ANA, say("now"), Wake(Timer.LATE, NOON + HOUR + SECOND, 0), Wake(Timer.GATHER, NOON + HOUR, 0))
    post.put(BEN, Wake(Timer.LATE, NOON + 2 * HOUR, 0), lane=URGENT)
    times = [post.outbox.next_due(post.conn, after) for after in (None, NOON, NOON + HOUR, NOON + HOUR + SECOND)]
    assert times == [NOON, NOON + HOUR, NOON + HOUR + SECOND, NOON + 2 * HOUR]
    assert post.outbox.next_due(post.conn, NOON + 2 * HOUR) is None


# ── channels that take no more, and people who can't be reached ────────────────────────────────────────


def test_a_full_channel_holds_back_its_own_words_and_nothing_else(post: Post) -> None:
    post.put(ANA, say("ana"), Clear(("m1",)), Wake(Timer.LATE, NOON, 0), HAND_OFF, MAIL)
    post.put(BEN, say("ben"), Clear(("m2",)))
    full = post.outbox.claimable(post.conn, NOON, 100, (), full={"telegram"})
    assert sorted((row.sender.channel, shown(row)) for row in full) == [
        ("signal", "ben"),
        ("signal", "clear"),
        ("telegram", "hand_off"),
        ("telegram", "mail"),
        ("telegram", "wake"),
    ]
    both = post.outbox.claimable(post.conn, NOON, 100, (), full={"telegram", "signal"})
    assert sorted(map(shown, both)) == ["hand_off", "mail", "wake"]
    assert len(post.due()) == 7


def test_the_rows_of_a_full_channel_use_up_no_limit(post: Post) -> None:
    for number in range(50):
        post.put(Sender("telegram", f"person {number}"), say("later"), lane=URGENT)
    post.put(BEN, say("now"))
    assert [shown(row) for row in post.outbox.claimable(post.conn, NOON, 1, (), full={"telegram"})] == ["now"]


def test_who_cannot_be_reached_is_told_nothing_more_and_their_case_still_leaves(post: Post) -> None:
    later = Clear(("m1",), NOON + HOUR)
    post.put(ANA, say("a"), say("in the morning", not_before=NOON + 9 * HOUR), Clear(("m2",)), later)
    post.put(ANA, MAIL, HAND_OFF, Wake(Timer.GIVE_UP, NOON + HOUR, 0))
    post.put(BEN, say("b"))
    post.outbox.drop_words(post.conn, post.who(ANA))
    assert sorted(post.names(10 * HOUR)) == ["b", "hand_off", "mail", "wake"]


def test_the_timers_of_a_talk_that_is_over_are_dropped_and_nothing_else(post: Post) -> None:
    timers = [Wake(timer, NOON + HOUR, 0) for timer in Timer]
    post.put(ANA, say("a"), MAIL, HAND_OFF, Clear(("m1",), NOON + HOUR), *timers)
    post.put(BEN, Wake(Timer.LATE, NOON, 0))
    post.outbox.drop_timers(post.conn, post.who(ANA))
    assert sorted(post.names(2 * HOUR)) == ["a", "clear", "hand_off", "mail", "wake"]
    assert [row.sender for row in post.due() if row.kind == "wake"] == [BEN]


def test_messages_are_cleared_at_their_hour_and_not_before(post: Post) -> None:
    post.put(ANA, Clear(("m1",), NOON + 30 * 60 * SECOND), Clear(("m2",)))
    assert [row.effect for row in post.due()] == [Clear(("m2",))]
    assert post.names(30 * 60 * SECOND - SECOND) == ["clear"]
    assert post.names(30 * 60 * SECOND) == ["clear", "clear"]


def test_a_wish_to_clear_survives_that_its_person_is_erased(post: Post) -> None:
    post.put(ANA, say("a"), Wake(Timer.CLEAR, NOON, 0), Clear(("m1",), NOON + HOUR))
    erase(post.conn, post.who(ANA))
    assert post.names() == []
    assert post.names(HOUR) == ["clear"]


# ── handing off ────────────────────────────────────────────────────────────────────────────────────────


def test_mails_take_the_place_of_the_answers(post: Post) -> None:
    post.put(ANA, HAND_OFF, lane=URGENT)
    row = post.due()[0]
    later = replace(MAIL, recipient="second@mission.example", not_before=NOON + HOUR)
    assert post.outbox.replace(post.conn, replace(row, expires=NOON + 24 * HOUR), [MAIL, later], NOON)
    assert [(found.kind, found.lane, found.effect) for found in post.due()] == [("mail", URGENT, MAIL)]
    assert [found.effect for found in post.due(HOUR)] == [MAIL, later]


def test_a_handoff_withdrawn_while_it_was_sealed_stores_no_mail(post: Post) -> None:
    post.put(ANA, HAND_OFF)
    row = post.due()[0]
    erase(post.conn, row.who)
    assert not post.outbox.replace(post.conn, replace(row, expires=NOON + 24 * HOUR), [MAIL], NOON)
    assert post.names(HOUR) == []


def test_mails_that_wait_are_hastened_together_so_that_the_first_leaves_now(post: Post) -> None:
    post.put(ANA, replace(MAIL, not_before=NOON + HOUR), replace(MAIL, not_before=NOON + 2 * HOUR))
    post.put(BEN, replace(MAIL, not_before=NOON + HOUR))
    assert post.due() == []
    post.outbox.hours.hasten(post.conn, post.who(ANA), NOON)
    assert [row.sender for row in post.due()] == [ANA]
    assert [row.sender for row in post.due(HOUR)].count(ANA) == 2


def test_of_each_handoff_the_first_leaves_now_when_they_are_hastened(post: Post) -> None:
    added = [replace(one, number=1, not_before=NOON + SECOND) for one in (MAIL, PING)]
    alert = [replace(one, not_before=NOON + HOUR) for one in (MAIL, PING)]
    post.put(ANA, *added, *alert, replace(MAIL, not_before=NOON + 2 * HOUR))
    post.outbox.hours.hasten(post.conn, post.who(ANA), NOON)
    assert len(post.due()) == 4
    assert [row.lane for row in post.due(HOUR)] == [OTHER] * 5


def test_a_case_that_becomes_urgent_goes_before_others_and_keeps_no_hour_sealed_or_not(post: Post) -> None:
    case = replace(HAND_OFF, level=3, not_before=NOON + HOUR)
    post.put(ANA, replace(MAIL, number=1, not_before=NOON + HOUR), case, say("a", not_before=NOON + HOUR))
    post.outbox.hours.hurry(post.conn, post.who(ANA), NOON)
    found = post.due()
    assert [(row.kind, row.lane) for row in found] == [("mail", URGENT), ("hand_off", URGENT)]
    assert found[1].effect == replace(case, not_before=None)
    assert found[1].due == NOON - HOUR  # by so much, mails that are being sealed meanwhile come earlier
    assert [row.lane for row in post.due(HOUR)] == [URGENT, URGENT, OTHER]


def test_haste_stops_at_no_row_that_no_longer_opens(post: Post) -> None:
    post.put(ANA, MAIL)
    spoiled = post.due()[0]
    SPOIL(post.conn, id=spoiled.id, sealed=b"", wrapped=b"")
    post.put(ANA, replace(MAIL, not_before=NOON + HOUR))
    post.outbox.hours.hurry(post.conn, post.who(ANA), NOON)
    assert [row.kind for row in post.due()] == ["mail"]
    assert post.outbox.unreadable == {spoiled.id}


def test_what_is_due_already_is_not_put_off_by_haste(post: Post) -> None:
    post.put(ANA, MAIL, replace(MAIL, not_before=NOON + HOUR))
    post.outbox.hours.hasten(post.conn, post.who(ANA), NOON)
    assert len(post.due()) == 1
    assert len(post.due(HOUR)) == 2
    post.outbox.hours.hasten(post.conn, post.who(BEN), NOON)


# ── officers further on ────────────────────────────────────────────────────────────────────────────────


def test_mails_and_pings_take_the_place_of_the_answers_each_at_its_hour(post: Post) -> None:
    post.put(ANA, HAND_OFF, lane=URGENT)
    row = post.due()[0]
    later = [replace(one, not_before=NOON + HOUR, place=1) for one in (MAIL, PING)]
    assert post.outbox.replace(post.conn, row, [MAIL, PING, *later], NOON)
    assert [found.effect for found in post.due()] == [MAIL, PING]
    assert [found.effect for found in post.due(HOUR)] == [MAIL, PING, *later]


def test_a_mail_at_the_end_of_a_long_chain_has_a_day_of_its_own(post: Post) -> None:
    post.put(ANA, HAND_OFF)
    row = post.due()[0]
    last = replace(MAIL, not_before=NOON + 24 * HOUR, place=1)
    post.outbox.replace(post.conn, row, [MAIL, last], NOON)
    assert [found.effect for found in post.due(24 * HOUR)] == [last]
    assert [found.effect for found in post.due(48 * HOUR - 60 * SECOND)] == [last]
    assert post.due(48 * HOUR) == []


def test_what_waits_for_officers_further_on_is_withdrawn_and_nothing_else(post: Post) -> None:
    further = [replace(one, not_before=NOON + HOUR, place=1) for one in (MAIL, PING)]
    post.put(ANA, say("a"), MAIL, PING, NOTE, Wake(Timer.UNREAD, NOON, 0), *further)
    post.put(BEN, *further)
    post.outbox.withdraw(post.conn, post.who(ANA))
    found = post.due(HOUR)
    assert [shown(row) for row in found if row.sender == ANA] == ["a", "mail", "ping", "note", "wake"]
    assert [shown(row) for row in found if row.sender == BEN] == ["mail", "ping"]


def test_of_a_closed_case_nothing_waits_for_any_officer(post: Post) -> None:
    post.put(ANA, say("a"), MAIL, PING, replace(MAIL, place=1), HAND_OFF)
    post.outbox.withdraw(post.conn, post.who(ANA), all_of_them=True)
    assert post.names() == ["a", "hand_off"]


def test_a_mail_that_does_not_open_is_told_and_stops_no_withdrawing(post: Post) -> None:
    post.put(ANA, replace(MAIL, place=1), replace(MAIL, place=2))
    spoiled, _ = post.due()
    SPOIL(post.conn, id=spoiled.id, sealed=b"", wrapped=b"")
    post.outbox.withdraw(post.conn, post.who(ANA))
    assert post.outbox.unreadable == {spoiled.id}
    assert post.due() == []


def test_what_keeps_its_distance_comes_earlier_and_words_keep_their_hour(post: Post) -> None:
    at = NOON + 2 * HOUR
    post.put(ANA, say("a", not_before=at), replace(MAIL, not_before=at), replace(PING, not_before=at))
    post.put(BEN, Wake(Timer.UNREAD, at, 0), Clear(("m1",), at))
    assert post.outbox.hours.earlier(post.conn, HOUR) == 3
    assert sorted(post.names(HOUR)) == ["mail", "ping", "wake"]
    assert sorted(post.names(2 * HOUR)) == ["a", "clear", "mail", "ping", "wake"]
    assert post.outbox.next_due(post.conn) == NOON + HOUR


def test_words_for_a_chosen_hour_keep_it_though_they_were_tried(post: Post) -> None:
    post.put(ANA, say("a", not_before=NOON))
    (row,) = post.due()
    assert post.outbox.mark_trying(post.conn, row.id) and post.outbox.again(post.conn, row.id, NOON, MINUTE)
    assert post.outbox.hours.earlier(post.conn, 3 * HOUR) == 0
    assert post.outbox.next_due(post.conn) == NOON + MINUTE


def test_words_for_a_chosen_hour_that_the_version_before_kept_keep_it(post: Post) -> None:
    post.put(ANA, say("a", not_before=NOON + 9 * HOUR))
    post.put(BEN, say("b"))
    envelope, moved = Envelope(post.keyring, "outbox"), []
    for row, wrapped, _ in sql.TIMED(post.conn).fetchall():
        serial, due, *_ = read_note(envelope.note(row, wrapped))
        old = envelope.with_note(row, wrapped, struct.pack(">QQ?", serial, stamp(due), False))
        moved += [sql.MOVE(post.conn, id=row, next_try=minute(due), wrapped=old).rowcount]
    assert moved == [1, 1]
    assert post.outbox.hours.earlier(post.conn, 3 * HOUR) == 1
    assert sorted(post.names()) == ["b"] and sorted(post.names(9 * HOUR)) == ["a", "b"]


def test_a_row_that_does_not_open_is_told_and_the_others_come_earlier(post: Post) -> None:
    post.put(ANA, MAIL, replace(MAIL, not_before=NOON + HOUR))
    row = post.due()[0]
    SPOIL(post.conn, id=row.id, sealed=b"", wrapped=b"")
    assert post.outbox.hours.earlier(post.conn, HOUR) == 1
    assert post.outbox.unreadable == {row.id}


# ── what can't be read ─────────────────────────────────────────────────────────────────────────────────

SPOIL = Statement("UPDATE outbox SET sealed = :sealed, wrapped = :wrapped WHERE id = :id")


def test_a_row_that_does_not_open_is_told_and_stops_nobody(post: Post) -> None:
    post.put(ANA, say("a"), say("b"))
    post.put(BEN, say("c"))
    row = next(row for row in post.due() if row.sender == ANA)
    SPOIL(post.conn, id=row.id, sealed=b"", wrapped=b"")
    assert sorted(post.names()) == ["b", "c"]
    assert post.outbox.unreadable == {row.id}
    with pytest.raises(SealingError):
        post.outbox.again(post.conn, row.id, NOON)
    assert post.outbox.next_due(post.conn) == NOON


def test_a_row_of_another_version_is_told_and_stops_nobody(post: Post) -> None:
    post.put(ANA, HAND_OFF, say("b"))
    row = post.due()[0]
    envelope = Envelope(post.keyring, "outbox")
    (held,) = Statement("SELECT wrapped FROM outbox WHERE id = :id")(post.conn, id=row.id).fetchall()
    wrapped, sealed = envelope.close(row.id, b'["an", "older", "shape"]', envelope.note(row.id, held[0]))
    SPOIL(post.conn, id=row.id, sealed=sealed, wrapped=wrapped)
    assert post.names() == ["b"]
    assert post.outbox.unreadable == {row.id}
    with pytest.raises(SealingError, match="another version"):
        post.outbox.replace(post.conn, replace(row, expires=NOON), [MAIL], NOON)


def test_half_a_character_is_refused(post: Post) -> None:
    with pytest.raises(SealingError):
        post.put(ANA, replace(HAND_OFF, answers=(Answer("a", words="\ud83d"),)))


def test_nothing_that_waits_stands_in_clear(
    engine: sa.Engine, keyring: Keyring, database: Database, tmp_path: Path
) -> None:
    canaries = [f"kanarienvögel-{n}-qwertzuiop" for n in range(6)]
    with engine.connect() as conn:
        with conn.begin():
            post = Post(conn, Outbox(keyring), keyring)
            post.put(
                Sender("telegram", canaries[0]),
                replace(HAND_OFF, answers=(Answer(canaries[1], words=canaries[2]),), return_code=canaries[3]),
                Say((Line("a", (("b", canaries[4]),)),), ("en",)),
                Clear((canaries[5],)),
            )
        files = [*files_under(tmp_path), *database.files()]
        assert hits(canaries, files) == []
        assert len(post.due()) == 3
        (first, *_) = post.due()
        assert any(first.id in content for content in contents(files))  # the search looked where the row stands
