"""What the tests of this room share."""

from collections.abc import Iterator

import pytest
from fakes_gpg import Gpg, keyring


@pytest.fixture
def gpg() -> Iterator[Gpg]:
    with keyring() as ring:
        yield ring
