"""What the Telegram channel says and deletes, and what can be done about each failure."""

import asyncio
import gc
from datetime import UTC, datetime

import pytest
from fakes_smtp import closed_port, raw_server
from fakes_telegram import TOKEN, telegram_server
from fakes_telegram_desk import Desk, channel, everything_told, listening, now, question, sender, words
from fakes_telegram_faults import (
    ANSWER_HANGS,
    ANSWER_LOST,
    BAD_GATEWAY,
    BLOCKED,
    BROKEN,
    DEACTIVATED,
    DROPPED,
    GARBAGE,
    NO_CHAT,
    UNAUTHORIZED,
    Fault,
    too_many,
)

from bot.channels.base import Outgoing
from bot.channels.telegram import Telegram
from bot.conversation.model import Line, Say, Sender, Spoken
from bot.errors import DeliveryError, Undeliverable, Unreachable, UnsureDelivery

# ── saying ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_message_is_plain_protected_and_without_previews() -> None:
    async with telegram_server() as server:
        ana, telegram = server.person(), channel(server)
        arrived = await telegram.send(words(ana, "See https://example.org <b>&"))
        await telegram.send(words(ana, "Code", copyable=True))
        await telegram.close()
        first, second = ana.heard

    assert first.text == "See https://example.org <b>&" and first.protected and not second.protected
    assert "is_disabled" in str(first.params["link_preview_options"]) and "parse_mode" not in first.params
    assert arrived.ids == (str(first.id),)
    assert arrived.at == datetime.fromtimestamp(first.date + 1, UTC)


async def test_a_long_text_arrives_in_parts_with_the_buttons_on_the_last() -> None:
    async with telegram_server() as server:
        ana, telegram = server.person(), channel(server)
        text = "\n\n".join(character * 3000 for character in "abc")
        arrived = await telegram.send(question(ana, "yes", text=text))
        await telegram.close()

    assert [(shown.text[0], len(shown.text), len(shown.labels)) for shown in ana.heard] == [
        ("a", 3000, 0),
        ("b", 3000, 0),
        ("c", 3000, 1),
    ]
    assert arrived.ids == tuple(str(shown.id) for shown in ana.heard)
    assert arrived.at == datetime.fromtimestamp(ana.last.date + 1, UTC)


async def test_parts_of_which_one_failed_are_taken_back_since_all_is_said_again() -> None:
    async with telegram_server() as server:
        ana, telegram = server.person(), channel(server)
        text = "\n\n".join(character * 3000 for character in "ab")
        first = asyncio.create_task(telegram.send(words(ana, text, urgent=True)))
        await ana.hears("aaa")
        server.fails("sendMessage", too_many(7))
        with pytest.raises(DeliveryError) as raised:
            await first
        await server.called("deleteMessages")
        await telegram.close()

    assert raised.value.retry_after == 7.0
    assert ana.messages == []


@pytest.mark.parametrize(("letters", "whole"), [("a", True), ("ab", False)])
async def test_of_a_text_that_may_have_come_it_is_known_whether_all_of_it_may_be_there(
    letters: str, whole: bool
) -> None:
    async with telegram_server() as server:
        ana, telegram = server.person(), channel(server)
        server.fails("sendMessage", ANSWER_LOST)
        with pytest.raises(UnsureDelivery) as raised:
            await telegram.send(question(ana, "yes", text="\n\n".join(letter * 3000 for letter in letters)))
        await telegram.close()
    assert raised.value.whole is whole


