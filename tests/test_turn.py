"""The desk: a message becomes a committed turn, once; what a case leaves behind opens nothing."""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes_smtp import Authority, MailServer, mail_server
from stories.stage import ORDINARY, ZONE, Inbox, Life, Stage, posted_to

from bot.conversation.events import Delivered, Relayed, Sealed
from bot.conversation.model import Conversation, HandOff, Message, Queued, Sender
from bot.handoff.mission import Contact
from bot.storage.tables import URGENT, open_engine
from bot.storage.work import Shelf
from bot.turn import TURNS_AT_ONCE


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[MailServer]:
    async with mail_server(Authority(tmp_path).server()) as server:
        yield server


@pytest.fixture
def officer(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path)


@pytest.fixture
def stage(tmp_path: Path, server: MailServer, officer: Inbox) -> Stage:
    return Stage(tmp_path, posted_to(server, Authority(tmp_path)), (officer.contact,))


def unsealed(stage: Stage, officer: Inbox) -> None:
    """Leave the mission without a certificate that may be used, so that cases wait unsealed."""
    contact = officer.contact
    stage.contacts = (Contact(contact.address, contact.openpgp, "0" * 40),)


async def cries(life: Life, address: str = "ana") -> None:
    await life.writes(address, "hello")
    await life.picks(address, "en")
    await life.writes(address, "SOS")
    await life.picks(address, "me", "act")


async def test_a_turn_is_committed_when_it_returns(stage: Stage) -> None:
    async with stage.open() as life:
        await life.town.take("ana", "hello")
        engine = open_engine(f"sqlite:///{stage.database}")
        with engine.connect() as conn:
            talk = Shelf(life.bot.keyring).load(conn, life.bot.desk.shelf.who(Sender("signal", "ana")))
        engine.dispose()
        assert talk is not None
        assert talk.step == "language"


@pytest.mark.parametrize(("redelivers", "turns"), [(True, 1), (False, 2)])
async def test_a_message_that_comes_twice_is_taken_once_where_that_can_happen(
    stage: Stage, redelivers: bool, turns: int
) -> None:
    async with stage.open() as life:
        if not redelivers:
            life.bot.desk.redelivering = frozenset()
        message = Message(Sender("signal", "ana"), "the same", life.clock.now(ZONE), "hello")
        await life.bot.desk.take_turn(message)
        await life.bot.desk.take_turn(message)
        await life.settled()
        assert len(life.town.told("ana")) == turns


async def test_half_a_character_ends_nothing(stage: Stage) -> None:
    async with stage.open() as life:
        await life.writes("ana", "hello")
        assert "I did not understand that" in await life.writes("ana", "\ud83d")


async def test_the_return_code_is_kept_as_a_keyed_hash_alone(stage: Stage, officer: Inbox) -> None:
    unsealed(stage, officer)
    async with stage.open() as life:
        await cries(life)
        life.clock.move(hours=1)
        outbox, now = life.bot.courier.outbox, life.clock.now(ZONE)
        rows = await life.reads(lambda conn: outbox.claimable(conn, now, 10, ()))
        (told,) = (row.effect for row in rows if isinstance(row.effect, HandOff))
        assert told.return_code == ""
        assert await life.reads(lambda conn: conn.execute(sa.text("SELECT COUNT(*) FROM way_back")).scalar_one()) == 1


async def test_each_case_is_counted_once_in_its_week_and_an_addition_is_not(stage: Stage) -> None:
    async with stage.open() as life:
        await cries(life)
        await life.picks("ana", "yes", "raid")
        await life.writes("ana", "send now")
        await cries(life, "eva")
        counted = await life.reads(lambda conn: conn.execute(sa.text("SELECT * FROM counts")).all())
        year, week, _ = life.clock.now(ZONE).isocalendar()
    assert [tuple(row) for row in counted] == [(f"{year}-W{week:02}", 1, "en", 2)]


async def test_what_happens_outside_to_somebody_who_is_gone_changes_nothing(stage: Stage) -> None:
    async with stage.open() as life:
        who = life.bot.desk.shelf.who(Sender("signal", "nobody"))
        await life.reads(lambda conn: life.bot.desk.reported(conn, who, Sender(life.town.name, "ana"), Sealed(0)))
        assert await life.blobs() == []


