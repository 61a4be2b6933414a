"""A real dovecot on loopback: one account, one folder, TLS; started by the test that asks for it, ended with it.

with dovecot(tmp_path, Authority(tmp_path)) as server:
    server.deliver(b"From: ...")
    ...  # server.host, server.port, server.starttls_port, USER, PASSWORD
"""

import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from grp import getgrgid
from imaplib import IMAP4_SSL
from pathlib import Path

import pytest
import trustme

USER, PASSWORD = "bot", 'correct "horse" \\ bättery'
HOST = "localhost"
SECONDS = 30  # that anything here may take on a busy machine
MISSING = (
    "dovecot 2.3 (2.4 is configured in another way) is needed to test how answers are read: "
    "install it (Debian 12, Ubuntu 24.04: apt-get install dovecot-imapd)."
)

_CONFIGURATION = """
base_dir = {home}/run
state_dir = {home}/run
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {owner}
default_internal_group = {group}
default_login_user = {owner}
ssl = required
ssl_cert = <{home}/server.pem
ssl_key = <{home}/server.key
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:{home}/mail
imap_capability = {capability}
first_valid_uid = 1
mail_max_userip_connections = 50
passdb {{
  driver = static
  args = password={{PLAIN.b64}}{secret}
}}
userdb {{
  driver = static
  args = uid={owner} gid={group} home={home}/mail
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {starttls_port}
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service stats {{
  chroot =
}}
service imap {{
  vsz_limit = 1G
}}
"""
FULL = "+"
NO_IDLE = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE LITERAL+ UIDPLUS"
NO_UIDPLUS = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+"


class Dovecot:
    """A server that can be stopped and started again, as its operator does it."""

    def __init__(self, home: Path, authority: trustme.CA, name: str, capability: str) -> None:
        self.home, self.host = home, HOST
        self.port, self.starttls_port = _free_ports()
        self._authority = authority
        self._trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # knows no other authority: to read them takes long
        authority.configure_trust(self._trusted)
        self._trusted.check_hostname = False
        self._write(name, capability)
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = [_dovecot(), "-F", "-c", str(self.home / "dovecot.conf")]
        quiet = subprocess.DEVNULL
        self._running = subprocess.Popen(words, stdout=quiet, stderr=quiet, start_new_session=True)
        until(self._answers, lambda: (self.home / "log").read_text("utf-8"))

    def stop(self) -> None:
        """End it at once, with all of its sessions."""
        if self._running is not None:
            os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait(SECONDS)
            self._running = None

    def deliver(self, *mails: bytes) -> None:
        """Put mails into the folder, as a mail server does that receives them."""
        with self.session() as session:
            for mail in mails:
                done, told = session.append("INBOX", "", "", mail)
                assert done == "OK", told

    def left(self) -> list[bytes]:
        """Return what is in the folder, deleted or not."""
        with self.session() as session:
            if session.select("INBOX", readonly=True)[1] == [b"0"]:
                return []
            return [part[1] for part in session.fetch("1:*", "(BODY.PEEK[])")[1] if isinstance(part, tuple)]

    def unread(self) -> int:
        """Count the mails that nobody is said to have read."""
        with self.session() as session:
            session.select("INBOX", readonly=True)
            return len(session.search(None, "UNSEEN")[1][0].split())

    def mark_deleted(self) -> None:
        """Mark every mail as deleted, as a session does that ends before it could remove them."""
        with self.session() as session:
            session.select("INBOX")
            session.store("1:*", "+FLAGS", r"(\Deleted)")

    @contextmanager
    def session(self) -> Iterator[IMAP4_SSL]:
        session = IMAP4_SSL("127.0.0.1", self.port, ssl_context=self._trusted, timeout=SECONDS)
        try:
            session.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode())
            yield session
        finally:
            session.shutdown()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.starttls_port), timeout=1) as probe:
                return probe.recv(4) == b"* OK"
        except OSError:
            return False

    def _write(self, name: str, capability: str) -> None:
        owner = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        certificate = self._authority.issue_cert(name)
        certificate.private_key_pem.write_to_path(str(self.home / "server.key"))
        for pem in certificate.cert_chain_pems:
            pem.write_to_path(str(self.home / "server.pem"), append=True)
        text = _CONFIGURATION.format(
            home=self.home,
            owner=owner.pw_name,
            group=_group(owner.pw_gid),
            port=self.port,
            starttls_port=self.starttls_port,
            secret=b64encode(PASSWORD.encode()).decode(),
            capability=capability,
        )
        (self.home / "dovecot.conf").write_text(text, "utf-8")
        (self.home / "log").write_text("", "utf-8")
        (self.home / "mail").mkdir()
        if os.getuid() == 0:
            for path in (self.home, self.home / "mail", self.home / "log"):
                os.chown(path, owner.pw_uid, owner.pw_gid)


@contextmanager
def dovecot(authority: trustme.CA, *, name: str = HOST, capability: str = FULL) -> Iterator[Dovecot]:
    """Run a server with a certificate for `name`; the test is skipped where there is no dovecot."""
    if not _is_installed():
        pytest.skip(MISSING)
    with tempfile.TemporaryDirectory(prefix="dovecot-", ignore_cleanup_errors=True) as home:  # paths must be short
        Path(home).chmod(0o755)
        server = Dovecot(Path(home), authority, name, capability)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def until(holds: Callable[[], bool], otherwise: Callable[[], str] = str) -> None:
    """Wait until it holds; fail with what `otherwise` tells."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.01)


def _is_installed() -> bool:
    try:
        done = subprocess.run([_dovecot(), "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.stdout.startswith("2.3")  # 2.4 reads another kind of configuration


def _dovecot() -> str:
    return shutil.which("dovecot") or "/usr/sbin/dovecot"


def _group(gid: int) -> str:
    return getgrgid(gid).gr_name


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as another:
        one.bind(("127.0.0.1", 0))
        another.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(another.getsockname()[1])
