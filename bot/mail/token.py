"""How an acknowledgement is written: one token, alone on a line of a mail that its officer has signed.

Form only. Which tokens wait for which case, and that each counts once, is known where they are stored.
"""

import re

PREFIX = "ACK"
_ALPHABET = "0-9A-HJKMNP-TV-Z"  # Crockford's base 32, as bot/clock.py draws it
_GROUP = 4

# The case reference, then the secret in three groups: 12 characters of 5 bits, which nobody guesses.
TOKEN = re.compile(rf"{PREFIX}-(?P<reference>[{_ALPHABET}]{{6}})(?P<secret>(?:-[{_ALPHABET}]{{4}}){{3}})")

# What mail programs and telephones make of a hyphen.
_HYPHENS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"))
# Spaces, also those that are not to be broken or seen, and the marks of direction within a text from right to left.
_AROUND = " \t\r\n\f\v\u00a0\u2007\u202f\u200b\u2060\ufeff" + "\u061c\u200e\u200f\u2066\u2067\u2068\u2069"


def token_text(reference: str, secret: str) -> str:
    """Return the token as an officer reads and writes it: `ACK-7K3QM4-XXXX-XXXX-XXXX`.

    `reference`: of the case, 6 characters; `secret`: 12 characters of the same alphabet.

    Raises:
        ValueError: they aren't.
    """
    groups = [secret[at : at + _GROUP] for at in range(0, len(secret), _GROUP)]
    token = "-".join((PREFIX, reference, *groups))
    if not TOKEN.fullmatch(token):
        raise ValueError("a token is made of a reference of 6 and a secret of 12 characters")
    return token


def read_token(line: str) -> str | None:
    """Return the token that stands alone on this line, as `token_text` writes it; None if none does.

    Lower case, spaces around it and one full stop after it are what people and their programs add.
    """
    bare = line.strip(_AROUND).translate(_HYPHENS).removesuffix(".").rstrip(_AROUND)
    if not bare.isascii():  # there are letters whose capital is ASCII, and they aren't
        return None
    token = bare.upper()
    return token if TOKEN.fullmatch(token) else None
