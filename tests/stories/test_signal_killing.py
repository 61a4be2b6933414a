"""Talks on Signal while the bot is killed again and again: what was seen to be read is never lost.

What nobody had read yet is lost with a killed bot, and with a server that finds no listener: people write it again.
What they saw to be read they don't: a talk that lost such a turn would never come to its end (see `signal_crowd`).
"""

import asyncio
import json
import os
import signal as signals
from pathlib import Path

from fakes_signal import SignalServer, signal_server
from fakes_signal_wire import ACCOUNT
from fakes_smtp import Authority, MailServer, mail_server
from stories.lives import begin, nursery
from stories.program import mission_file, server_lines, settings_file
from stories.signal_crowd import Defender, all_talk, case_of, drawn, expected, script
from stories.sizes import Size
from stories.stage import Inbox, message_ids

PROGRAM = Path(__file__).with_name("signal_bot.py")
AT_ONCE = 10
PATIENCE = 2.0
DEADLINE = 240.0  # seconds for everything, on a machine that does other things
AREAS = {"oax": "Oaxaca", "chp": "Chiapas"}


async def test_what_was_seen_to_be_read_survives_being_killed(
    tmp_path: Path, authority: Authority, officer: Inbox, size: Size
) -> None:
    mission_file(tmp_path, officer.contact.openpgp or "", officer.contact.fingerprint)
    async with (
        signal_server(impatient=True) as signal,
        mail_server(authority.server()) as server,
        asyncio.timeout(DEADLINE),
    ):
        account = f'[signal]\nservice = "{signal.address}"\nnumber = "{ACCOUNT}"'
        settings = settings_file(tmp_path, server_lines(server, authority), account, "warning")
        async with nursery(tmp_path, PROGRAM, settings) as process:
            crowd = [Defender(signal.person(), script(number, AREAS), AREAS, PATIENCE) for number in range(size.people)]
            talking = asyncio.create_task(all_talk(crowd, AT_ONCE))
            for number in range(size.kills):
                await one_life(process, signal, drawn("sends", number, below=size.lives))
            life = await begin(process)
            await talking
            await all_arrived(server, size.people)
            os.kill(life, signals.SIGKILL)
            await signal.deaf()
    every_alert_arrived_once(crowd, server, officer)
    logged = (tmp_path / "stderr").read_text()
    for bad in ("fault", "turn_failed", "report_failed", "restored"):
        assert f'"{bad}"' not in logged


async def one_life(process: asyncio.subprocess.Process, signal: SignalServer, sends: int) -> None:
    """Let the bot live until so many more messages have gone out, then kill it."""
    connections = signal.connections
    life = await begin(process)
    await signal.listening(connections + 1)
    goal = signal.sends + 1 + sends
    await signal.until(lambda: signal.sends >= goal, within=DEADLINE)
    os.kill(life, signals.SIGKILL)
    await signal.deaf()


async def all_arrived(server: MailServer, people: int) -> None:
    while len(message_ids(server.accepted)) < people:
        await server.arrived(len(server.accepted) + 1, within=DEADLINE)


def every_alert_arrived_once(crowd: list[Defender], server: MailServer, officer: Inbox) -> None:
    by_id: dict[str, set[bytes]] = {}
    for taken in server.accepted:
        by_id.setdefault(next(iter(message_ids([taken]))), set()).add(taken.mail)
    assert [len(bodies) for bodies in by_id.values()] == [1] * len(crowd), "a repeat has the same Message-ID and bytes"
    cases = {case["reference"]: case for (mail,) in by_id.values() for case in [json.loads(officer.opened(mail)[2])]}
    for defender in crowd:
        reference, check = case_of(defender)
        case = cases.pop(reference)
        assert case["check"] == check
        answers = {step: [one["name"] for one in told["choices"]] for step, told in case["answers"].items()}
        assert answers == expected(defender)
        assert [one["kind"] for one in case["consents"]] == ["send", "act"]
    assert cases == {}
