"""What an answer of Signal's server means for a message that was to be sent: a table, and nothing else.

The server's words are kept where they are words that we know; others may name the person they are about.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.channels.signal_service import TOO_MANY, Answer
from bot.errors import DeliveryError, Unreachable, UnsureDelivery

UNTIL_AN_OPERATOR = 900.0  # seconds between tries that only an operator can make succeed
UNTIL_LIFTED = 120.0  # after a rate limit whose length nobody tells

_NOT_NOW = 503
_SERVER = 500  # this and above: what a gateway says when the answer didn't come


class Operator(StrEnum):
    """What an operator must look at."""

    KEY_CHANGED = "key_changed"
    CAPTCHA = "captcha"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message didn't go, or may not have gone."""

    error: DeliveryError
    operator: Operator | None = None
    code: int = 0  # the HTTP status
    tokens: tuple[str, ...] = field(default=(), repr=False)  # what a solved captcha is submitted with


# What the server is known to say, with why; the first that fits.
_WORDS = (
    ("untrusted recipient keys", "IDENTITY_FAILURE"),
    ("rate limiting", "RATE_LIMIT_FAILURE"),
    ("Failed to send message", "FAILED"),
)


def _untrusted(said: str) -> DeliveryError:
    return DeliveryError(said, retry_after=UNTIL_AN_OPERATOR)


def _limited(said: str) -> DeliveryError:
    return UnsureDelivery(said, retry_after=UNTIL_LIFTED)  # it was seen to arrive all the same


_ERRORS: Mapping[str, Any] = {
    "IDENTITY_FAILURE": _untrusted,
    "INVALID_PRE_KEY_FAILURE": _untrusted,
    "RATE_LIMIT_FAILURE": _limited,
    "UNREGISTERED_FAILURE": Unreachable,
    "NETWORK_FAILURE": DeliveryError,
    "FAILED": DeliveryError,
}
_OPERATORS: Mapping[str, Operator] = {"IDENTITY_FAILURE": Operator.KEY_CHANGED}


def failed(answer: Answer) -> Failure:
    """Return what an answer means that isn't good."""
    words = answer.error()
    why = next((why for known, why in _WORDS if known in words), "")
    if answer.status == TOO_MANY:
        tokens = _tokens(answer.told())
        operator = Operator.CAPTCHA if tokens else None
        return Failure(_limited(f"Signal: {answer.status} RATE_LIMIT_FAILURE"), operator, answer.status, tokens)
    if answer.status >= _SERVER and answer.status != _NOT_NOW:
        return Failure(UnsureDelivery(f"Signal: {answer.status}"), code=answer.status)
    return _meaning(why, answer.status)


def missed(reason: object, status: int) -> Failure:
    """Return what it means that the server names our recipient as one who wasn't reached."""
    return _meaning(reason if isinstance(reason, str) else "", status)


def _meaning(why: str, status: int) -> Failure:
    known = why if why in _ERRORS else "FAILED"
    said = f"Signal: {status} {known if why else ''}".rstrip()
    return Failure(_ERRORS[known](said), _OPERATORS.get(known), status)


def _tokens(told: object) -> tuple[str, ...]:
    """Return the tokens for which a captcha lifts the limit; none if there is nothing to do but to wait."""
    tokens = told.get("challenge_tokens") if isinstance(told, dict) else None
    return tuple(one for one in tokens if isinstance(one, str) and one) if isinstance(tokens, list) else ()
