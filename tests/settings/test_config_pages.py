import re
import tomllib
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path

from fakes_smtp import closed_port
from stories.program import mission_file
from stories.stage import Inbox

from bot import clock
from bot.handoff.mission import MissionProfile
from bot.inspection import check, read_configured, refuse_to_run
from bot.operations import places
from bot.settings import Smtp, read_settings
from bot.settings.files import _KEYS, _NAMED, _TABLES
from bot.settings.values import Settings, Storage
from bot.trials import NO_MAILBOX

CONFIG = Path(__file__).parents[2] / "config"


def test_the_example_settings_name_what_lies_beside_them_and_the_servers_of_nobody() -> None:
    settings = read_settings(CONFIG / "settings.example.toml")
    assert settings.mission == CONFIG / "mission.toml"
    assert settings.storage == Storage(f"sqlite:///{CONFIG}/rows/postigo.sqlite", CONFIG / "keys")
    assert isinstance(settings.mail, Smtp) and settings.mail.host.endswith("example.org")


def test_a_copy_of_the_example_settings_in_a_folder_of_its_own_lacks_only_what_is_a_missions(tmp_path: Path) -> None:
    contact = Inbox(tmp_path).contact
    mission_file(tmp_path, contact.openpgp or "", contact.fingerprint)
    copy = tmp_path / "settings.toml"
    example = (CONFIG / "settings.example.toml").read_text("utf-8")
    nowhere = f'host = "127.0.0.1"\nport = {closed_port()}'  # a name would be asked for on the network
    copy.write_text(example.replace('host = "mail.example.org"', nowhere, 1), "utf-8")
    server, mailbox = check(copy, now=clock.now() + timedelta(minutes=5))
    assert server.startswith(f"{copy}: mail.host: expected a server that takes mails at 127.0.0.1, port ")
    assert mailbox == f"{copy}: {NO_MAILBOX}"
    refuse_to_run(read_configured(copy))


def test_inside_of_a_checkout_the_example_settings_are_refused_with_the_step_that_helps(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (found,) = places.findings(places.Places(tmp_path / "keys", None, None, ()))
    assert found.endswith("best with all settings, into a folder outside of it, and name that in storage.keys")


def test_the_example_settings_show_every_key() -> None:
    shown = (CONFIG / "settings.example.toml").read_text()
    keys = [_KEYS.get(one.name, one.name) for kind in settings_kinds() for one in fields(kind)]
    assert [key for key in keys if not re.search(rf"^(# )?(\[{key}\]|{key} = )", shown, re.MULTILINE)] == []


def settings_kinds() -> list[type]:
    return [Settings, *(kind for kinds in _TABLES[Settings].values() for kind in kinds)]


def sections(text: str) -> dict[str, set[str]]:
    """Return the keys that the configuration's page lists, by table; "" is the file itself."""
    listed: dict[str, set[str]] = {"": set()}
    table = ""
    for line in text.splitlines():
        if line.startswith("|--"):
            table = ""
        if found := re.match(r"\| \*\*`\[+([a-z_]+)\]+`\*\*", line):
            table = found[1]
            listed[""].add(table)
            listed.setdefault(table, set())
        elif found := re.match(r"\| `([a-z_]+)` \|", line):
            listed[table].add(found[1])
    return listed


def keys_of(kind: type) -> dict[str, set[str]]:
    """Return the keys that the reader takes in one kind of file, by table; "" is the file itself."""
    tables = {"": (kind,), **_TABLES[kind]}
    return {
        table: {_KEYS.get(one.name, one.name) for each in kinds for one in fields(each)}
        for table, kinds in tables.items()
    }


def test_the_page_on_configuration_lists_every_key_and_no_other() -> None:
    settings, profile = (CONFIG / "README.md").read_text().split("## A mission's profile")
    assert sections(settings) == keys_of(Settings) | {"terminal": set()}
    same_as_resources = {"crisis_lines": set[str]()}
    texts = {table: set[str]() for table in ("name", "limits", "areas", "promised_times", "minors_policy")}
    duty = {"duty": {"morning"} | keys_of(MissionProfile)["duty"]}  # the tables of the levels take the rest
    assert sections(profile) == keys_of(MissionProfile) | same_as_resources | texts | duty


def test_every_table_of_names_is_one_of_the_profile() -> None:
    assert set(_NAMED) <= keys_of(MissionProfile)[""]


def test_the_page_on_configuration_is_for_readable_toml() -> None:
    example = "[topics]\n" + 'meetings = { availability = "yes", source_url = "…", verified_on = 2026-11-21 }'
    assert example.split("\n")[1] in (CONFIG / "README.md").read_text()
    assert tomllib.loads(example)["topics"]["meetings"]["verified_on"] == date(2026, 11, 21)
