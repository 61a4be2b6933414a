"""What a signed reply proves, once its signature has been checked: which pinned key made it, and when it says so.

Only that. No text of the reply, no name, no address and no library of any cipher may be here: it is the one shape that
every way of reading a signed reply (OpenPGP, S/MIME) gives to those who decide what the reply is worth.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Proof:
    """One good signature: `fingerprint` of the pinned key that made it (lower-case hex), `at` its signed time (UTC)."""

    fingerprint: str
    at: datetime
