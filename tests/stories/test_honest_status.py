"""What a person is told of an alert that doesn't leave, or leaves late: the truth, once, with a clock of the story's."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes_smtp import DROP, STALL, Authority, MailServer, closed_port, mail_server
from stories.stage import EMERGENCY, GOOD, SENDER, Inbox, Mood, Stage, message_ids, posted_to

from bot.mail.smtp import SmtpPost

NOT_YET = "NOT sent yet."
NOT_SENT = "NOT sent. I have tried for 24 hours."
AFTER_ALL = "It has left us after all, at "
LEFT = "It has left us at "


@pytest.fixture
def mood() -> Mood:
    return Mood("451 later")


@pytest.fixture
async def server(authority: Authority, mood: Mood) -> AsyncIterator[MailServer]:
    async with mail_server(authority.server(), replies={"RCPT": mood}) as server:
        yield server


@pytest.fixture
def stage(tmp_path: Path, server: MailServer, authority: Authority, officer: Inbox) -> Stage:
    return Stage(tmp_path, posted_to(server, authority), (officer.contact,))


async def test_an_alert_that_leaves_at_once_is_told_with_the_hour_and_the_place(
    stage: Stage, mood: Mood, server: MailServer, officer: Inbox
) -> None:
    mood.reply = GOOD
    async with stage.open() as life:
        await life.writes("ana", "ayuda")
        await life.picks("ana", *EMERGENCY)
        await life.writes("ana", "english")
        assert life.times_told("ana", "Ha salido de aquí a las 10:00 (Ciudad de México)") == 1
        await life.later(minutes=10)
        assert life.times_told("ana", "NO se ha enviado") == 0
    assert "LEVEL 1, IMMEDIATE DANGER" in officer.texts(server)[0]


@pytest.mark.parametrize(
    ("resources", "told"),
    [(True, "Use these contacts. I keep trying.\nShelter, run by civil society: +52 55 0000"),
     (False, "I keep trying. I have no other contacts to give you.")],
)
async def test_a_server_that_puts_us_off_for_five_minutes_is_told_once_and_so_is_the_late_success(
    stage: Stage, mood: Mood, server: MailServer, resources: bool, told: str
) -> None:
    if not resources:
        stage.changes = {"resources": ()}
    async with stage.open() as life:
        await life.writes("ana", "SOS", "english")
        await life.writes("ana", "SOS")
        await life.picks("ana", *EMERGENCY)
        await life.later(minutes=4)
        assert life.times_told("ana", "NOT sent") == 0
        await life.later(minutes=2)
        assert f"{NOT_YET} {told}" in life.last("ana")
        await life.later(minutes=30)
        assert life.times_told("ana", NOT_YET) == 1
        mood.reply = GOOD
        await life.later(minutes=20)
        assert f"{AFTER_ALL}10:56 (Mexico City)" in life.last("ana")
        await life.later(hours=48)
        assert life.times_told("ana", "left us") == 1
        assert life.times_told("ana", NOT_SENT) == 0
    assert len(server.accepted) == 1
