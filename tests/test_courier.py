"""How effects are carried out: in order for each person, again where it failed, never in a hurry, never for ever."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fakes_smtp import STALL, Authority, MailServer, mail_server
from stories.stage import DEADLINE, ORDINARY, ZONE, Inbox, Life, Mood, Stage, Town, cries, posted_to, unreachable

from bot.alerting import no_token
from bot.carriage import AT_ONCE, KEPT, MAILS_AT_ONCE
from bot.channels.base import Arrived, Outgoing
from bot.conversation.model import Clear, Line, Question, Say, Sender, Timer, Wake, Weight
from bot.errors import DeliveryError, Undeliverable, Unreachable, UnsureDelivery
from bot.failures import BACKOFF, FINAL_TRIES, JITTER, URGENT_BACKOFF
from bot.staff import MissionDesk
from bot.storage.outbox import Mail
from bot.storage.tables import OTHER, URGENT


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[MailServer]:
    async with mail_server(authority.server()) as server:
        yield server


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def stage(tmp_path: Path, server: MailServer, authority: Authority) -> Stage:
    return Stage(tmp_path, posted_to(server, authority), (Inbox(tmp_path).contact,))


def said(name: str, weight: Weight = Weight.STATUS) -> Say:
    return Say((Line(f"say.{name}"),), ("en",), weight=weight)


def asked(serial: int, *names: str) -> Say:
    """Whether somebody is in danger, after other words."""
    lines = (*(Line(f"say.{name}") for name in names), Line("intake.danger"))
    return Say(lines, ("en",), Question("danger", serial, ((1, "now"), (2, "no")), first=serial == 1))


def urgent(say: Say) -> Say:
    return replace(say, weight=Weight.EMERGENCY)


async def waits(
    life: Life,
    *effects: Say | Clear | Wake | Mail,
    address: str = "ana",
    channel: str = "signal",
    lane: int = OTHER,
) -> None:
    """Let effects wait for a person, and the courier look for them."""
    sender, now = Sender(channel, address), life.clock.now(ZONE)
    who, outbox = life.bot.desk.shelf.who(sender), life.bot.courier.outbox
    expires = now + timedelta(days=1)
    await life.reads(lambda conn: outbox.put(conn, who, sender, effects, now, lane=lane, expires=expires))
    life.bot.courier.wake()


async def next_try(life: Life) -> datetime | None:
    return await life.reads(life.bot.courier.outbox.next_due)


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_text_that_failed_comes_before_the_later_ones_and_holds_up_nobody_else(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [unreachable()]
        await waits(life, said("erased"), said("stopped"), said("dropped"))
        await waits(life, said("help"), address="eva")
        await life.settled()
        assert (len(life.town.told("ana")), len(life.town.told("eva"))) == (0, 1)
        await life.later(seconds=20)
        assert [text.split(".")[0] for text in life.town.told("ana")] == [
            "Our copy is deleted",
            "I stop here",
            "What you added is deleted",
        ]


async def test_each_failure_waits_longer_up_to_half_an_hour(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [unreachable() for _ in range(7)]
        await waits(life, said("erased"))
        await life.settled()
        for seconds in (*BACKOFF, BACKOFF[-1]):
            due = await next_try(life)
            assert due is not None
            wait = (due - life.clock.at).total_seconds()
            assert seconds <= wait <= seconds * (1 + JITTER)
            life.clock.at = due
            await life.later()
        assert life.town.told("ana") == []


async def test_words_to_somebody_in_danger_are_tried_again_within_half_a_minute(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [unreachable() for _ in range(len(URGENT_BACKOFF) + 2)]
        await life.writes("ana", "SOS")
        for seconds in (*URGENT_BACKOFF, URGENT_BACKOFF[-1]):
            due = await next_try(life)
            assert due is not None
            assert seconds <= (due - life.clock.at).total_seconds() <= seconds * (1 + JITTER)
            life.clock.at = due
            await life.later()
        assert max(URGENT_BACKOFF) <= 30


async def test_a_platform_that_says_when_is_asked_again_then(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [DeliveryError("slow down", retry_after=100)]
        await waits(life, said("erased"))
        await life.settled()
        due = await next_try(life)
        assert due is not None
        assert 100 <= (due - life.clock.at).total_seconds() <= 120


async def test_what_can_never_be_delivered_is_dropped(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [Undeliverable("blocked")]
        await waits(life, said("erased"), said("stopped"))
        await life.settled()
        assert [text[:11] for text in life.town.told("ana")] == ["I stop here"]
        assert await life.rows("say") == 0


async def test_a_fault_of_a_channel_is_tried_again_later_and_not_at_once(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [RuntimeError("a bug") for _ in range(50)]
        await waits(life, said("erased"))
        await life.settled()
        assert len(life.town.refusals["ana"]) == 49
        life.town.refusals["ana"].clear()
        await life.later(seconds=20)
        assert len(life.town.told("ana")) == 1


async def test_words_that_the_flows_no_longer_have_are_dropped(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    async with stage.open() as life:
        await waits(life, said("of_another_version"), said("erased"))
        await life.settled()
        assert [text[:19] for text in life.town.told("ana")] == ["Our copy is deleted"]
    assert "effect_unreadable" in events(caplog)


async def test_words_for_a_channel_that_is_not_configured_wait(stage: Stage) -> None:
    async with stage.open() as life:
        await waits(life, said("erased"), channel="telegram")
        await life.settled()
        assert await life.rows("say") == 1
        assert await next_try(life) is not None


async def test_a_row_that_does_not_open_stops_nobody_and_the_operator_hears_of_it_once(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [unreachable()]
        await waits(life, said("erased"))
        await life.settled()
        await life.reads(lambda conn: conn.execute(sa.text("UPDATE outbox SET sealed = x'01'")).rowcount)
        await life.later(seconds=30)
        await life.later(seconds=30)
        await waits(life, said("stopped"), address="eva")
        await life.settled()
        assert (life.town.told("ana"), len(life.town.told("eva"))) == ([], 1)
    assert [name for name in listed(caplog) if name == "effect_unreadable"] == ["effect_unreadable"]


# ── after a crash ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("weight", "repeats", "comes"),
    [
        (Weight.QUESTION, True, True),
        (Weight.QUESTION, False, False),
        (Weight.STATUS, True, True),
        (Weight.STATUS, False, True),
        (Weight.EMERGENCY, False, True),
    ],
)
async def test_what_may_have_been_said_before_a_crash_is_said_again_where_that_is_better(
    stage: Stage, weight: Weight, repeats: bool, comes: bool
) -> None:
    stage.repeats = repeats
    async with stage.open() as life:
        life.town.refusals["ana"] = [unreachable()]
        await waits(life, said("erased", weight))
        await life.settled()
        await life.reads(lambda conn: conn.execute(sa.text("UPDATE outbox SET trying = 1")).rowcount)
    stage.clock.move(minutes=1)
    async with stage.open() as life:
        await life.settled()
        assert len(life.town.told("ana")) == comes
        assert await life.rows("say") == 0


# ── what may have arrived, and who can't be reached ──────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("weight", "repeats", "tries"),
    [
        (Weight.QUESTION, True, 2),
        (Weight.QUESTION, False, 1),
        (Weight.STATUS, True, 2),
        (Weight.STATUS, False, 2),
        (Weight.EMERGENCY, False, 2),
    ],
)
async def test_what_nobody_answered_for_is_said_once_more_at_most(
    stage: Stage, weight: Weight, repeats: bool, tries: int
) -> None:
    stage.repeats = repeats
    async with stage.open() as life:
        life.town.refusals["ana"] = [UnsureDelivery("no answer") for _ in range(9)]
        await waits(life, said("erased", weight))
        await life.settled()
        for _ in range(5):
            await life.later(hours=1)
        assert len(life.town.refusals["ana"]) == 9 - tries
        assert await life.rows("say") == 0


async def test_whoever_writes_again_while_nothing_goes_out_reads_one_question_and_their_answer_counts(
    stage: Stage,
) -> None:
    async with stage.open() as life:
        await life.writes("ana", "hello")
        await life.picks("ana", "en")
        life.town.refusals["ana"] = [unreachable()]
        await life.writes("ana", "SOS", "SOS", "SOS")
        await life.later(minutes=1)
        assert life.times_told("ana", "Send the mission an alert") == 1
        await life.picks("ana", "me", "act")
        assert life.times_told("ana", "Return code") == 1


@pytest.mark.parametrize(
    ("waiting", "heard"),
    [
        ([(2, ()), (3, ()), (4, ())], [(4, [])]),
        ([(2, ("not_seen",)), (3, ("not_seen",)), (4, ("not_seen",))], [(4, ["You wrote"])]),
        ([(2, ("not_seen", "erased")), (3, ("erased",))], [(0, ["You wrote"]), (3, ["Our copy"])]),
        ([(1, ()), (2, ()), (3, ())], [(1, []), (3, [])]),
    ],
    ids=["the same", "with the same words", "with other words", "after the first of a talk"],
)
async def test_of_questions_that_wait_the_newest_is_asked_and_no_other_word_is_lost(
    stage: Stage, waiting: list[tuple[int, tuple[str, ...]]], heard: list[tuple[int, list[str]]]
) -> None:
    async with stage.open() as life:
        await waits(life, *(asked(serial, *names) for serial, names in waiting))
        await life.settled()
        told = life.town.heard["ana"]
    assert [one.say.question.serial if one.say.question else 0 for one in told] == [serial for serial, _ in heard]
    for one, (serial, begins) in zip(told, heard, strict=True):
        lines = one.text.split("\n")
        assert [line[:9].strip() for line in lines[: len(begins)]] == begins
        assert ("in danger now" in one.text) is bool(serial)


async def test_no_ordinary_question_takes_the_place_of_an_urgent_one(
    stage: Stage,
) -> None:
    async with stage.open() as life:
        await waits(life, urgent(asked(2)), urgent(asked(3)), asked(4))
        await life.settled()
        assert [one.say.question.serial for one in life.town.heard["ana"] if one.say.question] == [3, 4]


async def test_a_question_that_may_have_arrived_is_said_again_before_a_newer_one(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [UnsureDelivery("no answer")]
        await waits(life, urgent(asked(2)))
        await life.settled()
        await waits(life, urgent(asked(3)))
        await life.later(minutes=1)
        assert life.times_told("ana", "in danger now") == 2


@pytest.mark.parametrize("lives", [1, 2])
async def test_what_nobody_answered_for_is_said_once_more_and_arrives_then(stage: Stage, lives: int) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [UnsureDelivery("no answer")]
        await waits(life, said("late", Weight.EMERGENCY))
        await life.settled()
        assert (life.town.told("ana"), await life.rows("say")) == ([], 1)
        if lives == 1:
            await life.later(minutes=1)
            assert len(life.town.told("ana")) == 1
    if lives == 2:
        stage.clock.move(minutes=1)
        async with stage.open() as life:
            await life.settled()
            assert len(life.town.told("ana")) == 1


async def test_codes_and_words_of_the_mission_are_said_until_they_have_arrived(stage: Stage) -> None:
    codes = replace(said("erased"), final=True)  # nobody can ask for them again
    async with stage.open() as life:
        life.town.refusals["ana"] = [UnsureDelivery("no answer") for _ in range(FINAL_TRIES - 1)]
        await waits(life, codes)
        await life.settled()
        for _ in range(FINAL_TRIES):
            await life.later(hours=1)
        assert (len(life.town.told("ana")), life.town.refusals["ana"]) == (1, [])
        life.town.refusals["ana"] = [UnsureDelivery("no answer") for _ in range(FINAL_TRIES + 1)]
        await waits(life, codes)
        await life.settled()
        for _ in range(FINAL_TRIES + 1):
            await life.later(hours=1)
        assert (len(life.town.refusals["ana"]), await life.rows("say")) == (1, 0)


async def test_what_may_have_arrived_once_is_not_forgotten_when_the_platform_then_refuses(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [
            UnsureDelivery("no answer"),
            DeliveryError("slow down", retry_after=60),
            UnsureDelivery("no answer"),
            UnsureDelivery("never asked for"),
        ]
        await waits(life, said("erased"))
        await life.settled()
        for _ in range(5):
            await life.later(hours=1)
        assert len(life.town.refusals["ana"]) == 1
        assert await life.rows("say") == 0


async def test_words_behind_what_may_have_arrived_are_said_after_it(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = [UnsureDelivery("no answer")]
        await waits(life, said("erased"), said("stopped"))
        await life.settled()
        assert life.town.told("ana") == []
        await life.later(minutes=1)
        assert [text[:11] for text in life.town.told("ana")] == ["Our copy is", "I stop here"]


async def test_of_who_cannot_be_reached_words_are_dropped_and_the_mails_still_leave(
    stage: Stage, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    mail = Mail(0, "K7Q2FX", "officer@example.org", "<1@bot.example>", b"Subject: x\r\n\r\nsealed\r\n")
    caplog.set_level(logging.INFO)
    async with stage.open() as life:
        life.town.refusals["ana"] = [Unreachable("blocked")]
        at = life.clock.now(ZONE) + timedelta(hours=1)
        await waits(life, said("erased"), said("stopped"), Clear(("m1",), at), Wake(Timer.LATE, at, 0))
        await waits(life, mail)
        await waits(life, said("help"), address="eva")
        await life.settled()
        assert (life.town.told("ana"), len(life.town.told("eva"))) == ([], 1)
        assert [await life.rows(kind) for kind in ("say", "clear", "wake", "mail")] == [0, 0, 1, 0]
        assert len(server.accepted) == 1
        await waits(life, said("dropped"))
        await life.settled()
        assert len(life.town.told("ana")) == 1  # who writes again is answered again
    assert "person_unreachable" in events(caplog)


async def test_one_text_that_never_will_arrive_holds_up_no_later_one(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with stage.open() as life:
        life.town.refusals["ana"] = [Undeliverable("too long")]
        await waits(life, said("erased"), Clear(("m1",)), said("stopped"))
        await life.settled()
        assert len(life.town.told("ana")) == 1
        assert life.town.cleared == [("ana", "m1")]
    assert "words_undeliverable" in events(caplog)
    assert "person_unreachable" not in events(caplog)


# ── what arrived ─────────────────────────────────────────────────────────────────────────────────────────


async def test_each_text_says_how_urgent_its_person_is(stage: Stage) -> None:
    async with stage.open() as life:
        crowded = Crowded(life.town)
        crowded.gate.set()
        life.bot.courier.channels = {"signal": crowded}
        await waits(life, said("erased"), lane=URGENT)
        await waits(life, said("erased"), address="eva")
        await life.settled()
        assert crowded.urgent == {"ana": True, "eva": False}


async def test_after_a_text_its_person_rests_and_nobody_else_does(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.pause = 3600.0
        await waits(life, said("erased"), said("stopped"))
        await waits(life, said("help"), address="eva")
        await life.hears("ana", "Our copy is deleted")
        await life.hears("eva", "In danger, write SOS")
        await waits(life, said("help"), address="iris")
        await life.hears("iris", "In danger, write SOS")
        assert len(life.town.told("ana")) == 1
        assert await life.rows("say") == 1
        wakes(life)


def wakes(life: Life) -> None:
    """End everybody's rest, so that the bot needn't wait for it when it stops."""
    life.town.pause = 0.0
    life.bot.courier._resting.people.clear()
    life.bot.courier.wake()


async def test_a_short_rest_ends_by_itself(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.pause = 0.01
        await waits(life, said("erased"), said("stopped"), said("dropped"))
        await life.settled()
        assert len(life.town.told("ana")) == 3


async def test_while_a_person_rests_their_mails_do_not(stage: Stage, server: MailServer) -> None:
    mail = Mail(0, "K7Q2FX", "officer@example.org", "<1@bot.example>", b"Subject: x\r\n\r\nsealed\r\n")
    async with stage.open() as life:
        life.town.pause = 3600.0
        await waits(life, said("erased"), said("stopped"))
        await life.hears("ana", "Our copy is deleted")
        await waits(life, mail)
        await server.arrived(1)
        assert len(life.town.told("ana")) == 1
        wakes(life)


# ── sealing while the clock is set ───────────────────────────────────────────────────────────────────────


def meanwhile(life: Life, happens: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Let something happen while the next case is being sealed: when its token is drawn."""
    loop, left, mission = asyncio.get_running_loop(), [happens], life.bot.courier.mission
    assert isinstance(mission, MissionDesk)

    def token(reference: str) -> tuple[str, bytes]:
        while left:
            asyncio.run_coroutine_threadsafe(left.pop()(), loop).result(DEADLINE)
        return no_token(reference)

    life.bot.courier.mission = replace(mission, alerting=replace(mission.alerting, token=token))


