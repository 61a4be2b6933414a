"""A small talk in two languages, for every test of the room."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.pofile import write_po

from bot.conversation.flow import Commands, Flow
from bot.conversation.reading import read_commands, read_flow

SMALL_FLOW = """
[flow]
name = "small"
first = "danger"
sos = "danger"
idle = "area"
review_bound = 3
sos_bound = 2

[[step]]
name = "danger"
title = "Danger"
ask = "Is {mission} to know of a danger?"
choices.now = "Yes, now"
choices.no = "No"
words.now = "now, right now"
next.otherwise = "event"
[[step.note]]
when.danger = "no"
say = "Good."

[[step]]
name = "event"
title = "What happened"
ask = "What happened?"
kind = "several"
choices.raid = "A raid"
choices.attack = "An attack"
next.otherwise = "area"

[[step]]
name = "area"
title = "Area"
ask = "Where?"
choices_from = "areas"
next.otherwise = "later"

[[step]]
name = "later"
like = "event"
next.otherwise = "own"

[[step]]
name = "own"
ask = "What else?"
kind = "words"
next.otherwise = "end"

[text]
skip = "Skip"
more = "More"
left = "It left at {time}."
"""

COMMANDS = """
[[command]]
name = "stop"
number = 96
words = "stop, exit"
help = "end here"

[[command]]
name = "erase"
number = 97
words = "erase, delete"
help = "delete it all"

[sos]
"" = ["sos"]
es = ["auxilio"]
fr = ["au secours"]
"""

SPANISH = {
    ("small.danger", "Is {mission} to know of a danger?"): "¿Debe saber {mission} de un peligro?",
    ("small.danger.title", "Danger"): "Peligro",
    ("small.danger.now", "Yes, now"): "Sí, ahora",
    ("small.danger.now.words", "now, right now"): "ahora, ya, ahora mismo",
    ("small.danger.no", "No"): "No",
    ("small.danger.note.0", "Good."): "Bien.",
    ("small.event", "What happened?"): "¿Qué pasó?",
    ("small.event.title", "What happened"): "Qué pasó",
    ("small.event.raid", "A raid"): "Un allanamiento",
    ("small.event.attack", "An attack"): "Una agresión",
    ("small.area", "Where?"): "¿Dónde?",
    ("small.area.title", "Area"): "Zona",
    ("small.own", "What else?"): "¿Qué más?",
    ("say.skip", "Skip"): "Prefiero no responder",
    ("say.more", "More"): "Más",
    ("say.left", "It left at {time}."): "Salió a las {time}.",
    ("command.stop", "stop, exit"): "parar, salir, terminar",
    ("command.stop.help", "end here"): "terminar aquí",
    ("command.erase", "erase, delete"): "borrar, Parar",
    ("command.erase.help", "delete it all"): "borrarlo todo",
    (
        "number.words",
        "one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve",
    ): "uno/una, dos, tres",
    ("number.joiners", "and, also, or"): "y, e, también",
    ("number.nays", "no, none, nothing"): "no, nada",
}

Write = Callable[[str, Mapping[tuple[str, str], str]], Path]


@pytest.fixture
def flow() -> Flow:
    return read_flow(SMALL_FLOW, "small.toml")


@pytest.fixture
def commands() -> Commands:
    return read_commands(COMMANDS, "commands.toml")


@pytest.fixture
def locales(tmp_path: Path) -> Path:
    return tmp_path / "locales"


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "small.toml").write_text(SMALL_FLOW, "utf-8")
    (folder / "commands.toml").write_text(COMMANDS, "utf-8")
    return folder


@pytest.fixture
def write_catalog(locales: Path) -> Write:
    """Write a language's bot.po and return its path."""

    def write(tag: str, texts: Mapping[tuple[str, str], str]) -> Path:
        catalog = Catalog(charset="utf-8")
        for (context, english), translation in texts.items():
            catalog.add(english, translation, context=context)
        path = locales / tag / "LC_MESSAGES" / "bot.po"
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            write_po(file, catalog)
        return path

    return write


@pytest.fixture
def spanish(write_catalog: Write) -> Path:
    return write_catalog("es", SPANISH)
