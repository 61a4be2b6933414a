"""Whatever Telegram sends, the bot keeps answering the next person: real updates, spoiled in many ways."""

import json
from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from fakes_smtp import Authority, MailServer
from stories.sizes import Size
from stories.stage import Inbox
from stories.telegram_town import TelegramLife, TelegramStage, drawn, question, staged

AT_ONCE = 150  # spoiled updates between two people who want an answer
ODD: tuple[object, ...] = (
    *(None, True, False, 0, -1, 2**31, 2**63, -(2**63) - 1, 10**400, 1.5, float("inf"), float("nan")),
    *(
        "",
        " ",
        "\x00",
        "\ud800",
        "7" * 50,
        "é" * 5000,
        "/start " + "x" * 5000,
        "\u202e1",
        "SOS",
        "ERASE",
        "1:+7",
        "9:!",
    ),
    *([], {}, [[]], [None], {"": ""}, {"id": "x"}, [{"text": 7}], {"inline_keyboard": [[{}], 3, [None]]}),
)
UNKNOWN: tuple[dict[str, Any], ...] = (
    {},
    {"hologram": {"of": "tomorrow"}},
    {"message": {}},
    {"message": None},
    {"message": []},
    {"callback_query": {"id": "1"}},
    {"edited_message": {"text": "x"}},
    {"my_chat_member": {"chat": {"id": 1, "type": "private"}}},
    {"poll": {"id": "1"}, "message": {"chat": {"type": "hologram"}}},
)


@pytest.fixture
async def stage(
    tmp_path: Path, server: MailServer, authority: Authority, officer: Inbox
) -> AsyncIterator[TelegramStage]:
    async with staged(tmp_path, server, authority, officer) as stage:
        yield stage


async def answers_the_next_one(life: TelegramLife) -> None:
    """Somebody new says hello, and answers the first question."""
    ana = life.telegram.person(language_code="en")
    ana.writes("hello")
    await ana.hears("Which language do you prefer?")
    ana.taps("English")
    await ana.hears("Can someone else see this phone")


async def real_ones(life: TelegramLife) -> list[dict[str, Any]]:
    """One real update of every kind that people cause."""
    ana, queue = life.telegram.person(language_code="en"), life.telegram.updates
    first = queue.next_id
    ana.writes("hello", reply_to_message={"message_id": 1, "chat": ana.wire, "date": 1, "text": "x"})
    await life.quiet()
    await life.taps(ana, question(ana), "en")
    written = ana.writes("1", entities=[{"type": "bold", "offset": 0, "length": 1}])
    ana.edits(written, "2")
    for kind in ("photo", "voice", "location", "contact", "poll"):
        ana.sends(kind)
    group = life.telegram.group()
    group.joins(ana)
    group.writes("hello", ana)
    ana.blocks()
    ana.unblocks()
    await life.quiet()
    bodies = [json.loads(queue._known[number]) for number in range(first, queue.next_id)]
    return [{name: value for name, value in body.items() if name != "update_id"} for body in bodies]


def places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Every place inside a JSON value."""
    inner = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [place for key, one in inner for place in ((*path, key), *places(one, (*path, key)))]


def spoiled(update: dict[str, Any], number: int) -> dict[str, Any]:
    """The update with one to three things in it gone, or of another kind."""
    copy = deepcopy(update)
    for turn in range(1 + number % 3):
        found = places(copy)
        if not found:
            break
        *path, last = found[drawn("place", number, turn, below=len(found))]
        inner: Any = copy
        for key in path:
            inner = inner[key]
        odd = drawn("odd", number, turn, below=len(ODD) + 3)
        if odd < len(ODD):
            inner[last] = deepcopy(ODD[odd])
        else:
            del inner[last]
    return copy


async def test_spoiled_updates_block_nobody_and_reveal_nothing(
    stage: TelegramStage, caplog: pytest.LogCaptureFixture, size: Size
) -> None:
    async with stage.open() as life:
        real = await real_ones(life)
        for number in range(size.spoiled):
            stage.telegram.push(spoiled(real[number % len(real)], number))
            if number % AT_ONCE == 0:
                await answers_the_next_one(life)
        for update in UNKNOWN:
            stage.telegram.push(update)
        await answers_the_next_one(life)
        await life.quiet()
    assert "update_set_aside" in str([getattr(one.msg, "shown", "") for one in caplog.records])
    assert not [
        one for one in caplog.records if str(getattr(one.msg, "shown", {}).get("event")) in {"turn_failed", "fault"}
    ]


def nested(depth: int) -> bytes:
    return b'{"update_id":%d,"message":' + b'{"message":' * depth + b"{}" + b"}" * depth + b"}"


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b'"message"',
        b"1e999",
        b'{"update_id":"9","message":{}}',
        b'{"update_id":%d,"message":{"text":"\\ud800","date":NaN}}',
        nested(400),
        nested(100_000),
        b'{"update_id":%d,"message":{"chat":{"id":' + b"9" * 5000 + b"}}}",
        b'{"update_id":%d,"message":{"text":"\xff\xfe"}}',
    ],
    ids=lambda body: body[:40].decode("ascii", "replace") + f" ({len(body)})",
)
async def test_what_is_hardly_json_blocks_nobody(stage: TelegramStage, body: bytes) -> None:
    async with stage.open() as life:
        queue = stage.telegram.updates
        queue.push_raw(body.replace(b"%d", b"%d" % queue.next_id))
        await answers_the_next_one(life)


async def test_a_text_of_a_million_characters_is_answered_like_any_other(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana = stage.telegram.person(language_code="en")
        await life.says(ana, "hello")
        await life.presses(ana, "en")
        for text in ("x" * 1_000_000, "🆘" * 250_000, "\u202e" * 1_000_000, "1, " * 300_000, "/start " * 150_000):
            assert "I did not understand that" in await life.says(ana, text)
        assert "danger now?" in await life.presses(ana, "no")
        await answers_the_next_one(life)