@pytest.fixture
def pair(tmp_path: Path, server: MailServer, authority: Authority) -> Stage:
    """A mission of two officers, of whom the second is told after an hour."""
    contacts = tuple(Inbox(tmp_path, name).contact for name in ("first", "second"))
    return Stage(tmp_path, posted_to(server, authority), contacts)


async def are_told_in_time(life: Life, server: MailServer) -> None:
    """Let an hour pass, and see that the first officer is told at its beginning and the second at its end."""
    for minutes, names in ((1, ["first"]), (57, ["first"]), (5, ["first", "second"])):
        await life.later(minutes=minutes)
        told = [recipient for taken in server.accepted for recipient in taken.recipients]
        assert told == [f"{name}@example.org" for name in names]


@pytest.mark.parametrize("looked", ["while it is sealed", "afterwards"])
async def test_a_case_that_is_sealed_while_the_clock_is_set_back_leaves_at_once_and_is_told_on_in_time(
    pair: Stage, server: MailServer, looked: str
) -> None:
    async with pair.open() as life:

        async def set_back() -> None:
            life.clock.move(hours=-3)
            if looked == "while it is sealed":
                await life.bot.upkeep.round()

        meanwhile(life, set_back)
        await cries(life)
        await life.bot.upkeep.round()
        await are_told_in_time(life, server)


