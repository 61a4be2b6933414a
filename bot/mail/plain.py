"""A mail that is not sealed, to an officer without a key: it may say that something waits, and nothing of a case."""

from email import policy
from email.message import EmailMessage
from email.utils import format_datetime

from bot.errors import Undeliverable
from bot.mail.envelope import Envelope, Parts, put_subject


def plain_mail(parts: Parts, envelope: Envelope) -> bytes:
    """Return the mail: subject and text; `case_json` stands nowhere in it.

    Raises:
        Undeliverable: an address can't stand in a mail.
    """
    mail = EmailMessage(policy=policy.SMTP)
    try:
        mail["From"], mail["To"] = envelope.sender, envelope.recipient
        mail["Message-ID"] = envelope.message_id
        mail["Date"] = format_datetime(envelope.at.replace(minute=0, second=0, microsecond=0))
        put_subject(mail, " ".join(parts.subject.split()))
        mail["Auto-Submitted"] = "auto-generated"
    except ValueError:
        raise Undeliverable("the sender's or recipient's address can't stand in a mail") from None
    mail.set_content(parts.text, cte="quoted-printable")
    return mail.as_bytes()
