"""What strangers and their messengers send: updates, frames, answers, posts, and every word that people type.

Nothing here may raise at all, and nothing may say yes to a consent but its number or its whole label.
"""

import json
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

from channels.test_signal_frames import Post
from channels.test_telegram_updates import tap, update, wrote
from fakes import BOOK, CRISES, FLOW, OFFERED, at_step
from fakes_signal_faults import bad_frames
from fakes_signal_people import KINDS, Person
from fakes_signal_wire import ACCOUNT
from fakes_telegram_people import MEDIA
from fuzz.chance import Chance
from fuzz.mutators import NASTY, spoiled, spoiled_json
from fuzz.target import Fuzzed

from bot.channels import signal_texts, telegram_text
from bot.channels.signal import Signal
from bot.channels.signal_failures import Failure, failed
from bot.channels.signal_frames import Heard, Ignored, Trouble, read_frame
from bot.channels.signal_service import Answer
from bot.channels.signal_setup import _about, _words
from bot.channels.telegram_answers import read_answer
from bot.channels.telegram_buttons import with_chosen
from bot.channels.telegram_updates import Ignored as Passed
from bot.channels.telegram_updates import Leave, Tapped, Unreadable, place_of, read
from bot.conversation.asking import expected
from bot.conversation.carrying import CARRY_DIGITS, carry_code
from bot.conversation.model import Conversation, Message, Sender
from bot.conversation.returning import DIGITS, return_code
from bot.conversation.understanding import Picked, fold, topics_found, understand
from bot.errors import DeliveryError
from bot.handoff.orders import LEVELS, Verb, read_order
from bot.mail.quoting import unquoted
from bot.mail.token import TOKEN, read_token
from bot.storage.work import encoded

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
UUID = "0b1d2c3e-4f50-4a61-8b72-9c83ad94be05"


def assert_storable(message: Message) -> None:
    """A message is made of what can be kept, once its text is Unicode, which the desk sees to."""
    assert message.at.tzinfo is not None
    assert message.sender.address and message.id
    encoded(Conversation(message.sender, heard_at=message.at, private=(message.id, message.edits)))
    message.hint.encode()


# ── Telegram ─────────────────────────────────────────────────────────────────────────────────────────────


def updates() -> list[bytes]:
    media = [update(message=wrote(caption="x", **{kind: told})) for kind, told in MEDIA.items()]
    member = {"chat": {"id": -5, "type": "group"}, "new_chat_member": {"status": "member"}}
    real = [
        *(tap(), tap("12:+7"), tap("12:!"), update(message=wrote(text="/start es"))),
        *(update(edited_message=wrote(text="adios", edit_date=1_795_000_060)), update(my_chat_member=member)),
        update(message=wrote(text="hola", entities=[{"type": "bold", "offset": 0, "length": 1}])),
    ]
    answers = [{"ok": True, "result": [tap(), update(message=wrote(text="hola"))]}, {"ok": False, "error_code": 429}]
    return [json.dumps(one).encode() for one in (*real, *real, *media, *answers)]


def telegram() -> Fuzzed:
    return Fuzzed(partial(spoiled_json, seeds=updates()), _telegram)


def _telegram(octets: bytes) -> None:
    told = read_answer(octets)
    result = told.get("result") if isinstance(told, dict) else None
    for one in (told, *(result if isinstance(result, list) else ())):
        _update(one)


def _update(raw: object) -> None:
    place = place_of(raw)
    assert place is None or place >= 0
    for queue in ("telegram 1", ""):
        heard = read(raw, queue=queue, since=NOW)
        if isinstance(heard, Tapped):
            assert telegram_text.units(with_chosen(heard.text, heard.buttons, (7,))) >= 0
            heard = heard.taken((7, 8), old=not heard.press)
        if isinstance(heard, Message):
            assert_storable(heard)
            heard.text.encode()
        else:
            assert isinstance(heard, Leave | Passed | Unreadable)


# ── Signal ───────────────────────────────────────────────────────────────────────────────────────────────


def frames() -> list[bytes]:
    post = Post()
    person = Person(post, UUID, "+5215512345678", "Ana")
    for text in ("hello", "7", "SOS"):
        first = person.writes(text)
    person.edits(first, "8")
    person.deletes(first)
    person.sends_file("look")
    person.writes_in_group("hello")
    person.is_written_to_by_staff("7")
    for kind in KINDS:
        person.sends(kind)
    return [
        *post.frames[:5] * 4,
        *post.frames,
        *(frame for frame in bad_frames(post.frames[0]).values() if is_json(frame)),
    ]


def is_json(frame: bytes) -> bool:
    try:
        json.loads(frame)
    except (ValueError, RecursionError):
        return False
    return True


def signal() -> Fuzzed:
    return Fuzzed(partial(spoiled_json, seeds=frames()), _signal)


def _signal(octets: bytes) -> None:
    for raw in (octets, octets.decode("utf-8", "replace")):
        told = read_frame(raw, ACCOUNT, NOW)
        if isinstance(told, Heard):
            assert told.message.at <= NOW + timedelta(days=1)
            assert told.message.sender == Sender("signal", told.message.sender.address.lower())
            assert_storable(told.message)
            assert told.behind >= timedelta(0)
        else:
            assert isinstance(told, Ignored | Trouble)
        for name in () if isinstance(told, Trouble) else told.files:
            assert "/" not in name and not name.startswith(".")


# ── the answers of Signal's server ───────────────────────────────────────────────────────────────────────

ANSWERS = (
    {"timestamp": "1795000000000"},
    [{"timestamp": "1795000000000", "errors": {"recipients": [{"recipient": UUID, "reason": "NETWORK_FAILURE"}]}}],
    {"error": "Failed to send message due to rate limiting", "challenge_tokens": ["a", ""], "account": ACCOUNT},
    {"error": "Unable to complete request due to untrusted recipient keys"},
    {"versions": ["v1", "v2"], "build": 2, "mode": "json-rpc", "version": "0.93", "capabilities": {"v2/send": ["x"]}},
)


