"""The methods of the Bot API that a bot of ours may call, on the chats of a Telegram that runs in the tests."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from fakes_telegram_chats import Chat, Shown, World
from fakes_telegram_people import Group
from fakes_telegram_queue import Hook, Json, Refusal

Params = Mapping[str, Any]
DELETABLE = 48 * 3600  # seconds
TAP_LIVES = 900  # seconds in which a tap can be answered
LIMITS = {"name": 64, "description": 512, "short_description": 120}
SAME = (
    "message is not modified: specified new message content and reply markup are exactly the same"
    " as a current content and reply markup of the message"
)
SCOPES = ('{"type":"all_private_chats"}', '{"type":"default"}')


def bad(description: str) -> Refusal:
    """What the Bot API answers where the request is wrong."""
    return Refusal(400, f"Bad Request: {description}")


class Methods:
    """What each method does and returns; getUpdates alone is the queue's."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.commands: dict[tuple[str, str], list[Json]] = {}  # by scope and language
        self.texts: dict[str, dict[str, str]] = {"name": {"": world.bot["first_name"]}}  # kind, language, text
        self.table: dict[str, Callable[[Params], object]] = {
            "getme": lambda _: world.bot,
            "sendmessage": self._send,
            "sendchataction": self._open,
            "editmessagetext": self._edit_text,
            "editmessagereplymarkup": self._edit_markup,
            "answercallbackquery": self._answer,
            "deletemessage": self._delete,
            "deletemessages": self._delete_many,
            "leavechat": self._leave,
            "getchat": self._chat_wanted,
            "setmycommands": self._set_commands,
            "getmycommands": lambda params: self.commands.get(_audience(params), []),
            "deletemycommands": lambda params: self.commands.pop(_audience(params), None) is None or True,
            "getwebhookinfo": self._hook,
        }
        for kind in LIMITS:
            self.table["setmy" + kind.replace("_", "")] = self._setter(kind)
            self.table["getmy" + kind.replace("_", "")] = self._getter(kind)

    def menu(self, language: str) -> list[Json]:
        """The commands that somebody with this language finds in the menu of a private chat."""
        for scope in SCOPES:
            for code in (language, ""):
                if (scope, code) in self.commands:
                    return self.commands[scope, code]
        return []

    def _send(self, params: Params) -> object:
        chat = self._open(params)
        content: Json = _text(params)
        keyboard = _keyboard(params)
        if keyboard:
            content["reply_markup"] = keyboard
        if _yes(params, "protect_content"):
            content["has_protected_content"] = True
        preview = _nested(params, "link_preview_options")
        if preview:
            content["link_preview_options"] = preview
        return chat.hear(content, dict(params), silent=_yes(params, "disable_notification")).wire

    def _edit_text(self, params: Params) -> object:
        shown = self._own(params)
        return self._edit(params, shown, _text(params))

    def _edit_markup(self, params: Params) -> object:
        shown = self._own(params)
        kept: Json = {name: shown.wire[name] for name in ("text", "entities") if name in shown.wire}
        return self._edit(params, shown, kept)

    def _edit(self, params: Params, shown: Shown, content: Json) -> object:
        keyboard = _keyboard(params)
        was = (shown.wire.get("text"), shown.wire.get("entities"), shown.wire.get("reply_markup", {}))
        if was == (content.get("text"), content.get("entities"), keyboard):
            raise bad(SAME)
        chat = self._chat(params)
        rest = {name: shown.wire[name] for name in shown.wire.keys() - {"text", "entities", "reply_markup"}}
        shown.wire = rest | content | ({"reply_markup": keyboard} if keyboard else {}) | {"edit_date": chat.date()}
        chat.news.tell()
        return shown.wire

    def _answer(self, params: Params) -> object:
        tap = self.world.taps.get(str(params.get("callback_query_id")))
        if tap is None or tap.answer is not None or self.world.time() - tap.at > TAP_LIVES:
            raise bad("query is too old and response timeout expired or query ID is invalid")
        if len(str(params.get("text", ""))) > 200:
            raise bad("MESSAGE_TOO_LONG")
        tap.answer = {"text": str(params.get("text", "")), "show_alert": _yes(params, "show_alert")}
        tap.chat.news.tell()
        return True

    def _delete(self, params: Params) -> object:
        chat = self._chat(params)
        shown = chat.by_id.get(_whole(params, "message_id"))
        if shown is None or shown.deleted:
            raise bad("message to delete not found")
        if not self._deletable(shown):
            raise bad("message can't be deleted for everyone")
        shown.deleted = True
        chat.news.tell()
        return True

    def _delete_many(self, params: Params) -> object:
        chat = self._chat(params)
        ids = _nested(params, "message_ids")
        if ids is None:
            raise bad("message identifiers are not specified")
        if not isinstance(ids, list):
            raise bad("expected an Array of message identifiers")
        if len(ids) > 100:
            raise bad("too many message identifiers specified")
        for each in ids:
            shown = chat.by_id.get(_number(each))
            if shown is not None and self._deletable(shown):
                shown.deleted = True
        chat.news.tell()
        return True

    def _deletable(self, shown: Shown) -> bool:
        return self.world.time() - shown.date < DELETABLE

    def _leave(self, params: Params) -> object:
        chat = self._chat(params)
        if not isinstance(chat, Group):
            raise bad("chat member status can't be changed in private chats")
        if chat.status == "left":
            raise Refusal(403, f"Forbidden: bot is not a member of the {chat.wire['type']} chat")
        chat.leaves()
        return True

    def _chat_wanted(self, params: Params) -> object:
        full = {"accent_color_id": 1, "max_reaction_count": 11, "active_usernames": []}
        gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
        return self._chat(params).wire | full | {"accepted_gift_types": dict.fromkeys(gifts, True)}

    def _set_commands(self, params: Params) -> object:
        commands = _nested(params, "commands")
        if not isinstance(commands, list) or len(commands) > 100:
            raise bad("expected an Array of at most 100 commands")
        for command in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
                raise bad("BOT_COMMAND_INVALID")
            if not 0 < len(command["description"]) <= 256:
                raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands[_audience(params)] = commands
        return True

    def _setter(self, kind: str) -> Callable[[Params], object]:
        def put(params: Params) -> object:
            text = str(params.get(kind, ""))
            if len(text) > LIMITS[kind]:
                raise bad(f"bot {kind.replace('_', ' ')} is too long")
            self.texts.setdefault(kind, {})[_language(params)] = text
            return True

        return put

    def _getter(self, kind: str) -> Callable[[Params], object]:
        def got(params: Params) -> object:
            texts = self.texts.get(kind, {})
            return {kind: texts.get(_language(params)) or texts.get("", "")}

        return got

    def _hook(self, _: Params) -> object:
        updates = self.world.updates
        hook = updates.hook or Hook("")
        told = {"url": hook.url, "has_custom_certificate": False, "pending_update_count": len(updates.waiting)}
        if hook.url:
            told |= {"max_connections": hook.at_once, "allowed_updates": list(updates.allowed)}
        if hook.failed:
            told |= {"last_error_date": int(self.world.time()), "last_error_message": hook.failed}
        return told

    def _chat(self, params: Params) -> Chat:
        if not params.get("chat_id"):
            raise bad("chat_id is empty")
        try:
            return self.world.chats[int(params["chat_id"])]
        except (KeyError, ValueError, TypeError):
            raise bad("chat not found") from None

    def _open(self, params: Params) -> Chat:
        """Return a chat in which the bot may speak."""
        chat = self._chat(params)
        if chat.status == "kicked":
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if chat.status == "gone":
            raise Refusal(403, "Forbidden: user is deactivated")
        if chat.status == "left":
            raise Refusal(403, f"Forbidden: bot is not a member of the {chat.wire['type']} chat")
        return chat

    def _own(self, params: Params) -> Shown:
        shown = self._chat(params).by_id.get(_whole(params, "message_id"))
        if shown is None or shown.deleted:
            raise bad("message to edit not found")
        if not shown.by_bot:
            raise bad("message can't be edited")
        return shown


