"""What holds for the whole suite: a busy machine is no failure of a law, and no test changes how another is logged.

With `--soak` the long stories alone are played, at their full size (tests/stories/sizes.py).
"""

import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from stories.sizes import SIZES, Size, size_of

from bot import logs

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="play the long stories alone, at full size")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest: the talks that are killed, then the other stories; short tests fill the gaps."""
    if config.getoption("--soak"):
        config.hook.pytest_deselected(items=[item for item in items if item.path.stem not in SIZES])
        items[:] = [item for item in items if item.path.stem in SIZES]
    items.sort(key=lambda item: (not item.path.stem.endswith("_killing"), item.path.parent.name != "stories"))


@pytest.fixture
def size(request: pytest.FixtureRequest) -> Size:
    """How large this story is."""
    return size_of(request.path.stem, soak=request.config.getoption("--soak"))


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
