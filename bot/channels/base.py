"""What a channel is: a way to hear a person and to answer. Each channel's library is known to its own file alone."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from bot.conversation.model import Message, Say, Sender

TakeTurn = Callable[[Message], Awaitable[None]]  # returns once the turn is committed: only then is it acknowledged


class Channel(Protocol):
    """One way to hear and to answer."""

    @property
    def name(self) -> str:
        """The channel's name in senders, settings and logs."""

    @property
    def redelivers(self) -> bool:
        """Whether one message may come twice, so that its id must be remembered."""

    @property
    def repeats_questions(self) -> bool:
        """Whether a question that may not have arrived is sent again; else when the person writes again."""

    async def listen(self, take_turn: TakeTurn) -> None:
        """Hear messages until cancelled, or until there will be no more."""

    async def send(self, sender: Sender, text: str, say: Say) -> datetime:
        """Say `text` to a person; return when it arrived, by the clock that dates their messages.

        Raises:
            Undeliverable: it never will arrive.
            DeliveryError: not this time; `retry_after` seconds where the platform said so.

        """

    async def clear(self, sender: Sender, ids: tuple[str, ...]) -> None:
        """Delete messages in the messenger, as far as it lets us. Raises as `send` does."""
