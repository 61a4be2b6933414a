"""Plain clients of the tests' Signal server: one that listens, one that asks, neither of them the bot's."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import websockets
from fakes_signal import SignalServer
from fakes_signal_wire import ACCOUNT

WAIT = 20


@asynccontextmanager
async def listener(server: SignalServer) -> AsyncIterator[websockets.ClientConnection]:
    """A websocket that the server knows of, so that nothing said from now on is lost."""
    before = server.connections
    async with websockets.connect(f"ws://{server.address}/v1/receive/{ACCOUNT}") as socket:
        await server.listening(before + 1)
        yield socket


async def next_frame(socket: websockets.ClientConnection) -> Any:  # noqa: ANN401 - JSON
    return json.loads(await asyncio.wait_for(socket.recv(), WAIT))


async def ask(server: SignalServer, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Ask as a client does that names no type of content; (status, what was answered)."""
    raw = None if body is None else json.dumps(body).encode()
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(WAIT)) as session,
        session.request(method, f"http://{server.address}{path}", data=raw) as response,
    ):
        read = await response.read()
        return response.status, json.loads(read) if response.content_type == "application/json" else read
