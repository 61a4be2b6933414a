"""The Telegram of the tests fails as the real one does: python-telegram-bot raises what its documentation promises."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from fakes_telegram import TelegramServer, telegram_server
from fakes_telegram_faults import (
    ANSWER_HANGS,
    ANSWER_LOST,
    BAD_GATEWAY,
    BLOCKED,
    BROKEN,
    CONFLICT,
    DROPPED,
    GARBAGE,
    HANGS,
    NO_CHAT,
    UNAUTHORIZED,
    Fault,
    Pace,
    slow,
    too_many,
)
from fakes_telegram_queue import Json, News
from telegram import Bot, Update
from telegram.error import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

PUBLIC = "https://bot.example"


class Inside:
    """A webhook's own server; `answers` are its next statuses."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[int] = []
        self.came: list[tuple[str, Json]] = []
        self.news = News()

    async def meet(self, request: web.BaseRequest) -> web.Response:
        self.came.append((request.headers["X-Telegram-Bot-Api-Secret-Token"], await request.json()))
        self.news.tell()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)


@asynccontextmanager
async def inside() -> AsyncIterator[Inside]:
    ours = Inside()
    server = web.Server(ours.meet)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    ours.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield ours
    finally:
        listening.close()
        await server.shutdown(0.01)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with telegram_server() as running:
        yield running


@pytest_asyncio.fixture
async def bot(server: TelegramServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bot]:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # else each RetryAfter warns
    async with Bot(server.token, base_url=server.base_url) as ours:
        yield ours


async def updates(bot: Bot, offset: int = 0) -> tuple[Update, ...]:
    return await bot.get_updates(offset=offset, timeout=20)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (too_many(7), RetryAfter),
        (BLOCKED, Forbidden),
        (NO_CHAT, BadRequest),
        (UNAUTHORIZED, InvalidToken),
        (CONFLICT, Conflict),
        (BROKEN, NetworkError),
        (BAD_GATEWAY, NetworkError),
        (GARBAGE, TelegramError),
        (DROPPED, NetworkError),
    ],
)
async def test_each_fault_is_the_error_it_should_be(
    fault: Fault, error: type[Exception], bot: Bot, server: TelegramServer
) -> None:
    ana, eva = server.person(), server.person()
    server.fails("sendMessage", fault, chat=ana)
    await bot.send_message(eva.id, "hello")
    with pytest.raises(error) as raised:
        await bot.send_message(ana.id, "hello")
    assert type(raised.value) is error
    assert getattr(raised.value, "retry_after", timedelta(seconds=7)) == timedelta(seconds=7)
    await bot.send_message(ana.id, "again")
    assert [shown.said for shown in ana.heard] == ["again"]


async def test_faults_come_one_after_the_other_or_for_ever(bot: Bot, server: TelegramServer) -> None:
    ana = server.person()
    server.fails("sendMessage", too_many(7), BROKEN)
    for error in (RetryAfter, NetworkError):
        with pytest.raises(error):
            await bot.send_message(ana.id, "hello")
    server.fails("*", BLOCKED, always=True)
    for _ in range(3):
        with pytest.raises(Forbidden):
            await bot.get_me()
    server.heals()
    assert (await bot.send_message(ana.id, "hello")).text == "hello"
    assert [call.status for call in server.calls if call.method == "sendmessage"] == [429, 500, 200]


async def test_an_answer_can_be_lost_after_the_message_arrived(bot: Bot, server: TelegramServer) -> None:
    ana = server.person()
    server.fails("sendMessage", ANSWER_LOST)
    with pytest.raises(NetworkError):
        await bot.send_message(ana.id, "hello")
    assert [shown.said for shown in ana.heard] == ["hello"]
    assert [call.done for call in server.calls if call.method == "sendmessage"] == [True]


@pytest.mark.parametrize(
    ("fault", "arrived"), [(HANGS, 0), (ANSWER_HANGS, 1), (slow(0.4), 0), (slow(0.4, after=True), 1)]
)
async def test_a_server_that_hangs_is_a_timeout(fault: Fault, arrived: int, bot: Bot, server: TelegramServer) -> None:
    ana = server.person()
    server.fails("sendMessage", fault)
    with pytest.raises(TimedOut):
        await bot.send_message(ana.id, "hello", read_timeout=0.1)
    assert len(ana.heard) == arrived
    server.release()
    await server.called("sendMessage")
    assert len(ana.heard) == 1


async def test_a_fetch_fails_and_loses_nothing(bot: Bot, server: TelegramServer) -> None:
    server.person().writes("hello")
    server.fails("getUpdates", BAD_GATEWAY, ANSWER_LOST)
    for _ in range(2):
        with pytest.raises(NetworkError):
            await updates(bot)
    assert len(await updates(bot)) == 1


async def test_the_server_goes_away_and_comes_back(bot: Bot, server: TelegramServer) -> None:
    ana = server.person()
    poll = asyncio.create_task(updates(bot))
    await server.polled()
    await server.goes_away()
    with pytest.raises(NetworkError):
        await poll
    with pytest.raises(NetworkError):
        await bot.send_message(ana.id, "hello")
    await server.comes_back()
    await bot.send_message(ana.id, "hello")
    ana.writes("hello")
    assert len(await updates(bot)) == 1


async def test_limits_are_held_where_they_are_wanted(bot: Bot, server: TelegramServer) -> None:
    server.pace = Pace(overall=2)
    ana, eva, isa = (server.person() for _ in range(3))
    await bot.send_message(ana.id, "hello")
    with pytest.raises(RetryAfter):
        await bot.send_message(ana.id, "too soon")
    await bot.send_message(eva.id, "hello")
    with pytest.raises(RetryAfter):
        await bot.send_message(isa.id, "too many")
    assert [call.chat for call in server.sent] == [ana.id, eva.id]
    assert server.pace.refused == 2


async def test_a_webhook_gets_each_update_in_order_until_it_takes_it(bot: Bot, server: TelegramServer) -> None:
    async with inside() as hook:
        server.updates.proxies[PUBLIC] = hook.url
        hook.answers = [500, 403, 200, 503]
        ana = server.person()
        ana.writes("before")
        assert await bot.set_webhook(f"{PUBLIC}/telegram", secret_token="s3cret", allowed_updates=["message"])
        ana.writes("after")
        await server.updates.all_taken()
        assert [update["message"]["text"] for _, update in hook.came] == ["before"] * 3 + ["after"] * 2
        assert {secret for secret, _ in hook.came} == {"s3cret"}
        told = await bot.get_webhook_info()
        assert (told.url, told.pending_update_count, told.allowed_updates) == (f"{PUBLIC}/telegram", 0, ("message",))
        assert told.last_error_message == "Wrong response from the webhook: 503 Service Unavailable"


async def test_a_webhook_and_polling_exclude_each_other(bot: Bot, server: TelegramServer) -> None:
    poll = asyncio.create_task(updates(bot))
    await server.polled()
    async with inside() as hook:
        assert await bot.set_webhook(hook.url, secret_token="s3cret")
        with pytest.raises(Conflict, match="terminated by setWebhook"):
            await poll
        with pytest.raises(Conflict, match="webhook is active"):
            await updates(bot)
        server.updates.twice = True
        server.person().writes("hello")
        await hook.news.until(lambda: len(hook.came) == 2)
        assert hook.came[0] == hook.came[1]
        assert await bot.delete_webhook()
    server.person().writes("hello")
    assert len(await updates(bot)) == 1
    with pytest.raises(BadRequest, match=r"(?i)https url must be provided"):
        await bot.set_webhook("http://bot.example")
