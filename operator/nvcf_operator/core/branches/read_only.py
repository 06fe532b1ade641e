"""Nothing is written: by request of the manifest, or because the API server refuses our own write.

A refusal (admission policy, webhook, quota, our rights, the object's size) is reported in the API server's own words
and tried again with backoff. Nothing on the object changes when what refuses it lets it pass, so nothing but time and a
user's request leads to the next try.
"""

from nvcf_operator import backoff
from nvcf_operator.api.status import Phase
from nvcf_operator.core.branches.not_deployed import unproven
from nvcf_operator.core.diff import compare
from nvcf_operator.core.model.decision import ConditionSet, Decision, DropFinalizer, act
from nvcf_operator.core.model.observed import Absent, FunctionStatus, Listed, Present, Unknown
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.report import conditions, messages
from nvcf_operator.core.rules.error_classification import unreadable
from nvcf_operator.core.rules.retries import phase_at_work, progress_deadline, waiting


def shown(situation: Situation) -> Decision:
    """Decide on a resource that must not be written to NVCF."""
    resource, spec = situation.resource, situation.resource.spec
    assert spec is not None, "decide() has dealt with a manifest that cannot be read"
    observe = resource.observes
    if observe and resource.has_finalizer:
        return act(DropFinalizer())
    seen = situation.observation(resource.wanted_version)
    phase, reason = (Phase.OBSERVING, Reason.OBSERVING) if observe else (Phase.SUSPENDED, Reason.SUSPENDED)
    if isinstance(seen, Unknown):
        return waiting(situation, seen.failure)
    if isinstance(seen, Absent) and (doubt := unproven(situation)):
        return doubt
    if isinstance(seen, Present) and (
        odd := compare.unreadable_for_comparison(spec.deployment_specifications, seen.deployment)
    ):
        return waiting(situation, unreadable(odd))
    if isinstance(seen, Present):
        found = compare.compare(spec.deployment_specifications, seen.deployment.deployment_specifications)
        matches, difference = found.in_force, found.describe()
    else:
        matches, difference = isinstance(seen, Listed) and resource.in_order, ""
    status = seen.status if isinstance(seen, Present | Listed) else None
    ready = matches and status == FunctionStatus.ACTIVE
    message = messages.shown(
        observe=observe, paused_by_annotation=not spec.suspend, status=status, difference=difference
    )
    available = isinstance(seen, Present | Listed) and seen.serves
    return Decision(
        condition_set=conditions.at_rest(phase, reason, message, ready=ready, available=available), seen=True
    )


def write_refused(situation: Situation, message: str) -> Decision:
    """Decide on a resource whose finalizer or intent could not be written: report it and wait.

    Args:
        situation: what was seen.
        message: which write was refused, and in which words (`messages.write_refused`).

    """
    resource = situation.resource
    wait = backoff.refused_by_cluster(situation.local.attempts)
    if resource.deleting:
        condition_set = ConditionSet(Phase.DRAINING, Reason.WRITE_REFUSED, message, reconciling=True, blocked=True)
        return Decision(condition_set=condition_set, requeue=wait, backoff=True)
    condition_set = conditions.progressing(phase_at_work(resource), Reason.WRITE_REFUSED, message)
    if resource.spec is not None:
        seconds, left = progress_deadline(situation)
        if left <= 0:
            text = messages.not_in_force(seconds, message)
            condition_set = conditions.stalled(Reason.PROGRESS_DEADLINE_EXCEEDED, text)
    return Decision(condition_set=condition_set, requeue=wait, backoff=True)
