"""How a question is put: which texts, which choices, under which numbers, in which languages.

Pure. A consent never offers a number that the question before it offered.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b

from bot.conversation.crisis import Crises
from bot.conversation.flow import Ask, Flow, Step
from bot.conversation.guide import AVAILABLE, FOUND, TOPIC
from bot.conversation.machine import SKIP, Paths
from bot.conversation.model import (
    Answer,
    Assessment,
    Conversation,
    Line,
    Question,
    Say,
    Way,
    Weight,
)
from bot.conversation.understanding import Expected, Vocabulary

MORE = "more"  # the choice that shows the next page
READABLE = ("readable_here", "readable_short")  # said before a consent where the bot could read the case for a while
CONSENTS_FROM = 7  # numbers 1 to 6 answer most questions; a consent begins after them

Offered = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Gives:
    """What a mission has said about one form of support; without it, nobody knows."""

    availability: str  # yes, no, case_by_case
    day: str  # on which that was checked, as in 2026-11-21
    source: str
    own: bool = False  # there are words of its own


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything `advance` and `report` need that doesn't change between turns; built once at start."""

    flow: Flow
    paths: Paths
    known: Vocabulary
    crises: Crises
    assess: Callable[[tuple[Answer, ...], int | None], Assessment]  # None: a first alert; else the level so far
    fallback: tuple[str, ...]  # spoken, all at once, to a person whose language is not known
    contacts: bool  # the mission has checked resources to show
    site: bool  # the mission has told its website
    signal: bool  # the mission can be written to on Signal: a talk can be carried there
    crisis: bool  # the mission has checked crisis lines to show
    gives: Mapping[str, Gives]  # by form of support: what the mission has said about it
    window: timedelta  # within which a case of level 3 or 4 leaves
    own_words: frozenset[str]  # channels on which own words are asked for
    intake_lives: timedelta  # an unanswered intake
    urgent_lives: timedelta  # the same after SOS or danger "now"
    case_lives: timedelta  # the record of a case
    first_wait: Mapping[int, timedelta]  # by level: after which a person hears that nobody has read it yet
    opens: Callable[[int, datetime], datetime | None]  # when an officer is on duty for a level; None: at this moment
    readable: bool  # the bot itself could read a case until an officer has: a mission without keys
    held_for: timedelta | None  # after which a case that nobody has read is gone; None: officers have it in a mail
    many: bool = False  # very many are in danger at this moment: it takes longer until somebody reads each case


def languages(book: Rulebook, conversation: Conversation) -> tuple[str, ...]:
    """Return the languages to speak: the person's, or the mission's first ones."""
    return (conversation.language,) if conversation.language else book.fallback


def text(book: Rulebook, conversation: Conversation, name: str, **values: str) -> Line:
    """Return a text by name: the form of a mission without contacts or site goes before the one for this channel."""
    channel, plain = f"{name}_{conversation.sender.channel}", f"{name}_bare"
    texts = book.flow.texts
    if plain in texts and not _has(book, name):
        name = plain
    elif channel in texts:
        name = channel
    return Line(f"say.{name}", tuple(values.items()))


def _has(book: Rulebook, name: str) -> bool:
    """Whether the mission has what this text tells."""
    return {"verify": book.site, "crisis": book.crisis}.get(name, book.contacts)


