"""What config/settings.toml may say: frozen values, whose types read the paths and secret files they stand for.

How an error is told belongs to `files.py`. Nothing here knows what a value is used for.
"""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, NoReturn
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator, Discriminator, Tag, ValidationInfo
from pydantic_core import PydanticCustomError

from bot.settings.unread import unread

DEFAULT_PORTS = {"starttls": 587, "implicit": 465}  # RFC 6409 and RFC 8314
MAILBOX_PORTS = {"starttls": 143, "implicit": 993}  # RFC 9051 and RFC 8314
HIGHEST_PORT = 65535
SECRET_BYTES = 4096  # no password or token is longer

_FILE = "sqlite:///FILE"
_SERVER = "postgresql+psycopg://USER@HOST/NAME, or ...://USER@/NAME?host=FOLDER with the folder of its socket"
_SERVER_PARTS = re.compile(
    r"postgresql\+psycopg://([\w.-]+@)?(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])?(:[0-9]{1,5})?/[\w.-]+"
    r"(\?host=(?P<socket>/[^?&#%]+)|\?sslrootcert=(?P<authority>[^?&#%]+))?",
    re.ASCII | re.IGNORECASE,
)
_THIS_MACHINE = {"localhost", "127.0.0.1", "[::1]"}

_LOOPBACK = re.compile(
    r"(localhost|127(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}|\[::1\]):(?P<port>[0-9]{1,9})"
)  # RFC 1122, section 3.2.1.3, and RFC 4291, section 2.5.3


@dataclass(frozen=True, slots=True)
class Reading:
    """What a value is read with: the folder of its file, and whether the files with secrets are opened."""

    folder: Path
    secrets: bool


class Unread(str):
    """Stands for a secret whose file wasn't opened."""

    __slots__ = ()


def _expected(what: str) -> NoReturn:
    raise PydanticCustomError("expected", "{what}", {"what": what})


def _matching(pattern: str, what: str) -> AfterValidator:
    """Take text of this shape only."""

    def checked(text: str) -> str:
        return text if isinstance(text, Unread) or re.fullmatch(pattern, text) else _expected(what)

    return AfterValidator(checked)


def _port(number: int) -> int:
    return number if 0 < number <= HIGHEST_PORT else _expected(f"a port from 1 to {HIGHEST_PORT}")


def _bare(url: str) -> str:
    return url.rstrip("/")


def _beside(path: Path, told: ValidationInfo) -> Path:
    """Read a relative path from the folder of the file that holds it."""
    if any(char < " " for char in str(path)):
        _expected("a path on one line")
    return absolute(told.context.folder / path) if isinstance(told.context, Reading) else path


def absolute(path: Path) -> Path:
    """Return `path` from the root on, its links left as they are."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() follows links


def _database(url: str, told: ValidationInfo) -> str:
    if url.startswith("sqlite:"):
        return _file(url, told)
    if url.startswith("postgresql+psycopg:"):
        return _server(url, told)
    _expected(f"{_FILE} or {_SERVER}")


def _file(url: str, told: ValidationInfo) -> str:
    _, _, name = url.partition("///")
    if not name or name.startswith(":memory:") or "?" in name:
        _expected(_FILE)
    return f"{_FILE.removesuffix('FILE')}{_beside(Path(name), told)}"


def _server(url: str, told: ValidationInfo) -> str:
    """Take a server that is reached by a socket or on this machine, and any other only with verified TLS."""
    if ":" in url.partition("//")[2].rpartition("@")[0] or "password=" in url:
        _expected("an address without a password, which stands in the file that password_file names")
    found = _SERVER_PARTS.fullmatch(url)
    if not found or (found["host"] is None) != (found["socket"] is not None):
        _expected(_SERVER)
    address = url.partition("?")[0]
    if found["socket"]:
        return f"{address}?host={quote(found['socket'])}"
    if found["authority"]:
        authority = _beside(Path(found["authority"]), told)
        return f"{address}?sslmode=verify-full&sslrootcert={quote(str(authority))}"
    if found["host"] not in _THIS_MACHINE:
        _expected("?sslrootcert=FILE behind the name, with the authority of a server that is another machine")
    return address


def _secret(name: str, told: ValidationInfo) -> str:
    """Return the secret that a file holds, without the line's end; only we or root may own and read it."""
    place = _beside(Path(name), told)
    if isinstance(told.context, Reading) and not told.context.secrets:
        return Unread("not opened")
    try:
        with place.open("rb") as file:
            _only_ours(os.fstat(file.fileno()), place)
            secret = file.read(SECRET_BYTES + 1).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        _expected(unread(error))
    if not secret or len(secret) > SECRET_BYTES or not secret.isprintable():
        _expected("a file that holds one line: the secret")
    return secret


