"""Mails that anybody may send: answers of officers, spoiled on the way, and mails of ours that come back.

What is believed must be what an officer signed, octet for octet: whatever the mail around it has become. The keys are
made anew for each run, so an input is kept as the change of a mail, and played again with other keys.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric import ec
from fakes_gpg import keyring
from fakes_openssl import Openssl, Person
from fakes_replies import (
    TOKEN,
    checks,
    clearsigned,
    lines,
    mail,
    multipart,
    now,
    part,
    sealed,
    sealed_to,
    signed,
)
from fuzz.chance import Chance
from fuzz.mutators import spoiled
from fuzz.target import Fuzzed
from mail.test_bounces import EXIM, HEADERS, WHOLE, nobody, report

from bot.mail import smime_signed
from bot.mail.bounces import MOST_IDS, Bounce
from bot.mail.mime import canonical, leaves, read_entity
from bot.mail.openpgp import Signer, new_signing_key
from bot.mail.proof import Proof
from bot.mail.quoting import unquoted
from bot.mail.replies import Officers, Reply, Useless, Why, read_reply

NEVER = "ACK-7K3QM4-9999-9999-9999"  # stands in what officers signed, and never as their own word
QUOTED = f"No.\n\nOn Sun, 22 Nov 2026 at 10:00, Postigo <bot@bot.example> wrote:\n> {NEVER}\n"


@dataclass(frozen=True)
class World:
    """Mails that were signed, and who may believe them. `octets`: everything that was ever signed by an officer."""

    mails: Mapping[str, bytes]
    officers: Officers
    fingerprints: frozenset[str]
    octets: frozenset[bytes]


def _texts() -> dict[str, bytes]:
    attached = part(f"{NEVER}\n", more="Content-Disposition: attachment; filename=t.txt\r\n")
    return {
        "own": part(f"{TOKEN}\n\nA. B.\n"),
        "base64": part(f"Received.\n{TOKEN}\n", encoding="base64"),
        "quoted": part(QUOTED, encoding="quoted-printable"),
        "attached": multipart("multipart/mixed", part("No.\n"), attached, boundary="in"),
    }


@cache
def world() -> World:
    """Sign some mails with real gpg and openssl."""
    texts = _texts()
    with keyring() as gpg, TemporaryDirectory() as folder:
        gpg.new_key("officer")
        gpg.new_key("stranger")
        signer = Signer.open(new_signing_key("Postigo"))
        officer, openssl = gpg.certificate("officer"), Openssl(Path(folder))
        person = openssl.person(key=ec.generate_private_key(ec.SECP256R1()))
        mails = {f"pgp {name}": mail(signed(gpg, "officer", text)) for name, text in texts.items()}
        mails["pgp stranger"] = mail(signed(gpg, "stranger", texts["own"]))
        own = ("--sign", "-u", "=officer")
        mails["sealed"] = mail(sealed(sealed_to(gpg, signer, texts["own"], *own)))
        mails["sealed around"] = mail(sealed(sealed_to(gpg, signer, signed(gpg, "officer", texts["own"]))))
        mails["sealed unsigned"] = mail(sealed(sealed_to(gpg, signer, part(f"{NEVER}\n"))))
        mails["clear"] = mail(part(clearsigned(gpg, "officer", f"{TOKEN}\n").decode()))
        mails["clear quoted"] = mail(part(clearsigned(gpg, "officer", QUOTED).decode()))
        mails["inline"] = mail(part(sealed_to(gpg, signer, lines(f"{TOKEN}\n"), *own).decode()))
        mails |= {f"smime {name}": mail(_by_smime(openssl, person, text)) for name, text in texts.items()}
        mails["opaque"] = mail(_opaque(openssl, person, texts["own"]))
        mails["opaque quoted"] = mail(_opaque(openssl, person, texts["quoted"]))
    clear = [lines(f"{TOKEN}\n"), lines(QUOTED)]
    checked = _with_smime(checks(signer, [officer], now()), person)
    prints = frozenset({officer.fingerprint, person.certificate.fingerprint})
    return World(mails, checked, prints, frozenset([*texts.values(), *clear]))


def _by_smime(openssl: Openssl, person: Person, text: bytes) -> bytes:
    made = base64.encodebytes(openssl.sign(text, person)).replace(b"\n", b"\r\n")
    head = b"Content-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    kind = 'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256'
    return multipart(kind, text, head + made, boundary="smime")


def _opaque(openssl: Openssl, person: Person, text: bytes) -> bytes:
    made = base64.encodebytes(openssl.sign(text, person, "-nodetach")).replace(b"\n", b"\r\n")
    head = b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head + made


def _with_smime(officers: Officers, person: Person) -> Officers:
    known = [person.certificate]
    return replace(
        officers,
        check_smime=lambda text, signature: smime_signed.signer_of(text, signature, known, now()),
        open_smime=lambda der: smime_signed.opened_signed(der, known, now()),
    )


# ── replies ──────────────────────────────────────────────────────────────────────────────────────────────


def replies() -> Fuzzed:
    names = sorted(world().mails)

    def made(chance: Chance) -> bytes:
        return spoiled(chance, [world().mails[chance.of(names)], world().mails[chance.of(names)]], 4)

    return Fuzzed(made, _reply, partial(packed, world().mails), partial(unpacked, world().mails))


def _reply(octets: bytes) -> None:
    believed: list[tuple[bytes, str]] = []
    told = read_reply(octets, _watched(world().officers, believed), now())
    assert isinstance(told, Reply | Bounce | Useless)
    for text, fingerprint in believed:
        assert _plain(text) in {_plain(one) for one in world().octets}, "what is believed was never signed"
        assert fingerprint in world().fingerprints
    if isinstance(told, Reply):
        assert set(told.tokens) == {TOKEN}, "what is believed is not what the officer said"
        assert told.signer in {fingerprint for _, fingerprint in believed}
    if isinstance(told, Bounce):
        assert 0 < len(told.message_ids) <= MOST_IDS


def _plain(text: bytes) -> bytes:
    """Signatures in clear say nothing of spaces at the ends of lines, nor of the last line's end (RFC 9580, 7.2)."""
    return b"\n".join(line.rstrip(b" \t\r") for line in text.split(b"\n")).rstrip(b"\n")


