"""What each command does, at any step. Data in, an Outcome out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from bot.conversation.answering import answered, pass_on, picked, without
from bot.conversation.asking import added, case_now, own_words_asked, said_before
from bot.conversation.carrying import begun, offer
from bot.conversation.guide import ROOT
from bot.conversation.handing import STOPPED
from bot.conversation.model import Answer, Conversation, Line, Outcome, Way
from bot.conversation.moves import STALE_AFTER, Turn, again, begin, to
from bot.conversation.tracing import cleared

WHOM, AGREE, DISAGREES = "whom", "agree", "no"  # for whom a person writes, and whether that one agrees


def cry(turn: Turn) -> Outcome:
    """Open the emergency path; what was answered stays, what was consented elsewhere is asked anew."""
    flow, here = turn.book.flow, turn.book.flow.step(turn.talk.resume or turn.talk.step)
    lines = tuple(_before(turn))
    if here and here.urgent and here.name != flow.sos:  # on that path already: one answer from the alert
        return to(turn.on(misses=0), here.name, *lines, *said_before(turn.book, turn.talk, flow.steps[flow.sos]))
    trail = tuple(name for name in turn.talk.trail if name != flow.sos)
    if here and not here.consent:
        trail = (*trail, here.name)
    answers = turn.talk.answers
    if any(one.step == AGREE and DISAGREES in one.choices for one in answers):
        answers = without(answers, {WHOM, AGREE})  # nothing is sent about a person who does not agree
    return to(turn.on(trail=trail, misses=0, consents=(), answers=answers), flow.sos, *lines)


def _before(turn: Turn) -> Iterator[Line]:
    """Say first how far the case is that was sent before, and when a cry was written that came late."""
    if turn.talk.case:
        yield case_now(turn.book, turn.talk)
    if turn.now - turn.message.at > STALE_AFTER:
        written = turn.message.at.astimezone(turn.now.tzinfo)
        yield turn.text("wrote_at", time=written.strftime("%H:%M"))


def command(turn: Turn, name: str, argument: str) -> Outcome:
    """Carry out a command by name; `argument` is what stood after it, folded."""
    return _COMMANDS[name](turn.on(misses=0), argument)


def skip(turn: Turn) -> Outcome:
    """Go on without an answer, or with what was picked of it so far, where the question allows it."""
    if not turn.talk.step:
        return begin(turn)
    if turn.talk.picked:
        return picked(turn, ())
    if not turn.step.skip:
        return again(turn, turn.text("cannot_skip"))
    return answered(turn, Answer(turn.step.keeps))


def _start(turn: Turn, argument: str) -> Outcome:
    tongue = turn.book.known.tongues.get(argument, "")
    if tongue:
        turn = turn.on(language=tongue)
    return again(turn, turn.text("resumed")) if turn.talk.step else begun(turn)


def _help(turn: Turn) -> Outcome:
    return again(turn, turn.text("help"), Line("commands"))


def _back(turn: Turn) -> Outcome:
    trail = turn.talk.trail if turn.talk.step != turn.book.flow.carried else ()
    if turn.talk.resume:  # from the choice of a language back to the question
        return to(turn, turn.talk.resume)
    if not trail:
        return again(turn, turn.text("no_back"))
    step = turn.book.flow.steps[trail[-1]]
    answers = without(turn.talk.answers, {step.keeps}) if step.consent else turn.talk.answers
    return to(turn.on(trail=trail[:-1], consents=(), answers=answers), step.name)


def _language(turn: Turn, argument: str) -> Outcome:
    tongue = turn.book.known.tongues.get(argument, "")
    if tongue:
        return again(turn.on(language=tongue))
    flow, talk = turn.book.flow, turn.talk
    if talk.step == flow.first:
        return again(turn)
    rests = flow.idle if talk.case else ""
    return to(turn.on(resume=talk.step or rests), flow.first)


def _stop(turn: Turn) -> Outcome:
    """End here: what was not sent goes; a case that was handed over keeps its record, in silence until they write."""
    case = turn.talk.case
    if case is None:
        return Outcome(None, (turn.status(turn.text("stopped"), turn.text("clear")), *cleared(turn.talk)))
    kept = replace(case, reply=STOPPED)
    quiet = Conversation(
        replace(turn.talk.sender, address=""),
        turn.talk.flow,
        turn.talk.language,
        serial=turn.talk.serial,
        urgent=turn.talk.urgent,
        private=turn.talk.private,
        case=kept,
    )
    return Outcome(quiet, (turn.status(turn.text("stopped_case"), turn.text("clear")), *cleared(turn.talk)))


def _erase(turn: Turn) -> Outcome:
    """Delete everything at once, and say what has become of the alert."""
    ways = {one.way for one in turn.talk.case.handed} if turn.talk.case else set[Way]()
    name = next((name for way, name in _ERASED if way in ways), "erased")
    words = turn.status(turn.text(name), turn.text("clear"))
    return Outcome(None, (words, *cleared(turn.talk)), erase=True)


def _send(turn: Turn) -> Outcome:
    if turn.talk.case is None:
        return again(turn, turn.text("unsent"))
    if not added(turn.talk):
        return again(turn, turn.text("nothing_added"))
    return pass_on(turn)


def _guide(turn: Turn) -> Outcome:
    """Open the guide; BACK leads to where the person was."""
    here = turn.book.flow.step(turn.talk.resume or turn.talk.step)
    back = (here.name,) if here and here.name != ROOT and not here.consent else ()
    trail = tuple(name for name in turn.talk.trail if name not in {ROOT, *back})
    return to(turn.on(trail=(*trail, *back), consents=(), resume=""), ROOT)


def _answer(turn: Turn) -> Outcome:
    """Ask for an answer to what the mission has written; BACK leads to where the person was."""
    flow, case = turn.book.flow, turn.talk.case
    if case is None or not case.relayed:
        return again(turn, turn.text("no_relay"))
    if not own_words_asked(turn.book, turn.talk):
        return again(turn, turn.text("answer_not"))
    here = turn.book.flow.step(turn.talk.resume or turn.talk.step)
    back = (here.name,) if here and here.name != flow.answer and not here.consent else ()
    trail = tuple(name for name in turn.talk.trail if name not in {flow.answer, *back})
    return to(turn.on(trail=(*trail, *back), resume=""), flow.answer)


def _privacy(turn: Turn) -> Outcome:
    """Say what is kept, and where the bot itself could read a case for a while."""
    held = (turn.text("readable_here"),) if turn.book.readable else ()
    return again(turn, turn.text("privacy"), *held)


def _told(name: str) -> Callable[[Turn, str], Outcome]:
    """Return a command that says a text and puts the question again."""
    return lambda turn, _: again(turn, turn.text(name))


_ERASED = (  # the gravest way that any mail of the person has gone decides what is said
    (Way.LEFT, "erased_left"),
    (Way.PLACED, "erased_in_doubt"),
    (Way.IN_DOUBT, "erased_in_doubt"),
    (Way.BOUNCED, "erased_in_doubt"),
    (Way.TRYING, "erased_maybe"),
    (Way.WAITING, "erased_withdrawn"),
    (Way.SEALING, "erased_withdrawn"),
)

_COMMANDS: Mapping[str, Callable[[Turn, str], Outcome]] = {
    "help": lambda turn, _: _help(turn),
    "back": lambda turn, _: _back(turn),
    "skip": lambda turn, _: skip(turn),
    "language": _language,
    "privacy": lambda turn, _: _privacy(turn),
    "verify": _told("verify"),
    "stop": lambda turn, _: _stop(turn),
    "erase": lambda turn, _: _erase(turn),
    "emergency": lambda turn, _: cry(turn),
    "send": lambda turn, _: _send(turn),
    "start": _start,
    "signal": lambda turn, _: offer(turn),
    "guide": lambda turn, _: _guide(turn),
    "answer": lambda turn, _: _answer(turn),
}
