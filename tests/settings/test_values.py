import os
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import make_url

from bot.errors import SettingsError
from bot.settings import Mailbox, MailFolder, Settings, Signal, Smtp, Storage, Telegram, read_settings

TOKEN = "123456:abcdefghijklmnopqrstuvwxyz_-ABC"
BASE = 'mission = "m.toml"\n[storage]\nurl = "sqlite:///d/p.sqlite"\nkeys = "keys"\n'
POSTGRESQL = 'mission = "m.toml"\n[storage]\nkeys = "keys"\nurl = "{}"\n'
BY_SOCKET = "postgresql+psycopg://postigo@/kept?host=/run/postgresql"
MAILBOX = BASE + '[mailbox]\nhost = "imap.example.org"\nusername = "bot"\npassword_file = "password"\n'
SERVER = BASE + '[mail]\nhost = "mail.example.org"\nsender = "bot@example.org"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with one secret file of each kind."""
    for name, text in (("password", "correct horse\n"), ("token", TOKEN)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    return tmp_path


def read(folder: Path, text: str) -> Settings:
    (folder / "settings.toml").write_text(text)
    return read_settings(folder / "settings.toml")


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(folder, text)
    return str(caught.value).removeprefix(f"{folder / 'settings.toml'}: ")


def test_the_least_settings_have_paths_from_their_own_folder(folder: Path) -> None:
    settings = read(folder, BASE)
    assert settings.mission == folder / "m.toml"
    assert settings.storage == Storage(f"sqlite:///{folder}/d/p.sqlite", folder / "keys")
    assert (settings.mail, settings.telegram, settings.signal, settings.terminal) == (None, None, None, False)
    assert settings.logs.level == "info"


def test_absolute_paths_stay(folder: Path) -> None:
    settings = read(folder, 'mission = "/a/m.toml"\n[storage]\nurl = "sqlite:////b/p.sqlite"\nkeys = "/c"')
    assert settings.mission == Path("/a/m.toml")
    assert settings.storage == Storage("sqlite:////b/p.sqlite", Path("/c"))


@pytest.mark.parametrize(
    ("url", "user", "host", "query"),
    [
        (BY_SOCKET, "postigo", None, {"host": "/run/postgresql"}),
        ("postgresql+psycopg:///kept?host=/run/my db", None, None, {"host": "/run/my db"}),
        ("postgresql+psycopg://postigo@localhost/kept", "postigo", "localhost", {}),
        ("postgresql+psycopg://postigo@[::1]:5433/kept", "postigo", "::1", {}),
        (
            "postgresql+psycopg://postigo@db.example.org:5433/kept?sslrootcert=ca.pem",
            *("postigo", "db.example.org", {"sslmode": "verify-full", "sslrootcert": "{folder}/ca.pem"}),
        ),
        (
            "postgresql+psycopg://postigo@127.0.0.1/kept?sslrootcert=/etc/a+b/ca.pem",
            *("postigo", "127.0.0.1", {"sslmode": "verify-full", "sslrootcert": "/etc/a+b/ca.pem"}),
        ),
    ],
)
def test_rows_may_lie_on_a_server_spoken_to_by_a_socket_or_with_verified_tls(
    folder: Path, url: str, user: str | None, host: str | None, query: dict[str, str]
) -> None:
    storage = read(folder, POSTGRESQL.format(url)).storage
    found = make_url(storage.url)
    assert (found.drivername, found.username, found.host) == ("postgresql+psycopg", user, host)
    assert found.port in {None, 5433} and found.database == "kept"
    assert dict(found.query) == {key: value.format(folder=folder) for key, value in query.items()}
    assert (storage.password, storage.keys) == ("", folder / "keys")


def test_the_password_of_the_database_is_a_secret_file_and_in_no_repr(folder: Path) -> None:
    storage = read(folder, POSTGRESQL.format(BY_SOCKET) + 'password_file = "password"').storage
    assert storage == Storage(BY_SOCKET, folder / "keys", "correct horse")
    assert "correct horse" not in repr(storage) + storage.url


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("postgresql+psycopg://postigo:secret@localhost/kept", "an address without a password"),
        ("postgresql+psycopg://postigo:se/cr@et@localhost/kept", "an address without a password"),
        ("postgresql+psycopg://postigo@/kept?host=/run/postgresql&password=secret", "an address without a password"),
        ("postgresql+psycopg://postigo@db.example.org/kept", "?sslrootcert=FILE behind the name"),
        ("postgresql+psycopg://postigo@10.0.0.7/kept", "?sslrootcert=FILE behind the name"),
        ("postgresql+psycopg://postigo@db.example.org/kept?sslmode=disable", "postgresql+psycopg://USER@HOST/NAME"),
        ("postgresql+psycopg://postigo@/kept", "postgresql+psycopg://USER@HOST/NAME"),
        ("postgresql+psycopg://postigo@localhost", "postgresql+psycopg://USER@HOST/NAME"),
        ("postgresql+psycopg://postigo@localhost/", "postgresql+psycopg://USER@HOST/NAME"),
        ("postgresql+psycopg://postigo@/kept?host=run", "postgresql+psycopg://USER@HOST/NAME"),
        ("postgresql+psycopg://postigo@/kept?sslrootcert=ca.pem", "postgresql+psycopg://USER@HOST/NAME"),
        ("postgresql+psycopg://postigo@db.example.org/kept?host=/run/postgresql", "postgresql+psycopg://USER@HOST"),
        ("postgresql+psycopg://postigo@localhost/kept?options=-c", "postgresql+psycopg://USER@HOST/NAME"),
        ("postgresql://postigo@localhost/kept", "sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"),
        ("postgresql+psycopg2://postigo@localhost/kept", "sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"),
    ],
)
def test_a_server_that_others_could_pose_as_and_a_password_in_its_address_are_refused(
    folder: Path, url: str, line: str
) -> None:
    refused = refusal(folder, POSTGRESQL.format(url))
    assert refused.startswith(f"storage.url: expected {line}")
    assert "secret" not in refused and "cr@et" not in refused


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (BASE + 'password_file = "password"', "storage: expected no password_file with sqlite:///FILE"),
        (BASE + 'password = "secret"', "storage.password: unknown key; did you mean password_file?"),
        ("storage = 3\n" + BASE.partition("[")[0], "storage: expected a table"),
        (POSTGRESQL.format(BY_SOCKET) + 'password_file = "none"', "storage.password_file: expected a text file"),
    ],
)
def test_a_password_stands_in_its_file_and_only_where_it_is_asked_for(folder: Path, text: str, line: str) -> None:
    assert refusal(folder, text).startswith(line)


