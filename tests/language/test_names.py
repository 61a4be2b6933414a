"""What languages call one another: the file says what CLDR does, and whole."""

from pathlib import Path

import pytest

from bot.content import content
from bot.errors import LanguageError
from bot.language.catalogs import LANGUAGES
from bot.language.names import FILE, as_toml, known_names, read_names


def test_the_file_is_what_cldr_says_now() -> None:
    kept = (content("locales") / FILE).read_text("utf-8")
    assert kept == as_toml(known_names(LANGUAGES)), "run: python -m bot.language.names"
    assert read_names(content("locales") / FILE) == known_names(LANGUAGES)


def test_a_language_is_named_in_another_and_in_its_own() -> None:
    names = known_names(("es", "zh-Hans", "tlh"))
    assert names["es"]["zh-Hans"] == "chino simplificado"
    assert names["zh-Hans"]["es"] == "西班牙语"
    assert "tlh" not in names  # CLDR doesn't know what it calls others


@pytest.mark.parametrize("text", [b"[en", b"\xff", None], ids=["no TOML", "no text", "no file"])
def test_a_file_that_cant_be_read_is_told_by_its_name(text: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / FILE
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(LanguageError, match=FILE):
        read_names(path)
