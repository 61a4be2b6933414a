"""What an operator's programs are told of a bot to which people write: right numbers, and nothing of anybody."""

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from hashlib import md5, sha1, sha256
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes_gpg import Gpg
from fakes_signal_people import Person
from fakes_signal_wire import ACCOUNT
from fakes_smtp import Authority, MailServer
from operations.asking import Answer, numbers, page
from residue import canary
from residue_forms import forms
from stories.officers_town import OfficersTown, officers_town, on_duty, reference_in, uncovered
from stories.signal_town import SOS, Talks
from stories.stage import DEADLINE, GOOD, Mood

from bot.conversation.model import Sender
from bot.logbook import Event
from bot.operations.health import Wrong
from bot.operations.metrics import TURN_SECONDS
from bot.storage.letters import KINDS

LABELS = {
    "event": {*Event},
    "what": {*Wrong},
    "channel": {"signal"},
    "kind": {*KINDS.values(), "more"},
    "lane": {"urgent", "other"},
    "le": {*map(str, TURN_SECONDS), "+Inf"},
}
NAMES = {
    *("events_total", "turn_seconds_bucket", "turn_seconds_count", "turn_seconds_sum"),
    *("ready", "wrong", "channel_up", "writer_waiting", "day_keys", "talks", "cases_open"),
    *("outbox_rows", "outbox_oldest_seconds", "mail_last_accepted_age_seconds", "messages_kept_out_total"),
}
PROCESS = {
    *("virtual_memory_bytes", "resident_memory_bytes", "start_time_seconds", "cpu_seconds_total"),
    *("open_fds", "max_fds"),
}
SAMPLE = re.compile(r"([a-z_]+)(?:\{(.+)\})? ([0-9.e+-]+|\+Inf)")


@pytest.fixture
async def town(tmp_path: Path, gpg: Gpg, server: MailServer, authority: Authority) -> AsyncIterator[OfficersTown]:
    async with officers_town(tmp_path, gpg, server, authority) as made:
        made.stage.listen = "127.0.0.1:0"
        yield made


class Watcher:
    """An operator's program, which keeps whatever it was told."""

    def __init__(self, bot: Talks) -> None:
        watching = bot.bot.watching
        assert watching is not None
        self.port = watching.listening.port
        self.told: list[Answer] = []

    async def sees(self, path: str) -> Answer:
        self.told.append(await page(self.port, path))
        return self.told[-1]

    async def health(self) -> tuple[int, list[str]]:
        answer = await self.sees("/health")
        return answer.status, answer.body.splitlines()

    async def numbers(self) -> dict[str, float]:
        """What isn't 0, without our name before it."""
        found = numbers((await self.sees("/metrics")).body)
        return {name.removeprefix("postigo_"): value for name, value in found.items() if value}

    def everything(self) -> bytes:
        return repr(self.told).encode()


def events(found: dict[str, float]) -> dict[str, float]:
    of = 'events_total{event="'
    return {name[len(of) : -2]: value for name, value in found.items() if name.startswith(of)}


async def refused(town: OfficersTown, bot: Talks, ana: Person) -> str:
    """Ana cries for help, and the mail server refuses her alert; return the case's reference."""
    reference = reference_in(await bot.says(ana, *SOS))
    await town.mails.offered(1)
    await bot.settled()
    return reference


async def worked(town: OfficersTown, bot: Talks, ana: Person, reference: str, words: Iterator[str]) -> list[str]:
    """The alert leaves for everybody at last, is read, answered, and answered back; return what was written."""
    await bot.later(hours=8)
    await town.mails.arrived(len(town.officers))
    await bot.settled()
    asked, answered = next(words), next(words)
    await town.orders(bot, town.first, f"ack {reference}", f"reply {reference} {asked}", "send")
    assert asked in uncovered(ana.heard[-1].text)
    await bot.says(ana, "ANSWER", answered, "Yes, send it")
    await bot.settled()
    assert answered in town.text_to(town.first, 1)
    return [asked, answered]


async def secrets_of(town: OfficersTown, bot: Talks, people: list[Person], reference: str) -> list[str]:
    """Who they are, what leads to them, and by what they are found in the database."""
    spoken = next(uncovered(said.text) for said in people[0].heard if "Return code " in said.text)
    code = spoken.partition("Return code ")[2].partition(".")[0]
    officers = [one for officer in town.officers for one in (officer.address, officer.phone.uuid)]
    senders = [one.uuid for one in [*people, *(officer.phone for officer in town.officers)]]
    found = await bot.reads(kept)
    hashes = [bot.bot.desk.shelf.who(Sender("signal", uuid)) for uuid in senders] + found
    written = [shown for each in hashes for shown in (each.hex(), b64encode(each).decode()[:20])]
    mails = [
        line for taken in town.mails.accepted for line in re.findall(r"<([^>]+@[^>]+)>", taken.mail.decode("latin-1"))
    ]
    return [*senders, *officers, *mails, *written, reference, code, code.replace(" ", ""), ACCOUNT]


