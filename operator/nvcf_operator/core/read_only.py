"""Suspended, paused or observed: show what NVCF holds and write nothing."""

from nvcf_operator.api.conditions import Phase
from nvcf_operator.core import compare, condition_sets, messages, oddities
from nvcf_operator.core.actions import DropFinalizer
from nvcf_operator.core.decision import Decision, act
from nvcf_operator.core.not_deployed import unproven
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.situation import Absent, FunctionStatus, Listed, Present, Situation, Unknown
from nvcf_operator.core.waiting import waiting


def shown(situation: Situation) -> Decision:
    """Decide on a resource that must not be written to NVCF."""
    resource, spec = situation.resource, situation.resource.spec
    assert spec is not None, "decide() has dealt with a manifest that cannot be read"
    observe = resource.observes
    if observe and resource.has_finalizer:
        return act(DropFinalizer())
    seen = situation.observation(spec.function_version_id)
    phase, reason = (Phase.OBSERVING, Reason.OBSERVING) if observe else (Phase.SUSPENDED, Reason.SUSPENDED)
    if isinstance(seen, Unknown):
        return waiting(situation, seen.failure)
    if isinstance(seen, Absent) and (doubt := unproven(situation)):
        return doubt
    if isinstance(seen, Present) and (odd := oddities.of_comparison(spec.deployment_specifications, seen.deployment)):
        return waiting(situation, oddities.failure(odd))
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
        condition_set=condition_sets.at_rest(phase, reason, message, ready=ready, available=available), seen=True
    )
