"""What an operator's programs see of a bot that is in trouble, or begins, or has no port to be asked at."""

import asyncio
import re
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from fakes_smtp import closed_port
from operations.asking import numbers, page
from stories.program import mission_file, ran, running, settings_file
from stories.stage import Inbox, Life, Stage

from bot import watching
from bot.conversation.model import Message, Sender
from bot.mail.smtp import DirectoryPost

COMPOSE = Path(__file__).parents[2] / "config" / "deploy" / "compose.yaml"
WRITER = "writer: the database did not answer within 2 seconds\n"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, DirectoryPost(tmp_path / "mails"), (Inbox(tmp_path).contact,), listen="127.0.0.1:0")


@pytest.fixture
async def life(stage: Stage) -> AsyncIterator[Life]:
    async with stage.open() as life:
        yield life


def port_of(life: Life) -> int:
    assert life.bot.watching is not None
    return life.bot.watching.listening.port


async def test_a_database_that_does_not_answer_is_told_in_time_and_so_are_the_numbers_that_need_none(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "ANSWERS_WITHIN", 0.05)
    held = threading.Event()
    stuck = asyncio.create_task(life.bot.writer.do(lambda _: held.wait(20)))
    later = [asyncio.create_task(life.reads(lambda _: None)) for _ in range(3)]
    await asyncio.sleep(0)
    answers = await asyncio.gather(*(page(port_of(life), "/health") for _ in range(4)))
    assert [(answer.status, answer.body) for answer in answers] == [(503, WRITER)] * 4
    found = numbers((await page(port_of(life), "/metrics")).body)
    assert (found["postigo_ready"], found['postigo_wrong{what="writer"}'], "postigo_talks" in found) == (0, 1, False)
    assert found["postigo_writer_waiting"] >= len(later)
    held.set()
    await asyncio.gather(stuck, *later)
    monkeypatch.undo()
    assert (await page(port_of(life), "/health")).status == 200


async def test_a_courier_that_is_gone_is_told(life: Life) -> None:
    carrying = life.bot._carrying
    life.bot._carrying = None
    assert (await page(port_of(life), "/health")).body == "courier: nobody carries out what is committed\n"
    life.bot._carrying = carrying


async def test_a_bot_that_begins_is_not_ready(stage: Stage) -> None:
    bot, _ = stage.wired()
    assert bot.watching is not None
    async with bot.watching.serving():
        answer = await page(bot.watching.listening.port, "/health")
    lines = [line.partition(":")[0] for line in answer.body.splitlines()]
    assert (answer.status, lines) == (503, ["not_running", "writer", "courier"])


async def test_what_was_kept_out_is_no_turn(life: Life) -> None:
    seen = life.bot.watching
    assert seen is not None
    messages = [Message(Sender("signal", "ana"), f"m{number}", life.clock.now(), "hello") for number in range(3)]
    assert await seen.timed(_kept_out)(messages) == messages[1:2]
    found = numbers((await page(port_of(life), "/metrics")).body)
    assert (found["postigo_turn_seconds_count"], found["postigo_messages_kept_out_total"]) == (2, 1)


async def _kept_out(messages: Sequence[Message]) -> Sequence[Message]:
    return messages[1:2]


def test_a_bot_without_a_place_to_be_asked_counts_nothing(stage: Stage) -> None:
    stage.listen = ""
    bot, _ = stage.wired()
    assert bot.watching is None


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    officer = Inbox(tmp_path)
    mission_file(tmp_path, "officer.asc", officer.contact.fingerprint)
    return tmp_path


def listening_at(folder: Path, port: int) -> Path:
    return settings_file(folder, 'directory = "mails"', more=f'[terminal]\n[operations]\nlisten = "127.0.0.1:{port}"\n')


def test_a_port_that_is_taken_ends_the_bot_at_its_start_with_one_line(configured: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = ran(configured / "home", "run", "--config", listening_at(configured, port))
    at = f"postigo: {configured}/settings.toml: operations.listen: "
    told = f"{at}expected an address that is free, and 127.0.0.1:{port} isn't: Address already in use"
    assert (done.returncode, done.stderr.decode().splitlines()[-1]) == (2, told)
    assert b'"event": "ready"' not in done.stderr


def checked(port: int) -> tuple[int, str]:
    """What the health check of the compose file finds at this port."""
    (script,) = re.findall(r"- -Ic\n +- \|\n((?: {10,}.+\n)+)", COMPOSE.read_text("utf-8"))
    words = [sys.executable, "-Ic", textwrap.dedent(script).replace("9108", str(port))]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


async def test_the_health_check_of_the_compose_file_knows_a_bot_that_runs_from_one_that_does_not(
    configured: Path,
) -> None:
    port = closed_port()
    async with running(configured / "home", listening_at(configured, port)) as program:
        await program.logs("ready")
        assert await asyncio.to_thread(checked, port) == (0, "ok\n\n")
        await program.end()
    assert (await asyncio.to_thread(checked, port))[0] == 1
