"""The verb `postigo profile new`: a mission's profile, asked for at a terminal or from a pipe."""

import argparse
import sys
from pathlib import Path

from bot import clock


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    told = "Make a mission's profile by answering questions."
    whats = verbs.add_parser("profile", help=told, description=told).add_subparsers(required=True, metavar="WHAT")
    about = "Ask for everything a profile holds, then write it as a file that can be edited further."
    one = whats.add_parser("new", help=about, description=about)
    one.set_defaults(verb=_new)
    one.add_argument("-o", dest="output", type=Path, metavar="FILE", help="where to; else the profile's id with .toml")


def _new(told: argparse.Namespace) -> int:
    from bot.handoff.mission import findings
    from bot.interview import Interview
    from bot.settings import read_mission

    interview = Interview(sys.stdin, sys.stdout, clock.now().date())
    try:
        written = interview.hold(told.output)
    except KeyboardInterrupt:
        interview.say("\nNothing was written.")
        raise
    interview.say(f"\n{written} is written. Read it through, and add what is missing:")
    for sentence in findings(read_mission(written), interview.today):
        interview.say(f"- {sentence}")
    return 0
