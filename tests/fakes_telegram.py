"""A Telegram on loopback for the whole suite: the Bot API as it is on the wire, its people, and every way it can fail.

async with telegram_server() as server:
    bot = Bot(server.token, base_url=server.base_url)
    ana = server.person(language_code="es")
    ana.writes("/start")
    server.fails("sendMessage", too_many(3), chat=ana)
    ...
    await ana.hears("How are you?")

One event loop; whoever waits is woken by what happens. A bot in another process may be the client. What fails how:
fakes_telegram_faults. What people do and see: fakes_telegram_people and fakes_telegram_chats.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from fakes_lines import closed
from fakes_telegram_chats import PATIENCE, Chat, World
from fakes_telegram_faults import Fault, Faults, Pace
from fakes_telegram_methods import Methods
from fakes_telegram_people import Group, Person
from fakes_telegram_queue import Hook, Json, News, Refusal

TOKEN = "4839574812:AAFD39kkdpWt3ywyRZergyOLMaJhac60qcQ"
BOT: Json = {
    "id": 4839574812,
    "is_bot": True,
    "first_name": "Door",
    "username": "door_bot",
    "can_join_groups": False,
    "can_read_all_group_messages": False,
    "supports_inline_queries": False,
    "can_connect_to_business": False,
    "has_main_web_app": False,
}
HEADERS = {"Content-Type": "application/json"}
FIRST_UPDATE = 731_000_001


@dataclass(slots=True, eq=False)
class Call:
    """One request of the bot, in the order in which they came; `status` is 0 until it was answered."""

    method: str
    params: Mapping[str, Any] = field(repr=False)
    chat: int
    at: float  # seconds of the loop's clock
    status: int = 0
    done: bool = False  # what it asked for; the answer may say otherwise, or be lost


class TelegramServer:
    """A running server. `calls`: every request but getUpdates; `polls`: how many of those came."""

    def __init__(self, first_update: int = FIRST_UPDATE) -> None:
        self.token = TOKEN
        self.port = 0
        self.world = World(dict(BOT), first_update)
        self.updates = self.world.updates
        self.methods = Methods(self.world)
        self.pace: Pace | None = None  # Telegram's limits, where a test wants them
        self.calls: list[Call] = []
        self.polls = 0
        self.news = News()
        self._answered: Counter[str] = Counter()
        self._faults = Faults()
        self._people = 0
        self._listening: asyncio.Server | None = None
        self._web: web.Server | None = None

    @property
    def base_url(self) -> str:
        """What the token is appended to."""
        return f"http://127.0.0.1:{self.port}/bot"

    @property
    def sent(self) -> list[Call]:
        """The messages that were taken, in the order in which they came."""
        return [call for call in self.calls if call.method == "sendmessage" and call.done]

    def person(self, first_name: str = "Ana", *, language_code: str = "en", person_id: int = 0) -> Person:
        """Somebody new, who has opened the chat with the bot."""
        self._people += 1
        return Person(self.world, person_id or 5_200_000_000 + self._people, first_name, language_code)

    def group(self, kind: str = "supergroup", title: str = "Neighbours") -> Group:
        """A group, supergroup or channel that the bot is not in yet."""
        self._people += 1
        group = Group(self.world, {"id": -1_001_000_000_000 - self._people, "type": kind, "title": title})
        group.status = "left"
        return group

    def push(self, update: Mapping[str, Any]) -> int:
        """Queue any update; it gets the next id if it has none."""
        return self.updates.push(update)

    def redeliver(self, update_id: int) -> None:
        """Give an update once more, though it was confirmed."""
        self.updates.redeliver(update_id)

    def fails(self, method: str, *faults: Fault, chat: Chat | int | None = None, always: bool = False) -> None:
        """The next calls of a method ("*": of any) fail so, one after the other; or each, with the first fault."""
        self._faults.plan(method, faults, chat.id if isinstance(chat, Chat) else chat, always=always)

    def heals(self) -> None:
        """Forget the faults that were planned, and let go of what hangs."""
        self._faults.clear()

    def release(self) -> None:
        """Let go of what hangs."""
        self._faults.release()

    async def called(self, method: str, times: int = 1, within: float = PATIENCE) -> list[Call]:
        """Wait until a method was answered so often; return those calls."""

        await self.news.until(lambda: self._answered[method.lower()] >= times, within)
        return [call for call in self.calls if call.method == method.lower() and call.status]

    async def polled(self, times: int = 1, within: float = PATIENCE) -> None:
        """Wait until the bot asked for updates so many times more."""
        goal = self.polls + times
        await self.news.until(lambda: self.polls >= goal, within)

    async def comes_back(self) -> None:
        """Listen, at the port of before."""
        loop = asyncio.get_running_loop()
        self._web = web.Server(self._meet, access_log=None)
        self._listening = await loop.create_server(self._web, "127.0.0.1", self.port, reuse_address=True)
        self.port = self._listening.sockets[0].getsockname()[1]

    async def goes_away(self) -> None:
        """Listen no more, and break off every connection."""
        assert self._listening is not None and self._web is not None
        await closed(self._listening)
        await self._web.shutdown(0.01)  # 0 would be without end

    async def _meet(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            method = self._method(request.path)
            params = await _params(request)
            return await (self._poll if method == "getupdates" else self._call)(request, method, params)
        except Refusal as refusal:
            return _refused(refusal)

    def _method(self, path: str) -> str:
        head, _, method = path.rpartition("/")
        method = method.lower()
        if not head.startswith("/bot") or ":" not in head:
            raise Refusal(404, "Not Found")
        if head[4:] != self.token:
            raise Refusal(401, "Unauthorized")
        if method not in self.methods.table and method not in {"getupdates", "setwebhook", "deletewebhook"}:
            raise Refusal(404, "Not Found: method not found")
        return method

    async def _poll(self, request: web.BaseRequest, method: str, params: Json) -> web.StreamResponse:
        self.polls += 1
        self.news.tell()

        async def waited() -> bytes:
            if "allowed_updates" in params:
                self.updates.allowed = _listed(params["allowed_updates"])
            offset, limit = int(params.get("offset", 0)), min(max(int(params.get("limit", 100)), 1), 100)
            bodies = await self.updates.poll(offset, limit, float(params.get("timeout", 0)), lambda: _there(request))
            return b"[" + b",".join(bodies) + b"]"

        return await self._perhaps(request, method, 0, waited)

    async def _call(self, request: web.BaseRequest, method: str, params: Json) -> web.StreamResponse:
        chat = _chat_id(params)
        call = Call(method, params, chat, asyncio.get_running_loop().time())
        self.calls.append(call)

        async def done() -> bytes:
            if self.pace is not None and method == "sendmessage":
                self.pace.check(chat, call.at)
            result = await self._do(call)
            call.done = True
            return json.dumps(result).encode()

        try:
            answer = await self._perhaps(request, method, chat, done)
        except Refusal as refusal:
            answer = _refused(refusal)
        call.status = answer.status
        self._answered[method] += 1
        self.news.tell()
        return answer

    async def _perhaps(
        self, request: web.BaseRequest, method: str, chat: int, work: Callable[[], Awaitable[bytes]]
    ) -> web.Response:
        """Do what was asked for, and answer: unless a fault was planned."""
        fault = self._faults.next(method, chat)
        failed = await self._faults.act(fault, request) if fault and not fault.after else None
        if failed is not None:
            return failed
        result = await work()
        failed = await self._faults.act(fault, request) if fault and fault.after else None
        return failed or web.Response(body=b'{"ok":true,"result":' + result + b"}", headers=HEADERS)

    async def _do(self, call: Call) -> object:
        if call.method in self.methods.table:
            result = self.methods.table[call.method](call.params)
            return True if isinstance(result, Chat) else result
        if str(call.params.get("drop_pending_updates", "")).lower() == "true":
            self.updates.forget()
        url = str(call.params.get("url", "")) if call.method == "setwebhook" else ""
        if url and not url.startswith(("https://", "http://127.0.0.1:")):
            raise Refusal(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if "allowed_updates" in call.params:
            self.updates.allowed = _listed(call.params["allowed_updates"])
        hook = Hook(url, str(call.params.get("secret_token", "")), int(call.params.get("max_connections", 40)))
        await self.updates.set_hook(hook if url else None)
        return True


@asynccontextmanager
async def telegram_server(first_update: int = FIRST_UPDATE) -> AsyncIterator[TelegramServer]:
    """Run a server."""
    server = TelegramServer(first_update)
    await server.comes_back()
    try:
        yield server
    finally:
        server.heals()
        await server.updates.close()
        await server.goes_away()


async def _params(request: web.BaseRequest) -> Json:
    params: Json = dict(request.query) if request.query_string else {}
    kind = request.content_type
    if kind == "multipart/form-data":
        return params | dict(await request.post())
    body = await request.read()
    if kind == "application/json" and body:
        return params | dict(json.loads(body))
    return params | dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _there(request: web.BaseRequest) -> bool:
    return request.transport is not None and not request.transport.is_closing()


def _refused(refusal: Refusal) -> web.Response:
    told: Json = {"ok": False, "error_code": refusal.status, "description": refusal.description}
    if refusal.parameters:
        told["parameters"] = refusal.parameters
    return web.Response(status=refusal.status, body=json.dumps(told).encode(), headers=HEADERS)


def _chat_id(params: Json) -> int:
    try:
        return int(params.get("chat_id", 0))
    except (ValueError, TypeError):
        return 0


def _listed(value: object) -> list[str]:
    listed = json.loads(value) if isinstance(value, str) and value else value
    return [str(each) for each in listed] if isinstance(listed, list) else []
