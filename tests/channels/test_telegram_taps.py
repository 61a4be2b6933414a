"""Buttons on Telegram: tapped, marked, gone; the talk takes one turn for each answer."""

from datetime import timedelta
from functools import partial

import pytest
from fakes_telegram import telegram_server
from fakes_telegram_chats import Shown
from fakes_telegram_desk import Desk, channel, listening, now, question
from fakes_telegram_faults import ANSWER_LOST, Fault

from bot.channels.telegram_updates import NO_QUESTION
from bot.conversation.model import Kind
from bot.errors import UnsureDelivery


async def test_a_tap_is_answered_at_once_and_its_label_stays_readable_without_buttons() -> None:
    async with telegram_server() as server:
        ana, desk, telegram = server.person(), Desk(), channel(server)
        async with listening(telegram, desk):
            arrived = await telegram.send(question(ana, "yes", "no", serial=12, text="Are you safe?"))
            shown = await ana.hears("Are you safe?")
            desk.held.clear()
            tap = ana.taps("Yes")
            await ana.answered(tap)
            assert shown.labels == ["1 Yes", "2 No"]  # nothing is shown as taken before it is
            desk.held.set()
            await ana.sees(lambda _: not shown.buttons)
        (message,) = desk.messages

    assert (message.kind, message.text, message.question, message.id) == (Kind.TAP, "1", 12, f"tap/{tap.id}")
    assert shown.text == "Are you safe?\n\n✓ 1 Yes"
    assert message.at >= arrived.at and not message.removable
    assert [button["callback_data"] for row in shown.first["reply_markup"]["inline_keyboard"] for button in row] == [
        "12:1",
        "12:2",
    ]


async def test_where_the_text_can_not_be_edited_the_buttons_go_all_the_same() -> None:
    async with telegram_server() as server:
        ana, desk, telegram = server.person(), Desk(), channel(server)
        server.fails("editMessageText", Fault(400, "Bad Request: message can't be edited"))
        async with listening(telegram, desk):
            await telegram.send(question(ana, "yes", "no"))
            shown = await ana.hears("Which?")
            ana.taps("No")
            await ana.sees(lambda _: not shown.buttons)

    assert shown.text == "Which?" and desk.texts == ["2"]


async def test_several_are_marked_without_a_turn_and_sent_by_the_last_button() -> None:
    async with telegram_server() as server:
        ana, desk, telegram = server.person(), Desk(), channel(server)
        async with listening(telegram, desk):
            await telegram.send(question(ana, "food", "shelter", "doctor", "more", several=True))
            shown = await ana.hears("Which?")
            for name in ("Food", "Doctor", "Shelter"):
                ana.taps(name)
                await ana.sees(partial(marked, shown, name))
            ana.taps("Shelter")
            await ana.sees(lambda _: shown.labels == ["☑ 1 Food", "2 Shelter", "☑ 3 Doctor", "4 More", "Done"])
            assert desk.messages == []
            ana.taps("Done")
            await ana.sees(lambda _: not shown.buttons)

    assert desk.texts == ["1, 3"]
    assert shown.text == "Which?\n\n✓ 1 Food\n✓ 3 Doctor"


async def test_more_takes_along_what_is_marked() -> None:
    async with telegram_server() as server:
        ana, desk, telegram = server.person(), Desk(), channel(server)
        async with listening(telegram, desk):
            await telegram.send(question(ana, "food", "shelter", "more", several=True))
            ana.taps("Shelter")
            ana.taps("Food")
            ana.taps("More")
            await desk.took(1)

    assert desk.texts == ["1, 2, 3"]


