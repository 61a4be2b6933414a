"""What a Telegram that runs in the tests keeps: its clock, and its chats with what was said there and how it looks."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fakes_telegram_queue import Found, Json, News, Updates

PATIENCE = 30.0


class World:
    """What Telegram keeps for one bot: its chats, its clock and what waits for it.

    `now` tells the time in seconds and may be replaced; `ahead` is added to it. While `ticking`, each message of a chat
    is dated a second later than the one before, at least: Telegram's dates are whole seconds.
    """

    def __init__(self, bot: Json, first_update: int) -> None:
        self.bot = bot
        self.bot_user = {name: bot[name] for name in ("id", "is_bot", "first_name", "username")}  # in messages
        self.updates = Updates(first_update)
        self.chats: dict[int, Chat] = {}
        self.taps: dict[str, Tap] = {}
        self.now: Callable[[], float] = time.time
        self.ahead = 0.0
        self.ticking = True
        self.last_message = 100

    def time(self) -> float:
        return self.now() + self.ahead


@dataclass(slots=True, eq=False)
class Shown:
    """A message of a chat. `wire` is how it stands now, `first` how it arrived."""

    wire: Json
    first: Json
    deleted: bool = False
    silent: bool = False
    params: Json = field(default_factory=dict)  # as the bot sent it

    @property
    def id(self) -> int:
        return int(self.wire["message_id"])

    @property
    def date(self) -> int:
        return int(self.wire["date"])

    @property
    def text(self) -> str:
        return str(self.wire.get("text", ""))

    @property
    def said(self) -> str:
        """The text as it arrived, before any edit."""
        return str(self.first.get("text", ""))

    @property
    def buttons(self) -> list[Json]:
        """The buttons now, row by row."""
        return [button for row in self.wire.get("reply_markup", {}).get("inline_keyboard", ()) for button in row]

    @property
    def labels(self) -> list[str]:
        return [str(button["text"]) for button in self.buttons]

    @property
    def offered(self) -> list[str]:
        """The labels of the buttons as it arrived."""
        return [str(b["text"]) for row in self.first.get("reply_markup", {}).get("inline_keyboard", ()) for b in row]

    @property
    def protected(self) -> bool:
        return bool(self.wire.get("has_protected_content"))

    @property
    def by_bot(self) -> bool:
        return bool(self.wire.get("from", {}).get("is_bot"))

    def button(self, which: str | int) -> Json:
        """A button by its label, a part of it, the number at its beginning, or its place from 1 on."""
        for fits in (_exactly, _partly) if isinstance(which, str) else (_numbered,):
            found = [button for button in self.buttons if fits(button["text"], which)]
            if found:
                return found[0]
        if isinstance(which, int) and 0 < which <= len(self.buttons):
            return self.buttons[which - 1]
        raise AssertionError(f"no button {which!r} among {self.labels} of {self.text!r}")


@dataclass(slots=True, eq=False)
class Tap:
    """A button that somebody tapped. `answer`: what the bot answered; None while its spinner turns."""

    id: str
    chat: "Chat"
    at: float
    answer: Json | None = None


class Chat:
    """A chat that the bot is in, with what was said there."""

    def __init__(self, world: World, wire: Json) -> None:
        self.world = world
        self.id = int(wire["id"])
        self.wire = wire
        self.status = "member"  # of the bot
        self.by_id: dict[int, Shown] = {}
        self.heard: list[Shown] = []  # whatever the bot said, in order, deleted or not
        self.news = News()
        self.instance = str(-7_000_000_000 - self.id)
        self._date = 0
        self._read = 0
        world.chats[self.id] = self

    @property
    def messages(self) -> list[Shown]:
        """The chat as it looks now."""
        return [shown for shown in self.by_id.values() if not shown.deleted]

    @property
    def last(self) -> Shown:
        """The last that was heard."""
        return self.heard[-1]

    def date(self) -> int:
        """The date of what happens now."""
        self._date = max(int(self.world.time()), self._date + self.world.ticking)
        return self._date

    def keep(self, content: Json, user: Json | None, **more: Any) -> Shown:  # noqa: ANN401 - fields of Shown
        """Add a message to the chat."""
        self.world.last_message += 1
        sender = {"sender_chat": self.wire} if user is None else {"from": user}
        wire = {"message_id": self.world.last_message, **sender, "chat": self.wire, "date": self.date(), **content}
        shown = self.by_id[self.world.last_message] = Shown(wire, dict(wire), **more)
        return shown

    def hear(self, content: Json, params: Json, *, silent: bool) -> Shown:
        """Get a message from the bot."""
        shown = self.keep(content, self.world.bot_user, params=params, silent=silent)
        self.heard.append(shown)
        self.news.tell()
        return shown

    async def hears(self, what: str | Callable[[Shown], object] = "", within: float = PATIENCE) -> Shown:
        """Read on, after what the last call returned, up to a message with these words, or of which `what` is true."""

        def found() -> Shown | None:
            for place in range(self._read, len(self.heard)):
                shown = self.heard[place]
                if what in shown.said if isinstance(what, str) else what(shown):
                    self._read = place + 1
                    return shown
            return None

        shown = await self._until(found, within, what)
        assert shown is not None
        return shown

    async def sees(self, true: Callable[[Any], object], within: float = PATIENCE) -> None:
        """Wait until something is true of this chat: it was changed, deleted, answered."""
        await self._until(lambda: true(self), within, true)

    async def _until(self, true: Callable[[], Found], within: float, what: object) -> Found:
        try:
            return await self.news.until(true, within)
        except TimeoutError:
            unread = [shown.said for shown in self.heard[self._read :]]
            raise AssertionError(f"chat {self.id} waited {within} s for {what!r}; unread: {unread}") from None

    def _member(self, user: Json, status: str) -> None:
        """The bot's place in this chat changed."""
        old, self.status = self.status, status
        change = {"chat": self.wire, "from": user, "date": self.date()}
        change["old_chat_member"] = _membership(self.world.bot_user, old)
        change["new_chat_member"] = _membership(self.world.bot_user, status)
        self.world.updates.happens("my_chat_member", change)
        self.news.tell()


def _exactly(label: str, which: str | int) -> bool:
    return label == which


def _partly(label: str, which: str | int) -> bool:
    return str(which) in label


def _numbered(label: str, which: str | int) -> bool:
    number = re.match(r"\W*(\d+)\b", label)
    return number is not None and int(number[1]) == which


def _membership(user: Json, status: str) -> Json:
    member: Json = {"user": user, "status": status}
    if status == "kicked":
        return member | {"until_date": 0}
    if status == "administrator":
        rights = ("can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats")
        more = ("can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users")
        stories = ("can_post_stories", "can_edit_stories", "can_delete_stories", "can_post_messages")
        return member | dict.fromkeys((*rights, *more, *stories), False)
    return member
