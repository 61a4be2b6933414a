"""The verbs of `postigo`: reads words from the command line, prints, and knows no rule of its own."""

import argparse
import asyncio
import sys
from pathlib import Path

from bot.content import content
from bot.errors import BotError
from bot.rehearsal import rehearse
from bot.settings import read_mission, read_settings

EXAMPLE_MISSION = "us-mexico.toml"


def main(words: list[str] | None = None) -> int:
    """Run one verb; return the exit code: 0, or 2 when something is wrong with what was given."""
    told = _parser().parse_args(words)
    try:
        return int(told.verb(told))
    except BotError as error:
        for line in (str(error), *getattr(error, "__notes__", ())):
            sys.stderr.write(f"postigo: {line}\n")
        return 2
    except KeyboardInterrupt:
        return 130


def _rehearse(told: argparse.Namespace) -> int:
    if told.config:
        profile = read_mission(read_settings(told.config).mission)
    else:
        profile = read_mission(content("missions") / EXAMPLE_MISSION)
    transcript = asyncio.run(rehearse(profile, language=told.language, source=sys.stdin, target=sys.stdout))
    if told.save:
        told.save.write_text("\n".join(transcript) + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="postigo", description="A small door for human rights defenders.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    verb = verbs.add_parser("rehearse", help="talk through the real flow here; nothing is sent")
    verb.add_argument("--language", default="", metavar="xx")
    verb.add_argument("--config", type=Path, metavar="FILE")
    verb.add_argument("--save", type=Path, metavar="FILE")
    verb.set_defaults(verb=_rehearse)
    return parser
