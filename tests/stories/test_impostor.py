"""An impostor opens, answers and closes nothing, and learns from no answer whether a code was ever one.

Forged mails have their tests beside those of signed ones: tests/officers/test_answers.py, test_officers_by_mail.py.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from fakes_smtp import Authority, MailServer
from officers.room import FIRST, STRANGER, Pair, case_of, code_of, cries, docket_of, reports
from stories.stage import Life, Stage, posted_to

from bot.conversation.model import Message, Queued, Sender
from bot.handoff.orders import Verb
from bot.turn import TRIES

WORDS = "we have read it"


@pytest.fixture
def stage(tmp_path: Path, server: MailServer, authority: Authority) -> Stage:
    pair = Pair(tmp_path)
    return Stage(tmp_path, posted_to(server, authority), (pair.first.contact, pair.second.contact))


async def test_every_order_of_an_officer_is_nobody_elses(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        before = await docket_of(life, case)
        told, sent = len(life.town.told("ana")), await life.rows("mail")
        for account in (STRANGER, f"{FIRST} ", "officer@example.org", "ana"):
            for verb in Verb:
                order = f"{verb} {case} {4 if verb is Verb.LEVEL else WORDS}"
                assert case not in await life.writes(account, order) or account == "ana"
        assert await docket_of(life, case) == before
        assert (await case_of(life)).level == before.level
        assert await life.rows("mail") == sent
        assert not any(WORDS in text for text in life.town.told("ana")[told:])


async def test_an_officers_account_on_another_messenger_is_a_strangers(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        for order in (f"ack {case}", f"close {case}", "cases"):
            at = life.clock.now()
            place = Queued("telegram 1", 1)
            await life.bot.desk.take_turns([Message(Sender("telegram", FIRST), order, at, order, queued=place)])
        await life.settled()
        assert (await docket_of(life, case)).reader == ""


async def test_a_case_is_found_by_no_reference_check_number_or_part_of_a_code(stage: Stage) -> None:
    async with stage.open() as life:
        case = await reports(life)
        code, check = code_of(life), (await case_of(life)).check
        for guess in (case, case.lower(), check, code[:14], code[5:], f"{code} 1", f"case {case} {check}"):
            assert case not in await life.writes(STRANGER, guess)


# ── codes ────────────────────────────────────────────────────────────────────────────────────────────────


async def wrong(life: Life) -> str:
    """A code that never was one."""
    return "1234 5678 9012 3456"


async def expired(life: Life) -> str:
    """The code of a case whose time is over, before the rounds have come by."""
    await reports(life)
    life.clock.move(days=15)
    return code_of(life)


async def expired_and_gone(life: Life) -> str:
    """The same after the rounds."""
    code = await expired(life)
    await life.bot.upkeep.round()
    return code


async def erased(life: Life) -> str:
    """The code of a case whose writer has erased everything."""
    await reports(life)
    code = code_of(life)
    await life.writes("ana", "erase")
    return code


async def closed(life: Life) -> str:
    """The code of a case that an officer has closed."""
    case = await reports(life)
    code = code_of(life)
    await life.writes(FIRST, f"ack {case}", f"close {case}")
    return code


async def exhausted(life: Life) -> str:
    """The right code, by one who has guessed too often."""
    await reports(life)
    for number in range(TRIES):
        await life.writes("eva", f"{number:016}")
    return code_of(life)


CODES = [wrong, expired, expired_and_gone, erased, closed, exhausted]


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.__name__)
async def test_a_wrong_code_is_answered_like_one_that_is_over_to_the_byte(stage: Stage, code: object) -> None:
    async with stage.open() as life:
        told = await code(life)  # type: ignore[operator]  # one of these
        nothing = await life.writes("lea", "9999 9999 9999 9999")
        before = len(life.town.told("eva"))
        assert await life.writes("eva", told) == nothing
        assert len(life.town.told("eva")) == before + 1


@pytest.mark.parametrize("code", [wrong, expired, erased, exhausted], ids=lambda code: code.__name__)
async def test_where_own_words_are_asked_for_none_of_them_is_a_code(stage: Stage, code: object) -> None:
    async with stage.open() as life:
        told = await code(life)  # type: ignore[operator]  # one of these
        for address in ("eva", "lea"):
            await life.writes(address, "hello")
            await life.picks(address, "en", "no", "no", "tell", "me", "surveillance", "oax", "quiet", "here")
        talk = await life.talk("eva")
        assert talk is not None
        first, second = await life.writes("eva", told), await life.writes("lea", "9999 9999 9999 9999")
        assert first == second


async def test_hundreds_of_wrong_guesses_of_others_keep_no_owner_out(stage: Stage) -> None:
    async with stage.open() as life:
        case = await reports(life)
        at = life.clock.now()
        guesses = [
            Message(Sender("signal", f"guesser {number // 10}"), f"{number}", at, f"{number:016}")
            for number in range(200)
        ]
        await life.bot.desk.take_turns(guesses)
        assert case in await life.writes("elsewhere", code_of(life))


async def test_a_code_that_carries_a_talk_is_guessed_no_more_often(stage: Stage) -> None:
    stage.channel = "signal"
    async with stage.open() as life:
        await life.writes("eva", "hello")
        desk, who = life.bot.desk, life.bot.desk.shelf.who(Sender("telegram", "7"))
        await life.reads(
            lambda conn: desk.shelf.lend_code(conn, "123456789012", who, life.clock.now() + timedelta(hours=1))
        )
        for number in range(TRIES):
            await life.writes("eva", f"{number:012}")
        await life.writes("eva", "123456789012")
        spent = await life.reads(lambda conn: desk.shelf.spend_code(conn, "123456789012", life.clock.now()))
        assert spent == who  # nobody has used it up
