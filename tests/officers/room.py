"""What the tests of this room share: two officers on Signal, people with cases, and what is kept of those."""

import re
from collections import Counter
from pathlib import Path

import sqlalchemy as sa
from fakes_smtp import MailServer
from stories.stage import Inbox, Life

from bot.conversation.model import CaseRecord
from bot.handoff.docket import Docket
from bot.storage.tables import minute

FIRST = "0a000000-0000-4000-8000-000000000001"  # accounts on Signal
SECOND = "0a000000-0000-4000-8000-000000000002"
STRANGER = "0a000000-0000-4000-8000-000000000009"
OURS = ("docket", "mark", "draft", "notice")  # the tables of this room

_CODE = re.compile(r"(?:\d{4}[ -]?){4}")


class Pair:
    """The first of the chain, who reads English, and the second, who reads Spanish."""

    def __init__(self, folder: Path) -> None:
        self.first = Inbox(folder, "first", signal=FIRST)
        self.second = Inbox(folder, "second", signal=SECOND, language="es")


async def reports(life: Life, address: str = "ana", *, reply: str = "here") -> str:
    """Let a person tell what happened to them: a case of level 2, which leaves at once. Return its reference."""
    await life.writes(address, "hello")
    await life.picks(address, "en", "no", "no", "tell", "me", "threat", "oax", "quiet", reply, "send", "act")
    return (await case_of(life, address)).reference


async def cries(life: Life, address: str = "ana") -> str:
    """Let a person send an emergency alert: a case of level 1. Return its reference."""
    await life.writes(address, "hello")
    await life.picks(address, "en")
    await life.writes(address, "SOS")
    await life.picks(address, "me", "act")
    return (await case_of(life, address)).reference


async def case_of(life: Life, address: str = "ana") -> CaseRecord:
    talk = await life.talk(address)
    assert talk is not None
    assert talk.case is not None
    return talk.case


async def docket_of(life: Life, reference: str) -> Docket:
    """What is kept of an open case for officers."""
    found = await life.reads(lambda conn: life.bot.desk.officers.dockets.find(conn, reference))
    assert found is not None
    assert found.expires > minute(life.clock.now())
    return found.docket


async def kept(life: Life) -> dict[str, int]:
    """How many rows of ours are stored; tables that are empty are left out."""
    sql = {table: sa.text(f"SELECT COUNT(*) FROM {table}") for table in OURS}  # noqa: S608 - names from above
    counts = await life.reads(lambda conn: {table: conn.execute(one).scalar_one() for table, one in sql.items()})
    return {table: number for table, number in counts.items() if number}


def code_of(life: Life, address: str = "ana") -> str:
    """The return code that a person was given last."""
    codes: list[str] = [
        found for text in life.town.told(address) if "Return code" in text for found in _CODE.findall(text)
    ]
    return codes[-1].strip()


def mails_to(server: MailServer) -> Counter[str]:
    """How many mails a server has accepted for each address."""
    return Counter(recipient for taken in server.accepted for recipient in taken.recipients)


def changed(reference: str) -> str:
    """A reference that differs in its check character."""
    return reference[:-1] + ("0" if reference[-1] != "0" else "1")
