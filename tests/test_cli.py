"""The verbs as they are typed: what each prints, its exit code, and one line for whatever is wrong."""

import asyncio
import io
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes_smtp import Authority, mail_server
from storage.canaries import files_under
from stories.program import DEADLINE, command, mission_file, server_lines, settings_file, surroundings
from stories.stage import Inbox

from bot.cli import main
from bot.storage.tables import open_engine
from bot.trials import NO_MAILBOX

Given = Callable[[str], None]
VERBS = {
    "rehearse": "Talk through the real flow here; alerts are sealed, shown and never sent.",
    "run": "Listen on all configured channels until told to stop.",
    "check": "Say what is wrong, a sentence a line; exit 0 when nothing is.",
    "outgoing": "List whom the bot calls, or print rules that let it call nobody else.",
    "draw": "Draw the flow as a diagram.",
    "erase": "Delete everything that is kept, of everybody, and the keys.",
    "expire": "Delete what is past its time now, and destroy old keys.",
    "keys": "Show or renew the bot's keys.",
}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    """Let these lines come from a pipe."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8"))


@pytest.fixture
def officer(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path)


@pytest.fixture
def settings(tmp_path: Path, officer: Inbox) -> Path:
    """A whole configuration whose mails go to a folder."""
    mission_file(tmp_path, "officer.asc", officer.contact.fingerprint)
    return settings_file(tmp_path, 'directory = "mails"')


Shown = pytest.CaptureFixture[str]


def refused(capsys: Shown, *words: object) -> str:
    """The one line that a verb refuses with."""
    assert main([str(word) for word in words]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith("postigo: ")
    return line


def done(capsys: Shown, *words: object) -> str:
    """What a verb prints that goes well."""
    assert main([str(word) for word in words]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    return shown.out


# ── help ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_help_names_every_verb_with_one_sentence(capsys: Shown) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    told = " ".join(capsys.readouterr().out.split())
    assert [name for name, sentence in VERBS.items() if f"{name} {sentence}" not in told] == []


@pytest.mark.parametrize(
    "words", [*((verb,) for verb in VERBS), ("keys", "show"), ("keys", "rotate"), ("keys", "days")]
)
def test_each_verb_explains_itself(capsys: Shown, words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    sentence = VERBS.get(words[0], "") if len(words) == 1 else ""
    assert sentence in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("words", [(), ("sing",), ("run",), ("erase",), ("keys",), ("draw", "--format", "png")])
def test_what_is_no_verb_is_refused(capsys: Shown, words: Sequence[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert ended.value.code == 2
    assert "usage: postigo" in capsys.readouterr().err


# ── rehearse ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_rehearsal_with_a_missions_own_profile_speaks_of_that_mission(
    capsys: Shown, given: Given, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    given("hello\n1\ncontacts\n")
    assert "I pass your words to the mission only if" in done(
        capsys, "rehearse", "--config", settings, "--save", tmp_path / "talk.txt"
    )
    first, second = (tmp_path / "talk.txt").read_text().splitlines()[:2]
    assert (first, second.split()[0], second.split()[-1]) == ("> hello", "<", "language")


def test_a_transcript_that_can_not_be_written_is_told_in_one_line(
    capsys: Shown, given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    given("hello\n")
    assert main(["rehearse", "--save", str(tmp_path / "no folder" / "talk.txt")]) == 2
    assert "talk.txt: can't be written: No such file or directory" in capsys.readouterr().err


def test_who_interrupts_ends_it_without_a_trace(capsys: Shown, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Interrupted(io.StringIO):
        def isatty(self) -> bool:
            raise KeyboardInterrupt

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", Interrupted())
    assert main(["rehearse"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_who_interrupts_a_rehearsal_is_told_what_stays(tmp_path: Path) -> None:
    """In a process of its own, for the signal; `tmp_path` would be too long for gpg's agent."""
    with tempfile.TemporaryDirectory(prefix="r-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        rehearsal = subprocess.Popen(
            command("rehearse"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=surroundings(home)
        )
        assert rehearsal.stdin and rehearsal.stdout
        patience = threading.Timer(DEADLINE, rehearsal.kill)
        patience.start()
        rehearsal.stdin.write("SOS\n7\n10\n")
        rehearsal.stdin.flush()
        shown = ""
        while "Sealed mail: " not in shown:
            line = rehearsal.stdout.readline()
            assert line, shown
            shown += line
        rehearsal.send_signal(signal.SIGINT)
        more, _ = rehearsal.communicate()
        patience.cancel()
        (folder,) = home.glob("postigo-?*")
        assert more.splitlines()[-1].endswith(f"stay until you delete them: rm -r {folder}")
        assert rehearsal.returncode == 130
        subprocess.run(["gpgconf", "--homedir", str(folder / "officer"), "--kill", "gpg-agent"], check=False)


# ── run ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("settings.toml", "[terminal]", "", "[terminal]: expected at least one channel"),
        ("settings.toml", '[mail]\ndirectory = "mails"', "", "[mail]: expected host, or directory"),
        ("settings.toml", 'directory = "mails"', 'directory = "mails"\ndirectry = ""', "mail.directry: unknown key"),
        (
            "settings.toml",
            'directory = "mails"',
            'host = "localhost"\nsender = "a@example.org"\nca_file = "no.pem"',
            "mail.ca_file",
        ),
        (
            "settings.toml",
            'directory = "mails"',
            'host = "localhost"\nsender = "a@example.org"\nusername = "a"\npassword_file = "open"',
            "mail.password_file: expected a file of ours that nobody else can read (chmod 600)",
        ),
        ("settings.toml", "sqlite:///kept/postigo.db", "sqlite:///open", "storage.url: expected a database that"),
        ("settings.toml", "sqlite:///kept/postigo.db", "sqlite:///open/x.db", "storage.url: expected a file that can"),
        ("settings.toml", "sqlite:///kept/postigo.db", "sqlite:////proc/x.db", "storage.url: expected a file that can"),
        ("settings.toml", 'keys = "keys"', 'keys = "open"', "storage.keys: expected a folder of ours, and "),
        ("mission.toml", "official_site", "# ", "official_site is missing"),
        (
            "mission.toml",
            'openpgp = "officer.asc"',
            'openpgp = "gone.asc"',
            "gone.asc: expected an OpenPGP certificate",
        ),
        ("mission.toml", 'languages = ["en", "es"]\naccept_unreviewed = ["es"]', 'languages = ["en", "tlh"]', "tlh"),
    ],
)
def test_run_refuses_what_is_wrong_in_one_line_that_names_the_file_and_the_key(
    capsys: Shown, settings: Path, tmp_path: Path, file: str, old: str, new: str, told: str
) -> None:
    (tmp_path / "open").write_text("hunter2" * 500)
    (tmp_path / "open").chmod(0o644)
    (tmp_path / "token").write_text("123456:ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    (tmp_path / "token").chmod(0o600)
    place = tmp_path / file
    before = place.read_text("utf-8")
    assert old in before
    place.write_text(before.replace(old, new, 1), "utf-8")
    line = refused(capsys, "run", "--config", settings)
    assert told in line
    assert line.startswith(f"postigo: {place}: ")
    assert "hunter2" not in line
    assert not (tmp_path / "mails").exists()


def test_run_tells_everything_that_the_mission_has_not_confirmed(capsys: Shown, settings: Path, tmp_path: Path) -> None:
    mission = tmp_path / "mission.toml"
    text = mission.read_text("utf-8").partition("[[resources]]")[0].replace("official_site", "# ")
    mission.write_text(text, "utf-8")
    assert main(["run", "--config", str(settings)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if not line.startswith(f"postigo: {mission}: ")] == []
    assert [any(word in line for line in lines) for word in ("official_site", "resources", "crisis_lines")] == [
        True
    ] * 3


# ── check ────────────────────────────────────────────────────────────────────────────────────────────────


def test_check_finds_nothing_wrong_with_what_is_delivered_and_says_that_it_looked_at_no_more(capsys: Shown) -> None:
    assert main(["check"]) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "no settings were looked at: --config FILE names them\n")


def test_check_finds_only_that_no_mailbox_is_read_and_changes_nothing(
    capsys: Shown, settings: Path, tmp_path: Path
) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    assert main(["check", "--config", str(settings)]) == 2
    assert capsys.readouterr().out == f"{settings}: {NO_MAILBOX}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_what_would_be_better_on_this_machine_is_told_apart_and_changes_no_exit_code(
    capsys: Shown, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.inspection.check", lambda *_, **__: [])
    assert main(["check", "--config", str(settings)]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"machine: {settings.parent / 'keys'}: the keys lie on the database's disk" in shown.err
    assert [line for line in shown.err.splitlines() if not line.startswith("machine: ")] == []


def test_check_prints_a_sentence_a_line_and_what_keeps_no_test_from_an_officer_keeps_none(
    capsys: Shown, settings: Path, tmp_path: Path
) -> None:
    mission = tmp_path / "mission.toml"
    mission.write_text(mission.read_text("utf-8").replace("official_site", "# "), "utf-8")
    assert main(["check", "--config", str(settings), "--send-test"]) == 2
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        f"{mission}: official_site is missing: nobody could check that this bot is the mission's",
        f"{settings}: {NO_MAILBOX}",
        "A sealed test has gone to every contact.",
    ]
    assert len(list((tmp_path / "mails").iterdir())) == 1


UNSENT = [
    ("settings.toml", '[mail]\ndirectory = "mails"', "", "settings.toml: [mail]: expected host, or directory"),
    ("settings.toml", "[storage]", "[storge]", "settings.toml: storge: unknown key; did you mean storage?"),
    ("settings.toml", 'keys = "keys"', 'keys = "officer.asc"', "storage.keys: expected a folder of ours"),
    ("mission.toml", 'fingerprint = "', 'fingerprint = "00', "fingerprint"),
    ("mission.toml", '"officer.asc"', '"gone.asc"', "gone.asc: expected an OpenPGP certificate"),
    ("mission.toml", 'openpgp = "officer.asc"\nfingerprint', "#", "openpgp is missing"),
]


@pytest.mark.parametrize(("file", "old", "new", "told"), UNSENT)
def test_where_no_test_could_be_sent_it_is_said_after_what_stands_in_its_way(
    capsys: Shown, settings: Path, tmp_path: Path, file: str, old: str, new: str, told: str
) -> None:
    place = tmp_path / file
    before = place.read_text("utf-8")
    assert old in before
    place.write_text(before.replace(old, new, 1), "utf-8")
    assert main(["check", "--config", str(settings), "--send-test"]) == 2
    *found, last = capsys.readouterr().out.splitlines()
    assert last == "No test was sent: mend what is named above first."
    assert [one for one in found if told in one] != []
    assert len(found) == len(set(found))
    assert not (tmp_path / "mails").exists()


def test_of_several_contacts_it_is_said_how_many_were_sent_a_test(
    capsys: Shown, settings: Path, tmp_path: Path
) -> None:
    mission = tmp_path / "mission.toml"
    other = '[[contact]]\naddress = "other@example.org"\n[[contact]]'
    mission.write_text(mission.read_text("utf-8").replace("[[contact]]", other, 1), "utf-8")
    assert main(["check", "--config", str(settings), "--send-test"]) == 2
    assert capsys.readouterr().out.splitlines()[-1] == "A sealed test has gone to 1 of 2 contacts."


def test_a_test_alert_reaches_the_officer_and_says_that_it_is_one(
    capsys: Shown, settings: Path, tmp_path: Path, officer: Inbox
) -> None:
    assert main(["check", "--config", str(settings), "--send-test"]) == 2
    told = capsys.readouterr().out
    assert told == f"{settings}: {NO_MAILBOX}\nA sealed test has gone to every contact.\n"
    (mail,) = (tmp_path / "mails").iterdir()
    subject, text, case = officer.opened(mail.read_bytes())
    assert (subject, "There is no case" in text, '"test": true' in case) == ("Test: no case", True, True)
    assert b"Subject: [...]\r\n" in mail.read_bytes()


def test_a_test_needs_to_be_told_where_to(capsys: Shown) -> None:
    assert "--send-test needs --config" in refused(capsys, "check", "--send-test")


async def test_a_test_alert_goes_through_a_server(tmp_path: Path, officer: Inbox, capsys: Shown) -> None:
    authority = Authority(tmp_path)
    mission_file(tmp_path, "officer.asc", officer.contact.fingerprint)
    async with mail_server(authority.server(), replies={"RCPT": ["250 OK", "550 no"]}) as server:
        settings = settings_file(tmp_path, server_lines(server, authority))
        words = ["check", "--config", str(settings), "--send-test"]
        assert [await in_a_thread(words), await in_a_thread(words)] == [2, 2]
        assert officer.opened(server.accepted[0].mail)[0] == "Test: no case"
    refused = "the test to officer@example.org was not sent: the mail server answered 550 to RCPT"
    assert capsys.readouterr().out.splitlines() == [
        f"{settings}: {NO_MAILBOX}",
        "A sealed test has gone to every contact.",
        f"{settings}: {NO_MAILBOX}",
        f"{settings}: [mail]: {refused}",
        "No test was sent: mend what is named above first.",
    ]


async def in_a_thread(words: list[str]) -> int:
    return await asyncio.to_thread(main, words)


# ── draw ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_flow_is_drawn_to_the_terminal_or_to_a_file(capsys: Shown, tmp_path: Path) -> None:
    drawn = done(capsys, "draw")
    assert "language" in drawn
    assert "-->" in drawn
    assert done(capsys, "draw", "--format", "mermaid", "-o", tmp_path / "flow.mmd") == ""
    assert (tmp_path / "flow.mmd").read_text("utf-8") == drawn
    assert "no folder" in refused(capsys, "draw", "-o", tmp_path / "no folder" / "flow.mmd")


def test_svg_without_dot_is_one_line_that_says_so(
    capsys: Shown, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "needs the program dot: install graphviz" in refused(capsys, "draw", "--format", "svg")


def test_svg_is_what_dot_makes_of_it(capsys: Shown, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dot = tmp_path / "dot"
    dot.write_text('#!/bin/sh\n[ "$1" = -Tsvg ] && printf "<svg>" && exec cat\n')
    dot.chmod(0o755)
    if shutil.which("dot") is None:  # any program of that name does for the test
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert "<svg" in done(capsys, "draw", "--format", "svg")


# ── erase, expire ────────────────────────────────────────────────────────────────────────────────────────


def talked(capsys: Shown, settings: Path) -> None:
    """Leave keys and a database behind, with one row in it."""
    done(capsys, "expire", "--config", settings)
    engine = open_engine(f"sqlite:///{settings.parent / 'kept' / 'postigo.db'}")
    with engine.begin() as conn:
        conn.execute(sa.text("INSERT INTO counts VALUES ('2026-W47', 1, 'en', 3)"))
    engine.dispose()


def kept_rows(settings: Path) -> int:
    """How many rows there are, marks of the clock and a morning's letter among them, but for the schema's own."""
    engine = open_engine(f"sqlite:///{settings.parent / 'kept' / 'postigo.db'}")
    with engine.connect() as conn:
        tables = [name for name in sa.inspect(conn).get_table_names() if name != "alembic_version"]
        rows = sum(conn.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in tables)  # noqa: S608
    engine.dispose()
    return int(rows)


@pytest.mark.parametrize("answer", ["", "yes\n", "erase\n"])
def test_erase_asks_and_anything_but_the_word_deletes_nothing(
    capsys: Shown, given: Given, settings: Path, answer: str
) -> None:
    talked(capsys, settings)
    before = {path: path.read_bytes() for path in files_under(settings.parent / "keys")}
    given(answer)
    assert main(["erase", "--config", str(settings)]) == 2
    assert "Nothing was deleted." in capsys.readouterr().out
    assert {path: path.read_bytes() for path in files_under(settings.parent / "keys")} == before


@pytest.mark.parametrize("words", [(), ("--yes",)])
def test_erase_deletes_the_keys_and_every_row(
    capsys: Shown, given: Given, settings: Path, words: tuple[str, ...]
) -> None:
    talked(capsys, settings)
    rows = kept_rows(settings)
    given("" if words else "ERASE\n")
    told = done(capsys, "erase", "--config", settings, *words)
    assert f"Deleted: the keys, and {rows} rows." in told
    assert (rows > 1, kept_rows(settings)) == (True, 0)
    assert files_under(settings.parent / "keys") == []


def test_erase_where_nothing_was_kept_deletes_nothing(capsys: Shown, settings: Path) -> None:
    assert "and 0 rows" in done(capsys, "erase", "--config", settings, "--yes")


def test_expire_tells_how_much_it_took_away(capsys: Shown, settings: Path) -> None:
    assert main(["expire", "--config", str(settings)]) == 0
    assert capsys.readouterr().out == "expired: 0, rewrapped: 0, keys destroyed: 0\n"


def test_expire_hides_no_database_that_was_put_back(capsys: Shown, settings: Path) -> None:
    kept = settings.parent / "kept"
    talked(capsys, settings)
    shutil.copytree(kept, settings.parent / "copy")
    done(capsys, "expire", "--config", settings)
    done(capsys, "expire", "--config", settings)
    shutil.copytree(settings.parent / "copy", kept, dirs_exist_ok=True)
    assert main(["expire", "--config", str(settings)]) == 0
    assert '"event": "database_restored"' in capsys.readouterr().err


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_signing_key_is_shown_renewed_and_shown(capsys: Shown, settings: Path) -> None:
    first = done(capsys, "keys", "show", "--config", settings)
    assert done(capsys, "keys", "show", "--config", settings) == first
    fingerprint = first.split()[1]
    assert "-----BEGIN PGP PUBLIC KEY BLOCK-----" in first
    told = done(capsys, "keys", "rotate", "--config", settings).splitlines()
    assert told[0] == f"was {fingerprint}"
    second = done(capsys, "keys", "show", "--config", settings)
    assert told[1] == f"now {second.split()[1]}"
    assert second.split()[1] != fingerprint
    assert (settings.parent / "keys" / "signing.key").stat().st_mode & 0o777 == 0o600


def test_the_days_whose_keys_live_are_listed(capsys: Shown, settings: Path) -> None:
    (day,) = done(capsys, "keys", "days", "--config", settings).splitlines()
    assert len(day.split("-")) == 3


def test_keys_that_others_can_read_are_refused(capsys: Shown, settings: Path) -> None:
    done(capsys, "keys", "days", "--config", settings)
    (settings.parent / "keys").chmod(0o755)
    assert "keys: others can reach it, expected mode 0700" in refused(capsys, "keys", "show", "--config", settings)
