from pathlib import Path

import pytest

from bot.conversation.flow import Commands, Flow
from bot.conversation.model import Answer, Line, Question, Say, Words
from bot.errors import FlowError
from bot.language.catalogs import LANGUAGES, Catalogs, load
from bot.language.wording import in_digits, renderer

ASK = Line("small.danger", (("mission", "the embassy"),))
ISOLATE, POP, RLM = "\u2068", "\u2069", "\u200f"


@pytest.fixture
def catalogs(spanish: Path) -> Catalogs:
    return load(["es"], spanish.parents[2])


@pytest.fixture
def words(catalogs: Catalogs) -> dict[str, Words]:
    return catalogs.all_words()


def question(step: str, *names: str, first: int = 1) -> Question:
    return Question(step, serial=1, offered=tuple(enumerate(names, start=first)))


@pytest.mark.parametrize(
    ("say", "text"),
    [
        (
            Say((ASK,), ("en",), question("danger", "now", "no", first=7)),
            "Is the embassy to know of a danger?\n7 Yes, now\n8 No",
        ),
        (
            Say((ASK,), ("es",), question("danger", "now", "no")),
            "¿Debe saber the embassy de un peligro?\n1 Sí, ahora\n2 No",
        ),
        (
            Say((Line("small.danger.note.0"), Line("small.area")), ("es",)),
            "Bien.\n¿Dónde?",
        ),
        (
            Say((Line("say.left", (("time", "08:02"),)),), ("es", "en")),
            "Salió a las 08:02.\n\nIt left at 08:02.",
        ),
        (
            Say((Line("small.event"),), ("es", "en"), question("event", "raid", "more", "skip")),
            "¿Qué pasó?\n1 Un allanamiento\n2 Más\n3 Prefiero no responder\n\nWhat happened?\n1 A raid\n2 More\n3 Skip",
        ),
        (
            Say((Line("small.event"),), ("es",), question("later", "attack")),
            "¿Qué pasó?\n1 Una agresión",
        ),
        (Say((Line("small.area"),), ("es",), question("area")), "¿Dónde?"),
        (Say((Line("small.own"),), ()), "What else?"),
    ],
    ids=[
        "numbers as offered",
        "one language",
        "a note before a question",
        "two languages at once",
        "choices in both languages",
        "a step that asks like another",
        "nothing offered",
        "no language known",
    ],
)
def test_a_message_is_its_lines_and_then_its_choices(say: Say, text: str, flow: Flow, words: dict[str, Words]) -> None:
    assert renderer(flow, words)(say) == text


def test_a_review_lists_every_answer_under_its_title_with_own_words_as_written(
    flow: Flow, words: dict[str, Words]
) -> None:
    flow = flow.with_choices("areas", {"jal": "Jalisco"})
    shown = (
        Answer("danger", ("now",)),
        Answer("event", ("raid", "attack")),
        Answer("area", ("jal",)),
        Answer("danger", ("skip",)),
        Answer("own", words="{mission}  As I\nwrote it"),
    )
    say = Say((Line("small.area"),), ("es",), question("danger", "now"), shown)
    assert renderer(flow, words)(say) == (
        "¿Dónde?\n"
        "Peligro: Sí, ahora\n"
        "Qué pasó: Un allanamiento, Una agresión\n"
        "Zona: Jalisco\n"
        "Peligro: Prefiero no responder\n"
        "¿Qué más?: “{mission}  As I\nwrote it”\n"
        "1 Sí, ahora"
    )


def test_names_from_the_profile_are_said_as_they_stand_there(flow: Flow, words: dict[str, Words]) -> None:
    flow = flow.with_choices("areas", {"mex": "México", "abroad": "Abroad"})
    say = Say((Line("small.area"),), ("es",), question("area", "mex", "abroad", "skip"))
    assert renderer(flow, words)(say) == "¿Dónde?\n1 México\n2 Abroad\n3 Prefiero no responder"


@pytest.mark.parametrize(("count", "lines"), [(14, 14), (15, 5)])
def test_more_choices_than_a_screen_holds_share_lines_and_none_is_broken(
    count: int, lines: int, flow: Flow, words: dict[str, Words]
) -> None:
    areas = {f"a{n}": f"Area {n}" for n in range(1, count + 1)}
    say = Say((Line("small.area"),), ("en",), question("area", *areas))
    _, *shown = renderer(flow.with_choices("areas", areas), words)(say).split("\n")
    assert len(shown) == lines
    assert max(map(len, shown)) <= 40
    assert " · ".join(shown).split(" · ") == [f"{n} Area {n}" for n in range(1, count + 1)]


