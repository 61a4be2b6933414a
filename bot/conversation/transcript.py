"""A talk written down as names: what is said and what follows, a line each, the same in every language.

Pure. `< ` is what is said, `! ` any other effect; `> ` (the person) and `~ ` (what happens outside) are the writer's.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from bot.conversation.model import Clear, Effect, HandOff, Outcome, Say, Wake


def written_down(outcome: Outcome, now: datetime, because: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of one outcome. `because`: the reasons of triage, by context ("triage.danger_now")."""
    yield from (_line(effect, now, because) for effect in outcome.effects)
    if outcome.erase:
        yield "! erase"
    if outcome.code:
        yield "! code"


def _line(effect: Effect, now: datetime, because: Mapping[str, str]) -> str:
    if isinstance(effect, Say):
        return _said(effect)
    if isinstance(effect, HandOff):
        return _handed(effect, because)
    if isinstance(effect, Wake):
        return f"! wake {effect.timer} in {(effect.at - now) // timedelta(minutes=1)} minutes"
    return _cleared(effect, now)


def _cleared(clear: Clear, now: datetime) -> str:
    later = f" in {(clear.not_before - now) // timedelta(minutes=1)} minutes" if clear.not_before else ""
    return f"! clear {len(clear.ids)}{later}"


def _said(say: Say) -> str:
    names = [line.name.removeprefix("say.").removeprefix("intake.") for line in (*say.lines, *say.tail)]
    listed = [f"[{', '.join(answer.step for answer in say.shown)}]"] if say.shown else []
    when = [f"(not before {say.not_before:%H:%M})"] if say.not_before else []
    return " ".join(["<", *names, *listed, *when])


def _handed(told: HandOff, because: Mapping[str, str]) -> str:
    addition = f"  addition {told.number}," if told.number else " "
    raised = f" raised from {told.raised_from}" if told.raised_from else ""
    reasons = "; ".join(because[f"triage.{name}"] for name in told.reasons) or "nothing graver"
    return f"! hand off{addition} level {told.level}{raised}: {reasons}"
