"""The real bot on Signal and Telegram at once, watched, with the story's clock, to be killed and begun again.

python residue_bot.py SETTINGS AHEAD WITNESS [LEAK ...]: the second file holds by how many seconds the story's time is
ahead of ours; the third is a folder, see witness/; the last are defects to plant, see residue_leaks.py.
"""

import os
import sys
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path

os.environ["WITNESS"] = sys.argv[3]
import pytest
import stories.witness.sitecustomize  # noqa: F401 - before anything else could open a file
from remembered import remember
from stories import telegram_bot
from stories.lives import lives_on_demand
from stories.residue_leaks import leak

from bot import clock
from bot.app import Bot, Plan, plan_of
from bot.channels.base import Channel
from bot.gate import UNLIMITED
from bot.inspection import read_configured


def now(ahead: Path, zone: tzinfo) -> datetime:
    return clock.now(zone) + timedelta(seconds=float(ahead.read_text()))


def planned(settings: Path, ahead: Path) -> Plan:
    """The plan that the settings make, with the story's clock, and nothing that limits how fast one writes."""
    configured = read_configured(settings)
    plan = plan_of(configured.settings, configured.profile, configured.file)
    quick = telegram_bot.planned(settings).channels

    def channels(bot: Bot) -> list[Channel]:
        return [*(one for one in plan.channels(bot) if one.name != "telegram"), *quick(bot)]

    return replace(plan, channels=channels, now=partial(now, ahead), limits=UNLIMITED)


if __name__ == "__main__":
    remember(pytest.MonkeyPatch())  # each life is forked from one that has read everything
    leak(pytest.MonkeyPatch(), sys.argv[4:])
    lives_on_demand(partial(planned, Path(sys.argv[1]), Path(sys.argv[2])), level="debug")