def _only_ours(found: os.stat_result, place: Path) -> None:
    # systemd shows the access list of a credential it hands over as group bits
    handed_over = os.environ.get("CREDENTIALS_DIRECTORY") == str(place.parent)
    others = stat.S_IRWXO if handed_over else stat.S_IRWXG | stat.S_IRWXO
    if not stat.S_ISREG(found.st_mode) or found.st_uid not in {0, os.geteuid()} or found.st_mode & others:
        _expected("a file of ours that nobody else can read (chmod 600)")


def _on_this_machine(listen: str) -> str:
    """Take an address that no other machine reaches: even a count tells when somebody writes."""
    found = _LOOPBACK.fullmatch(listen)
    if not found:
        _expected("an address of this machine alone, as in 127.0.0.1:9108: counts tell when people write")
    _port(int(found["port"]))
    return listen


def _present(table: object) -> bool:
    if table != {}:
        _expected("an empty table: [terminal]")
    return True


def _one_way(table: object) -> object:
    """Fill in the port that belongs to `tls`, and refuse a [mail] that is both a server and a folder."""
    if not isinstance(table, dict):
        _expected("a table: [mail]")
    if {"host", "directory"} <= set(table):
        _expected("host or directory, not both")
    if "directory" in table:
        return table
    return {"port": DEFAULT_PORTS.get(str(table.get("tls")), DEFAULT_PORTS["starttls"])} | table


def _mailbox(table: object) -> object:
    """Fill in the port that belongs to `tls`."""
    if not isinstance(table, dict):
        _expected("a table: [mailbox]")
    return {"port": MAILBOX_PORTS.get(str(table.get("tls")), MAILBOX_PORTS["implicit"])} | table


def _store(table: object) -> object:
    """Refuse a password that nobody would ask for."""
    if isinstance(table, dict) and "password_file" in table and str(table.get("url")).startswith("sqlite:"):
        _expected(f"no password_file with {_FILE}")
    return table


def _way(table: Mapping[str, object]) -> str:
    return "directory" if "directory" in table else "host"


Beside = Annotated[Path, AfterValidator(_beside)]

_HOST = _matching(r"[A-Za-z0-9.:-]+", "the name of a server")
_ADDRESS = _matching(r"[!-?A-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", "a mail address in plain ASCII")
_GIVEN = _matching(r"[^\x00-\x1f\x7f]+", "a name on one line")
_OPERATOR = _matching(r"([!-?A-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+)?", "a mail address in plain ASCII")
_SERVICE = _matching(r"(https?://)?[^\s/]+:[0-9]+/?", "host:port, or that with http:// or https://")
_NUMBER = _matching(r"\+[1-9][0-9]{6,14}", "a number as in +5215512345678")  # E.164
_TOKEN = _matching(r"[0-9]+:[A-Za-z0-9_-]{20,}", "a file that holds a bot token: digits, a colon, letters")
_API = _matching(  # the token travels in the address
    r"https://[^\s/]+(/\S*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?(/\S*)?",
    "an address with https://, or with http:// on this machine",
)
_HOOK = _matching(r"(https://[^\s/]+(/\S*)?)?", "an address with https://, to which Telegram sends messages")
_LISTEN = _matching(r"[A-Za-z0-9.:\[\]-]+:[0-9]+", "host:port, as in 127.0.0.1:8081")
_HOOK_SECRET = _matching(r"([A-Za-z0-9_-]{16,256})?", "a file that holds 16 to 256 letters, digits, _ or -")


