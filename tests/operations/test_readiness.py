"""What a service manager is told."""

import socket
from pathlib import Path

import pytest

from bot.operations.readiness import notify


@pytest.mark.parametrize("abstract", [False, True])
def test_the_state_is_sent_to_the_socket_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    path = f"\0{tmp_path.name}" if abstract else "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(path)
        monkeypatch.setenv("NOTIFY_SOCKET", path.replace("\0", "@") if abstract else str(tmp_path / "notify"))
        notify("READY=1")
        assert listening.recv(100) == b"READY=1"


@pytest.mark.parametrize("named", ["", "relative", "/nobody/listens/there"])
def test_where_nobody_listens_nothing_happens(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", named)
    assert notify("READY=1") is None  # type: ignore[func-returns-value]  # that it returns is the point
