"""Which signed replies prove that a pinned officer wrote them: real openssl signs, rightly and wrongly."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms  # type: ignore[import-untyped]  # it brings no types
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from fakes_openssl import REPLY, Kind, Openssl, by, now, proven, rsa_key

from bot.errors import SealingError
from bot.mail.smime_signed import content_of, opened_signed


@pytest.fixture
def openssl(tmp_path: Path) -> Openssl:
    return Openssl(tmp_path)


# ── good ───────────────────────────────────────────────────────────────────────────────────────────────

PSS = ("-keyopt", "rsa_padding_mode:pss")


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-md", "sha256"),
        ("-md", "sha384"),
        ("-md", "sha512"),
        (*PSS, "-md", "sha256"),
        (*PSS, "-md", "sha512", "-keyopt", "rsa_pss_saltlen:64"),
        ("-nocerts",),
        ("-keyid",),
        ("-nosmimecap",),
    ],
    ids=" ".join,
)
def test_a_reply_of_a_pinned_officer_is_proven(openssl: Openssl, options: tuple[str, ...]) -> None:
    other, officer = openssl.person(name="other"), openssl.person()
    signature = openssl.sign(REPLY, officer, *options)
    assert by(proven(signature, other, officer), officer)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_an_officer_may_sign_with_an_elliptic_curve(openssl: Openssl, curve: ec.EllipticCurve) -> None:
    officer = openssl.person(key=ec.generate_private_key(curve))
    assert by(proven(openssl.sign(REPLY, officer, "-md", "sha384"), officer), officer)


@pytest.mark.parametrize("options", [(), ("-stream",), (*PSS,)], ids=["DER", "BER in pieces", "PSS"])
def test_an_opaque_reply_gives_its_content_too(openssl: Openssl, options: tuple[str, ...]) -> None:
    officer = openssl.person()
    long = REPLY * 2000
    der = openssl.sign(long, officer, "-nodetach", *options)
    opened = opened_signed(der, [officer.certificate], now())
    assert opened is not None
    assert opened[0] == content_of(der) == long
    assert by(opened[1], officer)


def test_a_signature_of_indefinite_length_is_read_too(openssl: Openssl) -> None:
    """As Thunderbird and Apple Mail write it: BER (RFC 5652, section 5.1)."""
    officer = openssl.person()
    outer = cms.ContentInfo.load(openssl.sign(REPLY, officer))
    kind, signed = outer["content_type"].dump(), outer["content"].contents
    ber = b"\x30\x80" + kind + b"\xa0\x80\x30\x80" + signed + b"\0\0" * 3
    assert by(proven(ber, officer), officer)
    assert proven(ber + b"\0\0", officer) is None


def test_an_older_program_s_pkcs_7_is_read_too(openssl: Openssl) -> None:
    officer = openssl.person()
    own = ("-signer", officer.certificate.path, "-inkey", officer.key_file)
    signature = openssl.must("smime", "-sign", "-binary", "-md", "sha256", "-outform", "DER", *own, given=REPLY)
    assert by(proven(signature, officer), officer)


def test_a_whole_mail_as_it_stands_in_a_mailbox_is_proven(openssl: Openssl) -> None:
    officer = openssl.person()
    own = ("-signer", officer.certificate.path, "-inkey", officer.key_file)
    mail = openssl.must("cms", "-sign", "-md", "sha256", "-crlfeol", *own, given=REPLY)
    boundary = b"\r\n--" + str(message_from_bytes(mail).get_boundary()).encode()
    part = mail.split(boundary)[1].removeprefix(b"\r\n")
    signature = message_from_bytes(mail).get_payload()[1].get_payload(decode=True)  # type: ignore[union-attr,index]  # two parts
    assert isinstance(signature, bytes)
    assert by(proven(signature, officer, text=part), officer)


def test_a_second_signer_who_is_pinned_is_enough(openssl: Openssl) -> None:
    stranger, officer = openssl.person(name="other"), openssl.person()
    also = ("-signer", stranger.certificate.path, "-inkey", stranger.key_file)
    assert by(proven(openssl.sign(REPLY, officer, *also), officer), officer)


@pytest.mark.parametrize("kind", [Kind(uses=("content_commitment",)), Kind(uses=None, meant=None, authority=None)])
def test_a_certificate_may_say_less_or_that_it_is_for_signing_alone(openssl: Openssl, kind: Kind) -> None:
    officer = openssl.person(kind)
    assert by(proven(openssl.sign(REPLY, officer), officer), officer)


# ── bad ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        REPLY.replace(b"ACK", b"NAK"),
        REPLY + b"\r\n",
        REPLY[:-2],
        REPLY.replace(b"\r\n", b"\n"),
        b"",
    ],
)
def test_another_text_is_not_proven(openssl: Openssl, text: bytes) -> None:
    officer = openssl.person()
    assert proven(openssl.sign(REPLY, officer), officer, text=text) is None


def test_another_signer_is_not_an_officer(openssl: Openssl) -> None:
    officer, stranger = openssl.person(), openssl.person(name="other")
    assert proven(openssl.sign(REPLY, stranger), officer) is None
    assert proven(openssl.sign(REPLY, officer)) is None


@pytest.mark.parametrize("bring_the_real_one", [False, True])
def test_an_impostor_with_the_officer_s_name_and_number_is_not_the_officer(
    openssl: Openssl, bring_the_real_one: bool
) -> None:
    officer, impostor = openssl.person(), openssl.person(key=rsa_key("impostor"))
    brought = ("-certfile", officer.certificate.path) if bring_the_real_one else ()
    signature = openssl.sign(REPLY, impostor, *brought)
    assert proven(signature, officer) is None
    assert by(proven(signature, impostor), impostor)  # it is good, and somebody else's


@pytest.mark.parametrize(("days", "good"), [(9, True), (11, False), (-31, False)])
def test_a_certificate_has_to_be_alive(openssl: Openssl, days: int, good: bool) -> None:
    officer = openssl.person(Kind(begins=-30, ends=10))
    proof = proven(openssl.sign(REPLY, officer), officer, at=now() + timedelta(days=days))
    assert (proof is not None) == good


@pytest.mark.parametrize(
    "make",
    [
        lambda ssl: ssl.person(Kind(uses=("key_encipherment",))),
        lambda ssl: ssl.person(Kind(meant=(ExtendedKeyUsageOID.SERVER_AUTH,))),
        lambda ssl: ssl.person(key=rsa_key("short", 1024)),
        lambda ssl: ssl.person(key=ec.generate_private_key(ec.SECP224R1())),
    ],
    ids=["seals only", "for servers", "short", "weak curve"],
)
def test_a_certificate_that_may_not_sign_mail_proves_nothing(openssl: Openssl, make: Callable[[Openssl], Any]) -> None:
    officer = make(openssl)
    assert proven(openssl.sign(REPLY, officer, "-md", "sha256"), officer) is None


def test_a_certificate_that_is_not_the_pinned_one_proves_nothing(openssl: Openssl) -> None:
    officer = openssl.person()
    signature = openssl.sign(REPLY, officer)
    for changes in ({"fingerprint": "0" * 64}, {"fingerprint": ""}, {"raw": b"nonsense"}):
        assert proven(signature, replace(officer, certificate=replace(officer.certificate, **changes))) is None


@pytest.mark.parametrize(
    "options",
    [
        ("-md", "sha1"),
        ("-md", "sha224"),
        ("-md", "md5"),
        ("-noattr",),
        (*PSS, "-md", "sha1"),
        (*PSS, "-keyopt", "rsa_mgf1_md:sha1"),
    ],
    ids=" ".join,
)
def test_a_weak_or_bare_signature_proves_nothing(openssl: Openssl, options: tuple[str, ...]) -> None:
    officer = openssl.person()
    assert proven(openssl.sign(REPLY, officer, *options), officer) is None


def test_a_signature_that_brings_another_text_proves_neither(openssl: Openssl) -> None:
    officer = openssl.person()
    opaque, detached = openssl.sign(REPLY, officer, "-nodetach"), openssl.sign(REPLY, officer)
    assert proven(opaque, officer) is None
    assert opened_signed(detached, [officer.certificate], now()) is None
    with pytest.raises(SealingError):
        content_of(detached)


def test_what_is_signed_as_something_else_than_a_mail_proves_nothing(openssl: Openssl) -> None:
    officer = openssl.person()
    sealed = openssl.must("cms", "-encrypt", "-outform", "DER", officer.certificate.path, given=REPLY)
    receipt = openssl.sign(REPLY, officer, "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.1")
    for der in (sealed, receipt):
        assert proven(der, officer) is None
        assert opened_signed(der, [officer.certificate], now()) is None
