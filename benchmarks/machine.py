"""The machine under a benchmark, in a few words; and how fast its disk commits without us."""

import os
import platform
import sqlite3
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import psutil

from bot.storage.tables import open_engine

ROW_BYTES = 1053  # of a sealed talk: one bucket of 1 KiB, algorithm, nonce and tag
WRAPPED_BYTES = 113
BLOCK = 4096
BLOCKS = 4096  # of the file that the disk is tried with


def described(folder: Path) -> str:
    """Return cores, memory, file system and versions, as one line."""
    gigabytes = psutil.virtual_memory().total / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in ("SQLAlchemy", "cryptography", "msgspec"))
    return (
        f"{os.cpu_count()} cores ({platform.machine()}, load {os.getloadavg()[0]:.1f}), {gigabytes:.0f} GB, "
        f"{file_system(folder)}, {platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {libraries}"
    )


def file_system(folder: Path) -> str:
    """Return what `folder` lies on: "ext4 on vda". In memory (tmpfs), a commit rate means nothing."""
    mounts = [part for part in psutil.disk_partitions(all=True) if folder.resolve().is_relative_to(part.mountpoint)]
    nearest = max(mounts, key=lambda part: len(part.mountpoint))
    return f"{nearest.fstype} on {Path(nearest.device).name}"


def raw_commits(folder: Path, seconds: float) -> float:
    """Return how many rows a second `sqlite3` alone upserts, each in a commit of its own, with the bot's pragmas."""
    engine = open_engine(f"sqlite:///{folder}/raw.db")
    connection = engine.raw_connection()
    driver: sqlite3.Connection = connection.driver_connection  # type: ignore[assignment]  # SQLAlchemy's is wider
    driver.execute(
        "CREATE TABLE IF NOT EXISTS talk (who BLOB PRIMARY KEY, expires INTEGER, wrapped BLOB, sealed BLOB)"
        " WITHOUT ROWID"
    )
    rate = _rate(lambda: _commit(driver), seconds)
    connection.close()
    engine.dispose()
    return rate


def raw_syncs(folder: Path, seconds: float) -> float:
    """Return how many times a second 4 KB are written over in a file and brought to the disk (fdatasync)."""
    path = folder / "raw.bin"
    path.write_bytes(os.urandom(BLOCK * BLOCKS))
    block, places = os.urandom(BLOCK), iter(range(1 << 62))
    descriptor = os.open(path, os.O_RDWR)
    os.fsync(descriptor)

    def sync() -> None:
        os.pwrite(descriptor, block, next(places) % BLOCKS * BLOCK)
        os.fdatasync(descriptor)

    rate = _rate(sync, seconds)
    os.close(descriptor)
    return rate


def _commit(driver: sqlite3.Connection) -> None:
    row = (os.urandom(16), 1, os.urandom(WRAPPED_BYTES), os.urandom(ROW_BYTES))
    driver.execute("BEGIN IMMEDIATE")
    driver.execute("INSERT INTO talk VALUES (?, ?, ?, ?) ON CONFLICT (who) DO NOTHING", row)
    driver.execute("COMMIT")


def _rate(once: Callable[[], None], seconds: float) -> float:
    done, begun = 0, perf_counter()
    while perf_counter() - begun < seconds:
        once()
        done += 1
    return done / (perf_counter() - begun)
