"""A Bot API server that does next to nothing, in a process of its own: people write, and write again when answered.

It keeps offsets, long polls and dates as the real one does, and answers every other call with as little as libraries
take. What it costs is the same for every bot that is measured against it.
"""

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass, field
from time import perf_counter, time
from urllib.parse import parse_qsl

FIRST = 1_000  # the first person's id
ME = {"id": 1, "is_bot": True, "first_name": "Postigo", "username": "postigo_bot"}
READY = "ready"


@dataclass(slots=True)
class Person:
    """One person: how far through the script, and when they wrote last."""

    id: int
    said: int = 0
    date: int = 0
    wrote: float = 0.0


@dataclass(slots=True)
class Town:
    """Everybody who writes, and what they wait for."""

    script: list[str]
    asks_with_buttons: bool = False  # else any answer lets people go on
    people: dict[int, Person] = field(default_factory=dict)
    waiting: list[dict[str, object]] = field(default_factory=list)  # updates that nobody has confirmed
    sent: int = 0  # updates that were given out
    took: list[float] = field(default_factory=list)
    update: int = 0
    message: int = 0
    more: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def write(self, person: Person) -> None:
        """Let a person write their next message."""
        self.update += 1
        self.message += 1
        person.date = max(int(time()), person.date + 1)
        person.wrote = perf_counter()
        user = {"id": person.id, "is_bot": False, "first_name": "P", "language_code": "en"}
        text = self.script[person.said]
        told = {
            "message_id": self.message,
            "from": user,
            "chat": {"id": person.id, "type": "private", "first_name": "P"},
            "date": person.date,
            "text": text,
        }
        if text.startswith("/"):
            told["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text)}]
        self.waiting.append({"update_id": self.update, "message": told})
        self.more.set()

    def heard(self, person: Person) -> None:
        """Somebody was answered: the first answer to a message lets them go on; the others don't count."""
        if not person.wrote:
            return
        self.took.append(perf_counter() - person.wrote)
        person.wrote = 0.0
        person.said += 1
        if person.said < len(self.script):
            self.write(person)
        elif all(one.said == len(self.script) for one in self.people.values()):
            self.done.set()

    async def call(self, method: str, told: dict[str, str]) -> object:
        """Answer one call."""
        if method == "getupdates":
            return await self._updates(int(told.get("offset") or 0), float(told.get("timeout") or 0))
        if method == "sendmessage":
            return self._sent(int(told["chat_id"]), told["text"], last="reply_markup" in told)
        return ME if method == "getme" else [] if method == "getmycommands" else True

    async def _updates(self, offset: int, hold: float) -> list[dict[str, object]]:
        kept = (at for at, one in enumerate(self.waiting) if int(str(one["update_id"])) >= offset)
        del self.waiting[: next(kept, len(self.waiting))]
        if not self.waiting:
            self.more.clear()
            try:
                await asyncio.wait_for(self.more.wait(), hold)
            except TimeoutError:
                return []
        return self.waiting[:100]

    def _sent(self, chat: int, text: str, *, last: bool) -> dict[str, object]:
        self.message += 1
        person = self.people[chat]
        person.date = max(int(time()), person.date + 1)
        if last or not self.asks_with_buttons or person.said == len(self.script) - 1:
            self.heard(person)
        return {"message_id": self.message, "date": person.date, "chat": {"id": chat, "type": "private"}, "text": text}


async def _serve(town: Town, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the calls of one connection, one after another."""
    while head := await _head(reader):
        line, length, kind = head
        body = await reader.readexactly(length) if length else b""
        path, _, query = line.split(" ")[1].partition("?")
        told = dict(parse_qsl(query)) | _read(body, kind)
        result = await town.call(path.rpartition("/")[2].lower(), told)
        answer = json.dumps({"ok": True, "result": result}, separators=(",", ":")).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer
        )
    writer.close()


async def _head(reader: asyncio.StreamReader) -> tuple[str, int, str] | None:
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    told = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    return lines[0], int(told.get("content-length", 0)), told.get("content-type", "")


def _read(body: bytes, kind: str) -> dict[str, str]:
    if kind.startswith("application/json"):
        told = json.loads(body) if body else {}
        return {name: str(value) for name, value in told.items() if value is not None}
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


async def _run(script: list[str], people: int, *, buttons: bool) -> None:
    town = Town(script, buttons)
    server = await asyncio.start_server(lambda r, w: _serve(town, r, w), "127.0.0.1", 0, limit=2**20)
    sys.stdout.write(f"{READY} {server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)  # go
    begun = perf_counter()
    for number in range(people):
        person = town.people.setdefault(FIRST + number, Person(FIRST + number))
        town.write(person)
    await town.done.wait()
    spent = perf_counter() - begun
    took = sorted(town.took)
    told = {"rate": len(took) / spent, "p50": took[len(took) // 2], "p99": took[int(len(took) * 0.99)]}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until everybody has come to the end of the script, then print the rate as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--buttons", action="store_true", help="people go on when they see buttons")
    told = parser.parse_args()
    asyncio.run(_run(json.loads(sys.stdin.readline()), told.people, buttons=told.buttons))


if __name__ == "__main__":
    main()
