"""A town in which thousands write as fast as they are heard, and some of them SOS; with the mission's mail server.

A process of its own, so that what it costs is nobody's: a Signal server or a Bot API server, SMTP with TLS, and the
people. It tells, as one line of JSON, how long those who wrote SOS waited: for an answer, and for their alert to leave.
"""

import argparse
import asyncio
import json
import re
import ssl
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from time import perf_counter, time
from uuid import UUID

import trustme
from aiohttp import web

from benchmarks.bot_api import Person as Chatter
from benchmarks.bot_api import Town as BotApi
from benchmarks.bot_api import _serve as serve_bot_api
from benchmarks.signal_api import ROOM, _served, _waiting
from benchmarks.signal_api import Person as Writer
from benchmarks.signal_api import Town as SignalServer
from bot.mail.openpgp import open_mail, throwaway_officer

WORDS = ("hello", "1", "2", "what is this?", "/start", "3", "two cars wait in front of our office every night", "no")
SCRIPT = ("SOS", "Yes, I am in danger", "They may act")
CASE = re.compile(r"(?:Case|caso|Caso) ([0-9A-Z]{6})\b")
NOT_SEEN = "before my question could reach you"
READING = 3.0  # seconds: dates on Telegram are whole ones
PATIENCE = 60.0  # seconds after the last SOS: what has not come by then is lost
TICK = 0.005  # seconds
HANDFUL = 50  # messages of a flood between two looks at anything else


@dataclass(slots=True)
class Cry:
    """One person who writes SOS: when each message went, when it was answered, and when the alert was taken."""

    wrote: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    reference: str = ""
    said: int = 0
    reading: asyncio.Task[None] | None = None


@dataclass(slots=True)
class Town:
    """Everybody. `write`: lets one person write a text, once the server has room for it."""

    write: Callable[[str, str], Awaitable[None]]
    cries: dict[str, Cry] = field(default_factory=dict)
    flooded: int = 0
    begun: asyncio.Event = field(default_factory=asyncio.Event)  # the bot listens
    mails: list[tuple[float, bytes]] = field(default_factory=list)
    left: dict[str, float] = field(default_factory=dict)  # when the alert of a case was taken, by its reference
    opened: int = 0  # mails of which this is known

    def heard(self, who: str, text: str) -> None:
        """Let a person who cries go on when they are answered, as soon as they have read it."""
        cry = self.cries.get(who)
        if cry is None:
            return
        found = CASE.search(text)
        cry.reference = found[1] if found else cry.reference
        cry.answered.append(perf_counter())
        cry.said -= NOT_SEEN in text
        if cry.said < len(SCRIPT) and not cry.reading:
            cry.reading = asyncio.create_task(self._reads(who, cry))

    async def _reads(self, who: str, cry: Cry) -> None:
        await asyncio.sleep(READING)
        cry.reading = None
        await self.says(who, SCRIPT[cry.said])

    async def says(self, who: str, text: str) -> None:
        """Let a person who cries write."""
        self.cries[who].wrote.append(perf_counter())
        self.cries[who].said += 1
        await self.write(who, text)

    async def flood(self, people: list[str], rate: float, until: asyncio.Event) -> None:
        """Let people write, one after another and again from the first, so many a second where there is room."""
        words, them, begun = cycle(WORDS), cycle(people), perf_counter()
        while not until.is_set():
            for _ in range(min(int((perf_counter() - begun) * rate) - self.flooded, HANDFUL)):
                await self.write(next(them), next(words))
                self.flooded += 1
            await asyncio.sleep(TICK)


def all_arrived(town: Town, secret: bytes) -> bool:
    """Whether the alert of everybody who cried has left, and they know the number of their case."""
    for at, mail in town.mails[town.opened :]:
        found = CASE.search(open_mail(mail, secret)[0])
        if found:
            town.left.setdefault(found[1], at)
    town.opened = len(town.mails)
    return all(cry.reference in town.left for cry in town.cries.values())


def result(town: Town, seconds: float) -> dict[str, object]:
    """Return what was measured."""
    cries = town.cries.values()
    return {
        "flooded": town.flooded,
        "seconds": seconds,
        "cries": len(cries),
        "answers": [cry.answered[0] - cry.wrote[0] for cry in cries if cry.answered],
        "alerts": [town.left[cry.reference] - cry.wrote[-1] for cry in cries if cry.reference in town.left],
    }


# ── the servers ──────────────────────────────────────────────────────────────────────────────────────────


