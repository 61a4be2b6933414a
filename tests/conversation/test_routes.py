import pytest
from fakes import BOOK, FLOW, Talk
from fakes_flow import changed, flow_of, found

from bot.conversation.machine import arcs_of
from bot.conversation.routes import fewest_messages, fewest_walks, landings, ways

AT = "flows/small.toml: step "
UNCONSENTED = "it hands over without a consent to send given just before, by way of"
REPLY_ON = 'next.otherwise = "review"'


def test_an_alert_takes_twelve_messages_from_hello_and_three_from_sos() -> None:
    assert fewest_messages(FLOW) == (12, 3)
    assert (FLOW.review_bound, FLOW.sos_bound) == (12, 3)


@pytest.mark.parametrize(("first", "which", "messages"), [("hello", 0, 12), ("SOS", 1, 3)])
def test_the_fewest_messages_are_those_that_the_engine_takes(first: str, which: int, messages: int) -> None:
    walk = fewest_walks(FLOW)[which]
    assert walk is not None
    talk = Talk(BOOK).write(first)
    for step, choice in walk:
        assert (talk.step, talk.handed) == (step, ())
        talk.pick(choice)
    assert (len(talk.handed), talk.written) == (1, messages)


def test_ways_are_those_of_the_machine_and_one_more_where_the_profile_fills_choices_in() -> None:
    extra = {
        ("language", "languages", "device"),
        ("readable", "languages", "device"),
        ("area", "areas", "want"),
        ("sos_area", "areas", "sos_want"),
    }
    assert set(ways(FLOW)) == {*arcs_of(FLOW), *extra}


def test_own_words_may_be_passed_over() -> None:
    assert landings(FLOW, "text") == ["text", "handle", "interpreter"]
    assert landings(FLOW, "tongue_words") == ["tongue_words", "readable"]
    assert landings(FLOW, "note_work") == ["note_work"], "what is given back is asked for on every channel"
    assert landings(FLOW, "state") == ["state"]
    assert landings(flow_of(changed(('next.otherwise = "add"', 'next.otherwise = "text"'))), "text") == ["text"]


def test_every_step_is_in_reach() -> None:
    lonely = '[[step]]\nname = "lonely"\nask = "Why?"\nchoices.no = "No"\nnext.otherwise = "end"\n\n[text]'
    assert found(("[text]", lonely)) == [f"{AT}'lonely': nothing leads here"]


def test_every_way_ends() -> None:
    round_and_round = (
        '[[step]]\nname = "again"\nask = "Again?"\nchoices.no = "No"\nnext.otherwise = "once"\n\n'
        '[[step]]\nname = "once"\nask = "Once more?"\nchoices.no = "No"\nnext.otherwise = "again"\n\n[text]'
    )
    assert found(("[text]", round_and_round), (REPLY_ON, f'next.here = "again"\n{REPLY_ON}')) == [
        f"{AT}'{name}': no way leads from here to an end" for name in ("again", "once")
    ]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ([(REPLY_ON, f'next.day = "act"\n{REPLY_ON}')], "language, reply, act"),
        (
            [('next.send = "act"\nnext.otherwise = "end"', 'next.send = "act"\nnext.otherwise = "act"')],
            "language, reply, review, act",
        ),
        ([('first = "language"', 'first = "act"')], "act"),
    ],
)
def test_nothing_is_handed_over_without_a_consent_to_send_just_before(
    changes: list[tuple[str, str]], path: str
) -> None:
    sentence = f"{AT}'act': {UNCONSENTED} {path}"
    assert sentence in found(*changes)


def test_a_question_between_the_two_consents_takes_the_first_back() -> None:
    between = '[[step]]\nname = "between"\nask = "Sure?"\nchoices.yes = "Yes"\nnext.otherwise = "act"\n\n[text]'
    assert found(("[text]", between), ('next.send = "act"', 'next.send = "between"')) == [
        f"{AT}'act': {UNCONSENTED} language, reply, review, between, act",
        f"{AT}'language': no way leads from here to an alert that was consented to",
    ]


def test_own_words_between_the_consents_are_no_way_round_where_they_are_passed_over() -> None:
    words = '[[step]]\nname = "own"\nkind = "words"\nask = "What?"\nnext.otherwise = "act"\n\n[text]'
    assert found(("[text]", words), ('next.send = "act"', 'next.send = "own"')) == [
        f"{AT}'act': {UNCONSENTED} language, reply, review, own, act"
    ]


def test_nothing_is_handed_over_again_after_the_handoff() -> None:
    assert found(('next.add = "text"', 'next.add = "act"')) == [
        f"{AT}'act': {UNCONSENTED} after, act",
        f"{AT}'after': 'add' leads to 'act', which is asked before the handoff",
    ]


def test_what_is_asked_after_the_handoff_is_asked_only_then() -> None:
    assert found((REPLY_ON, f'next.day = "after"\n{REPLY_ON}')) == [
        f"{AT}'reply': 'day' leads to 'after', which is asked after the handoff"
    ]


def test_the_handoff_leads_on_to_what_is_asked_after_it() -> None:
    assert found(('next.act = "after"', 'next.act = "reply"')) == [
        f"{AT}'act': 'act' leads to 'reply', which is asked before the handoff"
    ]


@pytest.mark.parametrize(
    ("bound", "sentence"),
    [
        (
            ("review_bound = 5", "review_bound = 4"),
            "'language': an alert takes 5 messages from here, more than review_bound = 4",
        ),
        (("sos_bound = 3", "sos_bound = 2"), "'sos': an alert takes 3 messages from here, more than sos_bound = 2"),
    ],
)
def test_an_alert_takes_no_more_messages_than_promised(bound: tuple[str, str], sentence: str) -> None:
    assert found(bound) == [f"{AT}{sentence}"]


def test_a_handoff_without_a_yes_is_none() -> None:
    flow = flow_of(
        changed(('accepts = ["act"]\nskip = false\nhands_off', 'accepts = ["yes"]\nskip = false\nhands_off'))
    )
    assert fewest_messages(flow) == (None, 3)
