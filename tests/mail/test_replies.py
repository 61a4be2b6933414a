"""What counts as an officer's word, over signatures that the real gpg made, and which mails are known to come back."""

import base64
import bz2
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from pathlib import Path

import pytest
from fakes_gpg import Gpg, keyring
from fakes_openssl import Openssl, Person
from fakes_replies import (
    ANOTHER,
    HEAD,
    TOKEN,
    checks,
    clearsigned,
    mail,
    multipart,
    now,
    part,
    sealed,
    sealed_to,
    signed,
)
from hypothesis import given
from hypothesis import strategies as st
from often import tried

from bot.mail import smime_signed
from bot.mail.openpgp import Certificate, Signer, new_signing_key
from bot.mail.proof import Proof
from bot.mail.quoting import unquoted
from bot.mail.replies import LARGEST, Bounce, Officers, Reply, Useless, Why, read_reply
from bot.mail.token import read_token, token_text


@dataclass(frozen=True, slots=True)
class World:
    """An officer and a stranger with gpg, and what the bot knows: its own key and the officer's certificate."""

    gpg: Gpg
    signer: Signer
    officer: Certificate

    def read(self, raw: bytes) -> Reply | Bounce | Useless:
        return read_reply(raw, checks(self.signer, [self.officer], now()), now())

    def tokens(self, raw: bytes) -> tuple[str, ...]:
        told = self.read(raw)
        assert isinstance(told, Reply), told
        assert told.signer == self.officer.fingerprint
        assert abs(now() - told.at) < timedelta(minutes=5)
        return told.tokens

    def why(self, raw: bytes) -> Why:
        told = self.read(raw)
        assert isinstance(told, Useless), told
        return told.why

    def sealed(self, content: bytes, *words: str) -> bytes:
        return mail(sealed(sealed_to(self.gpg, self.signer, content, *words)))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with keyring() as gpg:
        gpg.new_key("officer")
        gpg.new_key("stranger")
        yield World(gpg, Signer.open(new_signing_key("Postigo")), gpg.certificate("officer"))


# ── the token ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_is_read_as_it_is_written() -> None:
    assert token_text("7K3QM4", "ABCDEFGHJK12") == TOKEN
    assert read_token(TOKEN) == TOKEN


@pytest.mark.parametrize(
    "line",
    [
        TOKEN.lower(),
        f"  {TOKEN}\t",
        f"\u00a0{TOKEN}\u00a0",
        f"{TOKEN}.",
        f"{TOKEN} .",
        f"{TOKEN} ",
        f"\ufeff{TOKEN}\r",
        f"\u2068{TOKEN}\u2069",  # as it stands in an alert in Arabic or Persian, and is copied from there
        f"\u200f{TOKEN}\u200e.",
        TOKEN.replace("-", "\u2011"),
        TOKEN.replace("-", "\u2013"),
    ],
)
def test_what_people_and_programs_make_of_a_token_is_still_the_token(line: str) -> None:
    assert read_token(line) == TOKEN


@pytest.mark.parametrize(
    "line",
    [
        "",
        f"> {TOKEN}",
        f"I have it: {TOKEN}",
        f"{TOKEN} and more",
        f"{TOKEN} {TOKEN}",
        TOKEN[:-1],
        TOKEN + "0",
        TOKEN.replace("J", "I"),
        TOKEN.replace("J", "U"),
        TOKEN.replace("ACK", "NAK"),
        TOKEN.replace("K", "\u212a"),  # the sign for kelvin, whose lower case is k
        TOKEN.replace("1", "\u0661"),
        f"{TOKEN}..",
    ],
)
def test_what_is_no_token_is_none(line: str) -> None:
    assert read_token(line) is None


@pytest.mark.parametrize(
    ("reference", "secret"), [("7K3QM", "ABCDEFGHJK12"), ("7K3QM4", "ABCDEFGHJK1"), ("7K3QMI", "A" * 12)]
)
def test_what_would_be_no_token_is_not_written(reference: str, secret: str) -> None:
    with pytest.raises(ValueError, match="token"):
        token_text(reference, secret)


