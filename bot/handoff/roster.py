"""Who at the mission is told of a case, as frozen values: the officers and desks, and the order for each level.

What follows from them (who is told when, and who is on duty) belongs to `duty.py`; whether they are well formed, to
`roster_rules.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

LONGEST_WAIT = 24 * 60  # minutes from the handoff: no sealed mail of a chain waits longer


class Mode(StrEnum):
    """What one contact is sent: the sealed case, or a notice that a case waits."""

    OPENPGP = "openpgp"
    SMIME = "smime"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Contact:
    """One officer or desk of the mission's roster."""

    address: str
    openpgp: str | None = None  # file of the certificate, absolute once read
    fingerprint: str = ""  # the certificate's, lower-case hex without spaces; "" for notice
    language: str = "en"  # of the alert
    after: int | None = None  # minutes from the handoff before this contact is told; None: by the place in the chain
    mode: Mode = Mode.OPENPGP
    urgent_address: str = ""  # instead of `address` at levels 1 and 2; every relay on the way sees it
    smime: str | None = None  # file of the X.509 certificate, absolute once read
    signal: str = field(default="", repr=False)  # the officer's account there: its ACI, a lower-case uuid
    ping: bool = True  # a word on Signal, without content, beside each mail
    languages: tuple[str, ...] = ()  # that the officer speaks; (): `language` alone
    hours: str = ""  # of duty, "09:00-18:00" by the clock of `zone`, past midnight "22:00-06:00"; "": at any hour
    days: tuple[str, ...] = ()  # of duty, by the day on which the hours begin: mon tue wed thu fri sat sun; (): each
    zone: str = ""  # IANA name; "": the mission's

    @property
    def certificate(self) -> str | None:
        """The file of the certificate that `mode` asks for."""
        return {Mode.OPENPGP: self.openpgp, Mode.SMIME: self.smime}.get(self.mode)


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told of a case of one level, in which order."""

    order: tuple[str, ...]  # addresses of contacts
    after: tuple[int, ...] = ()  # minutes from the handoff, one for each of `order`; (): their own, or by place


@dataclass(frozen=True, slots=True)
class Duty:
    """The mission's roster of duty."""

    morning: str = "07:30"  # of the daily mail, by each officer's own clock; "": none
    levels: Mapping[int, Watch] = field(default_factory=dict)  # of those levels whose order isn't the profile's
