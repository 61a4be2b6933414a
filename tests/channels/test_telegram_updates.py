"""What Telegram sends, read: a table of updates and what they are; whatever else comes never raises."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes_telegram_people import MEDIA
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram_buttons import Button, Press
from bot.channels.telegram_updates import Ignored, Leave, Tapped, Unreadable, place_of, read
from bot.conversation.model import Kind, Message, Queued, Sender

Json = dict[str, Any]

DATE = 1_795_000_000
AT = datetime.fromtimestamp(DATE, UTC)
CHAT: Json = {"id": 77, "type": "private", "first_name": "Ana"}
ANA: Json = {"id": 77, "is_bot": False, "first_name": "Ana", "language_code": "es"}
SENDER = Sender("telegram", "77")
GROUP: Json = {"id": -100_55, "type": "supergroup", "title": "Neighbours"}


def wrote(**content: object) -> Json:
    return {"message_id": 5, "from": ANA, "chat": CHAT, "date": DATE, **content}


def update(**what: object) -> Json:
    return {"update_id": 900, **what}


def tap(data: object = "12:7", **more: object) -> Json:
    keyboard = {"inline_keyboard": [[{"text": "7 Send", "callback_data": "12:7"}]]}
    message = {"message_id": 4, "chat": CHAT, "date": DATE, "text": "Shall it be sent?", "reply_markup": keyboard}
    query = {"id": "4711", "from": ANA, "message": message, "chat_instance": "1", "data": data}
    return update(callback_query=query | more)


def message_of(raw: object) -> Message:
    heard = read(raw)
    assert isinstance(heard, Message)
    return heard


# ── texts and what isn't one ────────────────────────────────────────────────────────────────────────────


def test_a_text_is_a_message_with_its_place_in_the_queue() -> None:
    assert read(update(message=wrote(text="hola")), queue="telegram 1") == Message(
        SENDER, "5", AT, "hola", Kind.TEXT, "es", queued=Queued("telegram 1", 900), removable=True
    )


def test_without_a_queue_a_message_is_known_by_its_id() -> None:
    assert message_of(update(message=wrote(text="hola"))).queued is None


def test_a_forwarded_text_is_text() -> None:
    forwarded = wrote(text="hola", forward_origin={"type": "hidden_user", "sender_user_name": "B", "date": DATE})

    assert message_of(update(message=forwarded)).text == "hola"


def test_an_edit_names_the_message_that_it_corrects_and_is_dated_anew() -> None:
    edited = message_of(update(edited_message=wrote(text="adios", edit_date=DATE + 60)))

    assert (edited.id, edited.edits, edited.text) == (f"5/{DATE + 60}", "5", "adios")
    assert edited.at == AT + timedelta(seconds=60)


@pytest.mark.parametrize("content", [{"location": MEDIA["location"]}, {"photo": MEDIA["photo"], "caption": "new"}])
def test_an_edit_of_anything_but_a_text_is_ignored(content: Json) -> None:
    assert read(update(edited_message=wrote(edit_date=DATE, **content))) == Ignored()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({"photo": MEDIA["photo"]}, Kind.PHOTO),
        ({"voice": MEDIA["voice"]}, Kind.VOICE),
        ({"audio": MEDIA["audio"]}, Kind.VOICE),
        ({"video": MEDIA["video"]}, Kind.VIDEO),
        ({"video_note": MEDIA["video_note"]}, Kind.VIDEO),
        ({"animation": MEDIA["animation"], "document": MEDIA["document"]}, Kind.FILE),
        ({"document": MEDIA["document"]}, Kind.FILE),
        ({"sticker": MEDIA["sticker"]}, Kind.STICKER),
        ({"location": MEDIA["location"]}, Kind.LOCATION),
        ({"venue": {"title": "Here"}, "location": MEDIA["location"]}, Kind.LOCATION),
        ({"contact": MEDIA["contact"]}, Kind.CONTACT),
        ({"dice": MEDIA["dice"]}, Kind.OTHER),
        ({"poll": MEDIA["poll"]}, Kind.OTHER),
        ({"hologram": {"of": "tomorrow"}}, Kind.OTHER),
        ({}, Kind.OTHER),
    ],
)
def test_what_is_no_text_is_told_by_its_kind_and_its_caption_is_not_read(content: Json, kind: Kind) -> None:
    message = message_of(update(message=wrote(caption="secret", **content)))

    assert (message.kind, message.text, message.removable) == (kind, "", True)


@pytest.mark.parametrize(
    "content",
    [
        {"pinned_message": {"message_id": 4, "chat": CHAT, "date": DATE}},
        {"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}},
        {"write_access_allowed": {}},
        {"text": "from a bot", "from": ANA | {"is_bot": True}},
    ],
)
def test_what_nobody_wrote_is_ignored(content: Json) -> None:
    assert read(update(message=wrote(**content))) == Ignored()


@pytest.mark.parametrize("what", ["poll", "message_reaction", "channel_post", "something_new", "inline_query"])
def test_an_update_of_a_kind_that_we_did_not_ask_for_is_ignored(what: str) -> None:
    assert read(update(**{what: {"id": 1}})) == Ignored()


@pytest.mark.parametrize(
    ("author", "hint"),
    [
        ({"language_code": "pt-br"}, "pt-br"),
        ({"language_code": "zh-hans"}, "zh-hans"),
        ({"language_code": 7}, ""),
        ({"language_code": "x" * 500}, ""),
        ({"language_code": "es\n"}, ""),
        ({}, ""),
        ("nobody", ""),
        (None, ""),
    ],
)
def test_the_language_is_a_hint_if_it_is_one(author: object, hint: str) -> None:
    assert message_of(update(message=wrote(text="hi") | {"from": author})).hint == hint


def test_half_characters_are_replaced_and_the_rest_of_the_text_stays() -> None:
    assert message_of(update(message=wrote(text="a\ud800ñ"))).text == "a?ñ"


# ── groups ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "what",
    [
        {"message": wrote(text="hi all") | {"chat": GROUP}},
        {"edited_message": wrote(text="hi all", edit_date=DATE) | {"chat": GROUP}},
        {"my_chat_member": {"chat": GROUP, "from": ANA, "date": DATE, "new_chat_member": {"status": "member"}}},
        {"my_chat_member": {"chat": GROUP, "from": ANA, "date": DATE, "new_chat_member": {"status": "administrator"}}},
    ],
)
def test_a_group_is_left(what: Json) -> None:
    assert read(update(**what)) == Leave(-100_55)


@pytest.mark.parametrize(("chat", "status"), [(GROUP, "left"), (GROUP, "kicked"), (CHAT, "kicked"), (CHAT, "member")])
def test_who_is_out_of_a_group_leaves_it_no_more_and_a_block_is_no_message(chat: Json, status: str) -> None:
    change = {"chat": chat, "from": ANA, "date": DATE, "new_chat_member": {"status": status}}

    assert read(update(my_chat_member=change)) == Ignored()


# ── taps ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_tap_says_its_number_and_the_question_it_belongs_to() -> None:
    tapped = read(tap(), queue="telegram 1")

    assert isinstance(tapped, Tapped)
    assert tapped.taken((7,)) == Message(
        SENDER,
        "tap/4711",
        AT + timedelta(seconds=1),
        "7",
        Kind.TAP,
        "es",
        question=12,
        queued=Queued("telegram 1", 900),
    )
    assert (tapped.text, tapped.buttons) == ("Shall it be sent?", (Button("7 Send", Press(12, 7)),))


@pytest.mark.parametrize(
    "data", [None, "", "12", "12:", "twelve:7", "12:7:8", "1234567890123456:1", 12, ["12:7"], "١٢:٧"]
)
def test_a_tap_on_a_button_that_is_not_ours_belongs_to_no_question(data: object) -> None:
    tapped = read(tap(data))

    assert isinstance(tapped, Tapped)
    assert (tapped.taken(()).text, tapped.taken(()).question) == ("", -1)


def test_a_tap_on_a_message_that_telegram_has_forgotten_is_as_old_as_can_be() -> None:
    gone = {"message_id": 4, "chat": CHAT, "date": 0}
    since = AT - timedelta(minutes=1)

    earliest, later = read(tap(message=gone)), read(tap(message=gone), since=since)

    assert isinstance(earliest, Tapped) and isinstance(later, Tapped)
    assert earliest.at < AT - timedelta(days=365)
    assert later.at == since


@pytest.mark.parametrize(("minutes", "at"), [(-5, AT + timedelta(seconds=1)), (5, AT + timedelta(minutes=5))])
def test_a_tap_is_no_older_than_its_button_and_than_the_last_look(minutes: int, at: datetime) -> None:
    tapped = read(tap(), since=AT + timedelta(minutes=minutes))

    assert isinstance(tapped, Tapped)
    assert tapped.at == at


def test_a_tap_without_its_message_is_ignored_and_one_in_a_group_leaves_it() -> None:
    assert read(tap(message=None)) == Ignored()
    assert read(tap(message={"message_id": 4, "chat": GROUP, "date": DATE})) == Leave(-100_55)


# ── what isn't as it should be ──────────────────────────────────────────────────────────────────────────


ODD: list[object] = [
    None,
    7,
    "message",
    [],
    {},
    {"message": wrote(text="hi")},
    {"update_id": True, "message": wrote(text="hi")},
    {"update_id": "900", "message": wrote(text="hi")},
    {"update_id": 2**70, "message": wrote(text="hi")},
    {"update_id": -1, "message": wrote(text="hi")},
    update(message=None),
    update(message=wrote(text="hi") | {"chat": 77}),
    update(message=wrote(text="hi") | {"chat": CHAT | {"id": "77"}}),
    update(message=wrote(text="hi") | {"chat": CHAT | {"id": 2**64}}),
    update(message=wrote(text="hi") | {"message_id": None}),
    update(message=wrote(text="hi") | {"date": 10**18}),
    update(message=wrote(text="hi") | {"date": -5}),
    update(message=wrote(text="hi") | {"date": 1.5}),
    update(edited_message=wrote(text="hi")),
    tap(id=4711),
    tap(message={"message_id": 4, "chat": None}),
    update(my_chat_member={"chat": GROUP}),
]


@pytest.mark.parametrize("raw", ODD)
def test_what_is_not_as_telegrams_updates_are_is_set_aside(raw: object) -> None:
    assert read(raw) == Unreadable()


def test_an_update_has_a_place_even_where_the_rest_can_not_be_read() -> None:
    assert place_of(update(message=None)) == 900
    without: list[object] = [None, [], {}, {"update_id": "1"}, {"update_id": 2**63}]
    assert [place_of(raw) for raw in without] == [None] * 5


odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=True)
    | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def broken(draw: st.DrawFn) -> object:
    """A good update in which something somewhere is replaced, or missing."""
    good = draw(st.sampled_from([update(message=wrote(text="hi", photo=MEDIA["photo"])), tap(), tap("12:+7")]))
    other = draw(st.sampled_from(["edited_message", "my_chat_member", "none"]))
    good = {**good, other: wrote(text="x", edit_date=DATE)}
    return _broken(draw, good)


def _broken(draw: st.DrawFn, value: object) -> object:
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 9)) == 0:
        return draw(odd)
    if isinstance(value, list):
        return [_broken(draw, each) for each in value]
    key = draw(st.sampled_from(sorted(value)))
    if draw(st.booleans()):
        return {name: each for name, each in value.items() if name != key}
    return {**value, key: _broken(draw, value[key])}


@given(odd | broken())
def test_no_update_raises_and_whatever_is_read_can_be_stored(raw: object) -> None:
    heard = read(raw, queue="telegram 1")

    assert isinstance(heard, Message | Tapped | Leave | Ignored | Unreadable)
    message = heard.taken((1,)) if isinstance(heard, Tapped) else heard
    if isinstance(message, Message):
        assert message.at.tzinfo is not None
        assert message.text.encode() is not None and len(message.hint) < 40
        assert message.queued is not None and message.queued.place < 2**63


def test_half_a_character_in_the_name_of_a_tap_keeps_no_turn_from_being_stored() -> None:
    tapped = read(tap(id="\ud800"))

    assert isinstance(tapped, Tapped) and tapped.taken((7,)).id.encode()
