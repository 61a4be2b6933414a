"""Updates taken: turns first; then, once they are committed, what people see of it on their buttons.

A mark on a choice of several takes no turn. Whatever comes twice leads to the same marks.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from bot.channels.base import TakeTurns
from bot.channels.telegram_buttons import Press, marked_in, with_chosen
from bot.channels.telegram_later import Edits, Later, Place, View
from bot.channels.telegram_text import MOST, units
from bot.channels.telegram_updates import Heard, Ignored, Leave, Tapped, Unreadable, read
from bot.conversation.model import Message, Question
from bot.logs import Event, event

REMEMBERED = 10_000  # chats whose buttons are known; of the others the buttons themselves tell

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Waiting:
    """The last question of a chat, as it stands there."""

    place: Place
    serial: int
    first: int  # the message that put the same question first
    open: bool = True  # its buttons are still there


@dataclass(slots=True)
class _Batch:
    """What a batch of updates comes to."""

    messages: list[Message] = field(default_factory=list)
    marks: dict[Place, frozenset[int]] = field(default_factory=dict)
    views: dict[Place, View] = field(default_factory=dict)
    queries: list[str] = field(default_factory=list)
    chats: list[int] = field(default_factory=list)
    unreadable: int = 0


class Taps:
    """Takes batches of updates. `answer` ends a button's spinner, `leave` leaves a group."""

    def __init__(
        self,
        later: Later,
        edits: Edits,
        answer: Callable[[str], Coroutine[object, object, object]],
        leave: Callable[[int], Coroutine[object, object, object]],
    ) -> None:
        self._later = later
        self._edits = edits
        self._answer = answer
        self._leave = leave
        self._marks: dict[Place, frozenset[int]] = {}
        self._waiting: dict[str, Waiting] = {}

    async def take(
        self, updates: Sequence[object], take_turns: TakeTurns, *, queue: str = "", since: datetime | None = None
    ) -> None:
        """Take the turns of these updates. Whatever `take_turns` raises: nothing of them was kept.

        `queue` and `since` as in `read`.
        """
        batch = _Batch()
        for update in updates:
            self._sort(read(update, queue=queue, since=since), batch)
        self._reply(batch)
        if batch.messages:
            await take_turns(batch.messages)
        for place, marks in batch.marks.items():
            _remember(self._marks, place, marks)
        for place, view in batch.views.items():
            self._edits.want(place, view)

    def asked(self, place: Place, question: Question) -> None:
        """Remember the buttons that a chat has now; those of the question before go away."""
        before = self._waiting.get(place.chat)
        first = before.first if before and 0 < question.serial - before.serial <= question.copies else place.message
        _remember(self._waiting, place.chat, Waiting(place, question.serial, first))
        if before and before.open:
            self._edits.want(before.place, View())

    def _sort(self, heard: Heard, batch: _Batch) -> None:
        match heard:
            case Message():
                batch.messages.append(heard)
            case Tapped():
                self._tapped(heard, batch)
            case Leave(chat):
                batch.chats.append(chat)
            case Unreadable():
                batch.unreadable += 1
            case Ignored():
                pass

    def _reply(self, batch: _Batch) -> None:
        """Do at once what needs no turn."""
        for query in batch.queries:
            self._later.do(self._answer(query))
        for chat in batch.chats:
            self._later.do(self._leave(chat))
        if batch.unreadable:
            event(Event.UPDATE_SET_ASIDE, channel="telegram", rows=batch.unreadable)

    def _tapped(self, tapped: Tapped, batch: _Batch) -> None:
        batch.queries.append(tapped.query)
        place, press = Place(tapped.sender.address, tapped.message), tapped.press
        marked = batch.marks.get(place, self._marks.get(place, marked_in(tapped.buttons)))
        old = self._is_old(place, press)
        if press and press.marks is not None and not old:
            batch.marks[place] = marked = marked | {press.number or 0} if press.marks else marked - {press.number}
            batch.views[place] = View("", tapped.buttons, marked)
            return
        numbers = (*sorted(marked), *((press.number,) if press and press.number is not None else ()))
        batch.messages.append(tapped.taken(numbers, old=old))
        batch.views[place] = View() if old else View(_answered(tapped, numbers))
        self._closed(place)

    def _is_old(self, place: Place, press: Press | None) -> bool:
        """Whether these buttons are known to be older than the chat's last question, and no copy of it.

        Another talk counts its questions anew: what the button says may fit the waiting question by chance.
        """
        waiting = self._waiting.get(place.chat)
        return press is None or (waiting is not None and place.message < waiting.first)

    def _closed(self, place: Place) -> None:
        waiting = self._waiting.get(place.chat)
        if waiting and waiting.place == place:
            self._waiting[place.chat] = replace(waiting, open=False)


def _answered(tapped: Tapped, numbers: Sequence[int]) -> str:
    """Return the text that keeps the answer readable; "" where it doesn't fit: then the buttons just go."""
    text = with_chosen(tapped.text, tapped.buttons, numbers)
    return text if units(text) <= MOST else ""


def _remember(known: dict[Key, Value], key: Key, value: Value) -> None:
    """Keep `value` as the newest, and forget the oldest beyond what is remembered."""
    known.pop(key, None)
    known[key] = value
    if len(known) > REMEMBERED:
        del known[next(iter(known))]
