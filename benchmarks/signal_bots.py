"""The bots that are measured over a loopback Signal server: ours, and signalbot as it comes, answering with an echo.

Run as `python -m benchmarks.signal_bots NAME SERVICE FOLDER`; each prints how many frames it has taken, once a second.
"""

import asyncio
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signalbot import Config, Context, DataMessageHandler, SendMessage, SignalBot
from signalbot.client import ConnectionMode

from benchmarks.signal_api import NUMBER
from benchmarks.stand import SENDER, NullPost, officers, profile
from bot import logs
from bot.app import Plan, wire
from bot.channels.base import TakeTurns
from bot.channels.signal import Signal
from bot.conversation.model import Message
from bot.gate import UNLIMITED

POSTIGO, ECHO = NAMES = ("postigo", "signalbot, echo")


@dataclass(slots=True)
class Counter:
    """How many frames were taken."""

    taken: int = 0


class Counted(Signal):
    """Our channel, counting what is committed."""

    counter = Counter()

    async def listen(self, take_turns: TakeTurns) -> None:
        """Hear, and count."""

        async def counted(messages: Sequence[Message]) -> None:
            await take_turns(messages)
            self.counter.taken += len(messages)

        await super().listen(counted)


class Echo(DataMessageHandler):
    """Answers with what was written, as plainly as signalbot's own example."""

    counter = Counter()

    async def handle_data_message(self, context: Context[Any]) -> None:
        """Answer one message."""
        self.counter.taken += 1
        await context.send(SendMessage(text=context.message.text or ""))


async def _told(counter: Counter) -> None:
    while True:
        await asyncio.sleep(1)
        sys.stdout.write(f"{counter.taken}\n")
        sys.stdout.flush()


async def postigo(service: str, folder: Path) -> None:
    """Run the whole bot."""
    logs.install("error")
    plan = Plan(
        profile(),
        f"sqlite:///{folder}/postigo.db",
        folder / "keys",
        NullPost(),
        SENDER,
        officers(),
        lambda bot: [Counted(service, NUMBER, bot.desk.now)],
        limits=UNLIMITED,
    )
    await asyncio.gather(wire(plan).run(asyncio.Event()), _told(Counted.counter))


async def echo(service: str) -> None:
    """Run signalbot as it comes."""
    logging.disable(logging.CRITICAL)
    bot = SignalBot(
        Config(
            phone_number=NUMBER,
            signal_service=service,
            connection_mode=ConnectionMode.HTTP_ONLY,
            download_attachments=False,
        )
    )
    bot.register(Echo())
    bot.start(run_forever=False)
    await _told(Echo.counter)


def main() -> None:
    """Run the bot that is named."""
    name, service, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    asyncio.run(postigo(service, folder) if name == POSTIGO else echo(service))


if __name__ == "__main__":
    main()
