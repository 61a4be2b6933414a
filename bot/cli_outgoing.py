"""The verb `postigo outgoing`: whom the bot calls, and rules that let it call nobody else."""

import argparse
import sys
from pathlib import Path


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    told = "List whom the bot calls, or print rules that let it call nobody else."
    one = verbs.add_parser("outgoing", help=told, description=told)
    one.set_defaults(verb=_outgoing)
    one.add_argument("--config", type=Path, metavar="FILE", required=True, help="the settings file")
    one.add_argument("--format", choices=("list", "systemd", "nftables"), default="list")


def _outgoing(told: argparse.Namespace) -> int:
    from bot.neighbours import neighbours
    from bot.operations.outgoing import for_nftables, for_systemd, found, listed, resolvers
    from bot.settings import read_settings

    calls = neighbours(read_settings(told.config, secrets=False))
    rules = {"systemd": for_systemd, "nftables": for_nftables}.get(told.format)
    sys.stdout.write(rules(found(calls), resolvers()) if rules else listed(calls))
    return 0