@pytest.mark.parametrize("looked", ["while it is sealed", "afterwards"])
async def test_a_clock_that_is_set_back_just_before_a_case_is_sealed_tells_nobody_too_early(
    pair: Stage, server: MailServer, looked: str
) -> None:
    async with pair.open() as life:
        courier, back = life.bot.courier, [timedelta(hours=3)]
        now = courier.now

        def set_back_when_claimed() -> datetime:
            while courier._way.sealed and back:
                life.clock.at -= back.pop()
            return now()

        async def round_comes() -> None:
            if looked == "while it is sealed":
                await life.bot.upkeep.round()

        courier.now = set_back_when_claimed
        meanwhile(life, round_comes)
        await cries(life)
        await life.bot.upkeep.round()
        assert back == []
        await are_told_in_time(life, server)


async def test_a_case_that_waits_for_its_minute_does_not_wait_for_that_of_a_clock_that_was_ahead(
    stage: Stage, server: MailServer
) -> None:
    async with stage.open() as life:
        meanwhile(life, fails)
        life.clock.move(hours=3)
        await life.writes("ana", "hello")
        await life.picks("ana", *ORDINARY)
        assert await life.rows("hand_off") == 1
        life.clock.move(hours=-3)
        await life.bot.upkeep.round()
        await life.later(minutes=1)
        assert (await life.rows("hand_off"), await life.rows("mail")) == (0, 1)
        await life.later(minutes=stage.profile().window_minutes)
        assert len(server.accepted) == 1


