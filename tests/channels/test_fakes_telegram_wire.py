"""The Telegram of the tests on the wire: what a request may look like, what is refused, and updates of any kind."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, FormData
from fakes_telegram import TelegramServer, telegram_server
from fakes_telegram_queue import Json

KEYBOARD = {"inline_keyboard": [[{"text": "1. Safe", "callback_data": "s:1"}]]}


@pytest_asyncio.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with telegram_server() as running:
        yield running


async def raw(server: TelegramServer, method: str, **fields: str) -> Json:
    async with (
        ClientSession() as client,
        client.post(f"{server.base_url}{server.token}/{method}", data=fields) as answer,
    ):
        answered: Json = await answer.json()
        return answered


@pytest.mark.parametrize("code", ["é" * 33, ""], ids=["long", "empty"])
async def test_what_a_button_holds_has_limits(code: str, server: TelegramServer) -> None:
    ana = server.person()
    markup = json.dumps({"inline_keyboard": [[{"text": "yes", "callback_data": code}]]})
    answer = await raw(server, "sendMessage", chat_id=str(ana.id), text="?", reply_markup=markup)
    assert answer == {"ok": False, "error_code": 400, "description": "Bad Request: BUTTON_DATA_INVALID"}
    assert ana.heard == []


@pytest.mark.parametrize(
    ("token", "method", "status", "description"),
    [
        ("1:nobody", "getMe", 401, "Unauthorized"),
        ("nobody", "getMe", 404, "Not Found"),
        ("", "sendNothing", 404, "Not Found: method not found"),
        ("", "GETME", 200, None),
    ],
)
async def test_tokens_and_methods_are_known_or_refused(
    token: str, method: str, status: int, description: str | None, server: TelegramServer
) -> None:
    async with ClientSession() as client, client.get(f"{server.base_url}{token or server.token}/{method}") as answer:
        assert (answer.status, (await answer.json()).get("description")) == (status, description)


@pytest.mark.parametrize("way", ["json", "form", "params", "multipart"])
async def test_each_kind_of_request_is_read(way: str, server: TelegramServer) -> None:
    ana = server.person()
    fields = {"chat_id": str(ana.id), "text": "mañana & después", "reply_markup": json.dumps(KEYBOARD)}
    multipart = FormData(fields, quote_fields=False)
    multipart.add_field("unused", b"bytes", filename="unused.bin")
    given: dict[str, Any] = {"json": {**fields, "reply_markup": KEYBOARD}, "params": fields}
    given |= {"form": fields, "multipart": multipart}
    async with ClientSession() as client:
        call = client.get if way == "params" else client.post
        named = way if way in {"json", "params"} else "data"
        async with call(f"{server.base_url}{server.token}/sendmessage", **{named: given[way]}) as answer:
            assert (await answer.json())["result"]["text"] == "mañana & después"
    assert (await ana.hears("mañana")).labels == ["1. Safe"]


async def test_any_update_can_be_pushed(server: TelegramServer) -> None:
    server.push({"message": {"text": "\ud83d"}})
    server.push({"update_id": 731_000_009, "nobody_knows": []})
    server.updates.push_raw(b'{"update_id": "x"}')
    assert (await raw(server, "getUpdates", timeout="20"))["result"] == [
        {"update_id": 731_000_001, "message": {"text": "\ud83d"}},
        {"update_id": 731_000_009, "nobody_knows": []},
        {"update_id": "x"},
    ]
    assert (await raw(server, "getUpdates", offset="731000011"))["result"] == []
    assert server.updates.waiting == []
