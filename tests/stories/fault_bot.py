"""The real bot on two messengers and with a mailbox, quick to try again, to be killed at any moment and begun again.

python fault_bot.py SETTINGS CLOCK AUTHORITY: CLOCK is a file that says by how many seconds the bot's clock is wrong,
AUTHORITY the certificates that it trusts. For each line on stdin one life begins, and its process id is told on stdout.
What the bot waits for in minutes it waits for in fractions of a second here: the order of things stays as it is.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from functools import partial
from math import inf
from pathlib import Path

from stories.lives import lives_on_demand

import bot.failures
import bot.mail.imap
import bot.storage.tables
import bot.upkeep
from bot import clock
from bot.app import Bot, Plan, plan_of
from bot.channels.base import Channel
from bot.gate import UNLIMITED
from bot.inspection import Configured, read_configured
from bot.mail.smtp import SmtpPost

PATIENCE = 2.0  # seconds until what doesn't answer is given up
ROUND = 0.5  # seconds between two rounds


def hurried() -> None:
    """Shorten what the bot waits for."""
    bot.failures.BACKOFF = (0.05, 0.2, 0.4, 0.8, 0.8)
    bot.failures.URGENT_BACKOFF = (0.05, 0.1, 0.2, 0.4)
    bot.failures.AFTER_REFUSAL = 1.0
    bot.upkeep.ROUND_SECONDS = ROUND
    bot.mail.imap.CONNECTING = bot.mail.imap.ANSWERING = PATIENCE
    bot.mail.imap.LONGEST = bot.mail.imap.PUT_OFF = 0.5
    bot.storage.tables.ANSWERING = PATIENCE


def telegram(configured: Configured, wired: Bot) -> Channel:
    """An account that asks again at once."""
    import bot.channels.telegram as account  # noqa: PLC0415 - aiohttp reads what it trusts when it is loaded
    import bot.channels.telegram_http as calls  # noqa: PLC0415 - the same
    import bot.channels.telegram_polling as polling  # noqa: PLC0415 - the same

    account.SILENCE = calls.CONNECTED_WITHIN = calls.READING = polling.SLACK = PATIENCE
    told = configured.settings.telegram
    assert told is not None
    waits = polling.Waits(network=(0.05, 0.2), turns=0.05, poller=0.2)
    return account.Telegram(
        told.token, wired.desk.now, told.api, per_second=inf, pause=0.0, hold=1, waits=waits, at_once=64
    )


def signal(configured: Configured, wired: Bot) -> Channel:
    """A number that is heard again at once."""
    from bot.channels.signal import Signal  # noqa: PLC0415 - as above
    from bot.channels.signal_hearing import Patience  # noqa: PLC0415 - as above

    told = configured.settings.signal
    assert told is not None
    quick = Patience(
        first_retry=0.02, last_retry=0.2, ping_every=0.25, silent_for=PATIENCE, answer=PATIENCE, repeat=0.05
    )
    return Signal(told.service, told.number, wired.desk.now, patience=quick)


def wrong(file: int, zone: tzinfo) -> datetime:
    """The time, as far as the bot's clock knows it."""
    return clock.now(zone) + timedelta(seconds=float(os.pread(file, 32, 0)))


def planned(settings: Path, file: int) -> Plan:
    """The plan that the settings make, in a hurry, and told a time that the story chooses."""
    hurried()
    configured = read_configured(settings)
    plan = plan_of(configured.settings, configured.profile, configured.file)
    assert isinstance(plan.post, SmtpPost)

    def channels(wired: Bot) -> Sequence[Channel]:
        return [telegram(configured, wired), signal(configured, wired)]

    server = settings.with_name("database")  # the way to it leads through a proxy, which has no certificate
    return replace(
        plan,
        database=server.read_text() if server.exists() else plan.database,
        post=replace(plan.post, timeout=PATIENCE),
        channels=channels,
        now=partial(wrong, file),
        limits=UNLIMITED,
        mailbox=plan.mailbox and replace(plan.mailbox, wait=0.5, shortest=0.05),
    )


def journal() -> None:
    """Let somebody else write down what is logged, as a service manager does: their disk is never full."""
    heard, said = os.pipe()
    subprocess.Popen(["cat"], stdin=heard, stdout=sys.stderr)
    os.dup2(said, sys.stderr.fileno())
    os.close(heard)
    os.close(said)


if __name__ == "__main__":
    journal()
    os.environ["SSL_CERT_FILE"] = sys.argv[3]
    lives_on_demand(partial(planned, Path(sys.argv[1]), os.open(sys.argv[2], os.O_RDONLY)))
