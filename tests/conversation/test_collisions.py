from dataclasses import replace

import pytest
from fakes import BOOK, CATALOGS, COMMANDS, FLOW, OFFERED
from fakes_flow import ENGLISH, Spoken, changed, flow_of, found

from bot.conversation.asking import Offered, expected, numbered
from bot.conversation.collisions import number_findings
from bot.conversation.flow import Command, Commands, Step
from bot.conversation.model import Conversation, Sender
from bot.conversation.named import NEEDED
from bot.conversation.understanding import Ordered, understand
from bot.language.vocabulary import split_words

AT = "flows/small.toml: step "
OF = "flows/commands.toml: command "


def commands(*more: Command, without: str = "") -> Commands:
    rows = tuple(row for row in COMMANDS.rows if row.name != without)
    return replace(COMMANDS, rows=(*rows, *more))


@pytest.mark.parametrize("tag", OFFERED)
def test_each_command_works_at_every_step_of_the_real_flow(tag: str) -> None:
    words, tried = CATALOGS.words(tag), 0
    for step in FLOW.steps.values():
        talk = Conversation(Sender("terminal", "someone"), step=step.name, offered=numbered(step, ()), language=tag)
        at = expected(FLOW, talk)
        for row in COMMANDS.rows:
            for word in split_words(words(f"command.{row.name}", row.words)):
                assert understand(word, at, tag, BOOK.known) == Ordered(row.name), (step.name, word)
                tried += 1
    assert tried >= len(FLOW.steps) * len(NEEDED)


@pytest.mark.parametrize("name", NEEDED)
def test_each_command_must_be_there(name: str) -> None:
    assert found(commands=commands(without=name)) == [f"{OF}'{name}' is missing"]


def test_without_commands_nothing_else_is_told() -> None:
    assert found(commands=Commands((), {})) == ["flows/commands.toml: there are no commands"]


@pytest.mark.parametrize(
    ("more", "sentences"),
    [
        (Command("dance", 86, "dance", "dance"), ["'dance' is nothing that the program can do"]),
        (Command("stop", 86, "halt", "end"), ["'stop' stands there 2 times"] * 2),
    ],
)
def test_a_command_is_one_that_the_program_knows(more: Command, sentences: list[str]) -> None:
    assert found(commands=commands(more)) == [f"{OF}{sentence}" for sentence in sentences]


@pytest.mark.parametrize(
    ("send", "sentences"),
    [
        (Command("send", 100, "send now", "send"), ["'send' needs a number up to 99 of its own, not 100"]),
        (
            Command("send", 90, "send now", "send"),
            [f"'{name}' needs a number up to 99 of its own, not 90" for name in ("help", "send")],
        ),
        (Command("send", 99, " , ", "send"), ["'send': in en, it has no word"]),
        (
            Command("send", 99, "send now, Stop", "send"),
            ["'send': in en, 'Stop' is a word for the command 'stop'"],
        ),
        (
            Command("send", 99, "send now, help me", "send"),
            ["'send': in en, 'help me' is a cry for help"],
        ),
    ],
)
def test_each_command_has_words_and_a_number_of_its_own(send: Command, sentences: list[str]) -> None:
    assert found(commands=commands(send, without="send")) == [f"{OF}{sentence}" for sentence in sentences]


def test_a_word_of_one_language_is_no_other_command_in_another() -> None:
    assert found(spoken={"en": ENGLISH, "es": Spoken(command__erase="borrar، exit")}) == [
        f"{OF}'erase': in es, 'exit' is a word for the command 'stop'"
    ]


@pytest.mark.parametrize(
    ("change", "spanish", "sentence"),
    [
        (
            ('choices.rest = "Nothing"', 'choices.rest = "Stop"'),
            ENGLISH,
            "'after': in {tag}, the choice 'rest' is called 'Stop', which is a word for the command 'stop'",
        ),
        (
            ("night, late", "night, 🆘"),
            ENGLISH,
            "'reply': in {tag}, the choice 'evening' is called '🆘', which is a cry for help",
        ),
        (
            ('choices.day = "By day"', 'choices.day = "By day"\nwords.day = "Late"'),
            ENGLISH,
            "'reply': in {tag}, the choices 'day' and 'evening' are both called 'late'",
        ),
        (
            ('choices.day = "By day"', 'choices.day = "HERE."'),
            ENGLISH,
            "'reply': in {tag}, the choices 'here' and 'day' are both called 'HERE.'",
        ),
    ],
)
def test_a_choice_is_called_by_no_command_and_like_no_other(
    change: tuple[str, str], spanish: Spoken, sentence: str
) -> None:
    told = found(change, spoken={"en": ENGLISH, "es": spanish})
    assert told == [f"{AT}{sentence.format(tag=tag)}" for tag in ("en", "es")]


def test_a_choice_of_one_language_is_no_command_of_another() -> None:
    assert found(spoken={"en": Spoken(command__help="help, nada"), "es": Spoken(small__after__rest="Nada")}) == [
        f"{AT}'after': in es, the choice 'rest' is called 'Nada', which is a word for the command 'help'"
    ]


def test_skip_is_a_choice_and_a_command_and_means_the_same() -> None:
    assert found(spoken={"en": ENGLISH, "es": Spoken(say__skip="Saltar", command__skip="saltar")}) == []
    assert found(spoken={"en": ENGLISH, "es": Spoken(say__skip="Back")}) == [
        f"{AT}'{step}': in es, the choice 'skip' is called 'Back', which is a word for the command 'back'"
        for step in ("reply", "text")
    ]


def test_the_choice_that_turns_the_page_is_called_like_no_other() -> None:
    paged = ('choices.here = "Here"', 'page = 2\nchoices.here = "More"')
    assert found(paged) == [f"{AT}'reply': in en, the choices 'more' and 'here' are both called 'More'"]


def test_a_yes_in_one_language_is_no_no_in_another() -> None:
    assert found(spoken={"en": ENGLISH, "es": Spoken(small__review__send="No")}) == [
        f"{AT}'review': in es, the choices 'no' and 'send' are both called 'No'"
    ]


def test_a_choice_never_has_the_number_of_a_command() -> None:
    low = commands(Command("send", 4, "send now", "send"), without="send")
    last = {
        "reply": 4,
        "review": 10,
        "act": 10,
        "sos": 10,
        "sos_act": 10,
    }  # one consent after another: 7, 8, then 9, 10
    assert number_findings(flow_of(changed()), low) == [
        f"{AT}'{name}': its numbers go up to {number}, and 4 is a command" for name, number in last.items()
    ]


def test_many_areas_push_a_consent_towards_the_commands() -> None:
    many = flow_of(changed(('choices_from = "languages"', 'choices_from = "areas"')))
    many = many.with_choices("areas", {f"a{n}": f"Area {n}" for n in range(85)})
    assert number_findings(many, COMMANDS) == [
        f"{AT}'{name}': its numbers go up to 87, and 87 is a command" for name in ("review", "act", "sos", "sos_act")
    ]


def always_from_one(step: Step, before: Offered) -> Offered:
    return numbered(replace(step, consent=None), before)


def test_a_consent_never_has_the_numbers_of_the_question_before_it() -> None:
    found = number_findings(flow_of(changed()), COMMANDS, always_from_one)
    assert f"{AT}'review': a consent, but its numbers may be those of 'reply' before it" in found
    assert f"{AT}'act': a consent, but its numbers may be those of 'review' before it" in found
    assert len(found) == len(set(found))
