"""From a case to sealed mails: who gets one, where to, when it leaves, and what may not be used."""

from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from fakes import reader
from stories.stage import Inbox

from bot import clock
from bot.alerting import Alerting, Officer
from bot.conversation.model import Answer, Consent, ConsentKind, HandOff
from bot.errors import Undeliverable
from bot.mail.openpgp import Signer, new_signing_key, read_certificate

NOW = clock.now(UTC) + timedelta(days=1)  # every key made here is of age by then
TOLD = HandOff(
    "ABCDE1",
    0,
    1,
    None,
    ("sos_me",),
    "1234",
    "en",
    "terminal",
    (Answer("sos", ("me",)), Answer("act", ("act",))),
    (Consent(ConsentKind.SEND, "me", "v", NOW), Consent(ConsentKind.ACT, "act", "v", NOW)),
    NOW,
)


@pytest.fixture
def officers(tmp_path: Path) -> list[Inbox]:
    return [Inbox(tmp_path, "first"), Inbox(tmp_path, "second")]


def alerting(*officers: Officer, key: bytes = b"k" * 32) -> Alerting:
    return Alerting(officers, Signer.open(new_signing_key("Postigo")), "postigo@example.org", key)


def as_officer(inbox: Inbox, language: str = "en", **changes: object) -> Officer:
    contact = replace(inbox.contact, language=language, **changes)  # type: ignore[arg-type]  # named by its fields
    return Officer(contact, read_certificate(Path(contact.openpgp or "")), reader(language))


def test_each_officer_gets_a_mail_of_their_own_in_their_language(officers: list[Inbox]) -> None:
    first, second = alerting(as_officer(officers[0]), as_officer(officers[1], "es")).seal(TOLD, NOW)
    assert officers[0].opened(first.body)[1].startswith("LEVEL 1")
    assert officers[1].opened(second.body)[1].startswith("NIVEL 1")
    assert (first.recipient, second.recipient) == ("first@example.org", "second@example.org")
    assert first.message_id != second.message_id


def test_a_mail_leaves_with_the_case_and_after_the_minutes_of_its_officer(officers: list[Inbox]) -> None:
    later = NOW + timedelta(minutes=40)
    chain = alerting(as_officer(officers[0]), as_officer(officers[1], after=30))
    assert [mail.not_before for mail in chain.seal(TOLD, NOW)] == [NOW, NOW + timedelta(minutes=30)]
    waiting = replace(TOLD, level=3, not_before=later)
    assert [mail.not_before for mail in chain.seal(waiting, NOW)] == [later, later + timedelta(minutes=30)]


@pytest.mark.parametrize(
    ("level", "recipient"), [(1, "wake@example.org"), (2, "wake@example.org"), (3, "first@example.org")]
)
def test_only_an_urgent_case_goes_to_the_urgent_address(officers: list[Inbox], level: int, recipient: str) -> None:
    chain = alerting(as_officer(officers[0], urgent_address="wake@example.org"))
    (mail,) = chain.seal(replace(TOLD, level=level), NOW)
    assert mail.recipient == recipient


def test_sealed_again_it_has_the_same_message_id_and_another_addition_another_one(officers: list[Inbox]) -> None:
    chain = alerting(as_officer(officers[0]))
    (first,), (again,) = chain.seal(TOLD, NOW), chain.seal(TOLD, NOW + timedelta(hours=1))
    (added,) = chain.seal(replace(TOLD, number=1), NOW)
    assert first.message_id == again.message_id
    assert added.message_id != first.message_id
    (other,) = alerting(as_officer(officers[0]), key=b"o" * 32).seal(TOLD, NOW)
    assert other.message_id != first.message_id


def test_a_certificate_that_may_not_be_used_costs_its_owner_alone_the_mail(
    officers: list[Inbox], caplog: pytest.LogCaptureFixture
) -> None:
    chain = alerting(as_officer(officers[0], fingerprint="0" * 40), as_officer(officers[1]))
    assert [mail.recipient for mail in chain.seal(TOLD, NOW)] == ["second@example.org"]
    (shown,) = (record.msg.shown for record in caplog.records if hasattr(record.msg, "shown"))
    assert (shown["event"], shown["contact"]) == ("certificate_refused", 1)


def test_where_nobody_can_be_sealed_to_there_is_no_mail(officers: list[Inbox]) -> None:
    assert alerting(as_officer(officers[0], fingerprint="0" * 40)).seal(TOLD, NOW) == []


def test_a_test_looks_outside_like_any_other_mail(officers: list[Inbox]) -> None:
    chain = alerting(as_officer(officers[0]))
    (test,), (alert,) = chain.seal_test(NOW), chain.seal(TOLD, NOW)
    assert outside(test.body) == outside(alert.body)
    assert officers[0].opened(test.body)[0] == "Test: no case"


def outside(mail: bytes) -> list[bytes]:
    lines = mail.split(b"\r\n\r\n")[0].split(b"\r\n")
    return [line for line in lines if not line.startswith((b"Message-ID:", b" boundary"))]


def test_a_test_to_a_bad_certificate_is_refused(officers: list[Inbox]) -> None:
    with pytest.raises(Undeliverable):
        alerting(as_officer(officers[0], fingerprint="0" * 40)).seal_test(NOW)


def test_a_case_without_a_time_is_sealed_all_the_same(officers: list[Inbox]) -> None:
    (mail,) = alerting(as_officer(officers[0])).seal(replace(TOLD, at=None), NOW)
    assert mail.reference == "ABCDE1"
