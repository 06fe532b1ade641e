"""Random stories lived by running operators: edits, faults, crashes and changes by others, many beside one another.

`STORIES` sets how many batches are lived; with it, they are new ones each time.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hack.controlplane import ControlPlane
from tests.chaos import random_life
from tests.chaos.environment import Environment
from tests.chaos.life import Life
from tests.chaos.random_life import Story, Tally

AT_ONCE = 8
BATCHES = int(os.environ.get("STORIES", "5"))


@pytest.mark.timeout(120 + 60 * BATCHES)
def test_random_stories_end_as_the_manifests_say(
    control_plane: ControlPlane, operator_identity: Path, tmp_path: Path
) -> None:
    tally = Tally()

    def one(environment: Environment, story: Story) -> str:
        with environment.run(bug=random_life.DISRUPTION, **random_life.SETTLES) as run:
            life = Life(run, story.specifications)
            try:
                wrong = random_life.lived(life, story.deeds, tally)
            except AssertionError as error:
                wrong = [str(error)]
            finally:
                life.clean_up()
            return random_life.described(run, story, wrong) if wrong else ""

    with (
        Environment.made(control_plane, operator_identity, tmp_path, at_once=AT_ONCE, shared=False) as environment,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):

        @settings(
            max_examples=BATCHES,
            deadline=None,
            derandomize="STORIES" not in os.environ,
            database=None,
            phases=[Phase.generate],  # what depends on the clock as well cannot be made smaller by repetition
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(random_life.story(), min_size=AT_ONCE, max_size=AT_ONCE))
        def live(stories: list[Story]) -> None:
            if not failures:
                failures.extend(
                    failure for failure in pool.map(lambda story: one(environment, story), stories) if failure
                )

        failures: list[str] = []
        live()
        if (
            failures
        ):  # reported here, since hypothesis lives a story again that fails, and depends on it to fail once more
            pytest.fail("\n\n".join(failures))
    print(tally)
    assert tally.steps >= 40 * BATCHES, tally
    assert tally.eventful * 5 >= tally.steps, tally