async def test_words_for_somebody_in_danger_and_a_wish_to_be_forgotten_go_first(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = life.town.refusals["eva"] = [ConnectionError(), ConnectionError()]
        await life.writes("ana", "SOS")
        await life.writes("eva", "erase")
        lanes = await life.reads(lambda conn: conn.execute(sa.text("SELECT lane FROM outbox")).scalars().all())
    assert lanes == [URGENT, URGENT]


# ── many messages at once ────────────────────────────────────────────────────────────────────────────────

POISON = "half a character: \ud83d"  # as an address: no database takes it


def brought(life: Life, *messages: tuple[str, str], start: int = 0, queue: str = "") -> list[Message]:
    """Return messages of (address, text), as a channel brings them; with places in a queue if it has one."""
    now = life.clock.now(ZONE)
    return [
        Message(
            Sender(life.town.name, address),
            f"{queue}{start + at}",
            now,
            text,
            queued=Queued(queue, start + at) if queue else None,
        )
        for at, (address, text) in enumerate(messages)
    ]


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [str(record.msg.shown["event"]) for record in caplog.records if hasattr(record.msg, "shown")]


async def test_a_turn_that_fails_is_set_aside_and_hurts_no_other_of_its_batch(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage.open() as life:
        await life.bot.desk.take_turns(brought(life, ("ana", "hello"), (POISON, "CANARY"), ("eva", "hello")))
        await life.settled()
        assert [len(life.town.told(address)) for address in ("ana", "eva")] == [1, 1]
        assert await kept_talks(life) == 2
        assert "Can someone else see" in await life.picks("eva", "en")
    assert [name for name in logged(caplog) if name == "turn_failed"] == ["turn_failed"]
    assert "CANARY" not in caplog.text
    assert "character:" not in caplog.text


async def kept_talks(life: Life) -> int:
    return int(await life.reads(lambda conn: conn.execute(sa.text("SELECT COUNT(*) FROM talk")).scalar_one()))


async def test_a_poisoned_message_is_not_brought_again_for_ever(stage: Stage) -> None:
    async with stage.open() as life:
        messages = brought(life, (POISON, "hello"), ("ana", "hello"), start=7, queue="telegram 1")
        await life.bot.desk.take_turns(messages)
        assert await life.reads(lambda conn: life.bot.desk.shelf.place(conn, "telegram 1", life.bot.desk.now())) == 9
        await life.bot.desk.take_turns(messages)
        await life.settled()
        assert len(life.town.told("ana")) == 1


async def test_the_messages_of_one_person_are_taken_in_order(stage: Stage) -> None:
    async with stage.open() as life:
        await life.bot.desk.take_turns(brought(life, ("ana", "hello"), ("ana", "English"), ("ana", "no")))
        talk = await life.talk("ana")
        assert talk is not None
        assert (talk.step, talk.language) == ("danger", "en")


@pytest.mark.parametrize("start", [0, 1, 7, 900_000_000])
async def test_what_stands_before_a_place_that_was_taken_changes_nothing(stage: Stage, start: int) -> None:
    async with stage.open() as life:
        messages = brought(
            life, ("ana", "hello"), ("eva", "hello"), ("ana", "English"), start=start, queue="telegram 1"
        )
        await life.bot.desk.take_turns(messages)
        await life.settled()
        before = await life.talk("ana"), await life.talk("eva"), len(life.town.told("ana"))
        for again in (messages, messages[1:], messages[:1], messages[::-1]):
            await life.bot.desk.take_turns(again)
            await life.settled()
            assert (await life.talk("ana"), await life.talk("eva"), len(life.town.told("ana"))) == before
        further = brought(life, ("ana", "no"), start=start + 3, queue="telegram 1")
        await life.bot.desk.take_turns([*messages, *further])
        talk = await life.talk("ana")
        assert talk is not None
        assert talk.step == "danger"


async def test_each_account_has_a_queue_of_its_own(stage: Stage) -> None:
    async with stage.open() as life:
        await life.bot.desk.take_turns(brought(life, ("ana", "hello"), start=100, queue="telegram 1"))
        await life.bot.desk.take_turns(brought(life, ("eva", "hello"), start=5, queue="telegram 2"))
        await life.settled()
        assert (len(life.town.told("ana")), len(life.town.told("eva"))) == (1, 1)


async def test_a_place_is_known_after_a_start_and_forgotten_after_a_day_and_an_hour(stage: Stage) -> None:
    async with stage.open() as life:
        messages = brought(life, ("ana", "stop"), start=100, queue="telegram 1")
        await life.bot.desk.take_turns(messages)
    async with stage.open() as life:
        await life.bot.desk.take_turns(messages)
        await life.settled()
        assert life.town.told("ana") == []
        life.clock.move(hours=26)
        anew = brought(life, ("ana", "hello"), start=3, queue="telegram 1")
        await life.bot.desk.take_turns(anew)
        await life.settled()
        assert len(life.town.told("ana")) == 1


async def test_turns_and_their_place_are_stored_together_or_not_at_all(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage.open() as life:
        desk = life.bot.desk
        messages = brought(life, *((f"person {number}", "hello") for number in range(40)), start=1, queue="telegram 1")
        move, moves = desk.shelf.move, count(1)

        def full(conn: sa.Connection, queue: str, place: int, now: datetime) -> None:
            move(conn, queue, place, now)
            if next(moves) == 2:
                raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(desk.shelf, "move", full)
        with pytest.raises(sqlite3.OperationalError):
            await desk.take_turns(messages)
        assert await kept_talks(life) == TURNS_AT_ONCE
        assert await life.reads(lambda conn: desk.shelf.place(conn, "telegram 1", desk.now())) == 1 + TURNS_AT_ONCE
        await desk.take_turns(messages)
        await life.settled()
        assert await kept_talks(life) == 40
        assert {len(life.town.told(f"person {number}")) for number in range(40)} == {1}


async def test_a_message_that_the_database_refuses_is_the_whole_batch_s_and_nothing_of_it_is_kept(stage: Stage) -> None:
    async with stage.open() as life:
        keep, failing = life.bot.desk.shelf.keep, [True]

        def full(conn: sa.Connection, who: bytes, conversation: Conversation, expires: datetime) -> None:
            keep(conn, who, conversation, expires)
            if failing and conversation.sender.address == "eva":
                failing.pop()
                raise sqlite3.OperationalError("database or disk is full")

        life.bot.desk.shelf.keep = full  # type: ignore[method-assign]
        messages = brought(life, ("ana", "hello"), ("eva", "hello"), start=1, queue="telegram 1")
        with pytest.raises(sqlite3.OperationalError):
            await life.bot.desk.take_turns(messages)
        assert (await kept_talks(life), await life.rows("say")) == (0, 0)
        await life.bot.desk.take_turns(messages)
        await life.settled()
        assert (len(life.town.told("ana")), len(life.town.told("eva"))) == (1, 1)


async def test_no_messages_are_no_turn(stage: Stage) -> None:
    async with stage.open() as life:
        await life.bot.desk.take_turns([])
        await life.settled()
        assert await life.blobs() == []


# ── a wish to be forgotten that comes twice ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("wish", ["ERASE", "97", "/erase", "/erase now", "borrar", "Delete everything."])
async def test_a_wish_to_be_forgotten_that_comes_twice_is_answered_once_and_leaves_nothing_false(
    stage: Stage, wish: str
) -> None:
    async with stage.open() as life:
        await cries(life)
        message = Message(Sender("signal", "ana"), "the same", life.clock.now(ZONE), wish)
        for _ in range(3):
            await life.bot.desk.take_turns([message])
            await life.settled()
        closing = [text for text in life.town.told("ana") if "Our copy is deleted" in text]
        assert len(closing) == 1
        assert "Your alert had not left" in closing[0]
        assert not any("Nothing had been sent" in text for text in life.town.told("ana"))
        who = life.bot.desk.shelf.who(Sender("signal", "ana"))
        marks = await life.reads(lambda conn: conn.execute(sa.text("SELECT hash FROM seen")).scalars().all())
        assert len(marks) == 1
        assert who not in bytes(marks[0])
        assert "Which language" in await life.writes("ana", "hello")


# ── what is cleared in the messenger ─────────────────────────────────────────────────────────────────────


async def says(life: Life, text: str, address: str = "ana") -> None:
    """Let a person write what can be deleted later."""
    await life.town.take(address, text, removable=True)
    await life.settled()


def cleared(life: Life, address: str = "ana") -> list[str]:
    return [one for person, *ids in life.town.cleared if person == address for one in ids]


async def shown(life: Life, address: str = "ana") -> set[str]:
    talk = await life.talk(address)
    assert talk is not None
    return {one for one, _ in talk.traces}


@pytest.mark.parametrize("word", ["erase", "stop"])
async def test_who_ends_a_talk_sees_it_cleared_at_once_and_the_last_words_half_an_hour_later(
    stage: Stage, word: str
) -> None:
    async with stage.open() as life:
        life.town.keeps_ids = True
        await says(life, "hello")
        known = await shown(life)
        assert len(known) == 2  # theirs and ours
        await says(life, word)
        assert known < set(cleared(life))
        assert len(cleared(life)) == 3  # with the last word
        assert await life.rows("wake") == 0
        await life.later(minutes=29)
        assert len(cleared(life)) == 3
        await life.later(minutes=2)
        assert len(cleared(life)) == len(set(cleared(life))) == 4
        assert [await life.rows(kind) for kind in ("clear", "wake", "say")] == [0, 0, 0]


async def test_who_wants_to_hear_no_more_of_a_case_sees_the_talk_cleared_too(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.keeps_ids = True
        await cries(life)
        await says(life, "help")
        known = await shown(life)
        await says(life, "stop")
        talk = await life.talk("ana")
        assert talk is not None
        assert (talk.sender.address, talk.traces) == ("", ())
        assert known < set(cleared(life))
        count_then = len(cleared(life))
        await life.later(minutes=31)
        assert len(cleared(life)) == count_then + 1  # the closing words
        await life.later(hours=25)
        assert len(cleared(life)) == count_then + 1
        assert {person for person, *_ in life.town.cleared} == {"ana"}


async def test_words_that_wait_for_the_chosen_hours_are_not_said_after_stop(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.keeps_ids = True
        await life.writes("ana", "hello")
        await life.picks("ana", *("evening" if choice == "here" else choice for choice in ORDINARY))
        desk, person = life.bot.desk, Sender(life.town.name, "ana")
        await life.later(hours=2)
        told = await life.reads(lambda conn: desk.from_mission(conn, desk.shelf.who(person), Relayed("We are here.")))
        assert told is not None
        assert await life.rows("say") == 1
        known = await shown(life)
        await says(life, "stop")
        assert "I stop here" in life.last("ana")
        assert known <= set(cleared(life))
        await life.later(hours=24)
        assert life.times_told("ana", "We are here.") == 0


async def test_in_a_long_case_what_is_shown_is_cleared_while_the_platform_lets_us(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.keeps_ids = True
        await cries(life)
        known = await shown(life)
        assert known
        await life.later(hours=23)
        assert set(cleared(life)) == known
        assert (await shown(life)).isdisjoint(known)  # what was said since waits for the next time


async def test_a_talk_past_its_time_is_cleared_and_its_timers_go(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.keeps_ids = True
        await says(life, "hello")
        await says(life, "hello", "eva")
        known = await shown(life)
        life.clock.move(minutes=20)
        await says(life, "English", "eva")
        life.clock.move(minutes=11)
        assert (await life.bot.upkeep.round())["expired"] == 1
        await life.later()
        assert set(cleared(life)) == known
        assert (await life.talk("ana"), cleared(life, "eva"), await life.rows("wake")) == (None, [], 1)
        assert len(life.town.told("ana")) == 1  # in silence


async def test_who_comes_back_before_the_rounds_begins_anew_and_what_was_shown_is_cleared(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.keeps_ids = True
        await says(life, "hello")
        await says(life, "English")
        known = await shown(life)
        life.clock.move(minutes=31)
        await says(life, "hello again")
        assert set(cleared(life)) == known
        assert (await shown(life)).isdisjoint(known)
        assert await life.rows("wake") == 1


async def test_where_nothing_can_be_deleted_nothing_is_cleared(stage: Stage) -> None:
    async with stage.open() as life:
        await life.writes("ana", "hello", "erase")
        await life.later(hours=1)
        assert (life.town.cleared, await life.rows("clear")) == ([], 0)


async def test_the_last_words_to_somebody_who_is_gone_leave_only_the_wish_to_clear_them(stage: Stage) -> None:
    async with stage.open() as life:
        desk, person = life.bot.desk, Sender(life.town.name, "ana")
        happened = Delivered(0, life.clock.now(ZONE), ("out1",))
        await life.reads(lambda conn: desk.reported(conn, desk.shelf.who(person), person, happened))
        assert [await life.rows(kind) for kind in ("clear", "wake", "say")] == [1, 0, 0]
        await life.later(minutes=31)
        assert life.town.cleared == [("ana", "out1")]
        await life.reads(lambda conn: desk.reported(conn, desk.shelf.who(person), person, replace(happened, ids=())))
        assert await life.rows("clear") == 0
