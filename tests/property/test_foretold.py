"""Plans of random stories' manifests: the operator does first what they say, and a plan that is wrong is noticed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from nvcf_operator.commands.plan import engine
from nvcf_operator.commands.plan.loop import objects
from nvcf_operator.commands.plan.model import Manifest
from tests.property.chance import Chance
from tests.property.foretelling import Foretold
from tests.property.functions.foretelling import FunctionsForetold
from tests.property.nvcf_model import VERSIONS
from tests.property.story_runs import EXAMPLES, OTHERS_EACH_TIME, run_stories

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("story", [Foretold, FunctionsForetold], ids=lambda story: story.__name__)
def test_the_operator_does_first_what_a_plan_says(story: type[RuleBasedStateMachine]) -> None:
    run_stories(story, max(1, EXAMPLES // 90), steps=15, derandomize=not OTHERS_EACH_TIME)


class OntoAnothers(Foretold):  # type: ignore[misc, valid-type]
    """Stories that begin with a move onto a version that somebody else has deployed."""

    @initialize(seed=st.integers(0, 1000))
    def begin(self, seed: int) -> None:
        super().begin(seed)
        self.deploy_outside(of=VERSIONS[1], chance=Chance())
        self.change_policy(which=0, change={"adoptionPolicy": "Refuse"}, chance=Chance())
        self.change_version(which=0, of=VERSIONS[1], chance=Chance())


def test_a_move_onto_anothers_version_is_planned_as_it_is_made() -> None:
    run_stories(OntoAnothers, 1, steps=1, phases=(Phase.generate,))


def test_a_plan_that_ignores_the_adoption_policy_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    as_applied = objects.as_applied

    def adopting(manifest: Manifest, now: datetime) -> Mapping[str, Any]:
        obj = as_applied(manifest, now)
        return {**obj, "spec": {**obj["spec"], "adoptionPolicy": "Adopt"}}

    monkeypatch.setattr(engine, "as_applied", adopting)
    with pytest.raises(AssertionError, match="AlreadyDeployed"):
        run_stories(OntoAnothers, 1, steps=1, phases=(Phase.generate,))
