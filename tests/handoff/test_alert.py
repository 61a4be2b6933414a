"""What the officer reads."""

import json
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest
from fakes import (
    ALERT,
    CATALOGS,
    CODE,
    DUTY,
    FLOW,
    MORNING,
    OFFERED,
    ORDINARY,
    TRIAGE,
    Talk,
    begun,
    reader,
    sent,
    sent_in_emergency,
)

from bot.conversation.model import Answer, HandOff, Line
from bot.errors import FlowError
from bot.handoff.alert import NO_WAYS, AlertParts, Ways, compose, compose_test, read_alert, read_duty
from bot.handoff.case import case_of


def read(handed: HandOff, language: str = "en") -> AlertParts:
    return compose(case_of(handed, TRIAGE), reader(language))


def case_json(handed: HandOff, language: str = "en") -> dict[str, Any]:
    return json.loads(read(handed, language).case_json)  # type: ignore[no-any-return]  # JSON


def test_the_wish_for_another_language_is_told_to_the_officer_in_the_officers_own() -> None:
    steps = ("another", "tseltal", "es", *(one for one in ORDINARY))
    handed = Talk().write("hello").picks(*steps).handed[0]
    assert "Interpreter wished for: Tseltal" in read(handed).text
    assert "'tseltal'" in str(case_json(handed)["answers"]["tongue"])
    for tag in OFFERED:
        title = CATALOGS.words(tag)("intake.tongue.title", "Interpreter wished for")
        label = CATALOGS.words(tag)("intake.tongue.tseltal", "Tseltal")
        assert f"{title}: {label}" in read(handed, tag).text.replace("\u2068", "").replace("\u2069", "")


def test_a_language_in_ones_own_words_stands_in_the_alert_as_written() -> None:
    handed = Talk().write("hello").picks("another", "other").write("Chontal").picks("es", *ORDINARY).handed[0]
    assert "Chontal" in read(handed).text


REST = "speak in public, contact family or workplace, call"
YOUNG = "The person at risk is under 18; Children or people in care are at risk too"
FULL = ("no", "soon", "tell", "other", "cannot")


def full() -> Talk:
    """Return a talk that has answered everything there is, in one alert and one addition."""
    talk = begun().picks(*FULL).pick("threat", "held").picks("recent", "MX-OAX").pick("quiet", "observer")
    talk.picks("day", "send", "talk", "yes", "hiding", "hearing", "labour", "state", "yes", "no").pick("lawyer", "un")
    talk.pick("authorities").write("Two men\nin a car").write("@ana on Signal").write("Zapoteco")
    return talk.pick("send")


def test_the_first_screen_tells_level_what_not_to_do_what_is_asked_and_how_to_answer() -> None:
    parts = read(full().handed[0])
    assert parts.subject == "Case CASE14, level 1"
    assert parts.text.splitlines()[:5] == [
        "LEVEL 1, IMMEDIATE DANGER · Someone has been held for less than three days",
        f"DO NOT: act before talking with the writer, contact authorities, {REST}",
        "ASKS FOR: Quiet contact with authorities, Someone at a trial",
        "ANSWER: through this bot only, between 09:00 and 18:00 (Mexico City)",
        "YOU MAY: prepare; act only after talking with the writer",
    ]


def test_the_rest_follows_and_the_last_line_says_that_nothing_is_verified() -> None:
    lines = read(full().handed[0]).text.splitlines()
    assert lines[5:-2] == [
        "",
        "Case: CASE14",
        "Check number (whoever reaches the writer says it first): 0014",
        "Written at: 2026-11-21 08:02 (Mexico City)",
        "The writer writes in: English",
        "Came by: terminal",
        "Desk that may fit: human rights",
        "",
        "AS THE WRITER ANSWERED:",
        "Danger: In the next hours or days",
        "For whom: For another person",
        "The person agrees: The person can't be asked",
        "What happened: Threats or intimidation, Someone held or missing",
        "Held or missing: Held for less than three days",
        "Area: Oaxaca",
        "The person concerned could not be asked.",
        "The writer agreed that this is sent, and what they add later.",
    ]
    assert lines[-2:] == ["", "Self-reported by a user of the bot. Not verified."]


