import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest
from fakes_signal import SignalServer, signal_server
from fakes_signal_bot import QUICK, Taken, bot, events, now, outgoing
from fakes_signal_faults import (
    ANOTHER_ANSWER,
    BAD_GATEWAY,
    BROKEN,
    FAILED,
    GARBAGE,
    HANGS_AFTER,
    RESET_AFTER,
    RESET_BEFORE,
    UNTRUSTED_KEYS,
    Fault,
    bad_frames,
    partly,
    rate_limited,
)
from fakes_signal_wire import ACCOUNT, data, encoded
from fakes_smtp import closed_port

from bot.channels.signal import Signal
from bot.channels.signal_frames import moment
from bot.channels.signal_texts import MOST, parts
from bot.conversation.model import Kind, Sender
from bot.errors import DeliveryError, Undeliverable, Unreachable, UnsureDelivery


@pytest.fixture
async def server() -> AsyncIterator[SignalServer]:
    async with signal_server() as server:
        yield server


@pytest.fixture
def signal(server: SignalServer) -> Signal:
    """A channel that only speaks."""
    return Signal(server.address, ACCOUNT, now, patience=QUICK)


@pytest.fixture(autouse=True)
def all_events(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


async def test_words_arrive_as_they_are_and_give_time_and_id(server: SignalServer, signal: Signal) -> None:
    person = server.person()
    arrived = await signal.send(outgoing(person, "*not bold*\n1) yes"))
    (said,) = person.heard
    assert (said.text, said.styled, said.expires_in) == ("*not bold*\n1) yes", False, 0)
    assert arrived.ids == (str(said.at),) and arrived.at == moment(said.at)


async def test_before_the_first_question_the_timer_is_set_and_only_then(server: SignalServer, signal: Signal) -> None:
    person = server.person()
    await signal.send(outgoing(person, "Welcome"))
    await signal.send(outgoing(person, serial=1))
    await signal.send(outgoing(person, serial=2))
    assert [(one.seconds, one.after) for one in person.timers] == [(86400, 1)]


async def test_a_timer_that_fails_delays_the_first_question_once(server: SignalServer, signal: Signal) -> None:
    person = server.person()
    server.fails(FAILED, FAILED, on="/v1/contacts")
    with pytest.raises(DeliveryError) as caught:
        await signal.send(outgoing(person, serial=1))
    assert type(caught.value) is DeliveryError and server.sends == 0
    await signal.send(outgoing(person, serial=1))
    assert [said.text for said in person.heard] == ["Are you safe?"]


async def test_a_timer_that_hangs_leaves_no_doubt_that_nothing_was_said(server: SignalServer, signal: Signal) -> None:
    server.fails(HANGS_AFTER, on="/v1/contacts")
    with pytest.raises(DeliveryError) as caught:
        await signal.send(outgoing(server.person(), serial=1))
    assert not isinstance(caught.value, UnsureDelivery) and server.sends == 0


async def test_who_is_in_danger_does_not_wait_for_a_timer(server: SignalServer, signal: Signal) -> None:
    person = server.person()
    server.fails(FAILED, on="/v1/contacts")
    await signal.send(outgoing(person, serial=1, urgent=True))
    assert len(person.heard) == 1


async def test_a_shorter_timer_of_the_persons_own_is_left_alone(server: SignalServer) -> None:
    person, other = server.person(), server.person()
    async with bot(server) as running:
        person.set_timer(300)
        person.writes("hello")
        other.set_timer(604_800)
        other.writes("hello")
        await running.taken.texts(2)
        await running.signal.send(outgoing(person, serial=1))
        await running.signal.send(outgoing(other, serial=1))
    assert (person.timer, other.timer) == (300, 86400)


async def test_a_phone_whose_clock_is_behind_dates_our_words_by_its_own_clock(server: SignalServer) -> None:
    person = server.person()
    async with bot(server) as running:
        for way in (90_000, 1_000_000):  # the second one was written where there was no network
            at = server.stamp()
            person.gives(lambda sent, at=at: data(sent, "hello") | {"serverReceivedTimestamp": at}, at=at - way)  # type: ignore[misc]  # bound
        await running.taken.texts(2)
        arrived = await running.signal.send(outgoing(person))
    assert moment(person.heard[0].at) - arrived.at == timedelta(seconds=90)


FAILURES: dict[str, tuple[Fault, type[DeliveryError], float | None]] = {
    "nobody reached": (FAILED, DeliveryError, None),
    "untrusted keys": (UNTRUSTED_KEYS, DeliveryError, 900),
    "account gone": (partly(), Unreachable, None),
    "not now": (partly("NETWORK_FAILURE"), DeliveryError, None),
    "another key": (partly("IDENTITY_FAILURE"), DeliveryError, 900),
    "a bad key": (partly("INVALID_PRE_KEY_FAILURE"), DeliveryError, 900),
    "too many, for one": (partly("RATE_LIMIT_FAILURE"), UnsureDelivery, 120),
    "nobody knows why": (partly("SOMETHING_NEW"), DeliveryError, None),
    "too many": (rate_limited(""), UnsureDelivery, 120),
    "too many, captcha": (rate_limited("token-1"), UnsureDelivery, 120),
    "refused in new words": (Fault(400, {"error": "who is +5215512345678?"}), DeliveryError, None),
    "a fault there": (BROKEN, UnsureDelivery, None),
    "a gateway": (BAD_GATEWAY, UnsureDelivery, None),
    "not ready": (Fault(503, b""), DeliveryError, None),
    "sent elsewhere": (Fault(302, b""), DeliveryError, None),
    "half an answer": (GARBAGE, UnsureDelivery, None),
    "another answer": (ANOTHER_ANSWER, UnsureDelivery, None),
    "no id": (Fault(201, [{"timestamp": "soon"}], done=True), UnsureDelivery, None),
    "nothing": (Fault(201, [], done=True), UnsureDelivery, None),
    "broken before": (RESET_BEFORE, UnsureDelivery, None),
    "broken after": (RESET_AFTER, UnsureDelivery, None),
    "no answer": (HANGS_AFTER, UnsureDelivery, None),
}


@pytest.mark.parametrize("what", FAILURES)
async def test_a_failure_tells_what_can_be_done(what: str, server: SignalServer, signal: Signal) -> None:
    fault, kind, seconds = FAILURES[what]
    person = server.person()
    server.fails(fault)
    with pytest.raises(DeliveryError) as caught:
        await signal.send(outgoing(person, "my own words"))
    told = repr(caught.value) + str(caught.value.__cause__)
    assert type(caught.value) is kind and caught.value.retry_after == seconds
    assert person.uuid not in told and "my own words" not in told and "5512345678" not in told


async def test_who_cannot_be_reached_because_the_server_is_down_is_tried_again() -> None:
    signal = Signal(f"127.0.0.1:{closed_port()}", ACCOUNT, now, patience=QUICK)
    with pytest.raises(DeliveryError) as caught:
        await signal._service.ask("GET", "/v1/about")
    assert not isinstance(caught.value, UnsureDelivery | Undeliverable)


@pytest.mark.parametrize(
    ("fault", "kind", "event"),
    [(UNTRUSTED_KEYS, "key_changed", "key_changed"), (rate_limited("old", "new"), "captcha", "captcha_wanted")],
)
async def test_what_only_an_operator_can_mend_alarms_them(
    fault: Fault, kind: str, event: str, server: SignalServer, caplog: pytest.LogCaptureFixture
) -> None:
    alarms: list[str] = []
    signal = Signal(server.address, ACCOUNT, now, alarm=alarms.append, patience=QUICK)
    server.fails(fault, always=True)
    for _ in range(2):
        with pytest.raises(DeliveryError):
            await signal.send(outgoing(server.person()))
    assert alarms == [kind] and events(caplog).count(event) == 2
    assert signal.challenge_token == ("new" if kind == "captcha" else "")
    assert "new" not in caplog.text.split()


@pytest.mark.parametrize(("before", "whole"), [(0, False), (1, True)])
async def test_of_a_text_that_may_have_come_it_is_known_whether_its_end_was_tried(
    before: int, whole: bool, server: SignalServer, signal: Signal
) -> None:
    plan = iter([None] * before + [FAILED])
    original = signal._service.ask_raw

    async def one_is_limited(verb: str, url: str, content: str | None = None) -> object:
        if next(plan, None) is FAILED:
            server.fails(rate_limited("", done=True))
        return await original(verb, url, content)

    signal._service.ask_raw = one_is_limited  # type: ignore[method-assign,assignment]  # in its place
    with pytest.raises(UnsureDelivery) as caught:
        await signal.send(outgoing(server.person(), "я" * 1500))  # two parts
    assert caught.value.whole is whole


async def test_a_long_text_goes_in_parts_and_a_part_that_went_is_not_said_again(
    server: SignalServer, signal: Signal
) -> None:
    person = server.person()
    text = "\n\n".join(f"{number} " + "я" * 400 for number in range(5))
    plan = iter([None, FAILED])
    original = signal._service.ask_raw

    async def second_fails(verb: str, url: str, content: str | None = None) -> object:
        if next(plan, None) is FAILED:
            server.fails(FAILED)
        return await original(verb, url, content)

    signal._service.ask_raw = second_fails  # type: ignore[method-assign,assignment]  # in its place
    with pytest.raises(DeliveryError):
        await signal.send(outgoing(person, text))
    arrived = await signal.send(outgoing(person, text))
    assert "\n\n".join(said.text for said in person.heard) == text
    assert arrived.ids == tuple(str(said.at) for said in person.heard) and len(arrived.ids) == 3


@pytest.mark.parametrize(
    "text",
    ["", "short", "a" * 5000, "က" * 3000, "wörter " * 900, "x\n" * 3000, "é" * 2000, "e\u0301" * 2000, "👩‍👩‍👧" * 400],
)
def test_parts_are_short_and_lose_nothing(text: str) -> None:
    cut = parts(text)
    assert all(len(part.encode()) <= MOST for part in cut)
    assert "".join("".join(cut).split()) == "".join(text.split())
    assert not any(part.startswith(("\u0301", "\u200d")) for part in cut)


def test_the_question_stays_whole_at_the_end() -> None:
    question = "Are you safe?\n\n1) yes\n2) no"
    assert parts("long " * 500 + "\n\n" + question)[-1].endswith(question)


async def test_our_own_messages_are_deleted_with_the_person_too(server: SignalServer, signal: Signal) -> None:
    person = server.person()
    arrived = [await signal.send(outgoing(person, str(number))) for number in range(3)]
    ids = tuple(one for each in arrived for one in each.ids)
    server.fails(FAILED, on="/v1/remote-delete")
    await signal.clear(Sender("signal", person.uuid), ("no id", *ids))
    assert person.messages == ["0"]  # the first one could not be deleted any more
    assert next(one.body for one in server.asked if "remote-delete" in one.path) == {
        "recipient": person.uuid,
        "timestamp": int(ids[0]),
    }


@pytest.mark.parametrize(("fault", "kind"), [(rate_limited(""), UnsureDelivery), (RESET_BEFORE, UnsureDelivery)])
async def test_a_server_that_deletes_nothing_now_is_asked_again(
    fault: Fault, kind: type[DeliveryError], server: SignalServer, signal: Signal
) -> None:
    server.fails(fault, on="/v1/remote-delete", always=True)
    with pytest.raises(kind):
        await signal.clear(Sender("signal", server.person().uuid), ("5",))


# ── and nothing is told ─────────────────────────────────────────────────────────────────────────────────────

CANARY = "Wkq8zrVtNmXpLbYs"


async def test_nothing_that_anybody_wrote_or_is_reaches_an_output(
    server: SignalServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("signalbot").setLevel(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    person = server.person(number="+5215512345678", name=CANARY)
    good = person.frame(server.stamp(), data(server.stamp(), CANARY))
    async with bot(server, taken=Taken(fails=1)) as running:
        person.writes(CANARY)
        for frame in (*bad_frames(good).values(), encoded({"error": CANARY}), CANARY.encode()):
            server.deliver(frame)
        person.fails_to_arrive()
        person.sends_file(CANARY)
        await running.taken.until(lambda: any(one.kind is Kind.PHOTO for one in running.taken.messages))
        server.fails(*(fault for fault, *_ in FAILURES.values() if not fault.hangs), partly(CANARY))
        for _ in range(len(FAILURES) + 1):
            with suppress(DeliveryError):
                await running.signal.send(outgoing(person, CANARY))
        await server.hang_up(1011)
        await server.listening(2)
    shown = capfd.readouterr()
    records = [record for record in caplog.records if record.name != "aiohttp.access"]  # which the tests' server writes
    told = shown.out + shown.err + "".join(f"{record.getMessage()} {record.__dict__}" for record in records)
    for secret in (CANARY, person.uuid, "5215512345678", ACCOUNT.strip("+")):
        assert secret not in told
    assert CANARY not in repr(running.signal.__dict__)
