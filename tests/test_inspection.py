"""What `check` finds: each wrong thing is one sentence that names where it stands, and nothing else is told."""

import asyncio
import re
import shutil
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import trustme
from fakes_dovecot import PASSWORD, USER, dovecot
from fakes_gpg import Gpg, keyring
from fakes_openssl import Kind, Openssl, Person, rsa_key
from fakes_signal import signal_server
from fakes_signal_wire import ACCOUNT
from fakes_smtp import Authority, Tls, closed_port, mail_server, raw_server
from stories.program import mission_file, server_lines, settings_file
from stories.stage import Inbox

from bot import app, clock, inspection, trials
from bot.content import content
from bot.errors import SettingsError
from bot.inspection import check, read_configured, refuse_to_run
from bot.operations.alone import alone
from bot.settings import read_mission

Spoil = Callable[[str, str, str], None]
TLS: tuple[Tls, ...] = ("starttls", "implicit")
OFFICER = "01234567-89ab-cdef-0123-456789abcdef"
SIGNAL = f'[signal]\nservice = "{{}}"\nnumber = "{ACCOUNT}"\n'


@pytest.fixture
def now() -> datetime:
    """A little later, so that every key made here is of age."""
    return clock.now() + timedelta(minutes=5)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    officer = Inbox(tmp_path)
    mission_file(tmp_path, "officer.asc", officer.contact.fingerprint)
    return settings_file(tmp_path, 'directory = "mails"')


@pytest.fixture
def spoil(tmp_path: Path, settings: Path) -> Spoil:
    """Change a text in a file of the configuration."""

    def change(name: str, old: str, new: str) -> None:
        place = tmp_path / name
        before = place.read_text("utf-8")
        assert old in before
        place.write_text(before.replace(old, new, 1), "utf-8")

    return change


def beside_mailbox(settings: Path, now: datetime) -> list[str]:
    """What is found, without the one sentence on the mailbox, which the settings of most tests leave out."""
    return [sentence for sentence in check(settings, now=now) if not sentence.endswith(trials.NO_MAILBOX)]


def sent_test(settings: Path, now: datetime) -> list[str]:
    """Send the test to every officer; what went wrong."""
    configured = read_configured(settings)
    return trials.send_test(configured.settings, configured.profile, settings, now)[1]


def test_a_whole_configuration_has_no_findings_and_may_run(settings: Path, now: datetime) -> None:
    assert beside_mailbox(settings, now) == []
    refuse_to_run(read_configured(settings))


SETTINGS = [
    ("[terminal]", "", "{file}: [terminal]: expected at least one channel; without it nobody could be heard"),
    (
        '[mail]\ndirectory = "mails"',
        "",
        "{file}: [mail]: expected host, or directory; without it no case could leave",
    ),
    (
        'directory = "mails"',
        'host = "localhost"\nsender = "a@example.org"\nca_file = "no.pem"',
        "{file}: mail.ca_file: {folder}/no.pem holds no certificates that can be read",
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), SETTINGS)
def test_settings_that_can_not_be_run_with_are_found_and_refused(
    settings: Path, spoil: Spoil, now: datetime, old: str, new: str, told: str
) -> None:
    spoil("settings.toml", old, new)
    expected = told.format(file=settings, folder=settings.parent)
    assert beside_mailbox(settings, now) == [expected]
    with pytest.raises(SettingsError) as refused:
        refuse_to_run(read_configured(settings))
    assert str(refused.value) == expected


MISSION = [
    ("official_site", "# ", "{mission}: official_site is missing: nobody could check that this bot is the mission's"),
    (
        'openpgp = "officer.asc"',
        f'openpgp = "officer.asc"\nsignal = "{OFFICER}"',
        "{mission}: contact officer@example.org: signal is given, but [signal] is missing in {file}",
    ),
    (
        'openpgp = "officer.asc"\nfingerprint',
        f'mode = "notice"\nsignal = "{OFFICER}"\n#',
        "{mission}: contact officer@example.org: signal is given, but [signal] is missing in {file}",
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), MISSION)
def test_a_profile_that_people_could_not_rely_on_is_found_and_refused(
    settings: Path, spoil: Spoil, now: datetime, old: str, new: str, told: str
) -> None:
    spoil("mission.toml", old, new)
    expected = told.format(mission=settings.parent / "mission.toml", file=settings)
    assert expected in beside_mailbox(settings, now)
    with pytest.raises(SettingsError) as refused:
        refuse_to_run(read_configured(settings))
    assert expected in (str(refused.value), *getattr(refused.value, "__notes__", ()))


