"""The verb `postigo check`: says what is wrong, and sends officers a test where that is asked for."""

import argparse
import sys
from pathlib import Path

from bot import clock
from bot.errors import BotError, SettingsError, of_file

WRONG = 2  # the exit code when something is wrong


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    told = "Say what is wrong, a sentence a line; exit 0 when nothing is."
    one = verbs.add_parser("check", help=told, description=told)
    one.set_defaults(verb=_check)
    one.add_argument("--config", type=Path, metavar="FILE", help="the settings to look at, with the mission's profile")
    one.add_argument("--send-test", action="store_true", help="then send a sealed test alert to every officer")


def _check(told: argparse.Namespace) -> int:
    from bot.inspection import advise, check

    if told.send_test and told.config is None:
        raise SettingsError("check --send-test needs --config FILE: without settings there is nobody to send to")
    found = check(told.config, now=clock.now())
    tested = _test(told.config, found) if told.send_test else ""
    for sentence in found:
        sys.stdout.write(f"{sentence}\n")
    sys.stdout.write(tested)
    if told.config is None:
        sys.stderr.write("no settings were looked at: --config FILE names them\n")
    for sentence in advise(told.config) if told.config else ():
        sys.stderr.write(f"machine: {sentence}\n")
    return WRONG if found else 0


def _test(config: Path, found: list[str]) -> str:
    """Send the test whatever else is wrong, as far as it can be sent; add to `found` what stood in its way.

    Returns a line that tells who was sent one.
    """
    from bot.inspection import read_configured
    from bot.trials import send_test

    sent, contacts = 0, 0
    try:
        configured = read_configured(config)
        contacts = len(configured.profile.contacts)
        with of_file(config):
            sent, failed = send_test(configured.settings, configured.profile, config, clock.now())
    except BotError as error:
        failed = [str(error)]
    found += [one for one in failed if not any(one in sentence for sentence in found)]
    if not sent:
        return "No test was sent: mend what is named above first.\n"
    return f"A sealed test has gone to {'every contact' if sent == contacts else f'{sent} of {contacts} contacts'}.\n"
