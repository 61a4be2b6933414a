"""People on Telegram: the only file that knows python-telegram-bot, which carries every call to it.

Hearing is our own, since the library's Updater loses what a stopped process had fetched. Its calls go over a session of
ours, and its errors become ours here: without the description, and without the address, which holds the token.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from telegram import Bot
from telegram.error import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    TelegramError,
    TimedOut,
)
from telegram.request import BaseRequest, RequestData

from bot.channels.base import Arrived, Outgoing, TakeTurns
from bot.channels.telegram_answers import read_answer
from bot.channels.telegram_http import Http, NoAnswer, NotSent
from bot.channels.telegram_later import Later
from bot.channels.telegram_looks import Looks, compare, watch
from bot.channels.telegram_polling import (
    HOLD,
    REFUSED,
    Line,
    OtherPoller,
    Params,
    Polling,
    TokenRefused,
    Waits,
    nobody_else,
)
from bot.channels.telegram_sending import Sending
from bot.channels.telegram_updates import NAME, WANTED
from bot.channels.telegram_webhook import Webhook
from bot.conversation.model import Sender
from bot.errors import DeliveryError, Undeliverable, Unplaced, Unreachable, UnsureDelivery

API = "https://api.telegram.org"
A_DAY = 86400.0  # seconds: the longest wait that makes sense
PER_SECOND = 30.0  # messages that Telegram takes from one bot
SILENCE = 20.0  # seconds without a byte after which an answer is no longer expected
LAST_SECONDS = 1.0  # for what nobody waits for, when we stop
_GONE = ("chat not found", "user is deactivated", "peer_id_invalid")

logging.getLogger("telegram").setLevel(logging.WARNING)  # below, it tells the token and whatever is said


class _TooMany(TelegramError):  # noqa: N818 - named by what Telegram says
    """Telegram asks to wait. The library's own class warns of its next version whenever it is used."""

    def __init__(self, seconds: float) -> None:
        super().__init__("")
        self.seconds = seconds


class _Wire(BaseRequest):
    """Carries the library's calls."""

    __slots__ = ("_http",)

    def __init__(self, http: Http) -> None:
        self._http = http

    @property
    def read_timeout(self) -> float:
        """Seconds of silence."""
        return SILENCE

    async def initialize(self) -> None:
        """Nothing to do: the session opens with the first call."""

    async def shutdown(self) -> None:
        """Nothing to do: the session is closed by whoever listens."""

    async def do_request(
        self,
        url: str,
        method: str,  # noqa: ARG002 - a GET would fetch files
        *_: object,
        **told: object,
    ) -> tuple[int, bytes]:
        """Make one call."""
        content = told.get("request_data")
        body = content.json_payload if isinstance(content, RequestData) else b"{}"
        silence = told.get("read_timeout")
        failure: TelegramError = TimedOut()
        try:
            status, answer = await self._http.post(url, body, silence if isinstance(silence, float) else SILENCE)
        except NotSent:
            failure = NetworkError("")
        except NoAnswer:
            pass
        else:
            if status != _TOO_MANY:
                return status, answer
            failure = _TooMany(_seconds(self.parse_json_payload(answer)))
        raise failure

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Return an answer; the library would log one that it can't read."""
        told = read_answer(payload)
        return told if isinstance(told, dict) else {}


_TOO_MANY = 429


def _seconds(told: Mapping[str, Any]) -> float:
    parameters = told.get("parameters")
    seconds = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return float(min(seconds, A_DAY)) if isinstance(seconds, int | float) and seconds > 0 else 1.0


class _Api(Bot):
    """The library's calls, as plain as they come."""

    __slots__ = ()

    @classmethod
    def _warn(cls, *_: object, **__: object) -> None:
        """Say nothing of methods that could be called in a nicer, slower way."""

    def __repr__(self) -> str:
        return "<the Bot API>"


