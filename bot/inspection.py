"""Everything that can be found wrong before a bot speaks to anyone: one sentence each, naming file and key.

`check` prints them; `refuse_to_run` turns those that forbid running into one error. Changes nothing. What answers only
when it is asked (a database, a mailbox, a messenger) is tried in trials.py.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bot import trials
from bot.app import post_of
from bot.content import content
from bot.conversation.checks import findings as flow_findings
from bot.errors import BotError, LanguageError, SettingsError
from bot.handoff.checks import findings as triage_findings
from bot.handoff.mission import Contact, MissionProfile, Mode, findings, run_refusals
from bot.handoff.roster import Duty
from bot.knowledge import complete_languages, know, unread_languages
from bot.language.catalogs import LANGUAGES, PSEUDO, load
from bot.language.extract import messages
from bot.mail import openpgp, smime
from bot.operations import hardening, places
from bot.settings import MailFolder, Settings, read_mission, read_settings, unspoken
from bot.staff import mailbox_of

EXAMPLE_MISSION = "us-mexico.toml"
SPOKEN = tuple(tag for tag in LANGUAGES if tag != PSEUDO)
ENDS_SOON = 30  # days before a certificate ends from which it is told
_ELSE = "without it people read that of another"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Configured:
    """A settings file that could be read, and the profile it names."""

    file: Path
    settings: Settings
    profile: MissionProfile


def check(config: Path | None, *, now: datetime) -> list[str]:
    """Return everything that is wrong with flows, languages and versions and, with a file, with what it configures."""
    general = [*_languages(), *_versions()]
    if config is None:
        return [*_flows(read_mission(content("missions") / EXAMPLE_MISSION), now), *general]
    try:
        configured = read_configured(config)
    except SettingsError as error:
        return [*general, str(error), *getattr(error, "__notes__", ())]
    return [*_flows(configured.profile, now), *general, *_configured(configured, now)]


def advise(config: Path) -> list[str]:
    """Return what would be better on this machine, a sentence each; a bot runs without it."""
    with suppress(SettingsError):  # told by `check`
        configured = read_configured(config)
        at = configured.settings.operations.listen
        asked = [f"whoever runs programs here can ask {at} how much is written to the bot."] if at else []
        return [*hardening.machine(), *places.advice(_places(configured)), *asked]
    return hardening.machine()


def read_configured(config: Path, *, secrets: bool = True) -> Configured:
    """Read a settings file and its profile. `secrets` False: without opening secret files. Raises SettingsError."""
    settings = read_settings(config, secrets=secrets)
    return Configured(config, settings, read_mission(settings.mission, config, SPOKEN))


def refuse_to_run(configured: Configured) -> None:
    """Raise a SettingsError if the settings can't be run with, or the mission hasn't confirmed what people rely on."""
    file, profile = configured.settings.mission, configured.profile
    refusals = list(_settings(configured))
    refusals += [f"{file}: {sentence}" for sentence in run_refusals(profile)]
    refusals += [f"{file}: {sentence}" for sentence in _unheard(configured)]
    refusals += [f"{file}: {sentence}" for sentence in _unsealed(profile)]
    refusals += [f"{file}: {sentence}" for sentence in _unspoken(profile)]
    if refusals:
        error = SettingsError(refusals[0])
        error.__notes__ = refusals[1:]
        raise error


# ── what is looked at ────────────────────────────────────────────────────────────────────────────────────


def _flows(profile: MissionProfile, now: datetime) -> Iterator[str]:
    """Prove the flows as this mission's people would meet them, in every language that is complete."""
    offered = replace(profile, languages=complete_languages(profile.languages), contacts=(), duty=Duty())
    try:
        known = know(offered, now.date())
    except BotError as error:
        yield str(error)
        return
    read = known.content
    yield from flow_findings(read.flow, read.commands, known.spoken, known.standing)
    yield from triage_findings(read.triage, read.flow, read.alert, read.duty, known.spoken)


def _languages() -> Iterator[str]:
    needed = messages()
    for folder in sorted(path.parent.name for path in content("locales").glob("*/LC_MESSAGES")):
        try:
            missing = load([folder]).missing(folder, needed)
        except LanguageError as error:
            yield str(error)
            continue
        if missing:
            yield f"locales/{folder}: {len(missing)} texts are not translated, first {missing[0]}"


def _versions() -> Iterator[str]:
    """What is installed beside what was locked and tested."""
    with suppress(OSError):
        locked = _PINNED.findall(content("lock").read_text(encoding="utf-8"))
        for name, wanted in locked:
            with suppress(PackageNotFoundError):
                if version(name) != wanted:
                    yield f"{name}: version {version(name)} is installed, {wanted} was locked and tested"


