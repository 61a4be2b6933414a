"""The tests' Signal server before the package that the bot uses: nothing of either is replaced."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fakes_signal import SignalServer, signal_server
from fakes_signal_clients import WAIT, listener, next_frame
from fakes_signal_faults import (
    BROKEN,
    FAILED,
    RESET_AFTER,
    RESET_BEFORE,
    UNTRUSTED_KEYS,
    Fault,
    bad_frames,
    rate_limited,
)
from fakes_signal_people import KINDS
from fakes_signal_wire import ACCOUNT
from signalbot import (
    LOGGER_NAME,
    Config,
    ConnectionMode,
    CreatePoll,
    DataMessage,
    DataMessageContext,
    DataMessageHandler,
    EditMessage,
    InMemoryConfig,
    Reaction,
    ReceiptType,
    RemoteDelete,
    SendError,
    SendMessage,
    SentMessage,
    SignalBot,
    SQLiteStorage,
    UnknownMessageFormatError,
    UpdateContact,
    parse,
)
from signalbot._client import SignalAPI

PASSING = [  # bad frames that the package's models let through
    *("another account", "a timestamp out of this world", "a negative timestamp"),
    *("no source", "a source that is no uuid", "half a pair"),
]


class Echo(DataMessageHandler):
    """Says everything back, after reading it as a messenger does."""

    async def handle_data_message(self, context: DataMessageContext) -> None:
        await context.bot.receipts.send(context.message, ReceiptType.READ)
        await context.bot.messages.send(SendMessage(text=context.message.text or ""), context.message.source_uuid or "")


@asynccontextmanager
async def plain_bot(server: SignalServer) -> AsyncIterator[SignalBot]:
    """The package as it comes, with nothing of it replaced."""
    config = Config(
        phone_number=ACCOUNT,
        signal_service=server.address,
        storage=InMemoryConfig(),
        download_attachments=False,
        connection_mode=ConnectionMode.HTTP_ONLY,
    )
    bot = SignalBot(config)
    bot.register(Echo())
    bot.start(run_forever=False)
    try:
        async with asyncio.timeout(WAIT):
            await bot.wait_until_ready()
            await server.listening()
        yield bot
    finally:
        await bot._pipeline.stop()
        await bot.close()
        assert isinstance(bot.storage, SQLiteStorage)
        bot.storage._sqlite.close()
        logging.getLogger(LOGGER_NAME).handlers.clear()  # each bot adds one


@asynccontextmanager
async def package(server: SignalServer) -> AsyncIterator[SignalAPI]:
    """The package's client alone, which parses."""
    api = SignalAPI(server.address, ACCOUNT, download_attachments=False, connection_mode=ConnectionMode.HTTP_ONLY)
    try:
        yield api
    finally:
        await api.close()


async def test_a_text_is_received_read_and_answered_by_the_package_as_it_comes() -> None:
    async with signal_server() as server, plain_bot(server):
        person = server.person()
        at = person.writes("¿hola?")
        said = await person.hears("¿hola?")
        assert person.messages == ["¿hola?"]
        assert (said.edits, said.styled, said.expires_in) == (None, False, 0)
        assert [(one.kind, one.of, one.after) for one in person.receipts] == [("read", at, 0)]
        assert (server.frames, server.dropped, server.sends) == (1, 0, 1)


async def test_what_was_said_can_be_edited_and_deleted_by_the_package() -> None:
    async with signal_server() as server, plain_bot(server) as bot:
        person = server.person()
        first = await bot.messages.send(SendMessage(text="one"), person.uuid)
        second = await bot.messages.send(SendMessage(text="two"), person.uuid)
        assert first.timestamp < second.timestamp
        await bot.messages.edit(SendMessage(text="uno"), first)
        assert person.messages == ["uno", "two"]
        await bot.messages.remote_delete(second)
        assert person.messages == ["uno"]
        assert [said.text for said in person.heard] == ["one", "two", "uno"]
        await bot.messages.remote_delete(first)
        assert person.messages == []


async def test_a_timer_is_set_once_it_is_not_zero_and_rules_what_follows() -> None:
    async with signal_server() as server, plain_bot(server) as bot:
        person = server.person()
        await bot.contacts.update(UpdateContact(expiration_in_seconds=0), person.uuid)
        assert person.timers == []
        await bot.messages.send(SendMessage(text="before"), person.uuid)
        await bot.contacts.update(UpdateContact(expiration_in_seconds=86400), person.uuid)
        await bot.messages.send(SendMessage(text="after"), person.uuid)
        assert [(timer.seconds, timer.after) for timer in person.timers] == [(86400, 1)]
        assert [said.expires_in for said in person.heard] == [0, 86400]


