"""What a reader of a translation reads first: the texts that must not be wrong, beside the English.

A review holds as long as these texts stay; the SHA-256 below them is what the registry keeps of a review.
"""

from collections.abc import Collection, Iterable, Mapping

from bot.language.catalogs import Catalogs
from bot.language.registry import ENGLISH, Language, Status, fingerprint, standing

Messages = Collection[tuple[str, str]]


def page(language: Language, catalogs: Catalogs, messages: Messages) -> str:
    """Return the texts that must not be wrong, as they stand now, and how far they were read."""
    said = catalogs.safety(language.tag, messages)
    now = fingerprint(said)
    texts = "\n".join(_beside(language.tag, *one) for one in said)
    return f'{texts}\n{language.tag}: {_read(language, now)}\nsafety = "{now}"\n'


def changed(languages: Mapping[str, Language], catalogs: Catalogs, messages: Messages) -> str:
    """Return the page of each language that is marked as reviewed while its texts are others than were read."""
    return "\n".join(
        page(language, catalogs, messages)
        for language in reviewed(languages.values())
        if standing(language, fingerprint(catalogs.safety(language.tag, messages))) is not Status.REVIEWED
    )


def reviewed(languages: Iterable[Language]) -> list[Language]:
    """Return the languages that are marked as reviewed."""
    return [language for language in languages if language.status is Status.REVIEWED]


def _beside(tag: str, context: str, english: str, translation: str) -> str:
    lines = [context, f"  {ENGLISH}  {english}"]
    if tag != ENGLISH:
        lines.append(f"  {tag}  {translation}")
    return "\n".join(lines) + "\n"


def _read(language: Language, now: str) -> str:
    if language.status is not Status.REVIEWED:
        return (
            f"{language.status}; nobody has read these words in the field"
            if language.status is Status.MACHINE
            else "original"
        )
    by = f"by {language.reviewer} on {language.reviewed_on}"
    if standing(language, now) is Status.REVIEWED:
        return f"reviewed {by}, as they stand above"
    return (
        f"reviewed {by}, but some of these words have changed since: it counts as unreviewed until they are read again"
    )
