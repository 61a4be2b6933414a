"""Which S/MIME certificates are sealed to, and what is said of the others."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from fakes_openssl import Kind, Openssl, Person, Written, envelope, now, rsa_key, seal
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SettingsError, Undeliverable
from bot.mail.smime import Signer, days_left, findings, new_signing_key, open_mail, read_certificate, seal_mail
from bot.mail.smime_certificate import fingerprint_of


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer.open(new_signing_key("Postigo", "intake@bot.example", now()))


@pytest.fixture
def openssl(tmp_path: Path) -> Openssl:
    return Openssl(tmp_path)


# ── certificates that are not sealed to ────────────────────────────────────────────────────────────────

SIGNS_ONLY = Kind(uses=("digital_signature",))


def sha1(openssl: Openssl) -> Person:
    person = openssl.person()
    asked = ("-subj", "/CN=officer", "-addext", "basicConstraints=critical,CA:FALSE")
    made = openssl.must("req", "-x509", "-sha1", "-key", person.key_file, "-days", "30", *asked)
    return with_file(person, made)


def as_der(raw: bytes) -> bytes:
    return x509.load_pem_x509_certificate(raw).public_bytes(Encoding.DER)


def pss_alone(openssl: Openssl) -> Person:
    """An RSA key that is meant for signatures of one kind alone."""
    person = openssl.person()
    openssl.must("genpkey", "-algorithm", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048", "-out", person.key_file)
    asked = ("-subj", "/CN=officer", "-addext", "basicConstraints=critical,CA:FALSE")
    return with_file(person, openssl.must("req", "-x509", "-sha256", "-key", person.key_file, "-days", "30", *asked))


def unknown(openssl: Openssl) -> Person:
    """Signed in a way that no library knows any more: MD2 with RSA."""
    person = openssl.person()
    rsa_with = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01"
    return with_file(person, as_der(person.certificate.raw).replace(rsa_with + b"\x0b", rsa_with + b"\x02"))


def with_file(person: Person, raw: bytes) -> Person:
    person.certificate.path.write_bytes(raw)
    return replace(person, certificate=read_certificate(person.certificate.path))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda ssl: ssl.person(Kind(ends=-1)), "it has expired."),
        (lambda ssl: ssl.person(Kind(begins=1)), "it is not valid yet."),
        (lambda ssl: ssl.person(key=ec.generate_private_key(ec.SECP256R1())), "its key is not an RSA key"),
        (lambda ssl: ssl.person(key=rsa_key("short", 1024)), "its RSA key is shorter than 2048 bits."),
        (lambda ssl: ssl.person(Kind(meant=(ExtendedKeyUsageOID.CLIENT_AUTH,))), "it is not meant for mail"),
        (lambda ssl: ssl.person(SIGNS_ONLY), "its key usage does not allow to seal to it"),
        (lambda ssl: ssl.person(Kind(authority=True)), "it is a certificate authority's"),
        (sha1, "it is signed with SHA-1"),
        (pss_alone, "its key is not an RSA key"),
        (unknown, "it is signed with SHA-1, MD5 or something unknown"),
        (lambda ssl: (it := ssl.person()) and with_file(it, it.secret + it.certificate.raw), "it holds a private key"),
    ],
)
def test_a_bad_certificate_is_named_and_never_sealed_to(
    openssl: Openssl, signer: Signer, make: Callable[[Openssl], Person], sentence: str
) -> None:
    certificate = make(openssl).certificate
    (found,) = findings(certificate, certificate.fingerprint, now())
    assert found.startswith(f"{certificate.path}: {sentence}")
    with pytest.raises(Undeliverable, match=sentence):
        seal(certificate, signer)


def raw_of(openssl: Openssl) -> bytes:
    return openssl.person().certificate.raw


@pytest.mark.parametrize(
    "content",
    [
        lambda _: b"",
        lambda _: b"officer",
        lambda _: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        lambda ssl: raw_of(ssl)[:-200],
        lambda ssl: as_der(raw_of(ssl))[:-1],
        lambda ssl: as_der(raw_of(ssl)) + b"\0",
        lambda ssl: raw_of(ssl) * 2,
    ],
)
def test_what_is_not_one_certificate_is_a_finding(
    openssl: Openssl, signer: Signer, content: Callable[[Openssl], bytes]
) -> None:
    path = openssl.home / "officer.crt"
    path.write_bytes(content(openssl))
    certificate = read_certificate(path)
    assert certificate.fingerprint == ""
    assert findings(certificate, "", now()) == [f"{path}: this is not one readable X.509 certificate."]
    assert days_left(certificate, now()) == 0
    with pytest.raises(Undeliverable):
        seal(certificate, signer)


def test_a_private_key_alone_is_named_as_one(openssl: Openssl) -> None:
    officer = openssl.person()
    first, second = findings(with_file(officer, officer.secret).certificate, "", now())
    assert "it holds a private key" in first
    assert "not one readable" in second


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"officer\.crt: expected an S/MIME certificate"):
        read_certificate(tmp_path / "officer.crt")


@pytest.mark.parametrize("pinned", ["", " ", "0" * 64, "another"])
def test_a_certificate_that_the_profile_does_not_name_is_not_sealed_to(
    openssl: Openssl, signer: Signer, pinned: str
) -> None:
    certificate = openssl.person().certificate
    (sentence,) = findings(certificate, pinned, now())
    assert "fingerprint" in sentence
    with pytest.raises(Undeliverable, match="fingerprint"):
        seal_mail(Written(), envelope(), certificate, signer, pinned=pinned)


@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
@pytest.mark.filterwarnings("ignore")  # the library warns of odd serial numbers
def test_a_changed_certificate_is_never_the_pinned_one(
    signer: Signer, tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    good = Openssl(tmp_path_factory.mktemp("person")).person().certificate
    raw = bytearray(as_der(good.raw))
    raw[place % len(raw)] ^= 1 << bit
    changed = replace(good, raw=bytes(raw))
    assert findings(changed, good.fingerprint, now()) != []
    with pytest.raises(Undeliverable):
        seal(changed, signer)


# ── certificates that are sealed to ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "kind",
    [
        Kind(),
        Kind(uses=None, meant=None, authority=None),
        Kind(uses=("key_encipherment",)),
        Kind(meant=(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)),
    ],
)
def test_a_certificate_may_say_less(openssl: Openssl, signer: Signer, kind: Kind) -> None:
    officer = openssl.person(kind)
    assert findings(officer.certificate, officer.certificate.fingerprint, now()) == []
    opened = open_mail(seal(officer.certificate, signer), officer.secret, officer.certificate)
    assert opened == (Written().subject, Written().text, Written().case_json)


def test_a_certificate_may_be_pem_or_der_or_pem_with_words_around_it(openssl: Openssl, signer: Signer) -> None:
    officer = openssl.person()
    told = b"Bag Attributes\n  friendlyName: officer\n" + officer.certificate.raw
    for raw in (as_der(officer.certificate.raw), told):
        other = with_file(officer, raw).certificate
        assert other.fingerprint == officer.certificate.fingerprint
        assert open_mail(seal(other, signer), officer.secret, officer.certificate)[1] == Written().text


def test_the_fingerprint_is_the_one_that_openssl_shows(openssl: Openssl) -> None:
    officer = openssl.person().certificate
    shown = openssl.must("x509", "-noout", "-fingerprint", "-sha256", "-in", officer.path).decode()
    _, _, with_colons = shown.strip().partition("=")
    assert findings(officer, with_colons, now()) == []
    assert findings(officer, with_colons.replace(":", " ").lower(), now()) == []
    assert with_colons.replace(":", "").lower() == officer.fingerprint == fingerprint_of(officer.raw)


@pytest.mark.parametrize(("ends", "days"), [(10.5, 10), (0.5, 0), (-1, 0)])
def test_the_days_left_are_whole_days(openssl: Openssl, ends: float, days: int) -> None:
    assert days_left(openssl.person(Kind(ends=ends)).certificate, now()) == days


def test_a_certificate_that_is_not_valid_yet_has_no_days_left(openssl: Openssl) -> None:
    assert days_left(openssl.person(Kind(begins=1)).certificate, now()) == 0


def test_a_certificate_without_an_end_has_no_count_of_days(openssl: Openssl) -> None:
    endless = (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - now()) / timedelta(days=1)
    assert days_left(openssl.person(Kind(ends=endless)).certificate, now()) is None


def test_the_time_of_sealing_decides_whether_a_certificate_has_expired(openssl: Openssl, signer: Signer) -> None:
    officer = openssl.person(Kind(ends=10)).certificate
    late = envelope(now() + timedelta(days=11))
    with pytest.raises(Undeliverable, match="expired"):
        seal_mail(Written(), late, officer, signer, pinned=officer.fingerprint)


def test_every_reason_is_told_at_once(openssl: Openssl) -> None:
    worst = openssl.person(
        Kind(-9, -1, ("digital_signature",), (ExtendedKeyUsageOID.CLIENT_AUTH,), authority=True),
        key=rsa_key("short", 1024),
    ).certificate
    assert len(findings(worst, "another", now())) == 6


def test_no_repr_shows_a_certificate(openssl: Openssl) -> None:
    assert "BEGIN" not in repr(openssl.person().certificate)