@given(st.text(max_size=60))
def test_whatever_is_read_as_a_token_is_one(line: str) -> None:
    read = read_token(line)
    assert read is None or read_token(read) == read


# ── which lines are the writer's own ───────────────────────────────────────────────────────────────────

OUTLOOK = "From: Postigo <bot@bot.example>\nSent: Sunday, 22 November 2026 10:00\nTo: Officer\nSubject: [...]\n\n"


@pytest.mark.parametrize(
    "above",
    [
        "> ",
        ">",
        " > ",
        "> > ",
        ">>",
        "| ",
        "\u00a0> ",
        "-----Original Message-----\n",
        "----- Mensaje original -----\n\n",
        "-----Ursprüngliche Nachricht-----\n",
        "---------- Forwarded message ---------\n",
        "________________________________\n",
        OUTLOOK,
        OUTLOOK.replace("From", "De").replace("Sent", "Enviado el"),
        "On Sun, 22 Nov 2026 at 10:00, Postigo <bot@bot.example> wrote:\n",
        "On Sun, 22 Nov 2026 at 10:00, Postigo <bot@bot.example>\nwrote:\n",
        "El dom, 22 nov 2026 a las 10:00, Postigo (<bot@bot.example>) escribió:\n\n",
        "Am 22.11.26 um 10:00 schrieb Postigo:\n",
        "Le 22/11/2026 à 10:00, Postigo a écrit :\n",
        "在 2026年11月22日, Postigo <bot@bot.example> 写道：\n",
        "Postigo wrote:\n",
    ],
)
def test_a_quoted_token_says_nothing(world: World, above: str) -> None:
    text = f"Received.\n\n{above}{TOKEN}\n"
    assert world.why(mail(signed(world.gpg, "officer", part(text)))) is Why.NO_TOKEN


@pytest.mark.parametrize(
    "text",
    [
        f"{TOKEN}\n\n{OUTLOOK}{ANOTHER}\n",
        f"{TOKEN}\n\n-----Original Message-----\n{ANOTHER}\n",
        f"On Sun, 22 Nov 2026, Postigo <bot@bot.example> wrote:\n> {ANOTHER}\n> more\n\n{TOKEN}\n",
        f"On Sun, 22 Nov 2026 at 10:00, Postigo <bot@bot.example>\nwrote:\n\n> {ANOTHER}\n{TOKEN}\n",
        f"Good morning,\nnote: this is ours.\n{TOKEN}\nA. B.\n-- \nEmbassy\n",
        f"Dear colleague:\n{TOKEN}\n",
        f"| table\n{TOKEN}\n",
    ],
)
def test_what_stands_above_or_below_a_quote_is_the_writers_own(text: str) -> None:
    assert [read for line in unquoted(text) if (read := read_token(line))] == [TOKEN]


@given(st.text(), st.sampled_from([">", "> ", "|", " >", ">> "]))
def test_nothing_of_a_marked_text_is_the_writers_own(text: str, mark: str) -> None:
    marked = "\n".join(mark + line for line in text.replace("\r", "\n").splitlines())
    assert [line for line in unquoted(marked) if line] == []


# ── signed by an officer ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "base64", "quoted-printable"])
@pytest.mark.parametrize("name", ["utf-8", "iso-8859-1", "utf-16", "iso-2022-jp", "x-unknown", "unicode_escape"])
def test_a_signed_token_is_the_officers_word_however_it_is_encoded(world: World, encoding: str, name: str) -> None:
    entity = part(f"Yes.\n{TOKEN}\n", kind=f"text/plain; charset={name}", encoding=encoding)
    if name == "utf-16":
        entity = b"Content-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        entity += b"//5BAEMASwAtADcASwAzAFEATQA0AC0AQQBCAEMARAAtAEUARgBHAEgALQBKAEsAMQAyAA==\r\n"
    assert world.tokens(mail(signed(world.gpg, "officer", entity))) == (TOKEN,)


