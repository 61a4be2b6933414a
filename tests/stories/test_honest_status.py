"""What a person is told of an alert that doesn't leave, or leaves late: the truth, once, by a clock of the story's."""

from dataclasses import replace
from pathlib import Path

import pytest
from fakes_gpg import Gpg
from fakes_smtp import DROP, STALL, Authority, MailServer, closed_port, mail_server, raw_server
from stories.stage import EMERGENCY, GOOD, ORDINARY, ZONE, Inbox, Life, Mood, Stage, cries, message_ids, posted_to

from bot.handoff.mission import Contact
from bot.mail.smtp import DirectoryPost, Post, SmtpPost

NOT_YET = "NOT sent yet."
NOT_SENT = "NOT sent. I have tried for 24 hours."
AFTER_ALL = "It has left us after all, at "
LEFT = "It has left us"
UNREAD = "Nadie lo ha leído aún. Si necesita ayuda antes, use estos contactos."


async def test_an_alert_that_leaves_is_told_with_the_hour_and_the_place_in_her_language(
    stage: Stage, server: MailServer, officer: Inbox
) -> None:
    async with stage.open() as life:
        await life.writes("ana", "ayuda")
        await life.picks("ana", *EMERGENCY)
        assert life.times_told("ana", "Salió de aquí a las 10:00 (Ciudad de México)") == 1
        told = len(life.town.told("ana"))
        await life.later(hours=30)
        assert [text.splitlines()[0] for text in life.town.told("ana")[told:]] == [UNREAD]
    assert "LEVEL 1, IMMEDIATE DANGER" in officer.texts(server)[0]


@pytest.mark.parametrize(
    ("resources", "told"),
    [
        (
            True,
            "Use these contacts. I keep trying.\nShelter, run by civil society: +52 55 0000 For everyone. Checked on ",
        ),
        (False, "I keep trying. I have no other contacts to give you."),
    ],
)
@pytest.mark.parametrize("reply", ["451 later", "554 never"])
async def test_after_five_minutes_without_success_she_is_told_once_and_of_the_late_success_too(
    stage: Stage, mood: Mood, server: MailServer, resources: bool, told: str, reply: str
) -> None:
    if not resources:
        stage.changes = {"resources": ()}
    mood.reply = reply
    async with stage.open() as life:
        await cries(life)
        await life.later(minutes=4)
        assert life.times_told("ana", "NOT sent") == 0
        await life.later(minutes=2)
        assert life.last("ana").startswith(f"{NOT_YET} {told}")
        mood.reply = GOOD
        await life.later(hours=8)
        assert life.last("ana").startswith(f"{AFTER_ALL}18:06 (Mexico City).")
        await life.later(hours=48)
        assert (life.times_told("ana", NOT_YET), life.times_told("ana", LEFT), life.times_told("ana", NOT_SENT)) == (
            1,
            1,
            0,
        )
    assert len(message_ids(server.taken)) == len({taken.mail for taken in server.taken}) == 1