def kept(conn: sa.Connection) -> list[bytes]:
    """Every key of a row."""
    columns = (("talk", "who"), ("docket", "reference"), ("docket", "who"), ("way_back", "code"), ("mark", "hash"))
    sql = [sa.text(f"SELECT {column} FROM {table}") for table, column in columns]  # noqa: S608 - names from above
    return [bytes(row[0]) for one in sql for row in conn.execute(one)]


def shown(secret: str) -> Iterator[bytes]:
    """A secret in every form, hashed ones too."""
    yield from forms(secret)
    for hashed in (sha256, sha1, md5):
        digest = hashed(secret.encode())
        yield from (digest.hexdigest()[:16].encode(), b64encode(digest.digest())[:16])


def found_in(octets: bytes, secrets: list[str]) -> list[str]:
    return [secret for secret in secrets if any(form in octets for form in shown(secret))]


async def test_the_numbers_are_right_and_say_nothing_of_anybody(town: OfficersTown, mood: Mood) -> None:
    words = (canary("watched", number) for number in range(100))
    mood.reply = "550 5.7.1 not from you"
    async with on_duty(town) as bot:
        watcher = Watcher(bot)
        assert await watcher.health() == (200, ["ok"])
        before = await watcher.numbers()
        assert (before["ready"], before['channel_up{channel="signal"}'], before["day_keys"]) == (1, 1, 1)
        assert not {"talks", "cases_open", "mail_last_accepted_age_seconds"} & {*before}

        ana, eva = (town.signal.person(name=next(words)) for _ in range(2))
        written = [next(words) for _ in range(3)]
        await bot.says(eva, *written[:2])
        await bot.says(ana, written[2])
        reference = await refused(town, bot, ana)
        assert await watcher.health() == (200, ["ok"])
        for _ in range(6):
            await bot.later(minutes=1)  # six at once would be a clock that was set
        assert await watcher.health() == (503, ["alerts: an urgent alert has not left for more than 5 minutes"])
        found = await watcher.numbers()
        assert (found["talks"], found["cases_open"]) == (2, 1)
        assert found['outbox_rows{kind="mail",lane="urgent"}'] == 1
        assert found['outbox_oldest_seconds{kind="mail",lane="urgent"}'] == 360
        assert ("ready" in found, found['wrong{what="alerts"}']) == (False, 1)
        told = events(found)
        assert (told["mail_refused"], told["case_handed_off"], told["case_sealed"]) == (1, 1, 1)
        assert found["turn_seconds_count"] == told["turn_taken"] == 6

        mood.reply = GOOD
        written += await worked(town, bot, ana, reference, words)
        assert await watcher.health() == (200, ["ok"])
        await bot.later(minutes=5)
        found = await watcher.numbers()
        told = events(found)
        assert told["mail_accepted"] == len(town.mails.accepted) == len(town.officers) + 1
        assert (told["mail_refused"], told["case_handed_off"], told["case_acknowledged"]) == (1, 1, 1)
        assert (found["ready"], found["talks"], found["cases_open"]) == (1, 1, 1)  # eva's time is over
        assert found["mail_last_accepted_age_seconds"] == 300
        assert not any(name.startswith("outbox") for name in found)
        secrets = [*written, *(await secrets_of(town, bot, [ana, eva], reference))]
    octets = watcher.everything()
    assert len(secrets) > 40 and found_in(octets, secrets) == []
    spoiled = octets + sha256(written[0].encode()).hexdigest().encode() + reference.encode().hex().encode()
    assert found_in(spoiled, secrets) == [written[0], reference]


async def test_every_name_and_every_label_is_of_a_closed_list(town: OfficersTown) -> None:
    async with on_duty(town) as bot:
        watcher = Watcher(bot)
        ana = town.signal.person()
        await bot.says(ana, *SOS)
        await town.mails.arrived(1)
        await bot.settled()
        told = (await watcher.sees("/metrics")).body
    samples = [SAMPLE.fullmatch(line) for line in told.splitlines() if not line.startswith("#")]
    assert all(samples)
    for name, labels, _ in (sample.groups() for sample in samples if sample):
        assert name in {f"postigo_{one}" for one in NAMES} | {f"process_{one}" for one in PROCESS}
        pairs = re.findall(r'([a-z]+)="([^"]*)"', labels or "")
        assert ",".join(f'{label}="{value}"' for label, value in pairs) == (labels or "")
        assert [pair for pair in pairs if pair[1] not in LABELS[pair[0]]] == []
    assert {f"postigo_{one}" for one in NAMES} <= {sample[1] for sample in samples if sample}


async def test_a_channel_that_hears_nobody_is_told_until_it_hears_again(town: OfficersTown) -> None:
    async with on_duty(town) as bot:
        watcher = Watcher(bot)
        connections = town.signal.connections
        await town.signal.stop()
        async with asyncio.timeout(DEADLINE):
            while (await watcher.health())[0] == 200:
                pass
        assert await watcher.health() == (503, ["channel: a channel hears nobody: signal"])
        assert 'channel_up{channel="signal"}' not in await watcher.numbers()
        await town.signal.start()
        await town.signal.listening(connections + 1)
        async with asyncio.timeout(DEADLINE):
            while (await watcher.health())[0] != 200:
                pass
        assert (await watcher.numbers())["ready"] == 1
