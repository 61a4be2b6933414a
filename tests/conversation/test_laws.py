"""What holds for every talk there can be. Each law names what it protects."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise, takewhile

import pytest
from fakes import (
    BOOK,
    FLOW,
    OFFERED,
    RENDER,
    STEPS,
    Talk,
    at_step,
    begun,
    rulebook,
    sent_in_emergency,
    unseen,
    without_chance,
    written,
)
from hypothesis import example, given
from hypothesis import strategies as st
from often import tried
from strategies import Happened, Move, Typed, answers_of, walks

from bot.conversation.asking import added
from bot.conversation.editing import MOST_CORRECTIONS, WORDS_STEP
from bot.conversation.events import (
    Accepted,
    Acknowledged,
    Bounced,
    Closed,
    Delivered,
    Due,
    Event,
    Placed,
    Refused,
    Relayed,
    Sealed,
    Trying,
)
from bot.conversation.flow import END, Ask
from bot.conversation.machine import arcs_of
from bot.conversation.model import Answer, Consent, ConsentKind, Conversation, HandOff, Kind, Question, Say, Wake, Way
from bot.conversation.understanding import fold

SECOND = timedelta(seconds=1)
CHANGED = rulebook(written("intake.toml").replace("What happened?", "What has happened?"))
thorough = tried(0.3)


def drive(moves: Sequence[Move], talk: Talk) -> Iterator[tuple[Conversation | None, Move]]:
    """Make these moves in a talk, and yield after each what was kept before it."""
    for move in moves:
        before = talk.conversation
        move.into(talk)
        yield before, move


def driven(moves: Sequence[Move], start: str) -> Talk:
    """Return a talk at this step ("": a new one) after these moves."""
    talk = at_step(start) if start else Talk()
    for move in moves:
        move.into(talk)
    return talk


# ── no input breaks a talk ───────────────────────────────────────────────────────────────────────────────


@thorough
@given(walks, st.sampled_from(["", *STEPS]), st.integers(0, 30))
def test_no_input_breaks_a_talk(moves: Sequence[Move], start: str, flow_changes_after: int) -> None:
    talk = at_step(start) if start else Talk()
    for before, move in drive(moves[:flow_changes_after], talk):
        check_turn(before, move, talk)
    talk.book = CHANGED
    for before, move in drive(moves[flow_changes_after:], talk):
        check_turn(before, move, talk)


def check_turn(before: Conversation | None, move: Move, after: Talk) -> None:
    """Hold one turn against what must be true of every turn."""
    for say in after.says:
        assert RENDER(say).strip()
        check_question(say.question)
    silent = isinstance(move, Typed) and move.kind is Kind.DELETED
    if isinstance(move, Typed) and move.late <= timedelta(hours=1) and not silent:
        assert after.says, "whoever writes is answered"
    kept = after.conversation
    assert kept is None or not after.outcome.erase
    if kept:
        check_kept(kept, before)


def assert_once_each(answers: Sequence[Answer]) -> None:
    """Check that no question has two answers, but for the corrections of what is with the mission already."""
    asked = [answer.step for answer in answers if answer.step != WORDS_STEP]
    assert len(set(asked)) == len(asked)
    assert len(answers) - len(asked) <= MOST_CORRECTIONS + 1


def check_question(question: Question | None) -> None:
    """Hold one question against what must be true of every question."""
    if question:
        numbers = [number for number, _ in question.offered]
        assert numbers
        assert len(set(numbers)) == len(numbers)
        assert {name for _, name in question.offered} <= {*FLOW.steps[question.step].names(), "more", "skip"}


def check_kept(kept: Conversation, before: Conversation | None) -> None:
    """Hold what is kept against what must be true of every stored talk."""
    assert kept.step in {"", *FLOW.steps}
    assert set(kept.trail) <= set(FLOW.steps)
    assert_once_each(kept.answers)
    assert kept.resume == "" or kept.step == FLOW.first
    assert [one.kind for one in kept.consents] in ([], [ConsentKind.SEND])
    assert before is None or kept.serial >= before.serial
    assert not FLOW.steps[kept.step].hands_off or kept.consents if kept.step else True


# ── every walk ends ──────────────────────────────────────────────────────────────────────────────────────


def nearest_end() -> Mapping[str, str]:
    """Return for each step the choice that is the first on the shortest way to an end or a handoff."""
    steps = FLOW.steps
    choices: dict[str, str] = {}
    reached = {END}
    while len(choices) < len(steps):
        found = {
            source: trigger
            for source, trigger, target in arcs_of(FLOW)
            if source not in choices and target in reached and trigger != "words"
        }
        assert found, "there are steps without a way to an end"
        choices |= found
        reached |= set(found)
    return choices


WAY_OUT = nearest_end()


@thorough
@given(walks, st.sampled_from(["", *STEPS]))
def test_from_wherever_a_talk_stands_it_ends_within_a_few_answers(moves: Sequence[Move], start: str) -> None:
    talk = driven(moves, start)
    for _ in range(len(FLOW.steps)):
        if talk.conversation is None or not talk.step:
            break
        choice = WAY_OUT[talk.step]
        talk.write("skip" if choice == "skip" else talk.numbers(choice))
    assert talk.conversation is None or (talk.talk.case is not None and talk.step == "")


@thorough
@given(walks, st.sampled_from(["", *STEPS]))
def test_wherever_a_talk_stands_the_commands_work(moves: Sequence[Move], start: str) -> None:
    talk = driven(moves, start)
    case = talk.conversation.case if talk.conversation else None
    step = talk.conversation.step if talk.conversation else ""
    before_language = talk.conversation.resume if talk.conversation else ""
    assert "help" in talk.copy().write("help").lines
    assert talk.copy().write("SOS").step == ("sos_act" if "sos_act" in {step, before_language} else FLOW.sos)
    assert talk.copy().write("language").step == FLOW.first
    erased = talk.copy().write("erase")
    assert (erased.conversation, erased.outcome.erase) == (None, True)
    stopped = talk.copy().write("stop")
    assert (stopped.conversation is None) == (case is None)
    assert not (stopped.conversation and stopped.talk.answers)
    assert talk.copy().write("help").step == (step or (FLOW.idle if case else FLOW.first))


# ── no handoff without both consents ─────────────────────────────────────────────────────────────────────


@thorough
@given(walks, st.sampled_from(["", "review", "act", "sos", "sos_act", "reply", "sos_more"]))
@example([Typed("7"), Typed("7")], "review")
@example([Typed("7"), Typed("SOS"), Typed("back"), Typed("9")], "review")
@example([Typed("7"), Typed("SOS"), Typed("back"), Typed("10"), Typed("10")], "sos")
@example([Typed("7"), Typed("language"), Typed("back"), Typed("back"), Typed("9")], "review")
@example([Typed("10")], "sos_act")
def test_nothing_is_handed_over_without_both_consents_each_to_a_question_that_was_seen(
    moves: Sequence[Move], start: str
) -> None:
    talk = at_step(start) if start else Talk()
    shown = [say for say in talk.says if say.question]
    delivered = {talk.talk.serial: talk.now} if start else {}
    case = talk.talk.case if start else None
    fair = {one.at for one in (*consents_of(talk), *(case.consents if case else ()))}
    handed = len(talk.handed)
    for before, move in drive(moves, talk):
        new = [one for one in talk.handed[handed:] if one.number == 0]
        for one in (*consents_of(talk), *(one for alert in new for one in alert.consents)):
            if one.at not in fair:
                assert_fair(before, move, one, talk.now, (shown, delivered))
                fair.add(one.at)
        for alert in new:
            assert [one.kind for one in alert.consents] == [ConsentKind.SEND, ConsentKind.ACT]
            assert {one.at for one in alert.consents} <= fair
        handed = len(talk.handed)
        shown = [*shown, *(say for say in talk.says if say.question)] if talk.conversation else []
        if reached(move) and talk.conversation:
            delivered.setdefault(talk.talk.serial, talk.now)


def reached(move: Move) -> bool:
    """Whether the waiting question has reached the person with this move."""
    if isinstance(move, Typed):
        return move.seen
    return isinstance(move.event, Delivered) and move.event.serial == 0


def consents_of(talk: Talk) -> tuple[Consent, ...]:
    return talk.conversation.consents if talk.conversation else ()


def assert_fair(
    before: Conversation | None,
    move: Move,
    consent: Consent,
    now: datetime,
    seen: tuple[Sequence[Say], Mapping[int, datetime]],
) -> None:
    """Check by what the person could see that this message gives that consent, and can't be meant for another."""
    questions, delivered = seen
    shown = [say.question for say in questions if say.question]
    copies = takewhile(lambda say: all_of(say) == all_of(questions[-1]), reversed(questions))
    same = {say.question.serial for say in copies if say.question}
    assert isinstance(move, Typed)
    assert before is not None
    step, question = FLOW.steps[before.step], shown[-1]
    assert question.step == before.step
    assert consent.kind is step.consent
    assert consent.choice in step.accepts
    tapped = move.tap is not None and before.serial - move.tap in same
    assert tapped or now - move.late >= min(delivered[serial] for serial in same if serial in delivered)
    assert move.late <= timedelta(hours=1)
    assert move.kind in {Kind.TEXT, Kind.TAP}
    text = fold(move.said(before))
    number = BOOK.known.numbers.get(text, int(text) if text.isdigit() else None)
    labels = {BOOK.known.labels[tag][step.spoken, name] for tag in OFFERED for name in step.accepts}
    assert text in labels or number in dict(question.offered)
    earlier = next((one for one in reversed(shown) if one.step != before.step), None)
    assert earlier is None or text in labels or number not in dict(earlier.offered)


