"""Whose OpenPGP signature counts: every one here is made by the real gpg."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fakes_gpg import Gpg, keyring
from fakes_replies import clearsigned, now, sealed_to, signature
from hypothesis import given
from hypothesis import strategies as st
from often import tried
from pysequoia.packet import PacketPile, SignatureType, Tag

from bot.mail.openpgp import Certificate, Signer, new_signing_key, signing_keys
from bot.mail.openpgp_inner import LARGEST
from bot.mail.openpgp_signed import opened, signed_text, signer_of
from bot.mail.proof import Proof
from bot.mail.replies import Why

WORDS = b"Content-Type: text/plain\r\n\r\nACK-7K3QM4-ABCD-EFGH-JK12\r\ntrailing   \r\n"
LONG_AGO = "20240101T000000"


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer.open(new_signing_key("Postigo"))


@pytest.fixture(scope="module")
def ring() -> Iterator[Gpg]:
    """An officer and a stranger."""
    with keyring() as gpg:
        gpg.new_key("officer")
        gpg.new_key("stranger")
        yield gpg


@pytest.fixture(scope="module")
def officer(ring: Gpg) -> Certificate:
    return ring.certificate("officer")


def test_a_good_signature_names_the_pinned_key_and_when_it_was_made(ring: Gpg, officer: Certificate) -> None:
    before = now() - timedelta(seconds=5)
    told = signer_of(WORDS, signature(ring, "officer", WORDS), [officer], now())
    assert isinstance(told, Proof)
    assert told.fingerprint == officer.fingerprint
    assert before <= told.at <= now() and told.at.tzinfo is UTC


@pytest.mark.parametrize("options", [(), ("--textmode",), ("--digest-algo", "SHA256")])
def test_every_way_gpg_signs_a_mail_is_understood(ring: Gpg, officer: Certificate, options: tuple[str, ...]) -> None:
    made = signature(ring, "officer", WORDS, options=options)
    assert isinstance(signer_of(WORDS, made, [officer], now()), Proof)
    assert isinstance(signer_of(WORDS, ring.must("--dearmor", given=made), [officer], now()), Proof)


@pytest.mark.parametrize("algorithm", ["rsa3072", "nistp256"])
def test_other_kinds_of_keys_sign_too(gpg: Gpg, algorithm: str) -> None:
    gpg.must("--quick-gen-key", "officer", algorithm, "sign,cert", "never")
    assert isinstance(signer_of(WORDS, signature(gpg, "officer", WORDS), [gpg.certificate("officer")], now()), Proof)


@pytest.mark.parametrize(
    ("name", "octets", "why"),
    [
        ("stranger", WORDS, Why.STRANGER),
        ("officer", WORDS.replace(b"JK12", b"JK13"), Why.CHANGED),
        ("officer", WORDS.replace(b"trailing   ", b"trailing"), Why.CHANGED),
        ("officer", WORDS.removesuffix(b"\r\n"), Why.CHANGED),
    ],
)
def test_another_signer_or_another_text_counts_for_nothing(
    ring: Gpg, officer: Certificate, name: str, octets: bytes, why: Why
) -> None:
    assert signer_of(octets, signature(ring, name, WORDS), [officer], now()) is why


def test_a_signature_among_several_is_not_chosen(ring: Gpg, officer: Certificate) -> None:
    both = ring.must("-u", "=stranger", "-u", "=officer", "--armor", "--detach-sign", given=WORDS)
    assert signer_of(WORDS, both, [officer], now()) is Why.UNREADABLE


def test_a_signature_about_a_key_is_none_about_a_text(ring: Gpg, officer: Certificate) -> None:
    about_keys = [
        bytes(packet)
        for packet in PacketPile.from_bytes(officer.raw)
        if packet.tag == Tag.Signature and packet.signature_type != SignatureType.Binary
    ]
    assert len(about_keys) == 2  # of the name and of the subkey
    assert [signer_of(WORDS, one, [officer], now()) for one in about_keys] == [Why.UNREADABLE] * 2


@pytest.mark.parametrize("lasts", ["2d", "never"])
def test_who_has_expired_signs_no_more_though_the_signature_was_good_when_made(gpg: Gpg, lasts: str) -> None:
    gpg.new_key("officer", lasts=lasts, at=LONG_AGO)
    made = signature(gpg, "officer", WORDS, at="20240102T000000")
    certificate = gpg.certificate("officer")
    told = signer_of(WORDS, made, [certificate], now())
    assert (told is Why.EXPIRED) == (lasts == "2d")
    assert isinstance(signer_of(WORDS, made, [certificate], datetime(2024, 1, 2, 12, tzinfo=UTC)), Proof)


def test_a_signing_subkey_that_has_expired_signs_no_more_under_a_living_key(gpg: Gpg) -> None:
    gpg.new_key("officer", at=LONG_AGO)
    gpg.must("--quick-add-key", gpg.fingerprint("officer"), "ed25519", "sign", "2d", at=LONG_AGO)
    made = signature(gpg, "officer", WORDS, at="20240102T000000")
    certificate = gpg.certificate("officer")
    assert signer_of(WORDS, made, [certificate], now()) is Why.EXPIRED
    assert isinstance(signer_of(WORDS, signature(gpg, "officer", WORDS), [certificate], now()), Proof)


def test_an_expired_sealing_subkey_does_not_silence_its_owner(gpg: Gpg) -> None:
    gpg.new_key("officer", sealing="2d", at=LONG_AGO)
    assert isinstance(signer_of(WORDS, signature(gpg, "officer", WORDS), [gpg.certificate("officer")], now()), Proof)


def test_who_is_revoked_signs_no_more(gpg: Gpg) -> None:
    gpg.new_key("officer")
    made = signature(gpg, "officer", WORDS)
    gpg.revoke("officer")
    assert signer_of(WORDS, made, [gpg.certificate("officer")], now()) is Why.EXPIRED
    assert signing_keys(gpg.certificate("officer"), now()) == frozenset()


def test_a_signature_from_the_future_counts_for_nothing(ring: Gpg, officer: Certificate) -> None:
    ahead = signature(ring, "officer", WORDS, at="20990101T000000")
    assert signer_of(WORDS, ahead, [officer], now()) is Why.CHANGED


def test_a_signature_of_tomorrow_may_be_one_of_a_wrong_clock(ring: Gpg, officer: Certificate) -> None:
    soon = signature(ring, "officer", WORDS, at=f"{now() + timedelta(hours=3):%Y%m%dT%H%M%S}")
    assert signer_of(WORDS, soon, [officer], now()) is Why.EARLY
    assert isinstance(signer_of(WORDS, soon, [officer], now() + timedelta(hours=4)), Proof | Why)


def test_a_clock_that_is_a_little_ahead_is_forgiven(gpg: Gpg) -> None:
    gpg.new_key("officer", at=LONG_AGO)
    made, certificate = signature(gpg, "officer", WORDS), gpg.certificate("officer")
    assert signer_of(WORDS, made, [certificate], now() - timedelta(minutes=11)) is Why.EARLY
    assert signer_of(WORDS, made, [certificate], now() - timedelta(hours=25)) is Why.CHANGED
    assert isinstance(signer_of(WORDS, made, [certificate], now() - timedelta(minutes=9)), Proof)


def test_a_certificate_that_cannot_be_read_is_nobody(ring: Gpg, officer: Certificate) -> None:
    spoiled = Certificate(officer.path, officer.fingerprint, b"spoiled")
    assert signer_of(WORDS, signature(ring, "officer", WORDS), [spoiled], now()) is Why.STRANGER
    assert isinstance(signer_of(WORDS, signature(ring, "officer", WORDS), [spoiled, officer], now()), Proof)


# ── signed in clear ────────────────────────────────────────────────────────────────────────────────────


def test_of_a_text_signed_in_clear_what_is_read_is_what_was_signed(ring: Gpg, officer: Certificate) -> None:
    made = clearsigned(ring, "officer", "- dash\nFrom here\nñandú\n")
    told = signed_text(made, [officer], now())
    assert not isinstance(told, Why)
    assert told[0].decode().splitlines() == ["- dash", "From here", "ñandú"]
    assert told[1].fingerprint == officer.fingerprint


@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        ("stranger", b"", b"", Why.STRANGER),
        ("officer", b"dash", b"hash", Why.CHANGED),
        ("officer", b"-----BEGIN PGP SIGNED", b"ACK\n-----BEGIN PGP SIGNED", Why.UNREADABLE),
        ("officer", b"-----BEGIN PGP SIGNATURE", b"-----BEGIN PGP SIGNATURES", Why.UNREADABLE),
    ],
)
def test_a_text_signed_in_clear_by_another_or_changed_is_nothing(
    ring: Gpg, officer: Certificate, name: str, old: bytes, new: bytes, why: Why
) -> None:
    made = clearsigned(ring, name, "- dash\nFrom here\n").replace(old, new, 1)
    assert signed_text(made, [officer], now()) is why


def test_two_texts_in_one_are_nothing(ring: Gpg, officer: Certificate) -> None:
    assert signed_text(clearsigned(ring, "officer", "one\n") * 2, [officer], now()) is Why.UNREADABLE


# ── sealed to the bot ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "packed", [(), ("--compress-algo", "none"), ("--compress-algo", "zlib"), ("--compress-algo", "bzip2")]
)
@pytest.mark.parametrize("size", [1, 3_000])
def test_what_gpg_signs_and_seals_to_the_bot_is_opened_however_it_is_packed(
    ring: Gpg, officer: Certificate, signer: Signer, packed: tuple[str, ...], size: int
) -> None:
    told = opened(sealed_to(ring, signer, WORDS * size, "-u", "=officer", "--sign", *packed), signer, [officer], now())
    assert told is not None
    content, proof = told
    assert content == WORDS * size
    assert isinstance(proof, Proof) and proof.fingerprint == officer.fingerprint
    assert abs(now() - proof.at) < timedelta(minutes=1)


@pytest.mark.parametrize(("words", "why"), [((), Why.UNSIGNED), (("-u", "=stranger", "--sign"), Why.STRANGER)])
def test_what_is_sealed_by_anybody_is_opened_and_nobody_is_named(
    ring: Gpg, officer: Certificate, signer: Signer, words: tuple[str, ...], why: Why
) -> None:
    assert opened(sealed_to(ring, signer, WORDS, *words), signer, [officer], now()) == (WORDS, why)


def test_what_is_sealed_to_somebody_else_is_not_opened(ring: Gpg, officer: Certificate, signer: Signer) -> None:
    another = Signer.open(new_signing_key("Another"))
    assert opened(sealed_to(ring, another, WORDS), signer, [officer], now()) is None


def test_hidden_recipients_are_tried(ring: Gpg, officer: Certificate, signer: Signer) -> None:
    message = sealed_to(ring, signer, WORDS, "--throw-keyids", "-u", "=officer", "--sign")
    told = opened(message, signer, [officer], now())
    assert told is not None and isinstance(told[1], Proof)


def test_of_several_recipients_the_bot_finds_its_own(ring: Gpg, officer: Certificate, signer: Signer) -> None:
    message = sealed_to(ring, signer, WORDS, "-r", "officer", "-r", "stranger", "-u", "=officer", "--sign")
    told = opened(message, signer, [officer], now())
    assert told is not None and isinstance(told[1], Proof)


def test_a_key_that_only_signs_still_signs_and_opens_nothing(gpg: Gpg, signer: Signer) -> None:
    gpg.new_key("old", sealing="")
    old = Signer.open(gpg.must("--export-secret-keys", "=old"))
    gpg.must("--import", given=signer.certificate.raw)
    assert opened(sealed_to(gpg, signer, WORDS), old, [], now()) is None


def test_a_small_message_that_unpacks_without_end_is_not_unpacked(
    ring: Gpg, officer: Certificate, signer: Signer
) -> None:
    message = sealed_to(ring, signer, bytes(LARGEST * 2), "--compress-algo", "bzip2")
    assert len(message) < 10_000
    assert opened(message, signer, [officer], now()) is None


def test_the_secret_stands_in_no_repr(signer: Signer) -> None:
    assert signer.secret.hex() not in repr(signer) and repr(signer.secret)[10:60] not in repr(signer)


def test_every_changed_byte_of_a_sealed_message_is_noticed(ring: Gpg, officer: Certificate, signer: Signer) -> None:
    good = ring.must("--dearmor", given=sealed_to(ring, signer, WORDS, "-u", "=officer", "--sign"))
    proofs = 0
    for place in range(0, len(good), 3):
        spoiled = good[:place] + bytes([good[place] ^ 0x40]) + good[place + 1 :]
        told = opened(spoiled, signer, [officer], now())
        proofs += told is not None and isinstance(told[1], Proof)
    assert isinstance(opened(good, signer, [officer], now()), tuple)
    assert proofs == 0


@tried(1)
@given(octets=st.binary(max_size=300))
def test_whatever_the_bytes_nothing_raises_and_nobody_is_named(
    octets: bytes, signer: Signer, officer: Certificate
) -> None:
    assert isinstance(signer_of(octets, octets, [officer], now()), Why)
    assert isinstance(signed_text(b"-----BEGIN PGP SIGNED MESSAGE-----\n" + octets, [officer], now()), Why)
    assert opened(octets, signer, [officer], now()) is None
