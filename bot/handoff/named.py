"""What the program says to officers by name, and the places it fills in there: one finding is one sentence.

The alert is held against it, and what else officers read and write; a test compares the names with the code.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations

from bot.conversation import named
from bot.conversation.flow import Flow
from bot.conversation.model import Words
from bot.conversation.prompts import Text, text_findings
from bot.conversation.understanding import fold
from bot.handoff.alert import Texts, words_of
from bot.handoff.case import DONTS
from bot.handoff.docket import State
from bot.handoff.orders import Verb

ALERT, DUTY = "flows/alert.toml", "flows/duty.toml"
GRAVEST, MILDEST = 1, 4

Named = Mapping[str, frozenset[str]]  # text -> the places that code fills in there


def _named(*texts: tuple[str, str]) -> Named:
    return {name: frozenset(filled.split()) for name, filled in texts}


ALERT_TEXTS: Named = _named(
    *((f"channel_{channel}", "") for channel in named.CHANNELS),
    *((f"dont_{one}", "") for one in ("act", *DONTS)),
    *((f"level_{level}", "") for level in range(GRAVEST, MILDEST + 1)),
    ("added", ""),
    *((f"may_{one}", "") for one in ("act", "talk", "share")),
    ("answer", ""),
    ("answer_closed", ""),
    ("answer_elsewhere", ""),
    ("answer_unknown", "place"),
    ("answers", ""),
    ("as_before", ""),
    ("asks", ""),
    ("asks_skipped", ""),
    ("asks_unknown", ""),
    ("by_mail", "token"),
    ("by_signal", "bot"),
    ("channel", ""),
    ("check", ""),
    ("consent_send", ""),
    ("desk", ""),
    ("donts", ""),
    ("donts_none", ""),
    ("language", ""),
    ("language_unknown", ""),
    ("may", ""),
    ("minor", ""),
    ("order_ack", "ack reference"),
    ("order_reply", "reply reference"),
    ("raised", "level"),
    ("reference", ""),
    ("subject", "reference level"),
    ("subject_added", "reference level"),
    ("subject_test", ""),
    ("test", ""),
    ("third_unasked", ""),
    ("to_answer", ""),
    ("unsaid_authorities", ""),
    ("unverified", ""),
    ("words", "language"),
    ("written", ""),
)

# What is to be typed for an order; where a text names a case's level, {level} is that, and no order.
_ORDERS = " ".join(Verb)
_CASE = "reference level"
_OBEYED = f"{_ORDERS} {_CASE}"

DUTY_TEXTS: Named = _named(
    *((f"word_{verb}", "") for verb in Verb),
    *((f"status_{status}", "officer time") for status in (*State, "read")),
    ("acked", _OBEYED),
    ("acked_before", f"{_OBEYED} officer time"),
    ("additions", "number"),
    ("many_waiting", "number level"),
    ("subject_many", "number"),
    ("came_back", "officer time"),
    ("case_line", f"{_CASE} status"),
    ("case_words", "words"),
    ("closed", _OBEYED),
    ("closed_unanswered", f"{_OBEYED} officer"),
    ("duty_from", "officer languages time"),
    ("duty_level", "level"),
    ("duty_now", "officer languages"),
    ("few", ""),
    ("level_ask", f"{_ORDERS} reference"),
    ("levelled", _OBEYED),
    ("morning_none", ""),
    ("morning_some", ""),
    ("morning_why", ""),
    ("no_case", ""),
    ("not_understood", _ORDERS),
    *((f"note_{what}", f"{_CASE} officer") for what in ("read", "replied", "closed", "unanswered", "levelled")),
    *((f"note_{what}", f"{_CASE} officer") for what in ("writer_closed", "bounced")),
    ("nothing_open", ""),
    ("notice", f"{_CASE} language"),
    ("notice_how", f"{_CASE} bot case"),
    ("notice_read", "reference"),
    ("opened", "time language"),
    ("orders", f"{_ORDERS} reference"),
    ("ping", _CASE),
    ("ping_added", _CASE),
    ("replies", "number"),
    ("reply_ask", f"{_OBEYED} words"),
    ("reply_closed", _CASE),
    ("reply_dropped", ""),
    ("reply_empty", _OBEYED),
    ("reply_later", "reference time"),
    ("reply_long", f"{_OBEYED} length limit"),
    ("reply_many", _CASE),
    ("reply_sent", "reference"),
    ("reply_waits", "reference"),
    ("subject_morning", "number"),
    ("subject_note", "reference"),
    ("subject_notice", _CASE),
    ("told", "officer time"),
    ("untrusted", ""),
    ("week", "week"),
    ("week_line", "level language number"),
    ("will_tell", "officer time"),
    ("writer_closed", ""),
    ("your_account", "account"),
)


def alert_findings(alert: Texts, desks: Mapping[str, str], flow: Flow, spoken: Mapping[str, Words]) -> Iterator[str]:
    """Yield what is missing in the alert, never said, or names other places. `desks`: by theme, as triage has them."""
    reply = flow.step("reply")
    answers = {f"answer_{choice}": ALERT_TEXTS["answer_unknown"] for choice in (reply.names() if reply else ())}
    named_desks = dict.fromkeys((f"desk_{desk}" for desk in desks.values()), frozenset[str]())
    yield from _held(ALERT, alert, {**ALERT_TEXTS, **answers, **named_desks}, spoken)


def duty_findings(duty: Texts, spoken: Mapping[str, Words]) -> Iterator[str]:
    """Yield the same of what else officers read and write, and every order that couldn't be told or understood."""
    yield from _held(DUTY, duty, DUTY_TEXTS, spoken)
    typed = {verb: dict(_typed(duty, verb, spoken)) for verb in Verb}
    for verb, words in typed.items():
        for word, where in words.items():
            if len(word.split()) != 1:
                yield f"{DUTY}: text 'word_{verb}'{where}: each is one word, without spaces"
    for one, other in combinations(Verb, 2):
        for word in sorted(typed[one].keys() & typed[other].keys()):
            yield f"{DUTY}: text 'word_{other}'{typed[other][word]}: '{word}' orders something else: word_{one}"


def _held(file: str, texts: Texts, said: Named, spoken: Mapping[str, Words]) -> Iterator[str]:
    yield from (f"{file}: text '{name}' is missing: the program says it" for name in said if name not in texts.texts)
    yield from (f"{file}: text '{name}' is never said" for name in texts.texts if name not in said)
    written = (
        Text(f"{file}: text '{name}'", f"{texts.kind}.{name}", english, said.get(name, frozenset()))
        for name, english in texts.texts.items()
    )
    yield from text_findings(written, spoken)


def _typed(duty: Texts, verb: Verb, spoken: Mapping[str, Words]) -> Iterator[tuple[str, str]]:
    """Yield each folded form of an order, English first, with the language it is of."""
    name = f"word_{verb}"
    english = duty.texts.get(name, verb)
    forms = {"": english, **{f": in {tag}": words(f"duty.{name}", english) for tag, words in spoken.items()}}
    for where, text in reversed(forms.items()):
        yield from ((fold(word), where) for word in words_of(text) or ("",))
