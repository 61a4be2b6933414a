"""People whose every field and word is a canary, on any channel: each comes so far, and ends in a way of their own.

They answer by labels what stands on the screen, and write again when nobody answers. Nothing here looks at what is
kept: that is the story's.
"""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fakes import FLOW
from fakes_signal_people import Person as OnPhone
from fakes_telegram_people import Person as InChat
from residue import canary
from stories.program import Running
from stories.stage import DEADLINE

PATIENCE = 1.0  # seconds until somebody writes again whom nobody answers
TRIES = 60
LONGEST = 200  # texts that anybody hears on any way
CODE = re.compile(r"Return code (\d{4} \d{4} \d{4} \d{4})")
REFERENCE = re.compile(r"Case (\w{6})\b")
CARRIED = re.compile(r"\b\d{4} \d{4} \d{4}\b")

ROAD: Mapping[str, str] = {
    "language": "English",
    "device": "Maybe",
    "danger": "Not now",
    "notice": "Tell the mission what happened",
    "whom": "For me",
    "event": "Threats or intimidation",
    "area": "Oaxaca",
    "want": "Quiet contact with authorities",
    "reply": "Here, at any hour",
    "review": "Yes, send it",
    "act": "Yes, they may act",
    "more": "No",
    "sos": "Yes, I am in danger",
    "sos_act": "They may act",
    "sos_more": "No",
    "sos_event": "Threats or intimidation",
    "after": "Nothing for now",
    "add_send": "Yes, send it",
    "interpreter": "Another one",
    "tongue": "Another one",
    "readable": "English",
    "guide_found": "Other topics",
}
ASKS = {name: max(re.split(r"\{\w+\}", step.ask), key=len).strip() for name, step in FLOW.steps.items()}
ASKS["guide_found"] = "I found more than one topic. Which one?"  # by words that were written twice
WORDS = {name for name, step in FLOW.steps.items() if step.kind == "words"}
CONSENTS = {"sos", "sos_act", "review", "act"}


class Line(ABC):
    """What a person writes through. `fields`: all that a channel knows of them."""

    fields: tuple[str, ...] = ()
    reading = 0.06  # seconds: nobody consents to what they can't have read yet

    @abstractmethod
    def writes(self, text: str) -> None: ...

    @abstractmethod
    async def hears(self, within: float) -> str:
        """Wait for something new; return all of it, or "" when the time is over."""

    def gives(self, words: str) -> None:
        """Send something else that holds words, where that can be."""
        self.writes(words)


class SignalLine(Line):
    """A phone with Signal."""

    def __init__(self, person: OnPhone) -> None:
        self._person, self._read = person, 0
        self.fields = (person.uuid, person.name, *([person.number] if person.number else []))

    def writes(self, text: str) -> None:
        self._person.writes(text)

    def gives(self, words: str) -> None:
        self._person.sends_file(words)

    async def hears(self, within: float) -> str:
        try:
            await self._person.until(lambda: len(self._person.heard) > self._read, within=within)
        except TimeoutError:
            return ""
        new = self._person.heard[self._read :]
        self._read = len(self._person.heard)
        return "\n".join(one.text for one in new)


class TelegramLine(Line):
    """A chat in Telegram, which dates in whole seconds: what is written within the same one is dated before."""

    reading = 1.05

    def __init__(self, person: InChat) -> None:
        self._person, self._read = person, 0
        self.fields = (str(person.id), *(str(person.user[one]) for one in ("first_name", "last_name", "username")))

    def writes(self, text: str) -> None:
        self._person.writes(text)

    def gives(self, words: str) -> None:
        self._person.sends("photo", caption=words)

    async def hears(self, within: float) -> str:
        try:
            await self._person.news.until(lambda: len(self._person.heard) > self._read, within)
        except TimeoutError:
            return ""
        new = self._person.heard[self._read :]
        self._read = len(self._person.heard)
        return "\n".join(one.said for one in new)


class TerminalLine(Line):
    """The pipes of a program."""

    def __init__(self, program: Running) -> None:
        self._program, self._read = program, len(program._said)

    def writes(self, text: str) -> None:
        self._program.write(text)

    async def hears(self, within: float) -> str:
        try:
            async with asyncio.timeout(within), self._program._news:
                await self._program._news.wait_for(self._more)
        except TimeoutError:
            return ""
        new = self._new()
        self._read += len(new)
        return new.decode()

    def _new(self) -> bytes:
        """What was said since, up to the end of a text."""
        new = bytes(self._program._said[self._read :])
        return new[: new.rfind(b"\n\n") + 2] if b"\n\n" in new else b""

    def _more(self) -> bool:
        return bool(re.sub(rb"(?m)^> .*$", b"", self._new()).strip()) or self._program.ended


