"""Words to people: sent in parts where they are long, edited when they are answered, deleted when they must go."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from bot.channels.base import Arrived, Outgoing
from bot.channels.pace import Lane, Pace
from bot.channels.telegram_buttons import Button, buttons_for, markup
from bot.channels.telegram_later import Edits, Later, Place, View
from bot.channels.telegram_polling import Ask
from bot.channels.telegram_taps import Taps
from bot.channels.telegram_text import parts
from bot.channels.telegram_updates import ARRIVES, LATEST
from bot.conversation.model import Sender
from bot.errors import DeliveryError, Undeliverable, Unreachable, UnsureDelivery

DELETED_AT_ONCE = 100  # Telegram's most

_NO_PREVIEW = {"is_disabled": True}  # else Telegram opens the links that we send


@dataclass(slots=True)
class Sending:
    """What goes to people. `per_second` and `pause`: the limits, for all and for one person."""

    ask: Ask
    later: Later
    per_second: float
    pause: float
    taps: Taps = field(init=False)
    _pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self._pace = Pace(self.per_second)
        edits = Edits(self.later, partial(self._pace.turn, Lane.LATER), self._edit)
        self.taps = Taps(self.later, edits, self._answer, self._leave)

    async def send(self, outgoing: Outgoing) -> Arrived:
        """Say something: a long text in several messages, or in none if one of them fails."""
        buttons, texts = buttons_for(outgoing), parts(outgoing.spoken.text)
        ids: list[str] = []
        try:
            for text in texts[:-1]:
                ids.append((await self._say(outgoing, text, ()))[0])
                await asyncio.sleep(self.pause)
            last, at = await self._say(outgoing, texts[-1], buttons)
        except DeliveryError as error:
            if isinstance(error, UnsureDelivery):
                error.whole = len(texts) == 1
            if ids:
                self.later.do(self.clear(outgoing.sender, tuple(ids)))  # they will be said again
            raise
        if buttons and outgoing.say.question:
            self.taps.asked(Place(outgoing.sender.address, int(last)), outgoing.say.question)
        return Arrived(at, (*ids, last))

    async def clear(self, sender: Sender, ids: tuple[str, ...]) -> None:
        """Delete messages for both sides, as far as Telegram lets us: none that are two days old."""
        messages = dict.fromkeys(one.partition("/")[0] for one in ids)  # an edit is its message
        numbers = [int(one) for one in messages if one.isascii() and one.isdigit()]
        for start in range(0, len(numbers), DELETED_AT_ONCE):
            await self._delete(sender.address, numbers[start : start + DELETED_AT_ONCE])

    async def _delete(self, chat: str, numbers: Sequence[int]) -> None:
        """Delete these; where one of them is refused, all the others."""
        await self._pace.turn(Lane.WORDS)
        try:
            await self.ask("deleteMessages", {"chat_id": chat, "message_ids": numbers})
        except Unreachable:
            raise
        except Undeliverable:
            half = len(numbers) // 2
            for some in (numbers[:half], numbers[half:]) if half else ():
                await self._delete(chat, some)

    async def _say(self, outgoing: Outgoing, text: str, buttons: Collection[Button]) -> tuple[str, datetime]:
        """Send one message; return its id, and when it had arrived."""
        message = {
            "chat_id": outgoing.sender.address,
            "text": text,
            "protect_content": not outgoing.spoken.copyable,
            "link_preview_options": _NO_PREVIEW,
            "reply_markup": markup(buttons) if buttons else None,
        }
        await self._pace.turn(Lane.URGENT if outgoing.urgent else Lane.WORDS)
        match await self.ask("sendMessage", message):
            case {"message_id": int(number), "date": int(date)} if 0 <= date < LATEST:
                return str(number), datetime.fromtimestamp(date, UTC) + ARRIVES
        raise UnsureDelivery("telegram: an answer that can't be read")

    async def _edit(self, place: Place, view: View) -> None:
        where = {"chat_id": place.chat, "message_id": place.message}
        if view.text:
            with suppress(Undeliverable):
                await self.ask("editMessageText", {**where, "text": view.text, "link_preview_options": _NO_PREVIEW})
                return
        await self.ask("editMessageReplyMarkup", {**where, "reply_markup": markup(view.buttons, view.marked)})

    async def _answer(self, query: str) -> None:
        await self.ask("answerCallbackQuery", {"callback_query_id": query})

    async def _leave(self, chat: int) -> None:
        await self.ask("leaveChat", {"chat_id": chat})
