"""A crowd on Telegram and Signal at the same time, who answer whatever they are asked, until they have their codes.

In labels: a label answers one question alone, so what is written twice answers no other. Who hears nothing writes
again: the same, if nobody has read it, or HELP, by which the waiting question comes again.
"""

import asyncio
import re
import tomllib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from fakes import FLOW
from fakes_proxy import drawn
from fakes_signal_people import Person as OnSignal
from fakes_telegram_people import Person as OnTelegram
from stories.signal_crowd import ASKS, EVENTS, READING, UNUSED, WANTS

from bot.content import content

PATIENCE = 2.0  # seconds; each time that nobody answers it doubles
LONGEST = 16.0
LONGEST_READING = 5.0  # seconds
BREATH, BREATHS = 0.15, 40  # seconds, and so many at most, in which people hear something between two faults
FINISHED = "Return code "
STANDS = ("Your case left us at", "An officer read your case at")
UNTOLD = {"language", "device", "notice", "review"}  # what isn't for the mission
AREAS: Mapping[str, str] = {
    code: name
    for code, name in tomllib.loads((content("missions") / "us-mexico.toml").read_text("utf-8"))["areas"].items()
    if name in {"Oaxaca", "Chiapas", "Guerrero", "Puebla", "Tabasco", "Sonora", "Jalisco", "Colima", "Durango"}
}


def script(seed: int, number: int) -> dict[str, str]:
    """What one person answers, by question, whichever way they are led."""

    def one(what: str, choices: tuple[str, ...]) -> str:
        return choices[drawn(seed, number, what, below=len(choices))]

    return {
        "sos": one("sos", ("me", "held")),
        "sos_act": one("sos_act", ("act", "talk")),
        "language": "en",
        "device": "maybe",
        "danger": "no",
        "notice": "tell",
        "whom": one("whom", ("me", "group")),
        "event": one("event", EVENTS),
        "area": one("area", (*AREAS,)),
        "want": one("want", WANTS),
        "reply": "here",
        "review": "send",
        "act": one("act", ("act", "talk", "share")),
    }


class Phone:
    """What somebody writes on and reads from, on either channel."""

    def __init__(self, person: OnSignal | OnTelegram) -> None:
        self._person = person

    def writes(self, text: str) -> int:
        """Send a text; return what `is_read` knows it by."""
        sent = self._person.writes(text)
        return sent if isinstance(sent, int) else 0

    def is_read(self, at: int) -> bool:
        """Whether it was seen to be read; on Telegram what was written is never lost, and always will be."""
        receipts = self._person.receipts if isinstance(self._person, OnSignal) else ()
        return isinstance(self._person, OnTelegram) or any(one.of == at for one in receipts)

    @property
    def heard(self) -> list[str]:
        if isinstance(self._person, OnSignal):
            return [said.text for said in self._person.heard]
        return [shown.said for shown in self._person.heard]

    @property
    def count(self) -> int:
        """How many texts were heard."""
        return len(self._person.heard)

    async def hears(self, count: int, within: float) -> bool:
        """Wait for more than so many texts; tell whether they came."""

        def more() -> bool:
            return self.count > count

        until: Callable[[], Awaitable[object]]
        if isinstance(self._person, OnSignal):
            until = lambda: self._person.until(more, within=within)  # type: ignore[union-attr]  # noqa: E731 - a choice
        else:
            until = lambda: self._person.news.until(more, within)  # type: ignore[union-attr]  # noqa: E731 - the same
        try:
            await until()
        except TimeoutError:
            return False
        return True


