"""Nothing kept: whatever people and officers write, in every field, stands in no file that the bot ever wrote.

Canaries everywhere, on Signal, Telegram and in a terminal; with erasing, expiry, cases, answers both ways, kills and
restarts mixed in; what is kept lies in a file, or on a server that overwrites nothing. The search (`residue`) reads
every file at each kill and at the end, deleted ones that are held open included. That it isn't blind is shown where it
is tested, and here: the same words are found in the bot's memory, in its files once its cipher hides nothing, and in
the rows that were seen, once somebody has kept the key of their day.
"""

import asyncio
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from fakes_postgres import Postgres
from fakes_smtp import Authority
from residue import MARK, Search, canary, files_under, left_of, memory_of
from storage.databases import OnFile, OnServer
from stories import residue_leaks
from stories.program import CHECKOUT, mission_file, running, settings_file
from stories.residue_crowd import ERASED, WAYS, Writer, everybody
from stories.residue_lines import SignalLine, TerminalLine
from stories.residue_town import DAY, OFFICER, TABLES, Row, Town, elsewhere, line, town
from stories.sizes import Size
from stories.stage import Inbox, Stage

from bot.errors import SealingError
from bot.storage.keyring import DAYS_ALIVE, Keyring

WITNESS = Path(__file__).with_name("witness")
TERMINAL = Path(__file__).with_name("residue_terminal.py")
AT_ONCE = 40
HALF_AN_HOUR = 31 * 60.0  # seconds, and a little
DEADLINE = 600.0  # seconds for everything, on a machine that does other things
EACH = 10.0  # seconds more for each person on a channel
BEFORE = 0.5  # the same for an answer: before it goes out, whatever waits for any of them may


# ── what they do ─────────────────────────────────────────────────────────────────────────────────────────


