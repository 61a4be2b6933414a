"""How the mission learns which account on Signal is an officer's: the account itself asks, with words of one day.

The words come from the folder of keys, so nothing is stored for them; they tell an account its own name, nothing else.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bot.conversation.understanding import fold

WORD = "officer"
DIGITS = 12

Hash = Callable[[str, str], bytes]  # (label, what is hashed) -> keyed hash

_DAY = timedelta(days=1)


def invitation(hashed: Hash, now: datetime) -> str:
    """Return what an officer writes to the bot, today or tomorrow (UTC): "officer 1234 5678 9012"."""
    digits = _digits(hashed, now)
    return " ".join((WORD, *(digits[at : at + 4] for at in range(0, DIGITS, 4))))


def is_invited(hashed: Hash, text: str, now: datetime) -> bool:
    """Tell whether a message is the invitation of this day or the one before."""
    word, _, rest = fold(text[:100]).partition(" ")
    return word == WORD and rest.replace(" ", "") in {_digits(hashed, at) for at in (now, now - _DAY)}


def _digits(hashed: Hash, at: datetime) -> str:
    day = at.astimezone(UTC).date().isoformat()
    return f"{int.from_bytes(hashed('invitation', day)[:8], 'big') % 10**DIGITS:0{DIGITS}}"
