"""From a case to sealed mails: who gets one, where to, when it leaves, and what may not be used."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path

import pytest
from fakes import reader
from fakes_openssl import MISSING, Openssl
from stories.stage import Inbox, SmimeInbox

from bot import clock
from bot.alerting import Alerting, Officer
from bot.conversation.model import Answer, Consent, ConsentKind, HandOff, Line
from bot.errors import SealingError, Undeliverable
from bot.handoff.duty import chain
from bot.handoff.mission import MissionProfile
from bot.handoff.roster import Contact, Mode
from bot.mail import smime
from bot.mail.openpgp import Signer, new_signing_key, read_certificate
from bot.storage.letters import Mail, Note, Ping

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
    profile = mission(*officers)
    signer = Signer.open(new_signing_key("Postigo"))
    return Alerting(officers, signer, "postigo@example.org", key, partial(chain, profile), bot="postigo.42")


def mission(*officers: Officer) -> MissionProfile:
    contacts = tuple(officer.contact for officer in officers)
    return MissionProfile("test", {"en": "x"}, ("MX",), ("en",), "UTC", {"mex": "México"}, contacts=contacts)


def mails(letters: Sequence[Mail | Ping]) -> list[Mail]:
    return [one for one in letters if isinstance(one, Mail)]


def as_officer(inbox: Inbox, language: str = "en", **changes: object) -> Officer:
    contact = replace(inbox.contact, language=language, **changes)  # type: ignore[arg-type]  # named by its fields
    return Officer(contact, read_certificate(Path(contact.openpgp or "")), reader(language))


def test_each_officer_gets_a_mail_of_their_own_in_their_language(officers: list[Inbox]) -> None:
    first, second = mails(alerting(as_officer(officers[0]), as_officer(officers[1], "es")).seal(TOLD, NOW))
    assert officers[0].opened(first.body)[1].startswith("LEVEL 1")
    assert officers[1].opened(second.body)[1].startswith("NIVEL 1")
    assert (first.recipient, second.recipient) == ("first@example.org", "second@example.org")
    assert first.message_id != second.message_id


def test_a_mail_leaves_with_the_case_and_after_the_minutes_of_its_officer(officers: list[Inbox]) -> None:
    later = NOW + timedelta(minutes=40)
    told = alerting(as_officer(officers[0]), as_officer(officers[1], after=30))
    assert [(mail.place, mail.not_before) for mail in mails(told.seal(TOLD, NOW))] == [
        (0, NOW),
        (1, NOW + timedelta(minutes=30)),
    ]
    waiting = replace(TOLD, level=3, not_before=later)
    assert [mail.not_before for mail in mails(told.seal(waiting, NOW))] == [later]


def test_all_who_are_told_at_once_have_the_first_place(officers: list[Inbox]) -> None:
    told = alerting(as_officer(officers[0], after=0), as_officer(officers[1], after=0))
    assert [mail.place for mail in mails(told.seal(TOLD, NOW))] == [0, 0]


@pytest.mark.parametrize(
    ("level", "recipient"), [(1, "wake@example.org"), (2, "wake@example.org"), (3, "first@example.org")]
)
def test_only_an_urgent_case_goes_to_the_urgent_address(officers: list[Inbox], level: int, recipient: str) -> None:
    sealing = alerting(as_officer(officers[0], urgent_address="wake@example.org"))
    (mail,) = mails(sealing.seal(replace(TOLD, level=level), NOW))
    assert mail.recipient == recipient


def test_sealed_again_it_has_the_same_message_id_and_another_addition_another_one(officers: list[Inbox]) -> None:
    sealing = alerting(as_officer(officers[0]))
    (first,), (again,) = (mails(sealing.seal(TOLD, at)) for at in (NOW, NOW + timedelta(hours=1)))
    (added,) = mails(sealing.seal(replace(TOLD, number=1), NOW))
    assert first.message_id == again.message_id
    assert added.message_id != first.message_id
    (other,) = mails(alerting(as_officer(officers[0]), key=b"o" * 32).seal(TOLD, NOW))
    assert other.message_id != first.message_id


def test_a_certificate_that_may_not_be_used_costs_its_owner_alone_the_mail(
    officers: list[Inbox], caplog: pytest.LogCaptureFixture
) -> None:
    sealing = alerting(as_officer(officers[0], fingerprint="0" * 40), as_officer(officers[1]))
    assert [mail.recipient for mail in mails(sealing.seal(TOLD, NOW))] == ["second@example.org"]
    (shown,) = (record.msg.shown for record in caplog.records if hasattr(record.msg, "shown"))
    assert (shown["event"], shown["contact"]) == ("certificate_refused", 1)


def test_where_nobody_can_be_sealed_to_there_is_no_mail(officers: list[Inbox]) -> None:
    assert alerting(as_officer(officers[0], fingerprint="0" * 40)).seal(TOLD, NOW) == []


def test_a_test_looks_outside_like_any_other_mail(officers: list[Inbox]) -> None:
    sealing = alerting(as_officer(officers[0]))
    (test,), (alert,) = sealing.seal_test(NOW), mails(sealing.seal(TOLD, NOW))
    assert outside(test.body) == outside(alert.body)
    assert officers[0].opened(test.body)[0] == "Test: no case"


def outside(mail: bytes) -> list[bytes]:
    lines = mail.split(b"\r\n\r\n")[0].split(b"\r\n")
    return [line for line in lines if not line.startswith((b"Message-ID:", b" boundary"))]


def test_a_test_to_a_bad_certificate_is_refused(officers: list[Inbox]) -> None:
    with pytest.raises(Undeliverable):
        alerting(as_officer(officers[0], fingerprint="0" * 40)).seal_test(NOW)


def test_a_case_without_a_time_is_sealed_all_the_same(officers: list[Inbox]) -> None:
    (mail,) = mails(alerting(as_officer(officers[0])).seal(replace(TOLD, at=None), NOW))
    assert mail.reference == "ABCDE1"


# ── additions, pings, notices and notes ──────────────────────────────────────────────────────────────────

ACCOUNT = "01234567-89ab-cdef-0123-456789abcdef"
ADDED = replace(TOLD, number=1)
FIRST, SECOND, LAST = (f"{name}@example.org" for name in ("first", "second", "last"))
CHECK, CASE_WORDS = "1234", "Yes, I am in danger"


def keyless(address: str, **changes: object) -> Officer:
    contact = replace(Contact(address, mode=Mode.NOTICE, signal=ACCOUNT), **changes)  # type: ignore[arg-type]  # by name
    return Officer(contact, None, reader(contact.language))


def three() -> Alerting:
    return alerting(*(keyless(address, signal="") for address in (FIRST, SECOND, LAST)))


@pytest.mark.parametrize(
    ("told", "holder", "recipients"),
    [
        (TOLD, "", [FIRST, SECOND, LAST]),
        (ADDED, "", [FIRST, SECOND, LAST]),
        (ADDED, SECOND, [SECOND]),
        (ADDED, "gone@example.org", [FIRST, SECOND, LAST]),
        (replace(ADDED, raised_from=2), SECOND, [SECOND, FIRST, LAST]),
        (replace(ADDED, raised_from=2), "", [FIRST, SECOND, LAST]),
        (replace(ADDED, level=3), LAST, [LAST]),
    ],
)
def test_who_has_read_a_case_gets_what_is_added_first_and_alone_if_it_is_no_graver(
    told: HandOff, holder: str, recipients: list[str]
) -> None:
    sealed = mails(three().seal(told, NOW, holder))
    assert [mail.officer for mail in sealed] == recipients
    assert (sealed[0].place, sealed[0].not_before) == (0, NOW)


def test_beside_each_mail_a_word_goes_to_whoever_wants_it_on_signal_at_the_same_hour() -> None:
    told = alerting(keyless(FIRST, language="es"), keyless(SECOND, signal="", after=10), keyless(LAST, ping=False))
    letters = told.seal(TOLD, NOW)
    line = Line("duty.ping", (("reference", "ABCDE1"), ("level", "1")))
    assert [one for one in letters if isinstance(one, Ping)] == [Ping(ACCOUNT, "es", line, True, 0, NOW)]
    (added, *_) = (one for one in told.seal(replace(ADDED, level=3), NOW) if isinstance(one, Ping))
    assert (added.line.name, added.urgent) == ("duty.ping_added", False)


def test_a_ping_waits_with_the_mail_of_its_officer() -> None:
    letters = alerting(keyless(FIRST, signal=""), keyless(SECOND, after=10)).seal(TOLD, NOW)
    (ping,) = (one for one in letters if isinstance(one, Ping))
    assert (ping.place, ping.not_before) == (1, NOW + timedelta(minutes=10))


def test_a_notice_names_the_case_its_level_and_language_and_holds_nothing_of_it() -> None:
    (mail,) = mails(alerting(keyless(FIRST)).seal(TOLD, NOW))
    shown = message_from_bytes(mail.body, policy=policy.default)
    text = shown.get_content()
    assert shown["Subject"] == "A case waits: ABCDE1"
    assert "level 1" in text and "English" in text and "to postigo.42: case ABCDE1" in text
    assert CHECK not in text and CASE_WORDS not in text
    assert mail.token == b""


@pytest.mark.parametrize("language", ["", "tzh"])
def test_a_notice_says_where_the_language_is_not_known(language: str) -> None:
    (mail,) = mails(alerting(keyless(FIRST)).seal(replace(TOLD, language=language), NOW))
    assert (language or "not known yet") in message_from_bytes(mail.body, policy=policy.default).get_content()


def test_an_alert_tells_how_to_answer_by_signal_and_by_mail_and_each_mail_has_its_own_token(
    officers: list[Inbox],
) -> None:
    drawn: list[str] = []

    def token(reference: str) -> tuple[str, bytes]:
        drawn.append(f"ACK-{reference}-{len(drawn)}")
        return drawn[-1], drawn[-1].encode()

    told = replace(alerting(as_officer(officers[0], signal=ACCOUNT), as_officer(officers[1])), token=token)
    first, second = mails(told.seal(TOLD, NOW))
    with_account, without = officers[0].opened(first.body)[1], officers[1].opened(second.body)[1]
    assert "write to postigo.42:\n  ack ABCDE1 : I have read it\n  reply ABCDE1 and your words" in with_account
    assert "postigo.42" not in without
    assert (first.token, second.token) == (b"ACK-ABCDE1-0", b"ACK-ABCDE1-1")
    assert drawn[0] in with_account and drawn[1] in without


def test_where_nothing_is_read_an_alert_tells_no_way_to_answer(officers: list[Inbox]) -> None:
    (mail,) = mails(alerting(as_officer(officers[0])).seal(TOLD, NOW))
    assert "TO ANSWER" not in officers[0].opened(mail.body)[1]


NOTE = Note(
    FIRST,
    "duty.note_read now",
    Line("duty.subject_note", (("reference", "ABCDE1"),)),
    (Line("duty.note_read", (("reference", "ABCDE1"), ("level", "1"), ("officer", SECOND))),),
)


def test_a_note_is_sealed_in_the_language_of_its_officer(officers: list[Inbox]) -> None:
    told = alerting(as_officer(officers[0]))
    mail, again = told.seal_note(NOTE, NOW), told.seal_note(NOTE, NOW)
    assert mail is not None and again is not None
    assert officers[0].opened(mail.body)[:2] == ("Case ABCDE1", f"{SECOND} has read case ABCDE1, level 1.\n")
    assert mail.message_id == again.message_id
    assert (told.seal(TOLD, NOW)[0].message_id != mail.message_id) and mail.recipient == FIRST  # type: ignore[union-attr]


def test_a_note_to_an_officer_without_a_key_goes_unsealed_and_to_nobody_it_is_none(
    officers: list[Inbox], caplog: pytest.LogCaptureFixture
) -> None:
    mail = alerting(keyless(FIRST)).seal_note(NOTE, NOW)
    assert mail is not None and b"has read case ABCDE1" in mail.body
    assert alerting(keyless(SECOND)).seal_note(NOTE, NOW) is None
    assert caplog.records == []
    assert alerting(as_officer(officers[0], fingerprint="0" * 40)).seal_note(NOTE, NOW) is None
    assert len(caplog.records) == 1


def test_a_note_of_every_size_is_outside_like_any_other_mail(officers: list[Inbox]) -> None:
    told = alerting(as_officer(officers[0]))
    mail, (alert,) = told.seal_note(NOTE, NOW), mails(told.seal(TOLD, NOW))
    assert mail is not None
    assert outside(mail.body) == outside(alert.body)


@pytest.mark.skipif(not shutil.which("openssl"), reason=MISSING)
def test_a_chain_of_both_kinds_is_sealed_to_each_in_its_own(officers: list[Inbox], tmp_path: Path) -> None:
    person = Openssl(tmp_path).person()
    inbox = SmimeInbox(person, "third")
    third = Officer(inbox.contact, smime.read_certificate(Path(inbox.contact.smime or "")), reader("es"))
    own = smime.Signer.open(smime.new_signing_key("Postigo", "postigo@example.org", NOW))
    told = replace(alerting(as_officer(officers[0]), third), smime_signer=own)
    first, second = mails(told.seal(TOLD, NOW))
    assert officers[0].opened(first.body)[1].startswith("LEVEL 1")
    assert inbox.opened(second.body)[1].startswith("NIVEL 1")
    assert told.wrong(third, NOW) == []
    assert (told.days_left(third, NOW) or 0) > 30
    with pytest.raises(SealingError):
        replace(told, smime_signer=None).seal(TOLD, NOW)


def test_a_test_goes_to_whoever_has_a_certificate_and_what_is_wrong_with_one_is_told(officers: list[Inbox]) -> None:
    good, bad = as_officer(officers[0]), as_officer(officers[1], fingerprint="0" * 40)
    told = alerting(good, keyless(LAST))
    assert [mail.recipient for mail in told.seal_test(NOW)] == [FIRST]
    assert (told.wrong(good, NOW), told.wrong(keyless(LAST), NOW)) == ([], [])
    assert len(told.wrong(bad, NOW)) == 1
    assert (told.days_left(keyless(LAST), NOW), told.days_left(good, NOW)) == (None, None)