async def test_typing_reactions_polls_and_what_the_server_says_of_itself() -> None:
    async with signal_server() as server, plain_bot(server) as bot:
        person = server.person()
        said = await bot.messages.send(SendMessage(text="hi"), person.uuid)
        await bot.messages.start_typing(person.uuid)
        await bot.messages.stop_typing(person.uuid)
        await bot.polls.create(CreatePoll(question="?", answers=["a", "b"]), person.uuid)
        about = await bot.general.about()
        assert (about.mode, about.version) == ("json-rpc", "0.101.0")
        assert person.typing == [True, False]
        assert [poll["question"] for poll in person.polls] == ["?"]
        assert isinstance(said, SentMessage)
        server.about |= {"mode": "normal"}
        assert (await bot.general.about()).mode == "normal"


@pytest.mark.parametrize("fault", [FAILED, UNTRUSTED_KEYS, BROKEN, RESET_BEFORE, RESET_AFTER, rate_limited("token")])
async def test_a_fault_is_an_error_to_the_package_and_is_over_after_once(fault: Fault) -> None:
    async with signal_server() as server, plain_bot(server) as bot:
        person = server.person()
        server.fails(fault)
        with pytest.raises(SendError):
            await bot.messages.send(SendMessage(text="first"), person.uuid)
        assert person.messages == ["first"] * fault.done
        await bot.messages.send(SendMessage(text="second"), person.uuid)
        assert person.messages[-1] == "second"
        assert server.sends == 2


async def test_every_frame_of_a_person_is_what_the_package_takes_it_for() -> None:
    async with signal_server() as server, package(server) as api, listener(server) as socket:
        person = server.person(name="Ñ")

        async def parsed() -> object:
            return await parse(api, json.dumps(await next_frame(socket)))

        at = person.writes("hi", quote={"id": 1, "text": "?"})
        text = await parsed()
        assert isinstance(text, DataMessage)
        assert (text.source_uuid, text.source_number, text.timestamp, text.text) == (person.uuid, None, at, "hi")
        person.edits(at, "ho")
        edit = await parsed()
        assert isinstance(edit, EditMessage)
        assert (edit.target_sent_timestamp, edit.text) == (at, "ho")
        person.deletes(at)
        deletion = await parsed()
        assert isinstance(deletion, RemoteDelete)
        assert deletion.timestamp == at
        person.reacts(at)
        assert isinstance(await parsed(), Reaction)
        person.sends_file("look", voice=True)
        file = await parsed()
        assert isinstance(file, DataMessage)
        assert file.attachments is not None
        assert file.text == "look"
        person.is_written_to_by_staff("by hand")
        staff = await parsed()
        assert isinstance(staff, DataMessage)  # the trap: it seems to come from whom it was sent to
        assert staff.source_uuid == person.uuid


@pytest.mark.parametrize("kind", KINDS)
async def test_no_kind_that_answers_nothing_carries_a_text_in_private(kind: str) -> None:
    async with signal_server() as server, listener(server) as socket:
        at = server.person().sends(kind)
        frame = await next_frame(socket)
        envelope = frame["envelope"]
        assert (frame["account"], envelope["timestamp"], envelope["sourceNumber"]) == (ACCOUNT, at, None)
        body = envelope.get("dataMessage") or {}
        assert body.get("message") is None or "groupInfo" in body


async def test_no_bad_frame_passes_for_a_private_text_of_ours() -> None:
    async with signal_server() as server, package(server) as api, listener(server) as socket:
        person = server.person()
        person.writes("7")
        good = await asyncio.wait_for(socket.recv(decode=False), WAIT)
        passed = []
        for wrong, frame in bad_frames(good).items():
            server.deliver(frame)
            assert await asyncio.wait_for(socket.recv(decode=False), WAIT) == frame
            try:
                taken = await parse(api, frame.decode())
            except (UnknownMessageFormatError, ValueError):
                continue
            assert isinstance(taken, DataMessage), wrong
            passed.append(wrong)
        assert passed == PASSING


async def test_what_the_server_cannot_read_is_told_without_a_body() -> None:
    async with signal_server() as server, listener(server) as socket:
        person = server.person()
        person.fails_to_arrive()
        broken = await next_frame(socket)
        assert broken["exception"]["type"] == "ProtocolInvalidMessageException"
        assert not {"dataMessage", "editMessage"} & set(broken["envelope"])
