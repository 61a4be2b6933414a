"""A talk goes on in a safer messenger: a code from there carries language, place and tapped answers, once.

Pure. Own words are never carried, nor a consent, nor a case that has been handed over. What is carried is shown
and confirmed where it arrives; where it comes from, it is said that the code was used, and the talk there ends.
"""

from dataclasses import replace

from bot.conversation.asking import Rulebook
from bot.conversation.model import Conversation, Line, Outcome, Say, Weight
from bot.conversation.moves import Turn, again, begin, to
from bot.conversation.settling import settle
from bot.conversation.tracing import cleared
from bot.conversation.understanding import fold

CARRIED_FROM = "telegram"
CARRY_DIGITS = 12
GOES_ON, STARTS_ANEW = "yes", "no"  # the choices at the step that shows what is carried


def carry_code(text: str) -> str:
    """Return the code that `text` is, as drawn, or ""."""
    digits = fold(text).replace(" ", "")
    return digits if len(digits) == CARRY_DIGITS and digits.isascii() and digits.isdigit() else ""


def can_carry(turn: Turn) -> bool:
    """Whether this talk can go on somewhere safer: not after its case has gone, from where others read along."""
    return turn.book.signal and turn.talk.case is None and turn.talk.sender.channel == CARRIED_FROM


def offer(turn: Turn) -> Outcome:
    """Give a code for this talk at the person's wish, and put the waiting question again."""
    if not can_carry(turn):
        return again(turn, turn.text("carry_not"))
    outcome = again(turn)
    return replace(outcome, effects=(safer(turn), *outcome.effects), code=turn.chance.carry)


def begun(turn: Turn) -> Outcome:
    """Begin a talk; where others may read along, the safer place is named before anything is asked."""
    outcome = begin(turn)
    if not can_carry(turn):
        return outcome
    asked = next(effect for effect in outcome.effects if isinstance(effect, Say))
    told = replace(safer(turn), lines=(*asked.lines[:-1], *safer(turn).lines))  # who speaks here, then what is safer
    rest = (replace(asked, lines=asked.lines[-1:]) if effect is asked else effect for effect in outcome.effects)
    return replace(outcome, effects=(told, *rest), code=turn.chance.carry)


def safer(turn: Turn) -> Say:
    """Return the words that name the safer place, with the code: alone in a message, so that it can be copied."""
    digits = turn.chance.carry
    code = " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
    return replace(turn.status(turn.text("safer", code=code)), final=True)


def take_over(turn: Turn, there: Conversation | None) -> tuple[Outcome, Outcome | None]:
    """Go on here with the talk from `there`. Returns what follows here, and there (None: the code stays as it is).

    A code that is unknown, used or too old (`there` None) gets one and the same answer.
    """
    if there is None or there.case or turn.talk.case:
        return again(turn, turn.text("code_unknown")), None
    there, _ = settle(turn.book, there)
    carried = turn.on(
        language=there.language,
        answers=tuple(replace(one, message="") for one in there.answers if not one.words),
        trail=there.trail,
        found=there.found,
        urgent=turn.talk.urgent or there.urgent,
        consents=(),
        offered=(),
        misses=0,
        draft="",
        picked=(),
        resume="",
        carried_to=_place(turn.book, there),
    )
    if not turn.book.flow.carried:
        return again(turn, turn.text("code_unknown")), None
    ended = Turn(turn.book, there, turn.message, turn.now, turn.chance)
    used = Say((ended.text("code_used"),), ended.status().languages, weight=Weight.STATUS)
    return to(carried, turn.book.flow.carried), Outcome(None, (*cleared(there), used))


def confirmed(turn: Turn, choice: str, *lines: Line) -> Outcome:
    """Go on where the talk stood, or from the beginning with nothing carried but the language."""
    place, turn = turn.talk.carried_to, turn.on(carried_to="")
    if choice == GOES_ON and place in turn.book.flow.steps:
        return to(turn, place, *lines)
    return to(turn.on(answers=(), trail=(), urgent=False), turn.book.flow.first, *lines)


def _place(book: Rulebook, there: Conversation) -> str:
    """Return the question to go on with; a consent to act is asked after the consent to send, as always."""
    step = book.flow.step(there.resume or there.step)
    if step is None:
        return book.flow.first
    return there.trail[-1] if step.hands_off and there.trail else step.name
