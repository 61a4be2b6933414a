"""What people type, as they type it. The tables are the specification."""

import unicodedata
from collections.abc import Mapping
from functools import cache
from itertools import product

import pytest
from fakes import BOOK, CATALOGS, FLOW, OFFERED
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation import understanding
from bot.conversation.asking import expected, numbered
from bot.conversation.flow import Ask
from bot.conversation.model import Conversation, Sender
from bot.conversation.understanding import (
    Cry,
    Expected,
    Ordered,
    Own,
    Picked,
    Unclear,
    Understood,
    fold,
    topics_found,
    understand,
)


@cache
def waiting(step: str) -> Expected:
    """Return what the step's question takes, its numbers from 1 (a consent's from 7)."""
    return expected(FLOW, Conversation(Sender("terminal", "x"), step=step, offered=numbered(FLOW.steps[step], ())))


def meant(text: str, step: str, language: str = "en") -> Understood:
    return understand(text, waiting(step), language, BOOK.known)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("2", "2"),
        ("２", "2"),
        ("٢", "2"),
        ("۲", "2"),
        ("२", "2"),
        ("②", "2"),
        ("2.", "2"),
        ("2)", "2"),
        ("(2)", "2"),
        ("2️⃣", "2"),
        ("1️⃣2️⃣", "12"),
        ("  2\n", "2"),
        ("\u200f2\u200e", "2"),
        ("\u2068٢\u2069", "2"),
        ("2\u200b", "2"),
        ("\ufeff2", "2"),
        ("10", "10"),
        ("No sé", "no se"),
        ("NO SE\u0301", "no se"),
        ("don't", "dont"),
        ("don’t", "dont"),
        ("STRASSE", "strasse"),
        ("straße", "strasse"),
        ("İ", "i"),
        ("¿Qué?", "que"),
        ("🆘🆘", "🆘 🆘"),
        ("🆘\ufe0f", "🆘"),
        ("s.o.s.", "s o s"),
        ("مرحبًا", "مرحبا"),
        ("?!…", ""),
        ("\u200b", ""),
        ("", ""),
    ],
)
def test_forms_of_one_thing_are_compared_as_one(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_of_all_that_is_ever_written_so_many_characters_are_remembered_and_no_more() -> None:
    everything = "".join(map(chr, range(3 * understanding._REMEMBERED)))
    for start in range(0, len(everything), 4096):
        fold(everything[start : start + 4096])
    assert len(understanding._FOLDED) == understanding._REMEMBERED
    assert fold("２ Não") == "2 nao"


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_a_normal_form_changes_nothing(text: str, form: str) -> None:
    assert fold(unicodedata.normalize(form, text)) == fold(text)  # type: ignore[arg-type]  # one of the four


SOON = ("2", "２", "٢", "۲", "2.", "2)", "2️⃣", "two", "TWO", "\u200f2", "2\u200b", "In the next hours or days")


@pytest.mark.parametrize("text", [*SOON, "in the next", "IN THE NEXT HOURS", "in\u00a0the next", "soon", "Tomorrow!"])
def test_a_choice_is_understood_as_number_word_label_or_its_start(text: str) -> None:
    assert meant(text, "danger") == Picked(("soon",))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("6", Unclear()),  # not offered
        ("0", Unclear()),
        ("22", Unclear()),
        ("2222222222222222222222", Unclear()),
        ("1 2", Unclear()),  # one choice only
        ("in", Unclear()),  # too short for a start
        ("x", Unclear()),
        ("next hours", Unclear()),  # the middle of a label
        ("5", Picked(("skip",))),
        ("skip", Ordered("skip")),
        ("", Unclear()),
        ("?!", Unclear()),
        ("in the next hours or days " * 400, Unclear()),
    ],
)
def test_what_is_not_offered_is_not_understood(text: str, meaning: Understood) -> None:
    assert meant(text, "danger") == meaning


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("1, 3 y 5", ("threat", "held", "surveillance")),
        ("1, 3 and 5", ("threat", "held", "surveillance")),
        ("5 3 1", ("threat", "held", "surveillance")),
        ("1,3,5", ("threat", "held", "surveillance")),
        ("1،3، ٥", ("threat", "held", "surveillance")),
        ("1; 3/5", ("threat", "held", "surveillance")),
        ("1️⃣ 3️⃣", ("threat", "held")),
        ("1\n3", ("threat", "held")),
        ("1 + 3 & 5", ("threat", "held", "surveillance")),
        ("one, three", ("threat", "held")),
        ("1, 1, 1", ("threat",)),
        ("1,", ("threat",)),
        ("1 and", ("threat",)),
        ("threats, torture", ("threat", "torture")),
        ("Threats or intimidation", ("threat",)),
        ("arrested and raided", ("held", "raid")),
        ("An attack, a raid or theft", ("attack", "raid")),
        ("misuse", ("emergency_laws",)),
        ("13", ("smear",)),  # the second page answers too
        ("8", ("more",)),
        ("1 and 8", ("threat", "more")),
    ],
)
def test_several_choices_come_in_one_message(text: str, choices: tuple[str, ...]) -> None:
    if " y " in text and "es" not in OFFERED:
        text = text.replace(" y ", " and ")
    assert meant(text, "event") == Picked(choices)


