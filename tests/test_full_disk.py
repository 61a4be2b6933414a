"""A disk that is full for a while ends nothing: what can't be written is refused, and all goes on when it has room."""

import asyncio
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes_disk import full, kept_limits
from fakes_signal_bot import events
from fakes_smtp import Authority, MailServer, mail_server
from stories.stage import DEADLINE, Inbox, Life, Stage, cries, posted_to

from bot.failures import tried
from bot.mail.smtp import Post

NO_LIMIT = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


async def test_a_bot_lives_on_when_its_disk_was_full(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    authority, officer = Authority(tmp_path), Inbox(tmp_path)
    async with mail_server(authority.server()) as server:
        stage = Stage(tmp_path, posted_to(server, authority), (officer.contact,))
        async with stage.open() as life:
            await cries(life, settle=False)  # a case and words are on their way
            with full():
                with pytest.raises((sa.exc.OperationalError, sqlite3.OperationalError)):
                    await life.writes("ben", "hello", settle=False)
                await fails(life, caplog, "round_failed", times=1)
            assert not life.running.done()
            assert "Which language" in await life.writes("ben", "hello")
            await arrived_once(server, officer)


async def test_nobody_hears_of_a_case_whose_turn_was_undone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    authority, officer = Authority(tmp_path), Inbox(tmp_path)
    caplog.set_level("DEBUG", "postigo")
    async with (
        mail_server(authority.server()) as server,
        Stage(tmp_path, posted_to(server, authority), (officer.contact,)).open() as life,
    ):
        await life.writes("ana", "SOS")
        await life.picks("ana", "me")
        turns = events(caplog).count("turn_taken")
        with full(), pytest.raises((sa.exc.OperationalError, sqlite3.OperationalError)):
            await life.picks("ana", "act", settle=False)
        assert not {"case_handed_off"} & set(events(caplog))
        assert events(caplog).count("turn_taken") == turns
        await life.picks("ana", "act")
    assert events(caplog).count("case_handed_off") == 1


@dataclass
class FillingPost:
    """A mail server, and a disk that is full from the moment at which the server has taken a mail."""

    post: Post
    fills: bool = True

    @property
    def confirms(self) -> bool:
        return self.post.confirms

    async def send(self, mail: bytes, recipient: str) -> None:
        await self.post.send(mail, recipient)
        if self.fills:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


async def test_a_mail_that_was_taken_while_the_disk_was_full_has_left_once_and_nobody_is_told_otherwise(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority, officer = Authority(tmp_path), Inbox(tmp_path)
    async with mail_server(authority.server()) as server:
        post = FillingPost(posted_to(server, authority))
        stage = Stage(tmp_path, post, (officer.contact,))
        with kept_limits():
            async with stage.open() as life:
                await cries(life, settle=False)
                await fails(life, caplog, "round_failed", times=2)  # the claim, and what became of the mail
                post.fills = False
                resource.setrlimit(resource.RLIMIT_FSIZE, NO_LIMIT)
                await life.hears("ana", "It has left us")
                await life.settled()
                assert await life.rows("mail") == 0
        assert len(server.accepted) == 1
    assert not {"fault", "report_failed", "mail_unsure", "mail_delayed"} & set(events(caplog))


async def fails(life: Life, caplog: pytest.LogCaptureFixture, name: str, *, times: int) -> None:
    """Wait until so many such events are in the log, while the courier looks for work again and again."""
    async with asyncio.timeout(DEADLINE):
        while events(caplog).count(name) < times:
            life.bot.courier.wake()
            await asyncio.to_thread(lambda: None)  # a turn of the loop, so that the courier goes on


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes, where we may make one; elsewhere no file may grow instead, which the tests above do."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("only root may mount a small disk; that no file may grow is tested anyhow")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


async def test_a_bot_lives_on_when_its_disk_really_was_full(disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = disk.parent
    authority, officer = Authority(folder), Inbox(folder)
    async with mail_server(authority.server()) as server:
        stage = Stage(disk, posted_to(server, authority), (officer.contact,))
        async with stage.open() as life:
            await cries(life, settle=False)
            refused = await fill(life, disk)
            await fails(life, caplog, "round_failed", times=1)
            assert not life.running.done()
            (disk / "filler").unlink()
            for name in refused:
                assert "Which language" in await life.writes(name, "hello")
            await arrived_once(server, officer)
            await life.hears("ana", "It has left us")
        with closing(sqlite3.connect(stage.database)) as conn:
            assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def fill(life: Life, disk: Path) -> list[str]:
    """Fill the disk, and let people write until nothing more can be kept; return who was refused."""
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass
    for number in count():
        try:
            await life.writes(f"person {number}", "hello", settle=False)
        except (sa.exc.OperationalError, sqlite3.OperationalError):
            return [f"person {number}"]
    raise AssertionError


async def arrived_once(server: MailServer, officer: Inbox) -> None:
    await server.arrived(1, within=DEADLINE)
    assert {officer.opened(taken.mail)[2] for taken in server.accepted} == {officer.opened(server.accepted[0].mail)[2]}


async def test_a_writer_that_has_ended_is_not_asked_again() -> None:
    async def nobody() -> None:
        raise RuntimeError("the writer is not running")

    with pytest.raises(RuntimeError, match="not running"):
        await tried(nobody)
