"""Which certificates are sealed to, and that only their owner reads what was sealed: the real gpg is asked."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pysequoia
import pytest
from fakes_gpg import Gpg
from hypothesis import given
from hypothesis import strategies as st
from often import tried
from pysequoia.packet import Packet, PacketPile

from bot.errors import SealingError, SettingsError, Undeliverable
from bot.mail.envelope import read_inner, sealed_part
from bot.mail.openpgp import (
    Certificate,
    Envelope,
    Signer,
    days_left,
    findings,
    message_id,
    new_signing_key,
    open_mail,
    read_certificate,
    seal_mail,
    throwaway_officer,
)

CANARY = "QWXZJKVBHPYMFGUC"
REFERENCE = "K7Q2A"
WORDS = "Её задержали вчера. اعتقلوها أمس. 她昨天被拘留了。 La detuvieron ayer."
LONG_AGO = "20240101T000000"
BOT = "intake@bot.example"
OFFICER = "officer@mission.example"


@dataclass(frozen=True, slots=True)
class Written:
    subject: str = f"Level 1: {REFERENCE} {CANARY} задержана"
    text: str = f"Level 1 {REFERENCE}\n{WORDS}\n{CANARY}\n. a dot\nFrom here\n"
    case_json: str = json.dumps({"reference": REFERENCE, "words": WORDS + CANARY}, ensure_ascii=False)


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer.open(new_signing_key("Postigo <intake@bot.example>"))


def now() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=1)  # noqa: TID251 - keys are made at the real time, to whole seconds


def envelope(at: datetime | None = None) -> Envelope:
    return Envelope(BOT, OFFICER, message_id(b"k" * 32, REFERENCE, 0, OFFICER, "bot.example"), at or now())


def seal(certificate: Certificate, signer: Signer, written: Written | None = None) -> bytes:
    return seal_mail(written or Written(), envelope(), certificate, signer, pinned=certificate.fingerprint)


# ── what the real gpg says ─────────────────────────────────────────────────────────────────────────────


def opened(gpg: Gpg, mail: bytes) -> tuple[bytes, str]:
    status = gpg.home / "status"
    inner = gpg.must("--status-file", str(status), "--decrypt", given=sealed_part(mail))
    return inner, status.read_text(errors="replace")


@pytest.mark.parametrize("algorithm", ["ed25519", "rsa3072"])
def test_gpg_opens_the_mail_and_finds_the_bots_signature_good(gpg: Gpg, signer: Signer, algorithm: str) -> None:
    gpg.must("--import", given=signer.certificate.raw)
    gpg.must("--quick-gen-key", "officer", algorithm, "sign,cert", "never")
    gpg.must("--quick-add-key", gpg.fingerprint("officer"), algorithm.replace("ed25519", "cv25519"), "encr", "never")
    inner, status = opened(gpg, seal(gpg.certificate("officer"), signer))
    assert read_inner(inner) == (Written().subject, Written().text, Written().case_json)
    assert "[GNUPG:] GOODSIG" in status
    assert f"{signer.certificate.fingerprint.upper()}" in status.partition("[GNUPG:] VALIDSIG")[2]
    assert "[GNUPG:] DECRYPTION_OKAY" in status


def test_gpg_does_not_open_a_mail_to_somebody_else(gpg: Gpg, signer: Signer) -> None:
    gpg.new_key("another")
    gpg.new_key("officer")
    mail = seal(gpg.certificate("officer"), signer)
    keygrip = gpg.must("--with-colons", "--with-keygrip", "--list-secret-keys", "=officer").decode()
    for line in keygrip.splitlines():
        if line.startswith("grp"):
            (gpg.home / "private-keys-v1.d" / f"{line.split(':')[9]}.key").unlink()
    assert b"No secret key" in gpg.run("--decrypt", given=sealed_part(mail)).stderr


def test_gpg_refuses_a_mail_that_was_changed_on_the_way(gpg: Gpg, signer: Signer) -> None:
    gpg.new_key("officer")
    gpg.must("--import", given=signer.certificate.raw)
    sealed = gpg.must("--dearmor", given=sealed_part(seal(gpg.certificate("officer"), signer)))
    gpg.must("--decrypt", given=sealed)
    for place in (20, len(sealed) // 2, len(sealed) - 40, len(sealed) - 1):
        changed = bytes(one ^ (at == place) for at, one in enumerate(sealed))
        assert gpg.run("--decrypt", given=changed).returncode != 0


# ── what somebody on the way reads ─────────────────────────────────────────────────────────────────────


def traces(secret: str) -> Iterator[bytes]:
    """The forms in which a text could stand in a mail."""
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        plain = secret.encode(encoding)
        yield plain
        yield plain.hex().encode()
        yield base64.b64encode(plain, b"-_")[: len(plain)]
        for offset in range(3):
            yield base64.b64encode(b"\0" * offset + plain)[4:-4]
    yield json.dumps(secret).strip('"').encode()


def unfolded(mail: bytes) -> bytes:
    return mail.replace(b"\r\n", b"")


@pytest.mark.parametrize("secret", [CANARY, f"Level 1: {REFERENCE}", "задержана", "اعتقلوها"])
def test_outside_nothing_of_the_case_is_found(signer: Signer, secret: str) -> None:
    key, certificate = throwaway_officer()
    mail = seal(certificate, signer)
    opened_bytes = "\n".join(open_mail(mail, key)).encode()
    assert secret.encode() in opened_bytes
    assert [trace for trace in traces(secret) if trace in mail or trace in unfolded(mail)] == []


def test_the_search_finds_a_trace_where_there_is_one() -> None:
    clear = b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(WORDS.encode() + CANARY.encode())
    assert any(trace in clear.replace(b"\n", b"") for trace in traces(CANARY))


def test_outside_the_reference_does_not_stand(signer: Signer) -> None:
    head, _, _ = seal(throwaway_officer()[1], signer).partition(b"-----BEGIN PGP MESSAGE-----")
    assert REFERENCE.encode() not in head


@pytest.mark.parametrize("length", [1, 500, 1500])
def test_the_size_on_the_wire_says_only_the_class(signer: Signer, length: int) -> None:
    """Signatures and session keys are numbers that may be a byte or two shorter, by chance and not by content."""
    _, certificate = throwaway_officer()
    sizes = [len(seal(certificate, signer, Written("s", "x" * size, "{}"))) for size in (length, 800)]
    assert abs(sizes[0] - sizes[1]) <= 16


def test_the_wire_is_ascii_with_short_lines(signer: Signer) -> None:
    mail = seal(throwaway_officer()[1], signer, Written("я" * 500, "я" * 50_000, "{}"))
    assert mail.isascii()
    assert max(len(line) for line in mail.split(b"\r\n")) <= 998
    assert mail.count(b"\n") == mail.count(b"\r") == mail.count(b"\r\n")


# ── certificates that are not sealed to ────────────────────────────────────────────────────────────────

SHA1 = ("--cert-digest-algo", "SHA1", "--digest-algo", "SHA1", "--allow-weak-digest-algos")


def expired(gpg: Gpg) -> None:
    gpg.new_key("officer", lasts="30d", at=LONG_AGO)


def expired_subkey(gpg: Gpg) -> None:
    gpg.new_key("officer", sealing="30d", at=LONG_AGO)


def revoked(gpg: Gpg) -> None:
    gpg.new_key("officer")
    gpg.revoke("officer")


def revoked_subkey(gpg: Gpg) -> None:
    gpg.new_key("officer")
    said = b"key 1\nrevkey\ny\n0\n\ny\nsave\n"
    gpg.must("--command-fd", "0", "--no-batch", "--edit-key", "officer", given=said)


def signs_only(gpg: Gpg) -> None:
    gpg.new_key("officer", sealing="")


def short_rsa(gpg: Gpg) -> None:
    gpg.must("--quick-gen-key", "officer", "rsa1024", "sign,cert", "never")
    gpg.must("--quick-add-key", gpg.fingerprint("officer"), "rsa1024", "encr", "never")


def sha1(gpg: Gpg) -> None:
    gpg.new_key("officer", options=SHA1)


def from_the_future(gpg: Gpg) -> None:
    gpg.new_key("officer", at="20990101T000000")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (expired, "it has expired."),
        (expired_subkey, "it has no living key to seal to."),
        (revoked, "it is revoked."),
        (revoked_subkey, "it has no living key to seal to."),
        (signs_only, "it has no living key to seal to."),
        (short_rsa, "the key or its signatures are too weak to seal to."),
        (sha1, "the key or its signatures are too weak to seal to."),
        (from_the_future, "it is dated in the future."),
    ],
)
def test_a_bad_certificate_is_named_and_never_sealed_to(
    gpg: Gpg, signer: Signer, make: Callable[[Gpg], None], sentence: str
) -> None:
    make(gpg)
    certificate = gpg.certificate("officer")
    assert findings(certificate, gpg.fingerprint("officer"), now()) == [f"{certificate.path}: {sentence}"]
    assert days_left(certificate, now()) == 0
    with pytest.raises(Undeliverable, match=sentence):
        seal(certificate, signer)


def test_two_certificates_in_one_file_are_not_readable(gpg: Gpg) -> None:
    first, second = gpg.new_key("first"), gpg.new_key("second")
    path = gpg.home / "both.asc"
    path.write_bytes(gpg.must("--export", first, second))
    assert findings(read_certificate(path), first, now()) == [f"{path}: this is not one readable OpenPGP certificate."]


def test_a_secret_key_in_place_of_a_certificate_is_refused(gpg: Gpg, signer: Signer) -> None:
    fingerprint = gpg.new_key("officer")
    path = gpg.home / "secret.asc"
    path.write_bytes(gpg.must("--armor", "--export-secret-keys", fingerprint))
    (sentence,) = findings(read_certificate(path), fingerprint, now())
    assert "it holds a secret key" in sentence
    with pytest.raises(Undeliverable):
        seal(read_certificate(path), signer)


@pytest.mark.parametrize("content", [b"", b"officer", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n"])
def test_what_is_no_certificate_is_a_finding(tmp_path: Path, signer: Signer, content: bytes) -> None:
    path = tmp_path / "officer.asc"
    path.write_bytes(content)
    certificate = read_certificate(path)
    assert findings(certificate, "", now()) == [f"{path}: this is not one readable OpenPGP certificate."]
    assert days_left(certificate, now()) == 0
    with pytest.raises(Undeliverable):
        seal(certificate, signer)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"officer\.asc: expected an OpenPGP certificate"):
        read_certificate(tmp_path / "officer.asc")


@pytest.mark.parametrize("pinned", ["", " ", "0" * 40, "another"])
def test_a_certificate_that_the_profile_does_not_name_is_not_sealed_to(signer: Signer, pinned: str) -> None:
    _, certificate = throwaway_officer()
    (sentence,) = findings(certificate, pinned, now())
    assert "fingerprint" in sentence
    with pytest.raises(Undeliverable, match="fingerprint"):
        seal_mail(Written(), envelope(), certificate, signer, pinned=pinned)


def test_a_fingerprint_may_be_written_as_gpg_shows_it() -> None:
    _, certificate = throwaway_officer()
    shown = certificate.fingerprint.upper()
    spaced = "  ".join(shown[start : start + 4] for start in range(0, 40, 4))
    assert findings(certificate, spaced, now()) == []


@tried(0.3)
@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_changed_certificate_is_judged_and_never_stops_the_judge(signer: Signer, place: int, bit: int) -> None:
    secret, good = throwaway_officer()
    raw = bytearray(bytes(pysequoia.Cert.from_bytes(good.raw)))
    raw[place % len(raw)] ^= 1 << bit
    changed = replace(good, raw=bytes(raw))
    if findings(changed, good.fingerprint, now()):
        with pytest.raises(Undeliverable):
            seal(changed, signer)
    else:
        assert open_mail(seal(changed, signer), secret)[1] == Written().text


def test_a_subkey_that_somebody_else_put_into_the_file_is_not_sealed_to(signer: Signer) -> None:
    secret, good = throwaway_officer()
    others_secret, other = throwaway_officer()
    packets = [*packets_of(good), *packets_of(other)[-2:]]  # a subkey and the signature that binds it elsewhere
    mixed = replace(good, raw=bytes(pysequoia.Cert.from_packets(packets)))
    mail = seal(mixed, signer)
    assert open_mail(mail, secret)[1] == Written().text
    with pytest.raises(SealingError):
        open_mail(mail, others_secret)


def packets_of(certificate: Certificate) -> list[Packet]:
    return list(PacketPile.from_bytes(certificate.raw))


@pytest.mark.parametrize("unknown", [b"\xe2\x03abc", b"\xf5\x03abc"])
def test_a_packet_that_is_newer_than_we_does_not_make_a_certificate_bad(tmp_path: Path, unknown: bytes) -> None:
    _, good = throwaway_officer()
    path = tmp_path / "newer"
    path.write_bytes(bytes(pysequoia.Cert.from_bytes(good.raw)) + unknown)
    assert findings(read_certificate(path), good.fingerprint, now()) == []


# ── certificates that are sealed to ────────────────────────────────────────────────────────────────────


def test_a_new_subkey_beside_an_expired_one_is_the_one_sealed_to(gpg: Gpg, signer: Signer) -> None:
    fingerprint = gpg.new_key("officer", sealing="30d", at=LONG_AGO)
    gpg.add_subkey(fingerprint, "never")
    certificate = gpg.certificate("officer")
    assert findings(certificate, fingerprint, now()) == []
    listed = gpg.must("--with-colons", "--list-keys", "officer").decode().splitlines()
    old, new = (line.split(":")[4] for line in listed if line.startswith("sub"))
    packets = gpg.must("--list-packets", given=sealed_part(seal(certificate, signer))).decode()
    assert new in packets
    assert old not in packets


def test_a_key_that_was_prolonged_is_sealed_to_again(gpg: Gpg) -> None:
    fingerprint = gpg.new_key("officer", lasts="30d", sealing="30d", at=LONG_AGO)
    gpg.must("--quick-set-expire", fingerprint, "1y")
    assert "no living key" in findings(gpg.certificate("officer"), fingerprint, now())[0]
    listed = gpg.must("--with-colons", "--list-keys", "officer").decode().splitlines()
    _, subkey = (line.split(":")[9] for line in listed if line.startswith("fpr"))
    gpg.must("--quick-set-expire", fingerprint, "1y", subkey)
    assert findings(gpg.certificate("officer"), fingerprint, now()) == []


def test_a_primary_key_that_seals_by_itself_is_enough(gpg: Gpg, signer: Signer) -> None:
    gpg.must("--quick-gen-key", "officer", "rsa2048", "sign,cert,encr", "never")
    gpg.must("--import", given=signer.certificate.raw)
    inner, _ = opened(gpg, seal(gpg.certificate("officer"), signer))
    assert read_inner(inner)[1] == Written().text


@pytest.mark.parametrize(
    ("lasts", "sealing", "days"),
    [("never", "never", None), ("never", "10d", 9), ("20d", "never", 19), ("20d", "10d", 9), ("5d", "10d", 4)],
)
def test_the_days_left_are_those_of_what_ends_first(gpg: Gpg, lasts: str, sealing: str, days: int | None) -> None:
    gpg.new_key("officer", lasts=lasts, sealing=sealing)
    assert days_left(gpg.certificate("officer"), now()) == days


def test_the_last_of_several_subkeys_counts(gpg: Gpg) -> None:
    fingerprint = gpg.new_key("officer", sealing="10d")
    gpg.add_subkey(fingerprint, "40d")
    assert days_left(gpg.certificate("officer"), now()) == 39
    gpg.add_subkey(fingerprint, "never")
    assert days_left(gpg.certificate("officer"), now()) is None


def test_the_time_of_sealing_decides_whether_a_certificate_has_expired(gpg: Gpg, signer: Signer) -> None:
    fingerprint = gpg.new_key("officer", sealing="10d")
    certificate = gpg.certificate("officer")
    late = envelope(now() + timedelta(days=11))
    with pytest.raises(Undeliverable, match="no living key"):
        seal_mail(Written(), late, certificate, signer, pinned=fingerprint)


# ── the bot's own key, and rehearsals ──────────────────────────────────────────────────────────────────


def test_a_signing_key_can_be_kept_and_opened_again() -> None:
    secret = new_signing_key("Postigo <intake@bot.example>")
    assert secret.startswith(b"-----BEGIN PGP PRIVATE KEY BLOCK-----")
    assert Signer.open(secret).certificate == Signer.open(secret).certificate


def test_a_public_or_broken_signing_key_is_refused(signer: Signer) -> None:
    for secret in (signer.certificate.raw, b"", b"nonsense"):
        with pytest.raises(SealingError):
            Signer.open(secret)


def test_a_signing_key_with_a_password_is_refused(gpg: Gpg) -> None:
    gpg.must("--passphrase", "a password", "--quick-gen-key", "bot", "ed25519", "sign,cert", "never")
    secret = gpg.must("--passphrase", "a password", "--export-secret-keys", "bot")
    with pytest.raises(SealingError):
        Signer.open(secret)


def test_the_bot_cannot_open_what_it_sealed() -> None:
    secret = new_signing_key("Postigo <intake@bot.example>")
    mail = seal(throwaway_officer()[1], Signer.open(secret))
    with pytest.raises(SealingError):
        open_mail(mail, secret)


def test_a_rehearsal_shows_what_the_officer_would_read(signer: Signer) -> None:
    secret, certificate = throwaway_officer()
    assert open_mail(seal(certificate, signer), secret) == (Written().subject, Written().text, Written().case_json)


def test_an_address_that_cannot_stand_in_a_mail_is_undeliverable(signer: Signer) -> None:
    _, certificate = throwaway_officer()
    wrong = replace(envelope(), recipient="a@b.example\r\nBcc: c@d.example")
    with pytest.raises(Undeliverable) as error:
        seal_mail(Written(), wrong, certificate, signer, pinned=certificate.fingerprint)
    assert "example" not in str(error.value)


def test_no_repr_shows_a_key(signer: Signer) -> None:
    shown = repr(signer) + repr(throwaway_officer()[1])
    assert "PGP" not in shown
    assert "PySigner" not in shown


def test_one_signer_seals_in_several_threads_at_once(signer: Signer) -> None:
    secret, certificate = throwaway_officer()
    mails: list[bytes] = []
    workers = [threading.Thread(target=lambda: mails.append(seal(certificate, signer))) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [open_mail(mail, secret)[1] for mail in mails] == [Written().text] * 8