@pytest.mark.parametrize(
    ("extra", "tls", "port"),
    [
        ("", "starttls", 587),
        ('tls = "starttls"', "starttls", 587),
        ('tls = "implicit"', "implicit", 465),
        ('tls = "implicit"\nport = 2525', "implicit", 2525),
    ],
)
def test_the_port_follows_the_way_of_encryption(folder: Path, extra: str, tls: str, port: int) -> None:
    mail = read(folder, SERVER + extra).mail
    assert mail == Smtp("mail.example.org", "bot@example.org", port, "implicit" if tls == "implicit" else "starttls")


def test_a_login_is_a_name_and_a_secret_file(folder: Path) -> None:
    mail = read(folder, SERVER + 'username = "bot"\npassword_file = "password"\nca_file = "ca.pem"').mail
    assert isinstance(mail, Smtp)
    assert (mail.username, mail.password, mail.ca_file) == ("bot", "correct horse", folder / "ca.pem")


def test_mail_may_go_to_a_folder(folder: Path) -> None:
    assert read(folder, BASE + '[mail]\ndirectory = "out"').mail == MailFolder(folder / "out")


@pytest.mark.parametrize(
    ("extra", "tls", "port"),
    [
        ("", "implicit", 993),
        ('tls = "implicit"', "implicit", 993),
        ('tls = "starttls"', "starttls", 143),
        ('tls = "starttls"\nport = 1143', "starttls", 1143),
    ],
)
def test_a_mailbox_is_read_over_tls_at_the_port_that_belongs_to_it(
    folder: Path, extra: str, tls: str, port: int
) -> None:
    mailbox = read(folder, MAILBOX + extra).mailbox
    expected = Mailbox("imap.example.org", port, "bot", "correct horse")
    assert mailbox == (expected if tls == "implicit" else replace(expected, tls="starttls"))
    assert mailbox is not None and (mailbox.tls, mailbox.folder, mailbox.ca_file) == (tls, "INBOX", None)
    assert "correct horse" not in repr(mailbox)


