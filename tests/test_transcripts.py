"""Talks written down as tests, replayed in every complete language.

In a transcript, `> ` is the person: numbers or own words as they are, names of offered choices as that language's
labels, {language} as its own name, {topic visas} as that topic's title, {several} as a word that leads to several
topics, {crisis} as words of somebody who may end their life, and a COMMAND as that language's word for it. `< ` names
what is said, a line for each message. `! ` is any other effect. `~ ` is what happens outside: time that passes, a
report, or what the mission does. The header may name a channel other than the terminal, and channels on which it
can't be replayed with the real adapter: see tests/stories/test_transcripts_on_channels.py.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import pytest
from fakes import CATALOGS, COMMANDS, FLOW, GUIDE, OFFERED, PHRASES, RENDER, TRIAGE, Talk, finding

from bot.content import content
from bot.conversation.events import (
    Accepted,
    Acknowledged,
    Bounced,
    Closed,
    Due,
    FromMission,
    Levelled,
    Placed,
    Refused,
    Relayed,
    Sealed,
    Trying,
)
from bot.conversation.flow import Ask
from bot.conversation.model import Clear, Kind, Outcome, Say, Timer
from bot.conversation.transcript import written_down
from bot.language.catalogs import LANGUAGES
from bot.language.vocabulary import split_words

FOLDER = Path(__file__).parent / "transcripts"
FILES = sorted(FOLDER.glob("*.txt"))
BECAUSE = dict(TRIAGE.messages())

FROM_MISSION: Mapping[str, Callable[[int, datetime], FromMission]] = {
    "acknowledged": lambda _, now: Acknowledged(now),
    "relayed": lambda _, now: Relayed(f"We have read it at {now:%H:%M}. Is it safe to go on?"),
    "bounced": lambda number, _: Bounced(number),
    "levelled": lambda level, _: Levelled(level),
    "closed": lambda _number, _now: Closed(),
}

REPORTS: Mapping[str, Callable[[Talk, int], object]] = {
    "sealed": lambda talk, number: talk.tell(Sealed(number)),
    "trying": lambda talk, number: talk.tell(Trying(number)),
    "refused": lambda talk, number: talk.tell(Refused(number)),
    "placed": lambda talk, number: talk.tell(Placed(number)),
    "accepted": lambda talk, number: talk.tell(Accepted(number, talk.now)),
    "late": lambda talk, number: talk.tell(Due(Timer.LATE, number)),
    "give_up": lambda talk, number: talk.tell(Due(Timer.GIVE_UP, number)),
    "gather": lambda talk, _: talk.tell(Due(Timer.GATHER, talk.talk.gathering)),
    "clear": lambda talk, _: talk.tell(Due(Timer.CLEAR, 0)),
    "unread": lambda talk, number: talk.tell(Due(Timer.UNREAD, number)),
    "carried": lambda talk, _: talk.carry(elsewhere(talk.hint)),
    "code_unknown": lambda talk, _: talk.carry(None),
}


def elsewhere(tag: str) -> Talk:
    """A talk on Telegram that has come to its second question."""
    talk = Talk(channel="telegram")
    talk.hint = tag
    return talk.write("hello").picks(tag, "no", "soon", "tell", "me")


def replay(script: str, tag: str) -> str:
    """Return the transcript that the script's `> ` and `~ ` lines give in this language."""
    lines = script.splitlines()
    channel = next((line.split()[-1] for line in lines if line.startswith("# channel:")), "terminal")
    talk = Talk(channel=channel)
    talk.hint = tag
    return "\n".join(line for row in lines for line in _answered(row, talk, tag)) + "\n"


def _answered(row: str, talk: Talk, tag: str) -> Iterator[str]:
    if row.startswith(("< ", "! ")):
        return
    yield row
    before = talk.conversation
    talk.outcome = Outcome(before)
    _carry_out(row, talk, tag)
    yield from _told(talk.outcome, talk, tag)
    if not talk.outcome.erase and before and talk.conversation is None:
        yield "! forget"


def _carry_out(row: str, talk: Talk, tag: str) -> None:
    if row.startswith("> "):
        _write(row[2:], talk, tag)
    elif row.startswith("~ "):
        _happen(row[2:].split(), talk)


