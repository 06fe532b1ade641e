"""Undeploying: DELETE, drain, and the proof that the version is gone; and so the deletion of a resource.

It is the same for whatever asks for it. A 200 of DELETE proves nothing, GET may lag behind it, and a drain has no limit
of its own (facts on NVCF, section 5). A deletion undeploys what the resource holds, then lets the object go.
"""

from collections.abc import Collection
from datetime import timedelta

from nvcf_operator import backoff
from nvcf_operator.api.spec import OnDrainTimeout
from nvcf_operator.api.status import Phase, Retiring
from nvcf_operator.core.model import versions
from nvcf_operator.core.model.decision import ConditionSet, Decision, DropFinalizer, Purpose, Undeploy, act
from nvcf_operator.core.model.observed import Absent, Failure, Present, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.model.versions import deployments_on_record, needs_nvcf, versions_held
from nvcf_operator.core.report import conditions, messages, reference_messages
from nvcf_operator.core.report.events import left
from nvcf_operator.core.rules.ownership import doubted, may_undeploy
from nvcf_operator.core.rules.retries import Hindrance, held


def begun(situation: Situation, version: str, *, forced: bool, deployment_id: str | None = None) -> Retiring:
    """Record that a deployment is being undeployed; what is on record of this very one keeps its times.

    Args:
        situation: what was seen.
        version: whose deployment it is.
        forced: whether the drain is cut short.
        deployment_id: which one; by default the one that was seen.

    """
    deployment_id = deployment_id or shown_id(situation, version)
    known = _entry(situation, version)
    if known is not None and known.since is not None and _is_of(known, deployment_id):
        return known.model_copy(update={"forced": known.forced or forced})
    deadline = situation.now + timedelta(seconds=situation.resource.drain_timeout)
    return Retiring(
        function_version_id=version,
        deployment_id=deployment_id,
        since=situation.now,
        deadline=deadline,
        forced=forced,
        queued_requests=None if forced else situation.queued.get(version),
    )


def recorded(situation: Situation, version: str) -> Retiring | None:
    """The record of a version's deployment that is being undeployed by us; None if it is about another deployment."""
    known = _entry(situation, version)
    return known if known is not None and _is_of(known, shown_id(situation, version)) else None


def is_about_another(situation: Situation, item: Retiring) -> bool:
    """Whether NVCF shows another deployment of that version than the one which the record is about."""
    shown = shown_id(situation, item.function_version_id)
    return shown is not None and not _is_of(item, shown)


def shown_id(situation: Situation, version: str) -> str | None:
    """NVCF's id of the deployment that it shows of a version; None if it shows none, or has no ids."""
    seen = situation.observation(version)
    return seen.deployment.deployment_id if isinstance(seen, Present) else None


def due(situation: Situation, version: str) -> Retiring:
    """Record that a version is to be undeployed, before NVCF was asked to: a claim that a crash must not lose."""
    known = shown_id(situation, version) or next(iter(sorted(deployments_on_record(situation.resource, version))), None)
    return Retiring(function_version_id=version, deployment_id=known)


def _entry(situation: Situation, version: str) -> Retiring | None:
    return next((item for item in situation.resource.status.retiring if item.function_version_id == version), None)


def _is_of(item: Retiring, deployment_id: str | None) -> bool:
    """Whether a record is about that deployment. Of what NVCF does not show at the moment it may be."""
    return deployment_id is None or item.deployment_id == deployment_id


def asked_for(situation: Situation, version: str) -> bool:
    """Whether the record says that NVCF took our DELETE of that version."""
    known = recorded(situation, version)
    return known is not None and known.since is not None


def drained_too_long(situation: Situation, version: str) -> bool:
    """Whether a drain of ours is over its time and is to be cut short. A drain of somebody else never is."""
    return asked_for(situation, version) and seconds_left(situation, version) <= 0 and forces(situation)


def forces(situation: Situation) -> bool:
    """Whether the manifest wants an overdue drain cut short."""
    spec = situation.resource.spec
    return spec is None or spec.undeploy.on_drain_timeout == OnDrainTimeout.FORCE


def seconds_left(situation: Situation, version: str) -> float:
    """Seconds until the drain of that version counts as too long, by the manifest as it is now."""
    known = recorded(situation, version)
    if known is None or known.since is None:
        return float("inf")
    limit = timedelta(seconds=situation.resource.drain_timeout)
    return (known.since + limit - situation.now).total_seconds()


