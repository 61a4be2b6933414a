"""What is left in the files of a case that is over: nothing of the person or the officers, not even sealed."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fakes_dovecot import Dovecot, dovecot
from fakes_gpg import Gpg
from fakes_replies import mail, part, signed
from fakes_signal_people import Person
from fakes_smtp import Authority, MailServer
from storage.canaries import files_under, hits
from stories.officers_town import (
    OfficersTown,
    blobs,
    counted,
    found_in,
    keyless,
    officers_town,
    on_duty,
    pieces_in,
    real_time,
    reference_in,
    roster,
    uncovered,
    words,
)
from stories.signal_town import BEGUN, ORDINARY, SOS, Talks


@pytest.fixture
async def town(tmp_path: Path, gpg: Gpg, server: MailServer, authority: Authority) -> AsyncIterator[OfficersTown]:
    async with officers_town(tmp_path, gpg, server, authority, real_time()) as made:
        yield made


@pytest.fixture
def box(authority: Authority) -> Iterator[Dovecot]:
    with dovecot(authority._ca) as running:
        yield running


@dataclass
class Case:
    """Ana's alert, with everything in it that may stand nowhere."""

    town: OfficersTown
    bot: Talks
    ana: Person
    reference: str = ""
    written: list[str] = field(default_factory=list)
    sealed: set[bytes] = field(default_factory=set)  # whatever was stored at some moment

    @property
    def secrets(self) -> list[str]:
        """Words of both sides, who they are, and what leads to the case."""
        spoken = next(uncovered(said.text) for said in self.ana.heard if "Return code " in said.text)
        code = spoken.partition("Return code ")[2].partition(".")[0]
        who = [
            self.ana.uuid,
            *(one.address for one in self.town.officers),
            *(one.phone.uuid for one in self.town.officers),
        ]
        return [*self.written, *who, self.reference, code, code.replace(" ", "")]

    def found(self) -> list[str]:
        return found_in(self.town.stage, self.secrets)

    async def looked(self) -> None:
        """Nothing lies there in clear; what is sealed now must be gone later."""
        self.sealed |= {*await blobs(self.bot)}
        assert self.found() == []

    async def officer(self, *texts: str) -> str:
        told = ""
        for text in texts:
            told = await self.town.orders(self.bot, self.town.first, text)
            await self.looked()
        return told

    async def says(self, *texts: str) -> str:
        told = ""
        for text in texts:
            told = await self.bot.says(self.ana, text)
            self.sealed |= {*await blobs(self.bot)}
        return told


async def worked(town: OfficersTown, bot: Talks) -> Case:
    """A case with everything: read, answered, answered back, and words of an officer that wait for SEND."""
    case = Case(town, bot, town.signal.person())
    case.reference = reference_in(await case.says(*SOS))
    await town.mails.arrived(1)
    await bot.later(minutes=61)
    await case.looked()
    to_her, from_her, unsent = words(), words(), words()
    case.written = [to_her, from_her, unsent]
    await case.officer(f"ack {case.reference}", f"reply {case.reference} {to_her}", "send")
    assert to_her in uncovered(case.ana.heard[-1].text)
    await case.says("ANSWER", from_her, "Yes, send it")
    await bot.settled()
    assert from_her in town.text_to(town.first, 1)
    await case.officer(f"reply {case.reference} {unsent}")
    return case


async def closed(case: Case) -> None:
    assert "is closed" in await case.town.orders(case.bot, case.town.first, f"close {case.reference}")


async def closed_by_another(case: Case) -> None:
    """The words that wait for SEND are the first officer's; they go when their quarter of an hour is over."""
    await case.town.orders(case.bot, case.town.second, f"close {case.reference}")
    await case.bot.later(minutes=17)


async def erased(case: Case) -> None:
    await case.officer("duty")
    assert "deleted" in await case.bot.says(case.ana, "ERASE")


async def expired(case: Case) -> None:
    for _ in range(16):
        await case.bot.later(days=1)


ENDS = [closed, closed_by_another, erased, expired]


