from dataclasses import replace

import pytest

from bot.handoff.mission import MissionProfile
from bot.handoff.roster import Contact, Duty, Mode, Watch
from bot.handoff.roster_rules import mistakes

ACCOUNT = "01234567-89ab-cdef-0123-456789abcdef"
OTHER = ACCOUNT.replace("0", "a")
CERTIFIED = Contact("officer@example.org", openpgp="/keys/officer.asc", fingerprint="ab" * 20)
X509 = Contact("x509@example.org", smime="/keys/officer.pem", fingerprint="ab" * 32, mode=Mode.SMIME)
NOTICED = Contact("b@example.org", mode=Mode.NOTICE, after=60, urgent_address="night@example.org", signal=ACCOUNT)
OFFICER = replace(
    CERTIFIED,
    signal=OTHER,
    ping=False,
    languages=("es", "pt-BR"),
    hours="22:00-06:00",
    days=("fri", "mon"),
    zone="Europe/Madrid",
)
PROFILE = MissionProfile(
    id="us-mexico",
    name={"es": "la misión"},
    country_served=("MX",),
    languages=("es",),
    zone="America/Mexico_City",
    areas={"mex": "México"},
    contacts=(OFFICER, X509, NOTICED),
    duty=Duty("00:00", {1: Watch((NOTICED.address, X509.address), (0, 30)), 3: Watch((OFFICER.address,))}),
)


def contacts(*chain: Contact) -> MissionProfile:
    return replace(PROFILE, contacts=chain, duty=Duty())


def officer(**changes: object) -> MissionProfile:
    return contacts(replace(OFFICER, **changes))  # type: ignore[arg-type]  # named by its fields


def watch(level: int, order: str, *after: int) -> MissionProfile:
    """`order`: the first letters of officer, x509 and noticed, of whom the last has a wait of its own."""
    addresses = {"o": OFFICER.address, "x": X509.address, "n": NOTICED.address, "?": "nobody@example.org"}
    return replace(PROFILE, duty=Duty(levels={level: Watch(tuple(addresses[one] for one in order), after)}))