@pytest.mark.parametrize("kind", ["openpgp", "smime"])
def test_a_mission_to_whom_nothing_could_be_sealed_is_refused(
    settings: Path, spoil: Spoil, now: datetime, kind: str
) -> None:
    spoil("mission.toml", 'openpgp = "officer.asc"\nfingerprint', f'mode = "{kind}"\n#')
    (sentence,) = beside_mailbox(settings, now)
    assert sentence.endswith(f"contact officer@example.org: {kind} is missing, so nothing can be sealed to it")
    with pytest.raises(SettingsError, match="a case could be read by nobody"):
        refuse_to_run(read_configured(settings))


def test_a_profile_that_can_not_be_read_is_told_with_all_its_mistakes(
    settings: Path, spoil: Spoil, now: datetime
) -> None:
    spoil("mission.toml", 'zone = "America/Mexico_City"', 'zone = "Mexico"\ncolour = "red"')
    found = beside_mailbox(settings, now)
    assert any("mission.toml: colour: unknown key" in sentence for sentence in found)


def test_a_language_that_is_not_there_is_found(settings: Path, spoil: Spoil, now: datetime) -> None:
    spoil("mission.toml", 'languages = ["en", "es"]', 'languages = ["en", "es", "tlh"]')
    (sentence,) = (one for one in beside_mailbox(settings, now) if "tlh" in one)
    assert sentence.startswith(f"{settings.parent}/mission.toml: languages: expected some of en, es, fr, ")


def test_a_language_that_nobody_has_read_is_found_and_the_bot_still_runs_in_the_others(
    settings: Path, spoil: Spoil, now: datetime
) -> None:
    spoil("mission.toml", 'accept_unreviewed = ["es"]\n', "")
    (sentence,) = beside_mailbox(settings, now)
    assert "languages: es was read by no native reader, and isn't offered" in sentence
    configured = read_configured(settings)
    refuse_to_run(configured)
    plan = app.plan_of(configured.settings, configured.profile, settings)
    assert plan.profile.languages == ("en",)


def test_a_mission_with_no_language_that_may_be_offered_is_refused(settings: Path, spoil: Spoil) -> None:
    spoil("mission.toml", 'languages = ["en", "es"]\naccept_unreviewed = ["es"]\n', 'languages = ["es"]\n')
    configured = read_configured(settings)
    with pytest.raises(SettingsError, match="none is complete and reviewed, or in accept_unreviewed"):
        app.plan_of(configured.settings, configured.profile, settings)


def test_a_language_in_which_the_mission_has_no_name_is_found_by_its_key(
    settings: Path, spoil: Spoil, now: datetime
) -> None:
    spoil("mission.toml", ', es = "la misión"', "")
    expected = "expected the mission's name as it stands within a sentence of that language"
    assert beside_mailbox(settings, now) == [
        f"{settings.parent}/mission.toml: name.es: {expected}; without it people read that of another"
    ]
    refuse_to_run(read_configured(settings))


def test_what_a_mission_says_of_its_support_in_one_language_alone_is_found(
    settings: Path, spoil: Spoil, now: datetime
) -> None:
    words = 'text = { en = "On Mondays." }'
    spoil("mission.toml", "[[contact]]", f'[topics]\nmeetings = {{ availability = "unknown", {words} }}\n[[contact]]')
    expected = "expected the text in that language; without it people read that of another"
    assert beside_mailbox(settings, now) == [f"{settings.parent}/mission.toml: topics.meetings.text.es: {expected}"]


@pytest.mark.parametrize("example", sorted(content("missions").glob("*.toml")), ids=lambda path: path.stem)
def test_the_examples_lack_no_words_in_a_language_that_they_name(example: Path) -> None:
    assert list(inspection._unworded(read_mission(example))) == []