def ask(book: Rulebook, conversation: Conversation, step: Step, *before: Line) -> tuple[Conversation, Say]:
    """Put the question of `step`, after the texts in `before`. Returns what is kept and what is said."""
    offered = _numbers(conversation, step)
    asked = replace(
        conversation,
        step=step.name,
        serial=conversation.serial + 1,
        offered=offered,
        page=conversation.page if step.name == conversation.step else 0,
        flow=book.flow.version,
        picked=conversation.picked if step.name == conversation.step else (),
        found=conversation.found if FOUND in _ahead(conversation, step) else (),
        note=conversation.note if step.returned or conversation.resume else (),
    )
    say = Say(
        lines=(*said_before(book, asked, step), Line(book.flow.context(step), _values(asked))),
        languages=languages(book, asked),
        shown=_listed(asked, step),
        tail=(text(book, asked, "unsent"),) if unsent(asked) else (),
        weight=Weight.EMERGENCY if step.urgent else Weight.QUESTION,
    )
    wording = _wording(say, offered) if step.consent else ""
    same = bool(wording) and (step.name, wording) == (conversation.step, conversation.wording)
    seen_at, copies = (conversation.seen_at, conversation.copies + 1) if same else (None, 0)
    asked = replace(asked, wording=wording, copies=copies, seen_at=seen_at)
    question = Question(
        step.name,
        asked.serial,
        shown(step, offered, asked.page),
        consent=step.consent is not None,
        several=step.kind is Ask.SEVERAL,
        first=not conversation.flow,
        copies=copies,
    )
    return asked, replace(say, lines=(*before, *say.lines), question=question)


def _wording(say: Say, offered: Offered) -> str:
    """Return what a question says and lists, and under which numbers, in short."""
    lines = [(line.name, line.values) for line in say.lines]
    listed = [(one.step, one.choices, one.words, one.language) for one in say.shown]
    return blake2b(repr((lines, listed, say.languages, offered)).encode(), digest_size=8).hexdigest()


def _ahead(conversation: Conversation, step: Step) -> set[str]:
    """Return the questions that a talk may come back to."""
    return {step.name, conversation.resume, conversation.carried_to, *conversation.trail}


def waits(conversation: Conversation, serial: int | None) -> bool:
    """Tell whether a question is the waiting one, or the same consent put in the same words just before."""
    return serial is not None and 0 <= conversation.serial - serial <= conversation.copies


def ask_again(book: Rulebook, conversation: Conversation, *before: Line) -> tuple[Conversation, Say]:
    """Put the waiting question once more."""
    return ask(book, conversation, book.flow.steps[conversation.step], *before)


def expected(flow: Flow, conversation: Conversation) -> Expected:
    """Return what the waiting question takes; nothing but commands when none waits."""
    step = flow.step(conversation.step)
    if step is None:
        return Expected("")
    names = {*step.names(), SKIP, MORE}
    return Expected(
        step.spoken,
        tuple((number, name) for number, name in conversation.offered if name in names),
        several=step.kind is Ask.SEVERAL,
        own_words=step.kind is Ask.WORDS,
        consent=step.consent is not None,
        refusals=frozenset(step.names()).difference(step.accepts) if step.consent else frozenset(),
    )


def _narrowed(step: Step, found: tuple[str, ...]) -> Step:
    """Return the list of topics with those alone that a word has led to."""
    others = {name for name, target in step.next if target.startswith(TOPIC)}.difference(found)
    return replace(step, choices=tuple(choice for choice in step.choices if choice.name not in others))


def asks_words(book: Rulebook, conversation: Conversation) -> bool:
    """Whether own words are waited for: then digits may be one's own, too."""
    step = book.flow.step(conversation.step)
    return step is not None and step.kind is Ask.WORDS


def own_words_asked(book: Rulebook, conversation: Conversation) -> bool:
    """Whether own words are asked for on this person's channel."""
    return conversation.sender.channel in book.own_words


def _numbers(conversation: Conversation, step: Step) -> Offered:
    """Return the numbers to ask under. A consent asked again keeps its own: they are not the ones before it."""
    if step.name == FOUND:
        step = _narrowed(step, conversation.found)
    before = conversation.offered
    if step.name != conversation.step:
        return numbered(step, before)
    if not step.consent:
        return numbered(step, ())
    return before if {name for _, name in before} == set(step.names()) else numbered(step, before)


def consent_numbers(conversation: Conversation, step: Step) -> dict[str, str]:
    """Return what to write for a yes to a consent that is asked again, and for a no: the numbers, a space between."""
    told: dict[str, list[str]] = {"yes": [], "no": []}
    for number, name in _numbers(conversation, step):
        told["yes" if name in step.accepts else "no"].append(str(number))
    return {answer: " ".join(numbers) for answer, numbers in told.items()}


