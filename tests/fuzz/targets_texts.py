"""What the mission and its operator write: flows, rules, officers' texts, profiles, settings, catalogs, the key file.

Each is read at the start. Wrong ones end it with one line that names the file; nothing else may come out.
"""

import tempfile
import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import cache, partial
from pathlib import Path

from fakes import COMMANDS, FLOW, TRIAGE, UNFILLED, written
from fakes_flow import ENGLISH, LANGUAGES, changed, flow_of
from fuzz.mutators import CANARY, VALUES, spoiled, spoiled_json, spoiled_toml, tree_of
from fuzz.target import Fuzzed

from bot.conversation import checks, collisions
from bot.conversation.crisis import crises
from bot.conversation.guide import with_guide
from bot.conversation.model import Answer
from bot.conversation.reading import read_commands, read_crisis, read_flow, read_guide
from bot.errors import BotError, FlowError, LanguageError, SealingError, SettingsError
from bot.handoff.alert import read_alert, read_duty
from bot.handoff.checks import _conditions, _rules
from bot.handoff.mission import findings as profile_findings
from bot.handoff.mission import run_refusals
from bot.handoff.named import alert_findings, duty_findings
from bot.handoff.triage import read_triage
from bot.knowledge import TELL, UNSPACED
from bot.language.catalogs import load, read_catalog
from bot.settings import read_settings
from bot.settings.files import mission_of, read_mission
from bot.storage.keyring import FILE, Keyring

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@cache
def folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for what must be a file, gone with the process."""
    return tempfile.TemporaryDirectory(prefix="fuzz-")


def place(name: str) -> Path:
    return Path(folder().name) / name


def of_toml(seeds: Sequence[str], check: Callable[[bytes], None]) -> Fuzzed:
    octets, trees = [one.encode() for one in seeds], [tree_of(tomllib.loads(one)) for one in seeds]
    return Fuzzed(partial(spoiled_toml, seeds=octets, trees=trees), check)


def assert_one_line(error: BotError, octets: bytes) -> None:
    """An error is for an operator's eyes: a line each, that can be printed and tells nothing of what was found."""
    for line in (str(error), *getattr(error, "__notes__", ())):
        assert line.strip()
        assert not {"\n", "\r", "\x00"} & set(line), line
        line.encode()
        assert CANARY not in line or not octets.startswith(VALUES), line