def test_a_mailbox_may_have_an_authority_and_a_folder_of_its_own(folder: Path) -> None:
    mailbox = read(folder, MAILBOX + 'ca_file = "ca.pem"\nfolder = "Postigo/Respuestas ñ"').mailbox
    assert mailbox is not None
    assert (mailbox.ca_file, mailbox.folder) == (folder / "ca.pem", "Postigo/Respuestas ñ")


def test_without_a_mailbox_none_is_read(folder: Path) -> None:
    assert read(folder, SERVER).mailbox is None


def test_channels_that_are_written_out_are_open(folder: Path) -> None:
    settings = read(
        folder,
        BASE
        + '[telegram]\ntoken_file = "token"\napi = "http://127.0.0.1:8081/"\n'
        + '[signal]\nservice = "127.0.0.1:8080"\nnumber = "+5215512345678"\n[terminal]\n[logs]\nlevel = "debug"',
    )
    assert settings.telegram == Telegram(TOKEN, "http://127.0.0.1:8081")
    assert settings.signal == Signal("127.0.0.1:8080", "+5215512345678")
    assert settings.terminal
    assert settings.logs.level == "debug"


def hook(folder: Path, url: str = "https://bot.example.org/hook", secret: str = "s" * 16, more: str = "") -> str:
    """Return settings with a webhook whose secret stands in a file."""
    (folder / "hook").write_text(f"{secret}\n")
    (folder / "hook").chmod(0o600)
    return BASE + f'[telegram]\ntoken_file = "token"\nwebhook_url = "{url}"\nsecret_file = "hook"\n{more}'


def test_telegram_sends_messages_where_the_settings_say(folder: Path) -> None:
    told = read(folder, hook(folder, secret="Ab-_" * 64, more='listen = "[::1]:9000"')).telegram
    assert told == Telegram(TOKEN, webhook_url="https://bot.example.org/hook", listen="[::1]:9000", secret="Ab-_" * 64)
    assert "Ab-_" not in repr(told)
    told = read(folder, hook(folder)).telegram
    assert told is not None
    assert told.listen == "127.0.0.1:8081"


def test_without_a_webhook_the_bot_asks_for_messages_itself(folder: Path) -> None:
    told = read(folder, BASE + '[telegram]\ntoken_file = "token"').telegram
    assert told is not None
    assert (told.webhook_url, told.secret) == ("", "")


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"url": "http://bot.example.org"}, "telegram.webhook_url: expected an address with https://"),
        ({"url": "bot.example.org"}, "telegram.webhook_url: expected an address with https://"),
        ({"url": ""}, "telegram.webhook_url: expected webhook_url and secret_file together, or neither"),
        ({"secret": "s" * 15}, "telegram.secret_file: expected a file that holds 16 to 256"),
        ({"secret": "s" * 257}, "telegram.secret_file: expected a file that holds 16 to 256"),
        ({"secret": "with a space in it"}, "telegram.secret_file: expected a file that holds 16 to 256"),
        ({"more": 'listen = "8081"'}, "telegram.listen: expected host:port"),
        ({"more": 'listen = "127.0.0.1"'}, "telegram.listen: expected host:port"),
        ({"more": 'secret = "ssssssssssssssss"'}, "telegram.secret: unknown key; did you mean secret_file?"),
    ],
)
def test_a_webhook_that_others_could_speak_through_is_refused(folder: Path, changed: dict[str, str], line: str) -> None:
    assert refusal(folder, hook(folder, **changed)).startswith(line)


