"""Who is heard when many write at once: a budget for each person and one for all; who is in danger has their own.

Everything lies in memory, under the keyed hashes that stand for people, and is forgotten within the hour. Seconds are
arguments, of a clock that nobody sets. What was written isn't looked at here, and nothing is stored or sent. Several
processes on one database have a gate each: a person's messages come by one channel, which one process hears.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from math import inf
from threading import Lock

MOST_KNOWN = 20_000  # people in danger, and as many others: some 10 MB; the longest silent are forgotten first
FORGOTTEN_AFTER = 3600.0  # seconds of silence
SLOW = 0.25  # seconds: where a handful of turns takes longer, fewer are heard
SLOWEST = 10  # times fewer, at most
TOLD_EVERY = 600.0  # seconds between two words to one person that they were not heard
FLOOD = 30  # urgent cases within FLOOD_SECONDS, beyond which people are told that many write
FLOOD_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and one more every so many seconds. `most` is 1 or more.

    `lump`: what is used up gives nothing until there are so many again. Who is heard costs a commit, and a channel
    waits for it: in a flood nearly all that it brings must be turned away without one.
    """

    most: float
    every: float
    lump: float = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is heard. An operator has nothing to choose here: what people do is alike everywhere."""

    person: Rate = Rate(20, 2.0)  # nobody reads and answers questions faster for long
    urgent: Rate = Rate(60, 1.0)  # the same in danger: whoever tells what happens now may do so in single words
    cries: Rate = Rate(5, 30.0)  # cries for help, and wishes to be forgotten, of somebody whose budget is used up
    everybody: Rate = Rate(250, 1 / 50, 25)  # messengers let us answer some 30 a second; five seconds are caught up
    telling: Rate = Rate(50, 1 / 5, 5)  # words to people that they were not heard


LIMITS = Limits()
_NO_LIMIT = Rate(inf, 1.0)
UNLIMITED = Limits(_NO_LIMIT, _NO_LIMIT, _NO_LIMIT, _NO_LIMIT, _NO_LIMIT)

TOO_FAST, MANY_WRITE = "too_fast", "many_write"  # why a message isn't heard: the names of what its sender is told


class Bucket:
    """Tokens that come back with time."""

    __slots__ = ("_at", "_every", "_left", "_lump", "_most", "_used_up")

    def __init__(self, rate: Rate, at: float) -> None:
        self._most, self._every, self._lump = rate.most, rate.every, rate.lump
        self._left, self._at, self._used_up = rate.most, at, False

    def take(self, at: float) -> bool:
        """Take one token, if there is one."""
        if not self.holds(at):
            return False
        self._left -= 1
        return True

    def slow_down(self, rate: Rate, times: float) -> None:
        """Give so many times fewer than `rate` from now on."""
        self._most, self._every = max(rate.most / times, 1), rate.every * times
        self._left, self._lump = min(self._left, self._most), min(rate.lump, self._most)

    def put_back(self) -> None:
        """Put one back."""
        self._left = min(self._most, self._left + 1)

    def holds(self, at: float) -> bool:
        """Whether there is a token."""
        if at > self._at:
            self._left = min(self._most, self._left + (at - self._at) / self._every)
            self._at = at
        self._used_up = self._left < (self._lump if self._used_up else 1)
        return not self._used_up


@dataclass(slots=True)
class _Person:
    """What is known of one person."""

    own: Bucket
    urgent: Bucket  # in place of it while they are in danger
    cries: Bucket
    at: float  # heard or kept out
    told: float = -inf
    language: str = ""


@dataclass(slots=True)
class Gate:
    """Judges messages by who writes them and when. Called from the loop, and from the writer's thread."""

    limits: Limits = LIMITS
    most: int = MOST_KNOWN
    _others: OrderedDict[bytes, _Person] = field(default_factory=OrderedDict, repr=False)
    _urgent: OrderedDict[bytes, _Person] = field(default_factory=OrderedDict, repr=False)
    _everybody: Bucket = field(init=False)
    _telling: Bucket = field(init=False)
    _cases: deque[float] = field(default_factory=lambda: deque(maxlen=FLOOD + 1))  # when the last urgent ones came
    _slower: float = 1.0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        self._everybody = Bucket(self.limits.everybody, 0.0)
        self._telling = Bucket(self.limits.telling, 0.0)

    def __len__(self) -> int:
        """Return how many people are known."""
        return len(self._urgent) + len(self._others)

    def judge(self, who: bytes, at: float) -> str:
        """Return why a message of this person isn't heard now, "" if it is. Who is in danger costs nobody's budget."""
        with self._lock:
            person = self._known(who, at)
            if who in self._urgent:
                return "" if person.urgent.take(at) else TOO_FAST
            if not person.own.holds(at):
                return TOO_FAST
            if not self._everybody.take(at):
                return MANY_WRITE
            person.own.take(at)
            return ""

    def hurries(self, who: bytes, at: float) -> bool:
        """Return whether a cry for help is heard, or a wish to be forgotten, that `judge` would keep out.

        It is, but for one who has just been heard so several times: then the emergency path is open already.
        """
        with self._lock:
            return self._known(who, at).cries.take(at)

    def is_urgent(self, who: bytes) -> bool:
        """Return whether this person is known to be in danger."""
        return who in self._urgent

    def would_hear(self, who: bytes, at: float) -> bool:
        """Return whether `judge` would let a message of this person in now. Nothing is counted."""
        with self._lock:
            person = self._known(who, at)
            if who in self._urgent:
                return person.urgent.holds(at)
            return person.own.holds(at) and self._everybody.holds(at)

    def would_hurry(self, who: bytes, at: float) -> bool:
        """Return what `hurries` would. Nothing is counted."""
        with self._lock:
            return self._known(who, at).cries.holds(at)

    def felt(self, seconds: float) -> None:
        """Note how long a handful of turns took: on a machine that can do less, everybody's budget is smaller."""
        with self._lock:
            self._slower = min(self._slower * 1.5, SLOWEST) if seconds > SLOW else max(self._slower * 0.9, 1.0)
            self._everybody.slow_down(self.limits.everybody, self._slower)

    def give_back(self, who: bytes, at: float) -> None:
        """Undo that a message of this person was heard: it could not be taken, and comes again."""
        with self._lock:
            person = self._known(who, at)
            for bucket in (person.own, person.urgent, person.cries, self._everybody):
                bucket.put_back()

    def tells(self, who: bytes, at: float) -> bool:
        """Return whether to tell this person now that they weren't heard: once in a while, and few people at once."""
        with self._lock:
            person = self._known(who, at)
            if at - person.told < TOLD_EVERY or not self._telling.take(at):
                return False
            person.told = at
            return True

    def language(self, who: bytes) -> str:
        """Return the language that this person reads, if it is known; else ""."""
        person = self._urgent.get(who) or self._others.get(who)
        return person.language if person else ""

    def learn(self, who: bytes, at: float, *, urgent: bool, language: str) -> None:
        """Note what a turn has shown of a person: in danger or not any more, and what they read."""
        with self._lock:
            person = self._known(who, at)
            person.language = language
            if urgent != (who in self._urgent):
                self._move(who, person, at, urgent=urgent)

    def forget(self, who: bytes) -> None:
        """Keep nothing of a person but how much they have written just now."""
        with self._lock:
            person = self._urgent.pop(who, None) or self._others.get(who)
            if person:
                person.language = ""
                self._others[who] = person

    def alerted(self, at: float) -> None:
        """Note that an urgent case was handed over."""
        with self._lock:
            self._cases.append(at)

    def is_flood(self, at: float) -> bool:
        """Return whether so many urgent cases have come lately that their writers must hear of it."""
        with self._lock:
            return len(self._cases) > FLOOD and at - self._cases[0] <= FLOOD_SECONDS

    # ── within ─────────────────────────────────────────────────────────────────────────────────────────

    def _known(self, who: bytes, at: float) -> _Person:
        people = self._urgent if who in self._urgent else self._others
        person = people.get(who)
        if person is None:
            limits = self.limits
            own, urgent, cries = (Bucket(rate, at) for rate in (limits.person, limits.urgent, limits.cries))
            person = people[who] = _Person(own, urgent, cries, at)
        person.at = at
        people.move_to_end(who)
        self._forget_old(people, at)
        return person

    def _move(self, who: bytes, person: _Person, at: float, *, urgent: bool) -> None:
        """Count a person among those in danger, or among the others again; what is used up stays used up."""
        here, there = (self._others, self._urgent) if urgent else (self._urgent, self._others)
        del here[who]
        there[who] = person
        self._forget_old(there, at)

    def _forget_old(self, people: OrderedDict[bytes, _Person], at: float) -> None:
        while len(people) > self.most or at - next(iter(people.values())).at > FORGOTTEN_AFTER:
            people.popitem(last=False)
