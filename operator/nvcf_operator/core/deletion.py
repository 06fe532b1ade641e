"""The resource is being deleted: undeploy what it holds, gracefully, prove that it is gone, then let the object go."""

from nvcf_operator.api import status as kinds
from nvcf_operator.api.status import Phase
from nvcf_operator.core import backoff, messages
from nvcf_operator.core.backoff import held
from nvcf_operator.core.decision import ConditionSet, Decision, DropFinalizer, act
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.resource import Resource
from nvcf_operator.core.situation import Failure, Scope, Situation
from nvcf_operator.core.transitions import left
from nvcf_operator.core.undeploying import undeployed
from nvcf_operator.core.versions import versions_held


def needs_nvcf(resource: Resource) -> bool:
    """Whether the deletion has anything to do with NVCF at all."""
    return resource.has_finalizer and not resource.keeps_deployment and not released_by_force(resource)


def released_by_force(resource: Resource) -> bool:
    """Whether a user released a blocked deletion. Honoured only where deletion is seen to be blocked."""
    return resource.force_delete and resource.is_true("DeletionBlocked")


def force_delete_is_stale(resource: Resource, *, seen_without: bool) -> bool:
    """Whether force-delete was there before the deletion was blocked: left from an earlier incident, or copied along.

    Where this process has not seen it itself, as after a restart, `metadata.managedFields` has to show that it was set
    later than the deletion, by the API server's clock, and than DeletionBlocked, by ours. The safe side is to ask for
    it once more.

    Args:
        resource: the object.
        seen_without: whether this process has seen the deletion blocked and the annotation not there.

    """
    if not resource.force_delete or seen_without:
        return False
    blocked, set_at = resource.condition(kinds.DELETION_BLOCKED), resource.force_delete_set_at
    since = blocked.last_transition_time if blocked is not None and blocked.status == "True" else None
    return set_at is None or since is None or resource.deleted_at is None or set_at <= max(since, resource.deleted_at)


def deletion(situation: Situation) -> Decision:
    """Decide on a resource whose deletion was asked for."""
    resource = situation.resource
    if not resource.has_finalizer:
        return Decision()
    if not needs_nvcf(resource):
        return act(DropFinalizer())
    if resource.spec is None:
        message = messages.cannot_be_undeployed(resource.spec_error)
        return blocked(situation, Failure(Reason.INVALID_SPEC, message, Scope.RESOURCE))
    versions = [version for version in versions_held(resource) if version not in situation.holders]
    if not versions:
        return act(DropFinalizer())
    if situation.access is not None:
        return blocked(situation, situation.access)
    steps = [step for version in versions if (step := undeployed(situation, version, hindered=blocked)) is not None]
    if not steps:
        return act(DropFinalizer())
    return held(situation, next((step for step in steps if step.action is not None), steps[0]), blocked)


def blocked(situation: Situation, failure: Failure) -> Decision:
    """Keep the object, say what is in the way and name the ways out; try again by itself."""
    stale = situation.local.stale_force_delete
    if messages.NAMESPACE_ENDS in failure.message:
        message = messages.blocked_in_ending_namespace(
            failure.message, left(situation.resource), stale_force_delete=stale
        )
    else:
        message = messages.blocked(failure.message, stale_force_delete=stale)
    server = failure.scope == Scope.SERVER
    condition_set = ConditionSet(
        Phase.DRAINING, failure.reason, message, reconciling=server, stalled=not server, blocked=True
    )
    delay = backoff.short(situation.local.attempts)
    return Decision(condition_set=condition_set, requeue=max(delay, failure.retry_after or 0.0), backoff=True)
