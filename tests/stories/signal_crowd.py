"""A crowd on Signal: each answers what stands on the screen, in words, and writes again when nobody answers.

In labels and not in numbers: a label answers one question alone, so that what is written twice answers no other. What
was seen to be read is never written again: then the person asks for HELP, by which the waiting question comes again.
So a talk whose acknowledged answer were lost would never end.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from fakes import FLOW
from fakes_signal_people import Person

READING = 0.1  # seconds: nobody answers what they can't have read yet, and the bot takes no consent from who does
UNUSED = "I have not used it"  # what the bot says of a consent that was written before its question had arrived
FINISHED = "Return code "
EVENTS = ("threat", "attack", "raid")  # of level 2 at least: their alerts leave at once
WANTS = ("officer", "quiet", "public", "observer", "detention", "visit", "funds", "relocation", "digital", "inform")
ASKS = {name: step.ask.partition("{")[0] for name, step in FLOW.steps.items() if not name.startswith("sos_")}
ASKS["sos_act"] = FLOW.steps["sos_act"].ask


def drawn(*what: object, below: int) -> int:
    """Chance that is the same in every run."""
    return int.from_bytes(sha256(repr(("postigo", *what)).encode()).digest()[:8], "big") % below


def script(number: int, areas: Mapping[str, str]) -> dict[str, str]:
    """What one person answers, by question; few alike."""
    if number % 4:
        return {"sos": ("me", "held")[number % 2], "sos_act": ("act", "talk")[number // 4 % 2]}
    return {
        "language": "en",
        "device": "maybe",
        "danger": "no",
        "notice": "tell",
        "whom": "me",
        "event": EVENTS[number // 4 % len(EVENTS)],
        "area": [*areas][number // 8 % len(areas)],
        "want": WANTS[number // 4 % len(WANTS)],
        "reply": ("here", "day", "evening")[number // 12 % 3],
        "review": "send",
        "act": ("act", "talk", "share")[number // 4 % 3],
    }


@dataclass
class Defender:
    """One of the crowd. `patience`: seconds after which they write again, each time later."""

    person: Person
    script: Mapping[str, str]
    areas: Mapping[str, str]
    patience: float
    again: int = 0  # messages written again because nobody answered
    codes: str = ""
    _answered: dict[str, int] = field(default_factory=dict)  # the message that answered a question last, if of use
    _open: int = 0  # messages that wait for an answer
    _step: str = ""  # the newest question
    _read: int = 0  # how far the screen was read

    async def talks(self) -> None:
        """Write until the codes have come; one message at a time, unless nobody answers."""
        text = "SOS" if "sos" in self.script else "hello"
        at, silences = self._writes(text), 0  # one after the other
        while not self.codes:
            silences = 0 if await self._hears(self.patience * (1 + silences)) else silences + 1
            if silences:
                self.again, self._open = self.again + 1, 0
                text = "HELP" if self._is_read(at) else text
                at = self._writes(text, self._step if text != "HELP" else "")
            elif self._open == 0 and self._step:
                await asyncio.sleep(READING)
                seen = self._is_read(self._answered.get(self._step, 0))
                text = "HELP" if seen else self._label(self._step)
                at = self._writes(text, self._step if text != "HELP" else "")

    def _writes(self, text: str, step: str = "") -> int:
        """Write, as an answer to a question where one is named; now and then a frame comes twice."""
        self._open += 1
        at = self.person.writes(text, times=1 + (len(self.person.heard) % 3 == 0))
        if step:
            self._answered[step] = at
        return at

    async def _hears(self, patience: float) -> bool:
        """Wait for a word; read on to the newest question, and whether what was written before it was of use."""
        try:
            await self.person.until(lambda: len(self.person.heard) > self._read, within=patience)
        except TimeoutError:
            return False
        for said in self.person.heard[self._read :]:
            self.codes = self.codes or (said.text if FINISHED in said.text else "")
            found = next((name for name in self.script if ASKS[name] in said.text), "")
            if found:
                self._step, self._open = found, max(self._open - 1, 0)
            if UNUSED in said.text:  # here, or with the question before: what was read is to be written again
                self._answered.pop(self._step, None)
        self._read = len(self.person.heard)
        return True

    def _is_read(self, at: int) -> bool:
        return any(receipt.of == at for receipt in self.person.receipts)

    def _label(self, name: str) -> str:
        step, choice = FLOW.steps[name], self.script[name]
        if step.choices_from == "areas":
            return self.areas[choice]
        return next(one.label for one in step.choices if one.name == choice)


async def all_talk(crowd: list[Defender], at_once: int) -> None:
    """Let everybody talk to the end, so many at once."""
    rooms = asyncio.Semaphore(at_once)

    async def one(defender: Defender) -> None:
        async with rooms:
            await defender.talks()

    async with asyncio.TaskGroup() as tasks:
        for defender in crowd:
            tasks.create_task(one(defender))


def expected(defender: Defender) -> dict[str, list[str]]:
    """The answers that the mission gets: those with a title, and the consent to act under its one name."""
    untold = {"language", "device", "notice", "review"}
    told = {step: choice for step, choice in defender.script.items() if step not in untold}
    return {{"sos_act": "act"}.get(step, step): [choice] for step, choice in told.items()}


def case_of(defender: Defender) -> tuple[str, str]:
    """Reference and check number, as the person was told them."""
    words: Iterator[str] = iter(defender.codes.replace(".", "").split())
    told = [*words]
    return told[told.index("Case") + 1], told[told.index("Check") + 2]
