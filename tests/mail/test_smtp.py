"""What each thing that a mail server can do means for a mail: sent, again, perhaps sent, or never."""

import asyncio
import gc
import itertools
import ssl
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes_smtp import DROP, HOST, STALL, Authority, MailServer, Tls, closed_port, mail_server, raw_server

from bot.errors import DeliveryError, SettingsError, Undeliverable, UnsureDelivery
from bot.mail.smtp import DirectoryPost, Post, SmtpPost, TlsRefused

MAIL = b"From: bot@bot.example\r\nMessage-ID: <a1@bot.example>\r\n\r\n.begins with a dot\r\n..\r\nlast\r\n"
OFFICER = "officer@mission.example"
SECRET = "correct horse battery"
PATIENT = 20.0  # seconds; no test waits for it
SHORT = 1.0  # seconds that a stalled server is given; a busy machine answers in less


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def post(
    port: int,
    authority: Authority,
    tls: str = "starttls",
    *,
    username: str = "",
    password: str = "",
    timeout: float = PATIENT,
) -> SmtpPost:
    return SmtpPost(
        host=HOST,
        port=port,
        tls=tls,  # type: ignore[arg-type]  # one test gives a wrong word
        sender="bot@bot.example",
        ca_file=authority.file,
        username=username,
        password=password,
        timeout=timeout,
    )


def files(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


def exactly(kind: type[DeliveryError], error: pytest.ExceptionInfo[DeliveryError]) -> bool:
    """Whether it is this error and none of its more particular kinds."""
    return error.type is kind


# ── accepted ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_mail_arrives_over_tls_byte_for_byte_for_one_recipient(authority: Authority, tls: Tls) -> None:
    async with mail_server(authority.server(), tls) as server:
        await post(server.port, authority, tls).send(MAIL, OFFICER)
    (taken,) = server.taken
    assert (taken.mail, taken.sender, taken.recipients) == (MAIL, "bot@bot.example", (OFFICER,))
    assert taken.tls


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_login_is_used_after_tls(authority: Authority, tls: Tls) -> None:
    async with mail_server(authority.server(), tls, login=("bot", SECRET)) as server:
        await post(server.port, authority, tls, username="bot", password=SECRET).send(MAIL, OFFICER)
    assert [(taken.login, taken.tls) for taken in server.accepted] == [("bot", True)]


async def test_the_server_hears_the_senders_domain_and_not_our_machines_name(authority: Authority) -> None:
    async with mail_server(authority.server()) as server:
        await post(server.port, authority).send(MAIL, OFFICER)
    assert server.taken[0].helo == "bot.example"


async def test_many_mails_at_once_each_have_a_session_of_their_own(authority: Authority) -> None:
    async with mail_server(authority.server()) as server:
        sender = post(server.port, authority)
        await asyncio.gather(*(sender.send(MAIL, f"officer{number}@mission.example") for number in range(8)))
        await server.arrived(8)
    assert server.sessions == 8
    assert {taken.recipients for taken in server.taken} == {(f"officer{n}@mission.example",) for n in range(8)}


async def test_a_repeat_after_a_passing_refusal_is_the_same_bytes(authority: Authority) -> None:
    async with mail_server(authority.server(), replies={"DATA": ["451 later", DROP]}) as server:
        sender = post(server.port, authority)
        with pytest.raises(DeliveryError, match="451"):
            await sender.send(MAIL, OFFICER)
        with pytest.raises(UnsureDelivery):
            await sender.send(MAIL, OFFICER)
        await sender.send(MAIL, OFFICER)
    assert [taken.mail for taken in server.taken] == [MAIL] * 3
    assert len(server.accepted) == 1


async def test_no_line_is_left_open_by_a_server_that_never_says_goodbye(authority: Authority) -> None:
    def falls_silent() -> Iterator[str]:
        server.go_deaf()
        yield "550 no"

    async with mail_server(authority.server(), replies={"RCPT": falls_silent()}) as server:
        with pytest.raises(Undeliverable):
            await asyncio.to_thread(asyncio.run, post(server.port, authority).send(MAIL, OFFICER))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            gc.collect()  # Python tells here of each line that nobody has closed
    assert [str(one.message) for one in told] == []


# ── refused at each stage ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stage", ["AUTH", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("451 later", DeliveryError),
        ("454 not now", DeliveryError),
        ("535 no", Undeliverable),
        ("550 no", Undeliverable),
        ("552 too big", Undeliverable),
        ("554 no", Undeliverable),
    ],
)
async def test_a_refusal_is_final_if_it_begins_with_5(
    authority: Authority, stage: str, reply: str, kind: type[DeliveryError]
) -> None:
    async with mail_server(
        authority.server(), replies={stage: itertools.repeat(reply)}, login=("bot", SECRET)
    ) as server:
        with pytest.raises(DeliveryError, match=f"{reply[:3]} to {stage}") as error:
            await post(server.port, authority, username="bot", password=SECRET).send(MAIL, OFFICER)
    assert exactly(kind, error)
    assert server.accepted == []


