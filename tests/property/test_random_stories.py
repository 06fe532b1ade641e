"""Random manifests, edits, faults, crashes and doings of others: the invariants hold after each step, and at the end
the account is as the manifests say."""

from collections.abc import Iterator

import pytest

from tests.property.hindered import Kept
from tests.property.referring import Following, Pinned
from tests.property.running import Watched
from tests.property.stories import tally
from tests.property.story import FOCUSED, Story
from tests.property.story_runs import EXAMPLES, OTHERS_EACH_TIME, run_stories

pytestmark = pytest.mark.timeout(900)  # all workers compute at the same time, and so do these

MANY = EXAMPLES >= 370
"""Whether there are enough stories for their average to hold; a few may happen to be short or uneventful."""


@pytest.fixture
def tallied() -> Iterator[None]:
    """Count from nothing, and print the count."""
    tally.clear()
    yield
    print(dict(tally))


def test_random_stories_end_as_the_manifests_say(tallied: None) -> None:
    run_stories(Story, EXAMPLES, derandomize=not OTHERS_EACH_TIME)
    if MANY:
        assert tally["steps"] >= 10_000 * EXAMPLES / 370, tally
        assert tally["eventful"] * 4 >= tally["steps"], tally


@pytest.mark.parametrize("kind", [*FOCUSED, Kept, Pinned, Following, Watched], ids=lambda kind: kind.__name__)
def test_random_stories_about_one_thing_end_as_the_manifests_say(kind: type[Story], tallied: None) -> None:
    run_stories(kind, EXAMPLES // 7, derandomize=not OTHERS_EACH_TIME)
    if MANY:
        assert tally["wrote"] * 20 >= tally["steps"], tally
