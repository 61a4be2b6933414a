"""The real bot with a channel of many people over a socket, to be killed at any moment and begun again.

python loopback_bot.py SETTINGS SOCKET: for each line on stdin one life begins, and its process id is told on
stdout. A life is forked from a process that has loaded everything, so that many fit into one test.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import Any

from stories.lives import lives_on_demand

from bot import clock
from bot.app import Plan, plan_of
from bot.channels.base import Arrived, Outgoing, TakeTurns
from bot.conversation.model import Message, Sender
from bot.gate import UNLIMITED
from bot.inspection import read_configured

LINE_BYTES = 1 << 20


class Loopback:
    """People on the other end of a socket, a JSON line for each message and each thing said to one of them."""

    name = "signal"
    redelivers = True
    repeats_questions = True
    has_buttons = False
    notifies = False
    at_once = 64
    pause = 0.0

    def __init__(self, path: str, zone: tzinfo) -> None:
        self._path = path
        self._zone = zone
        self._writer: asyncio.StreamWriter | None = None
        self._turns: set[asyncio.Task[None]] = set()
        self._connected = asyncio.Event()

    async def listen(self, take_turns: TakeTurns) -> None:
        reader, self._writer = await asyncio.open_unix_connection(self._path, limit=LINE_BYTES)
        self._connected.set()
        while line := await reader.readline():
            turn = asyncio.create_task(self._turn(json.loads(line), take_turns))
            self._turns.add(turn)
            turn.add_done_callback(self._turns.discard)

    async def send(self, outgoing: Outgoing) -> Arrived:
        question = outgoing.say.question
        asked = {"step": question.step, "serial": question.serial, "offered": question.offered} if question else None
        await self._tell({"to": outgoing.sender.address, "text": outgoing.spoken.text, "question": asked})
        return Arrived(clock.now(self._zone))

    async def clear(self, sender: Sender, ids: tuple[str, ...]) -> None:
        await self._tell({"to": sender.address, "cleared": ids})

    async def _turn(self, told: Mapping[str, Any], take_turns: TakeTurns) -> None:
        sender = Sender(self.name, told["from"])
        await take_turns([Message(sender, told["id"], clock.now(self._zone), told["text"], hint="en")])
        await self._tell({"taken": told["id"]})

    async def _tell(self, what: Mapping[str, object]) -> None:
        await self._connected.wait()
        assert self._writer is not None
        self._writer.write(json.dumps(what).encode() + b"\n")
        await self._writer.drain()


def planned(settings: Path, socket: str) -> Plan:
    """The plan that the settings make, with people behind a socket."""
    configured = read_configured(settings)
    plan = plan_of(configured.settings, configured.profile, configured.file)
    return replace(plan, channels=lambda bot: [Loopback(socket, bot.knowledge.zone)], limits=UNLIMITED)


if __name__ == "__main__":
    lives_on_demand(partial(planned, Path(sys.argv[1]), sys.argv[2]))
