"""Telegram and Signal from settings and profile: how each is made, how it looks, and what is found changed there."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes_signal import signal_server
from fakes_signal_wire import ACCOUNT
from fakes_smtp import closed_port
from fakes_telegram import TOKEN, TelegramServer, telegram_server
from fakes_telegram_faults import HANGS, UNAUTHORIZED

from bot.channels.signal import Signal
from bot.channels.telegram import Telegram
from bot.channels.telegram_looks import Looks, compare, correct
from bot.content import content
from bot.errors import SettingsError
from bot.handoff.mission import SignalAddress, TelegramAddress
from bot.knowledge import Knowledge, know
from bot.messengers import CHALLENGE, findings, looks, messengers, signal
from bot.settings import Settings, read_mission
from bot.settings.values import Signal as SignalSettings
from bot.settings.values import Storage
from bot.settings.values import Telegram as TelegramSettings

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
HOUR = 3600
SECRET = "a-secret-of-the-webhook"


def now() -> datetime:
    return NOW


def knowledge(**changes: object) -> Knowledge:
    read = read_mission(content("missions") / "us-mexico.toml")
    profile = replace(read, languages=("es", "en"), contacts=())
    return know(replace(profile, **changes), NOW.date())  # type: ignore[arg-type]  # named by its fields


def settings(**more: object) -> Settings:
    storage = Storage("sqlite:///kept.db", Path("keys"))
    return Settings(Path("mission.toml"), storage, **more)  # type: ignore[arg-type]  # named by its fields


def telegram(server: TelegramServer) -> TelegramSettings:
    return TelegramSettings(TOKEN, server.base_url.removesuffix("/bot"))


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with telegram_server() as running:
        yield running


async def found(told: Settings, known: Knowledge) -> list[str]:
    """What `check` finds, which has a loop of its own."""
    return await asyncio.to_thread(findings, told, known, now)


# ── made from settings and profile ───────────────────────────────────────────────────────────────────────


def test_only_what_is_configured_is_made() -> None:
    assert messengers(settings(), knowledge(), now, print) == []


def test_both_messengers_are_made_with_what_the_profile_says() -> None:
    rung: list[str] = []
    known = knowledge(signal=SignalAddress(vanish_hours=3, receipts=False))
    told = settings(telegram=TelegramSettings(TOKEN), signal=SignalSettings("signal:8080", ACCOUNT))
    one, two = messengers(told, known, now, rung.append)
    assert isinstance(one, Telegram) and isinstance(two, Signal)
    assert (one.name, one.api, one.webhook, one.looks) == ("telegram", "https://api.telegram.org", None, looks(known))
    assert (two.name, two._vanish, two._service.url) == ("signal", 3 * HOUR, "http://signal:8080")
    assert two._errands.receipt is None
    two._alarm("deaf")
    assert rung == ["deaf"]


def test_the_token_of_a_limit_is_kept_for_whoever_solves_the_captcha(tmp_path: Path) -> None:
    rung: list[str] = []
    kept = tmp_path / CHALLENGE
    channel = signal(SignalSettings("signal:8080", ACCOUNT), knowledge(), now, rung.append, kept)
    assert isinstance(channel, Signal)
    channel.challenge_token = "token-1"
    channel._alarm("captcha")
    assert (rung, kept.read_text("utf-8"), kept.stat().st_mode & 0o777) == (["captcha"], "token-1", 0o600)
    channel._alarm("deaf")
    assert rung == ["captcha", "deaf"]


def test_receipts_and_the_timer_are_as_the_profile_has_them_by_default() -> None:
    told = settings(signal=SignalSettings("https://signal:8080", ACCOUNT))
    (channel,) = messengers(told, knowledge(), now, print)
    assert isinstance(channel, Signal)
    assert channel._vanish == 24 * HOUR and channel._errands.receipt is not None
    assert channel._service.url == "https://signal:8080"


def test_a_webhook_is_taken_where_it_is_configured_and_refused_where_its_secret_is_no_secret() -> None:
    told = TelegramSettings(TOKEN, webhook_url="https://bot.example/hook", listen="127.0.0.1:9000", secret=SECRET)
    (channel,) = messengers(settings(telegram=told), knowledge(), now, print)
    assert isinstance(channel, Telegram) and channel.webhook
    assert (channel.webhook.url, channel.webhook.address) == ("https://bot.example/hook", ("127.0.0.1", 9000))
    with pytest.raises(SettingsError, match=r"^telegram\.secret_file: expected 16 to 256"):
        messengers(settings(telegram=replace(told, secret="short")), knowledge(), now, print)


# ── how it looks ─────────────────────────────────────────────────────────────────────────────────────────


def test_each_language_of_the_mission_has_a_look_and_the_first_is_everybody_elses() -> None:
    each = {look.language: look for look in looks(knowledge()).each}
    assert [*each] == ["", "en", "es"]
    assert each[""] == replace(each["es"], language="")
    assert each["en"].description == "A program that answers in this chat. Write to begin."
    assert each["en"].commands == (("start", "Begin"), ("help", "Help"), ("language", "Language"), ("stop", "End"))
    assert each["es"].description != each["en"].description
    assert {look.name for look in each.values()} == {"Postigo"}


def test_what_the_profile_says_of_itself_stands_in_place_of_our_words() -> None:
    address = TelegramAddress(
        display_name="Door", name={"es": "Puerta"}, description={"en": "Ask."}, short_description={"es": "Pregunte."}
    )
    each = {look.language: look for look in looks(knowledge(telegram=address)).each}
    assert (each["es"].name, each["en"].name, each[""].name) == ("Puerta", "Door", "Puerta")
    assert (each["en"].description, each["es"].short_description) == ("Ask.", "Pregunte.")
    assert each["en"].short_description == "A program that answers in this chat."


@pytest.mark.parametrize("secret", ["mission", "defender", "embassy", "human rights", "danger", "SOS"])
def test_nothing_that_a_look_shows_tells_what_the_bot_is_for(secret: str) -> None:
    shown = [part for look in looks(knowledge()).each for part in (look.name, look.description, look.short_description)]
    assert not [one for one in shown if secret.casefold() in one.casefold()]


# ── what is found ────────────────────────────────────────────────────────────────────────────────────────


async def dress(account: Telegram, expected: Looks) -> None:
    """Make it look as expected."""
    await correct(account.ask, await compare(account.ask, expected))


async def test_an_account_that_looks_as_configured_gives_no_findings(server: TelegramServer) -> None:
    known = knowledge()
    account = Telegram(TOKEN, now, server.base_url.removesuffix("/bot"))
    await dress(account, looks(known))
    await account.close()
    assert await found(settings(telegram=telegram(server)), known) == []


async def test_an_account_that_somebody_has_changed_is_found(server: TelegramServer) -> None:
    known = knowledge()
    account = Telegram(TOKEN, now, server.base_url.removesuffix("/bot"))
    await dress(account, looks(known))
    await correct(
        account.ask, await compare(account.ask, looks(knowledge(telegram=TelegramAddress(name={"en": "Embassy bot"}))))
    )
    await account.close()
    assert await found(settings(telegram=telegram(server)), known) == [
        "telegram: not as configured: the bot's name, for people whose app speaks en"
    ]


async def test_a_token_that_is_none_and_a_telegram_that_is_not_there_are_found(server: TelegramServer) -> None:
    server.fails("*", UNAUTHORIZED, always=True)
    (refused,) = await found(settings(telegram=telegram(server)), knowledge())
    away = TelegramSettings(TOKEN, f"http://127.0.0.1:{closed_port()}")
    (gone,) = await found(settings(telegram=away), knowledge())
    assert "token" in refused and TOKEN not in refused + gone
    assert gone.startswith("telegram: ")


async def test_a_telegram_that_does_not_answer_is_found(
    server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.messengers.ASKED_FOR", 0.2)
    server.fails("*", HANGS, always=True)
    assert await found(settings(telegram=telegram(server)), knowledge()) == ["telegram: no answer"]


async def test_what_is_missing_on_signal_is_found_beside_it(server: TelegramServer) -> None:
    async with signal_server() as signal:
        account = SignalSettings(signal.address, ACCOUNT)
        assert await found(settings(signal=account), knowledge()) == []
        signal.rest.trust_mode = "always"
        (sentence,) = await found(settings(signal=account), knowledge())
        assert sentence.startswith("signal: every changed safety number is trusted")
        told = await found(settings(signal=account, telegram=telegram(server)), knowledge())
        assert len(told) > 1 and told[-1] == sentence and told[0].startswith("telegram: ")


async def test_a_signal_server_that_is_not_there_is_found() -> None:
    account = SignalSettings(f"127.0.0.1:{closed_port()}", ACCOUNT)
    (sentence,) = await found(settings(signal=account), knowledge())
    assert sentence.startswith("signal: nothing answers at http://127.0.0.1:")
