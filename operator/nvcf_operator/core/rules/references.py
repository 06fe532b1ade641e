"""What a reference to a CloudFunction holds back, what is reported of that, and what is taken on record.

Function and GPUs of one commit arrive as two objects, in any order. So while the CloudFunction's newest generation is
not registered, or either object has just changed, only in-place changes are made; and while a pinned revision or the
CloudFunction is missing, running versions keep running in the same way.
"""

from dataclasses import replace

from nvcf_operator.api.status import Phase, TakenReference
from nvcf_operator.core.model.decision import ConditionSet, Create, Decision, Purpose, Undeploy
from nvcf_operator.core.model.reasons import Reason, Trait, reasons_with
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.report import conditions, messages, reference_messages
from nvcf_operator.core.rules.retries import grace_left, stalled_after_grace

GRAVER = (reasons_with(Trait.OUTAGE) | reasons_with(Trait.UNABLE) | reasons_with(Trait.AWAITED)) - {
    Reason.FUNCTION_NOT_FOUND
}
"""What another version of the function would not mend, so that it is reported first."""

MAKES_ANEW = frozenset({Purpose.REDEPLOY, Purpose.REQUESTED, Purpose.FAILED, Purpose.STALE})
"""Why a version is undeployed that is to be deployed again."""


def held_changes(situation: Situation, decision: Decision) -> Decision:
    """The decision on the wanted version, but that only in-place changes are made while its reference holds others."""
    resource, action, said = situation.resource, decision.action, decision.condition_set
    if not resource.holds_immutable_changes:
        return decision
    anew = isinstance(action, Create) or (isinstance(action, Undeploy) and action.purpose in MAKES_ANEW)
    if action is not None and not anew:
        return decision
    refused = said is not None and said.reason == Reason.IMMUTABLE_FIELD_CHANGED
    reference = resource.reference
    settles = reference is not None and reference.missing is None
    if settles and resource.wanted_version and not anew and not refused and not resource.has_news:
        return decision
    waits = [wait for wait in (decision.requeue, *_waits(situation)) if wait is not None and wait > 0]
    if not resource.wanted_version and situation.holder is None:
        waits = [wait for wait in _waits(situation) if wait > 0]
    if said is not None and said.reason in GRAVER and not anew:
        return replace(decision, requeue=min(waits, default=None))
    shown = replace(condition(situation), available=said.available if said is not None else None)
    retry = decision.retry
    if retry is not None and retry.reason == Reason.DEPLOYMENT_FAILED:
        retry = None  # it is not deployed again
    return replace(decision, action=None, drift=(), condition_set=shown, requeue=min(waits, default=None), retry=retry)


def condition(situation: Situation) -> ConditionSet:
    """What the conditions say while a reference holds immutable changes."""
    resource, reference = situation.resource, situation.resource.reference
    if resource.changes_function and resource.spec is not None:
        message = reference_messages.ids_of_another_function(resource.spec.function_id or "", resource.function_id)
        return conditions.stalled(Reason.INVALID_SPEC, message)
    if reference is None:
        return _progressing(resource, Reason.FUNCTION_NOT_READY, messages.PENDING)
    match reference.missing:
        case Reason.FUNCTION_MISSING:
            return stalled_after_grace(
                situation, reference.missing, reference_messages.function_missing(reference.name)
            )
        case Reason.REVISION_MISSING:
            message = reference_messages.revision_missing(reference.name, reference.pin or "")
            if reference.under_way:
                return _progressing(resource, reference.missing, message)
            return stalled_after_grace(situation, reference.missing, message)
        case Reason.INVALID_SPEC:
            ours = resource.status.function_id or ""
            message = reference_messages.another_function(reference.name, reference.function_id, ours)
            return conditions.stalled(Reason.INVALID_SPEC, message)
        case None:
            message = reference_messages.reference_settles(reference.name, reference.settle)
            return _progressing(resource, Reason.FUNCTION_NOT_READY, message)
    if reference.under_way:
        return _progressing(resource, Reason.FUNCTION_NOT_READY, reference_messages.function_not_ready(reference.name))
    said = reference_messages.function_deleting if reference.deleting else reference_messages.function_stalled
    return conditions.stalled(Reason.FUNCTION_NOT_READY, said(reference.name))


def account_mismatch(situation: Situation) -> Decision | None:
    """Refuse to write where the keys of the resource and of its CloudFunction prove different accounts."""
    resource, view = situation.resource, situation.account
    theirs = resource.reference.account_id if resource.follows and resource.reference is not None else None
    ours = (view.account_id if view is not None else None) or resource.status.account_id
    if theirs is None or ours is None or theirs == ours:
        return None
    assert resource.reference is not None, "it proves an account"
    message = reference_messages.function_of_another_account(resource.reference.name, theirs, ours)
    return Decision(condition_set=conditions.stalled(Reason.ACCOUNT_MISMATCH, message), requeue=situation.timing.poll)


def taken(resource: Resource) -> TakenReference | None:
    """What goes on record of the reference: as it is recorded, while immutable changes are held."""
    recorded, reference = resource.status.function_ref, resource.reference
    if resource.spec is None or resource.deleting:
        return recorded
    if not resource.follows:
        return recorded if resource.changes_function else None
    if reference is None or resource.holds_immutable_changes or resource.paused:
        return recorded
    found = TakenReference(generation=reference.generation, hash=reference.hash, revision=reference.revision)
    same = recorded is not None and (recorded.hash, recorded.revision) == (found.hash, found.revision)
    return recorded if reference.pin is not None and same else found


def _waits(situation: Situation) -> tuple[float, ...]:
    """Seconds after which the reference alone wants another reconcile; the CloudFunction's changes queue it anyway."""
    reference = situation.resource.reference
    if reference is None:
        return (situation.timing.busy_poll if situation.resource.follows else situation.timing.poll,)
    grace = grace_left(situation, reference.missing) if reference.missing is not None else 0.0
    return (reference.settle_left, grace, situation.timing.poll)


def _progressing(resource: Resource, reason: Reason, message: str) -> ConditionSet:
    phase = Phase(resource.status.phase or Phase.PENDING)
    return conditions.progressing(Phase.PENDING if phase == Phase.FAILED else phase, reason, message)
