"""What `check` finds: each wrong thing is one sentence that names where it stands, and nothing else is told."""

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fakes_gpg import Gpg, keyring
from stories.program import mission_file, settings_file
from stories.stage import Inbox

from bot import app, clock, inspection
from bot.content import content
from bot.errors import SettingsError
from bot.inspection import check, read_configured, refuse_to_run, send_test

Spoil = Callable[[str, str, str], None]


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


def test_a_whole_configuration_has_no_findings_and_may_run(settings: Path, now: datetime) -> None:
    assert check(settings, now=now) == []
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
    assert check(settings, now=now) == [expected]
    with pytest.raises(SettingsError) as refused:
        refuse_to_run(read_configured(settings))
    assert str(refused.value) == expected


MISSION = [
    ("official_site", "# ", "{mission}: official_site is missing: nobody could check that this bot is the mission's"),
    (
        'openpgp = "officer.asc"\nfingerprint',
        'mode = "notice"\n#',
        "{mission}: contact officer@example.org: mode notice can't be read by anyone yet; give openpgp and fingerprint",
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), MISSION)
def test_a_profile_that_people_could_not_rely_on_is_found_and_refused(
    settings: Path, spoil: Spoil, now: datetime, old: str, new: str, told: str
) -> None:
    spoil("mission.toml", old, new)
    expected = told.format(mission=settings.parent / "mission.toml")
    assert expected in check(settings, now=now)
    with pytest.raises(SettingsError) as refused:
        refuse_to_run(read_configured(settings))
    assert expected in (str(refused.value), *getattr(refused.value, "__notes__", ()))


def test_a_mission_to_whom_nothing_could_be_sealed_is_refused(settings: Path, spoil: Spoil) -> None:
    spoil("mission.toml", 'openpgp = "officer.asc"\nfingerprint', 'mode = "notice"\n#')
    with pytest.raises(SettingsError) as refused:
        refuse_to_run(read_configured(settings))
    assert "no [[contact]] has openpgp and fingerprint" in "".join(refused.value.__notes__)


def test_a_profile_that_can_not_be_read_is_told_with_all_its_mistakes(
    settings: Path, spoil: Spoil, now: datetime
) -> None:
    spoil("mission.toml", 'zone = "America/Mexico_City"', 'zone = "Mexico"\ncolour = "red"')
    found = check(settings, now=now)
    assert any("mission.toml: colour: unknown key" in sentence for sentence in found)


def test_a_language_that_is_not_there_is_found(settings: Path, spoil: Spoil, now: datetime) -> None:
    spoil("mission.toml", 'languages = ["en", "es"]', 'languages = ["en", "es", "tlh"]')
    assert [sentence for sentence in check(settings, now=now) if "tlh" in sentence]


def test_a_language_that_nobody_has_read_is_found_and_the_bot_still_runs_in_the_others(
    settings: Path, spoil: Spoil, now: datetime
) -> None:
    spoil("mission.toml", 'accept_unreviewed = ["es"]\n', "")
    (sentence,) = check(settings, now=now)
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


# ── certificates and keys ────────────────────────────────────────────────────────────────────────────────


def test_a_certificate_that_may_not_be_used_is_found(settings: Path, spoil: Spoil, now: datetime) -> None:
    spoil("mission.toml", 'fingerprint = "', 'fingerprint = "00')
    found = check(settings, now=now)
    assert any("fingerprint" in sentence for sentence in found)


def test_a_certificate_with_another_fingerprint_is_found(
    settings: Path, spoil: Spoil, tmp_path: Path, now: datetime
) -> None:
    Inbox(tmp_path, "officer")  # another key under the same name
    assert check(settings, now=now) == [
        f"{tmp_path}/officer.asc: its fingerprint is not the one that the profile gives."
    ]


def test_a_certificate_that_is_not_there_is_found(settings: Path, tmp_path: Path, now: datetime) -> None:
    (tmp_path / "officer.asc").unlink()
    assert any("officer.asc: expected an OpenPGP certificate" in sentence for sentence in check(settings, now=now))


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
    (sentence,) = check(settings, now=now + timedelta(hours=1))
    assert sentence == f"{tmp_path}/ends.asc: it ends in 19 days; ask officer@example.org for a new one"


def test_keys_that_others_can_read_are_found(settings: Path, now: datetime) -> None:
    send_test(read_configured(settings), now)
    keys = settings.parent / "keys"
    assert check(settings, now=now) == []
    keys.chmod(0o755)
    assert check(settings, now=now) == [f"{keys}: others can reach it, expected mode 0700"]


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
    spoil("mission.toml", 'openpgp = "officer.asc"\nfingerprint', 'mode = "notice"\n#')
    (sentence,) = send_test(read_configured(settings), now)
    assert sentence.endswith("no [[contact]] can be sealed to, so no test was sent")


def test_a_test_without_a_way_out_is_told(settings: Path, spoil: Spoil, now: datetime) -> None:
    spoil("settings.toml", '[mail]\ndirectory = "mails"', "")
    assert send_test(read_configured(settings), now) == [f"{settings}: [mail]: expected host, or directory"]


def test_a_test_to_a_bad_certificate_is_told(settings: Path, tmp_path: Path, now: datetime) -> None:
    Inbox(tmp_path, "officer")
    (sentence,) = send_test(read_configured(settings), now)
    assert "fingerprint" in sentence
    assert not (tmp_path / "mails").exists()


def test_two_tests_are_two_mails(settings: Path, now: datetime) -> None:
    for minutes in (0, 1):
        assert send_test(read_configured(settings), now + timedelta(minutes=minutes)) == []
    assert len(list((settings.parent / "mails").iterdir())) == 2


def test_the_number_of_days_is_the_same_for_check_and_for_the_running_bot() -> None:
    assert inspection.ENDS_SOON == app.ENDS_SOON