def server() -> Fuzzed:
    seeds = [json.dumps(one).encode() for one in ANSWERS]
    return Fuzzed(
        lambda chance: b"%d " % chance.of((200, 201, 204, 400, 429, 500, 503)) + spoiled_json(chance, seeds), _server
    )


def _server(octets: bytes) -> None:
    status, _, body = octets.partition(b" ")
    answer = Answer(int(status) if status.isdigit() else 200, body)
    assert isinstance(failed(answer), Failure)
    assert "\n" not in _words(answer, ("secret", ""))
    about = answer.told()
    assert all(isinstance(one, str) for one in _about(about if isinstance(about, dict) else {}))
    try:
        sent = now(bot()._say(UUID, "hello")) if _answered(answer) else ""
        assert sent.isascii() and (sent.isdigit() or not sent)
    except DeliveryError as error:
        assert "\n" not in str(error)  # noqa: PT017 - an error is one of the right ends
    now(bot().clear(Sender("signal", UUID), ("1795000000000", "x"))) if answer.good else None


@cache
def bot() -> Signal:
    return Signal("127.0.0.1:9", ACCOUNT, lambda: NOW)


def _answered(answer: Answer) -> bool:
    """Let the server answer so; nothing goes over a wire."""

    async def answers(*_: object) -> Answer:
        return answer

    bot()._service.ask_raw = answers  # type: ignore[method-assign,assignment]  # the wire's end, and no part of what reads
    return True


def now(doing: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever it gives
    """Return what a coroutine gives that waits for nothing."""
    try:
        doing.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits for something")


# ── what people type ─────────────────────────────────────────────────────────────────────────────────────

CONSENTS = sorted(name for name, step in FLOW.steps.items() if step.consent)
ORDERS = {fold(verb): verb for verb in Verb}


@cache
def typed() -> list[bytes]:
    known = BOOK.known
    labels = {label for tag in OFFERED for label in known.labels[tag].values()}
    own = [
        "1234 5678 9012 3456",
        "0123 4567 8901",
        "ACK-7K3QM4-ABCD-EFGH-JK12",
        "ack 7K3QM4",
        "level 7K3QM4 2",
        "1, 3 y 5",
    ]
    quoted = [
        "> ACK-7K3QM4-ABCD-EFGH-JK12",
        "On Sun, 22 Nov 2026, Postigo wrote:\n> x",
        "-----Original Message-----\nx",
    ]
    return [
        one.encode() for one in (*sorted(labels), *sorted(known.commands), *sorted(known.cries), *own * 9, *quoted * 9)
    ]


@cache
def waiting() -> dict[str, Conversation]:
    return {name: at_step(name).talk for name in CONSENTS}


def words() -> Fuzzed:
    waiting()

    def made(chance: Chance) -> bytes:
        text = chance.of(NASTY).encode("utf-8", "surrogatepass") if chance.once_in(50) else chance.of(typed())
        return spoiled(chance, [text, chance.of(typed())], 3)[:8000] if not chance.once_in(30) else text

    return Fuzzed(made, _words_typed)


def _words_typed(octets: bytes) -> None:
    text = octets.decode("utf-8", "surrogatepass" if len(octets) % 2 else "replace") if _decodes(octets) else ""
    folded = fold(text)
    assert fold(folded) == folded
    name = CONSENTS[len(octets) % len(CONSENTS)]
    language = OFFERED[sum(octets[:8]) % len(OFFERED)]
    _never_by_accident(name, text, folded, language)
    assert set(topics_found(text, language, BOOK.known)) <= {
        topic for one in BOOK.known.topics.values() for topic in one
    }
    assert CRISES.heard_in(text) in {True, False}
    _codes(text)
    _read_by_officers(text)
    assert all(telegram_text.units(one) <= telegram_text.MOST for one in telegram_text.parts(text))
    assert all(len(one.encode("utf-8", "replace")) <= signal_texts.MOST for one in signal_texts.parts(text))


def _decodes(octets: bytes) -> bool:
    try:
        octets.decode("utf-8", "surrogatepass" if len(octets) % 2 else "replace")
    except UnicodeDecodeError:
        return False
    return True


def _never_by_accident(name: str, text: str, folded: str, language: str) -> None:
    """Only its number, in digits or as a word, or one of its whole labels is a yes."""
    step, talk = FLOW.steps[name], waiting()[name]
    meant = understand(text, expected(FLOW, talk), language, BOOK.known)
    if isinstance(meant, Picked) and set(meant.choices) & set(step.accepts):
        number = BOOK.known.numbers.get(folded, int(folded) if folded.isascii() and folded.isdigit() else None)
        labels = {BOOK.known.labels[tag][step.spoken, choice] for tag in OFFERED for choice in step.accepts}
        accepted = {offered for offered, choice in talk.offered if choice in step.accepts}
        assert number in accepted or folded in labels


def _codes(text: str) -> None:
    for code, digits in ((carry_code(text), CARRY_DIGITS), (return_code(text), DIGITS)):
        assert not code or (len(code) == digits and code.isascii() and code.isdigit())


def _read_by_officers(text: str) -> None:
    order = read_order(text, ORDERS, lambda name: name == "7K3QM4")
    assert order is None or (order.reference in {"", "7K3QM4"} and order.level in {0, *LEVELS})
    for line in unquoted(text):
        token = read_token(line)
        assert token is None or (TOKEN.fullmatch(token) and read_token(token) == token)
        assert token is None or not line.strip().startswith((">", "|"))