def over_signal() -> tuple[Town, Callable[[], Awaitable[int]]]:
    """Return a town on Signal, and what starts its server."""
    server = _Signal([], questions=False)

    async def write(who: str, text: str) -> None:
        most = ROOM if who in server.town.cries else ROOM // 2  # who cries finds room before a flood does
        while server.socket is None or _waiting(server.socket) > most:  # noqa: ASYNC110 - only the transport knows
            await asyncio.sleep(0.001)
        await server.write(server.people.setdefault(who, Writer(who)), text)

    server.town = Town(write, begun=server.connected)
    return server.town, lambda: _served(server)


class _Signal(SignalServer):
    town: Town

    async def sent(self, request: web.Request) -> web.Response:
        """Take what the bot says."""
        told = json.loads(await request.read())
        self.last += 1
        self.town.heard(told["recipients"][0], told["message"])
        return web.json_response([{"timestamp": str(self.last)}], status=201)


def over_telegram() -> tuple[Town, Callable[[], Awaitable[int]]]:
    """Return a town on Telegram, and what starts its server."""
    server = _Api([])

    async def write(who: str, text: str) -> None:
        while len(server.waiting) > MOST_UPDATES and text != SCRIPT[0]:  # noqa: ASYNC110 - a list
            await asyncio.sleep(0.001)
        person = server.people.setdefault(int(who), Chatter(int(who)))
        server.script, person.said = [text], 0
        BotApi.write(server, person)

    server.town = Town(write)

    async def served() -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await serve_bot_api(server, reader, writer)

        listening = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**20)
        return int(listening.sockets[0].getsockname()[1])

    return server.town, served


MOST_UPDATES = 20_000  # that wait at Telegram in a flood: far more than the bot can fetch within seconds


class _Api(BotApi):
    town: Town

    async def _updates(self, offset: int, hold: float) -> list[dict[str, object]]:
        self.town.begun.set()
        return await super()._updates(offset, hold)

    def _sent(self, chat: int, text: str, *, last: bool) -> dict[str, object]:  # noqa: ARG002 - as there
        self.message += 1
        self.town.heard(str(chat), text)
        told = {"message_id": self.message, "date": int(time()), "text": text}
        return {**told, "chat": {"id": chat, "type": "private"}}


async def smtp(town: Town, certificates: ssl.SSLContext) -> int:
    """Take mails, and note when; return the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 town\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250 town\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                mail = await reader.readuntil(b"\r\n.\r\n")
                town.mails.append((perf_counter(), mail[:-3]))
                writer.write(b"250 taken\r\n")
            elif verb == b"QUIT":
                break
            else:
                writer.write(b"250 well\r\n")
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certificates, limit=2**24)
    return int(listening.sockets[0].getsockname()[1])


async def _run(told: argparse.Namespace) -> None:
    town, served = over_signal() if told.channel == "signal" else over_telegram()
    authority, certificates = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(certificates)
    secret, certificate = throwaway_officer()
    folder = Path(tempfile.mkdtemp(dir=told.folder))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    (folder / "officer.asc").write_bytes(certificate.raw)
    places = {"port": await served(), "smtp": await smtp(town, certificates), "folder": str(folder)}
    sys.stdout.write(json.dumps(places) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)  # go
    await town.begun.wait()
    over, number = asyncio.Event(), count(1)
    people = [_name(told.channel, next(number)) for _ in range(told.people)]
    begun, flood = perf_counter(), asyncio.create_task(town.flood(people, told.rate, over))
    await asyncio.sleep(told.seconds / 5)  # until it is a flood
    for _ in range(told.cries):
        who = _name(told.channel, next(number))
        town.cries[who] = Cry()
        await town.says(who, SCRIPT[0])
        await asyncio.sleep(told.seconds / told.cries)
    last = perf_counter()
    while not all_arrived(town, secret) and perf_counter() - last < PATIENCE:  # noqa: ASYNC110 - lists
        await asyncio.sleep(0.5)
    over.set()
    await asyncio.gather(flood)
    sys.stdout.write(json.dumps(result(town, perf_counter() - begun)) + "\n")
    sys.stdout.flush()


def _name(channel: str, number: int) -> str:
    return str(UUID(int=number, version=4)) if channel == "signal" else str(10_000 + number)


def main() -> None:
    """Serve, flood, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("channel", choices=("signal", "telegram"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--cries", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=2_500.0)
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