def test_several_tokens_are_told_in_order_and_once(world: World) -> None:
    text = f"{ANOTHER}\n{TOKEN.lower()}\n{ANOTHER}.\n"
    assert world.tokens(mail(signed(world.gpg, "officer", part(text)))) == (ANOTHER, TOKEN)


def test_a_flowed_mail_is_read(world: World) -> None:
    flowed = part(f"I have it \n{TOKEN} \n> {ANOTHER} \n", kind="text/plain; charset=utf-8; format=flowed; delsp=yes")
    assert world.tokens(mail(signed(world.gpg, "officer", flowed))) == (TOKEN,)


def test_parts_within_what_is_signed_are_read_but_no_file_and_no_forwarded_mail(world: World) -> None:
    entity = multipart(
        "multipart/mixed",
        multipart(
            "multipart/alternative", part(f"{TOKEN}\n"), part(f"<p>{ANOTHER}</p>", kind="text/html"), boundary="b2"
        ),
        part(f"{ANOTHER}\n", more="Content-Disposition: attachment; filename=alert.txt\r\n"),
        b"Content-Type: message/rfc822\r\n\r\n" + mail(part(f"{ANOTHER}\n")),
    )
    assert world.tokens(mail(signed(world.gpg, "officer", entity))) == (TOKEN,)


def test_a_mail_that_was_wrapped_on_the_way_is_read_and_what_was_added_is_not(world: World) -> None:
    wrapped = multipart(
        "multipart/mixed", signed(world.gpg, "officer", part(f"{TOKEN}\n")), part(f"{ANOTHER}\n"), boundary="w"
    )
    assert world.tokens(mail(wrapped)) == (TOKEN,)


def test_a_mailbox_that_gives_plain_line_ends_is_read(world: World) -> None:
    raw = mail(signed(world.gpg, "officer", part(f"{TOKEN}\n")))
    assert world.tokens(raw.replace(b"\r\n", b"\n")) == (TOKEN,)


def test_spaces_at_line_ends_are_part_of_what_is_signed(world: World) -> None:
    raw = mail(signed(world.gpg, "officer", part(f"Yes.  \n{TOKEN}\n-- \n")))
    assert world.tokens(raw) == (TOKEN,)
    assert world.why(raw.replace(b"Yes.  \r\n", b"Yes.\r\n")) is Why.CHANGED


def test_the_same_mail_twice_says_the_same_twice(world: World) -> None:
    raw = mail(signed(world.gpg, "officer", part(f"{TOKEN}\n")))
    assert world.read(raw) == world.read(raw)


def test_a_text_signed_in_clear_is_read_and_nothing_around_it(world: World) -> None:
    clear = clearsigned(world.gpg, "officer", f"Yes.\n{TOKEN}\n").decode()
    for encoding in ("7bit", "quoted-printable", "base64"):
        raw = mail(part(f"{ANOTHER}\n{clear}\n{ANOTHER}\n", encoding=encoding))
        assert world.tokens(raw) == (TOKEN,)


def test_a_text_signed_in_clear_by_a_stranger_or_changed_is_nothing(world: World) -> None:
    clear = clearsigned(world.gpg, "officer", f"Yes.\n{TOKEN}\n").decode()
    assert world.why(mail(part(clear.replace("Yes", "No")))) is Why.CHANGED
    assert world.why(mail(part(clearsigned(world.gpg, "stranger", f"{TOKEN}\n").decode()))) is Why.STRANGER
    assert world.why(mail(part("".join(f"> {line}\n" for line in clear.splitlines())))) is Why.UNSIGNED


@pytest.mark.parametrize("packed", [(), ("--compress-algo", "none")])
def test_a_sealed_mail_that_is_signed_within_is_read(world: World, packed: tuple[str, ...]) -> None:
    raw = world.sealed(part(f"{TOKEN}\n> {ANOTHER}\n"), "-u", "=officer", "--sign", *packed)
    assert world.tokens(raw) == (TOKEN,)


def test_a_signed_mail_that_is_sealed_is_read(world: World) -> None:
    assert world.tokens(world.sealed(signed(world.gpg, "officer", part(f"{TOKEN}\n")))) == (TOKEN,)