async def all_of(what: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Do all of this, so much of it at once."""
    rooms = asyncio.Semaphore(AT_ONCE)

    async def one(does: Callable[[], Awaitable[None]]) -> None:
        async with rooms:
            await does()

    async with asyncio.TaskGroup() as tasks:
        for does in what:
            tasks.create_task(one(does))


async def officer_answers(officer: Writer, writers: list[Writer]) -> Mapping[str, str]:
    """An officer reads each of these cases, and passes words on: which, by the case. Others are never sent."""
    passed: dict[str, str] = {}
    for reference in (writer.reference for writer in writers):
        ends = (f"Passed on to the writer of case {reference}", f"The writer of case {reference} comes back")
        assert await officer.gets(f"ack {reference}", f"read case {reference}")
        passed[reference] = officer.words(reference)
        assert await officer.gets(f"reply {reference} {passed[reference]}", f"To the writer of case {reference}")
        assert await officer.gets("send", *ends)
        assert await officer.gets(f"reply {reference} {officer.words(reference, 'never sent')}", "as it stands")
    return passed


async def answers(writer: Writer, words: str) -> None:
    """A person reads what the mission wrote, and answers in words."""
    assert words in await writer.hears("From the mission.")
    writer.first, writer.until = "ANSWER", ("On its way to the same case.", "no own words on this channel")
    await writer.talks()


async def fetches(town: Town, number: int, writer: Writer, words: str) -> None:
    """Somebody comes back with a code, from somewhere else: what the mission wrote comes, and comes once."""
    again = Writer(line(town, 900_000 + number, "signal"), ("back", number), {}, writer.code, deadline=writer.deadline)
    town.crowd.setdefault("back", []).append(again)
    again.until = ("What I know of case",)
    await again.talks()
    assert words in "".join(again.told), again.told
    assert await again.gets(writer.code, *again.until)
    assert words not in again.told[-1]


async def killed_meanwhile(town: Town, size: Size, talking: asyncio.Future[None]) -> None:
    """Kill the bot again and again while people talk, and begin it anew."""
    for _ in range(size.kills):
        goal = town.signal.sends + size.lives
        while town.signal.sends < goal and not talking.done():
            await asyncio.wait({talking}, timeout=0.02)
        await town.dies()
        await town.lives()


async def everything_happens(town: Town, size: Size) -> None:
    """Everybody talks, the bot is killed, an officer answers, words come back; and one day's keys are copied."""
    for channel in ("signal", "telegram"):
        for way, writers in everybody(lambda number, name: line(town, number, name), size.people, channel).items():
            town.crowd.setdefault(way, []).extend(writers)
    patience = 20 + BEFORE * size.people
    everyone = sorted(town.everybody, key=lambda one: one.name[1:])  # else those of one way would talk all at once
    for one in everyone:
        one.deadline = patience
    talking = asyncio.ensure_future(all_of([one.talks for one in everyone]))
    officer = Writer(SignalLine(town.signal.person(OFFICER)), ("officer",), deadline=patience)
    town.crowd["officer"] = [officer]
    await town.lives()
    await killed_meanwhile(town, size, talking)
    await talking
    answered, back = town.crowd["is answered"], town.crowd["comes back"]
    town.passes(HALF_AN_HOUR)  # to somebody who writes all is said at once, whatever they chose for later
    passed = await officer_answers(officer, [*answered, *back])
    town.look_inside()
    await all_of([partial(answers, one, passed[one.reference]) for one in answered])
    await all_of([partial(fetches, town, number, one, passed[one.reference]) for number, one in enumerate(back)])
    assert any(MARK.encode() in content for content in memory_of(town.life)), "canaries came as far as the bot"
    shutil.copytree(town.home / "keys", town.home / "copied")


async def everything_ends(town: Town) -> None:
    """Days pass: what was unfinished expires, then all cases, then the last keys of theirs."""
    await town.dies()
    for days in (1, 14, DAYS_ALIVE):
        town.passes(days * DAY)
        await town.lives()
        if days == 1:
            await town.settled("talk", most=len([one for one in town.everybody if one.reference]))
        if days == DAYS_ALIVE:
            await town.settled(*TABLES, most=0)
        await town.dies(last=days == DAYS_ALIVE)


# ── the stories ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="r-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def letters(rows: Iterable[Row], keys: Keyring) -> Iterator[bytes]:
    """What these keys open."""
    for row in rows:
        with suppress(SealingError):
            yield row.opened(keys)


def told(what: str, search: Search, kills: int) -> None:
    """Say how much was searched: `pytest -rP` shows it."""
    searched = f"{len(search.sought)} secrets in {search.places} files as they were met, {search.read} bytes"
    sys.stdout.write(f"{what}, {kills} kills; {searched}: nothing found\n")


def nothing_is_left(town: Town, size: Size) -> None:
    assert town.hits == []
    assert town.looks > size.kills and len(town.kept) > size.people
    assert sum(len(one.typed) for one in town.everybody) > 4 * size.people
    assert any(MARK.encode() in letter for letter in letters(town.kept, town.keys("copied"))), "with the keys of a day"
    assert [*letters(town.kept, town.keys())] == []
    people = sum(len(writers) for way, writers in town.crowd.items() if way in WAYS)
    told(f"{people} talks on two channels, {len(town.kept)} sealed rows", town.search, size.kills)


async def test_no_word_and_no_name_of_anybody_stands_in_any_file(home: Path, authority: Authority, size: Size) -> None:
    async with asyncio.timeout(DEADLINE + EACH * size.people), town(home, authority, OnFile(home)) as here:
        await everything_happens(here, size)
        await everything_ends(here)
        nothing_is_left(here, size)
        assert left_of({blob for row in here.kept for blob in (row.wrapped, row.sealed)}, here.files) == []
    assert elsewhere(home, to="postigo.db") == []


async def test_no_word_stands_on_a_database_server_and_what_it_never_overwrote_opens_no_more(
    home: Path, authority: Authority, postgresql: Postgres, size: Size
) -> None:
    size = size if size.kills > 1 else replace(size, people=size.people // 2)  # in a soak as many as with a file
    database = OnServer(postgresql, "")
    async with asyncio.timeout(DEADLINE + EACH * size.people), town(home, authority, database) as here:
        await everything_happens(here, size)
        await everything_ends(here)
        nothing_is_left(here, size)
        dead = here.found()
        assert sum(dead.values()) > size.people, "a server keeps what was deleted"
        assert dead.keys().isdisjoint(here.keys().days())
    assert elsewhere(home, to="keys") == []
    postgresql.drop(database.url)


async def test_no_word_typed_in_a_terminal_stands_in_any_file(home: Path, officer: Inbox, size: Size) -> None:
    mission_file(home, officer.contact.openpgp or "", officer.contact.fingerprint)
    settings = settings_file(home, 'directory = "mails"', level="debug")
    for name in ("witness", "home", "mails"):
        (home / name).mkdir(mode=0o700)
    before, search, logged, talks = frozenset(files_under(home)), Search(()), bytearray(), 0
    watched = {"PYTHONPATH": f"{WITNESS}{os.pathsep}{CHECKOUT}", "WITNESS": str(home / "witness")}
    lives = min(size.kills, 2)
    for life in range(lives):  # each is killed where it stands
        async with running(home / "home", settings, [str(TERMINAL)], **watched) as program:
            await program.logs("ready")
            if life:  # it is the same person's terminal
                assert await Writer(TerminalLine(program), ()).gets("ERASE", ERASED)
            for number in range(size.people // 2):
                (writer,) = one_of(everybody(lambda *_: TerminalLine(program), 10, f"terminal {life} {number}"), number)
                await writer.talks()
                search.add(writer.secrets)
                assert search.open_files(program.process.pid) == []
                talks += 1
                if number + 1 < size.people // 2:
                    await writer.gets("ERASE", ERASED)
            program.process.kill()
            await program.process.wait()
        logged += program._logged
        assert search.files(path for path in files_under(home) if path not in before) == []
    search.afresh()
    assert search.files(path for path in files_under(home) if path not in before) == []
    assert [*search.octets(bytes(logged), "the log")] == []
    assert len(search.sought) > 4 * talks and [*(home / "mails").iterdir()]
    assert elsewhere(home, to="postigo.db") == []
    told(f"{talks} talks in a terminal", search, lives)


def one_of(crowd: dict[str, list[Writer]], number: int) -> list[Writer]:
    """Somebody of a crowd, another for each number; nobody who falls silent: a terminal can't wait for that."""
    talking = [writers for way, writers in crowd.items() if way != "silent"]
    return talking[number % len(talking)][:1]


async def test_what_a_bot_with_defects_leaves_is_found_at_each_place(home: Path, authority: Authority) -> None:
    async with asyncio.timeout(DEADLINE), town(home, authority, OnFile(home), residue_leaks.ALL) as here:
        writer = Writer(line(here, 0, "signal"), ("leaks",), until=("What do you want",))
        here.crowd["leaks"] = [writer]
        await here.lives()
        await writer.talks()
        here.look_inside()
        shutil.copytree(here.home / "keys", here.home / "copied")
        here.passes(DAYS_ALIVE * DAY)
        await here.dies()
        await here.lives()
        await here.settled("talk", most=0)
        await here.dies(last=True)
        found = {(re.sub(r"^.*/|\d+\.\d+", "", hit.place), hit.form, hit.secret) for hit in here.hits}
        opened = [*letters(here.kept, here.keys())]
    words, number = writer.typed[0], writer.line.fields[0]
    assert {("stderr", "JSON", words), ("", "UTF-16", words), ("postigo.db", "plain", number)} <= found, found
    assert any(place.endswith(" (deleted), held open") and secret == words for place, _, secret in found), found
    assert any(number.encode() in letter for letter in opened), "with keys that should be destroyed"


class Glass:
    """A cipher that hides nothing: the control, with which everything must be found."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def encrypt(self, nonce: bytes, plain: bytes, place: bytes) -> bytes:
        return plain + bytes(16)

    def decrypt(self, nonce: bytes, sealed: bytes, place: bytes) -> bytes:
        return sealed[:-16]


@pytest.mark.parametrize("sealing", [True, False])
async def test_the_same_words_are_found_where_sealing_hides_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, *, sealing: bool
) -> None:
    if not sealing:
        monkeypatch.setattr("bot.storage.envelope.Cipher", Glass)
        monkeypatch.setattr("bot.storage.keyring.Cipher", Glass)
    address, words = canary("address"), canary("own words")
    async with stage.open() as life:
        await life.writes(address, "SOS", "7", "10")
        await life.picks(address, "yes")
        while "What should the mission know?" not in life.last(address):
            await life.writes(address, "skip")
        await life.writes(address, words)
        found = {hit.secret for hit in Search([address, words]).files(files_under(stage.kept))}
    assert found == (set() if sealing else {address, words})
