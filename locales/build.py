# ruff: noqa: INP001 - hatchling loads it by its path
"""Build hook: puts what the bot says into the wheel, under bot/_content: flows, missions, compiled catalogs.

Not into an editable one: that reads its checkout, where nothing is written and no copy can grow old.
"""

import tempfile
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TARGET = "bot/_content"
COPIED = {  # of the checkout -> of the content
    "flows": "flows",
    "config/missions": "missions",
    "locales/languages.toml": "locales/languages.toml",
    "locales/names.toml": "locales/names.toml",
    "requirements.txt": "requirements.txt",
}


class CarryContent(BuildHookInterface):  # type: ignore[type-arg]  # any builder's configuration will do
    """Adds the content, with one compiled catalog per language, to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name what is copied, and compile every catalog outside the checkout. `version`: standard or editable."""
        if version == "editable":
            return
        for folder, name in COPIED.items():
            build_data["force_include"][str(Path(self.root) / folder)] = f"{TARGET}/{name}"
        self.compiled = tempfile.TemporaryDirectory()
        locales = Path(self.root) / "locales"
        for source in sorted(locales.glob("*/LC_MESSAGES/bot.po")):
            place = source.relative_to(locales).with_suffix(".mo")
            compiled = compile_catalog(source, Path(self.compiled.name) / place)
            build_data["force_include"][str(compiled)] = f"{TARGET}/locales/{place.as_posix()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatchling's own shape
        """Remove the folder, once the wheel is written."""
        if version != "editable":
            self.compiled.cleanup()


def compile_catalog(source: Path, compiled: Path) -> Path:
    """Compile one .po file, leaving out what is empty or marked fuzzy, and return where it lies."""
    compiled.parent.mkdir(parents=True)
    with source.open("rb") as text, compiled.open("wb") as binary:
        write_mo(binary, read_po(text, abort_invalid=True))
    return compiled
