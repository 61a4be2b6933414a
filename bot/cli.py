"""The verbs of `postigo`: reads words from the command line, prints, and knows no rule of its own.

Each verb loads what it needs when it is called: to load everything takes longer than most verbs do.
"""

import argparse
import asyncio
import gc
import io
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot import cli_check, cli_languages, cli_outgoing, cli_profile, cli_signal, clock
from bot.content import content
from bot.errors import BotError, SettingsError, of_file
from bot.logs import Event, event, install, watch

Verb = Callable[[argparse.Namespace], int]

WRONG = 2  # the exit code when something is wrong with what was given
INTERRUPTED = 130


def main(words: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code: 0, or 2 when something is wrong with what was given."""
    told = _parser().parse_args(words)
    install("error")
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="replace"
            )  # bytes that are no text, or letters a terminal can't show, end nothing
    try:
        return int(told.verb(told))
    except BotError as error:
        for line in (str(error), *getattr(error, "__notes__", ())):
            sys.stderr.write(f"postigo: {line}\n")
        return WRONG
    except KeyboardInterrupt:
        return INTERRUPTED


# ── the verbs ────────────────────────────────────────────────────────────────────────────────────────────


def _rehearse(told: argparse.Namespace) -> int:
    from bot.inspection import EXAMPLE_MISSION
    from bot.rehearsal import rehearse
    from bot.settings import read_mission, read_settings

    file = content("missions") / EXAMPLE_MISSION
    if told.config:
        file = read_settings(told.config, secrets=False).mission
    profile = read_mission(file, told.config)
    if sys.stdin.isatty():
        sys.stdout.write("Nothing is sent from here. Write hello, or SOS, as a person would; Ctrl-D ends.\n\n")
    transcript = asyncio.run(rehearse(profile, language=told.language, source=sys.stdin, target=sys.stdout))
    if told.save:
        _write(told.save, "\n".join(transcript) + "\n")
    return 0


def _run(told: argparse.Namespace) -> int:
    gc.disable()  # nearly all that is made until it listens stays: to search it for garbage takes a tenth of that time
    from bot.app import plan_of, wire
    from bot.inspection import read_configured, refuse_to_run
    from bot.operations.alone import alone
    from bot.operations.hardening import harden
    from bot.operations.places import leave_out_of_backups
    from bot.trials import refuse_untrusting

    missing = harden()  # before anything secret is read
    configured = read_configured(told.config)
    refuse_to_run(configured)
    with of_file(configured.file):
        refuse_untrusting(configured.settings, configured.profile)
    install(configured.settings.logs.level)
    for _ in missing:
        event(Event.HARDENING_MISSING)
    storage = configured.settings.storage
    with of_file(configured.file), alone(storage.keys, shared=not storage.url.startswith("sqlite:")):
        leave_out_of_backups(storage.keys)
        asyncio.run(_until_told(wire(plan_of(configured.settings, configured.profile, configured.file)).run))
    return 0


async def _until_told(run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    gc.freeze()
    gc.enable()
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    watch(loop)
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await run(stop)


def _draw(told: argparse.Namespace) -> int:
    from bot.conversation.drawing import dot, mermaid, parts
    from bot.knowledge import read_content

    flow = read_content().flow
    if told.branch not in parts(flow):
        raise SettingsError(f"draw --branch {told.branch}: expected one of {', '.join(filter(None, parts(flow)))}")
    if told.format == "mermaid":
        _write(told.output, mermaid(flow, told.branch))
        return 0
    program = shutil.which("dot")
    if program is None:
        raise SettingsError("draw --format svg needs the program dot: install graphviz, or take --format mermaid")
    drawn = subprocess.run([program, "-Tsvg"], input=dot(flow, told.branch), capture_output=True, check=True, text=True)  # noqa: S603 - found above
    _write(told.output, drawn.stdout)
    return 0


def _erase(told: argparse.Namespace) -> int:
    from bot.operations.alone import alone
    from bot.settings import read_settings
    from bot.storage.tables import open_engine
    from bot.storage.wiping import delete_all, destroy_keys

    settings = read_settings(told.config)
    if not told.yes:
        sys.stdout.write("This deletes everything that is kept, of everybody, and the keys. Stop the bot first.\n")
        sys.stdout.write("Write ERASE to go on: ")
        sys.stdout.flush()
        if sys.stdin.readline().strip() != "ERASE":
            sys.stdout.write("Nothing was deleted.\n")
            return WRONG
    with of_file(told.config), alone(settings.storage.keys):
        destroy_keys(settings.storage.keys)
        rows = delete_all(open_engine(settings.storage.url, settings.storage.password))
    sys.stdout.write(f"Deleted: the keys, and {rows} rows. Mails that were waiting will not leave.\n")
    return 0


def _expire(told: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import Progress

    from bot.app import plan_of, wire
    from bot.inspection import read_configured

    configured = read_configured(told.config)
    with of_file(configured.file):
        bot = wire(plan_of(configured.settings, configured.profile, configured.file))
    console = Console(stderr=True)

    async def once() -> dict[str, int]:
        bot.writer.start()
        try:
            return await bot.upkeep.begin()
        finally:
            await bot.writer.stop()

    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task("expiring", total=None)
        counted = asyncio.run(once())
    sys.stdout.write(", ".join(f"{name}: {number}" for name, number in counted.items()) + "\n")
    return 0


def _keys_show(told: argparse.Namespace) -> int:
    from bot.signing import signer_in

    keys = _keys_of(told)
    certificate = signer_in(keys).certificate
    sys.stdout.write(f"fingerprint {certificate.fingerprint}\n{certificate.raw.decode()}")
    for fingerprint, pem in _x509(told, keys):
        sys.stdout.write(f"\nFor officers who use S/MIME:\nSHA-256 fingerprint {fingerprint}\n{pem.decode()}")
    return 0


def _x509(told: argparse.Namespace, keys: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what the bot signs with for officers who use S/MIME, if there are any."""
    from bot.app import sender_of
    from bot.handoff.mission import Mode
    from bot.inspection import read_configured
    from bot.signing import smime_signer_in

    configured = read_configured(told.config, secrets=False)
    if configured.settings.mail and any(one.mode is Mode.SMIME for one in configured.profile.contacts):
        signer = smime_signer_in(keys, sender_of(configured.settings.mail), clock.now())
        yield signer.certificate.fingerprint, signer.certificate.raw


def _keys_days(told: argparse.Namespace) -> int:
    from bot.storage.keyring import Keyring

    days = Keyring.open(_keys_of(told), clock.now()).days()
    for day in days:
        sys.stdout.write(f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day):%Y-%m-%d}\n")
    return 0


