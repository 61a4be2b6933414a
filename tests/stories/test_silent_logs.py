"""Whole talks at level debug, with failures all the way: no line holds what a person typed or who she is."""

import json
import logging
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes_gpg import Gpg
from fakes_smtp import Authority, MailServer, mail_server
from storage.canaries import forms
from stories.program import mission_file, running, server_lines, settings_file
from stories.stage import GOOD, Inbox, Life, Mood, Stage, canary, posted_to, unreachable

from bot import logs
from bot.errors import Undeliverable


@pytest.fixture
def mood() -> Mood:
    return Mood("451 later")


@pytest.fixture
async def server(authority: Authority, mood: Mood) -> AsyncIterator[MailServer]:
    async with mail_server(authority.server(), replies={"RCPT": mood}) as server:
        yield server


@pytest.fixture
def stage(tmp_path: Path, server: MailServer, authority: Authority, officer: Inbox) -> Stage:
    return Stage(tmp_path, posted_to(server, authority), (officer.contact,))


@pytest.fixture
def debugging() -> Iterator[None]:
    """Log at the lowest level, and put everything back afterwards."""
    root = logging.getLogger()
    kept = (root.handlers[:], root.level, logs.OWN.level, logging.raiseExceptions)
    hooks = (sys.excepthook, sys.unraisablehook, threading.excepthook)
    logs.install("debug")
    yield
    root.handlers[:], logging.raiseExceptions = kept[0], kept[3]
    root.setLevel(kept[1])
    logs.OWN.setLevel(kept[2])
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
    logging.captureWarnings(capture=False)


async def whole_talk(life: Life, address: str) -> list[str]:
    """Every question answered with canaries where words are taken, and beside them; returns what was typed."""
    typed = [canary() for _ in range(12)]
    words = iter(typed)
    await life.writes(address, next(words), f"/start {next(words)}")
    await life.picks(address, "en", "no", "no", "tell", "me", "threat", "oax", "quiet", "here")
    await life.writes(address, next(words))
    await life.picks(address, "send", "act", "yes")
    for _ in range(30):
        question = life.last(address)
        if "What should the mission know?" in question or "which one?" in question:
            await life.writes(address, f"55 1234 5678 {next(words)}")  # looks like a number: asked once more
            await life.writes(address, next(words))
        elif "Send what you added now?" in question:
            break
        else:
            await life.writes(address, "skip")
    return typed


async def test_no_line_holds_what_was_typed_or_who_typed_it_whatever_fails(
    stage: Stage, mood: Mood, debugging: None, capfd: pytest.CaptureFixture[str]
) -> None:
    ana, eva = canary(), canary()
    async with stage.open() as life:
        typed = await whole_talk(life, ana)
        life.town.refusals[ana] = [unreachable(), RuntimeError(f"to {ana}: no")]
        life.town.refusals[eva] = [Undeliverable(f"{eva} is gone")]
        await life.writes(eva, canary(), "\ud800" + typed[0], "x" * 70_000)
        await life.writes(ana, "send now")
        await life.later(minutes=1)
        await life.later(minutes=6)
        spoiled = sa.text("UPDATE outbox SET sealed = x'00' WHERE kind = 'mail'")
        await life.reads(lambda conn: conn.execute(spoiled).rowcount)
        await life.later(hours=1)
        mood.reply = GOOD
        await life.later(hours=1)
        await life.bot.upkeep.round()
        await life.writes(ana, "erase")
        codes = next(text for text in life.town.told(ana) if "Return code " in text)
    shown = capfd.readouterr()
    assert shown.out == ""
    lines = [json.loads(line) for line in shown.err.splitlines()]
    assert {line["event"] for line in lines} >= {
        "ready",
        "turn_taken",
        "case_handed_off",
        "case_sealed",
        "mail_delayed",
        "words_delayed",
        "words_undeliverable",
        "effect_unreadable",
        "fault",
        "erased",
        "stopped",
    }
    code = codes.partition("Return code ")[2].partition(".")[0]
    secret = [ana, eva, *typed, code, code.replace(" ", ""), "55 1234 5678", "officer@example.org"]
    octets = shown.err.encode()
    assert [one for one in secret if any(form in octets for form in forms(one))] == []
    assert [line for line in lines if "withheld" in line] == []


async def test_a_running_bot_speaks_on_stdout_and_logs_on_stderr_and_never_one_in_the_other(
    tmp_path: Path, gpg: Gpg, authority: Authority
) -> None:
    fingerprint = gpg.new_key("Officer <officer@example.org>")
    (tmp_path / "officer.asc").write_bytes(gpg.exported("Officer <officer@example.org>"))
    mission_file(tmp_path, "officer.asc", fingerprint)
    word = canary()
    async with mail_server(authority.server(), replies={"RCPT": Mood("451 later")}) as server:
        settings = settings_file(tmp_path, server_lines(server, authority), level="debug")
        async with running(tmp_path / "home", settings) as program:
            program.write("hello", "1", word, "SOS", word, "7", "10")
            await program.logs("mail_delayed")
            program.write("erase")
            await program.says("it does not leave any more")
            await program.end()
        assert program.said.count(word) == 2
        assert not any(form in bytes(program._logged) for form in forms(word))
        assert all(set(line) >= {"at", "severity", "event"} for line in program.logged)
        assert "I am a program" not in program._logged.decode()
        assert not any('"event"' in line for line in program.said.splitlines())