def test_a_language_that_there_is_not_is_named_although_it_is_why_something_else_is_wrong(
    settings: Path, spoil: Spoil, now: datetime
) -> None:
    spoil("mission.toml", 'languages = ["en", "es"]', 'languages = ["en", "tlh"]')
    first, second = check(settings, now=now)
    assert first.startswith(f"{settings.parent}/mission.toml: languages: expected some of en, es, ")
    assert first.endswith(" and tlh is none")
    assert second == f"{settings.parent}/mission.toml: accept_unreviewed: expected languages of this profile"


# ── officers on Signal ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def by_signal(settings: Path, spoil: Spoil) -> Path:
    """Settings of a mission whose one officer has an account on Signal, and no key."""
    spoil("mission.toml", 'openpgp = "officer.asc"\nfingerprint', f'mode = "notice"\nsignal = "{OFFICER}"\n#')
    return settings


def untrusting(settings: Path, service: str) -> None:
    spoken = settings.read_text("utf-8") + SIGNAL.format(service)
    settings.write_text(spoken, "utf-8")
    configured = read_configured(settings)
    refuse_to_run(configured)
    trials.refuse_untrusting(configured.settings, configured.profile)


async def test_a_notice_that_an_officer_can_read_on_signal_is_enough_to_run(by_signal: Path) -> None:
    async with signal_server() as server:
        await asyncio.to_thread(untrusting, by_signal, server.address)
        assert [one.path for one in server.asked] == [f"/v1/configuration/{ACCOUNT}/settings"]


async def test_where_any_changed_key_is_trusted_nobody_is_known_for_an_officer(by_signal: Path) -> None:
    async with signal_server() as server:
        server.rest.trust_mode = "always"
        with pytest.raises(SettingsError, match=r"^signal: every changed safety number is trusted: .*for an officer$"):
            await asyncio.to_thread(untrusting, by_signal, server.address)


async def test_where_no_officer_has_an_account_it_matters_to_nobody_whom_signal_trusts(settings: Path) -> None:
    async with signal_server() as server:
        server.rest.trust_mode = "always"
        await asyncio.to_thread(untrusting, settings, server.address)
        assert server.asked == []


def test_a_server_that_does_not_answer_refuses_nothing(by_signal: Path) -> None:
    assert len(read_configured(by_signal).profile.contacts) == 1
    untrusting(by_signal, f"127.0.0.1:{closed_port()}")


def test_without_signal_nobody_is_asked_whom_it_trusts(by_signal: Path) -> None:
    configured = read_configured(by_signal)
    assert configured.settings.signal is None
    trials.refuse_untrusting(configured.settings, configured.profile)


# ── the mailbox ──────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_mailbox_bounces_are_noticed_by_nobody_and_the_bot_runs(settings: Path, now: datetime) -> None:
    assert check(settings, now=now) == [
        f"{settings}: [mailbox] is missing: bounced alerts and signed answers of officers are not noticed"
    ]
    refuse_to_run(read_configured(settings))


def mailbox(settings: Path, authority: Path, port: int) -> Path:
    """Add a mailbox to the settings."""
    (settings.parent / "imap").write_text(PASSWORD, "utf-8")
    (settings.parent / "imap").chmod(0o600)
    lines = f'host = "localhost"\nport = {port}\nusername = "{USER}"\npassword_file = "imap"\nca_file = "{authority}"\n'
    settings.write_text(f"{settings.read_text('utf-8')}[mailbox]\n{lines}", "utf-8")
    return settings


def test_a_mailbox_is_asked(settings: Path, tmp_path: Path, now: datetime) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with dovecot(authority) as server:
        assert check(mailbox(settings, tmp_path / "ca.pem", server.port), now=now) == []
    (sentence,) = check(settings, now=now)
    assert sentence == f"{settings}: the mailbox on localhost: the server can't be reached."


def test_a_mailbox_without_an_authority_is_found_and_refused(settings: Path, tmp_path: Path, now: datetime) -> None:
    mailbox(settings, tmp_path / "no.pem", 993)
    expected = f"{settings}: mailbox.ca_file: {tmp_path}/no.pem holds no certificates that can be read"
    assert check(settings, now=now) == [expected]
    with pytest.raises(SettingsError) as refused:
        refuse_to_run(read_configured(settings))
    assert str(refused.value) == expected


# ── the mail server ──────────────────────────────────────────────────────────────────────────────────────


