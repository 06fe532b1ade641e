"""The wanted version is deployed: whose is it, is it as specified, and how is it?"""

from nvcf_operator.api.spec import DeletionPolicy, FunctionDeploymentSpec
from nvcf_operator.api.status import Phase
from nvcf_operator.core.branches.redeployment import failed, purpose, redeployed
from nvcf_operator.core.branches.undeploying import asked_for, undeployed
from nvcf_operator.core.diff import compare
from nvcf_operator.core.diff.changes import Unsupported, next_change
from nvcf_operator.core.model.decision import (
    Change,
    ConditionSet,
    Decision,
    DropFinalizer,
    Purpose,
    Put,
    TakeFinalizer,
    Undeploy,
    act,
)
from nvcf_operator.core.model.observed import FunctionStatus, Listed, Present
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.report import conditions, messages
from nvcf_operator.core.rules.error_classification import unreadable
from nvcf_operator.core.rules.flap_guard import not_converging
from nvcf_operator.core.rules.ownership import is_stranger, lost_deployment, refuses
from nvcf_operator.core.rules.poll_rules import was_confirmed
from nvcf_operator.core.rules.retries import hindered, progress_deadline, waiting


def present(situation: Situation, seen: Present) -> Decision:
    """Decide on a deployment that GET, or our own write, has just shown."""
    resource, spec = situation.resource, situation.resource.spec
    assert spec is not None, "decide() has dealt with a manifest that cannot be read"
    if refuses(situation):
        return Decision(
            condition_set=conditions.stalled(
                Reason.ALREADY_DEPLOYED, messages.already_deployed(resource.wanted_version)
            ),
            seen=True,
        )
    if seen.is_inactive or left_behind(situation):
        return draining(situation)
    if spec.deletion_policy == DeletionPolicy.DELETE and not resource.has_finalizer:
        return act(TakeFinalizer())
    if spec.deletion_policy == DeletionPolicy.RETAIN and resource.has_finalizer:
        return act(DropFinalizer())
    return in_hand(situation, seen, spec)


def after_adoption(situation: Situation, decision: Decision) -> Decision:
    """The decision, but that a deployment which was found is on record before it is touched.

    A crash after the write would forget that the version was deployed before.
    """
    seen = situation.observation(situation.resource.wanted_version)
    if (
        not isinstance(decision.action, Change | Undeploy)
        or not isinstance(seen, Present)
        or not is_stranger(situation)
    ):
        return decision
    condition_set = conditions.progressing(Phase.PENDING, Reason.PENDING, messages.ADOPTING, available=seen.serves)
    return Decision(condition_set=condition_set, requeue=0.0)


def in_hand(situation: Situation, seen: Present, spec: FunctionDeploymentSpec) -> Decision:
    """Decide on a deployment that is this resource's, or is about to be."""
    if lost_deployment(situation, situation.resource.wanted_version, seen) is not None:
        return redeployed(situation, seen, Purpose.STALE)
    if (why := purpose(situation, seen)) is not None:
        return redeployed(situation, seen, why)
    if seen.is_error:
        return failed(situation, seen)
    return as_specified(situation, seen, spec)


def as_specified(situation: Situation, seen: Present, spec: FunctionDeploymentSpec) -> Decision:
    """Hold the deployment against the manifest, field by field, and mend at most one thing."""
    resource = situation.resource
    if odd := compare.unreadable_for_comparison(spec.deployment_specifications, seen.deployment):
        return state(situation, seen) if was_confirmed(resource) else waiting(situation, unreadable(odd))
    found = compare.compare(spec.deployment_specifications, seen.deployment.deployment_specifications)
    serving, put_supported = seen.serves, situation.local.put_supported
    if not put_supported:
        found = found.without_put()
    if found.immutable:
        message = messages.immutable(found.describe(), put_supported=put_supported)
        return Decision(
            condition_set=conditions.stalled(Reason.IMMUTABLE_FIELD_CHANGED, message, available=serving), seen=True
        )
    # The path of a PATCH begins with the deployment's id, which old servers do not have.
    patch_supported = situation.local.patch_supported and bool(seen.deployment.deployment_id)
    change = next_change(found, patch_supported=patch_supported, put_supported=put_supported)
    if change is None:
        return state(situation, seen)
    if isinstance(change, Unsupported):
        message = messages.unsupported_by_server(change.fields)
        return Decision(condition_set=conditions.stalled(Reason.NOT_SUPPORTED, message, available=serving), seen=True)
    if isinstance(change, Put) and (odd := compare.unreadable_for_put(seen.deployment)):
        return waiting(situation, unreadable(odd), at_work=True)
    action = Change(resource.wanted_version, seen.deployment.deployment_id, change)
    drift = tuple(sorted({item.field for item in found.differences})) if resource.in_order else ()
    return not_converging(situation, action) or act(action, drift=drift)


