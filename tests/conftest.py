"""What holds for the whole suite: a busy machine is no failure of a law."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest: the hundred talks that are killed, then the other stories; short tests fill the gaps."""
    items.sort(key=lambda item: (item.path.stem != "test_killing", item.path.parent.name != "stories"))
