"""The real bot on a Telegram of the tests, to be killed at any moment and begun again.

python telegram_bot.py SETTINGS: for each line on stdin one life begins, and its process id is told on stdout. A life is
forked from a process that has loaded everything, so that many fit into one test; what Telegram limits isn't limited
here, for the same reason.
"""

import sys
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path

from stories.lives import lives_on_demand

from bot.app import Bot, Plan, plan_of
from bot.channels.telegram import Telegram
from bot.channels.telegram_polling import Waits
from bot.gate import UNLIMITED
from bot.inspection import read_configured
from bot.messengers import looks
from bot.storage.roles import POLLER

QUICK = Waits(network=(0.05,), turns=0.05, poller=0.05)


def planned(settings: Path) -> Plan:
    """The plan that the settings make, with a Telegram that is in no hurry to refuse."""
    configured = read_configured(settings)
    told = configured.settings.telegram
    if told is None:
        raise SystemExit(2)

    def account(bot: Bot) -> list[Telegram]:
        bot.roles.look = QUICK.poller
        channel = Telegram(
            told.token, bot.desk.now, told.api, looks=looks(bot.knowledge), per_second=inf, pause=0.0, waits=QUICK
        )
        channel.turn = partial(bot.roles.wait_for, POLLER)
        return [channel]

    plan = plan_of(configured.settings, configured.profile, configured.file)
    return replace(plan, channels=account, limits=UNLIMITED)


if __name__ == "__main__":
    lives_on_demand(partial(planned, Path(sys.argv[1])))
