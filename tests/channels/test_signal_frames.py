import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import signalbot
from fakes_signal_faults import bad_frames
from fakes_signal_people import KINDS, Person
from fakes_signal_wire import ACCOUNT, data, encoded
from hypothesis import given
from hypothesis import strategies as st
from often import tried
from pydantic import ValidationError
from signalbot._client import SignalAPI

from bot.channels.signal_frames import ABSURD, BAD, Heard, Ignored, Trouble, moment, read_frame
from bot.conversation.model import Kind, Message, Sender

NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
AT = int(NOW.timestamp() * 1000)
UUID = "0b1d2c3e-4f50-4a61-8b72-9c83ad94be05"
SENDER = Sender("signal", UUID)


class Post:
    """Keeps what a person sends."""

    account = ACCOUNT

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.files: list[str] = []
        self._at = AT - 1000

    def stamp(self) -> int:
        self._at += 1
        return self._at

    def deliver(self, frame: bytes) -> None:
        self.frames.append(frame)

    def keep(self, name: str, content: bytes) -> None:
        self.files.append(name)


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def person(post: Post) -> Person:
    return Person(post, UUID, "+5215512345678", "Ana")


def read(frame: bytes | str) -> Heard | Ignored | Trouble:
    return read_frame(frame, ACCOUNT, NOW)


def heard(frame: bytes | str) -> Message:
    told = read(frame)
    assert isinstance(told, Heard)
    return told.message


def envelope(body: dict[str, Any], **more: object) -> bytes:
    times = {"timestamp": AT, "serverReceivedTimestamp": AT + 1, "serverDeliveredTimestamp": AT + 2}
    return encoded({"envelope": {"sourceUuid": UUID, **times, **body, **more}, "account": ACCOUNT})


def test_a_text_is_a_message_known_by_its_time_from_somebody_known_by_their_account(person: Person, post: Post) -> None:
    at = person.writes("hello")
    assert heard(post.frames[0]) == Message(SENDER, str(at), moment(at), "hello")


def test_nobody_is_known_by_number_or_name(person: Person, post: Post) -> None:
    person.writes("hello")
    told = repr(heard(post.frames[0]).sender.address)
    assert "5512345678" not in told and "Ana" not in told


def test_capital_letters_in_an_account_change_nothing() -> None:
    assert heard(envelope(data(AT, "hi"), sourceUuid=UUID.upper())).sender == SENDER


def test_an_edit_names_the_message_it_changes_and_has_an_id_of_its_own(person: Person, post: Post) -> None:
    first = person.writes("7")
    at = person.edits(first, "8")
    assert heard(post.frames[1]) == Message(SENDER, str(at), moment(at), "8", edits=str(first))


def test_a_deletion_names_the_message_it_deletes(person: Person, post: Post) -> None:
    first = person.writes("7")
    at = person.deletes(first)
    assert heard(post.frames[1]) == Message(SENDER, str(at), moment(at), "", Kind.DELETED, edits=str(first))


def test_what_staff_types_on_a_linked_phone_never_comes_from_the_person(person: Person, post: Post) -> None:
    person.is_written_to_by_staff("7")
    assert read(post.frames[0]) == Ignored()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "sticker"])
def test_what_answers_no_question_is_passed_over(kind: str, person: Person, post: Post) -> None:
    person.sends(kind)
    assert read(post.frames[0]) == Ignored()


def test_a_text_beside_a_timer_is_a_text_and_tells_the_timer(person: Person, post: Post) -> None:
    person.set_timer(3600)
    person.writes("hello")
    told = read(post.frames[0])
    assert isinstance(told, Heard) and (told.message.text, told.vanishes) == ("hello", 3600)


@pytest.mark.parametrize(
    ("sort", "kind"),
    [
        ("image/jpeg", Kind.PHOTO),
        ("audio/aac", Kind.VOICE),
        ("video/mp4", Kind.VIDEO),
        ("application/pdf", Kind.FILE),
        (None, Kind.FILE),
        (7, Kind.FILE),
    ],
)
def test_a_file_makes_the_message_one_of_its_kind_and_the_text_beside_it_is_not_read(sort: object, kind: Kind) -> None:
    told = read(envelope(data(AT, "look", attachments=[{"contentType": sort, "id": "a-b_c.jpg"}])))
    assert isinstance(told, Heard)
    assert (told.message.kind, told.message.text, told.files) == (kind, "", ("a-b_c.jpg",))


