"""What stands outside a sealed mail, what stands inside, and that its size tells only a class."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from often import tried

from bot.errors import SealingError
from bot.mail.envelope import SMALLEST, Envelope, inner_mail, message_id, outer_mail, read_inner, sealed_part

KEY = b"k" * 32
SEALED = b"-----BEGIN PGP MESSAGE-----\r\n\r\nabc\r\n-----END PGP MESSAGE-----\r\n"


@dataclass(frozen=True, slots=True)
class Written:
    subject: str = "Level 1: K7Q2A"
    text: str = "Level 1, because somebody is held.\n"
    case_json: str = "{}"


def envelope(domain: str = "bot.example", recipient: str = "officer@mission.example") -> Envelope:
    at = datetime(2026, 3, 4, 5, 46, 47, 890, tzinfo=timezone(timedelta(hours=-6)))
    return Envelope(f"intake@{domain}", recipient, message_id(KEY, "K7Q2A", 0, recipient, domain), at)


# ── Message-ID ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_message_id_is_always_the_same_for_the_same_mail() -> None:
    first, second = (message_id(KEY, "K7Q2A", 0, "officer@mission.example", "bot.example") for _ in range(2))
    assert first == second
    assert len(first) == len("<@bot.example>") + 40


@pytest.mark.parametrize(
    "other",
    [
        (b"j" * 32, "K7Q2A", 0, "officer@mission.example"),
        (KEY, "K7Q2B", 0, "officer@mission.example"),
        (KEY, "K7Q2A", 1, "officer@mission.example"),
        (KEY, "K7Q2A", 0, "another@mission.example"),
        (KEY, "K7Q2A0", 0, "fficer@mission.example"),
    ],
)
def test_any_other_mail_has_another_message_id(other: tuple[bytes, str, int, str]) -> None:
    assert message_id(*other, "bot.example") != message_id(KEY, "K7Q2A", 0, "officer@mission.example", "bot.example")


def test_parts_of_a_message_id_do_not_run_into_one_another() -> None:
    assert message_id(KEY, "A1", 11, "x", "b.example") != message_id(KEY, "A", 111, "x", "b.example")


# ── outside ────────────────────────────────────────────────────────────────────────────────────────────


def test_outside_stand_these_headers_and_no_others() -> None:
    mail = message_from_bytes(outer_mail(envelope(), SEALED), policy=policy.SMTP)
    shown = {name: str(value) for name, value in mail.items()}
    assert list(shown) == [
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
    ]  # fmt: skip
    assert shown["Subject"] == "[...]"
    assert shown["Auto-Submitted"] == "auto-generated"


def test_the_date_outside_tells_the_hour_in_utc() -> None:
    mail = message_from_bytes(outer_mail(envelope(), SEALED), policy=policy.SMTP)
    assert mail["Date"] == "Wed, 04 Mar 2026 11:00:00 +0000"


def test_the_date_inside_is_the_real_one() -> None:
    mail = message_from_bytes(inner_mail(Written(), envelope()), policy=policy.SMTP)
    assert mail["Date"] == "Wed, 04 Mar 2026 11:46:47 +0000"


def test_the_parts_are_those_of_rfc_3156() -> None:
    mail = outer_mail(envelope(), SEALED)
    assert sealed_part(mail) == SEALED
    parsed = message_from_bytes(mail, policy=policy.SMTP)
    assert parsed.get_content_type() == "multipart/encrypted"
    assert parsed.get_param("protocol") == "application/pgp-encrypted"
    assert next(parsed.iter_parts()).get_payload() == "Version: 1\r\n"


@pytest.mark.parametrize("mail", [b"", b"Subject: hello\r\n\r\nin clear", inner_mail(Written(), envelope())])
def test_a_mail_that_is_not_sealed_is_refused(mail: bytes) -> None:
    with pytest.raises(SealingError):
        sealed_part(mail)


@pytest.mark.parametrize(
    "changed",
    [
        replace(envelope(), recipient="a@b.example\r\nBcc: c@d.example"),
        replace(envelope(), sender="a@b.example\nX: y"),
        replace(envelope(), recipient="öfficer@mission.example"),
        replace(envelope(), message_id="<a@b>\r\n\r\nbody"),
    ],
)
def test_an_address_cannot_bring_headers_or_letters_of_its_own(changed: Envelope) -> None:
    with pytest.raises(ValueError, match=r"."):
        inner_mail(Written(), changed)


# ── inside ─────────────────────────────────────────────────────────────────────────────────────────────

LONG = "a-rather-long-name-of-an-office.and-one-more@another-long-name.foreign-ministry.of-a-country.example"


@pytest.mark.parametrize("recipient", ["officer@mission.example", LONG])
def test_inside_stands_a_copy_of_what_stands_outside(recipient: str) -> None:
    told = envelope(f"{'long.' * 12}bot.example", recipient)
    outside = message_from_bytes(outer_mail(told, SEALED), policy=policy.SMTP)
    inside = message_from_bytes(inner_mail(Written(), told), policy=policy.SMTP)
    copies = [str(value).partition(": ")[::2] for value in inside.get_all("HP-Outer", [])]
    assert copies == [
        (name, str(value)) for name, value in outside.items() if name not in ("MIME-Version", "Content-Type")
    ]


def test_inside_is_marked_as_rfc_9788_says() -> None:
    inside = message_from_bytes(inner_mail(Written(), envelope()), policy=policy.SMTP)
    body, case = inside.iter_parts()
    assert (inside.get_param("hp"), inside.get_param("protected-headers")) == ("cipher", "v1")
    assert body.get_param("hp-legacy-display") == "1"
    assert body.get_content().startswith("Subject: Level 1: K7Q2A\r\n\r\n")
    assert case.get_filename() == "case.json"


@pytest.mark.parametrize("letter", ["é", "ж", "س", "急", "\u0800"])
def test_no_two_words_of_a_subject_run_together_wherever_its_lines_end(letter: str) -> None:
    for length in (1, 5, 9, 38):
        for first in range(1, 12):
            subject = " ".join([letter * first, *[letter * length] * 8])
            inner = inner_mail(Written(f"K7Q2A {subject}"), envelope())
            assert read_inner(inner)[0] == f"K7Q2A {subject}"
            assert max(map(len, inner.partition(b"\r\n\r\n")[0].splitlines())) <= 78  # RFC 5322, section 2.1.1


@tried(0.4)
@given(subject=st.text(max_size=200), text=st.text(max_size=3000), case=st.text(max_size=3000))
def test_whatever_is_written_is_read_again(subject: str, text: str, case: str) -> None:
    written = Written(f"K7Q2A {subject}", text, case)
    inner = inner_mail(written, envelope())
    read_subject, read_text, read_case = read_inner(inner)
    assert read_subject.split() == written.subject.split()
    assert lines(read_text) == lines(text)
    assert read_case == case


def test_a_broken_letter_does_not_keep_a_mail_from_being_written() -> None:
    written = Written("K7Q2A \ud800", "held \udfff since", '"\ud83d"')
    assert read_inner(inner_mail(written, envelope())) == ("K7Q2A ?", "held ? since\n", '"?"')


def lines(text: str) -> list[str]:
    """A mail keeps lines, not the way in which they end, nor whether the last one does."""
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


@tried(0.4)
@given(text=st.text(max_size=50_000))
def test_the_size_inside_is_always_a_class(text: str) -> None:
    inner = inner_mail(Written(text=text), envelope())
    assert len(inner) in {SMALLEST << step for step in range(6)}
    told = len(inner.rstrip(b".\r\n")) + len("\r\n")
    assert len(inner) == SMALLEST or told > len(inner) // 2  # the smallest that holds it


@tried(0.4)
@given(text=st.text(max_size=3000))
def test_lines_are_short_and_end_as_mail_demands(text: str) -> None:
    inner = inner_mail(Written(text=text, case_json=f'"{text}"'), envelope())
    assert max(len(line) for line in inner.split(b"\r\n")) <= 998
    assert inner.isascii()
    assert inner.count(b"\n") == inner.count(b"\r") == inner.count(b"\r\n")


def test_the_time_zone_of_the_machine_does_not_matter() -> None:
    told = envelope()
    assert b"11:46:47 +0000" in inner_mail(Written(), replace(told, at=told.at.astimezone(UTC)))