async def asked_of(server: str, settings: Path, now: datetime, login: str = "") -> list[str]:
    """What `check` finds with this server in the settings."""
    text = settings_file(settings.parent, server + login)
    return await asyncio.to_thread(beside_mailbox, text, now)


async def test_the_mail_server_is_asked_as_for_a_mail_and_gets_none(
    settings: Path, tmp_path: Path, now: datetime
) -> None:
    authority = Authority(tmp_path)
    for tls in TLS:
        async with mail_server(authority.server(), tls, replies={"MAIL": ["550 not from you"]}) as server:
            assert await asked_of(server_lines(server, authority, tls), settings, now) == []
            assert (server.sessions, server.taken) == (1, [])
            assert list(server.replies["MAIL"]) == ["550 not from you"]


async def test_a_mail_server_that_takes_no_mails_is_found_by_its_key(
    settings: Path, tmp_path: Path, now: datetime
) -> None:
    authority = Authority(tmp_path)
    async with mail_server(authority.server("another.example")) as server:
        (told,) = await asked_of(server_lines(server, authority), settings, now)
    expected = "mail.tls: expected a server that proves with TLS to be localhost"
    assert told == f"{settings}: {expected}: TLS with the mail server failed: CERTIFICATE_VERIFY_FAILED"
    async with mail_server(None, "none") as server:
        (told,) = await asked_of(server_lines(server, authority), settings, now)
    assert told == f"{settings}: {expected}: the mail server offers no STARTTLS"
    (told,) = await asked_of(server_lines(server, authority), settings, now)
    expected = f"mail.host: expected a server that takes mails at localhost, port {server.port}"
    assert told.startswith(f"{settings}: {expected}: the mail server broke off or could not be reached at the conn")


async def test_a_mail_server_that_takes_no_login_is_found_and_no_password_is_told(
    settings: Path, tmp_path: Path, now: datetime
) -> None:
    authority = Authority(tmp_path)
    (tmp_path / "password").write_text("hunter2", "utf-8")
    (tmp_path / "password").chmod(0o600)
    login = 'username = "bot"\npassword_file = "password"'
    async with mail_server(authority.server(), login=("bot", "hunter2")) as server:
        assert await asked_of(server_lines(server, authority), settings, now, login) == []
    async with mail_server(authority.server(), login=("bot", "another")) as server:
        told = await asked_of(server_lines(server, authority), settings, now, login)
    answered = "the mail server answered 535 to AUTH"
    assert told == [f"{settings}: mail.username: expected a login that the server takes: {answered}"]


