"""The pure core as it runs, for every test: a rulebook from the real flows, and a talk driven message by message.

Time and chance are arguments here too: a talk has its own clock, which moves only when the test says so.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from bot.content import content
from bot.conversation.asking import Gives, Rulebook, expected, numbered
from bot.conversation.crisis import Crises, crises
from bot.conversation.engine import advance, carry, report
from bot.conversation.events import Delivered, Event, Relayed
from bot.conversation.flow import Commands, Flow
from bot.conversation.guide import Guide, with_guide
from bot.conversation.machine import Paths
from bot.conversation.model import Chance, Conversation, HandOff, Kind, Message, Outcome, Question, Say, Sender, Wake
from bot.conversation.reading import read_commands, read_crisis, read_flow, read_guide
from bot.conversation.understanding import MOST_FOUND, Unclear, topics_found, understand
from bot.errors import LanguageError
from bot.handoff.alert import Reader, Texts, read_alert, read_duty
from bot.handoff.triage import Triage, read_triage
from bot.knowledge import TELL, UNSPACED
from bot.language.catalogs import LANGUAGES, Catalogs, load
from bot.language.vocabulary import JOINERS, NAYS, NUMBERS, vocabulary
from bot.language.wording import renderer

ZONE = ZoneInfo("America/Mexico_City")
MORNING = datetime(2026, 11, 21, 8, 0, tzinfo=ZONE)
PAUSE = timedelta(seconds=10)  # between a question and its answer
AREAS = {"MX-OAX": "Oaxaca", "MX-CHP": "Chiapas", "abroad": "Abroad"}
CODE = "1234567890123456"
SEVERAL_TOPICS = "country"  # a word that leads to more than one topic of the guide


def written(name: str) -> str:
    """Return one file of flows/ as it stands there."""
    return (content("flows") / name).read_text("utf-8")


COMMANDS: Commands = read_commands(written("commands.toml"), "commands.toml")
TRIAGE: Triage = read_triage(written("triage.toml"), "triage.toml")
ALERT: Texts = read_alert(written("alert.toml"), "alert.toml")
DUTY: Texts = read_duty(written("duty.toml"), "duty.toml")
GUIDE: Guide = read_guide(written("guide.toml"), "guide.toml")
PHRASES = read_crisis(written("crisis.toml"), "crisis.toml")
CRISES: Crises = crises(PHRASES, UNSPACED)
UNFILLED: Flow = with_guide(read_flow(written("intake.toml"), "intake.toml"), GUIDE, TELL)


def _complete() -> Catalogs:
    """Return the catalogs of every language that all of flows/ is translated to."""
    texts = (
        *UNFILLED.messages(),
        *COMMANDS.messages(),
        *TRIAGE.messages(),
        *ALERT.messages(),
        *DUTY.messages(),
        NUMBERS,
        JOINERS,
        NAYS,
    )
    complete = []
    for tag in LANGUAGES:
        try:
            complete += [tag] if load([tag]).complete(tag, texts) else []
        except LanguageError:  # not begun yet
            continue
    return load(complete)


CATALOGS = _complete()
OFFERED: tuple[str, ...] = CATALOGS.tags
STANDING: Mapping[str, str] = {
    "mission": "the mission",
    "place": "Mexico City",
    "site": "https://example.org",
    "fingerprint": "https://example.org/signal",
    "contacts": "Shelter +1 555",
    "minutes": "30 minutes",
    "hours": "24 hours",
    "days": "14 days",
    "window": "120 minutes",
    "vanish": "24 hours",
    "signal": "postigo.42",
    "crisis_lines": "Line +1 556",
    "own meetings": "On Mondays.",
}


def rulebook(toml: str = "", areas: Mapping[str, str] = AREAS) -> Rulebook:
    """Return the rulebook of a flow written in `toml`, by default the one in flows/."""
    read = read_flow(toml, "intake.toml") if toml else UNFILLED
    flow = with_guide(read, GUIDE, TELL) if TELL in read.steps else read
    flow = flow.with_choices("languages", {tag: LANGUAGES[tag].autonym for tag in OFFERED})
    flow = flow.with_choices("areas", areas)
    return Rulebook(
        flow=flow,
        paths=Paths(flow),
        known=vocabulary(flow, COMMANDS, OFFERED, CATALOGS),
        crises=CRISES,
        assess=TRIAGE.assess,
        fallback=OFFERED[:2],
        contacts=True,
        site=True,
        signal=True,
        crisis=True,
        gives={"meetings": Gives("yes", "2026-11-01", "https://example.org/support", own=True)},
        window=timedelta(hours=2),
        own_words=frozenset({"terminal", "signal"}),
        intake_lives=timedelta(minutes=30),
        urgent_lives=timedelta(hours=24),
        case_lives=timedelta(days=14),
        first_wait={1: timedelta(minutes=60), 2: timedelta(minutes=240)},
        opens=lambda _level, _at: None,
        readable=False,
        held_for=None,
    )


BOOK = rulebook()
FLOW = BOOK.flow
_BRANCH = GUIDE.branches[0].name
_TOPIC = "guide_meetings"
_READ = {"guide", "guide_found", f"guide_{_BRANCH}", _TOPIC, f"{_TOPIC}_risk", f"{_TOPIC}_how"}
# Every step that is a question of its own; of the guide, whose steps are all alike, one of each kind.
STEPS: tuple[str, ...] = tuple(sorted(name for name, step in FLOW.steps.items() if not step.file or name in _READ))
RENDER = renderer(FLOW, CATALOGS.all_words(), COMMANDS, dict.fromkeys(OFFERED, STANDING))


def reader(language: str = "en") -> Reader:
    """Return an officer who reads `language`, in the mission's zone."""
    names = {tag: LANGUAGES[tag].autonym for tag in OFFERED}
    return Reader(CATALOGS.words(language), ZONE, "Mexico City", names, FLOW, TRIAGE, ALERT, duty=DUTY)


