"""What a channel is: a way to hear a person and to answer. Each channel's library is known to its own file alone."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.conversation.model import Message, Say, Sender, Spoken

# Takes the turns of these messages, in order; returns once they are committed: only then are they acknowledged.
# A message that can't be taken is set aside alone; whatever it raises, nothing of these messages was kept.
# What it returns was kept out, for too many write: nobody has read it.
TakeTurns = Callable[[Sequence[Message]], Awaitable[Collection[Message] | None]]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to a person."""

    sender: Sender
    spoken: Spoken = field(repr=False)
    say: Say
    urgent: bool = False  # a person in level 1 or 2: goes first where the platform makes us wait


@dataclass(frozen=True, slots=True)
class Arrived:
    """When a message arrived, by the clock that dates the person's own, and what can be cleared later."""

    at: datetime
    ids: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Ears:
    """Who goes before others where more is written than can be taken at once. Without them nobody does.

    `hurries`: whether a text, alone in a message, is a cry for help or a wish to be forgotten; `presses`: whether all
    that this person writes goes first, for they are in danger, or an officer; `spares`: whether a message waits its
    turn however many wait, since it would be heard: the others may be dropped then.
    """

    hurries: Callable[[str], bool] = lambda _text: False
    presses: Callable[[Sender], bool] = lambda _sender: False
    spares: Callable[[Message], bool] = lambda _message: True


class Channel(Protocol):
    """One way to hear and to answer."""

    @property
    def name(self) -> str:
        """The channel's name in senders, settings and logs."""

    @property
    def redelivers(self) -> bool:
        """Whether one message may come twice without a place in a queue, so that its id must be remembered."""

    @property
    def repeats_questions(self) -> bool:
        """Whether a question that may not have arrived is sent once more; else it is put when the person writes."""

    @property
    def has_buttons(self) -> bool:
        """Whether choices are shown as buttons."""

    @property
    def notifies(self) -> bool:
        """Whether the beginning of a message may show on a locked screen."""

    @property
    def at_once(self) -> int:
        """How many messages it takes at the same time; the rest wait in the outbox, the urgent ones first."""

    @property
    def pause(self) -> float:
        """Seconds between two messages to one person."""

    async def listen(self, take_turns: TakeTurns) -> None:
        """Hear messages until cancelled, or until there will be no more.

        Raises BotError: the bot can't go on, in one line for the operator.
        """

    async def send(self, outgoing: Outgoing) -> Arrived:
        """Say something to a person; return when it arrived.

        Raises:
            Unreachable: nothing ever will arrive there: what waits for this person is dropped.
            Undeliverable: this message never will arrive.
            UnsureDelivery: it may have arrived, or not.
            DeliveryError: not this time; `retry_after` seconds where the platform said so.

        """

    async def clear(self, sender: Sender, ids: tuple[str, ...]) -> None:
        """Delete messages in the messenger, as far as it lets us. Raises as `send` does."""