@pytest.mark.parametrize(
    "profile",
    [
        PROFILE,
        contacts(),
        contacts(Contact("a@example.org")),  # nothing can be sealed to it: told by `findings`
        contacts(Contact("a@example.org", mode=Mode.SMIME)),
        contacts(replace(NOTICED, after=0)),
        contacts(replace(CERTIFIED, fingerprint="ab" * 32)),
        contacts(replace(CERTIFIED, after=60), replace(NOTICED, after=0)),
        contacts(replace(CERTIFIED, after=1440), X509, replace(NOTICED, after=0)),
        contacts(CERTIFIED, replace(X509, signal=""), Contact("c@example.org")),
        officer(hours="09:00-18:00"),
        officer(hours="23:59-00:00"),
        officer(days=("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
        replace(PROFILE, duty=Duty("")),
        replace(PROFILE, duty=Duty("23:59")),
        watch(1, "xon", 0, 0, 0),
        watch(2, "oxn", 0, 1440, 1440),
        watch(3, "ox"),
        watch(4, "on"),
        replace(
            PROFILE,
            contacts=(replace(OFFICER, after=5), replace(X509, after=10)),
            duty=Duty(levels={level: Watch((X509.address, OFFICER.address), (0, 5)) for level in range(1, 5)}),
        ),
    ],
)
def test_what_a_mission_may_say_of_its_roster_is_no_mistake(profile: MissionProfile) -> None:
    assert list(mistakes(profile)) == []


@pytest.mark.parametrize(
    ("profile", "key", "expected"),
    [
        (officer(address="officer"), "contact 1: address", "a mail address"),
        (officer(address="oficiál@example.org"), "contact 1: address", "plain ASCII"),
        (officer(address="a@example.org\nBcc: b@example.org"), "contact 1: address", "a mail address"),
        (officer(urgent_address="night"), "contact 1: urgent_address", "a mail address"),
        (officer(language="English"), "contact 1: language", "like es or pt-BR"),
        (officer(languages=("es", "English")), "contact 1: languages", "like es or pt-BR"),
        (contacts(CERTIFIED, Contact("b@example.org", after=-1)), "contact 2: after", "0 to 1440"),
        (contacts(CERTIFIED, Contact("b@example.org", after=1441)), "contact 2: after", "0 to 1440"),
        # the certificate, its pin, and what is sent
        (officer(mode=Mode.NOTICE), "contact 1: mode", 'mode = "openpgp"'),
        (officer(mode=Mode.NOTICE, signal=""), "contact 1: mode", 'mode = "openpgp"'),
        (officer(mode=Mode.SMIME), "contact 1: mode", 'mode = "openpgp"'),
        (contacts(replace(X509, mode=Mode.OPENPGP)), "contact 1: mode", 'mode = "smime"'),
        (contacts(replace(X509, mode=Mode.NOTICE)), "contact 1: mode", 'mode = "smime"'),
        (contacts(replace(X509, openpgp="/keys/officer.asc")), "contact 1: smime", "not both"),
        (officer(fingerprint=""), "contact 1: fingerprint", "openpgp and fingerprint together"),
        (officer(openpgp=None), "contact 1: fingerprint", "openpgp and fingerprint together"),
        (officer(fingerprint="ab" * 8), "contact 1: fingerprint", "40 or 64"),
        (contacts(replace(X509, fingerprint="")), "contact 1: fingerprint", "smime and fingerprint together"),
        (contacts(replace(X509, smime=None)), "contact 1: fingerprint", "smime and fingerprint together"),
        (contacts(replace(X509, fingerprint="ab" * 20)), "contact 1: fingerprint", "64 hexadecimal digits (SHA-256)"),
        (contacts(CERTIFIED, replace(NOTICED, fingerprint="ab" * 20)), "contact 2: fingerprint", "together"),
        # on Signal
        (contacts(CERTIFIED, replace(NOTICED, signal="")), "contact 2: signal", "can be read"),
        (officer(signal="+5215512345678"), "contact 1: signal", "a uuid like"),
        (officer(signal=ACCOUNT.upper()), "contact 1: signal", "a uuid like"),
        (officer(signal=f"PNI:{ACCOUNT}"), "contact 1: signal", "a uuid like"),
        (contacts(OFFICER, replace(X509, signal=OTHER)), "contact", "each Signal account once"),
        # hours
        (officer(hours="9:00-18:00"), "contact 1: hours", "09:00-18:00"),
        (officer(hours="09:00"), "contact 1: hours", "09:00-18:00"),
        (officer(hours="09:00-24:00"), "contact 1: hours", "09:00-18:00"),
        (officer(hours="09:00 - 18:00"), "contact 1: hours", "09:00-18:00"),
        (officer(hours="٠٩:00-18:00"), "contact 1: hours", "09:00-18:00"),
        (officer(hours="09:00-09:00"), "contact 1: hours", "two different times"),
        (officer(days=("monday",)), "contact 1: days", "mon, tue"),
        (officer(days=("mon", "mon")), "contact 1: days", "each once"),
        # all together
        (contacts(CERTIFIED, CERTIFIED), "contact", "each address once"),
        (officer(after=5), "contact", "one with after = 0"),
        (contacts(replace(CERTIFIED, after=5), X509, replace(NOTICED, after=6)), "contact", "one with after = 0"),
        (replace(PROFILE, duty=Duty("7:30")), "duty.morning", "a time like 07:30"),
        (replace(PROFILE, duty=Duty("24:00")), "duty.morning", "a time like 07:30"),
        (watch(5, "ox"), "duty", "1 to 4"),
        (watch(0, "ox"), "duty", "1 to 4"),
        (watch(1, ""), "duty.1.order", "addresses of [[contact]]"),
        (watch(1, "o?"), "duty.1.order", "addresses of [[contact]]"),
        (watch(2, "oxo"), "duty.2.order", "each once"),
        (watch(2, "oxo", 0, 1, 2), "duty.2.order", "each once"),
        (watch(2, "nox"), "duty.2.order", "after beside order"),
        (watch(2, "ox", 0), "duty.2.after", "a number for each of order"),
        (watch(2, "ox", 0, 1, 2), "duty.2.after", "a number for each of order"),
        (watch(3, "ox", 1, 2), "duty.3.after", "from 0 to 1440"),
        (watch(3, "ox", 0, 1441), "duty.3.after", "from 0 to 1440"),
        (watch(4, "oxn", 0, 20, 10), "duty.4.after", "none smaller"),
        (watch(4, "ox", -5, 5), "duty.4.after", "from 0 to 1440"),
    ],
)
def test_each_mistake_names_its_key_and_what_was_expected(profile: MissionProfile, key: str, expected: str) -> None:
    ((named, told),) = mistakes(profile)
    assert named == key
    assert expected in told and "\n" not in told
