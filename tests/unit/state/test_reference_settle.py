"""For how long nothing but in-place changes is made after a change of a resource, or of what it refers to."""

from dataclasses import replace
from typing import Any

import pytest

from nvcf_operator.clock import SteadyClock
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.state.local_state import LocalState
from tests.unit.core.following import FIRST, SECOND, Json, at, cloud_function, following, registered
from tests.unit.core.situations import NOW, held, resource

TAKEN = {"functionRef": {"generation": 1, "hash": registered(FIRST)["hash"]}}
ONE, TWO = at(FIRST, 1), at(SECOND, 2)
NOT_READY = cloud_function(generation=2, latest=registered(FIRST, None, 1))
WAITS: Json = {
    "conditions": [{"type": "Ready", "status": "False", "reason": "FunctionNotReady", "message": "",
                    "lastTransitionTime": "2026-01-31T11:59:00Z", "observedGeneration": 1}]
}  # fmt: skip


class Process:
    """One process, which views a resource now and then."""

    def __init__(self) -> None:
        self.now = 100.0
        self.clock = SteadyClock(lambda: self.now, lambda: NOW.timestamp() + self.now)
        self.local = LocalState(uid="uid")

    def left(self, of: Resource, *, after: float = 0.0) -> float:
        self.now += after
        self.local.record, self.local.proven = None, True
        found = self.local.view(of, self.clock).reference
        assert found is not None, "it refers to a CloudFunction"
        return found.settle_left


def follower(obj: Json, *, revision: str | None = None, generation: int = 1, **status: Any) -> Resource:
    """A resource whose first version serves, by a record of its first generation."""
    return following(held(generation=generation, status={**TAKEN, **status}), obj, revision=revision)


def test_a_new_generation_of_the_cloud_function_settles() -> None:
    process = Process()
    assert process.left(follower(ONE)) == 0.0, "all of it is on record"
    assert process.left(follower(TWO)) == 5.0
    assert process.left(follower(TWO), after=3.0) == 2.0
    assert process.left(follower(TWO), after=3.0) == 0.0


def test_a_new_generation_of_the_resource_settles() -> None:
    process = Process()
    assert process.left(follower(ONE, generation=2)) == 5.0
    assert process.left(follower(ONE, generation=2), after=4.0) == 1.0


def test_each_further_change_of_either_object_starts_it_again() -> None:
    process = Process()
    process.left(follower(TWO))
    assert process.left(follower(TWO, generation=2), after=4.0) == 5.0
    assert process.left(follower(at(SECOND, 3), generation=2), after=4.0) == 5.0
    another = at(SECOND, 3, uid="33333333-3333-3333-3333-333333333333")
    assert process.left(follower(another, generation=2), after=4.0) == 5.0


def test_it_runs_while_a_generation_is_being_registered() -> None:
    process = Process()
    process.left(follower(NOT_READY))
    assert process.left(follower(TWO), after=30.0) == 0.0


def test_it_goes_on_where_its_own_wait_is_on_record() -> None:
    process = Process()
    assert process.left(follower(ONE, **WAITS)) == 5.0
    assert process.left(follower(ONE, **WAITS), after=5.0) == 0.0


def test_the_first_deployment_settles() -> None:
    assert Process().left(following(resource(), ONE)) == 5.0


@pytest.mark.parametrize("restarted", [False, True])
def test_after_a_restart_only_what_is_not_on_record_settles(restarted: bool) -> None:
    process = Process()
    process.left(follower(ONE))
    if restarted:
        process = Process()
    assert process.left(follower(ONE), after=1.0) == 0.0


def test_a_pin_does_not_settle() -> None:
    two = at(SECOND, 2, latest=registered(SECOND, "2", 2))
    assert Process().left(follower(two, revision="2", generation=2)) == 0.0


def test_a_reference_that_nobody_resolved_has_no_settle() -> None:
    process = Process()
    unresolved = replace(follower(ONE), reference=None)
    assert process.local.view(unresolved, process.clock).reference is None
