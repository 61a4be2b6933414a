"""A real gpg with a home of its own, as an officer has it; for every test that opens a sealed mail."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.mail.openpgp import Certificate, read_certificate

MISSING = "gpg is needed to test that officers can open the mails: install it (Debian, Ubuntu: apt-get install gnupg)."


class Gpg:
    """One keyring. Times are gpg's own form, such as 20240101T000000."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *words: str, given: bytes = b"", at: str = "") -> subprocess.CompletedProcess[bytes]:
        clock = ["--faked-system-time", f"{at}!"] if at else []
        fixed = ["--batch", "--yes", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""]
        return subprocess.run(
            ["gpg", "--homedir", str(self.home), *fixed, *clock, *words], input=given, capture_output=True, check=False
        )

    def must(self, *words: str, given: bytes = b"", at: str = "") -> bytes:
        done = self.run(*words, given=given, at=at)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def new_key(
        self, name: str, *, lasts: str = "never", sealing: str = "never", at: str = "", options: tuple[str, ...] = ()
    ) -> str:
        """Make a key that signs and, unless `sealing` is empty, a subkey that lasts so long; give the fingerprint."""
        self.must(*options, "--quick-gen-key", name, "ed25519", "sign,cert", lasts, at=at)
        if sealing:
            self.add_subkey(self.fingerprint(name), sealing, at=at, options=options)
        return self.fingerprint(name)

    def add_subkey(self, fingerprint: str, lasts: str, *, at: str = "", options: tuple[str, ...] = ()) -> None:
        self.must(*options, "--quick-add-key", fingerprint, "cv25519", "encr", lasts, at=at)

    def fingerprint(self, name: str) -> str:
        listed = self.must("--with-colons", "--list-keys", f"={name}").decode().splitlines()
        return next(line.split(":")[9] for line in listed if line.startswith("fpr"))

    def exported(self, name: str) -> bytes:
        return self.must("--armor", "--export", f"={name}")

    def certificate(self, name: str) -> Certificate:
        path = self.home / "exported.asc"
        path.write_bytes(self.exported(name))
        return read_certificate(path)

    def kept(self) -> dict[str, bytes]:
        """All that this keyring is, for others like it: making keys takes long."""
        files = [path for path in self.home.rglob("*") if path.is_file() and "lock" not in path.name]
        return {str(path.relative_to(self.home)): path.read_bytes() for path in files}

    def put(self, kept: Mapping[str, bytes]) -> None:
        """Make an empty keyring like another one."""
        for name, content in kept.items():
            path = self.home / name
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.write_bytes(content)
            path.chmod(0o600)

    def revoke(self, name: str) -> None:
        prepared = self.home / "openpgp-revocs.d" / f"{self.fingerprint(name)}.rev"
        self.must("--import", given=prepared.read_bytes().replace(b":-----BEGIN", b"-----BEGIN"))


@contextmanager
def keyring() -> Iterator[Gpg]:
    """An empty keyring, gone afterwards with its agent."""
    if shutil.which("gpg") is None:
        pytest.fail(MISSING)
    with tempfile.TemporaryDirectory(
        prefix="gpg-", ignore_cleanup_errors=True
    ) as home:  # a socket's path must be short
        yield Gpg(Path(home))
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=False)
