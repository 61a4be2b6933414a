"""What the officer reads at 3 a.m.: level and why, what must not be done, what is asked, how to answer; then the rest.

In the officer's language whatever language the person used; only the person's own words stay as written.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from pydantic import BaseModel, ConfigDict

from bot.conversation.flow import Flow
from bot.conversation.model import Answer, Line, Words
from bot.conversation.reading import parsed
from bot.handoff.case import Case, chosen, may_act
from bot.handoff.triage import Triage

SCHEMA = 1  # of case.json
AREAS, ABROAD = "areas", "abroad"  # what a profile fills in; its code for what lies outside the country
_COMMA = re.compile("[,،、]")
_FIRST_SCREEN = frozenset({"want", "reply", "donts", "act"})  # answers that stand above already


@dataclass(frozen=True, slots=True)
class AlertParts:
    """One mail before it is sealed."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    case_json: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Texts:
    """Words for officers by name, English: those of the alert, or those of what else they hear."""

    texts: Mapping[str, str]
    kind: str = "alert"

    def messages(self) -> Iterator[tuple[str, str]]:
        """Yield (context, message id): "alert.level_1", "duty.ping"."""
        yield from ((f"{self.kind}.{name}", text) for name, text in self.texts.items())


def words_of(text: str) -> tuple[str, ...]:
    """Return what may be typed for one order: the words between commas of any script."""
    return tuple(word.strip() for word in _COMMA.split(text) if word.strip())


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom an alert is written: language and clock of one officer, and the texts it is made of."""

    words: Words
    zone: tzinfo
    place: str  # the zone's city in the officer's language
    languages: Mapping[str, str]  # names of languages in the officer's language
    flow: Flow
    triage: Triage
    texts: Texts
    country: str = ""  # in which the areas lie, in the officer's language; "" if in several
    duty: Texts = field(default_factory=lambda: Texts({}, "duty"))

    def say(self, name: str, **values: str) -> str:
        """Return a text of the alert."""
        return self.words(f"alert.{name}", self.texts.texts[name], values)

    def note(self, line: Line) -> str:
        """Return a text that isn't the alert's, by its name: "duty.note_read"."""
        return self.words(line.name, self.duty.texts[line.name.removeprefix("duty.")], dict(line.values))

    def order(self, verb: str) -> str:
        """Return the word by which an officer orders something, as this one's language has it first."""
        return words_of(self.note(Line(f"duty.word_{verb}")))[0]

    def clock(self, at: datetime) -> str:
        """Return a moment as this officer reads it: "2026-11-21 08:20"."""
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def because(self, rules: tuple[str, ...]) -> str:
        """Return the reasons of triage, in words."""
        texts = dict(self.triage.messages())
        return "; ".join(self.words(f"triage.{rule}", texts[f"triage.{rule}"]) for rule in rules)

    def labels(self, answer: Answer) -> str:
        """Return the labels of what was chosen."""
        return ", ".join(self.label(answer.step, choice) for choice in answer.choices)

    def label(self, step_name: str, choice: str) -> str:
        """Return one choice's label; what the present flow no longer knows stays a name."""
        step = self.flow.step(step_name)
        named = {one.name: one.label for one in step.choices} if step else {}
        if step is None or choice not in named:
            return choice
        label = self.words(self.flow.context(step, choice), named[choice])
        lies = step.choices_from == AREAS and choice != ABROAD and self.country
        return f"{label}, {self.country}" if lies else label

    def title(self, step_name: str) -> str:
        """Return the short title of a step."""
        step = self.flow.step(step_name)
        return self.words(self.flow.context(step, "title"), step.title) if step else step_name


@dataclass(frozen=True, slots=True)
class Ways:
    """How one officer may answer a case through the bot."""

    bot: str = ""  # where it is on Signal; "": this officer has no account there that it knows
    token: str = ""  # what acknowledges the case in a signed mail; "": no mail is read


NO_WAYS = Ways()


def compose(case: Case, reader: Reader, ways: Ways = NO_WAYS) -> AlertParts:
    """Return the alert of `case` for one reader: subject, text and case.json."""
    told = case.told
    subject = reader.say("subject_added" if case.added else "subject", reference=told.reference, level=str(told.level))
    rest = (*_rest(case, reader), *_how_to_answer(case, reader, ways))
    lines = (*_first_screen(case, reader), "", *rest, "", reader.say("unverified"))
    return AlertParts(subject, "\n".join(lines) + "\n", _json(case, reader))


def compose_test(reader: Reader) -> AlertParts:
    """Return a test alert: it says that it is one, inside."""
    body = json.dumps({"schema": SCHEMA, "test": True})
    return AlertParts(reader.say("subject_test"), reader.say("test") + "\n", body)


def _first_screen(case: Case, reader: Reader) -> Iterator[str]:
    told = case.told
    level = reader.say(f"level_{told.level}")
    if told.raised_from:
        level = f"{level} ({reader.say('raised', level=str(told.raised_from))})"
    because = reader.because(told.reasons)
    parts = (level, reader.say("added") if case.added else "", because)
    yield " · ".join(part for part in parts if part)
    yield f"{reader.say('donts')}: {_donts(case, reader)}"
    yield f"{reader.say('asks')}: {_asks(case, reader)}"
    yield f"{reader.say('answer')}: {_answer(case, reader)}"
    yield f"{reader.say('may')}: {reader.say(f'may_{may_act(told)}')}"
    if case.authorities_unsaid:
        yield reader.say("unsaid_authorities")


