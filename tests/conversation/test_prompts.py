import pytest
from fakes_flow import ENGLISH, Spoken, found

from bot.conversation.prompts import Text, places, text_findings

AT = "flows/small.toml: "
LONG = "a" * 300


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('ask = "What else?"', 'ask = "What else for {minutes}?"', ""),
        ('ask = "What else?"', 'ask = "What else for {person}?"', "step 'text': nothing fills in the place {person}"),
        ('ask = "Send this?"', 'ask = "Send {reference}?"', "step 'review': nothing fills in the place {reference}"),
        (
            'ask = "May they act?"',
            'ask = "May they act for {reference}?"',
            "step 'act': nothing fills in the place {reference}",
        ),
        ('ask = "Send this?"', 'ask = "See {contacts}?"', "step 'review': nothing fills in the place {contacts}"),
        ('title = "Reply"', 'title = "Reply of {mission}"', "step 'reply': nothing fills in the place {mission}"),
        ('choices.here = "Here"', 'choices.here = "Here {time}"', "step 'reply': nothing fills in the place {time}"),
        ('say = "Noted."', 'say = "Noted by {mission}."', ""),
        ('say = "Noted."', 'say = "Noted at {time}."', "step 'act': nothing fills in the place {time}"),
        ('hello = "I am a program."', 'hello = "I am {who}."', "text 'hello': nothing fills in the place {who}"),
        (
            'hello = "I am a program."',
            'hello = "I am { mission }."',
            "text 'hello': a brace stands there that isn't part of a {place}",
        ),
        ('hello = "I am a program."', 'hello = "I am a program!"', "text 'hello': no exclamation marks"),
    ],
)
def test_every_place_is_one_that_is_filled_in_there(old: str, new: str, sentence: str) -> None:
    assert found((old, new)) == ([f"{AT}{sentence}"] if sentence else [])


@pytest.mark.parametrize(
    ("more", "sentences"),
    [
        ('left = "It left at {time}."\n', []),
        ('left = "It left: {code}."\n', ["text 'left': nothing fills in the place {code}"]),
        (
            'late = "See {contacts}"\nlate_bare = "See {contacts}"\n',
            ["text 'late_bare': nothing fills in the place {contacts}"],
        ),
        ('privacy = "See {site}"\n', ["text 'privacy': nothing fills in the place {site}"]),
        ('codes_signal = "{reference} {code} {check}"\n', []),
    ],
)
def test_a_text_has_the_places_that_the_program_fills_in(more: str, sentences: list[str]) -> None:
    assert found(more=more) == [f"{AT}{sentence}" for sentence in sentences]


@pytest.mark.parametrize(
    ("spanish", "sentences"),
    [
        (Spoken(say__left="Salió a las {time}."), []),
        (Spoken(say__left="Salió."), ["text 'left': in es, 'say.left' has other places than the English"]),
        (Spoken(say__hello="¡Hola."), ["text 'hello': in es: no exclamation marks"]),
        (Spoken(say__hello="Hola {."), ["text 'hello': in es: a brace stands there that isn't part of a {place}"]),
    ],
)
def test_a_translation_has_the_same_places(spanish: Spoken, sentences: list[str]) -> None:
    assert found(spoken={"en": ENGLISH, "es": spanish}) == [f"{AT}{sentence}" for sentence in sentences]


def test_texts_of_any_file_are_judged_alike() -> None:
    text = Text("flows/x.toml: text 'a'", "x.a", "For {level}", frozenset({"level"}))
    assert list(text_findings([text], {"es": Spoken(x__a="Para")})) == [
        "flows/x.toml: text 'a': in es, 'x.a' has other places than the English"
    ]


def test_places_are_simple_names_in_braces() -> None:
    assert places("{a} {b_2} {C} {a.b} {} { a }") == {"a", "b_2"}


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        ("Yes. Yes. Why?", ""),
        ("Why? Yes... And so on.", ""),
        ("One. Two. Three. Why?", "step 'text': the question has 3 sentences, more than 2"),
        ("Why? And when?", "step 'text': the question asks 2 things at once"),
    ],
)
def test_a_question_is_short(ask: str, sentence: str) -> None:
    assert found(('ask = "What else?"', f'ask = "{ask}"')) == ([f"{AT}{sentence}"] if sentence else [])


def test_what_is_said_before_a_question_is_short_too_in_each_of_its_forms() -> None:
    assert found(more='hello_signal = "One. Two. Three."\n') == [
        f"{AT}text 'hello_signal' has 3 sentences, more than 2"
    ]


@pytest.mark.parametrize(
    ("old", "ask", "sentence"),
    [
        ('ask = "What else?"', "a" * 280, ""),
        (
            'ask = "What else?"',
            "a" * 281,
            "step 'text': in en, the question with what is said around it has 281 characters, more than 280",
        ),
        ('ask = "Send an alert?"', "a" * 154, ""),
        (
            'ask = "Send an alert?"',
            "a" * 155,
            "step 'sos': in en, the question with what is said around it has 161 characters, more than 160",
        ),
        ('ask = "Which language?"', "a" * 264, ""),
        (
            'ask = "Which language?"',
            "a" * 265,
            "step 'language': in en, the question with what is said around it has 281 characters, more than 280",
        ),
    ],
)
def test_a_question_fits_a_phone_with_what_is_said_around_it(old: str, ask: str, sentence: str) -> None:
    assert found((old, f'ask = "{ask}"')) == ([f"{AT}{sentence}"] if sentence else [])


def test_the_longest_form_of_what_is_said_before_counts() -> None:
    assert found(more=f'hello_telegram = "{LONG}"\n') == [
        f"{AT}step 'language': in en, the question with what is said around it has 316 characters, more than 280"
    ]


def test_a_question_fits_in_every_language_and_with_the_values_of_this_mission() -> None:
    named = ('ask = "What else?"', 'ask = "What else for {mission}?"')
    assert found(named) == []
    assert found(named, standing={"en": {"mission": LONG}}) == [
        f"{AT}step 'text': in en, the question with what is said around it has 315 characters, more than 280"
    ]
    assert found(spoken={"en": ENGLISH, "es": Spoken(small__text=LONG)}) == [
        f"{AT}step 'text': in es, the question with what is said around it has 300 characters, more than 280"
    ]


def test_a_list_of_contacts_counts_for_the_whole_message_alone() -> None:
    more = 'hello = "See:\\n{contacts}"\nhello_bare = "None."\n'
    told = found(('hello = "I am a program."\n', ""), more=more, standing={"en": {"contacts": LONG * 3}})
    assert told == [f"{AT}step 'language': in en, the whole message has 947 characters, more than 700"]


@pytest.mark.parametrize("page", [0, 4])
def test_the_choices_of_the_longest_page_count(page: int) -> None:
    choices = "\n".join(f'choices.c{n} = "{n} {"b" * 90}"' for n in range(8))
    told = found(('choices.here = "Here"', f'page = {page}\nchoices.here = "Here"\n{choices}'))
    assert [sentence.partition(" has ")[0] for sentence in told] == [f"{AT}step 'reply': in en, the whole message"] * (
        not page
    )