def test_a_text_that_is_signed_and_sealed_without_mime_is_read(world: World) -> None:
    message = sealed_to(world.gpg, world.signer, f"{TOKEN}\n".encode(), "-u", "=officer", "--sign")
    assert world.tokens(mail(part(message.decode()))) == (TOKEN,)


# ── what says nothing ──────────────────────────────────────────────────────────────────────────────────


def test_who_signs_nothing_or_is_not_pinned_says_nothing(world: World) -> None:
    words = part(f"{TOKEN}\n")
    assert world.why(mail(words)) is Why.UNSIGNED
    assert world.why(mail(signed(world.gpg, "stranger", words))) is Why.STRANGER
    assert world.why(world.sealed(words)) is Why.UNSIGNED
    assert world.why(world.sealed(words, "-u", "=stranger", "--sign")) is Why.STRANGER
    assert world.why(world.sealed(signed(world.gpg, "stranger", words))) is Why.STRANGER
    assert world.why(mail(part(sealed_to(world.gpg, world.signer, words).decode()))) is Why.UNSIGNED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"JK12", b"JK13"),
        (b"Yes", b"yes"),
        (b"charset=utf-8", b"charset=utf8"),
        (b"\r\n\r\nYes", b"\r\nX: 1\r\n\r\nYes"),
    ],
)
def test_what_was_changed_says_nothing(world: World, old: bytes, new: bytes) -> None:
    raw = mail(signed(world.gpg, "officer", part(f"Yes\n{TOKEN}\n")))
    assert world.why(raw.replace(old, new)) is Why.CHANGED


def test_headers_and_html_say_nothing(world: World) -> None:
    html = part(f"<p>{TOKEN}</p>\n{TOKEN}\n", kind="text/html; charset=utf-8")
    assert world.why(mail(signed(world.gpg, "officer", html))) is Why.NO_TOKEN
    assert ANOTHER in HEAD
    assert world.why(mail(signed(world.gpg, "officer", part("Yes.\n")))) is Why.NO_TOKEN


def test_an_officer_whose_key_has_expired_says_nothing(world: World) -> None:
    with keyring() as gpg:
        gpg.new_key("officer", lasts="2d", at="20240101T000000")
        raw = mail(signed(gpg, "officer", part(f"{TOKEN}\n"), at="20240101T120000"))
        old = World(world.gpg, world.signer, gpg.certificate("officer"))
        assert old.why(raw) is Why.EXPIRED


def test_what_is_signed_in_the_future_says_nothing(world: World) -> None:
    raw = mail(signed(world.gpg, "officer", part(f"{TOKEN}\n"), at="20990101T000000"))
    assert world.why(raw) is Why.CHANGED
    ahead = _smime(lambda *_: Proof("ab" * 20, now() + timedelta(minutes=11)))
    assert read_reply(SMIME, ahead, now()) == Useless(Why.EARLY)
    assert read_reply(SMIME, ahead, now() - timedelta(days=1)) == Useless(Why.CHANGED)


def test_what_is_sealed_to_somebody_else_or_broken_is_unreadable(world: World) -> None:
    another = Signer.open(new_signing_key("Another"))
    assert world.why(mail(sealed(sealed_to(world.gpg, another, part(f"{TOKEN}\n"))))) is Why.UNREADABLE
    assert world.why(mail(sealed(b"nothing\n"))) is Why.UNREADABLE
    three = multipart("multipart/signed", part("a\n"), part("b\n"), part("c\n"))
    two = multipart("multipart/signed", part(f"{TOKEN}\n"), part("b\n"))
    for entity in (three, two, multipart("multipart/encrypted", part("a\n"))):
        assert world.why(mail(entity)) is Why.UNREADABLE
    assert world.why(b"") is Why.UNREADABLE


def test_what_is_larger_than_any_answer_is_not_read(world: World) -> None:
    raw = mail(signed(world.gpg, "officer", part(f"{TOKEN}\n")))
    assert world.why(raw + b" " * (LARGEST + 1 - len(raw))) is Why.TOO_LARGE
    assert world.tokens(raw + b" " * (LARGEST - len(raw))) == (TOKEN,)


