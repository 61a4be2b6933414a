"""What holds for the whole suite: a busy machine is no failure of a law, and no test changes how another is logged.

With `--soak` only what has a larger form is run, in that form: the long stories (tests/stories/sizes.py), and the laws,
each with more examples.
"""

import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from fakes_postgres import Postgres, postgres
from hypothesis import HealthCheck, settings
from remembered import remember
from stories.sizes import SIZES, Size, size_of

from bot import logs

EXAMPLES = {"change": 100, "soak": 500}  # of a law: each time, and in a soak
for name, examples in EXAMPLES.items():
    settings.register_profile(name, max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="only the long stories at full size, and the laws whole")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("soak" if config.getoption("--soak") else "change")


@pytest.hookimpl(trylast=True)  # then the laws are marked
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest: the talks that are killed, then the other stories; short tests fill the gaps."""
    if config.getoption("--soak"):
        config.hook.pytest_deselected(items=[item for item in items if not grows(item)])
        items[:] = [item for item in items if grows(item)]
    items.sort(key=lambda item: (not item.path.stem.endswith("_killing"), item.path.parent.name != "stories"))


def grows(item: pytest.Item) -> bool:
    """Tell whether a test has a larger form."""
    return item.path.stem in SIZES or item.get_closest_marker("hypothesis") is not None


@pytest.fixture(autouse=True, scope="session")
def started_before() -> Iterator[None]:
    """Let each bot but the first start from what is remembered."""
    with pytest.MonkeyPatch.context() as patch:
        remember(patch)
        yield


@pytest.fixture
def size(request: pytest.FixtureRequest) -> Size:
    """How large this story is."""
    return size_of(request.path.stem, soak=request.config.getoption("--soak"))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgres]:
    """A database server for everybody who asks; the test is skipped, and says why, where it isn't installed."""
    with postgres() as server:
        yield server


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
