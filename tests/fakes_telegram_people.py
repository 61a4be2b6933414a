"""The people of a Telegram that runs in the tests: what they do, without any HTTP, and what they see in their chat.

ana = server.person(language_code="es")
ana.writes("/start")
question = await ana.hears("How are you?")
ana.taps("Safe")
"""

import re
from typing import Any

from fakes_telegram_chats import PATIENCE, Chat, Shown, Tap, World
from fakes_telegram_queue import Json

FILE: Json = {"file_id": "AgACAgEAAxk", "file_unique_id": "AQADxk", "file_size": 2048}
MEDIA: dict[str, Any] = {
    "photo": [{**FILE, "width": 90, "height": 60}, {**FILE, "width": 1280, "height": 853}],
    "voice": {**FILE, "duration": 7, "mime_type": "audio/ogg"},
    "audio": {**FILE, "duration": 180, "title": "Song"},
    "video": {**FILE, "width": 640, "height": 360, "duration": 9},
    "video_note": {**FILE, "length": 240, "duration": 9},
    "animation": {**FILE, "width": 320, "height": 240, "duration": 2},
    "document": {**FILE, "file_name": "scan.pdf", "mime_type": "application/pdf"},
    "sticker": {**FILE, "type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False},
    "location": {"latitude": 17.06, "longitude": -96.72},
    "contact": {"phone_number": "+15555550100", "first_name": "Someone"},
    "dice": {"emoji": "🎲", "value": 4},
    "poll": {
        "id": "5321",
        "question": "Which?",
        "type": "regular",
        "total_voter_count": 0,
        "is_closed": False,
        "is_anonymous": True,
        "allows_multiple_answers": False,
        "allows_revoting": True,
        "members_only": False,
        "options": [{"persistent_id": str(n), "text": f"Option {n}", "voter_count": 0} for n in (1, 2)],
    },
}


class Person(Chat):
    """Somebody who talks with the bot in private."""

    def __init__(self, world: World, person_id: int, first_name: str, language_code: str) -> None:
        super().__init__(world, {"id": person_id, "type": "private", "first_name": first_name})
        self.user: Json = {"id": person_id, "is_bot": False, "first_name": first_name}
        self.language_code = language_code

    @property
    def language_code(self) -> str:
        return str(self.user.get("language_code", ""))

    @language_code.setter
    def language_code(self, code: str) -> None:
        rest = {name: value for name, value in self.user.items() if name != "language_code"}
        self.user = rest | {"language_code": code} if code else rest

    def writes(self, text: str, **more: Any) -> Shown:  # noqa: ANN401 - whatever else the message has
        """Send a text. `more` goes into the message, such as reply_to_message."""
        command = re.match(r"/\w+", text)
        if command:
            more["entities"] = [{"type": "bot_command", "offset": 0, "length": command.end()}]
        return self._sends({"text": text} | more)

    def sends(self, kind: str, content: object = None, **more: Any) -> Shown:  # noqa: ANN401 - the same
        """Send something else: a kind of MEDIA, or any with its content. `more`, for one a caption."""
        return self._sends({kind: MEDIA[kind] if content is None else content, **more})

    def edits(self, message: Shown, text: str) -> None:
        """Change a text that was sent."""
        message.wire = message.wire | {"text": text, "edit_date": self.date()}
        self.world.updates.happens("edited_message", message.wire)

    def taps(self, which: str | int, **more: Any) -> Tap:  # noqa: ANN401 - whatever else the query has
        """Tap a button of the newest message that has any: see Shown.button."""
        for shown in reversed(self.messages):
            if shown.buttons:
                return self.taps_old(shown, which, **more)
        raise AssertionError(f"chat {self.id} has no message with buttons")

    def taps_old(self, message: Shown, which: str | int = 1, **more: Any) -> Tap:  # noqa: ANN401 - the same
        """Tap a button of any message, even where a slow phone still shows buttons that are gone."""
        there = message if message.buttons else Shown(message.first, message.first)
        tap = Tap(str(self.id * 100_000 + len(self.world.taps)), self, self.world.time())
        self.world.taps[tap.id] = tap
        gone = {"message_id": message.id, "chat": self.wire, "date": 0}
        query = {"id": tap.id, "from": self.user, "message": gone if message.deleted else message.wire}
        query |= {"chat_instance": self.instance, "data": there.button(which)["callback_data"]}
        self.world.updates.happens("callback_query", query | more)
        return tap

    async def answered(self, tap: Tap, within: float = PATIENCE) -> Json:
        """Wait until the spinner of a button ends; return what the bot showed."""
        await self.sees(lambda _: tap.answer is not None, within)
        return tap.answer or {}

    def deletes(self, message: Shown) -> None:
        """Delete a message for both sides; Telegram does not tell the bot."""
        message.deleted = True

    def blocks(self) -> None:
        self._member(self.user, "kicked")

    def unblocks(self) -> None:
        self._member(self.user, "member")

    def vanishes(self) -> None:
        """Delete the account; the bot is not told."""
        self.status = "gone"

    def _sends(self, content: Json) -> Shown:
        assert self.status == "member", "somebody who blocked the bot can't write to it"
        shown = self.keep(content, self.user)
        self.world.updates.happens("message", shown.wire)
        return shown


class Group(Chat):
    """A group, supergroup or channel."""

    def joins(self, by: Person) -> None:
        """Somebody adds the bot."""
        self._member(by.user, "administrator" if self.wire["type"] == "channel" else "member")

    def leaves(self) -> None:
        """The bot goes."""
        self._member(self.world.bot_user, "left")

    def writes(self, text: str, by: Person) -> Shown:
        """Somebody writes something; in a channel it is the channel that speaks."""
        channel = self.wire["type"] == "channel"
        shown = self.keep({"text": text}, None if channel else by.user)
        self.world.updates.happens("channel_post" if channel else "message", shown.wire)
        return shown