def chance(number: int, fraction: float = 0.5) -> Chance:
    """Return what a turn draws by chance, the same for the same number."""
    return Chance(f"CASE{number:02}", CODE, f"{number:04}", fraction, f"{number:012}")


class Talk:
    """One person and the bot. Each question counts as delivered at once, unless the test says otherwise."""

    def __init__(self, book: Rulebook = BOOK, channel: str = "terminal", now: datetime = MORNING) -> None:
        self.book, self.now = book, now
        self.sender = Sender(channel, "someone")
        self.conversation: Conversation | None = None
        self.outcome = Outcome(None)  # of the last turn or report
        self.question: Question | None = None  # the last one asked
        self.handed: tuple[HandOff, ...] = ()
        self.written = 0  # messages so far
        self.hint = "en"
        self.fraction = 0.5
        self.removable = False  # whether the platform lets us delete what the person writes

    def copy(self) -> "Talk":
        """Return this talk as it stands, to go on in another way."""
        return copy(self)

    def write(
        self,
        text: str,
        *,
        kind: Kind = Kind.TEXT,
        late: timedelta = timedelta(0),
        tap: int | None = None,
        edits: str = "",
        seen: bool = True,
    ) -> "Talk":
        """Let the person write, ten seconds after what came before. `late`: how long the message was on its way."""
        self.now += PAUSE
        self.written += 1
        message = Message(
            self.sender,
            f"m{self.written}",
            self.now - late,
            text,
            kind,
            self.hint,
            tap,
            edits,
            removable=self.removable,
        )
        drawn = chance(self.written, self.fraction)
        self._took(advance(self.book, self.conversation, message, self.now, drawn))
        if seen:
            self.see()
        return self

    def carry(self, there: "Talk | None") -> "Talk":
        """Let the person write the code of a talk elsewhere, or of none; what follows there happens."""
        self.now += PAUSE
        self.written += 1
        message = Message(self.sender, f"m{self.written}", self.now, "0" * 12, hint=self.hint, removable=self.removable)
        elsewhere = there.conversation if there else None
        here, ended = carry(self.book, self.conversation, elsewhere, message, self.now, chance(self.written))
        self._took(here)
        if there and ended:
            there._took(ended)
        return self.see()

    def pick(self, *choices: str) -> "Talk":
        """Let the person answer with the numbers of these choices."""
        return self.write(self.numbers(*choices))

    def picks(self, *steps: str) -> "Talk":
        """Let the person answer question by question, each time with one choice by name."""
        for choice in steps:
            self.pick(choice)
        return self

    def numbers(self, *choices: str) -> str:
        """Return the numbers under which these choices wait for an answer."""
        by_name = {name: str(number) for number, name in self.talk.offered}
        return ", ".join(by_name[choice] for choice in choices)

    def see(self) -> "Talk":
        """Let the waiting question reach the person."""
        if self.conversation and self.conversation.step:
            seen = report(self.book, self.conversation, Delivered(self.conversation.serial, self.now), self.now)
            self.conversation = seen.conversation
        return self

    def tell(self, event: Event) -> "Talk":
        """Report what happened outside."""
        self._took(report(self.book, self.talk, event, self.now))
        return self

    def wait(self, **span: float) -> "Talk":
        """Let time pass."""
        self.now += timedelta(**span)
        return self

    @property
    def talk(self) -> Conversation:
        """What is kept; the test is wrong where nothing is."""
        assert self.conversation is not None, "nothing is kept of this talk"
        return self.conversation

    @property
    def step(self) -> str:
        """The step whose question waits."""
        return self.talk.step

    @property
    def says(self) -> tuple[Say, ...]:
        """What was said last."""
        return tuple(effect for effect in self.outcome.effects if isinstance(effect, Say))

    @property
    def wakes(self) -> tuple[Wake, ...]:
        """The timers that were set last."""
        return tuple(effect for effect in self.outcome.effects if isinstance(effect, Wake))

    @property
    def lines(self) -> tuple[str, ...]:
        """The names of all that was said last, "say." and "intake." left away."""
        return tuple(
            line.name.removeprefix("say.").removeprefix("intake.")
            for say in self.says
            for line in (*say.lines, *say.tail)
        )

    @property
    def text(self) -> str:
        """All that was said last, as the person reads it."""
        return "\n\n".join(map(RENDER, self.says))

    def _took(self, outcome: Outcome) -> None:
        self.outcome, self.conversation = outcome, outcome.conversation
        self.handed += tuple(effect for effect in outcome.effects if isinstance(effect, HandOff))
        self.question = next((say.question for say in reversed(self.says) if say.question), self.question)


