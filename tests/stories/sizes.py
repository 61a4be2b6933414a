"""How large the long stories are: short in CI (`make soak SHORT=1`, or pytest), whole in `make soak` (pytest --soak).

The same laws are proven in both, with the same chance each time; in a soak by more people, killed more often.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Size:
    """Of one story, what of this it has."""

    people: int = 0
    kills: int = 0  # at least
    lives: int = 0  # what happens until the next kill, at most
    spoiled: int = 0  # updates
    histories: int = 0  # of one case each
    mixes: int = 0  # of faults, each with so many people
    periods: int = 0  # of a mix, at most
    languages: tuple[str, ...] = ()  # of what is told in every language; none: all that are offered


WAYS_TO_WRITE = ("es", "ar", "zh-Hans")  # to the left, to the right, and without spaces

# A file of stories: its size in every test, and in a soak, which plays these files and tries the laws.
SIZES: Mapping[str, tuple[Size, Size]] = MappingProxyType(
    {
        "test_killing": (Size(people=20, kills=6, lives=60), Size(people=100, kills=24, lives=150)),
        "test_signal_killing": (Size(people=12, kills=6, lives=20), Size(people=40, kills=20, lives=20)),
        "test_signal_crowd": (Size(people=40), Size(people=200)),
        "test_officers_surviving": (Size(kills=1), Size(kills=6)),
        "test_telegram_killing": (Size(people=20, kills=6, lives=120), Size(people=200, kills=50, lives=170)),
        "test_several_processes": (Size(people=12, kills=4, lives=80), Size(people=100, kills=30, lives=150)),
        "test_telegram_talks": (Size(people=40), Size(people=200)),
        "test_telegram_fuzz": (Size(spoiled=600), Size(spoiled=3000)),
        "test_fault_mixes": (Size(people=8, mixes=2, periods=8), Size(people=200, mixes=56, periods=80)),
        "test_residue": (Size(people=10, kills=1, lives=40), Size(people=1000, kills=40, lives=400)),  # on each channel
        "test_floods": (Size(people=200), Size(people=5_000)),
        "test_histories": (Size(histories=90), Size(histories=10_000)),
        "test_transcripts_on_channels": (Size(languages=WAYS_TO_WRITE), Size()),
    }
)


def size_of(file: str, *, soak: bool) -> Size:
    """Return the size of the stories in a file, by its name without .py."""
    return SIZES[file][soak]