def all_of(say: Say) -> object:
    """What a question says to whoever reads it, and under which numbers."""
    assert say.question is not None
    listed = [(one.step, one.choices, one.words) for one in say.shown]
    return say.lines[-1], listed, say.languages, say.question.step, say.question.offered


# ── same answers, same level ─────────────────────────────────────────────────────────────────────────────

asked = answers_of("danger", "whom", "agree", "event", "held", "area", "want", "reply")


@tried(0.3)
@given(asked, st.booleans(), st.booleans())
def test_the_same_answers_give_the_same_case_in_every_language(
    answers: tuple[Answer, ...], by_label: bool, emergency: bool
) -> None:
    cases = [handed_over(answers, tag, by_label=by_label, emergency=emergency) for tag in OFFERED]
    assert cases.count(cases[0]) == len(OFFERED)


def handed_over(answers: tuple[Answer, ...], tag: str, *, by_label: bool, emergency: bool) -> HandOff | None:
    """Return the handoff of these answers, given in one language by numbers or in words."""
    given = {answer.step: answer.choices for answer in answers} | {"review": ("send",), "act": ("act",)}
    given |= {"notice": ("tell",), "contacts": ("tell",), "sos": ("me",), "sos_act": ("act",), "language": (tag,)}
    talk = Talk()
    talk.hint = tag
    talk.write("SOS" if emergency else "hello")
    for _ in range(20):
        if talk.handed or talk.conversation is None or talk.step == "only_read":
            break
        answer(talk, given.get(talk.step, ()), tag, by_label=by_label)
    return without_chance(talk.handed[0]) if talk.handed else None


