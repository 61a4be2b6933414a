"""A Signal server on loopback for the whole suite: the REST API that runs signal-cli, told beforehand how to misbehave.

async with signal_server() as server:
    person = server.person()
    ...  # a bot at server.address
    await server.listening()
    person.writes("hello")
    await person.hears("language")

What is sent while nobody listens is lost, as with the real one; only while the server is stopped is it kept.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

from aiohttp import web
from fakes_lines import closed
from fakes_signal_faults import Fault, Plan
from fakes_signal_people import Person
from fakes_signal_rest import Rest
from fakes_signal_wire import ACCOUNT, Answer, Asked, Body, encoded, wire

HOST = "127.0.0.1"
LONGEST_FROM_CLIENT = 512  # a client says nothing but pongs
PING_EVERY = 54.0
RECEIVE = "/v1/receive/"


@dataclass(eq=False)
class SignalServer:
    """A server and everybody that can be reached through it.

    `keeps`: what is sent while it is stopped comes later, as from Signal itself. `impatient`: a frame is lost when the
    listener hasn't yet read what came before, as with the real one.
    """

    account: str = ACCOUNT
    now: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    keeps: bool = True
    impatient: bool = False
    about: Body = field(default_factory=dict)  # what it says of itself, where that is not the usual
    people: dict[str, Person] = field(default_factory=dict)
    groups: list[Body] = field(default_factory=list)
    attachments: dict[str, bytes] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)  # every request, answered well or not
    sends: int = 0  # messages that came to be sent, whatever became of them
    frames: int = 0  # that went out to a listener
    dropped: int = 0  # that nobody heard
    hanging: int = 0  # requests, right now
    connections: int = 0  # of listeners so far
    port: int = 0
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _last: int = 0
    _sockets: dict[web.WebSocketResponse, asyncio.Transport] = field(default_factory=dict)
    _challenges: set[str] = field(default_factory=set)
    _kept: list[bytes] = field(default_factory=list)
    _plans: list[Plan] = field(default_factory=list)
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.ServerRunner | None = None
    _listening: asyncio.Server | None = None

    def __post_init__(self) -> None:
        self.rest = Rest(self)

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    # The people

    def person(self, uuid: str = "", *, number: str | None = None, name: str = "") -> Person:
        """Somebody new, or whoever has this uuid."""
        uuid = uuid or str(UUID(int=len(self.people) + 1, version=4))
        return self.people.setdefault(uuid, Person(self, uuid, number, name))

    def stamp(self) -> int:
        """A time in ms that stands for one message only."""
        self._last = max(self.now(), self._last + 1)
        return self._last

    def keep(self, name: str, content: bytes) -> None:
        """Put a received file into the server's folder."""
        self.attachments[name] = content

    def deliver(self, frame: bytes | str | Mapping[str, object]) -> None:
        """Say a frame, good or bad, to everybody who listens now."""
        match frame:
            case str():
                frame = frame.encode("utf-8", "surrogatepass")
            case Mapping():
                frame = encoded(frame)
        if self._runner is None and self.keeps:
            self._kept.append(wire(frame))
        else:
            self._write(wire(frame))

    def _write(self, framed: bytes) -> None:
        open_ones = [one for one in self._sockets.values() if not one.is_closing()]
        if self.impatient:
            open_ones = [one for one in open_ones if not one.get_write_buffer_size()]
        for transport in open_ones:
            transport.write(framed)  # at once, and in the order in which they are delivered
        self.frames += bool(open_ones)
        self.dropped += not open_ones

    # Misbehaviour

    def fails(self, *faults: Fault, on: str = "/v2/send", to: str | None = None, always: bool = False) -> None:
        """Answer the next requests on a path (or "DELETE /v1/attachments") with these, or all with the first."""
        self._plans.append(Plan(on, to, deque(faults), always))

    def heals(self) -> None:
        """Misbehave no more."""
        self._plans.clear()

    def lift(self, token: str) -> bool:
        """Limit no more what this token stands for; tell whether there was anything."""
        before = len(self._plans)
        self._plans = [plan for plan in self._plans if not any(token in fault.tokens for fault in plan.faults)]
        known = len(self._plans) < before or token in self._challenges
        self._challenges.discard(token)
        return known

    def release(self) -> None:
        """Let every request go on that hangs."""
        self._released.set()
        self._released = asyncio.Event()

    async def hang_up(self, code: int = 1000) -> None:
        """Close on every listener; 1006: without a word."""
        sockets, self._sockets = self._sockets, {}
        for transport in sockets.values():
            if code == 1006:
                transport.abort()
        if code != 1006:
            await asyncio.gather(*(one.close(code=code) for one in sockets))

    async def stop(self) -> None:
        """Go down as a killed container does: every connection breaks, and what hangs is never answered."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        assert self._listening is not None and runner.server is not None
        await closed(self._listening)
        for connection in runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        self._sockets.clear()
        self.release()
        await runner.cleanup()

    async def start(self) -> None:
        """Come up: on any port first, then always on the same."""
        runner = web.ServerRunner(web.Server(self._meet), shutdown_timeout=1)
        await runner.setup()
        assert runner.server is not None
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(runner.server, HOST, self.port, reuse_address=True)
        self.port = self._listening.sockets[0].getsockname()[1]
        self._runner = runner

    async def restart(self) -> None:
        """Go down and come up again."""
        await self.stop()
        await self.start()

    # Waiting

    async def until(self, true: Callable[[], bool], *, within: float = 30) -> None:
        """Wait until something holds of this server."""
        async with asyncio.timeout(within), self.news:
            await self.news.wait_for(true)

    async def listening(self, connections: int = 1, *, within: float = 30) -> None:
        """Wait until somebody listens, for the so-manieth time."""
        await self.until(lambda: bool(self._sockets) and self.connections >= connections, within=within)

    async def deaf(self, *, within: float = 30) -> None:
        """Wait until nobody listens."""
        await self.until(lambda: not self._sockets, within=within)

    async def _tell(self, *conditions: asyncio.Condition) -> None:
        for condition in (*conditions, self.news):
            async with condition:
                condition.notify_all()

    # What is asked

    async def _meet(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith(RECEIVE):
            return await self._listen(request, request.path.removeprefix(RECEIVE))
        asked = Asked.of(request.method, request.path, await request.read(), request.query)
        self.asked.append(asked)
        self.sends += asked.path == "/v2/send"
        fault = next((fault for plan in self._plans if (fault := plan.fault(asked))), None)
        self._plans = [plan for plan in self._plans if plan.faults]
        answer = self.rest.answer(asked) if fault is None else await self._fail(asked, fault)
        await self._tell(*(one.news for one in map(self.people.get, asked.recipients) if one))
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return _response(*answer)

    async def _fail(self, asked: Asked, fault: Fault) -> Answer | None:
        right = self.rest.answer(asked) if fault.done else None
        self._challenges.update(fault.tokens)
        if fault.hangs:
            self.hanging += 1
            await self._tell(*(one.news for one in map(self.people.get, asked.recipients) if one))
            await self._released.wait()
            self.hanging -= 1
            if self._runner is None:
                return None
            return right or self.rest.answer(asked)
        if fault.reason:
            missed = [{"uuid": one, "reason": fault.reason} for one in asked.recipients]
            return 201, [{"timestamp": str(self.stamp()), "errors": {"recipients": missed}}]
        return (fault.status, fault.body) if fault.status else None

    async def _listen(self, request: web.BaseRequest, number: str) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(
            heartbeat=PING_EVERY, compress=False, max_msg_size=LONGEST_FROM_CLIENT, timeout=5
        )
        await socket.prepare(request)
        assert request.transport is not None
        if number == self.account:  # any other number is accepted, and hears nothing ever
            self._sockets[socket] = request.transport
            self.connections += 1
            kept, self._kept = self._kept, []
            for framed in kept:
                self._write(framed)
            await self._tell()
        with suppress(ConnectionError):  # it was killed just when it was answered
            async for _ in socket:
                pass
        self._sockets.pop(socket, None)
        await self._tell()
        return socket


def _response(status: int, body: object) -> web.Response:
    if body is None:
        return web.Response(status=status)
    if isinstance(body, bytes):
        return web.Response(status=status, body=body)
    told = body.encode() if isinstance(body, str) else encoded(body)
    return web.Response(status=status, body=told, content_type="application/json")


@asynccontextmanager
async def signal_server(
    *, now: Callable[[], int] | None = None, keeps: bool = True, impatient: bool = False
) -> AsyncIterator[SignalServer]:
    """Run a server; a bot finds it at its `address`."""
    server = SignalServer(keeps=keeps, impatient=impatient)
    if now is not None:
        server.now = now
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
