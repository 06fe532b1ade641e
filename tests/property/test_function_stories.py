"""Random templates, pins, edits, faults, crashes and doings of others about CloudFunctions: the invariants hold after
each step, and at the end account and cluster are as the manifests say."""

from collections.abc import Callable

import pytest
from hypothesis import Phase

from tests.property.functions.planted import adopting, in_place, registering, secrets
from tests.property.functions.story import FunctionStory
from tests.property.stories import tally
from tests.property.story_runs import EXAMPLES, OTHERS_EACH_TIME, run_stories

pytestmark = pytest.mark.timeout(900)

STEPS = 40


def test_random_stories_of_functions_end_as_the_manifests_say() -> None:
    tally.clear()
    examples = max(1, EXAMPLES // 3)
    run_stories(FunctionStory, examples, steps=STEPS, derandomize=not OTHERS_EACH_TIME)
    print(dict(tally))
    if examples >= 100:  # enough for their average to hold
        assert tally["steps"] >= 10 * examples, tally
        assert tally["wrote"] * 20 >= tally["steps"], tally


BUGS = {**registering.BUGS, **in_place.BUGS, **secrets.BUGS, **adopting.BUGS}
"""Each bug, with the stories that find it soonest and the words of the violation that it has to be found by."""


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_found(bug: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    story, words = BUGS[bug]
    bug(monkeypatch)
    with pytest.raises(AssertionError, match=f"^.*{words}"):  # in the first line, before the picture of the world
        run_stories(story, 600, steps=STEPS, phases=(Phase.generate,))
