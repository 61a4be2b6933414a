from pathlib import Path

import pytest

from bot.content import content


@pytest.mark.parametrize("name", ["flows", "locales", "missions"])
def test_this_checkout_has_the_content_it_runs_with(name: str) -> None:
    assert content(name).is_dir()


def test_a_checkout_is_read_where_its_people_edit(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "bot" / "_content" / "flows").mkdir(parents=True)
    assert content("flows", tmp_path / "bot") == tmp_path / "flows"
    assert content("missions", tmp_path / "bot") == tmp_path / "config" / "missions"


def test_an_installed_package_carries_its_content(tmp_path: Path) -> None:
    for name in ("flows", "locales", "missions"):
        assert content(name, tmp_path / "bot") == tmp_path / "bot" / "_content" / name


def test_there_is_no_other_content(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="secrets"):
        content("secrets", tmp_path)