def test_an_addition_names_its_case_and_keeps_what_was_said_before() -> None:
    handed = full().handed[1]
    parts = read(handed)
    assert parts.subject == "Case CASE14, level 1: something was added"
    assert parts.text.splitlines()[:4] == [
        f"LEVEL 1, IMMEDIATE DANGER · SOMETHING WAS ADDED · {YOUNG}",
        f"DO NOT: act before talking with the writer, {REST}",
        "ASKS FOR: as in the mails before about this case",
        "ANSWER: where the writer now asks for it: “@ana on Signal”",
    ]
    assert "The person at risk is under 18." in parts.text.splitlines()
    assert "Desk that may fit: labour" in parts.text.splitlines()
    assert "Who is behind it: Someone of the state" in parts.text.splitlines()


def test_own_words_stand_as_written_with_their_language() -> None:
    lines = read(full().handed[1]).text.splitlines()
    at = lines.index("In their own words – In the writer's own words (English):")
    assert lines[at : at + 3] == [
        "In their own words – In the writer's own words (English):",
        "> Two men",
        "> in a car",
    ]
    assert "Where to answer instead – In the writer's own words (English):" in lines


def test_a_raised_level_is_told_with_the_one_before() -> None:
    talk = sent().picks("yes", "missing").write("send now")
    assert read(talk.handed[-1]).text.startswith(
        "LEVEL 1, IMMEDIATE DANGER (raised from level 2) · SOMETHING WAS ADDED · The person is missing\n"
    )


def test_an_addition_that_raises_nothing_gives_no_reason() -> None:
    talk = sent().picks("yes", "free").write("send now")
    assert read(talk.handed[-1]).text.startswith("LEVEL 2, HIGH · SOMETHING WAS ADDED\nDO NOT: as in the mails before")


ASKED_FIRST = "only when the writer writes again. Do not write or call"


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        ("here", "through this bot only, at any hour"),
        ("day", "through this bot only, between 09:00 and 18:00 (Mexico City)"),
        ("evening", "through this bot only, between 18:00 and 22:00 (Mexico City)"),
        ("code", ASKED_FIRST),
        ("skip", "the writer was not asked how yet. Do not write or call"),
    ],
)
def test_the_officer_learns_how_the_person_may_be_answered(reply: str, line: str) -> None:
    assert f"ANSWER: {line}" in read(sent(reply).handed[0]).text.splitlines()


CLOSED = "ANSWER: the writer has closed the way back, and has not said since how to be answered. Do not write or call"


@pytest.mark.parametrize(
    ("writes", "line"),
    [
        (("SOS", "7"), CLOSED),
        (("hello", "add", "threat", "send now"), CLOSED),
        (("hello", "add", "threat", "skip", "skip", "1", "send now"), "ANSWER: through this bot only, at any hour"),
        (("hello", "add", "threat", "skip", "skip", "code", "send now"), f"ANSWER: {ASKED_FIRST}"),
    ],
)
def test_what_is_added_after_a_stop_says_how_the_writer_can_be_answered_now(writes: tuple[str, ...], line: str) -> None:
    talk = sent().write("stop")
    for words in writes:
        talk.write(words)
    added = talk.handed[-1]
    text = compose(case_of(added, TRIAGE), reader(), Ways("postigo.42")).text
    assert (added.number, added.closed) == (1, line == CLOSED)
    assert line in text.splitlines()
    assert ("and your words: to the writer" in text) is (line != CLOSED)


def test_what_is_added_after_that_again_goes_by_the_mail_before() -> None:
    talk = sent().write("stop").write("hello").write("add").write("threat").write("skip").write("skip").pick("here")
    talk.write("send now").write("SOS").write("7")
    assert [one.closed for one in talk.handed] == [False, False, False]
    assert "ANSWER: as in the mails before about this case" in read(talk.handed[-1]).text.splitlines()