@pytest.mark.parametrize("sealing", ["has failed", "goes on"])
async def test_a_case_that_becomes_urgent_before_it_is_sealed_keeps_no_random_minute(
    stage: Stage, server: MailServer, sealing: str
) -> None:
    async with stage.open() as life:

        async def becomes_urgent() -> None:
            await life.writes("ana", "SOS", settle=False)
            await life.hears("ana", "Send the mission an alert")
            await life.picks("ana", "me", settle=False)

        meanwhile(life, fails if sealing == "has failed" else becomes_urgent)
        await life.writes("ana", "hello")
        await life.picks("ana", *ORDINARY)
        if sealing == "has failed":
            assert (await life.rows("hand_off"), server.accepted) == (1, [])
            await becomes_urgent()
        await life.later(minutes=1)
        assert len(server.accepted) == 2
        assert await life.rows("mail") == 0


async def fails() -> None:
    raise DeliveryError("not now")


# ── clearing ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_messages_are_cleared_in_the_messenger_and_where_there_is_none_the_wish_is_dropped(
    stage: Stage,
) -> None:
    async with stage.open() as life:
        await waits(life, Clear(("m1", "m2")))
        await waits(life, Clear(("m3",)), channel="telegram")
        await life.settled()
        assert life.town.cleared == [("ana", "m1", "m2")]
        assert await life.rows("clear") == 0