@pytest.mark.parametrize(
    ("fault", "kind", "retry_after"),
    [
        (too_many(9), DeliveryError, 9.0),
        (BLOCKED, Unreachable, None),
        (DEACTIVATED, Unreachable, None),
        (NO_CHAT, Unreachable, None),
        (Fault(400, "Bad Request: user is deactivated"), Unreachable, None),
        (Fault(400, "Bad Request: message text is empty"), Undeliverable, None),
        (BROKEN, DeliveryError, None),
        (BAD_GATEWAY, DeliveryError, None),
        (UNAUTHORIZED, DeliveryError, None),
        (Fault(404, "Not Found"), DeliveryError, None),
        (DROPPED, UnsureDelivery, None),
        (ANSWER_LOST, UnsureDelivery, None),
        (GARBAGE, UnsureDelivery, None),
        (Fault(200, body=b"[]"), UnsureDelivery, None),
        (Fault(200, body=b'{"ok":true,"result":true}'), UnsureDelivery, None),
        (Fault(500, body=b"[]"), DeliveryError, None),
        (Fault(429, "slow down"), DeliveryError, 1.0),
        (Fault(403, "Forbidden", {"retry_after": "soon"}), UnsureDelivery, None),
    ],
)
async def test_a_failure_says_what_can_be_done_and_nothing_else(
    fault: Fault, kind: type[DeliveryError], retry_after: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with telegram_server() as server:
        ana, telegram = server.person(), channel(server)
        server.fails("sendMessage", fault)
        with pytest.raises(kind) as raised:
            await telegram.send(words(ana, "top secret words"))
        await telegram.close()
        told = everything_told(raised.value) + caplog.text

    assert isinstance(raised.value, Undeliverable) == issubclass(kind, Undeliverable)
    assert isinstance(raised.value, UnsureDelivery) == issubclass(kind, UnsureDelivery)
    assert raised.value.retry_after == retry_after
    assert "secret" not in told and server.token not in told and str(ana.id) not in told


async def test_an_answer_that_does_not_come_leaves_it_unsure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channels.telegram.SILENCE", 0.05)
    async with telegram_server() as server:
        ana, telegram = server.person(), channel(server)
        server.fails("sendMessage", ANSWER_HANGS)
        with pytest.raises(UnsureDelivery):
            await telegram.send(words(ana))
        await telegram.close()

    assert [shown.text for shown in ana.heard] == ["Hello"]


async def test_a_connection_that_is_refused_was_no_delivery() -> None:
    telegram = Telegram(TOKEN, now, f"http://127.0.0.1:{closed_port()}")

    with pytest.raises(DeliveryError) as raised:
        await telegram.send(words_to_nobody())
    await telegram.close()

    assert type(raised.value) is DeliveryError
    assert TOKEN not in everything_told(raised.value)


async def test_an_answer_that_is_no_http_tells_no_token() -> None:
    async with raw_server(b"220 relay.example ESMTP\r\n") as port:
        telegram = Telegram(TOKEN, now, f"http://127.0.0.1:{port}")
        with pytest.raises(UnsureDelivery) as raised:
            await telegram.send(words_to_nobody())
        await telegram.close()

    assert TOKEN not in everything_told(raised.value)


async def test_the_token_stands_in_no_repr() -> None:
    telegram = Telegram(TOKEN, now)
    inside = [telegram, *vars(telegram).values(), telegram._sending.ask]

    assert not [one for one in inside if one is not telegram.token and TOKEN in repr(one)]


async def test_one_chat_that_must_wait_holds_up_nobody_else() -> None:
    async with telegram_server() as server:
        ana, ben, telegram = server.person("Ana"), server.person("Ben"), channel(server)
        server.fails("sendMessage", too_many(3600), chat=ana, always=True)
        with pytest.raises(DeliveryError):
            await telegram.send(words(ana))
        await asyncio.wait_for(telegram.send(words(ben)), 20)
        await telegram.close()

    assert [shown.text for shown in ben.heard] == ["Hello"] and ana.heard == []


async def test_people_in_danger_go_first_where_there_is_a_queue() -> None:
    async with telegram_server() as server:
        people = [server.person(f"P{n}") for n in range(12)]
        telegram = channel(server, per_second=4)
        calls = [telegram.send(words(one, urgent=number >= 10)) for number, one in enumerate(people)]
        await asyncio.wait_for(asyncio.gather(*calls), 30)
        await telegram.close()
        order = [call.chat for call in server.sent]

    assert set(order[4:6]) == {people[10].id, people[11].id}


async def test_whatever_is_sent_while_it_stops_arrives_and_leaves_no_connection_open() -> None:
    async with telegram_server() as server:
        ana, desk, telegram = server.person(), Desk(), channel(server)
        async with listening(telegram, desk):
            await server.polled(1)
        await telegram.send(words(ana, "afterwards"))
        gc.collect()  # an open session would warn here

    assert [shown.text for shown in ana.heard] == ["afterwards"]
    assert telegram._http._session is None


# ── clearing ────────────────────────────────────────────────────────────────────────────────────────────


async def test_messages_of_both_sides_are_deleted_in_calls_of_a_hundred() -> None:
    async with telegram_server() as server:
        ana, telegram = server.person(), channel(server)
        hers = [ana.writes(f"{number}") for number in range(120)]
        arrived = await telegram.send(words(ana))
        ids = tuple(str(shown.id) for shown in hers) + arrived.ids
        await telegram.clear(sender(ana), (*ids, f"{hers[0].id}/1795000000", "tap/17", "x"))
        await telegram.close()
        calls = await server.called("deleteMessages")

    assert ana.messages == [] and len(calls) == 2


async def test_what_can_not_be_deleted_hinders_nothing_else() -> None:
    async with telegram_server() as server:
        ana, telegram = server.person(), channel(server)
        server.world.ahead = -49 * 3600.0
        old = ana.writes("old")
        server.world.ahead = 0.0
        new = [ana.writes(str(number)) for number in range(5)]
        refusal = Fault(400, "Bad Request: message can't be deleted")
        server.fails("deleteMessages", refusal, refusal)
        await telegram.clear(sender(ana), (*(str(shown.id) for shown in (old, *new)), "999999"))
        await telegram.close()

    assert ana.messages == [old]


async def test_who_has_blocked_the_bot_is_out_of_reach_for_clearing_too() -> None:
    async with telegram_server() as server:
        ana, telegram = server.person(), channel(server)
        server.fails("deleteMessages", BLOCKED)
        with pytest.raises(Unreachable):
            await telegram.clear(sender(ana), ("1",))
        await telegram.close()


def words_to_nobody() -> Outgoing:
    return Outgoing(Sender("telegram", "1"), Spoken("Hello"), Say((Line("x"),), ("en",)))
