"""Which versions a FunctionDeployment deploys only when its CloudFunction has brought them up to date."""

from types import SimpleNamespace
from typing import cast

import pytest

from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.core.model.observed import Absent, Observation, Present
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import PendingUpdate, Situation
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.reconcile.context import Context, Environment, pending_update
from nvcf_operator.state.local_state import LocalState
from nvcf_operator.state.versions_up_to_date import Findings, VersionsUpToDate
from tests.unit.core.following import FIRST, FUNCTION_UID, SECOND, Json, at, following
from tests.unit.core.situations import NOW, UID, deployment, resource

LLAMA = Key("team", "llama", CLOUD_FUNCTION)
UPDATES = {**at(FIRST, 3), "spec": {"name": "llama", "tags": ["équipe"]}}


class Waiting:
    """One FunctionDeployment in one process."""

    def __init__(self) -> None:
        self.woken: list[Key] = []
        self.found = VersionsUpToDate(self.woken.append)
        self.local = LocalState(uid=UID)

    def at(self, now: float, obj: Json = UPDATES, *, seen: Observation | None = None) -> PendingUpdate | None:
        """What it waits for, by what its CloudFunction is by then."""
        of: Resource = following(resource(), obj)
        situation = Situation(resource=of, now=NOW, observations={FIRST: seen or Absent(100.0)})
        environment = cast(Environment, SimpleNamespace(up_to_date=self.found))
        return pending_update(environment, Context(situation, self.local, Priority.LOW), now)


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


def test_the_first_reconcile_of_the_cloud_function_is_waited_for(waiting: Waiting) -> None:
    assert waiting.at(100.0) == PendingUpdate("llama", 0.0)
    assert waiting.at(112.5) == PendingUpdate("llama", 12.5)
    waiting.found.note(LLAMA, Findings(FUNCTION_UID, 3, frozenset({FIRST})))
    assert waiting.woken == [Key("team", "echo")]
    assert waiting.at(113.0) is None


def test_the_time_is_counted_from_the_start_for_another_manifest_of_the_cloud_function(waiting: Waiting) -> None:
    waiting.at(100.0)
    later = {**at(FIRST, 4), "spec": UPDATES["spec"]}
    assert waiting.at(150.0, later) == PendingUpdate("llama", 0.0)


def test_it_is_counted_from_the_start_when_the_version_was_up_to_date_in_between(waiting: Waiting) -> None:
    waiting.at(100.0)
    waiting.found.note(LLAMA, Findings(FUNCTION_UID, 3, frozenset({FIRST})))
    waiting.at(110.0)
    waiting.found.note(LLAMA, Findings(FUNCTION_UID, 3, frozenset({SECOND})))
    assert waiting.at(120.0) == PendingUpdate("llama", 0.0)


def test_what_is_deployed_waits_for_nothing(waiting: Waiting) -> None:
    assert waiting.at(100.0, seen=Present(deployment())) is None


def test_a_cloud_function_that_changes_nothing_is_not_waited_for(waiting: Waiting) -> None:
    assert waiting.at(100.0, at(FIRST, 3)) is None


def test_without_a_reference_nothing_is_waited_for(waiting: Waiting) -> None:
    situation = Situation(resource=resource(), now=NOW, observations={FIRST: Absent(100.0)})
    environment = cast(Environment, SimpleNamespace(up_to_date=waiting.found))
    assert pending_update(environment, Context(situation, waiting.local, Priority.LOW), 100.0) is None
