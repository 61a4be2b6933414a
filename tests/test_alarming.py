"""How an operator is woken: by a mail that says to look at the log, once an hour of a kind, and nothing of anybody."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from fakes_signal_bot import events

from bot.alarming import Alarming
from bot.channels.signal_failures import Operator
from bot.channels.signal_frames import Trouble
from bot.errors import DeliveryError
from bot.mail.alarm import TOLD, alarm_mail

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
SENDER, OPERATOR = "postigo@example.org", "it@example.org"


class Pile:
    """A way out that piles mails up, or fails."""

    confirms = True

    def __init__(self, *, broken: bool = False) -> None:
        self.mails: list[tuple[bytes, str]] = []
        self._broken = broken

    async def send(self, mail: bytes, recipient: str) -> None:
        if self._broken:
            raise DeliveryError("not this time")
        self.mails.append((mail, recipient))


class Hours:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def hours() -> Hours:
    return Hours()


async def rung(alarming: Alarming, now: Callable[[], datetime], *kinds: str) -> None:
    for kind in kinds:
        alarming.ring(kind, at=now)
    for task in list(alarming._tasks):
        await task


async def test_an_alarm_is_one_mail_to_the_operator(hours: Hours) -> None:
    pile = Pile()
    await rung(Alarming(pile, SENDER, OPERATOR), hours, "captcha")
    ((mail, recipient),) = pile.mails
    assert recipient == OPERATOR
    assert mail == alarm_mail("captcha", SENDER, OPERATOR, NOW)


async def test_of_a_kind_there_is_one_an_hour_and_kinds_are_apart(hours: Hours) -> None:
    pile = Pile()
    alarming = Alarming(pile, SENDER, OPERATOR)
    await rung(alarming, hours, "deaf", "deaf", "full", "deaf")
    assert len(pile.mails) == 2
    hours.at += timedelta(minutes=59)
    await rung(alarming, hours, "deaf")
    assert len(pile.mails) == 2
    hours.at += timedelta(minutes=1)
    await rung(alarming, hours, "deaf")
    assert len(pile.mails) == 3


async def test_where_nobody_is_to_be_woken_nothing_is_sent(hours: Hours) -> None:
    pile = Pile()
    await rung(Alarming(pile, SENDER, ""), hours, "deaf")
    assert pile.mails == []


async def test_an_alarm_that_does_not_leave_stands_in_the_log(hours: Hours, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await rung(Alarming(Pile(broken=True), SENDER, OPERATOR), hours, "deaf")
    assert "alarm_failed" in events(caplog)
    assert OPERATOR not in caplog.text


@pytest.mark.parametrize("kind", ["deaf", "full", *Trouble, *Operator])
def test_every_kind_that_signal_rings_has_words_of_its_own(kind: str) -> None:
    assert str(kind) in TOLD


@pytest.mark.parametrize("kind", [*TOLD, "a kind that nobody knows"])
def test_the_mail_says_to_look_at_the_log_and_nothing_else(kind: str) -> None:
    mail = message_from_bytes(alarm_mail(kind, SENDER, OPERATOR, NOW), policy=policy.SMTP)
    body = mail.get_body()
    assert body
    assert {name: mail[name] for name in ("From", "To", "Subject", "Date", "Auto-Submitted")} == {
        "From": SENDER,
        "To": OPERATOR,
        "Subject": "Postigo: please look at the log",
        "Date": "Sat, 21 Nov 2026 08:00:00 +0000",
        "Auto-Submitted": "auto-generated",
    }
    assert body.get_content().strip() == TOLD.get(kind, "something needs an operator")
