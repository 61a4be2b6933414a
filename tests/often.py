"""How often a law is tried: as often as the others, or so many times that; in a soak all are tried more often."""

from hypothesis import settings


def tried(times: float) -> settings:
    """Return the settings of a law that is tried `times` as often as the others."""
    return settings(max_examples=round(settings().max_examples * times))
