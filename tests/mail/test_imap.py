"""How mails leave a mailbox, over a real dovecot: each is taken once and then is gone, whatever happens between."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
import trustme
from fakes_dovecot import NO_IDLE, NO_UIDPLUS, PASSWORD, USER, Dovecot, dovecot
from fakes_imap import GOODBYE, ScriptedImap, scripted_imap
from fakes_smtp import closed_port, raw_server
from imapclient import IMAPClient  # type: ignore[import-untyped]  # it brings no types

from bot import logs
from bot.errors import NotNow, SettingsError
from bot.mail import imap
from bot.mail.imap import FETCHED, MOST_TRIES, Mailbox, Take
from bot.mail.mailbox_findings import Refused

MAIL = b"Subject: %d\r\n\r\n.\r\n\xc3\xb1 trailing   \r\n"
SECONDS = 25  # less than Mailbox.wait: what comes sooner was told by the server
Tls = Literal["implicit", "starttls"]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[Dovecot]:
    with dovecot(authority) as running:
        yield running


def mailbox(server: Dovecot, trusted: Path | None, tls: Tls = "implicit", **more: object) -> Mailbox:
    words: dict[str, object] = {"username": USER, "password": PASSWORD, "shortest": 0.05, **more}
    port = server.port if tls == "implicit" else server.starttls_port
    return Mailbox(host=server.host, port=port, tls=tls, ca_file=trusted, **words)  # type: ignore[arg-type]  # by name


class Taken:
    """What was taken; `refuses`: how often each mail is refused before."""

    def __init__(self, refuses: int = 0, error: Exception | None = None) -> None:
        self.mails: list[bytes] = []
        self.tries = 0
        self._refuses = refuses
        self._error = error or RuntimeError("refused")
        self._news = asyncio.Condition()

    async def __call__(self, mail: bytes) -> None:
        async with self._news:
            self.tries += 1
            self._news.notify_all()
            if self.tries <= self._refuses:
                raise self._error
            self.mails.append(mail)

    async def until(self, holds: Callable[["Taken"], bool]) -> None:
        async with asyncio.timeout(SECONDS), self._news:
            await self._news.wait_for(lambda: holds(self))

    async def mails_are(self, count: int) -> None:
        await self.until(lambda taken: len(taken.mails) >= count)


@asynccontextmanager
async def listening(box: Mailbox, taken: Take) -> AsyncIterator[None]:
    task = asyncio.create_task(box.listen(taken))
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(task, return_exceptions=True)


async def gone(server: Dovecot, left: int = 0) -> None:
    """Wait until no more than so many mails are there."""
    async with asyncio.timeout(SECONDS):
        while len(await asyncio.to_thread(server.left)) > left:  # noqa: ASYNC110 - another program's state
            await asyncio.sleep(0.01)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not holds():  # noqa: ASYNC110 - a thread's or a log's state
            await asyncio.sleep(0.01)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was logged."""
    names: list[str] = []
    monkeypatch.setattr(imap, "event", lambda name, **_: names.append(name.value))
    return names


# ── taken, and gone ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_what_is_there_and_what_comes_is_taken_once_byte_for_byte_and_removed(
    server: Dovecot, trusted: Path, tls: Tls
) -> None:
    taken = Taken()
    server.deliver(MAIL % 1, MAIL % 2)
    async with listening(mailbox(server, trusted, tls), taken):
        await taken.mails_are(2)
        await gone(server)
        await asyncio.to_thread(server.deliver, MAIL % 3)
        await taken.mails_are(3)
        await gone(server)
    assert taken.mails == [MAIL % 1, MAIL % 2, MAIL % 3]


@pytest.mark.parametrize("capability", [NO_IDLE, NO_UIDPLUS])
async def test_a_server_that_can_do_less_is_served_too(authority: trustme.CA, trusted: Path, capability: str) -> None:
    with dovecot(authority, capability=capability) as server:
        taken = Taken()
        server.deliver(MAIL % 1)
        async with listening(mailbox(server, trusted, wait=0.2), taken):
            await taken.mails_are(1)
            await asyncio.to_thread(server.deliver, MAIL % 2)
            await taken.mails_are(2)
            await gone(server)