def answer(talk: Talk, choices: tuple[str, ...], tag: str, *, by_label: bool) -> None:
    step = FLOW.steps[talk.step]
    choices = choices or ((step.names()[-1],) if not step.skip else ("skip",))
    one = next(say for say in talk.says if say.question)
    rows = dict(row.split(" ", 1) for row in RENDER(one).splitlines() if " " in row and row.split(" ", 1)[0].isdigit())
    label = rows.get(talk.numbers(choices[0]), "")
    talk.write(label if by_label and label and len(choices) == 1 else talk.numbers(*choices))
    assert tag == talk.talk.language


# ── additions never lower the level ──────────────────────────────────────────────────────────────────────


@thorough
@given(walks, st.sampled_from(["more", "sos_more", "add_send"]))
def test_no_addition_lowers_the_level_of_a_case(moves: Sequence[Move], start: str) -> None:
    talk = driven(moves, start)
    by_case: dict[str, list[HandOff]] = {}
    for handed in talk.handed:
        by_case.setdefault(handed.reference, []).append(handed)
    for one in by_case.values():
        levels = [handed.level for handed in one]
        assert levels == sorted(levels, reverse=True)
        assert [handed.number for handed in one] == list(range(len(one)))
        for before, after in pairwise(one):
            assert after.raised_from == (before.level if after.level < before.level else None)


# ── a consent is never answered by accident ──────────────────────────────────────────────────────────────

CONSENTS = sorted(name for name, step in FLOW.steps.items() if step.consent)
FROM = sorted({*STEPS} - {*CONSENTS})


@given(st.sampled_from(FROM), st.integers(0, 99))
def test_no_digit_of_the_question_before_answers_a_cry_for_help(step: str, number: int) -> None:
    talk = at_step(step)
    before = {one for one, _ in talk.talk.offered}
    case, handed = talk.talk.case, len(talk.handed)
    talk.write("SOS").write(str(number))
    if number in before:
        assert talk.conversation is not None
        assert (talk.step, talk.talk.consents, len(talk.handed)) == ("sos", (), handed)
        assert talk.talk.case == case


