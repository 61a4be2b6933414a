"""What an officer says on Signal, how it is understood, and what follows from it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fakes import CATALOGS, DUTY, OFFERED
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import ALPHABET, check_character, is_reference
from bot.conversation.events import Acknowledged, Closed, Levelled, Relayed
from bot.conversation.model import Line
from bot.conversation.understanding import fold
from bot.handoff.alert import words_of
from bot.handoff.docket import UNANSWERED, Docket, Draft, State, Told, passed_on
from bot.handoff.orders import (
    DRAFT_LIVES,
    LONGEST,
    Obeyed,
    Order,
    Scene,
    Verb,
    confirmed,
    obey,
    read_order,
    send,
)

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
A, B = "a@example.org", "b@example.org"
DRAWN = "7K3QM"
CASE = DRAWN + check_character(DRAWN)
ZERO = "00O1I"  # as misread: 00011 is what was drawn
WRITTEN_ZERO = "00011" + check_character("00011")
KNOWN = {fold(word): verb for verb in Verb for word in words_of(DUTY.texts[f"word_{verb}"])}


def order(text: str) -> Order | None:
    return read_order(text, KNOWN, is_reference)


def docket(**changes: object) -> Docket:
    mails = (
        Told(0, A, 0, NOON, "<a0>", State.LEFT),
        Told(0, B, 1, NOON + timedelta(hours=1), "<b0>"),
    )
    return replace(Docket(CASE, 1, "es", NOON, mails), **changes)  # type: ignore[arg-type]  # named by its fields


def scene(officer: str = A, follows: str = B, now: datetime = NOON + MINUTE) -> Scene:
    return Scene(officer, now, lambda _level: follows, lambda at: f"{at:%H:%M}")


def said(obeyed: Obeyed) -> list[str]:
    return [line.name.removeprefix("duty.") for line in obeyed.lines]


def noted(obeyed: Obeyed) -> list[tuple[str, str]]:
    return [(note.to, note.line.name.removeprefix("duty.")) for note in obeyed.notes]


# ── understanding ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("cases", Order(Verb.CASES)),
        ("  HELP  ", Order(Verb.HELP)),
        ("duty now please", Order(Verb.DUTY)),
        (f"case {CASE}", Order(Verb.CASE, CASE)),
        (f"Ack {CASE.lower()}", Order(Verb.ACK, CASE)),
        (f"read\n{CASE}.", Order(Verb.ACK, CASE)),
        (f"ack {CASE[:3]}-{CASE[3:]}", Order(Verb.ACK, CASE)),
        (f"ack {ZERO}{WRITTEN_ZERO[5]}", Order(Verb.ACK, WRITTEN_ZERO)),
        (f"reply {CASE}  We are coming.\nStay. ", Order(Verb.REPLY, CASE, "We are coming.\nStay.")),
        (f"reply {CASE}", Order(Verb.REPLY, CASE)),
        (f"close {CASE}", Order(Verb.CLOSE, CASE)),
        ("send", Order(Verb.SEND)),
        # a reference with another check character, or none at all
        (f"ack {DRAWN}{'A' if CASE[5] != 'A' else 'B'}", Order(Verb.ACK)),
        (f"reply {DRAWN} words that stay here", Order(Verb.REPLY)),
        ("case", Order(Verb.CASE)),
        # level: reference and level in either order
        (f"level {CASE} 2", Order(Verb.LEVEL, CASE, level=2)),
        (f"level 3 {CASE}", Order(Verb.LEVEL, CASE, level=3)),
        (f"level {CASE} 2.", Order(Verb.LEVEL, CASE, level=2)),
        (f"level {CASE} ٢", Order(Verb.LEVEL, CASE, level=2)),
        (f"level {CASE} 5", Order(Verb.LEVEL, CASE)),
        (f"level {CASE} 0", Order(Verb.LEVEL, CASE)),
        (f"level {CASE} 22", Order(Verb.LEVEL, CASE)),
        (f"level {CASE}", Order(Verb.LEVEL, CASE)),
        ("level 2", Order(Verb.LEVEL, level=2)),
        # no order
        ("", None),
        ("  \n ", None),
        ("thanks", None),
        (f"please ack {CASE}", None),
        (CASE, None),
    ],
)
def test_what_is_written_is_understood_or_isnt(text: str, understood: Order | None) -> None:
    assert order(text) == understood


@given(st.text(max_size=60))
def test_nothing_that_is_written_raises_and_no_reference_is_guessed(text: str) -> None:
    for verb in ("", *KNOWN):
        understood = order(f"{verb} {text}")
        assert understood is None or not understood.reference or is_reference(understood.reference)


@given(st.text(ALPHABET, min_size=5, max_size=5), st.integers(0, 4), st.sampled_from(ALPHABET))
def test_one_misread_character_names_no_other_case(drawn: str, place: int, other: str) -> None:
    meant = drawn + check_character(drawn)
    typed = meant[:place] + other + meant[place + 1 :]
    understood = order(f"ack {typed.lower()}")
    assert understood is not None
    assert understood.reference == (meant if typed == meant else "")


@pytest.mark.parametrize("tag", OFFERED)
def test_orders_are_understood_in_every_language(tag: str) -> None:
    words = CATALOGS.words(tag)
    typed = {verb: words_of(words(f"duty.word_{verb}", DUTY.texts[f"word_{verb}"])) for verb in Verb}
    known = {fold(word): verb for verb, forms in typed.items() for word in forms}
    for verb, forms in typed.items():
        assert forms
        for word in forms:
            assert read_order(f"{word} {CASE}", known, is_reference) == Order(verb, CASE)


# ── acknowledging ────────────────────────────────────────────────────────────────────────────────────────


def test_an_acknowledgement_is_kept_told_and_noted_and_nobody_further_is_told() -> None:
    obeyed = obey(Order(Verb.ACK, CASE), docket(), scene())
    assert obeyed.docket is not None
    assert (obeyed.docket.reader, obeyed.docket.read_at) == (A, NOON + MINUTE)
    assert [one.officer for one in obeyed.docket.told] == [A]
    assert (said(obeyed), noted(obeyed)) == (["acked"], [(B, "note_read")])
    assert (obeyed.withdraw, obeyed.events) == (True, (Acknowledged(NOON + MINUTE),))


def test_a_second_acknowledgement_changes_nothing_and_names_the_first() -> None:
    read = docket(reader=A, read_at=NOON)
    for officer in (A, B):
        obeyed = obey(Order(Verb.ACK, CASE), read, scene(officer))
        assert obeyed == Obeyed(read, obeyed.lines)
        assert dict(obeyed.lines[0].values) == {"reference": CASE, "level": "1", "officer": A, "time": "12:00"}
    assert said(obey(Order(Verb.ACK, CASE), replace(read, read_at=None), scene())) == ["acked_before"]


def test_where_nobody_comes_after_nobody_is_noted() -> None:
    for verb in (Verb.ACK, Verb.CLOSE):
        assert obey(Order(verb, CASE), docket(), scene(follows="")).notes == ()


# ── answering ────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_is_shown_with_the_level_and_waits_for_send() -> None:
    obeyed = obey(Order(Verb.REPLY, CASE, "We are coming"), docket(), scene())
    assert obeyed == Obeyed(docket(), obeyed.lines, draft=Draft(CASE, "We are coming", NOON + MINUTE))
    values = {"reference": CASE, "level": "1", "words": "We are coming"}
    assert (said(obeyed), dict(obeyed.lines[0].values)) == (["reply_ask"], values)
    assert "coming" not in repr((obeyed.draft, Order(Verb.REPLY, CASE, "We are coming")))


def full() -> Docket:
    filled = docket()
    for _ in range(UNANSWERED):
        filled = passed_on(filled, NOON)
    return filled


@pytest.mark.parametrize(
    ("words", "kept", "line"),
    [
        ("", docket(), "reply_empty"),
        ("x" * (LONGEST + 1), docket(), "reply_long"),
        ("x" * LONGEST, docket(), "reply_ask"),
        ("words", docket(shut=True), "reply_closed"),
        ("words", full(), "reply_many"),
    ],
)
def test_an_answer_that_may_not_go_says_why_and_waits_for_nothing(words: str, kept: Docket, line: str) -> None:
    obeyed = obey(Order(Verb.REPLY, CASE, words), kept, scene())
    assert said(obeyed) == [line]
    assert (obeyed.docket, obeyed.events, obeyed.notes, obeyed.withdraw) == (kept, (), (), False)
    assert (obeyed.draft is not None) == (line == "reply_ask")


@pytest.mark.parametrize(
    ("waited", "holds"),
    [(timedelta(0), True), (DRAFT_LIVES, True), (DRAFT_LIVES + MINUTE, False), (-MINUTE, False)],
)
def test_words_wait_a_quarter_of_an_hour_for_send(waited: timedelta, holds: bool) -> None:
    assert confirmed(Draft(CASE, "words", NOON), NOON + waited) == holds
    assert not confirmed(None, NOON)


def test_whoever_answers_has_read_it_and_the_words_go_to_the_writer() -> None:
    obeyed = send(Draft(CASE, "words", NOON), docket(), scene())
    assert obeyed.docket is not None
    assert obeyed.docket.reader == A
    assert obeyed.events == (Acknowledged(NOON + MINUTE), Relayed("words"))
    assert (obeyed.withdraw, said(obeyed), noted(obeyed)) == (True, [], [(B, "note_replied")])


def test_an_answer_to_a_case_that_was_read_acknowledges_nothing_again() -> None:
    obeyed = send(Draft(CASE, "words", NOON), docket(reader=B, read_at=NOON), scene())
    assert obeyed.docket is not None
    assert (obeyed.docket.reader, obeyed.withdraw, obeyed.events) == (B, False, (Relayed("words"),))


@pytest.mark.parametrize(("kept", "line"), [(docket(shut=True), "reply_closed"), (full(), "reply_many")])
def test_words_that_may_no_longer_go_when_they_are_sent_stay_here(kept: Docket, line: str) -> None:
    obeyed = send(Draft(CASE, "words", NOON), kept, scene())
    assert (obeyed, said(obeyed)) == (Obeyed(kept, obeyed.lines), [line])


# ── closing and levels ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "line", "note"),
    [
        ({}, "closed_unanswered", "note_unanswered"),
        ({"level": 2}, "closed_unanswered", "note_unanswered"),
        ({"level": 3}, "closed", "note_closed"),
        ({"answered": True}, "closed", "note_closed"),
    ],
)
def test_closing_deletes_everything_and_an_urgent_case_without_answer_is_told_to_the_next(
    changes: dict[str, object], line: str, note: str
) -> None:
    obeyed = obey(Order(Verb.CLOSE, CASE), docket(**changes), scene())
    assert (obeyed.docket, obeyed.withdraw, obeyed.events) == (None, True, (Closed(),))
    assert (said(obeyed), noted(obeyed)) == ([line], [(B, note)])
    assert line == "closed" or ("officer", B) in obeyed.lines[0].values


def test_an_urgent_case_without_answer_that_nobody_else_can_look_at_is_just_closed() -> None:
    assert said(obey(Order(Verb.CLOSE, CASE), docket(), scene(follows=""))) == ["closed"]


def test_another_level_is_kept_told_and_noted_and_whoever_gives_it_has_read_the_case() -> None:
    obeyed = obey(Order(Verb.LEVEL, CASE, level=3), docket(), scene())
    assert obeyed.docket is not None
    assert (obeyed.docket.level, obeyed.docket.reader, obeyed.withdraw) == (3, A, True)
    assert obeyed.events == (Acknowledged(NOON + MINUTE), Levelled(3))
    assert (said(obeyed), noted(obeyed)) == (["levelled"], [(B, "note_levelled")])
    assert dict(obeyed.lines[0].values)["level"] == "3"


def test_a_level_given_to_a_case_that_was_read_leaves_its_reader() -> None:
    obeyed = obey(Order(Verb.LEVEL, CASE, level=2), docket(reader=B, read_at=NOON), scene())
    assert obeyed.docket is not None
    assert (obeyed.docket.reader, obeyed.docket.level, obeyed.events) == (B, 2, (Levelled(2),))
    assert not obeyed.withdraw


def test_the_officer_after_in_the_graver_chain_hears_of_another_level() -> None:
    for before, after in ((1, 3), (3, 1)):
        asked: list[int] = []
        obey(Order(Verb.LEVEL, CASE, level=after), docket(level=before), replace(scene(), follows=heard(asked)))
        assert asked[-1] == 1


def heard(levels: list[int]) -> Callable[[int], str]:
    def follows(level: int) -> str:
        levels.append(level)
        return B

    return follows


def test_a_level_that_a_case_has_already_is_told_nobody_further() -> None:
    read = docket(reader=B, read_at=NOON)
    obeyed = obey(Order(Verb.LEVEL, CASE, level=1), read, scene())
    assert (obeyed, said(obeyed)) == (Obeyed(read, obeyed.lines), ["levelled"])
    unread = obey(Order(Verb.LEVEL, CASE, level=1), docket(), scene())
    assert unread.events == (Acknowledged(NOON + MINUTE),)
    assert (unread.withdraw, said(unread), noted(unread)) == (True, ["levelled"], [(B, "note_read")])


def test_without_a_level_the_officer_is_asked_with_the_word_to_type_and_nothing_changes() -> None:
    obeyed = obey(Order(Verb.LEVEL, CASE), docket(), scene())
    assert obeyed == Obeyed(docket(), (Line("duty.level_ask", (("reference", CASE),)),))  # {level} is what to type