UNSAID = "NOT SAID YET: whether authorities may be contacted"
TOLD_ALL = ("here", "send")  # how to be answered, and that it is sent


@pytest.mark.parametrize(
    ("talk", "unsaid"),
    [
        (sent_in_emergency(), True),
        (sent(), False),  # who asks for quiet contact with them has said so
        (Talk().write("SOS").picks("me", "talk"), False),  # then nothing is done before the writer was asked
        (begun().picks("no", "no", "tell", "me", "threat", "MX-OAX").pick("officer").picks(*TOLD_ALL, "share"), True),
        (begun().picks("no", "no", "tell", "me", "threat", "MX-OAX").pick("skip").picks(*TOLD_ALL, "act"), True),
    ],
)
def test_until_the_writer_was_asked_about_authorities_the_first_screen_says_so(talk: Talk, unsaid: bool) -> None:
    told, *added = (read(one).text.splitlines() for one in talk.handed)
    assert (told[5] == UNSAID, told.count(UNSAID)) == (unsaid, int(unsaid))
    assert added == []


def test_what_was_said_of_authorities_is_told_and_not_that_it_is_open() -> None:
    handed = sent().handed[0]
    for answer in (Answer("donts", ()), Answer("donts", ("authorities",))):
        lines = read(replace(handed, number=1, answers=(answer,))).text.splitlines()
        assert UNSAID not in lines
        assert ("contact authorities" in lines[1]) is (not answer.choices)


def test_an_emergency_alert_says_what_was_not_asked() -> None:
    lines = read(sent_in_emergency().handed[0]).text.splitlines()
    assert lines[0] == "LEVEL 1, IMMEDIATE DANGER · The person sent SOS and says they are in danger"
    assert lines[2] == "ASKS FOR: not asked yet (sent in an emergency)"
    assert "Emergency: Yes, I am in danger" in lines


def test_who_was_asked_and_skipped_is_told_apart() -> None:
    talk = begun().picks("no", "no", "tell", "me", "threat", "MX-OAX", "skip", "here", "send", "act")
    assert "ASKS FOR: the writer did not say" in read(talk.handed[0]).text


def test_where_everything_was_allowed_nothing_is_ruled_out() -> None:
    handed = sent().handed[0]
    everything = Answer("donts", FLOW.steps["donts"].names())
    assert "DO NOT: nothing is ruled out by the writer" in read(replace(handed, answers=(everything,))).text


@pytest.mark.parametrize(
    ("channel", "line"),
    [
        ("terminal", "terminal"),
        ("telegram", "Telegram, NOT end-to-end encrypted"),
        ("signal", "Signal, end-to-end encrypted"),
    ],
)
def test_the_channel_is_told_with_its_risk(channel: str, line: str) -> None:
    handed = replace(sent().handed[0], channel=channel)
    assert f"Came by: {line}" in read(handed).text.splitlines()
    assert case_json(handed)["channel"] == {"name": channel, "end_to_end": channel == "signal"}


@pytest.mark.parametrize("tag", OFFERED)
def test_the_officer_reads_their_own_language_whatever_the_person_used(tag: str) -> None:
    for spoken in OFFERED:
        talk = Talk()
        talk.hint = spoken
        handed = talk.write("SOS").picks("me", "act").handed[0]
        text = read(handed, tag).text
        words = CATALOGS.words(tag)
        assert text.startswith(words("alert.level_1", ALERT.texts["level_1"]))
        assert words("triage.sos_me", "The person sent SOS and says they are in danger") in text
        assert words("intake.sos.me", "Yes, I am in danger") in text
        assert handed.language == spoken


