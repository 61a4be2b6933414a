"""Libraries are loaded without what no bot needs of them, and whoever needs it later has it all."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from bot.channels.sparing import inside, without

LOADED = """
import sys
from bot.channels.sparing import inside, without
with without("httpx._main"):
    import bot.channels.telegram
with inside("signalbot"):
    import bot.channels.signal
spared = {"rich", "click", "pygments", "phonenumbers", "apscheduler", "unittest", "yaml", "aiohttp.web", "alembic"}
print(sorted(spared & set(sys.modules)), "signalbot" in sys.modules, "httpx._main" in sys.modules)
import signalbot
from bot.channels.signal import SignalAPI
from signalbot._client import SignalAPI as same
print(signalbot.SignalBot.__name__, SignalAPI is same)
"""


def test_both_messengers_load_without_what_no_bot_needs_and_their_libraries_whole_for_who_asks() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", LOADED], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["[] False False", "SignalBot True"], done.stderr


def test_a_module_is_missing_only_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spared_here.py").write_text("", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with without("spared_here"), pytest.raises(ImportError):
        import_module("spared_here")
    there = import_module("spared_here")
    with without("spared_here"):
        assert import_module("spared_here") is there


def test_a_package_opens_without_its_front_door_only_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "front_door"
    package.mkdir()
    (package / "__init__.py").write_text("OPENED = True", "utf-8")
    (package / "room.py").write_text("", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with inside("front_door"):
        room = import_module("front_door.room")
        assert not hasattr(sys.modules["front_door"], "OPENED")
    whole = import_module("front_door")
    assert whole.OPENED
    with inside("front_door"):
        assert sys.modules["front_door"] is whole
        assert import_module("front_door.room") is room


def test_what_isnt_installed_is_told_by_whoever_asks_for_it() -> None:
    with inside("nowhere_at_all"), pytest.raises(ModuleNotFoundError, match="nowhere_at_all"):
        import_module("nowhere_at_all.room")