# ── how many at once ─────────────────────────────────────────────────────────────────────────────────────


class Crowded(Town):
    """A channel whose every send waits for a gate."""

    def __init__(self, town: Town, name: str = "", at_once: int = AT_ONCE) -> None:
        super().__init__(town._now, name or town.name)
        self.at_once = at_once
        self.gate = asyncio.Event()
        self.inside = self.most = 0
        self.urgent: dict[str, bool] = {}  # by address
        self.order: list[str] = []  # addresses, as they were sent to
        self.entered = asyncio.Condition()

    async def send(self, outgoing: Outgoing) -> Arrived:
        async with self.entered:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.urgent[outgoing.sender.address] = outgoing.urgent
            self.order.append(outgoing.sender.address)
            self.entered.notify_all()
        await self.gate.wait()
        self.inside -= 1
        return await super().send(outgoing)


async def test_so_many_are_carried_at_once_and_not_more_and_places_are_kept_for_what_is_urgent(stage: Stage) -> None:
    async with stage.open() as life:
        crowded, ordinary = Crowded(life.town), AT_ONCE - AT_ONCE // KEPT
        life.bot.courier.channels = {"signal": crowded}
        people = [f"person {number}" for number in range(AT_ONCE + 30)]
        for address in people:
            await waits(life, said("erased"), address=address)
        async with asyncio.timeout(20), crowded.entered:
            await crowded.entered.wait_for(lambda: crowded.inside == ordinary)
        for number in range(AT_ONCE):
            await waits(life, said("erased"), address=f"in danger {number}", lane=URGENT)
        async with asyncio.timeout(20), crowded.entered:
            await crowded.entered.wait_for(lambda: crowded.inside == AT_ONCE)
        crowded.gate.set()
        await life.settled()
        assert crowded.most == AT_ONCE
        assert all(len(crowded.told(address)) == 1 for address in people)


