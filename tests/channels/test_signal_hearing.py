import asyncio
import base64
import hashlib
import logging
import re
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from fakes_signal import SignalServer, signal_server
from fakes_signal_bot import QUICK, WITHIN, Alarms, Taken, bot, events, now, outgoing, stopped
from fakes_signal_faults import (
    BROKEN,
    HANGS_AFTER,
    bad_frames,
)
from fakes_signal_wire import ACCOUNT, data
from fakes_smtp import closed_port

from bot.channels.base import Channel, Ears
from bot.channels.signal import Signal
from bot.channels.signal_frames import read_frame
from bot.channels.signal_hearing import Patience
from bot.conversation.model import Kind, Message

SURE = replace(QUICK, deaf_after=20)  # of who is not deaf, for a busy machine connects late
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # of every websocket's handshake


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


async def test_it_is_a_channel(signal: Signal) -> None:
    channel: Channel = signal
    assert (channel.name, channel.redelivers, channel.repeats_questions) == ("signal", True, False)
    assert (channel.has_buttons, channel.notifies, channel.at_once, channel.pause) == (False, True, 16, 0.0)


async def test_what_people_write_is_taken_in_order(server: SignalServer) -> None:
    people = [server.person() for _ in range(20)]
    async with bot(server) as running:
        for number in range(2000):
            people[number % 20].writes(str(number))
        assert await running.taken.texts(2000) == [str(number) for number in range(2000)]
        assert max(running.taken.batches) <= 100


async def test_a_message_is_confirmed_as_read_only_once_it_is_taken(server: SignalServer) -> None:
    person, taken = server.person(), Taken()
    taken.open.clear()
    async with bot(server, taken=taken):
        at = person.writes("hello")
        await taken.until(lambda: taken.batches == [1])
        assert person.receipts == []
        taken.open.set()
        await person.until(lambda: bool(person.receipts))
        assert [(one.kind, one.of) for one in person.receipts] == [("read", at)]


async def test_nobody_is_told_that_we_read_where_the_mission_does_not_want_it(server: SignalServer) -> None:
    person = server.person()
    async with bot(server, receipts=False) as running:
        person.writes("hello")
        await running.taken.texts(1)
        await server.until(lambda: any(one.path == "/v1/attachments" for one in server.asked))
    assert not any(one.path.startswith("/v1/receipts") for one in server.asked)


async def test_a_receipt_that_fails_disturbs_nothing(server: SignalServer) -> None:
    person = server.person()
    server.fails(BROKEN, on="/v1/receipts", always=True)
    async with bot(server) as running:
        person.writes("one")
        await server.until(lambda: any(one.path.startswith("/v1/receipts") for one in server.asked))
        person.writes("two")
        assert await running.taken.texts(2) == ["one", "two"]


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1011, 1012])
async def test_any_close_is_followed_by_listening_again(
    code: int, server: SignalServer, caplog: pytest.LogCaptureFixture
) -> None:
    person = server.person()
    async with bot(server, patience=SURE) as running:
        person.writes("before")
        await running.taken.texts(1)
        for again in (2, 3, 4):
            await server.hang_up(code)
            await server.listening(again)
        person.writes("after")
        assert await running.taken.texts(2) == ["before", "after"]
        assert running.alarms == []
    assert events(caplog).count("channel_up") == 1


async def test_a_server_that_is_gone_is_an_alarm_once_and_its_return_is_told(
    server: SignalServer, caplog: pytest.LogCaptureFixture
) -> None:
    person = server.person()
    async with bot(server) as running:
        await server.stop()
        await running.alarms.until(lambda: running.alarms == ["deaf"])
        person.writes("kept by Signal")
        await server.start()
        assert await running.taken.texts(1) == ["kept by Signal"]
        assert running.alarms == ["deaf"]
    assert [one for one in events(caplog) if one.startswith("channel")] == ["channel_up", "channel_deaf", "channel_up"]


async def test_a_server_that_was_never_there_is_an_alarm_too(caplog: pytest.LogCaptureFixture) -> None:
    alarms = Alarms()
    signal = Signal(f"127.0.0.1:{closed_port()}", ACCOUNT, now, alarm=alarms, patience=QUICK)
    listening = asyncio.create_task(signal.listen(Taken()))
    await alarms.until(lambda: bool(alarms))
    await stopped(listening)
    assert alarms == ["deaf"] and "channel_deaf" in events(caplog)


