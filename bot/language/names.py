"""What each language calls every other: locales/names.toml, so that no start loads all that CLDR knows for it.

`python -m bot.language.names` writes the file anew: after a language was added, or with another Babel.
"""

import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from babel import Locale, UnknownLocaleError

from bot.content import content
from bot.errors import LanguageError
from bot.language.catalogs import LANGUAGES

FILE = "names.toml"
_HEAD = "# What each language calls the others, as CLDR has it. Written by python -m bot.language.names\n"

Names = Mapping[str, Mapping[str, str]]  # of languages, by the language they are told in


def read_names(path: Path) -> Names:
    """Return the names that the file tells. Raises LanguageError: it can't be read."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LanguageError(f"{path}: {error}") from None


def known_names(tags: Iterable[str]) -> Names:
    """Return the names that CLDR knows, of `tags` in each of them."""
    tags = tuple(tags)
    return {tag: names for tag in tags if (names := _names(tag, tags))}


def _names(told_in: str, tags: Iterable[str]) -> dict[str, str]:
    try:
        known = Locale.parse(told_in, sep="-").languages
    except UnknownLocaleError:
        return {}
    return {tag: known[name] for tag in tags if (name := tag.replace("-", "_")) in known}


def as_toml(names: Names) -> str:
    """Return the whole file."""
    tables = (
        f"\n[{tag}]\n" + "".join(f'{other} = "{name}"\n' for other, name in known.items())
        for tag, known in names.items()
    )
    return _HEAD + "".join(tables)


def main() -> int:
    """Write the file of this checkout; return the exit code."""
    (content("locales") / FILE).write_text(as_toml(known_names(LANGUAGES)), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
