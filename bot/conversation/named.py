"""What the program itself says and steps to by name, in one place, so that a flow can be held against it.

Names only. A test compares them with the code; what a name is for stands where it is used.
"""

from collections.abc import Iterator, Mapping

from bot.conversation.flow import Ask, Flow, Step
from bot.conversation.model import ConsentKind, Kind

CHANNELS = ("terminal", "telegram", "signal")
BARE = "bare"  # the form of a text for a mission that has no contacts, or no website, to show

# Places that the mission's profile fills in, in any text.
STANDING = frozenset({"mission", "minutes", "hours", "days", "window", "place", "vanish", "signal"})
SITE, CONTACTS, REFERENCE = "site", "contacts", "reference"
FINGERPRINT = "fingerprint"  # the page that prints the safety number on Signal; the website where there is none
VERIFY = "verify"  # the text with the mission's website
COVER = "cover"  # what a locked screen shows in place of a text that would alarm whoever sees it
AUDIENCES = ("everyone", "journalists", "women", "lgbtiq", "indigenous", "organisations", "digital")
MENU = ("start", "help", "language", "stop")  # the commands that a messenger lists

# Every text that code says by its name -> the places it fills in there.
TEXTS: Mapping[str, frozenset[str]] = {
    name: frozenset(filled.split())
    for name, filled in (
        *((f"refused_{kind.value}", "") for kind in Kind if kind not in {Kind.TEXT, Kind.TAP, Kind.DELETED}),
        *((f"runs_{who}", "name contact") for who in ("state", "ngo", "un", "mission", "other")),
        ("adding", ""),
        ("answer_hint", ""),
        ("answer_not", ""),
        ("available_case_by_case", "day source"),
        ("available_no", "day source"),
        ("available_own", "own"),
        ("available_unknown", ""),
        ("available_yes", "day source"),
        ("bounced", ""),
        ("bounced_added", ""),
        ("cannot_skip", ""),
        ("case_given_up", ""),
        ("case_in_doubt", ""),
        ("case_left", "time"),
        ("case_placed", ""),
        ("case_read", "time"),
        ("case_waiting", ""),
        ("carry_not", ""),
        ("many_cases", ""),
        ("many_write", ""),
        ("too_fast", ""),
        ("changed", ""),
        ("checked", "audience day source"),
        ("clear", ""),
        ("closed", ""),
        ("code_nothing", ""),
        ("code_status", "reference"),
        ("code_unknown", ""),
        ("code_used", ""),
        (COVER, ""),
        ("consent_numbers", "yes no"),
        ("crisis", "crisis_lines"),
        ("done", ""),
        ("codes", "reference code check"),
        ("dropped", ""),
        ("edit_unknown", ""),
        ("edited", ""),
        ("ended", ""),
        ("erased", ""),
        ("erased_in_doubt", ""),
        ("erased_left", ""),
        ("erased_maybe", ""),
        ("erased_withdrawn", ""),
        ("given_up", ""),
        ("given_up_added", ""),
        ("in_doubt", ""),
        ("in_doubt_added", ""),
        ("gone", ""),
        ("help", ""),
        ("hint", ""),
        ("in_danger", ""),
        ("label_needed", ""),
        ("late", ""),
        ("late_added", ""),
        ("left", "time"),
        ("left_added", "time"),
        ("left_late", "time"),
        ("more", ""),
        ("no_back", ""),
        ("no_relay", ""),
        *((f"for_{audience}", "") for audience in AUDIENCES),
        ("not_found", ""),
        ("not_kept", ""),
        ("not_seen", ""),
        ("not_understood", ""),
        ("not_understood_words", ""),
        ("note_given", ""),
        ("nothing_added", ""),
        ("off_duty", "time"),
        ("off_duty_until", "day time"),
        ("old_tap", ""),
        ("privacy", ""),
        ("read", "time"),
        ("readable_here", ""),
        ("readable_short", ""),
        ("relayed", "words"),
        ("relayed_code", "words"),
        ("rest", ""),
        *((f"menu_{command}", "") for command in MENU),
        ("profile_about", ""),
        ("profile_short", ""),
        ("resumed", ""),
        ("safer", "code"),
        ("sending", ""),
        ("sending_later", ""),
        ("skip", ""),
        ("soft_check", ""),
        ("stopped", ""),
        ("stopped_case", ""),
        ("too_long", "length limit"),
        ("too_old", ""),
        ("unread", ""),
        ("unsent", ""),
        ("vanish", ""),
        (VERIFY, ""),
        ("wrote_at", "time"),
    )
}