async def test_of_a_mail_that_is_too_large_only_the_beginning_is_fetched(server: Dovecot, trusted: Path) -> None:
    taken = Taken()
    server.deliver(b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 40_000)
    async with listening(mailbox(server, trusted), taken):
        await taken.mails_are(1)
        await gone(server)
    assert [len(mail) for mail in taken.mails] == [FETCHED]


async def test_a_mail_is_there_until_it_has_been_taken(server: Dovecot, trusted: Path) -> None:
    held, may_go = asyncio.Event(), asyncio.Event()

    async def take(_: bytes) -> None:
        held.set()
        await may_go.wait()

    server.deliver(MAIL % 1)
    task = asyncio.create_task(mailbox(server, trusted).listen(take))
    async with asyncio.timeout(SECONDS):
        await held.wait()
    assert await asyncio.to_thread(server.left) == [MAIL % 1]
    assert await asyncio.to_thread(server.unread) == 1
    may_go.set()
    await gone(server)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_mail_that_comes_while_another_is_taken_waits_for_nothing(server: Dovecot, trusted: Path) -> None:
    taken, box = Taken(), mailbox(server, trusted)

    async def take(mail: bytes) -> None:
        if not taken.mails:  # the server tells of it in what it answers to our commands, and not again
            await asyncio.to_thread(server.deliver, MAIL % 2)
        await taken(mail)

    server.deliver(MAIL % 1)
    async with listening(box, take):
        await taken.mails_are(2)
        await gone(server)
    assert taken.mails == [MAIL % 1, MAIL % 2]


