"""The desk: a message becomes a committed turn, once; what a case leaves behind opens nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes_smtp import Authority, MailServer, mail_server
from stories.stage import ZONE, Inbox, Life, Stage, posted_to

from bot.conversation.events import Sealed
from bot.conversation.model import HandOff, Message, Sender
from bot.errors import SealingError
from bot.handoff.mission import Contact
from bot.storage.tables import URGENT, open_engine
from bot.storage.work import Shelf


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
        await life.reads(lambda conn: life.bot.desk.reported(conn, who, Sealed(0)))
        assert await life.blobs() == []


async def test_words_for_somebody_in_danger_and_a_wish_to_be_forgotten_go_first(stage: Stage) -> None:
    async with stage.open() as life:
        life.town.refusals["ana"] = life.town.refusals["eva"] = [ConnectionError(), ConnectionError()]
        await life.writes("ana", "SOS")
        await life.writes("eva", "erase")
        lanes = await life.reads(lambda conn: conn.execute(sa.text("SELECT lane FROM outbox")).scalars().all())
    assert lanes == [URGENT, URGENT]


async def test_a_turn_that_fails_is_told_to_the_channel_and_hurts_no_other(stage: Stage) -> None:
    async with stage.open() as life:
        with pytest.raises(SealingError):
            await life.town.take("half a character: \ud83d", "hello")
        assert "Which language do you prefer?" in await life.writes("eva", "hello")