def test_a_label_longer_than_a_line_stands_alone(flow: Flow, words: dict[str, Words]) -> None:
    areas = {f"a{n}": "long " * 10 + str(n) for n in range(15)}
    say = Say((Line("small.area"),), ("en",), question("area", *areas))
    _, *shown = renderer(flow.with_choices("areas", areas), words)(say).split("\n")
    assert len(shown) == 15


def test_a_language_that_is_no_longer_loaded_is_said_in_english(flow: Flow, words: dict[str, Words]) -> None:
    assert renderer(flow, words)(Say((Line("small.area"),), ("xx",))) == "Where?"


def test_a_right_to_left_message_keeps_names_codes_and_numbers_in_order(flow: Flow) -> None:
    texts = {("small.area", "Where?"): "أين؟", ("say.skip", "Skip"): "تخطي"}
    arabic = Catalogs(("ar",), {"ar": texts, "en": {}}).words("ar")
    flow = flow.with_choices("areas", {"jal": "Jalisco"})
    say = Say((Line("small.area"),), ("ar",), question("area", "jal", "skip", first=9))
    assert renderer(flow, {"ar": arabic})(say) == (f"أين؟\n{RLM}٩ {ISOLATE}Jalisco{POP}\n{RLM}١٠ {ISOLATE}تخطي{POP}")


def test_help_lists_every_command_with_its_number_and_what_it_does(
    flow: Flow, commands: Commands, words: dict[str, Words]
) -> None:
    say = Say((Line("small.area"), Line("commands")), ("es", "en"))
    assert renderer(flow, words, commands)(say) == (
        "¿Dónde?\n96 PARAR: terminar aquí\n97 BORRAR: borrarlo todo\n\n"
        "Where?\n96 STOP: end here\n97 ERASE: delete it all"
    )


def test_a_command_without_words_is_listed_by_its_name(flow: Flow, commands: Commands) -> None:
    speechless = Catalogs(("es",), {"es": {("command.stop", "stop, exit"): " , "}, "en": {}}).all_words()
    told = renderer(flow, speechless, commands)(Say((Line("commands"),), ("es",)))
    assert told == "96 STOP: end here\n97 ERASE: delete it all"


def test_what_the_mission_is_called_stands_in_every_text_of_its_language(
    flow: Flow, commands: Commands, words: dict[str, Words]
) -> None:
    standing = {"es": {"mission": "la embajada", "time": "00:00"}, "en": {"mission": "the embassy"}}
    say = Say((Line("small.danger"), Line("say.left", (("time", "08:02"),))), ("es", "en"))
    assert renderer(flow, words, commands, standing)(say) == (
        "¿Debe saber la embajada de un peligro?\nSalió a las 08:02.\n\n"
        "Is the embassy to know of a danger?\nIt left at 08:02."
    )


def test_what_must_be_read_last_stands_after_the_choices(flow: Flow, words: dict[str, Words]) -> None:
    tail = (Line("say.left", (("time", "08:02"),)),)
    say = Say((Line("small.event"),), ("en",), question("event", "raid"), tail=tail)
    assert renderer(flow, words)(say) == "What happened?\n1 A raid\nIt left at 08:02."


@pytest.mark.parametrize(("tag", "digits"), [("en", "1234567890"), ("ar", "١٢٣٤٥٦٧٨٩٠"), ("fa", "۱۲۳۴۵۶۷۸۹۰")])
def test_numbers_are_written_in_the_digits_of_the_script(tag: str, digits: str) -> None:
    assert in_digits(1234567890, LANGUAGES[tag]) == digits


@pytest.mark.parametrize(
    ("say", "finding"),
    [
        (Say((Line("say.lef"),), ("en",)), "flow small: there is no text named say.lef"),
        (Say((), ("en",), question("gone", "yes")), "flow small: there is no step named gone"),
        (Say((), ("en",), question("danger", "maybe")), "step danger: there is no choice named maybe"),
        (Say((), ("en",), shown=(Answer("gone", words="CANARY"),)), "flow small: there is no step named gone"),
    ],
)
def test_what_a_flow_does_not_say_is_a_finding_without_anyones_words(
    say: Say, finding: str, flow: Flow, words: dict[str, Words]
) -> None:
    with pytest.raises(FlowError) as raised:
        renderer(flow, words)(say)
    assert str(raised.value) == finding