@pytest.mark.parametrize("ends", ENDS)
async def test_a_case_that_is_over_leaves_nothing_in_the_files(
    town: OfficersTown, ends: Callable[[Case], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "postigo")
    async with on_duty(town) as bot:
        case = await worked(town, bot)
        assert {"docket", "mark", "draft"} <= {*await counted(bot)} and len(case.sealed) > 20
        await ends(case)
        await bot.later(minutes=31)
        assert await counted(bot) == {}
        assert case.found() == []
        assert pieces_in(town.stage, case.sealed) == []
        told = await town.orders(bot, town.second, f"case {case.reference}")
        assert told == "No such case. It may be mistyped, closed or over."
    assert case.found() == []
    assert pieces_in(town.stage, case.sealed) == []
    assert [secret for secret in case.secrets if secret != case.reference and secret in caplog.text] == []


async def test_words_that_wait_for_a_code_are_gone_once_they_are_fetched(town: OfficersTown) -> None:
    by_code = tuple(text.replace("Here, at any hour", "I will write with my code") for text in ORDINARY)
    async with on_duty(town) as bot:
        case = Case(town, bot, town.signal.person())
        told = await case.says(*BEGUN, *by_code)
        case.reference = reference_in(told)
        code = told.partition("Return code ")[2].partition(".")[0]
        await town.mails.arrived(1)
        await bot.later(days=1, minutes=5)
        case.written = [words()]
        told = await case.officer(f"reply {case.reference} {case.written[0]}", "send")
        assert "comes back with a code of their own" in told
        kept = {*await blobs(bot, "docket")}
        assert case.written[0] in await bot.says(town.signal.person(), code)
        assert case.written[0] not in await bot.says(town.signal.person(), code)
        assert pieces_in(town.stage, kept) == [] and case.found() == []
        await town.orders(bot, town.first, f"close {case.reference}")
        await bot.later(minutes=31)
        assert await counted(bot) == {} and pieces_in(town.stage, kept) == []


async def test_a_case_that_was_read_by_mail_leaves_nothing_in_the_mailbox_either(
    town: OfficersTown, box: Dovecot
) -> None:
    town.box = box
    async with on_duty(town) as bot:
        case = Case(town, bot, town.signal.person())
        case.reference = reference_in(await case.says(*SOS))
        await town.mails.arrived(1)
        await bot.settled()
        token = town.token_of(town.first)
        case.written = [token, token.lower(), words()]
        await case.looked()
        await town.receives(bot, mail(signed(town.gpg, "first", part(f"{case.written[2]}\n\n{token}\n"))))
        assert "An officer has read it" in uncovered(case.ana.heard[-1].text)
        kept = await asyncio.to_thread(files_under, box.home / "mail")
        assert kept and hits(case.written, kept) == []
        await closed(case)
        await bot.later(minutes=31)
        assert await counted(bot) == {} and case.found() == [] and pieces_in(town.stage, case.sealed) == []


# ── a mission without keys: the bot holds the case for a while ───────────────────────────────────────────


async def keyless_case(town: OfficersTown, bot: Talks) -> Case:
    """A case that lies here, with own words in it, until an officer has read it."""
    case = Case(town, bot, town.signal.person())
    case.reference = reference_in(await case.says(*BEGUN, *ORDINARY))
    await town.mails.arrived(1)
    await bot.settled()
    await case.looked()
    assert (await counted(bot))["notice"] == 1
    return case


async def read_there(case: Case) -> None:
    assert "It is no longer kept here" in await case.officer(f"case {case.reference}", f"ack {case.reference}")


async def read_by_nobody(case: Case) -> None:
    for _ in range(4):
        await case.bot.later(days=1)


async def erased_unread(case: Case) -> None:
    await case.bot.says(case.ana, "ERASE")


@pytest.mark.parametrize("ends", [read_there, read_by_nobody, erased_unread])
async def test_what_the_bot_holds_for_an_officer_is_gone_when_it_was_read_or_its_time_is_over(
    town: OfficersTown, ends: Callable[[Case], Awaitable[None]]
) -> None:
    roster(town, keyless(town.first.contact))
    async with on_duty(town) as bot:
        case = await keyless_case(town, bot)
        notice = await sealed_notice(bot)
        await ends(case)
        await bot.later(minutes=31)
        assert "notice" not in await counted(bot)
        assert case.found() == []
        assert pieces_in(town.stage, notice) == []


async def sealed_notice(bot: Talks) -> list[bytes]:
    return await blobs(bot, "notice")
