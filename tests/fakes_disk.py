"""A disk without room, as far as this program sees it."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_limits() -> Iterator[None]:
    """Whatever happens within, files may grow again afterwards."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def full() -> Iterator[None]:
    """Let no file of this program grow, as on a disk without room."""
    with kept_limits():
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        yield