async def test_a_mail_that_comes_after_a_look_and_before_the_wait_is_told_of(
    server: Dovecot, trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = IMAPClient.idle

    def deliver_before(client: IMAPClient) -> object:  # the server tells of it in one breath with "+ idling"
        if not server.left():
            server.deliver(MAIL % 1)
        return idle(client)

    monkeypatch.setattr(IMAPClient, "idle", deliver_before)
    taken = Taken()
    async with listening(mailbox(server, trusted), taken):
        await taken.mails_are(1)


EXISTS = b"* 1 EXISTS\r\n"


def scripted(server: ScriptedImap, trusted: Path, **more: object) -> Mailbox:
    words: dict[str, object] = {"username": USER, "password": "any", "shortest": 0.05, **more}
    return Mailbox(host="localhost", port=server.port, tls="implicit", ca_file=trusted, **words)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(("capability", "command"), [("IMAP4rev1 IDLE", "IDLE"), ("IMAP4rev1", "SEARCH")])
async def test_what_is_told_in_one_breath_with_an_answer_is_looked_at_at_once(
    authority: trustme.CA, trusted: Path, capability: str, command: str
) -> None:
    with scripted_imap(authority, capability=capability, behind={command: EXISTS}) as server:
        async with listening(scripted(server, trusted), Taken()):
            await until(lambda: server.heard["SEARCH"] > 1)


async def test_whatever_else_is_said_with_an_answer_is_no_reason_to_look_again(
    authority: trustme.CA, trusted: Path
) -> None:
    wait = 0.2
    with scripted_imap(authority, behind={"IDLE": b"* OK Still here\r\n"}) as server:
        async with listening(scripted(server, trusted, wait=wait), Taken()):
            await until(lambda: server.heard["IDLE"] == 1)
            began = time.monotonic()
            await until(lambda: server.heard["IDLE"] >= 4)
    assert time.monotonic() - began > 2 * wait


async def test_a_line_that_ends_in_one_breath_with_an_answer_is_given_up_at_once(
    authority: trustme.CA, trusted: Path, told: list[str]
) -> None:
    with scripted_imap(authority, behind={"IDLE": GOODBYE}) as server:
        async with listening(scripted(server, trusted), Taken()):
            await until(lambda: "mailbox_down" in told)


async def test_what_an_earlier_session_marked_is_removed_and_not_taken(server: Dovecot, trusted: Path) -> None:
    taken = Taken()
    server.deliver(MAIL % 1)
    server.mark_deleted()
    server.deliver(MAIL % 2)
    async with listening(mailbox(server, trusted), taken):
        await taken.mails_are(1)
        await gone(server)
    assert taken.mails == [MAIL % 2]


# ── not taken ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_mail_that_is_not_taken_stays_and_comes_again(server: Dovecot, trusted: Path, told: list[str]) -> None:
    taken = Taken(refuses=2)
    server.deliver(MAIL % 1)
    async with listening(mailbox(server, trusted, wait=0.1), taken):
        await taken.mails_are(1)
        await gone(server)
    assert (taken.tries, taken.mails) == (3, [MAIL % 1])
    assert told == ["mailbox_up", "mailbox_stuck", "mailbox_stuck"]


async def test_a_mail_that_is_never_taken_is_left_there_and_does_not_stop_the_others(
    server: Dovecot, trusted: Path
) -> None:
    taken = Taken(refuses=MOST_TRIES)
    server.deliver(MAIL % 1)
    async with listening(mailbox(server, trusted, wait=0.1), taken):
        await taken.until(lambda one: one.tries == MOST_TRIES)
        await asyncio.to_thread(server.deliver, MAIL % 2)
        await taken.mails_are(1)
        await gone(server, left=1)
    assert taken.mails == [MAIL % 2]
    assert server.left() == [MAIL % 1]


async def test_a_mail_that_was_left_there_is_looked_at_again_later(
    server: Dovecot, trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "LEFT_FOR", 0.3)
    taken = Taken(refuses=MOST_TRIES)
    server.deliver(MAIL % 1)
    async with listening(mailbox(server, trusted, wait=0.1), taken):
        await taken.mails_are(1)
        await gone(server)
    assert taken.mails == [MAIL % 1]


async def test_what_cannot_be_done_yet_is_brought_again_as_often_as_it_takes_and_is_no_fault(
    server: Dovecot, trusted: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "PUT_OFF", 0.05)
    taken = Taken(refuses=MOST_TRIES + 2, error=NotNow())
    server.deliver(MAIL % 1)
    async with listening(mailbox(server, trusted, wait=0.1), taken):
        await taken.mails_are(1)
        await gone(server)
    assert (taken.tries, taken.mails) == (MOST_TRIES + 3, [MAIL % 1])
    assert told == ["mailbox_up"]


# ── lost and found ─────────────────────────────────────────────────────────────────────────────────────


async def test_after_the_server_was_away_listening_goes_on(server: Dovecot, trusted: Path, told: list[str]) -> None:
    taken = Taken()
    server.deliver(MAIL % 1)
    async with listening(mailbox(server, trusted), taken):
        await taken.mails_are(1)
        await gone(server)
        await asyncio.to_thread(server.stop)
        await until(lambda: "mailbox_down" in told)
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(server.deliver, MAIL % 2)
        await taken.mails_are(2)
        await gone(server)
    assert taken.mails == [MAIL % 1, MAIL % 2]
    assert told.count("mailbox_up") == 2


async def test_a_mail_that_was_taken_while_the_line_broke_is_not_taken_again(
    server: Dovecot, trusted: Path, told: list[str]
) -> None:
    taken = Taken()

    async def take(mail: bytes) -> None:
        await taken(mail)
        if len(taken.mails) == 1:
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)

    server.deliver(MAIL % 1)
    task = asyncio.create_task(mailbox(server, trusted).listen(take))
    await taken.mails_are(1)
    await until(lambda: told.count("mailbox_up") == 2)
    await gone(server)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert taken.mails == [MAIL % 1]


@pytest.mark.parametrize("idle", [True, False])
async def test_when_it_is_ended_the_thread_and_the_connection_end(
    authority: trustme.CA, trusted: Path, idle: bool
) -> None:
    with dovecot(authority, **({} if idle else {"capability": NO_IDLE})) as server:
        taken = Taken()
        server.deliver(MAIL % 1)
        async with listening(mailbox(server, trusted), taken):
            await taken.mails_are(1)
            await gone(server)
        await until(lambda: not any(one.name.startswith("mailbox") for one in threading.enumerate()))


async def test_it_can_be_ended_while_a_server_says_nothing(trusted: Path) -> None:
    async with raw_server() as port:
        box = Mailbox("localhost", port, "starttls", USER, PASSWORD, trusted)
        task = asyncio.create_task(box.listen(Taken()))
        await until(lambda: any(one.name.startswith("mailbox") for one in threading.enumerate()))
        task.cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(task, return_exceptions=True)
    await until(lambda: not any(one.name.startswith("mailbox") for one in threading.enumerate()))


