"""Whom the bot calls, read from its settings: nothing else of ours may open a connection, and a story holds it to that.

What answers on Signal's side, and who tells the addresses of names, are programs of their own.
"""

from collections.abc import Iterator

from bot.operations.outgoing import Call, call_to
from bot.settings import Settings, Smtp

HTTPS_PORT = 443  # RFC 9110, section 4.2.2
POSTGRES_PORT = 5432


def neighbours(settings: Settings) -> tuple[Call, ...]:
    """Return every call that a bot with these settings makes, in the order of the settings file."""
    return tuple(_all(settings))


def _all(settings: Settings) -> Iterator[Call]:
    database = call_to(settings.storage.url, POSTGRES_PORT, "keeps the sealed rows")
    if database.host:  # a file has none
        yield database
    if isinstance(settings.mail, Smtp):
        yield Call(settings.mail.host, settings.mail.port, "takes the sealed mails")
    if settings.mailbox:
        yield Call(settings.mailbox.host, settings.mailbox.port, "holds what comes back and officers' answers")
    if settings.telegram:
        yield call_to(settings.telegram.api, HTTPS_PORT, "is Telegram")
    if settings.signal:
        yield call_to(settings.signal.service, HTTPS_PORT, "is the bot's own Signal server")
