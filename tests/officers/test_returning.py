"""Coming back by a code, from any account: how far a case is, the words that waited, and one answer to all else."""

import pytest
import sqlalchemy as sa
from officers.room import FIRST, code_of, cries, docket_of, kept, reports
from stories.stage import Life, Stage

from bot.turn import TRIES

WORDS = "Please call the shelter tonight."
NOTHING = "This code leads to nothing now."
FRAME = "From the mission. It never asks for codes, money, names or a meeting place here."


async def answered(life: Life) -> tuple[str, str]:
    """A case whose writer comes back by a code, with words that wait; return its reference and the code."""
    case = await reports(life, reply="code")
    life.clock.move(hours=1)
    await life.writes(FIRST, f"reply {case} {WORDS}", "send")
    return case, code_of(life)


async def test_a_code_shows_how_far_its_case_is_and_the_words_that_waited_once(stage: Stage) -> None:
    async with stage.open() as life:
        case, code = await answered(life)
        shown = await life.writes("elsewhere", code)
        assert f"What I know of case {case}:" in shown
        assert "An officer read your case at 11:00" in shown
        assert f"{FRAME}\n{WORDS}" in shown
        assert (await docket_of(life, case)).waiting == ()
        again = await life.writes("elsewhere", code)
        assert f"What I know of case {case}:" in again
        assert WORDS not in again
        assert await life.talk("elsewhere") is None


@pytest.mark.parametrize("written", ["{}", "{}-{}-{}-{}", "  {} {} {} {} "])
async def test_a_code_is_read_as_a_person_writes_it(stage: Stage, written: str) -> None:
    async with stage.open() as life:
        case = await reports(life, reply="code")
        digits = "".join(char for char in code_of(life) if char.isdigit())
        groups = [digits[at : at + 4] for at in range(0, 16, 4)] if written != "{}" else [digits]
        assert case in await life.writes("elsewhere", written.format(*groups))


async def test_words_come_to_the_writer_s_own_account_and_can_be_answered_there(stage: Stage) -> None:
    async with stage.open() as life:
        case, code = await answered(life)
        assert WORDS in await life.writes("ana", code)
        await life.writes("ana", "ANSWER", "We are safe now")
        await life.later(minutes=11)
        assert f"Something was added to case {case}" in life.last(FIRST)


async def test_a_code_in_the_midst_of_a_talk_leaves_it_where_it_is(stage: Stage) -> None:
    async with stage.open() as life:
        case, code = await answered(life)
        await life.writes("eva", "hello")
        await life.picks("eva", "en")
        before = await life.talk("eva")
        shown = await life.writes("eva", code)
        after = await life.talk("eva")
        assert case in shown
        assert before is not None
        assert after is not None
        assert (after.step, after.case) == (before.step, None)


async def test_a_wrong_code_and_one_whose_time_is_over_are_answered_alike(stage: Stage) -> None:
    async with stage.open() as life:
        case, code = await answered(life)
        wrong = await life.writes("one", "1234 5678 9012 3456")
        life.clock.move(days=15)
        over = await life.writes("two", code)
        assert NOTHING in wrong
        assert over == wrong
        assert case not in over


@pytest.mark.parametrize("end", ["close", "erase"])
async def test_the_code_of_a_case_that_is_gone_is_answered_like_a_wrong_one(stage: Stage, end: str) -> None:
    async with stage.open() as life:
        case, code = await answered(life)
        await life.writes(*((FIRST, f"close {case}") if end == "close" else ("ana", "erase")))
        assert await life.writes("one", code) == await life.writes("two", "1234 5678 9012 3456")
        assert await kept(life) == {}
        codes = await life.reads(lambda conn: conn.execute(sa.text("SELECT COUNT(*) FROM way_back")).scalar_one())
        assert codes == 0


async def test_after_five_tries_within_an_hour_the_right_code_is_answered_like_a_wrong_one(stage: Stage) -> None:
    async with stage.open() as life:
        case, code = await answered(life)
        told = [await life.writes("one", f"{number:016}") for number in range(TRIES)]
        told.append(await life.writes("one", code))
        assert len(set(told)) == 1
        assert (await docket_of(life, case)).waiting == (WORDS,)
        assert WORDS in await life.writes("two", code)  # one account's tries are no other's
        life.clock.move(hours=1, minutes=1)
        assert case in await life.writes("one", code)


async def test_a_code_shows_that_nobody_has_read_a_case(stage: Stage) -> None:
    async with stage.open() as life:
        case = await reports(life, reply="code")
        shown = await life.writes("elsewhere", code_of(life))
        assert case in shown
        assert "An officer read" not in shown


async def test_whoever_has_stopped_hears_by_the_code_and_nothing_else(stage: Stage) -> None:
    async with stage.open() as life:
        case = await cries(life)
        code = code_of(life)
        await life.writes("ana", "stop")
        heard = len(life.town.told("ana"))
        await life.writes(FIRST, f"ack {case}")
        assert len(life.town.told("ana")) == heard
        assert "An officer read your case at" in await life.writes("elsewhere", code)


async def test_an_officer_s_account_is_an_officer_s_even_for_a_code(stage: Stage) -> None:
    async with stage.open() as life:
        _, code = await answered(life)
        assert "I did not understand that." in await life.writes(FIRST, code)
