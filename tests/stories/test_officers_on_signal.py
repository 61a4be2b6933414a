"""The whole loop on Signal: told, not read, told further, read, answered, answered back, closed."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes_gpg import Gpg
from fakes_signal_people import Person
from fakes_smtp import Authority, MailServer
from stories.officers_town import (
    OfficersTown,
    counted,
    keyless,
    officers_town,
    on_duty,
    reference_in,
    roster,
    uncovered,
    waiting,
)
from stories.signal_town import BEGUN, ORDINARY, SOS, Talks
from stories.stage import Town

FRAME = "From the mission. It never asks for codes, money, names or a meeting place here."
UNREAD = "Nobody has read it yet."
HEARD = "An officer has read it, at "


@pytest.fixture
async def town(tmp_path: Path, gpg: Gpg, server: MailServer, authority: Authority) -> AsyncIterator[OfficersTown]:
    async with officers_town(tmp_path, gpg, server, authority) as made:
        yield made


def times(person: Person, words: str) -> int:
    return sum(words in said.text for said in person.heard)


async def cried(town: OfficersTown, bot: Talks) -> tuple[Person, str]:
    """Ana has sent an alert of level 1; return her and its number."""
    ana = town.signal.person()
    reference = reference_in(await bot.says(ana, *SOS))
    await town.mails.arrived(1)
    await bot.settled()
    return ana, reference


async def test_an_alert_is_told_read_answered_and_closed(town: OfficersTown) -> None:
    _, second, third, fourth = town.officers
    async with on_duty(town) as bot:
        ana, reference = await cried(town, bot)
        assert town.told == ["first"]
        ping = f"A new case waits: {reference}, level 1"
        assert [one.pings for one in town.officers] == [[ping], [], [], []]
        await bot.later(minutes=59)
        assert town.told == ["first"] and times(ana, UNREAD) == 0
        await bot.later(minutes=1)
        assert town.told == ["first", "second"]
        assert [one.pings for one in town.officers] == [[ping], [ping], [], []]
        assert "Shelter" in ana.heard[-1].text and times(ana, UNREAD) == 1
        await bot.later(minutes=30)
        assert town.told == ["first", "second", "third"]
        assert third.pings == [ping]

        assert f"has read case {reference}" not in "".join(third.heard)
        done = await town.orders(bot, second, f"ack {reference}")
        assert done.startswith(f"Noted: you have read case {reference}.")
        assert uncovered(ana.heard[-1].text).startswith(f"{HEARD}11:30 (Mexico City)")
        assert third.heard[-1] == f"{second.address} has read case {reference}, level 1."
        assert await waiting(bot) == 0
        await bot.later(hours=3)
        assert town.told == ["first", "second", "third"] and fourth.phone.heard == []
        assert (times(ana, UNREAD), times(ana, HEARD)) == (1, 1)

        asked = await town.orders(bot, second, f"reply {reference} Stay where you are. We call the prosecutor.")
        assert "level 1, as it stands:\nStay where you are. We call the prosecutor.\nWrite send" in asked
        assert times(ana, FRAME) == 0
        assert await town.orders(bot, second, "send") == f"Passed on to the writer of case {reference}."
        heard = uncovered(ana.heard[-1].text).splitlines()
        assert heard[:2] == [FRAME, "Stay where you are. We call the prosecutor."]
        assert "To answer here, write ANSWER." in heard[2]

        assert "What do you want to answer?" in await bot.says(ana, "ANSWER")
        assert "Send what you added now?" in await bot.says(ana, "They have left. I am at home.")
        await bot.says(ana, "Yes, send it")
        assert town.told == ["first", "second", "third", "second"]
        assert "They have left. I am at home." in town.text_to(second, 1)
        assert second.pings[1:] == [f"Something was added to case {reference}, level 1"]

        assert await town.orders(bot, second, f"close {reference}") == (
            f"Case {reference} is closed. Nothing of it is kept here any more."
        )
        assert uncovered(ana.heard[-1].text).startswith("The mission has closed your case.")
        assert await town.orders(bot, second, "cases") == "No case is open."
        assert await counted(bot) == {}
        assert fourth.phone.heard == [] and town.told[4:] == []


async def test_nobody_hears_that_it_is_unread_once_it_was_read_in_time(town: OfficersTown) -> None:
    async with on_duty(town) as bot:
        ana, reference = await cried(town, bot)
        await bot.later(minutes=20)
        await town.orders(bot, town.first, f"ack {reference}")
        await bot.later(hours=23)
        assert town.told == ["first"]
        assert (times(ana, UNREAD), times(ana, HEARD)) == (0, 1)


async def test_the_second_who_reads_is_told_who_has_and_the_person_hears_nothing_more(town: OfficersTown) -> None:
    first, second, *_ = town.officers
    async with on_duty(town) as bot:
        ana, reference = await cried(town, bot)
        await bot.later(minutes=61)
        await town.orders(bot, first, f"ack {reference}")
        told = await town.orders(bot, second, f"ACK {reference.lower()}")
        assert told.startswith(f"{first.address} has read case {reference} already, ")
        assert times(ana, HEARD) == 1


async def test_where_nobody_reads_it_the_whole_roster_is_told_once_and_the_person_hears_it_once(
    town: OfficersTown,
) -> None:
    async with on_duty(town) as bot:
        ana, _ = await cried(town, bot)
        for _ in range(16):
            await bot.later(minutes=15)
        assert town.told == ["first", "second", "third", "fourth"]
        assert [len(one.pings) for one in town.officers] == [1, 1, 1, 1]
        assert times(ana, UNREAD) == 1


@pytest.mark.parametrize("word", ["ack", "case", "reply", "close", "level"])
async def test_an_officers_words_from_a_strangers_account_are_a_persons_ordinary_words(
    town: OfficersTown, word: str
) -> None:
    async with on_duty(town) as bot:
        ana, reference = await cried(town, bot)
        heard, eve = len(ana.heard), town.signal.person()
        ordinary = await bot.says(town.signal.person(), "good morning")
        assert await bot.says(eve, f"{word} {reference} 4") == ordinary
        assert reference not in "".join(said.text for said in eve.heard)
        assert len(ana.heard) == heard and await waiting(bot) == 6
        assert "nobody has read it yet" in await town.orders(bot, town.first, f"case {reference}")


async def test_a_strangers_send_and_help_do_nothing_of_an_officers(town: OfficersTown) -> None:
    async with on_duty(town) as bot:
        ana, reference = await cried(town, bot)
        await town.orders(bot, town.first, f"reply {reference} Wait for us.")
        eve = town.signal.person()
        for text in ("send", "help", "cases", "duty"):
            assert reference not in await bot.says(eve, text)
        assert times(ana, FRAME) == 0
        assert "Passed on" in await town.orders(bot, town.first, "send")
        assert times(ana, FRAME) == 1


async def test_an_officers_account_on_another_messenger_is_a_strangers(town: OfficersTown) -> None:
    elsewhere = Town(town.stage.clock.now, "telegram")
    async with on_duty(town) as bot:
        _, reference = await cried(town, bot)
        message = bot.bot.desk.take_turns
        listening = asyncio.create_task(elsewhere.listen(message))
        await elsewhere.listening.wait()
        await elsewhere.take(town.first.contact.signal, f"ack {reference}")
        listening.cancel()
        assert "nobody has read it yet" in await town.orders(bot, town.first, f"case {reference}")


@pytest.mark.parametrize(
    "mistyped", ["7K3QM5", "K3QM4", "", "7K3QM4Z", "......"], ids=["check", "short", "none", "long", "dots"]
)
async def test_a_reference_that_is_none_is_no_case(town: OfficersTown, mistyped: str) -> None:
    async with on_duty(town) as bot:
        await cried(town, bot)
        assert await town.orders(bot, town.first, f"ack {mistyped}") == (
            "No such case. It may be mistyped, closed or over."
        )
        assert await waiting(bot) == 6


async def test_words_wait_for_send_a_quarter_of_an_hour_and_for_nothing_else_in_between(town: OfficersTown) -> None:
    first = town.first
    async with on_duty(town) as bot:
        ana, reference = await cried(town, bot)
        await town.orders(bot, first, f"reply {reference} One.")
        assert (await town.orders(bot, first, "duty")).startswith("Dropped: nothing was passed on.")
        assert "Passed on" not in await town.orders(bot, first, "send")
        await town.orders(bot, first, f"reply {reference} Two.")
        await bot.later(minutes=16)
        assert "Passed on" not in await town.orders(bot, first, "send")
        assert times(ana, FRAME) == 0


async def test_five_answers_a_day_go_unanswered_and_an_answer_makes_room(town: OfficersTown) -> None:
    first = town.first
    async with on_duty(town) as bot:
        ana, reference = await cried(town, bot)
        for number in range(5):
            await town.orders(bot, first, f"reply {reference} Word {number}.")
            assert "Passed on" in await town.orders(bot, first, "send")
        assert "Five answers" in await town.orders(bot, first, f"reply {reference} One too many.")
        assert times(ana, FRAME) == 5
        await bot.says(ana, "ANSWER", "I am well.", "Yes, send it")
        assert "as it stands" in await town.orders(bot, first, f"reply {reference} One more.")
        assert "Passed on" in await town.orders(bot, first, "send")
        assert times(ana, FRAME) == 6


async def test_who_closes_the_way_back_hears_no_more_and_the_officer_is_told(town: OfficersTown) -> None:
    first = town.first
    async with on_duty(town) as bot:
        ana, reference = await cried(town, bot)
        await town.orders(bot, first, f"ack {reference}")
        await bot.says(ana, "STOP")
        assert first.heard[-1].startswith(f"The writer of case {reference}, level 1, has closed this.")
        heard = len(ana.heard)
        assert "has closed the way back" in await town.orders(bot, first, f"reply {reference} Are you there?")
        assert len(ana.heard) == heard


async def test_an_urgent_case_closed_without_an_answer_is_told_to_the_next(town: OfficersTown) -> None:
    first, second, *_ = town.officers
    async with on_duty(town) as bot:
        _, reference = await cried(town, bot)
        told = await town.orders(bot, first, f"close {reference}")
        assert told == f"Case {reference} is closed without an answer to the writer: {second.address} is told."
        assert second.heard[-1].endswith("without an answer to the writer. Please look at it.")
        await bot.later(hours=2)
        assert town.told == ["first"]
        assert second.phone.messages[-1].endswith("Please look at it.")  # whoever was asleep finds it


async def test_outside_their_safe_hours_a_person_hears_nothing_and_then_everything(town: OfficersTown) -> None:
    by_day = tuple(text.replace("Here, at any hour", "Here, from 9 to 18") for text in ORDINARY)
    async with on_duty(town) as bot:
        ana = town.signal.person()
        reference = reference_in(await bot.says(ana, *BEGUN, *by_day))
        await town.mails.arrived(1)
        await bot.later(hours=9)  # 19:00
        heard = len(ana.heard)
        await town.orders(bot, town.first, f"reply {reference} We have written to them.")
        told = await town.orders(bot, town.first, "send")
        assert re.search(r"from \d{4}-\d\d-\d\d 09:00\.", told)
        assert len(ana.heard) == heard
        await bot.later(hours=14)  # 09:00 on the next day
        assert (times(ana, HEARD), times(ana, FRAME)) == (1, 1)


# ── a mission without keys ───────────────────────────────────────────────────────────────────────────────


async def test_without_a_key_the_mail_says_only_that_a_case_waits_and_it_is_read_on_signal(town: OfficersTown) -> None:
    roster(town, *(keyless(one.contact) for one in town.officers[:2]))
    first, second = town.officers
    async with on_duty(town) as bot:
        ana = town.signal.person()
        told = await bot.says(ana, *BEGUN, *ORDINARY[:-1])
        assert "until an officer reads your case, 72 hours at most, I hold it and could read it" in "".join(
            said.text for said in ana.heard
        )
        assert "May the mission act on it?" in told
        reference = reference_in(await bot.says(ana, ORDINARY[-1]))
        await town.mails.arrived(1)
        await bot.settled()
        mail = town.mail_to(first).decode()
        assert f"A case waits: {reference}, level 2. The writer writes in English." in unfolded(mail)
        assert f"case {reference}" in mail
        assert not any(word in mail for word in ("Oaxaca", "Threats", "authorities", ana.uuid))
        assert first.pings == [f"A new case waits: {reference}, level 2"]

        words = await town.orders(bot, first, f"case {reference}")
        assert "What happened: Threats or intimidation" in words and "Oaxaca" in words
        assert "Quiet contact with authorities" in await town.orders(bot, second, f"case {reference}")
        told = await town.orders(bot, first, f"ack {reference}")
        assert f"You have read case {reference}. It is no longer kept here" in told
        assert "notice" not in await counted(bot)
        assert "Oaxaca" not in await town.orders(bot, second, f"case {reference}")


async def test_without_a_key_nobody_but_an_officer_reads_a_case(town: OfficersTown) -> None:
    roster(town, keyless(town.first.contact))
    async with on_duty(town) as bot:
        reference = reference_in(await bot.says(town.signal.person(), *BEGUN, *ORDINARY))
        eve = town.signal.person()
        assert "Oaxaca" not in await bot.says(eve, f"case {reference}")
        assert "Oaxaca" in await town.orders(bot, town.first, f"case {reference}")


async def test_with_keys_a_case_is_not_shown_on_signal(town: OfficersTown) -> None:
    roster(town, replace(town.first.contact, languages=("en",)))
    async with on_duty(town) as bot:
        reference = reference_in(await bot.says(town.signal.person(), *BEGUN, *ORDINARY))
        shown = await town.orders(bot, town.first, f"case {reference}")
        assert f"{reference}, level 2, nobody has read it yet" in shown
        assert "Oaxaca" not in shown and "Threats" not in shown


async def test_what_no_officer_reads_is_gone_after_three_days(town: OfficersTown) -> None:
    roster(town, keyless(town.first.contact))
    async with on_duty(town) as bot:
        reference = reference_in(await bot.says(town.signal.person(), *BEGUN, *ORDINARY))
        await bot.later(hours=71, minutes=58)
        assert "Oaxaca" in await town.orders(bot, town.first, f"case {reference}")
        await bot.later(minutes=3)
        assert "Oaxaca" not in await town.orders(bot, town.first, f"case {reference}")
        assert "notice" not in await counted(bot)


def unfolded(mail: str) -> str:
    """The words of a mail, whatever its lines and its encoding of their ends."""
    return " ".join(mail.replace("=\r\n", "").split())
