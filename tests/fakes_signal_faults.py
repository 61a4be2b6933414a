"""How the tests' Signal server goes wrong: answers other than the right one, and frames that nobody should send."""

import json
from collections import deque
from dataclasses import dataclass

from fakes_signal_wire import ACCOUNT, NOBODY_REACHED, UNTRUSTED, Asked, Body, encoded

HALF = "half a pair"  # stands for half of a surrogate pair, which JSON can write and no text can hold


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer other than the right one.

    `status` 0: no answer, the connection breaks. `body`: bytes are a page, text passes for JSON, the rest is JSON.
    `done`: what was asked happens all the same. `hangs`: until released. `reason`: sent, but not to this recipient.
    """

    status: int = 0
    body: object = None
    done: bool = False
    hangs: bool = False
    reason: str = ""
    tokens: tuple[str, ...] = ()


FAILED = Fault(400, {"error": NOBODY_REACHED})
UNTRUSTED_KEYS = Fault(400, {"error": UNTRUSTED})
BROKEN = Fault(500, {"error": "Internal Server Error"})
BAD_GATEWAY = Fault(502, b"<html><body>Bad Gateway</body></html>")
GARBAGE = Fault(201, '[{"timestamp":', done=True)
ANOTHER_ANSWER = Fault(201, {"sent": "yes"}, done=True)
RESET_BEFORE = Fault()
RESET_AFTER = Fault(done=True)
HANGS = Fault(hangs=True)  # and happens when released
HANGS_AFTER = Fault(hangs=True, done=True)


def partly(reason: str = "UNREGISTERED_FAILURE") -> Fault:
    """Sent, says the answer, and names who didn't get it."""
    return Fault(201, reason=reason)


def rate_limited(*tokens: str, done: bool = False) -> Fault:
    """Too many messages. Signal asks for a captcha with each of these tokens; [""] asks for nothing but patience."""
    error = (
        "Failed to send message due to rate limiting. Use the attached challenge tokens to lift the rate limit "
        "restrictions via the '/v1/accounts/{number}/rate-limit-challenge' endpoint."
    )
    return Fault(429, {"error": error, "challenge_tokens": list(tokens), "account": ACCOUNT}, done=done, tokens=tokens)


@dataclass(slots=True)
class Plan:
    """Which requests go wrong, and how."""

    on: str
    to: str | None
    faults: deque[Fault]
    always: bool

    def fault(self, asked: Asked) -> Fault | None:
        """The next fault, if this request is meant."""
        meant = asked.path == self.on or asked.path.startswith(self.on + "/")
        if not (meant or self.on == asked.route) or (self.to is not None and self.to not in asked.recipients):
            return None
        return self.faults[0] if self.always else self.faults.popleft()


def bad_frames(good: bytes) -> dict[str, bytes]:
    """Frames that no server should send, each by what is wrong with it, made from a good one with a text."""
    whole: Body = json.loads(good)
    envelope = whole["envelope"]
    assert isinstance(envelope, dict)
    at = envelope["timestamp"]

    def changed(**parts: object) -> bytes:
        changes = {**envelope, **parts}
        return encoded({**whole, "envelope": {key: value for key, value in changes.items() if value is not ...}})

    return {
        "not JSON": b'{"envelope":{"source":"',
        "an error": encoded({"error": "Connection to signal-cli lost"}),
        "no object": b"[1, 2, 3]",
        "a word": b'"7"',
        "nothing": b"null",
        "empty": b"",
        "no envelope": encoded({"account": whole["account"]}),
        "an envelope of text": encoded({**whole, "envelope": "7"}),
        "no account": encoded({"envelope": envelope}),
        "another account": encoded({**whole, "account": "+491709999999"}),
        "no timestamp": changed(timestamp=...),
        "no server's timestamps": changed(serverReceivedTimestamp=..., serverDeliveredTimestamp=...),
        "no timestamp within": changed(dataMessage={"message": "7"}),
        "a timestamp of text": changed(timestamp="yesterday"),
        "a timestamp out of this world": changed(timestamp=10**30, dataMessage={"timestamp": 10**30, "message": "7"}),
        "a negative timestamp": changed(timestamp=-1, dataMessage={"timestamp": -1, "message": "7"}),
        "no source": changed(source=None, sourceUuid=None, sourceNumber=None),
        "a source that is no uuid": changed(sourceUuid="somebody"),
        "a source of the wrong type": changed(sourceUuid=7),
        "a text of the wrong type": changed(dataMessage={"timestamp": at, "message": ["7"]}),
        "a body of the wrong type": changed(dataMessage="7"),
        "an edit of nothing": changed(dataMessage=..., editMessage={}),
        "a deletion of nothing": changed(dataMessage={"timestamp": at, "remoteDelete": {}}),
        "half a pair": changed(dataMessage={"timestamp": at, "message": HALF}).replace(HALF.encode(), rb"\ud83d"),
        "a deep nest": b'{"envelope":' + b"[" * 5000 + b"]" * 5000 + b"}",
    }
