"""The Telegram channel against a Telegram on loopback: what it hears, and what it makes of every failure."""

import asyncio

import pytest
from fakes_telegram import TOKEN, telegram_server
from fakes_telegram_desk import FOREVER, Desk, channel, events, everything_told, listening, now
from fakes_telegram_faults import (
    BAD_GATEWAY,
    BROKEN,
    CONFLICT,
    DROPPED,
    GARBAGE,
    UNAUTHORIZED,
    Fault,
    too_many,
)
from fakes_telegram_people import MEDIA

from bot.channels.base import Channel
from bot.channels.telegram import Telegram
from bot.conversation.model import Kind, Queued
from bot.errors import SettingsError


async def test_what_people_do_is_heard_in_order_with_places_in_one_queue() -> None:
    async with telegram_server() as server:
        ana, desk = server.person(language_code="es"), Desk()
        ana.writes("hola")
        ana.sends("voice")
        ana.edits(ana.messages[0], "buenas")
        ana.blocks()
        async with listening(channel(server), desk):
            heard = await desk.took(3)
            await server.updates.all_taken()

    assert [(one.kind, one.text, one.hint) for one in heard] == [
        (Kind.TEXT, "hola", "es"),
        (Kind.VOICE, "", "es"),
        (Kind.TEXT, "buenas", "es"),
    ]
    assert {one.queued.queue for one in heard if one.queued} == {f"telegram {TOKEN.partition(':')[0]}"}
    assert [one.queued for one in heard] == sorted((one.queued for one in heard), key=lambda q: q.place if q else 0)
    assert heard[2].edits == heard[0].id and heard[0].removable
    assert desk.batches == [3]  # what waits together is taken together


async def test_an_update_is_confirmed_only_after_its_turn_was_committed() -> None:
    async with telegram_server() as server:
        ana, desk = server.person(), Desk()
        desk.held.clear()
        first = server.updates.next_id
        ana.writes("first")
        async with listening(channel(server), desk):
            await server.updates.news.until(lambda: first in server.updates.handed)
            assert server.updates.waiting == [first]
            desk.held.set()
            await server.updates.all_taken()

    assert desk.texts == ["first"]


async def test_turns_that_fail_are_taken_again_and_nothing_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    async with telegram_server() as server:
        ana, desk = server.person(), Desk(failing=3)
        ana.writes("one")
        ana.writes("two")
        async with listening(channel(server), desk):
            await desk.took(2)
            await server.updates.all_taken()

    assert desk.texts == ["one", "two"] and desk.refused == 3
    assert events(caplog.records).count("turn_failed") == 3
    assert "secret" not in caplog.text


async def test_a_process_that_died_before_the_commit_hears_everything_again() -> None:
    async with telegram_server() as server:
        ana, dead, desk = server.person(), Desk(failing=1), Desk()
        ana.writes("help me")
        async with listening(channel(server, waits=FOREVER), dead):
            await dead.news.until(lambda: dead.refused)
        async with listening(channel(server), desk):
            await desk.took(1)

    assert desk.texts == ["help me"]


async def test_updates_that_can_not_be_read_block_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async with telegram_server() as server:
        ana, desk = server.person(), Desk()
        for body in (b"null", b"7", b'"x"', b"[]", b"{}", b'{"message":{}}', b'{"update_id":"x"}'):
            server.updates.push_raw(body)
        server.push({"message": {"chat": {"id": "no number", "type": "private"}}})
        server.push({"hologram": {"of": "tomorrow"}})
        ana.writes("me too")
        ana.writes("x" * 1_000_000)
        async with listening(channel(server), desk):
            await desk.took(2)
            await server.updates.all_taken()

    assert [len(text) for text in desk.texts] == [6, 1_000_000]
    assert "update_set_aside" in events(caplog.records)


async def test_updates_that_can_not_even_be_confirmed_are_asked_for_without_haste() -> None:
    async with telegram_server() as server:
        ana, desk = server.person(), Desk()
        server.updates.push_raw(b"{}")
        async with listening(channel(server, waits=FOREVER), desk):
            await server.polled(1)
            ana.writes("hello")
            with pytest.raises(TimeoutError):
                await server.polled(3, within=0.3)
            seen = server.polls

    assert seen <= 2


