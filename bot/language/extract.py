"""From flows/*.toml to locales/: every English text, where it is said, ready for translators.

`python -m bot.language.extract` writes bot.pot and brings each bot.po up to date. A translation is kept as
long as its English stands; nothing is guessed. The same flows give the same bytes, so a diff shows only words.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from babel.messages import Catalog, Message
from babel.messages.pofile import write_po

from bot.content import content
from bot.conversation.reading import FILES, Tree, read_commands, read_flow, read_guide, tree_of
from bot.errors import BotError, FlowError
from bot.language.catalogs import read_catalog
from bot.language.vocabulary import JOINERS, NAYS, NUMBERS

Pair = tuple[str, str]  # (context, English)

# No dates, no names, no tool versions: they would change without a word changing.
_HEADER = """\
# {about}
# How to translate safely: locales/README.md
msgid ""
msgstr ""
{language}"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def extract(
    fileobj: IO[bytes],
    keywords: object,  # noqa: ARG001 - the four are Babel's own
    comment_tags: object,  # noqa: ARG001
    options: object,  # noqa: ARG001
) -> Iterator[tuple[Any, ...]]:
    """Yield the texts of one flows/*.toml as Babel's extractors do: line, function, (context, English), comments."""
    text = fileobj.read().decode("utf-8")
    for pair in messages_in(text, Path(getattr(fileobj, "name", "flow")).name):
        yield 0, "pgettext", pair, []


def messages_in(toml: str, file: str) -> list[Pair]:
    """Return the texts of one file under flows/, in its order; `file` is its name, for findings.

    Raises:
        FlowError: the file isn't TOML, or has another shape.

    """
    return list(_pairs(toml, file))


@lru_cache(FILES)
def _pairs(toml: str, file: str) -> tuple[Pair, ...]:
    tree = tree_of(toml, file)
    try:
        return tuple(pair for key, read in _KINDS.items() if key in tree for pair in read(tree, toml, file))
    except (KeyError, TypeError, AttributeError) as error:
        raise FlowError(f"{file}: a text is missing or stands in the wrong place ({error})") from None


def messages(directory: Path | None = None) -> list[Pair]:
    """Return every text of all files under flows/: what a language must translate to be offered."""
    return [pair for _, pairs in _by_file(directory or content("flows")) for pair in pairs]


def template(flows: Path) -> Catalog:
    """Return all texts of `flows` as an empty catalog, in the order of the files."""
    catalog = Catalog(charset="utf-8")
    for file, pairs in _by_file(flows):
        for context, english in pairs:
            catalog.add(english, context=context, locations=[(f"flows/{file}", 0)])
    return catalog


def updated(new: Catalog, old: Catalog) -> Catalog:
    """Return the texts of `new` with the translations of `old`; those no longer said stay at the end, commented out.

    A text that comes back finds its translation again.
    """
    result = Catalog(charset="utf-8")
    kept = {_key(message): message for message in (*old.obsolete.values(), *old) if message.id and message.string}
    for message in new:
        if message.id:
            _carry(result, message, kept.pop(_key(message), None))
    result.obsolete.update({_key(message): message for message in kept.values()})
    return result


def write(flows: Path, locales: Path) -> list[str]:
    """Write bot.pot and update every bot.po under `locales`; return one line per language: how much is translated."""
    fresh = template(flows)
    _write(locales / "bot.pot", fresh, _header("The texts of the bot, to be translated"))
    return [_update(fresh, path) for path in sorted(locales.glob("*/LC_MESSAGES/bot.po"))]


def main() -> int:
    """Write the catalogs of this checkout; return the exit code."""
    try:
        lines = write(content("flows"), content("locales"))
    except BotError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _by_file(flows: Path) -> Iterator[tuple[str, list[Pair]]]:
    for path in sorted(flows.glob("*.toml")):
        yield path.name, messages_in(path.read_text("utf-8"), f"flows/{path.name}")


def _flow(_tree: Tree, toml: str, file: str) -> Iterable[Pair]:
    return read_flow(toml, file).messages()


def _commands(_tree: Tree, toml: str, file: str) -> Iterator[Pair]:
    yield from read_commands(toml, file).messages()
    yield from (NUMBERS, JOINERS, NAYS)  # they work at every step as commands do


def _texts(key: str) -> Callable[[Tree, str, str], Iterator[Pair]]:
    return lambda tree, _toml, _file: ((f"{key}.{name}", text) for name, text in tree[key].items())


def _reasons(key: str) -> Callable[[Tree, str, str], Iterator[Pair]]:
    return lambda tree, _toml, _file: ((f"triage.{row['name']}", row["because"]) for row in tree[key])


# What a file holds is told by its tables: top-level key -> reader.
_KINDS: Mapping[str, Callable[[Tree, str, str], Iterable[Pair]]] = {
    "flow": _flow,
    "command": _commands,
    "guide": lambda _tree, toml, file: read_guide(toml, file).messages(),
    "alert": _texts("alert"),
    "duty": _texts("duty"),
    "rule": _reasons("rule"),
    "raise": _reasons("raise"),
}


def _key(message: Message) -> tuple[str, str]:
    return str(message.id), message.context or ""


def _carry(result: Catalog, message: Message, old: Message | None) -> None:
    result.add(
        message.id,
        old.string if old else "",
        context=message.context,
        locations=message.locations,
        flags=old.flags if old else (),
        user_comments=old.user_comments if old else (),
    )


def _update(fresh: Catalog, path: Path) -> str:
    tag = path.parent.parent.name
    catalog = updated(fresh, read_catalog(path.parents[2], tag))
    _write(path, catalog, _header(f"The words of the bot in the language {tag}", tag))
    done = sum(bool(message.id and message.string and not message.fuzzy) for message in catalog)
    return f"{tag}: {done} of {len(catalog)} texts translated"


def _header(about: str, tag: str = "") -> str:
    return _HEADER.format(about=about, language=f'"Language: {tag}\\n"\n' if tag else "")


def _write(path: Path, catalog: Catalog, header: str) -> None:
    text = BytesIO()
    write_po(text, catalog, width=0, omit_header=True, include_lineno=False)
    path.write_bytes(header.encode() + text.getvalue())


if __name__ == "__main__":
    sys.exit(main())
