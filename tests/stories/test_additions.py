"""What is added to a case, what is taken back, and what a person is told who ends the talk: the truth each time."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fakes_smtp import DROP, STALL, Authority, MailServer, mail_server
from stories.stage import GOOD, ORDINARY, Inbox, Mood, Stage, cries, message_ids, posted_to

WITHDRAWN = "Your alert had not left, and it does not leave any more."
MAYBE = "it may have reached the mission"
COPY = "the mission has its own copy"
ADDED = "What you added has left us"


# ── additions ────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_added_goes_as_one_mail_for_the_same_case_when_she_says_so(
    stage: Stage, server: MailServer, officer: Inbox
) -> None:
    async with stage.open() as life:
        await cries(life)
        await life.picks("ana", "yes", "raid", "oax", "quiet")
        assert len(server.accepted) == 1
        await life.writes("ana", "send now")
        assert len(server.accepted) == 2
        assert life.times_told("ana", ADDED) == 1
        await life.later(hours=2)
    first, second = (officer.opened(taken.mail) for taken in server.accepted)
    alert, addition = json.loads(first[2]), json.loads(second[2])
    assert (alert["reference"], alert["number"]) == (addition["reference"], 0)
    assert addition["number"] == 1
    assert {"event", "area", "want"} <= set(addition["answers"])
    assert "SOMETHING WAS ADDED" in second[1].splitlines()[0]
    assert len(message_ids(server.accepted)) == 2


async def test_what_is_added_goes_by_itself_ten_minutes_after_the_last_of_it(
    stage: Stage, server: MailServer, officer: Inbox
) -> None:
    async with stage.open() as life:
        await cries(life)
        await life.picks("ana", "yes", "raid")
        await life.later(minutes=9)
        await life.picks("ana", "oax")
        await life.later(minutes=9, seconds=59)
        assert len(server.accepted) == 1
        await life.later(seconds=1)
        assert len(server.accepted) == 2
        await life.later(hours=1)
        await life.writes("ana", "send now")
        assert life.last("ana").startswith("You have added nothing new.")
    assert "Oaxaca" in officer.texts(server)[1]


async def test_an_addition_raises_the_level_and_a_milder_one_does_not_lower_it(
    stage: Stage, server: MailServer, officer: Inbox
) -> None:
    stage.changes = {"window_minutes": 0}
    async with stage.open() as life:
        await life.writes("ana", "hello")
        await life.picks("ana", *ORDINARY)
        await life.picks("ana", "yes", "missing")
        await life.writes("ana", "send now")
        await life.writes("ana", "hello")
        await life.picks("ana", "add", "free")
        await life.writes("ana", "send now")
    levels = [json.loads(officer.opened(taken.mail)[2]) for taken in server.accepted]
    assert [(one["level"], one["raised_from"]) for one in levels] == [(3, None), (1, 3), (1, None)]
    assert "raised from level 3" in officer.texts(server)[1].splitlines()[0]


async def test_what_she_added_and_then_removed_is_not_sent(stage: Stage, server: MailServer) -> None:
    async with stage.open() as life:
        await cries(life)
        await life.picks("ana", "yes", "raid")
        for _ in range(20):
            if "Send what you added now?" in life.last("ana"):
                break
            await life.writes("ana", "skip")
        assert "What you added is deleted." in await life.picks("ana", "drop")
        await life.later(hours=1)
    assert len(server.accepted) == 1


async def test_own_words_arrive_as_written_and_quoted_back_before_they_go(
    stage: Stage, server: MailServer, officer: Inbox
) -> None:
    words = "Ocho personas, ‘sin’ orden: <b>no</b> & {mission} %s \\ 🏠"
    async with stage.open() as life:
        await cries(life)
        await life.picks("ana", "yes")
        for _ in range(20):
            if "What should the mission know?" in life.last("ana"):
                break
            await life.writes("ana", "skip")
        await life.writes("ana", words)
        await life.writes("ana", "send now")
    assert words in officer.texts(server)[1]


# ── erase ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_erase_before_anything_was_sent_says_so_and_keeps_nothing(stage: Stage) -> None:
    async with stage.open() as life:
        await life.writes("ana", "hello")
        await life.picks("ana", "en", "no", "no", "tell", "me", "threat")
        assert "Nothing had been sent." in await life.writes("ana", "erase")
        assert await life.talk("ana") is None


async def test_erase_withdraws_an_alert_that_has_not_left_and_says_so(
    stage: Stage, mood: Mood, server: MailServer
) -> None:
    mood.reply = "451 later"
    async with stage.open() as life:
        await cries(life)
        assert WITHDRAWN in await life.writes("ana", "erase")
        told = len(life.town.told("ana"))
        mood.reply = GOOD
        await life.later(hours=1)
        await life.later(hours=30)
        assert len(life.town.told("ana")) == told
    assert server.accepted == []


async def test_erase_withdraws_a_case_that_could_not_be_sealed_yet(
    stage: Stage, server: MailServer, officer: Inbox
) -> None:
    stage.contacts = (replace(officer.contact, fingerprint="0" * 40),)
    async with stage.open() as life:
        await cries(life)
        assert WITHDRAWN in await life.writes("ana", "erase")
    stage.contacts = (officer.contact,)
    async with stage.open() as life:
        await life.later(hours=1)
    assert server.taken == []


async def test_erase_during_the_transmission_says_that_it_may_have_arrived(
    stage: Stage, mood: Mood, server: MailServer, authority: Authority
) -> None:
    stage.post = posted_to(server, authority, patience=15)
    mood.reply = STALL
    async with stage.open() as life:
        await cries(life, settle=False)
        await server.offered(1)
        await life.writes("ana", "erase", settle=False)
        assert MAYBE in await life.hears("ana", "Our copy is deleted.")
        server.hang_up()


async def test_erase_after_it_left_says_that_the_mission_has_its_own_copy_and_the_officer_hears_of_it(
    stage: Stage, server: MailServer, officer: Inbox
) -> None:
    async with stage.open() as life:
        await cries(life)
        assert COPY in await life.writes("ana", "erase")
        assert await life.talk("ana") is None
    alert, note = officer.texts(server)
    assert alert.startswith("LEVEL 1")
    assert "has closed this. Nothing can be passed on any more." in note


async def test_erase_after_a_lost_answer_says_that_it_may_have_arrived_whatever_came_later(
    stage: Stage, mood: Mood, server: MailServer, authority: Authority
) -> None:
    stage.post = posted_to(server, authority, patience=0.5)
    mood.reply = DROP
    async with stage.open() as life:
        await cries(life)
        mood.reply = "451 later"
        await life.later(minutes=1)
        assert len(server.taken) == 2
        assert MAYBE in await life.writes("ana", "erase")


async def test_erase_while_one_of_two_mails_is_on_the_wire_says_that_it_may_have_arrived(
    stage: Stage, server: MailServer, authority: Authority, officer: Inbox, tmp_path: Path
) -> None:
    mixed = {"RCPT": ["451 later", GOOD], "DATA": [STALL]}
    async with mail_server(authority.server(), replies=mixed) as other:
        stage.post = posted_to(other, authority, patience=15)
        stage.contacts = (officer.contact, replace(Inbox(tmp_path, "second").contact, after=0))
        async with stage.open() as life:
            await cries(life, settle=False)
            await other.offered(1)
            await life.put_back(1)
            await life.writes("ana", "erase", settle=False)
            assert MAYBE in await life.hears("ana", "Our copy is deleted.")
            other.hang_up()


async def test_erase_removes_the_way_back_and_a_new_talk_begins_at_the_beginning(stage: Stage) -> None:
    async with stage.open() as life:
        await cries(life)
        codes = next(text for text in life.town.told("ana") if "Return code" in text)
        code = "".join(char for char in codes.partition("Return code ")[2].partition(".")[0] if char.isdigit())
        shelf = life.bot.desk.shelf
        assert await life.reads(lambda conn: shelf.who_returns(conn, code)) is not None
        await life.writes("ana", "erase")
        assert await life.reads(lambda conn: shelf.who_returns(conn, code)) is None
        assert "Which language do you prefer?" in await life.writes("ana", "hello")


# ── stop ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_stop_before_consent_deletes_what_was_told(stage: Stage) -> None:
    async with stage.open() as life:
        await life.writes("ana", "hello")
        await life.picks("ana", "en", "no", "no", "tell", "me", "threat")
        assert "What you had not sent is deleted." in await life.writes("ana", "stop")
        assert await life.talk("ana") is None


@pytest.mark.parametrize("reply", [GOOD, "451 later"])
async def test_stop_after_the_handoff_is_followed_by_silence_and_the_case_still_leaves(
    stage: Stage, mood: Mood, server: MailServer, reply: str
) -> None:
    mood.reply = "451 later"
    async with stage.open() as life:
        await cries(life)
        assert "I stop here and write no more about this case." in await life.writes("ana", "stop")
        told = len(life.town.told("ana"))
        mood.reply = reply
        for _ in range(30):
            await life.later(hours=1)
        assert len(life.town.told("ana")) == told
    assert len(server.accepted) == (1 if reply == GOOD else 0)
