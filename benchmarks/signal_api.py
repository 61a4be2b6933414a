"""A Signal server that does next to nothing, in a process of its own: people write, and write again when answered.

Like the real one it drops a frame for which there is no room at the socket. What it costs is the same for every bot
that is measured against it.
"""

import argparse
import asyncio
import json
import re
import sys
from dataclasses import dataclass, field
from time import perf_counter, time
from uuid import UUID

from aiohttp import web

NUMBER = "+15550000000"
READY = "ready"
ROOM = 64 * 1024  # bytes that may wait at the socket
TICK = 0.01  # seconds between two handfuls of a flood
ABOUT = {"versions": ["v1", "v2"], "build": 2, "mode": "json-rpc", "version": "0.101.0", "capabilities": {}}
_CHOICE = re.compile(r"^\d+ ", re.MULTILINE)


@dataclass(slots=True)
class Person:
    """One person: how far through the script, and when they wrote last."""

    uuid: str
    said: int = 0
    wrote: float = 0.0


@dataclass(slots=True)
class Town:
    """Everybody who writes, and what they wait for. `questions`: only a question lets people go on."""

    script: list[str]
    questions: bool
    people: dict[str, Person] = field(default_factory=dict)
    socket: web.WebSocketResponse | None = None
    took: list[float] = field(default_factory=list)
    dropped: int = 0
    last: int = 0  # timestamp, in milliseconds
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, person: Person, text: str) -> None:
        """Let a person write; the frame is lost where there is no room for it."""
        self.last = max(int(time() * 1000), self.last + 1)
        told = {"timestamp": self.last, "message": text, "expiresInSeconds": 0, "viewOnce": False}
        envelope = {"source": person.uuid, "sourceNumber": None, "sourceUuid": person.uuid, "sourceName": ""}
        dated = {"sourceDevice": 1, "timestamp": self.last, "serverReceivedTimestamp": self.last}
        late = {"serverDeliveredTimestamp": self.last, "dataMessage": told}
        frame = json.dumps({"envelope": {**envelope, **dated, **late}, "account": NUMBER})
        person.wrote = perf_counter()
        socket = self.socket
        if socket is None or socket.closed or _waiting(socket) > ROOM:
            self.dropped += 1
            return
        await socket.send_str(frame)

    async def sent(self, request: web.Request) -> web.Response:
        """Take what the bot says."""
        told = json.loads(await request.read())
        self.last = max(int(time() * 1000), self.last + 1)
        person = self.people[told["recipients"][0]]
        asked = not self.questions or _CHOICE.search(told["message"]) or person.said == len(self.script) - 1
        if person.wrote and asked:
            await self._go_on(person)
        return web.json_response([{"timestamp": str(self.last)}], status=201)

    async def _go_on(self, person: Person) -> None:
        self.took.append(perf_counter() - person.wrote)
        person.wrote = 0.0
        person.said += 1
        if person.said < len(self.script):
            await self.write(person, self.script[person.said])
        elif all(one.said >= len(self.script) for one in self.people.values()):
            self.done.set()

    async def listened(self, request: web.Request) -> web.WebSocketResponse:
        """Let the bot listen."""
        self.socket = web.WebSocketResponse(max_msg_size=0)
        await self.socket.prepare(request)
        self.connected.set()
        async for _ in self.socket:
            pass
        return self.socket


def _waiting(socket: web.WebSocketResponse) -> int:
    transport = socket._req.transport if socket._req else None  # noqa: SLF001 - only the transport knows its buffer
    return transport.get_write_buffer_size() if transport else 0


async def _served(town: Town) -> int:
    """Listen on a free port, and return it."""

    async def empty(_: web.Request) -> web.Response:
        return web.Response(status=204)

    async def listed(_: web.Request) -> web.Response:
        return web.json_response([])

    async def about(_: web.Request) -> web.Response:
        return web.json_response(ABOUT)

    site = web.Application()
    site.router.add_get("/v1/about", about)
    site.router.add_get("/v1/receive/{number}", town.listened)
    site.router.add_get("/v1/groups/{number}", listed)
    site.router.add_get("/v1/attachments", listed)
    site.router.add_post("/v2/send", town.sent)
    site.router.add_route("*", "/{rest:.*}", empty)
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return int(runner.addresses[0][1])


async def _talks(town: Town, people: int) -> dict[str, float]:
    begun = perf_counter()
    for number in range(people):
        person = _person(town, number)
        await town.write(person, town.script[0])
    await town.done.wait()
    spent, took = perf_counter() - begun, sorted(town.took)
    return {"rate": len(took) / spent, "p50": took[len(took) // 2], "p99": took[int(len(took) * 0.99)]}


async def _flood(town: Town, rate: int, seconds: int) -> dict[str, float]:
    """Let somebody new write so often; who is answered is not waited for."""
    begun, written = perf_counter(), 0
    while written < rate * seconds:
        due = min(int((perf_counter() - begun) * rate), rate * seconds)
        for number in range(written, due):
            await town.write(_person(town, number), town.script[0])
        written = due
        await asyncio.sleep(TICK)
    return {"frames": written, "dropped": town.dropped, "seconds": perf_counter() - begun}


def _person(town: Town, number: int) -> Person:
    person = Person(str(UUID(int=number + 1, version=4)))
    return town.people.setdefault(person.uuid, person)


async def _run(told: argparse.Namespace) -> None:
    town = Town(json.loads(sys.stdin.readline()), told.questions)
    _say(f"{READY} {await _served(town)}")
    await town.connected.wait()
    result = await (_flood(town, told.flood, told.seconds) if told.flood else _talks(town, told.people))
    _say(json.dumps(result))
    await asyncio.to_thread(sys.stdin.readline)  # until the last frame was taken


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve; print what was measured as one line of JSON, and end with the input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--questions", action="store_true", help="people go on when they are asked something")
    parser.add_argument("--flood", type=int, default=0, metavar="N", help="frames a second, in place of talks")
    parser.add_argument("--seconds", type=int, default=10, help="of a flood")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