def listed(situation: Situation, entry: Listed) -> Decision:
    """Decide by the list alone: the deployment was as specified when it was last read, and only its status is news."""
    return state(situation, entry)


def state(situation: Situation, seen: Present | Listed) -> Decision:
    """Decide by the status of a deployment that is as specified."""
    status, timing = seen.known_status, situation.timing
    condition_set: ConditionSet
    scaling = scaling_up(situation)
    if status == FunctionStatus.ACTIVE and not scaling:
        verify = timing.redeploy_settle if situation.local.verify else None
        return Decision(
            condition_set=conditions.in_force(messages.active(situation.resource.wanted_version)),
            requeue=verify,
            seen=True,
        )
    deadline, left = progress_deadline(situation)
    health = conditions.health_of(situation, seen)
    serving = seen.serves
    if status is None or seen.is_inactive or seen.is_error:
        condition_set = conditions.unwell(Reason.UNKNOWN_STATUS, messages.unknown_status(seen.status), available=False)
    elif left <= 0:
        message = messages.deadline_exceeded(seen.status, deadline, health)
        condition_set = conditions.stalled(Reason.PROGRESS_DEADLINE_EXCEEDED, message, available=serving)
    elif scaling:
        condition_set = conditions.progressing(
            Phase.DEPLOYING, Reason.SCALING_UP, messages.SCALING_UP, available=serving
        )
    elif status == FunctionStatus.DEPLOYING:
        condition_set = conditions.progressing(
            Phase.DEPLOYING, Reason.DEPLOYING, messages.deploying(health), available=False
        )
    else:
        reason = Reason.DEGRADED if status == FunctionStatus.DEGRADED else Reason.DEGRADING
        condition_set = conditions.unwell(reason, messages.degraded(status, health, serving=serving), available=serving)
    busy = not condition_set.stalled
    # healthInfo stands in a GET only, so a deployment that takes long is read now and then.
    read = timing.poll if condition_set.reconciling and not condition_set.stalled else None
    requeue = timing.redeploy_settle if scaling or situation.local.verify else None
    waits = [wait for wait in (requeue, read, left if left > 0 else None) if wait is not None]
    return Decision(condition_set=condition_set, requeue=min(waits, default=None), busy=busy, seen=True)


def draining(situation: Situation) -> Decision:
    """Wait for the end of a drain, ours or another's, or for a POST in the making; the version is wanted afterwards."""
    resource = situation.resource
    version = resource.wanted_version
    if asked_for(situation, version):
        step = undeployed(situation, version, hindered=hindered)
        assert step is not None, "it is there"
        return step
    condition_set = conditions.progressing(Phase.DRAINING, Reason.DRAINING, messages.FOREIGN_DRAIN, available=False)
    drift = ("deployment",) if resource.in_order else ()
    return Decision(condition_set=condition_set, requeue=situation.timing.busy_poll, busy=True, seen=True, drift=drift)


def left_behind(situation: Situation) -> bool:
    """Whether NVCF shows a deployment that it had agreed to undeploy for us, and none was asked for since.

    The row of a deployment can come back after its DELETE (race 4 of the facts), and GET can lag behind it.
    """
    version, intent = situation.resource.wanted_version, situation.open_intent
    since = intent is not None and intent.function_version_id == version
    return asked_for(situation, version) and not since


def scaling_up(situation: Situation) -> bool:
    """Whether a minimum was raised by us and the server's own loop has not confirmed the instances yet."""
    ready = situation.resource.condition("Ready")
    recorded = ready is not None and ready.reason == Reason.SCALING_UP
    return situation.local.raised_minimum or (recorded and situation.local.verify)
