"""What officers are told besides alerts: the mail of each morning, the counts of Monday, notes by Signal or by mail."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from fakes_smtp import MailServer
from officers.room import FIRST, SECOND, Pair, cries, mails_to, reports
from stories.stage import ZONE, Inbox, Life, Stage, keyless

from bot.handoff.roster import Duty
from bot.officers.telling import FEW


@pytest.fixture
def daily(stage: Stage) -> Stage:
    """A mission with a daily mail, at six in the morning of a day that is no Monday."""
    stage.changes = {"duty": Duty(morning="07:30")}
    at = stage.clock.at.replace(hour=6, minute=0)
    stage.clock.at = at + timedelta(days=at.weekday() == 0)
    return stage


def letters(server: MailServer, inbox: Inbox) -> list[tuple[str, str]]:
    """Subject and text of each mail to an officer, opened."""
    opened = [inbox.opened(one.mail) for one in server.accepted if inbox.contact.address in one.recipients]
    return [(subject, text) for subject, text, _ in opened]


async def comes(life: Life, **span: float) -> None:
    """Let time pass, and the rounds come by."""
    life.clock.move(**span)
    await life.bot.upkeep.round()
    await life.settled()


# ── each morning ─────────────────────────────────────────────────────────────────────────────────────────


async def test_each_morning_brings_one_sealed_mail_to_each_officer(
    daily: Stage, server: MailServer, pair: Pair
) -> None:
    async with daily.open() as life:
        await comes(life, minutes=89)
        assert mails_to(server) == {}
        for _ in range(4):
            await comes(life, minutes=1)
        assert mails_to(server) == {"first@example.org": 1, "second@example.org": 1}
        await comes(life, hours=10)
        assert sum(mails_to(server).values()) == 2
        await comes(life, hours=14)
        assert sum(mails_to(server).values()) == 4
    (subject, text), _ = letters(server, pair.first)
    assert (subject, text.splitlines()[0]) == ("Waiting: 0", "Nothing waits.")
    assert "so that a day without it is noticed" in text
    assert letters(server, pair.second)[0][0] == "En espera: 0"


async def test_after_a_restart_no_morning_is_told_twice(daily: Stage, server: MailServer) -> None:
    for _ in range(2):
        async with daily.open() as life:
            await comes(life, hours=2)
    assert mails_to(server) == {"first@example.org": 1, "second@example.org": 1}


@pytest.mark.parametrize("days", [1, 10])
async def test_a_clock_that_was_days_ahead_takes_no_morning_away_for_long(
    daily: Stage, server: MailServer, days: int
) -> None:
    async with daily.open() as life:
        await comes(life, days=days, hours=2)
        told = sum(mails_to(server).values())
        await comes(life, days=-days)
        await comes(life, days=1)
        await comes(life, days=1)
        assert sum(mails_to(server).values()) >= told + 2


async def test_the_morning_is_each_officer_s_own(daily: Stage, server: MailServer) -> None:
    first, second = daily.contacts
    daily.contacts = (first, replace(second, zone="Europe/Madrid"))
    async with daily.open() as life:
        await life.settled()
        assert mails_to(server) == {"second@example.org": 1}  # in Madrid it is afternoon
        await comes(life, minutes=90)
        assert mails_to(server) == {"first@example.org": 1, "second@example.org": 1}
        await comes(life, hours=14)  # half past nine in the evening here, of the next morning there no hour yet
        assert sum(mails_to(server).values()) == 2
        await comes(life, hours=3)
        assert mails_to(server) == {"first@example.org": 1, "second@example.org": 2}


@pytest.mark.parametrize("hour", ["", "23:59"])
async def test_without_an_hour_or_before_it_there_is_no_mail(daily: Stage, server: MailServer, hour: str) -> None:
    daily.changes = {"duty": Duty(morning=hour)}
    async with daily.open() as life:
        await comes(life, hours=17)
        assert mails_to(server) == {}


async def test_the_mail_lists_what_nobody_has_read_the_gravest_first_without_a_word_of_it(
    daily: Stage, server: MailServer, pair: Pair
) -> None:
    async with daily.open() as life:
        mild, grave, read = await reports(life), await cries(life, "eva"), await cries(life, "leo")
        await life.writes(FIRST, f"ack {read}")
        before = len(letters(server, pair.first))
        await comes(life, minutes=90)
    ((subject, text),) = letters(server, pair.first)[before:]
    assert subject == "Waiting: 2"
    assert text.splitlines()[:3] == [
        "These cases wait for an officer:",
        f"{grave}, level 1, nobody has read it yet",
        f"{mild}, level 2, nobody has read it yet",
    ]
    assert read not in text
    assert "Threat" not in text


async def test_a_morning_with_cases_is_no_larger_outside_than_one_without(daily: Stage, server: MailServer) -> None:
    async with daily.open() as life:
        await comes(life, minutes=90)
        quiet = [len(one.mail) for one in server.accepted]
        case = await reports(life)
        alerts = len(server.accepted)
        await comes(life, days=1)
        busy = [len(one.mail) for one in server.accepted[alerts:] if case.encode() not in one.mail]
    assert abs(max(quiet) - min(busy)) < 200  # of armoured signatures and keys, which vary by some bytes


async def test_an_officer_without_a_key_gets_the_mail_in_clear_with_nothing_of_a_case(
    daily: Stage, server: MailServer
) -> None:
    daily.contacts = (keyless("first", signal=FIRST),)
    async with daily.open() as life:
        await comes(life, minutes=90)
        (taken,) = server.accepted
        assert "Nothing waits." in taken.mail.decode()


async def test_an_officer_whose_certificate_is_refused_costs_the_others_no_mail(
    daily: Stage, server: MailServer
) -> None:
    first, second = daily.contacts
    daily.contacts = (replace(first, fingerprint="0" * 40), second)
    async with daily.open() as life:
        await comes(life, minutes=90)
        assert mails_to(server) == {"second@example.org": 1}
        assert await life.rows("note") == 0


async def test_an_officer_who_can_not_be_written_to_is_left_out(daily: Stage, server: MailServer) -> None:
    first, second = daily.contacts
    daily.contacts = (replace(first, openpgp=None), second)
    async with daily.open() as life:
        await comes(life, minutes=90)
        assert mails_to(server) == {"second@example.org": 1}
        assert "Which language" in await life.writes(FIRST, "cases")


# ── Monday ───────────────────────────────────────────────────────────────────────────────────────────────


def monday(stage: Stage) -> datetime:
    """Let it be Monday, six in the morning; return when."""
    at = stage.clock.at.astimezone(ZONE)
    stage.clock.at = at + timedelta(days=7 - at.weekday())
    assert stage.clock.now(ZONE).weekday() == 0
    return stage.clock.at


async def counted(life: Life, week: str, cases: Sequence[tuple[int, str, int]]) -> None:
    rows = [{"week": week, "level": level, "language": tag, "number": number} for level, tag, number in cases]
    sql = sa.text("INSERT INTO counts (week, level, language, number) VALUES (:week, :level, :language, :number)")
    await life.reads(lambda conn: conn.execute(sql, rows).rowcount)


async def test_on_monday_the_counts_of_the_week_before_are_told_with_small_ones_hidden(
    daily: Stage, server: MailServer, pair: Pair
) -> None:
    at = monday(daily)
    last = "{}-W{:02}".format(*(at - timedelta(days=1)).isocalendar())
    this = "{}-W{:02}".format(*at.isocalendar())
    cases = [(1, "en", FEW + 1), (1, "es", FEW), (2, "es", FEW - 1), (3, "en", 1), (4, "xx", FEW)]
    async with daily.open() as life:
        await counted(life, last, cases)
        await counted(life, this, [(1, "en", 99)])
        await comes(life, minutes=90)
        await comes(life, days=1)
    (_, text), (_, next_day) = letters(server, pair.first)
    lines = text.splitlines()
    assert lines[lines.index(f"Cases of week {last}, by level and language:") + 1 :][:5] == [
        "Level 1, English: 6",
        "Level 1, Spanish: 5",
        "Level 2, Spanish: fewer than 5",
        "Level 3, English: fewer than 5",
        "Level 4, xx: 5",
    ]
    assert this not in text
    assert "99" not in text
    assert "week" not in next_day


# ── notes ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["without an account", "without pings", "without Signal"])
async def test_who_is_not_told_on_signal_gets_a_note_by_mail(
    stage: Stage, server: MailServer, pair: Pair, how: str
) -> None:
    first, second = stage.contacts
    account = "" if how == "without an account" else SECOND
    stage.contacts = (first, replace(second, signal=account, ping=how != "without pings"))
    async with stage.open() as life:
        case = await cries(life)
        life.bot.desk.officers.telling.signal = how != "without Signal"
        await life.writes(FIRST, f"ack {case}")
        assert life.town.told(SECOND) == []
        ((subject, text),) = letters(server, pair.second)
    assert subject == f"Caso {case}"
    assert text == f"first@example.org leyó el caso {case}, nivel 1.\n"


async def test_a_note_by_mail_tells_outside_what_any_other_mail_does(stage: Stage, server: MailServer) -> None:
    first, second = stage.contacts
    stage.contacts = (first, replace(second, ping=False))
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(FIRST, f"ack {case}")
        mail = server.accepted[-1].mail
        assert case.encode() not in mail
        assert b"first@example.org" not in mail


async def test_two_notes_to_one_officer_are_two_mails(stage: Stage, server: MailServer, pair: Pair) -> None:
    first, second = stage.contacts
    stage.contacts = (first, replace(second, ping=False))
    async with stage.open() as life:
        cases = [await cries(life), await cries(life, "eva")]
        for case in cases:
            await life.writes(FIRST, f"ack {case}")
        assert [subject for subject, _ in letters(server, pair.second)] == [f"Caso {case}" for case in cases]
        names = {line for one in server.accepted for line in one.mail.split(b"\r\n") if line.startswith(b"Message-ID")}
        assert len(names) == len(server.accepted)


async def test_a_note_to_somebody_who_left_the_roster_is_told_to_nobody(stage: Stage, server: MailServer) -> None:
    async with stage.open() as life:
        case = await cries(life)
        await life.writes(SECOND, f"leido {case}")
    stage.contacts = stage.contacts[:1]
    async with stage.open() as life:
        await life.writes("ana", "stop")
        assert life.times_told(SECOND, "cerró") == 0
        assert mails_to(server) == {"first@example.org": 1}