async def test_a_mail_server_that_says_nothing_is_not_waited_for(
    settings: Path, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.messengers.ASKED_FOR", 0.2)
    async with raw_server() as port:
        lines = f'host = "127.0.0.1"\nport = {port}\nsender = "a@example.org"\n'
        (told,) = await asked_of(lines, settings, now)
    assert told.endswith(f"takes mails at 127.0.0.1, port {port}: the mail server did not answer")


# ── certificates and keys ────────────────────────────────────────────────────────────────────────────────


def test_a_certificate_that_may_not_be_used_is_found(settings: Path, spoil: Spoil, now: datetime) -> None:
    spoil("mission.toml", 'fingerprint = "', 'fingerprint = "00')
    found = beside_mailbox(settings, now)
    assert any("fingerprint" in sentence for sentence in found)


def test_a_certificate_with_another_fingerprint_is_found(
    settings: Path, spoil: Spoil, tmp_path: Path, now: datetime
) -> None:
    Inbox(tmp_path, "officer")  # another key under the same name
    at = f"{tmp_path}/mission.toml: contact officer@example.org: openpgp: {tmp_path}/officer.asc"
    assert beside_mailbox(settings, now) == [f"{at}: its fingerprint is not the one that the profile gives."]


def test_a_certificate_that_is_not_there_is_found(settings: Path, tmp_path: Path, now: datetime) -> None:
    (tmp_path / "officer.asc").unlink()
    at = f"{tmp_path}/mission.toml: contact officer@example.org: openpgp: {tmp_path}/officer.asc"
    told = beside_mailbox(settings, now)
    assert [one for one in told if one.startswith(f"{at}: expected an OpenPGP certificate, but ")] != []


@pytest.fixture
def gpg(tmp_path: Path) -> Gpg:
    with keyring() as ring:
        name = "Ends <officer@example.org>"
        fingerprint = ring.new_key(name, lasts="20d", sealing="20d")
        (tmp_path / "ends.asc").write_bytes(ring.exported(name))
        mission_file(tmp_path, "ends.asc", fingerprint)
        return ring


def test_a_certificate_that_ends_soon_is_told_with_whom_to_ask(gpg: Gpg, tmp_path: Path, now: datetime) -> None:
    settings = settings_file(tmp_path, 'directory = "mails"')
    (sentence,) = beside_mailbox(settings, now + timedelta(hours=1))
    at = f"{tmp_path}/mission.toml: contact officer@example.org: openpgp"
    assert sentence == f"{at}: {tmp_path}/ends.asc: it ends in 19 days; ask officer@example.org for a new one"


@pytest.fixture
def x509(tmp_path: Path, spoil: Spoil) -> Callable[[Person], None]:
    """Give the officer an S/MIME certificate in place of the other."""

    def given(person: Person) -> None:
        text = (tmp_path / "mission.toml").read_text("utf-8")
        own = re.search("openpgp = .*\nfingerprint = .*", text)
        assert own
        certificate = person.certificate
        spoil("mission.toml", own[0], f'smime = "{certificate.path.name}"\nfingerprint = "{certificate.fingerprint}"')

    return given


def test_an_x509_certificate_is_looked_at_like_any_other(
    settings: Path, x509: Callable[[Person], None], tmp_path: Path, now: datetime
) -> None:
    openssl = Openssl(tmp_path)
    officer, other = openssl.person(Kind(ends=20)), openssl.person(key=rsa_key("other"))
    x509(officer)
    refuse_to_run(read_configured(settings))
    file = officer.certificate.path
    at = f"{tmp_path}/mission.toml: contact officer@example.org: smime: {file}"
    assert beside_mailbox(settings, now) == [f"{at}: it ends in 19 days; ask officer@example.org for a new one"]
    file.write_bytes(other.certificate.raw)
    assert beside_mailbox(settings, now) == [f"{at}: its fingerprint is not the one that the profile gives."]
    file.unlink()
    (sentence,) = beside_mailbox(settings, now)
    assert sentence.startswith(f"{at}: expected an S/MIME certificate, but ")


def test_keys_that_others_can_read_are_found(settings: Path, now: datetime) -> None:
    sent_test(settings, now)
    keys = settings.parent / "keys"
    assert beside_mailbox(settings, now) == []
    keys.chmod(0o755)
    assert beside_mailbox(settings, now) == [f"{keys}: others can reach it, expected mode 0700"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("keys", "{file}: not a key file of ours, expected one that the bot has written"),
        ("signing.key", "{file.parent}: the signing key can't sign; make one that has no password"),
    ],
)
def test_keys_that_can_not_be_used_are_found_and_left_as_they_are(
    settings: Path, now: datetime, name: str, told: str
) -> None:
    sent_test(settings, now)
    file = settings.parent / "keys" / name
    file.write_bytes(b"something else")
    before = kept(settings.parent)
    assert beside_mailbox(settings, now) == [told.format(file=file)]
    assert kept(settings.parent) == before


