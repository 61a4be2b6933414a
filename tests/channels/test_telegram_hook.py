"""The webhook: what Telegram posts is answered with 200 once it was committed, and never to anybody else."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import ClientSession
from fakes_smtp import closed_port
from fakes_telegram import TelegramServer, telegram_server
from fakes_telegram_desk import Desk, channel, events, listening, question
from fakes_telegram_faults import UNAUTHORIZED

from bot.channels.telegram_hook import LARGEST, SECRET, Hook
from bot.channels.telegram_webhook import Webhook
from bot.conversation.model import Kind
from bot.errors import SettingsError

WORD = "a-word_that-proves-it"


def webhook(port: int = 8081) -> Webhook:
    return Webhook(f"http://127.0.0.1:{port}/telegram", f"127.0.0.1:{port}", WORD)


@asynccontextmanager
async def posting(desk: Desk, *, failing: bool = False) -> AsyncIterator[tuple[Hook, ClientSession, list[object]]]:
    taken: list[object] = []

    async def take(updates: object) -> None:
        if failing:
            raise RuntimeError("top secret words")
        taken.append(updates)

    hook = Hook(webhook(closed_port()), take)
    async with hook.serving(), ClientSession(f"http://127.0.0.1:{hook.webhook.address[1]}") as session:
        yield hook, session, taken


async def post(session: ClientSession, body: bytes, headers: Mapping[str, str]) -> int:
    async with session.post("/telegram", data=io.BytesIO(body), headers=headers) as answer:
        assert await answer.read() == b""
        return answer.status


async def test_an_update_is_answered_with_200_once_it_was_taken() -> None:
    async with posting(Desk()) as (_, session, taken):
        status = await post(session, b'{"update_id":1}', {SECRET: WORD})

    assert (status, taken) == (200, [[{"update_id": 1}]])


@pytest.mark.parametrize("headers", [{}, {SECRET: ""}, {SECRET: WORD[:-1]}, {SECRET: WORD + "x"}, {SECRET: "ñ"}])
async def test_nobody_else_is_heard(headers: dict[str, str]) -> None:
    async with posting(Desk()) as (_, session, taken):
        status = await post(session, b'{"update_id":1}', headers)

    assert (status, taken) == (403, [])


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'"' + b"x" * LARGEST + b'"'])
async def test_what_can_not_be_read_is_set_aside_since_it_would_come_for_ever(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with posting(Desk()) as (_, session, taken):
        status = await post(session, body, {SECRET: WORD})

    assert (status, taken) == (200, [])
    assert events(caplog.records) == ["update_set_aside"]


async def test_turns_that_fail_are_answered_with_500_so_that_they_come_again(caplog: pytest.LogCaptureFixture) -> None:
    async with posting(Desk(), failing=True) as (_, session, _taken):
        status = await post(session, b'{"update_id":1}', {SECRET: WORD})

    assert status == 500 and events(caplog.records) == ["turn_failed"]
    assert "secret words" not in caplog.text


async def test_nothing_but_posts_is_answered() -> None:
    async with posting(Desk()) as (_, session, _taken), session.get("/telegram") as answer:
        assert answer.status == 405


async def test_what_is_being_taken_when_it_stops_is_taken_to_its_end() -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def take(_: object) -> None:
        begun.set()
        await go.wait()

    hook = Hook(webhook(closed_port()), take)
    async with ClientSession() as session:
        async with hook.serving():
            url = f"http://127.0.0.1:{hook.webhook.address[1]}/"
            posted = asyncio.create_task(session.post(url, data=b"{}", headers={SECRET: WORD}))
            await begun.wait()
            asyncio.get_running_loop().call_soon(go.set)
        status = (await asyncio.wait_for(posted, 20)).status

    assert status == 200


async def test_an_address_that_is_taken_is_told_in_one_line() -> None:
    async with posting(Desk()) as (hook, _, _taken):
        with pytest.raises(SettingsError, match=r"^telegram\.listen: expected an address that is free, and 127"):
            async with Hook(webhook(hook.webhook.address[1]), hook.take).serving():
                raise AssertionError


@pytest.mark.parametrize("listen", ["", "8081", ":8081", "127.0.0.1:", "127.0.0.1:http"])
def test_an_address_that_is_none_is_told(listen: str) -> None:
    with pytest.raises(SettingsError):
        Webhook("https://bot.example", listen, WORD)


@pytest.mark.parametrize("secret", ["", "short", "x" * 257, "with a space in between", "ñ" * 20])
def test_a_secret_that_telegram_would_not_take_is_told_but_not_shown(secret: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Webhook("https://bot.example", "127.0.0.1:1", secret)

    assert not secret or secret not in str(raised.value)
    assert WORD not in repr(webhook())


# ── the channel with a webhook ──────────────────────────────────────────────────────────────────────────


async def set_hook(server: TelegramServer) -> None:
    await server.called("setWebhook")


async def test_talks_go_by_webhook_and_the_same_message_has_the_same_id_when_it_comes_twice() -> None:
    async with telegram_server() as server:
        server.updates.twice = True
        ana, desk = server.person(language_code="es"), Desk(failing=2)
        telegram = channel(server, webhook=webhook(closed_port()))
        async with listening(telegram, desk):
            await set_hook(server)
            written = ana.writes("hola")
            await desk.took(1)
            await telegram.send(question(ana, "yes", "no", serial=4))
            shown = await ana.hears("Which?")
            tap = ana.taps("Yes")
            await ana.answered(tap)
            await server.updates.all_taken()
            await ana.sees(lambda _: not shown.buttons)
        (call,) = await server.called("setWebhook")

    assert telegram.redelivers
    assert {message.id for message in desk.messages} == {str(written.id), f"tap/{tap.id}"}
    assert [message.queued for message in desk.messages] == [None] * len(desk.messages)
    assert desk.messages[0].hint == "es" and desk.messages[-1].kind is Kind.TAP
    assert call.params["secret_token"] == WORD and "callback_query" in json.dumps(call.params["allowed_updates"])


async def test_with_a_refused_token_the_endpoint_goes_away_again() -> None:
    async with telegram_server() as server:
        server.fails("setWebhook", UNAUTHORIZED)
        port = closed_port()
        with pytest.raises(SettingsError):
            await asyncio.wait_for(channel(server, webhook=webhook(port)).listen(Desk().take), 20)
        with suppress(OSError):
            await asyncio.open_connection("127.0.0.1", port)
            raise AssertionError("somebody still listens there")


async def test_with_a_webhook_the_updates_are_not_asked_for() -> None:
    async with telegram_server() as server:
        desk, telegram = Desk(), channel(server, webhook=webhook(closed_port()))
        ana = server.person()
        async with listening(telegram, desk):
            await set_hook(server)
            ana.writes("hello")
            await desk.took(1)

    assert server.polls == 0 and desk.texts == ["hello"]
