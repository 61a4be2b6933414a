"""The real bot on Signal as its settings have it, to be killed at any moment and begun again.

python signal_bot.py SETTINGS: for each line on stdin one life begins, and its process id is told on stdout. A life is
forked from a process that has loaded everything, so that many fit into one test.
"""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from stories.lives import lives_on_demand

from bot.app import Plan, plan_of
from bot.gate import UNLIMITED
from bot.inspection import read_configured


def planned(settings: Path) -> Plan:
    """The plan that the settings make, for people who write faster than any person does."""
    configured = read_configured(settings)
    return replace(plan_of(configured.settings, configured.profile, configured.file), limits=UNLIMITED)


if __name__ == "__main__":
    lives_on_demand(partial(planned, Path(sys.argv[1])))
