"""An officer who doesn't exist, for rehearsals: a key that is thrown away, made by gpg where it is installed.

gpg 2.2 opens only what is sealed to a key of its own making, and whoever rehearses may want to open the mail.
"""

import shutil
import subprocess
from pathlib import Path

from bot.mail.openpgp import Certificate, read_certificate, throwaway_officer

NAME = "Nobody <officer@rehearsal.invalid>"
_UNLOCKED = ("--pinentry-mode", "loopback", "--passphrase", "")
_QUICK = (
    "future-default",
    "default",
)  # Curve25519, at once; gpg 2.2 else takes seconds over RSA
SECONDS = 30  # gpg may wait for entropy on a small machine


def make_officer(folder: Path) -> tuple[bytes, Certificate, bool]:
    """Return secret key, certificate, and whether gpg made them: then `folder` is a gpg home that opens the mail."""
    folder.mkdir(mode=0o700)
    gpg = shutil.which("gpg")
    try:
        made = _by_gpg(gpg, folder) if gpg else None
    except (OSError, subprocess.SubprocessError):
        made = None
    secret, certificate = made or throwaway_officer()
    return secret, certificate, made is not None


def _by_gpg(gpg: str, folder: Path) -> tuple[bytes, Certificate]:
    _run(gpg, folder, *_UNLOCKED, "--quick-generate-key", NAME, *_QUICK)
    public = folder / "officer.asc"
    public.write_bytes(_run(gpg, folder, "--armor", "--export"))
    secret = _run(gpg, folder, "--armor", *_UNLOCKED, "--export-secret-keys")
    _end_agent(folder)
    return secret, read_certificate(public)


def acquaint(folder: Path, certificate: Certificate) -> None:
    """Let the gpg home `folder` know a signer, so that its signatures are checked; without gpg nothing is done."""
    gpg = shutil.which("gpg")
    if gpg:
        public = folder / "signer.asc"
        public.write_bytes(certificate.raw)
        _run(gpg, folder, "--import", str(public))


def _end_agent(folder: Path) -> None:
    """End the agent that gpg began for `folder`: it would run on for ever, one for each rehearsal."""
    gpgconf = shutil.which("gpgconf")
    if gpgconf:
        _run(gpgconf, folder, "--kill", "gpg-agent")


def _run(gpg: str, folder: Path, *words: str) -> bytes:
    batch = ["--batch", "--quiet"] if Path(gpg).name == "gpg" else []
    command = [gpg, "--homedir", str(folder), *batch, *words]
    return subprocess.run(command, check=True, capture_output=True, timeout=SECONDS).stdout  # noqa: S603 - gpg, as found
