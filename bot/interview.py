"""Asks a mission for its profile, question by question, and writes the file after the last answer.

A wrong answer is refused at once, in the words of the profile's own rules.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TextIO

from bot import clock
from bot.errors import BotError, LanguageError, SettingsError
from bot.language.catalogs import LANGUAGES, load
from bot.language.extract import messages
from bot.language.registry import Status
from bot.mail import openpgp
from bot.settings.profile_draft import Draft, Place
from bot.settings.profile_questions import (
    AREAS,
    FIRST,
    LISTS,
    NAME,
    PLACE,
    SIGNAL,
    SUPPORTS,
    TELEGRAM,
    TOPIC,
    Question,
    Value,
)

_BEGIN = """\
This asks for what a mission's profile holds, and writes the file at the end. Nothing is written before.
An empty line means that you don't know yet: the file says so, and you can add it there later, as you can change
everything else. Write nothing here that you haven't made sure of: people in danger will act on it.
"""
_REFUSED = "That won't do; expected: {}\nPlease try again."
_CERTIFICATE_LEFT_OUT = (
    "Without its fingerprint a certificate isn't used, so it is left out: add both to the file later."
)
_PLACE_LEFT_OUT = "Without that, nobody is told of this place: it goes into the file as a comment, to be completed."


@dataclass
class Interview:
    """One round of questions: what it hears, what it says, and what it has been told."""

    source: TextIO
    target: TextIO
    today: date
    draft: Draft = field(default_factory=Draft)
    folder: Path = field(default_factory=Path)  # beside which a certificate lies
    asking: str = "the first question"

    def hold(self, output: Path | None) -> Path:
        """Ask everything, write the file and return where it lies.

        Raises SettingsError: the input ended before the last answer, and nothing was written.
        """
        self.say(_BEGIN)
        target = self._free(output) if output else None
        identity, *others = FIRST
        named = self._ask((identity.key,), identity)
        place, replaces = target or self._free(Path(f"{named}.toml"))
        self.folder = place.parent
        for question in others:
            if question.key != "accept_unreviewed" or self._offer_unread():
                self._ask((question.key,), question)
        self._names()
        self._areas()
        for table in LISTS:
            self._several(table)
        self._found_at()
        self._topics()
        return self._write(place, replaces)

    def say(self, words: str) -> None:
        """Show a line."""
        self.target.write(words + "\n")
        self.target.flush()

    # ── one answer ───────────────────────────────────────────────────────────────────────────────────────

    def _heard(self) -> str:
        self.target.write("> ")
        self.target.flush()
        line = self.source.readline()
        if not line:
            self.say("")
            raise SettingsError(f"profile new: the input ended at {self.asking}: nothing was written")
        return line.strip()

    def _ask(self, place: Place, question: Question, about: str = "", optional: bool = False) -> Value | None:
        """Ask until the answer will do; keep and return it, None for an empty one. `optional`: empty always will do."""
        self.asking = ".".join(str(step + 1) if isinstance(step, int) else step for step in place)
        self.say(f"\n{self.asking}: {about or question.about}")
        if question.example:
            self.say(f"For example: {_bare(question.example)}")
        while True:
            words = self._heard()
            value = question.form(words) if words else None
            wrong = self._wrong(place, value, question, optional)
            if not wrong:
                self.draft.put(place, value)
                return value
            self.say(_REFUSED.format(wrong))

    def _wrong(self, place: Place, value: Value | None, question: Question, optional: bool) -> str:
        if value is not None:
            return self.draft.wrong(place, value) or self._further(place, value)
        if optional or not self.draft.wrong(place, value):
            return ""
        return f"an answer, such as {_bare(question.example)}"

    def _further(self, place: Place, value: Value) -> str:
        """Return what the profile's rules can't know: languages there are, certificates, days to come."""
        check = _FURTHER.get(str(place[-1]))
        return check(self, place, value) if check else ""

    # ── the parts of a profile ───────────────────────────────────────────────────────────────────────────

    def _offer_unread(self) -> bool:
        unread = _unread(self.draft.answers["languages"])
        if unread:
            self.say(f"\nDrafted by machine and read by no native reader: {', '.join(unread)}. They aren't offered")
            self.say("to anybody unless you accept them as they are.")
        return bool(unread)

    def _names(self) -> None:
        for tag in self.draft.answers["languages"]:
            self._ask(("name", tag), NAME, f"{NAME.about[:-1]}; in {LANGUAGES[tag].autonym}.")

    def _areas(self) -> None:
        self.asking = "areas"
        self.say(f"\nareas: {AREAS.about}\nOne a line; an empty line ends the list.")
        areas: list[str] = []
        while True:
            word = self._heard()
            wrong = self.draft.wrong(("areas",), [*areas, word] if word else areas)
            if wrong:
                self.say(_REFUSED.format(wrong))
            elif word:
                areas.append(word)
            else:
                self.draft.put(("areas",), areas)
                return

    def _several(self, table: str) -> None:
        about, questions = LISTS[table]
        first, *others = questions
        self.say(f"\n── {about} An empty line ends the list. ──")
        number, more = 0, True
        while more:
            more = self._ask((table, number, first.key), first, optional=True) is not None
            if not more:
                self.draft.answers[table].pop()
            elif self._rest(table, number, others):
                number += 1

    def _rest(self, table: str, number: int, questions: Iterable[Question]) -> bool:
        """Ask for the rest of an entry; tell whether it stays."""
        entry = self.draft.answers[table]
        for question in questions:
            if _needless(question.key, number, entry[number]):
                continue
            given = self._ask((table, number, question.key), question, optional=True)
            if given is None and LISTS[table][1] is PLACE:
                self.say(_PLACE_LEFT_OUT)
                self.draft.set_aside(table)
                return False
            if given is None and question.key == "fingerprint":
                self.say(_CERTIFICATE_LEFT_OUT)
                self.draft.put((table, number, "openpgp"), None)
        return True

    def _found_at(self) -> None:
        for table, questions in (("signal", SIGNAL), ("telegram", TELEGRAM)):
            for question in questions:
                self._ask((table, question.key), question)

    def _topics(self) -> None:
        kind, *others = TOPIC
        self.say("\n── What the mission does. Answer yes, no, case by case or unknown; an empty line is unknown. ──")
        for support, about in SUPPORTS.items():
            given = self._ask(("topics", support.value, kind.key), kind, about)
            if given in {None, "unknown"}:
                self.draft.put(("topics", support.value), None)
                continue
            for question in others:
                self._ask(("topics", support.value, question.key), question)

    # ── the file ─────────────────────────────────────────────────────────────────────────────────────────

    def _free(self, place: Path) -> tuple[Path, bool]:
        """Return where to write, and whether what lies there may be replaced."""
        while place.exists() or not place.parent.is_dir():
            self.asking = "the name of the file"
            why = (
                "is there already. Write yes to replace it, or" if place.exists() else "has no folder to lie in. Write"
            )
            self.say(f"\n{place} {why} the name of another file that ends in .toml.")
            words = self._heard()
            if words.lower() == "yes" and place.is_file():
                return place, True
            place = _other(words, place)
        return place, False

    def _write(self, place: Path, replaces: bool) -> Path:
        while True:
            try:
                with place.open("w" if replaces else "x", encoding="utf-8") as file:
                    file.write(self.draft.text())
            except FileExistsError:
                place, replaces = self._free(place)
            except OSError as error:
                self.asking = "the name of the file"
                self.say(
                    f"\n{place} can't be written: {error.strerror}. Write the name of another file that ends in .toml."
                )
                place, replaces = self._free(_other(self._heard(), place))
            else:
                return place


def _other(words: str, place: Path) -> Path:
    """Return the file that is named; a "no" is no name."""
    return Path(words) if words.endswith(".toml") else place


def _bare(example: str) -> str:
    """Return an example as one types it, without the signs it has in the file."""
    return example.translate(str.maketrans("", "", '"[]')).replace(",", "")


def _unread(languages: Iterable[str]) -> list[str]:
    try:
        catalogs, needed = load(list(languages)), messages()
    except BotError:
        return []  # a checkout without catalogs; `check` says more
    return [tag for tag in languages if catalogs.status(tag, needed) is Status.MACHINE]


def _needless(key: str, number: int, entry: dict[str, Value]) -> bool:
    """Tell whether there is nothing to ask: no pin without a certificate, and the first contact is told at once."""
    return (key == "fingerprint" and "openpgp" not in entry) or (key == "after" and number == 0)


# ── what the profile's rules can't know ──────────────────────────────────────────────────────────────────


def _known(_: Interview, __: Place, value: Value) -> str:
    tags = value if isinstance(value, list) else [str(value)]
    ready = [tag for tag in LANGUAGES if _has_catalog(tag)]
    return "" if set(tags) <= set(ready) else f"languages that the bot speaks: {', '.join(ready)}"


def _has_catalog(tag: str) -> bool:
    try:
        load([tag])
    except LanguageError:
        return False
    return True


def _past(interview: Interview, _: Place, value: Value) -> str:
    return "a day that isn't to come" if isinstance(value, date) and value > interview.today else ""


def _certificate(interview: Interview, _: Place, value: Value) -> str:
    place = interview.folder / str(value)
    return "" if place.is_file() else f"the name of a file that is there; {place} isn't"


def _pinned(interview: Interview, place: Place, value: Value) -> str:
    """Compare with the certificate itself: a wrong pin would show only when a case is to be sealed."""
    table, number, _ = place
    name = interview.draft.answers[str(table)][number]["openpgp"]
    try:
        certificate = openpgp.read_certificate(interview.folder / name)
    except SettingsError as error:
        return str(error)
    wrong = openpgp.findings(certificate, str(value), clock.now())
    return f"the fingerprint of a certificate that can be used; {wrong[0].rstrip('.')}" if wrong else ""


_FURTHER: dict[str, Callable[[Interview, Place, Value], str]] = {
    "languages": _known,
    "language": _known,
    "verified_on": _past,
    "openpgp": _certificate,
    "fingerprint": _pinned,
}
