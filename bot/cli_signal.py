"""The verbs of `postigo signal`: a number is set up step by step; what is secret is asked for, never an argument.

Arguments stand in the list of processes, which everybody on a machine can read.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable
from getpass import getpass
from pathlib import Path
from typing import Any

from bot.errors import SettingsError

Verb = Callable[[argparse.Namespace], int]


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs to the command line."""
    told = "Set the bot's number up on Signal."
    steps = verbs.add_parser("signal", help=told, description=told).add_subparsers(required=True, metavar="STEP")
    for name, run, about, arguments in _STEPS:
        one = steps.add_parser(name, help=about, description=about)
        one.set_defaults(verb=run)
        one.add_argument("--config", type=Path, metavar="FILE", required=True, help="the settings file")
        for argument, more in arguments:
            one.add_argument(argument, **more)


def _register(told: argparse.Namespace) -> int:
    from bot.channels import signal_setup

    account, captcha = _account(told), _asked("Link of a solved captcha, or nothing: ")
    return _say(asyncio.run(signal_setup.register(*account, captcha, told.voice)))


def _verify(told: argparse.Namespace) -> int:
    from bot.channels import signal_setup

    account, pin = _account(told), _asked("PIN of this number, or nothing: ")
    return _say(asyncio.run(signal_setup.verify(*account, told.code, pin)))


def _link(told: argparse.Namespace) -> int:
    from bot.channels import signal_setup

    address = asyncio.run(signal_setup.link(_account(told)[0], told.device))
    _say("Show this as a QR code to the phone, under Linked devices (a registered number of its own is safer):")
    return _say(address)


def _profile(told: argparse.Namespace) -> int:
    from bot.channels import signal_setup

    account, pin = _account(told), _asked("New PIN: ")
    return _say(asyncio.run(signal_setup.profile(*account, told.name, pin)))


def _username(told: argparse.Namespace) -> int:
    from bot.channels import signal_setup

    name, link = asyncio.run(signal_setup.username(*_account(told), told.name))
    return _say(f"username {name}\nlink {link}\nWrite both into [signal] of the mission's profile.")


def _lift(told: argparse.Namespace) -> int:
    from bot.channels import signal_setup
    from bot.messengers import CHALLENGE
    from bot.settings import read_settings

    account, place = _account(told), read_settings(told.config, secrets=False).storage.keys / CHALLENGE
    if not place.exists():
        raise SettingsError(f"{place}: Signal has set no limit that a captcha would lift")
    captcha = _asked("Link of a solved captcha: ")
    words = asyncio.run(signal_setup.lift(*account, place.read_text("utf-8"), captcha))
    place.unlink()
    return _say(words)


def _invite(told: argparse.Namespace) -> int:
    from bot import clock
    from bot.officers.inviting import invitation
    from bot.settings import read_settings
    from bot.storage.keyring import Keyring

    keyring = Keyring.open(read_settings(told.config, secrets=False).storage.keys, clock.now())
    words = invitation(keyring.keyed_hash, clock.now())
    _say(
        "Give this line to the officer, who writes it to the running bot, today or tomorrow, from their own account on"
    )
    _say("Signal. The bot answers with the account's name, which belongs into the profile as the contact's signal.")
    return _say(words)


def _account(told: argparse.Namespace) -> tuple[str, str]:
    """Return service and number."""
    from bot.settings import read_settings

    account = read_settings(told.config, secrets=False).signal
    if account is None:
        raise SettingsError(f"{told.config}: [signal]: expected service and number")
    return account.service, account.number


def _asked(question: str) -> str:
    """Ask at a terminal without showing what is typed; from a pipe, take its next line."""
    return (getpass(question) if sys.stdin.isatty() else sys.stdin.readline()).strip()


def _say(words: str) -> int:
    sys.stdout.write(words + "\n")
    return 0


_NAME = ("name", {"metavar": "NAME"})
_DEVICE = ("--device", {"default": "postigo", "metavar": "NAME"})
_STEPS: tuple[tuple[str, Verb, str, tuple[tuple[str, dict[str, Any]], ...]], ...] = (
    (
        "register",
        _register,
        "Ask Signal for a code; a captcha may be wanted, and is asked for.",
        (("--voice", {"action": "store_true", "help": "by a call, not an SMS"}),),
    ),
    ("verify", _verify, "Prove with the code that the number is ours.", (("code", {"metavar": "CODE"}),)),
    (
        "link",
        _link,
        "Link to an account that lives on a phone.",
        (_DEVICE,),
    ),
    ("profile", _profile, "Name the number, hide it, and set its PIN, which is asked for.", (_NAME,)),
    ("lift", _lift, "Lift a limit on sending with a solved captcha, which is asked for.", ()),
    ("invite", _invite, "Show what an officer writes to the bot, to be told which account that is.", ()),
    ("username", _username, "Take a username, by which people find the bot.", (_NAME,)),
)
