from pathlib import Path

import pytest

from bot.conversation.flow import Commands, Flow
from bot.conversation.understanding import Cry, Expected, Ordered, Picked, Unclear, Understood, Vocabulary, understand
from bot.errors import LanguageError
from bot.language import catalogs as registry
from bot.language.catalogs import LANGUAGES, Catalogs, Language, load
from bot.language.vocabulary import split_words, vocabulary

OFFERED = ((1, "raid"), (2, "attack"), (3, "more"), (4, "skip"))
SEVERAL = Expected("event", OFFERED, several=True)
DANGER = Expected("danger", ((1, "now"), (2, "no")))


@pytest.fixture
def catalogs(spanish: Path) -> Catalogs:
    return load(["es"], spanish.parents[2])


@pytest.fixture
def known(flow: Flow, commands: Commands, catalogs: Catalogs) -> Vocabulary:
    return vocabulary(flow, commands, ["es", "en"], catalogs)


@pytest.mark.parametrize(
    ("text", "expected", "meaning"),
    [
        ("Sí, ahora", DANGER, Picked(("now",))),
        ("YES, NOW", DANGER, Picked(("now",))),
        ("ahora mismo", DANGER, Picked(("now",))),
        ("right now", DANGER, Picked(("now",))),
        ("UNA", DANGER, Picked(("now",))),
        ("two", DANGER, Picked(("no",))),
        ("allanamiento", SEVERAL, Unclear()),
        ("un allana", SEVERAL, Picked(("raid",))),
        ("1 y 2", SEVERAL, Picked(("raid", "attack"))),
        ("dos, también uno", SEVERAL, Picked(("raid", "attack"))),
        ("one and two", SEVERAL, Picked(("raid", "attack"))),
        ("más", SEVERAL, Picked(("more",))),
        ("prefiero no responder", SEVERAL, Picked(("skip",))),
        ("SALIR", DANGER, Ordered("stop")),
        ("exit", DANGER, Ordered("stop")),
        ("96", DANGER, Ordered("stop")),
        ("parar", DANGER, Ordered("stop")),
        ("borrar", DANGER, Ordered("erase")),
        ("Auxilio", DANGER, Cry("es")),
        ("au secours", DANGER, Cry()),
        ("sos", DANGER, Cry()),
        ("/start en", DANGER, Ordered("start", "en")),
        ("anteayer", DANGER, Unclear()),
    ],
)
def test_what_people_type_is_understood_in_every_language(
    text: str, expected: Expected, meaning: Understood, known: Vocabulary
) -> None:
    assert understand(text, expected, "es", known) == meaning


def test_a_language_is_known_by_its_tag_and_by_its_names_in_each_language(known: Vocabulary) -> None:
    assert known.tongues == {
        "es": "es",
        "espanol": "es",
        "spanish": "es",
        "en": "en",
        "english": "en",
        "ingles": "en",
    }


def test_a_language_that_cldr_does_not_know_is_known_by_its_own_name(
    flow: Flow, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    maya = Language("yua", "Maaya t'aan")
    monkeypatch.setattr(registry, "LANGUAGES", {**LANGUAGES, "yua": maya})
    monkeypatch.setattr("bot.language.vocabulary.LANGUAGES", {**LANGUAGES, "yua": maya})
    known = vocabulary(flow, commands, ["yua"], Catalogs(("yua",), {"yua": {}, "en": {}}))
    assert known.tongues == {"yua": "yua", "maaya taan": "yua"}


def test_a_step_that_asks_like_another_takes_its_words(known: Vocabulary) -> None:
    assert known.labels["es"]["later", "raid"] == known.labels["es"]["event", "raid"] == "un allanamiento"


def test_names_from_the_profile_can_be_typed(flow: Flow, commands: Commands, catalogs: Catalogs) -> None:
    known = vocabulary(flow.with_choices("areas", {"mex": "México"}), commands, ["es"], catalogs)
    assert understand("mexico", Expected("area", ((9, "mex"),)), "es", known) == Picked(("mex",))


def test_a_vocabulary_needs_its_language_loaded(flow: Flow, commands: Commands, catalogs: Catalogs) -> None:
    with pytest.raises(LanguageError, match="'fa' isn't loaded"):
        vocabulary(flow, commands, ["fa"], catalogs)


@pytest.mark.parametrize("text", ["stop, go on ,exit", "stop،go on، exit", "stop、go on、exit,", ", stop,, go on,exit"])
def test_words_are_split_at_the_commas_of_any_script(text: str) -> None:
    assert split_words(text) == ("stop", "go on", "exit")
