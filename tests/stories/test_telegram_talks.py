"""A crowd on Telegram at once, in two languages: every one is understood, and none leaves a trace."""

import asyncio
import json
from pathlib import Path

import pytest
from fakes_gpg import Gpg
from fakes_smtp import Authority, MailServer
from storage.canaries import files_under, forms, hits
from stories.sizes import Size
from stories.stage import canary, message_ids
from stories.telegram_crowd import Talker
from stories.telegram_town import GpgInbox, TelegramStage, debugging, question, serial, staged

from bot.signing import signer_in

BY_GPG = 6  # alerts that a real gpg opens: it is slow
WITHIN = 240.0  # seconds for everything, on a machine that does other things


async def test_people_who_write_at_once_are_all_understood_and_none_of_them_leaves_a_trace(
    tmp_path: Path, server: MailServer, authority: Authority, gpg: Gpg, capfd: pytest.CaptureFixture[str], size: Size
) -> None:
    officer = GpgInbox(tmp_path, gpg)
    async with staged(tmp_path, server, authority, officer) as stage, asyncio.timeout(2 * WITHIN):
        with debugging():
            crowd = await everybody_talks(stage, server, size.people)
        secret = [word for one in crowd for word in one.secrets()]
        assert hits(secret, [*files_under(stage.kept), *files_under(stage.keys)]) == []
        logged = capfd.readouterr().err
        assert [word for word in secret if any(form in logged.encode() for form in forms(word))] == []
        assert stage.telegram.token not in logged
        events = [json.loads(line) for line in logged.splitlines()]
        troubles = {one["event"] for one in events if "withheld" in one or one["severity"] in {"warning", "error"}}
        assert troubles == {"profile_findings", "account_dressed"}  # the example mission; the bot's first name
    every_alert_is_right(crowd, server, officer)
    signer = signer_in(stage.keys).certificate
    gpg.must("--import", given=signer.raw)
    for taken in server.accepted[:: size.people // BY_GPG]:
        text, case, signed = officer.opened_by_gpg(taken.mail, stage.clock.at)
        assert (json.loads(case), signed) == (json.loads(officer.opened(taken.mail)[2]), signer.fingerprint)
        assert "Telegram, NOT end-to-end encrypted" in text


async def everybody_talks(stage: TelegramStage, server: MailServer, people: int) -> list[Talker]:
    """So many talks at once, to their end; then time passes until every mail has left."""
    async with stage.open() as life:
        crowd = []
        for number in range(people):
            tag = ("es", "en")[number % 2]
            person = stage.telegram.person(canary(), language_code=(tag, f"{tag}-MX")[number // 2 % 2])
            crowd.append(Talker(number, person, tag, life.sheet))
            crowd[-1].begins()
        await asyncio.gather(*(one.talks(WITHIN) for one in crowd))
        await life.quiet()
        await life.later(minutes=life.bot.knowledge.profile.window_minutes + 1)  # what isn't urgent waits
        await server.arrived(people, within=WITHIN)
        await life.quiet()
        for one in crowd:
            left = life.sheet.words(one.tag, "left")
            assert sum(left in shown.said for shown in one.person.heard) == 1
            talk = await life.kept(one.person)
            assert talk is not None
            assert (talk.step, talk.serial) == ("", max(map(serial, one.person.heard)))
            assert {shown for shown in one.person.messages if shown.buttons} <= {question(one.person)}
    return crowd


def every_alert_is_right(crowd: list[Talker], server: MailServer, officer: GpgInbox) -> None:
    """One mail for each person, opened by us, with what they answered and nothing that they wrote."""
    assert (len(server.accepted), len(message_ids(server.accepted))) == (len(crowd), len(crowd))
    opened = [officer.opened(taken.mail) for taken in server.accepted]
    cases = {case["reference"]: (text, case) for _, text, case in ((s, t, json.loads(c)) for s, t, c in opened)}
    for one in crowd:
        text, case = cases[one.reference]
        assert case["check"] == one.check
        assert {step: [c["name"] for c in told["choices"]] for step, told in case["answers"].items()} == one.expected()
        assert [consent["kind"] for consent in case["consents"]] == ["send", "act"]
        assert "Telegram, NOT end-to-end encrypted" in text
        assert not [word for word in one.secrets() if word in text or word in json.dumps(case)]
