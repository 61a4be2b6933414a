"""The verb `postigo languages`: which languages there are, who has read them, and what a reader has to read first."""

import argparse
import sys


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    told = "List the languages, and who has read each; with one, the texts in it that must not be wrong."
    one = verbs.add_parser("languages", help=told, description=told)
    one.set_defaults(verb=_languages)
    one.add_argument("tag", nargs="?", metavar="TAG", help="show this language's safety texts beside the English")


def _languages(told: argparse.Namespace) -> int:
    from bot.language.listing import page_of, table

    sys.stdout.write(page_of(told.tag) if told.tag else table())
    return 0
