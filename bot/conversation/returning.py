"""Coming back by a code: how far the case is, and what the mission has written since. Pure.

A code that leads nowhere is answered in one way, whatever the reason.
"""

import re
from dataclasses import replace
from datetime import datetime

from bot.conversation.asking import Rulebook, ask_again, case_now, languages, text
from bot.conversation.model import Conversation, Line, Message, Outcome, Say, Weight
from bot.conversation.settling import settle

DIGITS = 16
_CODE = re.compile(rf"(?:\d[\s-]*){{{DIGITS}}}")  # digits of any script, in groups as one likes


def return_code(words: str) -> str:
    """Return the digits of a message that is nothing but a return code, "" for any other."""
    if not _CODE.fullmatch(words.strip()):
        return ""
    return "".join(str(int(char)) for char in words if char.isdecimal())


def returned(  # noqa: PLR0913, PLR0917 - as the engine's `advance`, and what was found
    book: Rulebook,
    talk: Conversation | None,
    found: Conversation | None,
    words: tuple[str, ...],
    message: Message,
    now: datetime,
) -> Outcome:
    """Tell how far the case of `found` is, with the mission's `words`; the waiting question, if any, is put again."""
    here, changed = settle(book, replace(talk or Conversation(message.sender), sender=message.sender))
    here = replace(here, language=here.language or (found.language if found else ""))
    lines = tuple(_told(book, replace(found, sender=message.sender, language=here.language), words)) if found else ()
    lines = lines or (text(book, here, "code_nothing"),)
    if talk is None:
        return Outcome(None, (Say(lines, languages(book, here), weight=Weight.STATUS),))
    here = replace(here, heard_at=now)
    if not here.step:
        return Outcome(here, (Say(lines, languages(book, here), weight=Weight.STATUS),))
    lines = (*lines, text(book, here, "changed")) if changed else lines
    asked, say = ask_again(book, here, *lines)
    return Outcome(asked, (_once(say, lines) if _same_case(here, found) else say,))


def _same_case(here: Conversation, found: Conversation | None) -> bool:
    return bool(here.case and found and found.case and here.case.reference == found.case.reference)


def _once(say: Say, told: tuple[Line, ...]) -> Say:
    """Return `say` without what the waiting question would tell a second time."""
    asked = (line for line in say.lines[len(told) :] if line not in told)
    return replace(say, lines=(*told, *asked))


def relayed(talk: Conversation) -> Conversation:
    """Return the talk as one to which the mission's words have come."""
    return replace(talk, case=replace(talk.case, relayed=True)) if talk.case else talk


def _told(book: Rulebook, there: Conversation, words: tuple[str, ...]) -> tuple[Line, ...]:
    if there.case is None:
        return ()
    status = text(book, there, "code_status", reference=there.case.reference)
    return (status, case_now(book, there), *(text(book, there, "relayed_code", words=one) for one in words))
