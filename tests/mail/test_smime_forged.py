"""Signatures made with the officer's own key, but not as a mail is signed; and laws of what is never proven."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms, core  # type: ignore[import-untyped]  # it brings no types
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from fakes_openssl import REPLY, Openssl, Person, by, now, proven
from hypothesis import given
from hypothesis import strategies as st

from bot.mail.smime_signed import opened_signed


@pytest.fixture
def openssl(tmp_path: Path) -> Openssl:
    return Openssl(tmp_path)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Openssl:
    return Openssl(tmp_path_factory.mktemp("workshop"))


# ── signed by the officer's key, but not as a mail is ──────────────────────────────────────────────────

Attributes = list[dict[str, Any]]


def signed_again(der: bytes, officer: Person, change: Callable[[Any], None]) -> bytes:
    """The same SignedData with its signer's part changed, and signed with the right key."""
    outer = cms.ContentInfo.load(der)
    info = outer["content"]["signer_infos"][0]
    change(info)
    octets = b"\x31" + info["signed_attrs"].dump()[1:]
    if isinstance(officer.key, rsa.RSAPrivateKey):
        info["signature"] = officer.key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    else:
        info["signature"] = officer.key.sign(octets, ec.ECDSA(hashes.SHA256()))
    return bytes(outer.dump())


def with_attributes(change: Callable[[Attributes], Attributes]) -> Callable[[Any], None]:
    def changed(info: Any) -> None:  # noqa: ANN401 - the library has no types
        old = [{"type": one["type"].native, "values": list(one["values"])} for one in info["signed_attrs"]]
        info["signed_attrs"] = cms.CMSAttributes(change(old))

    return changed


def without(name: str) -> Callable[[Any], None]:
    return with_attributes(lambda old: [one for one in old if one["type"] != name])


def twice(name: str) -> Callable[[Any], None]:
    return with_attributes(lambda old: [*old, *(one for one in old if one["type"] == name)])


def with_values(name: str, values: list[Any]) -> Callable[[Any], None]:
    return with_attributes(lambda old: [one | ({"values": values} if one["type"] == name else {}) for one in old])


def utc(text: str) -> Any:  # noqa: ANN401 - the library has no types
    return cms.Time(
        name="generalized_time", value=core.GeneralizedTime.load(b"\x18" + bytes([len(text)]) + text.encode())
    )


def pss(salt_length: int) -> dict[str, Any]:
    told = {"hash_algorithm": {"algorithm": "sha256"}, "salt_length": salt_length}
    return told | {"mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": "sha256"}}}


def claims(field: str, algorithm: str, **parameters: Any) -> Callable[[Any], None]:  # noqa: ANN401 - as above
    def changed(info: Any) -> None:  # noqa: ANN401 - as above
        info[field] = {"algorithm": algorithm} | ({"parameters": parameters} if parameters else {})

    return changed


def nothing(_: object) -> None:
    """Change nothing."""


def test_signing_again_is_good_in_itself(openssl: Openssl) -> None:
    officer = openssl.person()
    assert by(proven(signed_again(openssl.sign(REPLY, officer), officer, nothing), officer), officer)
    in_order = with_attributes(lambda old: old)
    assert by(proven(signed_again(openssl.sign(REPLY, officer), officer, in_order), officer), officer)


@pytest.mark.parametrize(
    "change",
    [
        without("signing_time"),
        without("message_digest"),
        without("content_type"),
        twice("signing_time"),
        twice("message_digest"),
        with_values("signing_time", []),
        with_values("signing_time", [utc("20260101000000Z"), utc("20270101000000Z")]),
        with_values("signing_time", [utc("20260101000000")]),
        with_values("signing_time", [utc("00000101000000Z")]),
        with_values("message_digest", [core.OctetString(b"")]),
        with_values("content_type", [cms.ContentType("signed_data")]),
        claims("digest_algorithm", "sha512"),
        claims("digest_algorithm", "md5"),
        claims("signature_algorithm", "sha512_rsa"),
        claims("signature_algorithm", "sha256_ecdsa"),
        claims("signature_algorithm", "sha256_dsa"),
        claims("signature_algorithm", "rsassa_pss"),
        claims("signature_algorithm", "rsassa_pss", **pss(salt_length=600)),
        claims("signature_algorithm", "rsassa_pss", **pss(salt_length=-1)),
    ],
)
def test_what_is_missing_doubled_or_mixed_proves_nothing(openssl: Openssl, change: Callable[[Any], None]) -> None:
    officer = openssl.person()
    assert proven(signed_again(openssl.sign(REPLY, officer), officer, change), officer) is None


