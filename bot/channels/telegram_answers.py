"""Reads what Telegram answers, also where it is hardly JSON: one odd update must not hide all the others with it."""

import json
import re

DEEPEST = 100  # levels; nothing of Telegram's is so deep, and Python reads some hundreds
LONGEST = 25  # digits; no number of Telegram's has more than 19

# A string that never ends goes to the end: else it is looked for again from each quote that it holds.
_PARTS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


def read_answer(payload: bytes) -> object:
    """Return what an answer says; None: it isn't JSON at all."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return _read_odd(payload.decode("utf-8", "replace"))


def _read_odd(text: str) -> object:
    try:
        return json.loads(_shallow(text), parse_int=_number)
    except (ValueError, RecursionError):
        return None


def _shallow(text: str) -> str:
    """Return JSON with null in the place of what lies too deep to be read."""
    kept, depth, end = [], 0, 0
    for part in _PARTS.finditer(text):
        step = _STEPS.get(part[0], 0)
        if step > 0 and depth == DEEPEST:
            kept += [text[end : part.start()], "null"]
        if step < 0 and depth == DEEPEST + 1:
            end = part.end()
        depth += step
    return "".join((*kept, text[end:]))


def _number(digits: str) -> int | float:
    """Return a whole number; one that is none of Telegram's as a float, which nothing takes for an id."""
    return int(digits) if len(digits) <= LONGEST else float(digits)