@pytest.mark.parametrize("text", ["1, 99999", "1, 44", "1 bananas", "1, bananas", "1 2026 5", ",;/", "55 1234 5678"])
def test_a_part_that_is_not_understood_leaves_nothing_chosen(text: str) -> None:
    assert meant(text, "event") == Unclear()


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("7", Picked(("send",))),
        ("٧", Picked(("send",))),
        ("7️⃣", Picked(("send",))),
        ("seven", Picked(("send",))),
        ("Yes, send it", Picked(("send",))),
        ("yes send it!", Picked(("send",))),
        ("YES, SEND IT.", Picked(("send",))),
        ("8", Picked(("no",))),
        ("yes", Unclear()),
        ("Yes, send", Unclear()),
        ("send", Unclear()),
        ("send it", Unclear()),
        ("no", Picked(("no",))),  # what sends nothing is taken as any other choice
        ("No, don't", Picked(("no",))),
        ("1", Unclear()),
        ("7 8", Unclear()),
        ("7 yes", Unclear()),
        ("ok", Unclear()),
        ("👍", Unclear()),
    ],
)
def test_a_consent_takes_its_number_or_its_whole_label_and_nothing_less(text: str, meaning: Understood) -> None:
    assert meant(text, "review") == meaning


CONSENTS = [name for name, step in FLOW.steps.items() if step.consent]


@pytest.mark.parametrize("tag", OFFERED)
@pytest.mark.parametrize("step", CONSENTS)
def test_no_part_of_a_label_is_a_yes_in_any_language(step: str, tag: str) -> None:
    words = CATALOGS.words(tag)
    labels = [words(FLOW.context(FLOW.steps[step], one.name), one.label) for one in FLOW.steps[step].choices]
    parts = {label[:end] for label in labels for end in range(len(label))} | {
        word for one in labels for word in one.split()
    }
    for part in parts - {part for part in parts if fold(part) in map(fold, labels)}:
        meaning = meant(part, step, tag)
        assert not isinstance(meaning, Picked) or set(meaning.choices).isdisjoint(FLOW.steps[step].accepts), part


@pytest.mark.parametrize("step", [name for name, step in FLOW.steps.items() if step.kind is not Ask.WORDS])
def test_each_label_is_understood_at_its_step_in_every_language(step: str) -> None:
    at = FLOW.steps[step]
    for tag, choice in product(OFFERED, at.choices):
        words = CATALOGS.words(tag)
        label = choice.label if at.choices_from else words(FLOW.context(at, choice.name), choice.label)
        for written in (label, label.upper(), f"\u200f{label}.", unicodedata.normalize("NFD", label)):
            assert meant(written, step, tag) == Picked((choice.name,)), (tag, step, choice.name)


@pytest.mark.parametrize("tag", OFFERED)
def test_each_label_is_understood_from_a_person_who_reads_another_language(tag: str) -> None:
    label = CATALOGS.words(tag)("intake.danger.soon", "In the next hours or days")
    assert all(meant(label, "danger", other) == Picked(("soon",)) for other in (*OFFERED, ""))


@pytest.mark.parametrize(
    "text", ["sos", "SOS", "S.O.S.", "s o s", "sos!!!", "🆘", "🆘🆘🆘", "sos sos", "SOS\u200f", "ＳＯＳ"]
)
@pytest.mark.parametrize("step", ["language", "event", "review", "text", ""])
def test_a_cry_for_help_is_heard_at_every_kind_of_question(text: str, step: str) -> None:
    meaning = meant(text, step) if step else understand(text, Expected(""), "", BOOK.known)
    assert meaning == Cry("")


CRIES = {
    "help me": "en",
    "please help, they are shooting": "en",
    "I need help now": "en",
    "i have been kidnapped": "en",
    "I've been kidnapped": "en",
    "They're going to kill me": "en",
    "AYUDA": "es",
    "auxilio": "es",
    "¡Auxilio!": "es",
    "socorro": "es",
    "Ayúdenme": "es",
    "Me van a matar": "es",
    "ESTOY SECUESTRADA": "es",
    "están disparando": "es",
    "ils vont me tuer": "fr",
    "j'ai besoin d’aide": "fr",
    "vão me matar": "pt",
    "يريدون قتلي": "ar",
    "می‌خواهند مرا بکشند": "fa",
    "меня хотят убить": "ru",
    "мене хочуть вбити": "uk",
    "他们要杀我": "zh-Hans",
    "BENİ ÖLDÜRECEKLER": "tr",
    "yo vle touye m": "ht",
    "wanataka kuniua": "sw",
    "911": "",
}


