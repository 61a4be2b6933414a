"""What Telegram sends, read: one update becomes a message, a tap, a group to leave, or nothing.

Pure, and it trusts no field: what can't be read is a value like the rest, and no update makes it raise.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.channels.telegram_buttons import Button, Press, buttons_of, press
from bot.conversation.model import Kind, Message, Queued, Sender

NAME = "telegram"
WANTED = ("message", "edited_message", "callback_query", "my_chat_member")  # the updates that are asked for
LARGEST = 2**63 - 1  # of an id: what a database takes
LATEST = 2**33  # seconds: a date in the year 2242
NO_QUESTION = -1  # its serial: a tap that answers nothing, so that the right question is put
ARRIVES = timedelta(seconds=1)  # Telegram tells whole seconds: by the next one a message was there

_KINDS = {  # the first that a message has; a venue has a location too, an animation a document
    "photo": Kind.PHOTO,
    "voice": Kind.VOICE,
    "audio": Kind.VOICE,
    "video": Kind.VIDEO,
    "video_note": Kind.VIDEO,
    "animation": Kind.FILE,
    "document": Kind.FILE,
    "sticker": Kind.STICKER,
    "venue": Kind.LOCATION,
    "location": Kind.LOCATION,
    "contact": Kind.CONTACT,
}
_SERVICE = frozenset(  # what a chat tells of itself: nobody wrote it
    [
        "boost_added",
        "channel_chat_created",
        "chat_background_set",
        "chat_owner_changed",
        "chat_owner_left",
        "chat_shared",
        "checklist_tasks_added",
        "checklist_tasks_done",
        "connected_website",
        "delete_chat_photo",
        "direct_message_price_changed",
        "forum_topic_closed",
        "forum_topic_created",
        "forum_topic_edited",
        "forum_topic_reopened",
        "general_forum_topic_hidden",
        "general_forum_topic_unhidden",
        "gift",
        "gift_upgrade_sent",
        "giveaway_completed",
        "giveaway_created",
        "group_chat_created",
        "left_chat_member",
        "managed_bot_created",
        "message_auto_delete_timer_changed",
        "migrate_from_chat_id",
        "migrate_to_chat_id",
        "new_chat_members",
        "new_chat_photo",
        "new_chat_title",
        "paid_message_price_changed",
        "passport_data",
        "pinned_message",
        "proximity_alert_triggered",
        "refunded_payment",
        "successful_payment",
        "suggested_post_approval_failed",
        "suggested_post_approved",
        "suggested_post_declined",
        "suggested_post_paid",
        "suggested_post_refunded",
        "supergroup_chat_created",
        "unique_gift",
        "users_shared",
        "video_chat_ended",
        "video_chat_participants_invited",
        "video_chat_scheduled",
        "video_chat_started",
        "web_app_data",
        "write_access_allowed",
    ]
)
_THERE = frozenset({"creator", "administrator", "member", "restricted"})  # ways to be in a group
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing that anybody said to us."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An update that is not as Telegram's are."""


@dataclass(frozen=True, slots=True)
class Leave:
    """A group or channel that we were put into."""

    chat: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tapped:
    """A button was tapped. `press` None: it isn't one of ours, or of another version."""

    sender: Sender
    query: str = field(repr=False)
    message: int = field(repr=False)  # the one with the buttons
    at: datetime
    hint: str = ""
    queued: Queued | None = None
    press: Press | None = None
    text: str = field(default="", repr=False)  # of the message, as far as Telegram still knows it
    buttons: tuple[Button, ...] = field(default=(), repr=False)

    def taken(self, numbers: tuple[int, ...], *, old: bool = False) -> Message:
        """Return the message that this tap is, with `numbers` chosen. `old`: no question that waits is meant."""
        return Message(
            self.sender,
            f"tap/{self.query}",
            self.at,
            ", ".join(map(str, numbers)),
            Kind.TAP,
            self.hint,
            question=self.press.serial if self.press and not old else NO_QUESTION,
            queued=self.queued,
        )


Heard = Message | Tapped | Leave | Ignored | Unreadable


class _Odd(ValueError):  # noqa: N818 - it is caught here, and means a value
    """Something is missing, or of another type."""


def place_of(raw: object) -> int | None:
    """Return the id of an update: its place in the queue."""
    place = raw.get("update_id") if isinstance(raw, Mapping) else None
    return place if type(place) is int and 0 <= place < LARGEST else None


