"""Everything raised on purpose, named by what the reader can do.

BotError                    one line and exit code 2 at the command line
├── SettingsError           config/ is wrong: file, key, what was expected             (start-up)
│   └── Unplaced            the same by its key alone: `of_file` puts the file in front
├── FlowError               flows/ is wrong: file, step, finding                       (start-up)
├── LanguageError           a configured language is incomplete                        (start-up)
├── DeliveryError           could not reach a person or the mission; may carry retry_after
│   ├── UnsureDelivery      it may have arrived, or not: nobody said
│   └── Undeliverable       never will: refused as it is, key expired
│       └── Unreachable     nothing ever will arrive there: blocked, account gone
├── NotNow                  it can't be done yet, through no fault of what was to be done: bring it again
└── SealingError            stored words can't be opened with our keys

What a *person* does wrong is never an exception: it is something to say. Messages name files, steps and
references, never a sender or an answer.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class BotError(Exception):
    """Raised on purpose; its text is one line that may be shown to an operator."""


class SettingsError(BotError):
    """The configuration is wrong; the text names the file, the key and what was expected."""


class Unplaced(SettingsError):  # noqa: N818 - named by what is missing
    """The same, from a room that doesn't know the file: its text begins with the key."""


@contextmanager
def of_file(file: object) -> Iterator[None]:
    """Put the file in front of what is told by its key alone. Raises SettingsError."""
    try:
        yield
    except Unplaced as error:
        raise SettingsError(f"{file}: {error}") from None


class FlowError(BotError):
    """A flow is wrong; the text names the file, the step and the finding."""


class LanguageError(BotError):
    """A configured language is missing or incomplete."""


class DeliveryError(BotError):
    """A person or the mission could not be reached this time."""

    def __init__(self, text: str, *, retry_after: float | None = None) -> None:
        """`retry_after`: seconds the other side asked us to wait, if it said so."""
        super().__init__(text)
        self.retry_after = retry_after


class UnsureDelivery(DeliveryError):  # noqa: N818 - named by what the caller learns
    """It may have arrived, or not. `whole` False: its end was not tried, or its beginning is deleted again."""

    whole = True


class Undeliverable(DeliveryError):  # noqa: N818 - named by what the caller learns
    """It never will be delivered as it is: refused, key expired."""


class Unreachable(Undeliverable):
    """Nothing ever will be delivered there: blocked, account gone."""


class NotNow(BotError):  # noqa: N818 - named by what the caller learns
    """It can't be done yet: to be brought again later, as often as it takes."""


class SealingError(BotError):
    """Stored words can't be opened with the keys we have."""