async def test_groups_are_left_without_a_word() -> None:
    async with telegram_server() as server:
        ana, group, desk = server.person(), server.group(), Desk()
        async with listening(channel(server), desk):
            group.joins(ana)
            await group.sees(lambda chat: chat.status == "left")
            ana.writes("hello")
            await desk.took(1)
            await server.updates.all_taken()

    assert server.sent == [] and desk.texts == ["hello"]


async def test_the_network_may_go_and_come_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with telegram_server() as server:
        ana, desk = server.person(), Desk()
        server.fails("getUpdates", BROKEN, BAD_GATEWAY, DROPPED, GARBAGE, too_many(0), Fault(200, body=b'{"ok":true}'))
        async with listening(channel(server), desk):
            ana.writes("one")
            await desk.took(1)
            await server.goes_away()
            await server.comes_back()
            ana.writes("two")
            await desk.took(2)

    assert desk.texts == ["one", "two"]
    assert events(caplog.records)[:2] == ["channel_down", "channel_up"]
    assert events(caplog.records).count("channel_down") == events(caplog.records).count("channel_up")


async def test_another_poller_is_told_once_and_outlived(caplog: pytest.LogCaptureFixture) -> None:
    async with telegram_server() as server:
        ana, desk = server.person(), Desk()
        server.fails("getUpdates", CONFLICT, CONFLICT, CONFLICT)
        async with listening(channel(server), desk):
            ana.writes("hello")
            await desk.took(1)

    assert events(caplog.records) == ["other_poller"]


async def test_a_refused_token_ends_it_in_one_clear_line_without_the_token() -> None:
    async with telegram_server() as server:
        strange = Telegram("123:WRONG-secret-token", now, server.base_url.removesuffix("/bot"))
        with pytest.raises(SettingsError) as raised:
            await asyncio.wait_for(strange.listen(Desk().take), 20)

    assert str(raised.value) == "telegram.token_file: the token is refused; @BotFather shows the right one"
    assert "secret" not in everything_told(raised.value)


async def test_a_token_that_is_revoked_ends_it_and_one_strange_answer_does_not() -> None:
    async with telegram_server() as server:
        ana, desk = server.person(), Desk()
        task = asyncio.create_task(channel(server).listen(desk.take))
        ana.writes("one")
        await desk.took(1)
        server.fails("getUpdates", UNAUTHORIZED)
        ana.writes("two")
        await desk.took(2)
        server.fails("getUpdates", UNAUTHORIZED, always=True)
        ana.writes("three")
        with pytest.raises(SettingsError):
            await asyncio.wait_for(task, 20)

    assert desk.texts[:2] == ["one", "two"]


def test_without_a_token_there_is_no_channel() -> None:
    with pytest.raises(SettingsError):
        Telegram("", now)


async def test_a_webhook_of_before_is_taken_away_without_losing_what_waits() -> None:
    async with telegram_server() as server:
        ana, desk = server.person(), Desk()
        ana.writes("hello")
        async with listening(channel(server), desk):
            await desk.took(1)
        (call,) = await server.called("deleteWebhook")

    assert desk.texts == ["hello"] and not call.params.get("drop_pending_updates")


async def test_ids_that_begin_anew_after_a_silence_are_heard() -> None:
    async with telegram_server() as server:
        ana, desk = server.person(), Desk()
        async with listening(channel(server, hold=0), desk):
            ana.writes("high")
            await desk.took(1)
            await server.updates.all_taken()
            await server.polled(2)
            message = {"message_id": 9, "from": ana.user, "chat": ana.wire, "date": int(now().timestamp())}
            server.push({"update_id": 5, "message": {**message, "text": "low"}})
            await desk.took(2)

    assert desk.texts == ["high", "low"]


def test_it_is_a_channel_that_telegrams_queue_keeps_from_hearing_twice() -> None:
    one: Channel = Telegram(TOKEN, now)

    assert (one.name, one.redelivers, one.repeats_questions, one.has_buttons, one.notifies) == (
        "telegram",
        False,
        True,
        True,
        True,
    )
    assert (one.at_once, one.pause) == (16, 1.0)


@pytest.mark.parametrize("kind", sorted(MEDIA))
async def test_nothing_that_people_send_is_fetched(kind: str) -> None:
    async with telegram_server() as server:
        ana, desk = server.person(), Desk()
        ana.sends(kind, caption="look")
        async with listening(channel(server), desk):
            (message,) = await desk.took(1)

    assert message.text == "" and message.kind is not Kind.TEXT
    assert {call.method for call in server.calls} == {"deletewebhook"}
    assert isinstance(message.queued, Queued)