@given(st.sampled_from(CONSENTS), st.text(max_size=20) | st.integers(0, 100).map(str))
def test_nothing_but_its_number_or_its_whole_label_says_yes(step: str, text: str) -> None:
    talk = at_step(step)
    at, offered = FLOW.steps[step], dict(talk.talk.offered)
    handed = len(talk.handed)
    talk.write(text)
    folded = fold(text)
    yes = {str(number) for number, name in offered.items() if name in at.accepts}
    if folded not in yes and folded.isascii() and not any(fold(choice.label) == folded for choice in at.choices):
        assert len(talk.handed) == handed
        assert talk.conversation is None or talk.talk.consents in {(), at_step(step).talk.consents}


@pytest.mark.parametrize("step", CONSENTS)
@given(
    late=st.timedeltas(timedelta(seconds=11), timedelta(days=2)), wait=st.timedeltas(timedelta(0), timedelta(days=1))
)
def test_no_yes_written_before_its_question_came_or_longer_than_an_hour_ago_counts(
    step: str, late: timedelta, wait: timedelta
) -> None:
    talk = unseen(step)
    talk.now += wait
    talk.see()
    yes = talk.numbers(FLOW.steps[step].accepts[0])
    consents, handed = talk.talk.consents, len(talk.handed)
    talk.write(yes, late=late)
    assert (talk.step, talk.talk.consents, len(talk.handed)) == (step, consents, handed)
    assert talk.lines[0] in {"not_seen", "too_old"}


# ── unused answers are never handed over ─────────────────────────────────────────────────────────────────

ONLY_IF = {  # an answer -> the answers without which its question is not asked
    "agree": ("whom", {"other"}),
    "held": ("event", {"held"}),
}


@thorough
@given(walks, st.sampled_from(["agree", "event", "held", "area", "want", "reply", "review", "sos_held", "sos_area"]))
def test_an_answer_whose_question_is_no_longer_asked_is_never_handed_over(moves: Sequence[Move], start: str) -> None:
    talk = driven(moves, start)
    for handed in talk.handed:
        given = {answer.step: set(answer.choices) for answer in handed.answers}
        for step, (asked_by, choices) in ONLY_IF.items():
            if step in given and asked_by in given:
                assert given[asked_by] & choices, (step, given)
        assert all(answer.choices or answer.words for answer in handed.answers)
        assert_once_each(handed.answers)


@thorough
@given(walks, st.sampled_from(["", "event", "review", "sos_act", "state", "text"]))
def test_what_is_handed_over_is_what_was_said_last(moves: Sequence[Move], start: str) -> None:
    """Nothing is handed over that the person didn't say, and nothing twice."""
    talk = at_step(start) if start else Talk()
    for before, _ in drive(moves, talk):
        kept = {answer.step: answer for answer in (added(before) if before else ())}
        for handed in talk.outcome.effects:
            if isinstance(handed, HandOff):
                assert len([one for one in handed.answers if one != kept.get(one.step)]) <= 1
                assert talk.talk.answers == ()


# ── silence ──────────────────────────────────────────────────────────────────────────────────────────────


@thorough
@given(walks)
def test_what_happens_outside_never_asks_a_question(moves: Sequence[Move]) -> None:
    talk = at_step("more")
    for _, move in drive(moves, talk):
        if isinstance(move, Happened):
            assert not [say for say in talk.says if say.question]


def test_the_kinds_of_questions_are_those_the_laws_know() -> None:
    assert {step.kind for step in FLOW.steps.values()} == set(Ask)


# ── a grave case and its officers ────────────────────────────────────────────────────────────────────────

GRAVE = ("no", "no", "tell", "me", "held", "nowhere", "MX-OAX", "quiet")
FRAMES = {"here": (0, 24), "day": (9, 18), "evening": (18, 22)}  # when each may be told; "" and the rest see below
UNTRUE_ONCE_READ = {"unread", "left", "left_late"}

outside = st.sampled_from(
    [Sealed(0), Trying(0), Refused(0), Placed(0), Bounced(0), "accepted", "acknowledged", Relayed("words"), Closed()]
)
person = st.sampled_from(["hello", "ANSWER", "stop", "erase"])
passing = st.integers(1, 400).map(lambda minutes: timedelta(minutes=minutes))
histories = st.lists(st.one_of(passing, passing, outside, person), max_size=15)
Happening = timedelta | str | Event


