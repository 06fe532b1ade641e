"""The deletion of a CloudFunction: nobody uses it, nothing of it is deployed, then its own versions go one by one.

A version is never deleted while it is deployed: DELETE would end the deployment at once, with its queued requests.
Versions that somebody else registered stay, and with them the function's id. NVCF may bring a deleted version back, so
404 has to last for a while before the finalizer is released.
"""

from nvcf_operator.api.function_status import FunctionPhase
from nvcf_operator.backoff import short
from nvcf_operator.core.functions.branches.collecting import kept_back
from nvcf_operator.core.functions.branches.registering import search_left
from nvcf_operator.core.functions.model.decision import DeleteVersion, DeletionPurpose, FunctionDecision, write
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.versions import by_age, is_gone, missing
from nvcf_operator.core.functions.report import messages
from nvcf_operator.core.model.decision import ConditionSet, DropFinalizer
from nvcf_operator.core.model.observed import Absent, Failure, FunctionStatus, Observation, Present, Scope, Unknown
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.versions import released_by_force
from nvcf_operator.core.report import conditions
from nvcf_operator.core.report.messages import version_busy
from nvcf_operator.core.rules.ownership import doubted
from nvcf_operator.core.rules.version_locks import WAIT


def deletion(situation: FunctionSituation) -> FunctionDecision:
    """Decide on a resource whose deletion was asked for."""
    resource = situation.resource
    if not resource.has_finalizer:
        return FunctionDecision()
    if resource.keeps or released_by_force(resource):
        return write(DropFinalizer())
    if resource.spec is None:
        message = messages.unreadable_manifest(resource.spec_error)
        return blocked(situation, Failure(Reason.INVALID_SPEC, message, Scope.RESOURCE))
    for rule in (_unused, _known, _searched, _deleted, _gone):
        if (decision := rule(situation)) is not None:
            return decision
    return write(DropFinalizer())


def _unused(situation: FunctionSituation) -> FunctionDecision | None:
    ours = {*situation.resource.recorded_ids, *(seen.version_id for seen in situation.own)}
    users = [item for item in situation.followers if item.refers or any(item.holds(version) for version in ours)]
    if not users:
        return None
    if staying := [item.key for item in users if not item.deleting]:
        return blocked(situation, Failure(Reason.IN_USE, messages.in_use(staying), Scope.RESOURCE))
    condition_set = _leaving(messages.awaits_deletion_of(item.key for item in users))
    return FunctionDecision(condition_set=condition_set, requeue=situation.timing.poll)


def _known(situation: FunctionSituation) -> FunctionDecision | None:
    """Wait for what has to be known before anything is deleted."""
    failure = situation.access or situation.unlisted or doubted(situation) or situation.failure
    if failure is not None:
        return blocked(situation, failure)
    if not situation.claims_current:
        return FunctionDecision(condition_set=_leaving(messages.STALE_CLAIMS), requeue=situation.timing.settle_poll)
    return None


def _searched(situation: FunctionSituation) -> FunctionDecision | None:
    """Wait for what a POST may still register."""
    if (left := search_left(situation)) <= 0:
        return None
    condition_set = conditions.progressing(
        FunctionPhase.DELETING, Reason.AWAITING_REGISTRATION, messages.AWAITING_REGISTRATION_DELETING
    )
    return FunctionDecision(condition_set=condition_set, requeue=min(left, situation.timing.settle_poll), seen=True)


def _deleted(situation: FunctionSituation) -> FunctionDecision | None:
    """Delete the versions that are there, the oldest first."""
    versions = sorted(situation.own, key=by_age)
    if not versions:
        return None
    deployments = situation.deployments
    deployed = next((seen for seen in versions if isinstance(deployments.get(seen.version_id), Present)), None)
    if deployed is not None:
        message = messages.version_deployed(deployed.version_id, deployed.status)
        return blocked(situation, Failure(Reason.VERSION_DEPLOYED, message, Scope.RESOURCE))
    first = versions[0]
    deployment = deployments.get(first.version_id)
    if isinstance(deployment, Unknown):
        return blocked(situation, deployment.failure)
    if situation.wrote is None and _wait(situation, first, deployment) <= 0:
        return write(DeleteVersion(first.function_id, first.version_id, DeletionPurpose.RESOURCE_GONE))
    # The 404 has to last without a break, so it is read again and again.
    requeue = min(_wait(situation, first, deployment), situation.timing.settle_poll)
    locked = situation.locked_for.get(first.version_id, 0.0) > WAIT
    message = version_busy(first.version_id) if locked else messages.DELETING
    return FunctionDecision(condition_set=_leaving(message), requeue=requeue, busy=True, seen=True)


def _wait(situation: FunctionSituation, seen: VersionSeen, deployment: Observation | None) -> float:
    """Seconds until a version may be deleted.

    Its status may lag behind the end of its deployment, or never follow; and NVCF may bring a deployment back that has
    just ended.
    """
    if not isinstance(deployment, Absent):
        return situation.timing.settle_poll
    idle = seen.known_status == FunctionStatus.INACTIVE and seen.version_id not in situation.deployed_lately
    settle = 0.0 if idle else situation.timing.redeploy_settle - deployment.absent_for
    return max(settle, kept_back(situation, seen.version_id))


def _gone(situation: FunctionSituation) -> FunctionDecision | None:
    """Wait until what was deleted is proven to stay away."""
    there = {seen.version_id for seen in situation.shown}
    awaited = {*missing(situation), *situation.delete_sent_for} - there
    if all(is_gone(situation, version) for version in awaited):
        return None
    return FunctionDecision(
        condition_set=_leaving(messages.DELETING), requeue=situation.timing.settle_poll, busy=True, seen=True
    )


def _leaving(message: str) -> ConditionSet:
    return conditions.progressing(FunctionPhase.DELETING, Reason.DELETING, message)


def blocked(situation: FunctionSituation, failure: Failure) -> FunctionDecision:
    """Keep the object, say what is in the way and name the ways out; try again automatically."""
    server = failure.scope == Scope.SERVER
    message = messages.blocked(failure.message, stale_force_delete=situation.local.stale_force_delete)
    condition_set = ConditionSet(
        FunctionPhase.DELETING, failure.reason, message, reconciling=server, stalled=not server, blocked=True
    )
    delay = max(short(situation.local.attempts), failure.retry_after or 0.0)
    return FunctionDecision(condition_set=condition_set, requeue=delay, backoff=True)
