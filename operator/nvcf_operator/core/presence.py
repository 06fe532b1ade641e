"""The wanted version is deployed: whose is it, is it as specified, and how is it?"""

from datetime import datetime, timedelta

from nvcf_operator.api.conditions import Phase
from nvcf_operator.api.spec import AdoptionPolicy, DeletionPolicy, FunctionDeploymentSpec, ImmutableChange
from nvcf_operator.core import compare, health, messages, verdicts
from nvcf_operator.core.actions import Change, DropFinalizer, TakeFinalizer, Undeploy
from nvcf_operator.core.changes import Unsupported, next_change
from nvcf_operator.core.decision import Decision, Verdict, act
from nvcf_operator.core.draining import drained_too_long
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.repetition import not_converging
from nvcf_operator.core.situation import Listed, Present, Situation
from nvcf_operator.core.waiting import retry_due_in, waiting


def present(situation: Situation, seen: Present) -> Decision:
    """Decide on a deployment that GET, or our own write, has just shown."""
    resource, spec = situation.resource, situation.resource.spec
    assert spec is not None, "decide() has dealt with a manifest that cannot be read"
    if stranger(situation) and spec.adoption_policy == AdoptionPolicy.REFUSE:
        return Decision(verdict=verdicts.stalled(Reason.ALREADY_DEPLOYED, messages.already_deployed(spec)), seen=True)
    if seen.status.upper() == "INACTIVE":
        return draining(situation, seen)
    if spec.deletion_policy == DeletionPolicy.DELETE and not resource.has_finalizer:
        return act(TakeFinalizer())
    if spec.deletion_policy == DeletionPolicy.RETAIN and resource.has_finalizer:
        return act(DropFinalizer())
    if seen.status.upper() == "ERROR":
        told = health.of(situation, seen)
        verdict = verdicts.stalled(Reason.DEPLOYMENT_FAILED, messages.deployment_failed(told), available=False)
        # The status can be seen a moment before its reason is written.
        return Decision(verdict=verdict, requeue=None if told else situation.timing.poll, seen=True)
    return as_specified(situation, seen, spec)


def as_specified(situation: Situation, seen: Present, spec: FunctionDeploymentSpec) -> Decision:
    """Hold the deployment against the manifest, field by field, and mend at most one thing."""
    resource = situation.resource
    found = compare.compare(spec.deployment_specifications, seen.deployment.deployment_specifications)
    serving = verdicts.serves(seen.status)
    if found.immutable:
        if spec.rollout.immutable_change == ImmutableChange.REDEPLOY:
            message = messages.redeploy_not_supported(found.describe())
            return Decision(verdict=verdicts.stalled(Reason.NOT_SUPPORTED, message, available=serving), seen=True)
        message = messages.immutable(found.describe())
        return Decision(verdict=verdicts.stalled(Reason.IMMUTABLE_FIELD_CHANGED, message, available=serving), seen=True)
    change = next_change(found, patch_supported=situation.memory.patch_supported)
    if change is None:
        return state(situation, seen)
    if isinstance(change, Unsupported):
        message = messages.unsupported_by_server(change.fields)
        return Decision(verdict=verdicts.stalled(Reason.NOT_SUPPORTED, message, available=serving), seen=True)
    if situation.failure is not None:
        return waiting(situation, situation.failure, at_work=True)
    if (wait := retry_due_in(situation)) > 0:
        return Decision(requeue=wait, seen=True)
    action = Change(spec.function_version_id, seen.deployment.deployment_id, change)
    drift = tuple(sorted({item.field for item in found.differences})) if resource.in_order else ()
    return not_converging(situation, action) or act(action, drift=drift)


def listed(situation: Situation, entry: Listed) -> Decision:
    """Decide by the list alone: the deployment was as specified when it was last read, and only its status is news."""
    return state(situation, entry)