def test_the_rest_of_a_long_text_is_no_file_that_is_refused() -> None:
    rest = {"contentType": "text/x-signal-plain", "id": "rest"}
    told = read(envelope(data(AT, "a long text", attachments=[rest])))
    assert isinstance(told, Heard)
    assert (told.message.kind, told.message.text, told.files) == (Kind.TEXT, "a long text", ("rest",))


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"sticker": {"packId": "aa", "stickerId": 7}}, Kind.STICKER),
        ({"contacts": [{"name": {"display": "Ana"}}]}, Kind.CONTACT),
        ({"viewOnce": True}, Kind.OTHER),
    ],
)
def test_what_is_no_text_is_told_by_its_kind(more: dict[str, object], kind: Kind) -> None:
    body = data(AT, None)
    body["dataMessage"] = {**body["dataMessage"], **more}  # type: ignore[dict-item]
    assert heard(envelope(body)).kind is kind


def test_every_file_that_came_along_is_named_once_wherever_it_hides() -> None:
    preview = {"url": "https://x", "image": {"contentType": "image/png", "id": "preview"}}
    quote = {"id": 5, "attachments": [{"contentType": "image/png", "thumbnail": {"contentType": "a/b", "id": "thumb"}}]}
    contact = {"avatar": {"attachment": {"contentType": "image/png", "id": "avatar"}}}
    told = read(envelope(data(AT, "hi", previews=[preview, preview], quote=quote, contacts=[contact])))
    assert isinstance(told, Heard) and set(told.files) == {"preview", "thumb", "avatar"}


def test_files_of_what_is_passed_over_are_named_too(person: Person) -> None:
    photo = [{"contentType": "image/jpeg", "id": "of-a-group"}]
    assert read(envelope(data(AT, None, attachments=photo, groupInfo={"groupId": "x"}))) == Ignored(("of-a-group",))


@pytest.mark.parametrize("name", ["../secret", "a/b", "", ".", "..", "a b", "x" * 201])
def test_a_name_that_could_be_a_path_is_no_file(name: str) -> None:
    told = read(envelope(data(AT, None, attachments=[{"contentType": "image/jpeg", "id": name}])))
    assert isinstance(told, Heard) and told.files == ()


@pytest.mark.parametrize(
    ("sent", "server", "at"),
    [
        (AT, AT + 400, AT),
        (AT, AT - 400, AT - 400),  # a phone whose clock is ahead
        (AT - 3_600_000, AT, AT - 3_600_000),  # written without a network
        (5, AT, AT),  # a phone that believes in 1970
        (AT - int(ABSURD.total_seconds()) * 1000 - 1, AT, AT),
        (10**13, AT, AT),
        (AT, 10**13, AT),  # a server from the future
        (AT + 10**9, 10**13, AT),
        (AT + 5, None, AT),
    ],
)
def test_a_message_is_dated_by_the_phone_but_never_later_than_signal_had_it(
    sent: int, server: int | None, at: int
) -> None:
    assert heard(envelope(data(sent, "hi"), serverReceivedTimestamp=server)).at == moment(at)


def test_how_far_a_phone_is_behind_is_told() -> None:
    told = read(envelope(data(AT - 90_000, "hi"), serverReceivedTimestamp=AT))
    assert isinstance(told, Heard) and told.behind == timedelta(seconds=90)


@pytest.mark.parametrize(
    ("kind", "trouble"),
    [
        ("UntrustedIdentityException", Trouble.KEY_CHANGED),
        ("ProtocolInvalidMessageException", Trouble.UNREADABLE),
        ("", Trouble.UNREADABLE),
    ],
)
def test_what_nobody_could_decrypt_is_a_trouble_without_the_person(
    kind: str, trouble: Trouble, person: Person, post: Post
) -> None:
    person.fails_to_arrive(kind)
    assert read(post.frames[0]) is trouble


GOOD = Person(Post(), UUID, "+5215512345678").frame(AT, data(AT, "7"))
TAKEN = {  # what can be read all the same: a person's words are worth it
    "no account": AT,
    "no timestamp": AT,
    "no server's timestamps": AT,
    "no timestamp within": AT,
    "a timestamp of text": AT,
    "a timestamp out of this world": AT + 1,
    "a negative timestamp": AT + 1,
    "half a pair": AT,
}


@pytest.mark.parametrize("what", bad_frames(GOOD))
def test_a_bad_frame_is_taken_where_it_tells_who_when_and_what_or_else_passed_over(what: str) -> None:
    told = read(bad_frames(GOOD)[what])
    if what in TAKEN:
        assert isinstance(told, Heard) and (told.message.sender, told.message.id) == (SENDER, str(TAKEN[what]))
    else:
        assert isinstance(told, Ignored)


@pytest.mark.parametrize("what", ["not JSON", "an error", "no envelope", "a deep nest", "no source", "empty"])
def test_what_tells_nothing_is_counted_as_bad(what: str) -> None:
    assert read(bad_frames(GOOD)[what]) == BAD


def test_a_message_to_another_number_is_not_ours() -> None:
    assert read(bad_frames(GOOD)["another account"]) == Ignored()


