"""Suspended, paused or observed: show what NVCF holds and write nothing."""

from nvcf_operator.api.conditions import Phase
from nvcf_operator.api.spec import ManagementPolicy
from nvcf_operator.core import compare, messages, oddities, verdicts
from nvcf_operator.core.absence import unproven
from nvcf_operator.core.actions import DropFinalizer
from nvcf_operator.core.decision import Decision, act
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.situation import Absent, Listed, Present, Situation, Unseen
from nvcf_operator.core.waiting import waiting


def shown(situation: Situation) -> Decision:
    """Decide on a resource that must not be written to NVCF."""
    resource, spec = situation.resource, situation.resource.spec
    assert spec is not None, "decide() has dealt with a manifest that cannot be read"
    observe = spec.management_policy == ManagementPolicy.OBSERVE
    if observe and resource.has_finalizer:
        return act(DropFinalizer())
    seen = situation.sighting(spec.function_version_id)
    phase, reason = (Phase.OBSERVING, Reason.OBSERVING) if observe else (Phase.SUSPENDED, Reason.SUSPENDED)
    if isinstance(seen, Unseen):
        return waiting(situation, seen.trouble)
    if isinstance(seen, Absent) and (doubt := unproven(situation)):
        return doubt
    if isinstance(seen, Present) and (odd := oddities.of_comparison(spec.deployment_specifications, seen.deployment)):
        return waiting(situation, oddities.trouble(odd))
    if isinstance(seen, Present):
        found = compare.compare(spec.deployment_specifications, seen.deployment.deployment_specifications)
        matches, difference = found.in_force, found.describe()
    else:
        matches, difference = isinstance(seen, Listed) and resource.in_order, ""
    status = seen.status if isinstance(seen, Present | Listed) else None
    ready = matches and status == "ACTIVE"
    message = messages.shown(
        observe=observe, paused_by_annotation=not spec.suspend, status=status, difference=difference
    )
    available = verdicts.serves(status) if status is not None else False
    return Decision(verdict=verdicts.at_rest(phase, reason, message, ready=ready, available=available), seen=True)
