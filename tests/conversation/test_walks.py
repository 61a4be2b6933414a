"""Walks through guide and intake as anybody might take them, in every language that is offered."""

import re
from collections.abc import Sequence

from fakes import CATALOGS, FLOW, OFFERED, RENDER, at_step
from hypothesis import given
from hypothesis import strategies as st
from often import tried

from bot.conversation.flow import END
from bot.conversation.model import Say
from bot.conversation.prompts import MESSAGE_LENGTH
from bot.language.extract import messages

ENGLISH = dict(messages())
PLACE = re.compile(r"\{[a-z_]+\}")
MANY = 120  # characters of own words and contacts that a message may hold beside its texts
STARTS = ("language", "guide", "guide_found", "notice", "note", "event", "after", "sos")
steps = st.lists(
    st.one_of(
        st.integers(0, 40), st.integers(0, 40), st.sampled_from(["back", "guide", "SOS", "skip", "a word", "help"])
    ),
    max_size=12,
)


def walked(start: str, moves: Sequence[int | str], tag: str) -> list[Say]:
    """Return all that is said on a walk; a number is the place of an offered choice."""
    talk, said = at_step(start), list[Say]()
    talk.write(f"language {tag}")
    said += talk.says
    for move in moves:
        offered = talk.conversation.offered if talk.conversation else ()
        talk.write(str(offered[move % len(offered)][0]) if isinstance(move, int) and offered else str(move))
        assert talk.says, "whoever writes is answered"
        assert talk.conversation is None or not talk.step or talk.question, "no dead end"
        said += talk.says
    return [say for say in said if say.languages == (tag,)]


@tried(0.15)
@given(st.sampled_from(STARTS), steps)
def test_no_walk_meets_an_untranslated_text_or_one_that_is_too_long(start: str, moves: list[int | str]) -> None:
    for tag in OFFERED:
        words, english = CATALOGS.words(tag), CATALOGS.words("en")
        for say in walked(start, moves, tag):
            shown = RENDER(say)
            assert not PLACE.search(shown), (tag, shown)
            if say.question and not say.shown and "commands" not in {line.name for line in say.lines}:
                assert len(shown) <= MESSAGE_LENGTH + MANY + extra(say), (tag, shown)
            for line in (*say.lines, *say.tail):
                said = ENGLISH.get(line.name, "")
                lost = said and tag != "en" and words(line.name, said) == english(line.name, said)
                assert not lost, (tag, line.name)


def extra(say: Say) -> int:
    """Return how much the notices before a question may add: they are no part of what is asked."""
    return 300 * sum(line.name.startswith("say.") for line in say.lines)


def test_every_question_of_guide_and_intake_leads_to_an_end_in_every_language() -> None:
    ends = {name for name, step in FLOW.steps.items() if END in {step.otherwise, *(to for _, to in step.next)}}
    assert {"guide", "notice", "after"} <= ends
    for tag in OFFERED:
        for name in STARTS:
            talk = at_step(name).write(f"language {tag}")
            stopped = talk.write("stop")
            assert stopped.conversation is None or stopped.talk.step == "", (tag, name)
