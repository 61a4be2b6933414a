"""Telegram and Signal as configured: what of settings and profile each needs, and what is asked of them by `check`.

Their libraries are loaded only where a settings file asks for them, and without what no bot needs of them (a command
line, storage, schedules, countries' telephone numbers): they cost a second and tens of megabytes.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from bot.channels.base import Channel, Ears
from bot.channels.sparing import inside, without
from bot.channels.telegram_looks import Look, Looks
from bot.channels.telegram_webhook import Webhook
from bot.conversation.named import MENU
from bot.errors import BotError, DeliveryError
from bot.handoff.mission import MissionProfile
from bot.knowledge import Knowledge
from bot.settings import Settings, Signal, Telegram

EARS = Ears()  # nobody goes before others
HOUR = 3600  # seconds
ASKED_FOR = 30.0  # seconds that a messenger has to answer `check`

Alarm = Callable[[str], None]  # told in one word what an operator must look at
Turn = Callable[[], Awaitable[None]]  # returns once it is this process that asks Telegram for updates


CHALLENGE = "signal-challenge"  # in the folder of keys: what a solved captcha is handed in with


async def at_once() -> None:
    """Return at once: no other process asks."""


def messengers(  # noqa: PLR0913 - what channels need of the rest
    settings: Settings,
    knowledge: Knowledge,
    now: Callable[[], datetime],
    alarm: Alarm,
    turn: Turn = at_once,
    *,
    ears: Ears = EARS,
) -> list[Channel]:
    """Return the channels to people's phones that are configured. Raises SettingsError."""
    channels: list[Channel] = []
    if settings.telegram:
        channels.append(telegram(settings.telegram, knowledge, now, alarm, turn))
    if settings.signal:
        challenge = settings.storage.keys / CHALLENGE
        channels.append(signal(settings.signal, knowledge, now, alarm, challenge, ears=ears))
    return channels


def telegram(told: Telegram, knowledge: Knowledge, now: Callable[[], datetime], alarm: Alarm, turn: Turn) -> Channel:
    """Return the bot's account on Telegram. Raises SettingsError."""
    with without("httpx._main"):  # the command line of a library that the Bot API's loads
        from bot.channels.telegram import Telegram as Channel  # noqa: PLC0415 - see above

    hook = Webhook(told.webhook_url, told.listen, told.secret) if told.webhook_url else None
    return Channel(told.token, now, told.api, hook, looks(knowledge), alarm=alarm, turn=turn)


def signal(  # noqa: PLR0913 - what it needs of the rest
    told: Signal,
    knowledge: Knowledge,
    now: Callable[[], datetime],
    alarm: Alarm,
    challenge: Path,
    *,
    ears: Ears = EARS,
) -> Channel:
    """Return the bot's number on Signal. `challenge`: where a limit's token is kept for whoever solves the captcha."""
    with inside("signalbot"):
        from bot.channels.signal import Signal as Channel  # noqa: PLC0415 - see above

    shown = knowledge.profile.signal

    def rung(kind: str) -> None:
        if kind == "captcha":
            _keep(challenge, channel.challenge_token)
        alarm(kind)

    channel = Channel(
        told.service,
        told.number,
        now,
        vanish_seconds=shown.vanish_hours * HOUR,
        receipts=shown.receipts,
        alarm=rung,
        ears=ears,
    )
    return channel


def _keep(place: Path, token: str) -> None:
    """Write the newest token, readable by us alone; what can't be written is told by the log and the alarm anyway."""
    with suppress(OSError), os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(token)


def looks(knowledge: Knowledge) -> Looks:
    """Return how the bot is to look in Telegram: in each language of the mission, and in the first to all others."""
    languages = knowledge.profile.languages
    tags = dict(zip((tag.partition("-")[0] for tag in reversed(languages)), reversed(languages), strict=True))
    return Looks((_look("", languages[0], knowledge), *(_look(code, tag, knowledge) for code, tag in tags.items())))


def _look(code: str, tag: str, knowledge: Knowledge) -> Look:
    told, words, texts = knowledge.profile.telegram, knowledge.spoken[tag], knowledge.content.flow.texts

    def text(name: str) -> str:
        return words(f"say.{name}", texts[name])

    return Look(
        code,
        told.name.get(tag, told.display_name),
        told.description.get(tag, text("profile_about")),
        told.short_description.get(tag, text("profile_short")),
        tuple((command, text(f"menu_{command}")) for command in MENU),
    )


def trust(settings: Settings, profile: MissionProfile) -> Callable[[], Awaitable[bool | None]] | None:
    """Return what asks whether officers are who they were on Signal; None where no officer writes there.

    What it returns: True and False as the server says, None if it doesn't answer.
    """
    told = settings.signal
    if told is None or not any(contact.signal for contact in profile.contacts):
        return None

    async def ask() -> bool | None:
        from bot.channels.signal_setup import trust_findings  # noqa: PLC0415 - see above

        with suppress(DeliveryError):
            return not await trust_findings(told.service, told.number)
        return None

    return ask


def findings(settings: Settings, knowledge: Knowledge, now: Callable[[], datetime]) -> list[str]:
    """Ask each messenger what is missing or changed there; return it, a sentence each."""
    return asyncio.run(_asked(settings, knowledge, now))


async def _asked(settings: Settings, knowledge: Knowledge, now: Callable[[], datetime]) -> list[str]:
    found: list[str] = []
    if settings.telegram:
        found += await _of_telegram(settings.telegram, knowledge, now)
    if settings.signal:
        from bot.channels.signal_setup import findings as of_signal  # noqa: PLC0415 - see above

        found += [f"signal: {one}" for one in await of_signal(settings.signal.service, settings.signal.number)]
    return found


async def _of_telegram(told: Telegram, knowledge: Knowledge, now: Callable[[], datetime]) -> Sequence[str]:
    from bot.channels.telegram import Telegram as Channel  # noqa: PLC0415 - see above

    account = Channel(told.token, now, told.api)
    try:
        async with asyncio.timeout(ASKED_FOR):
            return await account.differences(looks(knowledge))
    except BotError as error:
        return [str(error)]
    except TimeoutError:
        return ["telegram: no answer"]
    finally:
        await account.close()