async def test_a_full_channel_holds_up_no_other_channel_and_no_mail(stage: Stage, server: MailServer) -> None:
    mail = Mail(0, "K7Q2FX", "officer@example.org", "<1@bot.example>", b"Subject: x\r\n\r\nsealed\r\n")
    async with stage.open() as life:
        full, free = Crowded(life.town, "telegram", at_once=2), Crowded(life.town)
        free.gate.set()
        life.bot.courier.channels = {"telegram": full, "signal": free}
        for number in range(AT_ONCE + 20):
            await waits(life, said("erased"), address=f"person {number}", channel="telegram", lane=URGENT)
        await waits(life, said("help"), address="ana")
        await waits(life, mail, address="person 5", channel="telegram")
        await waits(life, Wake(Timer.LATE, life.clock.at, 0), address="person 6", channel="telegram")
        async with asyncio.timeout(20):
            while not free.told("ana") or not server.accepted or await life.rows("wake"):
                await asyncio.to_thread(lambda: None)
        assert (full.inside, full.most) == (2, 2)
        full.gate.set()
        await life.settled()
        assert full.most == 2
        assert await life.rows("say") == 0


async def test_where_a_channel_is_full_people_in_danger_go_first(stage: Stage) -> None:
    async with stage.open() as life:
        crowded = Crowded(life.town, at_once=1)
        life.bot.courier.channels = {"signal": crowded}
        await waits(life, said("help"), address="the first")
        async with asyncio.timeout(20), crowded.entered:
            await crowded.entered.wait_for(lambda: crowded.inside == 1)
        for number in range(5):
            await waits(life, said("help"), address=f"somebody {number}")
        for number in range(3):
            await waits(life, said("late", Weight.EMERGENCY), address=f"in danger {number}", lane=URGENT)
        crowded.gate.set()
        await life.settled()
        assert [address[:9] for address in crowded.order] == ["the first", *["in danger"] * 3, *["somebody "] * 5]
        assert crowded.most == 1


