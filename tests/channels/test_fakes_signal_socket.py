"""The tests' Signal server before listeners: frames come in order, are lost when nobody hears, connections break."""

import asyncio
import socket
from contextlib import suppress

import pytest
import websockets
from fakes_signal import signal_server
from fakes_signal_clients import WAIT, listener, next_frame
from fakes_signal_wire import ACCOUNT
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

KEY = "MDEyMzQ1Njc4OTAxMjM0NQ=="  # any
HANDSHAKE = "\r\n".join(
    [
        f"GET /v1/receive/{ACCOUNT} HTTP/1.1",
        "Host: signal",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY}",
        "\r\n",
    ]
)
CODES = (1000, 1001, 1006, 1011)


@pytest.mark.parametrize("code", CODES)
async def test_a_listener_is_closed_on_with_every_code_and_may_come_back(code: int) -> None:
    async with signal_server() as server:
        async with listener(server) as socket:
            await server.hang_up(code)
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(socket.recv(), WAIT)
            assert (closed.value.rcvd.code if closed.value.rcvd else 1006) == code
            assert isinstance(closed.value, ConnectionClosedOK) == (code in {1000, 1001})
        server.person().writes("lost")
        assert (server.frames, server.dropped) == (0, 1)
        async with listener(server) as socket:
            server.person().writes("heard")
            assert (await next_frame(socket))["envelope"]["dataMessage"]["message"] == "heard"
        await server.deaf()
        assert server.connections == 2


async def test_a_wrong_number_is_accepted_and_hears_nothing() -> None:
    async with signal_server() as server:
        async with websockets.connect(f"ws://{server.address}/v1/receive/+491700000000"), listener(server) as ours:
            server.person().writes("hi")
            assert (await next_frame(ours))["account"] == ACCOUNT
        assert (server.connections, server.frames) == (1, 1)


async def test_a_client_that_talks_too_long_on_its_socket_is_closed_on() -> None:
    async with signal_server() as server, listener(server) as socket:
        await socket.send("x" * 600)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), WAIT)


@pytest.mark.parametrize("turns", range(8))
async def test_whoever_is_let_in_as_the_server_goes_down_is_broken_off_too(turns: int) -> None:
    async with signal_server() as server:
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            line.sendall(HANDSHAKE.encode())
            line.setblocking(False)
            for _ in range(turns):
                await asyncio.sleep(0)
            await server.stop()
            async with asyncio.timeout(WAIT):
                with suppress(ConnectionError):
                    while await asyncio.get_running_loop().sock_recv(line, 1024):
                        pass  # to its end


@pytest.mark.parametrize("keeps", [True, False])
async def test_what_comes_while_the_server_is_down_comes_later_or_not(keeps: bool) -> None:
    async with signal_server(keeps=keeps) as server:
        port = server.port
        async with listener(server) as socket:
            await server.stop()
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), WAIT)
        person = server.person()
        person.writes("meanwhile")
        with pytest.raises(OSError, match="onnect"):
            await websockets.connect(f"ws://{server.address}/v1/receive/{ACCOUNT}")
        await server.start()
        assert server.port == port
        async with listener(server) as socket:
            person.writes("again")
            texts = [(await next_frame(socket))["envelope"]["dataMessage"]["message"] for _ in range(1 + keeps)]
        assert texts == ["meanwhile", "again"][not keeps :]
        assert server.dropped == (not keeps)


async def test_a_listener_that_does_not_read_loses_frames_where_the_server_is_impatient() -> None:
    async with signal_server(impatient=True) as server, listener(server) as socket:
        person = server.person()
        for _ in range(400):
            person.writes("x" * 60_000)
        assert server.dropped > 0
        assert server.frames + server.dropped == 400
        socket.transport.abort()  # else it waits for an answer to its goodbye


async def test_long_bursts_come_whole_in_their_order_and_twice_where_asked() -> None:
    async with signal_server() as server, listener(server) as socket:
        person = server.person()
        late = server.stamp()
        sizes = (0, 125, 126, 70_000)
        times = [person.writes("ñ" * size) for size in sizes]
        person.writes("late", at=late, times=2)
        taken = [(await next_frame(socket))["envelope"] for _ in range(6)]
        assert [one["timestamp"] for one in taken] == [*times, late, late]
        assert [len(one["dataMessage"]["message"]) for one in taken[:4]] == list(sizes)
        assert sorted(set(times)) == times


async def test_times_go_up_even_where_the_clock_stands_still() -> None:
    async with signal_server(now=lambda: 1_000) as server:
        person = server.person()
        assert [person.writes("a"), person.writes("b"), server.stamp()] == [1000, 1001, 1002]


async def test_a_restart_breaks_every_connection_and_keeps_the_address() -> None:
    async with signal_server() as server, listener(server) as socket:
        before = server.address
        await server.restart()
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), WAIT)
        async with listener(server) as again:
            server.person().writes("hi")
            assert (await next_frame(again))["account"] == ACCOUNT
        assert server.address == before
