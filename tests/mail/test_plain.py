"""A mail to an officer without a key: what it shows, and that no case stands in it."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Undeliverable
from bot.handoff.alert import AlertParts
from bot.mail.envelope import Envelope
from bot.mail.plain import plain_mail

AT = datetime(2026, 11, 21, 14, 37, 5, tzinfo=UTC)
ENVELOPE = Envelope("postigo@example.org", "officer@mission.example", "<1@example.org>", AT)


def read(subject: str, text: str, envelope: Envelope = ENVELOPE) -> EmailMessage:
    raw = plain_mail(AlertParts(subject, text, '{"canary": 1}'), envelope)
    assert b"canary" not in raw
    return message_from_bytes(raw, policy=policy.default)


def test_it_has_subject_text_and_addresses_and_only_the_hour() -> None:
    mail = read("A case waits: 7K3QM4", "Level 1.\nWrite on Signal.\n")
    assert dict(mail.items()) == {
        "From": "postigo@example.org",
        "To": "officer@mission.example",
        "Message-ID": "<1@example.org>",
        "Date": "Sat, 21 Nov 2026 14:00:00 +0000",
        "Subject": "A case waits: 7K3QM4",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "quoted-printable",
    }
    assert mail.get_content().splitlines() == ["Level 1.", "Write on Signal."]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=300))
def test_words_of_any_script_come_back_in_lines_that_every_server_takes(words: str) -> None:
    raw = plain_mail(AlertParts("قضية تنتظر 7K3QM4", f"{words}\n", "{}"), ENVELOPE)
    mail = message_from_bytes(raw, policy=policy.default)
    assert mail["Subject"] == "قضية تنتظر 7K3QM4"
    assert mail.get_content() == f"{words}\r\n"
    assert raw.isascii() and max(map(len, raw.split(b"\r\n"))) <= 998
    assert not re.search(rb"(?<!\r)\n", raw)


def test_a_subject_of_several_lines_is_one_and_adds_no_header() -> None:
    mail = read("A case\r\nBcc: other@example.org\nwaits", "Text\n")
    assert mail["Subject"] == "A case Bcc: other@example.org waits"
    assert mail["Bcc"] is None


@pytest.mark.parametrize("address", ["a@example.org\nBcc: other@example.org", "a@example.org\r\n\r\nWords"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    for sender, recipient in ((address, "a@example.org"), ("a@example.org", address)):
        with pytest.raises(Undeliverable):
            plain_mail(AlertParts("Subject", "Text\n", "{}"), Envelope(sender, recipient, "<1@x>", AT))