def state(situation: Situation, seen: Present | Listed) -> Decision:
    """Decide by the status of a deployment that is as specified."""
    status, timing = seen.status.upper(), situation.timing
    verdict: Verdict
    scaling = scaling_up(situation)
    if situation.resource.redeploy_requested:
        verdict = verdicts.stalled(Reason.NOT_SUPPORTED, messages.REDEPLOY_REQUESTED, available=verdicts.serves(status))
        return Decision(verdict=verdict, seen=True)
    if status == "ACTIVE" and not scaling:
        verify = timing.redeploy_settle if situation.memory.verify else None
        return Decision(
            verdict=verdicts.in_force(messages.active(situation.resource.wanted_version)), requeue=verify, seen=True
        )
    deadline, left = progress_deadline(situation)
    told = health.of(situation, seen)
    serving = verdicts.serves(status)
    if status not in ("ACTIVE", "DEPLOYING", "DEGRADING", "DEGRADED"):
        verdict = verdicts.unwell(Reason.UNKNOWN_STATUS, messages.unknown_status(seen.status), available=False)
    elif left <= 0:
        message = messages.deadline_exceeded(seen.status, deadline, told)
        verdict = verdicts.stalled(Reason.PROGRESS_DEADLINE_EXCEEDED, message, available=serving)
    elif scaling:
        verdict = verdicts.progressing(Phase.DEPLOYING, Reason.SCALING_UP, messages.SCALING_UP, available=serving)
    elif status == "DEPLOYING":
        verdict = verdicts.progressing(Phase.DEPLOYING, Reason.DEPLOYING, messages.deploying(told), available=False)
    else:
        reason = Reason.DEGRADED if status == "DEGRADED" else Reason.DEGRADING
        verdict = verdicts.unwell(reason, messages.degraded(status, told), available=serving)
    busy = not verdict.stalled
    # healthInfo stands in a GET only, so a deployment that takes long is read now and then.
    look = timing.poll if verdict.reconciling and not verdict.stalled else None
    requeue = timing.redeploy_settle if scaling or situation.memory.verify else None
    waits = [wait for wait in (requeue, look, left if left > 0 else None) if wait is not None]
    return Decision(verdict=verdict, requeue=min(waits, default=None), busy=busy, seen=True)


def draining(situation: Situation, seen: Present) -> Decision:
    """Wait for a row that is INACTIVE: a drain, ours or another's, or a POST in the making."""
    resource = situation.resource
    if situation.failure is not None:
        return waiting(situation, situation.failure, at_work=True)
    if drained_too_long(situation, resource.wanted_version):
        return act(Undeploy(resource.wanted_version, graceful=False))
    verdict = verdicts.progressing(Phase.DRAINING, Reason.DRAINING, messages.FOREIGN_DRAIN, available=False)
    drift = ("deployment",) if resource.in_order else ()
    return Decision(verdict=verdict, requeue=situation.timing.busy_poll, busy=True, seen=True, drift=drift)


def stranger(situation: Situation) -> bool:
    """Whether somebody else made this deployment: it is not on record, and no intent of ours may have made it."""
    resource = situation.resource
    recorded = resource.holds and resource.status.function_version_id == resource.wanted_version
    intent = resource.intent
    ours = intent is not None and intent.function_version_id == resource.wanted_version
    return not recorded and not ours


def scaling_up(situation: Situation) -> bool:
    """Whether a minimum was raised by us and the server's own loop has not confirmed the instances yet."""
    ready = situation.resource.condition("Ready")
    recorded = ready is not None and ready.reason == Reason.SCALING_UP
    return situation.memory.raised_minimum or (recorded and situation.memory.verify)


def progress_since(situation: Situation) -> datetime:
    """Start of the current deadline: recorded for this generation, else now."""
    status, resource = situation.resource.status, situation.resource
    if status.progressing_since is not None and status.observed_generation == resource.generation:
        return status.progressing_since
    return situation.now


def progress_deadline(situation: Situation) -> tuple[int, float]:
    """The deadline in seconds, and how many are left of it."""
    spec = situation.resource.spec
    assert spec is not None, "decide() has dealt with a manifest that cannot be read"
    seconds = spec.rollout.progress_deadline_seconds
    end = progress_since(situation) + timedelta(seconds=seconds)
    return seconds, (end - situation.now).total_seconds()
