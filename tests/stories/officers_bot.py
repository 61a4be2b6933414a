"""The real bot as its settings have it, with a clock of the story's, to be killed at any moment and begun again.

python officers_bot.py SETTINGS CLOCK: the second file holds the time, in seconds since 1970; the story moves it.
"""

import sys
from dataclasses import replace
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path

from stories.lives import lives_on_demand
from stories.signal_bot import planned

from bot.app import Plan


def now(clock: Path, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(float(clock.read_text()), zone)


def told_the_time(settings: Path, clock: Path) -> Plan:
    """The plan that the settings make, with the story's clock."""
    return replace(planned(settings), now=partial(now, clock))


if __name__ == "__main__":
    lives_on_demand(partial(told_the_time, Path(sys.argv[1]), Path(sys.argv[2])))
