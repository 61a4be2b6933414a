"""What goes between the tests' Signal server and its clients: frames as they are written, requests as they are read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

Body = dict[str, object]

ACCOUNT = "+491701234567"
UNTRUSTED = "Unable to complete request due to untrusted recipient keys"
NOBODY_REACHED = "Failed to send message"

Answer = tuple[int, object]
NO_CONTENT: Answer = (204, None)


def refusal(why: str, status: int = 400) -> Answer:
    """An error as the server words all of its own."""
    return status, {"error": why}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; `body` None where it was no JSON object."""

    method: str
    path: str
    parts: tuple[str, ...]
    body: Body | None
    query: Mapping[str, str]

    @classmethod
    def of(cls, method: str, path: str, raw: bytes, query: Mapping[str, str]) -> "Asked":
        """Read a request, whatever type of content it says to have."""
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            body = None
        return cls(method, path, tuple(path.strip("/").split("/")), body if isinstance(body, dict) else None, query)

    @property
    def route(self) -> str:
        """Method and path without what varies in it: "PUT /v1/accounts/settings"."""
        deeper = self.parts[3:4] if self.parts[1:2] != ("groups",) else ()
        return f"{self.method} /{'/'.join((*self.parts[:2], *deeper))}"

    @property
    def number(self) -> str:
        return str((self.body or {}).get("number")) if self.path == "/v2/send" else "".join(self.parts[2:3])

    @property
    def recipients(self) -> list[str]:
        body = self.body or {}
        one, many = body.get("recipient"), body.get("recipients")
        return [one] if isinstance(one, str) else [str(each) for each in many] if isinstance(many, list) else []

    def text(self, name: str) -> str:
        """A field of text, empty if it isn't there."""
        found = (self.body or {}).get(name)
        return found if isinstance(found, str) else ""

    def time(self, name: str) -> int | None:
        found = (self.body or {}).get(name)
        return found if isinstance(found, int) else None


def encoded(frame: object) -> bytes:
    """A frame as it goes over the wire."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode()


def data(at: int, message: str | None = None, *, expires_in: int = 0, **more: object) -> Body:
    """A dataMessage, and so one of the bodies that an envelope may have."""
    timer: Body = {"expiresInSeconds": expires_in, "isExpirationUpdate": False, "viewOnce": False}
    return {"dataMessage": {"timestamp": at, "message": message, **timer, **more}}


def photo(name: str, content: bytes, *, voice: bool | None) -> Body:
    """What is told of an attachment; older servers don't say whether it is a voice note (None)."""
    told: Body = {"contentType": "image/jpeg", "filename": "IMG.jpg", "id": name, "size": len(content)}
    told |= {"width": 4, "height": 3, "caption": None, "uploadTimestamp": 1}
    return told if voice is None else {**told, "isVoiceNote": voice}


def wire(frame: bytes) -> bytes:
    """A text frame of a websocket as a server writes it: whole and unmasked."""
    size = len(frame)
    if size < 126:
        return b"\x81" + size.to_bytes(1) + frame
    if size < 2**16:
        return b"\x81\x7e" + size.to_bytes(2) + frame
    return b"\x81\x7f" + size.to_bytes(8) + frame
