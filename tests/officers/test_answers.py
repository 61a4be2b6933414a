"""What comes back by mail: signatures by the real gpg and openssl acknowledge a case once, and nothing else does."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import trustme
from fakes_dovecot import PASSWORD, USER, dovecot
from fakes_gpg import Gpg, keyring
from fakes_openssl import Openssl
from fakes_replies import mail, multipart, part, signed
from fakes_smtp import MailServer, closed_port
from officers.room import FIRST, SECOND, cries, docket_of, kept
from stories.stage import DEADLINE, ZONE, Life, SmimeInbox, Stage
from stories.telegram_town import OFFICER, GpgInbox

from bot import clock
from bot.errors import NotNow
from bot.handoff.docket import State
from bot.mail.imap import Mailbox
from bot.officers.answers import Answers

STRANGER = "Stranger <stranger@example.org>"


@pytest.fixture
def gpg() -> Iterator[Gpg]:
    with keyring() as ring:
        yield ring


@pytest.fixture
def inbox(tmp_path: Path, gpg: Gpg) -> GpgInbox:
    return GpgInbox(tmp_path, gpg)


@pytest.fixture
def stage(stage: Stage, inbox: GpgInbox) -> Stage:
    """A mission whose officer answers by mail, at a server where nobody listens: mails are brought by the test.

    The clock stands still at the real time, because gpg and whoever checks go by that.
    """
    stage.contacts, stage.clock.at = (inbox.contact, stage.contacts[1]), clock.now()
    stage.mailbox = Mailbox("localhost", closed_port(), "implicit", USER, PASSWORD)
    return stage


class Post:
    """One life of the bot, and the mails that reach it."""

    def __init__(self, life: Life, gpg: Gpg, caplog: pytest.LogCaptureFixture) -> None:
        self.life, self._gpg, self._caplog = life, gpg, caplog
        (room,) = life.bot.beside
        playing: Any = room  # the role of whoever reads the mailbox
        self.answers = cast("Answers", playing.args[-1].__self__)

    async def brings(self, raw: bytes) -> bool:
        """Let one mail come; tell whether it was good for something."""
        before = self.useless
        await self.answers.take(raw)
        await self.life.settled()
        return self.useless == before

    @property
    def useless(self) -> int:
        shown = [record.msg.shown["event"] for record in self._caplog.records if hasattr(record.msg, "shown")]
        return shown.count("mail_useless")

    def signed(self, text: str, *, name: str = OFFICER, at: str = "") -> bytes:
        return mail(signed(self._gpg, name, part(text), at=at))

    async def reader(self, case: str) -> str:
        return (await docket_of(self.life, case)).reader


@asynccontextmanager
async def listening(stage: Stage, gpg: Gpg, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Post]:
    async with stage.open() as life:
        yield Post(life, gpg, caplog)


def token_in(inbox: GpgInbox | SmimeInbox, server: MailServer, number: int = 0) -> str:
    """What an officer reads in a mail, to acknowledge its case with."""
    mine = [one.mail for one in server.accepted if inbox.contact.address in one.recipients]
    text = inbox.opened(mine[number])[1]
    return next(word for line in text.splitlines() for word in line.split() if word.startswith("ACK-"))


# ── acknowledging ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_signed_token_acknowledges_its_case_once(
    stage: Stage, gpg: Gpg, inbox: GpgInbox, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(stage, gpg, caplog) as post:
        life = post.life
        case = await cries(life)
        raw = post.signed(f"{token_in(inbox, server)}\n")
        assert await post.brings(raw)
        assert await post.reader(case) == "officer@example.org"
        assert life.times_told("ana", f"An officer has read it, at {life.clock.now(ZONE):%H:%M}") == 1
        assert life.last(SECOND) == f"officer@example.org leyó el caso {case}, nivel 1."
        assert await life.rows("mail") == 0
        assert not await post.brings(raw)
        assert not await post.brings(post.signed(f"{token_in(inbox, server)}\n"))
        assert life.times_told("ana", "An officer has read it") == 1


async def test_each_officer_has_a_token_of_their_own_and_the_second_changes_nothing(
    stage: Stage, gpg: Gpg, inbox: GpgInbox, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(stage, gpg, caplog) as post:
        case = await cries(post.life)
        await post.life.writes(SECOND, f"leido {case}")
        assert await post.brings(post.signed(f"{token_in(inbox, server)}\n"))
        assert await post.reader(case) == "second@example.org"
        assert post.life.times_told("ana", "An officer has read it") == 1


async def test_tokens_of_two_cases_in_one_mail_acknowledge_both(
    stage: Stage, gpg: Gpg, inbox: GpgInbox, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(stage, gpg, caplog) as post:
        cases = [await cries(post.life), await cries(post.life, "eva")]
        tokens = [token_in(inbox, server, number) for number in range(2)]
        assert await post.brings(post.signed("\n".join(tokens) + "\n"))
        assert [await post.reader(case) for case in cases] == ["officer@example.org"] * 2


async def test_what_is_not_an_officer_s_own_signed_word_changes_nothing_and_is_counted(
    stage: Stage, gpg: Gpg, inbox: GpgInbox, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    gpg.new_key(STRANGER)
    async with listening(stage, gpg, caplog) as post:
        case = await cries(post.life)
        token = token_in(inbox, server)
        other = token[:-4] + ("0000" if token[-4:] != "0000" else "1111")
        useless = {
            "unsigned": mail(part(f"{token}\n")),
            "a stranger's": post.signed(f"{token}\n", name=STRANGER),
            "quoted": post.signed(f"> {token}\n"),
            "within words": post.signed(f"I have read {token}\n"),
            "another token": post.signed(f"{other}\n"),
            "no token": post.signed("Yes.\n"),
            "of a later day": post.signed(f"{token}\n", at=f"{clock.now() + timedelta(days=2):%Y%m%dT%H%M%S}"),
            "changed": post.signed(f"{token}\n").replace(b"ACK-", b"ack-"),
            "nothing": b"",
        }
        told = [name for name, raw in useless.items() if await post.brings(raw)]
        assert told == []
        assert post.useless == len(useless)
        assert await post.reader(case) == ""
        assert post.life.times_told("ana", "An officer has read it") == 0
        assert await post.brings(post.signed(f"{token}\n"))
        assert await post.reader(case) == "officer@example.org"
    assert token not in caplog.text


async def test_what_was_signed_before_the_case_began_is_no_answer_to_it(
    stage: Stage, gpg: Gpg, inbox: GpgInbox, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    stage.clock.move(minutes=5)  # so that what is signed now is older than the case
    async with listening(stage, gpg, caplog) as post:
        case = await cries(post.life)
        assert not await post.brings(post.signed(f"{token_in(inbox, server)}\n"))
        assert await post.reader(case) == ""


async def test_a_case_that_was_opened_by_a_clock_that_was_ahead_is_acknowledged_once_it_is_right(
    stage: Stage, gpg: Gpg, inbox: GpgInbox, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    stage.clock.move(hours=3)
    async with listening(stage, gpg, caplog) as post:
        case = await cries(post.life)
        stage.clock.move(hours=-3)
        assert await post.brings(post.signed(f"{token_in(inbox, server)}\n"))
        assert await post.reader(case) == "officer@example.org"


async def test_what_was_signed_later_than_it_is_here_is_kept_until_the_clock_is_right(
    stage: Stage, gpg: Gpg, inbox: GpgInbox, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(stage, gpg, caplog) as post:
        case = await cries(post.life)
        stage.clock.move(hours=-3)
        raw = post.signed(f"{token_in(inbox, server)}\n")
        with pytest.raises(NotNow):
            await post.brings(raw)
        assert (await post.reader(case), post.useless) == ("", 0)
        stage.clock.move(hours=3)
        assert await post.brings(raw)
        assert await post.reader(case) == "officer@example.org"


@pytest.mark.parametrize("end", ["closed", "erased", "over"])
async def test_a_token_of_a_case_that_is_gone_is_useless(
    stage: Stage, gpg: Gpg, inbox: GpgInbox, server: MailServer, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    async with listening(stage, gpg, caplog) as post:
        life = post.life
        case = await cries(life)
        token = token_in(inbox, server)
        if end == "closed":
            await life.writes(SECOND, f"cerrar {case}")
        if end == "erased":
            await life.writes("ana", "erase")
        if end == "over":
            life.clock.move(days=14, minutes=2)
        told = life.town.told("ana")
        assert not await post.brings(post.signed(f"{token}\n"))
        assert life.town.told("ana") == told
        await life.bot.upkeep.round()
        assert "mark" not in await kept(life)


async def test_who_is_no_longer_on_the_roster_acknowledges_nothing(
    stage: Stage, gpg: Gpg, inbox: GpgInbox, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(stage, gpg, caplog) as post:
        case = await cries(post.life)
        token, officers, now = token_in(inbox, server), post.life.bot.desk.officers, post.life.clock.now()
        done = await post.life.reads(lambda conn: officers.acknowledged_by_mail(conn, "0" * 40, token, now, now))
        assert not done
        assert await post.reader(case) == ""


async def test_without_a_mailbox_no_mail_holds_a_token(stage: Stage, inbox: GpgInbox, server: MailServer) -> None:
    stage.mailbox = None
    async with stage.open() as life:
        await cries(life)
        assert life.bot.beside == []
    assert "ACK-" not in inbox.opened(server.accepted[0].mail)[1]


async def test_an_officer_with_smime_acknowledges_by_openssl(
    stage: Stage, gpg: Gpg, server: MailServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    openssl = Openssl(tmp_path)
    person = openssl.person()
    inbox = SmimeInbox(person, signal=FIRST)
    stage.contacts = (inbox.contact,)
    async with listening(stage, gpg, caplog) as post:
        case = await cries(post.life)
        entity = part(f"{token_in(inbox, server)}\n")
        made = base64.encodebytes(openssl.sign(entity, person)).replace(b"\n", b"\r\n")
        head = b"Content-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        kind = 'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256'
        assert await post.brings(mail(multipart(kind, entity, head + made)))
        assert await post.reader(case) == "officer@example.org"


# ── what came back ───────────────────────────────────────────────────────────────────────────────────────


def report(message_id: str, action: str, status: str) -> bytes:
    """RFC 3464."""
    return (
        "From: MAILER-DAEMON@mx.example\r\nTo: postigo@example.org\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="r"\r\n\r\n'
        "--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; officer@example.org\r\nAction: {action}\r\nStatus: {status}\r\n\r\n"
        f"--r\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\n\r\n--r--\r\n"
    ).encode()


async def test_a_report_that_a_mail_failed_is_noted_and_one_that_it_is_late_is_not(
    stage: Stage, gpg: Gpg, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(stage, gpg, caplog) as post:
        case = await cries(post.life)
        (named, *_) = [one.message_id for one in (await docket_of(post.life, case)).told]
        assert not await post.brings(report(named, "delayed", "4.4.1"))
        assert not await post.brings(report("<other@example.org>", "failed", "5.1.1"))
        assert post.life.times_told("ana", "NOT sent: it came back") == 0
        assert await post.brings(report(named, "failed", "5.1.1"))
        assert (await docket_of(post.life, case)).told[0].state is State.BOUNCED
        assert post.life.times_told("ana", "NOT sent: it came back to us.") == 1


# ── a real mailbox ───────────────────────────────────────────────────────────────────────────────────────


async def test_an_answer_in_a_real_mailbox_is_taken_and_deleted(
    stage: Stage, gpg: Gpg, inbox: GpgInbox, server: MailServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority, file = trustme.CA(), tmp_path / "imap.pem"
    authority.cert_pem.write_to_path(str(file))
    with dovecot(authority) as imap:
        stage.mailbox = Mailbox(imap.host, imap.port, "implicit", USER, PASSWORD, file)
        async with listening(stage, gpg, caplog) as post:
            await cries(post.life)
            useless, good = mail(part("Hello?\n")), post.signed(f"{token_in(inbox, server)}\n")
            imap.deliver(useless, good)
            assert "An officer has read it" in await post.life.hears("ana", "An officer has read it")
            async with asyncio.timeout(DEADLINE):
                while imap.left():
                    await asyncio.to_thread(lambda: None)
            assert post.useless == 1