async def test_after_a_refused_login_it_waits_long(server: Dovecot, trusted: Path, told: list[str]) -> None:
    taken = Taken()
    async with listening(mailbox(server, trusted, password="wrong"), taken):
        await until(lambda: bool(told))
        await asyncio.sleep(0)
    assert told == ["mailbox_refused"]
    assert mailbox(server, trusted)._pause(Refused(), 3) == imap.REFUSED_WAIT


async def test_between_attempts_it_waits_longer_each_time_and_a_minute_at_most(trusted: Path, told: list[str]) -> None:
    box = Mailbox("localhost", closed_port(), "implicit", USER, PASSWORD, trusted)
    assert [box._pause(OSError(), failed) for failed in (1, 2, 3, 6, 7, 1000)] == [1, 2, 4, 32, 60, 60]
    assert set(told) == {"mailbox_down"}


# ── what is told before the start ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_of_a_mailbox_that_works_nothing_is_found_and_nothing_is_taken(
    server: Dovecot, trusted: Path, tls: Tls
) -> None:
    server.deliver(MAIL % 1)
    assert await mailbox(server, trusted, tls).findings() == []
    assert server.left() == [MAIL % 1]


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"password": "wrong"}, "the server refuses the user name or the password."),
        ({"password": "señal"}, "the server refuses the user name or the password."),
        ({"folder": "Nowhere"}, 'there is no folder "Nowhere" that may be changed.'),
        ({"ca_file": None}, "TLS failed: CERTIFICATE_VERIFY_FAILED."),
    ],
)
async def test_what_is_wrong_is_told_in_a_sentence(
    server: Dovecot, trusted: Path, tls: Tls, wrong: dict[str, object], sentence: str
) -> None:
    box = mailbox(server, None if "ca_file" in wrong else trusted, tls, **{k: v for k, v in wrong.items() if v})
    assert await box.findings() == [f"the mailbox on localhost: {sentence}"]


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_a_server_with_another_name_is_not_believed(authority: trustme.CA, trusted: Path, tls: Tls) -> None:
    with dovecot(authority, name="imap.elsewhere.example") as server:
        server.deliver(MAIL % 1)
        box = mailbox(server, trusted, tls)
        assert await box.findings() == ["the mailbox on localhost: TLS failed: CERTIFICATE_VERIFY_FAILED."]
        assert "Login:" not in (server.home / "log").read_text("utf-8").replace("Login: user=<bot>", "", 1)


async def test_a_server_that_offers_no_tls_hears_no_password(trusted: Path) -> None:
    heard: list[bytes] = []
    ended = asyncio.Event()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        while line := await reader.readline():
            heard.append(line)
            writer.write(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n%b OK done\r\n" % line.split()[0])
        writer.close()
        await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(meet, "127.0.0.1", 0) as clear:
        port = clear.sockets[0].getsockname()[1]
        box = Mailbox("localhost", port, "starttls", USER, PASSWORD, trusted)
        assert await box.findings() == ["the mailbox on localhost: the server offers no STARTTLS."]
        await ended.wait()
    assert {line.split()[1] for line in heard} == {b"CAPABILITY"}


async def test_a_server_that_is_not_there_is_told(trusted: Path) -> None:
    box = Mailbox("localhost", closed_port(), "implicit", USER, PASSWORD, trusted)
    assert await box.findings() == ["the mailbox on localhost: the server can't be reached."]


def test_settings_that_cannot_work_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"mailbox\.tls"):
        Mailbox("localhost", 143, "none", USER, PASSWORD)  # type: ignore[arg-type]  # as somebody might write it
    with pytest.raises(SettingsError, match=r"mailbox\.ca_file"):
        Mailbox("localhost", 993, "implicit", USER, PASSWORD, tmp_path / "none.pem")


def test_name_and_password_stand_in_no_repr() -> None:
    box = Mailbox("localhost", 993, "implicit", "someone", PASSWORD)
    assert "someone" not in repr(box) and PASSWORD not in repr(box)
    assert {logs.Event.MAILBOX_UP, logs.Event.MAILBOX_DOWN, logs.Event.MAILBOX_REFUSED} <= set(logs.Event)
