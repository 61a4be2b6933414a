"""Hears what Signal's server tells, and never goes deaf: one task only reads, another takes what waits.

The server keeps nothing for us: a frame that finds nobody at the socket is lost. So the socket is opened again on any
close, and nothing but reading stands between it and the queue.

When the queue is full, reading goes on, for the next frame may be somebody's cry for help: what would be kept out
anyway, since so many write, is dropped then and counted, and nothing else. Only when those who can't be dropped fill
as much again as is left for them does the server wait for us.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from bot import clock
from bot.channels.base import Ears
from bot.channels.signal_frames import NAME, Heard
from bot.channels.signal_queue import Frames, Raw
from bot.channels.signal_service import Service, Socket
from bot.conversation.model import Sender
from bot.errors import DeliveryError
from bot.logs import LARGEST_NUMBER, Event, event

JITTER = 0.5  # of a wait

Decode = Callable[[Raw], Heard | None]  # called once for each frame, twice if the queue was full then; never raises
Take = Callable[[Sequence[Heard]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds, and how much waits."""

    first_retry: float = 0.1  # after a close; it doubles until the last
    last_retry: float = 2.0
    deaf_after: float = 5.0  # then an operator hears of it
    ping_every: float = 10.0
    silent_for: float = 30.0  # no sign of life for so long: the line is dead, whatever it looks like
    answer: float = 30.0
    repeat: float = 0.5  # before a batch that failed is taken again; it doubles until the longest
    longest_repeat: float = 10.0
    last_words: float = 5.0  # when we are stopped: for what was heard and not yet taken
    sweep_every: float = 3600.0
    waiting: int = 30_000  # frames, some 20 MB: what ten seconds of 2,000 bring, and more
    spared: int = 10_000  # as many more, of those that would be heard now
    batch: int = 100
    handful: int = 100  # frames read before anything else has a turn