@dataclass(eq=False)
class Telegram:
    """The channel. With a webhook Telegram posts to us, else we ask it.

    `per_second` and `pause`: its limits, for all and for one person; `hold`: seconds that it may hold a question for
    updates; `waits`: how long we wait before trying again.
    """

    token: str = field(repr=False)
    now: Callable[[], datetime]  # aware
    api: str = API
    webhook: Webhook | None = None
    looks: Looks | None = None
    per_second: float = PER_SECOND
    pause: float = 1.0
    at_once: int = 16
    hold: int = HOLD
    waits: Waits = field(default_factory=Waits)
    alarm: Callable[[str], None] = lambda _kind: None
    turn: Callable[[], Awaitable[None]] = nobody_else  # returns once it is this process that asks for updates

    name = NAME
    repeats_questions = True
    has_buttons = True
    notifies = True

    def __post_init__(self) -> None:
        self._http = Http()
        wire = _Wire(self._http)
        try:
            self._api = _Api(self.token, f"{self.api}/bot", request=wire, get_updates_request=wire)
        except InvalidToken:
            raise Unplaced("telegram.token_file: there is no token") from None
        self._later = Later()
        self._sending = Sending(self.ask, self._later, self.per_second, self.pause)

    @property
    def redelivers(self) -> bool:
        """A webhook is answered after the commit, and then the answer may get lost."""
        return self.webhook is not None

    # ── hearing ────────────────────────────────────────────────────────────────────────────────────────

    async def listen(self, take_turns: TakeTurns) -> None:
        """Hear until cancelled.

        Raises SettingsError: the token is refused, or the webhook's endpoint can't be.
        """
        self._http.open()
        watching = asyncio.create_task(watch(self.ask, self.looks, self.alarm), name="looks")
        line = Line(self.waits, self.alarm)
        try:
            await (self._serve(line, take_turns) if self.webhook else self._poll(line, take_turns))
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self._later.finish(LAST_SECONDS)
            await self.close()

    async def close(self) -> None:
        """Close the connections; what still is called afterwards opens its own."""
        await self._http.close()

    async def _poll(self, line: Line, take_turns: TakeTurns) -> None:
        queue = f"{NAME} {self.token.partition(':')[0]}"  # the bot's id
        take = partial(self._sending.taps.take, take_turns=take_turns, queue=queue)
        await Polling(self.ask, take, line, self.now, self.hold, self.turn).run()

    async def _serve(self, line: Line, take_turns: TakeTurns) -> None:
        webhook = self.webhook
        if webhook is None:
            return
        from bot.channels.telegram_hook import Hook  # noqa: PLC0415 - loads a web server, which who asks never needs

        told = {"url": webhook.url, "secret_token": webhook.secret, "allowed_updates": WANTED}
        async with Hook(webhook, partial(self._sending.taps.take, take_turns=take_turns)).serving():
            await line.insist(lambda: self.ask("setWebhook", told))
            await asyncio.Event().wait()

    # ── saying ─────────────────────────────────────────────────────────────────────────────────────────

    async def send(self, outgoing: Outgoing) -> Arrived:
        """Say something; a long text in several messages, or in none if one of them fails."""
        return await self._sending.send(outgoing)

    async def clear(self, sender: Sender, ids: tuple[str, ...]) -> None:
        """Delete messages for both sides, as far as Telegram lets us: none that are two days old."""
        await self._sending.clear(sender, ids)

    # ── the account ────────────────────────────────────────────────────────────────────────────────────

    async def differences(self, expected: Looks) -> list[str]:
        """Return in what the bot doesn't look as expected, a sentence each. Raises DeliveryError, SettingsError."""
        try:
            return [str(one) for one in await compare(self.ask, expected)]
        except TokenRefused:
            raise Unplaced(REFUSED) from None

    async def ask(self, method: str, params: Params, *, patience: float = 0.0) -> object:
        """Call a method of the Bot API; return the result as it stands. Raises DeliveryError, or one of its kinds."""
        try:
            result: object = await self._api.do_api_request(
                method, api_kwargs=dict(params), read_timeout=SILENCE + patience
            )
        except TelegramError as error:
            failure = _meaning(error)
        except Exception:  # noqa: BLE001 - an answer that the library stumbles over
            failure = UnsureDelivery("telegram: an answer that can't be read")
        else:
            return result
        raise failure  # here, so that it carries nothing of the other, which may tell the address


_MEANINGS: Sequence[tuple[type[TelegramError], type[DeliveryError], str]] = (
    (Forbidden, Unreachable, "the person has blocked the bot, or is gone"),
    (BadRequest, Undeliverable, "refused as it is"),  # before NetworkError, of which it is one, as the next
    (TimedOut, UnsureDelivery, "no answer"),
    (InvalidToken, TokenRefused, "the token is refused"),
    (Conflict, OtherPoller, "somebody else asks for our updates"),
    (NetworkError, DeliveryError, "out of reach"),
    (TelegramError, UnsureDelivery, "an answer that can't be read"),
)


def _meaning(error: TelegramError) -> DeliveryError:
    if isinstance(error, _TooMany):
        return DeliveryError("telegram: too many messages", retry_after=error.seconds)
    if isinstance(error, BadRequest) and any(gone in error.message.lower() for gone in _GONE):
        return Unreachable("telegram: there is no such person any more")
    ours, told = next((ours, told) for theirs, ours, told in _MEANINGS if isinstance(error, theirs))
    return ours(f"telegram: {told}")