def _keys_rotate(told: argparse.Namespace) -> int:
    from bot.operations.alone import alone
    from bot.signing import signer_in

    keys = _keys_of(told)
    old = signer_in(keys).certificate.fingerprint
    with of_file(told.config), alone(keys):
        new = signer_in(keys, renew=True).certificate.fingerprint
    sys.stdout.write(f"was {old}\nnow {new}\nGive every officer the new certificate: postigo keys show\n")
    return 0


def _keys_of(told: argparse.Namespace) -> Path:
    from bot.settings import read_settings
    from bot.storage.keyring import Keyring

    keys = read_settings(told.config, secrets=False).storage.keys
    Keyring.open(keys, clock.now())  # makes the folder on the first start, and refuses one that others can read
    return keys


def _write(place: Path | None, text: str) -> None:
    if place is None:
        sys.stdout.write(text)
        return
    try:
        place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{place}: can't be written: {error.strerror}") from None


# ── what may be typed ────────────────────────────────────────────────────────────────────────────────────


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="postigo", description="A small door for human rights defenders.")
    verbs = parser.add_subparsers(required=True, metavar="VERB", title="verbs")

    def verb(name: str, run: Verb | None, told: str) -> argparse.ArgumentParser:
        one = verbs.add_parser(name, help=told, description=told)
        one.set_defaults(verb=run)
        return one

    one = verb("rehearse", _rehearse, "Talk through the real flow here; alerts are sealed, shown and never sent.")
    one.add_argument("--language", default="", metavar="xx", help="the language the terminal tells, such as es")
    one.add_argument("--config", type=Path, metavar="FILE", help="take the mission's profile from these settings")
    one.add_argument("--save", type=Path, metavar="FILE", help="write the talk down as a transcript")
    _configured(verb("run", _run, "Listen on all configured channels until told to stop."))
    cli_check.add(verbs)
    one = verb("draw", _draw, "Draw the flow as a diagram.")
    one.add_argument("--format", choices=("mermaid", "svg"), default="mermaid")
    one.add_argument("--branch", default="", metavar="NAME", help="of the guide, in place of the talk itself")
    one.add_argument("-o", dest="output", type=Path, metavar="FILE", help="where to; else to the terminal")
    one = _configured(verb("erase", _erase, "Delete everything that is kept, of everybody, and the keys."))
    one.add_argument("--yes", action="store_true", help="without asking")
    _configured(verb("expire", _expire, "Delete what is past its time now, and destroy old keys."))
    cli_signal.add(verbs)
    cli_profile.add(verbs)
    cli_languages.add(verbs)
    cli_outgoing.add(verbs)
    keys = verb("keys", None, "Show or renew the bot's keys.").add_subparsers(required=True, metavar="WHAT")
    for name, run, told in _KEY_VERBS:
        one = keys.add_parser(name, help=told, description=told)
        one.set_defaults(verb=run)
        _configured(one)
    return parser


def _configured(one: argparse.ArgumentParser) -> argparse.ArgumentParser:
    one.add_argument("--config", type=Path, metavar="FILE", required=True, help="the settings file")
    return one


_KEY_VERBS: tuple[tuple[str, Verb, str], ...] = (
    ("show", _keys_show, "Show the certificate that the bot signs with, for the officers."),
    ("rotate", _keys_rotate, "Make a new signing key."),
    ("days", _keys_days, "Show which days' keys still live."),
)
