"""The example missions: each says that it is one, tells nobody anything, and can't be run with."""

import re
from datetime import date
from pathlib import Path

import pytest

from bot.handoff.mission import Availability, Support, availability, run_refusals
from bot.settings import read_mission

EXAMPLES = sorted((Path(__file__).parents[2] / "config" / "missions").glob("*.toml"))
TODAY = date(2026, 11, 22)
each = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)


@each
def test_an_example_says_so_in_its_first_line(example: Path) -> None:
    assert example.read_text("utf-8").startswith("# An example: ")
    assert f"`{example.name}`" in (example.parent / "README.md").read_text("utf-8")


@each
def test_an_example_is_refused_and_nothing_of_it_is_told(example: Path) -> None:
    profile = read_mission(example)
    assert run_refusals(profile)[0].startswith("verified_on is missing")
    assert (profile.resources, profile.crisis_lines, profile.accept_unreviewed) == ((), (), ())
    assert set(profile.topics) == set(Support)
    assert {availability(profile, support, TODAY) for support in Support} == {Availability.UNKNOWN}


@each
def test_what_an_example_says_of_support_has_its_page(example: Path) -> None:
    topics = read_mission(example).topics
    known = [topic for topic in topics.values() if topic.availability is not Availability.UNKNOWN]
    assert known
    assert [topic for topic in known if not topic.source_url or topic.verified_on] == []


@each
def test_an_example_holds_no_address_and_no_number_but_the_published_one(example: Path) -> None:
    lines = [line for line in example.read_text("utf-8").splitlines() if "://" not in line]
    found = re.findall(
        r"[\w.]+@[\w.]+|\+?\d[\d ()-]{6,}", "\n".join(re.sub(r"\d{4}-\d\d-\d\d", "", one) for one in lines)
    )
    published = ["hrdsupportmissionmexico@state.gov"] if example.stem == "us-mexico" else []
    assert found == published