@dataclass
class Writer:
    """One person. `road`: what is answered otherwise than by most; `stops`: the question at which `last` is written."""

    line: Line
    name: tuple[object, ...]
    road: Mapping[str, str] = field(default_factory=dict)
    first: str = "hello"
    stops: str = ""
    last: str = ""
    until: tuple[str, ...] = ()  # words that end the talk, one of these
    typed: list[str] = field(default_factory=list)  # every canary that was written
    told: list[str] = field(default_factory=list)
    _lost: int = 0  # how many texts in a row held no question
    _beside: set[str] = field(default_factory=set)  # questions that were answered in own words first

    @property
    def secrets(self) -> list[str]:
        """All that may stand nowhere: every field, every word, and the digits that lead back."""
        codes = {code for text in self.told for found in (CODE, CARRIED) for code in found.findall(text)}
        return [*self.line.fields, *self.typed, *codes]

    @property
    def reference(self) -> str:
        """The number of the case; "" before there is one."""
        return next((found[1] for text in self.told if (found := REFERENCE.search(text))), "")

    @property
    def code(self) -> str:
        """The return code."""
        return next(found[1] for text in self.told if (found := CODE.search(text)))

    async def talks(self) -> None:
        """Write until the talk is at its end."""
        text, tries = self.first, 0
        while text:
            new = await self.says(text)
            tries = 0 if new else tries + 1
            assert tries < TRIES, f"{self.name}: nobody answers {text!r}"
            assert len(self.told) < LONGEST, f"{self.name} comes to no end: {self.told[-2:]}"
            text = await self._next(new)

    async def says(self, text: str) -> str:
        """Write something; return what is heard next, "" when it is nothing."""
        self.line.writes(text)
        return await self._hears(PATIENCE)

    async def gets(self, text: str, *wanted: str) -> bool:
        """Write something; whether one of these is heard before nothing more comes."""
        new = await self.says(text) or await self._hears(DEADLINE)
        while new and not any(words in new for words in wanted):
            new = await self._hears(DEADLINE)
        return bool(new)

    async def hears(self, words: str) -> str:
        """Wait for words that come by themselves, or in answer to a question for what there is."""
        for _ in range(TRIES):
            if found := next((text for text in self.told if words in text), ""):
                return found
            await self._hears(PATIENCE)
        raise AssertionError(f"{self.name} never heard {words!r}")

    async def _hears(self, within: float) -> str:
        new = await self.line.hears(within)
        if new:
            self.told.append(new)
        return new

    async def _next(self, new: str) -> str:
        """What is written next; "" at the end."""
        if any(words in new for words in self.until):
            return ""
        step = asked_in(new)
        self._lost = 0 if step else self._lost + 1
        if not step:  # whoever hears no question for long begins anew: what ended the talk came to nobody
            return "HELP" if self.told and self._lost % 4 else self.first
        if step == self.stops:
            return self.last
        if step in CONSENTS:
            await asyncio.sleep(self.line.reading * sum(ASKS[step] in text for text in self.told))  # longer each time
        return self._answer(step)

    def _answer(self, step: str) -> str:
        """Own words where a choice is expected, once each; then what answers."""
        if step in WORDS:
            return self.words(step)
        if step not in self._beside:
            self._beside.add(step)
            kind = len(self._beside) % 4
            if kind == 1:
                return self.words(step, "beside")
            if kind == 2:
                return f"55 4815 1623 {self.words(step, 'with a number')}"
            if kind == 3:
                self.line.gives(self.words(step, "with a photo"))
        return self.road.get(step) or ROAD.get(step) or "SKIP"

    def words(self, *what: object) -> str:
        """A canary of theirs, noted; most are written as people write, with more around them."""
        made = f"{canary(*self.name, *what)} ñ“\\"
        self.typed.append(made)
        return made


def asked_in(text: str) -> str:
    """The question that a text ends with; "" for none."""
    found = [(text.rfind(ask) + len(ask), len(ask), name in ROAD, name) for name, ask in ASKS.items() if ask in text]
    return max(found)[-1] if found else ""


# ── the ways to end ──────────────────────────────────────────────────────────────────────────────────────

END = "You can write here again"  # after a case has been handed over
ERASED, STOPPED = "Our copy is deleted", "I stop here"
ADDS = {"more": "Yes", "sos_more": "Yes", "sos": "Yes, I am in danger"}
NOTES = {
    "notice": "Read what a mission can do",
    "learn": "Read more, by topic",
    "guide": "Prepare a note to take along",  # by its words it leads to a topic, and on from there
    "guide_one_page": "What can go wrong",
    "guide_one_page_risk": "How to ask for it",
    "guide_one_page_how": "Prepare a note to take along",
    "note": "Yes",
}
SHORT = {"first": "SOS", "until": (END,)}

WAYS: Mapping[str, Mapping[str, object]] = {
    "silent": {"stops": "reply", "last": ""},
    "erases": {"stops": "want", "last": "ERASE", "until": (ERASED,)},
    "sends": {"until": (END,), "road": {"language": "I prefer another language"}},
    "asks for help": SHORT,
    "is answered": SHORT,
    "stops": {"stops": "area", "last": "STOP", "until": (STOPPED,)},
    "adds": {"first": "SOS", "until": (END,), "road": ADDS},
    "erases a case": {"first": "SOS", "until": (ERASED,), "stops": "sos_more", "last": "ERASE"},
    "notes": {"until": ("This is your note",), "road": NOTES},
    "comes back": {"first": "hello", "until": (END,), "road": {"reply": "I will write with my code"}},
}


def everybody(line: Callable[[int, str], Line], people: int, channel: str) -> dict[str, list[Writer]]:
    """So many people on a channel, by the way in which each ends."""
    crowd: dict[str, list[Writer]] = {way: [] for way in WAYS}
    ways = [*WAYS]
    for number in range(people):
        way = ways[number % len(ways)]
        crowd[way].append(Writer(line(number, channel), (channel, number), **WAYS[way]))  # type: ignore[arg-type]
    return crowd
