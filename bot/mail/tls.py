"""Whom mail is spoken with: servers that show a certificate we trust, over TLS 1.2 or later.

The system's certificates take a sixteenth of a second to read, so what is made of a file is kept and shared.
"""

import ssl
from functools import lru_cache
from pathlib import Path

FILES = 8  # remembered; a mission has one or two


@lru_cache(FILES)
def verifying(ca_file: Path | None) -> ssl.SSLContext:
    """Return what checks a server's certificate. `ca_file` None: against the system's certificates.

    Raises:
        OSError, ValueError: the file can't be read, or holds no certificates.

    """
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