def test_a_webhook_without_a_secret_is_refused(folder: Path) -> None:
    text = BASE + '[telegram]\ntoken_file = "token"\nwebhook_url = "https://bot.example.org"'
    assert "webhook_url and secret_file together" in refusal(folder, text)


def test_a_secret_of_the_webhook_that_others_can_read_is_refused(folder: Path) -> None:
    text = hook(folder)
    (folder / "hook").chmod(0o644)
    assert refusal(folder, text).startswith("telegram.secret_file: expected a file of ours")


LOOPBACK = ["127.0.0.1:9108", "127.0.0.1:1", "127.255.0.9:65535", "[::1]:9108", "localhost:9108"]
ELSEWHERE = [
    *("0.0.0.0:9108", "[::]:9108", "10.0.0.7:9108", "128.0.0.1:9108", "[fe80::1]:9108", "bot.example.org:9108"),
    *("localhost.example.org:9108", "127.0.0.1.example.org:9108", "127.1:9108", "127.0.0.256:9108", "127.0.0.٣:9108"),
    *("::1:9108", "127.0.0.1", "9108", ":9108", "127.0.0.1:http", ""),
]


@pytest.mark.parametrize("listen", LOOPBACK)
def test_an_operators_programs_may_ask_on_this_machine(folder: Path, listen: str) -> None:
    assert read(folder, BASE + f'[operations]\nlisten = "{listen}"').operations.listen == listen


@pytest.mark.parametrize("listen", ELSEWHERE)
def test_nobody_may_ask_from_another_machine(folder: Path, listen: str) -> None:
    assert refusal(folder, BASE + f'[operations]\nlisten = "{listen}"') == (
        "operations.listen: expected an address of this machine alone, as in 127.0.0.1:9108: "
        "counts tell when people write"
    )


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_a_port_that_there_is_not_is_told_as_such(folder: Path, port: str) -> None:
    told = refusal(folder, BASE + f'[operations]\nlisten = "127.0.0.1:{port}"')
    assert told == "operations.listen: expected a port from 1 to 65535"


@pytest.mark.parametrize("extra", ["", "[operations]"])
def test_where_nothing_is_said_nobody_can_ask(folder: Path, extra: str) -> None:
    assert read(folder, BASE + extra).operations.listen == ""


