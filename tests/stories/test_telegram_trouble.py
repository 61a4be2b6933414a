"""Telegram's limits and failures, groups, old buttons of a life before, and the token, which nobody ever reads."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from fakes_smtp import Authority, MailServer
from fakes_telegram import TOKEN, telegram_server
from fakes_telegram_faults import BROKEN, GARBAGE, UNAUTHORIZED, Pace, too_many
from stories.program import mission_file, running, server_lines, settings_file
from stories.stage import Inbox
from stories.telegram_town import TelegramStage, question, serial, staged

SECRET = TOKEN.partition(":")[2]


@pytest.fixture
async def stage(
    tmp_path: Path, server: MailServer, authority: Authority, officer: Inbox
) -> AsyncIterator[TelegramStage]:
    async with staged(tmp_path, server, authority, officer) as stage:
        yield stage


async def test_being_asked_to_wait_concerns_one_chat_alone(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana, eva = stage.telegram.person(language_code="en"), stage.telegram.person(language_code="en")
        stage.telegram.fails("sendMessage", too_many(30), chat=ana)
        ana.writes("hello")
        eva.writes("hello")
        await eva.hears("Which language")
        await life.quiet()
        assert ana.heard == []
        await life.presses(eva, "en")
        await life.later(seconds=29)
        assert ana.heard == []
        await life.later(seconds=8)  # what was asked for, and a little more, so that not all come back at once
        assert "Which language" in (await ana.hears()).said


async def test_people_in_danger_are_answered_before_a_long_queue(stage: TelegramStage) -> None:
    stage.per_second, stage.pause = 30.0, 1.0
    stage.telegram.pace = Pace(leeway=0.5)  # what a busy machine sends in time arrives in bunches; exact: test_pace.py
    async with stage.open():
        others = [stage.telegram.person(language_code="en") for _ in range(90)]
        for one in others:
            one.writes("hello")
        await stage.telegram.called("sendMessage", 10)
        danger = [stage.telegram.person(language_code="en") for _ in range(5)]
        for one in danger:
            one.writes("SOS")
        first = len(stage.telegram.sent)
        await asyncio.gather(*(one.hears("Send the mission an alert") for one in danger))
        sent = len(stage.telegram.sent)
        assert sent - first <= 16 + len(danger) + 5  # those that were already on their way went before
        assert sent < len(others)
        await asyncio.gather(*(one.hears("Which language") for one in others))
    assert stage.telegram.pace.refused == 0


async def test_groups_are_left_without_a_word_and_keep_nothing(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana = stage.telegram.person(language_code="en")
        for kind in ("group", "supergroup", "channel"):
            group = stage.telegram.group(kind)
            group.joins(ana)
            await group.sees(lambda group: group.status == "left")
        group = stage.telegram.group()
        group.status = "member"
        group.writes("SOS", ana)
        await group.sees(lambda group: group.status == "left")
        await life.quiet()
        assert not stage.telegram.sent
        assert await life.blobs() == []


async def test_an_old_consent_button_of_an_earlier_talk_never_consents(
    stage: TelegramStage, server: MailServer
) -> None:
    async with stage.open() as life:
        ana = stage.telegram.person(language_code="en")
        await life.says(ana, "hello")
        await life.presses(ana, "en")
        await life.says(ana, "SOS")
        send = question(ana)
        await life.presses(ana, "me")
        act = question(ana)
    stage.clock.move(days=2)
    async with stage.open() as life:
        before = len(ana.heard)
        await life.taps(ana, act, "act")  # nobody knows when: the bot was away
        assert (len(ana.heard), await life.kept(ana)) == (before, None)
        await life.says(ana, "hello")
        await life.presses(ana, "en")
        await life.says(ana, "SOS")
        for old in (act, send, act):
            told = await life.taps(ana, old, "act" if old is act else "me")
            assert "That button belongs to an earlier question. Nothing has changed." in told
        await life.presses(ana, "held")
        assert serial(question(ana)) > serial(act)
        assert "earlier question" in await life.taps(ana, act, "act")
        talk = await life.kept(ana)
        assert talk is not None and talk.case is None
        assert [consent.choice for consent in talk.consents] == ["held"]
        assert await life.rows("mail") == 0
    assert server.taken == []


async def test_after_an_erase_no_button_of_before_leads_anywhere_but_to_the_first_question(
    stage: TelegramStage,
) -> None:
    async with stage.open() as life:
        ana = stage.telegram.person(language_code="en")
        await life.says(ana, "SOS")
        await life.presses(ana, "me")
        old = question(ana)
        await life.says(ana, "ERASE")
        told = await life.taps(ana, old, "act")
        assert "That button belongs to an earlier question." in told and "Which language" in told
        await life.says(ana, "ERASE")
    async with stage.open() as life:
        told = ana.last.said
        assert await life.taps(ana, old, "act") == told  # a message that Telegram has forgotten: nobody knows when
        assert await life.kept(ana) is None
        assert await life.rows("mail") == 0


async def test_the_token_stands_in_no_log_no_error_and_no_process_list(
    tmp_path: Path, server: MailServer, authority: Authority, officer: Inbox
) -> None:
    async with telegram_server() as telegram:
        ana = telegram.person(language_code="en")
        telegram.fails("sendMessage", too_many(1))
        telegram.fails("getUpdates", BROKEN, GARBAGE)
        telegram.fails("answerCallbackQuery", GARBAGE)
        settings = configured(tmp_path, server, authority, officer, telegram.base_url)
        async with running(tmp_path / "home", settings) as program:
            await program.logs("ready")
            ana.writes("hello")
            await program.logs("words_delayed")
            seen = " ".join(psutil.Process(program.process.pid).cmdline())
            await ana.hears("Which language")
            telegram.fails("sendMessage", GARBAGE)
            ana.taps("English")
            await program.logs("words_unsure")
            assert (await program.end())[0] == 0
        telegram.fails("*", UNAUTHORIZED, always=True)
        async with running(tmp_path / "home", settings) as refused:
            assert await asyncio.wait_for(refused.process.wait(), 60) == 2
    told = [bytes(one) for life in (program, refused) for one in (life._logged, life._said)]
    assert not [one for one in (seen.encode(), *told) if SECRET.encode() in one]
    assert b"the token is refused" in refused._logged


def configured(folder: Path, server: MailServer, authority: Authority, officer: Inbox, base_url: str) -> Path:
    """Settings for a bot on this Telegram."""
    mission_file(folder, officer.contact.openpgp or "", officer.contact.fingerprint)
    secret = folder / "token"
    secret.write_text(TOKEN)
    secret.chmod(0o600)
    api = base_url.removesuffix("/bot")
    table = f'[telegram]\ntoken_file = "token"\napi = "{api}"\n'
    return settings_file(folder, server_lines(server, authority), more=table, level="debug")
