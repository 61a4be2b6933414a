"""Talks on Signal, through signalbot and a signal-cli-rest-api server in json-rpc mode.

The only file that knows signalbot, of which it uses what writes and asks. What signalbot does to hear isn't used: its
loop ends without a word on some closes, loses what it was working on, and prints what people wrote. Neither is its
`stop`, which ends the whole program's loop. Its HTTP session is replaced through a private attribute, and its requests
are models of a private module: hence the exact version.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from signalbot._client import SignalAPI
from signalbot._generated import (
    Receipt,
    ReceiptType,
    RemoteDeleteRequest,
    SendMessageResponse,
    SendMessageV2,
    TextMode,
    UpdateContactRequest,
)
from signalbot.client import ConnectionMode

from bot.channels.base import Arrived, Ears, Outgoing, TakeTurns
from bot.channels.signal_errands import Errands
from bot.channels.signal_failures import Failure, Operator, failed, missed
from bot.channels.signal_frames import NAME, Heard, Ignored, Trouble, moment, read_frame
from bot.channels.signal_hearing import Hearing, Patience
from bot.channels.signal_service import TOO_MANY, Service
from bot.channels.signal_session import Refused, Session
from bot.channels.signal_texts import parts
from bot.conversation.model import Kind, Message, Sender
from bot.errors import DeliveryError, UnsureDelivery
from bot.logs import Event, event

A_DAY = 86_400
REMEMBERED = 10_000  # people, each with a line in memory
AT_ONCE_HERE = timedelta(seconds=2)  # a message may be so long on its way to Signal's server
LONGEST_BEHIND = timedelta(hours=1)  # a clock that is further behind: its messages answer nothing
ALARM_EVERY = timedelta(minutes=10)  # of one kind; each time stands in the log
PATIENCE = Patience()
EARS = Ears()
SOON = 5.0  # seconds; the timer failed, the message goes without it next time

_EVENTS: Mapping[str, Event] = {
    Trouble.KEY_CHANGED: Event.KEY_CHANGED,
    Trouble.UNREADABLE: Event.UNREADABLE_HERE,
    Operator.CAPTCHA: Event.CAPTCHA_WANTED,
}


@dataclass(slots=True)
class _Known:
    """What is remembered of a person while the program runs."""

    behind: timedelta = LONGEST_BEHIND  # their clock, at most
    vanishes: int = 0  # seconds after which messages disappear with them
    timer_failed: bool = False
    begun: tuple[int, tuple[str, ...]] = (0, ())  # a message in parts, as a hash, and the ids of those that went


class Signal:
    """The bot's number on Signal.

    `service`: "host:port", or that with http:// or https://. `vanish_seconds`: the timer for disappearing messages
    that a first question sets. `receipts`: whether people see that a message was read. `alarm`: told in one word what
    an operator must look at: deaf, full, key_changed, unreadable, captcha.
    """

    name = NAME
    redelivers = True
    repeats_questions = False
    has_buttons = False
    notifies = True
    at_once = 16
    pause = 0.0

    def __init__(  # noqa: PLR0913 - what a number needs to be heard and to answer
        self,
        service: str,
        number: str,
        now: Callable[[], datetime],
        *,
        vanish_seconds: int = A_DAY,
        receipts: bool = True,
        alarm: Callable[[str], None] = lambda _kind: None,
        patience: Patience = PATIENCE,
        ears: Ears = EARS,
    ) -> None:
        """`now`: aware."""
        self.challenge_token = ""  # the newest; what a solved captcha is submitted with; a secret
        self._number, self._now, self._alarm = number, now, _unfailing(alarm)
        self._vanish = vanish_seconds
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._alarmed: dict[str, datetime] = {}
        self._service = Service(service, within=patience.answer)
        self._api = _api(self._service, number)
        self._ears = ears
        ours = replace(ears, spares=self._spared)
        self._hearing = Hearing(self._service, number, self._decode, patience, self._alarm, ours)
        self._errands = Errands(self._service, self._read if receipts else None, patience.repeat, patience.sweep_every)

    # ── hearing ────────────────────────────────────────────────────────────────────────────────────────

    async def listen(self, take_turns: TakeTurns) -> None:
        """Hear people until cancelled."""

        async def take(heard: Sequence[Heard]) -> None:
            kept_out = await take_turns([one.message for one in heard]) or ()
            self._taken(heard, {id(one) for one in kept_out})

        self._service.stay()
        errands = asyncio.create_task(self._errands.run(), name="signal errands")
        try:
            await self._hearing.listen(take)
        finally:
            errands.cancel()
            await asyncio.gather(errands, return_exceptions=True)
            await self._service.leave()

    def _decode(self, raw: str | bytes) -> Heard | None:
        """Read a frame, once; what isn't a message is dealt with here."""
        try:
            read = read_frame(raw, self._number, self._now())
        except Exception as error:  # noqa: BLE001 - a frame may not stop those after it
            event(Event.UPDATE_SET_ASIDE, error=error, channel=NAME)
            return None
        if isinstance(read, Heard):
            self._learn(read)
            return read
        if isinstance(read, Trouble):
            self._report(read)
            return None
        self._pass_over(read)
        return None

    def _spared(self, message: Message) -> bool:
        """Whether a message is kept however many wait; what can't be judged is."""
        try:
            return self._ears.spares(message)
        except Exception as error:  # noqa: BLE001 - nothing may end the hearing
            event(Event.FAULT, error=error)
            return True

    def _pass_over(self, ignored: Ignored) -> None:
        self._errands.delete(ignored.files)
        if ignored.bad:
            event(Event.UPDATE_SET_ASIDE, channel=NAME)

    def _taken(self, heard: Sequence[Heard], kept_out: Collection[int]) -> None:
        """Do what may only be done after the commit. `kept_out`: which messages nobody has read, by identity."""
        for one in heard:
            self._errands.delete(one.files)
            if one.message.kind is not Kind.DELETED and id(one.message) not in kept_out:
                self._errands.confirm(one.message)

    def _learn(self, heard: Heard) -> None:
        known = self._person(heard.message.sender.address)
        known.behind = min(known.behind, heard.behind)
        known.vanishes = known.vanishes if heard.vanishes is None else heard.vanishes

    def _person(self, address: str) -> _Known:
        known = self._known.setdefault(address, _Known())
        self._known.move_to_end(address)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known

    def _report(self, kind: str, code: int = 0) -> None:
        """Let an operator hear of it: each time in the log, now and then by alarm. `code`: of an HTTP answer."""
        event(_EVENTS[kind], channel=NAME, **({"code": code} if code else {}))  # type: ignore[arg-type]  # fields are of any type
        now, before = self._now(), self._alarmed.get(kind)
        if before is None or not timedelta(0) <= now - before < ALARM_EVERY:
            self._alarmed[kind] = now
            self._alarm(kind)

    # ── saying ─────────────────────────────────────────────────────────────────────────────────────────

    async def send(self, outgoing: Outgoing) -> Arrived:
        """Say something: as one message, or as several where it is longer than Signal carries in one."""
        address = outgoing.sender.address
        known = self._person(address)
        await self._set_timer(outgoing, known)
        texts = parts(outgoing.spoken.text)
        begun, ids = known.begun
        ids = ids if begun == hash(texts) else ()
        for text in texts[len(ids) :]:
            try:
                ids = (*ids, await self._say(address, text))
            except UnsureDelivery as error:
                error.whole = len(ids) + 1 == len(texts)
                raise
            known.begun = (hash(texts), ids)  # should the next part fail, this one isn't said again
        known.begun = (0, ())
        return Arrived(moment(int(ids[-1])) - _skew(known.behind) if ids else self._now(), ids)

    async def _set_timer(self, outgoing: Outgoing, known: _Known) -> None:
        """Let messages disappear from the first question on (codes and officers' words, too), unless they do so sooner.

        Where that fails the question waits once; an urgent one doesn't.
        """
        question = outgoing.say.question
        begins = outgoing.say.final or (question is not None and question.first)
        if not begins or known.begun[1] or 0 < known.vanishes <= self._vanish:
            return
        update = UpdateContactRequest(expiration_in_seconds=self._vanish, recipient=outgoing.sender.address)
        try:
            await self._api.contacts.update(update)
        except (Refused, DeliveryError):
            if not outgoing.urgent and not known.timer_failed:
                known.timer_failed = True
                raise DeliveryError("Signal: the timer could not be set", retry_after=SOON) from None
        known.timer_failed = False

    async def _say(self, address: str, text: str) -> str:
        """Send one message; return its id."""
        message = SendMessageV2(message=text, number=self._number, recipients=[address], text_mode=TextMode.NORMAL)
        try:
            answers = await self._api.messages.send(message)
        except Refused as refused:
            raise self._told(failed(refused.answer)) from None
        except ValueError:
            raise UnsureDelivery("Signal's server answered what we can't read") from None
        return self._sent(answers)

    def _sent(self, answers: Sequence[SendMessageResponse]) -> str:
        """Return the id of what was sent. Raises where it was not sent to the person."""
        for answer in answers:
            for one in answer.errors.recipients or () if answer.errors else ():
                raise self._told(missed(getattr(one.reason, "value", one.reason), 201))
            if answer.timestamp.isascii() and answer.timestamp.isdigit():
                return answer.timestamp
        raise UnsureDelivery("Signal's server answered without an id")

    def _told(self, failure: Failure) -> DeliveryError:
        """Let an operator hear of a failure that only they can mend, and return it."""
        if failure.tokens:
            self.challenge_token = failure.tokens[-1]
        if failure.operator:
            self._report(failure.operator, code=failure.code)
        return failure.error

    async def clear(self, sender: Sender, ids: tuple[str, ...]) -> None:
        """Delete messages of ours with the person too; one that can't be deleted any more is passed over."""
        for one in ids:
            if not (one.isascii() and one.isdigit()):
                continue
            request = RemoteDeleteRequest(recipient=sender.address, timestamp=int(one))
            try:
                with suppress(ValueError):  # deleted, and answered in another way
                    await self._api.messages.remote_delete(request)
            except Refused as refused:
                if refused.answer.status == TOO_MANY:
                    raise self._told(failed(refused.answer)) from None

    async def _read(self, address: str, timestamp: int) -> None:
        receipt = Receipt(receipt_type=ReceiptType.READ, recipient=address, timestamp=timestamp)
        with suppress(Refused):
            await self._api.receipts.send(receipt)


def _unfailing(alarm: Callable[[str], None]) -> Callable[[str], None]:
    """Return an alarm that stops nothing when it fails."""

    def tell(kind: str) -> None:
        try:
            alarm(kind)
        except Exception as error:  # noqa: BLE001 - hearing and sending go on
            event(Event.FAULT, error=error)

    return tell


def _skew(behind: timedelta) -> timedelta:
    """Return how far a clock is behind: the quickest of somebody's messages tells it, less what the way takes."""
    return behind if AT_ONCE_HERE < behind < LONGEST_BEHIND else timedelta(0)


def _api(service: Service, number: str) -> SignalAPI:
    """Return signalbot's client, asking through our service."""
    mode = ConnectionMode.HTTPS_ONLY if service.secure else ConnectionMode.HTTP_ONLY
    api = SignalAPI(service.host, number, download_attachments=False, connection_mode=mode)
    api._sessions._session = cast("Any", Session(service))  # noqa: SLF001 - signalbot offers no other way
    return api