async def test_a_channel_that_takes_nothing_now_lets_timers_come_due(stage: Stage) -> None:
    async with stage.open() as life:
        closed = Crowded(life.town, at_once=0)
        life.bot.courier.channels = {"signal": closed}
        await waits(life, said("help"), Clear(("m1",)), Wake(Timer.LATE, life.clock.at, 0))
        await life.settled()
        assert (closed.order, closed.cleared, await life.rows("wake")) == ([], [], 0)
        closed.at_once = 1
        closed.gate.set()
        life.bot.courier.wake()
        async with asyncio.timeout(20):
            while await life.rows("say") or await life.rows("clear"):
                await asyncio.to_thread(lambda: None)
        assert (closed.order, closed.cleared) == (["ana"], [("ana", "m1")])


async def test_a_mail_server_that_hangs_holds_up_nobodys_words(stage: Stage, authority: Authority) -> None:
    async with mail_server(authority.server(), replies={"DATA": Mood(STALL)}) as hangs:
        stage.post = posted_to(hangs, authority, patience=15)
        async with stage.open() as life:
            for number in range(MAILS_AT_ONCE + 4):
                await life.writes(f"ana {number}", "SOS", settle=False)
                await life.hears(f"ana {number}", "7 ")
                await seen(life, f"ana {number}")
                await life.writes(f"ana {number}", "7", settle=False)
                await life.hears(f"ana {number}", "10 ")
                await seen(life, f"ana {number}")
                await life.writes(f"ana {number}", "10", settle=False)
                await life.hears(f"ana {number}", "Return code ")
            await hangs.offered(MAILS_AT_ONCE)
            assert hangs.sessions == MAILS_AT_ONCE
            hangs.hang_up()
            await hangs.offered(MAILS_AT_ONCE + 4)
            hangs.hang_up()


async def seen(life: Life, address: str) -> None:
    """Wait until it is noted that the waiting question has reached the person."""
    async with asyncio.timeout(20):
        while (talk := await life.talk(address)) is None or talk.seen_at is None:
            await asyncio.to_thread(lambda: None)  # a turn of the loop, so that the courier goes on


def listed(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [str(record.msg.shown["event"]) for record in caplog.records if hasattr(record.msg, "shown")]


def events(caplog: pytest.LogCaptureFixture) -> set[str]:
    return set(listed(caplog))


async def test_a_report_that_fails_loses_no_mail_and_stops_nobody(stage: Stage, server: MailServer) -> None:
    async with stage.open() as life:
        told = life.bot.courier.report

        def poisoned(conn: sa.Connection, who: bytes, sender: Sender, happened: object) -> None:
            if who == life.bot.desk.shelf.who(Sender("signal", "ana")):
                raise ValueError("one person's row")
            told(conn, who, sender, happened)  # type: ignore[arg-type]  # as it was called

        await waits(life, said("erased"))
        life.bot.courier.report = poisoned
        await waits(life, said("help"), Wake(Timer.LATE, life.clock.at, 0))
        await waits(life, said("help"), address="eva")
        await life.settled()
        assert (len(life.town.told("ana")), len(life.town.told("eva"))) == (2, 1)
        assert await life.rows("wake") == 0
        assert server.taken == []
