"""Tries what a bot depends on, and changes nothing there: database, mail server, mailbox, messengers, Signal's trust.

And, where an operator asks for it, sends a sealed test to every officer. Each thing that is wrong is one sentence.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

from bot import messengers
from bot.alerting import Alerting
from bot.app import post_of, sender_of
from bot.errors import DeliveryError, SealingError, SettingsError, Undeliverable, Unplaced
from bot.handoff.duty import chain
from bot.handoff.mission import MissionProfile, Mode
from bot.knowledge import Knowledge, know
from bot.mail.smtp import Post, SmtpPost, TlsRefused
from bot.operations import listening
from bot.operations.alone import EXPECTED, is_held
from bot.settings import Settings
from bot.signing import refuse_unusable, signer_in, smime_signer_in
from bot.staff import mailbox_of, officers_of
from bot.storage import keyring, looking
from bot.storage.outbox import Mail

NO_MAILBOX = "[mailbox] is missing: bounced alerts and signed answers of officers are not noticed"


def findings(settings: Settings, known: Knowledge | None, file: Path, now: datetime) -> Iterator[str]:
    """Try everything that the settings in `file` name. `known` None: the profile can't be used, so no messenger is."""
    if known:
        yield from (f"{file}: {one}" for one in messengers.findings(settings, known, lambda: now))
    yield from _mail_server(settings, file)
    yield from _mailbox(settings, file)
    yield from _listen(settings, file)
    yield from _keys(settings.storage.keys, file)
    yield from (f"{file}: {one}" for one in looking.findings(settings.storage.url, settings.storage.password))


def refuse_untrusting(settings: Settings, profile: MissionProfile) -> None:
    """Raise a SettingsError if officers are to be known by their Signal accounts, and Signal trusts whoever has them.

    A server that doesn't answer refuses nothing: who can't be reached can't be mistaken for an officer either.
    """
    if settings.signal is None or not any(contact.signal for contact in profile.contacts):
        return
    from bot.channels.signal_setup import trust_findings  # noqa: PLC0415 - loads much, as `messengers` says

    with suppress(DeliveryError):
        if told := asyncio.run(trust_findings(settings.signal.service, settings.signal.number)):
            raise Unplaced(f"signal: {told[0]}; else somebody could pass for an officer")


def send_test(settings: Settings, profile: MissionProfile, file: Path, now: datetime) -> tuple[int, list[str]]:
    """Send a sealed test to everybody with a certificate; return how many were sent, and a sentence a fault.

    Raises BotError: nothing was sent.
    """
    if settings.mail is None:
        return 0, [f"{file}: [mail]: expected host, or directory"]
    try:
        mails = _alerting(settings, profile, sender_of(settings.mail), now).seal_test(now)
    except Undeliverable as error:
        return 0, [str(error)]
    if not mails:
        return 0, [f"{settings.mission}: no [[contact]] can be sealed to"]
    wrong = asyncio.run(_sent(mails, post_of(settings.mail, file), file))
    return len(mails) - len(wrong), wrong


def _alerting(settings: Settings, profile: MissionProfile, sender: str, now: datetime) -> Alerting:
    keys = settings.storage.keys
    key = keyring.Keyring.open(keys, now).keyed_hash("test", now.isoformat())
    uses_smime = any(contact.mode is Mode.SMIME for contact in profile.contacts)
    signer, x509 = signer_in(keys), smime_signer_in(keys, sender, now) if uses_smime else None
    officers = officers_of(profile, know(profile, now.date()), settings.mission)
    return Alerting(officers, signer, sender, key, partial(chain, profile), x509)


async def _sent(mails: Sequence[Mail], post: Post, file: Path) -> list[str]:
    wrong = []
    for mail in mails:
        try:
            await post.send(mail.body, mail.recipient)
        except DeliveryError as error:
            wrong.append(f"{file}: [mail]: the test to {mail.recipient} was not sent: {error}")
    return wrong


def _mail_server(settings: Settings, file: Path) -> Iterator[str]:
    """Go as far as a mail would before it is named; what is wrong with the authority is told by `inspection`."""
    with suppress(SettingsError):
        post = post_of(settings.mail, file) if settings.mail else None
        if isinstance(post, SmtpPost):
            yield from (f"{file}: {sentence}" for sentence in asyncio.run(_greeted(post)))


async def _greeted(post: SmtpPost) -> list[str]:
    try:
        async with asyncio.timeout(messengers.ASKED_FOR):
            await post.greet()
    except TlsRefused as error:
        return [f"mail.tls: expected a server that proves with TLS to be {post.host}: {error}"]
    except Undeliverable as error:
        return [f"mail.username: expected a login that the server takes: {error}"]
    except (DeliveryError, TimeoutError) as error:
        said = str(error) or "the mail server did not answer"
        return [f"mail.host: expected a server that takes mails at {post.host}, port {post.port}: {said}"]
    return []


def _listen(settings: Settings, file: Path) -> Iterator[str]:
    """Tell an address that is not free; while a bot of ours runs it is the one who listens there."""
    listen = settings.operations.listen
    wrong = listening.findings(listen) if listen else []
    if wrong and not is_held(settings.storage.keys):
        yield from (f"{file}: {sentence}" for sentence in wrong)


def _mailbox(settings: Settings, file: Path) -> Iterator[str]:
    """Ask the mailbox, where there is one that can be asked; what is wrong with its keys is told by `inspection`."""
    if settings.mailbox is None:
        yield f"{file}: {NO_MAILBOX}"
        return
    with suppress(SettingsError):
        yield from (f"{file}: {sentence}" for sentence in asyncio.run(mailbox_of(settings.mailbox, file).findings()))


def _keys(folder: Path, file: Path) -> Iterator[str]:
    if (there := looking.unmakeable(folder)) is not None:
        yield f"{file}: {EXPECTED}, and it can't be made in {there}"
        return
    if folder.exists() and not folder.is_dir():
        yield f"{file}: {EXPECTED}, and {folder} is none"
        return
    try:
        keyring.refuse_unusable(folder)
        refuse_unusable(folder)
    except SettingsError as error:
        yield str(error)
    except SealingError as error:
        yield f"{folder}: {error}"
