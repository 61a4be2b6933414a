"""What is counted for an operator: talks, cases and what should have been carried out, without opening a row."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
import sqlalchemy as sa

from bot.conversation.model import Line, Say, Sender
from bot.storage import gauging
from bot.storage.gauging import Gauge, Queue
from bot.storage.keyring import Keyring
from bot.storage.letters import KINDS, Letter, Mail
from bot.storage.outbox import Outbox
from bot.storage.tables import OTHER, URGENT, docket, minute, talk

NOON = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ANA = Sender("telegram", "ana")
MAIL = Mail(0, "K7Q2FX", "officer@mission.example", "<1@bot.example>", b"sealed")
SAY = Say((Line("a"),), ("en",))


class Store:
    """A database as one test fills it."""

    def __init__(self, conn: sa.Connection, outbox: Outbox) -> None:
        self.conn = conn
        self.outbox = outbox
        self.names = count()

    def put(self, *letters: Letter, lane: int, at: datetime = NOON, lives: timedelta = DAY) -> None:
        who = f"{next(self.names):016}"[::-1].encode()  # what differs stands in front, as in a hash
        self.outbox.put(self.conn, who, ANA, letters, at, lane=lane, expires=at + lives)

    def failed(self, until: datetime) -> None:
        """Let everything that is due have been tried, and be tried again at a later time."""
        for row in self.outbox.claimable(self.conn, NOON, 100, ()):
            self.outbox.mark_trying(self.conn, row.id)
            self.outbox.again(self.conn, row.id, until)

    def queues(self, now: datetime = NOON, gauge: Gauge | None = None) -> dict[tuple[str, str], Queue]:
        """Every queue that isn't empty."""
        counted = (gauge or Gauge())(self.conn, now).queues
        return {place: queue for place, queue in counted.items() if queue.rows}


@pytest.fixture
def store(conn: sa.Connection, keyring: Keyring, outbox: Outbox) -> Store:
    keyring.today(NOON)
    return Store(conn, outbox)


def test_where_nothing_waits_every_queue_is_there_and_empty(store: Store) -> None:
    counted = Gauge()(store.conn, NOON)
    lanes = ("urgent", "other")
    assert counted.queues == {(kind, lane): Queue(0, 0) for kind in (*KINDS.values(), "more") for lane in lanes}
    assert (counted.talks, counted.cases) == (0, 0)


def test_what_is_due_is_counted_by_kind_and_lane_with_the_age_of_the_oldest(store: Store) -> None:
    store.put(SAY, SAY, lane=URGENT)
    store.put(SAY, lane=URGENT, at=NOON - 3 * MINUTE)
    store.put(MAIL, lane=OTHER, at=NOON - 90 * MINUTE)
    assert store.queues() == {("say", "urgent"): Queue(3, 180), ("mail", "other"): Queue(1, 5400)}


def test_what_waits_for_its_hour_is_not_late_and_what_is_past_its_time_is_gone(store: Store) -> None:
    store.put(replace(SAY, not_before=NOON + 2 * MINUTE), lane=URGENT)
    store.put(SAY, lane=OTHER, at=NOON - 10 * MINUTE, lives=5 * MINUTE)
    assert store.queues() == {}
    assert store.queues(NOON + 2 * MINUTE) == {("say", "urgent"): Queue(1, 0)}


def test_a_mail_that_was_refused_is_as_late_as_it_was_due_whenever_it_is_tried_again(store: Store) -> None:
    store.put(MAIL, lane=URGENT)
    store.put(SAY, lane=URGENT)
    store.failed(NOON + 30 * MINUTE)
    late = NOON + 10 * MINUTE
    assert store.queues(late) == {("mail", "urgent"): Queue(1, 600), ("say", "urgent"): Queue(1, 0)}
    assert store.queues(NOON + 31 * MINUTE)["mail", "urgent"] == Queue(1, 31 * 60)


def test_a_clock_that_was_set_back_makes_nothing_late(store: Store) -> None:
    store.put(MAIL, lane=URGENT)
    store.failed(NOON + MINUTE)
    assert store.queues(NOON - 5 * MINUTE) == {("mail", "urgent"): Queue(1, 0)}


def test_of_a_long_queue_the_oldest_are_told_by_kind_and_the_others_are_only_counted(store: Store) -> None:
    for number in range(gauging.HEAD_LEAST + 30):
        store.put(SAY, lane=URGENT, at=NOON - number * MINUTE)
    slow = count()
    oldest = (gauging.HEAD_LEAST + 29) * 60
    assert store.queues(gauge=Gauge(lambda: float(next(slow)))) == {
        ("say", "urgent"): Queue(gauging.HEAD_LEAST, oldest),
        ("more", "urgent"): Queue(30, 0),
    }
    assert store.queues(gauge=Gauge(lambda: 0.0)) == {("say", "urgent"): Queue(gauging.HEAD_LEAST + 30, oldest)}


def test_a_count_that_took_long_is_kept_for_a_minute_and_a_quick_one_is_not(store: Store) -> None:
    times = [0.0]

    def clock() -> float:
        times[0] += slowness
        return times[0]

    def opened(number: int) -> tuple[int, int]:
        row = {"expires": minute(NOON + DAY), "wrapped": b"", "sealed": b""}
        store.conn.execute(talk.insert(), [{**row, "who": bytes([number])}])
        store.conn.execute(docket.insert(), [{**row, "who": b"", "reference": bytes([number])}])
        counted = gauge(store.conn, NOON)
        return counted.talks, counted.cases

    slowness, gauge = 0.0, Gauge(clock)
    assert [opened(number) for number in range(2)] == [(1, 1), (2, 2)]
    slowness = gauging.SLOW_SECONDS * 2
    assert [opened(number) for number in range(2, 4)] == [(3, 3), (3, 3)]
    times[0] += gauging.KEPT_SECONDS
    assert opened(4) == (5, 5)