@dataclass(slots=True)
class Hearing:
    """Hears one number's frames. `alarm`: told "deaf" and "full", once each time it happens."""

    service: Service
    number: str
    decode: Decode
    patience: Patience
    alarm: Callable[[str], None]
    ears: Ears = field(default_factory=Ears)
    _queue: Frames = field(init=False)
    _batch: list[Heard] = field(default_factory=list, repr=False)  # being taken
    _held: Raw = field(default="", repr=False)  # read, and waiting for room in the queue
    _full: bool = False
    _dropped: int = 0  # messages, since an operator was told of any
    _deaf: bool = False
    _connected: bool = False
    _retry: float = field(init=False)  # seconds
    _timer: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        most = self.patience.waiting + self.patience.spared
        self._queue = Frames(most, self.ears.hurries, lambda address: self.ears.presses(Sender(NAME, address)))
        self._retry = self.patience.first_retry

    async def listen(self, take: Take) -> None:
        """Hear until cancelled; what was heard by then is taken before this returns.

        `take` raises if nothing of what it was given was kept: it is given the same again.
        """
        self._lost()
        reader = asyncio.create_task(self._read(), name="signal reader")
        try:
            while True:
                await self._next_batch()
                await self._insist(take)
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            self._hush()
            await self._take_rest(take)
            self._subsided()

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────

    async def _read(self) -> None:
        """Read for ever: whatever ends a connection, another one is opened."""
        while True:
            try:
                await self._read_once()
            except DeliveryError:
                pass
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody would hear the people if this ended
                event(Event.FAULT, error=error)
            self._lost()
            await asyncio.sleep(self._retry * (1 - JITTER * clock.fraction()))
            self._retry = min(self._retry * 2, self.patience.last_retry)

    async def _read_once(self) -> None:
        async with self.service.listen(self.number) as socket, self._kept_alive(socket) as alive:
            self._found()
            frames = 0
            while (frame := await socket.next()) is not None:
                alive()
                if frame and self._is_wanted(frame):
                    self._held = frame
                    await self._queue.put(frame)
                    self._held = ""
                    alive()  # while we let the server wait, its silence means nothing
                frames += 1
                if frames % self.patience.handful == 0:
                    await asyncio.sleep(0)  # whoever answers people has a turn, however many frames are there

    def _is_wanted(self, frame: Raw) -> bool:
        """Whether a frame has to wait its turn; what is no message for us is dealt with when it is looked at."""
        if self._queue.qsize() < self.patience.waiting:
            return True
        self._overflowing()
        heard = self.decode(frame)
        spared = heard is not None and self.ears.spares(heard.message)
        self._dropped += heard is not None and not spared
        return spared

    @asynccontextmanager
    async def _kept_alive(self, socket: Socket) -> AsyncIterator[Callable[[], None]]:
        """Give what is to be called at every sign of life; without one for long, close the socket.

        Pings are counted, not seconds: when the whole machine has stood still, what came meanwhile is still read.
        """
        unanswered = 0

        def alive() -> None:
            nonlocal unanswered
            unanswered = 0

        async def watch() -> None:
            nonlocal unanswered
            with suppress(OSError, RuntimeError):  # closed meanwhile: the reader sees it too
                while self._queue.full() or unanswered * self.patience.ping_every < self.patience.silent_for:
                    await socket.ping()
                    await asyncio.sleep(self.patience.ping_every)
                    unanswered += 1
            await socket.close()

        watching = asyncio.create_task(watch(), name="signal pings")
        try:
            yield alive
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    # ── what an operator hears ─────────────────────────────────────────────────────────────────────────

    def _found(self) -> None:
        self._hush()
        if self._deaf or not self._connected:
            event(Event.CHANNEL_UP, channel=NAME)
        self._connected, self._deaf = True, False
        self._retry = self.patience.first_retry  # a server that lets us in is there: every moment away loses words

    def _lost(self) -> None:
        if self._timer is None and not self._deaf:
            self._timer = asyncio.get_running_loop().call_later(self.patience.deaf_after, self._gone_deaf)

    def _hush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _gone_deaf(self) -> None:
        self._timer, self._deaf = None, True
        event(Event.CHANNEL_DEAF, channel=NAME)
        self.alarm("deaf")

    def _overflowing(self) -> None:
        if not self._full:
            self._full = True
            event(Event.CHANNEL_FULL, channel=NAME)
            self.alarm("full")

    def _subsided(self) -> None:
        self._full = False
        if self._dropped:
            event(Event.MESSAGES_DROPPED, channel=NAME, rows=min(self._dropped, LARGEST_NUMBER))
        self._dropped = 0

    # ── taking ─────────────────────────────────────────────────────────────────────────────────────────

    async def _next_batch(self) -> None:
        self._add(await self._queue.get())
        self._fill()

    def _add(self, frame: Raw) -> None:
        heard = self.decode(frame)
        if heard is not None:
            self._batch.append(heard)

    def _fill(self) -> None:
        for _ in range(min(self.patience.batch - len(self._batch), self._queue.qsize())):
            self._add(self._queue.get_nowait())
        if self._full and self._queue.qsize() < self.patience.waiting // 2:
            self._subsided()

    async def _insist(self, take: Take) -> None:
        """Take the batch, however often it must be tried."""
        wait = self.patience.repeat
        while not await self._taken(take):
            await asyncio.sleep(wait)
            wait = min(wait * 2, self.patience.longest_repeat)

    async def _taken(self, take: Take) -> bool:
        try:
            if self._batch:
                await take(self._batch)
        except Exception as error:  # noqa: BLE001 - whatever it was: nothing was kept, so these frames are taken again
            event(Event.TURN_FAILED, error=error)
            return False
        self._batch.clear()
        return True

    async def _take_rest(self, take: Take) -> None:
        """Take what was heard and not yet taken, for so long as we are given."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.patience.last_words):
                self._fill_last()
                while (self._batch or not self._queue.empty()) and await self._taken(take):
                    self._fill_last()

    def _fill_last(self) -> None:
        self._fill()
        if self._held and not self._queue.full():
            self._queue.put_nowait(self._held)
            self._held = ""
