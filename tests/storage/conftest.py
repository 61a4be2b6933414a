"""A real database, on a file or on a server, and a real key directory for each test."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes_postgres import Postgres
from storage.databases import Database, OnFile, OnServer

from bot.conversation.model import Sender
from bot.storage.keyring import Keyring
from bot.storage.outbox import Outbox
from bot.storage.schema import migrate
from bot.storage.tables import open_engine
from bot.storage.work import Shelf
from bot.storage.writer import Writer

NOON = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOON


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """What the database is: every test that asks for one runs over both, but those that are `on_a_file` alone."""
    return str(request.param)


@pytest.fixture(scope="session")
def migrated(postgresql: Postgres) -> str:
    """Return the address of a database at the newest schema, for others to be copied from."""
    url = postgresql.fresh()
    migrate(open_engine(url))
    return url


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file at the newest schema, for others to be copied from."""
    made = OnFile(tmp_path_factory.mktemp("migrated"))
    made.engine().dispose()
    return made.path


@pytest.fixture
def database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    yield from opened(kind, request, tmp_path)


@pytest.fixture(scope="module")
def lasting(kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One database for all examples of a law, which leave nothing in it."""
    yield from opened(kind, request, tmp_path_factory.mktemp("law"))


@pytest.fixture
def empty(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """One without any table of ours."""
    yield from opened(kind, request, tmp_path / "empty", migrated=False)


def opened(kind: str, request: pytest.FixtureRequest, folder: Path, *, migrated: bool = True) -> Iterator[Database]:
    if kind == "sqlite":
        yield OnFile(folder, request.getfixturevalue("migrated_file") if migrated else None)
        return
    server: Postgres = request.getfixturevalue("postgresql")
    database = OnServer(server, request.getfixturevalue("migrated") if migrated else "")
    yield database
    server.drop(database.url)


@pytest.fixture
def engine(database: Database) -> Iterator[sa.Engine]:
    engine = database.engine()
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def law_conn(lasting: Database) -> Iterator[sa.Connection]:
    """A connection to it; every example begins a transaction and rolls it back."""
    with lasting.engine().connect() as conn:
        yield conn


@pytest.fixture(scope="module")
def law_keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring.open(tmp_path_factory.mktemp("law") / "keys", NOON)


@pytest.fixture
def conn(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection inside one transaction, committed at the end."""
    with engine.begin() as conn:
        yield conn


@pytest.fixture
def keyring(tmp_path: Path, now: datetime) -> Keyring:
    return Keyring.open(tmp_path / "keys", now)


@pytest.fixture
def shelf(keyring: Keyring) -> Shelf:
    return Shelf(keyring)


@pytest.fixture
def outbox(keyring: Keyring) -> Outbox:
    return Outbox(keyring)


@pytest.fixture
def sender() -> Sender:
    return Sender("telegram", "4711")


@pytest.fixture
def who(shelf: Shelf, sender: Sender) -> bytes:
    return shelf.who(sender)


@pytest.fixture
async def writer(engine: sa.Engine) -> AsyncIterator[Writer]:
    writer = Writer(engine)
    writer.start()
    yield writer
    await writer.stop()