def test_secrets_are_in_no_repr(folder: Path) -> None:
    text = SERVER + 'username = "bot"\npassword_file = "password"\n[telegram]\ntoken_file = "token"\n'
    shown = repr(read(folder, text + '[signal]\nservice = "h:1"\nnumber = "+5215512345678"'))
    assert not [secret for secret in ("correct horse", TOKEN, "5512345678") if secret in shown]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "mission: expected a value; it is missing"),
        ("mission = 3\n" + BASE.split("\n", 1)[1], "mission: expected a path in quotes"),
        (BASE.replace("[storage]", "[storge]"), "storge: unknown key; did you mean storage?"),
        (BASE + "kyes = 1", "storage.kyes: unknown key; did you mean keys?"),
        (BASE + "zzzzz = 1", "storage.zzzzz: unknown key; expected one of url, keys"),
        (BASE.replace("sqlite", "postgresql"), "storage.url: expected sqlite:///FILE or postgresql+psycopg://USER@"),
        (BASE.replace("d/p.sqlite", ":memory:"), "storage.url: expected sqlite:///FILE"),
        (BASE.replace("d/p.sqlite", ""), "storage.url: expected sqlite:///FILE"),
        (BASE + "[mail]\nhots = 'a'", "mail.hots: unknown key; did you mean host?"),
        (BASE + "[mail]", "mail.host: expected a value; it is missing"),
        ("mail = 3\n" + BASE, "mail: expected a table: [mail]"),
        (SERVER + 'directory = "out"', "mail: expected host or directory, not both"),
        (SERVER + 'tls = "none"', "mail.tls: expected 'starttls' or 'implicit'"),
        (SERVER + "port = 0", "mail.port: expected a port from 1 to 65535"),
        (SERVER + 'port = "smtp"', "mail.port: expected a whole number"),
        (SERVER + 'port = "587"', "mail.port: expected a whole number"),
        (SERVER + "port = 587.0", "mail.port: expected a whole number"),
        (SERVER + "port = true", "mail.port: expected a whole number"),
        (MAILBOX + 'port = "993"', "mailbox.port: expected a whole number"),
        (SERVER.replace("bot@", "böt@"), "mail.sender: expected a mail address in plain ASCII"),
        (SERVER + 'username = "bot"', "mail.username: expected username and password_file together, or neither"),
        (SERVER + 'password_file = "password"', "mail.username: expected username and password_file together"),
        (SERVER + 'password = "secret"', "mail.password: unknown key; did you mean password_file?"),
        ("mailbox = 3\n" + BASE, "mailbox: expected a table: [mailbox]"),
        (MAILBOX + 'tls = "none"', "mailbox.tls: expected 'implicit' or 'starttls'"),
        (MAILBOX + "port = 65536", "mailbox.port: expected a port from 1 to 65535"),
        (MAILBOX + 'folder = ""', "mailbox.folder: expected a name on one line"),
        (MAILBOX + 'folder = "a\\nb"', "mailbox.folder: expected a name on one line"),
        (MAILBOX.replace('"bot"', '""'), "mailbox.username: expected a name on one line"),
        (MAILBOX.replace("username", "user"), "mailbox.user: unknown key; did you mean username?"),
        (MAILBOX.replace("password_file", "password"), "mailbox.password: unknown key; did you mean password_file?"),
        (
            MAILBOX.replace('password_file = "password"', ""),
            "mailbox.password_file: expected a value; it is missing",
        ),
        (MAILBOX.replace('"imap.example.org"', '"imaps://x"'), "mailbox.host: expected the name of a server"),
        (BASE + '[telegram]\ntoken_file = "password"', "telegram.token_file: expected a file that holds a bot token"),
        (BASE + '[telegram]\ntoken_file = "token"\napi = "http://example.org"', "telegram.api: expected an address"),
        (BASE + '[signal]\nservice = "h:1"\nnumber = "5512"', "signal.number: expected a number as in +52"),
        (BASE + '[signal]\nservice = "h"\nnumber = "+5215512345678"', "signal.service: expected host:port"),
        (BASE + "[terminal]\nprompt = '>'", "terminal: expected an empty table: [terminal]"),
        (BASE + "[logs]\nlevel = 'loud'", "logs.level: expected 'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_an_error_names_file_key_and_what_was_expected(folder: Path, text: str, line: str) -> None:
    assert refusal(folder, text).startswith(line)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_a_secret_that_others_can_read_or_change_is_refused(folder: Path, mode: int) -> None:
    (folder / "password").chmod(mode)
    line = refusal(folder, SERVER + 'username = "bot"\npassword_file = "password"')
    assert line == "mail.password_file: expected a file of ours that nobody else can read (chmod 600)"


def test_a_credential_that_systemd_hands_over_may_show_group_bits(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SERVER + 'username = "bot"\npassword_file = "password"'
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    (folder / "password").chmod(0o440)
    mail = read(folder, text).mail
    assert isinstance(mail, Smtp)
    assert mail.password == "correct horse"
    (folder / "password").chmod(0o444)
    assert "chmod 600" in refusal(folder, text)


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        (None, "a text file, and there is none"),
        (b"", "a file that holds one line: the secret"),
        (b"\n", "a file that holds one line: the secret"),
        (b"one\ntwo\n", "a file that holds one line: the secret"),
        (b"x" * 4097, "a file that holds one line: the secret"),
        (b"\xff\xfe", "a text file, and what is in it is no text"),
    ],
)
def test_a_secret_file_holds_one_line(folder: Path, secret: bytes | None, expected: str) -> None:
    if secret is not None:
        (folder / "other").write_bytes(secret)
        (folder / "other").chmod(0o600)
    line = refusal(folder, SERVER + 'username = "bot"\npassword_file = "other"')
    assert line == f"mail.password_file: expected {expected}"


def test_a_secret_may_not_be_a_device(folder: Path) -> None:
    line = refusal(folder, SERVER + f'username = "bot"\npassword_file = "{os.devnull}"')
    assert "chmod 600" in line