def read(raw: object, *, queue: str = "", since: datetime | None = None) -> Heard:
    """Return what an update is. Never raises.

    `queue`: the queue that its id is a place of; "": messages are known by their ids. `since`: when a tap can't have
    been before, since Telegram doesn't date them.
    """
    try:
        place = place_of(raw)
        if not isinstance(raw, Mapping) or place is None:
            return Unreadable()
        queued = Queued(queue, place) if queue else None
        if "message" in raw:
            return _message(_table(raw, "message"), queued)
        if "edited_message" in raw:
            return _edited(_table(raw, "edited_message"), queued)
        if "callback_query" in raw:
            return _tapped(_table(raw, "callback_query"), queued, since)
        return _member(_table(raw, "my_chat_member")) if "my_chat_member" in raw else Ignored()
    except _Odd:
        return Unreadable()


def _message(told: Mapping[str, object], queued: Queued | None) -> Heard:
    chat = _table(told, "chat")
    if chat.get("type") != "private":
        return Leave(_id(chat, "id"))
    if _by_a_bot(told) or not _SERVICE.isdisjoint(told):
        return Ignored()
    text = told.get("text")
    return Message(
        _sender(chat),
        str(_id(told, "message_id")),
        _when(told.get("date")),
        _unicode(text) if isinstance(text, str) else "",
        _kind(told),
        _hint(told),
        queued=queued,
        removable=True,
    )


def _edited(told: Mapping[str, object], queued: Queued | None) -> Heard:
    """Read an edit; a live location edits itself all the time, and captions aren't read."""
    chat = _table(told, "chat")
    if chat.get("type") != "private":
        return Leave(_id(chat, "id"))
    if _by_a_bot(told) or _kind(told) is not Kind.TEXT:
        return Ignored()
    number, at = _id(told, "message_id"), _when(told.get("edit_date"))
    return Message(
        _sender(chat),
        f"{number}/{int(at.timestamp())}",
        at,
        _unicode(_text(told, "text")),
        hint=_hint(told),
        edits=str(number),
        queued=queued,
        removable=True,
    )


def _tapped(told: Mapping[str, object], queued: Queued | None, since: datetime | None) -> Heard:
    query = _unicode(_text(told, "id"))
    if not isinstance(told.get("message"), Mapping):
        return Ignored()  # a button of a message that was sent through us, in a chat of others
    shown = _table(told, "message")
    chat = _table(shown, "chat")
    if chat.get("type") != "private":
        return Leave(_id(chat, "id"))
    text = shown.get("text")
    return Tapped(
        _sender(chat),
        query,
        _id(shown, "message_id"),
        _tapped_at(shown, since),
        _hint(told),
        queued,
        press(told.get("data")),
        _unicode(text) if isinstance(text, str) else "",
        buttons_of(shown.get("reply_markup")),
    )


def _tapped_at(shown: Mapping[str, object], since: datetime | None) -> datetime:
    """Return when the tap was at the earliest: buttons that were never seen aren't tapped."""
    at = _when(shown.get("date"), or_else=0) + ARRIVES  # 0: a message that Telegram has forgotten
    return max(at, since) if since else at


def _member(told: Mapping[str, object]) -> Heard:
    """Read what has become of our place in a chat: people may block us, but nobody puts us into a group."""
    chat, now = _table(told, "chat"), _table(told, "new_chat_member")
    if chat.get("type") == "private" or _text(now, "status") not in _THERE:
        return Ignored()
    return Leave(_id(chat, "id"))


def _by_a_bot(told: Mapping[str, object]) -> bool:
    author = told.get("from")
    return isinstance(author, Mapping) and bool(author.get("is_bot"))


def _kind(told: Mapping[str, object]) -> Kind:
    if isinstance(told.get("text"), str):
        return Kind.TEXT
    return next((kind for name, kind in _KINDS.items() if name in told), Kind.OTHER)


def _hint(told: Mapping[str, object]) -> str:
    """Return the language that the person's app speaks, if it says so."""
    author = told.get("from")
    tag = author.get("language_code") if isinstance(author, Mapping) else None
    return tag if isinstance(tag, str) and _TAG.fullmatch(tag) else ""


def _sender(chat: Mapping[str, object]) -> Sender:
    return Sender(NAME, str(_id(chat, "id")))


def _table(told: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = told.get(name)
    if not isinstance(value, Mapping):
        raise _Odd(name)
    return value


def _text(told: Mapping[str, object], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str):
        raise _Odd(name)
    return value


def _id(told: Mapping[str, object], name: str) -> int:
    value = told.get(name)
    if type(value) is not int or abs(value) > LARGEST:
        raise _Odd(name)
    return value


def _when(seconds: object, *, or_else: int | None = None) -> datetime:
    if type(seconds) is int and 0 <= seconds < LATEST:
        return datetime.fromtimestamp(seconds, UTC)
    if or_else is None:
        raise _Odd("date")
    return datetime.fromtimestamp(or_else, UTC)


def _unicode(text: str) -> str:
    """Return `text` without half characters, which nothing can send or store."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
