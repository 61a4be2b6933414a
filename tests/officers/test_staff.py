"""The mission's side as it is wired: whose words are taken, in which words, and what an account is told of itself."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from fakes_openssl import Openssl
from fakes_smtp import MailServer
from officers.room import FIRST, STRANGER, Pair, cries, mails_to
from stories.stage import SmimeInbox, Stage, keyless

from bot import staff
from bot.conversation.understanding import fold
from bot.errors import SettingsError
from bot.handoff.orders import Verb
from bot.officers.inviting import invitation
from bot.settings import Mailbox
from bot.staff import mailbox_of


async def test_officers_are_heard_once_the_server_has_said_that_accounts_can_be_trusted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(staff, "TRUST_SECONDS", 0.0)
    monkeypatch.setattr(staff, "TRUST_AGAIN_SECONDS", 0.0)
    answers: asyncio.Queue[bool | None] = asyncio.Queue()
    asked = asyncio.Event()

    async def trusted() -> bool | None:
        asked.set()
        return await answers.get()

    stage.trusted = trusted

    async def says(answer: bool | None) -> None:
        await asyncio.wait_for(asked.wait(), 20)
        asked.clear()
        answers.put_nowait(answer)
        await asyncio.wait_for(asked.wait(), 20)

    async with stage.open() as life:
        officers = life.bot.desk.officers
        heard = [officers.trusted]
        for answer in (None, True, None, False, False):
            await says(answer)
            heard.append(officers.trusted)
        assert heard == [False, False, True, True, False, False]
        assert "I take no words of officers now" in await life.writes(FIRST, "cases")
        await says(True)
        assert "No case is open." in await life.writes(FIRST, "cases")
    shown = [record.msg.shown["event"] for record in caplog.records if hasattr(record.msg, "shown")]
    assert shown.count("officers_untrusted") == 1


async def test_every_order_has_words_in_each_officer_s_language_and_no_word_is_two_orders(stage: Stage) -> None:
    bot, _ = stage.wired()
    words = bot.desk.officers.words
    assert set(words.values()) == set(Verb)
    assert all(words[str(verb)] is verb for verb in Verb)
    spanish = {fold(word) for word in ("casos", "caso", "leído", "responder", "cerrar", "nivel", "turno", "enviar")}
    assert spanish < set(words)
    bot.engine.dispose()


async def test_whoever_writes_the_invitation_is_told_the_name_of_their_account_and_no_more(stage: Stage) -> None:
    async with stage.open() as life:
        words = invitation(life.bot.keyring.keyed_hash, life.clock.now())
        assert STRANGER in await life.writes(STRANGER, words.lower())
        assert await life.talk(STRANGER) is None
        assert "Which language" in await life.writes(STRANGER, "officer 1234 5678 9012")
        life.clock.move(days=2)
        assert STRANGER not in await life.writes("0a000000-0000-4000-8000-000000000008", words)


async def test_an_account_on_another_messenger_is_told_nothing(stage: Stage) -> None:
    stage.channel = "telegram"
    async with stage.open() as life:
        words = invitation(life.bot.keyring.keyed_hash, life.clock.now())
        assert "Which language" in await life.writes("12345", words)


async def test_each_officer_is_sealed_to_by_their_own_kind_of_key(
    stage: Stage, server: MailServer, pair: Pair, tmp_path: Path
) -> None:
    by_smime = SmimeInbox(Openssl(tmp_path).person(), "third")
    chain = (pair.first.contact, replace(by_smime.contact, after=0), replace(keyless("fourth"), after=0))
    stage.contacts = chain
    async with stage.open() as life:
        case = await cries(life)
        await life.later(hours=3)
        assert mails_to(server) == {"first@example.org": 1, "third@example.org": 1, "fourth@example.org": 1}
    sealed = {taken.recipients[0]: taken.mail for taken in server.accepted}
    assert case in pair.first.opened(sealed["first@example.org"])[0]
    assert case in by_smime.opened(sealed["third@example.org"])[0]
    assert f"A case waits: {case}, level 1." in sealed["fourth@example.org"].decode()


def test_a_mailbox_that_can_not_be_is_told_with_the_settings_it_stands_in(tmp_path: Path) -> None:
    told = Mailbox(host="localhost", port=993, tls="implicit", username="bot", password="x", ca_file=tmp_path / "no")
    with pytest.raises(SettingsError, match=r"settings\.toml: mailbox\.ca_file"):
        mailbox_of(told, Path("settings.toml"))
