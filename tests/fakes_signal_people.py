"""The people at the other end of the tests' Signal server: what they send, what they see, and the frames of both.

person = server.person()
at = person.writes("hello")
said = await person.hears("language")
person.edits(at, "good morning")
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from fakes_signal_wire import Body, data, encoded, photo

GROUP: Body = {"groupId": "YXNzZW1ibHksIGZvciB0aGUgdGVzdHMgb25seSwgb2s=", "groupName": "Assembly", "revision": 3}
PHOTO = b"\xff\xd8\xff\xe0 no real photograph"


class Post(Protocol):
    """What carries a person's frames to whoever listens: the server."""

    account: str

    def stamp(self) -> int: ...

    def deliver(self, frame: bytes) -> None: ...

    def keep(self, name: str, content: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the bot's, as it reached a person."""

    at: int
    text: str
    edits: int | None = None
    styled: bool = False
    quotes: int | None = None
    files: int = 0
    expires_in: int = 0


@dataclass(frozen=True, slots=True)
class Timer:
    """A time after which messages disappear. `after`: how many messages of the bot's the person had by then."""

    seconds: int
    after: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """The bot's word that it got or read the message of that time. `after`: as with a timer."""

    kind: str
    of: int
    after: int


@dataclass(eq=False)
class Person:
    """Somebody with Signal on a phone. `heard`: all that the bot said, in order; `messages`: what they see now."""

    post: Post = field(repr=False)
    uuid: str
    number: str | None = None
    name: str = ""
    device: int = 1
    reachable: bool = True  # False: unregistered, blocked: whatever is sent to them fails
    trusted: bool = True  # False: came back with another key, and nobody has said yet that it's really them
    reinstalled: int = 0
    heard: list[Said] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    typing: list[bool] = field(default_factory=list)
    reactions: list[tuple[str, int]] = field(default_factory=list)
    polls: list[Body] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition, repr=False)
    _seen: dict[int, str] = field(default_factory=dict)
    _first: dict[int, int] = field(default_factory=dict)  # of each edit: which message it changed at first
    _read: int = 0  # how far hears() has read

    @property
    def messages(self) -> list[str]:
        """The bot's messages as they stand on the screen: edits applied, deleted ones gone."""
        return list(self._seen.values())

    @property
    def safety_number(self) -> str:
        """Sixty digits, which change with the key."""
        return f"{UUID(self.uuid).int % 10**59 + 10**59}"[:59] + str(self.reinstalled % 10)

    @property
    def timer(self) -> int:
        return self.timers[-1].seconds if self.timers else 0

    # What the server shows them

    def hear(self, said: Said) -> None:
        self.heard.append(said)
        first = said.at if said.edits is None else self._first.get(said.edits, said.edits)
        if said.edits is None or first in self._seen:
            self._seen[first] = said.text
            self._first[said.at] = first

    def lose(self, at: int) -> None:
        self.deleted.append(at)
        self._seen.pop(self._first.get(at, at), None)

    def set_timer(self, seconds: int) -> None:
        self.timers.append(Timer(seconds, len(self.heard)))

    async def hears(self, wanted: str | Callable[[Said], bool], *, within: float = 30) -> Said:
        """Wait for a message with these words, later than the one found last time."""

        true = wanted if callable(wanted) else lambda said: wanted in said.text

        def found() -> bool:
            places = (place for place in range(self._read, len(self.heard)) if true(self.heard[place]))
            self._read, was = next(places, self._read - 1) + 1, self._read
            return self._read > was

        try:
            await self.until(found, within=within)
        except TimeoutError:
            raise AssertionError(f"not heard: {wanted!r}, but {self.heard[self._read :]}") from None
        return self.heard[self._read - 1]

    async def until(self, true: Callable[[], bool], *, within: float = 30) -> None:
        """Wait until something holds of this person: a timer, a receipt, a message gone."""
        async with asyncio.timeout(within), self.news:
            await self.news.wait_for(true)

    # What they send; each returns its time in ms, which is its id

    def frame(self, at: int, body: Mapping[str, object], **more: object) -> bytes:
        """An envelope of this person's around a body, ready for the wire."""
        who: Body = {"source": self.number or self.uuid, "sourceNumber": self.number, "sourceUuid": self.uuid}
        times: Body = {"timestamp": at, "serverReceivedTimestamp": at + 1, "serverDeliveredTimestamp": at + 2}
        envelope: Body = {**who, "sourceName": self.name, "sourceDevice": self.device, **times, **body}
        return encoded({"envelope": envelope, "account": self.post.account, **more})

    def gives(self, body: Callable[[int], Body], *, at: int | None = None, times: int = 1) -> int:
        """Send any body; `times` over if it shall come more than once."""
        at = self.post.stamp() if at is None else at
        if not self.trusted:
            self.fails_to_arrive("UntrustedIdentityException", at=at)
            return at
        frame = self.frame(at, body(at))
        for _ in range(times):
            self.post.deliver(frame)
        return at

    def writes(self, text: str, *, at: int | None = None, times: int = 1, **more: object) -> int:
        return self.gives(lambda at: data(at, text, expires_in=self.timer, **more), at=at, times=times)

    def edits(self, which: int, text: str, *, at: int | None = None) -> int:
        return self.gives(lambda at: {"editMessage": {"targetSentTimestamp": which} | data(at, text)}, at=at)

    def deletes(self, which: int, *, at: int | None = None) -> int:
        return self.gives(lambda at: data(at, remoteDelete={"timestamp": which}), at=at)

    def reacts(self, which: int, emoji: str = "👍", *, remove: bool = False) -> int:
        bot = self.post.account
        target: Body = {"targetAuthor": bot, "targetAuthorNumber": bot, "targetAuthorUuid": None}
        told = {"emoji": emoji, **target, "targetSentTimestamp": which, "isRemove": remove}
        return self.gives(lambda at: data(at, reaction=told))

    def votes(self, which: int, *options: int) -> int:
        bot = self.post.account
        told: Body = {"author": bot, "authorNumber": bot, "authorUuid": None, "targetSentTimestamp": which}
        return self.gives(lambda at: data(at, pollVote={**told, "optionIndexes": list(options), "voteCount": 1}))

    def confirms(self, *which: int, kind: str = "Delivery") -> int:
        """Send a receipt: Delivery, Read or Viewed."""
        kinds = {f"is{one}": one == kind for one in ("Delivery", "Read", "Viewed")}
        return self.gives(lambda at: {"receiptMessage": {"when": at, **kinds, "timestamps": list(which)}})

    def types(self, *, started: bool = True) -> int:
        action = "STARTED" if started else "STOPPED"
        return self.gives(lambda at: {"typingMessage": {"action": action, "timestamp": at}})

    def changes_timer(self, seconds: int) -> int:
        self.set_timer(seconds)
        return self.gives(lambda at: data(at, expires_in=seconds, isExpirationUpdate=True))

    def sends_file(self, text: str | None = None, *, content: bytes = PHOTO, voice: bool | None = False) -> int:
        at = self.post.stamp()
        name = f"{at:x}.jpg"
        self.post.keep(name, content)
        return self.gives(lambda at: data(at, text, attachments=[photo(name, content, voice=voice)]), at=at)

    def writes_in_group(self, text: str | None, group: Mapping[str, object] = GROUP, kind: str = "DELIVER") -> int:
        return self.gives(lambda at: data(at, text, groupInfo={**group, "type": kind}))

    def sends(self, kind: str) -> int:
        """Send one of KINDS, about the bot's last message where it is about one."""
        last = self.heard[-1].at if self.heard else self.post.stamp()
        return KINDS[kind](self, last)

    def is_written_to_by_staff(self, text: str) -> int:
        """Somebody of the mission's writes to this person on a phone that shares the bot's number."""
        at, bot = self.post.stamp(), self.post.account
        to: Body = {"destination": self.uuid, "destinationNumber": self.number, "destinationUuid": self.uuid}
        sent: Body = {**to, "timestamp": at, "message": text, "expiresInSeconds": 0, "viewOnce": False}
        staff = Person(self.post, "b07b07b0-7b07-4b07-8b07-b07b07b07b07", bot, "Mission", device=1)
        self.post.deliver(staff.frame(at, {"syncMessage": {"sentMessage": sent}}))
        return at

    def fails_to_arrive(self, kind: str = "ProtocolInvalidMessageException", *, at: int | None = None) -> int:
        """Send something that the server can't read: it tells who sent and why, and has no body."""
        at = self.post.stamp() if at is None else at
        told: Body = {"message": f"org.signal.libsignal: {kind} {self.uuid}", "type": kind}
        self.post.deliver(self.frame(at, {}, exception=told))
        return at

    def reinstalls(self) -> None:
        """Come back with another key: until an operator trusts it, nothing goes through in either direction."""
        self.trusted = False
        self.reinstalled += 1


