"""Floods: whoever is in danger is answered while thousands write; no alert is lost; officers are woken, not buried."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from itertools import count, cycle
from pathlib import Path
from time import monotonic

import pytest
from fakes_smtp import Authority, MailServer
from officers.room import case_of
from stories.sizes import Size
from stories.stage import DEADLINE, ZONE, Inbox, Life, Stage, cries, posted_to

from bot.alerting import no_token
from bot.conversation.model import Kind, Message, Queued, Sender
from bot.gate import FLOOD, LIMITS
from bot.officers.waking import SINGLY
from bot.staff import MissionDesk
from bot.threshold import Tally

OFFICER = "0a000000-0000-4000-8000-000000000001"  # an account on Signal
NIGHT = "night@example.org"
IN_TIME = 20.0  # real seconds, on a machine that does much else; what it takes on an idle one is a benchmark's
WORDS = ("hello", "1", "what is this?", "2", "photo", "/start", "no")
_IDS = count(1)


@pytest.fixture
def officer(tmp_path: Path) -> Inbox:
    inbox = Inbox(tmp_path, signal=OFFICER)
    inbox.contact = replace(inbox.contact, urgent_address=NIGHT, ping=True)
    return inbox


@pytest.fixture
def stage(tmp_path: Path, server: MailServer, authority: Authority, officer: Inbox) -> Stage:
    return Stage(tmp_path, posted_to(server, authority, patience=IN_TIME), (officer.contact,), limits=LIMITS)


def written(life: Life, address: str, text: str, kind: Kind = Kind.TEXT) -> Message:
    return Message(Sender(life.town.name, address), f"f{next(_IDS)}", life.clock.now(ZONE), text, kind)


class Flood:
    """People who write as fast as they are heard, a hundred messages at once; others' messages go along in turn."""

    def __init__(self, life: Life, people: int) -> None:
        self.life, self.over, self.kept_out, self.others = life, False, 0, list[Message]()
        self._them, self._words = cycle(f"flooder {number}" for number in range(people)), cycle(WORDS)

    async def run(self) -> None:
        while not self.over:
            batch = [written(self.life, next(self._them), next(self._words)) for _ in range(100)]
            self.others, others = [], self.others
            self.kept_out += len(await self.life.bot.desk.take_turns([*batch, *others]))

    async def writes(self, address: str, text: str) -> None:
        """Let somebody write among them, and wait for an answer."""
        before = len(self.life.town.told(address))
        self.others.append(written(self.life, address, text))
        await more_than(self.life, address, before)


async def more_than(life: Life, address: str, before: int) -> None:
    """Wait until somebody has been told more than so many things."""
    async with asyncio.timeout(IN_TIME), life.town.news:
        await life.town.news.wait_for(lambda: len(life.town.told(address)) > before)


async def in_danger(flood: Flood, address: str) -> None:
    """Somebody sends an emergency alert, from their first word."""
    await flood.writes(address, "SOS")
    await flood.writes(address, flood.life.number(address, "me"))
    await flood.writes(address, flood.life.number(address, "act"))


async def test_who_sends_sos_is_answered_while_thousands_write_and_the_alert_leaves(
    stage: Stage, size: Size, server: MailServer
) -> None:
    async with stage.open() as life:
        flood = Flood(life, size.people)
        flooding = asyncio.create_task(flood.run())
        criers = [f"in danger {number}" for number in range(5)]
        await asyncio.gather(*(in_danger(flood, address) for address in criers))
        await server.arrived(len(criers), within=IN_TIME)
        flood.over = True
        await flooding
        assert flood.kept_out > 0
        told = [text for text in life.town.told("flooder 0") if "not read this" in text or "no leí esto" in text]
        assert len(told) <= 1


# ── what others are told ─────────────────────────────────────────────────────────────────────────────────