@pytest.mark.parametrize("stage", ["AUTH", "MAIL", "RCPT", "DATA"])
async def test_a_server_that_says_goodbye_early_passes(authority: Authority, stage: str) -> None:
    async with mail_server(authority.server(), replies={stage: ["421 closing"]}, login=("bot", SECRET)) as server:
        with pytest.raises(DeliveryError, match=stage) as error:
            await post(server.port, authority, username="bot", password=SECRET).send(MAIL, OFFICER)
    assert exactly(DeliveryError, error)


async def test_a_wrong_password_is_final(authority: Authority) -> None:
    async with mail_server(authority.server(), login=("bot", SECRET)) as server:
        with pytest.raises(Undeliverable, match="535 to AUTH"):
            await post(server.port, authority, username="bot", password="wrong").send(MAIL, OFFICER)
    assert server.taken == []


@pytest.mark.parametrize("greeting", [b"421 busy\r\n", b"554 go away\r\n", b"nonsense\r\n"])
async def test_a_refusal_before_any_mail_was_named_passes(authority: Authority, greeting: bytes) -> None:
    async with raw_server(greeting) as port:
        with pytest.raises(DeliveryError) as error:
            await post(port, authority).send(MAIL, OFFICER)
    assert exactly(DeliveryError, error)


@pytest.mark.parametrize("reply", ["299 what", "399 what"])
async def test_an_answer_to_the_mail_that_is_neither_yes_nor_no_is_unsure(authority: Authority, reply: str) -> None:
    async with mail_server(authority.server(), replies={"DATA": [reply]}) as server:
        with pytest.raises(UnsureDelivery):
            await post(server.port, authority).send(MAIL, OFFICER)


async def test_an_error_repeats_neither_the_servers_words_nor_the_recipient(authority: Authority) -> None:
    said = f"550 <{OFFICER}> unknown, see ticket QWXZJKVB"
    async with mail_server(authority.server(), replies={"RCPT": [said]}) as server:
        with pytest.raises(Undeliverable) as error:
            await post(server.port, authority).send(MAIL, OFFICER)
    assert str(error.value) == "the mail server answered 550 to RCPT"
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__


NO_ADDRESSES = [
    "öfficer@mission.example",
    "a@b.example\r\nRCPT TO:<c@d.example>",
    "a@b.example, c@d.example",
    "An Officer <a@b.example>",
    "officer",
    "@b.example",
    "",
]


@pytest.mark.parametrize("recipient", NO_ADDRESSES)
async def test_an_address_that_cannot_be_sent_is_final_and_nothing_is_sent(
    authority: Authority, recipient: str
) -> None:
    async with mail_server(authority.server()) as server:
        with pytest.raises(Undeliverable):
            await post(server.port, authority).send(MAIL, recipient)
    assert server.taken == []


# ── no trust ───────────────────────────────────────────────────────────────────────────────────────────


async def refuses(server: MailServer, authority: Authority, tls: Tls) -> None:
    with pytest.raises(TlsRefused):
        await post(server.port, authority, tls, username="bot", password=SECRET).send(MAIL, OFFICER)
    assert server.taken == []


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_server_of_an_unknown_authority_gets_nothing(authority: Authority, tmp_path: Path, tls: Tls) -> None:
    (tmp_path / "other").mkdir()
    async with mail_server(Authority(tmp_path / "other").server(), tls) as server:
        await refuses(server, authority, tls)


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_server_with_another_name_gets_nothing(authority: Authority, tls: Tls) -> None:
    async with mail_server(authority.server("other.example"), tls) as server:
        await refuses(server, authority, tls)


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_server_whose_certificate_expired_gets_nothing(authority: Authority, tls: Tls) -> None:
    async with mail_server(authority.expired(), tls) as server:
        await refuses(server, authority, tls)


async def test_a_server_without_starttls_gets_nothing(authority: Authority) -> None:
    async with mail_server(None, "none", login=("bot", SECRET)) as server:
        await refuses(server, authority, "starttls")


async def test_a_server_that_speaks_no_tls_where_tls_comes_first_gets_nothing(authority: Authority) -> None:
    async with raw_server(b"220 relay.example ESMTP\r\n") as port:
        with pytest.raises(TlsRefused):
            await post(port, authority, "implicit").send(MAIL, OFFICER)