def _story(person: Person, _: int) -> int:
    text: Body = {"text": "my day", "style": "DEFAULT", "textForegroundColor": "#FFFFFF", "preview": None}
    return person.gives(lambda _: {"storyMessage": {"allowsReplies": True, "textAttachment": text}})


def _call(person: Person, _: int) -> int:
    offer: Body = {"id": 77, "type": "AUDIO_CALL", "opaque": "AAAA"}
    return person.gives(lambda _: {"callMessage": {"offerMessage": offer}})


def _sticker(person: Person, _: int) -> int:
    return person.gives(lambda at: data(at, sticker={"packId": "aa", "stickerId": 7}))


# What a person may send that answers no question
KINDS: Mapping[str, Callable[[Person, int], int]] = {
    "reaction": lambda person, last: person.reacts(last, "7️⃣"),
    "reaction taken back": lambda person, last: person.reacts(last, remove=True),
    "vote": lambda person, last: person.votes(last, 1),
    "poll": lambda person, _: person.gives(
        lambda at: data(at, pollCreate={"question": "7?", "allowMultiple": False, "options": ["1", "2"]})
    ),
    "delivery": lambda person, last: person.confirms(last),
    "read": lambda person, last: person.confirms(last, kind="Read"),
    "viewed": lambda person, last: person.confirms(last, kind="Viewed"),
    "typing": lambda person, _: person.types(),
    "typing no more": lambda person, _: person.types(started=False),
    "timer": lambda person, _: person.changes_timer(3600),
    "story": _story,
    "call": _call,
    "sticker": _sticker,
    "group": lambda person, _: person.writes_in_group("7"),
    "group update": lambda person, _: person.writes_in_group(None, kind="UPDATE"),
    "nothing": lambda person, _: person.gives(data),
    "empty": lambda person, _: person.gives(lambda _: {}),
}
