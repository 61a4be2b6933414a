"""Officers' answers by mail, over a real dovecot: a signed one acknowledges, once; every other one changes nothing."""

import base64
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes_dovecot import Dovecot, dovecot
from fakes_gpg import Gpg
from fakes_openssl import Openssl
from fakes_replies import HEAD, clearsigned, mail, multipart, part, signed
from fakes_signal_bot import events
from fakes_signal_people import Person
from fakes_smtp import Authority, MailServer
from stories.officers_town import (
    OfficersTown,
    gpg_time,
    officers_town,
    on_duty,
    real_time,
    reference_in,
    roster,
    token_in,
    uncovered,
    waiting,
    with_certificate,
)
from stories.program import read
from stories.signal_town import SOS, Talks
from stories.stage import SENDER

from bot.signing import smime_signer_in

STRANGER = "stranger"
READ = "An officer has read it, at "
NOT_SENT = "NOT sent: it came back to us."


@pytest.fixture
def box(authority: Authority) -> Iterator[Dovecot]:
    with dovecot(authority._ca) as running:
        yield running


@pytest.fixture
async def town(
    tmp_path: Path, gpg: Gpg, server: MailServer, authority: Authority, box: Dovecot
) -> AsyncIterator[OfficersTown]:
    async with officers_town(tmp_path, gpg, server, authority, real_time()) as made:
        made.box = box
        yield made


@dataclass(frozen=True)
class Cried:
    """An alert of Ana's, its number, and what acknowledges it by mail from the first officer."""

    ana: Person
    reference: str
    token: str

    @property
    def read(self) -> int:
        return sum(uncovered(said.text).startswith(READ) for said in self.ana.heard)


async def cried(town: OfficersTown, bot: Talks) -> Cried:
    ana = town.signal.person()
    reference = reference_in(await bot.says(ana, *SOS))
    await town.mails.arrived(1)
    await bot.settled()
    return Cried(ana, reference, town.token_of(town.first))


def useless(caplog: pytest.LogCaptureFixture) -> int:
    """How many mails were counted that meant nothing."""
    return events(caplog).count("mail_useless")


# ── what acknowledges ────────────────────────────────────────────────────────────────────────────────────


def as_mime(gpg: Gpg, token: str) -> bytes:
    return mail(signed(gpg, "first", part(f"I have it.\n\n{token}\n\n> Case: …\n")))


def in_the_text(gpg: Gpg, token: str) -> bytes:
    return mail(part(clearsigned(gpg, "first", f"{token}\nRosa\n").decode()))


def in_lower_case_in_base64(gpg: Gpg, token: str) -> bytes:
    return mail(signed(gpg, "first", part(f"  {token.lower()}.\n", encoding="base64")))


