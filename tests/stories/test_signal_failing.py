"""When Signal or its server fails: what is said again and what isn't, and how an operator hears of it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from functools import partial

import pytest
from fakes_signal import SignalServer
from fakes_signal_bot import events
from fakes_signal_faults import FAILED, HANGS_AFTER, RESET_AFTER, UNTRUSTED_KEYS, Fault, partly, rate_limited
from fakes_signal_people import Person
from fakes_smtp import MailServer
from stories.signal_town import BEGUN, SOS, Talks, on_signal, serving
from stories.stage import DEADLINE, SENDER, Mood, Stage

from bot.alarming import Alarming

OPERATOR = "it@example.org"
STATUS = "On its way."


@pytest.fixture
async def signal(stage: Stage) -> AsyncIterator[SignalServer]:
    async with serving(stage.clock) as running:
        yield running


@pytest.fixture(autouse=True)
def all_events(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def times(person: Person, words: str) -> int:
    return sum(words in said.text for said in person.heard)


@pytest.mark.parametrize("fault", [RESET_AFTER, HANGS_AFTER, rate_limited("", done=True)], ids=["cut", "hangs", "429"])
async def test_a_question_that_may_have_arrived_is_not_said_again_until_the_person_writes(
    fault: Fault, stage: Stage, signal: SignalServer
) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        await bot.says(ana, *BEGUN)
        signal.fails(fault)
        await bot.says(ana, "Maybe")
        await bot.later(minutes=10)
        assert times(ana, "in danger now?") == 1
        signal.release()
        await bot.says(ana, "HELP")
        assert times(ana, "in danger now?") == 2


@pytest.mark.parametrize("fault", [RESET_AFTER, HANGS_AFTER, rate_limited("", done=True)], ids=["cut", "hangs", "429"])
async def test_what_somebody_in_danger_may_not_have_heard_is_said_again(
    fault: Fault, stage: Stage, signal: SignalServer
) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        signal.fails(fault)
        await bot.says(ana, "SOS")
        assert times(ana, "Send the mission an alert") == 1
        await bot.later(minutes=3)
        assert times(ana, "Send the mission an alert") == 2
        await bot.later(minutes=10)
        signal.release()
        assert times(ana, "Send the mission an alert") == 2
        signal.fails(fault)
        ana.writes(SOS[1])
        await ana.hears("May the mission act")
        signal.release()


async def test_a_status_that_may_not_have_arrived_is_said_again_in_its_place(
    stage: Stage, signal: SignalServer
) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        await bot.says(ana, *SOS[:2])
        signal.fails(RESET_AFTER)
        await bot.says(ana, SOS[2])
        assert (times(ana, STATUS), times(ana, "Return code")) == (1, 0)
        await bot.later(seconds=30)
        assert (times(ana, STATUS), times(ana, "Return code")) == (2, 1)
        told = [said.text for said in ana.heard]
        assert max(place for place, text in enumerate(told) if STATUS in text) < told.index(ana.messages[-1])


@pytest.mark.parametrize("fault", [RESET_AFTER, rate_limited("", done=True)], ids=["cut", "429"])
async def test_while_nothing_is_known_to_arrive_a_yes_to_the_question_put_again_is_heard(
    fault: Fault, stage: Stage, signal: SignalServer
) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        signal.fails(fault, always=True)
        await bot.says(ana, SOS[0])
        for number in ("7", "7", "10", "10"):
            await bot.later(minutes=4)
            await bot.says(ana, number)
        kept = await bot.kept(ana)
        assert kept is not None and kept.case is not None


async def test_words_that_did_not_go_are_tried_until_they_do(stage: Stage, signal: SignalServer) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        await bot.says(ana, *BEGUN)
        signal.fails(FAILED, FAILED)
        await bot.says(ana, "Maybe")
        assert times(ana, "in danger now?") == 0
        for seconds in (20, 80):
            await bot.later(seconds=seconds)
        assert times(ana, "in danger now?") == 1


async def test_whoever_has_left_signal_is_not_written_to_any_more(stage: Stage, signal: SignalServer) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        signal.fails(partly())
        await bot.says(ana, "SOS")
        await bot.later(hours=1)
        assert ana.heard == []
        assert signal.sends == 1


async def test_a_send_that_hangs_holds_up_nobody_else(stage: Stage, signal: SignalServer) -> None:
    async with on_signal(stage, signal) as bot:
        ana, ben = signal.person(), signal.person()
        signal.fails(HANGS_AFTER, to=ana.uuid)
        ana.writes("hello")
        await signal.until(lambda: signal.hanging == 1)
        ben.writes("SOS")
        await ben.hears("Send the mission an alert")
        assert signal.hanging == 1
        signal.release()
        await ana.hears("Which language")
        await bot.settled()


async def test_after_a_stop_the_loop_lives_and_another_life_goes_on(stage: Stage, signal: SignalServer) -> None:
    ana = signal.person()
    async with on_signal(stage, signal) as bot:
        await bot.says(ana, *SOS[:2])
    async with on_signal(stage, signal) as bot:
        assert "Return code" in await bot.says(ana, SOS[2])


async def test_what_is_written_while_the_server_is_down_is_answered_when_it_is_back(
    stage: Stage, signal: SignalServer
) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        await bot.says(ana, *SOS[:2])
        await signal.stop()
        at = ana.writes(SOS[2])
        await bot.alarms.until(lambda: "deaf" in bot.alarms)
        await signal.start()
        await bot.taken(ana, at)
        assert times(ana, "Return code") == 1


# ── the operator ─────────────────────────────────────────────────────────────────────────────────────────


async def captcha(bot: Talks, ana: Person) -> None:
    bot.server.fails(rate_limited("a-secret-token"))
    await bot.says(ana, "hello")


async def key_changed(bot: Talks, ana: Person) -> None:
    ana.reinstalls()
    ana.writes("hello, it is me")
    await bot.alarms.until(lambda: bool(bot.alarms))


async def untrusted(bot: Talks, ana: Person) -> None:
    bot.server.fails(UNTRUSTED_KEYS)
    await bot.says(ana, "hello")


async def unreadable(bot: Talks, ana: Person) -> None:
    ana.fails_to_arrive()
    await bot.alarms.until(lambda: bool(bot.alarms))


async def deaf(bot: Talks, ana: Person) -> None:
    await bot.server.stop()
    await bot.alarms.until(lambda: bool(bot.alarms))
    await bot.server.start()


TROUBLES = [
    (captcha, "captcha", "captcha_wanted", "wants a captcha"),
    (key_changed, "key_changed", "key_changed", "safety number has changed"),
    (untrusted, "key_changed", "key_changed", "safety number has changed"),
    (unreadable, "unreadable", "unreadable_here", "could not decrypt"),
    (deaf, "deaf", "channel_deaf", "has not been heard for more than five seconds"),
]


@pytest.mark.parametrize(("trouble", "kind", "event", "words"), TROUBLES, ids=lambda one: getattr(one, "__name__", ""))
async def test_what_needs_an_operator_stands_in_the_log_and_wakes_them_without_content(
    trouble: object, kind: str, event: str, words: str, stage: Stage, signal: SignalServer, server: MailServer,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    assert callable(trouble)
    ring = partial(Alarming(stage.post, SENDER, OPERATOR).ring, at=stage.clock.now)
    async with on_signal(stage, signal, alarm=ring) as bot:
        ana = signal.person(number="+525512345678", name="Ana of the Assembly")
        await trouble(bot, ana)
        await server.arrived(1)
        assert bot.alarms == [kind]
    (taken,) = server.accepted
    assert taken.recipients == (OPERATOR,)
    mail = message_from_bytes(taken.mail, policy=policy.SMTP)
    body = mail.get_body()
    assert body and words in body.get_content()
    for secret in (ana.uuid, "525512345678", "Assembly", "hello", "a-secret-token"):
        assert secret not in taken.mail.decode() and secret not in caplog.text
    assert event in events(caplog)


async def test_no_operator_is_woken_where_none_is_named(
    stage: Stage, signal: SignalServer, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    ring = partial(Alarming(stage.post, SENDER, "").ring, at=stage.clock.now)
    async with on_signal(stage, signal, alarm=ring) as bot:
        signal.person().fails_to_arrive()
        await bot.says(signal.person(), "hello")  # heard after it
    assert "unreadable_here" in events(caplog)
    assert server.taken == []


async def test_an_alarm_that_does_not_leave_stands_in_the_log_and_stops_nothing(
    stage: Stage, signal: SignalServer, server: MailServer, mood: Mood, caplog: pytest.LogCaptureFixture
) -> None:
    mood.reply = "451 later"
    ring = partial(Alarming(stage.post, SENDER, OPERATOR).ring, at=stage.clock.now)
    async with on_signal(stage, signal, alarm=ring) as bot:
        signal.person().fails_to_arrive()
        await server.offered(1)
        assert "Which language" in await bot.says(signal.person(), "hello")
        async with asyncio.timeout(DEADLINE):
            while "alarm_failed" not in events(caplog):
                await asyncio.to_thread(lambda: None)  # a turn of the loop, so that the server's answer comes


async def test_a_captcha_is_asked_for_with_its_token_and_solved_sending_goes_on(
    stage: Stage, signal: SignalServer
) -> None:
    async with on_signal(stage, signal) as bot:
        ana = signal.person()
        signal.fails(rate_limited("old", "new"), always=True)
        await bot.says(ana, "SOS")
        assert (ana.heard, bot.signal.challenge_token, bot.alarms) == ([], "new", ["captcha"])
        assert signal.lift("new")
        await bot.later(minutes=3)
        assert times(ana, "Send the mission an alert") == 1
