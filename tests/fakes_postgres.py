"""A private PostgreSQL: reached by a socket alone, empty when it starts, gone with the process that started it.

with postgres() as server:
    url = server.fresh()  # an empty database of its own, owned by a user without rights over the server
    ...
    server.drop(url)
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, LiteralString, cast

import psutil
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

USER = "postigo"  # owns what `fresh` makes, and may do nothing else
GUARDED, PASSWORD = "guarded", "correct horse / b@ttery"  # a user who is asked for a password
SECONDS = 120  # that anything here may take on a busy machine
MISSING = (
    "PostgreSQL is needed to test what is kept on a server: install it (Debian, Ubuntu: apt-get install postgresql; "
    "it may stay stopped, the tests start a private one)."
)

_ADMIN = "postgres"
_PORT = 5432  # only the name of a socket
_TWO_STRATEGIES = 150_000  # from this version on, the slower one is the default
_ROOM = 2**29  # bytes that must be free in memory
_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")  # where Debian and Fedora hide them from PATH
_ACCESS = f"local all {GUARDED} scram-sha-256\nlocal all all trust\n"
_SETTINGS = {
    "listen_addresses": "",
    "port": _PORT,
    "unix_socket_permissions": "0700",
    "shared_buffers": "16MB",
    "max_connections": 60,
    "dynamic_shared_memory_type": "mmap",  # in the folder: of what is killed nothing stays elsewhere
    "min_wal_size": "2MB",
    "max_wal_size": "32MB",
    "wal_level": "replica",
    "log_timezone": "UTC",
}
# Waits until whoever started it is gone, however that happened; then ends the server and removes its folder.
_GUARD = """
cat >/dev/null
kill -QUIT "$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null)" 2>/dev/null
for _ in 1 2 3 4 5; do rm -rf "$0" 2>/dev/null && exit; sleep 1; done
"""


def _lives(process: psutil.Process) -> bool:
    """Tell whether it still holds anything."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Postgres:
    """One server in one folder; it can be stopped, killed and started again."""

    def __init__(self, home: Path, *, durable: bool) -> None:
        self.home = home
        self._durable = durable
        self._owner = _owner()
        self._numbers = count(1)
        self._running: subprocess.Popen[bytes] | None = None
        self._make()

    # ── the server ─────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        settings = _SETTINGS | {"unix_socket_directories": self.home, "fsync": "on" if self._durable else "off"}
        words = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        with (self.home / "log").open("ab") as log:
            self._running = self._as_owner("postgres", "-D", str(self.home / "data"), *words, log=log)
        deadline = time.monotonic() + SECONDS
        while not self._answers():
            assert self._running.poll() is None and time.monotonic() < deadline, self.log()
            time.sleep(0.01)

    def stop(self) -> None:
        """End it as its operator does: sessions are cut, what was committed is written."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a failing machine does, all of its processes at once."""
        if self._running is not None:
            first = psutil.Process(self._running.pid)
            first.suspend()  # it makes no more of them
            everybody = [*first.children(), first]
            for one in everybody:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            self._end(signal.SIGKILL)
            deadline = time.monotonic() + SECONDS
            while any(_lives(one) for one in everybody):  # who lives on holds its memory, and the next start is refused
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.01)
        (self.home / "data" / "postmaster.pid").unlink(missing_ok=True)  # names nobody any more

    @property
    def process(self) -> int:
        """The first of its processes, by id; its children are the others."""
        assert self._running is not None
        return self._running.pid

    def checkpoint(self) -> None:
        """Write everything that was committed into the tables' own files."""
        self.admin("CHECKPOINT")

    def disconnect(self, url: str) -> int:
        """Cut every session with this database, as a failing network does; return how many there were."""
        cut = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = %s"
        return int(self.admin(cut, make_url(url).database)[0][0])

    def files(self, since: int = 0) -> list[Path]:
        """Return every file that the server has written: tables, journal, temporary files and its log.

        `since`: only those written at that `moment` or later; what a server begins with are 40 MB.
        """
        return sorted(path for path in self.home.rglob("*") if _written(path) > max(since - 1, 0))

    def moment(self) -> int:
        """Return now, in the nanoseconds that files are dated by."""
        (self.home / "moment").write_bytes(b"")
        return (self.home / "moment").stat().st_mtime_ns

    def log(self) -> str:
        return (self.home / "log").read_text("utf-8", errors="replace")

    # ── its databases ──────────────────────────────────────────────────────────────────────────────────

    def fresh(self, like: str = "", name: str = "") -> str:
        """Make a database, empty or a copy of the one at the address `like`; return its address."""
        name = name or f"kept_{next(self._numbers)}"
        source = make_url(like).database or "" if like else "template0"
        by_files: LiteralString = " STRATEGY FILE_COPY" if self._version >= _TWO_STRATEGIES else ""
        self._with_names("CREATE DATABASE {} TEMPLATE {} OWNER {}" + by_files, name, source, USER)
        return self.url(name)

    def drop(self, url: str) -> None:
        """Delete a database, whoever is connected to it."""
        self._with_names("DROP DATABASE IF EXISTS {} WITH (FORCE)", make_url(url).database or "")

    def url(self, name: str, user: str = USER) -> str:
        return f"postgresql+psycopg://{user}@/{name}?host={self.home}"

    def rows(self, url: str, command: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """Run a command in a database as the server's administrator, in a session of its own."""
        with self._connected(make_url(url).database or "") as session:
            done = session.execute(command, values)
            return done.fetchall() if done.description else []

    def admin(self, command: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        return self.rows(self.url("postgres"), command, *values)

    # ── within ─────────────────────────────────────────────────────────────────────────────────────────

    def _make(self) -> None:
        if os.getuid() == 0:
            os.chown(self.home, self._owner.pw_uid, self._owner.pw_gid)
        words = ("-D", str(self.home / "data"), "-U", _ADMIN, "--auth=trust", "--encoding=UTF8", "--locale=C")
        with (self.home / "log").open("wb") as log:
            making = self._as_owner("initdb", *words, "--no-sync", "--no-instructions", "--wal-segsize=1", log=log)
            assert making.wait(SECONDS) == 0, self.log()
        (self.home / "data" / "pg_hba.conf").write_text(_ACCESS)
        self.start()
        self._version = int(self.admin("SHOW server_version_num")[0][0])
        self._with_names("CREATE ROLE {} LOGIN", USER)
        self._with_names("CREATE ROLE {} LOGIN IN ROLE {}", GUARDED, USER)
        set_password = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(GUARDED), sql.Literal(PASSWORD))
        with self._connected("postgres") as session:
            session.execute(set_password)

    def _end(self, how: signal.Signals) -> None:
        if self._running is not None:
            with contextlib.suppress(ProcessLookupError):
                self._running.send_signal(how)
            self._running.wait(SECONDS)
            self._running = None

    def _answers(self) -> bool:
        try:
            self.admin("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _connected(self, name: str) -> psycopg.Connection[tuple[Any, ...]]:
        where = {"host": str(self.home), "port": _PORT, "user": _ADMIN, "dbname": name}
        return psycopg.connect(**cast("dict[str, Any]", where), autocommit=True, connect_timeout=SECONDS)

    def _with_names(self, command: LiteralString, *names: str) -> None:
        with self._connected("postgres") as session:
            session.execute(sql.SQL(command).format(*map(sql.Identifier, names)))

    def _as_owner(self, program: str, *words: str, log: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401 - an open file
        """Start one of PostgreSQL's programs; root may not run them, and lends them to somebody else."""
        place = found_programs()
        assert place is not None
        other: dict[str, Any] = {}
        if os.getuid() == 0:
            other = {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}
        return subprocess.Popen(
            [place / program, *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self.home,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
            start_new_session=True,
            **other,
        )


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """Run a server; the test is skipped where there is none. `durable`: it waits for the disk, as it does at work."""
    if found_programs() is None:
        pytest.skip(MISSING)
    home = Path(tempfile.mkdtemp(prefix="pg-", dir=None if durable else _memory()))  # a socket's path must be short
    guard = subprocess.Popen(["sh", "-c", _GUARD, str(home)], stdin=subprocess.PIPE, start_new_session=True)
    server: Postgres | None = None
    try:
        server = Postgres(home, durable=durable)
        yield server
    finally:
        if server is not None:
            server.kill()
        guard.communicate(timeout=SECONDS)


def _memory() -> str | None:
    """Return the folder that lies in memory, where there is room: else every database waits for a disk."""
    known = Path("/dev/shm")  # noqa: S108 - a fresh folder of our own within it
    free = shutil.disk_usage(known).free if os.access(known, os.W_OK) else 0
    return str(known) if free > _ROOM else None


def found_programs() -> Path | None:
    """Return the folder that holds PostgreSQL's programs, of the newest version; None: it isn't installed."""
    known = shutil.which("initdb")
    here = [Path(known).resolve().parent] if known else []
    found = [path for pattern in _FOLDERS for path in Path("/").glob(pattern.lstrip("/"))]
    return next((path for path in (*here, *sorted(found, key=_version, reverse=True)) if _is_whole(path)), None)


def _is_whole(place: Path) -> bool:
    return all((place / program).exists() for program in ("initdb", "postgres"))


def _version(place: Path) -> int:
    digits = "".join(letter for letter in place.parent.name if letter.isdigit())
    return int(digits or 0)


def _written(path: Path) -> int:
    """Return when a file was written last, in nanoseconds; 0: it is none, or has just been deleted."""
    try:
        return path.stat().st_mtime_ns if path.is_file() else 0
    except FileNotFoundError:
        return 0


def _owner() -> pwd.struct_passwd:
    """Return who runs the server: we, or, for root, whoever Debian made for it, or nobody."""
    if os.getuid():
        return pwd.getpwuid(os.getuid())
    try:
        return pwd.getpwnam(_ADMIN)
    except KeyError:
        return pwd.getpwnam("nobody")