def test_a_huge_text_is_read() -> None:
    assert len(heard(envelope(data(AT, "7" * 5_000_000))).text) == 5_000_000


SIMPLE = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(SIMPLE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))
FIELDS = st.sampled_from(
    [
        *("timestamp", "message", "expiresInSeconds", "isExpirationUpdate", "attachments", "groupInfo", "reaction"),
        *("remoteDelete", "contacts", "sticker", "viewOnce", "quote", "previews", "contentType", "id"),
    ]
)
ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "sourceUuid": st.just(UUID) | ANYTHING,
        "sourceNumber": st.just(ACCOUNT) | ANYTHING,
        "timestamp": st.just(AT) | ANYTHING,
        "serverReceivedTimestamp": st.just(AT) | ANYTHING,
        "dataMessage": st.dictionaries(FIELDS, ANYTHING) | ANYTHING,
        "editMessage": st.fixed_dictionaries(
            {}, optional={"targetSentTimestamp": ANYTHING, "dataMessage": st.dictionaries(FIELDS, ANYTHING) | ANYTHING}
        )
        | ANYTHING,
        "syncMessage": ANYTHING,
    },
)
FRAMES = st.fixed_dictionaries(
    {"envelope": ENVELOPES | ANYTHING}, optional={"account": ANYTHING, "exception": ANYTHING}
)


@tried(0.3)
@given(FRAMES)
def test_no_frame_raises_and_what_is_heard_is_sound(frame: dict[str, object]) -> None:
    told = read(json.dumps(frame))
    if isinstance(told, Heard):
        assert told.message.sender == SENDER
        assert told.message.id.isdigit() and told.message.at <= NOW + timedelta(days=1)
        assert told.message.text or told.message.kind is not Kind.TEXT
        inside = frame["envelope"]
        assert isinstance(inside, dict) and inside.get("syncMessage") is None and not frame.get("exception")


@given(st.binary() | st.text())
def test_no_bytes_raise(raw: bytes | str) -> None:
    assert isinstance(read(raw), Ignored)


# ── a second opinion: signalbot's own parser over the same frames ───────────────────────────────────────────


async def parsed(frame: bytes) -> object:
    api = SignalAPI("127.0.0.1:1", ACCOUNT, download_attachments=False)
    try:
        return await signalbot.parse(api, frame.decode())
    except (signalbot.UnknownMessageFormatError, ValidationError):
        return None


@pytest.mark.parametrize("text", ["7", "hello\nworld", "السلام", "𝟟", "\u200f7"])
async def test_both_read_the_same_text(text: str, person: Person, post: Post) -> None:
    person.writes(text)
    theirs, ours = await parsed(post.frames[0]), heard(post.frames[0])
    assert isinstance(theirs, signalbot.DataMessage)
    assert (theirs.source_uuid, theirs.text, str(theirs.timestamp)) == (ours.sender.address, ours.text, ours.id)


async def test_both_read_the_same_edit_and_deletion(person: Person, post: Post) -> None:
    person.edits(AT - 9, "8")
    person.deletes(AT - 9)
    edit, deletion = [await parsed(frame) for frame in post.frames]
    ours = [heard(frame) for frame in post.frames]
    assert isinstance(edit, signalbot.EditMessage) and isinstance(deletion, signalbot.RemoteDelete)
    assert (str(edit.target_sent_timestamp), edit.text, str(edit.timestamp)) == (ours[0].edits, "8", ours[0].id)
    assert (str(deletion.timestamp), ours[1].kind) == (ours[1].edits, Kind.DELETED)


async def test_the_two_differ_where_signalbot_would_take_staff_for_the_person(person: Person, post: Post) -> None:
    person.is_written_to_by_staff("7")
    theirs = await parsed(post.frames[0])
    assert isinstance(theirs, signalbot.DataMessage) and theirs.source_uuid == UUID
    assert read(post.frames[0]) == Ignored()


async def test_a_photo_that_signalbot_stumbles_over_is_read(person: Person, post: Post) -> None:
    person.sends_file("look", voice=None)
    assert await parsed(post.frames[0]) is None
    assert heard(post.frames[0]).kind is Kind.PHOTO


SENT: dict[str, Callable[[Person], object]] = {
    "receipt": lambda person: person.confirms(AT),
    "typing": lambda person: person.types(),
    "reaction": lambda person: person.reacts(AT),
    "vote": lambda person: person.votes(AT, 1),
    "timer": lambda person: person.changes_timer(60),
    "broken": lambda person: person.fails_to_arrive("UntrustedIdentityException"),
}


@pytest.mark.parametrize("what", SENT)
async def test_what_signalbot_reads_without_words_is_no_message_of_ours(what: str, person: Person, post: Post) -> None:
    SENT[what](person)
    assert not getattr(await parsed(post.frames[0]), "text", None)
    assert not isinstance(read(post.frames[0]), Heard)
