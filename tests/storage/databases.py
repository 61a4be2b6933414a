"""The databases that the tests of this room run over: a file of SQLite's and a private PostgreSQL server's."""

import contextlib
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fakes_postgres import Postgres
from storage.canaries import files_under

from bot.storage.schema import migrate
from bot.storage.tables import open_engine


def contents(files: Iterable[Path]) -> Iterator[bytes]:
    """Yield the bytes of all files that are there: a server deletes some of its own while others are read."""
    for path in files:
        with contextlib.suppress(FileNotFoundError):
            yield path.read_bytes()


on_a_file = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)  # what only SQLite has
on_a_server = pytest.mark.parametrize("kind", ["postgresql"], indirect=True)  # what only PostgreSQL has


class Database(ABC):
    """One database of one test."""

    url: str

    def engine(self) -> sa.Engine:
        """Return the bot's own way to it, its schema up to date."""
        engine = open_engine(self.url)
        migrate(engine)
        return engine

    def read(self, sql: str) -> Sequence[Any]:
        """Return the rows as anybody else sees them: without the bot, on a connection of its own."""
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        with engine.connect() as conn:
            return conn.execute(sa.text(sql)).all()

    @abstractmethod
    def files(self) -> list[Path]:
        """Return every file that it has written."""

    @abstractmethod
    def back_up(self) -> None:
        """Copy it as it stands."""

    @abstractmethod
    def restore(self) -> None:
        """Put the copy in its place, while nobody is connected."""


class OnFile(Database):
    """SQLite: `path` and the files beside it."""

    def __init__(self, folder: Path, like: Path | None = None) -> None:
        self.path = folder / "kept" / "postigo.db"
        self.journal = self.path.with_name("postigo.db-wal")
        self.url = f"sqlite:///{self.path}"
        self._copy = folder / "copy"
        if like:
            self.path.parent.mkdir(parents=True)
            shutil.copy(like, self.path)

    def files(self) -> list[Path]:
        return files_under(self.path.parent)

    def back_up(self) -> None:
        shutil.copy(self.path, self._copy)

    def restore(self) -> None:
        shutil.copy(self._copy, self.path)


class OnServer(Database):
    """PostgreSQL: one database among others on `server`."""

    def __init__(self, server: Postgres, like: str) -> None:
        self.server = server
        self.url = server.fresh(like)
        self._made = server.moment()
        self._copy = ""

    def files(self) -> list[Path]:
        self.server.checkpoint()
        return self.server.files(self._made)

    def back_up(self) -> None:
        self._copy = self.server.fresh(self.url)

    def restore(self) -> None:
        self.server.drop(self.url)
        self.server.fresh(self._copy, sa.make_url(self.url).database or "")
        self.server.drop(self._copy)
