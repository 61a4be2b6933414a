"""A talk in a terminal: what it shows, when it reads, and how it ends."""

import asyncio
import io
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from fakes_signal_bot import events

from bot.channels.base import Arrived, Outgoing
from bot.channels.terminal import NAME, NOT_TAKEN, Terminal
from bot.conversation.model import Kind, Line, Message, Say, Sender, Spoken

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PERSON = Sender(NAME, "person")
SAY = Say((Line("say.hello"),), ("en",))


class Typed(io.StringIO):
    """Lines that somebody types at a terminal."""

    def isatty(self) -> bool:
        return True


async def at_once() -> None:
    """Nothing is ever about to be said."""


def terminal(source: io.StringIO) -> Terminal:
    return Terminal(lambda: NOW, at_once, hint="es", source=source, target=io.StringIO())


def shown(one: Terminal) -> str:
    target = one._target
    assert isinstance(target, io.StringIO)
    return target.getvalue()


async def heard(one: Terminal) -> list[Message]:
    taken: list[Message] = []

    async def take(messages: Sequence[Message]) -> None:
        taken.extend(messages)

    async with asyncio.timeout(20):
        await one.listen(take)
    return taken


async def test_each_line_of_a_pipe_is_one_message_and_its_end_is_the_end() -> None:
    one = terminal(io.StringIO("hello\r\n\n7\nlast"))
    messages = await heard(one)
    assert [message.text for message in messages] == ["hello", "", "7", "last"]
    assert [message.id for message in messages] == ["0", "1", "2", "3"]
    assert {(message.sender, message.at, message.hint, message.kind) for message in messages} == {
        (PERSON, NOW, "es", Kind.TEXT)
    }
    assert shown(one) == "> hello\r\n> \n> 7\n> last"


async def test_at_a_terminal_there_is_a_prompt_and_no_echo() -> None:
    one = terminal(Typed("hello\n"))
    assert [message.text for message in await heard(one)] == ["hello"]
    assert shown(one) == "> > "


async def test_nothing_at_all_is_an_end_too() -> None:
    assert await heard(terminal(io.StringIO(""))) == []


async def test_a_line_is_read_only_when_everything_was_said() -> None:
    said, asked = asyncio.Event(), asyncio.Event()

    async def settled() -> None:
        asked.set()
        await said.wait()

    one = Terminal(lambda: NOW, settled, source=io.StringIO("hello\n"), target=io.StringIO())
    hearing = asyncio.create_task(heard(one))
    await asked.wait()
    assert not hearing.done()
    assert shown(one) == ""
    said.set()
    assert len(await hearing) == 1


async def test_who_types_does_not_wait_for_a_mail_that_nobody_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channels.terminal.PATIENCE", 0.01)

    async def never() -> None:
        await asyncio.Event().wait()

    one = Terminal(lambda: NOW, never, source=Typed("erase\n"), target=io.StringIO())
    assert [message.text for message in await heard(one)] == ["erase"]


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[2Jcleared", "[2Jcleared"),
        ("over\rwritten\x08\x7f", "overwritten"),
        ("\x9b31mred\x00", "31mred"),
        ("ñ 🏠 \u200f١", "ñ 🏠 \u200f١"),
    ],
)
async def test_control_characters_are_not_shown(text: str, visible: str) -> None:
    one = terminal(io.StringIO(""))
    assert await one.send(Outgoing(PERSON, Spoken(text), SAY)) == Arrived(NOW)
    assert shown(one) == visible + "\n\n"


async def test_what_was_shown_stays() -> None:
    one = terminal(io.StringIO(""))
    await one.clear(PERSON, ("1",))
    assert (one.name, one.redelivers, one.repeats_questions, shown(one)) == ("terminal", False, True, "")


async def test_a_line_that_cannot_be_taken_is_tried_again_and_whoever_waits_hears_of_it_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.channels.terminal.AGAIN", 0.0)
    tried: list[str] = []

    async def take(messages: Sequence[Message]) -> None:
        tried.extend(message.text for message in messages)
        if len(tried) < 4:
            raise OSError

    one = terminal(io.StringIO("hello\n7\n"))
    async with asyncio.timeout(20):
        await one.listen(take)
    assert tried == ["hello", "hello", "hello", "hello", "7"]
    assert shown(one) == f"> hello\n{NOT_TAKEN}> 7\n"
    assert events(caplog) == ["turn_failed"]


async def test_where_nobody_writes_any_more_the_terminal_ends_too() -> None:
    async def take(_: Sequence[Message]) -> None:
        raise RuntimeError("the writer is not running")

    with pytest.raises(RuntimeError, match="not running"):
        await terminal(io.StringIO("hello\n")).listen(take)


class Broken(io.StringIO):
    """A terminal that goes away while it is read."""

    def __next__(self) -> str:  # type: ignore[override]  # text, where the base says bytes
        raise OSError("Input/output error")


async def test_a_terminal_that_goes_away_is_the_end() -> None:
    assert await heard(terminal(Broken())) == []
