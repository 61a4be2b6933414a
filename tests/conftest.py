"""What holds for the whole suite: a busy machine is no failure of a law, and no test changes how another is logged."""

import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from bot import logs

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest: the talks that are killed, then the other stories; short tests fill the gaps."""
    items.sort(key=lambda item: (not item.path.stem.endswith("_killing"), item.path.parent.name != "stories"))


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Put back what a verb installs for its process."""
    root = logging.getLogger()
    kept = (root.handlers[:], root.level, logs.OWN.level, logging.raiseExceptions)
    hooks = (sys.excepthook, sys.unraisablehook, threading.excepthook)
    yield
    root.handlers[:], logging.raiseExceptions = kept[0], kept[3]
    root.setLevel(kept[1])
    logs.OWN.setLevel(kept[2])
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
    logging.captureWarnings(capture=False)
