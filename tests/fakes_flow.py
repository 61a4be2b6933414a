"""A small flow without findings, to be broken in one place at a time."""

from collections.abc import Mapping

from fakes import COMMANDS

from bot.conversation import named
from bot.conversation.checks import findings
from bot.conversation.flow import Commands, Flow
from bot.conversation.model import Words
from bot.conversation.reading import read_flow

SMALL = """
[flow]
name = "small"
first = "language"
sos = "sos"
idle = "after"
review_bound = 5
sos_bound = 3

[[step]]
name = "language"
says = ["hello"]
ask = "Which language?"
choices_from = "languages"
skip = false
next.otherwise = "reply"

[[step]]
name = "reply"
title = "Reply"
ask = "How may they answer?"
choices.here = "Here"
choices.day = "By day"
choices.evening = "In the evening"
words.evening = "night, late"
next.otherwise = "review"

[[step]]
name = "review"
consent = "send"
ask = "Send this?"
choices.send = "Yes, send it"
choices.no = "Don't send it"
words.no = "no"
accepts = ["send"]
skip = false
next.send = "act"
next.otherwise = "end"

[[step]]
name = "act"
title = "Act"
consent = "act"
ask = "May they act?"
choices.act = "They may"
choices.no = "They may not"
accepts = ["act"]
skip = false
hands_off = true
next.act = "after"
next.otherwise = "end"
[[step.note]]
when.act = "act"
when.reply = "here"
say = "Noted."

[[step]]
name = "sos"
title = "Emergency"
consent = "send"
urgent = true
ask = "Send an alert?"
choices.me = "I am in danger"
choices.no = "Don't send"
accepts = ["me"]
skip = false
next.me = "sos_act"
next.otherwise = "end"

[[step]]
name = "sos_act"
like = "act"
consent = "act"
urgent = true
accepts = ["act"]
hands_off = true
next.act = "text"
next.otherwise = "end"

[[step]]
name = "text"
title = "Words"
after = true
kind = "words"
ask = "What else?"
next.otherwise = "add"

[[step]]
name = "add"
after = true
sends = true
ask = "Send what you added?"
choices.send = "Yes, add it"
choices.drop = "No, drop it"
accepts = ["send"]
skip = false
next.otherwise = "end"

[[step]]
name = "after"
after = true
says = ["case_now"]
ask = "More for {reference}?"
choices.add = "Add"
choices.rest = "Nothing"
skip = false
next.add = "text"
next.rest = "end"

[text]
hello = "I am a program."
"""

LANGUAGES = {"en": "English", "es": "Español"}


class Spoken:
    """One language by a table: context -> words; English where it has none."""

    def __init__(self, **texts: str) -> None:
        self.texts = {name.replace("__", "."): text for name, text in texts.items()}

    def __call__(self, context: str, msgid: str, values: Mapping[str, str] | None = None) -> str:
        assert values is None, "checks look at texts as they are written"
        return self.texts.get(context, msgid)


ENGLISH = Spoken()


def changed(*changes: tuple[str, str], more: str = "") -> str:
    """Return the small flow's TOML with each (old, new) replaced once, and all texts that the program says."""
    toml = SMALL
    for old, new in changes:
        assert old in toml, f"the small flow has no {old!r}"
        toml = toml.replace(old, new, 1)
    texts = {
        name: " ".join(["Said.", *(f"{{{place}}}" for place in sorted(places))]) for name, places in named.TEXTS.items()
    }
    texts |= {"crisis_bare": "Said.", "more": "More", "skip": "Skip"}
    own = toml.partition("[text]")[2] + more
    return (
        toml
        + more
        + "".join(f'{name} = "{text}"\n' for name, text in texts.items() if f"\n{name} = " not in f"\n{own}")
    )


def flow_of(toml: str) -> Flow:
    """Return a flow with its languages filled in."""
    return read_flow(toml, "small.toml").with_choices("languages", LANGUAGES)


def found(
    *changes: tuple[str, str],
    more: str = "",
    commands: Commands = COMMANDS,
    spoken: Mapping[str, Words] | None = None,
    standing: Mapping[str, Mapping[str, str]] | None = None,
) -> list[str]:
    """Return what is found wrong with the small flow, changed."""
    return findings(flow_of(changed(*changes, more=more)), commands, spoken or {"en": ENGLISH}, standing or {})