async def test_a_line_without_any_sign_of_life_is_given_up() -> None:
    met, ending = asyncio.Semaphore(0), asyncio.Event()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a handshake and then nothing, as behind a broken gateway."""
        asked = (await reader.readuntil(b"\r\n\r\n")).decode()
        if key := re.search("(?i)sec-websocket-key: (\\S+)", asked):
            accept = base64.b64encode(hashlib.sha1(key[1].encode() + MAGIC, usedforsecurity=False).digest())
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
            writer.write(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            met.release()
        await ending.wait()
        writer.close()

    gateway = await asyncio.start_server(meet, "127.0.0.1", 0)
    signal = Signal(f"127.0.0.1:{gateway.sockets[0].getsockname()[1]}", ACCOUNT, now, patience=QUICK)
    listening = asyncio.create_task(signal.listen(Taken()))
    async with asyncio.timeout(WITHIN):
        await met.acquire()
        await met.acquire()  # for the second time: the first was given up
    await stopped(listening)
    ending.set()
    gateway.close()
    await gateway.wait_closed()
    assert met.locked()


async def test_bad_frames_disturb_nobody(server: SignalServer, caplog: pytest.LogCaptureFixture) -> None:
    person, other = server.person(), server.person()
    good = person.frame(server.stamp(), data(server.stamp(), "7"))
    async with bot(server) as running:
        for frame in bad_frames(good).values():
            server.deliver(frame)
            other.writes("on")
        server.deliver(b"\x00" * 3_000_000)
        other.writes("end")
        await running.taken.until(lambda: "end" in [one.text for one in running.taken.messages])
        assert [one.text for one in running.taken.messages if one.sender.address == other.uuid] == [
            *["on"] * len(bad_frames(good)),
            "end",
        ]
    assert server.connections == 1
    assert "update_set_aside" in events(caplog)


async def test_an_upheaval_in_reading_does_not_end_it(server: SignalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    fails = iter([True])

    def read_or_fail(raw: str | bytes, account: str, at: datetime) -> object:
        if next(fails, False):
            raise KeyError("somebody's words")
        return read_frame(raw, account, at)

    monkeypatch.setattr("bot.channels.signal.read_frame", read_or_fail)
    async with bot(server) as running:
        server.person().writes("lost")
        server.person().writes("heard")
        assert await running.taken.texts(1) == ["heard"]


async def test_a_batch_that_fails_is_taken_again_whole_and_before_what_comes_later(
    server: SignalServer, caplog: pytest.LogCaptureFixture
) -> None:
    person = server.person()
    async with bot(server, taken=Taken(fails=3)) as running:
        for number in range(5):
            person.writes(str(number))
        assert await running.taken.texts(5) == list("01234")
    assert events(caplog).count("turn_failed") == 3


async def test_a_flood_is_an_alarm_once_and_loses_nothing(
    server: SignalServer, caplog: pytest.LogCaptureFixture
) -> None:
    person, taken = server.person(), Taken()
    taken.open.clear()
    small = Patience(waiting=50, spared=0, batch=10, ping_every=0.01, silent_for=0.02)
    async with bot(server, taken=taken, patience=small) as running:
        for number in range(3000):
            person.writes(str(number))
        await running.alarms.until(lambda: "full" in running.alarms)
        taken.open.set()
        assert await taken.texts(3000) == [str(number) for number in range(3000)]
        assert running.alarms[0] == "full" and server.connections == 1
    assert "channel_full" in events(caplog)


async def test_beyond_all_room_only_what_would_be_kept_out_is_dropped_and_it_is_counted(
    server: SignalServer, caplog: pytest.LogCaptureFixture
) -> None:
    flooder, person, taken, read = server.person(), server.person(), Taken(), asyncio.Event()
    taken.open.clear()

    def spared(message: Message) -> bool:
        if message.text == "last":
            read.set()
        return message.sender.address == person.uuid or message.text == "SOS"

    async with bot(server, taken=taken, patience=Patience(waiting=50, batch=10), ears=Ears(spares=spared)) as running:
        for number in range(300):
            flooder.writes(str(number))
        await running.alarms.until(lambda: "full" in running.alarms)
        person.writes("hello")
        flooder.writes("SOS")
        person.writes("last")
        async with asyncio.timeout(WITHIN):
            await read.wait()
        taken.open.set()
        await taken.until(lambda: "SOS" in [one.text for one in taken.messages])
    heard = [one.text for one in taken.messages]
    kept = [text for text in heard if text.isdigit()]
    assert kept == sorted(kept, key=int)
    assert [text for text in heard if not text.isdigit()] == ["hello", "last", "SOS"]
    told: list[Any] = [one.msg for one in caplog.records if hasattr(one.msg, "shown")]
    dropped = [one.shown for one in told if one.shown["event"] == "messages_dropped"]
    assert dropped == [{"event": "messages_dropped", "channel": "signal", "rows": 300 - len(kept)}]
    assert 50 <= len(kept) <= 60


async def test_what_can_not_be_judged_in_a_flood_is_kept(server: SignalServer) -> None:
    def broken(_message: Message) -> bool:
        raise OSError("somebody's words")

    person, taken = server.person(), Taken()
    taken.open.clear()
    async with bot(server, taken=taken, patience=Patience(waiting=5, batch=2), ears=Ears(spares=broken)) as running:
        for number in range(50):
            person.writes(str(number))
        await running.alarms.until(lambda: "full" in running.alarms)
        taken.open.set()
        assert await taken.texts(50) == [str(number) for number in range(50)]


async def test_what_comes_after_the_whole_machine_stood_still_is_heard(server: SignalServer) -> None:
    person = server.person()
    patience = Patience(first_retry=0.01, ping_every=0.02, silent_for=0.1)
    async with bot(server, patience=patience) as running:
        for number in range(20):
            threading.Event().wait(0.15)  # the loop stands still, for longer than a line may be silent
            for _ in range(10):
                await asyncio.sleep(0)
            person.writes(str(number))
            await running.taken.texts(number + 1)
        assert server.dropped == 0 and server.connections == 1


async def test_two_floods_are_two_alarms(server: SignalServer) -> None:
    person, taken = server.person(), Taken()
    async with bot(server, taken=taken, patience=Patience(waiting=20, batch=5)) as running:
        for flood in (1, 2):
            taken.open.clear()
            for number in range(200):
                person.writes(str(number))
            await running.alarms.until(lambda flood=flood: len(running.alarms) >= flood)  # type: ignore[misc]  # bound
            taken.open.set()
            await taken.texts(200 * flood)
        assert set(running.alarms) == {"full"}


@pytest.mark.parametrize(
    ("kind", "alarm", "event"),
    [
        ("UntrustedIdentityException", "key_changed", "key_changed"),
        ("ProtocolInvalidMessageException", "unreadable", "unreadable_here"),
    ],
)
async def test_what_nobody_could_decrypt_alarms_the_operator(
    kind: str, alarm: str, event: str, server: SignalServer, caplog: pytest.LogCaptureFixture
) -> None:
    person = server.person()
    async with bot(server, patience=SURE) as running:
        person.fails_to_arrive(kind)
        person.fails_to_arrive(kind)
        person.writes("hello")
        await running.taken.texts(1)
        assert running.alarms == [alarm]
    assert events(caplog).count(event) == 2


async def test_an_alarm_that_fails_stops_nothing(server: SignalServer) -> None:
    def broken(_: str) -> None:
        raise OSError("no mail server")

    taken = Taken()
    signal = Signal(server.address, ACCOUNT, now, alarm=broken, patience=QUICK)
    listening = asyncio.create_task(signal.listen(taken))
    await server.listening()
    server.person().fails_to_arrive()
    server.person().writes("hello")
    assert await taken.texts(1) == ["hello"]
    await stopped(listening)


async def test_received_files_are_deleted_unread_once_the_message_is_taken(server: SignalServer) -> None:
    person = server.person()
    async with bot(server, patience=Patience(sweep_every=3600)) as running:
        await server.until(lambda: any(one.path == "/v1/attachments" for one in server.asked))
        server.fails(BROKEN, on="DELETE /v1/attachments")
        person.sends_file("look")
        await running.taken.until(lambda: bool(running.taken.messages))
        assert running.taken.messages[0].kind is Kind.PHOTO
        await server.until(lambda: not server.attachments)
    assert not any(one.method == "GET" and len(one.parts) > 2 for one in server.asked)


async def test_files_that_somebody_left_are_swept_away_at_the_start_and_now_and_then(server: SignalServer) -> None:
    server.keep("old.jpg", b"from before")
    async with bot(server):
        await server.until(lambda: not server.attachments)
        server.keep("stray.jpg", b"whose frame was lost")
        await server.until(lambda: not server.attachments)


async def test_groups_get_no_answer_and_their_files_are_deleted(server: SignalServer) -> None:
    person = server.person()
    server.keep("group.jpg", b"a group's")
    async with bot(server, patience=Patience(sweep_every=3600)) as running:
        photo = [{"contentType": "image/jpeg", "id": "group.jpg"}]
        person.gives(lambda at: data(at, "7", groupInfo={"groupId": "x"}, attachments=photo))
        person.writes("hello")
        assert await running.taken.texts(1) == ["hello"]
        await server.until(lambda: not server.attachments)


async def test_a_stop_takes_what_was_heard_and_leaves_the_loop_alive(server: SignalServer) -> None:
    person, taken = server.person(), Taken()
    taken.open.clear()
    async with bot(server, taken=taken, patience=Patience(batch=2, waiting=6, spared=0)) as running:
        for number in range(9):  # two are being taken, six wait, and one has no room
            person.writes(str(number))
        await running.alarms.until(lambda: "full" in running.alarms)
        running.listening.cancel()
        taken.open.set()
        await asyncio.gather(running.listening, return_exceptions=True)
        assert [one.text for one in taken.messages] == list("012345678")
        assert running.signal._service._session is None
        await server.deaf()
    assert asyncio.get_running_loop().is_running()


async def test_what_is_said_while_it_stops_is_still_said(server: SignalServer) -> None:
    person = server.person()
    server.fails(HANGS_AFTER)
    async with bot(server, patience=Patience()) as running:
        saying = asyncio.create_task(running.signal.send(outgoing(person)))
        await server.until(lambda: server.hanging == 1)
        await stopped(running.listening)
        server.release()
        await saying
        await running.signal.send(outgoing(person, "late"))
        assert running.signal._service._session is None
    assert [said.text for said in person.heard] == ["Are you safe?", "late"]
