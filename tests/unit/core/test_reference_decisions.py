"""What is decided on a FunctionDeployment that refers to a CloudFunction, a case a rule."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from nvcf_operator.api.status import FunctionDeploymentStatus
from nvcf_operator.core.decide import asking, decide
from nvcf_operator.core.model.decision import Action, Change, Create, DropFinalizer, Purpose, Undeploy
from nvcf_operator.core.model.observed import Absent, FunctionSeen, Observation, Present
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import LocalView, Situation
from nvcf_operator.core.model.versions import versions_held, versions_of_interest
from nvcf_operator.core.report.conditions import report
from tests.unit.core.following import (
    ELSEWHERE,
    FIRST,
    SECOND,
    THIRD,
    Json,
    at,
    cloud_function,
    following,
    registered,
)
from tests.unit.core.situations import (
    ACCOUNT,
    DEPLOYMENT,
    FUNCTION,
    NOW,
    PROVEN,
    condition_set_of,
    conditions_of,
    deployment,
    held,
    intent,
    resource,
)

ONE, TWO, THREE = at(FIRST, 1), at(SECOND, 2), at(THIRD, 3)
NOT_READY = cloud_function(generation=2, latest=registered(FIRST, None, 1))
"""The first version is registered, and the second generation is not."""
CANNOT = cloud_function(generation=2, latest=registered(FIRST, None, 1), stalled=True)
LONG = Absent(1000.0)
TAKEN = {"functionRef": {"generation": 1, "hash": registered(FIRST)["hash"]}}

MORE, OTHER_GPU = {"maxInstances": 9}, {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x"}
REDEPLOY = {"rollout": {"immutableChange": "Redeploy"}}


def of(version: str, status: str = "ACTIVE", **changes: Any) -> Present:
    """A version's deployment as GET shows it."""
    found = DEPLOYMENT if version == FIRST else f"deployment of {version}"
    return Present(deployment(status, functionVersionId=version, deploymentId=found, **changes))


def seen(of_resource: Resource, observations: Mapping[str, Observation], **changes: Any) -> Situation:
    """What was seen of the versions."""
    situation = Situation(
        of_resource, NOW, observations=observations, account=PROVEN, function=FunctionSeen.OURS, local=LocalView()
    )
    return replace(situation, **changes)