async def test_a_day_of_tries_ends_with_not_sent_once_and_no_mail_leaves_after_it(
    stage: Stage, mood: Mood, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    mood.reply = "451 later"
    async with stage.open() as life:
        await cries(life)
        for _ in range(24 * 2):
            await life.later(minutes=31)
        assert (life.times_told("ana", NOT_YET), life.times_told("ana", NOT_SENT)) == (1, 1)
        assert [name for name in operator_events(caplog) if name == "mail_given_up"] == ["mail_given_up"]
        tries = len(server.taken)
        assert tries > 20
        mood.reply = GOOD
        await life.later(hours=5)
        await life.bot.upkeep.round()
        await life.later(hours=30)
        assert (life.times_told("ana", NOT_SENT), life.times_told("ana", LEFT)) == (1, 0)
        assert await life.rows("mail") == 0
        await life.picks("ana", "no")
        assert "Your case was NOT sent." in await life.writes("ana", "hello again")
    assert len(server.taken) == tries


async def later_it_leaves(life: Life, *, post: SmtpPost) -> None:
    """What every passing failure comes to: NOT sent yet, and after all when the server is a good one."""
    await life.later(minutes=6)
    assert life.times_told("ana", NOT_YET) == 1
    life.bot.courier.post = post
    await life.later(hours=1)
    assert life.times_told("ana", AFTER_ALL) == 1
    await life.later(hours=30)
    assert life.times_told("ana", "NOT sent") == 1


async def test_a_server_with_a_wrong_certificate_gets_nothing(
    stage: Stage, server: MailServer, authority: Authority, tmp_path: Path
) -> None:
    good = stage.post
    assert isinstance(good, SmtpPost)
    async with mail_server(authority.server("other.example")) as wrong:
        stage.post = posted_to(wrong, authority)
        async with stage.open() as life:
            await cries(life)
            await later_it_leaves(life, post=good)
    assert (len(wrong.taken), len(server.accepted)) == (0, 1)


async def test_a_server_without_starttls_gets_nothing(stage: Stage, server: MailServer, authority: Authority) -> None:
    good = stage.post
    assert isinstance(good, SmtpPost)
    async with mail_server(None, "none") as bare:
        stage.post = posted_to(bare, authority)
        async with stage.open() as life:
            await cries(life)
            await later_it_leaves(life, post=good)
    assert (len(bare.taken), len(server.accepted)) == (0, 1)


async def test_a_server_that_refuses_connections_is_tried_again(stage: Stage, server: MailServer) -> None:
    good = stage.post
    assert isinstance(good, SmtpPost)
    stage.post = replace_port(good, closed_port())
    async with stage.open() as life:
        await cries(life)
        await later_it_leaves(life, post=good)
    assert len(server.accepted) == 1


async def test_a_server_that_says_nothing_is_given_up_after_a_while_and_tried_again(
    stage: Stage, server: MailServer
) -> None:
    good = stage.post
    assert isinstance(good, SmtpPost)
    async with raw_server() as port:
        stage.post = replace_port(good, port, patience=0.3)
        async with stage.open() as life:
            await cries(life)
            await later_it_leaves(life, post=good)
    assert len(server.accepted) == 1


def replace_port(post: SmtpPost, port: int, patience: float = 1.0) -> SmtpPost:
    return SmtpPost(post.host, port, post.tls, post.sender, post.ca_file, timeout=patience)


@pytest.mark.parametrize("ends", [DROP, STALL])
async def test_a_mail_whose_answer_got_lost_goes_again_with_the_same_bytes_and_she_is_told_once(
    stage: Stage, mood: Mood, server: MailServer, authority: Authority, ends: str
) -> None:
    stage.post = posted_to(server, authority, patience=0.5)
    mood.reply = ends
    async with stage.open() as life:
        await cries(life)
        assert life.times_told("ana", LEFT) == 0
        mood.reply = GOOD
        await life.later(minutes=1)
        await life.later(hours=30)
        assert life.times_told("ana", LEFT) == 1
    assert len(server.taken) == 2
    assert len({taken.mail for taken in server.taken}) == 1


async def test_when_no_certificate_may_be_used_nothing_is_sent_and_a_good_one_later_takes_it(
    stage: Stage, server: MailServer, officer: Inbox, tmp_path: Path, gpg: Gpg, caplog: pytest.LogCaptureFixture
) -> None:
    expired = tmp_path / "expired.asc"
    gpg.new_key("Late <late@example.org>", lasts="2024-03-01", sealing="2024-03-01", at="20240101T000000")
    expired.write_bytes(gpg.exported("Late <late@example.org>"))
    late = Contact("late@example.org", str(expired), gpg.fingerprint("Late <late@example.org>").lower())
    stage.contacts = (late,)
    async with stage.open() as life:
        await cries(life)
        assert told_operator(caplog) >= {"certificate_refused", "sealing_failed"}
        await life.later(minutes=6)
        assert life.times_told("ana", NOT_YET) == 1
        caplog.clear()
        await life.later(hours=1)
        assert "sealing_failed" in told_operator(caplog)
        assert await life.rows("hand_off") == 1
    stage.contacts = (officer.contact,)
    stage.clock.move(hours=1)
    async with stage.open() as life:
        await life.hears("ana", f"{AFTER_ALL}12:06")
        assert await life.rows("hand_off") == 0
    assert officer.texts(server)[0].startswith("LEVEL 1, IMMEDIATE DANGER")


def operator_events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [str(record.msg.shown["event"]) for record in caplog.records if hasattr(record.msg, "shown")]


def told_operator(caplog: pytest.LogCaptureFixture) -> set[str]:
    return set(operator_events(caplog))


async def test_in_a_folder_the_alert_stays_on_its_way_and_no_late_message_follows(
    stage: Stage, tmp_path: Path, officer: Inbox
) -> None:
    stage.post = DirectoryPost(tmp_path / "mails")
    async with stage.open() as life:
        await cries(life)
        await life.later(hours=30)
        assert life.times_told("ana", "On its way.") == 1
        assert life.times_told("ana", "NOT sent") == 0
        assert life.times_told("ana", LEFT) == 0
        await life.picks("ana", "no")
        assert "Your case is on its way. We don't know yet if it has arrived." in await life.writes("ana", "hello")
        assert "it may have reached the mission" in await life.writes("ana", "erase")
    opened = [officer.opened(mail.read_bytes())[1] for mail in (tmp_path / "mails").iterdir()]
    assert sum(text.startswith("LEVEL 1") for text in opened) == 1
    assert sum("has closed this" in text for text in opened) == len(opened) - 1 == 1


async def test_a_case_of_level_3_leaves_only_at_its_random_minute(stage: Stage, server: MailServer) -> None:
    async with stage.open() as life:
        began = stage.clock.at
        await life.writes("ana", "hello")
        await life.picks("ana", *ORDINARY)
        assert (
            life.times_told(
                "ana", "Taken. It leaves us within 120 minutes. Write here at any time to see if it has left us."
            )
            == 1
        )
        due = await life.reads(life.bot.courier.outbox.next_due)
        assert due is not None
        minutes = (due - began).total_seconds() / 60
        assert 0 <= minutes < 120
        assert minutes == int(minutes)
        stage.clock.at = due
        await life.later(seconds=-1)
        assert (len(server.taken), life.times_told("ana", LEFT)) == (0, 0)
        await life.later(seconds=1)
        assert (
            len(server.accepted),
            life.times_told("ana", f"{LEFT} at {due.astimezone(ZONE):%H:%M} (Mexico City)"),
        ) == (1, 1)


async def test_one_bad_certificate_costs_its_owner_alone_the_mail(
    stage: Stage, server: MailServer, officer: Inbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    second = Inbox(tmp_path, "second")
    wrong = replace(Inbox(tmp_path, "wrong").contact, fingerprint="0" * 40)
    stage.contacts = tuple(
        replace(one, after=0) for one in (officer.contact, wrong, replace(second.contact, language="es"))
    )
    async with stage.open() as life:
        await cries(life)
        assert life.times_told("ana", LEFT) == 1
    by_recipient = {taken.recipients[0]: taken.mail for taken in server.accepted}
    assert set(by_recipient) == {"officer@example.org", "second@example.org"}
    assert officer.opened(by_recipient["officer@example.org"])[1].startswith("LEVEL 1, IMMEDIATE DANGER")
    assert second.opened(by_recipient["second@example.org"])[1].startswith("NIVEL 1")
    assert "certificate_refused" in told_operator(caplog)


async def test_the_second_in_the_chain_is_told_after_her_minutes(
    stage: Stage, server: MailServer, officer: Inbox, tmp_path: Path
) -> None:
    stage.contacts = (officer.contact, replace(Inbox(tmp_path, "second").contact, after=30))
    async with stage.open() as life:
        await cries(life)
        await life.later(minutes=29)
        assert [taken.recipients[0] for taken in server.accepted] == ["officer@example.org"]
        await life.later(minutes=1)
        assert [taken.recipients[0] for taken in server.accepted][1:] == ["second@example.org"]
        assert life.times_told("ana", LEFT) == 1


async def test_an_urgent_address_is_written_to_at_levels_1_and_2_alone(
    stage: Stage, server: MailServer, officer: Inbox
) -> None:
    stage.contacts = (replace(officer.contact, urgent_address="wake@example.org"),)
    stage.changes = {"window_minutes": 0}
    async with stage.open() as life:
        await cries(life)
        assert [taken.recipients for taken in server.accepted] == [("wake@example.org",)]
        await life.writes("eva", "hello")
        await life.picks("eva", *ORDINARY)
        assert [taken.recipients for taken in server.accepted][1:] == [("officer@example.org",)]


async def test_outside_every_level_looks_the_same(stage: Stage, server: MailServer) -> None:
    stage.changes = {"window_minutes": 0}
    async with stage.open() as life:
        await cries(life)
        await life.writes("eva", "hello")
        await life.picks("eva", *ORDINARY)
    heads = [outside(taken.mail) for taken in server.accepted]
    assert heads[0] == heads[1]


def outside(mail: bytes) -> list[str]:
    """The headers that every relay reads, but for the Message-ID and the border between the parts."""
    lines = mail.split(b"\r\n\r\n")[0].decode().split("\r\n")
    return [line for line in lines if not line.startswith(("Message-ID:", " boundary"))]


async def test_a_restart_between_handing_over_and_leaving_loses_nothing(
    stage: Stage, mood: Mood, server: MailServer
) -> None:
    mood.reply = "451 later"
    async with stage.open() as life:
        await cries(life)
    mood.reply = GOOD
    stage.clock.move(minutes=4)
    async with stage.open() as life:
        await life.hears("ana", f"{LEFT} at 10:04")
    assert len(message_ids(server.taken)) == 1


async def test_whoever_wants_to_be_answered_in_the_evening_hears_nothing_before(
    stage: Stage, mood: Mood, server: MailServer
) -> None:
    mood.reply = "451 later"
    async with stage.open() as life:
        await life.writes("ana", "hello")
        evening = ["evening" if choice == "here" else choice for choice in ORDINARY]
        await life.picks("ana", *("threat" if choice == "surveillance" else choice for choice in evening))
        await life.later(minutes=6)
        assert life.times_told("ana", NOT_YET) == 1, "she is still there: at once"
        told = len(life.town.told("ana"))
        mood.reply = GOOD
        await life.later(hours=2)
        assert len(server.accepted) == 1
        await life.later(hours=5, minutes=53)
        assert len(life.town.told("ana")) == told
        await life.later(minutes=1)
        assert life.times_told("ana", f"{AFTER_ALL}12:06 (Mexico City)") == 1


def test_every_way_out_says_whether_it_confirms(tmp_path: Path, stage: Stage) -> None:
    ways: tuple[Post, ...] = (stage.post, DirectoryPost(tmp_path))
    assert [way.confirms for way in ways] == [True, False]
