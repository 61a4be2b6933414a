"""What is proven about the ways through a flow: nothing is out of reach, all of it ends, nothing leaves unasked.

Read from the same ways that the machine is built of. What a single step says or takes is judged in `checks.py`.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from bot.conversation.flow import END, Ask, Flow, Step
from bot.conversation.guide import FOUND
from bot.conversation.machine import arcs_of
from bot.conversation.model import ConsentKind

FIRST_CONTACT = 1  # the message that gets the first question

Walk = tuple[tuple[str, str], ...]  # (step, answer), in order


def findings(flow: Flow) -> list[str]:
    """Return what is wrong with the ways of a flow whose targets all exist, a sentence each."""
    return [
        *_out_of_reach(flow),
        *_endless(flow),
        *_unconsented(flow),
        *_misplaced(flow),
        *_too_long(flow),
    ]


def at(flow: Flow, step: str) -> str:
    """Return how a sentence about a step begins."""
    file = flow.steps[step].file if step in flow.steps else ""
    return f"flows/{file or flow.name}.toml: step '{step}': "


def ways(flow: Flow) -> Iterator[tuple[str, str, str]]:
    """Yield every way as (step, answer, target or END), also where the profile has yet to fill choices in."""
    yield from arcs_of(flow)
    yield from ((step.name, step.choices_from, step.otherwise) for step in flow.steps.values() if step.choices_from)


def landings(flow: Flow, target: str) -> list[str]:
    """Return where a way to `target` may lead: on some channels own words are passed over."""
    chain = [target]
    while chain[-1] in flow.steps and flow.steps[chain[-1]].kind is Ask.WORDS and not flow.steps[chain[-1]].returned:
        beyond = flow.steps[chain[-1]].otherwise
        if beyond in chain:
            break
        chain.append(beyond)
    return chain


def fewest_messages(flow: Flow) -> tuple[int | None, int | None]:
    """Return the fewest messages of the person up to a consented alert: (from "hello", from SOS).

    The first contact is one; from "hello" the case passes a consent that is not the emergency path's. None: no
    way leads there. Commands are left out, and an answer that stands already counts, so it is never too few.
    """
    ordinary, sos = fewest_walks(flow)
    return _messages(ordinary), _messages(sos)


def fewest_walks(flow: Flow) -> tuple[Walk | None, Walk | None]:
    """Return the answers of the shortest ways to a consented alert: (from "hello", from SOS)."""
    return _shortest(flow, flow.first, urgent=False), _shortest(flow, flow.sos, urgent=True)


def _messages(walk: Walk | None) -> int | None:
    return None if walk is None else FIRST_CONTACT + len(walk)


def _shortest(flow: Flow, start: str, *, urgent: bool) -> Walk | None:
    for name, consent, walk in _walks(flow, start):
        step = flow.steps[name]
        if _hands_over(step) and consent and (urgent or not flow.steps[consent].urgent):
            return (*walk, (name, _yes(step)))
    return None


def _yes(step: Step) -> str:
    return next(choice for choice in step.accepts if choice in step.names())


def _hands_over(step: Step) -> bool:
    return step.hands_off and not set(step.accepts).isdisjoint(step.names())


def _walks(flow: Flow, *starts: str) -> Iterator[tuple[str, str, Walk]]:
    """Yield each (step, consent to send that stands there or ""), with a shortest way there, nearest first.

    As the engine has it: a consent stands until the next answer, and a handoff ends the walk.
    """
    onward = _by_step(flow)
    waiting = deque[tuple[str, str, Walk]]((start, "", ()) for start in starts)
    seen: set[tuple[str, str]] = set()
    while waiting:
        step, consent, walk = waiting.popleft()
        if step not in flow.steps or (step, consent) in seen:
            continue
        seen.add((step, consent))
        yield step, consent, walk
        for answer, target in onward[step]:
            stands = step if _agrees(flow.steps[step], answer) else ""
            waiting.extend((landing, stands, (*walk, (step, answer))) for landing in landings(flow, target))


def _by_step(flow: Flow) -> Mapping[str, list[tuple[str, str]]]:
    """Return the ways on from each step, but for those that hand the case over."""
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in flow.steps}
    for step, answer, target in ways(flow):
        if not _gives_away(flow.steps[step], answer):
            found[step].append((answer, target))
    return found


def _agrees(step: Step, answer: str) -> bool:
    return step.consent is ConsentKind.SEND and answer in step.accepts


def _gives_away(step: Step, answer: str) -> bool:
    return step.hands_off and answer in step.accepts


# ── each of them a sentence ──────────────────────────────────────────────────────────────────────────────


def _out_of_reach(flow: Flow) -> Iterator[str]:
    onward: dict[str, set[str]] = {}
    for step, _, target in ways(flow):
        onward.setdefault(step, set()).add(target)
    starts = (flow.first, flow.sos, flow.idle, flow.carried, flow.answer, FOUND)  # a search leads to the last
    reached = _spread([name for name in starts if name in flow.steps], onward)
    yield from (f"{at(flow, name)}nothing leads here" for name in flow.steps if name not in reached)


def _endless(flow: Flow) -> Iterator[str]:
    back: dict[str, set[str]] = {}
    for step, _, target in ways(flow):
        back.setdefault(target, set()).add(step)
    ending = _spread((END, flow.idle), back)
    yield from (f"{at(flow, name)}no way leads from here to an end" for name in flow.steps if name not in ending)


def _spread(starts: Sequence[str], onward: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(starts)
    while waiting:
        here = waiting.pop()
        if here not in reached:
            reached.add(here)
            waiting.extend(onward.get(here, ()))
    return reached


def _unconsented(flow: Flow) -> Iterator[str]:
    told: set[str] = set()
    for name, consent, walk in _walks(flow, flow.first, flow.sos, *_asked_after(flow)):
        if _hands_over(flow.steps[name]) and not consent and name not in told:
            told.add(name)
            path = ", ".join((*(step for step, _ in walk), name))
            yield f"{at(flow, name)}it hands over without a consent to send given just before, by way of {path}"


def _asked_after(flow: Flow) -> list[str]:
    return [step.name for step in flow.steps.values() if step.after]


def _misplaced(flow: Flow) -> Iterator[str]:
    """What is asked after the handoff begins with it, and never leads back."""
    for name, answer, target in ways(flow):
        step, then = flow.steps[name], flow.steps.get(target)
        if then is None:
            continue
        handed = step.after or _gives_away(step, answer)
        if handed and not then.after:
            yield f"{at(flow, name)}'{answer}' leads to '{target}', which is asked before the handoff"
        if then.after and not handed:
            yield f"{at(flow, name)}'{answer}' leads to '{target}', which is asked after the handoff"


def _too_long(flow: Flow) -> Iterator[str]:
    ordinary, sos = fewest_messages(flow)
    yield from _bound(flow, flow.first, ordinary, ("review_bound", flow.review_bound))
    yield from _bound(flow, flow.sos, sos, ("sos_bound", flow.sos_bound))


def _bound(flow: Flow, start: str, fewest: int | None, bound: tuple[str, int]) -> Iterator[str]:
    if fewest is None:
        yield f"{at(flow, start)}no way leads from here to an alert that was consented to"
    elif fewest > bound[1]:
        yield f"{at(flow, start)}an alert takes {fewest} messages from here, more than {bound[0]} = {bound[1]}"
