"""Sealing to an S/MIME certificate: only its owner reads what was sealed, and real openssl is asked."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from cryptography import x509
from fakes_openssl import BOT, CANARY, REFERENCE, Kind, Openssl, Written, envelope, now, rsa_key, seal

from bot.errors import SealingError, SettingsError, Undeliverable
from bot.mail.envelope import SMALLEST, read_inner, sealed_smime, signed_content
from bot.mail.smime import Signer, days_left, new_signing_key, open_mail, seal_mail


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer.open(new_signing_key("Postigo", BOT, now()))


@pytest.fixture
def openssl(tmp_path: Path) -> Openssl:
    return Openssl(tmp_path)


# ── what the real openssl says ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("bits", [2048, 3072])
def test_openssl_opens_the_mail_and_finds_the_bots_signature_good(openssl: Openssl, signer: Signer, bits: int) -> None:
    officer = openssl.person(key=rsa_key("officer", bits))
    signed = openssl.decrypt(seal(officer.certificate, signer), officer)
    inner = openssl.verify(signed, signer.certificate)
    assert read_inner(inner) == (Written().subject, Written().text, Written().case_json)
    assert len(inner) == SMALLEST  # padded to its class
    assert message_from_bytes(inner, policy=policy.SMTP).get_param("hp") == "cipher"


def test_openssl_finds_no_other_signature_good(openssl: Openssl, signer: Signer) -> None:
    officer = openssl.person()
    signed = openssl.decrypt(seal(officer.certificate, signer), officer)
    (openssl.home / "other.crt").write_bytes(Signer.open(new_signing_key("Postigo", BOT, now())).certificate.raw)
    assert openssl.run("cms", "-verify", "-CAfile", openssl.home / "other.crt", given=signed).returncode != 0


def test_openssl_does_not_open_a_mail_to_somebody_else(openssl: Openssl, signer: Signer) -> None:
    officer, other = openssl.person(), openssl.person(name="other")
    call = ("cms", "-decrypt", "-recip", other.certificate.path, "-inkey", other.key_file)
    assert openssl.run(*call, given=seal(officer.certificate, signer)).returncode != 0


def test_the_cipher_is_aes_with_256_bits_and_the_signature_sha_256(openssl: Openssl, signer: Signer) -> None:
    officer = openssl.person()
    mail = seal(officer.certificate, signer)
    sealed = openssl.must("cms", "-cmsout", "-print", given=mail).decode()
    assert "algorithm: aes-256-cbc (2.16.840.1.101.3.4.1.42)" in sealed
    assert sealed.count("d.ktri") == 1  # one recipient
    signed = openssl.must("cms", "-cmsout", "-print", given=openssl.decrypt(mail, officer)).decode()
    assert "algorithm: ecdsa-with-SHA256" in signed


# ── what somebody on the way reads ─────────────────────────────────────────────────────────────────────


def traces(secret: str) -> Iterator[bytes]:
    """Every form that something may stand in, of seven octets at least: chance may put fewer into what is sealed."""
    return (trace for trace in forms(secret) if len(trace) >= 7)


def forms(secret: str) -> Iterator[bytes]:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        plain = secret.encode(encoding)
        yield plain
        yield plain.hex().encode()
        for offset in range(3):
            yield base64.b64encode(b"\0" * offset + plain)[4:-4]
    yield json.dumps(secret).strip('"').encode()


@pytest.mark.parametrize("secret", [CANARY, f"Level 1: {REFERENCE}", "задержана", "اعتقلوها", "Postigo"])
def test_outside_nothing_of_the_case_and_nothing_of_the_signer_is_found(
    openssl: Openssl, signer: Signer, secret: str
) -> None:
    mail = seal(openssl.person().certificate, signer)
    seen = (mail, mail.replace(b"\r\n", b""), sealed_smime(mail))
    assert [trace for trace in traces(secret) for text in seen if trace in text] == []


def test_outside_stand_these_headers_and_no_others(openssl: Openssl, signer: Signer) -> None:
    mail = message_from_bytes(seal(openssl.person().certificate, signer), policy=policy.SMTP)
    assert mail.keys() == [
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version",
        "Content-Type", "Content-Transfer-Encoding", "Content-Disposition",
    ]  # fmt: skip
    assert mail["Subject"] == "[...]"
    assert ":00:00 +0000" in mail["Date"]
    assert mail.get_content_type() == "application/pkcs7-mime"
    assert mail.get_param("smime-type") == "enveloped-data"


def test_the_wire_is_ascii_with_short_lines(openssl: Openssl, signer: Signer) -> None:
    mail = seal(openssl.person().certificate, signer, Written("я" * 500, "я" * 50_000, "{}"))
    _, _, body = mail.partition(b"\r\n\r\n")
    assert mail.isascii()
    assert max(len(line) for line in body.split(b"\r\n")) <= 76
    assert mail.count(b"\n") == mail.count(b"\r") == mail.count(b"\r\n")


@pytest.mark.parametrize("length", [1, 500, 1500])
def test_the_size_on_the_wire_says_only_the_class(openssl: Openssl, signer: Signer, length: int) -> None:
    """A signature is numbers that may be a byte shorter, by chance and not by content; a block of AES is 16."""
    officer = openssl.person()
    sizes = [len(seal(officer.certificate, signer, Written("s", "x" * size, "{}"))) for size in (length, 800)]
    assert abs(sizes[0] - sizes[1]) <= 32


# ── the bot's own key, and rehearsals ──────────────────────────────────────────────────────────────────


def test_a_signing_key_can_be_kept_and_opened_again(openssl: Openssl) -> None:
    pem = new_signing_key("Postigo", BOT, now())
    first, second = Signer.open(pem), Signer.open(pem)
    assert first.certificate == second.certificate
    assert b"PRIVATE" not in first.certificate.raw
    assert days_left(first.certificate, now()) == 3651
    told = openssl.must("x509", "-noout", "-text", given=first.certificate.raw).decode()
    for said in ("Digital Signature\n", "E-mail Protection\n", "CA:FALSE", f"email:{BOT}", "P-256", "CN = Postigo"):
        assert said in told


def test_two_signing_keys_have_two_serial_numbers() -> None:
    made = [x509.load_pem_x509_certificate(new_signing_key("Postigo", BOT, now())) for _ in range(2)]
    assert len({cert.serial_number for cert in made}) == 2


def test_a_signing_key_made_on_a_leap_day_is_good() -> None:
    leap_day = now().replace(year=2028, month=3, day=1)
    assert days_left(Signer.open(new_signing_key("Postigo", BOT, leap_day)).certificate, leap_day) == 3651


@pytest.mark.parametrize(("name", "address"), [("", BOT), ("Postigo", "öffice@bot.example")])
def test_what_cannot_stand_in_a_certificate_is_said(name: str, address: str) -> None:
    with pytest.raises(SettingsError):
        new_signing_key(name, address, now())


def test_a_long_name_is_cut() -> None:
    assert Signer.open(new_signing_key("P" * 100, BOT, now())).certificate.fingerprint != ""


def key_part(pem: bytes) -> bytes:
    return pem[: pem.index(b"-----BEGIN CERTIFICATE")]


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"nonsense",
        Signer.open(new_signing_key("Postigo", BOT, now())).certificate.raw,
        key_part(new_signing_key("Postigo", BOT, now())),
        key_part(new_signing_key("A", BOT, now())) + Signer.open(new_signing_key("B", BOT, now())).certificate.raw,
    ],
    ids=["empty", "nonsense", "no key", "no certificate", "two halves"],
)
def test_a_broken_signing_key_is_refused(pem: bytes) -> None:
    with pytest.raises(SealingError):
        Signer.open(pem)


def test_a_signing_key_with_a_password_is_refused(openssl: Openssl) -> None:
    pem = new_signing_key("Postigo", BOT, now())
    locked = openssl.must("pkcs8", "-topk8", "-passout", "pass:a password", given=pem)
    with pytest.raises(SealingError):
        Signer.open(locked + Signer.open(pem).certificate.raw)


def test_a_rehearsal_shows_what_the_officer_would_read(openssl: Openssl, signer: Signer) -> None:
    officer = openssl.person()
    opened = open_mail(seal(officer.certificate, signer), officer.secret, officer.certificate)
    assert opened == (Written().subject, Written().text, Written().case_json)


def test_nobody_else_opens_a_mail(openssl: Openssl, signer: Signer) -> None:
    officer, other = openssl.person(), openssl.person(name="other")
    mail = seal(officer.certificate, signer)
    for secret, certificate in (
        (other.secret, other.certificate),
        (key_part(new_signing_key("Postigo", BOT, now())), officer.certificate),
        (b"nonsense", officer.certificate),
    ):
        with pytest.raises(SealingError):
            open_mail(mail, secret, certificate)


@pytest.mark.parametrize("mail", [b"", b"Subject: hello\r\n\r\nin clear"])
def test_a_mail_that_is_not_sealed_is_refused(openssl: Openssl, mail: bytes) -> None:
    officer = openssl.person()
    with pytest.raises(SealingError):
        open_mail(mail, officer.secret, officer.certificate)
    with pytest.raises(SealingError):
        signed_content(mail)


def test_an_address_that_cannot_stand_in_a_mail_is_undeliverable(openssl: Openssl, signer: Signer) -> None:
    certificate = openssl.person(Kind()).certificate
    wrong = replace(envelope(), recipient="a@b.example\r\nBcc: c@d.example")
    with pytest.raises(Undeliverable) as error:
        seal_mail(Written(), wrong, certificate, signer, pinned=certificate.fingerprint)
    assert "example" not in str(error.value)


def test_no_repr_shows_a_key(signer: Signer) -> None:
    assert "PRIVATE" not in repr(signer) and "Key" not in repr(signer) and "BEGIN" not in repr(signer)


def test_one_signer_seals_in_several_threads_at_once(openssl: Openssl, signer: Signer) -> None:
    officer = openssl.person()
    mails: list[bytes] = []
    workers = [threading.Thread(target=lambda: mails.append(seal(officer.certificate, signer))) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [open_mail(mail, officer.secret, officer.certificate)[1] for mail in mails] == [Written().text] * 8
