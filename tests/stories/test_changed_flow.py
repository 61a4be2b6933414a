"""The questions change while talks are stored: the bot goes on at the nearest step, says so once, loses nothing."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes_smtp import Authority, MailServer, mail_server
from stories.stage import Inbox, Stage, posted_to

from bot import knowledge
from bot.content import content

CHANGED = "My questions have changed since you last wrote."
WANT = 'name = "want"\ntitle'


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[MailServer]:
    async with mail_server(authority.server()) as server:
        yield server


@pytest.fixture
def stage(tmp_path: Path, server: MailServer, authority: Authority, officer: Inbox) -> Stage:
    changes = {"languages": ("en",), "window_minutes": 0}
    return Stage(tmp_path, posted_to(server, authority), (officer.contact,), changes=changes)


@pytest.fixture
def changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flows of which one question was taken out, for the lives that begin from now on."""
    flows = tmp_path / "flows"
    shutil.copytree(content("flows"), flows)
    intake = flows / "intake.toml"
    before = intake.read_text("utf-8")
    first, _, rest = before.partition(f"[[step]]\n{WANT}")
    assert rest
    _, step, rest = rest.partition("[[step]]\n")
    after = (first + step + rest).replace('next.otherwise = "want"', 'next.otherwise = "reply"')
    after = after.replace('like = "want"', 'like = "event"')
    intake.write_text(after, "utf-8")
    monkeypatch.setattr(knowledge, "content", lambda name: tmp_path / name if name == "flows" else content(name))


async def test_a_talk_whose_question_was_taken_out_goes_on_at_the_one_before_it(
    stage: Stage, server: MailServer, officer: Inbox, request: pytest.FixtureRequest
) -> None:
    async with stage.open() as life:
        await life.writes("ana", "hello")
        await life.picks("ana", "en", "no", "no", "tell", "me", "surveillance", "oax")
        assert "What do you want from the mission?" in life.last("ana")
    request.getfixturevalue("changed")
    async with stage.open() as life:
        assert life.bot.knowledge.content.flow.step("want") is None
        answer = await life.writes("ana", "2")
        assert answer.startswith(CHANGED)
        assert "In which state or area?" in answer
        await life.picks("ana", "pue", "here", "send", "act")
        assert life.times_told("ana", CHANGED) == 1
    case = json.loads(officer.opened(server.accepted[0].mail)[2])
    kept = {step: [one["name"] for one in answer["choices"]] for step, answer in case["answers"].items()}
    assert (kept["event"], kept["area"], kept["reply"]) == (["surveillance"], ["pue"], ["here"])
    assert "want" not in kept


async def test_a_talk_whose_question_still_stands_is_told_and_goes_on_there(
    stage: Stage, request: pytest.FixtureRequest
) -> None:
    async with stage.open() as life:
        await life.writes("ana", "hello")
        await life.picks("ana", "en", "no", "no", "tell", "me")
    request.getfixturevalue("changed")
    async with stage.open() as life:
        answer = await life.writes("ana", "5")
        assert answer.startswith(CHANGED)
        assert "In which state or area?" in answer
        assert CHANGED not in await life.picks("ana", "oax")


async def test_words_of_a_flow_that_is_gone_are_dropped_and_hold_up_nothing(
    stage: Stage, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage.open() as life:
        await life.writes("ana", "hello")
        await life.picks("ana", "en", "no", "no", "tell", "me", "surveillance")
        life.town.refusals["ana"] = [ConnectionError()]
        await life.writes("ana", "oax", settle=False)
        await life.writes("ana", "20")
    request.getfixturevalue("changed")
    stage.clock.move(minutes=1)
    async with stage.open() as life:
        await life.settled()
        assert await life.rows("say") == 0
        shown = [record.msg.shown["event"] for record in caplog.records if hasattr(record.msg, "shown")]
        assert shown.count("effect_unreadable") == 1, "of two questions that wait only the newer one is looked at"
        assert (await life.writes("ana", "hello")).startswith(CHANGED)
