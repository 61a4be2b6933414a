"""Time and chance, drawn here and passed on as arguments, so that everything else can be repeated in a test.

No decision belongs here. What is drawn says nothing about whom it is drawn for.
"""

import secrets
from datetime import UTC, datetime, tzinfo

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U to be misread
REFERENCE_LENGTH = 6  # five drawn characters and the check character
RETURN_CODE_DIGITS = 16
CARRY_CODE_DIGITS = 12  # another length than the return code: nobody takes one for the other
TOKEN_LENGTH = 12
CHECK_NUMBER_DIGITS = 4

_FIELD = 0b100101  # x⁵ + x² + 1, primitive over GF(2): its powers weigh each place differently
_HIGHEST = 0b10000
_FRACTION_STEPS = 2**53  # as many as a float can tell apart between 0 and 1


def now(zone: tzinfo = UTC) -> datetime:
    """Return the present moment, aware, in `zone`."""
    return datetime.now(zone)  # noqa: TID251 - the one place that may


def reference() -> str:
    """Draw a case reference: five random characters and a check character, no country in it."""
    number = secrets.randbelow(len(ALPHABET) ** (REFERENCE_LENGTH - 1))  # one draw: every turn asks for one
    drawn = ""
    while len(drawn) < REFERENCE_LENGTH - 1:
        number, place = divmod(number, len(ALPHABET))
        drawn += ALPHABET[place]
    return drawn + check_character(drawn)


def is_reference(text: str) -> bool:
    """Tell whether `text` is a case reference as written by `reference`: upper case, without spaces."""
    if len(text) != REFERENCE_LENGTH or not set(text) <= set(ALPHABET):
        return False
    return check_character(text[:-1]) == text[-1]


def check_character(text: str) -> str:
    """Return the character that closes `text`, which is made of ALPHABET.

    A weighted sum in the field of 32 elements: one wrong character, or any two that changed places, give
    another sum, and the sum is itself in the alphabet (Crockford's own check symbols, `*~$=U`, can't be dictated).
    """
    total = 0
    for character in text:
        total = _times_x(total ^ ALPHABET.index(character))
    return ALPHABET[total]


def _times_x(element: int) -> int:
    """Multiply by x in the field of 32 elements."""
    return element << 1 ^ (_FIELD if element & _HIGHEST else 0)


def return_code() -> str:
    """Draw the digits by which a person comes back: 16, about 53 bits."""
    return _digits(RETURN_CODE_DIGITS)


def carry_code() -> str:
    """Draw the digits that carry a talk to another channel: 12, for a quarter of an hour."""
    return _digits(CARRY_CODE_DIGITS)


def token() -> str:
    """Draw what acknowledges a case by mail: 12 characters, 60 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(TOKEN_LENGTH))


def check_number() -> str:
    """Draw the 4 digits that an officer must be able to say."""
    return _digits(CHECK_NUMBER_DIGITS)


def fraction() -> float:
    """Draw a number x, 0 ≤ x < 1."""
    return secrets.randbelow(_FRACTION_STEPS) / _FRACTION_STEPS


def _digits(count: int) -> str:
    return f"{secrets.randbelow(10**count):0{count}d}"