def test_what_a_later_flow_no_longer_knows_stays_a_name() -> None:
    handed = replace(sent().handed[0], answers=(Answer("gone", ("what",)), Answer("area", ("MX-XXX",))), language="xx")
    lines = read(handed).text.splitlines()
    assert {"gone: what", "Area: MX-XXX", "The writer writes in: xx"} <= set(lines)
    unknown = f"The writer writes in: {ALERT.texts['language_unknown']}"
    assert unknown in read(replace(handed, language="")).text.splitlines()


def test_a_case_without_a_time_says_so() -> None:
    handed = replace(sent().handed[0], at=None)
    assert "Written at: ?" in read(handed).text.splitlines()
    assert case_json(handed)["written_at"] is None


# ── case.json ────────────────────────────────────────────────────────────────────────────────────────────


def test_case_json_holds_names_labels_and_times_in_utc() -> None:
    handed = full().handed[0]
    body = case_json(handed)
    assert {name: body[name] for name in ("schema", "reference", "number", "level", "raised_from", "check")} == {
        "schema": 1,
        "reference": "CASE14",
        "number": 0,
        "level": 1,
        "raised_from": None,
        "check": "0014",
    }
    assert body["reasons"] == [{"name": "held_recent", "text": "Someone has been held for less than three days"}]
    assert handed.at is not None
    assert body["written_at"] == handed.at.astimezone(UTC).isoformat(timespec="minutes") == "2026-11-21T14:02+00:00"
    assert (body["may_act"], body["donts"][0], body["desk"]) == ("talk", "act", "human_rights")
    assert (body["could_not_be_asked"], body["minor"], body["verified"]) == (True, False, False)
    assert [one["kind"] for one in body["consents"]] == ["send", "act"]
    assert body["consents"][0]["at"].endswith("+00:00")
    assert body["answers"]["area"] == {"title": "Area", "choices": [{"name": "MX-OAX", "label": "Oaxaca"}]}


def test_case_json_of_an_addition_says_what_is_new_alone() -> None:
    body = case_json(full().handed[1])
    assert body["answers"]["text"] == {"title": "In their own words", "words": "Two men\nin a car", "language": "en"}
    assert body["number"] == 1
    body = case_json(sent().picks("yes", "free").write("send now").handed[-1])
    assert (body["donts"], body["desk"]) == (None, None)
    assert set(body["answers"]) == {"state"}


def test_neither_the_return_code_nor_an_address_is_in_any_alert() -> None:
    for handed in full().handed:
        parts = read(handed)
        for text in (parts.subject, parts.text, parts.case_json, repr(parts), repr(handed)):
            assert CODE not in text.replace(" ", "")
            assert "someone" not in text
    assert "Oaxaca" not in repr(read(full().handed[0]))


def test_a_test_alert_says_inside_that_it_is_one() -> None:
    parts = compose_test(reader())
    assert parts.subject == "Test: no case"
    assert (
        parts.text
        == "This is a test. There is no case and nothing to do. If you can read this, sealed mail reaches you.\n"
    )
    assert json.loads(parts.case_json) == {"schema": 1, "test": True}


def test_every_text_of_the_alert_has_its_context() -> None:
    assert dict(ALERT.messages())["alert.level_1"] == "LEVEL 1, IMMEDIATE DANGER"


def test_a_mistake_in_the_alert_s_texts_is_told_with_its_file() -> None:
    with pytest.raises(FlowError, match=r"alert\.toml: alert level_1"):
        read_alert("[alert]\nlevel_1 = 1\n", "alert.toml")


# ── where ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("area", "country", "line"),
    [
        ("MX-OAX", "Mexico", "Area: Oaxaca, Mexico"),
        ("MX-OAX", "", "Area: Oaxaca"),
        ("abroad", "Mexico", "Area: Abroad"),
        ("gone", "Mexico", "Area: gone"),  # the profile no longer has it
    ],
)
def test_an_area_is_read_with_the_country_that_the_mission_serves(area: str, country: str, line: str) -> None:
    case = case_of(replace(sent().handed[0], answers=(Answer("area", (area,)),)), TRIAGE)
    assert line in compose(case, replace(reader(), country=country)).text.splitlines()