@dataclass(slots=True)
class History:
    """A level-1 case as time passes: each timer comes when it was set for, and what the person is told is noted."""

    talk: Talk
    timers: list[Wake]
    told: list[str] = field(default_factory=list)
    read: bool = False
    silent: bool = False  # the person wrote STOP, and nothing since

    def goes_on(self, happening: Happening) -> None:
        """Let one thing happen."""
        if isinstance(happening, timedelta):
            self.waits(happening)
        elif happening in {"hello", "ANSWER", "stop", "erase"}:
            self.talk.write(str(happening))
            self.silent = happening == "stop"
        else:
            self.hears(at_this_time(happening, self.talk.now))

    def waits(self, span: timedelta) -> None:
        """Let time pass, timer by timer."""
        until = self.talk.now + span
        while self.timers and self.talk.conversation and min(one.at for one in self.timers) <= until:
            wake = min(self.timers, key=lambda one: one.at)
            self.timers.remove(wake)
            self.talk.now = max(self.talk.now, wake.at)
            self.hears(Due(wake.timer, wake.number))
        self.talk.now = until

    def hears(self, event: Event) -> None:
        """Report something, and hold what is said against what the person chose."""
        before = self.talk.talk
        self.talk.tell(event)
        self.timers += self.talk.wakes
        for say in self.talk.says:
            assert not self.silent, "nothing is said after STOP"
            assert may_hear(before, say.not_before or self.talk.now, self.talk.now), "outside their hours"
        lines = {line.removesuffix("_bare") for line in self.talk.lines}
        assert not (self.read and lines & UNTRUE_ONCE_READ)
        self.told += sorted(lines)
        self.read = self.read or isinstance(event, Acknowledged)


def at_this_time(happening: Happening, now: datetime) -> Event:
    """Return an event of this moment."""
    named: Mapping[object, Event] = {"accepted": Accepted(0, now), "acknowledged": Acknowledged(now)}
    return named.get(happening) or happening  # type: ignore[return-value]  # the rest are events


def may_hear(talk: Conversation, at: datetime, now: datetime) -> bool:
    """Whether this person may be written to at this time, by what they chose."""
    reply = talk.case.reply if talk.case else ""
    writing = at == now and talk.heard_at is not None and now - talk.heard_at <= BOOK.intake_lives
    if not talk.sender.address:
        return False
    if reply in FRAMES:
        return writing or FRAMES[reply][0] <= at.hour < FRAMES[reply][1]
    return writing or (talk.urgent and not reply)


@thorough
@given(histories, st.sampled_from(["", "here", "day", "evening", "code", "skip"]))
@example([timedelta(minutes=61), "accepted", "acknowledged", timedelta(days=1)], "day")
@example(["accepted", timedelta(hours=14), "acknowledged", timedelta(days=1)], "evening")
@example(["accepted", Bounced(0), timedelta(hours=2), "accepted"], "here")
@example(["accepted", timedelta(hours=2), Bounced(0), "accepted", timedelta(hours=2)], "here")
@example(["acknowledged", "accepted", timedelta(hours=2)], "")
@example(["accepted", timedelta(hours=25), "acknowledged"], "")
@example(["accepted", "stop", timedelta(hours=2), "acknowledged", Relayed("words"), Closed()], "here")
@example([*[timedelta(minutes=1)] * 3, timedelta(minutes=76), Bounced(0), timedelta(minutes=1), Placed(0)], "here")
def test_a_grave_case_is_read_or_told_as_unread_once_and_nothing_is_said_against_the_person_s_wish(
    happenings: Sequence[Happening], reply: str
) -> None:
    talk = begun().picks(*GRAVE, reply, "send", "act") if reply else sent_in_emergency()
    assert talk.handed[0].level == 1
    history = History(talk, [*talk.wakes])
    for happening in happenings:
        history.goes_on(happening)
        if talk.conversation is None or talk.talk.case is None:
            break
    else:
        history.waits(timedelta(days=2))
        case = talk.talk.case
        assert case is not None
        away = case.handed[0].way in {Way.PLACED, Way.LEFT}
        reachable = reply in FRAMES and case.reply == reply
        assert not (away and reachable) or history.read or "unread" in history.told
    assert history.told.count("unread") <= 1
    assert history.told.count("read") <= 1
