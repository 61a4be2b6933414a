"""Where Telegram posts to, as configured; apart from what listens there, which takes a while to load."""

import re
from dataclasses import dataclass, field

from bot.errors import Unplaced

_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")  # Telegram's characters


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where Telegram posts to, where that arrives here, and what proves that it is Telegram."""

    url: str
    listen: str  # host:port
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _SECRET.fullmatch(self.secret):
            raise Unplaced("telegram.secret_file: expected 16 to 256 letters, digits, _ or -")
        host, port = self.address
        if not (host and port):
            raise Unplaced("telegram.listen: expected an address such as 127.0.0.1:8081")

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen at."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port) if port.isdecimal() else 0
