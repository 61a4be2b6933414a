"""Everything that is ever logged, by name, and how grave it is. A new event is registered here, or it isn't logged."""

import logging
from enum import StrEnum


class Event(StrEnum):
    """Everything that is ever logged, by name."""

    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"
    CHANNEL_UP = "channel_up"
    CHANNEL_DOWN = "channel_down"
    CHANNEL_DEAF = "channel_deaf"  # more than some seconds without hearing: an operator must look
    CHANNEL_FULL = "channel_full"  # what is heard comes faster than it is taken
    MESSAGES_DROPPED = "messages_dropped"  # of a flood, so many: they would have been kept out
    MESSAGES_KEPT_OUT = "messages_kept_out"  # too many at once: so many within some minutes became no turn
    OTHER_POLLER = "other_poller"  # somebody else asks for the messages of our account
    ACCOUNT_DRESSED = "account_dressed"  # it was made to look as configured, at the start
    CHANNEL_STOPPED = "channel_stopped"  # it can't go on; the others do
    ACCOUNT_CHANGED = "account_changed"  # its name, commands or description aren't ours
    UPDATE_SET_ASIDE = "update_set_aside"  # the platform sent what can't be read
    KEY_CHANGED = "key_changed"  # somebody's safety number: they hear nothing until an operator looks
    UNREADABLE_HERE = "unreadable_here"  # the platform could not decrypt a message to us
    CAPTCHA_WANTED = "captcha_wanted"  # the platform lets us send again once an operator has solved one
    WORDS_UNSURE = "words_unsure"
    ALARM_FAILED = "alarm_failed"  # the mail that was to wake an operator did not leave
    PERSON_UNREACHABLE = "person_unreachable"
    TURN_TAKEN = "turn_taken"
    TURN_FAILED = "turn_failed"
    EFFECT_UNREADABLE = "effect_unreadable"
    REPORT_FAILED = "report_failed"
    WORDS_DELAYED = "words_delayed"
    WORDS_UNDELIVERABLE = "words_undeliverable"
    CASE_HANDED_OFF = "case_handed_off"
    CASE_SEALED = "case_sealed"
    CASE_ACKNOWLEDGED = "case_acknowledged"
    SEALING_FAILED = "sealing_failed"
    MAIL_ACCEPTED = "mail_accepted"
    MAIL_DELAYED = "mail_delayed"
    MAIL_UNSURE = "mail_unsure"
    MAIL_REFUSED = "mail_refused"
    MAIL_GIVEN_UP = "mail_given_up"
    MAILBOX_UP = "mailbox_up"
    MAILBOX_DOWN = "mailbox_down"  # it is tried again; officers' signed answers wait there
    MAILBOX_REFUSED = "mailbox_refused"  # the login: an operator must look
    MAILBOX_STUCK = "mailbox_stuck"  # a mail could not be taken; the fifth time it is left there
    MAIL_BOUNCED = "mail_bounced"  # a mail to an officer came back
    MAIL_USELESS = "mail_useless"  # what came to the mailbox is no signed answer of an officer
    TLS_REFUSED = "tls_refused"
    CERTIFICATE_REFUSED = "certificate_refused"
    CERTIFICATE_ENDS = "certificate_ends"
    PROFILE_FINDINGS = "profile_findings"
    ERASED = "erased"
    EXPIRED = "expired"
    REWRAPPED = "rewrapped"
    KEYS_DESTROYED = "keys_destroyed"
    OFFICERS_UNTRUSTED = "officers_untrusted"  # the Signal server trusts changed safety numbers: no orders are taken
    CLOCK_SET_BACK = "clock_set_back"
    DATABASE_AWAY = "database_away"  # its server went; what waits is done when it is back
    DATABASE_BACK = "database_back"
    DATABASE_RESTORED = "database_restored"
    ROUND_FAILED = "round_failed"
    HARDENING_MISSING = "hardening_missing"
    FAULT = "fault"  # an exception that nobody caught
    LIBRARY = "library"  # a library's warning, reduced to its place


_DEBUG = {Event.TURN_TAKEN}
_WARNING = {
    Event.ACCOUNT_DRESSED,
    Event.CERTIFICATE_ENDS,
    Event.UPDATE_SET_ASIDE,
    Event.CHANNEL_DOWN,
    Event.EFFECT_UNREADABLE,
    Event.HARDENING_MISSING,
    Event.LIBRARY,
    Event.MAILBOX_DOWN,
    Event.MAIL_DELAYED,
    Event.MAIL_UNSURE,
    Event.MAIL_USELESS,
    Event.MESSAGES_KEPT_OUT,
    Event.PROFILE_FINDINGS,
    Event.WORDS_DELAYED,
    Event.WORDS_UNSURE,
}
_ERROR = {
    Event.ACCOUNT_CHANGED,
    Event.CHANNEL_STOPPED,
    Event.ALARM_FAILED,
    Event.CAPTCHA_WANTED,
    Event.CERTIFICATE_REFUSED,
    Event.CHANNEL_DEAF,
    Event.CHANNEL_FULL,
    Event.MESSAGES_DROPPED,
    Event.KEY_CHANGED,
    Event.OTHER_POLLER,
    Event.UNREADABLE_HERE,
    Event.DATABASE_AWAY,
    Event.DATABASE_RESTORED,
    Event.FAULT,
    Event.MAILBOX_REFUSED,
    Event.MAILBOX_STUCK,
    Event.CLOCK_SET_BACK,
    Event.OFFICERS_UNTRUSTED,
    Event.MAIL_BOUNCED,
    Event.MAIL_GIVEN_UP,
    Event.MAIL_REFUSED,
    Event.REPORT_FAILED,
    Event.ROUND_FAILED,
    Event.SEALING_FAILED,
    Event.TLS_REFUSED,
    Event.TURN_FAILED,
}
SEVERITY = (
    dict.fromkeys(Event, logging.INFO)
    | dict.fromkeys(_DEBUG, logging.DEBUG)
    | dict.fromkeys(_WARNING, logging.WARNING)
    | dict.fromkeys(_ERROR, logging.ERROR)
)
