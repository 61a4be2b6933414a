"""A real database file and a real key directory for each test."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

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


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "postigo.db"


@pytest.fixture
def engine(database: Path) -> Iterator[sa.Engine]:
    engine = open_engine(f"sqlite:///{database}")
    migrate(engine)
    yield engine
    engine.dispose()


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
