"""The wanted version is not deployed: prove it, settle, then create.

A 404 of GET is "not deployed", "no such version", "not in this key's account", "not yet" or a dependency's own 404
(facts on NVCF, sections 2, 3 and 5). It leads to a POST only past all of the checks below, in their order.
"""

from nvcf_operator.api.status import Phase
from nvcf_operator.core import condition_sets, messages, versions
from nvcf_operator.core.backoff import refused, waiting
from nvcf_operator.core.decision import Create, Decision, act
from nvcf_operator.core.diff import compare
from nvcf_operator.core.flap_guard import at_limit, not_converging
from nvcf_operator.core.ownership import doubted
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.situation import Absent, Failure, FunctionSeen, Scope, Situation
from nvcf_operator.core.unanswered import awaiting


def absent(situation: Situation, nothing: Absent) -> Decision:
    """Decide on a version that GET does not find."""
    resource, spec = situation.resource, situation.resource.spec
    assert spec is not None, "decide() has dealt with a manifest that cannot be read"
    if doubt := unproven(situation):
        return doubt
    if awaited := awaiting(situation):
        return awaited
    recorded = resource.holds and resource.status.function_version_id == spec.function_version_id
    gone = ("deployment",) if resource.in_order and recorded else ()
    if recorded and held_back(situation):
        return Decision(
            condition_set=condition_sets.stalled(Reason.MASS_ABSENCE, messages.MASS_ABSENCE, available=False)
        )
    action = Create(
        function_version_id=spec.function_version_id,
        specifications=compare.create_body(spec.deployment_specifications),
    )
    # Before the settle: it would begin anew at each reconcile, and the status would report both in turn.
    if stalled := not_converging(situation, action):
        return stalled
    if (wait := versions.redeploy_settle_left(situation, nothing)) > 0:
        # A request that lifts the brake or the guard holds until the POST.
        lifts = (recorded and situation.mass_absence) or at_limit(situation, action)
        return Decision(
            condition_set=condition_sets.progressing(
                Phase.PENDING, Reason.SETTLING, messages.settling(situation.timing.redeploy_settle), available=False
            ),
            requeue=min(wait, situation.timing.settle_poll),
            drift=gone,
            seen=not lifts,
        )
    if situation.function == FunctionSeen.NOT_FOUND:
        return refused(situation, Failure(Reason.FUNCTION_NOT_FOUND, messages.no_function(spec), Scope.RESOURCE))
    if situation.function == FunctionSeen.PUBLIC:
        return refused(situation, Failure(Reason.PUBLIC_FUNCTION, messages.public_function(spec), Scope.RESOURCE))
    return act(action, drift=gone)


def unproven(situation: Situation) -> Decision | None:
    """Refuse to believe a 404 of a key that is not shown to belong to the account on record."""
    doubt = doubted(situation)
    if doubt is None:
        return None
    if doubt.scope == Scope.SERVER:
        return waiting(situation, doubt)
    return Decision(condition_set=condition_sets.stalled(doubt.reason, doubt.message), requeue=situation.timing.poll)


def held_back(situation: Situation) -> bool:
    """Whether so much of the account is gone at once that none of it is deployed again unless a user asks for it.

    The record keeps the brake on when the account's other deployments have been gone for long, or after a restart.
    """
    resource = situation.resource
    if resource.reconcile_requested or resource.redeploy_requested:
        return False
    stalled = resource.condition("Stalled")
    reported = stalled is not None and stalled.status == "True" and stalled.reason == Reason.MASS_ABSENCE
    current = resource.status.observed_generation == resource.generation
    return situation.mass_absence or (reported and current)
