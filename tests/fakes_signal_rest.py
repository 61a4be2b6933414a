"""What the tests' Signal server answers to each request when it behaves, and what comes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fakes_signal_people import Person, Receipt, Said
from fakes_signal_wire import NO_CONTENT, NOBODY_REACHED, UNTRUSTED, Answer, Asked, Body, refusal

CAPTCHA = "signalcaptcha://"
CODE = "123-456"
LINK = "sgnl://linkdevice?uuid=bm8gcmVhbCBkZXZpY2U&pub_key=bm8gcmVhbCBrZXk"
PICTURE = b"\x89PNG\r\n\x1a\n no real code to scan"
ABOUT: Body = {
    "versions": ["v1", "v2"],
    "build": 2,
    "mode": "json-rpc",
    "version": "0.101.0",
    "capabilities": {"v2/send": ["quotes", "mentions"]},
}


class World(Protocol):
    """What the server knows of."""

    account: str
    about: Body
    people: dict[str, Person]
    groups: list[Body]
    attachments: dict[str, bytes]

    def stamp(self) -> int: ...

    def lift(self, token: str) -> bool: ...


@dataclass(eq=False)
class Rest:
    """The API as it should be, and all that an operator can set up by it."""

    world: World = field(repr=False)
    registered: bool = True
    wants_captcha: bool = True
    pin: str | None = None
    username: str | None = None
    profile: Body = field(default_factory=dict)
    settings: Body = field(default_factory=dict)
    trust_mode: str = "on-first-use"
    contacts: dict[str, Body] = field(default_factory=dict)
    linking: str | None = None  # the device's name, until the code was scanned
    _awaits_code: bool = False

    def answer(self, asked: Asked) -> Answer:
        """Do what was asked, and tell."""
        does = ROUTES.get(asked.route)
        if asked.body is None:
            return refusal("Couldn't process request - invalid request")
        if does is None:
            return refusal("Not found", 404)
        if asked.route not in WITHOUT_NUMBER and (asked.number != self.world.account or not self.registered):
            return refusal("Specified account does not exist")
        return does(self, asked)

    # Talking

    def send(self, asked: Asked) -> Answer:
        text, to = asked.text("message"), [self._find(one) for one in asked.recipients]
        if not to:
            return refusal("Couldn't process request - please provide at least one recipient")
        errors = [(one, why) for one, person in zip(asked.recipients, to, strict=True) if (why := _missed(person))]
        if len(errors) == len(to):
            return refusal(UNTRUSTED if errors[0][1] == "IDENTITY_FAILURE" else NOBODY_REACHED)
        at, files = self.world.stamp(), (asked.body or {}).get("base64_attachments")
        for person in to:
            if person and not _missed(person):
                edits, quotes = asked.time("edit_timestamp"), asked.time("quote_timestamp")
                count = len(files) if isinstance(files, list) else 0
                person.hear(Said(at, text, edits, asked.text("text_mode") == "styled", quotes, count, person.timer))
        told: Body = {"timestamp": str(at)}
        if errors:
            told["errors"] = {"recipients": [{"uuid": one, "reason": why} for one, why in errors]}
        return 201, [told]

    def remote_delete(self, asked: Asked) -> Answer:
        return self._to_one(asked, lambda person: person.lose(asked.time("timestamp") or 0), told=True)

    def typing(self, asked: Asked) -> Answer:
        return self._to_one(asked, lambda person: person.typing.append(asked.method == "PUT"))

    def receipt(self, asked: Asked) -> Answer:
        kind, of = asked.text("receipt_type"), asked.time("timestamp")
        if kind not in {"read", "viewed"} or of is None:
            return refusal("Couldn't process request - invalid request")
        return self._to_one(asked, lambda person: person.receipts.append(Receipt(kind, of, len(person.heard))))

    def reaction(self, asked: Asked) -> Answer:
        emoji = asked.text("reaction") if asked.method == "POST" else ""
        return self._to_one(asked, lambda person: person.reactions.append((emoji, asked.time("timestamp") or 0)))

    def contact(self, asked: Asked) -> Answer:
        """A timer of 0 is left out on the way to signal-cli: nothing happens, and the answer is the same."""
        seconds = asked.time("expiration_in_seconds")
        self.contacts[asked.text("recipient")] = dict(asked.body or {})
        return self._to_one(asked, lambda person: person.set_timer(seconds) if seconds else None)

    def poll(self, asked: Asked) -> Answer:
        return self._to_one(asked, lambda person: person.polls.append(dict(asked.body or {})), told=True)

    def _find(self, who: str) -> Person | None:
        return self.world.people.get(who) or next(
            (person for person in self.world.people.values() if who == person.number), None
        )

    def _to_one(self, asked: Asked, does: Callable[[Person], None], *, told: bool = False) -> Answer:
        person = self._find(asked.text("recipient"))
        if why := _missed(person):
            return refusal(UNTRUSTED if why == "IDENTITY_FAILURE" else NOBODY_REACHED)
        assert person is not None
        does(person)
        return (201, {"timestamp": str(self.world.stamp())}) if told else NO_CONTENT

    # What the server has

    def list_groups(self, asked: Asked) -> Answer:
        if len(asked.parts) == 3:
            return 200, self.world.groups
        one = next((group for group in self.world.groups if group["id"] == asked.parts[3]), None)
        return (200, one) if one else refusal("No group with that id found", 404)

    def list_accounts(self, _: Asked) -> Answer:
        return 200, [self.world.account] if self.registered else []

    def about(self, _: Asked) -> Answer:
        return 200, {**ABOUT, **self.world.about}

    def attachment(self, asked: Asked) -> Answer:
        if len(asked.parts) == 2:
            return 200, list(self.world.attachments)
        found = self.world.attachments.get(asked.parts[2])
        if found is None:
            return refusal("No attachment with that name found", 404)
        if asked.method == "GET":
            return 200, found
        del self.world.attachments[asked.parts[2]]
        return NO_CONTENT

    # What an operator does

    def challenge(self, asked: Asked) -> Answer:
        good = asked.text("captcha").startswith(CAPTCHA) and self.world.lift(asked.text("challenge_token"))
        return NO_CONTENT if good else refusal("Invalid captcha given.")

    def register(self, asked: Asked) -> Answer:
        if self.wants_captcha and not asked.text("captcha").startswith(CAPTCHA):
            return refusal("Captcha required for verification")
        self._awaits_code = True
        return 201, None

    def verify(self, asked: Asked) -> Answer:
        if not self._awaits_code or asked.parts[4:] not in {(CODE,), (CODE.replace("-", ""),)}:
            return refusal("Verify error: StatusCode: 403")
        if self.pin is not None and asked.text("pin") != self.pin:
            return refusal("Verification failed! This number is locked with a pin.")
        self.registered, self._awaits_code = True, False
        return 201, None

    def set_pin(self, asked: Asked) -> Answer:
        if asked.method == "POST" and not asked.text("pin"):
            return refusal("Couldn't process request - pin missing")
        self.pin = asked.text("pin") if asked.method == "POST" else None
        return (201, None) if self.pin else NO_CONTENT

    def set_username(self, asked: Asked) -> Answer:
        if asked.method == "DELETE":
            self.username = None
            return NO_CONTENT
        wanted = asked.text("username")
        if len(wanted) < 3:
            return refusal("Invalid username")
        self.username = wanted if "." in wanted else f"{wanted}.42"
        return 201, {"username": self.username, "username_link": "https://signal.me/#eu/bm8gcmVhbCBsaW5r"}

    def set_profile(self, asked: Asked) -> Answer:
        if not asked.text("name"):
            return refusal("Couldn't process request - profile name missing")
        self.profile |= asked.body or {}
        return NO_CONTENT

    def set_settings(self, asked: Asked) -> Answer:
        self.settings |= asked.body or {}
        return NO_CONTENT

    def trust_setting(self, asked: Asked) -> Answer:
        if asked.method == "GET":
            return 200, {"trust_mode": self.trust_mode}
        if asked.text("trust_mode") not in {"on-first-use", "always", "never"}:
            return refusal("Invalid trust mode")
        self.trust_mode = asked.text("trust_mode")
        return NO_CONTENT

    def identities(self, _: Asked) -> Answer:
        return 200, [
            {
                "number": one.number or "",
                "uuid": one.uuid,
                "added": "1795297034649",
                "fingerprint": "05 0a 1b",
                "safety_number": one.safety_number,
                "status": "TRUSTED_UNVERIFIED" if one.trusted else "UNTRUSTED",
            }
            for one in self.world.people.values()
        ]

    def trust(self, asked: Asked) -> Answer:
        person = self._find("".join(asked.parts[4:5]))
        number = asked.text("verified_safety_number")
        all_known = (asked.body or {}).get("trust_all_known_keys") is True
        if bool(number) == all_known:
            return refusal("Couldn't process request - please either provide a safety number or trust all known keys")
        if person is None or (number and number != person.safety_number):
            return refusal("Failed to set the trust for the fingerprint of this number")
        person.trusted = True
        return NO_CONTENT

    def link(self, asked: Asked) -> Answer:
        if not (name := asked.query.get("device_name")):
            return refusal("Please provide a name for the device")
        self.linking = name
        return 200, {"device_link_uri": LINK} if asked.parts[2:] else PICTURE


def _missed(person: Person | None) -> str:
    """Why nothing reaches somebody; empty if it does."""
    if person is None or not person.reachable:
        return "UNREGISTERED_FAILURE"
    return "" if person.trusted else "IDENTITY_FAILURE"


WITHOUT_NUMBER: Mapping[str, Callable[[Rest, Asked], Answer]] = {
    "GET /v1/health": lambda *_: NO_CONTENT,
    "GET /v1/about": Rest.about,
    "GET /v1/accounts": Rest.list_accounts,
    "GET /v1/attachments": Rest.attachment,
    "DELETE /v1/attachments": Rest.attachment,
    "POST /v1/register": Rest.register,
    "POST /v1/register/verify": Rest.verify,
    "GET /v1/qrcodelink": Rest.link,
}
ROUTES: Mapping[str, Callable[[Rest, Asked], Answer]] = {
    **WITHOUT_NUMBER,
    "POST /v2/send": Rest.send,
    "DELETE /v1/remote-delete": Rest.remote_delete,
    "PUT /v1/typing-indicator": Rest.typing,
    "DELETE /v1/typing-indicator": Rest.typing,
    "POST /v1/receipts": Rest.receipt,
    "POST /v1/reactions": Rest.reaction,
    "DELETE /v1/reactions": Rest.reaction,
    "PUT /v1/contacts": Rest.contact,
    "POST /v1/polls": Rest.poll,
    "GET /v1/groups": Rest.list_groups,
    "POST /v1/accounts/rate-limit-challenge": Rest.challenge,
    "POST /v1/accounts/pin": Rest.set_pin,
    "DELETE /v1/accounts/pin": Rest.set_pin,
    "POST /v1/accounts/username": Rest.set_username,
    "DELETE /v1/accounts/username": Rest.set_username,
    "PUT /v1/accounts/settings": Rest.set_settings,
    "PUT /v1/profiles": Rest.set_profile,
    "GET /v1/configuration/settings": Rest.trust_setting,
    "POST /v1/configuration/settings": Rest.trust_setting,
    "GET /v1/identities": Rest.identities,
    "PUT /v1/identities/trust": Rest.trust,
}
