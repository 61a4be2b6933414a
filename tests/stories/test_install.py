"""The wheel, installed where nothing of the checkout is: it carries its content, has its command, and rehearses."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOW_TO_TALK = "SOS\n7\n10\n"  # asks for help, sends an alert in her own danger, lets the mission act


def run(*words: str | Path, at: Path, home: Path | None = None, given: str = "") -> str:
    """Run a program in a folder, with an environment that tells nothing of this checkout; return what it said."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home or at), "TMPDIR": str(home or at)}
    done = subprocess.run(
        words, cwd=at, env=environment, input=given, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built as any installer would, but without a network."""
    target = tmp_path_factory.mktemp("wheel")
    build: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", target]
    run(*build, at=ROOT, home=target)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment that holds the wheel alone.

    What the wheel depends on is lent by the environment that runs this test, because tests have no network: a line in
    a .pth file puts that one's packages behind the new one's. Only the folder is lent: its own .pth files, and with
    them this checkout, aren't followed.
    """
    empty = tmp_path_factory.mktemp("empty")
    venv.create(empty, symlinks=True)
    python = empty / "bin" / "python"
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--no-index",
        "--no-deps",
        "--quiet",
        wheel,
        at=empty,
    )
    (packages,) = empty.glob("lib/python*/site-packages")
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return empty / "bin"


def test_the_wheel_carries_flows_missions_and_compiled_catalogs(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    carried = {f"bot/_content/flows/{path.name}" for path in (ROOT / "flows").glob("*.toml")}
    carried |= {f"bot/_content/missions/{path.name}" for path in (ROOT / "config" / "missions").glob("*.toml")}
    carried |= {
        f"bot/_content/{path.relative_to(ROOT).with_suffix('.mo').as_posix()}"
        for path in (ROOT / "locales").glob("*/LC_MESSAGES/bot.po")
    }
    assert len(carried) > 5
    assert carried <= names
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"bot", "postigo"}
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_the_installed_bot_is_the_wheels_and_not_the_checkouts(programs: Path, tmp_path: Path) -> None:
    where = run(programs / "python", "-c", "import bot; print(bot.__file__)", at=tmp_path)
    assert Path(where).is_relative_to(programs.parent)


def test_the_installed_command_names_its_verbs(programs: Path, tmp_path: Path) -> None:
    said = run(programs / "postigo", "--help", at=tmp_path)
    assert "rehearse" in said


def test_from_an_empty_folder_the_installed_bot_rehearses_until_a_sealed_mail(programs: Path, tmp_path: Path) -> None:
    said = run(programs / "postigo", "rehearse", at=tmp_path, given=HOW_TO_TALK)
    (named,) = [line.removeprefix("Sealed mail: ") for line in said.splitlines() if line.startswith("Sealed mail: ")]
    mail = Path(named)
    assert mail.is_relative_to(tmp_path)
    assert b"BEGIN PGP MESSAGE" in mail.read_bytes()
