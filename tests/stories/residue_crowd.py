"""People whose every field and word is a canary, on any channel: each comes so far, and ends in a way of their own.

They answer by labels what stands on the screen, and write again when nobody answers. Nothing here looks at what is
kept: that is the story's.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from zlib import crc32

from fakes import FLOW
from residue import canary
from stories.residue_lines import Line
from stories.stage import DEADLINE

PATIENCE = 1.5  # seconds until somebody writes again whom nobody answers
SLOWER = 5  # times as long as they have waited for an answer before: a bot that can't follow isn't asked ever more
LONGER = 2  # times as long before each further time
END = "You can write here again"  # after a case has been handed over
QUIET = 1.0  # seconds in which the rest comes, where two answers cross
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
    deadline: float = DEADLINE  # real seconds for what comes once, and isn't asked for again
    typed: list[str] = field(default_factory=list)  # every canary that was written
    told: list[str] = field(default_factory=list)
    _codes: set[str] = field(default_factory=set)  # the digits that lead back
    _waited: float = 0.0  # seconds, for the slowest answer
    _lost: int = 0  # how many texts in a row held no question
    _answered: str = ""  # the question that was answered last
    _beside: set[str] = field(default_factory=set)  # questions that were answered in own words first

    @property
    def secrets(self) -> list[str]:
        """All that may stand nowhere: every field, every word, and the digits that lead back."""
        return [*self.line.fields, *self.typed, *self._codes]

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
            patience = max(PATIENCE, SLOWER * self._waited) * LONGER**tries
            new = await self.says(text, within=min(patience, self.deadline))
            tries = 0 if new else tries + 1
            assert tries < TRIES, f"{self.name}: nobody answers {text!r}"
            assert len(self.told) < LONGEST, f"{self.name} comes to no end: {self.told[-2:]}"
            text = await self._next(await self._last(new))

    async def says(self, text: str, within: float = PATIENCE) -> str:
        """Write something; return what is heard next, "" when it is nothing."""
        self.line.writes(text)
        return await self._hears(within)

    async def gets(self, text: str, *wanted: str) -> bool:
        """Write something, once; whether one of these is heard before nothing more comes."""
        new = await self.says(text, self.deadline)
        while new and not any(words in new for words in wanted):
            new = await self._hears(self.deadline)
        return bool(new)

    async def hears(self, words: str) -> str:
        """Wait for words that come by themselves, or in answer to a question for what there is."""
        while not (found := next((text for text in self.told if words in text), "")):
            assert await self._hears(self.deadline), f"{self.name} never heard {words!r}"
        return found

    async def _hears(self, within: float) -> str:
        began = time.monotonic()
        new = await self.line.hears(within)
        if new:
            self._waited = max(self._waited, time.monotonic() - began)
            self.told.append(new)
            self._codes |= {code for found in (CODE, CARRIED) for code in found.findall(new)}
        return new

    async def _last(self, new: str) -> str:
        """The last that is heard: who is asked what they have just answered has written twice, and waits for the rest.

        Else each answer would be taken for that to what was written next, and in the guide nobody finds out of that.
        """
        if new and asked_in(new) == self._answered:
            while more := await self._hears(QUIET):
                new = f"{new}\n{more}"
        return new

    async def _next(self, new: str) -> str:
        """What is written next; "" at the end."""
        if any(words in new for words in self.until):
            return ""
        step = asked_in(new)
        if self.stops and (step == self.stops or any(END in text for text in self.told)):
            return self.last  # also where that question was passed, by an answer that came twice
        self._lost = 0 if step else self._lost + 1
        if not step:  # whoever hears no question for long begins anew: what ended the talk came to nobody
            return "HELP" if self.told and self._lost % 4 else self.first
        if step in CONSENTS:
            await asyncio.sleep(self.line.reading * sum(ASKS[step] in text for text in self.told))  # longer each time
        return self._beside_it(step) or self._answer(step)

    def _beside_it(self, step: str) -> str:
        """Own words, and more, where a choice is expected; "" where nothing is, or is sent already.

        Once for every other question, which of them and what differs from one person to the next.
        """
        if step in WORDS or step in self._beside:
            return ""
        self._beside.add(step)
        match (len(self._beside) + crc32(repr(self.name).encode())) % 6:
            case 1:
                return self.words(step, "beside")
            case 3:
                return f"55 4815 1623 {self.words(step, 'with a number')}"
            case 5 if not self.line.gives(words := self.words(step, "with a photo")):
                return words
        return ""

    def _answer(self, step: str) -> str:
        self._answered = step
        return self.words(step) if step in WORDS else self.road.get(step) or ROAD.get(step) or "SKIP"

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