def old(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_a_server_that_knows_only_old_tls_gets_nothing(authority: Authority) -> None:
    lax = old(ssl.create_default_context(cafile=authority.file))
    async with mail_server(old(authority.server()), "implicit") as server:
        reader, writer = await asyncio.open_connection(HOST, server.port, ssl=lax)
        assert (await reader.readline()).startswith(b"220 ")  # whoever accepts old TLS is served
        writer.close()
        with pytest.raises(DeliveryError):
            await post(server.port, authority, "implicit").send(MAIL, OFFICER)
    assert server.taken == []


def test_tls_below_1_2_is_not_offered(authority: Authority) -> None:
    assert post(1, authority)._context.minimum_version == ssl.TLSVersion.TLSv1_2


# ── silence ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_server_that_never_speaks_is_left_after_the_timeout(authority: Authority, tls: Tls) -> None:
    began = time.monotonic()
    async with raw_server() as port:
        with pytest.raises(DeliveryError) as error:
            await post(port, authority, tls, timeout=SHORT).send(MAIL, OFFICER)
    assert exactly(DeliveryError, error)
    assert time.monotonic() - began < PATIENT


@pytest.mark.parametrize("fault", [STALL, DROP])
@pytest.mark.parametrize(
    ("stage", "kind"), [("MAIL", DeliveryError), ("RCPT", DeliveryError), ("DATA", UnsureDelivery)]
)
async def test_only_silence_after_the_mail_is_unsure(
    authority: Authority, stage: str, fault: str, kind: type[DeliveryError]
) -> None:
    async with mail_server(authority.server(), replies={stage: [fault]}) as server:
        with pytest.raises(DeliveryError) as error:
            await post(server.port, authority, timeout=SHORT if fault == STALL else PATIENT).send(MAIL, OFFICER)
    assert exactly(kind, error)


async def test_a_port_where_nobody_listens_passes(authority: Authority) -> None:
    with pytest.raises(DeliveryError) as error:
        await post(closed_port(), authority).send(MAIL, OFFICER)
    assert exactly(DeliveryError, error)


# ── settings ───────────────────────────────────────────────────────────────────────────────────────────


def test_tls_must_be_one_of_two_words(authority: Authority) -> None:
    with pytest.raises(SettingsError, match=r"mail\.tls"):
        post(25, authority, "none")


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_without_authorities_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "empty.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"empty\.pem"):
        SmtpPost(host=HOST, port=25, tls="starttls", sender="bot@bot.example", ca_file=file)


@pytest.mark.parametrize("sender", NO_ADDRESSES)
def test_the_sender_must_be_an_address(sender: str) -> None:
    with pytest.raises(SettingsError, match=r"mail\.sender"):
        SmtpPost(host=HOST, port=25, tls="starttls", sender=sender)


async def test_a_password_in_any_script_is_sent(authority: Authority) -> None:
    async with mail_server(authority.server(), login=("bot", "пароль")) as server:
        await post(server.port, authority, username="bot", password="пароль").send(MAIL, OFFICER)
    assert len(server.accepted) == 1


def test_the_password_is_not_shown(authority: Authority) -> None:
    assert SECRET not in repr(post(25, authority, username="bot", password=SECRET))


# ── a directory instead of a server ────────────────────────────────────────────────────────────────────


async def test_a_mail_becomes_one_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    directory = tmp_path / "out" / "mails"
    await DirectoryPost(directory).send(MAIL, OFFICER)
    (file,) = files(directory)
    assert (file.suffix, file.read_bytes(), file.stat().st_mode & 0o777) == (".eml", MAIL, 0o600)
    assert directory.stat().st_mode & 0o777 == 0o700


async def test_the_same_message_id_is_the_same_file_and_another_is_another(tmp_path: Path) -> None:
    sender: Post = DirectoryPost(tmp_path)
    await asyncio.gather(*(sender.send(MAIL, OFFICER) for _ in range(8)))
    await sender.send(MAIL.replace(b"<a1@", b"<a2@"), OFFICER)
    assert len(files(tmp_path)) == 2


async def test_the_files_name_tells_nothing_of_the_mail(tmp_path: Path) -> None:
    await DirectoryPost(tmp_path).send(MAIL, OFFICER)
    (file,) = files(tmp_path)
    assert len(file.stem) == 40
    assert set(file.stem) <= set("0123456789abcdef")


async def test_a_directory_that_cannot_be_written_passes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DeliveryError) as error:
        await DirectoryPost(tmp_path / "file" / "below").send(MAIL, OFFICER)
    assert exactly(DeliveryError, error)


async def test_nothing_half_written_stays_when_the_place_is_taken(tmp_path: Path) -> None:
    sender = DirectoryPost(tmp_path / "out")
    await sender.send(MAIL, OFFICER)
    (file,) = files(tmp_path / "out")
    file.unlink()
    file.mkdir()
    with pytest.raises(DeliveryError):
        await sender.send(MAIL, OFFICER)
    assert files(tmp_path / "out") == [file]