def _write(text: str, talk: Talk, tag: str) -> None:
    kind = next((kind for kind in Kind if text == f"({kind})"), Kind.TEXT)
    talk.write("" if kind is not Kind.TEXT else in_language(text, talk, tag), kind=kind)


def in_language(text: str, talk: Talk, tag: str) -> str:
    """Return what a person who reads `tag` writes for this line of a transcript."""
    words = CATALOGS.words(tag)
    if text.startswith("{"):
        return _meant(text.strip("{}"), tag)
    for row in COMMANDS.rows:
        if text == row.name.upper():
            return split_words(words(f"command.{row.name}", row.words))[0].upper()
    step = FLOW.step(talk.conversation.step) if talk.conversation else None
    names = text.split(", ")
    if step is None or not {*names} <= {*step.names()}:
        return text
    if step.kind is Ask.SEVERAL or step.choices_from:
        return talk.numbers(*names)
    label = next(choice.label for choice in step.choices if choice.name == text)
    return words(FLOW.context(step, text), label)


def _meant(what: str, tag: str) -> str:
    """Return the words of a language for what stands in braces."""
    if what == "language":
        return LANGUAGES[tag].autonym
    if what == "several":
        return finding(tag)
    if what == "crisis":
        return PHRASES.get(tag, PHRASES["en"]).words[0]
    name = what.removeprefix("topic ")
    title = next(topic.title for topic in GUIDE.topics if topic.name == name)
    return CATALOGS.words(tag)(f"guide.{name}.title", title)


def _happen(row: list[str], talk: Talk) -> None:
    number = int(row[1]) if len(row) > 1 and row[1].isdecimal() else 0
    if row[0] in REPORTS:
        REPORTS[row[0]](talk, number)
    elif row[0] in FROM_MISSION:
        talk.tell(FROM_MISSION[row[0]](number, talk.now))
    else:
        talk.wait(**{row[1]: float(row[0])})


def _told(outcome: Outcome, talk: Talk, tag: str) -> Iterator[str]:
    for effect in outcome.effects:
        if isinstance(effect, Say):
            assert effect.languages == (tag,)
            text = RENDER(effect)
            assert text.strip()
            assert "{" not in text
    yield from written_down(outcome, talk.now, BECAUSE)


def test_every_language_with_a_catalog_is_complete_and_replayed() -> None:
    begun = {path.parent.parent.name for path in content("locales").glob("*/LC_MESSAGES/bot.po")}
    assert {*OFFERED} == {"en"} | begun
    assert len(FILES) >= 10


@pytest.mark.parametrize("tag", OFFERED)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_transcript_is_what_is_said(path: Path, tag: str) -> None:
    script = path.read_text("utf-8")
    assert replay(script, tag) == script


def test_the_transcripts_visit_every_step_of_the_flow() -> None:
    """A question nobody has read in a talk is a question nobody has read."""
    rows = [row for path in FILES for row in path.read_text("utf-8").splitlines() if row.startswith("< ")]
    said = {name for row in rows for name in row.split()}
    assert {step.spoken for step in FLOW.steps.values() if not step.file} - said == set()
    assert {"guide", "guide.branch", "guide.found"} <= said
    told = {topic.name for topic in GUIDE.topics if f"guide.{topic.name}.what" in said}
    assert len(told) >= 3
    assert {f"guide.{name}.{part}" for name in told for part in ("risk", "how")} <= said


def test_a_wish_to_clear_the_messenger_is_written_down() -> None:
    talk = Talk()
    assert list(written_down(Outcome(None, (Clear(("1", "2")),), erase=True), talk.now, BECAUSE)) == [
        "! clear 2",
        "! erase",
    ]


def test_a_rehearsal_s_transcript_can_be_replayed() -> None:
    """What `rehearse --save` writes is written by the same function."""
    script = "> SOS\n> 7\n> 10\n> 2\n"
    told = replay(script, "en")
    assert told.splitlines()[:2] == ["> SOS", "< sos risk_short sos unsent"]
    assert replay(told, "en") == told