def serving(
    obj: Json | None,
    *,
    revision: str | None = None,
    settle_left: float = 0.0,
    gpu: Mapping[str, Any] | None = None,
    spec: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Resource:
    """A resource whose first version serves, and was taken from the CloudFunction's first generation."""
    generation = 2 if gpu is not None or spec is not None else 1
    record = held(gpu=gpu, spec=spec, status={**TAKEN, **(status or {})}, **{"generation": generation, **changes})
    return following(record, obj, revision=revision, settle_left=settle_left)


def new(obj: Json | None, **changes: Any) -> Resource:
    """A resource that has deployed nothing yet."""
    return following(resource(finalizer=True), obj, **changes)


def reported(situation: Situation) -> FunctionDeploymentStatus:
    """The status after a decision."""
    return report(situation, decide(situation))


# The first deployment.


def test_the_registered_version_is_deployed_and_what_was_taken_is_recorded_beside_the_intent() -> None:
    situation = seen(new(TWO), {SECOND: LONG})
    action = decide(situation).action
    assert isinstance(action, Create)
    assert action.function_version_id == SECOND
    status = report(situation, asking(situation, action))
    assert status.function_ref is not None
    assert (status.function_id, status.function_ref.generation, status.function_ref.hash) == (
        FUNCTION,
        2,
        registered(SECOND)["hash"],
    )


@pytest.mark.parametrize(
    ("obj", "reason", "reconciling", "rule"),
    [
        (cloud_function(function_id=None), Reason.FUNCTION_NOT_READY, True, "until the CloudFunction is registered"),
        (None, Reason.FUNCTION_MISSING, True, "for the grace, since the CloudFunction may be applied a moment later"),
        (CANNOT, Reason.FUNCTION_NOT_READY, False, "for a user, where the CloudFunction is Stalled"),
        (cloud_function(deleting=True), Reason.FUNCTION_NOT_READY, False, "for a user, where it is being deleted"),
    ],
)
def test_the_first_deployment_waits(obj: Json | None, reason: Reason, reconciling: bool, rule: str) -> None:
    situation = seen(new(obj), {})
    decision = decide(situation)
    assert decision.action is None, rule
    assert condition_set_of(decision) == (reason, False, reconciling, not reconciling), rule
    assert decision.requeue is not None, rule


def test_nothing_is_asked_of_nvcf_while_the_function_is_not_known() -> None:
    assert versions_of_interest(new(None)) == ()


def test_a_missing_cloud_function_is_stalled_after_the_grace() -> None:
    waited = LocalView(reported=(Reason.FUNCTION_MISSING, 1), reported_for=60.0)
    assert condition_set_of(decide(seen(new(None), {}, local=waited))) == (Reason.FUNCTION_MISSING, False, False, True)


def test_the_first_deployment_waits_for_the_settle() -> None:
    decision = decide(seen(new(TWO, settle_left=3.0), {SECOND: LONG}))
    assert (decision.action, decision.requeue) == (None, 3.0)
    assert condition_set_of(decision) == (Reason.FUNCTION_NOT_READY, False, True, False)


# Without a pin: what is held while the newest generation is not registered.


@pytest.mark.parametrize(
    ("obj", "settle_left", "reason", "rule"),
    [
        (NOT_READY, 0.0, Reason.FUNCTION_NOT_READY, "the newest generation is being registered"),
        (CANNOT, 0.0, Reason.FUNCTION_NOT_READY, "the newest generation cannot be registered"),
        (TWO, 4.0, Reason.FUNCTION_NOT_READY, "a new version settles"),
        (None, 0.0, Reason.FUNCTION_MISSING, "the CloudFunction is missing"),
    ],
)
@pytest.mark.parametrize("immutable", [{}, REDEPLOY], ids=["Reject", "Redeploy"])
def test_what_runs_goes_on_while(
    obj: Json | None, settle_left: float, reason: Reason, rule: str, immutable: dict[str, Any]
) -> None:
    for gpu in ({}, OTHER_GPU):
        situation = seen(serving(obj, settle_left=settle_left, gpu=gpu, spec=immutable), {FIRST: of(FIRST)})
        assert decide(situation).action is None, rule
        conditions = conditions_of(situation)
        assert conditions["Ready"] == ("False", reason), rule
        assert conditions["Available"][0] == "True", rule
        status = reported(situation)
        assert (status.function_version_id, status.function_id) == (FIRST, FUNCTION), rule
        assert status.function_ref is not None, rule
        assert status.function_ref.generation == 1, f"not taken yet: {rule}"


@pytest.mark.parametrize("obj", [NOT_READY, CANNOT, None])
def test_in_place_changes_are_made_meanwhile(obj: Json | None) -> None:
    action = decide(seen(serving(obj, gpu=MORE), {FIRST: of(FIRST)})).action
    assert isinstance(action, Change)
    assert action.function_version_id == FIRST


@pytest.mark.parametrize(
    ("observation", "rule"),
    [
        (of(FIRST, "ERROR"), "a deployment in ERROR is not deployed again, for the manifest may be the next version's"),
        (LONG, "neither is one that is gone"),
    ],
)
def test_nothing_is_deployed_again_meanwhile(observation: Observation, rule: str) -> None:
    corrected = serving(NOT_READY, gpu=OTHER_GPU)
    assert decide(seen(corrected, {FIRST: observation})).action is None, rule


def test_a_request_to_deploy_again_waits_for_the_next_version() -> None:
    asked = serving(NOT_READY, annotations={"nvcf-operator.io/redeploy-requested-at": "now"})
    situation = seen(asked, {FIRST: of(FIRST)})
    assert decide(situation).action is None
    assert reported(situation).last_handled_redeploy_at is None


def test_the_deletion_of_the_cloud_function_alone_changes_nothing() -> None:
    converged = serving(cloud_function(generation=2, latest=registered(FIRST, None, 1), deleting=True))
    assert reported(seen(converged, {FIRST: of(FIRST)})) == converged.status


# Without a pin: rollouts.


def test_a_new_version_is_rolled_out_with_what_has_changed_beside_it() -> None:
    situation = seen(serving(TWO, gpu=OTHER_GPU), {FIRST: of(FIRST), SECOND: LONG})
    action = decide(situation).action
    assert isinstance(action, Create)
    assert action.function_version_id == SECOND
    assert [item.gpu for item in action.specifications] == ["H100"]
    status = report(situation, asking(situation, action))
    assert status.function_ref is not None
    assert (status.function_version_id, status.function_ref.generation) == (FIRST, 2)


def test_a_generation_with_the_same_version_is_recorded_and_nothing_is_rolled_out() -> None:
    situation = seen(serving(at(FIRST, 2)), {FIRST: of(FIRST)})
    status = reported(situation)
    assert decide(situation).action is None
    assert conditions_of(situation)["Ready"][0] == "True"
    assert status.function_ref is not None
    assert status.function_ref.generation == 2


def test_a_converged_resource_is_not_written() -> None:
    converged = serving(ONE)
    assert reported(seen(converged, {FIRST: of(FIRST)})) == converged.status


@pytest.mark.parametrize(("status", "undeploys"), [("DEPLOYING", True), ("ACTIVE", False)])
def test_a_version_that_comes_up_and_serves_nobody_is_deployed_again_with_other_gpus(
    status: str, undeploys: bool
) -> None:
    coming = {"incoming": {"functionVersionId": SECOND, "deploymentId": f"deployment of {SECOND}"}}
    changed = serving(TWO, gpu=OTHER_GPU, status={**coming, "functionRef": {"generation": 2, "hash": "h1"}})
    action = decide(seen(changed, {FIRST: of(FIRST, gpu={}), SECOND: of(SECOND, status)})).action
    wanted = Undeploy(SECOND, True, Purpose.REDEPLOY, f"deployment of {SECOND}")
    assert action == (wanted if undeploys else None)


def test_with_ids_a_version_that_comes_up_keeps_its_gpus() -> None:
    coming = {"incoming": {"functionVersionId": SECOND, "deploymentId": f"deployment of {SECOND}"}}
    changed = held(spec={"functionVersionId": SECOND}, gpu=OTHER_GPU, generation=3, status=coming)
    situation = seen(changed, {FIRST: of(FIRST), SECOND: of(SECOND, "DEPLOYING")})
    assert conditions_of(situation)["Stalled"] == ("True", Reason.IMMUTABLE_FIELD_CHANGED)


FAILED = {"failed": {"functionVersionId": SECOND, "generation": 1, "reason": "ERROR"}}


@pytest.mark.parametrize(
    ("obj", "tried", "rule"),
    [
        (TWO, None, "a version that failed in its rollout is not tried again"),
        (at(SECOND, 3), None, "another generation with the same version is no reason to try"),
        (THREE, THIRD, "the next template is tried"),
    ],
)
def test_after_a_failed_rollout(obj: Json, tried: str | None, rule: str) -> None:
    situation = seen(serving(obj, status=FAILED), {FIRST: of(FIRST), SECOND: LONG, THIRD: LONG})
    action = decide(situation).action
    assert (action.function_version_id if isinstance(action, Create) else None) == tried, rule
    if tried is None:
        assert conditions_of(situation)["Stalled"] == ("True", Reason.ROLLOUT_FAILED), rule
        assert reported(situation).failed is not None, rule


def test_a_failed_version_stays_failed_while_the_next_one_is_registered() -> None:
    next_one = cloud_function(generation=3, latest=registered(SECOND, None, 2))
    situation = seen(serving(next_one, status=FAILED), {FIRST: of(FIRST), SECOND: LONG})
    assert decide(situation).action is None
    assert reported(situation).failed is not None
    assert conditions_of(situation)["Ready"] == ("False", Reason.FUNCTION_NOT_READY)


PAUSED = {"attempts": 4, "nextAttemptTime": "2026-01-31T12:20:00Z"}


@pytest.mark.parametrize("reason", [Reason.REJECTED, Reason.NO_CAPACITY, Reason.DEPLOYMENT_FAILED])
def test_what_was_refused_or_failed_of_a_version_does_not_delay_the_next_one(reason: Reason) -> None:
    retry = {"retry": {**PAUSED, "reason": reason}, "progressingSince": "2026-01-31T11:00:00Z"}
    waits = seen(serving(TWO, status=retry, settle_left=3.0), {FIRST: of(FIRST), SECOND: LONG})
    assert reported(waits).progressing_since is None, "its deadline has not begun"
    situation = seen(serving(TWO, status=retry), {FIRST: of(FIRST), SECOND: LONG})
    action = decide(situation).action
    assert isinstance(action, Create)
    assert asking(situation, action).retry is None


@pytest.mark.parametrize("obj", [ONE, NOT_READY, CANNOT, None])
def test_a_refused_change_in_place_keeps_its_pause(obj: Json | None) -> None:
    retry = {"retry": {**PAUSED, "reason": Reason.REJECTED}, "observedGeneration": 2}
    situation = seen(serving(obj, gpu=MORE, status=retry), {FIRST: of(FIRST)})
    assert decide(situation).action is None
    kept = reported(situation).retry
    assert kept is not None
    assert kept.attempts == PAUSED["attempts"]


# With a pin.

PINNABLE = cloud_function(
    generation=2, latest=registered(SECOND, "2", 2), versions=[registered(FIRST, "1")], revision="2"
)


def test_a_pinned_resource_does_not_follow_and_is_not_written() -> None:
    pinned = serving(PINNABLE, revision="1", status={"functionRef": {**TAKEN["functionRef"], "revision": "1"}})
    assert reported(seen(pinned, {FIRST: of(FIRST)})) == pinned.status


@pytest.mark.parametrize(
    ("revision", "reconciling", "rule"),
    [("3", True, "it is being registered"), ("9", False, "nobody registers it, and the grace is over")],
)
def test_a_pinned_resource_waits_for_its_revision_with_the_change_that_belongs_to_it(
    revision: str, reconciling: bool, rule: str
) -> None:
    coming = cloud_function(generation=3, latest=registered(FIRST, "1", 2), revision="3")
    waits = serving(coming, revision=revision, gpu=OTHER_GPU, spec=REDEPLOY)
    waited = LocalView(reported=(Reason.REVISION_MISSING, 2), reported_for=60.0)
    decision = decide(seen(waits, {FIRST: of(FIRST)}, local=waited))
    assert decision.action is None, rule
    assert condition_set_of(decision) == (Reason.REVISION_MISSING, False, reconciling, not reconciling), rule


def test_a_missing_revision_is_awaited_for_the_grace() -> None:
    decision = decide(seen(serving(PINNABLE, revision="9"), {FIRST: of(FIRST)}))
    assert condition_set_of(decision) == (Reason.REVISION_MISSING, False, True, False)


def test_a_pinned_resource_takes_its_revision_and_its_own_changes_in_one_rollout() -> None:
    pinned = serving(PINNABLE, revision="2", gpu=OTHER_GPU)
    action = decide(seen(pinned, {FIRST: of(FIRST), SECOND: LONG})).action
    assert isinstance(action, Create)
    assert (action.function_version_id, [item.gpu for item in action.specifications]) == (SECOND, ["H100"])


# The function never changes.


def ids(**changes: Any) -> Resource:
    """A resource whose manifest has ids in place of the reference by which its first version was deployed."""
    return held(generation=2, status=TAKEN, **changes)


@pytest.mark.parametrize(
    ("of_resource", "rule"),
    [
        (serving(at(SECOND, 1, function_id=ELSEWHERE)), "the CloudFunction is another function"),
        (ids(spec={"functionId": ELSEWHERE, "functionVersionId": SECOND}), "the ids are of another function"),
    ],
)
def test_what_runs_stays_where_another_function_is_asked_for(of_resource: Resource, rule: str) -> None:
    assert versions_of_interest(of_resource) == (FIRST,), rule
    assert of_resource.function_id == FUNCTION, rule
    situation = seen(of_resource, {FIRST: of(FIRST)})
    assert decide(situation).action is None, rule
    conditions, status = conditions_of(situation), reported(situation)
    assert conditions["Stalled"] == ("True", Reason.INVALID_SPEC), rule
    assert conditions["Available"][0] == "True", rule
    assert (status.function_id, status.function_version_id) == (FUNCTION, FIRST), rule
    assert status.function_ref is not None, f"else the next reconcile would forget it: {rule}"


def test_moving_from_ids_to_a_reference_to_the_same_function_deploys_nothing() -> None:
    moved = following(held(generation=2), ONE)
    situation = seen(moved, {FIRST: of(FIRST)})
    assert decide(situation).action is None
    assert conditions_of(situation)["Ready"][0] == "True"
    assert reported(situation).function_ref is not None


def test_moving_from_a_reference_to_ids_of_the_same_function_deploys_nothing() -> None:
    situation = seen(ids(), {FIRST: of(FIRST)})
    assert decide(situation).action is None
    assert conditions_of(situation)["Ready"][0] == "True"
    assert reported(situation).function_ref is None


# Accounts.


def test_nothing_is_written_with_a_key_of_another_account_than_the_cloud_functions() -> None:
    other = at(SECOND, 2, account="other")
    second: Observation
    for second in (LONG, of(SECOND)):
        situation = seen(serving(other, gpu=MORE), {FIRST: of(FIRST), SECOND: second})
        assert decide(situation).action is None
        assert conditions_of(situation)["Stalled"] == ("True", Reason.ACCOUNT_MISMATCH)


@pytest.mark.parametrize("account", [None, ACCOUNT])
def test_an_account_that_is_not_proven_contradicts_nobody(account: str | None) -> None:
    obj = at(FIRST, 1)
    obj["status"]["accountId"] = account
    assert conditions_of(seen(serving(obj), {FIRST: of(FIRST)}))["Ready"][0] == "True"


# Deletion.


@pytest.mark.parametrize("obj", [ONE, TWO, NOT_READY, None, at(SECOND, 2, account="other")])
def test_a_deletion_needs_no_cloud_function(obj: Json | None) -> None:
    going = serving(obj, deleting=True)
    assert versions_held(going) == (FIRST,)
    action = decide(seen(going, {FIRST: of(FIRST)})).action
    assert action == Undeploy(FIRST, True, Purpose.GONE, DEPLOYMENT)


def lost(obj: Json | None, **changes: Any) -> Resource:
    """A resource that goes, and whose record was lost."""
    return following(resource(finalizer=True, deleting=True, **changes), obj)


@pytest.mark.parametrize(
    ("going", "action", "rule"),
    [
        (lost(TWO), Undeploy(SECOND, True, Purpose.GONE, f"deployment of {SECOND}"), "the latest version may be ours"),
        (lost(None), None, "nothing says what may be deployed"),
        (lost(None, intent=intent(SECOND)), None, "nothing says of which function it is"),
    ],
)
def test_a_deletion_without_a_record(going: Resource, action: Action | None, rule: str) -> None:
    situation = seen(going, {SECOND: of(SECOND)} if action else {})
    assert decide(situation).action == action, rule
    if action is None:
        assert conditions_of(situation)["DeletionBlocked"] == ("True", Reason.FUNCTION_MISSING), rule


def test_what_deployed_nothing_is_released_without_a_cloud_function() -> None:
    known = resource(finalizer=True, deleting=True, status={"observedGeneration": 1})
    assert decide(seen(following(known, None), {})).action == DropFinalizer()


# Pausing.


@pytest.mark.parametrize(
    ("spec", "finalizer"),
    [({"suspend": True}, True), ({"managementPolicy": "Observe"}, False)],
    ids=["suspend", "Observe"],
)
def test_a_resource_at_rest_deploys_nothing(spec: dict[str, Any], finalizer: bool) -> None:
    for obj in (ONE, TWO, NOT_READY, None):
        situation = seen(serving(obj, spec=spec, finalizer=finalizer), {FIRST: of(FIRST), SECOND: LONG})
        assert decide(situation).action is None
        assert reported(situation).function_version_id == FIRST