def _donts(case: Case, reader: Reader) -> str:
    if case.donts is None:
        before = reader.say("as_before")
        return f"{reader.say('dont_act')}, {before}" if may_act(case.told) == "talk" else before
    named = ", ".join(reader.say(f"dont_{name}") for name in case.donts)
    return named or reader.say("donts_none")


def _asks(case: Case, reader: Reader) -> str:
    if "want" in case.answers:
        return reader.labels(case.answers["want"])
    if case.added:
        return reader.say("as_before")
    return reader.say("asks_unknown" if "sos" in case.answers else "asks_skipped")


def _answer(case: Case, reader: Reader) -> str:
    if "handle" in case.answers and case.answers["handle"].words:
        return f"{reader.say('answer_elsewhere')}: {_in_one_line(case.answers['handle'].words)}"
    reply = next(iter(chosen(case.answers, "reply")), "")
    if case.told.closed:  # the mails before tell of a way that is none any more
        return reader.say("answer_closed")
    if not reply and case.added:
        return reader.say("as_before")
    return reader.say(f"answer_{reply or 'unknown'}", place=reader.place)


def _in_one_line(words: str) -> str:
    return f"“{' '.join(words.split())}”"


def _rest(case: Case, reader: Reader) -> Iterator[str]:
    told = case.told
    yield f"{reader.say('reference')}: {told.reference}"
    yield f"{reader.say('check')}: {told.check}"
    yield f"{reader.say('written')}: {_written(told.at, reader)}"
    language = reader.languages.get(told.language, told.language) or reader.say("language_unknown")
    yield f"{reader.say('language')}: {language}"
    yield f"{reader.say('channel')}: {reader.say(f'channel_{told.channel}')}"
    if case.desk:
        yield f"{reader.say('desk')}: {reader.say(f'desk_{case.desk}')}"
    yield ""
    yield f"{reader.say('answers')}:"
    yield from (f"{reader.title(one.step)}: {reader.labels(one)}" for one in _listed(case) if one.choices)
    yield from _flags(case, reader)
    yield from _own_words(case, reader)


def _how_to_answer(case: Case, reader: Reader, ways: Ways) -> Iterator[str]:
    """Tell what to type, exactly: at night nobody looks it up."""
    told = case.told
    if ways != NO_WAYS:
        yield ""
        yield f"{reader.say('to_answer')}:"
    if ways.bot:
        yield reader.say("by_signal", bot=ways.bot)
        yield f"  {reader.say('order_ack', ack=reader.order('ack'), reference=told.reference)}"
        if not told.closed:
            yield f"  {reader.say('order_reply', reply=reader.order('reply'), reference=told.reference)}"
    if ways.token:
        yield reader.say("by_mail", token=ways.token)


def _listed(case: Case) -> Iterator[Answer]:
    yield from (answer for step, answer in case.answers.items() if step not in _FIRST_SCREEN)


def _flags(case: Case, reader: Reader) -> Iterator[str]:
    if case.unasked:
        yield reader.say("third_unasked")
    if case.minor:
        yield reader.say("minor")
    yield reader.say("consent_send")


def _own_words(case: Case, reader: Reader) -> Iterator[str]:
    for answer in case.answers.values():
        if answer.words:
            language = reader.languages.get(answer.language, answer.language)
            yield ""
            yield f"{reader.title(answer.step)} – {reader.say('words', language=language)}:"
            yield from (f"> {line}" for line in answer.words.splitlines())


def _written(at: datetime | None, reader: Reader) -> str:
    if at is None:
        return "?"
    return f"{at.astimezone(reader.zone):%Y-%m-%d %H:%M} ({reader.place})"


def _json(case: Case, reader: Reader) -> str:
    """Return case.json: names for programs, labels for people, times in UTC (RFC 3339)."""
    told = case.told
    body = {
        "schema": SCHEMA,
        "reference": told.reference,
        "number": told.number,
        "level": told.level,
        "raised_from": told.raised_from,
        "reasons": [{"name": name, "text": reader.because((name,))} for name in told.reasons],
        "check": told.check,
        "written_at": told.at.astimezone(UTC).isoformat(timespec="minutes") if told.at else None,
        "channel": {"name": told.channel, "end_to_end": told.channel == "signal"},
        "language": told.language,
        "may_act": may_act(told),
        "donts": case.donts,
        "desk": case.desk or None,
        "could_not_be_asked": case.unasked,
        "minor": case.minor,
        "consents": [
            {"kind": one.kind, "choice": one.choice, "version": one.version, "at": _utc(one.at)}
            for one in told.consents
        ],
        "answers": {step: _answer_json(answer, reader) for step, answer in case.answers.items()},
        "verified": False,
    }
    return json.dumps(body, ensure_ascii=False, indent=1)


def _answer_json(answer: Answer, reader: Reader) -> dict[str, object]:
    body: dict[str, object] = {"title": reader.title(answer.step)}
    if answer.choices:
        body["choices"] = [{"name": name, "label": reader.label(answer.step, name)} for name in answer.choices]
    if answer.words:
        body |= {"words": answer.words, "language": answer.language}
    return body


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="minutes")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    alert: dict[str, str]


class _DutyFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    duty: dict[str, str]


def read_duty(toml: str, file: str) -> Texts:
    """Return the texts for officers besides the alert. Raises FlowError that names `file`."""
    return Texts(parsed(_DutyFile, toml, file).duty, "duty")


def read_alert(toml: str, file: str) -> Texts:
    """Return the texts of the alert. Raises FlowError that names `file`."""
    return Texts(parsed(_File, toml, file).alert)