def begun(book: Rulebook = BOOK, channel: str = "terminal") -> Talk:
    """Return a talk whose person said hello and chose English."""
    return Talk(book, channel).write("hello").pick("en")


ORDINARY = ("no", "no", "tell", "me", "threat", "MX-OAX", "quiet", "here", "send", "act")


def sent(reply: str = "here", book: Rulebook = BOOK) -> Talk:
    """Return a talk whose ordinary case (level 2) has been handed over, at the first offer after it."""
    return begun(book).picks(*(reply if one == "here" else one for one in ORDINARY))


def sent_in_emergency(book: Rulebook = BOOK) -> Talk:
    """Return a talk whose emergency alert has been handed over, at the first offer after it."""
    return Talk(book).write("SOS").picks("me", "act")


def relayed(words: str = "We are here.") -> Talk:
    """Return a talk whose case the mission has read and written about, to be answered here."""
    return sent().tell(Relayed(words))


def at_step(name: str) -> Talk:
    """Return a talk in which the question of that step waits, reached by the fewest messages."""
    return _roads()[name].copy()


def unseen(name: str) -> Talk:
    """Return a talk in which the question of that step waits, and is not known to have reached the person."""
    talk = at_step(name)
    talk.conversation = replace(talk.talk, seen_at=None)
    return talk


@cache
def _roads() -> Mapping[str, Talk]:
    """Walk every way there is, breadth first, and keep the first talk that stands at each step."""
    roads = {"language": Talk().write("hello"), "carried": Talk().carry(begun(channel="telegram"))}
    waiting = list(roads.values())
    while waiting:
        here = waiting.pop(0)
        for there in (*_onward(here), here.copy().write("SOS"), _returned(here), here.copy().write(SEVERAL_TOPICS)):
            if there.conversation and there.step and there.step not in roads:
                roads[there.step] = there
                waiting.append(there)
    return {**roads, FLOW.answer: relayed().write("ANSWER")}


def _onward(here: Talk) -> list[Talk]:
    if not here.talk.offered or here.talk.offered[0][1] == "skip":
        return [here.copy().write("a few words")]
    return [here.copy().pick(name) for _, name in here.talk.offered if name != "more"]


def _returned(here: Talk) -> Talk:
    """A person who stopped and comes back."""
    return here.copy().write("stop").write("hello again")


@cache
def finding(language: str, most: int = MOST_FOUND) -> str:
    """Return a word that leads a person who reads `language` to several topics of the guide."""
    forms = {form for forms in BOOK.known.topics[language].values() for form in forms}
    words = sorted({*forms, *(word for form in forms for word in form.split()), *(form[:2] for form in forms)})
    return next(
        word
        for word in words
        if 1 < len(topics_found(word, language, BOOK.known)) <= most
        and all(_is_searched(word, language, step) for step in ("guide", "guide_visas_how"))
        and not CRISES.heard_in(word)
    )


def _is_searched(word: str, language: str, step: str) -> bool:
    """Whether a word at this step is no answer, so that it is looked up."""
    at = Conversation(Sender("terminal", "x"), step=step, offered=numbered(FLOW.steps[step], ()))
    return isinstance(understand(word, expected(FLOW, at), language, BOOK.known), Unclear)


def without_chance(handed: HandOff) -> HandOff:
    """Return a handoff without what time, chance and language put into it."""
    answers = tuple(replace(answer, message="", language="") for answer in handed.answers)
    return replace(handed, reference="", check="", return_code="", language="", at=None, consents=(), answers=answers)
