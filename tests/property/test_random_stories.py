"""Random manifests, edits, faults, crashes and doings of others: the invariants hold after each step, and at the end
the account is as the manifests say."""

import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.property.hindered import Kept
from tests.property.referring import Following, Pinned
from tests.property.stories import tally
from tests.property.story import FOCUSED, Story

pytestmark = pytest.mark.timeout(900)  # all workers compute at the same time, and so do these

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "370"))
MANY = EXAMPLES >= 370
"""Whether there are enough stories for their average to hold; a few may happen to be short or uneventful."""
STEPS = 50
PHASES = [Phase.generate] if "PROPERTY_QUICK" in os.environ else [Phase.generate, Phase.shrink]


def tell(story: type[Story], examples: int, *, derandomize: bool) -> None:
    """Tell so many stories of a kind."""
    run_state_machine_as_test(
        story,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=derandomize,
            database=None,
            phases=PHASES,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def tallied() -> Iterator[None]:
    """Count from nothing, and print the count."""
    tally.clear()
    logging.disable()  # pytest would keep each line of thousands of operators
    yield
    logging.disable(logging.NOTSET)
    print(dict(tally))


def test_random_stories_end_as_the_manifests_say(tallied: None) -> None:
    tell(Story, EXAMPLES, derandomize="PROPERTY_EXAMPLES" not in os.environ)
    if MANY:
        assert tally["steps"] >= 10_000 * EXAMPLES / 370, tally
        assert tally["eventful"] * 4 >= tally["steps"], tally


@pytest.mark.parametrize("kind", [*FOCUSED, Kept, Pinned, Following], ids=lambda kind: kind.__name__)
def test_random_stories_about_one_thing_end_as_the_manifests_say(kind: type[Story], tallied: None) -> None:
    tell(kind, EXAMPLES // 7, derandomize="PROPERTY_EXAMPLES" not in os.environ)
    if MANY:
        assert tally["wrote"] * 20 >= tally["steps"], tally