# What a step may `say` that is no text of its own -> the texts it stands for.
STANDS_FOR: Mapping[str, tuple[str, ...]] = {
    "case_now": ("case_left", "case_placed", "case_given_up", "case_in_doubt", "case_waiting", "case_read"),
    "available": ("available_yes", "available_no", "available_case_by_case", "available_unknown"),
}

# Steps that code names -> the choices it knows there.
STEPS: Mapping[str, tuple[str, ...]] = {
    "reply": ("here", "day", "evening"),
    "text": (),
}

# Commands that must work at every step, and all that the program can carry out.
NEEDED = ("erase", "stop", "help", "back", "skip", "language", "emergency", "privacy", "verify")
COMMANDS = (*NEEDED, "send", "signal", "guide", "answer")


def findings(flow: Flow) -> list[str]:
    """Return what the program needs by name and the flow doesn't have, or says otherwise, a sentence each."""
    return [*_steps(flow), *_roles(flow), *_texts(flow)]


def forms(flow: Flow, name: str) -> list[str]:
    """Return the names of all texts that may be said for `name`: on some channel, or by a bare mission."""
    names = STANDS_FOR.get(name, (name,))
    return [form for one in names for form in (one, *_variants(one)) if form in flow.texts]


def _variants(name: str) -> list[str]:
    return [f"{name}_{kind}" for kind in (*CHANNELS, BARE)]


def _steps(flow: Flow) -> Iterator[str]:
    file = f"flows/{flow.name}.toml"
    for name, choices in STEPS.items():
        step = flow.step(name)
        if step is None:
            yield f"{file}: step '{name}' is missing: the program names it"
            continue
        lost = [choice for choice in choices if choice not in step.names()]
        yield from (f"{file}: step '{name}': the choice '{one}' is missing: the program names it" for one in lost)
    text = flow.step("text")
    if text and text.kind is not Ask.WORDS:
        yield f"{file}: step 'text': it must take own words: corrections after the handoff go there"


def _roles(flow: Flow) -> Iterator[str]:
    for role, name, fits, need in (
        ("first", flow.first, _first, 'it must have choices_from = "languages"'),
        ("sos", flow.sos, _sos, "it must be an urgent consent to send"),
        ("idle", flow.idle, _idle, "it must be asked after the handoff"),
        ("carried", flow.carried, _carried, "it must show the answers, and offer 'yes' and 'no'"),
        ("answer", flow.answer, _answer, "it must take own words, after the handoff"),
        ("unasked", flow.unasked, _idle, "it must be asked after the handoff"),
    ):
        if name and not fits(flow.steps[name]):
            yield f"flows/{flow.name}.toml: step '{name}': as {role} of the flow, {need}"


def _first(step: Step) -> bool:
    return step.choices_from == "languages"


def _sos(step: Step) -> bool:
    return step.urgent and step.consent is ConsentKind.SEND


def _idle(step: Step) -> bool:
    return step.after


def _carried(step: Step) -> bool:
    return step.shows and step.names() == ("yes", "no")


def _answer(step: Step) -> bool:
    return step.after and step.kind is Ask.WORDS


def _texts(flow: Flow) -> Iterator[str]:
    file = f"flows/{flow.name}.toml"
    yield from (f"{file}: text '{name}' is missing: the program says it" for name in TEXTS if name not in flow.texts)
    yield from (
        f"{file}: text '{name}' is missing: the step '{step.name}' says it"
        for step in flow.steps.values()
        for name in step.says
        if name not in {*flow.texts, *STANDS_FOR}
    )
    said = {*TEXTS, *(name for step in flow.steps.values() for name in step.says)}
    known = {form for name in said for form in (name, *_variants(name))}
    yield from (f"{file}: text '{name}' is never said" for name in flow.texts if name not in known)
    yield from (
        f"{file}: text '{name}' needs a form '{name}_{BARE}', for a mission that has nothing to put there"
        for name, text in flow.texts.items()
        if not name.endswith(f"_{BARE}") and _needs_bare(name, text) and f"{name}_{BARE}" not in flow.texts
    )


def _needs_bare(name: str, text: str) -> bool:
    place = {VERIFY: SITE, "crisis": "crisis_lines"}.get(name, CONTACTS)
    return f"{{{place}}}" in text