def _yes(params: Params, name: str) -> bool:
    return str(params.get(name, "")).lower() in {"true", "yes", "1"}


def _nested(params: Params, name: str) -> Any:  # noqa: ANN401 - any JSON
    """A value that is an object or a list: in a form it is a JSON string."""
    value = params.get(name)
    try:
        return json.loads(value) if isinstance(value, str) and value else value
    except ValueError:
        raise bad(f"can't parse {name} JSON object") from None


def _whole(params: Params, name: str) -> int:
    return _number(params.get(name, 0))


def _number(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise bad("can't parse message identifier as a Number") from None


def _text(params: Params) -> Json:
    text = str(params.get("text", "")).strip()
    if not text:
        raise bad("message text is empty")
    if len(text) > 4096 or len(text.encode("utf-16-le", "surrogatepass")) > 8192:
        raise bad("message is too long")
    if params.get("parse_mode"):
        raise bad("can't parse entities: this server knows no markup")
    entities = _nested(params, "entities")
    return {"text": text, "entities": entities} if entities else {"text": text}


def _keyboard(params: Params) -> Json:
    """The inline keyboard that a request brings, or nothing."""
    markup = _nested(params, "reply_markup") or {}
    rows = [row for row in markup.get("inline_keyboard", ()) if row]
    for button in (button for row in rows for button in row):
        if not button.get("text"):
            raise bad("inline keyboard button text must be non-empty")
        if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= 64:
            raise bad("BUTTON_DATA_INVALID")
        if len(button) < 2:
            raise bad("text buttons are unallowed in the inline keyboard")
    if sum(map(len, rows)) > 100:
        raise bad("reply markup is too long")
    return {"inline_keyboard": rows} if rows else {}


def _language(params: Params) -> str:
    code = str(params.get("language_code") or "")
    if code and not re.fullmatch(r"[a-z]{2}", code):
        raise bad("invalid language code specified")
    return code


def _audience(params: Params) -> tuple[str, str]:
    scope = _nested(params, "scope") or {"type": "default"}
    return json.dumps(scope, sort_keys=True, separators=(",", ":")), _language(params)