def added(conversation: Conversation) -> tuple[Answer, ...]:
    """Return the answers that say something: neither skipped nor empty."""
    return tuple(answer for answer in conversation.answers if answer.choices or answer.words)


def numbered(step: Step, before: Offered) -> Offered:
    """Return every choice of `step` with its number; `before`: the numbers of the question before it.

    A paged step numbers all its pages at once, "more" and "skip" between the first page and the rest.
    """
    names = list(step.names())
    if step.page and step.page < len(names):
        names[step.page : step.page] = [MORE, SKIP] if step.skip else [MORE]
    elif step.skip:
        names.append(SKIP)
    taken = {number for number, _ in before}
    start = 1
    if step.consent:
        wanted = range(CONSENTS_FROM, CONSENTS_FROM + len(names))
        start = CONSENTS_FROM if taken.isdisjoint(wanted) else max(taken) + 1
    return tuple(enumerate(names, start))


def shown(step: Step, offered: Offered, page: int) -> Offered:
    """Return what of `offered` is shown on this page."""
    if not step.page or step.page >= len(step.choices):
        return offered
    first = step.page + 1 + step.skip
    if page == 0:
        return offered[:first]
    return (*offered[first:], *(row for row in offered if row[1] == SKIP))


def unsent(conversation: Conversation) -> bool:
    """Whether a person in danger has not handed anything over yet; from then on the case's status is what is said."""
    return conversation.urgent and conversation.case is None


def case_now(book: Rulebook, conversation: Conversation) -> Line:
    """Return how far the case is, as a text."""
    case = conversation.case
    alert = case.handed[0] if case else None
    if case and case.read_at:
        return text(book, conversation, "case_read", time=hour(case.read_at))
    if alert and alert.left_at and alert.way is not Way.BOUNCED:
        return text(book, conversation, "case_left", time=hour(alert.left_at))
    return text(book, conversation, _CASES.get(alert.way, "case_waiting") if alert else "case_waiting")


_CASES: Mapping[Way, str] = {
    Way.GIVEN_UP: "case_given_up",
    Way.IN_DOUBT: "case_in_doubt",
    Way.PLACED: "case_placed",
    Way.BOUNCED: "case_given_up",
}


def hour(at: datetime) -> str:
    """Return the wall-clock time of an aware datetime, in its own zone: "08:02"."""
    return at.strftime("%H:%M")


def said_before(book: Rulebook, conversation: Conversation, step: Step) -> tuple[Line, ...]:
    """Return the texts that a step says before its question."""
    return tuple(line for name in step.says for line in _lines(book, conversation, step, name))


def _lines(book: Rulebook, conversation: Conversation, step: Step, name: str) -> Iterator[Line]:
    if name == "case_now":
        yield case_now(book, conversation)
    elif name == AVAILABLE:
        yield from _available(book, conversation, step)
    elif name not in READABLE or book.readable:
        yield text(book, conversation, name)


def _available(book: Rulebook, conversation: Conversation, step: Step) -> Iterator[Line]:
    """Say whether the mission does what a topic tells of, as far as it has said so."""
    gives = book.gives.get(step.support)
    if gives is None:
        yield text(book, conversation, "available_unknown")
        return
    yield text(book, conversation, f"available_{gives.availability}", day=gives.day, source=gives.source)
    if gives.own:
        yield text(book, conversation, "available_own", own=step.support)


def _listed(conversation: Conversation, step: Step) -> tuple[Answer, ...]:
    """Return the answers to list above the question: all of them for a review, or what was chosen of this one."""
    if step.shows:
        return added(conversation)
    return (Answer(step.keeps, conversation.picked),) if conversation.picked else ()


def _values(conversation: Conversation) -> tuple[tuple[str, str], ...]:
    return (("reference", conversation.case.reference),) if conversation.case else ()
