"""What a person gets and sees on Signal: through the real bot, and a server of our own on loopback."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes_gpg import Gpg
from fakes_signal import SignalServer
from fakes_signal_people import KINDS
from fakes_smtp import MailServer
from stories.program import read
from stories.signal_town import BEGUN, ORDINARY, SOS, on_signal, serving
from stories.stage import Inbox, Stage

from bot.conversation.model import ConsentKind, Sender
from bot.handoff.mission import Contact, SignalAddress
from bot.signing import signer_in

ANSWERED = 4  # of ORDINARY: an answer behind, a question of several kinds ahead
LATE = 61 * 60_000  # ms
STAFF = Sender("signal", "b07b07b0-7b07-4b07-8b07-b07b07b07b07")


@pytest.fixture
async def signal(stage: Stage) -> AsyncIterator[SignalServer]:
    async with serving(stage.clock) as running:
        yield running


# ── the talk ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_three_messages_bring_an_emergency_to_an_officer(
    stage: Stage, signal: SignalServer, server: MailServer, officer: Inbox
) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        codes = await bot.says(ana, *SOS)
        await server.arrived(1)
        await bot.settled()
        assert "It has left us at 10:00" in ana.messages[-1]
        (text,) = officer.texts(server)
        found = re.search(r"Case (\w{6}).*Check number (\d{4})", codes)
        assert found
        assert f"Case: {found[1]}" in text and found[2] in text
        assert "Came by: Signal, end-to-end encrypted" in text
        assert ana.uuid not in text
    assert server.accepted[0].tls


async def test_an_officer_opens_with_gpg_what_was_answered_on_signal(
    tmp_path: Path, stage: Stage, signal: SignalServer, server: MailServer, gpg: Gpg
) -> None:
    name = "Real <real@example.org>"
    fingerprint = gpg.new_key(name)
    (tmp_path / "real.asc").write_bytes(gpg.exported(name))
    stage.contacts = (Contact("real@example.org", str(tmp_path / "real.asc"), fingerprint, "en"),)
    async with on_signal(stage, signal) as bot:
        await bot.says(signal.person(), *BEGUN, *ORDINARY)
        await server.arrived(1)
    gpg.must("--import", given=signer_in(stage.keys).certificate.raw)  # else gpg couldn't say who signed
    text, case = read(gpg.must("--decrypt", given=server.accepted[0].mail))
    assert "What happened: Threats or intimidation" in text
    assert '"oax"' in case


async def test_numbers_stand_in_plain_text_and_any_digits_answer(stage: Stage, signal: SignalServer) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        asked = await bot.says(ana, *BEGUN)
        assert asked.splitlines()[1:] == ["1 No", "2 Maybe", "3 Yes", "4 Skip"]
        assert "in danger now?" in await bot.says(ana, "٢")  # two, in Arabic digits
        assert "What do you want to do?" in await bot.says(ana, "3️⃣")
        assert await bot.answers_of(ana) == {"danger": ("no",)}
        assert not any(said.styled for said in ana.heard)


async def test_the_disappearing_timer_is_set_before_the_first_question_and_said(
    stage: Stage, signal: SignalServer
) -> None:
    stage.changes = {"signal": SignalAddress(vanish_hours=6)}
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        told = await bot.says(ana, "hello")
        assert [(timer.seconds, timer.after) for timer in ana.timers] == [(6 * 3600, 0)]
        assert "vanishes after 6 hours" in told and "desaparece tras 6 horas" in told
        await bot.says(ana, "English", "Maybe")
        assert len(ana.timers) == 1
        assert {said.expires_in for said in ana.heard} == {6 * 3600}


async def test_a_message_is_seen_to_be_read_only_once_its_turn_is_kept(stage: Stage, signal: SignalServer) -> None:
    began, go_on = threading.Event(), threading.Event()

    def wait(_: object) -> None:
        began.set()
        go_on.wait()

    async with on_signal(stage, signal) as bot:
        ana, ben = signal.person(), signal.person()
        await bot.says(ben, "hello")
        holding = bot.reads(wait)
        held = asyncio.create_task(holding)
        await asyncio.to_thread(began.wait)
        at = ana.writes("hello")
        ben.sends_file()  # heard after it
        await signal.until(lambda: bool(bot.signal._hearing._batch))
        assert ana.receipts == [] and len(signal.attachments) == 1
        go_on.set()
        await held
        await bot.taken(ana, at)
        assert [(receipt.kind, receipt.of) for receipt in ana.receipts] == [("read", at)]
        assert await bot.kept(ana) is not None


async def test_no_receipt_is_sent_where_the_mission_wants_none(stage: Stage, signal: SignalServer) -> None:
    stage.changes = {"signal": SignalAddress(receipts=False)}
    async with on_signal(stage, signal):
        ana = signal.person()
        ana.writes("hello")
        await ana.hears("Which language")
        ana.writes("English")
        await ana.hears("Can someone else see")
    assert ana.receipts == []
    assert not [asked for asked in signal.asked if asked.path.startswith("/v1/receipts")]


async def test_verify_names_the_site_of_the_mission(stage: Stage, signal: SignalServer) -> None:
    stage.changes = {
        "official_site": "https://mission.example/bot",
        "signal": SignalAddress(fingerprint_url="https://mission.example/signal"),
    }
    async with on_signal(stage, signal) as bot:
        told = await bot.says(signal.person(), *BEGUN, "VERIFY")
        assert "Open https://mission.example/signal yourself and compare our safety number there" in told
        assert "Can someone else see" in told  # and where we were


# ── what is no answer ────────────────────────────────────────────────────────────────────────────────────


async def test_only_words_to_us_alone_are_answers(stage: Stage, signal: SignalServer) -> None:
    async with on_signal(stage, signal) as bot:
        ana, ben = signal.person(), signal.person()
        await bot.says(ana, *BEGUN, *ORDINARY[:ANSWERED])
        before, heard, receipts = await bot.kept(ana), len(ana.heard), len(ana.receipts)
        for kind in KINDS:
            if kind != "sticker":
                ana.sends(kind)
                await bot.says(ben, "HELP")  # heard after it
                assert (await bot.kept(ana), len(ana.heard), len(ana.receipts)) == (before, heard, receipts), kind
        assert "In which state or area?" in await bot.says(ana, ORDINARY[ANSWERED])


async def test_what_staff_type_on_a_linked_phone_reaches_no_talk(stage: Stage, signal: SignalServer) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person(number="+525512345678")
        await bot.says(ana, "SOS")
        before, heard = await bot.kept(ana), len(ana.heard)
        for text in ("7", "Yes, I am in danger", "ERASE", "SOS"):
            ana.is_written_to_by_staff(text)
        await bot.says(signal.person(), "hello")
        assert (await bot.kept(ana), len(ana.heard)) == (before, heard)
        assert await bot.reads(lambda conn: bot.bot.desk.shelf.load(conn, bot.bot.desk.shelf.who(STAFF))) is None


async def test_a_photo_is_refused_and_deleted_unread(stage: Stage, signal: SignalServer) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        await bot.says(ana, *BEGUN)
        await bot.taken(ana, ana.sends_file("look"))
        assert "I can't take photos" in ana.messages[-1]
        await signal.until(lambda: not signal.attachments)
        assert not [asked for asked in signal.asked if asked.method == "GET" and len(asked.parts) > 2]


async def test_a_message_an_hour_late_answers_nothing(stage: Stage, signal: SignalServer) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        await bot.says(ana, "SOS")
        before = await bot.kept(ana)
        await bot.taken(ana, ana.writes("7", at=signal.stamp() - LATE))
        assert "more than an hour late, so I have not used it" in ana.messages[-1]
        after = await bot.kept(ana)
        assert before and after
        assert (after.step, after.answers, after.consents) == (before.step, before.answers, ())
        ben = signal.person()
        at = ben.writes("hello", at=signal.stamp() - LATE)
        await bot.taken(ben, at)
        assert ben.heard == []


@pytest.mark.parametrize(("hours", "opens"), [(2, True), (23, True), (25, False)])
async def test_a_cry_for_help_up_to_a_day_old_opens_the_emergency_path(
    hours: int, opens: bool, stage: Stage, signal: SignalServer
) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        await bot.taken(ana, ana.writes("SOS", at=signal.stamp() - hours * 60 * 60_000))
        told = "\n".join(ana.messages)
        assert ("You wrote this at" in told, "Send the mission an alert" in told) == (opens, opens)
        assert ((await bot.kept(ana)) is not None) == opens


async def test_a_burst_out_of_order_is_answered_once_each_as_it_came(stage: Stage, signal: SignalServer) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        await bot.says(ana, *BEGUN)
        stage.clock.move(seconds=10)
        heard, last = len(ana.heard), signal.stamp()
        burst = {
            "VERIFY": "Don't trust this message",
            "PRIVACY": "I keep your answers",
            "HELP": "In danger, write SOS.",
        }
        for place, text in enumerate(burst):
            ana.writes(text, at=last - place, times=2)  # the newest first, and each comes twice
        await bot.taken(ana, last - 2)
        told = [said.text for said in ana.heard[heard:]]
        assert len(told) == len(burst)
        assert all(words in text for words, text in zip(burst.values(), told, strict=True))


# ── what they change, and take back ──────────────────────────────────────────────────────────────────────


async def test_an_edited_answer_is_corrected(
    stage: Stage, signal: SignalServer, server: MailServer, officer: Inbox
) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        await bot.says(ana, *BEGUN, *ORDINARY[:ANSWERED])
        at = ana.writes("An attack")
        await bot.taken(ana, at)
        await bot.says(ana, *ORDINARY[ANSWERED + 1 : -2])
        await bot.taken(ana, ana.edits(at, "Threats or intimidation, Surveillance"))
        assert "What happened: Threats or intimidation, Surveillance" in ana.messages[-1]
        await bot.says(ana, *ORDINARY[-2:])
        await server.arrived(1)
    (text,) = officer.texts(server)
    assert "What happened: Threats or intimidation, Surveillance" in text


async def test_a_deleted_answer_is_erased_in_silence(stage: Stage, signal: SignalServer) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        await bot.says(ana, *BEGUN, *ORDINARY[:ANSWERED])
        at = ana.writes("An attack")
        await bot.taken(ana, at)
        heard, receipts = len(ana.heard), len(ana.receipts)
        ana.deletes(at)
        await bot.says(signal.person(), "hello")  # heard after it
        assert "event" not in await bot.answers_of(ana)
        assert (len(ana.heard), len(ana.receipts)) == (heard, receipts)
        await bot.says(ana, *ORDINARY[ANSWERED + 1 : -2])
        assert "What happened" not in ana.messages[-1]


async def test_a_consent_to_answers_of_which_one_is_deleted_is_asked_anew(stage: Stage, signal: SignalServer) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        await bot.says(ana, *BEGUN, *ORDINARY[:ANSWERED])
        at = ana.writes("An attack")
        await bot.taken(ana, at)
        await bot.says(ana, *ORDINARY[ANSWERED + 1 : -1])
        talk = await bot.kept(ana)
        assert talk and [one.kind for one in talk.consents] == [ConsentKind.SEND]
        heard = len(ana.heard)
        ana.deletes(at)
        await ana.until(lambda: len(ana.heard) > heard)
        assert "Send this, and what you add later" in ana.messages[-1]
        assert "What happened" not in ana.messages[-1]
        talk = await bot.kept(ana)
        assert talk and talk.consents == ()