async def test_an_operator_hears_how_many_were_kept_out_and_not_of_each(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage.open() as life:
        tally = life.bot.desk.threshold.tally
        messages = [written(life, "ben", "hello") for _ in range(int(LIMITS.person.most) + 100)]
        out = [len(await life.bot.desk.take_turns(messages[at : at + 10])) for at in range(0, len(messages), 10)]
        assert kept_out(caplog) == [next(filter(None, out))]
        assert tally._again is not None
        tally._again.cancel()
        tally._go_on()  # as it does five minutes later
        tally._go_on()
    assert (sum(kept_out(caplog)), len(kept_out(caplog))) == (sum(out), 2)


async def test_what_is_kept_out_within_some_minutes_is_told_in_one_number(caplog: pytest.LogCaptureFixture) -> None:
    tally = Tally(every=0.01)
    tally.add(0)
    assert kept_out(caplog) == []
    tally.add(3)
    tally.add(2)
    tally.add(4_000_000)
    async with asyncio.timeout(IN_TIME):
        while len(kept_out(caplog)) < 2 or tally._again:
            await asyncio.to_thread(lambda: None)  # a turn of the loop
    assert kept_out(caplog) == [3, 999_999]  # the most that a line holds
    tally.add(1)
    assert kept_out(caplog) == [3, 999_999, 1]


def kept_out(caplog: pytest.LogCaptureFixture) -> list[int]:
    told = [record.msg.shown for record in caplog.records if hasattr(record.msg, "shown")]
    return [one["rows"] for one in told if one["event"] == "messages_kept_out"]


async def test_who_writes_too_fast_is_told_once_and_heard_again_a_moment_later(stage: Stage) -> None:
    async with stage.open() as life:
        elapsed = [0.0]
        life.bot.desk.threshold.elapsed = lambda: elapsed[0]
        await life.writes("ana", "hello")
        await life.picks("ana", "en")
        await life.writes("ana", *["what?"] * 60, settle=False)
        await life.settled()
        assert life.times_told("ana", "You write faster than I can read") == 1
        before = len(life.town.told("ana"))
        await life.writes("ana", "what?")
        assert len(life.town.told("ana")) == before  # silence: it was said
        elapsed[0] += 60.0
        assert "I did not understand" in await life.writes("ana", "what?")


@pytest.mark.parametrize(
    "text", ["SOS", "help me please, they are at the door", "erase", "stop", "🆘", "救命 我在这里"]
)
async def test_a_cry_for_help_or_a_wish_to_be_forgotten_is_never_too_much(stage: Stage, text: str) -> None:
    async with stage.open() as life:
        for _ in range(400):
            life.bot.desk.threshold.gate.judge(life.bot.desk.shelf.who(Sender("signal", "ana")), monotonic())
        assert await life.bot.desk.take_turns([written(life, "ana", "hello"), written(life, "ana", text)])
        await life.settled()
        assert life.times_told("ana", "faster than I can read") == 1
        assert len(life.town.told("ana")) == 2


async def test_an_officer_and_a_deleted_message_are_always_heard(stage: Stage) -> None:
    async with stage.open() as life:
        gate, who = life.bot.desk.threshold.gate, life.bot.desk.shelf.who
        for address in (OFFICER, "ana"):
            for _ in range(100):
                gate.judge(who(Sender("signal", address)), monotonic())
        orders = [written(life, OFFICER, "cases") for _ in range(30)]
        gone = replace(written(life, "ana", "", Kind.DELETED), edits="f0")
        assert await life.bot.desk.take_turns([*orders, gone]) == []


@pytest.mark.parametrize(
    ("text", "kind", "kept"),
    [
        ("hello", Kind.TEXT, False),
        ("my cousin is a driver", Kind.TEXT, False),
        ("SOS", Kind.TEXT, True),
        ("please, SOS, they are here", Kind.TEXT, True),
        ("ayuda", Kind.TEXT, True),
        ("救命 我在这里", Kind.TEXT, True),
        ("I want to die", Kind.TEXT, True),
        ("erase", Kind.TEXT, True),
        ("stop", Kind.TEXT, True),
        ("", Kind.DELETED, True),
        ("", Kind.PHOTO, False),
    ],
)
async def test_when_the_queue_is_full_what_would_be_heard_is_kept_and_nothing_else(
    stage: Stage, text: str, kind: Kind, kept: bool
) -> None:
    async with stage.open() as life:
        threshold, book = life.bot.desk.threshold, life.bot.desk.book
        threshold.elapsed = lambda: 0.0
        message = written(life, "ana", text, kind)
        assert threshold.spares(book, message)
        assert not threshold.presses(message.sender)
        while not threshold.gate.judge(b"a crowd" + bytes([next(_IDS) % 256]), 0.0):
            pass  # until nothing is left for all together
        ears = threshold.ears(book)
        assert ears.spares(message) == kept
        for address in (OFFICER, "in danger"):
            threshold.gate.learn(life.bot.desk.shelf.who(Sender("signal", "in danger")), 0.0, urgent=True, language="")
            assert ears.spares(written(life, address, "hello"))
            assert ears.presses(Sender("signal", address))
        assert ears.hurries("SOS") and not ears.hurries("hello")


async def test_what_is_kept_out_moves_on_and_is_not_brought_again(stage: Stage) -> None:
    async with stage.open() as life:
        brought = [replace(written(life, "ana", "hello"), queued=Queued("q", 7 + number)) for number in range(100)]
        kept_out = await life.bot.desk.take_turns(brought)
        assert [*kept_out] == brought[len(brought) - len(kept_out) :]
        assert 0 < len(kept_out) < 100


async def test_in_a_flood_of_cases_each_writer_hears_that_many_write(stage: Stage) -> None:
    async with stage.open() as life:
        await cries(life)
        assert life.times_told("ana", "Many people are writing to the mission now.") == 0
        for _ in range(FLOOD + 1):
            life.bot.desk.threshold.gate.alerted(monotonic())
        await life.writes("eva", "hello")
        await life.picks("eva", "en")
        await life.writes("eva", "SOS")
        await life.picks("eva", "me", "act")
        assert life.times_told("eva", "Many people are writing to the mission now.") == 1


# ── what officers get ────────────────────────────────────────────────────────────────────────────────────


class Held:
    """A way out for mails that opens when it is told to; what went through, in its order. A Post."""

    confirms = True

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.sent: list[tuple[str, bytes]] = []

    async def send(self, mail: bytes, recipient: str) -> None:
        await self.opened.wait()
        self.sent.append((recipient, mail))


async def sends(life: Life, addresses: Sequence[str]) -> list[str]:
    """Let people send an emergency alert, one second after another; return the references of their cases."""
    references = []
    for address in addresses:
        life.clock.move(seconds=1)
        for choice in ("", "me", "act"):
            before = len(life.town.told(address))
            await life.town.take(address, life.number(address, choice) if choice else "SOS")
            await more_than(life, address, before)
        references.append((await case_of(life, address)).reference)
    return references


async def test_in_a_flood_of_sos_every_alert_leaves_by_arrival_and_who_has_told_more_goes_first(
    stage: Stage, officer: Inbox
) -> None:
    post = Held()
    stage.post = post
    async with stage.open() as life:
        people = [f"person {number}" for number in range(24)]
        references = await sends(life, people)
        more = people[20:22]
        for address in more:
            for choice in ("yes", "raid", ""):
                before = len(life.town.told(address))
                await life.town.take(address, life.number(address, choice) if choice else "send now")
                await more_than(life, address, before)
        async with asyncio.timeout(IN_TIME):
            while await life.rows("hand_off"):
                await asyncio.to_thread(lambda: None)
        post.opened.set()
        await life.settled()
        read = [officer.opened(mail)[0].split()[1].strip(",:") for _, mail in post.sent]
        first, last = list(dict.fromkeys(read[:8])), [*dict.fromkeys(read[8:])]
        assert sorted(set(read)) == sorted(references)  # none is lost
        assert first == references[:8]  # these were on their way before anything was added
        told_more = [reference for reference in last if reference in references[20:22]]
        bare = [reference for reference in last if reference not in told_more]
        assert last == [*told_more, *bare]
        assert bare == references[8:20] + references[22:]


async def test_in_a_flood_an_officer_is_woken_singly_then_once_in_ten_minutes_with_the_count(
    stage: Stage, officer: Inbox
) -> None:
    post, people = Held(), [f"person {number}" for number in range(12)]
    post.opened.set()
    stage.post = post
    stage.clock.at = stage.clock.at.replace(minute=0)
    async with stage.open() as life:
        await sends(life, people)
        await life.settled()
        recipients = [recipient for recipient, _ in post.sent]
        assert sorted(recipients) == sorted([NIGHT] * SINGLY + [officer.contact.address] * (12 - SINGLY))
        assert life.times_told(OFFICER, "A new case waits") == SINGLY
        await life.bot.upkeep.round()
        await life.settled()
        assert len(post.sent) == 12  # nothing more within ten minutes
    async with stage.open() as life:  # what was decided is known after a start
        await sends(life, ["one more"])
        life.clock.move(minutes=10)
        await life.bot.upkeep.round()
        await life.bot.upkeep.round()
        await life.settled()
        assert life.town.told(OFFICER) == [
            "Cases that nobody has read yet: 13. The gravest has level 1. Each has its own mail."
        ]
        (recipient, mail) = post.sent[-1]
        assert (recipient, len(post.sent)) == (NIGHT, 14)
        assert "13" in officer.opened(mail)[1]
        life.clock.move(minutes=20)
        await sends(life, ["much later"])
        await life.bot.upkeep.round()
        await life.settled()
        assert post.sent[-1][0] == NIGHT  # a single case wakes at once, as ever
        assert life.times_told(OFFICER, "Cases that nobody") == 1


async def test_in_a_flood_a_clock_that_is_set_back_puts_the_wake_up_off_by_ten_minutes_at_most(stage: Stage) -> None:
    stage.clock.at = stage.clock.at.replace(minute=0)
    async with stage.open() as life:
        life.clock.move(hours=3)
        await life.bot.upkeep.round()
        await sends(life, [f"person {number}" for number in range(SINGLY + 3)])
        await life.settled()
        life.clock.move(hours=-3)
        await life.bot.upkeep.round()
        life.clock.move(minutes=10)
        await life.bot.upkeep.round()
        await life.settled()
        assert life.town.told(OFFICER)[-1].startswith("Cases that nobody has read yet: 8.")
        for _ in range(20):
            life.clock.move(minutes=10)
            await life.bot.upkeep.round()
        await life.settled()
        assert life.times_told(OFFICER, "Cases that nobody") == 1


async def test_cases_that_are_sealed_when_their_ten_minutes_are_over_wake_an_officer_all_the_same(stage: Stage) -> None:
    gate, people = threading.Event(), [f"person {number}" for number in range(2 * SINGLY + 2)]

    def token(reference: str) -> tuple[str, bytes]:
        gate.wait(DEADLINE)
        return no_token(reference)

    stage.clock.at = stage.clock.at.replace(minute=9)
    async with stage.open() as life:
        mission = life.bot.courier.mission
        assert isinstance(mission, MissionDesk)
        life.bot.courier.mission = replace(mission, alerting=replace(mission.alerting, token=token))
        await life.bot.upkeep.round()
        await sends(life, people)
        life.clock.move(minutes=2)
        await life.bot.upkeep.round()
        gate.set()
        await life.settled()
        for _ in range(3):
            life.clock.move(minutes=10)
            await life.bot.upkeep.round()
        await life.settled()
        assert life.times_told(OFFICER, "Cases that nobody has read yet: 12.") == 1


async def test_who_has_read_everything_in_a_flood_is_not_woken_for_it(stage: Stage) -> None:
    async with stage.open() as life:
        references = await sends(life, [f"person {number}" for number in range(SINGLY + 2)])
        await life.settled()
        for reference in references:
            await life.writes(OFFICER, f"ack {reference}")
        life.clock.move(minutes=10)
        await life.bot.upkeep.round()
        await life.settled()
        assert life.times_told(OFFICER, "Cases that nobody") == 0
