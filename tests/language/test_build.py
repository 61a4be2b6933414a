"""The wheel carries what the bot says, compiled; an editable install carries nothing and leaves nothing behind."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from bot.content import content

ROOT = content("flows").parent
MADE = shutil.ignore_patterns("__pycache__", "*.mo")
PROBE = """
from bot.content import content
from bot.language.catalogs import load
words = load(["es"]).words("es")
print(content("flows"), words("small.danger.now", "Yes, now"))
"""


@pytest.fixture
def checkout(tmp_path: Path, spanish: Path) -> Path:
    """A checkout with one language, in a folder of its own."""
    root = tmp_path / "checkout"
    for name in ("bot", "flows", "config/missions"):
        shutil.copytree(ROOT / name, root / name, ignore=MADE)
    (root / "locales" / "es" / "LC_MESSAGES").mkdir(parents=True)
    for source, name in (
        (ROOT / "pyproject.toml", "pyproject.toml"),
        (ROOT / "requirements.txt", "requirements.txt"),
        (ROOT / "locales" / "build.py", "locales/build.py"),
        (ROOT / "locales" / "languages.toml", "locales/languages.toml"),
        (ROOT / "locales" / "names.toml", "locales/names.toml"),
        (spanish, "locales/es/LC_MESSAGES/bot.po"),
    ):
        shutil.copy(source, root / name)
    for name in ("README.md", "LICENSE"):
        (root / name).write_text("for the build\n", "utf-8")
    return root


def built(root: Path, version: str, target: Path) -> Path:
    """Build a wheel of `root` as pip does, and return it."""
    call = f"from hatchling.build import {version} as build; print(build({str(target)!r}))"
    done = subprocess.run([sys.executable, "-c", call], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target / done.stdout.split()[-1]


def files(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if "__pycache__" not in path.parts}


def test_an_unpacked_wheel_speaks_from_its_own_compiled_catalogs(checkout: Path, tmp_path: Path) -> None:
    before = files(checkout)
    wheel = built(checkout, "build_wheel", tmp_path)
    assert files(checkout) == before
    site = tmp_path / "site"
    ZipFile(wheel).extractall(site)
    said = subprocess.run([sys.executable, "-c", PROBE], cwd=site, capture_output=True, text=True, check=False)
    assert said.stdout == f"{site / 'bot' / '_content' / 'flows'} Sí, ahora\n", said.stderr
    kept = {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}
    assert "bot/_content/locales/es/LC_MESSAGES/bot.mo" in kept
    assert not [path for path in kept if path.endswith((".po", ".pot", "build.py"))]


def test_an_editable_wheel_holds_no_catalog_and_leaves_the_checkout_as_it_was(checkout: Path, tmp_path: Path) -> None:
    before = files(checkout)
    wheel = built(checkout, "build_editable", tmp_path)
    assert files(checkout) == before
    assert not [name for name in ZipFile(wheel).namelist() if "locales" in name]


def test_a_broken_catalog_stops_the_build_and_leaves_nothing(checkout: Path, tmp_path: Path) -> None:
    (checkout / "locales" / "es" / "LC_MESSAGES" / "bot.po").write_text("msgid nothing\n", "utf-8")
    with pytest.raises(AssertionError, match="PoFileError"):
        built(checkout, "build_wheel", tmp_path)
    assert not list(tmp_path.glob("*.whl"))