@pytest.mark.parametrize("written", [as_mime, in_the_text, in_lower_case_in_base64])
async def test_a_signed_mail_with_the_token_acknowledges_once_and_is_gone(
    town: OfficersTown, written: Callable[[Gpg, str], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "postigo")
    second = town.second
    async with on_duty(town) as bot:
        case = await cried(town, bot)
        raw = written(town.gpg, case.token)
        await town.receives(bot, raw)
        assert case.read == 1 and await waiting(bot) == 0
        assert f"{case.reference}, level 1, read by {town.first.address}" in await town.orders(bot, second, "cases")
        await town.receives(bot, raw)  # the same bytes again
        assert (case.read, useless(caplog), events(caplog).count("case_acknowledged")) == (1, 1, 1)
        await bot.later(hours=3)
        assert town.told == ["first"]


async def test_each_officers_token_is_good_for_whoever_is_pinned_and_it_is_the_signer_who_has_read_it(
    town: OfficersTown,
) -> None:
    async with on_duty(town) as bot:
        case = await cried(town, bot)
        await town.receives(bot, mail(signed(town.gpg, "second", part(f"{case.token}\n"))))
        assert f"read by {town.second.address}" in await town.orders(bot, town.first, "cases")
        assert case.read == 1


async def test_a_mail_signed_with_an_x509_certificate_acknowledges(
    town: OfficersTown, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    openssl = Openssl(tmp_path)
    person, other = openssl.person(), openssl.person(name="other")
    roster(town, with_certificate(town.first.contact, person), town.second.contact)
    async with on_duty(town) as bot:
        ana = town.signal.person()
        reference = reference_in(await bot.says(ana, *SOS))
        await town.mails.arrived(1)
        await bot.settled()
        token = token_in(opened_with_openssl(town, openssl, person.certificate.path, person.key_file))
        entity = part(f"{token}\n")
        for signer, count in ((other, 1), (person, 1)):
            own = ("-signer", signer.certificate.path, "-inkey", signer.key_file)
            made = openssl.must("cms", "-sign", "-md", "sha256", *own, given=entity)
            await town.receives(bot, HEAD.replace("MIME-Version: 1.0\r\n", "").encode() + made)
            assert useless(caplog) == count
        assert f"read by {town.first.address}" in await town.orders(bot, town.second, f"case {reference}")
        assert any(uncovered(said.text).startswith(READ) for said in ana.heard)


# ── what changes nothing ─────────────────────────────────────────────────────────────────────────────────


def unsigned(town: OfficersTown, token: str) -> bytes:
    return mail(part(f"{token}\n"))


def by_another(town: OfficersTown, token: str) -> bytes:
    return mail(signed(town.gpg, STRANGER, part(f"{token}\n")))


def by_another_in_an_officers_name(town: OfficersTown, token: str) -> bytes:
    head = HEAD.replace("Somebody <somebody@elsewhere.example>", f"<{town.first.address}>")
    return mail(signed(town.gpg, STRANGER, part(f"{token}\n")), head)


def quoted(town: OfficersTown, token: str) -> bytes:
    return mail(signed(town.gpg, "first", part(f"I am on leave.\n\n> {token}\n")))


def within_a_sentence(town: OfficersTown, token: str) -> bytes:
    return mail(signed(town.gpg, "first", part(f"Was it {token}?\n")))


def beside_what_is_signed(town: OfficersTown, token: str) -> bytes:
    inner = signed(town.gpg, "first", part("I am on leave.\n"))
    return mail(multipart("multipart/mixed", inner, part(f"{token}\n"), boundary="outer"))


def older_than_the_case(town: OfficersTown, token: str) -> bytes:
    return mail(signed(town.gpg, "first", part(f"{token}\n"), at=gpg_time(town.stage.clock, minutes=5)))


def changed_on_the_way(town: OfficersTown, token: str) -> bytes:
    return mail(signed(town.gpg, "first", part(f"No: {token}\n"))).replace(b"No: ", b"")


def a_vacation_notice(town: OfficersTown, token: str) -> bytes:
    head = HEAD + f"Auto-Submitted: auto-replied\r\nFrom: <{town.first.address}>\r\n"
    return mail(part(f"I am away.\n{token}\n"), head)


USELESS = [
    *(unsigned, by_another, by_another_in_an_officers_name, quoted, within_a_sentence, beside_what_is_signed),
    *(older_than_the_case, changed_on_the_way, a_vacation_notice),
]


@pytest.mark.parametrize("written", USELESS)
async def test_what_is_not_an_officers_signed_word_changes_nothing_and_is_counted(
    town: OfficersTown, written: Callable[[OfficersTown, str], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    town.gpg.new_key(STRANGER, at=gpg_time(town.stage.clock, days=2))
    async with on_duty(town) as bot:
        case = await cried(town, bot)
        waits = await waiting(bot)
        await town.receives(bot, written(town, case.token))
        assert (case.read, useless(caplog), await waiting(bot)) == (0, 1, waits)
        assert "nobody has read it yet" in await town.orders(bot, town.second, f"case {case.reference}")
        await bot.later(minutes=61)
        assert town.told == ["first", "second"]
        await town.receives(bot, as_mime(town.gpg, case.token))  # and the token is still good
        assert case.read == 1


async def test_a_token_of_a_case_whose_time_is_over_changes_nothing(
    town: OfficersTown, caplog: pytest.LogCaptureFixture
) -> None:
    async with on_duty(town) as bot:
        case = await cried(town, bot)
        await bot.later(days=15)
        again = await cried_again(town, bot)
        heard = len(again.heard)
        await town.receives(bot, as_mime(town.gpg, case.token))
        assert useless(caplog) == 1
        assert (case.read, len(again.heard)) == (0, heard)
        told = await town.orders(bot, town.first, "cases")
        assert told.count("nobody has read it yet") == 1 and case.reference not in told


async def cried_again(town: OfficersTown, bot: Talks) -> Person:
    eve, count = town.signal.person(), len(town.mails.accepted)
    await bot.says(eve, *SOS)
    await town.mails.arrived(count + 1)
    await bot.settled()
    return eve


async def test_a_token_of_another_case_acknowledges_that_one_alone(town: OfficersTown) -> None:
    async with on_duty(town) as bot:
        case = await cried(town, bot)
        eve = await cried_again(town, bot)
        await town.receives(bot, as_mime(town.gpg, case.token))
        assert case.read == 1
        assert not any(READ in said.text for said in eve.heard)


async def test_a_spent_token_under_a_new_signature_changes_nothing(
    town: OfficersTown, caplog: pytest.LogCaptureFixture
) -> None:
    async with on_duty(town) as bot:
        case = await cried(town, bot)
        await town.receives(bot, as_mime(town.gpg, case.token))
        assert useless(caplog) == 0
        await town.receives(bot, in_the_text(town.gpg, case.token))
        assert (case.read, useless(caplog)) == (1, 1)


# ── mails that come back ─────────────────────────────────────────────────────────────────────────────────


def returned(sent: bytes, action: str = "failed") -> bytes:
    """What a server says of a mail that it could not deliver (RFC 3464)."""
    report = f"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; x@mission.example\r\nAction: {action}\r\n"
    headers = sent.split(b"\r\n\r\n")[0] + b"\r\n"
    body = multipart(
        "multipart/report; report-type=delivery-status",
        part("I'm sorry to have to inform you.\n"),
        b"Content-Type: message/delivery-status\r\n\r\n" + report.encode(),
        b"Content-Type: text/rfc822-headers\r\n\r\n" + headers,
        boundary="report",
    )
    head = f"From: Mail Delivery System <MAILER-DAEMON@mx.example>\r\nTo: {SENDER}\r\nMIME-Version: 1.0\r\n"
    return mail(body, head)


async def test_a_mail_that_comes_back_is_told_as_not_sent_and_the_next_leaves_now(
    town: OfficersTown, caplog: pytest.LogCaptureFixture
) -> None:
    async with on_duty(town) as bot:
        case = await cried(town, bot)
        await bot.later(minutes=10)
        await town.receives(bot, returned(town.mail_to(town.first)))
        assert town.told == ["first", "second"]
        assert town.second.pings == [f"A new case waits: {case.reference}, level 1"]
        heard = [uncovered(said.text) for said in case.ana.heard]
        (at,) = (number for number, text in enumerate(heard) if text.startswith(NOT_SENT))
        assert "Shelter" in heard[at]
        assert heard[at + 1].startswith("It has left us after all, at ")
        assert events(caplog).count("mail_bounced") == 1 and useless(caplog) == 0
        await town.receives(bot, returned(town.mail_to(town.first)))  # told twice by its server
        assert events(caplog).count("mail_bounced") == 1
        await bot.later(minutes=29)
        assert town.told == ["first", "second"]
        await bot.later(minutes=1)
        assert town.told == ["first", "second", "third"]
        assert sum(uncovered(said.text).startswith(NOT_SENT) for said in case.ana.heard) == 1


@pytest.mark.parametrize("action", ["delayed", "delivered"])
async def test_a_server_that_still_tries_changes_nothing(
    town: OfficersTown, action: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with on_duty(town) as bot:
        case = await cried(town, bot)
        heard = len(case.ana.heard)
        await town.receives(bot, returned(town.mail_to(town.first), action))
        assert (town.told, len(case.ana.heard), useless(caplog)) == (["first"], heard, 1)


async def test_a_report_about_a_mail_that_is_not_ours_changes_nothing(
    town: OfficersTown, caplog: pytest.LogCaptureFixture
) -> None:
    async with on_duty(town) as bot:
        case = await cried(town, bot)
        heard = len(case.ana.heard)
        await town.receives(bot, returned(b"Message-ID: <somebody@elsewhere.example>\r\n\r\n"))
        assert (town.told, len(case.ana.heard), useless(caplog)) == (["first"], heard, 1)


# ── what is in the mail ──────────────────────────────────────────────────────────────────────────────────


def opened_with_openssl(town: OfficersTown, openssl: Openssl, certificate: Path, key: Path) -> str:
    """The text of the first officer's mail, as openssl opens it, once it has found the bot's signature good."""
    within = openssl.must("cms", "-decrypt", "-recip", certificate, "-inkey", key, given=town.mail_to(town.first))
    signer = smime_signer_in(town.stage.keys, SENDER, town.stage.clock.now())
    return read(openssl.verify(within, signer.certificate))[0]


def shown_to_type(text: str, reference: str) -> bool:
    """Whether each thing to type stands there, exactly, on a line of its own but for what it does."""
    lines = [line.strip() for line in text.splitlines()]
    return (
        f"ack {reference} : I have read it" in lines
        and "On Signal, from your own account, write to postigo.42:" in lines
        and f"reply {reference} and your words: to the writer, through the bot" in lines
        and any(line.endswith(f"without a > before it: {token_in(text)}") for line in lines)
    )


async def test_gpg_opens_the_alert_and_what_stands_there_to_type_works(town: OfficersTown) -> None:
    async with on_duty(town) as bot:
        case = await cried(town, bot)
        text = town.text_to(town.first)
        assert shown_to_type(text, case.reference)
        assert (await town.orders(bot, town.first, f"ack {case.reference}")).startswith("Noted: you have read")


async def test_openssl_opens_the_alert_and_finds_the_same_there(town: OfficersTown, tmp_path: Path) -> None:
    openssl = Openssl(tmp_path)
    person = openssl.person()
    roster(town, with_certificate(town.first.contact, person))
    async with on_duty(town) as bot:
        reference = reference_in(await bot.says(town.signal.person(), *SOS))
        await town.mails.arrived(1)
        await bot.settled()
        outside = town.mail_to(town.first)
        assert shown_to_type(opened_with_openssl(town, openssl, person.certificate.path, person.key_file), reference)
    assert reference.encode() not in outside and base64.b64encode(b"LEVEL")[:5] not in outside


async def test_each_officer_has_a_token_of_their_own(town: OfficersTown) -> None:
    async with on_duty(town) as bot:
        case = await cried(town, bot)
        await bot.later(minutes=61)
        assert town.token_of(town.second) != case.token


async def test_without_a_mailbox_no_token_is_given(town: OfficersTown) -> None:
    town.box = None
    async with on_duty(town) as bot:
        await bot.says(town.signal.person(), *SOS)
        await town.mails.arrived(1)
        text = town.text_to(town.first)
        assert "ACK-" not in text and "On Signal, from your own account" in text