def test_nothing_but_an_area_has_a_country() -> None:
    case = case_of(full().handed[0], TRIAGE)
    with_country = compose(case, replace(reader(), country="Mexico"))
    assert with_country.text.replace("Oaxaca, Mexico", "Oaxaca") == compose(case, reader()).text
    (choice,) = json.loads(with_country.case_json)["answers"]["area"]["choices"]
    assert choice == {"name": "MX-OAX", "label": "Oaxaca, Mexico"}


# ── how to answer ────────────────────────────────────────────────────────────────────────────────────────


TOKEN = "ACK-CASE14-AAAA-BBBB-CCCC"
BY_MAIL = (
    "By mail, to say that you have read it: answer this mail with a signed one that holds this line, alone and "
    f"without a > before it: {TOKEN}"
)


def with_ways(ways: Ways, language: str = "en") -> str:
    return compose(case_of(full().handed[0], TRIAGE), reader(language), ways).text


def test_an_alert_tells_the_exact_words_to_type() -> None:
    lines = with_ways(Ways("postigo.42", TOKEN)).splitlines()
    assert lines[-8:] == [
        "",
        "TO ANSWER THROUGH THE BOT:",
        "On Signal, from your own account, write to postigo.42:",
        "  ack CASE14 : I have read it",
        "  reply CASE14 and your words: to the writer, through the bot",
        BY_MAIL,
        "",
        "Self-reported by a user of the bot. Not verified.",
    ]


@pytest.mark.parametrize("bot", ["", "postigo.42"])
def test_the_line_for_a_signed_mail_says_what_it_does_whether_or_not_there_is_another_way(bot: str) -> None:
    lines = with_ways(Ways(bot, TOKEN)).splitlines()
    assert lines[-3] == BY_MAIL
    assert lines[-5:-3] == ["", "TO ANSWER THROUGH THE BOT:"] or bot


def test_words_that_go_through_the_bot_are_told_apart_from_writing_to_the_writer() -> None:
    lines = compose(case_of(sent_in_emergency().handed[0], TRIAGE), reader(), Ways("postigo.42")).text.splitlines()
    assert "ANSWER: the writer was not asked how yet. Do not write or call" in lines
    (order,) = (line for line in lines if line.startswith("  reply"))
    assert order.endswith("to the writer, through the bot")


@pytest.mark.parametrize(
    ("ways", "told"),
    [
        (NO_WAYS, (False, False, False)),
        (Ways(bot="postigo.42"), (True, True, False)),
        (Ways(token="ACK-X"), (True, False, True)),
    ],
)
def test_only_the_ways_that_an_officer_has_are_told(ways: Ways, told: tuple[bool, bool, bool]) -> None:
    text = with_ways(ways)
    assert ("TO ANSWER" in text, "On Signal, from your own" in text, "signed one" in text) == told


@pytest.mark.parametrize("tag", OFFERED)
def test_the_word_to_type_is_one_in_every_language(tag: str) -> None:
    word = reader(tag).order("ack")
    assert f"{word} CASE14" in with_ways(Ways("postigo.42"), tag).replace("\u2068", "").replace("\u2069", "")
    assert not set(word) & set(" ,،、")


def test_a_moment_is_told_by_the_officer_s_own_clock_and_a_note_by_its_name() -> None:
    assert reader().clock(MORNING.astimezone(UTC)) == "2026-11-21 08:00"
    assert reader().note(Line("duty.week", (("week", "2026-W47"),))) == "Cases of week 2026-W47, by level and language:"


def test_a_mistake_in_what_else_officers_read_is_told_with_its_file() -> None:
    with pytest.raises(FlowError, match=r"duty\.toml: duty ping"):
        read_duty("[duty]\nping = 1\n", "duty.toml")
    assert dict(DUTY.messages())["duty.word_ack"] == "ack, read"