def _configured(configured: Configured, now: datetime) -> Iterator[str]:
    settings, profile = configured.settings, configured.profile
    where = settings.mission
    yield from (f"{where}: {sentence}" for sentence in findings(profile, now.date()))
    yield from (f"{where}: {sentence}" for sentence in _unheard(configured))
    yield from (f"{where}: {sentence}" for sentence in _unreviewed(profile))
    yield from (f"{where}: {sentence}" for sentence in _unworded(profile))
    yield from (f"{where}: {sentence}" for sentence in _certificates(profile, now))
    known = None
    try:
        known = know(profile, now.date())
    except LanguageError as error:
        yield from [f"{where}: {sentence}" for sentence in _unspoken(profile)] or [f"{where}: languages: {error}"]
    except BotError as error:
        yield str(error)
    yield from _settings(configured)
    yield from trials.findings(settings, known, configured.file, now)
    yield from places.findings(_places(configured))


def _settings(configured: Configured) -> Iterator[str]:
    settings, file = configured.settings, configured.file
    if (
        isinstance(settings.mail, MailFolder)
        and settings.mail.directory.exists()
        and not settings.mail.directory.is_dir()
    ):
        yield f"{configured.file}: mail.directory: {settings.mail.directory} is no folder"
    if settings.mail is None:
        yield f"{file}: [mail]: expected host, or directory; without it no case could leave"
    else:
        yield from _refusal(partial(post_of, settings.mail, file))
    if settings.mailbox is not None:
        yield from _refusal(partial(mailbox_of, settings.mailbox, file))
    if not (settings.telegram or settings.signal or settings.terminal):
        yield f"{file}: [terminal]: expected at least one channel; without it nobody could be heard"


def _places(configured: Configured) -> places.Places:
    settings = configured.settings
    kind, _, rows = settings.storage.url.partition(":///")
    mails = settings.mail.directory if isinstance(settings.mail, MailFolder) else None
    given = [Path(one.certificate) for one in configured.profile.contacts if one.certificate]
    written = (configured.file, settings.mission, *given)
    return places.Places(settings.storage.keys, Path(rows) if kind == "sqlite" else None, mails, written)


def _refusal(made: Callable[[], object]) -> Iterator[str]:
    try:
        made()
    except SettingsError as error:
        yield str(error)


def _unheard(configured: Configured) -> Iterator[str]:
    for contact in configured.profile.contacts:
        if contact.signal and configured.settings.signal is None:
            yield f"contact {contact.address}: signal is given, but [signal] is missing in {configured.file}"


def _unspoken(profile: MissionProfile) -> Iterator[str]:
    return (unspoken(tag, SPOKEN) for tag in profile.languages if tag not in SPOKEN)


def _unreviewed(profile: MissionProfile) -> Iterator[str]:
    with suppress(LanguageError):  # what is missing is told by those who need it
        for tag in unread_languages(profile):
            yield f"languages: {tag} was read by no native reader, and isn't offered: accept_unreviewed would accept it"


def _unworded(profile: MissionProfile) -> Iterator[str]:
    """What people would read in another language than theirs, since the mission has said it in that alone."""
    for tag in profile.languages:
        if tag not in SPOKEN:
            continue
        if tag not in profile.name:
            yield f"name.{tag}: expected the mission's name as it stands within a sentence of that language; {_ELSE}"
        for support, topic in profile.topics.items():
            if topic.text and tag not in topic.text:
                yield f"topics.{support}.text.{tag}: expected the text in that language; {_ELSE}"


def _unsealed(profile: MissionProfile) -> Iterator[str]:
    if not any(contact.certificate or _noticed(contact) for contact in profile.contacts):
        yield "no [[contact]] has a certificate, or mode notice and signal: a case could be read by nobody"


def _noticed(contact: Contact) -> bool:
    return contact.mode is Mode.NOTICE and bool(contact.signal)


def _certificates(profile: MissionProfile, now: datetime) -> Iterator[str]:
    for contact in profile.contacts:
        if not contact.certificate:
            continue
        at = f"contact {contact.address}: {contact.mode}"
        try:
            wrong, days = _certificate(contact, Path(contact.certificate), now)
        except SettingsError as error:
            yield f"{at}: {error}"
            continue
        yield from (f"{at}: {sentence}" for sentence in wrong)
        if not wrong and days is not None and days <= ENDS_SOON:
            yield f"{at}: {contact.certificate}: it ends in {days} days; ask {contact.address} for a new one"


def _certificate(contact: Contact, path: Path, now: datetime) -> tuple[list[str], int | None]:
    """Return what is wrong with a contact's certificate, and the days that it has left. Raises SettingsError."""
    if contact.mode is Mode.SMIME:
        x509 = smime.read_certificate(path)
        return smime.findings(x509, contact.fingerprint, now), smime.days_left(x509, now)
    certificate = openpgp.read_certificate(path)
    return openpgp.findings(certificate, contact.fingerprint, now), openpgp.days_left(certificate, now)
