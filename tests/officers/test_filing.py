"""What is kept of a case for officers, from the sealed mails to the last row: bounces, notices, closed ways back."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes_smtp import MailServer
from officers.room import FIRST, SECOND, Pair, case_of, cries, docket_of, kept, mails_to, reports
from stories.stage import DEADLINE, Inbox, Life, Stage, keyless

from bot.conversation.model import HandOff, Sender, Way
from bot.handoff.docket import State, Told
from bot.mail.bounces import Bounce
from bot.officers.answers import Answers, Take
from bot.storage.outbox import Mail

WORDS = "They came to the house at four."


# ── the docket ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_handoff_is_noted_with_who_was_told_and_who_will_be(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        docket = await docket_of(life, case)
        first, second = docket.told
        assert (first.officer, first.state, second.officer, second.state) == (
            "first@example.org",
            State.LEFT,
            "second@example.org",
            State.WAITING,
        )
        assert (second.at - docket.opened_at).total_seconds() == 3600
        assert (docket.level, docket.language, docket.reader, docket.held) == (1, "en", "", ())


async def test_the_next_officer_is_told_after_the_wait_and_the_writer_that_nobody_has_read(
    stage: Stage, server: MailServer
) -> None:
    async with stage.open() as life:
        case = await cries(life)
        assert life.town.told(FIRST) == [f"A new case waits: {case}, level 1"]
        await life.later(minutes=59)
        assert mails_to(server) == {"first@example.org": 1}
        await life.later(minutes=1)
        assert mails_to(server) == {"first@example.org": 1, "second@example.org": 1}
        assert life.town.told(SECOND) == [f"Un nuevo caso espera: {case}, nivel 1"]
        assert life.times_told("ana", "Nobody has read it yet") == 1
        assert [one.state for one in (await docket_of(life, case)).told] == [State.LEFT, State.LEFT]
        await life.later(hours=12)
        assert life.times_told("ana", "Nobody has read it yet") == 1
        assert sum(mails_to(server).values()) == 2


async def test_what_is_added_to_a_read_case_goes_to_its_reader_alone(stage: Stage, server: MailServer) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(SECOND, f"leido {case}")
        await life.picks("ana", "yes", "raid")
        await life.writes("ana", "send now")
        await life.later(minutes=11)
        assert mails_to(server) == {"first@example.org": 1, "second@example.org": 1}
        assert f"Se agregó algo al caso {case}" in life.last(SECOND)
        assert f"Something was added to case {case}" not in "".join(life.town.told(FIRST))


async def test_what_was_being_sealed_when_somebody_read_the_case_waits_for_nobody_further_on(
    stage: Stage, server: MailServer
) -> None:
    async with stage.open() as life:
        case = await cries(life)
        docket = await docket_of(life, case)
        kept_before = await life.rows("mail")
        await life.writes(FIRST, f"ack {case}")
        assert (kept_before, await life.rows("mail")) == (1, 0)
        now, desk = life.clock.now(), life.bot.desk
        sender = Sender("signal", "ana")
        who = desk.shelf.who(sender)
        later = Mail(1, case, "second@example.org", "<1@example.org>", b"sealed", officer="second@example.org", place=1)
        told = HandOff(case, 1, 1, None, (), "0000")

        def stored(conn: sa.Connection) -> None:
            desk.outbox.put(conn, who, sender, [later], now, lane=0, expires=now + timedelta(days=1))
            desk.filing.sealed(conn, who, told, [later], now)

        await life.reads(stored)
        assert await life.rows("mail") == 0
        assert (await docket_of(life, case)).told == docket.told[:1]


# ── mails that come back ─────────────────────────────────────────────────────────────────────────────────


async def comes_back(life: Life, *named: str) -> bool:
    """Let mails of these Message-IDs come back."""
    now = life.clock.now()
    done = await life.reads(lambda conn: life.bot.desk.filing.bounced(conn, named, now))
    life.bot.courier.wake()
    await life.settled()
    return done


async def of(life: Life, case: str, officer: str) -> Told:
    return next(one for one in (await docket_of(life, case)).told if one.officer == f"{officer}@example.org")


async def test_a_mail_that_comes_back_lets_the_next_officer_be_told_at_once(stage: Stage, server: MailServer) -> None:
    async with stage.open() as life:
        case = await cries(life)
        assert await comes_back(life, (await of(life, case, "first")).message_id)
        assert mails_to(server) == {"first@example.org": 1, "second@example.org": 1}
        assert "NOT sent: it came back to us." in "".join(life.town.told("ana"))
        assert "It has left us after all" in life.last("ana")
        assert "Came back from first@example.org" in await life.writes(FIRST, f"case {case}")
        assert (await case_of(life)).handed[0].way is Way.LEFT


async def test_a_clock_that_is_set_back_while_such_a_mail_is_read_puts_nobody_off_and_moves_nothing_twice(
    stage: Stage, server: MailServer
) -> None:
    async with stage.open() as life:
        loop, desk = asyncio.get_running_loop(), life.bot.desk
        life.clock.move(hours=3)
        await life.bot.upkeep.round()
        case = await cries(life)
        await cries(life, "ben")
        lost = (await of(life, case, "first")).message_id

        def read(_raw: bytes, _now: datetime) -> Bounce:
            life.clock.move(hours=-3)
            asyncio.run_coroutine_threadsafe(life.bot.upkeep.round(), loop).result(DEADLINE)
            return Bounce((lost,), gone=True)

        async def listen(take: Take) -> None:
            await take(b"")

        await Answers(listen, read, life.bot.writer, desk.filing, desk.now, life.bot.courier.wake).run()
        await life.bot.upkeep.round()
        await life.later(minutes=1)
        assert mails_to(server) == {"first@example.org": 2, "second@example.org": 1}


async def test_while_one_mail_has_arrived_nobody_is_told_not_sent(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.later(minutes=61)
        assert await comes_back(life, (await of(life, case, "first")).message_id)
        assert life.times_told("ana", "NOT sent: it came back") == 0
        assert f"El correo a first@example.org sobre el caso {case}, nivel 1, fue devuelto." in life.last(SECOND)
        assert await comes_back(life, (await of(life, case, "second")).message_id)
        assert life.times_told("ana", "NOT sent: it came back to us.") == 1
        assert f"{case}, level 1, came back unread" in await life.writes(FIRST, "cases")


async def test_both_that_come_back_in_one_mail_are_told_once(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.later(minutes=61)
        ids = [(await of(life, case, one)).message_id for one in ("first", "second")]
        assert await comes_back(life, "<other@example.org>", *ids)
        assert await comes_back(life, *ids)
        assert life.times_told("ana", "NOT sent: it came back to us.") == 1


async def test_a_mail_that_is_none_of_ours_changes_nothing(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        before = await docket_of(life, case)
        assert not await comes_back(life, "<nobody@example.org>")
        assert not await comes_back(life)
        assert await docket_of(life, case) == before


async def test_what_comes_back_after_a_case_is_closed_is_nothing(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        named = (await of(life, case, "first")).message_id
        await life.writes(FIRST, f"close {case}")
        assert not await comes_back(life, named)
        assert life.times_told("ana", "NOT sent: it came back") == 0


async def test_an_addition_that_comes_back_is_told_as_that(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"ack {case}")
        await life.picks("ana", "yes", "raid")
        await life.writes("ana", "send now")
        await life.later(minutes=11)
        (added,) = [one for one in (await docket_of(life, case)).told if one.number]
        assert await comes_back(life, added.message_id)
        assert "What you added was NOT sent: it came back to us." in life.last("ana")


async def test_a_mail_that_came_back_does_not_arrive_by_being_tried(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        told = await of(life, case, "first")
        await comes_back(life, told.message_id)
        who, now = life.bot.desk.shelf.who(Sender("signal", "ana")), life.clock.now()
        await life.reads(lambda conn: life.bot.desk.filing.left(conn, who, told.message_id, now))
        assert (await of(life, case, "first")).state is State.BOUNCED


async def test_who_has_said_to_have_read_what_then_comes_back_is_told(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"ack {case}")
        assert await comes_back(life, (await of(life, case, "first")).message_id)
        assert life.last(FIRST) == (
            f"The mail about case {case}, level 1, came back from first@example.org. Please look at yours."
        )


# ── the way back is closed ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("word", ["stop", "erase"])
async def test_whoever_has_heard_of_a_case_is_told_that_its_writer_has_closed_it(stage: Stage, word: str) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes("ana", word)
        closed = (
            f"The writer of case {case}, level 1, has closed this. Nothing can be passed on any more. "
            "This does not mean that the danger is over; the alert stands."
        )
        assert life.last(FIRST) == closed
        assert life.town.told(SECOND) == []
        await life.writes("ana", word)
        assert life.times_told(FIRST, closed) == 1


async def test_of_a_read_case_its_reader_alone_is_told(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(SECOND, f"leido {case}")
        await life.writes("ana", "stop")
        assert f"Caso {case}, nivel 1: quien escribe cerró esta vía." in life.last(SECOND)
        assert life.times_told(FIRST, "has closed this") == 0


async def test_a_case_that_nobody_has_heard_of_is_closed_without_a_word(stage: Stage) -> None:
    stage.contacts = tuple(replace(one, fingerprint="0" * 40) for one in stage.contacts)
    async with stage.open() as life:
        await cries(life)
        await life.writes("ana", "erase")
        assert life.town.told(FIRST) == []
        assert await kept(life) == {}


# ── nothing is left ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("reply", ["here", "code", "evening"])
async def test_erasing_leaves_no_row_of_a_case(stage: Stage, reply: str) -> None:
    async with stage.open() as life:
        case = await reports(life, reply=reply)
        await life.writes(FIRST, f"reply {case} {WORDS}", "send")
        assert set(await kept(life)) == {"docket", "mark"}
        await life.writes("ana", "erase")
        assert await kept(life) == {}
        assert "No such case." in await life.writes(FIRST, f"case {case}")


async def test_what_is_past_its_time_leaves_no_row(stage: Stage) -> None:
    stage.contacts = (keyless("first", signal=FIRST),)
    async with stage.open() as life:
        case = await reports(life)
        await life.writes(FIRST, f"reply {case} {WORDS}")
        assert set(await kept(life)) == {"docket", "draft", "mark", "notice"}
        await life.day_after_day(15)
        assert await kept(life) == {}
        tables = await life.reads(lambda conn: conn.execute(sa.text("SELECT COUNT(*) FROM way_back")).scalar_one())
        assert tables == 0


async def test_a_docket_lives_on_from_day_to_day_while_its_case_does(stage: Stage) -> None:
    async with stage.open() as life:
        case = await reports(life)
        await life.day_after_day(12)
        assert f"{case}, level 2" in await life.writes(FIRST, "cases")


async def test_an_answer_on_a_case_of_another_leaves_no_canary_in_the_files(stage: Stage) -> None:
    async with stage.open() as life:
        case = await reports(life, reply="code")
        life.clock.move(hours=1)
        await life.writes(FIRST, f"reply {case} {WORDS}", "send")
        await life.writes(FIRST, f"reply {case} {WORDS}")
        await life.writes("ana", "erase")
        await life.writes(FIRST, "help")
    held = b"".join(path.read_bytes() for path in stage.folder.rglob("*") if path.is_file())
    assert WORDS.encode() not in held
    assert case.encode() not in held


# ── a mission without keys ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def unkeyed(stage: Stage) -> Stage:
    stage.contacts = (keyless("first", signal=FIRST), keyless("second", signal=SECOND, language="es"))
    return stage


async def test_a_notice_says_that_a_case_waits_and_nothing_of_it(unkeyed: Stage, server: MailServer) -> None:
    async with unkeyed.open() as life:
        case = await reports(life)
        (taken,) = server.accepted
        mail = taken.mail.decode()
        assert f"Subject: A case waits: {case}" in mail
        assert f"A case waits: {case}, level 2. The writer writes in English." in mail
        assert "Threat" not in mail
        assert (await docket_of(life, case)).held == (0,)


async def test_a_case_without_keys_is_read_on_signal_until_it_is_acknowledged(unkeyed: Stage) -> None:
    async with unkeyed.open() as life:
        case = await reports(life)
        for _ in range(2):
            shown = await life.writes(FIRST, f"case {case}")
            assert "Threats or intimidation" in shown
        assert "Amenazas" in await life.writes(SECOND, f"caso {case}")
        told = await life.writes(FIRST, f"ack {case}")
        assert "It is no longer kept here: what you need of it, keep safely now." in told
        assert "Threats" not in await life.writes(FIRST, f"case {case}")
        assert "notice" not in await kept(life)


@pytest.mark.parametrize("order", ["level {} 1", "level {}", "reply {}", "reply {} words"])
async def test_no_order_but_that_it_was_read_takes_a_case_away(unkeyed: Stage, order: str) -> None:
    async with unkeyed.open() as life:
        case = await reports(life)
        assert "no longer kept" not in await life.writes(FIRST, order.format(case))
        await life.writes(FIRST, "send")
        assert "Threats or intimidation" in await life.writes(FIRST, f"case {case}")
        assert "no longer kept" in await life.writes(FIRST, f"ack {case}")
        assert "notice" not in await kept(life)


async def test_what_was_added_to_a_read_case_lies_here_until_that_is_read_too(unkeyed: Stage) -> None:
    async with unkeyed.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"ack {case}")
        await life.picks("ana", "yes", "raid")
        await life.writes("ana", "send now")
        await life.later(minutes=11)
        assert (await docket_of(life, case)).held == (1,)
        assert "Which level?" in await life.writes(FIRST, f"level {case}")
        assert "aid" in await life.writes(FIRST, f"case {case}")
        assert (await kept(life))["notice"] == 1
        assert "no longer kept" in await life.writes(FIRST, f"ack {case}")
        assert "notice" not in await kept(life)


async def test_a_case_that_nobody_reads_lies_here_for_three_days_and_no_longer(unkeyed: Stage) -> None:
    async with unkeyed.open() as life:
        case = await reports(life)
        await life.later(hours=71)
        await life.bot.upkeep.round()
        assert "Threats or intimidation" in await life.writes(FIRST, f"case {case}")
        await life.later(hours=1, minutes=1)
        assert "Threats" not in await life.writes(FIRST, f"case {case}")
        assert life.times_told("ana", "Nobody has read your case within 72 hours. I keep nothing of it any more.") == 1
        await life.bot.upkeep.round()
        assert "notice" not in await kept(life)


@pytest.mark.parametrize("end", ["close {}", "erase"])
async def test_closing_and_erasing_take_a_case_away_that_nobody_has_read(unkeyed: Stage, end: str) -> None:
    async with unkeyed.open() as life:
        case = await reports(life)
        await life.writes("ana" if end == "erase" else FIRST, end.format(case))
        assert await kept(life) == {}


async def test_where_one_officer_has_a_key_the_other_s_case_lies_here_too(stage: Stage, pair: Pair) -> None:
    stage.contacts = (pair.first.contact, keyless("second", signal=SECOND, language="es"))
    async with stage.open() as life:
        case = await reports(life)
        assert (await docket_of(life, case)).held == (0,)
        assert "Amenazas" in await life.writes(SECOND, f"caso {case}")


async def test_without_a_keyless_officer_nothing_that_the_bot_can_read_is_kept(stage: Stage) -> None:
    async with stage.open() as life:
        await cries(life)
        assert "notice" not in await kept(life)


async def test_an_officer_without_signal_hears_of_a_case_by_mail_alone(
    stage: Stage, tmp_path: Path, server: MailServer
) -> None:
    stage.contacts = (Inbox(tmp_path, "silent").contact,)
    async with stage.open() as life:
        await cries(life)
        assert mails_to(server) == {"silent@example.org": 1}
        assert await life.rows("ping") == 0
