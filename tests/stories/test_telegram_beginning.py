"""What one person meets on Telegram: the safer way first, her language, a quiet menu, buttons that keep their word."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes_smtp import Authority, MailServer
from stories.stage import Inbox
from stories.telegram_town import TelegramStage, question, serial, staged

from bot.handoff.mission import SignalAddress

MENU = ["start", "help", "language", "stop"]
INNOCENT = {"en": ["Begin", "Help", "Language", "End"], "es": ["Empezar", "Ayuda", "Idioma", "Terminar"]}


@pytest.fixture
async def stage(
    tmp_path: Path, server: MailServer, authority: Authority, officer: Inbox
) -> AsyncIterator[TelegramStage]:
    async with staged(tmp_path, server, authority, officer) as stage:
        yield stage


async def test_before_the_first_question_the_safer_way_is_told_with_a_code_that_can_be_copied(
    stage: TelegramStage,
) -> None:
    stage.changes = {"signal": SignalAddress("postigo.42")}
    async with stage.open() as life:
        ana = stage.telegram.person(language_code="en")
        await life.says(ana, "hello")
        safer, first = ana.heard
        assert "postigo.42" in safer.said and "It works once, for 15 minutes" in safer.said
        assert (safer.protected, first.protected) == (False, True)
        assert safer.said.index("I am a program") < safer.said.index("Telegram can read this chat")
        assert first.said == "Which language do you prefer?"
        assert not safer.offered
        assert safer.params["link_preview_options"]


async def test_without_a_signal_of_the_mission_nothing_safer_is_promised(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana = stage.telegram.person(language_code="en")
        await life.says(ana, "hello")
        assert [shown.said.count("send this code there") for shown in ana.heard] == [0]


@pytest.mark.parametrize(("text", "asked"), [("/start es", "¿Qué idioma"), ("/start en", "Which language")])
async def test_a_link_opens_in_its_language_whatever_the_phone_speaks(
    stage: TelegramStage, text: str, asked: str
) -> None:
    async with stage.open() as life:
        ana = stage.telegram.person(language_code="de")
        assert asked in await life.says(ana, text)
        talk = await life.kept(ana)
        assert talk is not None and (talk.language, talk.answers) == (text.split()[1], ())


async def test_the_phones_language_is_a_hint_and_never_the_answer(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana, eva = stage.telegram.person(language_code="es-419"), stage.telegram.person(language_code="fr")
        assert "¿Qué idioma" in await life.says(ana, "buenas")
        told = await life.says(eva, "bonjour")
        assert "¿Qué idioma" in told and "Which language" in told
        assert question(eva).labels == ["1 Español", "2 English", "3 Prefiero otra lengua / I prefer another language"]
        assert "Can someone else see" in await life.presses(ana, "en")


async def test_the_menu_has_four_quiet_words_in_each_language(stage: TelegramStage) -> None:
    async with stage.open() as life:
        await stage.telegram.called("setMyCommands", 3)
        await stage.telegram.called("setMyShortDescription", 3)
        await life.quiet()
        methods = stage.telegram.methods
        for tag in ("en", "es", ""):
            menu = methods.menu(tag)
            assert [row["command"] for row in menu] == MENU
            assert [row["description"] for row in menu] == INNOCENT[tag or "es"]
        shown = str(methods.texts).lower()
        assert not [word for word in ("embassy", "embajada", "mission", "danger", "peligro", "rights") if word in shown]
        assert set(methods.texts["name"].values()) == {life.bot.knowledge.profile.telegram.display_name}


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("/help", "At any time you can write"),
        ("/language", "Which language"),
        ("/privacy", "I keep your answers sealed"),
        ("/verify", "Don't trust this message alone"),
        ("/emergency", "Send the mission an alert"),
        ("/delete", "Our copy is deleted"),
        ("/stop", "I stop here"),
    ],
)
async def test_commands_work_whether_they_are_listed_or_not(stage: TelegramStage, command: str, answer: str) -> None:
    async with stage.open() as life:
        ana = stage.telegram.person(language_code="en")
        await life.says(ana, "hello")
        await life.presses(ana, "en", "no")
        assert answer in await life.says(ana, command)


async def test_a_tap_is_answered_at_once_its_buttons_go_and_what_was_chosen_stays(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana = stage.telegram.person(language_code="en")
        await life.says(ana, "hello")
        asked = question(ana)
        tap = ana.taps("English")
        assert await ana.answered(tap) == {"text": "", "show_alert": False}
        await ana.hears("Can someone else see")
        await ana.sees(lambda _: not asked.buttons)
        assert asked.text == f"{asked.said}\n\n✓ 2 English"
        assert asked.protected


async def test_what_stands_on_buttons_says_nothing_of_the_person(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana = stage.telegram.person(language_code="en")
        await life.says(ana, "hello")
        await life.presses(ana, "en", "no", "no", "tell", "me", "threat,attack")
        rows = [row for shown in ana.heard for row in shown.first["reply_markup"]["inline_keyboard"]]
        told = {button["callback_data"] for row in rows for button in row}
        assert all(data.strip("0123456789") in {":", ":+", ":!"} and len(data) <= 64 for data in told)


async def test_marks_are_shown_and_only_done_answers(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana = stage.telegram.person(language_code="en")
        await life.says(ana, "hello")
        await life.presses(ana, "en", "no", "no", "tell", "me")
        asked = question(ana)
        ana.taps("An attack")
        ana.taps("Surveillance")
        await ana.sees(lambda _: sum(label.startswith("☑") for label in asked.labels) == 2)
        ana.taps("An attack")
        await ana.sees(lambda _: sum(label.startswith("☑") for label in asked.labels) == 1)
        await life.quiet()
        talk = await life.kept(ana)
        assert talk is not None and talk.step == "event"
        ana.taps("Done")
        await ana.hears("In which state or area?")
        await life.quiet()
        talk = await life.kept(ana)
        assert talk is not None and talk.answers[-1].choices == ("surveillance",)
        assert asked.text.endswith("✓ 5 Surveillance") and not asked.buttons


async def test_a_tap_on_an_old_message_changes_nothing_and_brings_the_question_back(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana = stage.telegram.person(language_code="en")
        await life.says(ana, "hello")
        await life.presses(ana, "en", "no", "no", "tell")
        old = next(shown for shown in ana.heard if "danger now?" in shown.said)
        before = await life.kept(ana)
        told = await life.taps(ana, old, "now")
        assert "That button belongs to an earlier question. Nothing has changed." in told
        assert "For whom do you write?" in told and ana.last.buttons
        after = await life.kept(ana)
        assert before is not None and after is not None
        assert (after.step, after.answers, after.urgent) == (before.step, before.answers, False)
        assert "What happened?" in await life.presses(ana, "me")


@pytest.mark.parametrize("second", ["SOS", "7", "help"])
async def test_the_buttons_of_a_consent_hold_though_it_has_been_put_again_meanwhile(
    stage: TelegramStage, second: str
) -> None:
    """On a slow line the newest question is still on its way when somebody taps the one they see."""
    async with stage.open() as life:
        ana = stage.telegram.person(language_code="en")
        ana.writes("SOS")
        ana.writes(second)
        await life.quiet()
        first, copy = [shown for shown in ana.heard if serial(shown)]
        assert serial(first) < serial(copy)
        await life.taps(ana, first, "me")
        kept = await life.kept(ana)
        assert kept is not None
        assert kept.step == "sos_act"
        assert "That button belongs to an earlier question" in await life.taps(ana, copy, "me")


async def test_typed_answers_make_the_buttons_of_the_question_go(stage: TelegramStage) -> None:
    async with stage.open() as life:
        ana = stage.telegram.person(language_code="en")
        await life.says(ana, "hello")
        asked = question(ana)
        await life.says(ana, "English")
        assert not asked.buttons and asked.text == asked.said
        assert serial(question(ana)) > serial(asked)
