"""Which effects hurry, and until when they wait: rules that hold no state."""

from datetime import datetime, timedelta

from bot.conversation.handing import URGENT as URGENT_LEVEL
from bot.conversation.model import Effect, HandOff, Outcome, Wake, Way
from bot.storage.tables import OTHER, URGENT

_WAITS = (Way.SEALING, Way.WAITING)
CARRIED_FOR = timedelta(hours=24)  # what could not be carried out for so long is dropped


def made_urgent(outcome: Outcome) -> bool:
    """Whether an addition has made a case urgent whose alert still waits for its random minute, or to be sealed."""
    case = outcome.conversation.case if outcome.conversation else None
    raised = any(isinstance(effect, HandOff) and (effect.raised_from or 0) > URGENT_LEVEL for effect in outcome.effects)
    return raised and case is not None and case.level <= URGENT_LEVEL and case.handed[0].way in _WAITS


def lane(outcome: Outcome) -> int:
    """A person in danger goes before others, and so does the answer to a wish to be forgotten."""
    talk = outcome.conversation
    if talk is None:
        return URGENT if outcome.erase else OTHER
    return URGENT if talk.urgent or (talk.case and talk.case.level <= URGENT_LEVEL) else OTHER


def due(effect: Effect, now: datetime) -> datetime:
    """Return when an effect is to be carried out."""
    if isinstance(effect, Wake):
        return effect.at
    return effect.not_before or now