def test_multiparts_within_multiparts_without_end_are_not_followed(world: World) -> None:
    entity = signed(world.gpg, "officer", part(f"{TOKEN}\n"))
    for number in range(200):
        entity = multipart("multipart/mixed", entity, boundary=f"x{number}x")
    assert world.why(mail(entity)) is Why.UNSIGNED


def nested(depth: int) -> bytes:
    head = b"".join(b"Content-Type: multipart/mixed; boundary=x%dx\r\n\r\n--x%dx\r\n" % (at, at) for at in range(depth))
    return HEAD.encode() + head


@cache
def bomb() -> bytes:
    """64 MiB in a hundred bytes (RFC 9580, section 5.6)."""
    packed = b"\3" + bz2.compress(bytes(2**26))
    return b"\xc8\xff" + len(packed).to_bytes(4, "big") + packed


TIRESOME: Mapping[str, Callable[[], bytes]] = {
    "line ends": lambda: b"\r" * LARGEST,
    "empty lines": lambda: b"\n" * LARGEST,
    "parameters": lambda: b"Content-Type: multipart/signed" + b";" * (LARGEST - 100) + b'"',
    "open quotes": lambda: b'Content-Type: text/plain; a="' + b";" * (LARGEST - 100),
    "folded headers": lambda: b"Content-Type: text/plain\r\n" + b" ;\r\n" * (LARGEST // 5),
    "headers": lambda: b"A: b\r\n" * (LARGEST // 6),
    "multiparts": lambda: nested(LARGEST // 70),
    "parts": lambda: (
        HEAD.encode() + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\n" * (LARGEST // 8)
    ),
    "beginnings": lambda: (
        HEAD.encode() + b"\r\n" + b"-----BEGIN PGP MESSAGE-----\r\n" * 35_000 + b"-----END PGP MESSAGE-----\r\n"
    ),
    "sealed beginnings": lambda: mail(sealed(b"-----BEGIN PGP MESSAGE-----\n" * 35_000)),
    "clear beginnings": lambda: mail(
        part("-----BEGIN PGP SIGNED MESSAGE-----\n" * 29_000 + "-----END PGP SIGNATURE-----\n")
    ),
    "ids": lambda: b"Return-Path: <>\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: " + b"<" + b"a@" * 500_000,
    "a packed signature": lambda: mail(
        multipart("multipart/signed", part("a\n"), b"Content-Type: application/pgp-signature\r\n\r\n" + bomb())
    ),
    "a packed message": lambda: mail(sealed(bomb())),
    "base 64": lambda: HEAD.encode() + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=" * (LARGEST - 1000),
}


@pytest.mark.parametrize("kind", TIRESOME)
def test_nobody_can_keep_the_reader_busy(world: World, kind: str) -> None:
    raw = TIRESOME[kind]()[:LARGEST]
    began = time.monotonic()
    assert isinstance(world.read(raw), Useless)
    assert time.monotonic() - began < 5  # seconds; most take hundredths


# ── S/MIME ─────────────────────────────────────────────────────────────────────────────────────────────

PROOF = Proof("ab" * 32, now())
SMIME = mail(
    multipart(
        'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256',
        part(f"{TOKEN}\n"),
        b"Content-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\nc2lnbmVk\r\n",
    )
)
OPAQUE = mail(b"Content-Type: application/x-pkcs7-mime; smime-type=signed-data\r\n\r\nder")


def _smime(check: object, found: tuple[bytes, Proof] | None = None) -> Officers:
    return Officers(
        check_pgp=lambda *_: Why.STRANGER,
        read_clear=lambda _: Why.STRANGER,
        open_pgp=lambda _: None,
        check_smime=check,  # type: ignore[arg-type]  # each test gives its own
        open_smime=lambda _: found,
    )


def test_an_smime_signature_is_checked_over_the_exact_octets() -> None:
    asked: list[tuple[bytes, bytes]] = []

    def check(octets: bytes, signature: bytes) -> Proof:
        asked.append((octets, signature))
        return PROOF

    assert read_reply(SMIME, _smime(check), now()) == Reply(PROOF.fingerprint, PROOF.at, (TOKEN,))
    assert asked == [(part(f"{TOKEN}\n"), b"signed")]
    assert read_reply(SMIME, _smime(lambda *_: None), now()) == Useless(Why.STRANGER)


def test_an_smime_mail_within_its_signature_is_opened() -> None:
    assert read_reply(OPAQUE, _smime(None, (part(f"{TOKEN}\n"), PROOF)), now()) == Reply(
        PROOF.fingerprint, PROOF.at, (TOKEN,)
    )
    assert read_reply(OPAQUE, _smime(None), now()) == Useless(Why.STRANGER)
    sealed_mail = OPAQUE.replace(b"signed-data", b"enveloped-data")
    assert read_reply(sealed_mail, _smime(None, (part(f"{TOKEN}\n"), PROOF)), now()) == Useless(Why.UNREADABLE)


def test_what_openssl_signs_is_read_end_to_end(tmp_path: Path) -> None:
    openssl = Openssl(tmp_path)
    officer, stranger = openssl.person(), openssl.person(name="stranger")
    pinned = [officer.certificate]
    knows = _smime(partial(smime_signed.signer_of, officers=pinned, now=now()))
    entity = part(f"Yes.  \n{TOKEN}\n> {ANOTHER}\n")

    def detached(who: Person) -> bytes:
        made = base64.encodebytes(openssl.sign(entity, who)).replace(b"\n", b"\r\n")
        head = b"Content-Type: application/x-pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        return mail(multipart('multipart/signed; protocol="application/x-pkcs7-signature"', entity, head + made))

    told = read_reply(detached(officer), knows, now())
    assert isinstance(told, Reply) and told.tokens == (TOKEN,)
    assert read_reply(detached(officer).replace(b"Yes.", b"No."), knows, now()) == Useless(Why.STRANGER)
    assert read_reply(detached(stranger), knows, now()) == Useless(Why.STRANGER)


# ── laws ───────────────────────────────────────────────────────────────────────────────────────────────


@tried(0.6)
@given(raw=st.binary(max_size=500))
def test_arbitrary_bytes_never_raise_and_are_never_a_reply(raw: bytes, world: World) -> None:
    assert isinstance(world.read(raw), Useless)
    assert not isinstance(world.read(HEAD.encode() + raw), Reply)


@pytest.fixture(scope="module")
def real(world: World) -> list[bytes]:
    words = part(f"Yes.\n{TOKEN}\n> quoted\n")
    clear = clearsigned(world.gpg, "officer", f"Yes.\n{TOKEN}\n").decode()
    return [
        mail(signed(world.gpg, "officer", words)),
        mail(part(clear)),
        world.sealed(words, "-u", "=officer", "--sign"),
        world.sealed(signed(world.gpg, "officer", words)),
    ]


@tried(0.8)
@given(
    which=st.integers(0, 3),
    place=st.floats(0, 1, exclude_max=True),
    cut=st.integers(0, 40),
    added=st.binary(max_size=10),
)
def test_a_spoiled_mail_never_raises_and_never_says_anything_else(
    which: int, place: float, cut: int, added: bytes, real: list[bytes], world: World
) -> None:
    raw = real[which]
    at = int(place * len(raw))
    told = world.read(raw[:at] + added + raw[at + cut :])
    assert not isinstance(told, Bounce)
    assert isinstance(told, Useless) or (told.tokens, told.signer) == ((TOKEN,), world.officer.fingerprint)


@tried(0.6)
@given(place=st.integers(0, 10_000), added=st.text(st.characters(codec="ascii"), min_size=1, max_size=30))
def test_nothing_can_be_added_to_what_was_signed(place: int, added: str, world: World, real: list[bytes]) -> None:
    raw, token = real[0], ANOTHER.encode()
    at = place % len(raw)
    told = world.read(raw[:at] + b"\r\n" + token + b"\r\n" + added.encode() + raw[at:])
    assert not isinstance(told, Reply) or told.tokens == (TOKEN,)