def text_of(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")


# ── flows ────────────────────────────────────────────────────────────────────────────────────────────────


def flow() -> Fuzzed:
    return of_toml([changed()] * 9 + [written("intake.toml")], _flow)


def _flow(octets: bytes) -> None:
    try:
        read = read_flow(text_of(octets), "flows/small.toml")
    except FlowError as error:
        assert_one_line(error, b"")
        return
    filled = read.with_choices("languages", LANGUAGES)
    told = checks.findings(filled, COMMANDS, {"en": ENGLISH}, {}) if len(filled.steps) < len(FLOW.steps) // 4 else []
    assert all(isinstance(sentence, str) for sentence in (*told, *checks.broken(filled)))


def files() -> Fuzzed:
    seeds = [written(name) for name in ("triage.toml", "alert.toml", "duty.toml")] * 4
    return of_toml([*seeds, *(written(name) for name in ("commands.toml", "guide.toml", "crisis.toml"))], _file)


def _file(octets: bytes) -> None:
    """Read it as each of the files under flows/: at most one of them is what it is."""
    for reader in (_triage, _alert, _duty, _commands, _guide, _crisis):
        try:
            reader(text_of(octets))
        except FlowError as error:
            assert_one_line(error, b"")


def _triage(toml: str) -> None:
    """Read the rules; where all that triage needs is there, it gives a level. What more is proven takes too long."""
    read = read_triage(toml, "flows/triage.toml")
    list(_rules(read, FLOW))
    ends = bool(read.rules) and not _conditions(read.rules[-1]) and all(rule.level for rule in read.rules)
    if ends and "otherwise" in read.desks:
        for event in ("", "killing", "threat", "other"):
            assert 1 <= read.assess([Answer("event", (event,))] if event else [], None).level <= 4
            assert read.desk([Answer("work", (event,))])


def _alert(toml: str) -> None:
    list(alert_findings(read_alert(toml, "flows/alert.toml"), TRIAGE.desks, FLOW, {"en": ENGLISH}))


def _duty(toml: str) -> None:
    list(duty_findings(read_duty(toml, "flows/duty.toml"), {"en": ENGLISH}))


def _commands(toml: str) -> None:
    read = read_commands(toml, "flows/commands.toml")
    list(collisions.findings(flow_of(changed()), read, {"en": ENGLISH}))


def _guide(toml: str) -> None:
    checks.broken(with_guide(UNFILLED, read_guide(toml, "flows/guide.toml"), TELL))


def _crisis(toml: str) -> None:
    crises(read_crisis(toml, "flows/crisis.toml"), UNSPACED).heard_in("I can't go on, I want it to end 不想活了")


# ── what an operator writes ──────────────────────────────────────────────────────────────────────────────


def profile() -> Fuzzed:
    missions = sorted((ROOT / "config" / "missions").glob("*.toml"))
    return of_toml([one.read_text("utf-8") for one in missions], _profile)


def _profile(octets: bytes) -> None:
    try:
        read = mission_of(text_of(octets), Path("mission.toml"))
    except SettingsError as error:
        assert_one_line(error, octets)
        return
    assert all(isinstance(one, str) for one in (*profile_findings(read, TODAY), *run_refusals(read)))


SETTINGS = """
mission = "mission.toml"
operator = "it@example.org"
[storage]
url = "sqlite:///postigo.sqlite"
keys = "keys"
[mail]
host = "mail.example.org"
tls = "starttls"
sender = "postigo@example.org"
port = 587
ca_file = "ca.pem"
username = "postigo"
password_file = "secret"
[mailbox]
host = "imap.example.org"
tls = "implicit"
username = "postigo"
password_file = "secret"
[terminal]
[signal]
service = "127.0.0.1:8080"
number = "+5215500000000"
[telegram]
token_file = "token"
webhook_url = "https://bot.example.org/telegram"
listen = "127.0.0.1:8081"
secret_file = "secret"
[logs]
level = "info"
"""


def settings() -> Fuzzed:
    for name, secret in (("secret", "a-secret-of-24-letters-x"), ("token", "123456:" + "A" * 35)):
        place(name).touch(0o600)
        place(name).write_text(secret)
    return of_toml([SETTINGS, SETTINGS.replace("host =", "directory =")], _settings)


def _settings(octets: bytes) -> None:
    path = place("settings.toml")
    path.write_bytes(octets)
    try:
        read_mission(read_settings(path).mission)
    except SettingsError as error:
        assert_one_line(error, octets)


PO = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Language: es\\n"

#: flows/small.toml
msgctxt "small.reply"
msgid "How may {mission} answer?"
msgstr "¿Cómo puede responder {mission}?"

#, fuzzy
msgctxt "small.reply.day"
msgid "By day"
msgstr ""
"De "
"día"
"""


def catalog() -> Fuzzed:
    return Fuzzed(partial(spoiled, seeds=[PO.encode(), (PO + '#~ msgid "old"\n#~ msgstr "viejo"\n').encode()]), _po)


def _po(octets: bytes) -> None:
    path = place("locales") / "es" / "LC_MESSAGES" / "bot.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)
    try:
        read_catalog(place("locales"), "es")
        load(["es"], place("locales")).words("es")("small.reply", "How may {mission} answer?", {"mission": "we"})
    except LanguageError:
        return


# ── the key file ─────────────────────────────────────────────────────────────────────────────────────────


def keys() -> Fuzzed:
    directory = place("keys")
    Keyring.open(directory, NOW)
    return Fuzzed(partial(spoiled_json, seeds=[(directory / FILE).read_bytes()]), _keys)


def _keys(octets: bytes) -> None:
    (place("keys") / FILE).write_bytes(octets)
    try:
        keyring = Keyring.open(place("keys"), NOW)
        keyring.destroy_expired(NOW)
        assert keyring.unwrap(keyring.wrap(b"k", b"row"), b"row") == b"k"
    except SettingsError as error:
        assert_one_line(error, b"")
    except SealingError:
        raise AssertionError("keys that open don't open what they wrapped") from None
