"""How the bot looks in Telegram: set where it differs, and told without a value when somebody has changed it."""

import pytest
from fakes_telegram import TelegramServer, telegram_server
from fakes_telegram_desk import Desk, channel, events, listening
from fakes_telegram_faults import BROKEN, UNAUTHORIZED, too_many

from bot.channels.telegram import Telegram
from bot.channels.telegram_looks import Look, Looks, compare, correct
from bot.errors import DeliveryError, SettingsError

MENU = (("start", "Begin"), ("help", "What is this"), ("language", "Another language"), ("stop", "Leave"))
LOOKS = Looks(
    (
        Look("", "Open hours", "A place to ask.", "Ask here.", MENU),
        Look("es", "Horario", "Un lugar para preguntar.", "Pregunte.", (("start", "Empezar"),)),
        Look("quc", "K'iche'", "Telegram has no two letters for it.", "", ()),
    )
)


async def dress(account: Telegram, expected: Looks) -> None:
    """Make it look as expected."""
    await correct(account.ask, await compare(account.ask, expected))


def set_by(server: TelegramServer) -> list[str]:
    return [call.method for call in server.calls if call.method.startswith("set")]


async def test_what_differs_is_told_by_name_and_language_and_never_by_value() -> None:
    async with telegram_server() as server:
        telegram = channel(server)
        before = await telegram.differences(LOOKS)
        await dress(telegram, LOOKS)
        after = await telegram.differences(LOOKS)
        await telegram.close()

    assert len(before) == 8 and after == []
    assert "telegram: not as configured: the bot's name, for everybody else" in before
    assert "telegram: not as configured: the bot's commands, for people whose app speaks es" in before
    assert not any(value in "".join(before) for value in ("Open", "Horario", "Empezar"))


async def test_only_what_differs_is_set() -> None:
    async with telegram_server() as server:
        telegram = channel(server)
        await dress(telegram, LOOKS)
        first = len(set_by(server))
        await dress(telegram, LOOKS)
        again = len(set_by(server)) - first
        await dress(telegram, Looks((LOOKS.each[0], Look("es", "Otro", *_rest(LOOKS.each[1])))))
        await telegram.close()

    assert (first, again, set_by(server)[first:]) == (8, 0, ["setmyname"])
    assert server.methods.menu("es") == [{"command": "start", "description": "Empezar"}]


async def test_the_bot_is_dressed_while_it_hears_and_a_change_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with telegram_server() as server:
        ana, desk = server.person(), Desk()
        async with listening(channel(server, looks=LOOKS), desk):
            ana.writes("hello")
            await desk.took(1)
            await server.called("setMyCommands", 2)
        first = events(caplog.records)
        async with listening(channel(server, looks=LOOKS), desk):
            await server.called("getMyCommands", 4)

    assert first == events(caplog.records) == ["account_dressed"]


async def test_a_look_that_can_not_be_changed_hinders_nothing_else() -> None:
    async with telegram_server() as server:
        telegram = channel(server)
        server.fails("setMyName", too_many(80_000), always=True)
        with pytest.raises(DeliveryError) as raised:
            await dress(telegram, LOOKS)
        left = await telegram.differences(LOOKS)
        await telegram.close()

    assert raised.value.retry_after == 80_000
    assert len(left) == 2 and all("name" in one for one in left)


async def test_whoever_hears_goes_on_where_nothing_can_be_looked_at() -> None:
    async with telegram_server() as server:
        ana, desk = server.person(), Desk()
        server.fails("getMyName", BROKEN, always=True)
        async with listening(channel(server, looks=LOOKS), desk):
            await server.called("getMyName")
            ana.writes("hello")
            await desk.took(1)

    assert desk.texts == ["hello"] and set_by(server) == []


async def test_a_refused_token_is_told_to_whoever_checks() -> None:
    async with telegram_server() as server:
        telegram = channel(server)
        server.fails("getMyName", UNAUTHORIZED)
        with pytest.raises(SettingsError):
            await telegram.differences(LOOKS)
        await telegram.close()


def _rest(look: Look) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return look.description, look.short_description, look.commands
