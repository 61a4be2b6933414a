"""How the bot looks in Telegram: its name, texts and menu per language, compared with what they should be.

Whoever holds the owner's account can change them: a difference is what an operator must hear of.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.channels.telegram_polling import Ask
from bot.channels.telegram_updates import NAME
from bot.errors import DeliveryError
from bot.logs import Event, event

HOUR = 3600.0  # seconds between two looks at the account
LOOK_AGAIN = 600.0  # after a look that failed

_PRIVATE = {"type": "all_private_chats"}
_CODE = re.compile(r"([a-z]{2})?")  # what Telegram takes for a language; "" is for all others


@dataclass(frozen=True, slots=True)
class Look:
    """How the bot looks to people whose app speaks one language."""

    language: str  # two letters; "" for everybody else
    name: str
    description: str
    short_description: str
    commands: tuple[tuple[str, str], ...]  # command and description, in the menu's order


@dataclass(frozen=True, slots=True)
class Looks:
    """How the bot looks, the default first. Languages that Telegram has no two letters for see the default."""

    each: tuple[Look, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """One thing to look at: how Telegram calls it, and how we do."""

    method: str  # behind "get" and "set"
    field: str
    told: str


_NAME = _Part("MyName", "name", "name")
_DESCRIPTION = _Part("MyDescription", "description", "description")
_SHORT = _Part("MyShortDescription", "short_description", "short description")
_COMMANDS = _Part("MyCommands", "commands", "commands")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that doesn't look as it should."""

    part: _Part
    language: str
    expected: object

    def __str__(self) -> str:
        whom = f"people whose app speaks {self.language}" if self.language else "everybody else"
        return f"telegram: not as configured: the bot's {self.part.told}, for {whom}"


async def compare(ask: Ask, looks: Looks) -> list[Difference]:
    """Return what doesn't look as it should. Raises DeliveryError."""
    return [
        Difference(part, look.language, expected)
        for look in looks.each
        if _CODE.fullmatch(look.language)
        for part, expected in _parts(look)
        if _told(part, await ask(f"get{part.method}", _asked(part, look.language))) != expected
    ]


async def correct(ask: Ask, differences: Sequence[Difference]) -> None:
    """Make everything look as it should, as far as it can be done.

    Raises DeliveryError: some of it could not; that of the last that failed.
    """
    failure: DeliveryError | None = None
    for one in differences:
        try:
            await ask(f"set{one.part.method}", {**_asked(one.part, one.language), one.part.field: one.expected})
        except DeliveryError as error:
            failure = error
    if failure is not None:
        raise failure


async def watch(ask: Ask, looks: Looks | None, alarm: Callable[[str], None]) -> None:
    """Make the bot look as it should; then tell, every hour, if somebody has changed it."""
    dressed = False
    while looks is not None:
        wait = HOUR
        try:
            found = await compare(ask, looks)
            if found:
                event(Event.ACCOUNT_CHANGED if dressed else Event.ACCOUNT_DRESSED, channel=NAME, findings=len(found))
            if found and dressed:
                alarm("account_changed")
            if not dressed:
                await correct(ask, found)
            dressed = True
        except DeliveryError as error:
            wait = max(LOOK_AGAIN, error.retry_after or 0.0)
        await asyncio.sleep(wait)


def _parts(look: Look) -> list[tuple[_Part, object]]:
    return [
        (_NAME, look.name),
        (_DESCRIPTION, look.description),
        (_SHORT, look.short_description),
        (_COMMANDS, [{"command": command, "description": description} for command, description in look.commands]),
    ]


def _asked(part: _Part, language: str) -> dict[str, object]:
    asked: dict[str, object] = {"scope": _PRIVATE} if part is _COMMANDS else {}
    return {**asked, "language_code": language} if language else asked


def _told(part: _Part, told: object) -> object:
    """Return what stands there now, in the form of what is expected."""
    if part is not _COMMANDS:
        return told.get(part.field) if isinstance(told, Mapping) else None
    rows = told if isinstance(told, list) else []
    return [
        {"command": row.get("command"), "description": row.get("description")} if isinstance(row, Mapping) else None
        for row in rows
    ]
