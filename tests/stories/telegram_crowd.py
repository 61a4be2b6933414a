"""People on Telegram who answer whatever they are asked, each in a way of their own, with what goes wrong there."""

import re
from dataclasses import dataclass, field

from fakes_telegram_chats import Shown
from fakes_telegram_people import Person
from stories.stage import canary
from stories.telegram_town import Sheet, drawn, serial

WAYS = ("taps", "numbers", "labels", "words", "mixed")
GRAVE = ("threat", "attack", "raid")  # each of level 2 at least: such a case leaves at once
EVENTS = (*GRAVE, "surveillance", "family")
WANTS = ("officer", "quiet", "public", "observer", "detention", "visit", "funds", "relocation", "digital", "inform")
AREAS = ("agu", "bcn", "bcs", "cam", "chp", "chh", "cmx", "coa", "col", "dur", "mex")
UNTOLD = {"language", "device", "notice", "review", "more", "sos_more"}  # what isn't for the mission
RENAMED = {"sos_act": "act"}
CRIES = {"en": ("SOS", "help me", "/emergency"), "es": ("SOS", "AYUDA", "/emergency")}


def script(number: int, tag: str, kinds: tuple[str, ...] = EVENTS) -> dict[str, tuple[str, ...]]:
    """What one person answers, by question, in many ways; `kinds`: of what happened."""
    ends = {"sos_more": ("no",), "more": ("no",)}
    emergency = {"sos": (("me", "held")[number // 4 % 2],), "sos_act": (("act", "talk")[number // 8 % 2],)}
    if number % 8 == 0:
        return {**emergency, **ends}
    begun = {"language": (tag,), "device": (("no", "maybe", "yes")[number % 3],)}
    if number % 8 == 4:
        return {**begun, "danger": ("now",), **emergency, **ends}
    events = {kinds[drawn("event", number, n, below=len(kinds))] for n in range(1 + number % 3)}
    wants = {WANTS[drawn("want", number, n, below=len(WANTS))] for n in range(1 + number % 4)}
    return {
        **begun,
        "danger": (("no", "soon", "unsure")[drawn("danger", number, below=3)],),
        "notice": ("tell",),
        "whom": (("me", "group")[number % 2],),
        "event": tuple(name for name in EVENTS if name in events),
        "area": (AREAS[drawn("area", number, below=len(AREAS))],),
        "want": tuple(name for name in WANTS if name in wants),
        "reply": ("here",),
        "review": ("send",),
        "act": (("act", "talk", "share")[number % 3],),
        **ends,
    }


@dataclass
class Talker:
    """One person. `told`: what they wrote in their own words, where a choice was expected."""

    number: int
    person: Person
    tag: str
    sheet: Sheet
    kinds: tuple[str, ...] = EVENTS
    script: dict[str, tuple[str, ...]] = field(init=False)
    told: list[str] = field(default_factory=list)
    answered: int = 0  # the newest question that was answered
    codes: str = ""
    _typed: dict[str, Shown] = field(default_factory=dict)  # by question, what was written as its answer

    def __post_init__(self) -> None:
        self.script = script(self.number, self.tag, self.kinds)
        odd = drawn("odd", self.number, below=8)
        steps = [name for name in self.script if name not in {"language", "more", "sos_more"}]
        self._odd = dict.fromkeys(steps[odd % len(steps) :][:1], ("typo", "old tap", "photo", "typo")[odd % 4])
        self._edits = "area" in self.script and self.number % 3 == 0

    def begins(self) -> None:
        """Write first."""
        cries = CRIES[self.tag]
        hello = (f"/start {self.tag}", "/start", "hello", "hola")[drawn("hello", self.number, below=4)]
        self.person.writes(hello if "language" in self.script else cries[drawn("cry", self.number, below=len(cries))])

    async def talks(self, within: float) -> None:
        """Answer each new question once, until there is none left."""
        rest = self.sheet.words(self.tag, "rest")
        while True:
            shown = await self.person.hears(lambda shown: serial(shown) > self.answered or rest in shown.said, within)
            if rest in shown.said:
                codes = self.sheet.words(self.tag, "codes")
                self.codes = next(one.said for one in self.person.heard if codes in one.said)
                return
            self.answered = serial(shown)
            self._answers(shown, self.sheet.step(shown))

    def _answers(self, shown: Shown, step: str) -> None:
        odd = self._odd.pop(step, "")
        if odd:
            self._errs(odd)
        elif step == "want" and self._edits and "area" in self._typed:
            self._edits = False
            self._corrects(shown)
        elif self._way(step) == "taps":
            self._taps(shown, self.script[step])
        else:
            self._typed[step] = self.person.writes(self._words(shown, step))

    def _errs(self, odd: str) -> None:
        """Write what nobody understands, or tap what has been answered: the question is put again."""
        before = [one for one in self.person.heard if 0 < serial(one) < self.answered]
        if odd == "old tap" and before:
            self.person.taps_old(before[-1], before[-1].offered[-1])
        elif odd == "photo":
            self.told.append(canary())
            self.person.sends("photo", caption=self.told[-1])
        else:
            self.told.append(canary())
            self.person.writes(self.told[-1])

    def _corrects(self, shown: Shown) -> None:
        """Change the area that was written."""
        self.script["area"] = (AREAS[(AREAS.index(self.script["area"][0]) + 1) % len(AREAS)],)
        self.person.edits(self._typed["area"], self.sheet.labels("area", self.tag)[self.script["area"][0]])

    def _way(self, step: str) -> str:
        way = WAYS[self.number % len(WAYS)]
        return WAYS[drawn("way", self.number, step, below=4)] if way == "mixed" else way

    def _taps(self, shown: Shown, choices: tuple[str, ...]) -> None:
        """Tap; of several, mark each, one of them twice too often, and say that this is all."""
        several = shown.first["reply_markup"]["inline_keyboard"][-1][0]["callback_data"].endswith("!")
        extra = choices[:1] * 2 if several and self.number % 2 else ()
        for choice in (*extra, *choices):
            self.person.taps_old(shown, self.sheet.number(shown, choice))
        if several:
            self.person.taps_old(shown, shown.offered[-1])

    def _words(self, shown: Shown, step: str) -> str:
        choices, way = self.script[step], self._way(step)
        if way == "numbers":
            return ", ".join(str(self.sheet.number(shown, one)) for one in choices)
        labels = self.sheet.labels(step, self.tag)
        return ", ".join((way == "words" and self.sheet.word(self.tag, step, one)) or labels[one] for one in choices)

    def expected(self) -> dict[str, list[str]]:
        """The answers that the mission gets."""
        told = {step: choices for step, choices in self.script.items() if step not in UNTOLD}
        return {RENAMED.get(step, step): list(choices) for step, choices in told.items()}

    @property
    def reference(self) -> str:
        """The number of the case, as it was told."""
        return self._in_codes(r"\b[0-9A-HJKMNP-TV-Z]{6}\b")

    @property
    def check(self) -> str:
        """What an officer must say first."""
        return self._in_codes(r"\b[0-9]{4}(?=\.)")

    def secrets(self) -> list[str]:
        """What may stand nowhere: who it is, what was written, and the digits that lead back."""
        code = self._in_codes(r"\b[0-9]{4}(?: [0-9]{4}){3}\b")
        return [str(self.person.id), str(self.person.user["first_name"]), *self.told, code, code.replace(" ", "")]

    def _in_codes(self, pattern: str) -> str:
        """The last thing of this form in the message with the codes."""
        return str(re.findall(pattern, self.codes)[-1])