@dataclass(eq=False)
class Talker:
    """One of the crowd."""

    number: int
    phone: Phone
    script: Mapping[str, str]
    cries: bool
    again: int = 0  # times that nobody answered
    early: int = 0  # times that the bot had not yet noted that its question had arrived: then they read more slowly
    codes: str = ""
    _read: int = 0

    async def talks(self) -> None:
        """Write until the codes have come."""
        text, silences = "SOS" if self.cries else "hello", 0
        at = self.phone.writes(text)
        while not self.codes:
            if await self.phone.hears(self._read, min(PATIENCE * 2**silences, LONGEST)):
                silences = 0
                await asyncio.sleep(min(READING * 2**self.early, LONGEST_READING))
                text = self._answer() or text
            else:
                silences, self.again = silences + 1, self.again + 1
                text = "HELP" if self.phone.is_read(at) else text
            if not self.codes:
                at = self.phone.writes(text)

    async def learns(self, within: float) -> bool:
        """Write once more; tell whether the answer says how the case stands, as was promised: "write at any time"."""
        before, until = len(self.phone.heard), asyncio.get_running_loop().time() + within
        self.phone.writes("What has become of it?")
        while not any(words in text for text in self.phone.heard[before:] for words in STANDS):
            left = until - asyncio.get_running_loop().time()
            if left <= 0 or not await self.phone.hears(len(self.phone.heard), left):
                return False
        return True

    def has_heard(self, words: str) -> bool:
        return any(words in text for text in self.phone.heard)

    def _answer(self) -> str:
        """Read on; return what answers the newest question."""
        texts, self._read = self.phone.heard[self._read :], len(self.phone.heard)
        self.codes = next((text for text in texts if FINISHED in text), "")
        self.early += any(UNUSED in text for text in texts)
        asked = [(text.rfind(ASKS[name]), name) for text in texts[-1:] for name in self.script if ASKS[name] in text]
        return self._label(max(asked)[1]) if asked else ""

    def _label(self, name: str) -> str:
        step, choice = FLOW.steps[name], self.script[name]
        if step.choices_from == "areas":
            return AREAS[choice]
        return str(next(one.label for one in step.choices if one.name == choice))

    def expected(self, *, emergency: bool) -> dict[str, list[str]]:
        """The answers that the mission gets, by the way that this person was led."""
        told = {name: choice for name, choice in self.script.items() if name.startswith("sos") == emergency}
        told["danger"] = self.script["danger"]
        names = {"sos_act": "act"}
        kept = {name: choice for name, choice in told.items() if name not in UNTOLD}
        if emergency:
            kept.pop("danger")
        return {names.get(name, name): [choice] for name, choice in kept.items()}

    @property
    def reference(self) -> str:
        return str(re.findall(r"Case ([0-9A-HJKMNP-TV-Z]{6})\b", self.codes)[-1])

    @property
    def check(self) -> str:
        return str(re.findall(r"Check number ([0-9]{4})\.", self.codes)[-1])


@dataclass
class Crowd:
    """Everybody, so many at once; `done` counts whose talks have ended."""

    people: list[Talker]
    at_once: int
    done: int = 0
    ended: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def talk(self) -> None:
        rooms = asyncio.Semaphore(self.at_once)

        async def one(talker: Talker) -> None:
            async with rooms:
                await talker.talks()
            async with self.ended:
                self.done += 1
                self.ended.notify_all()

        async with asyncio.TaskGroup() as tasks:
            for talker in self.people:
                tasks.create_task(one(talker))

    async def waits(self, seconds: float, enough: int) -> bool:
        """Wait until so many have ended; False: after so many seconds they haven't."""
        try:
            async with asyncio.timeout(seconds), self.ended:
                await self.ended.wait_for(lambda: self.done >= enough)
        except TimeoutError:
            return False
        return True

    async def rests(self, enough: int) -> bool:
        """Wait until those who talk have heard something each, on average; True: so many have ended."""
        before = sum(one.phone.count for one in self.people)
        for _ in range(BREATHS):
            if await self.waits(BREATH, enough):
                return True
            talking = min(self.at_once, len(self.people) - self.done)
            if sum(one.phone.count for one in self.people) - before >= talking:
                break
        return False

    @property
    def stuck(self) -> list[tuple[int, list[str]]]:
        """Whose talks haven't ended, and what they heard last."""
        return [(one.number, one.phone.heard[-2:]) for one in self.people if not one.codes]

    @property
    def ways(self) -> Counter[str]:
        return Counter("again" if one.again else "at once" for one in self.people)