@pytest.mark.parametrize(("text", "language"), CRIES.items())
def test_a_cry_for_help_tells_its_language(text: str, language: str) -> None:
    assert meant(text, "danger") == Cry(language if language in OFFERED else "")


def test_a_cry_within_other_words_is_heard_where_a_choice_was_expected() -> None:
    assert meant("please help me now", "danger") == Cry("en")
    assert meant("they are here 🆘", "event") == Cry("")
    assert meant("sosiego", "danger") == Unclear()


@pytest.mark.parametrize(
    "text", ["they killed my brother", "help", "9, 11", "the shooting was in May", "secuestraron a"]
)
def test_what_is_told_of_others_or_asked_of_the_program_is_no_cry(text: str) -> None:
    assert not isinstance(meant(text, "event"), Cry)


NAMED = {"english": "en", "Español": "es", "inglés": "en", "简体中文": "zh-Hans", "language english": "en"}


@pytest.mark.parametrize(("text", "tag"), NAMED.items())
@pytest.mark.parametrize("step", ["device", "event", "review", "sos", "sos_act"])
def test_the_name_of_a_language_alone_asks_for_it_where_a_choice_is_expected(text: str, tag: str, step: str) -> None:
    meaning = meant(text, step)
    assert isinstance(meaning, Ordered)
    assert (meaning.command, BOOK.known.tongues[meaning.argument]) == ("language", tag)


def test_a_short_mark_of_a_language_is_no_wish_for_it_nor_is_its_name_a_word_for_anything_else() -> None:
    assert all(meant(text, "area") == Unclear() for text in ("uk", "no", "es", "tr"))
    assert meant("english", "text") == Own("english")
    assert meant("english", "language") == Picked(("en",))
    topics = {form for by_topic in BOOK.known.topics.values() for forms in by_topic.values() for form in forms}
    assert topics.isdisjoint(BOOK.known.tongues)


def test_own_words_are_kept_as_written_and_a_cry_among_them_is_a_word() -> None:
    words = " They came. SOS on the wall, 2 men\n"
    assert meant(words, "text") == Own(words)
    assert meant("2", "text") == Own("2")
    assert meant("x" * 6000, "text") == Own("x" * 6000)
    assert meant("!?", "text") == Unclear()


ORDERS: Mapping[str, Ordered] = {
    "STOP": Ordered("stop"),
    "stop.": Ordered("stop"),
    "exit": Ordered("stop"),
    "96": Ordered("stop"),
    "٩٦": Ordered("stop"),
    "９６": Ordered("stop"),
    "9️⃣6️⃣": Ordered("stop"),
    "/stop": Ordered("stop"),
    "/STOP now": Ordered("stop", "now"),
    "/stop@postigo_bot": Ordered("stop", "postigo bot"),
    "Delete everything": Ordered("erase"),
    "97": Ordered("erase"),
    "help": Ordered("help"),
    "go back": Ordered("back"),
    "language": Ordered("language"),
    "language English": Ordered("language", "english"),
    "LANGUAGE en": Ordered("language", "en"),
    "/language en": Ordered("language", "en"),
    "/start": Ordered("start"),
    "/start en": Ordered("start", "en"),
    "/start xyz": Ordered("start", "xyz"),
    "privacy": Ordered("privacy"),
    "verify": Ordered("verify"),
    "emergency": Ordered("emergency"),
    "send now": Ordered("send"),
    "skip": Ordered("skip"),
}


@pytest.mark.parametrize(("text", "order"), ORDERS.items())
@pytest.mark.parametrize("step", ["danger", "event", "review", "text", "area"])
def test_a_command_is_understood_at_every_kind_of_question(text: str, order: Ordered, step: str) -> None:
    assert meant(text, step) == order


@pytest.mark.parametrize("text", ["/nonsense", "/", "language bananas", "stop it now please", "start", "86"])
def test_what_only_resembles_a_command_is_none(text: str) -> None:
    assert meant(text, "danger") == Unclear()


@pytest.mark.parametrize("tag", OFFERED)
def test_every_word_of_every_command_works_in_every_language(tag: str) -> None:
    assert {BOOK.known.commands[word] for word in BOOK.known.commands} == set(BOOK.known.command_numbers.values())
    for word, command in BOOK.known.commands.items():
        for step in ("language", "danger", "event", "review", "text", "guide", "guide_visas"):  # one of each kind
            assert meant(word.upper(), step, tag) == Ordered(command), (word, step)


@given(st.text(max_size=60), st.sampled_from(sorted(FLOW.steps)), st.sampled_from(OFFERED))
def test_whatever_is_typed_means_something_offered_or_nothing(text: str, step: str, tag: str) -> None:
    meaning = meant(text, step, tag)
    if isinstance(meaning, Picked):
        assert meaning.choices
        assert set(meaning.choices) <= {name for _, name in waiting(step).offered}


@pytest.mark.parametrize("text", ["", "?!", "…"])
def test_what_holds_no_word_leads_to_no_topic(text: str) -> None:
    assert topics_found(text, "en", BOOK.known) == ()
