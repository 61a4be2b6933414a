"""Choices as buttons: what stands on them, what a tap on one says, and which are marked.

Pure. What has been marked so far stands in the buttons themselves, so that nothing of it is kept here. A button says
`12:7` (number 7 of question 12), `12:+7` and `12:-7` (mark it, unmark it) or `12:!` (these, and no more).
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from bot.channels.base import Outgoing
from bot.conversation.model import Question

MARK = "☑ "
CHOSEN = "✓ "
AT_ONCE = frozenset({"more", "skip"})  # choices that close nothing: one can't have them and others too
_PRESS = re.compile(r"(\d{1,15}):(?:([+-]?)(\d{1,4})|(!))", re.ASCII)
_MARKING = {"+": True, "-": False}

Markup = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Press:
    """What a button says. `number` None: that's all. `marks`: mark this number, or unmark it; None: answer with it."""

    serial: int
    number: int | None
    marks: bool | None = None

    def __str__(self) -> str:
        if self.number is None:
            return f"{self.serial}:!"
        sign = {True: "+", False: "-", None: ""}[self.marks]
        return f"{self.serial}:{sign}{self.number}"


@dataclass(frozen=True, slots=True)
class Button:
    """One button as it is shown, without its mark."""

    label: str = field(repr=False)
    press: Press


def press(told: object) -> Press | None:
    """Return what a button's words mean; None for those that aren't ours."""
    found = _PRESS.fullmatch(told) if isinstance(told, str) else None
    if not found:
        return None
    serial, sign, number, _ = found.groups()
    return Press(int(serial), int(number) if number else None, _MARKING.get(sign or ""))


def buttons_for(outgoing: Outgoing) -> tuple[Button, ...]:
    """Return the buttons of a message, each in a row of its own."""
    question, spoken = outgoing.say.question, outgoing.spoken
    if question is None or not spoken.buttons:
        return ()
    shown = [
        Button(label or str(number), Press(question.serial, number, True if number in _markable(outgoing) else None))
        for number, label in spoken.buttons
    ]
    if spoken.done and question.several:
        shown.append(Button(spoken.done, Press(question.serial, None)))
    return tuple(shown)


def _markable(outgoing: Outgoing) -> Collection[int]:
    question: Question | None = outgoing.say.question
    if question is None or not (question.several and outgoing.spoken.done):
        return ()
    return {number for number, name in question.offered if name not in AT_ONCE}


def markup(buttons: Iterable[Button], marked: Collection[int] = ()) -> Markup:
    """Return the keyboard as Telegram takes it."""
    return {"inline_keyboard": [[_row(button, button.press.number in marked)] for button in buttons]}


def _row(button: Button, marked: bool) -> Mapping[str, str]:
    marking = button.press.marks is not None
    told = Press(button.press.serial, button.press.number, not marked if marking else None)
    return {"text": (MARK if marking and marked else "") + button.label, "callback_data": str(told)}


def buttons_of(keyboard: object) -> tuple[Button, ...]:
    """Return the buttons that are ours of a keyboard as Telegram tells it."""
    rows = keyboard.get("inline_keyboard") if isinstance(keyboard, Mapping) else None
    cells = [cell for row in _listed(rows) for cell in _listed(row)]
    found = [(cell.get("text"), press(cell.get("callback_data"))) for cell in cells if isinstance(cell, Mapping)]
    return tuple(
        Button(label.removeprefix(MARK), told) for label, told in found if isinstance(label, str) and told is not None
    )


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def marked_in(buttons: Iterable[Button]) -> frozenset[int]:
    """Return the numbers that are marked there."""
    return frozenset(
        button.press.number for button in buttons if button.press.marks is False and button.press.number is not None
    )


def with_chosen(text: str, buttons: Iterable[Button], numbers: Collection[int]) -> str:
    """Return the text of an answered message: the labels of what was chosen stay readable."""
    labels = [CHOSEN + button.label for button in buttons if button.press.number in numbers]
    return "\n".join([text, "", *labels]) if text and labels else ""
