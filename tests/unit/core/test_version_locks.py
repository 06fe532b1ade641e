"""What is not written to a version that something else writes, and what is reported of that, a case a rule."""

from dataclasses import replace

import pytest

from nvcf_operator.core.decide import decide
from nvcf_operator.core.model.decision import Change, Create, Undeploy
from nvcf_operator.core.model.observed import Absent, Present
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import PendingUpdate, Situation
from nvcf_operator.core.report.conditions import report
from nvcf_operator.core.rules.version_locks import WAIT
from tests.unit.core.following import FIRST, SECOND, THIRD, at, following
from tests.unit.core.situations import (
    NOW,
    PROVEN,
    absent,
    condition_set_of,
    conditions_of,
    deployment,
    held,
    intent,
    present,
    resource,
)

NEW = absent(resource(finalizer=True))
CHANGED = present(held(generation=2, gpu={"maxInstances": 9}))
DELETED = present(held(deleting=True))
OTHER_GPU = {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x"}
REDEPLOYED = present(held(generation=2, gpu=OTHER_GPU, spec={"rollout": {"immutableChange": "Redeploy"}}))

CASES = [
    ("POST", NEW, Create),
    ("PATCH", CHANGED, Change),
    ("DELETE", DELETED, Undeploy),
    ("both", REDEPLOYED, Undeploy),
]


@pytest.mark.parametrize(("situation", "action"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_a_deployment_is_not_written_while_its_version_is_locked(situation: Situation, action: type) -> None:
    assert isinstance(decide(situation).action, action), "the case is one of a write"
    decision = decide(replace(situation, locked_for={FIRST: 42.5}))
    assert decision.action is None
    assert condition_set_of(decision) == (Reason.VERSION_BUSY, False, True, False)
    assert decision.requeue == 5.0, "it may be over sooner"


@pytest.mark.parametrize(("situation", "action"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_a_short_wait_is_left_to_the_actuator_without_a_word(situation: Situation, action: type) -> None:
    assert isinstance(decide(replace(situation, locked_for={FIRST: WAIT})).action, action)


def test_the_lock_of_another_version_holds_nothing_back() -> None:
    assert isinstance(decide(replace(NEW, locked_for={THIRD: 60.0})).action, Create)


def test_a_wait_for_a_lock_changes_no_status_twice() -> None:
    first = replace(DELETED, locked_for={FIRST: 42.5})
    status = report(first, decide(first))
    later = replace(first, resource=replace(first.resource, status=status), locked_for={FIRST: 7.25})
    assert report(later, decide(later)) == status


def test_a_version_that_serves_stays_available_while_its_change_waits() -> None:
    assert conditions_of(replace(CHANGED, locked_for={FIRST: 42.5}))["Available"] == ("True", "Serving")


def test_attempts_are_not_forgotten_while_a_lock_is_waited_for() -> None:
    retry = {"attempts": 3, "reason": "DeploymentFailed", "nextAttemptTime": "2026-01-31T11:00:00Z"}
    situation = absent(resource(finalizer=True, status={"observedGeneration": 1, "retry": retry}))
    decision = decide(replace(situation, locked_for={FIRST: 42.5}))
    assert decision.action is None
    assert decision.retry == situation.resource.status.retry


# What the CloudFunction has to bring up to date first.

UPDATES = at(FIRST, 1)


def followed(of: Resource, waited: float, **changes: object) -> Situation:
    """A resource whose CloudFunction may have something to bring up to date on the first version."""
    base = absent(following(of, UPDATES), update=PendingUpdate("llama", waited))
    return replace(base, **changes)  # type: ignore[arg-type]


def test_a_version_is_deployed_when_its_cloud_function_has_brought_it_up_to_date() -> None:
    of = resource(finalizer=True)
    decision = decide(followed(of, 12.0))
    assert decision.action is None
    assert condition_set_of(decision) == (Reason.FUNCTION_NOT_READY, False, True, False)
    assert decision.requeue == 48.0
    assert isinstance(decide(followed(of, 12.0, update=None)).action, Create)


def test_it_waits_no_longer_than_a_write_may_take_to_settle() -> None:
    assert isinstance(decide(followed(resource(finalizer=True), 60.0)).action, Create)


def test_a_moment_is_waited_for_without_a_word() -> None:
    known = resource(finalizer=True, status={"observedGeneration": 1})
    decision = decide(followed(known, 0.25))
    assert (decision.action, decision.condition_set, decision.requeue) == (None, None, 0.75)


def test_a_manifest_that_nothing_is_reported_of_never_goes_without_a_word() -> None:
    assert condition_set_of(decide(followed(resource(finalizer=True), 0.25)))[0] == Reason.FUNCTION_NOT_READY


def test_what_has_asked_for_the_version_already_does_not_wait_since_the_cloud_function_waits_for_it() -> None:
    settled = replace(NEW.local, intent_settled_for=10_000.0)
    asked = resource(finalizer=True, intent=intent(FIRST))
    assert isinstance(decide(followed(asked, 12.0, local=settled)).action, Create)


def test_nothing_that_serves_is_taken_down_for_a_version_that_is_not_up_to_date() -> None:
    of = following(held(generation=2, spec={"rollout": {"versionChange": "Recreate"}}), at(SECOND, 2), settle_left=0)
    situation = Situation(
        resource=of, now=NOW, account=PROVEN, observations={FIRST: Present(deployment()), SECOND: Absent(1000.0)}
    )
    assert isinstance(decide(situation).action, Undeploy)
    waits = decide(replace(situation, update=PendingUpdate("llama", 12.0)))
    assert (waits.action, condition_set_of(waits)[0]) == (None, Reason.FUNCTION_NOT_READY)
    locked = decide(replace(situation, locked_for={SECOND: 30.0}))
    assert (locked.action, condition_set_of(locked)[0]) == (None, Reason.VERSION_BUSY)


def test_changes_and_the_end_of_a_deployment_do_not_wait_for_an_update() -> None:
    for situation in (CHANGED, DELETED):
        assert decide(replace(situation, update=PendingUpdate("llama", 12.0))).action == decide(situation).action