async def test_marks_survive_a_restart_and_quick_fingers_and_updates_that_come_twice() -> None:
    async with telegram_server() as server:
        server.updates.twice = True
        ana, desk, telegram = server.person(), Desk(failing=2), channel(server)
        await telegram.send(question(ana, "food", "shelter", "doctor", several=True))
        shown = await ana.hears("Which?")
        ana.taps("Food")
        ana.taps("Shelter")  # on a screen that shows nothing marked yet
        async with listening(telegram, desk):
            await ana.sees(lambda _: shown.labels == ["☑ 1 Food", "☑ 2 Shelter", "3 Doctor", "Done"])
            await server.updates.all_taken()
        async with listening(channel(server), desk):
            ana.taps("Doctor")
            ana.taps("Done")
            await desk.took(1)
            await server.updates.all_taken()

    assert set(desk.texts) == {"1, 2, 3"}


async def test_nothing_marked_is_said_as_nothing() -> None:
    async with telegram_server() as server:
        ana, desk, telegram = server.person(), Desk(), channel(server)
        async with listening(telegram, desk):
            await telegram.send(question(ana, "food", "shelter", several=True, serial=3))
            ana.taps("Done")
            (message,) = await desk.took(1)

    assert (message.text, message.question) == ("", 3)


async def test_the_buttons_of_an_old_question_go_and_an_old_tap_is_shown_as_no_answer() -> None:
    async with telegram_server() as server:
        ana, desk, telegram = server.person(), Desk(), channel(server)
        async with listening(telegram, desk):
            await telegram.send(question(ana, "yes", "no", serial=1, text="First?"))
            first = await ana.hears("First?")
            await telegram.send(question(ana, "red", "blue", serial=2, text="Second?"))
            second = await ana.hears("Second?")
            await ana.sees(lambda _: not first.buttons)
            tap = ana.taps_old(first, "Yes")
            await ana.answered(tap)
            await desk.took(1)

    assert (desk.messages[0].text, desk.messages[0].question) == ("1", NO_QUESTION)
    assert first.text == "First?" and second.buttons


async def test_a_button_of_an_earlier_talk_answers_no_question_of_this_one_though_their_numbers_are_the_same() -> None:
    async with telegram_server() as server:
        ana, desk, telegram = server.person(), Desk(), channel(server)
        async with listening(telegram, desk):
            await telegram.send(question(ana, "yes", "no", serial=5, text="In danger?"))
            first = await ana.hears("In danger?")
            await telegram.send(question(ana, "send", "keep", serial=5, text="Shall it be sent?"))
            ana.taps_old(first, "Yes")
            ana.taps("Send")
            await desk.took(2)

    assert [message.question for message in desk.messages] == [NO_QUESTION, 5]


async def test_a_tap_on_a_question_of_which_nobody_knew_that_it_arrived_is_its_answer() -> None:
    async with telegram_server() as server:
        ana, desk, telegram = server.person(), Desk(), channel(server)
        async with listening(telegram, desk):
            await telegram.send(question(ana, "yes", "no", serial=1, text="First?"))
            server.fails("sendMessage", ANSWER_LOST)
            with pytest.raises(UnsureDelivery):
                await telegram.send(question(ana, "red", "blue", serial=2, text="Second?"))
            second = await ana.hears("Second?")
            ana.taps("Red")
            await ana.sees(lambda _: not second.buttons)

    assert [(message.question, message.text) for message in desk.messages] == [(2, "1")]
    assert second.text == "Second?\n\n✓ 1 Red"


async def test_a_tap_that_waited_while_nobody_listened_is_not_taken_for_a_new_one() -> None:
    async with telegram_server() as server:
        ana, desk, telegram = server.person(), Desk(), channel(server)
        server.world.ahead = -7200.0
        arrived = await telegram.send(question(ana, "yes", "no"))
        ana.taps("Yes")
        async with listening(telegram, desk):
            (old,) = await desk.took(1)
            server.world.ahead = 0.0
            await server.updates.all_taken()
            ana.taps_old(ana.last, "No")
            fresh = (await desk.took(2))[1]

    assert old.at == arrived.at
    assert now() - fresh.at < timedelta(minutes=1)


def marked(shown: Shown, name: str, _: object) -> bool:
    return any(label.startswith("☑") and name in label for label in shown.labels)
