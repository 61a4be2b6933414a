"""What gpg on a command line shows an officer: the words as they are, before all that is encoded."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from unicodedata import category

import pytest
from fakes_gpg import Gpg
from hypothesis import given
from hypothesis import strategies as st
from often import tried

from bot.mail.envelope import Envelope, inner_mail, read_inner
from bot.mail.legible import LONGEST, legible
from bot.mail.openpgp import Signer, new_signing_key, seal_mail

ENVELOPE = Envelope(
    "intake@bot.example", "officer@mission.example", "<1@bot.example>", datetime(2099, 1, 1, tzinfo=UTC)
)
SCRIPTS = {
    "ru": ("Обращение CASE14, уровень 1", "НЕЛЬЗЯ: звонить\n\n> Её задержали вчера.\n"),
    "ar": ("الملف CASE14، المستوى 1", "ممنوع: الاتصال بالسلطات\n\n> اعتقلوها أمس.\n"),
    "fa": ("پروندهٔ CASE14، سطح 1", "نباید: زنگ زدن\n\n> دیروز بازداشتش کردند.\n"),
    "zh-Hans": ("个案 CASE14，等级 1", "不要做：公开发声\n\n> 她昨天被拘留了。\n"),
    "es": ("Caso CASE14, nivel 1", "NO: llamar\n\n> La detuvieron ayer, sin orden; no se sabe por qué.\n"),
}


@dataclass(frozen=True, slots=True)
class Written:
    subject: str
    text: str
    case_json: str = json.dumps({"reference": "CASE14"})


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer.open(new_signing_key("Postigo <intake@bot.example>"))


@pytest.mark.parametrize("language", SCRIPTS)
def test_gpg_on_a_command_line_prints_the_words_as_they_are_before_anything_encoded(
    gpg: Gpg, signer: Signer, language: str
) -> None:
    written = Written(*SCRIPTS[language])
    gpg.new_key("officer")
    gpg.must("--import", given=signer.certificate.raw)
    certificate = gpg.certificate("officer")
    mail = seal_mail(written, ENVELOPE, certificate, signer, pinned=certificate.fingerprint)
    path = gpg.home / "mail.eml"
    path.write_bytes(mail)
    printed = gpg.must("--decrypt", str(path)).decode().split("\r\n")
    head, words = printed[: printed.index("")], printed[printed.index("") + 1 :]
    assert words[: len(shown := [f"Subject: {written.subject}", "", *written.text.splitlines()])] == shown
    assert len(head) <= 18
    assert max(map(len, printed)) <= 200


def test_what_a_mail_program_reads_is_as_before() -> None:
    written = Written(*SCRIPTS["ru"])
    inner = inner_mail(written, ENVELOPE, legibly=True)
    assert read_inner(inner) == (written.subject, written.text, written.case_json)
    parsed = message_from_bytes(inner, policy=policy.SMTP)
    assert [part["Content-Transfer-Encoding"] for part in parsed.walk()] == ["8bit", "base64", "base64"]
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "application/json"]
    assert not parsed.defects


@tried(0.4)
@given(text=st.text(max_size=12_000), case=st.text(max_size=3000))
def test_no_mail_is_larger_for_it_and_every_line_is_one_that_mail_allows(text: str, case: str) -> None:
    written = Written("K7Q2A", text, case)
    plain, legibly = inner_mail(written, ENVELOPE), inner_mail(written, ENVELOPE, legibly=True)
    assert len(legibly) == len(plain)
    assert read_inner(legibly) == read_inner(plain)
    assert max(len(line) for line in legibly.split(b"\r\n")) <= 998
    assert legibly.count(b"\n") == legibly.count(b"\r") == legibly.count(b"\r\n")


def test_where_there_is_no_room_left_it_is_missing() -> None:
    long = Written("K7Q2A", "Слово за слово. " * 400)
    assert b"8bit" not in inner_mail(long, ENVELOPE, legibly=True)
    assert b"8bit" in inner_mail(replace(long, text=long.text[:3000]), ENVELOPE, legibly=True)


# ── the words alone ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("One\n\n  ack CASE14 : read\n", ["One", "", "  ack CASE14 : read"]),
        ("\x1b[2Jgone\x9b1A\tin\u2028two\x85three\0", ["\ufffd[2Jgone\ufffd1A in", "two", "three\ufffd"]),
        ("> " + "words " * 20, ["> " + ("words " * 12).strip(), "> " + ("words " * 8).strip()]),
        ("DO NOT: " + "call " * 20, ["DO NOT: " + ("call " * 14).strip(), "  " + ("call " * 6).strip()]),
        ("她" * 100, ["她" * 78, "  " + "她" * 22]),
        (
            "This line alone, without a > before it, says that you have: ACK-CASE14-AAAA-BBBB",
            ["This line alone, without a > before it, says that you have:", "  ACK-CASE14-AAAA-BBBB"],
        ),
        ("", []),
    ],
)
def test_words_are_shown_whole_in_lines_that_fit_and_move_no_cursor(text: str, shown: list[str]) -> None:
    assert legible(text).splitlines() == shown


@tried(0.2)
@given(text=st.text(max_size=3000))
def test_no_line_is_long_and_nothing_moves_a_cursor(text: str) -> None:
    shown = legible(text)
    assert all(len(line) <= LONGEST for line in shown.split("\n"))
    assert not [char for char in shown if category(char) == "Cc" and char != "\n"]