@dataclass(frozen=True, slots=True)
class Storage:
    """Where sealed rows and, apart from them, the keys are kept."""

    url: Annotated[str, AfterValidator(_database)]  # sqlite:/// and an absolute path, or a server, never a password
    keys: Beside  # a directory
    password: Annotated[str, AfterValidator(_secret)] = field(default="", repr=False)  # "": the server asks for none


@dataclass(frozen=True, slots=True)
class Smtp:
    """The server that takes the sealed mails; never without verified TLS."""

    host: Annotated[str, _HOST]
    sender: Annotated[str, _ADDRESS]
    port: Annotated[int, AfterValidator(_port)]
    tls: Literal["starttls", "implicit"] = "starttls"
    ca_file: Beside | None = None  # None: the system's authorities
    username: str = ""  # "": no login
    password: Annotated[str, AfterValidator(_secret)] = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class MailFolder:
    """A folder that takes the sealed mails as .eml files, in place of a server."""

    directory: Beside


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The mailbox of `mail.sender`, read for bounced alerts and signed answers; never without verified TLS."""

    host: Annotated[str, _HOST]
    port: Annotated[int, AfterValidator(_port)]
    username: Annotated[str, _GIVEN]
    password: Annotated[str, AfterValidator(_secret)] = field(repr=False)
    tls: Literal["implicit", "starttls"] = "implicit"
    ca_file: Beside | None = None  # None: the system's authorities
    folder: Annotated[str, _GIVEN] = "INBOX"


@dataclass(frozen=True, slots=True)
class Telegram:
    """The bot's account on Telegram."""

    token: Annotated[str, AfterValidator(_secret), _TOKEN] = field(repr=False)
    api: Annotated[str, _API, AfterValidator(_bare)] = "https://api.telegram.org"
    webhook_url: Annotated[str, _HOOK] = ""  # "": the bot asks for messages itself
    listen: Annotated[str, _LISTEN] = "127.0.0.1:8081"  # where the webhook is answered
    secret: Annotated[str, AfterValidator(_secret), _HOOK_SECRET] = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Signal:
    """The bot's account on Signal, behind a signal-cli-rest-api service."""

    service: Annotated[str, _SERVICE, AfterValidator(_bare)]
    number: Annotated[str, _NUMBER] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Logs:
    """How much an operator reads."""

    level: Literal["debug", "info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True)
class Operations:
    """What an operator's programs may ask of a running bot."""

    listen: Annotated[str, AfterValidator(_on_this_machine)] = ""  # "": nobody can ask


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that config/settings.toml says, paths absolute, secrets read. None: not configured."""

    mission: Beside  # the profile's file, for `read_mission`
    storage: Annotated[Storage, BeforeValidator(_store)]
    mail: (
        Annotated[
            Annotated[Smtp, Tag("host")] | Annotated[MailFolder, Tag("directory")],
            Discriminator(_way),
            BeforeValidator(_one_way),
        ]
        | None
    ) = None
    mailbox: Annotated[Mailbox, BeforeValidator(_mailbox)] | None = None
    operator: Annotated[str, _OPERATOR] = ""  # whom an unsealed mail without content may wake; "": nobody
    telegram: Telegram | None = None
    signal: Signal | None = None
    terminal: Annotated[bool, BeforeValidator(_present)] = False
    logs: Logs = field(default_factory=Logs)
    operations: Operations = field(default_factory=Operations)
