"""What the rules of a profile share: shapes that a value may have, and how a rule says that it hasn't.

Only what more than one of the files of rules needs; which key must have which shape stands there.
"""

import re
from collections.abc import Iterable, Iterator

Mistake = tuple[str, str]  # the key, what was expected

TAG = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")  # BCP 47: language, script, region
ADDRESS = re.compile(r"[!-?A-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")  # plain ASCII: SMTPUTF8 stays off

A_TAG = "a language tag like es or pt-BR"
AN_ADDRESS = "a mail address in plain ASCII"


def shaped(pattern: re.Pattern[str], key: str, values: Iterable[str], expected: str) -> Iterator[Mistake]:
    """Yield a mistake unless each of the values has this shape."""
    if not all(pattern.fullmatch(value) for value in values):
        yield key, expected


def if_given(pattern: re.Pattern[str], key: str, value: str, expected: str) -> Iterator[Mistake]:
    """Yield a mistake if there is a value and it hasn't this shape."""
    yield from shaped(pattern, key, [value] if value else [], expected)


def within(key: str, number: int, low: int, high: int) -> Iterator[Mistake]:
    """Yield a mistake unless the number is one of these."""
    if not low <= number <= high:
        yield key, f"a number from {low} to {high}"
