"""The Telegram of the tests keeps the protocol: python-telegram-bot's own Bot, unpatched, can talk with it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fakes_telegram import TelegramServer, telegram_server
from fakes_telegram_people import MEDIA
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
    Update,
)
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken

KEYBOARD = InlineKeyboardMarkup(
    [
        [InlineKeyboardButton("1. Safe", callback_data="s:1")],
        [InlineKeyboardButton("7. In danger", callback_data="s:7")],
    ]
)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with telegram_server() as running:
        yield running


@pytest_asyncio.fixture
async def bot(server: TelegramServer) -> AsyncIterator[Bot]:
    async with Bot(server.token, base_url=server.base_url) as ours:
        yield ours


async def updates(bot: Bot, offset: int = 0, limit: int = 100) -> tuple[Update, ...]:
    return await bot.get_updates(offset=offset, timeout=20, limit=limit)


def ids(got: tuple[Update, ...]) -> list[int]:
    return [update.update_id for update in got]


async def test_the_bot_knows_itself(bot: Bot, server: TelegramServer) -> None:
    assert (await bot.get_me()).id == int(server.token.partition(":")[0])


async def test_a_text_comes_as_it_was_written_until_it_is_confirmed(bot: Bot, server: TelegramServer) -> None:
    ana = server.person(language_code="es")
    written = ana.writes("/start es")
    for _ in range(2):
        (update,) = await updates(bot)
        message = update.message
        assert message is not None and message.from_user is not None
        assert (message.text, message.chat_id, message.message_id) == ("/start es", ana.id, written.id)
        assert message.from_user.language_code == "es"
        assert message.entities[0].type == "bot_command"
    assert await bot.get_updates(offset=update.update_id + 1) == ()
    assert await bot.get_updates() == ()
    await server.updates.all_taken()


async def test_a_long_poll_waits_for_what_happens(bot: Bot, server: TelegramServer) -> None:
    ana = server.person()
    poll = asyncio.create_task(updates(bot))
    await server.polled()
    ana.writes("hello")
    (update,) = await poll
    assert update.message is not None and update.message.text == "hello"


async def test_offsets_limits_and_kinds_are_kept(bot: Bot, server: TelegramServer) -> None:
    ana = server.person()
    for text in "abc":
        ana.writes(text)
    assert ids(await updates(bot, limit=2)) == [731_000_001, 731_000_002]
    assert ids(await bot.get_updates(offset=-1, allowed_updates=["callback_query"])) == [731_000_003]
    ana.writes("not asked for")
    await bot.send_message(ana.id, "How are you?", reply_markup=KEYBOARD)
    ana.taps(1)
    (update,) = await updates(bot, 731_000_004)
    assert update.callback_query is not None


async def test_a_second_poller_ends_the_first(bot: Bot, server: TelegramServer) -> None:
    first = asyncio.create_task(updates(bot))
    await server.polled()
    async with Bot(server.token, base_url=server.base_url) as other:
        second = asyncio.create_task(updates(other))
        with pytest.raises(Conflict, match="terminated by other getUpdates request"):
            await first
        server.person().writes("hello")
        assert len(await second) == 1


async def test_updates_can_come_twice_with_the_same_id(bot: Bot, server: TelegramServer) -> None:
    server.updates.twice = True
    server.person().writes("hello")
    (first,) = await updates(bot)
    (again,) = await updates(bot, first.update_id + 1)
    assert again == first
    assert await bot.get_updates(offset=first.update_id + 1) == ()
    server.redeliver(first.update_id)
    assert ids(await updates(bot, first.update_id + 1)) == [first.update_id]


async def test_a_message_arrives_with_all_that_was_asked_for(bot: Bot, server: TelegramServer) -> None:
    ana = server.person()
    off = LinkPreviewOptions(is_disabled=True)
    sent = await bot.send_message(
        ana.id,
        " How are you?\n",
        reply_markup=KEYBOARD,
        protect_content=True,
        link_preview_options=off,
        disable_notification=True,
    )
    assert (sent.text, sent.reply_markup, sent.has_protected_content) == ("How are you?", KEYBOARD, True)
    assert sent.link_preview_options == off
    shown = await ana.hears("How are you?")
    assert (shown.id, shown.labels, shown.protected, shown.silent) == (
        sent.message_id,
        ["1. Safe", "7. In danger"],
        True,
        True,
    )
    assert [call.chat for call in server.sent] == [ana.id]


async def test_a_tap_is_answered_once_and_its_message_changed(bot: Bot, server: TelegramServer) -> None:
    ana = server.person()
    await bot.send_message(ana.id, "How are you?", reply_markup=KEYBOARD)
    tap = ana.taps(7)
    (update,) = await updates(bot)
    query = update.callback_query
    assert query is not None and isinstance(query.message, Message)
    assert (query.data, query.message.text, query.message.reply_markup) == ("s:7", "How are you?", KEYBOARD)
    await query.answer("Thank you")
    assert await ana.answered(tap) == {"text": "Thank you", "show_alert": False}
    with pytest.raises(BadRequest, match=r"(?i)query is too old and response timeout expired or query ID is invalid"):
        await query.answer()
    edited = await query.edit_message_text("How are you? In danger")
    assert isinstance(edited, Message) and edited.edit_date is not None
    assert (ana.last.text, ana.last.said, ana.last.buttons) == ("How are you? In danger", "How are you?", [])
    with pytest.raises(BadRequest, match=r"(?i)message is not modified"):
        await query.edit_message_reply_markup(None)
    ana.taps_old(ana.last, "Safe")
    assert len(await updates(bot, update.update_id + 1)) == 1


async def test_a_tap_on_a_message_that_is_gone_says_so(bot: Bot, server: TelegramServer) -> None:
    ana = server.person()
    sent = await bot.send_message(ana.id, "How are you?", reply_markup=KEYBOARD)
    assert await bot.delete_message(ana.id, sent.message_id)
    ana.taps_old(ana.last, 1)
    (update,) = await updates(bot)
    assert update.callback_query is not None and update.callback_query.message is not None
    assert not update.callback_query.message.is_accessible
    with pytest.raises(BadRequest, match=r"(?i)message to edit not found"):
        await bot.edit_message_text("Gone", ana.id, sent.message_id)


@pytest.mark.parametrize("kind", MEDIA)
async def test_whatever_somebody_sends_can_be_read(kind: str, bot: Bot, server: TelegramServer) -> None:
    server.person().sends(kind, caption="Look")
    (update,) = await updates(bot)
    assert update.message is not None
    assert getattr(update.message, kind)
    assert update.message.caption == "Look"


async def test_edits_blocks_and_groups_are_told(bot: Bot, server: TelegramServer) -> None:
    ana = server.person()
    ana.edits(ana.writes("yes"), "no")
    ana.blocks()
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(ana.id, "hello")
    ana.unblocks()
    group, channel = server.group(), server.group("channel")
    group.joins(ana)
    group.writes("hello all", ana)
    channel.joins(ana)
    channel.writes("news", ana)
    said, edit, blocked, back, joined, in_group, channelled, post = await updates(bot)
    assert said.message is not None and edit.edited_message is not None
    assert (edit.edited_message.text, edit.edited_message.message_id) == ("no", said.message.message_id)
    changes = [update.my_chat_member for update in (blocked, back, joined, channelled)]
    statuses = [change.new_chat_member.status for change in changes if change is not None]
    assert statuses == ["kicked", "member", "member", "administrator"]
    assert in_group.message is not None and in_group.message.chat.type == "supergroup"
    assert post.channel_post is not None and post.channel_post.from_user is None
    assert await bot.leave_chat(group.id)
    with pytest.raises(Forbidden, match="not a member"):
        await bot.send_message(group.id, "hello")
    assert (await bot.get_chat(ana.id)).type == "private"


async def test_deleting_is_for_both_sides_and_for_two_days(bot: Bot, server: TelegramServer) -> None:
    ana = server.person()
    old = ana.writes("long ago")
    server.world.ahead += 50 * 3600
    young = ana.writes("today")
    sent = await bot.send_message(ana.id, "hello")
    assert await bot.delete_messages(ana.id, [old.id, young.id, sent.message_id, 999])
    assert ana.messages == [old]
    assert [shown.said for shown in ana.heard] == ["hello"]
    with pytest.raises(BadRequest, match=r"(?i)can't be deleted"):
        await bot.delete_message(ana.id, old.id)
    with pytest.raises(BadRequest, match=r"(?i)message to delete not found"):
        await bot.delete_message(ana.id, young.id)
    with pytest.raises(BadRequest, match=r"(?i)too many message identifiers"):
        await bot.delete_messages(ana.id, list(range(1, 102)))


async def test_dates_are_whole_seconds_and_no_two_are_the_same(bot: Bot, server: TelegramServer) -> None:
    server.world.now = lambda: 1_795_000_000.7
    ana = server.person()
    first = await bot.send_message(ana.id, "a")
    assert [first.date.timestamp(), float(ana.writes("b").date)] == [1_795_000_000, 1_795_000_001]
    server.world.ticking = False
    assert ana.writes("c").date == 1_795_000_001


async def test_commands_and_names_have_languages(bot: Bot, server: TelegramServer) -> None:
    scope = BotCommandScopeAllPrivateChats()
    spanish = [BotCommand("start", "Comenzar")]
    assert await bot.set_my_commands(spanish, scope=scope, language_code="es")
    assert await bot.get_my_commands(scope=scope, language_code="es") == tuple(spanish)
    assert await bot.get_my_commands() == ()
    assert (server.methods.menu("es"), server.methods.menu("fr")) == (
        [{"command": "start", "description": "Comenzar"}],
        [],
    )
    assert await bot.delete_my_commands(scope=scope, language_code="es")
    assert await bot.get_my_commands(scope=scope, language_code="es") == ()
    assert await bot.set_my_name("Puerta", language_code="es")
    assert [(await bot.get_my_name(code)).name for code in ("es", "fr", None)] == ["Puerta", "Door", "Door"]
    assert await bot.set_my_description("Una puerta", language_code="es")
    assert (await bot.get_my_description("es")).description == "Una puerta"
    assert await bot.set_my_short_description("Puerta", language_code="es")
    assert (await bot.get_my_short_description("es")).short_description == "Puerta"
    with pytest.raises(BadRequest):
        await bot.set_my_short_description("x" * 121)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x" * 4097, "(?i)message is too long"),
        ("😀" * 2049, "(?i)message is too long"),
        (" ", "(?i)message text is empty"),
    ],
)
async def test_texts_have_limits(text: str, error: str, bot: Bot, server: TelegramServer) -> None:
    ana = server.person()
    with pytest.raises(BadRequest, match=error):
        await bot.send_message(ana.id, text)
    assert (await bot.send_message(ana.id, "😀" * 2048)).text == "😀" * 2048


async def test_a_revoked_token_is_refused(bot: Bot, server: TelegramServer) -> None:
    server.token = server.token[:-1] + "X"
    with pytest.raises(InvalidToken):
        await bot.get_me()


async def test_a_person_reads_in_order_and_says_what_was_missing(bot: Bot, server: TelegramServer) -> None:
    ana = server.person()
    for text in ("one", "two", "three"):
        await bot.send_message(ana.id, text)
    assert (await ana.hears("two")).said == "two"
    with pytest.raises(AssertionError, match=r"waited 0\.01 s for 'one'; unread: \['three'\]"):
        await ana.hears("one", within=0.01)
    assert (await ana.hears(lambda shown: len(shown.said) > 3)).said == "three"
    with pytest.raises(AssertionError, match="no message with buttons"):
        ana.taps("Safe")
