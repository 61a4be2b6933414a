"""A mail that tells an operator to look at the log: one word, and nothing of anybody who writes to the bot."""

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256

TOLD = {
    "deaf": "the Signal server has not been heard for more than five seconds",
    "full": "Signal messages come faster than they can be taken",
    "key_changed": "somebody's safety number has changed: they hear nothing until it is trusted",
    "unreadable": "Signal could not decrypt a message to the bot",
    "untrusted": "the Signal server accepts changed safety numbers: no words of officers are taken until it doesn't",
    "captcha": "Signal wants a captcha to be solved before the bot may send again",
    "other_poller": "somebody else asks Telegram for the messages to the bot: the token may be in other hands",
    "account_changed": "the bot's account on Telegram was changed by somebody",
    "refused": "Telegram refuses the bot's token; the other channels go on",
}


def alarm_mail(kind: str, sender: str, recipient: str, at: datetime) -> bytes:
    """Return the mail, unsealed. `kind`: one of TOLD."""
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, recipient
    mail["Date"] = format_datetime(at)
    name = sha256(f"{kind} {at.isoformat()}".encode()).hexdigest()[:40]
    mail["Message-ID"] = f"<{name}@{sender.rpartition('@')[2]}>"
    mail["Subject"] = "Postigo: please look at the log"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(f"{TOLD.get(kind, 'something needs an operator')}\n")
    return mail.as_bytes()