def _watched(officers: Officers, believed: list[tuple[bytes, str]]) -> Officers:  # noqa: C901 - two small ones within
    """The same checks; what they believe is written down."""

    def opens(read: Callable[[bytes], object]) -> Callable[[bytes], object]:
        def opened(octets: bytes) -> object:
            told = read(octets)
            if isinstance(told, tuple) and isinstance(told[1], Proof):
                believed.append((told[0], told[1].fingerprint))
            return told

        return opened

    def checks_with(check: Callable[[bytes, bytes], Proof | Why | None]) -> Callable[[bytes, bytes], object]:
        def checked(text: bytes, signature: bytes) -> object:
            told = check(text, signature)
            if isinstance(told, Proof):
                believed.append((text, told.fingerprint))
            return told

        return checked

    return Officers(
        check_pgp=checks_with(officers.check_pgp),  # type: ignore[arg-type]  # what it gives is passed on
        read_clear=opens(officers.read_clear),  # type: ignore[arg-type]  # the same
        open_pgp=opens(officers.open_pgp),  # type: ignore[arg-type]  # the same
        check_smime=checks_with(officers.check_smime),  # type: ignore[arg-type]  # the same
        open_smime=opens(officers.open_smime),  # type: ignore[arg-type]  # the same
    )


# ── bounces, and the reading of mails as such ────────────────────────────────────────────────────────────


@cache
def returned() -> Mapping[str, bytes]:
    told = {
        "failed": report("Action: failed\n", "Status: 5.1.1\n", WHOLE),
        "delayed": report("Action: delayed\n", "Status: 4.4.1\n", HEADERS),
        "exim": EXIM,
        "quoted": f"From: a@b.example\nContent-Type: text/plain\n\n{QUOTED}",
    }
    several = multipart("multipart/alternative", part("a\n"), part("<b>", kind="text/html"), boundary="x=y")
    return {**{name: text.encode() for name, text in told.items()}, "several": mail(several)}


def bounces() -> Fuzzed:
    return Fuzzed(partial(spoiled, seeds=list(returned().values())), _bounce)


def _bounce(octets: bytes) -> None:
    told = read_reply(octets, nobody(), now())
    assert isinstance(told, Bounce | Useless)
    for one in told.message_ids if isinstance(told, Bounce) else ():
        assert one.startswith("<") and one.endswith(">") and len(one.split()) == 1
    if told == Useless(Why.UNREADABLE):
        return
    for leaf in leaves(read_entity(canonical(octets))):
        assert all("\n" not in line for line in unquoted(leaf.text()))


# ── how an input is kept ─────────────────────────────────────────────────────────────────────────────────


def packed(mails: Mapping[str, bytes], octets: bytes) -> bytes:
    """Return an input as the change of the mail that it is most like: of signatures, only what was changed is kept."""
    changes = [(*_change(seed, octets), name) for name, seed in mails.items()]
    begins, gone, put, name = min(changes, key=lambda change: len(change[2]))
    return json.dumps({"of": name, "at": begins, "gone": gone, "put": base64.b64encode(put).decode()}).encode()


def _change(seed: bytes, octets: bytes) -> tuple[int, int, bytes]:
    most = min(len(seed), len(octets))
    begins = next((at for at in range(most) if seed[at] != octets[at]), most)
    most -= begins
    ends = next((at for at in range(most) if seed[-1 - at] != octets[-1 - at]), most)
    return begins, len(seed) - ends - begins, octets[begins : len(octets) - ends]


def unpacked(mails: Mapping[str, bytes], kept: bytes) -> bytes:
    """Return the input again, as the same change of a mail of now."""
    told = json.loads(kept)
    seed, begins = mails[told["of"]], told["at"]
    return seed[:begins] + base64.b64decode(told["put"]) + seed[begins + told["gone"] :]