@pytest.mark.parametrize(("way", "good"), [("sha256_ecdsa", True), ("sha256_rsa", False), ("ed25519", False)])
def test_the_way_of_signing_is_the_one_of_the_key(openssl: Openssl, way: str, good: bool) -> None:
    officer = openssl.person(key=ec.generate_private_key(ec.SECP256R1()))
    signature = signed_again(openssl.sign(REPLY, officer, "-md", "sha256"), officer, claims("signature_algorithm", way))
    assert by(proven(signature, officer), officer) == good


# ── laws ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def signed_reply(workshop: Openssl) -> tuple[Person, bytes, bytes]:
    officer = workshop.person()
    return officer, workshop.sign(REPLY, officer), workshop.sign(REPLY, officer, "-nodetach")


def flipped(octets: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(octets)
    changed[place % len(octets)] ^= 1 << bit
    return bytes(changed)


@given(place=st.integers(0, 1 << 16), bit=st.integers(0, 7))
def test_no_changed_text_is_ever_proven(signed_reply: tuple[Person, bytes, bytes], place: int, bit: int) -> None:
    officer, signature, _ = signed_reply
    assert proven(signature, officer, text=flipped(REPLY, place, bit)) is None


@pytest.mark.parametrize("part", ["signed_attrs", "signature"])
@given(place=st.integers(0, 1 << 16), bit=st.integers(0, 7))
def test_no_changed_signature_is_ever_good(
    signed_reply: tuple[Person, bytes, bytes], part: str, place: int, bit: int
) -> None:
    officer, signature, _ = signed_reply
    octets = cms.ContentInfo.load(signature)["content"]["signer_infos"][0][part].contents
    changed = signature.replace(octets, flipped(octets, place, bit))
    assert changed != signature
    assert proven(changed, officer) is None


@given(place=st.integers(0, 1 << 16), bit=st.integers(0, 7))
def test_whatever_is_changed_there_is_never_another_proof_nor_another_content(
    signed_reply: tuple[Person, bytes, bytes], place: int, bit: int
) -> None:
    """What a signature doesn't cover, such as the certificates a mail brings along, isn't read at all."""
    officer, detached, opaque = signed_reply
    good = proven(detached, officer)
    assert proven(flipped(detached, place, bit), officer) in (None, good)
    opened = opened_signed(opaque, [officer.certificate], now())
    assert opened is not None
    assert opened_signed(flipped(opaque, place, bit), [officer.certificate], now()) in (None, opened)


@given(octets=st.binary(max_size=300), kept=st.integers(0, 1000))
def test_whatever_a_stranger_sends_is_read_without_a_fall(
    signed_reply: tuple[Person, bytes, bytes], octets: bytes, kept: int
) -> None:
    officer, detached, opaque = signed_reply
    for sent in (octets, detached[:kept], detached[:kept] + octets + b"\0", opaque + octets + b"\0"):
        assert proven(sent, officer) is None
        assert opened_signed(sent, [officer.certificate], now()) is None


@pytest.mark.parametrize("octets", [b"\x30\x80", b"\x24\x80", b"\0\0", b"\xa0\x84\xff\xff\xff\xff"])
def test_a_mail_made_to_keep_us_busy_is_put_aside(openssl: Openssl, octets: bytes) -> None:
    assert proven(octets * 100_000, openssl.person()) is None


def test_a_crowd_of_signers_is_not_listened_to(openssl: Openssl) -> None:
    officer = openssl.person()
    outer = cms.ContentInfo.load(openssl.sign(REPLY, officer))
    infos = outer["content"]["signer_infos"]
    outer["content"]["signer_infos"] = [infos[0]] * 9
    assert proven(bytes(outer.dump(force=True)), officer) is None
