"""The whole bot in a flood, as it would run for a mission: real limits, real pace, a disk, a mail server with TLS."""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.signal_api import NUMBER
from benchmarks.stand import OFFICER, SENDER, profile
from benchmarks.telegram_bots import TOKEN
from bot import logs
from bot.alerting import Officer
from bot.app import Bot, Plan, wire
from bot.channels.base import Channel
from bot.channels.signal import Signal
from bot.channels.telegram import Telegram
from bot.handoff.mission import Contact
from bot.knowledge import Knowledge
from bot.mail.openpgp import read_certificate
from bot.mail.smtp import SmtpPost


def main() -> None:
    """Run on the channel that is named, in the place that is told."""
    channel, told = sys.argv[1], json.loads(sys.argv[2])
    logs.install("error")
    folder = Path(told["folder"])
    certificate = read_certificate(folder / "officer.asc")
    contact = Contact(OFFICER, fingerprint=certificate.fingerprint)

    def officers(knowledge: Knowledge) -> list[Officer]:
        return [Officer(contact, certificate, knowledge.reader(contact.language))]

    def channels(bot: Bot) -> list[Channel]:
        if channel == "telegram":
            return [Telegram(TOKEN, bot.desk.now, f"http://127.0.0.1:{told['port']}")]
        place = f"127.0.0.1:{told['port']}"
        return [Signal(place, NUMBER, bot.desk.now, ears=bot.desk.threshold.ears(bot.desk.book))]

    post = SmtpPost("localhost", told["smtp"], "implicit", SENDER, folder / "ca.pem")
    url = f"sqlite:///{folder}/postigo.db"
    mission = replace(profile(), contacts=(contact,))
    asyncio.run(wire(Plan(mission, url, folder / "keys", post, SENDER, officers, channels)).run(asyncio.Event()))


if __name__ == "__main__":
    main()
