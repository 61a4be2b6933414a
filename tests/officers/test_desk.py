"""Officers' orders on Signal: each with what it changes, what it answers, and everything that it refuses."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fakes_smtp import MailServer
from officers.room import FIRST, SECOND, STRANGER, case_of, changed, cries, docket_of, kept, mails_to, reports
from stories.stage import Inbox, Stage

from bot.clock import reference
from bot.conversation.model import Kind, Message, Sender
from bot.handoff.orders import LONGEST

WORDS = "Please call the shelter tonight."
ASKED = "Write send to send it."


# ── who is heard ─────────────────────────────────────────────────────────────────────────────────────────


async def test_the_words_of_a_stranger_are_those_of_any_person_and_change_no_case(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        assert "Which language" in await life.writes(STRANGER, f"ack {case}")
        assert (await docket_of(life, case)).reader == ""
        await life.picks(STRANGER, "en")
        for order in (f"case {case}", f"close {case}", f"reply {case} {WORDS}", f"level {case} 2", "cases", "duty"):
            assert case not in await life.writes(STRANGER, order)
        assert (await docket_of(life, case)).level == 1
        assert life.times_told("ana", WORDS) == 0


async def test_the_writer_of_a_case_gives_no_orders_about_it(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes("ana", f"close {case}")
        assert (await docket_of(life, case)).reader == ""


async def test_an_officer_is_known_on_signal_alone(stage: Stage) -> None:
    stage.channel = "telegram"
    async with stage.open() as life:
        assert "Which language" in await life.writes(FIRST, "cases")


async def test_nothing_is_kept_of_what_an_officer_writes(stage: Stage) -> None:
    async with stage.open() as life:
        await life.writes(FIRST, "cases", "hello", "help")
        assert await life.talk(FIRST) is None
        assert await kept(life) == {}


@pytest.mark.parametrize("order", ["cases", "help", "case {}", "ack {}", "close {}", "level {} 2", "reply {} words"])
async def test_while_accounts_can_not_be_trusted_every_order_is_refused(stage: Stage, order: str) -> None:
    async with stage.open() as life:
        case = await cries(life)
        life.bot.desk.officers.trusted = False
        assert "I take no words of officers now" in await life.writes(FIRST, order.format(case))
        docket = await docket_of(life, case)
        assert (docket.reader, docket.level) == ("", 1)
        life.bot.desk.officers.trusted = True
        assert "Noted: you have read" in await life.writes(FIRST, f"ack {case}")


async def test_words_that_wait_for_send_are_not_sent_while_accounts_can_not_be_trusted(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"reply {case} {WORDS}")
        life.bot.desk.officers.trusted = False
        await life.writes(FIRST, "send")
        assert life.times_told("ana", WORDS) == 0


# ── which case ───────────────────────────────────────────────────────────────────────────────────────────

ABOUT_ONE = ["case {}", "ack {}", "read {}", "close {}", "level {} 2", "reply {} words"]


@pytest.mark.parametrize("order", ABOUT_ONE)
async def test_a_case_that_is_none_is_answered_in_one_way(stage: Stage, order: str) -> None:
    async with stage.open() as life:
        case = await cries(life)
        for unknown in (changed(case), reference(), "7K3QM", "", "Ñ", case * 2):
            assert "No such case." in await life.writes(FIRST, order.format(unknown))
        docket = await docket_of(life, case)
        assert (docket.reader, docket.level) == ("", 1)


@pytest.mark.parametrize("order", ABOUT_ONE)
async def test_a_closed_case_is_none(stage: Stage, order: str) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"close {case}")
        assert "No hay tal caso." in await life.writes(SECOND, order.format(case))


async def test_a_case_is_found_as_a_person_would_write_it(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        written = case.lower().replace("0", "o").replace("1", "l")
        for order in (f"case {written}", f"CASE  {written}", f"case {case}.", f"case\n{case}"):
            assert f"{case}, level 1" in await life.writes(FIRST, order)


async def test_a_case_past_its_time_is_none_before_the_rounds_have_come_by(stage: Stage) -> None:
    async with stage.open() as life:
        case = await reports(life)
        life.clock.move(days=14, minutes=1)
        assert "No such case." in await life.writes(FIRST, f"case {case}")
        assert "No case is open." in await life.writes(FIRST, "cases")


# ── cases, case, duty, help ──────────────────────────────────────────────────────────────────────────────


async def test_open_cases_are_listed_the_gravest_first_with_how_far_they_are(stage: Stage) -> None:
    async with stage.open() as life:
        assert await life.writes(FIRST, "cases") == "No case is open."
        mild, grave = await reports(life), await cries(life, "eva")
        await life.writes(SECOND, f"ack {mild}")
        first, second = (await life.writes(FIRST, "cases")).splitlines()
        assert first == f"{grave}, level 1, nobody has read it yet"
        assert second.startswith(f"{mild}, level 2, read by second@example.org, ")


async def test_a_case_shows_times_and_status_and_never_a_word_of_it(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        shown = await life.writes(FIRST, f"case {case}")
        assert shown.splitlines()[0] == f"{case}, level 1, nobody has read it yet"
        assert "The writer writes in English." in shown
        assert "Told first@example.org: " in shown
        assert "Will tell second@example.org: " in shown
        assert "danger" not in shown
        await life.picks("ana", "yes", "raid")
        await life.writes("ana", "send now")
        assert "Added to since: 1 times" in await life.writes(FIRST, f"case {case}")
        assert "raid" not in life.last(FIRST).lower()


async def test_duty_tells_who_is_told_of_each_level_and_who_is_on(stage: Stage) -> None:
    async with stage.open() as life:
        shown = await life.writes(FIRST, "duty")
        assert [f"Level {level}:" in shown for level in (1, 2, 3, 4)] == [True] * 4
        assert "first@example.org: on duty now (English)" in shown


async def test_duty_tells_from_when_an_officer_is_on(stage: Stage) -> None:
    first, second = stage.contacts
    stage.contacts = (first, replace(second, hours="18:00-20:00"))
    async with stage.open() as life:
        shown = await life.writes(FIRST, "duty")
        assert "second@example.org: from " in shown


async def test_help_names_each_order_in_the_officer_s_language(stage: Stage) -> None:
    async with stage.open() as life:
        shown = await life.writes(FIRST, "help")
        assert all(word in shown for word in ("cases", "case 7K3QM4", "ack 7K3QM4", "level 7K3QM4 2", "duty"))
        shown = await life.writes(SECOND, "opciones")
        assert all(word in shown for word in ("casos", "leído 7K3QM4", "nivel", "turno"))


async def test_orders_are_taken_in_english_and_in_an_officer_s_language_and_answered_in_theirs(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        for order in (f"caso {case}", f"case {case}", f"CASO {case}"):
            assert f"{case}, nivel 1, aún no lo ha leído nadie" in await life.writes(SECOND, order)
        assert "Anotado: usted ha leído" in await life.writes(SECOND, f"leido {case}")
        assert (await docket_of(life, case)).reader == "second@example.org"


@pytest.mark.parametrize("words", ["good evening", "", "ack", "7K3QM4"])
async def test_what_is_no_order_is_told_with_how_to_ask_for_help(stage: Stage, words: str) -> None:
    async with stage.open() as life:
        told = await life.writes(FIRST, words)
        expected = "No such case." if words == "ack" else "I did not understand that. Write help for what I do."
        assert expected in told


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in {Kind.TEXT, Kind.DELETED}])
async def test_what_is_no_text_is_no_order_whatever_it_says(stage: Stage, kind: Kind) -> None:
    async with stage.open() as life:
        case = await cries(life)
        assert "I did not understand that." in await life.writes(FIRST, f"ack {case}", kind=kind)
        assert (await docket_of(life, case)).reader == ""


async def test_an_edited_message_is_no_order(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.town.take(FIRST, f"ack {case}", edits="m1")
        await life.settled()
        assert "I did not understand that." in life.last(FIRST)
        assert (await docket_of(life, case)).reader == ""


async def test_a_deleted_message_is_answered_with_nothing(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        told = life.town.told(FIRST)
        await life.writes(FIRST, f"ack {case}", kind=Kind.DELETED)
        assert life.town.told(FIRST) == told
        assert (await docket_of(life, case)).reader == ""


# ── ack ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_acknowledgement_tells_the_writer_withdraws_the_rest_and_tells_the_next_officer(
    stage: Stage, server: MailServer
) -> None:
    async with stage.open() as life:
        case = await cries(life)
        assert "Noted: you have read" in await life.writes(FIRST, f"ack {case}")
        assert "An officer has read it, at 10:00" in life.last("ana")
        assert f"first@example.org leyó el caso {case}, nivel 1." in life.last(SECOND)
        assert await life.rows("mail") == 0
        await life.later(hours=25)
        assert mails_to(server) == {"first@example.org": 1}
        assert life.times_told("ana", "Nobody has read it yet") == 0


async def test_a_second_acknowledgement_changes_nothing_and_names_the_first(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"ack {case}")
        told = life.town.told("ana"), life.town.told(FIRST)
        life.clock.move(minutes=20)
        assert "first@example.org ya leyó el caso" in await life.writes(SECOND, f"ack {case}")
        assert (life.town.told("ana"), life.town.told(FIRST)) == told
        assert (await docket_of(life, case)).reader == "first@example.org"


async def test_the_same_message_twice_is_taken_once(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        message = Message(Sender("signal", FIRST), "the same", life.clock.now(), f"ack {case}")
        for _ in range(2):
            await life.bot.desk.take_turn(message)
            await life.settled()
        assert life.times_told(FIRST, "Noted: you have read") == 1
        assert life.times_told(FIRST, "already") == 0


# ── level ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", ["level {} 3", "level 3 {}", "LEVEL {} 3 please"])
async def test_another_level_counts_as_read_and_is_told_to_the_next_officer(stage: Stage, order: str) -> None:
    async with stage.open() as life:
        case = await cries(life)
        assert await life.writes(FIRST, order.format(case)) == f"Case {case} has level 3 now."
        docket = await docket_of(life, case)
        assert (docket.level, docket.reader) == (3, "first@example.org")
        assert (await case_of(life)).level == 3
        assert "An officer has read it" in life.last("ana")
        assert f"first@example.org puso el caso {case} en el nivel 3." in life.last(SECOND)
        await life.writes(SECOND, f"nivel {case} 1")
        assert (await docket_of(life, case)).reader == "first@example.org"
        assert life.times_told("ana", "An officer has read it") == 1


@pytest.mark.parametrize("level", ["", "0", "5", "22", "two"])
async def test_a_level_that_is_none_is_asked_for(stage: Stage, level: str) -> None:
    async with stage.open() as life:
        case = await cries(life)
        assert await life.writes(FIRST, f"level {case} {level}") == f"Which level? level {case}, then 1, 2, 3 or 4."
        docket = await docket_of(life, case)
        assert (docket.level, docket.reader) == (1, "")


# ── close ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_closing_an_unanswered_urgent_case_asks_the_next_officer_to_look(
    stage: Stage, server: MailServer
) -> None:
    async with stage.open() as life:
        case = await cries(life)
        closed = f"Case {case} is closed without an answer to the writer: second@example.org is told."
        assert await life.writes(FIRST, f"close {case}") == closed
        assert f"first@example.org cerró el caso {case}, nivel 1, sin respuesta" in life.last(SECOND)
        assert "The mission has closed your case." in life.last("ana")
        assert await kept(life) == {}
        assert await life.talk("ana") is None
        await life.later(hours=25)
        assert mails_to(server) == {"first@example.org": 1}


async def test_closing_an_answered_case_is_told_without_alarm(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"reply {case} {WORDS}", "send")
        assert await life.writes(FIRST, f"close {case}") == (
            f"Case {case} is closed. Nothing of it is kept here any more."
        )
        assert life.last(SECOND) == f"first@example.org cerró el caso {case}, nivel 1."


async def test_nobody_closes_an_urgent_case_unseen_by_making_it_a_mild_one_first(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"level {case} 4")
        assert "Nothing of it is kept" in await life.writes(FIRST, f"close {case}")
        assert life.town.told(SECOND) == [
            f"first@example.org puso el caso {case} en el nivel 4.",
            f"first@example.org cerró el caso {case}, nivel 4.",
        ]


async def test_who_is_alone_on_the_roster_closes_a_case_and_nobody_else_is_told(stage: Stage) -> None:
    stage.contacts = stage.contacts[:1]
    async with stage.open() as life:
        case = await cries(life)
        assert "Nothing of it is kept here any more." in await life.writes(FIRST, f"close {case}")
        assert await kept(life) == {}


async def test_a_person_whose_case_was_closed_begins_anew(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"close {case}")
        assert await cries(life) != case
        assert f"{case}" not in await life.writes(FIRST, "cases")


# ── reply ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_answer_is_shown_once_and_goes_to_the_writer_in_its_frame_after_send(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        asked = await life.writes(FIRST, f"reply {case} {WORDS}")
        assert asked.splitlines()[:2] == [f"To the writer of case {case}, level 1, as it stands:", WORDS]
        assert ASKED in asked
        assert life.times_told("ana", WORDS) == 0
        assert await life.writes(FIRST, "send") == f"Passed on to the writer of case {case}."
        frame = "From the mission. It never asks for codes, money, names or a meeting place here.\n"
        assert f"{frame}{WORDS}\n" in life.last("ana")
        assert "An officer has read it" in "".join(life.town.told("ana"))  # whoever answers has read
        assert f"first@example.org respondió a quien escribe, caso {case}, nivel 1." in life.last(SECOND)
        docket = await docket_of(life, case)
        assert (docket.reader, docket.answered, len(docket.passed)) == ("first@example.org", True, 1)
        assert "Answers passed on, unanswered: 1" in await life.writes(FIRST, f"case {case}")
        assert "Dropped: nothing was passed on." in await life.writes(FIRST, "send")
        assert life.times_told("ana", WORDS) == 1


async def test_words_of_several_lines_reach_the_writer_as_they_stand(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        words = "One {reference} {words}.\n\n  Two: 100 %\nТри."
        await life.writes(FIRST, f"reply {case} {words}", "enviar")
        assert words in life.last("ana")


@pytest.mark.parametrize(("minutes", "goes"), [(14, True), (15, True), (16, False)])
async def test_send_counts_for_a_quarter_of_an_hour(stage: Stage, minutes: int, goes: bool) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"reply {case} {WORDS}")
        life.clock.move(minutes=minutes)
        told = await life.writes(FIRST, "send")
        assert ("Passed on" in told, "Dropped: nothing was passed on." in told) == (goes, not goes)
        assert life.times_told("ana", WORDS) == goes
        assert await life.writes(FIRST, "send") != told or not goes
        assert life.times_told("ana", WORDS) == goes


async def test_words_that_nobody_confirms_are_gone_with_the_next_round(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"reply {case} {WORDS}")
        assert (await kept(life))["draft"] == 1
        life.clock.move(minutes=17)
        await life.bot.upkeep.round()
        assert "draft" not in await kept(life)


@pytest.mark.parametrize("other", ["wait", "cases", "help", "ack {}"])
async def test_anything_else_drops_the_words(stage: Stage, other: str) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"reply {case} {WORDS}")
        assert "Dropped: nothing was passed on." in await life.writes(FIRST, other.format(case))
        assert "Dropped: nothing was passed on." in await life.writes(FIRST, "send")
        assert life.times_told("ana", WORDS) == 0
        assert "draft" not in await kept(life)


async def test_a_photo_drops_the_words_too(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"reply {case} {WORDS}")
        photo = next(kind for kind in Kind if kind not in {Kind.TEXT, Kind.DELETED})
        assert "Dropped" in await life.writes(FIRST, "", kind=photo)
        await life.writes(FIRST, "send")
        assert life.times_told("ana", WORDS) == 0


async def test_other_words_take_the_place_of_the_first(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"reply {case} {WORDS}", f"reply {case} better words")
        assert "Dropped" in life.last(FIRST)
        await life.writes(FIRST, "send")
        assert (life.times_told("ana", WORDS), life.times_told("ana", "better words")) == (0, 1)


async def test_another_officer_s_send_sends_nothing(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"reply {case} {WORDS}")
        assert "Descartado: no se transmitió nada." in await life.writes(SECOND, "enviar")
        assert life.times_told("ana", WORDS) == 0
        await life.writes(FIRST, "send")
        assert life.times_told("ana", WORDS) == 1


async def test_words_for_a_case_that_is_closed_meanwhile_go_nowhere(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"reply {case} {WORDS}")
        await life.writes(SECOND, f"cerrar {case}")
        assert await life.writes(FIRST, "send") == "Dropped: nothing was passed on."
        assert life.times_told("ana", WORDS) == 0


async def test_words_for_a_writer_who_closes_the_way_back_meanwhile_go_nowhere(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"reply {case} {WORDS}")
        await life.writes("ana", "stop")
        assert "has closed the way back. Nothing was passed on." in await life.writes(FIRST, "send")
        assert life.times_told("ana", WORDS) == 0


async def test_a_reply_without_words_or_with_too_many_is_told(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        assert f"reply {case} and your words" in await life.writes(FIRST, f"reply {case}")
        told = await life.writes(FIRST, f"reply {case} {'x' * (LONGEST + 1)}")
        assert told == "That is 1001 characters; I can pass on 1000. Write it shorter."
        assert ASKED in await life.writes(FIRST, f"reply {case} {'x' * LONGEST}")


async def test_five_answers_a_day_without_a_word_from_the_writer_and_no_sixth(stage: Stage) -> None:
    async with stage.open() as life:
        case = await reports(life)
        for number in range(5):
            await life.writes(FIRST, f"reply {case} words {number}", "send")
            life.clock.move(minutes=10)
        assert "No more today; nothing was passed on." in await life.writes(FIRST, f"reply {case} words 5")
        assert "cinco respuestas esperan" in await life.writes(SECOND, f"reply {case} words 5")
        assert life.times_told("ana", "From the mission.") == 5
        life.clock.move(days=1)
        await life.writes(FIRST, f"reply {case} words 5", "send")
        assert life.times_told("ana", "words 5") == 1


async def test_the_sixth_of_a_day_that_waits_for_send_is_refused_then(stage: Stage) -> None:
    async with stage.open() as life:
        case = await reports(life)
        await life.writes(SECOND, f"reply {case} the sixth")
        for number in range(5):
            await life.writes(FIRST, f"reply {case} words {number}", "send")
        assert "no se transmitió nada" in await life.writes(SECOND, "enviar")
        assert life.times_told("ana", "the sixth") == 0


async def test_the_writer_s_answer_reaches_who_has_read_the_case_and_begins_the_day_anew(
    stage: Stage, server: MailServer
) -> None:
    async with stage.open() as life:
        case = await reports(life)
        for number in range(5):
            await life.writes(FIRST, f"reply {case} words {number}", "send")
        await life.writes("ana", "ANSWER", "We are safe now")
        await life.later(minutes=11)
        assert (await docket_of(life, case)).passed == ()
        assert mails_to(server) == {"first@example.org": 2}
        assert f"Something was added to case {case}" in life.last(FIRST)
        assert ASKED in await life.writes(FIRST, f"reply {case} good")


async def test_words_for_a_writer_who_comes_back_by_a_code_wait_sealed(stage: Stage) -> None:
    async with stage.open() as life:
        case = await reports(life, reply="code")
        life.clock.move(hours=1)
        told = await life.writes(FIRST, f"reply {case} {WORDS}", "send")
        assert "comes back with a code of their own. Your words wait here" in told
        assert life.times_told("ana", WORDS) == 0
        assert (await docket_of(life, case)).waiting == (WORDS,)
        assert WORDS.encode() not in b"".join(await life.blobs())
        assert WORDS.encode() not in stage.database.read_bytes()


async def test_words_for_a_writer_with_safe_hours_go_then(stage: Stage) -> None:
    async with stage.open() as life:
        case = await reports(life, reply="evening")
        life.clock.move(hours=1)
        told = await life.writes(FIRST, f"reply {case} {WORDS}", "send")
        assert f"It goes to the writer of case {case} at the hours they chose, from " in told
        assert "18:00" in told
        assert life.times_told("ana", WORDS) == 0
        assert (await docket_of(life, case)).waiting == ()
        await life.later(hours=6, minutes=50)
        assert life.times_told("ana", WORDS) == 0
        await life.later(minutes=10)
        assert life.times_told("ana", WORDS) == 1


async def test_nobody_passes_on_words_to_a_writer_who_has_closed_the_way_back(stage: Stage) -> None:
    async with stage.open() as life:
        case = await reports(life)
        await life.writes("ana", "stop")
        assert f"The writer of case {case} has closed the way back." in await life.writes(FIRST, f"reply {case} words")
        assert "The writer has closed the way back" in await life.writes(FIRST, f"case {case}")
        assert "draft" not in await kept(life)


# ── whom it is told further ──────────────────────────────────────────────────────────────────────────────


async def test_the_next_officer_is_the_one_after_this_and_the_last_tells_the_first(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(SECOND, f"leido {case}")
        assert life.last(FIRST) == f"second@example.org has read case {case}, level 1."


async def test_whoever_is_on_duty_is_told_before_whoever_is_not(stage: Stage, tmp_path: Path) -> None:
    third = "0a000000-0000-4000-8000-000000000003"
    first, second = stage.contacts
    inbox = Inbox(tmp_path, "third", signal=third)
    stage.contacts = (first, replace(second, hours="18:00-20:00"), inbox.contact)
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"ack {case}")
        assert life.last(third) == f"first@example.org has read case {case}, level 1."
        assert life.times_told(SECOND, "leyó") == 0


async def test_an_order_of_long_ago_is_not_carried_twice_after_a_restart(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"ack {case}")
    async with stage.open() as life:
        docket = await docket_of(life, case)
        assert docket.reader == "first@example.org"
        assert docket.read_at is not None
        assert abs(docket.read_at - life.clock.now()) < timedelta(minutes=1)
        assert "already" in await life.writes(FIRST, f"ack {case}")