AGAIN = 10.0
"""Seconds after which DELETE is asked for again, while GET does not say INACTIVE."""


def undeployed(
    situation: Situation, version: str, *, purpose: Purpose = Purpose.GONE, hindered: Hindrance
) -> Decision | None:
    """Decide on the next step of a version's undeployment; None when it is proven to be gone, or not ours to remove."""
    timing, seen = situation.timing, situation.observation(version)
    if version in situation.holders:
        return None
    if isinstance(seen, Absent):
        if doubt := doubted(situation):
            return hindered(situation, doubt)
        if (wait := versions.create_settle_left(situation, version)) > 0:
            condition_set = leaving(Reason.AWAITING_ANSWER, messages.AWAITING_ANSWER_DELETING)
            return Decision(condition_set=condition_set, requeue=min(wait, timing.settle_poll), seen=True)
        return None
    if not isinstance(seen, Present):
        failure = getattr(seen, "failure", None)
        return hindered(situation, failure or Failure(Reason.PENDING, messages.PENDING, Scope.SERVER))
    if not may_undeploy(situation, version, seen):
        return None
    if drained_too_long(situation, version):
        force, known = Undeploy(version, False, purpose, shown_id(situation, version)), recorded(situation, version)
        return again(situation, force) if known is not None and known.forced else act(force)
    if not seen.is_inactive:
        graceful = gracefully(situation)
        return again(situation, Undeploy(version, graceful, purpose, shown_id(situation, version)))
    left = seconds_left(situation, version)
    pause = next_read_in(situation, version)
    requeue = min(left, pause) if left > 0 else pause
    known = recorded(situation, version)
    queued = known.queued_requests if known is not None else None
    message = messages.draining(version, situation.resource.drain_timeout, left, queued)
    condition_set = leaving(Reason.DRAINING, message)
    return Decision(condition_set=condition_set, requeue=max(requeue, 0.2), busy=True, seen=True)


def gracefully(situation: Situation) -> bool:
    """Whether the manifest wants queued requests answered first."""
    return situation.resource.spec is None or situation.resource.spec.undeploy.graceful


def again(situation: Situation, action: Undeploy) -> Decision:
    """Ask for the DELETE, unless one was answered a moment ago: a 200 proves nothing, and GET may lag behind it."""
    version = action.function_version_id
    sent = situation.local.undeploy_sent_for.get(version)
    if sent is not None and sent < AGAIN:
        condition_set = leaving(Reason.DRAINING, messages.undeploying(version))
        return Decision(
            condition_set=condition_set, requeue=min(AGAIN - sent, situation.timing.busy_poll), busy=True, seen=True
        )
    return act(action)


def next_read_in(situation: Situation, version: str) -> float:
    """Seconds until the next GET of a drain: the list shows a drain and its end by the same word, so each costs one."""
    known, timing = recorded(situation, version), situation.timing
    elapsed = (situation.now - known.since).total_seconds() if known is not None and known.since is not None else 0.0
    return min(timing.poll, max(timing.busy_poll, elapsed / 4))


def leaving(reason: Reason, message: str) -> ConditionSet:
    """The undeployment goes on automatically."""
    return conditions.progressing(Phase.DRAINING, reason, message)


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
    if resource.spec.function_ref is not None and is_unknown(resource, versions):
        message = reference_messages.unknown_function(resource.spec.function_ref.name)
        return blocked(situation, Failure(Reason.FUNCTION_MISSING, message, Scope.RESOURCE))
    if not versions:
        return act(DropFinalizer())
    if situation.access is not None:
        return blocked(situation, situation.access)
    steps = [step for version in versions if (step := undeployed(situation, version, hindered=blocked)) is not None]
    if not steps:
        return act(DropFinalizer())
    return held(situation, next((step for step in steps if step.action is not None), steps[0]), blocked)


def is_unknown(resource: Resource, versions: Collection[str]) -> bool:
    """Whether neither the record nor the CloudFunction says what may be deployed, or of which function it is."""
    missing = resource.reference.missing if resource.reference is not None else Reason.FUNCTION_MISSING
    if not versions:
        return resource.lost and missing == Reason.FUNCTION_MISSING
    return not resource.function_id or (missing == Reason.INVALID_SPEC and resource.status.function_id is None)


def blocked(situation: Situation, failure: Failure) -> Decision:
    """Keep the object, say what is in the way and name the ways out; try again automatically."""
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
