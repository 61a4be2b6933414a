"""What is wrong with a mailbox, and the sentence that an operator reads of it. No library belongs here."""

import ssl


class Refused(Exception):  # noqa: N818 - named by what the caller learns
    """The server knows our name or password not."""


class Clear(Exception):  # noqa: N818 - the same
    """The server offers no STARTTLS."""


class NoFolder(Exception):  # noqa: N818 - the same
    """The folder isn't there, or may only be read."""


def told(error: Exception, folder: str) -> str:
    """Return one sentence; a server's own words aren't repeated."""
    sentences: dict[type[Exception], str] = {
        Refused: "the server refuses the user name or the password.",
        Clear: "the server offers no STARTTLS.",
        NoFolder: f'there is no folder "{folder}" that may be changed.',
        ssl.SSLError: f"TLS failed: {getattr(error, 'reason', None) or type(error).__name__}.",
        TimeoutError: "the server does not answer.",
        OSError: "the server can't be reached.",
    }
    found = (text for kind, text in sentences.items() if isinstance(error, kind))
    return next(found, "it doesn't speak as a server should.")