def kept(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """Every file, with what tells whether it is still the same one, unchanged."""
    return {path: (path.stat().st_ino, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def test_to_check_a_bot_that_has_run_and_one_that_has_not_makes_and_changes_nothing(
    settings: Path, now: datetime
) -> None:
    new = kept(settings.parent)
    assert beside_mailbox(settings, now) == []
    assert kept(settings.parent) == new
    configured = read_configured(settings)
    app.wire(app.plan_of(configured.settings, configured.profile, settings)).engine.dispose()
    run = kept(settings.parent)
    assert len(run) > len(new)
    assert beside_mailbox(settings, now + timedelta(days=3)) == []
    assert kept(settings.parent) == run


def test_a_database_that_can_not_be_opened_is_found_with_file_and_key(
    settings: Path, spoil: Spoil, now: datetime
) -> None:
    (settings.parent / "rows").mkdir(mode=0o700)
    spoil("settings.toml", "sqlite:///kept/postigo.db", "sqlite:///rows")
    expected = f"{settings}: storage.url: expected a file, and {settings.parent}/rows is none"
    assert [one for one in beside_mailbox(settings, now) if "storage." in one] == [expected]


@pytest.mark.parametrize(
    ("keys", "told"),
    [("list", "{folder}/list is none"), ("list/keys", "it can't be made in {folder}/list")],
)
def test_keys_whose_place_is_no_folder_are_told_by_their_key_and_nobody_is_to_change_it(
    settings: Path, spoil: Spoil, now: datetime, keys: str, told: str
) -> None:
    (settings.parent / "list").touch(0o644)
    spoil("settings.toml", 'keys = "keys"', f'keys = "{keys}"')
    expected = told.format(folder=settings.parent)
    found = beside_mailbox(settings, now)
    assert found == [f"{settings}: storage.keys: expected a folder of ours, and {expected}"]


def test_a_profile_that_is_not_there_is_told_with_the_key_that_leads_to_it(settings: Path, now: datetime) -> None:
    (settings.parent / "mission.toml").unlink()
    at = f"{settings}: mission: expected the file of a mission's profile, and {settings.parent}/mission.toml is none"
    assert check(settings, now=now) == [f"{at}: postigo profile new makes one"]


# ── flows, languages, versions ───────────────────────────────────────────────────────────────────────────


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the bot's content, for what looks there."""
    copy = tmp_path / "content"
    for name in ("flows", "locales", "missions"):
        shutil.copytree(content(name), copy / name)
    shutil.copy(content("lock"), copy / "lock")
    for module in ("bot.inspection", "bot.knowledge", "bot.language.catalogs", "bot.language.extract"):
        monkeypatch.setattr(f"{module}.content", lambda name: copy / name)
    return copy


def test_a_translation_that_lags_is_found_with_the_first_text_that_is_missing(elsewhere: Path, now: datetime) -> None:
    catalog = elsewhere / "locales" / "es" / "LC_MESSAGES" / "bot.po"
    text = catalog.read_text("utf-8")
    start = text.index('msgctxt "say.hello"')
    end = text.index("\n\n", start)
    catalog.write_text(text[:start].rstrip() + text[end:], "utf-8")
    found = check(None, now=now)
    assert [sentence for sentence in found if sentence.startswith("locales/es: 1 texts are not translated, first ")]


def test_a_folder_that_is_no_language_we_know_is_found(elsewhere: Path, now: datetime) -> None:
    shutil.copytree(elsewhere / "locales" / "es", elsewhere / "locales" / "tlh")
    assert any("tlh" in sentence for sentence in check(None, now=now))


def test_a_flow_that_does_not_hold_is_found_with_file_and_step(elsewhere: Path, now: datetime) -> None:
    intake = elsewhere / "flows" / "intake.toml"
    intake.write_text(intake.read_text("utf-8").replace('next.no = "only_read"', 'next.no = "nowhere"'), "utf-8")
    found = check(None, now=now)
    assert any("intake.toml" in sentence and "nowhere" in sentence for sentence in found)


def test_a_version_beside_the_lock_is_found(elsewhere: Path, now: datetime) -> None:
    lock = elsewhere / "lock"
    lock.write_text("msgspec==0.0.1 \\\n    --hash=sha256:00\nsomething-nobody-has==1.0\n", "utf-8")
    (sentence,) = check(None, now=now)
    assert sentence.endswith("is installed, 0.0.1 was locked and tested")
    assert sentence.startswith("msgspec: version ")


def test_without_a_lock_nothing_is_said_about_versions(elsewhere: Path, now: datetime) -> None:
    (elsewhere / "lock").unlink()
    assert check(None, now=now) == []


# ── the test alert ───────────────────────────────────────────────────────────────────────────────────────


def test_a_test_to_nobody_is_told(settings: Path, spoil: Spoil, now: datetime) -> None:
    spoil("mission.toml", 'openpgp = "officer.asc"\nfingerprint', "#")
    (sentence,) = sent_test(settings, now)
    assert sentence.endswith("no [[contact]] can be sealed to")


def test_a_test_without_a_way_out_is_told(settings: Path, spoil: Spoil, now: datetime) -> None:
    spoil("settings.toml", '[mail]\ndirectory = "mails"', "")
    assert sent_test(settings, now) == [f"{settings}: [mail]: expected host, or directory"]


def test_a_test_to_a_bad_certificate_is_told(settings: Path, tmp_path: Path, now: datetime) -> None:
    Inbox(tmp_path, "officer")
    (sentence,) = sent_test(settings, now)
    assert "fingerprint" in sentence
    assert not (tmp_path / "mails").exists()


def test_a_test_to_an_officer_with_an_x509_certificate_is_sealed_to_it(
    settings: Path, x509: Callable[[Person], None], tmp_path: Path, now: datetime
) -> None:
    openssl = Openssl(tmp_path)
    officer = openssl.person()
    x509(officer)
    assert sent_test(settings, now) == []
    (mail,) = (tmp_path / "mails").iterdir()
    head = mail.read_bytes().partition(b"\r\n\r\n")[0]
    assert b"TEST" not in head  # four letters may stand in what is sealed, by chance
    assert b"Test: no case" not in mail.read_bytes()
    assert openssl.decrypt(mail.read_bytes(), officer)


def test_two_tests_are_two_mails(settings: Path, now: datetime) -> None:
    for minutes in (0, 1):
        assert sent_test(settings, now + timedelta(minutes=minutes)) == []
    assert len(list((settings.parent / "mails").iterdir())) == 2


def test_the_number_of_days_is_the_same_for_check_and_for_the_running_bot() -> None:
    assert inspection.ENDS_SOON == app.ENDS_SOON


def test_an_order_of_duty_is_no_finding(settings: Path, spoil: Spoil, now: datetime) -> None:
    spoil("mission.toml", "[[contact]]", '[duty.1]\norder = ["officer@example.org"]\n\n[[contact]]')
    assert [one for one in check(settings, now=now) if "mailbox" not in one] == []


# ── where things lie, and on what machine ────────────────────────────────────────────────────────────────

TOGETHER = "the keys lie in one folder with the database: whoever copies it has both; move one of them"


def test_a_profile_that_others_can_write_and_keys_beside_the_rows_are_found(
    settings: Path, spoil: Spoil, now: datetime
) -> None:
    spoil("settings.toml", 'keys = "keys"', 'keys = "kept/keys"')
    (settings.parent / "mission.toml").chmod(0o666)
    (settings.parent / "mails").mkdir(mode=0o777)
    (settings.parent / "mails").chmod(0o777)
    assert beside_mailbox(settings, now) == [
        f"{settings.parent / 'mission.toml'}: others can write it, and so decide where cases go: chmod go-w",
        f"{settings.parent / 'kept/keys'}: " + TOGETHER,
        f"{settings.parent / 'mails'}: others can reach it: chmod o-rwx",
    ]
    refuse_to_run(read_configured(settings))


def test_what_would_be_better_on_a_machine_is_told_even_of_settings_that_can_not_be_read(
    settings: Path, spoil: Spoil, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.operations.hardening.machine", lambda: ["told"])
    machine, same_disk = inspection.advise(settings)
    assert (machine, same_disk.startswith(f"{settings.parent / 'keys'}: the keys lie on")) == ("told", True)
    spoil("settings.toml", "[storage]", "[store]")
    assert inspection.advise(settings) == ["told"]


def test_an_address_for_an_operators_programs_that_somebody_has_is_found_unless_it_may_be_our_bot(
    settings: Path, spoil: Spoil, now: datetime
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        spoil("settings.toml", "[logs]", f'[operations]\nlisten = "{listen}"\n[logs]')
        expected = f"expected an address that is free, and {listen} isn't: Address already in use"
        assert beside_mailbox(settings, now) == [f"{settings}: operations.listen: {expected}"]
        with alone(settings.parent / "keys"):
            assert beside_mailbox(settings, now) == []
    assert beside_mailbox(settings, now) == []


def test_where_a_running_bot_can_be_asked_is_told_and_is_no_finding(
    settings: Path, spoil: Spoil, now: datetime
) -> None:
    spoil("settings.toml", "[logs]", '[operations]\nlisten = "[::1]:9108"\n[logs]')
    assert (
        inspection.advise(settings)[-1]
        == "whoever runs programs here can ask [::1]:9108 how much is written to the bot."
    )
    assert beside_mailbox(settings, now) == []
